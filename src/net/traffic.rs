//! Bytes over one connection, for people: counted where frames are read and written, told once a second.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// Bytes of messages over a connection; what QUIC adds, and what it sends again, is not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// From the peer.
    pub received: u64,
    /// To the peer: what QUIC has taken.
    pub sent: u64,
    /// From the peer in the last second.
    pub received_s: u64,
    /// To the peer in the last second.
    pub sent_s: u64,
}

/// Counts.
#[derive(Debug, Default)]
pub(super) struct Counter {
    received: AtomicU64,
    sent: AtomicU64,
}

impl Counter {
    pub(super) fn on_received(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn on_sent(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// Turns counts into rates.
#[derive(Debug)]
pub(super) struct Gauge {
    told: Traffic,
    looked: Instant,
}

impl Gauge {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            told: Traffic::default(),
            looked: now,
        }
    }

    /// What went over since the last look; None: as told last. Of less than a second a rate is what went over, no more.
    pub(super) fn look(&mut self, counter: &Counter, now: Instant) -> Option<Traffic> {
        let since = now.duration_since(self.looked).max(Duration::from_secs(1));
        let rate = |bytes: u64| {
            let rate = u128::from(bytes) * 1000 / since.as_millis();
            u64::try_from(rate).unwrap_or(u64::MAX)
        };
        let received = counter.received.load(Ordering::Relaxed);
        let sent = counter.sent.load(Ordering::Relaxed);
        let traffic = Traffic {
            received,
            sent,
            received_s: rate(received - self.told.received),
            sent_s: rate(sent - self.told.sent),
        };
        self.looked = now;
        let has_changed = traffic != self.told;
        self.told = traffic;
        has_changed.then_some(traffic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_told_while_it_lasts_and_once_when_it_ends() {
        let (counter, start) = (Counter::default(), Instant::now());
        let mut gauge = Gauge::new(start);
        let mut look = |ms: u64| gauge.look(&counter, start + Duration::from_millis(ms));
        assert_eq!(look(1_000), None);
        counter.on_received(3_000);
        counter.on_sent(10);
        let told = look(3_000).unwrap();
        assert_eq!((told.received, told.received_s), (3_000, 1_500));
        assert_eq!((told.sent, told.sent_s), (10, 5));
        let told = look(4_000).unwrap();
        assert_eq!((told.received, told.received_s, told.sent_s), (3_000, 0, 0));
        assert_eq!(look(5_000), None);
        counter.on_sent(7);
        assert_eq!(look(5_000).unwrap().sent_s, 7, "no time passed");
        counter.on_sent(7);
        assert_eq!(look(5_001).unwrap().sent_s, 7, "hardly any");
    }
}
