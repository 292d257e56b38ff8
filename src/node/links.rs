//! What the node remembers of connections besides what the machine does.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::key::MachineId;
use crate::limits::BOOK_MACHINES_MAX;
use crate::machine::{PeerState, PeerView};
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
    /// Each known machine's state when it was looked at last, and since when it is in it.
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
    }

    /// It is gone. Returns whether the machine knew of it.
    pub(crate) fn on_disconnected(&mut self, now: Time, peer: MachineId, why: String) -> bool {
        let was_closing = self.closing.remove(&peer);
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

    /// Since when the machine is in `state`, as far as was looked.
    pub(crate) fn state_since(&self, machine: MachineId, state: PeerState) -> Option<Time> {
        self.states
            .get(&machine)
            .filter(|(noted, _)| *noted == state)
            .map(|(_, since)| *since)
    }
}
