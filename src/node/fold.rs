//! Folds quiet runs: rows of the screen that stand for several events.
//!
//! An event is quiet when the one before it in the order is its only parent, by the same author, the one after it is made on it
//! alone, by the same author, too, and nothing else that was looked at is made on it.
//!
//! Invariants:
//! - each event of the part is in exactly one piece, and the pieces stand in the order;
//! - the anchor is the last event of its piece, so that the selection may stand on it.
//!
//! Bound: `limits::FOLD_LOOK_EVENTS` events a window, and `LOOK_BACK_ROWS` after it for what is made on them. What is made on a folded
//! event still further on has a dashed tie, as to every event that is not the newest of its lane.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::dag::Dag;
use crate::event::index::Arrival;
use crate::limits::{FOLD_LOOK_EVENTS, LOOK_BACK_ROWS};
use crate::node::order::Ordered;

/// One row: the events of a range of ranks.
pub(crate) type Piece = Range<usize>;

/// What is to be folded.
#[derive(Clone, Debug)]
pub(crate) struct Folding {
    /// Runs of more quiet events become one row; 0: none.
    pub(crate) min: usize,
    /// But not runs with one of these.
    pub(crate) unfolded: BTreeSet<Arrival>,
    /// Rank of the anchor.
    pub(crate) at: usize,
    /// It must be the last of its piece.
    pub(crate) is_selected: bool,
}

impl Folding {
    /// The piece of the anchor, with at most `before` pieces before it and `after` after it.
    pub(crate) fn pieces(
        &self,
        dag: &Dag,
        order: &Ordered<'_>,
        (before, after): (usize, usize),
    ) -> Vec<Piece> {
        let (mut back, mut on) = (before, after);
        loop {
            let part = self.at.saturating_sub(back)..(self.at + 1 + on).min(order.len());
            let pieces = self.fold(dag, order, part.clone());
            let place = pieces.partition_point(|piece| piece.end <= self.at);
            let lacks_before = place < before && part.start > 0;
            let lacks_after = pieces.len() - 1 - place < after && part.end < order.len();
            if part.len() >= FOLD_LOOK_EVENTS || !(lacks_before || lacks_after) {
                let first = place.saturating_sub(before);
                let end = (place + 1 + after).min(pieces.len());
                return pieces[first..end].to_vec();
            }
            let grown = |by: usize, lacks| if lacks { 2 * by + 1 } else { by };
            (back, on) = (grown(back, lacks_before), grown(on, lacks_after));
            let room = FOLD_LOOK_EVENTS - 1;
            back = back.min(room.saturating_sub(on.min(room / 2)));
            on = on.min(room - back.min(room));
        }
    }

    fn fold(&self, dag: &Dag, order: &Ordered<'_>, part: Range<usize>) -> Vec<Piece> {
        if self.min == 0 {
            return part.map(|rank| rank..rank + 1).collect();
        }
        let quiet = quiet(dag, order, &part);
        let mut pieces = Vec::new();
        let mut rank = part.start;
        while rank < part.end {
            let rest = &quiet[rank - part.start..];
            let run = rank..rank + rest.iter().take_while(|is_quiet| **is_quiet).count();
            let is_open = run
                .clone()
                .any(|rank| self.unfolded.contains(&order.at(rank)));
            let cut = if self.is_selected && run.contains(&self.at) {
                self.at + 1
            } else {
                run.end
            };
            for half in [run.start..cut, cut..run.end] {
                if half.len() > self.min && !is_open {
                    pieces.push(half);
                } else {
                    pieces.extend(half.map(|rank| rank..rank + 1));
                }
            }
            if run.end < part.end {
                pieces.push(run.end..run.end + 1);
            }
            rank = run.end + 1;
        }
        pieces
    }
}

/// Of each rank of the part whether its event is quiet.
fn quiet(dag: &Dag, order: &Ordered<'_>, part: &Range<usize>) -> Vec<bool> {
    let is_linked = |rank: usize| {
        let (at, before) = (order.at(rank), order.at(rank - 1));
        dag.parents(at) == [before] && dag.author(at) == dag.author(before)
    };
    let linked: Vec<bool> = (part.start..=part.end)
        .map(|rank| rank > 0 && rank < order.len() && is_linked(rank))
        .collect();
    let mut quiet: Vec<bool> = linked.windows(2).map(|pair| pair[0] && pair[1]).collect();
    let mut places: Vec<(Arrival, usize)> = (0..quiet.len())
        .filter(|place| quiet[*place])
        .map(|place| (order.at(part.start + place), place))
        .collect();
    if places.is_empty() {
        return quiet;
    }
    places.sort_unstable();
    for rank in part.start..order.len().min(part.end + LOOK_BACK_ROWS) {
        if linked.get(rank - part.start) == Some(&true) {
            continue;
        }
        for parent in dag.parents(order.at(rank)) {
            if let Ok(found) = places.binary_search_by_key(parent, |(at, _)| *at) {
                quiet[places[found].1] = false;
            }
        }
    }
    quiet
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::view::Order;
    use crate::dag::support::{World, random_dag};
    use crate::node::order::CausalOrder;

    fn folded(dag: &Dag, order: Order, folding: &Folding, rows: (usize, usize)) -> Vec<Piece> {
        folding.pieces(
            dag,
            &Ordered::new(dag, &mut CausalOrder::default(), order),
            rows,
        )
    }

    fn folding(at: usize) -> Folding {
        Folding {
            min: 3,
            unfolded: BTreeSet::new(),
            at,
            is_selected: false,
        }
    }

    /// R, an admission, and twelve events by the one that it admits, each on the one before.
    fn world() -> World {
        let mut world = World::new("R -> +x -> A0x");
        for n in 1..12 {
            world.extend(&format!("A{}x -> A{n}x", n - 1));
        }
        world
    }

    #[test]
    fn the_inner_events_of_a_run_become_one_row() {
        let world = world();
        let last = world.dag.len() as usize - 1;
        let pieces = folded(&world.dag, Order::Arrival, &folding(last), (50, 0));
        let long: Vec<&Piece> = pieces.iter().filter(|piece| piece.len() > 1).collect();
        assert_eq!(long.len(), 1);
        assert_eq!(long[0].end, last);
        let mut open = folding(last);
        open.unfolded
            .insert(Arrival(u32::try_from(last - 3).unwrap()));
        assert_eq!(
            folded(&world.dag, Order::Arrival, &open, (50, 0)).len(),
            last + 1
        );
    }

    #[test]
    fn the_selected_event_ends_its_piece_and_a_tie_breaks_the_run() {
        let mut world = world();
        let last = world.dag.len() as usize - 1;
        let mut selected = folding(last - 5);
        selected.is_selected = true;
        let pieces = folded(&world.dag, Order::Arrival, &selected, (50, 50));
        assert!(
            pieces
                .iter()
                .any(|piece| piece.len() > 1 && piece.end == last - 4),
            "{pieces:?}"
        );
        assert!(pieces.contains(&(last - 4..last)), "{pieces:?}");
        world.extend("A6x -> B0r");
        let tied = world.at("A6x").0 as usize;
        let pieces = folded(&world.dag, Order::Arrival, &folding(last), (50, 1));
        assert!(pieces.contains(&(tied..tied + 1)), "{pieces:?}");
    }

    #[test]
    fn each_event_is_in_one_piece_of_any_dag() {
        for seed in 0..30 {
            let dag = random_dag(seed, 200);
            let len = dag.len() as usize;
            for order in [Order::Causal, Order::Arrival] {
                for at in [0, 1, len / 3, len - 1] {
                    let mut folding = folding(at);
                    folding.min = 1;
                    folding.is_selected = seed % 2 == 0;
                    let pieces = folded(&dag, order, &folding, (20, 15));
                    assert!(pieces.windows(2).all(|pair| pair[0].end == pair[1].start));
                    assert!(pieces.iter().all(|piece| !piece.is_empty()));
                    let own = pieces.iter().find(|piece| piece.contains(&at)).unwrap();
                    assert!(!folding.is_selected || own.end == at + 1);
                    let place = pieces.iter().position(|piece| piece == own).unwrap();
                    assert!(place == 20 || pieces[0].start == 0);
                    assert!(pieces.len() - place == 16 || pieces.last().unwrap().end == len);
                }
            }
        }
    }
}
