//! Events that wait for their dependencies.
//!
//! Between `wire` and `dag`: an event stays here until every parent and its author's admission are held, then
//! is released in an order in which dependencies come first.
//!
//! Invariants:
//! - no event here is held by the DAG when `release` has returned for all that was inserted;
//! - each has at least one missing dependency, and `waits_for` names exactly those;
//! - each is kept once and counted for the peer that sent it first;
//! - at most `limits::PENDING_EVENTS_MAX` events and `PENDING_BYTES_MAX` bytes a peer; at the bound the newest is refused.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::dag::{Dag, Inserted, Missing};
use crate::event::Event;
use crate::event::control::Control;
use crate::event::id::EventId;
use crate::event::index::Append;
use crate::event::key::MachineId;
use crate::limits::{PENDING_BYTES_MAX, PENDING_EVENTS_MAX};
use crate::mutant::{self, Mutant};
use crate::time::Time;

/// The pending events of all peers.
#[derive(Clone, Debug, Default)]
pub struct Pending {
    events: BTreeMap<EventId, Waiting>,
    /// Each missing dependency with each event that waits for it. A parent takes 16 bytes of its event, so
    /// `PENDING_BYTES_MAX` bounds these too.
    waits_for: BTreeSet<(Dependency, EventId)>,
    /// Peers with waiting events; no share is empty.
    shares: BTreeMap<MachineId, Share>,
}

/// What became of an event that was put here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It waits.
    Waits,
    /// It waited already (for this or another peer).
    WaitedAlready,
    /// That peer's share is full; the event was dropped. A session brings it again.
    Full,
}

/// An event that left.
#[derive(Clone, Debug)]
pub enum Released {
    /// Held now; to be stored. Who sent it is told with it.
    Held(MachineId, Append),
    /// Its dependencies came, but its parent does not vouch for it.
    Unvouched(MachineId, EventId),
    /// Another event of its name is held.
    Twin(MachineId, EventId),
}

#[derive(Clone, Debug)]
struct Waiting {
    event: Event,
    length: u32,
    peer: MachineId,
    since: Time,
    /// How many dependencies are missing; 0 only while it is on its way out.
    missing: usize,
}

/// What one peer's events take.
#[derive(Clone, Debug, Default)]
struct Share {
    /// By the time they came.
    events: BTreeSet<(Time, EventId)>,
    bytes: usize,
}

/// What an event can wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Dependency {
    Parent(EventId),
    Admission(MachineId),
}

impl Pending {
    /// Keeps `event`, `length` bytes long, from `peer`, which lacks `missing`, as `Dag::insert` just said.
    ///
    /// # Panics
    /// When nothing is missing: it would wait for ever.
    pub fn put(
        &mut self,
        now: Time,
        peer: MachineId,
        event: Event,
        length: u32,
        missing: Missing,
    ) -> Put {
        assert!(!missing.is_empty(), "a pending event waits for something");
        if mutant::is(Mutant::PendingForgotten) {
            return Put::Full;
        }
        let id = event.id();
        if self.events.contains_key(&id) {
            return Put::WaitedAlready;
        }
        if !self
            .shares
            .get(&peer)
            .is_none_or(|share| share.has_room(length))
        {
            return Put::Full;
        }
        let share = self.shares.entry(peer).or_default();
        share.events.insert((now, id));
        share.bytes += length as usize;
        let missing = self.wait(id, missing);
        self.events.insert(
            id,
            Waiting {
                event,
                length,
                peer,
                since: now,
                missing,
            },
        );
        Put::Waits
    }

    /// Inserts into `dag` all events that wait for nothing any more, now that `held` is, and so on until nothing
    /// changes; dependencies first. Cost: O(released * log n).
    ///
    /// To be called for each event that was inserted otherwise; what is released here needs no call.
    #[expect(clippy::missing_panics_doc, reason = "what is indexed waits here")]
    pub fn release(&mut self, dag: &mut Dag, held: &Append) -> Vec<Released> {
        let mut released = Vec::new();
        // It may have come a second time, in the company of what it waited for; or its twin waited here.
        let is_twin = |waiting: &Waiting| waiting.event.digest() != held.event.digest();
        let is_twin = self.events.get(&held.row.id).is_some_and(is_twin);
        if let Some(peer) = self.take(held.row.id).filter(|_| is_twin) {
            released.push(Released::Twin(peer, held.row.id));
        }
        let mut ready = VecDeque::from(self.ready_after(&held.event));
        while let Some(id) = ready.pop_front() {
            let waiting = self.events.get(&id).expect("what is ready waits here");
            match dag.insert(&waiting.event, waiting.length) {
                Inserted::New(append) => {
                    let peer = self.take(id).expect("it waits here");
                    ready.extend(self.ready_after(&append.event));
                    released.push(Released::Held(peer, append));
                }
                Inserted::Unvouched => {
                    let peer = self.take(id).expect("it waits here");
                    released.push(Released::Unvouched(peer, id));
                }
                Inserted::Twin(_) => {
                    let peer = self.take(id).expect("it waits here");
                    released.push(Released::Twin(peer, id));
                }
                // Inserted otherwise, with a call of `release` still to come; or a root, which never waits.
                Inserted::Held(_) | Inserted::ForeignRoot => drop(self.take(id)),
                // It was put here with less than it lacked.
                Inserted::Missing(missing) => {
                    let missing = self.wait(id, missing);
                    self.events.get_mut(&id).expect("it waits here").missing = missing;
                }
            }
        }
        released
    }

    /// Returns whether the event waits here.
    pub fn contains(&self, id: EventId) -> bool {
        self.events.contains_key(&id)
    }

    /// Number of waiting events.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Returns whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// When the oldest waiting event of each peer came, for the graft timer.
    pub fn oldest(&self) -> impl Iterator<Item = (MachineId, Time)> + '_ {
        self.shares
            .iter()
            .filter_map(|(peer, share)| Some((*peer, share.events.first()?.0)))
    }

    /// Drops what waits for `peer`: its session is finished, or it is gone.
    pub fn forget(&mut self, peer: MachineId) {
        let ids: Vec<_> = self
            .shares
            .get(&peer)
            .into_iter()
            .flat_map(|share| &share.events)
            .map(|(_, id)| *id)
            .collect();
        for id in ids {
            self.take(id);
        }
    }

    /// Notes what `id` waits for; returns how much that is.
    fn wait(&mut self, id: EventId, missing: Missing) -> usize {
        let parents = missing.parents.into_iter().map(Dependency::Parent);
        let admission = missing.admission.map(Dependency::Admission);
        parents
            .chain(admission)
            .map(|dependency| usize::from(self.waits_for.insert((dependency, id))))
            .sum()
    }

    /// Strikes off what `held` is to the waiting events; those that now wait for nothing, sorted.
    fn ready_after(&mut self, held: &Event) -> Vec<EventId> {
        let mut ready = self.strike(Dependency::Parent(held.id()));
        if let Control::Admit(admit) = held.control() {
            ready.extend(self.strike(Dependency::Admission(admit.key)));
        }
        ready
    }

    fn strike(&mut self, dependency: Dependency) -> Vec<EventId> {
        let mut ready = Vec::new();
        while let Some(next) = self
            .waits_for
            .range((dependency, EventId([0; 16]))..)
            .next()
            .copied()
        {
            let (found, id) = next;
            if found != dependency {
                break;
            }
            self.waits_for.remove(&next);
            let waiting = self
                .events
                .get_mut(&id)
                .expect("what waits for something is here");
            waiting.missing -= 1;
            if waiting.missing == 0 {
                ready.push(id);
            }
        }
        ready
    }

    /// Takes an event out; the peer that it was counted for.
    fn take(&mut self, id: EventId) -> Option<MachineId> {
        let Waiting {
            event,
            length,
            peer,
            since,
            ..
        } = self.events.remove(&id)?;
        for parent in &event.raw().parents {
            self.waits_for.remove(&(Dependency::Parent(*parent), id));
        }
        self.waits_for
            .remove(&(Dependency::Admission(event.raw().machine), id));
        let share = self
            .shares
            .get_mut(&peer)
            .expect("a waiting event is counted for its peer");
        share.events.remove(&(since, id));
        share.bytes -= length as usize;
        if share.events.is_empty() {
            self.shares.remove(&peer);
        }
        Some(peer)
    }
}

impl Share {
    fn has_room(&self, length: u32) -> bool {
        self.events.len() < PENDING_EVENTS_MAX && self.bytes + length as usize <= PENDING_BYTES_MAX
    }
}

#[cfg(test)]
mod tests;
