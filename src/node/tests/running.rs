//! The whole node without peers: its directory, its socket, and listings that go on.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::io::AsyncWriteExt;

use super::{World, soon, texts, world};
use crate::control::client::Client;
use crate::control::view::Order;
use crate::control::{LogRequest, Reply, Request};
use crate::event::wall::WallTime;
use crate::limits::CLOSING_PATIENCE;
use crate::node::ask::{Desk, Run, Shared};
use crate::node::home::Home;
use crate::node::home::files::Config;
use crate::node::invites::Invites;
use crate::node::{Error, Mode, Names, Options, create_joined, create_root, serve, start};

/// The way to the world's driver for clients that believe that it has peers.
fn online(world: &World) -> Desk {
    let of = &world.node.desk.shared;
    let shared = Shared {
        clock: of.clock,
        random: of.random.clone(),
        workers: of.workers,
        recorder: None,
        key: of.key.clone(),
        root: of.root.clone(),
        rules: of.rules,
        store: Arc::clone(&of.store),
        invites: Invites::open(None, of.clock.wall()).unwrap(),
        listening: Some("127.0.0.1:9".parse().unwrap()),
        would_listen: None,
        joining_as: None,
        addresses: Vec::new(),
    };
    Desk {
        shared: Arc::new(shared),
        ..world.node.desk.clone()
    }
}

#[tokio::test]
async fn a_followed_log_tells_of_an_outage_of_the_store_and_goes_on_after_it() {
    let world = world();
    let (near, far) = tokio::io::duplex(1 << 16);
    tokio::spawn(serve::serve(online(&world), far));
    world.add(&["before"]).await;
    let fail = world.store.inner.fail_switch();
    fail.store(true, Ordering::SeqCst);
    world.store.hold_index.store(true, Ordering::SeqCst);
    world.refused(texts(&["lost"])).await;
    let request = LogRequest {
        follow: true,
        order: Order::Arrival,
        last: Some(1),
        ..LogRequest::default()
    };
    let client = Client::new(near);
    let mut replies = client.stream(Request::Log(request));
    let told = soon(replies.next()).await.unwrap().unwrap();
    let Reply::Waiting { why } = told else {
        panic!("{told:?}")
    };
    assert!(why.contains("the store failed"), "{why}");
    world.store.hold_index.store(false, Ordering::SeqCst);
    fail.store(false, Ordering::SeqCst);
    let mut next = async || {
        let reply = soon(replies.next()).await.unwrap().unwrap();
        let Reply::Events(events) = reply else {
            panic!("{reply:?}")
        };
        events
            .into_iter()
            .map(|event| event.summary)
            .collect::<Vec<_>>()
    };
    assert_eq!(next().await, ["\"before\""]);
    while soon(world.client.ask(texts(&["after"]))).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(next().await, ["\"after\""]);
}

#[tokio::test]
async fn a_followed_log_goes_on_with_what_becomes_durable() {
    let world = world();
    let (near, far) = tokio::io::duplex(1 << 16);
    tokio::spawn(serve::serve(online(&world), far));
    world.add(&["a", "b"]).await;
    let client = Client::new(near);
    let request = LogRequest {
        follow: true,
        order: Order::Arrival,
        last: Some(1),
        ..LogRequest::default()
    };
    let mut replies = client.stream(Request::Log(request));
    let mut next = async || {
        let Reply::Events(events) = soon(replies.next()).await.unwrap().unwrap() else {
            panic!()
        };
        events
            .into_iter()
            .map(|event| event.label)
            .collect::<Vec<_>>()
    };
    assert_eq!(next().await, ["a3"]);
    world.add(&["c"]).await;
    assert_eq!(next().await, ["a4"]);
    world.add(&["d", "e"]).await;
    assert_eq!(next().await, ["a5", "a6"]);
}

#[tokio::test]
async fn a_client_that_left_holds_up_no_stop_while_the_disk_hangs() {
    let world = world();
    let (mut near, far) = tokio::io::duplex(1 << 16);
    let serving = tokio::spawn(serve::serve(world.node.desk.clone(), far));
    world.store.hold.store(true, Ordering::SeqCst);
    let add = b"{\"id\":1,\"request\":{\"add\":{\"events\":[{\"text\":\"a\"}]}}}\n";
    near.write_all(add).await.unwrap();
    near.shutdown().await.unwrap();
    while world.status().await.events < 2 {} // By then it is read, too, that no other request comes.
    world.node.desk.run.send_replace(Run::Over);
    let ended = tokio::time::timeout(CLOSING_PATIENCE / 2, serving).await;
    world.store.hold.store(false, Ordering::SeqCst);
    ended.unwrap().unwrap();
}

#[tokio::test]
async fn the_socket_is_for_its_owner_and_a_stale_one_goes() {
    let world = world();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("control.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let listener = serve::listen(&path).unwrap();
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    tokio::spawn(serve::accept(
        world.node.desk.clone(),
        listener,
        world.node.client.clone(),
    ));
    let client = soon(Client::connect(&path)).await.unwrap();
    let Reply::Status(status) = soon(client.ask(Request::Status {})).await.unwrap() else {
        panic!()
    };
    assert_eq!(status.events, 1);
}

#[tokio::test]
async fn a_node_on_a_directory_holds_its_lock_and_keeps_its_events() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::create(&dir.path().join("data")).unwrap();
    let key = home.key_or_make([3; 32]).unwrap();
    let names = Names {
        network: "lab".into(),
        machine: "cy".into(),
    };
    create_root(&home, names, &key, WallTime::from_ms(5).unwrap()).unwrap();
    let listen = "0.0.0.0:7777".parse().unwrap();
    home.write_config(&Config {
        name: "cy".into(),
        listen,
        addresses: Vec::new(),
    })
    .unwrap();
    let options = Options {
        mode: Mode::Offline,
    };

    let node = start(&home, options.clone()).await.unwrap();
    assert!(matches!(
        start(&home, options.clone()).await,
        Err(Error::Home(crate::node::home::Error::InUse { .. }))
    ));
    let client = Client::new(node.pipe());
    let Reply::Added(_) = soon(client.ask(texts(&["kept"]))).await.unwrap() else {
        panic!()
    };
    let ticket = Request::Invite {
        expires_s: 60,
        uses: 0,
        reuse: true,
    };
    let Reply::Ticket {
        text, addresses, ..
    } = soon(client.ask(ticket)).await.unwrap()
    else {
        panic!()
    };
    assert!(
        addresses.iter().all(|address| address.port() == 7777),
        "the port of the config"
    );
    soon(node.stop()).await;

    let node = start(&home, options).await.unwrap();
    let client = Client::new(node.pipe());
    let Reply::Event(event) = soon(client.ask(Request::Show { name: "c2".into() }))
        .await
        .unwrap()
    else {
        panic!()
    };
    assert_eq!(event.event.summary, "\"kept\"");
    let ticket = Request::Invite {
        expires_s: 60,
        uses: 0,
        reuse: true,
    };
    let Reply::Ticket { text: again, .. } = soon(client.ask(ticket)).await.unwrap() else {
        panic!()
    };
    assert_eq!(again, text, "the secret was kept");
    soon(node.stop()).await;
}

/// A home with a key, in its own directory, that listens on loopback.
fn home(dir: &tempfile::TempDir, name: &str, seed: u8) -> Home {
    let home = Home::create(&dir.path().join(name)).unwrap();
    home.key_or_make([seed; 32]).unwrap();
    home
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_lets_a_second_node_in_and_both_hold_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let (ana, bob) = (home(&dir, "ana", 1), home(&dir, "bob", 2));
    let names = Names {
        network: "lab".into(),
        machine: "ana".into(),
    };
    create_root(
        &ana,
        names,
        &ana.key().unwrap().unwrap(),
        WallTime::from_ms(5).unwrap(),
    )
    .unwrap();
    let listen = Some("127.0.0.1:0".parse().unwrap());
    let options = Options {
        mode: Mode::Online {
            listen,
            addresses: Vec::new(),
        },
    };
    let first = soon(start(&ana, options.clone())).await.unwrap();
    let client = Client::new(first.pipe());
    soon(client.ask(texts(&["one"]))).await.unwrap();
    let ticket = Request::Invite {
        expires_s: 60,
        uses: 1,
        reuse: false,
    };
    let Reply::Ticket { text, .. } = soon(client.ask(ticket)).await.unwrap() else {
        panic!()
    };
    let ticket = crate::wire::ticket::Ticket::parse(&text).unwrap();
    let key = bob.key().unwrap().unwrap();
    let admission = soon(crate::net::join(&key, &ticket, "bob")).await.unwrap();
    create_joined(&bob, &admission).unwrap();
    let mut book = bob.book().unwrap();
    book.keep(ticket.addresses[0].0, ticket.addresses[0].1);
    bob.write_book(&book).unwrap();
    let second = soon(start(&bob, options)).await.unwrap();
    let other = Client::new(second.pipe());
    soon(async {
        loop {
            if let Ok(Reply::Added(_)) = other.ask(texts(&["two"])).await {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        loop {
            let Ok(Reply::Status(a)) = client.ask(Request::Status {}).await else {
                panic!()
            };
            let Ok(Reply::Status(b)) = other.ask(Request::Status {}).await else {
                panic!()
            };
            if a.digest == b.digest && a.converged && b.converged && a.events == 5 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    soon(second.stop()).await;
    soon(first.stop()).await;
}
