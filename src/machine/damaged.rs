//! Held events whose bytes on disk are damaged: asked for again until they are written anew.
//!
//! Any peer that holds such an event can give it; the node puts what comes back in its place and says so by
//! `Input::Repaired`. Every peer is asked when the damage is found, each new one on connecting, and all again when one random peer
//! is compared with, for ever.
//!
//! Invariant: at most `limits::DAMAGED_MAX`; at the bound a further one is not noted, it is found again when it is read.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::event::id::EventId;
use crate::event::index::Arrival;
use crate::event::key::MachineId;
use crate::limits::{DAMAGED_MAX, WANT_IDS_MAX};
use crate::machine::Machine;
use crate::machine::effect::{Effect, Effects};
use crate::wire::Message;

impl Machine {
    /// An event was found damaged.
    pub(super) fn on_damaged(&mut self, at: Arrival, out: &mut Effects) {
        if at.0 >= self.dag.len() || self.damaged.len() >= DAMAGED_MAX || !self.damaged.insert(at) {
            return;
        }
        let id = self.dag.id(at);
        for peer in self.peers.keys() {
            out.now(Effect::Send {
                peer: *peer,
                message: Message::Want(vec![id]),
            });
        }
    }

    /// Asks `peer` for all that is damaged.
    pub(super) fn ask_for_damaged(&self, peer: MachineId, out: &mut Effects) {
        let ids: Vec<EventId> = self.damaged.iter().map(|at| self.dag.id(*at)).collect();
        for ids in ids.chunks(WANT_IDS_MAX) {
            out.now(Effect::Send {
                peer,
                message: Message::Want(ids.to_vec()),
            });
        }
    }
}
