//! Members, strangers and newcomers that lie, against the program itself.
//!
//! Ana and bob are honest and connected to each other; a liar has a genuine key and a connection to ana, over which it writes the
//! bytes it likes (`peer`). Each lie has its named fault or its bounded wait, nothing of it is held that is not valid, and
//! meanwhile what ana adds comes to bob. Whoever is honest is never hung up on, and is blamed for nothing.

mod events;
mod frames;
mod greeting;
mod heavy;
mod joining;
mod member;
mod peer;
mod relations;
mod slow;
mod table;
mod twins;

use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use fedag::event::control::{Control, Rules};
use fedag::event::id::EventId;
use fedag::event::key::{Key, MachineId};
use fedag::event::{Event, Raw};
use fedag::limits::{EVENT_BYTES_DEFAULT, PARENTS_DEFAULT};
use fedag::net;
use fedag::wire::codec;
use fedag::wire::ticket::Ticket;
use serde_json::Value;

use crate::node::{Lab, add, digest, verified};
use crate::support::{Running, run, status, wait_for};

use member::Member;
use peer::{Peer, runtime};

/// What ana's R says.
const RULES: Rules = Rules {
    event_bytes_max: EVENT_BYTES_DEFAULT,
    parents_max: PARENTS_DEFAULT,
};

/// Two honest machines, and what a liar knows of them.
struct Scene {
    lab: Lab,
    ana: Running,
    bob: Running,
    root: Event,
    ticket: Ticket,
    /// How often ana and bob had parted before; a newcomer's `join` is a connection of its own.
    parted: [usize; 2],
    /// The longest that bob waited for an event of ana's.
    longest: Mutex<Duration>,
}

impl Scene {
    fn new() -> Self {
        let lab = Lab::new();
        let ana = lab.start("ana");
        let bob = lab.newcomer("bob");
        crate::node::converged(&[&ana, &bob]);
        let ticket = Ticket::parse(&lab.ticket("ana", &["--uses", "0"])).unwrap();
        let mut scene = Self {
            root: root(&ana),
            lab,
            ana,
            bob,
            ticket,
            parted: [0, 0],
            longest: Mutex::new(Duration::ZERO),
        };
        scene.converges();
        scene.parted = scene.parted();
        scene
    }

    /// How often ana was disconnected from bob, and bob from ana.
    fn parted(&self) -> [usize; 2] {
        [(&self.ana, &self.bob), (&self.bob, &self.ana)].map(|(node, other)| {
            let key = status(&other.dir)["machine"]["key"].clone();
            let key = &key.as_str().unwrap()[..8];
            let said = std::fs::read_to_string(node.dir.with_extension("stderr")).unwrap();
            let of_other = || said.lines().filter(|line| line.contains(key));
            assert!(of_other().any(|line| line.contains(" connected")));
            of_other()
                .filter(|line| line.contains(" disconnected"))
                .count()
        })
    }

    fn root(&self) -> EventId {
        self.root.id()
    }

    fn door(&self) -> (MachineId, SocketAddr) {
        self.ticket.addresses[0]
    }

    /// Lets a liar in, by its number; it does not connect yet.
    fn admit(&self, number: u8) -> Member {
        let key = Key::from_seed([number; 32]);
        let joined = net::join(&key, &self.ticket, "liar");
        let admission = runtime().block_on(joined).unwrap();
        Member::new(key, &self.root, admission.credential)
    }

    /// Connects a member, as soon as ana has noticed that an earlier connection is gone.
    fn connect(&self, member: &Member) -> Peer {
        let mut peer = None;
        wait_for("a member is let in", || {
            peer = Peer::greet(&member.key, self.root(), self.door());
            peer.is_some()
        });
        peer.expect("that was waited for")
    }

    /// Adds an event at ana and waits until bob holds it, whatever a liar does at ana meanwhile. How long that took, with
    /// the programs that add and look.
    #[track_caller]
    fn converges(&self) -> Duration {
        let begun = Instant::now();
        let uuid = add(&self.ana.dir, "an honest event");
        let holds = || run(&self.bob.dir, &["show", &uuid]).status.code() == Some(0);
        wait_for("bob holds what ana added", holds);
        let took = begun.elapsed();
        let mut longest = self.longest.lock().unwrap();
        *longest = took.max(*longest);
        took
    }

    /// Both hold the same, nobody honest was hung up on or blamed, and all that they hold is good.
    #[track_caller]
    #[expect(clippy::print_stdout, reason = "figures for people, with --nocapture")]
    fn ends_well(self) {
        self.converges();
        wait_for("one digest", || {
            digest(&self.ana.dir) == digest(&self.bob.dir)
        });
        assert_eq!(faults(&self.bob), Vec::<(String, u64)>::new());
        assert_eq!(
            self.parted(),
            self.parted,
            "an honest machine was hung up on"
        );
        verified(&self.ana.dir);
        verified(&self.bob.dir);
        println!(
            "ana holds {} events and has counted {:?}; what she added was at bob's after {:.2} s at most",
            held(&self.ana),
            faults(&self.ana),
            self.longest.lock().unwrap().as_secs_f64()
        );
    }
}

/// R, as the program exports it.
fn root(ana: &Running) -> Event {
    let events = crate::support::events(&ana.dir);
    let raw = Raw::from_json(events[0].to_string().as_bytes()).unwrap();
    let length = codec::encode_raw(&raw).len();
    let root = Event::check_root(raw, length).unwrap();
    assert!(matches!(root.control(), Control::Root(root) if root.rules == RULES));
    root
}

/// Faults that a node has counted, by name.
fn faults(node: &Running) -> Vec<(String, u64)> {
    let status = status(&node.dir);
    let faults = status["faults"].as_object().unwrap();
    let count = |value: &Value| value.as_u64().unwrap();
    faults
        .iter()
        .map(|(name, value)| (name.clone(), count(value)))
        .collect()
}

fn held(node: &Running) -> u64 {
    status(&node.dir)["events"].as_u64().unwrap()
}
