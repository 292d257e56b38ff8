//! What was delivered to a host, counted.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::sim::trace;
use crate::wire::{Message, codec};

/// Bytes of a frame's length.
const LENGTH_BYTES: u64 = 4;

/// What was delivered to a host so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Events, those that were held already included.
    pub events: u64,
    /// Their bytes.
    pub event_bytes: u64,
    /// Messages without events.
    pub control_messages: u64,
    /// Bytes of the frames of those.
    pub control_bytes: u64,
}

impl Traffic {
    /// Counts a message.
    pub(super) fn count(&mut self, message: &Message) {
        let (_, events) = trace::parts(message);
        self.events += events.len() as u64;
        self.event_bytes += message.event_bytes();
        if events.is_empty() {
            self.control_messages += 1;
            self.control_bytes += LENGTH_BYTES + codec::encode(message).len() as u64;
        }
    }

    /// What came since `before`, an earlier count of the same host.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        Self {
            events: self.events - before.events,
            event_bytes: self.event_bytes - before.event_bytes,
            control_messages: self.control_messages - before.control_messages,
            control_bytes: self.control_bytes - before.control_bytes,
        }
    }

    /// Both together.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        Self {
            events: self.events + other.events,
            event_bytes: self.event_bytes + other.event_bytes,
            control_messages: self.control_messages + other.control_messages,
            control_bytes: self.control_bytes + other.control_bytes,
        }
    }
}
