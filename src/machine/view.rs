//! What people may want to know of a machine's peers. Reads only.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::net::SocketAddr;
use std::time::Duration;

use crate::event::index::Arrival;
use crate::event::key::MachineId;
use crate::gossip::view::Contact;
use crate::limits::HOLDER_WALK_EVENTS;
use crate::machine::Machine;
use crate::machine::peers::Peer;
use crate::sync::locate;
use crate::time::Time;

/// What a peer is to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerView {
    /// The peer.
    pub machine: MachineId,
    /// Where it is or was reached last.
    pub address: Option<SocketAddr>,
    /// Its state.
    pub state: PeerState,
    /// Smoothed round trip; None when not connected.
    pub rtt: Option<Duration>,
    /// Events that it holds and we lack; None: not known.
    pub missing_here: Option<u32>,
    /// Events that we hold and it lacks; None: not known.
    pub missing_there: Option<u32>,
    /// When it is dialled next; None: it is connected, being dialled, or not to be dialled while there are peers enough.
    pub redial_at: Option<Time>,
}

/// State of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PeerState {
    /// Its digest, as last told, is ours.
    InStep,
    /// It lacks events of ours and we none of its.
    Behind,
    /// We lack events of its and it none of ours.
    Ahead,
    /// Both lack some, or it is not known.
    Diverged,
    /// A dial is due or under way, or nothing was heard yet.
    Connecting,
    /// No connection: the last dial failed.
    Unreachable,
    /// No connection, and none is sought: there are peers enough.
    Known,
}

impl Machine {
    /// All machines of the address book and all that are connected, by key.
    pub fn peers(&self) -> Vec<PeerView> {
        let has_room = self.has_room_to_dial();
        let unconnected = self
            .book
            .entries()
            .filter(|(machine, _)| !self.peers.contains_key(machine));
        let mut views: Vec<PeerView> = unconnected
            .map(|(machine, entry)| {
                let (state, redial_at) = match entry.contact() {
                    Contact::Waiting(at) if entry.is_unreached() => {
                        (PeerState::Unreachable, has_room.then_some(at))
                    }
                    Contact::Waiting(_) if !has_room => (PeerState::Known, None),
                    Contact::Waiting(at) => (PeerState::Connecting, Some(at)),
                    Contact::Dialling(_) | Contact::Connected => (PeerState::Connecting, None),
                };
                PeerView {
                    machine,
                    address: entry.addresses().first().copied(),
                    state,
                    rtt: None,
                    missing_here: None,
                    missing_there: None,
                    redial_at,
                }
            })
            .collect();
        views.extend(
            self.peers
                .iter()
                .map(|(machine, peer)| self.view(*machine, peer)),
        );
        views.sort_by_key(|view| view.machine);
        views
    }

    fn view(&self, machine: MachineId, peer: &Peer) -> PeerView {
        let (state, here, there) = self.lag(peer);
        PeerView {
            machine,
            address: Some(peer.link.address),
            state,
            rtt: Some(peer.link.rtt),
            missing_here: here,
            missing_there: there,
            redial_at: None,
        }
    }

    /// State, events missing here, events missing there, as far as the told heads show.
    fn lag(&self, peer: &Peer) -> (PeerState, Option<u32>, Option<u32>) {
        let Some(heard) = &peer.heard else {
            return (PeerState::Connecting, None, None);
        };
        let digest = self.dag.digest();
        if heard.digest == digest {
            return (PeerState::InStep, Some(0), Some(0));
        }
        if locate::holds_all(&self.dag, heard) && !self.is_twin(heard) {
            return (
                PeerState::Behind,
                Some(0),
                self.dag.len().checked_sub(heard.count),
            );
        }
        if peer.holds_ours == Some(digest) && heard.count > self.dag.len() {
            return (
                PeerState::Ahead,
                heard.count.checked_sub(self.dag.len()),
                Some(0),
            );
        }
        (PeerState::Diverged, None, None)
    }

    /// Whether the connected peer holds the event, as far as its told heads show; None: not known. A peer holds an event iff a
    /// told head is that event or a descendant. Cost: at most `limits::HOLDER_WALK_EVENTS` events.
    pub fn peer_holds(&self, machine: MachineId, at: Arrival) -> Option<bool> {
        let heard = self.peers.get(&machine)?.heard.as_ref()?;
        if heard.digest == self.dag.digest() {
            return Some(true);
        }
        let floor = self.dag.height(at);
        let mut walk: std::collections::BTreeSet<Arrival> = heard
            .ids
            .iter()
            .filter_map(|id| self.dag.find(*id))
            .filter(|head| head.0 >= at.0)
            .collect();
        for _ in 0..HOLDER_WALK_EVENTS {
            let Some(next) = walk.pop_last() else {
                return locate::holds_all(&self.dag, heard).then_some(false);
            };
            if next == at {
                return Some(true);
            }
            let parents = self.dag.parents(next).iter().copied();
            walk.extend(
                parents.filter(|parent| parent.0 >= at.0 && self.dag.height(*parent) >= floor),
            );
        }
        None
    }

    /// Returns whether a connected peer told the same leaves with another digest: two events share a uuid.
    pub fn has_twins(&self) -> bool {
        self.peers
            .values()
            .any(|peer| peer.heard.as_ref().is_some_and(|heard| self.is_twin(heard)))
    }
}
