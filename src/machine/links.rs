//! How many peers the machine has, and which: it dials until they are enough, visits others, and takes leave of some.
//!
//! Peers enough for each machine do not make one network of all: after a long cut each part may be content with itself. So once
//! in `limits::COMPARE_EVERY` a machine that has enough dials one more that it knows, whichever, and compares: a visit. If that
//! was of use, the visited stays and another goes; if not, it goes itself. And who was dialled by many takes leave of some, so
//! that newcomers find room at every machine. What peers chose us for never pushes out a peer of our own choice: else whoever
//! dials often enough could surround us. Source: A. Heilman et al., Eclipse Attacks on Bitcoin's Peer-to-Peer Network, 2015.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use rand::RngExt;

use crate::event::key::MachineId;
use crate::gossip::view::{Contact, Entry};
use crate::limits::{PEERS_DIALLED_MAX, PEERS_KEPT_MAX, SPARE_EVERY};
use crate::machine::Machine;
use crate::machine::effect::{Effect, Effects, Why};
use crate::machine::flow::{Does, DoesSet, On, Place, Step};
use crate::machine::peers::{Peer, Worth};
use crate::mutant::{self, Mutant};
use crate::time::Time;

impl Machine {
    /// Dials while there is room and somebody is due; takes leave of those that are too many.
    pub(super) fn settle_links(&mut self, out: &mut Effects) {
        while self.has_room_to_dial() {
            let Some(peer) = self.book.next_due_at(self.now, &mut self.rng) else {
                break;
            };
            self.dial(peer, On::Due, out);
        }
        self.end_visit(out);
        self.spare(out);
    }

    /// Fewer connections and dials than a machine wants.
    pub(super) fn has_room_to_dial(&self) -> bool {
        self.book.busy() < PEERS_DIALLED_MAX
    }

    /// A machine that it is not connected with and need not dial, to be visited; None: there is none, or a visit is not over.
    /// It may be one that was not reached lately: after a cut those of the other part are.
    pub(super) fn may_visit(&self) -> Vec<MachineId> {
        let is_given_up = mutant::is(Mutant::VisitsGivenUp);
        if self.has_room_to_dial() || self.visited.is_some() || is_given_up {
            return Vec::new();
        }
        self.book.waiting().collect()
    }

    /// Dials a machine that [`Machine::may_visit`] named.
    pub(super) fn visit(&mut self, peer: MachineId, out: &mut Effects) {
        self.visited = Some(peer);
        self.dial(peer, On::Visit, out);
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

    /// When the visit's session is over, either the visited goes or, if that was of use, another peer of our own choice.
    fn end_visit(&mut self, out: &mut Effects) {
        let Some(visited) = self.visited else { return };
        let Some(peer) = self.peers.get(&visited) else {
            let contact = self.book.get(visited).map(Entry::contact);
            if !matches!(contact, Some(Contact::Dialling(_))) {
                self.visited = None;
            }
            return;
        };
        if !peer.may_be_left() {
            return;
        }
        self.visited = None;
        if self.book.busy() <= PEERS_DIALLED_MAX {
            return;
        }
        let is_of_use = peer.worth == Worth::Something;
        let others = self.peers.iter().filter(|(machine, peer)| {
            **machine != visited && peer.link.dialled && peer.may_be_left()
        });
        let others: Vec<MachineId> = others.map(|(machine, _)| *machine).collect();
        let goes = if is_of_use && !others.is_empty() {
            others[self.rng.random_range(0..others.len())]
        } else {
            visited
        };
        self.leave(goes, out);
    }

    /// Takes leave of one of those that dialled us, while they are too many.
    fn spare(&mut self, out: &mut Effects) {
        if self.spare_at().is_none_or(|at| at > self.now) {
            return;
        }
        self.spared = self.now;
        let fit = |peer: &Peer| !peer.link.dialled && peer.may_be_left();
        let fit: Vec<MachineId> = self
            .peers
            .iter()
            .filter(|(_, peer)| fit(peer))
            .map(|(machine, _)| *machine)
            .collect();
        if !fit.is_empty() {
            let goes = fit[self.rng.random_range(0..fit.len())];
            self.leave(goes, out);
        }
    }

    /// When leave is taken of one; None: there are not too many.
    pub(super) fn spare_at(&self) -> Option<Time> {
        let are_too_many = self.peers.len() > PEERS_KEPT_MAX && !mutant::is(Mutant::NobodySpared);
        are_too_many.then_some(self.spared + SPARE_EVERY)
    }

    fn leave(&mut self, peer: MachineId, out: &mut Effects) {
        self.with_peer(peer, |peer| peer.hung_up = Some(Why::Enough));
        out.now(Effect::Hangup {
            peer,
            why: Why::Enough,
        });
        let (from, to) = (Place::Connected, Place::Connected);
        out.walk(Step {
            from,
            on: On::Enough,
            to,
            does: DoesSet::of(&[Does::Hangup]),
        });
    }
}
