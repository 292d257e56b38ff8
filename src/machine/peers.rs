//! The machine's peers: connections, addresses, faults. Whom it dials and leaves: `links`.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::time::Duration;

use crate::event::id::DagDigest;
use crate::event::key::MachineId;
use crate::gossip::message::Reachable;
use crate::gossip::view::Contact;
use crate::limits::{
    BOOK_ADDRESSES_MAX, BOOK_STRANGERS_MAX, FRUITLESS_MAX, HEAD_PATIENCE, PASS_ON_EVERY, QUIET,
};
use crate::machine::Machine;
use crate::machine::effect::{Effect, Effects, Notice, Why};
use crate::machine::flow::{Does, DoesSet, On, Place, Step};
use crate::machine::input::Link;
use crate::mutant::{self, Mutant};
use crate::sync::heads::{Leaves, Telling, Told};
use crate::sync::message::Heads;
use crate::sync::out::{Gain, Outcome, Phase};
use crate::sync::outflow::Asking;
use crate::sync::{Session, locate};
use crate::time::Time;
use crate::wire::Message;
use crate::wire::fault::Fault;

/// A machine that ours is connected to.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) link: Link,
    /// When it was connected.
    pub(super) since: Time,
    pub(super) session: Session,
    /// Its heads as last told, and when.
    pub(super) heard: Option<Heads>,
    pub(super) heard_at: Time,
    /// Our heads as last told to it.
    pub(super) told: Option<Told>,
    /// When our heads are to be told, and whether they changed by bulk.
    pub(super) tell_at: Option<Time>,
    pub(super) tell_bulk: bool,
    /// Since when a session is due.
    pub(super) trigger: Option<Time>,
    /// Since when it tells a head that is not held.
    pub(super) unheld: Option<Time>,
    /// Our digest when it last said that it holds all of ours.
    pub(super) holds_ours: Option<DagDigest>,
    /// Its send queue ran over: it is told heads only.
    pub(super) is_overflowed: bool,
    /// Sessions in a row that gained neither side anything, and until when none is begun.
    pub(super) fruitless: u32,
    pub(super) not_before: Time,
    pub(super) worth: Worth,
    /// The digest that it told when it was last sent something in a session.
    sent_when_heard: Option<DagDigest>,
    /// When its own addresses were last passed on.
    passed_on: Option<Time>,
    /// It is hung up on, or takes leave of us. What it sent before that is not looked at when it broke the rules.
    pub(super) hung_up: Option<Why>,
}

/// What sessions with a peer were worth since it is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worth {
    /// None is over in which both gave credit.
    Unknown,
    /// They gained neither side anything.
    Nothing,
    /// One gained one side something.
    Something,
}

impl Peer {
    fn new(now: Time, link: Link, asking: Asking) -> Self {
        Self {
            link,
            since: now,
            session: Session::new(asking),
            heard: None,
            heard_at: now,
            told: None,
            tell_at: None,
            tell_bulk: false,
            trigger: Some(now),
            unheld: None,
            holds_ours: None,
            is_overflowed: false,
            fruitless: 0,
            not_before: now,
            worth: Worth::Unknown,
            sent_when_heard: None,
            passed_on: None,
            hung_up: None,
        }
    }

    /// Neither a session nor a noted trigger: what comes due is to be noted. While there is one, it waits for no wakeup.
    pub(super) fn may_be_triggered(&self) -> bool {
        self.trigger.is_none() && self.session.phase() == Phase::Idle
    }

    /// What it is to be told of our heads; none: it was told the same before.
    pub(super) fn tell(&mut self, leaves: &Leaves, bulk: bool) -> Option<Message> {
        if bulk && mutant::is(Mutant::HeadsOfSender) {
            return self.heard.clone().map(Message::Heads);
        }
        let is_known = |told: &Told| told.digest == leaves.digest();
        if self.told.as_ref().is_some_and(is_known) {
            return None;
        }
        let (telling, told) = leaves.tell(self.told.as_ref(), bulk);
        self.told = Some(told);
        Some(match telling {
            Telling::Heads(heads) => Message::Heads(heads),
            Telling::Changes(changes) => Message::Changes(changes),
        })
    }

    /// How long a told head may stay unheld before a session is begun.
    pub(super) fn patience(&self) -> Duration {
        HEAD_PATIENCE + self.link.rtt * 2
    }

    /// Notes what a session was good for: who never gains anything is compared ever more rarely.
    pub(super) fn note_outcome(&mut self, now: Time, outcome: Outcome) {
        let is_first = self.worth == Worth::Unknown;
        let gain = match outcome {
            Outcome::InStep => Gain::default(),
            Outcome::Done(gain) | Outcome::GivenUp(gain) => gain,
        };
        if is_first && !gain.is_compare_only {
            self.worth = Worth::Nothing;
        }
        if outcome == Outcome::InStep {
            self.fruitless = 0;
            return;
        }
        // Who tells the same as when it was sent something before made nothing of that.
        let heard = self.heard.as_ref().map(|heard| heard.digest);
        let is_sent_anew =
            gain.has_sent && std::mem::replace(&mut self.sent_when_heard, heard) != heard;
        if gain.received > 0 || is_sent_anew {
            self.worth = Worth::Something;
            self.fruitless = 0;
        } else if !is_first && !gain.is_compare_only {
            let wait = Duration::from_secs(1 << self.fruitless.min(6)).min(FRUITLESS_MAX);
            self.fruitless = self.fruitless.saturating_add(1);
            self.not_before = now + wait;
        }
    }
}

impl Machine {
    pub(super) fn on_connected(&mut self, peer: MachineId, link: Link, out: &mut Effects) {
        // A driver tells of the end of a connection before it tells of the next one; whatever it does, nothing is left over.
        self.on_disconnected(peer, out);
        let from = self.contact_place(peer);
        self.book.on_connected(self.now, peer, link.address);
        self.peers
            .insert(peer, Peer::new(self.now, link, self.config.asking));
        let addresses = self.addresses_for(peer);
        out.now(Effect::Send {
            peer,
            message: Message::Addresses(addresses),
        });
        self.ask_for_damaged(peer, out);
        out.walk(Step {
            from,
            on: On::ConnectionUp,
            to: Place::Connected,
            does: DoesSet::of(&[Does::Addresses]),
        });
        out.now(Effect::Notify(Notice::Peers));
    }

    pub(super) fn on_dial_failed(&mut self, peer: MachineId, out: &mut Effects) {
        if self.peers.contains_key(&peer) {
            return; // it dialled us meanwhile
        }
        let from = self.contact_place(peer);
        self.book.on_dial_failed(self.now, peer, &mut self.rng);
        if from == Place::Dialling {
            out.walk(Step {
                from,
                on: On::DialFailed,
                to: Place::Waiting,
                does: DoesSet::default(),
            });
        }
        out.now(Effect::Notify(Notice::Peers));
    }

    pub(super) fn on_disconnected(&mut self, peer: MachineId, out: &mut Effects) {
        let Some(entry) = self.peers.get(&peer) else {
            return;
        };
        let is_left = entry.hung_up == Some(Why::Enough);
        self.forget_peer(peer, out);
        if is_left {
            self.book.on_left(self.now, peer, &mut self.rng);
        } else {
            self.book.on_gone(self.now, peer, &mut self.rng);
        }
        let (from, to) = (Place::Connected, Place::Waiting);
        out.walk(Step {
            from,
            on: On::ConnectionLost,
            to,
            does: DoesSet::default(),
        });
        out.now(Effect::Notify(Notice::Peers));
    }

    fn forget_peer(&mut self, peer: MachineId, out: &mut Effects) {
        self.session_step(peer, On::ConnectionLost, out, |session, _, _| {
            session.give_up()
        });
        self.peers.remove(&peer);
        self.drop_pending_of(peer, out);
        self.drop_wanted_of(peer, out);
    }

    /// The peer's send queue has room again: it is told all our heads, for it may have missed any of them.
    pub(super) fn on_drained(&mut self, peer: MachineId) {
        let now = self.now;
        self.with_peer(peer, |peer| {
            peer.is_overflowed = false;
            (peer.told, peer.tell_at) = (None, Some(now));
        });
    }

    /// The peer broke the rules: counted, told, hung up on; once a connection.
    pub(super) fn on_fault(&mut self, peer: MachineId, fault: Fault, out: &mut Effects) {
        let entry = self.peers.get_mut(&peer);
        let why = Why::Fault(fault);
        if entry.is_some_and(|entry| matches!(entry.hung_up.replace(why), Some(Why::Fault(_)))) {
            return;
        }
        *self.faults.entry(fault.name()).or_default() += 1;
        out.now(Effect::Notify(Notice::Fault { peer, fault }));
        if self.peers.contains_key(&peer) {
            self.book.on_fault(peer);
            out.now(Effect::Hangup { peer, why });
            let (from, to) = (Place::Connected, Place::Connected);
            out.walk(Step {
                from,
                on: On::Fault,
                to,
                does: DoesSet::of(&[Does::Hangup]),
            });
        }
    }

    /// The peer sent another event of a name that is held: counted and told. It may be honest, and so is not hung up on.
    pub(super) fn on_twin(&mut self, peer: MachineId, out: &mut Effects) {
        *self.faults.entry("twins").or_default() += 1;
        out.now(Effect::Notify(Notice::Twins { peer }));
    }

    /// Learns where machines are: members, and a few that are not known as members here yet. What a peer says of itself is
    /// passed on to the others, at most once in `limits::PASS_ON_EVERY`.
    pub(super) fn on_addresses(&mut self, peer: MachineId, told: &[Reachable], out: &mut Effects) {
        let is_stranger = |machine: MachineId| !self.dag.is_member(machine);
        let strangers = self.book.entries().map(|(machine, _)| machine);
        let mut strangers = strangers.filter(|machine| is_stranger(*machine)).count();
        for reachable in told {
            let is_new_stranger = !self.dag.is_member(reachable.machine)
                && self.book.get(reachable.machine).is_none();
            if is_new_stranger && strangers >= BOOK_STRANGERS_MAX {
                continue;
            }
            let (machine, addresses) = (reachable.machine, &reachable.addresses);
            let is_new = if machine == peer {
                self.book.learn(self.now, machine, addresses, false)
            } else {
                self.book.hear_of(self.now, machine, addresses)
            };
            strangers += usize::from(is_new_stranger && is_new);
            if !is_new || reachable.machine != peer || !self.may_pass_on(peer) {
                continue;
            }
            for other in self.peers.keys().filter(|other| **other != peer) {
                let message = Message::Addresses(vec![reachable.clone()]);
                out.now(Effect::Send {
                    peer: *other,
                    message,
                });
            }
        }
    }

    /// Returns whether a peer's own addresses may be passed on now, and notes that they are.
    fn may_pass_on(&mut self, peer: MachineId) -> bool {
        let now = self.now;
        self.peers.get_mut(&peer).is_some_and(|peer| {
            let is_due = peer.passed_on.is_none_or(|at| at + PASS_ON_EVERY <= now);
            if is_due {
                peer.passed_on = Some(now);
            }
            is_due
        })
    }

    /// When something is due with this peer.
    pub(super) fn peer_deadline(&self, peer: &Peer) -> Option<Time> {
        let session = peer.session.deadline(self.now);
        let is_idle = peer.session.phase() == Phase::Idle;
        let unheld = peer.unheld.map(|since| since + peer.patience());
        let differs = peer
            .heard
            .as_ref()
            .is_some_and(|heard| !locate::is_all(&self.dag, heard));
        let quiet = differs.then(|| self.grown.max(peer.heard_at) + QUIET);
        let begin = match (peer.trigger, unheld, quiet) {
            (Some(_), _, _) if self.slot.is_some() => None, // noted; the slot's deadline comes first
            (Some(since), _, _) => Some(since.max(peer.not_before)),
            (None, unheld, quiet) => [unheld, quiet]
                .into_iter()
                .flatten()
                .min()
                .map(|at| at.max(peer.not_before)),
        };
        [session, peer.tell_at, begin.filter(|_| is_idle)]
            .into_iter()
            .flatten()
            .min()
    }

    fn contact_place(&self, peer: MachineId) -> Place {
        match self.book.get(peer).map(crate::gossip::view::Entry::contact) {
            None | Some(Contact::Waiting(_)) => Place::Waiting,
            Some(Contact::Dialling(_)) => Place::Dialling,
            Some(Contact::Connected) => Place::Connected,
        }
    }

    /// Our own addresses and those of our peers, for a new peer.
    fn addresses_for(&self, peer: MachineId) -> Vec<Reachable> {
        let mut own = self.config.addresses.clone();
        own.truncate(BOOK_ADDRESSES_MAX);
        let own = Some(Reachable {
            machine: self.own,
            addresses: own,
        })
        .filter(|own| !own.addresses.is_empty());
        let others = self
            .peers
            .keys()
            .filter(|other| **other != peer)
            .filter_map(|other| {
                let addresses = self.book.get(*other)?.addresses().to_vec();
                Some(Reachable {
                    machine: *other,
                    addresses,
                })
            });
        own.into_iter().chain(others).collect()
    }
}
