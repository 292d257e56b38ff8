//! A simulated host: a machine, its disk, and what waits for the disk.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{Hash as _, Hasher};

use crate::event::index::{Append, Arrival, Author, Index};
use crate::event::key::{Key, MachineId};
use crate::gossip::message::Reachable;
use crate::machine::effect::{Answer, Effect, Refused};
use crate::machine::input::RequestId;
use crate::machine::{Config, Machine};
use crate::time::Time;

/// One host.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its machine. While the host is down, as it was before.
    pub machine: Machine,
    /// All appends, by arrival, R first; those below `durable` are on the disk.
    pub log: Vec<Append>,
    /// Answers that nobody has taken yet.
    pub answers: BTreeMap<RequestId, Result<Answer, Refused>>,
    pub(super) requests: u64,
    /// Requests that are not answered yet.
    pub(super) open: BTreeSet<RequestId>,
    pub(super) known: Vec<Reachable>,
    pub(super) wakeup: Option<Time>,
    /// Wakeups in the present second of virtual time.
    pub(super) woken: (u64, u32),
    /// The next commit fails.
    pub(super) fails_next: bool,
    /// Events that the disk cannot give.
    pub(super) damaged: BTreeSet<Arrival>,
    root: Index,
    config: Config,
    durable: usize,
    /// How much the commit under way writes.
    committing: Option<usize>,
    waiting: VecDeque<(usize, Effect)>,
    /// Counts restarts: what an earlier life planned is void.
    life: u32,
    is_up: bool,
}

impl Node {
    /// A host whose disk holds R alone.
    pub fn open(config: Config, root: Index, seed: u64) -> Self {
        let first = Append {
            arrival: Arrival(0),
            row: root.rows[0].clone(),
            event: root.root.clone(),
            new_author: Some(root.authors[0]),
        };
        Self {
            machine: Machine::open(root.clone(), config.clone(), seed),
            log: vec![first],
            answers: BTreeMap::new(),
            requests: 0,
            open: BTreeSet::new(),
            known: Vec::new(),
            wakeup: None,
            woken: (0, 0),
            fails_next: false,
            damaged: BTreeSet::new(),
            root,
            config,
            durable: 1,
            committing: None,
            waiting: VecDeque::new(),
            life: 0,
            is_up: true,
        }
    }

    /// Its key.
    pub fn key(&self) -> &Key {
        &self.config.key
    }

    pub(super) fn id(&self) -> MachineId {
        self.machine.machine()
    }

    /// The life that a commit under way belongs to. None: there is none.
    pub fn committing(&self) -> Option<u32> {
        self.committing.map(|_| self.life)
    }

    /// Feeds `hasher` with the machine, what the disk has of its events, and what waits for it.
    ///
    /// Answers, counters of requests and the address book on the disk are left out.
    pub fn fingerprint(&self, hasher: &mut impl Hasher) {
        self.machine.fingerprint(hasher);
        (self.durable, self.committing, self.life).hash(hasher);
        format!("{:?}", self.waiting).hash(hasher);
    }

    /// Returns whether it runs.
    pub fn is_up(&self) -> bool {
        self.is_up
    }

    /// Counts restarts.
    pub fn life(&self) -> u32 {
        self.life
    }

    /// Returns whether it still runs as it did in `life`.
    pub(super) fn lives(&self, life: u32) -> bool {
        self.is_up && self.life == life
    }

    /// Returns whether all that is held is on the disk.
    pub fn is_durable(&self) -> bool {
        self.durable == self.log.len()
    }

    /// Events on the disk.
    pub fn durable(&self) -> usize {
        self.durable
    }

    /// Returns whether effects wait for the disk.
    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Keeps an effect until all appends so far are durable.
    pub fn wait(&mut self, effect: Effect) {
        self.waiting.push_back((self.log.len(), effect));
    }

    /// Drops what waits for a connection that is gone: the next one to that machine must not see it.
    pub(super) fn forget(&mut self, gone: MachineId) {
        self.waiting.retain(|(_, effect)| match effect {
            Effect::Send { peer, .. }
            | Effect::Give { peer, .. }
            | Effect::Stream { peer, .. }
            | Effect::StopStream { peer, .. }
            | Effect::Hangup { peer, .. } => *peer != gone,
            Effect::Append(_)
            | Effect::Dial { .. }
            | Effect::Answer { .. }
            | Effect::Remember(_)
            | Effect::Notify(_) => true,
        });
    }

    /// Begins a commit of all appends so far, if none is under way. Returns the life that it belongs to.
    pub fn begin_commit(&mut self) -> Option<u32> {
        if self.committing.is_some() || self.is_durable() {
            return None;
        }
        self.committing = Some(self.log.len());
        Some(self.life)
    }

    /// The commit is done: what is durable now, and what waited for it.
    #[expect(clippy::missing_panics_doc, reason = "events are counted in 32 bits")]
    pub fn commit(&mut self) -> Option<(Arrival, Vec<Effect>)> {
        self.durable = self.committing.take()?;
        let mut released = Vec::new();
        while self
            .waiting
            .front()
            .is_some_and(|(needs, _)| *needs <= self.durable)
        {
            released.extend(self.waiting.pop_front().map(|(_, effect)| effect));
        }
        let up_to = Arrival(u32::try_from(self.durable).expect("events are counted in 32 bits"));
        Some((up_to, released))
    }

    /// Loses what is not durable and opens the machine from the disk.
    pub fn restart(&mut self, seed: u64) {
        self.fall(false);
        self.rise(seed);
    }

    /// Goes down, and loses what is not durable. A commit under way is kept whole or not at all.
    pub(super) fn fall(&mut self, is_commit_kept: bool) {
        if let Some(committed) = self.committing.take().filter(|_| is_commit_kept) {
            self.durable = committed;
        }
        self.log.truncate(self.durable);
        self.life += 1;
        self.is_up = false;
        self.wakeup = None;
        self.fails_next = false;
        self.waiting.clear();
        self.open.clear();
    }

    /// Opens the machine from the disk.
    pub(super) fn rise(&mut self, seed: u64) {
        self.is_up = true;
        let mut index = self.root.clone();
        for append in &self.log[1..] {
            index.sum.add(append.event.digest());
            index.rows.push(append.row.clone());
            index.authors.extend(append.new_author);
            let control = &append.event.raw().control;
            if !control.is_empty() {
                index.controls.push((append.arrival, control.clone()));
            }
        }
        debug_assert!(
            self.log
                .iter()
                .all(|append| append.row.author < Author(u32::MAX))
        );
        self.machine = Machine::open(
            index,
            self.config.clone(),
            seed.wrapping_add(u64::from(self.life)),
        );
    }
}
