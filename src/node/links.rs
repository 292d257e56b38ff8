//! What the node remembers of connections besides what the machine does.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::key::MachineId;
use crate::limits::BOOK_MACHINES_MAX;
use crate::machine::{PeerState, PeerView};
use crate::net::traffic::Traffic;
use crate::time::Time;

/// Connections, as the network tells of them.
///
/// Invariant: a peer is not both connected and closing.
#[derive(Debug)]
pub(crate) struct Links {
    connected: BTreeSet<MachineId>,
    /// Hung up on by the node after a failure of the store; what still comes of them is not for the new machine.
    closing: BTreeSet<MachineId>,
    /// Why the last dial or connection of each machine failed; at most `limits::BOOK_MACHINES_MAX`.
    why: BTreeMap<MachineId, String>,
    /// Since when none is connected.
    alone_since: Time,
    /// Bytes over each present connection.
    traffic: BTreeMap<MachineId, Traffic>,
    /// Each known machine's state when it was looked at last, and since when it is in it; without a connection, since when there is
    /// none.
    states: BTreeMap<MachineId, (PeerState, Time)>,
    /// Two events with one uuid were found.
    pub(crate) twins: bool,
    /// Bytes of events that peers sent since the start, those that were held already included.
    pub(crate) received_bytes: u64,
}

impl Links {
    /// No connection since `now`.
    pub(crate) fn new(now: Time) -> Self {
        Self {
            connected: BTreeSet::new(),
            closing: BTreeSet::new(),
            why: BTreeMap::new(),
            alone_since: now,
            traffic: BTreeMap::new(),
            states: BTreeMap::new(),
            twins: false,
            received_bytes: 0,
        }
    }

    /// A connection stands.
    pub(crate) fn on_connected(&mut self, peer: MachineId) {
        self.closing.remove(&peer);
        self.why.remove(&peer);
        self.connected.insert(peer);
        self.traffic.insert(peer, Traffic::default());
    }

    /// It is gone. Returns whether the machine knew of it.
    pub(crate) fn on_disconnected(&mut self, now: Time, peer: MachineId, why: String) -> bool {
        let was_closing = self.closing.remove(&peer);
        self.traffic.remove(&peer);
        if self.connected.remove(&peer) && self.connected.is_empty() {
            self.alone_since = now;
        }
        self.on_failed(peer, why);
        !was_closing
    }

    /// A dial failed.
    pub(crate) fn on_failed(&mut self, peer: MachineId, why: String) {
        if self.why.len() >= BOOK_MACHINES_MAX && !self.why.contains_key(&peer) {
            self.why.pop_first();
        }
        self.why.insert(peer, why);
    }

    /// Hangs up on everybody: returns the connected peers, of which nothing more is heard.
    pub(crate) fn close_all(&mut self, now: Time) -> BTreeSet<MachineId> {
        if !self.connected.is_empty() {
            self.alone_since = now;
        }
        self.traffic.clear();
        let all = std::mem::take(&mut self.connected);
        self.closing.extend(&all);
        all
    }

    /// Returns whether what comes from `peer` is not for the machine any more.
    pub(crate) fn is_closing(&self, peer: MachineId) -> bool {
        self.closing.contains(&peer)
    }

    /// Why the machine's last dial or connection failed.
    pub(crate) fn why(&self, peer: MachineId) -> Option<&str> {
        self.why.get(&peer).map(String::as_str)
    }

    /// So much went over a connection.
    pub(crate) fn on_traffic(&mut self, peer: MachineId, traffic: Traffic) {
        if let Some(noted) = self.traffic.get_mut(&peer) {
            *noted = traffic;
        }
    }

    /// Bytes over the present connection; None: there is none.
    pub(crate) fn traffic(&self, peer: MachineId) -> Option<Traffic> {
        self.traffic.get(&peer).copied()
    }

    /// Since when no peer is connected; None: one is.
    pub(crate) fn alone_since(&self) -> Option<Time> {
        self.connected.is_empty().then_some(self.alone_since)
    }

    /// Notes since when each machine is in its state.
    pub(crate) fn note_states(&mut self, now: Time, peers: &[PeerView]) {
        let since = |peer: &PeerView| self.state_since(peer.machine, peer.state).unwrap_or(now);
        self.states = peers
            .iter()
            .map(|peer| (peer.machine, (peer.state, since(peer))))
            .collect();
    }

    /// Since when the machine is in `state` or, if that is none with a connection, since when there is none; as far as was looked.
    pub(crate) fn state_since(&self, machine: MachineId, state: PeerState) -> Option<Time> {
        let is_same =
            |noted: PeerState| noted == state || !(has_connection(noted) || has_connection(state));
        self.states
            .get(&machine)
            .filter(|(noted, _)| is_same(*noted))
            .map(|(_, since)| *since)
    }
}

/// Returns whether a machine in this state is connected.
fn has_connection(state: PeerState) -> bool {
    match state {
        PeerState::InStep | PeerState::Behind | PeerState::Ahead | PeerState::Diverged => true,
        PeerState::Connecting | PeerState::Unreachable | PeerState::Known => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(state: PeerState) -> PeerView {
        PeerView {
            machine: MachineId([1; 32]),
            address: None,
            state,
            rtt: None,
            missing_here: None,
            missing_there: None,
            redial_at: None,
        }
    }

    #[test]
    fn each_dial_does_not_make_a_cut_younger() {
        use PeerState::{Behind, Connecting, InStep, Unreachable};
        let mut links = Links::new(Time(0));
        let peer = MachineId([1; 32]);
        for (at, state, since) in [
            (1, InStep, 1),
            (2, Unreachable, 2),
            (3, Connecting, 2),
            (4, Unreachable, 2),
            (5, InStep, 5),
            (6, Behind, 6),
        ] {
            links.note_states(Time(at), &[view(state)]);
            assert_eq!(links.state_since(peer, state), Some(Time(since)), "{at}");
        }
    }

    #[test]
    fn traffic_is_that_of_the_present_connection() {
        let mut links = Links::new(Time(0));
        let peer = MachineId([1; 32]);
        let some = Traffic {
            received: 7,
            ..Traffic::default()
        };
        links.on_traffic(peer, some);
        assert_eq!(links.traffic(peer), None);
        links.on_connected(peer);
        links.on_traffic(peer, some);
        assert_eq!(links.traffic(peer), Some(some));
        links.on_disconnected(Time(1), peer, "gone".into());
        assert_eq!(links.traffic(peer), None);
        links.on_connected(peer);
        assert_eq!(links.traffic(peer), Some(Traffic::default()));
    }
}
