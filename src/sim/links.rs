//! The links of the simulated network: latency, cuts, order.
//!
//! A connection has two ends, one at each host; each end stands until its host closes it, is told, or hears nothing for too
//! long. So the two may disagree for a while.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;
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
    /// Hosts whose links are slower.
    slow: BTreeMap<Host, u64>,
    /// Directions in which nothing passes, and since when.
    cut: BTreeMap<(Host, Host), Time>,
    /// Ends of connections, by (whose, to whom), each with the connection's number.
    ends: BTreeMap<(Host, Host), u64>,
    last: BTreeMap<(Host, Host, Lane), Time>,
    next: u64,
}

impl Links {
    /// Links with a latency drawn evenly from a range, and a bandwidth for bulk.
    pub fn new(latency: (Duration, Duration), bytes_per_second: u64) -> Self {
        Self {
            latency,
            bytes_per_second,
            slow: BTreeMap::new(),
            cut: BTreeMap::new(),
            ends: BTreeMap::new(),
            last: BTreeMap::new(),
            next: 0,
        }
    }

    /// From now on nothing passes from one host to another.
    pub fn cut(&mut self, now: Time, from: Host, to: Host) {
        self.cut.entry((from, to)).or_insert(now);
    }

    /// Mends that direction; false: it was not cut.
    pub fn heal(&mut self, from: Host, to: Host) -> bool {
        self.cut.remove(&(from, to)).is_some()
    }

    /// All cut directions.
    pub fn cuts(&self) -> Vec<(Host, Host)> {
        self.cut.keys().copied().collect()
    }

    /// Since when nothing passes; None: it passes.
    pub fn cut_since(&self, from: Host, to: Host) -> Option<Time> {
        self.cut.get(&(from, to)).copied()
    }

    /// Returns whether packets pass both ways.
    pub fn is_open(&self, a: Host, b: Host) -> bool {
        !self.cut.contains_key(&(a, b)) && !self.cut.contains_key(&(b, a))
    }

    /// Sets the bandwidth of all links of a host; None: as the others.
    pub fn set_bandwidth(&mut self, host: Host, bytes_per_second: Option<u64>) {
        match bytes_per_second {
            Some(bytes) => self.slow.insert(host, bytes),
            None => self.slow.remove(&host),
        };
    }

    /// The bandwidth between two hosts of which one is slow.
    pub fn slow_bandwidth(&self, a: Host, b: Host) -> Option<u64> {
        let of = |host: &Host| self.slow.get(host).copied();
        [of(&a), of(&b)].into_iter().flatten().min()
    }

    /// Connects two hosts, of which neither has an end to the other.
    pub fn connect(&mut self, a: Host, b: Host) {
        self.next += 1;
        for (near, far) in [(a, b), (b, a)] {
            self.ends.insert((near, far), self.next);
            for lane in [Lane::Control, Lane::Bulk] {
                self.last.remove(&(near, far, lane));
            }
        }
    }

    /// Takes one end away; the connection's number.
    pub fn disconnect(&mut self, host: Host, peer: Host) -> Option<u64> {
        self.ends.remove(&(host, peer))
    }

    /// The number of the connection that `host` has to `peer`.
    pub fn connection(&self, host: Host, peer: Host) -> Option<u64> {
        self.ends.get(&(host, peer)).copied()
    }

    /// The hosts that `host` has an end to.
    pub fn peers_of(&self, host: Host) -> Vec<Host> {
        let of_host = self.ends.range((host, 0)..=(host, Host::MAX));
        of_host.map(|((_, peer), _)| *peer).collect()
    }

    /// How many.
    pub fn count_of(&self, host: Host) -> usize {
        self.ends.range((host, 0)..=(host, Host::MAX)).count()
    }

    /// A latency.
    pub fn latency(&self, rng: &mut Pcg64Mcg) -> Duration {
        rng.random_range(self.latency.0..=self.latency.1)
    }

    /// The longest latency.
    pub fn latency_max(&self) -> Duration {
        self.latency.1
    }

    /// What was sent on a lane and has not arrived holds nothing up any more.
    pub fn clear_lane(&mut self, from: Host, to: Host, lane: Lane) {
        self.last.remove(&(from, to, lane));
    }

    /// When `bytes` sent now arrive, `delay` later than usual; never before what was sent earlier on the same lane.
    pub fn arrival(
        &mut self,
        now: Time,
        (from, to, lane): (Host, Host, Lane),
        bytes: usize,
        delay: Duration,
        rng: &mut Pcg64Mcg,
    ) -> Time {
        let latency = self.latency(rng) + delay;
        let bandwidth = self
            .slow_bandwidth(from, to)
            .unwrap_or(self.bytes_per_second);
        let sending = Duration::from_micros(bytes as u64 * 1_000_000 / bandwidth);
        let earliest = self.last.get(&(from, to, lane)).copied().unwrap_or(now);
        let at = match lane {
            Lane::Control => (now + latency).max(earliest),
            Lane::Bulk => (now + latency).max(earliest) + sending,
        };
        self.last.insert((from, to, lane), at);
        at
    }
}
