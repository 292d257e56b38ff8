//! Lies that would fill the memory. The program runs in a process of its own, whose peak is read after each.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use fedag::event::Event;
use fedag::event::id::EventId;
use fedag::event::key::Key;
use fedag::limits::{FRAME_BYTES_MAX, WANT_IDS_MAX};
use fedag::sync::message::SessionId;
use fedag::wire::{Message, codec};
use quinn::Endpoint;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::member::{Member, bytes, nobodys};
use super::peer::{client, framed, name, runtime};
use super::{Scene, held};
use crate::support::{PATIENCE, Running, lines, ok, run_with, wait_for};

/// What a liar may make the program take at most, above what it takes at rest. Of one peer: 10 MiB of windows to read and 8 to
/// send, 4 MiB of queue, some frames of 2 MiB that are checked; then the caches that fill with anything: 32 MiB of the database, 16
/// of bodies, 8 of what passed, and 16 that wait for the disk. Peaks of about 55 MiB were seen.
const ABOVE_REST: u64 = 128 << 20;

/// Memory of one held event that is a leaf, at most, with room for a table that grows: the DAG's 64 bytes, and its place among the
/// sorted leaves, some of them told.
const LEAF_BYTES: u64 = 384;

/// Events on R: each is a leaf.
const LEAVES: u64 = 20_000;

/// Connections that a stranger opens.
const CONNECTIONS: usize = 10_000;

/// A lie of much.
struct Heavy {
    name: &'static str,
    say: fn(&Scene, &Member),
}

const HEAVY: &[Heavy] = &[
    Heavy {
        name: "frames of 2 MiB that never end, on all streams",
        say: unended_frames,
    },
    Heavy {
        name: "frames a byte too long, one connection after the other",
        say: oversize_frames,
    },
    Heavy {
        name: "parents that nobody has, without end",
        say: unknown_parents,
    },
    Heavy {
        name: "bulk that nobody asked for",
        say: endless_bulk,
    },
    Heavy {
        name: "a WANT of more than fits a frame",
        say: long_answer,
    },
    Heavy {
        name: "WANTs of 15 MiB each, whose answers are not read",
        say: wants,
    },
    Heavy {
        name: "10,000 connections from one address",
        say: connections,
    },
    Heavy {
        name: "20,000 leaves",
        say: leaves,
    },
];

#[test]
#[expect(clippy::print_stdout, reason = "the peaks are asked for")]
fn no_lie_fills_the_memory() {
    let scene = Scene::new();
    let input: String = (0..256).fold(String::new(), |mut lines, n| {
        writeln!(lines, "{n} {}", "x".repeat(60_000)).unwrap();
        lines
    });
    ok(run_with(&scene.ana.dir, &["add", "-"], input.as_bytes()));
    scene.converges();
    let rest = peak(&scene.ana);
    println!("at rest {} MiB", rest >> 20);
    for (number, heavy) in (131..).zip(HEAVY) {
        let liar = scene.admit(number);
        begin_anew(&scene.ana);
        let done = std::sync::atomic::AtomicBool::new(false);
        let mut longest = Duration::ZERO;
        std::thread::scope(|scope| {
            let saying = scope.spawn(|| {
                (heavy.say)(&scene, &liar);
                done.store(true, std::sync::atomic::Ordering::Relaxed);
            });
            while !saying.is_finished() {
                longest = longest.max(scene.converges());
            }
            saying.join().unwrap();
        });
        scene.converges();
        let peak = peak(&scene.ana);
        println!(
            "{}: peak {} MiB, honest machines converge within {longest:?}",
            heavy.name,
            peak >> 20
        );
        assert!(peak < rest + ABOVE_REST, "{}: {peak} bytes", heavy.name);
    }
    scene.ends_well();
}

/// Most memory since the start, or since the last `begin_anew`, in bytes.
fn peak(node: &Running) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", node.child.id())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib << 10
}

/// From here on the peak is counted anew (proc(5), `clear_refs`).
fn begin_anew(node: &Running) {
    std::fs::write(format!("/proc/{}/clear_refs", node.child.id()), "5").unwrap();
}

fn unended_frames(scene: &Scene, liar: &Member) {
    let mut peer = scene.connect(liar);
    let length = u32::try_from(FRAME_BYTES_MAX).unwrap().to_be_bytes();
    let unended = [&length[..], &vec![7; FRAME_BYTES_MAX - 1]].concat();
    let streams = [peer.bulk(&unended), peer.bulk(&unended)];
    assert!(streams.iter().all(Option::is_some));
    assert!(peer.write(&unended));
    scene.converges();
    assert!(!peer.is_closed());
}

fn oversize_frames(scene: &Scene, liar: &Member) {
    for _ in 0..30 {
        let mut peer = scene.connect(liar);
        let length = u32::try_from(FRAME_BYTES_MAX + 1).unwrap().to_be_bytes();
        // It may be hung up on before all is written.
        peer.write(&[&length[..], &vec![7; 1 << 20]].concat());
        assert_eq!(peer.closed(), 8);
    }
}

fn unknown_parents(scene: &Scene, liar: &Member) {
    let mut peer = scene.connect(liar);
    let before = held(&scene.ana);
    for round in 0..64_u32 {
        let event = |n: u32| {
            let first = (round * 128 + n) * 64;
            let parents = (first..first + 64).map(nobodys).collect();
            liar.event(1, parents, "waiting for ever")
        };
        let events: Vec<_> = (0..128).map(event).collect();
        assert!(peer.frame(&codec::encode_push(&bytes(&events))));
    }
    peer.catch_up(liar.root);
    assert!(!peer.is_closed());
    // What ana adds meanwhile, and nothing else.
    assert!(held(&scene.ana) < before + 1000);
}

fn endless_bulk(scene: &Scene, liar: &Member) {
    let mut peer = scene.connect(liar);
    let events: Vec<_> = (1..300)
        .map(|seq| liar.on_root(seq, "nobody asked"))
        .collect();
    let frame = framed(&codec::encode_bulk(SessionId(700), &bytes(&events)));
    let mut streams: Vec<_> = (0..2).filter_map(|_| peer.bulk(&frame)).collect();
    let pump = async {
        loop {
            for stream in &mut streams {
                stream.write_all(&frame).await.unwrap();
            }
        }
    };
    runtime().block_on(async {
        drop(timeout(Duration::from_secs(4), pump).await);
    });
    assert!(!peer.is_closed());
}

/// Names of the long events that ana holds.
fn long_events(scene: &Scene) -> Vec<EventId> {
    let output = ok(crate::support::run(&scene.ana.dir, &["log", "--json"]));
    let lines = lines(&output)
        .into_iter()
        .filter(|line| line.len() > 50_000);
    let uuids = crate::node::uuids(&lines.collect::<Vec<_>>());
    let ids = uuids.iter().map(|uuid| EventId::parse(uuid).unwrap());
    ids.take(WANT_IDS_MAX).collect()
}

/// Honest as well: all 40 come, in frames that keep their bound.
fn long_answer(scene: &Scene, liar: &Member) {
    let mut peer = scene.connect(liar);
    let ids = long_events(scene)[..40].to_vec();
    peer.say(&Message::Want(ids.clone()));
    let (mut given, mut frames) = (BTreeSet::new(), 0);
    while given.len() < ids.len() {
        let answer = peer.hear(|message| matches!(message, Message::Given { .. }));
        let Message::Given { events, not_held } = answer else {
            unreachable!("that was waited for")
        };
        assert_eq!(not_held, []);
        given.extend(events.iter().map(Event::id));
        frames += 1;
    }
    assert_eq!(given, ids.into_iter().collect());
    assert!(frames > 1);
}

/// The answers are not read: they are dropped, and when nothing else gets through either the connection ends.
fn wants(scene: &Scene, liar: &Member) {
    let mut peer = scene.connect(liar);
    let ids = long_events(scene);
    assert_eq!(ids.len(), WANT_IDS_MAX);
    for _ in 0..60 {
        if !peer.say(&Message::Want(ids.clone())) {
            break;
        }
    }
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3) {
        scene.converges();
    }
    if peer.is_closed() {
        assert_eq!(peer.closed(), 16);
    }
}

/// All are strangers', and say nothing; who finds a place at the door keeps it as long as it may.
fn connections(scene: &Scene, _: &Member) {
    let (machine, address) = scene.door();
    let config = client(&Key::from_seed([94; 32]));
    let name = name(machine);
    runtime().block_on(async {
        let endpoint = Endpoint::client(([127, 0, 0, 1], 0).into()).unwrap();
        let mut open = JoinSet::new();
        for _ in 0..CONNECTIONS {
            let connecting = endpoint
                .connect_with(config.clone(), address, &name)
                .unwrap();
            open.spawn(timeout(PATIENCE, async move {
                match connecting.await {
                    Ok(connection) => drop(connection.closed().await),
                    Err(_refused) => {}
                }
            }));
            if open.len() >= 500 {
                open.join_next().await.unwrap().unwrap().unwrap();
            }
        }
        while let Some(ended) = open.join_next().await {
            ended.unwrap().expect("nobody is kept waiting for ever");
        }
    });
    let cyd = scene.lab.newcomer("cyd");
    wait_for("the door is free again", || {
        crate::support::status(&cyd.dir)["in_step"] == true
    });
    ok(crate::support::run(&cyd.dir, &["stop"]));
}

fn leaves(scene: &Scene, liar: &Member) {
    so_many_leaves(scene, liar, LEAVES, PATIENCE);
}

/// `FEDAG_LEAVES=1000000 cargo test --test it leaves_when_asked_for -- --nocapture` sends a million.
#[test]
#[expect(clippy::print_stdout, reason = "the peak is asked for")]
fn leaves_when_asked_for() {
    let Some(number) = std::env::var("FEDAG_LEAVES").ok() else {
        return;
    };
    let number: u64 = number.parse().unwrap();
    let scene = Scene::new();
    let liar = scene.admit(140);
    let (rest, begun) = (peak(&scene.ana), Instant::now());
    let mut slowest = Duration::ZERO;
    std::thread::scope(|scope| {
        let saying = scope.spawn(|| {
            so_many_leaves(&scene, &liar, number, Duration::from_secs(1800));
        });
        while !saying.is_finished() {
            slowest = slowest.max(scene.converges());
        }
        saying.join().unwrap();
    });
    let (took, above) = (begun.elapsed(), peak(&scene.ana) - rest);
    println!(
        "{number} leaves: held by both after {took:?}, meanwhile honest machines converge within {slowest:?}"
    );
    println!(
        "{} MiB above rest, {} bytes a leaf",
        above >> 20,
        above / number
    );
    assert!(above < ABOVE_REST + LEAF_BYTES * number);
    scene.ends_well();
}

fn so_many_leaves(scene: &Scene, liar: &Member, number: u64, patience: Duration) {
    let mut peer = scene.connect(liar);
    let before = held(&scene.ana);
    for chunk in (0..number).collect::<Vec<_>>().chunks(500) {
        let events: Vec<_> = chunk
            .iter()
            .map(|n| liar.on_root(n + 1, "a leaf"))
            .collect();
        assert!(peer.frame(&codec::encode_push(&bytes(&events))));
    }
    let until = Instant::now() + patience;
    for node in [&scene.ana, &scene.bob] {
        while held(node) < before + number {
            assert!(
                Instant::now() < until,
                "{} of {number} are held",
                held(node) - before
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    assert!(!peer.is_closed());
}
