//! All that a run is made from.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::limits::HEADS_TOLD_MAX;
use crate::sim::faults::Mode;

/// Says everything about a run: the same plan, the same run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// Draws all that the other members leave open.
    pub seed: u64,
    /// Machines in the end.
    pub machines: usize,
    /// Events that users ask for, at the least.
    pub events: usize,
    /// Machines that write.
    pub writers: usize,
    /// Part of the messages that is lost, and in the unbounded mode of those that are doubled and late; 0 to 1. Above 0 there
    /// are slow machines too.
    pub loss: f64,
    /// Probability, a batch of events, that a machine crashes, a commit fails, or an event on a disk is damaged.
    pub crash: f64,
    /// Probability, a batch of events, that links are cut.
    pub cut: f64,
    /// What the network promises.
    pub mode: Mode,
}

impl Plan {
    /// The plan that the tests run for a seed: 8 to 64 machines, now and then some more, so that there are more leaves than a
    /// message tells.
    pub fn of_seed(seed: u64) -> Self {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let machines = match (seed % 50, rng.random_range(0..100)) {
            (24, _) => 64,
            (49, _) => HEADS_TOLD_MAX + rng.random_range(2..9),
            (_, 0..70) => rng.random_range(8..=12),
            (_, 70..93) => rng.random_range(13..=20),
            (_, 93..) => rng.random_range(21..=32),
            (_, ..0) => unreachable!("it is drawn from 0 on"),
        };
        let parts = |rng: &mut Pcg64Mcg, part: f64, of: &[u32]| {
            f64::from(of[rng.random_range(0..of.len())]) * part
        };
        Self {
            seed,
            machines,
            events: (6_000 / machines).clamp(100, 600),
            writers: if rng.random_bool(0.3) { 3 } else { machines },
            loss: parts(&mut rng, 0.01, &[0, 1, 3, 10]),
            crash: parts(&mut rng, 0.01, &[0, 3, 10, 20]),
            cut: parts(&mut rng, 0.01, &[0, 5, 20, 40]).max(if machines > HEADS_TOLD_MAX {
                0.05
            } else {
                0.0
            }),
            mode: [Mode::Quic, Mode::Quic, Mode::Unbounded][rng.random_range(0..3)],
        }
    }

    /// The line that repeats the run.
    pub fn command(&self) -> String {
        let Self {
            seed,
            machines,
            events,
            writers,
            loss,
            crash,
            cut,
            mode,
        } = self;
        format!(
            "fedag sim --seed {seed} --machines {machines} --events {events} --writers {writers} --loss {loss} --crash {crash} --cut {cut} --mode {mode}"
        )
    }

    /// Returns whether nothing goes wrong.
    pub fn is_calm(&self) -> bool {
        self.loss == 0.0 && self.crash == 0.0 && self.cut == 0.0
    }
}
