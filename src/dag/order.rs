//! Orders and walks: causal order, and ancestors in bounded steps.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::dag::Dag;
use crate::dag::bits::Bits;
use crate::event::id::EventId;
use crate::event::index::Arrival;

impl Dag {
    /// Place in causal order: (height, id). The same on every machine, parents always first.
    pub fn causal_key(&self, at: Arrival) -> (u32, EventId) {
        (self.height(at), self.id(at))
    }
}

/// Marks all ancestors of some held events (those events included), a bounded number at a time.
///
/// Memory: one bit an event held at `new`.
///
/// Invariant: when done, the marked set is closed under parents. The DAG may grow between steps: events that
/// come later are never marked.
#[derive(Clone, Debug)]
pub struct AncestorWalk {
    marked: Bits,
    /// The DAG's length at `new`.
    len: u32,
    /// The parents of all marked positions from here on are marked. As parents have smaller positions than their
    /// children, one descending pass does.
    expanded_from: u32,
}

impl AncestorWalk {
    /// Begins at `from`, positions held by `dag`.
    ///
    /// # Panics
    /// When nothing is held at one of them.
    pub fn new(dag: &Dag, from: impl IntoIterator<Item = Arrival>) -> Self {
        let len = dag.len();
        let mut walk = Self {
            marked: Bits::with_len(len),
            len,
            expanded_from: 0,
        };
        for at in from {
            assert!(at.0 < len, "a walk begins at held events");
            walk.marked.set(at);
            walk.expanded_from = walk.expanded_from.max(at.0 + 1);
        }
        walk
    }

    /// Visits at most `events` marked positions; true when it is done. 64 neighbours that are not marked
    /// cost as much as one visit, and so do 8 parents beyond the first.
    ///
    /// # Panics
    /// When `dag` is not the one of `new`, or a later state of it.
    pub fn step(&mut self, dag: &Dag, events: usize) -> bool {
        assert!(self.len <= dag.len(), "a DAG does not shrink during a walk");
        let mut left = events;
        while left > 0 && self.expanded_from > 0 {
            left -= 1;
            match self.marked.last_in_word_below(self.expanded_from) {
                Ok(at) => {
                    let parents = dag.parents(at);
                    for parent in parents {
                        self.marked.set(*parent);
                    }
                    left = left.saturating_sub(parents.len() / 8);
                    self.expanded_from = at.0;
                }
                Err(word_begins) => self.expanded_from = word_begins,
            }
        }
        self.expanded_from == 0
    }

    /// Returns whether the event is marked; false for events that came after `new`. Before the walk is done some
    /// ancestors are not marked yet.
    pub fn contains(&self, at: Arrival) -> bool {
        self.marked.contains(at)
    }

    /// How many are marked. Cost: O(length / 64).
    pub fn marked(&self) -> u32 {
        self.marked.count()
    }

    /// The unmarked positions below the DAG's length at `new`, ascending, as half-open ranges. Only of a walk
    /// that is done are they all the events outside the ancestry. Cost: O(length / 64 + ranges).
    pub fn unmarked_ranges(&self) -> Vec<(Arrival, Arrival)> {
        self.marked.gaps(self.len)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::dag::support::{World, random_dag};

    fn ancestors_by_recursion(dag: &Dag, at: Arrival, into: &mut BTreeSet<Arrival>) {
        if into.insert(at) {
            for parent in dag.parents(at) {
                ancestors_by_recursion(dag, *parent, into);
            }
        }
    }

    #[test]
    fn a_walk_marks_the_ancestors_and_nothing_else() {
        for seed in 0..20 {
            let dag = random_dag(seed, 300);
            let from = [
                Arrival(dag.len() - 1),
                Arrival(dag.len() / 2),
                Arrival(u32::try_from(seed).unwrap()),
            ];
            let mut expected = BTreeSet::new();
            for at in from {
                ancestors_by_recursion(&dag, at, &mut expected);
            }
            let mut walk = AncestorWalk::new(&dag, from);
            assert!(walk.step(&dag, usize::MAX));
            let all = (0..dag.len()).map(Arrival);
            assert_eq!(
                all.clone()
                    .filter(|at| walk.contains(*at))
                    .collect::<BTreeSet<_>>(),
                expected
            );
            let gaps = walk.unmarked_ranges();
            let in_gaps = |at: &Arrival| gaps.iter().any(|(begin, end)| begin <= at && at < end);
            assert_eq!(
                all.filter(|at| !in_gaps(at)).collect::<BTreeSet<_>>(),
                expected
            );
        }
    }

    #[test]
    fn a_walk_in_steps_does_the_same_while_the_dag_grows() {
        let mut world = World::new("R -> +x -> A0x -> A1x");
        for n in 2..200 {
            world.extend(&format!("A{}x -> A{n}x; R -> B{n}r", n - 1));
        }
        let len = world.dag.len();
        let from = [world.at("A150x")];
        let mut whole = AncestorWalk::new(&world.dag, from);
        assert!(whole.step(&world.dag, usize::MAX));
        let mut stepwise = AncestorWalk::new(&world.dag, from);
        let mut steps = 1;
        while !stepwise.step(&world.dag, 3) {
            world.extend(&format!("A199x -> C{steps}x"));
            steps += 1;
        }
        assert!(
            (40..=70).contains(&steps),
            "{steps} steps for 152 ancestors, 3 a step"
        );
        assert_eq!(stepwise.unmarked_ranges(), whole.unmarked_ranges());
        assert!((len..world.dag.len()).all(|at| !stepwise.contains(Arrival(at))));
    }

    #[test]
    fn a_walk_from_nowhere_marks_nothing() {
        let world = World::new("R -> Ar -> Br");
        let mut walk = AncestorWalk::new(&world.dag, []);
        assert!(walk.step(&world.dag, 0));
        assert_eq!(walk.unmarked_ranges(), [(Arrival(0), Arrival(3))]);
    }

    #[test]
    fn a_far_walk_over_few_ancestors_is_cheap() {
        let mut world = World::new("R -> Ar");
        for n in 0..640 {
            world.extend(&format!("Ar -> B{n}r"));
        }
        let mut walk = AncestorWalk::new(&world.dag, [world.at("B639r")]);
        assert!(walk.step(&world.dag, 16), "10 words of 64 and 3 ancestors");
    }

    #[test]
    fn many_parents_cost_as_much_as_several_events() {
        let mut world = World::new("R -> Ar");
        for n in 0..64 {
            world.extend(&format!("R -> B{n}r"));
        }
        let parents = (0..64)
            .map(|n| world.event(&format!("B{n}r")).id())
            .collect();
        let wide = world.make("Wr", parents);
        world.add("Wr", wide);
        let mut walk = AncestorWalk::new(&world.dag, [world.at("Wr")]);
        assert!(!walk.step(&world.dag, 8 + 64));
        assert!(
            walk.step(&world.dag, 2),
            "W, 8 for its parents, 64 of them and R in 74"
        );
    }
}
