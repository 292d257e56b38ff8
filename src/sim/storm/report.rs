//! What a run came to.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::time::Duration;

use crate::event::id::DagDigest;
use crate::sim::counts::Counts;
use crate::sim::storm::{Plan, Storm};

/// Figures of a run that went through: all machines hold the same set.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was run.
    pub plan: Plan,
    /// Digest of the set that all hold.
    pub digest: DagDigest,
    /// Hash of all inputs and effects.
    pub trace_hash: String,
    /// Events that all hold.
    pub held: u32,
    /// How often a machine received an event of another, on average; 1 is the least.
    pub copies_per_machine: f64,
    /// The most links that an event took to a machine.
    pub hops_max: u8,
    /// The longest time from an event's making until it was held by a machine that was there then; cuts and downtimes included.
    pub last_delivery: Duration,
    /// Bytes that a machine received, on average; headers of packets and streams not counted.
    pub bytes_per_machine: u64,
    /// Bytes of memory of the largest machine; see [`crate::machine::Size::bytes`] for what is counted.
    pub memory_per_machine: usize,
    /// From the end of all faults until all held the same.
    pub healed: Duration,
    /// Virtual time of the whole run.
    pub virtual_time: Duration,
    /// Things that happened.
    pub happened: u64,
    /// How often rare states were reached.
    pub counts: Counts,
}

impl Storm {
    #[expect(
        clippy::cast_precision_loss,
        reason = "an average; counts are far below 2^52"
    )]
    pub(super) fn report(self, healed: Duration) -> Report {
        let sim = self.sim;
        let machines = sim.hosts() as u64;
        let dag = sim.machine(0).dag();
        let (digest, held) = (dag.digest(), dag.len());
        let sizes = (0..sim.hosts()).map(|host| sim.machine(host).size().bytes);
        let memory_per_machine = sizes.max().unwrap_or(0);
        let (now, happened) = (sim.now(), sim.happened());
        let watched = sim.watched.unwrap_or_default();
        let watch = &watched.watch;
        Report {
            plan: self.plan,
            digest,
            trace_hash: watched.trace.hex(),
            held,
            copies_per_machine: watch.received as f64 / watch.gained.max(1) as f64,
            hops_max: watch.hops_max,
            last_delivery: Duration::from_micros(watch.slowest_us),
            bytes_per_machine: watched.bytes / machines,
            memory_per_machine,
            healed,
            virtual_time: Duration::from_micros(now.0),
            happened,
            counts: sim.counts,
        }
    }
}
