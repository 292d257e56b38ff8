//! The world: machines, connections, and what is on its way; every order in which things may happen.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use fedag::mutant::{self, Mutant};
use fedag::sync::message::SessionId;
use fedag::sync::outflow::Asking;
use stateright::{Model, Property};

use super::drain::{self, Drained};
use super::engine::{Asked, Engine, Place, State, Step};
use super::host::Host;
use super::properties;

/// How many of each thing may happen.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    pub(super) machines: u8,
    /// Events of one machine, and of all.
    pub(super) creates_each: u8,
    pub(super) creates: u8,
    /// Times that a machine waits for its next deadline.
    pub(super) waits: u8,
    pub(super) restarts: u8,
    /// Connections that break.
    pub(super) cuts: u8,
    /// Credit of one session in bytes.
    pub(super) take_bytes: u64,
    /// When candidates are offered.
    pub(super) asking: Asking,
    /// What a machine does of itself comes before all else that happens to it; see the module `model`.
    pub(super) is_coarse: bool,
    /// In the beginning all are connected and in step; else none is connected.
    pub(super) is_connected: bool,
}

/// A state of the world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) hosts: Vec<State>,
    /// Connections that stand, a bit a pair.
    up: u8,
    /// On its way, in order, by sender, receiver and kind of lane.
    pub(super) lanes: Vec<Vec<u32>>,
    /// How many of each thing happened.
    pub(super) created: Vec<u8>,
    pub(super) waits: u8,
    pub(super) restarts: u8,
    pub(super) cuts: u8,
}

/// The streams between two machines in one direction; each keeps its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    Control,
    Bulk,
    /// Streams that are handed over to the network: back to the sender.
    Written,
}

/// What may happen next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Create(Place),
    /// The next on this lane arrives.
    Deliver(Place, Place, Lane),
    Commit(Place),
    /// A wakeup that is due comes.
    Wakeup(Place),
    /// Time passes for this machine alone until its next deadline: clocks are never compared.
    Wait(Place),
    Restart(Place),
    Connect(Place, Place),
    /// All on its way between these is lost, at any point of a stream.
    Cut(Place, Place),
}

/// The model.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) bounds: Bounds,
    /// What the machines do wrong on purpose.
    mutant: Option<Mutant>,
    engine: Mutex<Engine>,
    begin: World,
    /// States whose further actions were asked for: all, once the exploration is exhausted.
    pub(super) expanded: AtomicUsize,
}

impl Network {
    /// `hosts` hold the same set and are not connected.
    pub(super) fn new(bounds: Bounds, hosts: Vec<Host>, mutant: Option<Mutant>) -> Self {
        let key = |host: &Host| host.node.machine.machine();
        let mut engine = Engine::new(hosts.iter().map(key).collect(), bounds.is_coarse);
        let n = hosts.len();
        let begin = World {
            hosts: hosts.into_iter().map(|host| engine.add(host)).collect(),
            up: 0,
            lanes: vec![Vec::new(); n * n * 3],
            created: vec![0; n],
            waits: 0,
            restarts: 0,
            cuts: 0,
        };
        let mut network = Self {
            bounds,
            mutant,
            engine: Mutex::new(engine),
            begin,
            expanded: AtomicUsize::new(0),
        };
        if network.bounds.is_connected {
            network.begin = network.in_step();
        }
        network
    }

    pub(super) fn engine(&self) -> MutexGuard<'_, Engine> {
        // The exploration has a thread of its own.
        mutant::set(self.mutant);
        self.engine.lock().unwrap()
    }

    /// All connected, all sessions over.
    fn in_step(&self) -> World {
        let mut world = self.begin.clone();
        for (a, b) in self.pairs() {
            world = self.next_state(&world, Act::Connect(a, b)).unwrap();
            while let Some(act) = self.by_itself(&world) {
                world = self.next_state(&world, act).unwrap();
            }
        }
        world
    }

    /// Something that happens without user, accident or time.
    pub(super) fn by_itself(&self, world: &World) -> Option<Act> {
        let mut acts = Vec::new();
        self.possible(world, &mut acts);
        let is_so = |act: &Act| matches!(act, Act::Deliver(..) | Act::Commit(_) | Act::Wakeup(_));
        acts.into_iter().find(is_so)
    }

    pub(super) fn machines(&self) -> std::ops::Range<Place> {
        0..self.bounds.machines
    }

    /// All pairs of machines, in both directions.
    fn links(&self) -> impl Iterator<Item = (Place, Place)> {
        let n = self.bounds.machines;
        (0..n).flat_map(move |from| (0..n).map(move |to| (from, to)))
    }

    /// All pairs of machines, each once.
    fn pairs(&self) -> Vec<(Place, Place)> {
        self.links().filter(|(a, b)| a < b).collect()
    }

    fn lane(&self, from: Place, to: Place, lane: Lane) -> usize {
        let n = usize::from(self.bounds.machines);
        (usize::from(from) * n + usize::from(to)) * 3 + lane as usize
    }

    fn bit(&self, a: Place, b: Place) -> u8 {
        let pair = (a.min(b), a.max(b));
        let at = self
            .pairs()
            .iter()
            .position(|other| *other == pair)
            .unwrap();
        1 << at
    }

    fn is_up(&self, world: &World, a: Place, b: Place) -> bool {
        world.up & self.bit(a, b) != 0
    }

    /// Lets one thing happen to one machine, and puts what it asks for on its way. A dial that succeeds is `Act::Connect`.
    fn step(&self, engine: &mut Engine, world: &mut World, at: Place, step: Step) {
        let (after, asked) = engine.step(world.hosts[usize::from(at)], step);
        world.hosts[usize::from(at)] = after;
        for asked in asked.iter() {
            let (to, lane, item) = match *asked {
                Asked::Send(to, letter) => (to, Lane::Control, letter),
                Asked::Bulk(to, letter) => (to, Lane::Bulk, letter),
                Asked::Written(to, SessionId(session)) => (to, Lane::Written, session),
                Asked::Dial(_) => continue,
                Asked::Hangup(to) => {
                    self.disconnect(engine, world, at, to);
                    continue;
                }
            };
            if self.is_up(world, at, to) {
                world.lanes[self.lane(at, to, lane)].push(item);
            }
        }
    }

    fn disconnect(&self, engine: &mut Engine, world: &mut World, a: Place, b: Place) {
        if !self.is_up(world, a, b) {
            return;
        }
        world.up &= !self.bit(a, b);
        for lane in [Lane::Control, Lane::Bulk, Lane::Written] {
            world.lanes[self.lane(a, b, lane)].clear();
            world.lanes[self.lane(b, a, lane)].clear();
        }
        self.step(engine, world, a, Step::Disconnected(b));
        self.step(engine, world, b, Step::Disconnected(a));
    }

    fn deliver(&self, engine: &mut Engine, world: &mut World, from: Place, to: Place, lane: Lane) {
        let on_lane = &mut world.lanes[self.lane(from, to, lane)];
        // A stream arrives as a whole.
        let is_all = self.bounds.is_coarse && lane == Lane::Bulk;
        let items: Vec<u32> = on_lane
            .drain(..if is_all { on_lane.len() } else { 1 })
            .collect();
        for item in items {
            match lane {
                Lane::Control | Lane::Bulk => {
                    self.step(engine, world, to, Step::Received(from, item));
                }
                Lane::Written => self.step(engine, world, from, Step::Written(to, SessionId(item))),
            }
        }
    }

    /// Takes pushes of events that their receivers hold by now from the lanes. They change nothing, now or later: what is held
    /// stays so until a restart, and that ends all connections.
    fn sweep(&self, engine: &mut Engine, world: &mut World) {
        for (from, to) in self.links() {
            let state = world.hosts[usize::from(to)];
            let lane = &mut world.lanes[self.lane(from, to, Lane::Control)];
            lane.retain(|letter| !engine.is_stale(state, from, *letter));
        }
    }

    /// Drains from here on; first everything that is not durable becomes so. `is_lossy`: all connections break, and all on its
    /// way is lost.
    pub(super) fn drained(&self, world: &World, is_lossy: bool) -> Drained {
        let engine = &mut *self.engine();
        let mut world = world.clone();
        for host in self.machines() {
            while engine
                .host(world.hosts[usize::from(host)])
                .node
                .committing()
                .is_some()
            {
                self.step(engine, &mut world, host, Step::Commit);
            }
        }
        if is_lossy {
            for (a, b) in self.pairs() {
                self.disconnect(engine, &mut world, a, b);
            }
        }
        let key = (world.hosts.clone(), world.up);
        if let Some(drained) = engine.drains.get(&key) {
            return *drained;
        }
        let hosts = world.hosts.iter().map(|state| engine.host(*state).clone());
        let up = self
            .pairs()
            .into_iter()
            .filter(|(a, b)| self.is_up(&world, *a, *b));
        let up = up.map(|(a, b)| (usize::from(a), usize::from(b))).collect();
        let drained = drain::drain(hosts.collect(), up);
        engine.drains.insert(key, drained);
        drained
    }

    /// All that may happen next.
    fn possible(&self, world: &World, acts: &mut Vec<Act>) {
        let engine = self.engine();
        let bounds = &self.bounds;
        let created: u8 = world.created.iter().sum();
        for at in self.machines() {
            let host = engine.host(world.hosts[usize::from(at)]);
            for to in self.machines().filter(|to| *to != at) {
                for lane in [Lane::Control, Lane::Bulk, Lane::Written] {
                    if !world.lanes[self.lane(at, to, lane)].is_empty() {
                        acts.push(Act::Deliver(at, to, lane));
                    }
                }
            }
            if host.node.committing().is_some() {
                acts.push(Act::Commit(at));
            }
            let wakes_in = host.wakes_in();
            if wakes_in == Some(Duration::ZERO) {
                acts.push(Act::Wakeup(at));
            } else if wakes_in.is_some() && world.waits < bounds.waits {
                acts.push(Act::Wait(at));
            }
            if created < bounds.creates && world.created[usize::from(at)] < bounds.creates_each {
                acts.push(Act::Create(at));
            }
            if world.restarts < bounds.restarts {
                acts.push(Act::Restart(at));
            }
        }
        for (a, b) in self.pairs() {
            if !self.is_up(world, a, b) {
                acts.push(Act::Connect(a, b));
            } else if world.cuts < bounds.cuts {
                acts.push(Act::Cut(a, b));
            }
        }
    }
}

impl Model for Network {
    type State = World;
    type Action = Act;

    fn init_states(&self) -> Vec<World> {
        vec![self.begin.clone()]
    }

    fn actions(&self, world: &World, acts: &mut Vec<Act>) {
        self.expanded.fetch_add(1, Ordering::Relaxed);
        self.possible(world, acts);
    }

    fn next_state(&self, world: &World, act: Act) -> Option<World> {
        let engine = &mut *self.engine();
        let mut next = world.clone();
        match act {
            Act::Create(at) => {
                let number = next.created[usize::from(at)];
                next.created[usize::from(at)] += 1;
                self.step(engine, &mut next, at, Step::Create(number));
            }
            Act::Deliver(from, to, lane) => self.deliver(engine, &mut next, from, to, lane),
            Act::Commit(at) => self.step(engine, &mut next, at, Step::Commit),
            Act::Wakeup(at) => self.step(engine, &mut next, at, Step::Wakeup),
            Act::Wait(at) => {
                next.waits += 1;
                let time = engine.host(next.hosts[usize::from(at)]).wakes_in()?;
                self.step(engine, &mut next, at, Step::Wait(time));
            }
            Act::Restart(at) => {
                next.restarts += 1;
                for peer in self.machines().filter(|peer| *peer != at) {
                    self.disconnect(engine, &mut next, at, peer);
                }
                self.step(engine, &mut next, at, Step::Restart);
            }
            Act::Connect(a, b) => {
                next.up |= self.bit(a, b);
                self.step(engine, &mut next, a, Step::Connected(b));
                self.step(engine, &mut next, b, Step::Connected(a));
            }
            Act::Cut(a, b) => {
                next.cuts += 1;
                self.disconnect(engine, &mut next, a, b);
            }
        }
        if self.bounds.is_coarse {
            self.sweep(engine, &mut next);
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}
