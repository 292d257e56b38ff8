//! The links of the simulated network: latency, cuts, order.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use crate::time::Time;

/// Number of a machine in the simulation.
pub type Host = usize;

/// One of the streams between two hosts, in one direction; each keeps its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// The control stream.
    Control,
    /// The bulk stream of a session.
    Bulk,
}

/// All links.
#[derive(Clone, Debug)]
pub struct Links {
    /// Shortest and longest one-way latency.
    latency: (Duration, Duration),
    bytes_per_second: u64,
    cut: BTreeSet<(Host, Host)>,
    /// Connections, by pair, each with its number: what was sent on an earlier one is lost.
    up: BTreeMap<(Host, Host), u64>,
    last: BTreeMap<(Host, Host, Lane), Time>,
    next: u64,
}

impl Links {
    /// Links with a latency drawn evenly from a range, and a bandwidth for bulk.
    pub fn new(latency: (Duration, Duration), bytes_per_second: u64) -> Self {
        Self {
            latency,
            bytes_per_second,
            cut: BTreeSet::new(),
            up: BTreeMap::new(),
            last: BTreeMap::new(),
            next: 0,
        }
    }

    /// Cuts the link between two hosts; a connection there is gone.
    pub fn cut(&mut self, a: Host, b: Host) {
        self.cut.insert(pair(a, b));
        self.up.remove(&pair(a, b));
    }

    /// Mends it.
    pub fn heal(&mut self, a: Host, b: Host) {
        self.cut.remove(&pair(a, b));
    }

    /// Returns whether packets pass.
    pub fn is_open(&self, a: Host, b: Host) -> bool {
        !self.cut.contains(&pair(a, b))
    }

    /// Connects two hosts; false: they are already.
    pub fn connect(&mut self, a: Host, b: Host) -> bool {
        if self.up.contains_key(&pair(a, b)) {
            return false;
        }
        self.next += 1;
        self.up.insert(pair(a, b), self.next);
        true
    }

    /// Ends a connection; false: there is none.
    pub fn disconnect(&mut self, a: Host, b: Host) -> bool {
        self.up.remove(&pair(a, b)).is_some()
    }

    /// The number of the present connection.
    pub fn connection(&self, a: Host, b: Host) -> Option<u64> {
        self.up.get(&pair(a, b)).copied()
    }

    /// The hosts that `host` is connected to.
    pub fn peers_of(&self, host: Host) -> Vec<Host> {
        let other = |(a, b): &(Host, Host)| {
            if *a == host {
                Some(*b)
            } else if *b == host {
                Some(*a)
            } else {
                None
            }
        };
        self.up.keys().filter_map(other).collect()
    }

    /// When `bytes` sent now arrive; never before what was sent earlier on the same lane.
    pub fn arrival(
        &mut self,
        now: Time,
        from: Host,
        to: Host,
        lane: Lane,
        bytes: usize,
        rng: &mut Pcg64Mcg,
    ) -> Time {
        let latency = rng.random_range(self.latency.0..=self.latency.1);
        let sending = Duration::from_micros(bytes as u64 * 1_000_000 / self.bytes_per_second);
        let earliest = self.last.get(&(from, to, lane)).copied().unwrap_or(now);
        let at = match lane {
            Lane::Control => (now + latency).max(earliest),
            Lane::Bulk => (now + latency).max(earliest) + sending,
        };
        self.last.insert((from, to, lane), at);
        at
    }
}

fn pair(a: Host, b: Host) -> (Host, Host) {
    (a.min(b), a.max(b))
}
