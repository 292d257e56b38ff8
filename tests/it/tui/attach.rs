//! A screen on a node of another process: the node goes and comes back, the screen stays.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use fedag::control::client::Client;
use fedag::control::{Reply, Request};
use fedag::tui::app::App;
use fedag::tui::link::{Link, Node};
use fedag::tui::message::{Ask, Msg, Popup, Tag, Ticket};
use fedag::tui::picture;
use serde_json::value::RawValue;
use tokio::net::{UnixListener, UnixStream};

use super::binary::screen;
use super::scenes::{self, press};
use super::{node, text};
use crate::support::{Running, fails, fedag, network, ok, run, stderr};

fn gone(app: &mut App) -> Vec<Ask> {
    let why = "the node closed the connection".into();
    let again = Some(Duration::from_millis(100));
    app.update(app.now_ms, Msg::Gone { why, again })
}

fn told(app: &mut App, reply: Reply) -> Vec<Ask> {
    app.update(app.now_ms + 12_000, Msg::Answer(Tag::Watch, Ok(reply)))
}

#[test]
fn without_its_node_the_picture_is_old_and_claims_nothing() {
    let scene = scenes::converged((120, 40));
    let mut app = picture::app(&scene);
    press(&mut app, "half a li");
    assert!(text(&app).contains("CONVERGED"));
    gone(&mut app);
    let shown = text(&app);
    for claim in ["CONVERGED", "IN STEP", "●", "peers 3/3"] {
        let top_and_peers: String = shown
            .lines()
            .map(|line| line.chars().skip(68).collect::<String>() + "\n")
            .collect();
        let top = shown.lines().next().unwrap();
        assert!(
            !top.contains(claim) && !top_and_peers.contains(claim),
            "{claim}\n{shown}"
        );
    }
    for word in ["NODE GONE 0 s", "as of 08:03:14", "no node since 08:03:14"] {
        assert!(shown.contains(word), "{word}\n{shown}");
    }
    let asked = press(&mut app, "<esc>kk");
    assert!(asked.is_empty(), "{asked:?}");
    let asked = app.update(app.now_ms + 1, Msg::Back);
    assert!(matches!(
        asked[..],
        [Ask::Request(Tag::Watch, Request::Watch {})]
    ));
    assert!(text(&app).contains("NODE GONE"), "nothing is heard yet");
    let asked = told(&mut app, Reply::Status(Box::new(scene.status.clone())));
    let is_window = |ask: &Ask| matches!(ask, Ask::Request(Tag::Window, _));
    assert!(asked.iter().any(is_window), "{asked:?}");
    let shown = text(&app);
    assert!(shown.contains("CONVERGED"), "{shown}");
    assert!(shown.contains("the node is back, after 12 s"), "{shown}");
    assert_eq!(app.line.text(), "half a li");
    assert!(app.rates.is_empty(), "what came meanwhile is no rate");
}

#[test]
fn of_a_line_under_way_when_the_node_went_nothing_is_claimed() {
    let mut app = picture::app(&scenes::converged((80, 24)));
    press(&mut app, "one<enter>two<enter>");
    assert_eq!(app.sending(), 2);
    gone(&mut app);
    assert_eq!((app.sending(), app.line.text()), (0, "two"));
    let shown = text(&app);
    let said = "whether 2 lines were added is not known";
    assert!(shown.contains(said), "{shown}");
    press(&mut app, "<f2>");
    gone(&mut app);
    assert!(matches!(
        app.popup,
        Some(Popup::Ticket(Ticket::Refused(_) | Ticket::Ready { .. }, _))
    ));
}

fn add(text: &str) -> Request {
    let event = RawValue::from_string(format!("{{\"text\":\"{text}\"}}")).unwrap();
    Request::Add {
        events: vec![event],
    }
}

/// The first connection ends without an answer, the next is served; what was asked of the first does not reach the second.
#[tokio::test]
async fn what_was_asked_of_one_connection_does_not_reach_the_next() {
    let temp = tempfile::tempdir().unwrap();
    let socket = temp.path().join("control.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let client = Client::connect(&socket).await.unwrap();
    let (first, _) = listener.accept().await.unwrap();
    let find = {
        let socket = socket.clone();
        move || Ok(socket.clone())
    };
    let mut link = Link::new(Node::attached(client, Box::new(find)));
    assert!(link.send(Tag::Watch, Request::Watch {}).is_none());
    assert!(link.send(Tag::Add(1), add("lost")).is_none());
    first.readable().await.unwrap();
    drop(first);
    drop(listener);
    std::fs::remove_file(&socket).unwrap();
    // The loop has not heard of it yet, and goes on asking.
    assert!(link.send(Tag::Add(2), add("too late")).is_none());
    assert!(matches!(
        link.next().await,
        Msg::Gone { again: Some(_), .. }
    ));
    let refused = link.send(Tag::Add(3), add("refused"));
    assert!(matches!(refused, Some(Msg::Answer(Tag::Add(3), Err(_)))));
    let listener = UnixListener::bind(&socket).unwrap();
    let mut world = scenes::team();
    world.heal();
    tokio::spawn(serve(listener, world));
    loop {
        match link.next().await {
            Msg::Gone { again: Some(_), .. } => {}
            Msg::Back => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(link.send(Tag::Add(4), add("new")).is_none());
    assert!(matches!(
        link.next().await,
        Msg::Answer(Tag::Add(4), Ok(Reply::Added(_)))
    ));
    assert!(link.ready().is_none());
}

async fn serve(listener: UnixListener, world: super::world::World) {
    loop {
        let (stream, _): (UnixStream, _) = listener.accept().await.unwrap();
        tokio::spawn(node::serve(
            stream,
            world.clone(),
            std::sync::Arc::default(),
        ));
    }
}

fn kill(node: Running) {
    let id = node.child.id().to_string();
    let killed = std::process::Command::new("kill")
        .args(["-9", &id])
        .status();
    assert!(killed.unwrap().success());
    drop(node); // waits for it
}

#[test]
fn two_screens_stay_while_their_node_is_killed_and_started_again() {
    let (_temp, dir) = network();
    let node = Running::start(&dir, &[]);
    ok(run(&dir, &["add", "before"]));
    let (mut one, two) = (screen(&dir), screen(&dir));
    for screen in [&one, &two] {
        screen.shows("\"before\"");
        screen.shows("ALONE");
        screen.shows("quit, node goes on");
    }
    one.press("half of ");
    one.shows("half of");
    kill(node);
    for screen in [&one, &two] {
        screen.shows("NODE GONE");
        screen.shows("as of ");
        screen.shows("no node since ");
        screen.shows("\"before\"");
    }
    assert!(!one.text().contains("ALONE"), "{}", one.text());
    one.press("it\r");
    one.shows("not added: the node is gone");
    let node = Running::start(&dir, &[]);
    for screen in [&one, &two] {
        screen.shows("ALONE");
    }
    one.shows("half of it");
    one.press("\r");
    for screen in [&one, &two] {
        screen.shows("\"half of it\"");
    }
    end(one);
    end(two);
    assert_runs(&dir);
    drop(node);
}

#[test]
fn a_screen_whose_node_was_that_of_another_screen_goes_on_with_the_next() {
    let (_temp, dir) = network();
    let mut own = screen(&dir);
    own.shows("quit, stop node");
    let mut attached = screen(&dir);
    attached.shows("quit, node goes on");
    attached.resize(12, 60);
    own.press("from the one\r");
    attached.shows("from the one");
    attached.press("from the other\r");
    own.shows("from the other");
    own.press("\x03");
    assert_eq!(own.end(), 0);
    attached.shows("NODE GONE");
    let mut next = screen(&dir);
    next.shows("quit, stop node");
    attached.shows("ALONE");
    next.press("from the next\r");
    attached.shows("from the next");
    end(attached);
    next.press("and on\r");
    next.shows("and on");
    end(next);
}

#[test]
fn a_node_that_stops_says_so_to_who_follows_it() {
    let (_temp, dir) = network();
    let node = Running::start(&dir, &[]);
    let uuid = crate::node::add(&dir, "the last one");
    let mut attached = screen(&dir);
    attached.shows("the last one");
    let log = fedag(&dir)
        .args(["log", "-f"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = log;
    let mut reader = BufReader::new(log.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("the last one") {
        assert_ne!(reader.read_line(&mut line).unwrap(), 0);
    }
    node.stop();
    let output = log.wait_with_output().unwrap();
    fails(&output, 1, "the node was stopped");
    let on = format!("`fedag log -f --after {uuid}`");
    assert!(stderr(&output).contains(&on), "{}", stderr(&output));
    attached.shows("the node is stopping");
    attached.press("\x03");
    assert_eq!(attached.end(), 1, "the node is gone");
}

fn end(mut screen: super::pty::Terminal) {
    screen.press("\x03");
    assert_eq!(screen.end(), 0);
}

fn assert_runs(dir: &Path) {
    assert_eq!(
        crate::support::status(dir)["running"],
        serde_json::json!(true)
    );
}
