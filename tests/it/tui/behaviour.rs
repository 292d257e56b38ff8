//! What keys and answers do to the screen.

use fedag::control::view::{Order, WindowRequest};
use fedag::control::{AddOutcome, Failure, FailureCode, Reply, Request};
use fedag::tui::app::App;
use fedag::tui::input::Pane;
use fedag::tui::line::{Check, Line, check};
use fedag::tui::look::Look;
use fedag::tui::message::{Ask, Msg, Popup, Tag};
use jiff::tz::TimeZone;

use super::scenes::{answer, press, team};
use super::world::World;

fn started(world: &World, size: (u16, u16)) -> App {
    let mut app = App::new(Look::FULL, TimeZone::UTC, false, size);
    let asks = app.start();
    answer(&mut app, world, asks);
    app
}

/// Tells the screen of the state and answers what it then asks.
fn tell(app: &mut App, world: &World) {
    let status = Reply::Status(Box::new(world.status(0, vec![])));
    let asks = app.update(app.now_ms + 1, Msg::Answer(Tag::Watch, Ok(status)));
    answer(app, world, asks);
}

fn shown(app: &App) -> Vec<String> {
    app.view.window().rows[app.view.visible()]
        .iter()
        .map(|row| row.label.clone())
        .collect()
}

fn adds(asks: Vec<Ask>) -> Vec<(Tag, String)> {
    let add = |ask| match ask {
        Ask::Request(tag, Request::Add { events }) => Some((tag, events[0].get().to_owned())),
        _ => None,
    };
    asks.into_iter().filter_map(add).collect()
}

#[test]
fn scrolled_back_nothing_moves_when_events_arrive() {
    let mut world = team();
    world.heal();
    let mut app = started(&world, (80, 24));
    let asks = press(&mut app, "<esc><up><up><up>");
    answer(&mut app, &world, asks);
    let before = shown(&app);
    let selected = app.selected().map(str::to_owned);
    // Events that come late stand above as well as below.
    world.write_on(2, vec![0], "from long ago");
    world.write_on(3, vec![1], "from long ago, too");
    world.write(1, "new");
    world.heal();
    tell(&mut app, &world);
    assert_eq!(shown(&app), before);
    assert_eq!(app.selected().map(str::to_owned), selected);
    let held = world.held[0].len() as u64;
    assert_eq!((app.view.news(held), app.view.below(held)), (3, 1));
    let asks = press(&mut app, "G");
    answer(&mut app, &world, asks);
    assert_eq!(
        shown(&app).last(),
        world
            .order(0, Order::Causal)
            .last()
            .map(|event| world.label(*event))
            .as_ref()
    );
}

#[test]
fn following_shows_the_newest() {
    let mut world = team();
    world.heal();
    let mut app = started(&world, (80, 24));
    let newest = world.write(0, "new");
    tell(&mut app, &world);
    assert_eq!(shown(&app).last(), Some(&world.label(newest)));
    assert_eq!(app.selected(), Some(World::uuid(newest).as_str()));
}

#[test]
fn at_most_one_request_for_rows_is_open() {
    let mut world = team();
    world.heal();
    let mut app = App::new(Look::FULL, TimeZone::UTC, false, (80, 24));
    app.start();
    let is_window = |ask: &&Ask| matches!(ask, Ask::Request(Tag::Window, _));
    for text in ["a", "b", "c"] {
        world.write(0, text);
        let status = Reply::Status(Box::new(world.status(0, vec![])));
        let asks = app.update(1, Msg::Answer(Tag::Watch, Ok(status)));
        assert_eq!(asks.iter().filter(is_window).count(), 0);
    }
    let rows = |world: &World| {
        Reply::Window(Box::new(world.window(
            0,
            &WindowRequest {
                before: 30,
                ..WindowRequest::default()
            },
        )))
    };
    let asks = app.update(2, Msg::Answer(Tag::Window, Ok(rows(&world))));
    assert_eq!(asks.iter().filter(is_window).count(), 1);
    let asks = app.update(3, Msg::Answer(Tag::Window, Ok(rows(&world))));
    assert_eq!(asks.iter().filter(is_window).count(), 0);
}

#[test]
fn a_missing_event_is_not_asked_for_for_ever() {
    let mut app = started(&team(), (120, 40));
    let mut open = press(&mut app, "<esc>k");
    for _ in 0..10 {
        let failure = Failure {
            code: FailureCode::NotFound,
            message: "no such event".into(),
        };
        let Some(Ask::Request(tag, _)) = open.pop() else {
            return;
        };
        open.extend(app.update(9, Msg::Answer(tag, Err(failure))));
    }
    panic!("it goes on asking: {open:?}");
}

#[test]
fn a_refused_line_comes_back() {
    let mut app = started(&team(), (80, 24));
    let sent = adds(press(&mut app, "hello<enter>"));
    assert_eq!(sent[0].1, r#"{"text":"hello"}"#);
    assert_eq!(app.line.text(), "");
    let refused = Reply::Added(vec![AddOutcome::Refused("still joining".into())]);
    app.update(5, Msg::Answer(sent[0].0, Ok(refused)));
    assert_eq!(app.line.text(), "hello");
    assert_eq!(
        app.word.as_ref().map(|word| (word.text.as_str(), word.bad)),
        Some(("not added: still joining", true))
    );
    let sent = adds(press(&mut app, "<enter>x"));
    app.update(
        6,
        Msg::Answer(
            sent[0].0,
            Err(Failure {
                code: FailureCode::Failed,
                message: "disk full".into(),
            }),
        ),
    );
    assert_eq!(app.line.text(), "x");
    press(&mut app, "<up>");
    assert_eq!(app.line.text(), "hello");
    press(&mut app, "<down>");
    assert_eq!(app.line.text(), "x");
}

#[test]
fn an_own_event_is_on_the_screen_wherever_it_stands() {
    let mut world = team();
    world.heal();
    let mut app = started(&world, (80, 24));
    let sent = adds(press(&mut app, "hello<enter>"));
    let event = world.write_on(0, vec![3], "hello");
    let added = Reply::Added(vec![AddOutcome::Added {
        uuid: World::uuid(event),
        json: String::new(),
    }]);
    let asks = app.update(app.now_ms, Msg::Answer(sent[0].0, Ok(added)));
    answer(&mut app, &world, asks);
    tell(&mut app, &world);
    assert!(
        shown(&app).contains(&world.label(event)),
        "{:?}",
        shown(&app)
    );
}

#[test]
fn parents_and_children_are_one_key_away() {
    let mut world = team();
    world.heal();
    let event = world.write(0, "on all leaves");
    let mut app = started(&world, (120, 40));
    let asks = press(&mut app, "<esc>h");
    answer(&mut app, &world, asks);
    let parent = world.events[event].parents[0];
    assert_eq!(app.selected(), Some(World::uuid(parent).as_str()));
    let asks = press(&mut app, "l");
    answer(&mut app, &world, asks);
    assert_eq!(app.selected(), Some(World::uuid(event).as_str()));
}

#[test]
fn the_order_can_be_changed_and_the_selection_stays() {
    let mut world = team();
    world.heal();
    let mut app = started(&world, (80, 24));
    let asks = press(&mut app, "<esc><up><up>");
    answer(&mut app, &world, asks);
    let selected = app.selected().map(str::to_owned);
    let asks = press(&mut app, "o");
    answer(&mut app, &world, asks);
    assert_eq!(app.view.order(), Order::Arrival);
    assert_eq!(app.view.selected().map(|row| row.uuid.clone()), selected);
}

#[test]
fn keys_go_where_the_focus_is() {
    let mut app = started(&team(), (80, 24));
    press(&mut app, "qjk");
    assert_eq!(app.line.text(), "qjk");
    press(&mut app, "<ctrl-c>");
    assert_eq!((app.line.text(), app.focus), ("", Pane::Input));
    press(&mut app, "?");
    assert!(matches!(app.popup, Some(Popup::Help(_))));
    press(&mut app, "<esc>");
    assert!(app.popup.is_none());
    assert!(
        press(&mut app, "<ctrl-c>")
            .iter()
            .any(|ask| matches!(ask, Ask::Quit))
    );
    press(&mut app, "<tab>");
    assert_eq!(app.focus, Pane::Events);
    assert!(
        press(&mut app, "q")
            .iter()
            .any(|ask| matches!(ask, Ask::Quit))
    );
    let copied = press(&mut app, "y")
        .into_iter()
        .any(|ask| matches!(ask, Ask::Copy(uuid) if Some(uuid.as_str()) == app.selected()));
    assert!(copied);
}

#[test]
fn nothing_changes_when_the_state_is_told_again() {
    let world = team();
    let mut app = started(&world, (80, 24));
    tell(&mut app, &world);
    app.take_changed();
    tell(&mut app, &world);
    assert!(!app.take_changed());
}

#[test]
fn the_line_is_checked_as_it_is_typed() {
    assert_eq!(check("  "), Check::Empty);
    assert_eq!(check("hi {"), Check::Text);
    assert_eq!(check(" {\"a\":1} "), Check::Json);
    let at = |text: &str| match check(text) {
        Check::Wrong { at, .. } => at,
        other => panic!("{other:?}"),
    };
    assert_eq!(at("  {\"ä\":1,}"), Some(9));
    assert_eq!(at("{\"a\":1,\"uuid\":2}"), Some(7));
    assert_eq!(at("{\"a\":1,\"a\":2}"), Some(7));
    assert_eq!(at("{\"a\":0.1000000000000000055511151231257827}"), Some(5));
}

#[test]
fn pasted_text_goes_to_the_cursor() {
    let mut line = Line::default();
    line.set("ad".into());
    line.edit(crossterm::event::KeyEvent::from(
        crossterm::event::KeyCode::Left,
    ));
    assert_eq!(line.paste("b\r\nc\n"), 0);
    assert_eq!(line.text(), "ab\ncd");
    let (text, json) = line.take().unwrap();
    assert_eq!(
        (text.as_str(), json.get()),
        ("ab\ncd", "{\"text\":\"ab\\ncd\"}")
    );
    assert!(line.take().is_none());
}

#[test]
fn what_peers_did_wrong_stands_on_the_screen() {
    let world = team();
    let mut app = started(&world, (160, 24));
    let top = |app: &App| super::text(app).lines().next().unwrap().to_owned();
    assert!(!top(&app).contains("fault"));
    let mut told = world.status(0, vec![]);
    let kinds = [("malformed", 1), ("event_signature", 1_200)];
    for (faults, shown) in [(1, "1 fault: malformed"), (2, "1,201 faults of 2 kinds")] {
        told.faults = kinds[..faults]
            .iter()
            .map(|(name, times)| ((*name).to_owned(), *times))
            .collect();
        let status = Reply::Status(Box::new(told.clone()));
        app.update(app.now_ms + 1, Msg::Answer(Tag::Watch, Ok(status)));
        assert!(top(&app).contains(shown), "{}", top(&app));
    }
}
