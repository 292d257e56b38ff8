//! All states of single machines that came up, each once, and the steps between them.
//!
//! A step of a machine is a function of its state and of what happens to it, and the states of single machines are far
//! fewer than those of the world, which are their combinations. So each step is taken once and remembered, and a
//! state of the world is a few numbers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use fedag::event::id::{DagDigest, EventId};
use fedag::event::key::MachineId;
use fedag::sync::message::SessionId;
use fedag::wire::Message;

use super::drain::Drained;
use super::host::{Asks, Happens, Host, held};

/// Number of a host's state.
pub(super) type State = u32;
/// Number of a machine.
pub(super) type Place = u8;
/// Number of a message.
pub(super) type Letter = u32;

/// One thing that happens to one machine, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step {
    Create(u8),
    Connected(Place),
    Disconnected(Place),
    Received(Place, Letter),
    Written(Place, SessionId),
    Commit,
    Wakeup,
    Wait(Duration),
    Restart,
}

/// What a machine asks of the world, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Asked {
    Send(Place, Letter),
    Bulk(Place, Letter),
    Written(Place, SessionId),
    Dial(Place),
    Hangup(Place),
}

/// The state after a step, and what was asked.
type Taken = (State, Arc<[Asked]>);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Engine {
    keys: Vec<MachineId>,
    is_coarse: bool,
    hosts: Vec<Arc<Host>>,
    known: HashMap<u64, State>,
    letters: Vec<Message>,
    known_letters: HashMap<u64, Letter>,
    steps: HashMap<(State, Step), Taken>,
    /// The sets that digests stand for.
    sets: BTreeMap<DagDigest, Arc<BTreeSet<EventId>>>,
    /// Of pairs of states: whether what the first holds of the second's events is on the second's disk.
    pub(super) pairs: HashMap<(State, State), bool>,
    /// By the states of all hosts and the connections that stand, what came of draining them.
    pub(super) drains: HashMap<(Vec<State>, u8), Drained>,
}

impl Engine {
    /// No states of machines with these keys.
    pub(super) fn new(keys: Vec<MachineId>, is_coarse: bool) -> Self {
        Self {
            keys,
            is_coarse,
            ..Self::default()
        }
    }

    pub(super) fn host(&self, state: State) -> &Host {
        &self.hosts[state as usize]
    }

    pub(super) fn letter(&self, letter: Letter) -> &Message {
        &self.letters[letter as usize]
    }

    /// States of single machines, steps between them, and messages.
    pub(super) fn size(&self) -> (usize, usize, usize) {
        (self.hosts.len(), self.steps.len(), self.letters.len())
    }

    /// The number of a host's state.
    pub(super) fn add(&mut self, host: Host) -> State {
        let fingerprint = host.fingerprint();
        if let Some(state) = self.known.get(&fingerprint) {
            return *state;
        }
        let state = State::try_from(self.hosts.len()).unwrap();
        let set = || Arc::new(held(host.dag()));
        self.sets.entry(host.dag().digest()).or_insert_with(set);
        self.hosts.push(Arc::new(host));
        self.known.insert(fingerprint, state);
        state
    }

    /// Lets one thing happen to a host; its state after that, and what it asks.
    pub(super) fn step(&mut self, state: State, step: Step) -> Taken {
        if let Some((state, asked)) = self.steps.get(&(state, step)) {
            return (*state, Arc::clone(asked));
        }
        let mut host = Host::clone(self.host(state));
        let happens = self.happens(&host, step);
        let mut asks = host.step(happens);
        host.judge();
        while self.is_coarse
            && let Some(next) = host.next_of_itself(&mut asks)
        {
            asks.extend(host.step(next));
            host.judge();
        }
        let asked: Arc<[Asked]> = asks.into_iter().map(|asks| self.asked(asks)).collect();
        let after = self.add(host);
        self.steps
            .insert((state, step), (after, Arc::clone(&asked)));
        (after, asked)
    }

    /// Returns whether the letter is a push that changes nothing at a host.
    pub(super) fn is_stale(&mut self, state: State, from: Place, letter: Letter) -> bool {
        let is_push = matches!(self.letter(letter), Message::Push(_));
        is_push && {
            let (after, asked) = self.step(state, Step::Received(from, letter));
            after == state && asked.is_empty()
        }
    }

    fn happens(&self, host: &Host, step: Step) -> Happens {
        let key = |place: Place| self.keys[usize::from(place)];
        match step {
            Step::Create(number) => Happens::Create(number),
            Step::Connected(peer) => Happens::Connected(key(peer)),
            Step::Disconnected(peer) => Happens::Disconnected(key(peer)),
            Step::Received(peer, letter) => {
                let message = self.letter(letter).clone();
                let told = if let Message::Hello(hello) = &message {
                    BTreeSet::clone(&self.sets[&hello.heads.digest])
                } else {
                    BTreeSet::new()
                };
                Happens::Received(key(peer), message, told)
            }
            Step::Written(peer, session) => Happens::Written(key(peer), session),
            Step::Commit => Happens::Commit,
            Step::Wakeup => Happens::Wakeup,
            Step::Wait(time) => Happens::Wait(time),
            Step::Restart => {
                let own = host.node.machine.machine();
                let others = self.keys.iter().filter(|key| **key != own);
                Happens::Restart(others.copied().collect())
            }
        }
    }

    fn asked(&mut self, asks: Asks) -> Asked {
        let place = |key: MachineId| {
            let at = self.keys.iter().position(|other| *other == key);
            Place::try_from(at.unwrap()).unwrap()
        };
        match asks {
            Asks::Send(peer, message) => Asked::Send(place(peer), self.post(message)),
            Asks::Bulk(peer, message) => Asked::Bulk(place(peer), self.post(message)),
            Asks::Written(peer, session) => Asked::Written(place(peer), session),
            Asks::Dial(peer) => Asked::Dial(place(peer)),
            Asks::Hangup(peer) => Asked::Hangup(place(peer)),
        }
    }

    fn post(&mut self, message: Message) -> Letter {
        let mut hasher = DefaultHasher::new();
        format!("{message:?}").hash(&mut hasher);
        let letters = &mut self.letters;
        *self
            .known_letters
            .entry(hasher.finish())
            .or_insert_with(|| {
                letters.push(message);
                Letter::try_from(letters.len() - 1).unwrap()
            })
    }
}
