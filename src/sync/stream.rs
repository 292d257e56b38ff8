//! Credit and order of bulk: which events a stream carries, and who may send to us.
//!
//! A machine has one inbound bulk slot, so that eight peers do not send eight copies. Sending needs no slot, so
//! nothing waits in a circle.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::dag::Dag;
use crate::event::index::Arrival;
use crate::event::key::MachineId;
use crate::limits::{BULK_BYTES_MIN, SESSION_IDLE};
use crate::sync::message::SessionId;
use crate::time::Time;

/// Half-open ranges of positions, ascending, not touching.
pub type Ranges = Vec<(Arrival, Arrival)>;

/// The part of `ranges` at `resume` and after it.
pub fn from(resume: Arrival, mut ranges: Ranges) -> Ranges {
    ranges.retain_mut(|(from, up_to)| {
        *from = (*from).max(resume);
        *from < *up_to
    });
    ranges
}

/// The part of `ranges` that `take` bytes allow, but at least one event, and whether there is more.
///
/// Cost: O(events in it).
pub fn within_credit(dag: &Dag, ranges: &[(Arrival, Arrival)], take: u64) -> (Ranges, bool) {
    let (mut part, mut bytes) = (Ranges::new(), 0_u64);
    for &(from, up_to) in ranges {
        let mut end = from;
        while end < up_to {
            let length = u64::from(dag.length(end));
            let is_first = part.is_empty() && end == from;
            if !is_first && bytes + length > take {
                break;
            }
            bytes += length;
            end = Arrival(end.0 + 1);
        }
        if end > from {
            part.push((from, end));
        }
        if end < up_to {
            return (part, true);
        }
    }
    (part, false)
}

/// The inbound bulk slot, taken: one peer may send bulk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Who.
    pub peer: MachineId,
    /// In which of our sessions.
    pub session: SessionId,
    /// When the present window of `limits::SESSION_IDLE` began.
    window: Time,
    /// Bytes of newly held events in it.
    bytes: u64,
}

impl Slot {
    /// Gives the slot to `peer`.
    pub fn new(now: Time, peer: MachineId, session: SessionId) -> Self {
        Self {
            peer,
            session,
            window: now,
            bytes: 0,
        }
    }

    /// Counts newly held events.
    pub fn count(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// When the present window ends.
    pub fn deadline(&self) -> Time {
        self.window + SESSION_IDLE
    }

    /// At the deadline: true when the slot is lost, else a new window begins.
    pub fn is_lost(&mut self, now: Time) -> bool {
        if now < self.deadline() {
            return false;
        }
        let is_lost = self.bytes < BULK_BYTES_MIN;
        (self.window, self.bytes) = (now, 0);
        is_lost
    }
}
