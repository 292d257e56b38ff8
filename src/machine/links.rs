//! How many peers the machine has, and which: it dials until they are enough, visits others, and takes leave of some.
//!
//! Peers enough for each machine do not make one network of all: after a long cut each part may be content with itself. So in
//! each `limits::COMPARE_EVERY` a machine that has enough chooses one of those that it knows, and dials it if it is not connected
//! with it: a visit. If that was of use, the visited stays, and another peer of our choice goes; if not, it goes itself. And a
//! machine that turned a member away, since it had as many peers as it takes, takes leave of one for the next that comes.
//!
//! Whoever dials often, or lies about what it holds, must not become all that we hear (A. Heilman et al., Eclipse Attacks on
//! Bitcoin's Peer-to-Peer Network, 2015):
//! - at least `limits::PEERS_CHOSEN_MIN` peers are of our own choice, however many dialled us, and as many of those that we are
//!   connected with for longest never go for a visit;
//! - room for a newcomer is made by the youngest of those that dialled us, never by the oldest `limits::PEERS_WANTED` of them;
//! - a visit ends in bounded time, whatever the visited does.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use rand::RngExt;

use crate::event::key::MachineId;
use crate::gossip::view::{Contact, Entry};
use crate::limits::{PEERS_CHOSEN_MIN, PEERS_MAX, PEERS_WANTED, SPARE_EVERY, VISIT_MAX};
use crate::machine::Machine;
use crate::machine::effect::{Effect, Effects, Why};
use crate::machine::flow::{Does, DoesSet, On, Place, Step};
use crate::machine::peers::{Peer, Worth};
use crate::mutant::{self, Mutant};
use crate::sync::out::Phase;
use crate::time::Time;

/// A machine that is visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Visit {
    machine: MachineId,
    /// Since when it is dialled.
    since: Time,
}

impl Machine {
    /// Dials while there is room and somebody is due; ends a visit that is over.
    pub(super) fn settle_links(&mut self, out: &mut Effects) {
        while self.has_room_to_dial() {
            let Some(peer) = self.book.next_due_at(self.now, &mut self.rng) else {
                break;
            };
            self.dial(peer, On::Due, out);
        }
        self.end_visit(out);
    }

    /// Fewer connections and dials than a machine wants, or too few of its own choice.
    pub(super) fn has_room_to_dial(&self) -> bool {
        let busy = self.book.busy();
        if busy < PEERS_WANTED {
            return true;
        }
        let came = self.peers.values().filter(|peer| !peer.link.dialled);
        busy - came.count().min(busy) < PEERS_CHOSEN_MIN && busy < PEERS_MAX
    }

    /// The machines that it is not connected with and need not dial, one of which may be visited now; none while another
    /// visit lasts.
    pub(super) fn may_visit(&self) -> Vec<MachineId> {
        let is_given_up = mutant::is(Mutant::VisitsGivenUp);
        if self.has_room_to_dial() || self.visit.is_some() || is_given_up {
            return Vec::new();
        }
        self.book.due(self.now).collect()
    }

    /// Dials a machine that [`Machine::may_visit`] named.
    pub(super) fn visit(&mut self, machine: MachineId, out: &mut Effects) {
        let since = self.now;
        self.visit = Some(Visit { machine, since });
        self.dial(machine, On::Visit, out);
    }

    /// When a visit that lasts is over in any case.
    pub(super) fn visit_deadline(&self) -> Option<Time> {
        self.visit.map(|visit| visit.since + VISIT_MAX)
    }

    fn dial(&mut self, peer: MachineId, on: On, out: &mut Effects) {
        let Some(addresses) = self.book.begin_dial(self.now, peer) else {
            return;
        };
        out.now(Effect::Dial { peer, addresses });
        out.walk(Step {
            from: Place::Waiting,
            on,
            to: Place::Dialling,
            does: DoesSet::of(&[Does::Dial]),
        });
    }

    /// Ends the visit when its session is over or it lasted too long: either the visited goes or, if that was of use, another
    /// peer of our choice.
    fn end_visit(&mut self, out: &mut Effects) {
        let Some(Visit { machine, since }) = self.visit else {
            return;
        };
        let is_too_long = since + VISIT_MAX <= self.now;
        let Some(peer) = self.peers.get(&machine) else {
            let contact = self.book.get(machine).map(Entry::contact);
            if is_too_long || !matches!(contact, Some(Contact::Dialling(_))) {
                self.visit = None;
            }
            return;
        };
        if !self.may_leave(machine) && !is_too_long {
            return;
        }
        self.visit = None;
        let is_of_use = peer.worth == Worth::Something || moves_events(peer);
        if self.book.busy() <= PEERS_WANTED {
            return;
        }
        let goes = if is_of_use {
            self.other_chosen(machine)
        } else {
            Some(machine)
        };
        if let Some(peer) = goes {
            self.leave(peer, out);
        }
    }

    /// Who goes for a visit that was of use: at random one of the peers of our choice, but the visited and those that we are
    /// connected with for longest. None: they are few, and nobody need go.
    fn other_chosen(&mut self, visited: MachineId) -> Option<MachineId> {
        let chosen = self.longest_first(true);
        let are_many = chosen.len() > PEERS_WANTED;
        let others = chosen.into_iter().filter(|machine| *machine != visited);
        let others = others.skip(PEERS_CHOSEN_MIN);
        let others: Vec<_> = others.filter(|peer| self.may_leave(*peer)).collect();
        if others.is_empty() {
            return are_many.then_some(visited);
        }
        Some(others[self.rng.random_range(0..others.len())])
    }

    /// The peers that we dialled, or that dialled us, by when they were connected.
    fn longest_first(&self, dialled: bool) -> Vec<MachineId> {
        let of_kind = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.link.dialled == dialled);
        let mut of_kind: Vec<_> = of_kind
            .map(|(machine, peer)| (peer.since, *machine))
            .collect();
        of_kind.sort_unstable();
        of_kind.into_iter().map(|(_, machine)| machine).collect()
    }

    /// A member was turned away for want of room: the youngest of those that dialled us goes, at most one in
    /// `limits::SPARE_EVERY`. None may go now: the next one that is turned away is the next occasion.
    pub(super) fn on_crowded(&mut self, out: &mut Effects) {
        let is_too_soon = self.spared.is_some_and(|at| at + SPARE_EVERY > self.now);
        if is_too_soon || mutant::is(Mutant::NobodySpared) {
            return;
        }
        let came = self.longest_first(false).into_iter().skip(PEERS_WANTED);
        let may_go = |machine: &MachineId| {
            let peer = &self.peers[machine];
            peer.hung_up.is_none() && !moves_events(peer)
        };
        if let Some(peer) = came.rev().find(may_go) {
            self.spared = Some(self.now);
            self.leave(peer, out);
        }
    }

    /// A session with the peer was had, and nothing is under way that the end of the connection would lose.
    fn may_leave(&self, machine: MachineId) -> bool {
        let Some(peer) = self.peers.get(&machine) else {
            return false;
        };
        let is_waiting = peer.trigger.is_some_and(|_| peer.not_before <= self.now);
        let is_idle = peer.session.phase() == Phase::Idle && !is_waiting;
        let is_had = peer.worth != Worth::Unknown;
        is_had && is_idle && peer.hung_up.is_none() && !self.expects_events_of(machine)
    }

    fn leave(&mut self, peer: MachineId, out: &mut Effects) {
        let why = Why::Enough;
        self.with_peer(peer, |peer| peer.hung_up = Some(why));
        out.now(Effect::Hangup { peer, why });
        let (from, to) = (Place::Connected, Place::Connected);
        out.walk(Step {
            from,
            on: On::Enough,
            to,
            does: DoesSet::of(&[Does::Hangup]),
        });
    }
}

/// Events go over the connection in a session, either way.
fn moves_events(peer: &Peer) -> bool {
    peer.session.received() > 0 || peer.session.has_stream()
}
