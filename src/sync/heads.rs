//! Heads as they are told after a change: whole, or as what changed since they were last told.
//!
//! Up to `limits::HEADS_TOLD_MAX` leaves are told whole. Above it a machine tells changes to a peer that knows all of its heads,
//! and so the peer goes on knowing them; a peer that does not know them all is told some, until there are few enough again.
//!
//! Invariants:
//! - changes name the digest of what they change: who did not hear that counts the heads as not completely told;
//! - what a peer told once it holds for ever, so ids that were told stay true, whatever is missed.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::sync::Arc;

use crate::dag::Dag;
use crate::event::id::{DagDigest, EventId};
use crate::limits::{HEADS_CHANGED_MAX, HEADS_KNOWN_MAX, HEADS_TOLD_MAX};
use crate::sync::locate;
use crate::sync::message::{HeadChanges, Heads};

/// What a peer was told of our heads last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Of the set that they stood for.
    pub digest: DagDigest,
    /// All leaves of it, ascending, when the peer knows them all. Shared by the peers that were told at the same time.
    all: Option<Arc<[EventId]>>,
}

/// How heads are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Telling {
    /// As they are, or some of them.
    Heads(Heads),
    /// What changed.
    Changes(HeadChanges),
}

/// Our leaves at one time, to be told to several peers.
#[derive(Clone, Debug)]
pub struct Leaves {
    heads: Heads,
    /// All, ascending; none when they are more than `limits::HEADS_KNOWN_MAX`.
    all: Option<Arc<[EventId]>>,
}

impl Leaves {
    /// The leaves of `dag` now. Cost: O(leaves).
    pub fn of(dag: &Dag) -> Self {
        let heads = locate::heads(dag, false);
        let is_known = dag.leaves().len() <= HEADS_KNOWN_MAX;
        Self {
            all: is_known.then(|| dag.leaves().collect()),
            heads,
        }
    }

    /// Of the held set.
    pub fn digest(&self) -> DagDigest {
        self.heads.digest
    }

    /// How a peer that was told `before` is told them, and what it knows then. `bulk`: they changed by bulk.
    pub fn tell(&self, before: Option<&Told>, bulk: bool) -> (Telling, Told) {
        let changes = before.and_then(|before| self.changes(before, bulk));
        let is_whole = self.heads.is_complete() || changes.is_some();
        let told = Told {
            digest: self.heads.digest,
            all: self.all.clone().filter(|_| is_whole),
        };
        let heads = || Heads {
            bulk,
            ..self.heads.clone()
        };
        let telling = changes.map_or_else(|| Telling::Heads(heads()), Telling::Changes);
        (telling, told)
    }

    /// None: they are few enough to be told whole, the peer does not know what they were before, or too much changed.
    fn changes(&self, before: &Told, bulk: bool) -> Option<HeadChanges> {
        let (now, then) = (self.all.as_ref()?, before.all.as_ref()?);
        if now.len() <= HEADS_TOLD_MAX {
            return None;
        }
        let (added, removed) = (without(now, then), without(then, now));
        let is_small = added.len() <= HEADS_CHANGED_MAX && removed.len() <= HEADS_CHANGED_MAX;
        is_small.then_some(HeadChanges {
            since: before.digest,
            added,
            removed,
            total: self.heads.total,
            count: self.heads.count,
            digest: self.heads.digest,
            bulk,
        })
    }
}

impl Told {
    /// Returns whether the peer knows all of them.
    pub fn is_complete(&self) -> bool {
        self.all.is_some()
    }

    /// What a peer knows after a HELLO with these heads.
    pub fn by_hello(heads: &Heads, before: Option<&Self>) -> Self {
        match before {
            Some(before) if before.digest == heads.digest => before.clone(),
            Some(_) | None => Self {
                digest: heads.digest,
                all: heads.is_complete().then(|| heads.ids.as_slice().into()),
            },
        }
    }
}

impl Heads {
    /// These heads, heard after `before`: of the same set, the more complete ones.
    #[must_use]
    pub fn after(self, before: Option<&Self>) -> Self {
        match before {
            Some(before) if before.digest == self.digest && !self.is_complete() => Self {
                bulk: self.bulk,
                ..before.clone()
            },
            Some(_) | None => self,
        }
    }

    /// What is known of a peer's heads after it told `changes`, these being what it told before.
    #[must_use]
    pub fn changed(&self, changes: &HeadChanges) -> Self {
        let heads = |ids| Self {
            ids,
            total: changes.total,
            count: changes.count,
            digest: changes.digest,
            bulk: changes.bulk,
        };
        if self.is_complete() && self.digest == changes.since {
            let mut ids = without(&self.ids, &changes.removed);
            ids.extend_from_slice(&changes.added);
            ids.sort_unstable();
            ids.dedup();
            if ids.len() == changes.total as usize && ids.len() <= HEADS_KNOWN_MAX {
                return heads(ids);
            }
        }
        let mut some = if changes.added.is_empty() {
            self.ids.clone()
        } else {
            changes.added.clone()
        };
        // Fewer than all of them, so that they do not count as complete.
        some.truncate(
            (changes.total as usize)
                .saturating_sub(1)
                .clamp(1, HEADS_TOLD_MAX),
        );
        heads(some)
    }
}

/// What is in `all` and not in `others`; both ascending.
fn without(all: &[EventId], others: &[EventId]) -> Vec<EventId> {
    let is_other = |id: &&EventId| others.binary_search(id).is_ok();
    all.iter().filter(|id| !is_other(id)).copied().collect()
}

#[cfg(test)]
mod tests;
