//! Peers on the screen: their states, what goes over, who went and who came.

use std::collections::BTreeMap;

use fedag::control::Reply;
use fedag::control::view::{MachinePhase, PeerState, PeerStatus, Progress, Status};
use fedag::tui::app::App;
use fedag::tui::look::Look;
use fedag::tui::message::{Msg, Tag};
use fedag::tui::picture;

use super::scenes::{self, team};
use super::text;

fn tell(app: &mut App, after_ms: u64, status: &Status) {
    let status = Reply::Status(Box::new(status.clone()));
    app.update(app.now_ms + after_ms, Msg::Answer(Tag::Watch, Ok(status)));
}

fn known(number: usize) -> Vec<PeerStatus> {
    let world = team();
    let one = |at: usize| PeerStatus {
        name: Some(format!("far-{at}")),
        key: format!("far{at}"),
        state: PeerState::Known,
        redial_s: None,
        why: None,
        ..world.away(0, 1, "")
    };
    (0..number).map(one).collect()
}

#[test]
fn machines_that_are_only_known_stand_last_and_many_are_one_row() {
    let mut scene = scenes::converged((120, 40));
    for (number, shown) in [(2, "○ known"), (41, "41 machines more known, not dialled")] {
        scene.status.peers.splice(0..0, known(number));
        let app = picture::app(&scene);
        let shown_text = text(&app);
        assert!(shown_text.contains(shown), "{shown_text}");
        assert!(shown_text.contains("3 Peers 3/3"), "{shown_text}");
        let line = |what: &str| shown_text.lines().position(|line| line.contains(what));
        assert!(line("● in step") < line("known"), "{shown_text}");
        scene
            .status
            .peers
            .retain(|peer| peer.state != PeerState::Known);
    }
}

#[test]
fn where_there_is_room_traffic_and_faults_are_shown() {
    let mut scene = scenes::converged((200, 60));
    scene.status.faults = BTreeMap::from([("malformed".to_owned(), 1), ("late".to_owned(), 1_200)]);
    let shown = text(&picture::app(&scene));
    for what in [
        "in/s   out/s",
        "1.2 kB   320 B",
        "fault malformed: 1 time ",
        "fault late: 1,200 times",
    ] {
        assert!(shown.contains(what), "{what}\n{shown}");
    }
    let narrow = scenes::converged((120, 40));
    assert!(!text(&picture::app(&narrow)).contains("out/s"));
}

#[test]
fn who_goes_and_who_comes_is_said_as_it_happens() {
    let world = {
        let mut world = team();
        world.heal();
        world
    };
    let all = || (1..4).map(|other| world.peer(0, other)).collect::<Vec<_>>();
    let mut app = picture::app(&scenes::converged((120, 40)));
    let mut peers = all();
    peers[0] = world.away(0, 1, "no answer within 5 s");
    tell(&mut app, 1_000, &world.status(0, peers));
    assert!(
        text(&app).contains("✗ bob went: no answer within 5 s"),
        "{}",
        text(&app)
    );
    assert!(text(&app).contains("since 08:0"), "dated\n{}", text(&app));
    tell(&mut app, 1_000, &world.status(0, all()));
    assert!(text(&app).contains("✓ bob is connected"), "{}", text(&app));
    let gone = (1..4)
        .map(|other| world.away(0, other, "timed out"))
        .collect();
    tell(&mut app, 1_000, &world.status(0, gone));
    assert!(
        text(&app).contains("✗ bob and 2 more went"),
        "{}",
        text(&app)
    );
    assert!(text(&app).contains("CUT OFF"));
    // What became of the user's own line matters more.
    scenes::press(&mut app, "hello<enter>");
    let refused = fedag::control::AddOutcome::Refused("the disk is full".into());
    let answer = Msg::Answer(Tag::Add(1), Ok(Reply::Added(vec![refused])));
    app.update(app.now_ms, answer);
    tell(&mut app, 1_000, &world.status(0, all()));
    assert!(
        text(&app).contains("✗ not added: the disk is full"),
        "{}",
        text(&app)
    );
}

#[test]
fn catching_up_says_how_fast_and_how_long() {
    let mut scene = scenes::catching_up((80, 24));
    let mut app = picture::app(&scene);
    assert!(!text(&app).contains("left"), "no pace is known yet");
    for second in 1..=6 {
        scene.status.events += 50_000;
        scene.status.progress = Some(Progress {
            held: 412_000 + second * 50_000,
            of: 1_000_000,
        });
        tell(&mut app, 1_000, &scene.status);
    }
    let shown = text(&app);
    let top = shown.lines().next().unwrap();
    assert!(top.contains("50,000/s, 6 s left"), "{top}");
    assert!(top.contains("71% 712,000/1,000,000"), "{top}");
    scene.status.phase = MachinePhase::Live;
    scene.status.progress = None;
    tell(&mut app, 1_000, &scene.status);
    assert!(!text(&app).contains(" left"));
}

/// The gutters of the rows of events.
fn gutters(app: &App) -> String {
    let shown = text(app);
    let rows = shown.lines().skip(3).take(17);
    rows.filter_map(|row| row.chars().nth(1)).collect()
}

#[test]
fn a_row_is_lit_when_its_event_arrives_and_not_for_long() {
    let mut scene = scenes::converged((80, 24));
    let last = scene.window.rows.len() - 2;
    scene.window.rows[last].arrived_ms = Some(100);
    scene.window.rows[last - 1].arrived_ms = Some(5_000);
    let mut app = picture::app(&scene);
    assert_eq!(gutters(&app).matches('+').count(), 1, "{}", text(&app));
    let ends = app.next_tick_ms().unwrap();
    assert!(ends <= app.now_ms + 200, "it is drawn anew then");
    app.update(app.now_ms + 200, Msg::Tick);
    assert!(!gutters(&app).contains('+'), "{}", text(&app));
    scene.look = Look {
        motion: false,
        ..Look::FULL
    };
    assert!(!gutters(&picture::app(&scene)).contains('+'));
}
