//! Announced events that were asked for, until they are given or the answer is late.
//!
//! Invariants:
//! - each is asked of one peer at a time;
//! - at most `limits::WANTED_EVENTS_MAX` of one peer; at the bound its announcements are passed over, and a session brings the events.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};

use crate::event::id::EventId;
use crate::event::key::MachineId;
use crate::limits::WANTED_EVENTS_MAX;
use crate::time::Time;

/// Events that were asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    asked: BTreeMap<EventId, Asked>,
    /// The same by the time until which the answer is waited for.
    by_deadline: BTreeSet<(Time, EventId)>,
    /// The same by the peer that was asked.
    by_peer: BTreeSet<(MachineId, EventId)>,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    peer: MachineId,
    deadline: Time,
}

impl Wanted {
    /// Notes that `peer` is asked; false, and nothing is noted, when it is asked for too many.
    pub(super) fn ask(&mut self, id: EventId, peer: MachineId, deadline: Time) -> bool {
        if self.of(peer).count() >= WANTED_EVENTS_MAX {
            return false;
        }
        self.remove(id);
        self.asked.insert(id, Asked { peer, deadline });
        self.by_deadline.insert((deadline, id));
        self.by_peer.insert((peer, id));
        true
    }

    /// How many, of all peers together.
    pub(super) fn len(&self) -> usize {
        self.asked.len()
    }

    /// Returns whether the event was asked for, of whomever.
    pub(super) fn contains(&self, id: EventId) -> bool {
        self.asked.contains_key(&id)
    }

    /// Returns whether the event was asked of `peer`.
    pub(super) fn is_of(&self, id: EventId, peer: MachineId) -> bool {
        self.asked.get(&id).is_some_and(|asked| asked.peer == peer)
    }

    /// It came, or is waited for no more; returns whether it was asked for.
    pub(super) fn remove(&mut self, id: EventId) -> bool {
        let Some(Asked { peer, deadline }) = self.asked.remove(&id) else {
            return false;
        };
        self.by_deadline.remove(&(deadline, id));
        self.by_peer.remove(&(peer, id));
        true
    }

    /// What `peer` was asked for.
    pub(super) fn of(&self, peer: MachineId) -> impl Iterator<Item = EventId> + '_ {
        self.by_peer
            .range((peer, EventId([0; 16]))..=(peer, EventId([0xff; 16])))
            .map(|(_, id)| *id)
    }

    /// What is late at `now`, and of whom it was asked.
    pub(super) fn late(&self, now: Time) -> Vec<(EventId, MachineId)> {
        self.by_deadline
            .iter()
            .take_while(|(deadline, _)| *deadline <= now)
            .map(|(_, id)| (*id, self.asked[id].peer))
            .collect()
    }

    /// When the next answer is late.
    pub(super) fn next_deadline(&self) -> Option<Time> {
        self.by_deadline.first().map(|(deadline, _)| *deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u16) -> EventId {
        let mut id = [0; 16];
        id[..2].copy_from_slice(&n.to_be_bytes());
        EventId(id)
    }

    #[test]
    fn each_peer_has_a_share_of_its_own() {
        let (greedy, other) = (MachineId([1; 32]), MachineId([2; 32]));
        let mut wanted = Wanted::default();
        let taken = (0..1000)
            .filter(|n| wanted.ask(id(*n), greedy, Time(5)))
            .count();
        assert_eq!(taken, WANTED_EVENTS_MAX);
        assert!(wanted.ask(id(2000), other, Time(3)));
        assert_eq!(wanted.next_deadline(), Some(Time(3)));
        assert_eq!(wanted.late(Time(4)), [(id(2000), other)]);
        assert!(wanted.is_of(id(2000), other) && !wanted.is_of(id(2000), greedy));
        assert!(wanted.remove(id(0)) && !wanted.remove(id(0)));
        assert!(wanted.ask(id(3000), greedy, Time(9)), "there is room again");
        assert_eq!(wanted.of(greedy).count(), WANTED_EVENTS_MAX);
        assert_eq!(wanted.of(other).collect::<Vec<_>>(), [id(2000)]);
        assert!(wanted.remove(id(2000)) && wanted.late(Time(4)).is_empty());
    }
}
