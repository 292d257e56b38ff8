//! A network of machines in one process and virtual time.
//!
//! The same `Machine` as in the node, driven by one queue: the same seed gives the same run. Disks commit after a delay,
//! crashes lose what was not durable, links have latency, order and cuts; TLS, tickets' secrets and frames are left out.
//!
//! Invariant: what a machine sent after a mark of durability is delivered only if its appends were committed.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod host;
mod join;
pub mod links;
mod perform;
mod queue;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::time::Duration;

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use crate::event::Draft;
use crate::event::canon::Properties;
use crate::event::control::{Control, Root, Rules};
use crate::event::id::EventId;
use crate::event::index::Index;
use crate::event::key::{Key, MachineId};
use crate::event::wall::WallTime;
use crate::limits::{EVENT_BYTES_DEFAULT, PARENTS_DEFAULT, TAKE_BYTES_MAX};
use crate::machine::effect::{Answer, Effect, Effects, Refused, When};
use crate::machine::flow::Step;
use crate::machine::input::{Input, RequestId};
use crate::machine::{Config, Machine};
use crate::sim::host::Node;
use crate::sim::links::{Host, Links};
use crate::sim::queue::{Entry, What};
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
    effects: Effects,
    steps: Vec<Step>,
    /// Bytes of events that were delivered to each host, bulk and live.
    received_bytes: Vec<u64>,
}

impl Sim {
    /// A network of one machine, host 0, which made R.
    pub fn new(setup: Setup) -> Self {
        let mut sim = Self {
            setup,
            now: Time(0),
            rng: Pcg64Mcg::seed_from_u64(setup.seed),
            queue: BinaryHeap::new(),
            entries: 0,
            links: Links::new(setup.latency, setup.bytes_per_second),
            hosts: Vec::new(),
            effects: Effects::default(),
            steps: Vec::new(),
            received_bytes: Vec::new(),
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

    /// All steps of the flow chart that were taken.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// How many things were planned so far: what a run costs.
    pub fn happened(&self) -> u64 {
        self.entries
    }

    /// Bytes of events that were delivered to a host.
    pub fn received_bytes(&self, host: Host) -> u64 {
        self.received_bytes[host]
    }

    /// Creates events with these texts at a host; the answer comes with time, see [`Sim::ask`].
    pub fn create(&mut self, host: Host, texts: &[&str]) {
        let properties = texts
            .iter()
            .map(|text| Properties::from_text(text))
            .collect();
        self.hosts[host].requests += 1;
        let request = RequestId(self.hosts[host].requests);
        self.give(
            host,
            Input::Create {
                request,
                wall: wall(self.now),
                properties,
            },
        );
    }

    /// Creates one event and runs until it is durable.
    ///
    /// # Panics
    /// When it is refused.
    pub fn created(&mut self, host: Host, text: &str) -> EventId {
        let properties = vec![Properties::from_text(text)];
        let create = Input::Create {
            request: RequestId(0),
            wall: wall(self.now),
            properties,
        };
        match self.ask(host, create) {
            Ok(Answer::Created(ids)) => ids[0],
            other => panic!("host {host} creates: {other:?}"),
        }
    }

    /// Gives a request (its number does not matter) and runs until it is answered.
    ///
    /// # Errors
    /// The machine's refusal.
    ///
    /// # Panics
    /// When no answer comes within a virtual minute.
    pub fn ask(&mut self, host: Host, mut input: Input) -> Result<Answer, Refused> {
        self.hosts[host].requests += 1;
        let number = RequestId(self.hosts[host].requests);
        if let Input::Create { request, .. }
        | Input::Invite { request, .. }
        | Input::Admit { request, .. } = &mut input
        {
            *request = number;
        }
        self.give(host, input);
        let limit = self.now + Duration::from_secs(60);
        loop {
            if let Some(answer) = self.hosts[host].answers.remove(&number) {
                return answer;
            }
            assert!(self.now <= limit && self.step(), "an answer comes");
        }
    }

    /// Cuts the link between two hosts, at once and on both sides.
    pub fn cut(&mut self, a: Host, b: Host) {
        self.disconnect(a, b);
        self.links.cut(a, b);
    }

    /// Mends it; redials find out.
    pub fn heal(&mut self, a: Host, b: Host) {
        self.links.heal(a, b);
    }

    /// Stops a host and starts it again from its disk: what was not durable is lost.
    pub fn crash(&mut self, host: Host) {
        for peer in self.links.peers_of(host) {
            self.disconnect(host, peer);
        }
        let known: Vec<(MachineId, Vec<SocketAddr>)> = self.hosts[host]
            .known
            .iter()
            .map(|known| (known.machine, known.addresses.clone()))
            .collect();
        self.hosts[host].restart(self.setup.seed);
        for (peer, addresses) in known {
            self.give(
                host,
                Input::Reachable {
                    peer,
                    addresses,
                    keep: true,
                },
            );
        }
    }

    /// Runs until `until`.
    pub fn run_until(&mut self, until: Time) {
        while self
            .queue
            .peek()
            .is_some_and(|Reverse(entry)| entry.at <= until)
        {
            self.step();
        }
        self.now = self.now.max(until);
    }

    /// Runs for a while.
    pub fn run_for(&mut self, duration: Duration) {
        self.run_until(self.now + duration);
    }

    /// Runs until all hosts hold the same set; None: they do not within `at_most`. Returns how long it took.
    pub fn run_until_equal(&mut self, at_most: Duration) -> Option<Duration> {
        self.run_until_equal_of(&(0..self.hosts.len()).collect::<Vec<_>>(), at_most)
    }

    /// The same for some of the hosts.
    pub fn run_until_equal_of(&mut self, hosts: &[Host], at_most: Duration) -> Option<Duration> {
        let (begin, limit) = (self.now, self.now + at_most);
        loop {
            if self.is_equal_of(hosts) {
                return Some(self.now.since(begin));
            }
            let next = self.queue.peek().map(|Reverse(entry)| entry.at)?;
            if next > limit {
                return None;
            }
            self.step();
        }
    }

    /// Returns whether all hosts hold the same set, durably.
    pub fn is_equal(&self) -> bool {
        self.is_equal_of(&(0..self.hosts.len()).collect::<Vec<_>>())
    }

    fn is_equal_of(&self, hosts: &[Host]) -> bool {
        let first = self.hosts[hosts[0]].machine.dag().digest();
        let is_equal = |host: &Node| host.machine.dag().digest() == first && host.is_durable();
        hosts.iter().all(|host| is_equal(&self.hosts[*host]))
    }

    /// Handles the next thing in the queue; false: there is none.
    pub fn step(&mut self) -> bool {
        let Some(Reverse(Entry { at, what, .. })) = self.queue.pop() else {
            return false;
        };
        self.now = self.now.max(at);
        match what {
            What::Deliver {
                from,
                to,
                connection,
                message,
            } => {
                if self.links.connection(from, to) == Some(connection) {
                    self.received_bytes[to] += message.event_bytes();
                    let peer = self.hosts[from].id();
                    self.give(to, Input::Received { peer, message });
                }
            }
            What::Streamed {
                from,
                to,
                connection,
                session,
            } => {
                if self.links.connection(from, to) == Some(connection) {
                    let peer = self.hosts[to].id();
                    self.give(from, Input::Streamed { peer, session });
                }
            }
            What::Commit { host, life } => self.commit(host, life),
            What::Dial { from, to } => self.connect(from, to),
            What::Wakeup { host } => {
                self.hosts[host].wakeup = None;
                self.give(host, Input::Wakeup);
            }
        }
        true
    }

    /// Gives one input to a machine and performs what it asks for.
    pub fn give(&mut self, host: Host, input: Input) {
        let mut effects = std::mem::take(&mut self.effects);
        self.hosts[host]
            .machine
            .handle(self.now, input, &mut effects);
        self.steps.extend_from_slice(effects.steps());
        let asked: Vec<(When, Effect)> = effects.drain().collect();
        self.effects = effects;
        for (when, effect) in asked {
            match (when, effect) {
                (_, Effect::Append(append)) => {
                    self.hosts[host].log.push(append);
                    self.schedule_commit(host);
                }
                (When::Durable, effect) if !self.hosts[host].is_durable() => {
                    self.hosts[host].wait(effect);
                }
                (When::Now | When::Durable, effect) => self.perform(host, effect),
            }
        }
        self.schedule_wakeup(host);
    }

    fn schedule_wakeup(&mut self, host: Host) {
        let Some(due) = self.hosts[host].machine.next_wakeup() else {
            return;
        };
        let due = due.max(self.now + Duration::from_micros(1));
        if self.hosts[host].wakeup.is_none_or(|planned| due < planned) {
            self.hosts[host].wakeup = Some(due);
            self.push(due, What::Wakeup { host });
        }
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
        };
        self.hosts.push(Node::open(config, index, seed));
        self.received_bytes.push(0);
    }

    fn find(&self, peer: MachineId) -> Host {
        self.hosts
            .iter()
            .position(|host| host.id() == peer)
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
