//! Questions: what clients see.

use std::sync::atomic::Ordering;

use super::{soon, texts, world};
use crate::control::client::Client;
use crate::control::view::{Order, WindowRequest};
use crate::control::{FailureCode, LogRequest, Reply, Request};
use crate::event::index::Arrival;
use crate::event::key::Key;
use crate::limits::WATCH_EVERY;
use crate::node::order::{CausalOrder, Ordered};

#[tokio::test]
async fn log_lists_in_both_orders_after_and_last() {
    let world = world();
    let ids = world.add(&["a", "b", "c", "d"]).await;
    for order in [Order::Causal, Order::Arrival] {
        let log = |last: Option<u64>, after: Option<&str>| {
            world.labels(LogRequest {
                order,
                last,
                after: after.map(str::to_owned),
                ..LogRequest::default()
            })
        };
        assert_eq!(log(None, None).await, ["R", "a2", "a3", "a4", "a5"]);
        assert_eq!(log(Some(2), None).await, ["a4", "a5"]);
        assert_eq!(log(Some(0), None).await, [""; 0]);
        assert_eq!(log(Some(9), None).await.len(), 5);
        assert_eq!(log(None, Some(&ids[1])).await, ["a4", "a5"]);
        assert_eq!(log(Some(1), Some("a3")).await, ["a5"]);
        assert_eq!(log(Some(3), Some("a4")).await, ["a5"]);
    }
    let by = |by: &str| LogRequest {
        by: Some(by.to_owned()),
        last: Some(1),
        ..LogRequest::default()
    };
    assert_eq!(world.labels(by("ana")).await, ["a5"]);
    let (code, _) = world.refused(Request::Log(by("nobody"))).await;
    assert_eq!(code, FailureCode::NotFound);
    let follow = Request::Log(LogRequest {
        follow: true,
        order: Order::Arrival,
        ..LogRequest::default()
    });
    assert_eq!(world.refused(follow).await.0, FailureCode::NeedsNode);
}

#[tokio::test]
async fn a_long_log_comes_in_batches() {
    let world = world();
    for _ in 0..3 {
        let many: Vec<_> = (0..300).map(|_| "x").collect();
        world.add(&many).await;
    }
    assert_eq!(world.log(LogRequest::default()).await.len(), 901);
    assert_eq!(
        world
            .labels(LogRequest {
                last: Some(300),
                ..LogRequest::default()
            })
            .await[0],
        "a602"
    );
}

#[tokio::test]
async fn show_names_events_by_uuid_prefix_and_label() {
    let world = world();
    let ids = world.add(&["a", "b"]).await;
    for name in [
        &ids[1],
        &ids[1][..13].to_owned(),
        &"a3".to_owned(),
        &"A3".to_owned(),
        &ids[1].to_uppercase(),
    ] {
        let Reply::Event(event) = world.ask(Request::Show { name: name.clone() }).await else {
            panic!()
        };
        assert_eq!(event.event.uuid, ids[1], "{name}");
        assert_eq!(
            (event.parents[0].label.as_str(), event.arrival, event.seq),
            ("a2", 2, 3)
        );
    }
    let Reply::Event(root) = world.ask(Request::Show { name: "R".into() }).await else {
        panic!()
    };
    assert_eq!(
        (root.event.label.as_str(), root.event.summary.as_str()),
        ("R", "root of network lab")
    );
    assert_eq!(
        root.children
            .iter()
            .map(|child| child.label.as_str())
            .collect::<Vec<_>>(),
        ["a2"]
    );
    for (name, code) in [
        ("zz", FailureCode::NotFound),
        ("a99", FailureCode::NotFound),
        ("ffffffff-ffff", FailureCode::NotFound),
    ] {
        assert_eq!(
            world.refused(Request::Show { name: name.into() }).await.0,
            code,
            "{name}"
        );
    }
    let Reply::Events(leaves) = world.ask(Request::Leaves {}).await else {
        panic!()
    };
    assert_eq!(
        leaves
            .iter()
            .map(|leaf| (leaf.label.as_str(), leaf.leaf))
            .collect::<Vec<_>>(),
        [("a3", true)]
    );
}

#[tokio::test]
async fn status_tells_of_a_machine_alone() {
    let world = world();
    world.add(&["a"]).await;
    let status = world.status().await;
    assert_eq!(
        (status.network.as_str(), status.machine.name.as_str()),
        ("lab", "Ana")
    );
    assert_eq!(
        (
            status.events,
            status.leaves_total,
            status.height,
            status.members
        ),
        (2, 1, 1, 1)
    );
    assert_eq!(
        (
            status.in_step,
            status.converged,
            status.cut_off_s,
            status.running
        ),
        (None, false, None, false)
    );
    assert!(status.store.bytes > 0 && status.faults.is_empty());
}

#[tokio::test]
async fn watch_tells_every_change_but_not_too_often() {
    let world = world();
    let watcher = Client::new(world.node.pipe());
    let mut replies = watcher.stream(Request::Watch {});
    let Reply::Status(first) = soon(replies.next()).await.unwrap().unwrap() else {
        panic!()
    };
    assert_eq!(first.events, 1);
    let start = tokio::time::Instant::now();
    for n in 0..50 {
        world.add(&[&format!("{n}")]).await;
    }
    let mut told = 0;
    loop {
        let Reply::Status(status) = soon(replies.next()).await.unwrap().unwrap() else {
            panic!()
        };
        told += 1;
        if status.events == 51 {
            break;
        }
    }
    let most = start.elapsed().as_millis() / WATCH_EVERY.as_millis() + 2;
    assert!(told <= most, "{told} in {:?}", start.elapsed());
}

#[tokio::test]
async fn a_watch_outlasts_a_failure_of_the_store() {
    let world = world();
    let mut replies = world.client.stream(Request::Watch {});
    assert!(soon(replies.next()).await.unwrap().is_ok());
    let fail = world.store.inner.fail_switch();
    fail.store(true, Ordering::SeqCst);
    world.store.hold_index.store(true, Ordering::SeqCst);
    world.refused(texts(&["lost"])).await;
    // Just now there is nothing that could be shown.
    let told = tokio::time::timeout(WATCH_EVERY * 3, replies.next()).await;
    assert!(told.is_err(), "{told:?}");
    world.store.hold_index.store(false, Ordering::SeqCst);
    let Reply::Status(status) = soon(replies.next()).await.unwrap().unwrap() else {
        panic!()
    };
    assert_eq!(status.faults["store_failed"], 1);
    fail.store(false, Ordering::SeqCst);
}

#[tokio::test]
async fn a_window_is_anchored_in_both_orders() {
    let world = world();
    let ids = world.add(&["a", "b", "c", "d", "e"]).await;
    for order in [Order::Causal, Order::Arrival] {
        let request = WindowRequest {
            order,
            at: Some(ids[2].clone()),
            before: 1,
            after: 1,
            ..WindowRequest::default()
        };
        let window = world.window(request).await;
        let rows: Vec<_> = window
            .rows
            .iter()
            .map(|row| (row.label.as_str(), row.summary.as_str(), row.lane))
            .collect();
        assert_eq!(
            rows,
            [("a3", "\"b\"", 0), ("a4", "\"c\"", 0), ("a5", "\"d\"", 0)]
        );
        assert_eq!((window.first, window.total), (2, 6));
        assert!(
            window
                .rows
                .iter()
                .all(|row| row.parents[0].newest && row.parents_total == 1)
        );
        let lane = &window.lanes[0];
        assert_eq!(
            (lane.name.as_str(), lane.prefix.as_str(), lane.own),
            ("Ana", "a", true)
        );
        assert!(lane.before && lane.after);
        let newest = world
            .window(WindowRequest {
                order,
                at: None,
                before: 9,
                after: 9,
                ..WindowRequest::default()
            })
            .await;
        assert_eq!(newest.rows.len(), 6);
        assert!(
            newest.rows[5].leaf
                && !newest.rows[4].leaf
                && !newest.lanes[0].before
                && !newest.lanes[0].after
        );
    }
    let unknown = WindowRequest {
        at: Some("b9".into()),
        ..WindowRequest::default()
    };
    assert_eq!(
        world.refused(Request::Window(unknown)).await.0,
        FailureCode::NotFound
    );
}

#[tokio::test]
async fn an_invite_becomes_a_ticket_and_is_reused() {
    let world = world();
    let invite = |reuse| Request::Invite {
        expires_s: 60,
        uses: 1,
        reuse,
    };
    let Reply::Ticket {
        text,
        uses,
        addresses,
        ..
    } = world.ask(invite(true)).await
    else {
        panic!()
    };
    assert_eq!((uses, addresses.len()), (1, 1));
    let ticket = crate::wire::ticket::Ticket::parse(&text).unwrap();
    assert_eq!(ticket.addresses[0].0, Key::from_seed([1; 32]).machine());
    let Reply::Ticket { text: again, .. } = world.ask(invite(true)).await else {
        panic!()
    };
    assert_eq!(again, text);
    let Reply::Ticket { text: other, .. } = world.ask(invite(false)).await else {
        panic!()
    };
    assert_ne!(other, text);
    assert_eq!(world.labels(LogRequest::default()).await, ["R", "a2", "a3"]);
}

#[tokio::test]
async fn verify_finds_what_is_damaged() {
    let world = world();
    let ids = world.add(&["a", "b", "c"]).await;
    let verify = || async {
        let mut replies = world.client.stream(Request::Verify {});
        let mut progress = 0;
        loop {
            match soon(replies.next()).await.unwrap().unwrap() {
                Reply::Progress { .. } | Reply::Waiting { .. } => progress += 1,
                Reply::Verified(report) => return (progress, report),
                other @ (Reply::Status(_)
                | Reply::Added(_)
                | Reply::Events(_)
                | Reply::Event(_)
                | Reply::Ticket { .. }
                | Reply::Window(_)
                | Reply::Found(_)
                | Reply::Done {}) => panic!("{other:?}"),
            }
        }
    };
    let (progress, report) = verify().await;
    assert_eq!(
        (progress, report.events, report.wrong.len()),
        (4, 4, 0),
        "{report:?}"
    );
    assert_eq!(report.digest, world.status().await.digest);
    world.store.inner.damage(Arrival(2));
    let (_, report) = verify().await;
    assert!(report.wrong[0].contains(&ids[1]), "{report:?}");
    let (code, message) = world.refused(Request::Show { name: "a3".into() }).await;
    assert_eq!(code, FailureCode::Failed);
    assert!(
        message.contains("damaged") && message.contains(&ids[1]),
        "{message}"
    );
}

/// A second author, and a fork of the first: what a window draws of several lanes, and how labels tell branches apart.
#[test]
fn lanes_and_labels_of_several_authors() {
    use crate::dag::{Dag, Inserted};
    use crate::event::canon::Properties;
    use crate::event::control::{Admit, Control};
    use crate::event::id::EventId;
    use crate::event::wall::WallTime;
    use crate::event::{Draft, Event};
    use crate::node::names::{Names, find_machine};
    use crate::wire::codec;

    let (ana, bob) = (Key::from_seed([1; 32]), Key::from_seed([2; 32]));
    let wall = WallTime::from_ms(0).unwrap();
    let names = crate::node::Names {
        network: "lab".into(),
        machine: "ana".into(),
    };
    let root = crate::node::create::root(names, &ana, wall);
    let mut dag = Dag::open(crate::event::index::Index::of_root(
        root.clone(),
        codec::event_length(&root),
    ));
    let mut add = |key: &Key, seq: u64, parents: &[&Event], control: Control, text: &str| {
        let parents = parents.iter().map(|event| event.id()).collect();
        let event = Draft {
            parents,
            seq,
            wall,
            control,
            properties: Properties::from_text(text),
        }
        .sign(key);
        assert!(matches!(
            dag.insert(&event, codec::event_length(&event)),
            Inserted::New(_)
        ));
        event
    };
    let admit = Control::Admit(Admit {
        key: bob.machine(),
        name: "Bob".into(),
        invite: EventId([0; 16]),
    });
    let a2 = add(&ana, 2, &[&root], admit, "");
    let b1 = add(&bob, 1, &[&a2], Control::None, "one");
    let left = add(&ana, 3, &[&a2], Control::None, "left");
    let right = add(&ana, 3, &[&b1], Control::None, "right");
    let b2 = add(&bob, 2, &[&left, &right], Control::None, "two");

    let mut labels = Names::default();
    labels.catch_up(&dag);
    let label = |event: &Event| labels.label(&dag, dag.find(event.id()).unwrap());
    assert_eq!(
        [&root, &a2, &b1, &left, &right, &b2].map(label),
        ["R", "a2", "b1", "a3", "a3'", "b2"]
    );
    for name in ["a3'", "A3'"] {
        assert_eq!(
            labels.find_event(&dag, name).unwrap(),
            dag.find(right.id()).unwrap()
        );
    }
    assert_eq!(find_machine(&dag, "bob").unwrap(), bob.machine());
    assert_eq!(
        find_machine(&dag, &bob.machine().to_string()[..6]).unwrap(),
        bob.machine()
    );
    is_causal_order(&dag);
}

/// The causal order of `dag` is one, and ranks are places in it.
fn is_causal_order(dag: &crate::dag::Dag) {
    let mut causal = CausalOrder::default();
    let order = Ordered::new(dag, &mut causal, Order::Causal);
    let all: Vec<_> = (0..order.len()).map(|rank| order.at(rank)).collect();
    assert!(all.is_sorted_by_key(|at| dag.causal_key(*at)));
    assert!(
        all.iter()
            .enumerate()
            .all(|(rank, at)| order.rank(*at) == rank)
    );
}
