//! Causal order, kept beside the DAG for the screen and for `log`.
//!
//! Owned by the driver and touched only when somebody asks: the first time it sorts everything, later it merges what came
//! to be held since.
//!
//! Invariants:
//! - a permutation of the positions `0..len`, ascending by (height, id);
//! - 4 bytes an event, and none before it is asked for.

use std::cmp::Ordering;

use crate::control::view::Order;
use crate::dag::Dag;
use crate::event::id::EventId;
use crate::event::index::Arrival;

/// The positions of held events in causal order.
#[derive(Debug, Default)]
pub(crate) struct CausalOrder {
    sorted: Vec<Arrival>,
}

impl CausalOrder {
    /// Takes in what came to be held since the last call.
    ///
    /// Cost: O(new * log new), and a move for each old event that comes after a new one.
    pub(crate) fn catch_up(&mut self, dag: &Dag) {
        let old = u32::try_from(self.sorted.len()).expect("arrivals are u32");
        if old == dag.len() {
            return;
        }
        let mut new: Vec<_> = (old..dag.len())
            .map(|at| (dag.height(Arrival(at)), dag.id(Arrival(at)), Arrival(at)))
            .collect();
        new.sort_unstable();
        let mut from = self.sorted.len();
        let mut to = from + new.len();
        self.sorted.resize(to, Arrival(0));
        // From the back: each place is written after what stood there was moved on.
        while let Some(&(height, id, at)) = new.last() {
            to -= 1;
            if from > 0 && dag.causal_key(self.sorted[from - 1]) > (height, id) {
                from -= 1;
                self.sorted[to] = self.sorted[from];
            } else {
                self.sorted[to] = at;
                new.pop();
            }
        }
    }

    /// All positions, as of the last [`CausalOrder::catch_up`].
    pub(crate) fn as_slice(&self) -> &[Arrival] {
        &self.sorted
    }

    /// The number of events whose key is below `key`.
    fn rank(&self, dag: &Dag, key: (u32, EventId)) -> usize {
        self.sorted
            .partition_point(|at| dag.causal_key(*at).cmp(&key) == Ordering::Less)
    }
}

/// All held events in one of the two orders. Ranks count from 0.
#[derive(Debug)]
pub(crate) struct Ordered<'a> {
    dag: &'a Dag,
    /// None: arrival order.
    causal: Option<&'a CausalOrder>,
}

impl<'a> Ordered<'a> {
    /// `causal` is brought up to date if it is needed.
    pub(crate) fn new(dag: &'a Dag, causal: &'a mut CausalOrder, order: Order) -> Self {
        let causal = match order {
            Order::Causal => {
                causal.catch_up(dag);
                Some(&*causal)
            }
            Order::Arrival => None,
        };
        Self { dag, causal }
    }

    /// Number of events.
    pub(crate) fn len(&self) -> usize {
        self.dag.len() as usize
    }

    /// The event at a rank below `len`.
    pub(crate) fn at(&self, rank: usize) -> Arrival {
        match self.causal {
            Some(causal) => causal.as_slice()[rank],
            None => Arrival(u32::try_from(rank).expect("a rank is below the number of events")),
        }
    }

    /// The rank of a held event. Cost: O(log n).
    pub(crate) fn rank(&self, at: Arrival) -> usize {
        match self.causal {
            Some(causal) => causal.rank(self.dag, self.dag.causal_key(at)),
            None => at.0 as usize,
        }
    }
}
