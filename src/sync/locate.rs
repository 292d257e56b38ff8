//! What a machine tells of its set in a HELLO, and what it reads from another's.
//!
//! Heads, parents of heads and a locator: about 2 KB, enough that the common part is found in one round trip
//! and at most a few events are sent twice.
//!
//! Invariant: every id told is of a held event; whoever tells an id holds all of its ancestors.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeSet;

use crate::dag::Dag;
use crate::event::id::EventId;
use crate::event::index::Arrival;
use crate::limits::{HEAD_PARENTS_MAX, HEADS_TOLD_MAX, LOCATOR_IDS_MAX};
use crate::sync::message::{Heads, Hello};

/// The heads of `dag`; above `limits::HEADS_TOLD_MAX` leaves, the newest by height. Cost: O(leaves).
pub fn heads(dag: &Dag, bulk: bool) -> Heads {
    let total = dag.leaves().len();
    let mut ids: Vec<EventId> = dag.leaves().collect();
    if total > HEADS_TOLD_MAX {
        let height = |id: &EventId| dag.find(*id).map(|at| dag.height(at));
        ids.sort_by_key(|id| std::cmp::Reverse((height(id), *id)));
        ids.truncate(HEADS_TOLD_MAX);
        ids.sort_unstable();
    }
    Heads {
        ids,
        total: u32::try_from(total).unwrap_or(u32::MAX),
        count: dag.len(),
        digest: dag.digest(),
        bulk,
    }
}

/// Parents of the told heads that are not heads themselves, at most `limits::HEAD_PARENTS_MAX`, highest first.
pub fn head_parents(dag: &Dag, heads: &Heads) -> Vec<EventId> {
    let positions = heads.ids.iter().filter_map(|id| dag.find(*id));
    let parents: BTreeSet<Arrival> = positions
        .flat_map(|at| dag.parents(at).iter().copied())
        .collect();
    let mut parents: Vec<Arrival> = parents.into_iter().collect();
    parents.sort_by_key(|at| std::cmp::Reverse(dag.causal_key(*at)));
    parents
        .iter()
        .take(HEAD_PARENTS_MAX)
        .map(|at| dag.id(*at))
        .collect()
}

/// Ids at distances 1, 2, 4, … back from the last arrival, and R; at most `limits::LOCATOR_IDS_MAX`.
pub fn locator(dag: &Dag) -> Vec<EventId> {
    let last = dag.len() - 1;
    let distances = (0..32)
        .map(|power| 1_u32 << power)
        .take_while(|distance| *distance < last);
    let mut ids: Vec<EventId> = distances
        .map(|distance| dag.id(Arrival(last - distance)))
        .collect();
    ids.push(dag.root());
    debug_assert!(ids.len() <= LOCATOR_IDS_MAX);
    ids
}

/// Returns whether all heads were told and are held: the set they stand for is held.
pub fn holds_all(dag: &Dag, heads: &Heads) -> bool {
    heads.is_complete() && heads.ids.iter().all(|id| dag.holds(*id))
}

/// The positions of all ids of `hello` that are held; their ancestors are what both hold, as far as it shows.
pub fn common(dag: &Dag, hello: &Hello) -> Vec<Arrival> {
    let ids = hello
        .heads
        .ids
        .iter()
        .chain(&hello.head_parents)
        .chain(&hello.locator);
    ids.filter_map(|id| dag.find(*id)).collect()
}
