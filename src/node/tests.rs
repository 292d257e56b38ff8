//! A node without a network on a store in memory, spoken to over the pipe.

mod asking;
mod finding;
mod running;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::control::client::{Client, ClientError};
use crate::control::view::{EventView, Status, Window, WindowRequest};
use crate::control::{AddOutcome, FailureCode, LogRequest, Reply, Request};
use crate::event::index::{Arrival, Index};
use crate::event::key::Key;
use crate::event::wall::WallTime;
use crate::limits::CLOSING_PATIENCE;
use crate::node::closing::Closing;
use crate::node::home::acknowledged::Keeper;
use crate::node::home::book::Book;
use crate::node::setup::{Opened, begin};
use crate::node::surroundings::Surroundings;
use crate::node::{Names, Node, Stopped, create};
use crate::store::memory::MemoryStore;
use crate::store::{Error, Record, Store};

/// A store in memory that counts its commits, and holds them, or the reading of its index, back while told to.
#[derive(Clone, Debug)]
struct Slow {
    inner: Arc<MemoryStore>,
    commits: Arc<AtomicUsize>,
    hold: Arc<AtomicBool>,
    hold_index: Arc<AtomicBool>,
}

impl Store for Slow {
    fn index(&self) -> Result<Index, Error> {
        while self.hold_index.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        self.inner.index()
    }

    fn append(&self, batch: &[Record]) -> Result<(), Error> {
        while self.hold.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        self.commits.fetch_add(1, Ordering::SeqCst);
        self.inner.append(batch)
    }

    fn read(&self, at: Arrival) -> Result<Vec<u8>, Error> {
        self.inner.read(at)
    }

    fn read_range(
        &self,
        from: Arrival,
        up_to: Arrival,
        bytes_max: usize,
    ) -> Result<Vec<Vec<u8>>, Error> {
        self.inner.read_range(from, up_to, bytes_max)
    }

    fn repair(&self, at: Arrival, bytes: &[u8]) -> Result<(), Error> {
        self.inner.repair(at, bytes)
    }

    fn size_bytes(&self) -> u64 {
        self.inner.size_bytes()
    }
}

struct World {
    node: Node,
    store: Slow,
    client: Client,
}

fn store() -> Slow {
    let key = Key::from_seed([1; 32]);
    let names = Names {
        network: "lab".into(),
        machine: "Ana".into(),
    };
    let root = create::root(names, &key, WallTime::from_ms(1_000).unwrap());
    let inner = MemoryStore::new(&create::record(&root));
    Slow {
        inner: Arc::new(inner),
        commits: Arc::default(),
        hold: Arc::default(),
        hold_index: Arc::default(),
    }
}

fn world() -> World {
    let store = store();
    let (closing, closed) = Closing::new(store.clone());
    let opened = Opened {
        closed,
        home: None,
        damaged: Vec::new(),
        keeper: Keeper::in_memory(store.index().unwrap().root.id()),
        index: store.index().unwrap(),
        store: Arc::new(closing),
        key: Key::from_seed([1; 32]),
        name: None,
        book: Book::default(),
        addresses: vec!["192.0.2.1:7".parse().unwrap()],
        would_listen: None,
        online: None,
        surroundings: Surroundings::real(),
    };
    let node = begin(opened, None).unwrap();
    let client = Client::new(node.pipe());
    World {
        node,
        store,
        client,
    }
}

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

fn texts(texts: &[&str]) -> Request {
    Request::Add {
        events: texts
            .iter()
            .map(|text| raw(&format!("{{\"text\":\"{text}\"}}")))
            .collect(),
    }
}

/// Nothing here takes long; a test that waits for ever shows what it waits for.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future)
        .await
        .expect("it comes within the time")
}

impl World {
    async fn ask(&self, request: Request) -> Reply {
        soon(self.client.ask(request)).await.unwrap()
    }

    async fn refused(&self, request: Request) -> (FailureCode, String) {
        match soon(self.client.ask(request)).await {
            Err(ClientError::Failure(failure)) => (failure.code, failure.message),
            other => panic!("{other:?}"),
        }
    }

    async fn add(&self, add: &[&str]) -> Vec<String> {
        let Reply::Added(outcomes) = self.ask(texts(add)).await else {
            panic!()
        };
        outcomes
            .into_iter()
            .map(|outcome| match outcome {
                AddOutcome::Added { uuid, .. } => uuid,
                AddOutcome::Refused(why) => panic!("{why}"),
            })
            .collect()
    }

    async fn status(&self) -> Status {
        let Reply::Status(status) = self.ask(Request::Status {}).await else {
            panic!()
        };
        *status
    }

    async fn log(&self, request: LogRequest) -> Vec<EventView> {
        let mut replies = self.client.stream(Request::Log(request));
        let mut events = Vec::new();
        loop {
            match soon(replies.next()).await.unwrap().unwrap() {
                Reply::Events(more) => events.extend(more),
                Reply::Done {} => return events,
                other @ (Reply::Status(_)
                | Reply::Added(_)
                | Reply::Event(_)
                | Reply::Ticket { .. }
                | Reply::Window(_)
                | Reply::Found(_)
                | Reply::Progress { .. }
                | Reply::Waiting { .. }
                | Reply::Verified(_)) => panic!("{other:?}"),
            }
        }
    }

    async fn labels(&self, request: LogRequest) -> Vec<String> {
        self.log(request)
            .await
            .into_iter()
            .map(|event| event.label)
            .collect()
    }

    async fn window(&self, request: WindowRequest) -> Window {
        let Reply::Window(window) = self.ask(Request::Window(request)).await else {
            panic!()
        };
        *window
    }
}

#[tokio::test]
async fn an_event_is_answered_when_it_is_durable() {
    let world = world();
    world.store.hold.store(true, Ordering::SeqCst);
    let pending = soon(world.client.begin(texts(&["a"]))).await.unwrap();
    // The status shows it already; the answer waits for the disk.
    while world.status().await.events < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.store.inner.index().unwrap().rows.len(), 1);
    assert_eq!(
        world.labels(LogRequest::default()).await,
        ["R"],
        "only durable events are listed"
    );
    let newest = world.window(WindowRequest::default()).await;
    assert_eq!(
        newest.rows[0].summary, "\"a\"",
        "the screen shows it from memory"
    );
    world.store.hold.store(false, Ordering::SeqCst);
    let Reply::Added(outcomes) = soon(pending.answer()).await.unwrap() else {
        panic!()
    };
    let AddOutcome::Added { uuid, json } = &outcomes[0] else {
        panic!()
    };
    assert!(
        json.contains(uuid) && json.contains("\"text\":\"a\""),
        "{json}"
    );
    assert_eq!(world.store.inner.index().unwrap().rows.len(), 2);
    soon(world.node.stop()).await;
}

#[tokio::test]
async fn what_comes_during_a_commit_shares_the_next() {
    let world = world();
    world.store.hold.store(true, Ordering::SeqCst);
    let mut pending = Vec::new();
    for n in 0..20 {
        pending.push(
            soon(world.client.begin(texts(&[&format!("{n}")])))
                .await
                .unwrap(),
        );
    }
    while world.status().await.events < 21 {
        tokio::task::yield_now().await;
    }
    world.store.hold.store(false, Ordering::SeqCst);
    for pending in pending {
        soon(pending.answer()).await.unwrap();
    }
    let commits = world.store.commits.load(Ordering::SeqCst);
    assert!(
        (1..=2).contains(&commits),
        "{commits} commits for 20 requests"
    );
    let summaries: Vec<_> = world
        .log(LogRequest::default())
        .await
        .into_iter()
        .skip(1)
        .map(|event| event.summary)
        .collect();
    let expected: Vec<_> = (0..20).map(|n| format!("\"{n}\"")).collect();
    assert_eq!(summaries, expected, "in the order of the requests");
}

#[tokio::test]
async fn bad_events_of_a_request_are_told_and_the_good_ones_added_as_one_run() {
    let world = world();
    let events = vec![
        raw("{\"n\":1}"),
        raw("{\"n\":9007199254740993}"),
        raw("[]"),
        raw("{\"n\":2}"),
        raw("{\"uuid\":1}"),
    ];
    let Reply::Added(outcomes) = world.ask(Request::Add { events }).await else {
        panic!()
    };
    let added: Vec<_> = outcomes
        .iter()
        .map(|outcome| matches!(outcome, AddOutcome::Added { .. }))
        .collect();
    assert_eq!(added, [true, false, false, true, false]);
    assert_eq!(world.labels(LogRequest::default()).await, ["R", "a2", "a3"]);
    let Reply::Event(second) = world.ask(Request::Show { name: "a3".into() }).await else {
        panic!()
    };
    assert!(!second.signed, "it shares the signature of the one before");
    let (code, _) = world
        .refused(Request::Add {
            events: vec![raw("{}"); 1025],
        })
        .await;
    assert_eq!(code, FailureCode::BadRequest);
}

#[tokio::test]
async fn a_failed_append_is_answered_and_the_machine_comes_back() {
    let world = world();
    world.add(&["before"]).await;
    world
        .store
        .inner
        .fail_switch()
        .store(true, Ordering::SeqCst);
    let (code, message) = world.refused(texts(&["lost"])).await;
    assert_eq!(code, FailureCode::Failed, "{message}");
    let (code, _) = world.refused(texts(&["refused at once"])).await;
    assert_eq!(code, FailureCode::Failed);
    // What is durable can be read meanwhile, and nothing else is shown.
    while soon(world.client.ask(Request::Status {})).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.labels(LogRequest::default()).await, ["R", "a2"]);
    assert_eq!(world.status().await.faults["store_failed"], 1);
    world
        .store
        .inner
        .fail_switch()
        .store(false, Ordering::SeqCst);
    let added = soon(async {
        loop {
            match world.client.ask(texts(&["after"])).await {
                Ok(Reply::Added(outcomes)) => return outcomes,
                Ok(other) => panic!("{other:?}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    })
    .await;
    assert!(matches!(&added[0], AddOutcome::Added { .. }));
    let summaries: Vec<_> = world
        .log(LogRequest::default())
        .await
        .into_iter()
        .map(|event| event.summary)
        .collect();
    assert_eq!(
        summaries,
        ["root of network lab", "\"before\"", "\"after\""]
    );
}

#[tokio::test]
async fn a_bad_line_is_told_and_the_connection_stays() {
    let world = world();
    let (reader, mut writer) = tokio::io::split(world.node.pipe());
    let mut lines = BufReader::new(reader).lines();
    let long = "x".repeat(crate::limits::CONTROL_LINE_BYTES + 1);
    for (line, id) in [
        ("nonsense", 0),
        ("{\"id\":7,\"request\":{\"dance\":{}}}", 7),
        (long.as_str(), 0),
    ] {
        writer.write_all(line.as_bytes()).await.unwrap();
        writer.write_all(b"\n\n").await.unwrap();
        let answer = soon(lines.next_line()).await.unwrap().unwrap();
        assert!(
            answer.starts_with(&format!(
                "{{\"id\":{id},\"error\":{{\"code\":\"bad_request\""
            )),
            "{answer}"
        );
    }
    writer
        .write_all(b"{\"id\":8,\"request\":{\"status\":{}}}\n")
        .await
        .unwrap();
    assert!(
        soon(lines.next_line())
            .await
            .unwrap()
            .unwrap()
            .starts_with("{\"id\":8,\"reply\":{\"status\":")
    );
}

#[tokio::test]
async fn a_client_can_stop_the_node() {
    let world = world();
    world.add(&["a"]).await;
    assert!(matches!(world.ask(Request::Stop {}).await, Reply::Done {}));
    assert_eq!(soon(world.node.stopped()).await, Stopped::Asked);
    let World {
        node,
        store,
        client,
    } = world;
    // Well before the node would give up waiting for the last reader.
    tokio::time::timeout(CLOSING_PATIENCE / 2, node.stop())
        .await
        .expect("everything is closed");
    assert_eq!(Arc::strong_count(&store.inner), 1, "the store is closed");
    assert!(client.ask(Request::Status {}).await.is_err());
}
