//! Credit and order of bulk: which events a stream carries, and who may send to us.
//!
//! A machine has one inbound bulk slot, so that eight peers do not send eight copies. Sending needs no slot, so
//! nothing waits in a circle.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::VecDeque;

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

/// How much [`take_front`] may take.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Events.
    pub events: usize,
    /// Bytes of them on the wire.
    pub bytes: u64,
    /// The first event fits in any case.
    pub is_first: bool,
}

/// What [`take_front`] took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// The events.
    pub part: Ranges,
    /// Their bytes.
    pub bytes: u64,
    /// The next event did not fit the bytes.
    pub is_full: bool,
}

/// Takes events off the front of `ranges`, as many as there is room for.
///
/// Cost: O(events taken).
pub fn take_front(dag: &Dag, ranges: &mut VecDeque<(Arrival, Arrival)>, room: Room) -> Cut {
    let (mut cut, mut events) = (Cut::default(), 0);
    while let Some(&(from, up_to)) = ranges.front() {
        let mut end = from;
        while end < up_to && events < room.events {
            let length = u64::from(dag.length(end));
            let fits_anyway = room.is_first && events == 0;
            if !fits_anyway && cut.bytes + length > room.bytes {
                cut.is_full = true;
                break;
            }
            cut.bytes += length;
            events += 1;
            end.0 += 1;
        }
        if end > from {
            cut.part.push((from, end));
        }
        if end < up_to {
            ranges[0].0 = end;
            break;
        }
        ranges.pop_front();
    }
    cut
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

    /// Counts newly held events, or what an offer of ids is worth.
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
