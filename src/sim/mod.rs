//! A network of machines in one process and virtual time.
//!
//! The same `Machine` as in the node, driven by one queue: the same seed gives the same run. Disks commit after a delay,
//! crashes lose what was not durable, links have latency, order and cuts; TLS, tickets' secrets and frames are left out.
//! Tests write their own scenes with [`Sim`]; `storm` draws whole runs by a seed, in which anything may go wrong.
//!
//! Invariants:
//! - what a machine sent after a mark of durability is delivered only if its appends were committed;
//! - what a machine's effects lead to comes back as an input of its own, never within the step that asked for it.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod ask;
mod connect;
pub mod counts;
mod deliver;
pub mod faults;
pub mod host;
mod join;
mod judge;
pub mod links;
mod outbox;
mod perform;
pub mod property;
mod queue;
pub mod storm;
#[cfg(test)]
mod tests;
pub mod trace;
pub mod traffic;
mod watch;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::SocketAddr;
use std::time::Duration;

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use crate::event::Draft;
use crate::event::canon::Properties;
use crate::event::control::{Control, Root, Rules};
use crate::event::index::{Arrival, Index};
use crate::event::key::{Key, MachineId};
use crate::event::wall::WallTime;
use crate::limits::{
    EVENT_BYTES_DEFAULT, PARENTS_DEFAULT, SEND_QUEUE_BYTES, SEND_QUEUE_MESSAGES, TAKE_BYTES_MAX,
};
use crate::machine::effect::{Effect, Effects, When};
use crate::machine::flow::Step;
use crate::machine::input::Input;
use crate::machine::{Config, Machine};
use crate::sim::counts::Counts;
use crate::sim::faults::Faults;
use crate::sim::host::Node;
use crate::sim::links::{Host, Links};
use crate::sim::outbox::Outbox;
use crate::sim::property::Broken;
use crate::sim::queue::{Entry, Packet, What};
use crate::sim::trace::Trace;
use crate::sim::traffic::Traffic;
use crate::sim::watch::Watch;
use crate::sync::message::SessionId;
use crate::sync::outflow::Asking;
use crate::time::Time;
use crate::wire::codec;

/// How a simulated network behaves.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// The same seed, the same run.
    pub seed: u64,
    /// Shortest and longest one-way latency.
    pub latency: (Duration, Duration),
    /// Bandwidth for bulk.
    pub bytes_per_second: u64,
    /// From an append to its commit.
    pub commit: Duration,
    /// R's rules.
    pub rules: Rules,
    /// Credit of one session.
    pub take_bytes: u64,
    /// When candidates are offered.
    pub asking: Asking,
    /// What happens to messages.
    pub faults: Faults,
    /// From a dial that nobody answers to its failure.
    pub dial_patience: Duration,
    /// Messages and bytes in the send queue of a slow link, `limits::SEND_QUEUE_MESSAGES` and `SEND_QUEUE_BYTES` but in simulations.
    pub send_queue: (usize, usize),
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            seed: 1,
            latency: (Duration::from_millis(5), Duration::from_millis(15)),
            bytes_per_second: 50_000_000,
            commit: Duration::from_millis(2),
            rules: Rules {
                event_bytes_max: EVENT_BYTES_DEFAULT,
                parents_max: PARENTS_DEFAULT,
            },
            take_bytes: TAKE_BYTES_MAX,
            asking: Asking::default(),
            faults: Faults::default(),
            dial_patience: Duration::ZERO,
            send_queue: (SEND_QUEUE_MESSAGES, SEND_QUEUE_BYTES),
        }
    }
}

/// The simulation.
#[derive(Debug)]
pub struct Sim {
    setup: Setup,
    now: Time,
    rng: Pcg64Mcg,
    queue: BinaryHeap<Reverse<Entry>>,
    entries: u64,
    links: Links,
    hosts: Vec<Node>,
    numbers: BTreeMap<MachineId, Host>,
    effects: Effects,
    steps: Vec<Step>,
    /// What was delivered to each host.
    traffic: Vec<Traffic>,
    /// What stands still on its way over a cut link, in order.
    stalled: BTreeMap<(Host, Host), Vec<Packet>>,
    streams: BTreeMap<(Host, Host, SessionId), Streaming>,
    outboxes: BTreeMap<(Host, Host), Outbox>,
    counts: Counts,
    watched: Option<Box<Watched>>,
    broken: Option<Broken>,
}

/// What a run is watched with.
#[derive(Debug, Default)]
struct Watched {
    watch: Watch,
    trace: Trace,
    /// Bytes of all messages that were delivered.
    bytes: u64,
    /// Where each host's bulk came to last: when a new event was held by it.
    bulk_at: BTreeMap<Host, Time>,
    /// Where credit ended a host's last stream to another.
    credit_ended: BTreeMap<(Host, Host), Arrival>,
}

/// A stream that the node sends.
#[derive(Clone, Copy, Debug)]
struct Streaming {
    connection: u64,
    /// When its sender stopped it.
    stopped: Option<Time>,
}

impl Sim {
    /// A network of one machine, host 0, which made R.
    pub fn new(setup: Setup) -> Self {
        Self::begin(setup, None)
    }

    /// The same, every step watched: see [`Sim::broken`].
    pub fn watched(setup: Setup) -> Self {
        Self::begin(setup, Some(Box::default()))
    }

    fn begin(setup: Setup, watched: Option<Box<Watched>>) -> Self {
        let mut sim = Self {
            setup,
            now: Time(0),
            rng: Pcg64Mcg::seed_from_u64(setup.seed),
            queue: BinaryHeap::new(),
            entries: 0,
            links: Links::new(setup.latency, setup.bytes_per_second),
            hosts: Vec::new(),
            numbers: BTreeMap::new(),
            effects: Effects::default(),
            steps: Vec::new(),
            traffic: Vec::new(),
            stalled: BTreeMap::new(),
            streams: BTreeMap::new(),
            outboxes: BTreeMap::new(),
            counts: Counts::default(),
            watched,
            broken: None,
        };
        let key = sim.key(0);
        let root = Root {
            network: "simulated".into(),
            name: "m0".into(),
            rules: setup.rules,
        };
        let control = Control::Root(root);
        let draft = Draft {
            parents: Vec::new(),
            seq: 1,
            wall: wall(Time(0)),
            control,
            properties: Properties::none(),
        };
        let root = draft.sign(&key);
        sim.add_host(
            key,
            Index::of_root(root.clone(), codec::event_length(&root)),
        );
        sim
    }

    /// Virtual time.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Number of hosts.
    pub fn hosts(&self) -> usize {
        self.hosts.len()
    }

    /// The machine of a host.
    pub fn machine(&self, host: Host) -> &Machine {
        &self.hosts[host].machine
    }

    /// The host, with its disk.
    pub fn host(&self, host: Host) -> &Node {
        &self.hosts[host]
    }

    /// All steps of the flow chart that were taken; none when the run is watched, which may be long.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// How many things were planned so far: what a run costs.
    pub fn happened(&self) -> u64 {
        self.entries
    }

    /// Bytes of events that were delivered to a host.
    pub fn received_bytes(&self, host: Host) -> u64 {
        self.traffic[host].event_bytes
    }

    /// What was delivered to a host.
    pub fn traffic(&self, host: Host) -> Traffic {
        self.traffic[host]
    }

    /// How often rare states were reached.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The first property that did not hold, when the run is watched. From then on nothing happens any more.
    pub fn broken(&self) -> Option<&Broken> {
        self.broken.as_ref()
    }

    /// Handles the next thing in the queue; false: there is none.
    pub fn step(&mut self) -> bool {
        if self.broken.is_some() {
            return false;
        }
        let Some(Reverse(Entry { at, what, .. })) = self.queue.pop() else {
            return false;
        };
        self.now = self.now.max(at);
        match what {
            What::Deliver(packet) => self.deliver(packet),
            What::Streamed {
                from,
                to,
                connection,
                session,
                is_last,
            } => self.on_streamed(from, to, (connection, is_last), session),
            What::Give { host, life, input } => {
                if self.hosts[host].lives(life) {
                    self.give(host, input);
                }
            }
            What::Commit { host, life } => {
                if self.hosts[host].lives(life) {
                    self.commit(host);
                }
            }
            What::Dial { from, to, life } => self.on_dial(from, to, life),
            What::Replace {
                from,
                to,
                life,
                old,
            } => self.on_unanswered(from, to, life, old),
            What::Closed {
                host,
                peer,
                connection,
                is_leave,
            } => self.on_closed((host, peer), connection, is_leave),
            What::Idle {
                host,
                peer,
                connection,
                since,
            } => self.on_idle(host, peer, connection, since),
            What::Resume { from, to } => self.resume(from, to),
            What::Sent {
                from,
                to,
                connection,
            } => self.on_sent(from, to, connection),
            What::Start { host, life } => {
                if self.hosts[host].life() == life && !self.hosts[host].is_up() {
                    self.start(host);
                }
            }
            What::Wakeup { host, life } => {
                // One that was planned before an earlier one took its place is not given.
                if self.hosts[host].lives(life) && self.hosts[host].wakeup == Some(at) {
                    self.hosts[host].wakeup = None;
                    self.check_quiet(host);
                    self.give(host, Input::Wakeup);
                }
            }
        }
        true
    }

    /// Gives one input to a machine and performs what it asks for. Nothing happens on a host that is down.
    pub fn give(&mut self, host: Host, input: Input) {
        if !self.hosts[host].is_up() || self.broken.is_some() {
            return;
        }
        let from = self.before(host, &input);
        let mut effects = std::mem::take(&mut self.effects);
        self.hosts[host]
            .machine
            .handle(self.now, input, &mut effects);
        self.note_steps(host, &effects);
        let asked: Vec<(When, Effect)> = effects.drain().collect();
        self.effects = effects;
        for (when, effect) in asked {
            if let Some(watched) = &mut self.watched {
                watched.trace.effect(when, &effect);
            }
            match (when, effect) {
                (_, Effect::Append(append)) => {
                    self.on_append(host, from, &append);
                    self.hosts[host].log.push(append);
                    self.schedule_commit(host);
                }
                (When::Durable, effect)
                    if !self.hosts[host].is_durable() || self.hosts[host].has_waiting() =>
                {
                    self.hosts[host].wait(effect);
                }
                (When::Now | When::Durable, effect) => self.perform(host, effect),
            }
        }
        self.after(host);
        self.schedule_wakeup(host);
    }

    fn schedule_wakeup(&mut self, host: Host) {
        let Some(due) = self.hosts[host].machine.next_wakeup() else {
            return;
        };
        let due = due.max(self.now + Duration::from_micros(1));
        if self.hosts[host].wakeup.is_none_or(|planned| due < planned) {
            self.hosts[host].wakeup = Some(due);
            let life = self.hosts[host].life();
            self.push(due, What::Wakeup { host, life });
        }
    }

    /// Plans an input that something outside of the machine leads to.
    fn plan(&mut self, at: Time, host: Host, input: Input) {
        let life = self.hosts[host].life();
        self.push(at, What::Give { host, life, input });
    }

    fn push(&mut self, at: Time, what: What) {
        self.entries += 1;
        self.queue.push(Reverse(Entry {
            at,
            number: self.entries,
            what,
        }));
    }

    fn add_host(&mut self, key: Key, index: Index) {
        let seed = self.setup.seed.wrapping_add(self.hosts.len() as u64);
        let config = Config {
            seq_after: 0,
            key,
            addresses: vec![address(self.hosts.len())],
            take_bytes: self.setup.take_bytes,
            asking: self.setup.asking,
        };
        let node = Node::open(config, index, seed);
        self.numbers.insert(node.id(), self.hosts.len());
        if let Some(watched) = &mut self.watched {
            watched.watch.add_host(self.now, node.id(), &node.log);
        }
        self.hosts.push(node);
        self.traffic.push(Traffic::default());
    }

    fn find(&self, peer: MachineId) -> Host {
        *self
            .numbers
            .get(&peer)
            .expect("only simulated machines are named")
    }

    fn key(&self, number: usize) -> Key {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.setup.seed.to_be_bytes());
        seed[8..16].copy_from_slice(&(number as u64).to_be_bytes());
        Key::from_seed(seed)
    }
}

/// 2026-01-01 and the virtual time.
fn wall(now: Time) -> WallTime {
    WallTime::from_ms(1_767_225_600_000 + now.0 / 1000)
        .expect("virtual time ends before the year 9999")
}

fn address(host: Host) -> SocketAddr {
    let [_, a, b, c] = u32::try_from(host).unwrap_or(u32::MAX).to_be_bytes();
    SocketAddr::from(([10, a, b, c], 4433))
}
