//! One machine with its disk, and one step of it: the driver of the simulator, without its queue.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use fedag::dag::Dag;
use fedag::event::Event;
use fedag::event::canon::Properties;
use fedag::event::control::Control;
use fedag::event::id::EventId;
use fedag::event::index::Arrival;
use fedag::event::key::MachineId;
use fedag::event::wall::WallTime;
use fedag::machine::effect::{Answer, Effect, Effects, When};
use fedag::machine::flow::{On, Place, Step};
use fedag::machine::input::{Input, Link, RequestId};
use fedag::sim::host::Node;
use fedag::sync::message::{Heads, SessionId};
use fedag::time::Time;
use fedag::wire::Message;

/// One thing that happens to one machine.
#[derive(Clone, Debug)]
pub(super) enum Happens {
    /// The user adds an event, the so-manieth of this machine.
    Create(u8),
    /// A connection to this peer stands.
    Connected(MachineId),
    /// It is gone.
    Disconnected(MachineId),
    /// A dial failed.
    DialFailed(MachineId),
    /// A message came; with a HELLO, the set that it tells of.
    Received(MachineId, Message, BTreeSet<EventId>),
    /// The stream of a session was handed over to the network.
    Written(MachineId, SessionId),
    /// The commit under way is done.
    Commit,
    /// A wakeup that is due.
    Wakeup,
    /// Time passes, and it wakes.
    Wait(Duration),
    /// It stops, loses what is not durable, and starts again; it knows where these are.
    Restart(Vec<MachineId>),
}

/// What a machine asks of the world.
#[derive(Clone, Debug)]
pub(super) enum Asks {
    /// A message on the control stream.
    Send(MachineId, Message),
    /// One on the bulk stream of a session.
    Bulk(MachineId, Message),
    /// All of a session's stream was handed to the network.
    Written(MachineId, SessionId),
    /// A dial.
    Dial(MachineId),
    /// The end of a connection.
    Hangup(MachineId),
}

/// A machine, its disk, its clock, and what is noted of its past to judge it by.
#[derive(Clone, Debug)]
pub(super) struct Host {
    pub(super) node: Node,
    pub(super) clock: Time,
    /// Events whose creation was answered.
    pub(super) acknowledged: BTreeSet<EventId>,
    /// By peer, in the session that stands: the peer's number of it, and what of all that it holds we lacked.
    lacked: BTreeMap<MachineId, (SessionId, BTreeSet<EventId>)>,
    /// By peer: its session of which a stream came that was not expected, and so was not taken.
    passed_over: BTreeMap<MachineId, SessionId>,
    /// Peers to whom we gave credit in our last HELLO.
    credited: BTreeSet<MachineId>,
    /// The credit of one session is enough for all events.
    pub(super) is_rich: bool,
    /// Names of the properties that a step of this machine broke.
    pub(super) broken: BTreeSet<&'static str>,
}

/// The events of a DAG.
pub(super) fn held(dag: &Dag) -> BTreeSet<EventId> {
    (0..dag.len()).map(|at| dag.id(Arrival(at))).collect()
}

impl Host {
    pub(super) fn new(node: Node, is_rich: bool) -> Self {
        Self {
            node,
            clock: Time(0),
            acknowledged: BTreeSet::new(),
            lacked: BTreeMap::new(),
            passed_over: BTreeMap::new(),
            credited: BTreeSet::new(),
            is_rich,
            broken: BTreeSet::new(),
        }
    }

    pub(super) fn dag(&self) -> &Dag {
        self.node.machine.dag()
    }

    /// How many events it made, R and control events apart.
    pub(super) fn own_events(&self) -> usize {
        let own = self.node.machine.machine();
        let is_own =
            |event: &Event| event.raw().machine == own && *event.control() == Control::None;
        self.node
            .log
            .iter()
            .filter(|held| is_own(&held.event))
            .count()
    }

    /// Number of the state: equal ones go on alike, and are judged alike.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.node.fingerprint(&mut hasher);
        (&self.clock, &self.acknowledged, &self.lacked).hash(&mut hasher);
        (&self.credited, &self.passed_over, &self.broken).hash(&mut hasher);
        hasher.finish()
    }

    /// Until the next wakeup; zero: it is due. None: there is none.
    pub(super) fn wakes_in(&self) -> Option<Duration> {
        let due = self.node.machine.next_wakeup()?;
        Some(due.since(self.clock))
    }

    /// Lets one thing happen; what is asked of the world, in order. As `Sim::give` and `Sim::perform` do it.
    pub(super) fn step(&mut self, happens: Happens) -> Vec<Asks> {
        let mut asks = Vec::new();
        match happens {
            Happens::Create(number) => {
                let leaves: BTreeSet<EventId> = leaves(self.dag());
                let text = Properties::from_text(&format!("event {number}"));
                let input = Input::Create {
                    request: RequestId(u64::from(number)),
                    wall: WallTime::from_ms(1_767_225_600_000).unwrap(),
                    properties: vec![text],
                };
                let made = Arrival(self.dag().len());
                self.give(input, &mut asks);
                let dag = self.dag();
                let parents = dag.parents(made).iter().map(|at| dag.id(*at));
                if parents.collect::<BTreeSet<_>>() != leaves {
                    self.broken.insert(PARENTS);
                }
            }
            Happens::Connected(peer) => {
                let link = Link {
                    rtt: Duration::from_millis(10),
                    address: "10.0.0.1:4433".parse().unwrap(),
                    dialled: false,
                };
                self.forget_session(peer);
                self.give(Input::Connected { peer, link }, &mut asks);
            }
            Happens::Disconnected(peer) => {
                self.forget_session(peer);
                self.passed_over.remove(&peer);
                self.give(Input::Disconnected { peer }, &mut asks);
            }
            Happens::DialFailed(peer) => drop(self.give(Input::DialFailed { peer }, &mut asks)),
            Happens::Received(peer, message, told) => self.receive(peer, message, &told, &mut asks),
            Happens::Written(peer, session) => {
                let steps = self.give(Input::Streamed { peer, session }, &mut asks);
                if is_done(&steps) {
                    self.judge_session(peer);
                }
            }
            Happens::Commit => self.commit(&mut asks),
            Happens::Wakeup => self.wake(&mut asks),
            Happens::Wait(time) => {
                self.clock = self.clock + time;
                self.wake(&mut asks);
            }
            Happens::Restart(known) => {
                self.node.restart(1);
                self.lacked.clear();
                self.credited.clear();
                self.passed_over.clear();
                let addresses = vec!["10.0.0.1:4433".parse().unwrap()];
                for peer in known {
                    let addresses = addresses.clone();
                    let keep = true;
                    let known = Input::Reachable {
                        peer,
                        addresses,
                        keep,
                    };
                    self.give(known, &mut asks);
                }
            }
        }
        asks
    }

    /// What the machine and its disk do next of themselves, when no event of its own waits for the disk.
    pub(super) fn next_of_itself(&self, asks: &mut Vec<Asks>) -> Option<Happens> {
        let own = self.node.machine.machine();
        let open = &self.node.log[self.node.durable()..];
        let has_own = open.iter().any(|held| held.event.raw().machine == own);
        let written = asks
            .iter()
            .position(|asks| matches!(asks, Asks::Written(..)));
        if let Some(Asks::Written(peer, session)) = written.map(|at| asks.remove(at)) {
            Some(Happens::Written(peer, session))
        } else if self.node.committing().is_some() && !has_own {
            Some(Happens::Commit)
        } else {
            let is_due = self.wakes_in() == Some(Duration::ZERO);
            is_due.then_some(Happens::Wakeup)
        }
    }

    fn receive(
        &mut self,
        peer: MachineId,
        message: Message,
        told: &BTreeSet<EventId>,
        asks: &mut Vec<Asks>,
    ) {
        let lacked: BTreeSet<EventId> = told.difference(&held(self.dag())).copied().collect();
        let hello = if let Message::Hello(hello) = &message {
            Some(hello.session)
        } else {
            None
        };
        let bulk = if let Message::Bulk { session, events } = &message {
            Some((*session, events[0].id()))
        } else {
            None
        };
        let pending = self.node.machine.pending();
        let steps = self.give(Input::Received { peer, message }, asks);
        let begins = |step: &Step| step.on == On::Hello && step.to != step.from;
        if let Some(session) = hello.filter(|_| steps.iter().any(begins)) {
            self.lacked.insert(peer, (session, lacked));
        }
        if let Some((session, id)) = bulk
            && !self.dag().holds(id)
            && self.node.machine.pending() == pending
        {
            self.passed_over.insert(peer, session);
        }
        if is_done(&steps) {
            self.judge_session(peer);
        }
    }

    fn wake(&mut self, asks: &mut Vec<Asks>) {
        let steps = self.give(Input::Wakeup, asks);
        let ended: Vec<MachineId> = asks.iter().filter_map(ended).collect();
        if let ([peer], true) = (ended.as_slice(), is_done(&steps)) {
            self.judge_session(*peer);
        }
    }

    fn commit(&mut self, asks: &mut Vec<Asks>) {
        let Some((up_to, released)) = self.node.commit() else {
            return;
        };
        self.give(Input::Stored { up_to }, asks);
        for effect in released {
            self.perform(effect, asks);
        }
        self.node.begin_commit();
    }

    fn give(&mut self, input: Input, asks: &mut Vec<Asks>) -> Vec<Step> {
        let mut effects = Effects::default();
        self.node.machine.handle(self.clock, input, &mut effects);
        let steps = effects.steps().to_vec();
        for (when, effect) in effects.drain() {
            match (when, effect) {
                (_, Effect::Append(append)) => {
                    self.node.log.push(append);
                    self.node.begin_commit();
                }
                (When::Durable, effect) if !self.node.is_durable() => self.node.wait(effect),
                (When::Now | When::Durable, effect) => self.perform(effect, asks),
            }
        }
        steps
    }

    fn perform(&mut self, effect: Effect, asks: &mut Vec<Asks>) {
        match effect {
            Effect::Append(_) => unreachable!("appends are taken before"),
            // All addresses are known from the beginning, so these tell nothing.
            Effect::Send {
                message: Message::Addresses(_),
                ..
            } => {}
            Effect::Send { peer, message } => {
                self.judge_told(&message);
                if let Message::Hello(hello) = &message {
                    self.forget_session(peer);
                    if hello.take > 0 {
                        self.credited.insert(peer);
                    }
                }
                asks.push(Asks::Send(peer, message));
            }
            Effect::Give {
                peer,
                events,
                not_held,
            } => {
                let event = |at: &Arrival| self.node.log[at.0 as usize].event.clone();
                let events = events.iter().map(event).collect();
                asks.push(Asks::Send(peer, Message::Given { events, not_held }));
            }
            Effect::Stream {
                peer,
                session,
                part: _,
                events,
                end,
            } => {
                for at in events.iter().flat_map(|(from, up_to)| from.0..up_to.0) {
                    let events = vec![self.node.log[at as usize].event.clone()];
                    asks.push(Asks::Bulk(peer, Message::Bulk { session, events }));
                }
                if let Some(end) = end.map(Message::End) {
                    self.judge_told(&end);
                    asks.push(Asks::Bulk(peer, end));
                }
                asks.push(Asks::Written(peer, session));
            }
            Effect::Dial { peer, .. } => asks.push(Asks::Dial(peer)),
            Effect::Hangup { peer, .. } => asks.push(Asks::Hangup(peer)),
            Effect::Answer {
                answer: Ok(Answer::Created(ids)),
                ..
            } => {
                let durable = &self.node.log[..self.node.durable()];
                let is_durable = |id: &EventId| durable.iter().any(|held| held.row.id == *id);
                if !ids.iter().all(is_durable) {
                    self.broken.insert(ACKNOWLEDGED);
                }
                self.acknowledged.extend(ids);
            }
            // A stopped stream's frames still arrive; receivers drop what they do not expect.
            Effect::Answer { .. }
            | Effect::Remember(_)
            | Effect::Notify(_)
            | Effect::StopStream { .. } => {}
        }
    }

    fn forget_session(&mut self, peer: MachineId) {
        self.lacked.remove(&peer);
        self.credited.remove(&peer);
    }

    /// The machine's own state, whatever happened.
    pub(super) fn judge(&mut self) {
        let dag = self.node.machine.dag();
        if let Some(wrong) = shape(dag) {
            self.broken.insert(wrong);
        }
        if dag.check().is_err() {
            self.broken.insert(CHECK);
        }
        if !self.node.machine.faults().is_empty() {
            self.broken.insert(FAULTS);
        }
        let durable: BTreeSet<EventId> = self.node.log[..self.node.durable()]
            .iter()
            .map(|held| held.row.id)
            .collect();
        if !self.acknowledged.is_subset(&durable) {
            self.broken.insert(ACKNOWLEDGED);
        }
    }

    /// What is told of heads is on the disk.
    fn judge_told(&mut self, message: &Message) {
        let heads: &Heads = if let Message::Hello(hello) = message {
            &hello.heads
        } else if let Message::Heads(heads) = message {
            heads
        } else if let Message::End(end) = message {
            &end.heads
        } else {
            return;
        };
        let durable = &self.node.log[..self.node.durable()];
        let is_durable = |id: &EventId| durable.iter().any(|held| held.row.id == *id);
        if !heads.ids.iter().all(is_durable) {
            self.broken.insert(TOLD);
        }
    }

    /// A session with `peer` came to its end, both ENDs there.
    fn judge_session(&mut self, peer: MachineId) {
        let is_credited = self.credited.remove(&peer);
        let Some((session, lacked)) = self.lacked.remove(&peer) else {
            return;
        };
        let is_whole = self.passed_over.get(&peer) != Some(&session);
        let is_all_held = lacked.iter().all(|id| self.dag().holds(*id));
        if is_credited && is_whole && self.is_rich && !is_all_held {
            self.broken.insert(SHRINKS);
        }
    }
}

pub(super) const CLOSED: &str = "closed";
pub(super) const ACYCLIC: &str = "acyclic, from one root";
pub(super) const LEAVES: &str = "exact leaves";
pub(super) const PARENTS: &str = "parents are all leaves";
pub(super) const CHECK: &str = "the index agrees with the rows";
pub(super) const FAULTS: &str = "no faults among honest machines";
pub(super) const ACKNOWLEDGED: &str = "nothing acknowledged is lost";
pub(super) const TOLD: &str = "told heads are durable";
pub(super) const SHRINKS: &str = "a session's missing set shrinks to nothing";

/// The properties of one machine.
pub(super) const OF_ONE: [&str; 9] = [
    CLOSED,
    ACYCLIC,
    LEAVES,
    PARENTS,
    CHECK,
    FAULTS,
    ACKNOWLEDGED,
    TOLD,
    SHRINKS,
];

/// The leaves, as the machine tells them.
fn leaves(dag: &Dag) -> BTreeSet<EventId> {
    dag.leaves().collect()
}

/// What is wrong with a DAG, worked out from ids and parents alone.
fn shape(dag: &Dag) -> Option<&'static str> {
    let all = held(dag);
    let parents = |at: u32| dag.parents(Arrival(at)).iter();
    let is_closed = (0..dag.len()).all(|at| parents(at).all(|parent| parent.0 < dag.len()));
    if !is_closed || all.len() != dag.len() as usize {
        return Some(CLOSED);
    }
    // Parents first in order of arrival: then there is no circle.
    let is_acyclic = (0..dag.len()).all(|at| parents(at).all(|parent| parent.0 < at));
    let roots = (0..dag.len())
        .filter(|at| parents(*at).next().is_none())
        .count();
    if !is_acyclic || roots != 1 {
        return Some(ACYCLIC);
    }
    let named: BTreeSet<EventId> = (0..dag.len())
        .flat_map(parents)
        .map(|at| dag.id(*at))
        .collect();
    let is_exact = all.difference(&named).copied().collect::<BTreeSet<_>>() == leaves(dag);
    (!is_exact).then_some(LEAVES)
}

/// A session ended as it should.
fn is_done(steps: &[Step]) -> bool {
    let ends = |step: &Step| matches!(step.on, On::End | On::Streamed | On::Verdict | On::WalkStep);
    let is_over = |step: &Step| step.from != Place::Idle && step.to == Place::Idle;
    steps.iter().any(|step| ends(step) && is_over(step))
}

fn ended(asks: &Asks) -> Option<MachineId> {
    if let Asks::Send(peer, Message::End(_)) = asks {
        Some(*peer)
    } else {
        None
    }
}
