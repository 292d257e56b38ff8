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
    let ids = if total > HEADS_TOLD_MAX {
        let mut leaves: Vec<(u32, EventId)> = dag
            .leaf_positions()
            .map(|at| (dag.height(at), dag.id(at)))
            .collect();
        leaves.select_nth_unstable_by_key(HEADS_TOLD_MAX - 1, |leaf| std::cmp::Reverse(*leaf));
        leaves.truncate(HEADS_TOLD_MAX);
        let mut ids: Vec<EventId> = leaves.into_iter().map(|(_, id)| id).collect();
        ids.sort_unstable();
        ids
    } else {
        dag.leaves().collect()
    };
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

/// Ids at exponential distances back from the last arrival, as close together as `limits::LOCATOR_IDS_MAX` ids reach
/// back to R, which is the last of them. What a peer is sent twice is at most one such distance.
pub fn locator(dag: &Dag) -> Vec<EventId> {
    let last = dag.len() - 1;
    let finest = (1..=SIXTEENTHS_MAX).map(|sixteenths| distances(last, sixteenths));
    let fits = |found: &Vec<u32>| found.len() < LOCATOR_IDS_MAX;
    let distances = finest
        .into_iter()
        .find(fits)
        .unwrap_or_else(|| distances(last, SIXTEENTHS_MAX));
    let near = distances.iter().map(|back| dag.id(Arrival(last - back)));
    near.chain([dag.root()]).collect()
}

/// Each distance is this many sixteenths longer than the one before, at most: twice as long.
const SIXTEENTHS_MAX: u32 = 16;

/// 1, 2, … below `last`, each longer than the one before by so many sixteenths, but at least by one; cut off where they
/// are too many for a locator.
fn distances(last: u32, sixteenths: u32) -> Vec<u32> {
    let longer = |back: &u32| {
        let by = (u64::from(*back) * u64::from(sixteenths) / 16).max(1);
        u32::try_from(u64::from(*back) + by).ok()
    };
    std::iter::successors(Some(1_u32), longer)
        .take_while(|back| *back < last)
        .take(LOCATOR_IDS_MAX)
        .collect()
}

/// Returns whether the peer told the set that is held here. Cheap while the counts differ: no digest is made.
pub fn is_all(dag: &Dag, heads: &Heads) -> bool {
    heads.count == dag.len() && heads.digest == dag.digest()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locator_reaches_back_to_the_beginning_whatever_the_number_of_events() {
        for last in [0, 1, 2, 30, 40, 3_600, 100_000, 1_000_000, u32::MAX - 1] {
            let fit: Vec<u32> = (1..=SIXTEENTHS_MAX)
                .map(|sixteenths| distances(last, sixteenths))
                .find(|distances| distances.len() < LOCATOR_IDS_MAX)
                .expect("doubling reaches");
            assert!(fit.is_sorted_by(|a, b| a < b) && fit.iter().all(|back| *back < last));
            let furthest = fit.last().copied().unwrap_or(1);
            assert!(
                u64::from(furthest) * 2 + 1 >= u64::from(last),
                "{last}: {fit:?}"
            );
        }
        assert!(
            distances(100_000, 7).len() < LOCATOR_IDS_MAX,
            "at 100,000 events: less than half as far again"
        );
    }
}
