//! Event bodies that were read or written a moment ago.
//!
//! Beside the database: a machine pushes, gives and shows an event soon after it was appended. Bulk goes past it.
//!
//! Invariant: at most `limits::BODY_CACHE_BYTES` of bodies. Two generations: what is used goes into the young one; when that is half
//! of the bound, the old one goes and the young one becomes old. So what was used within the last half of the bound
//! is there, at the cost of one map access.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::event::index::Arrival;

/// The cache; see the module.
#[derive(Debug)]
pub(crate) struct Cache {
    bytes_max: usize,
    generations: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Arrival, Arc<[u8]>>,
    young_bytes: usize,
    old: HashMap<Arrival, Arc<[u8]>>,
}

impl Cache {
    /// An empty cache of at most `bytes_max` bytes.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            generations: Mutex::default(),
        }
    }

    /// The body, if it is there.
    pub(crate) fn get(&self, at: Arrival) -> Option<Arc<[u8]>> {
        let mut generations = self.lock();
        if let Some(body) = generations.young.get(&at) {
            return Some(Arc::clone(body));
        }
        let body = generations.old.remove(&at)?;
        generations.insert(at, Arc::clone(&body), self.bytes_max / 2);
        Some(body)
    }

    /// Puts a body in, in place of an earlier one; one larger than half the bound is left out.
    pub(crate) fn put(&self, at: Arrival, body: &[u8]) {
        let mut generations = self.lock();
        generations.remove(at);
        if body.len() <= self.bytes_max / 2 {
            generations.insert(at, body.into(), self.bytes_max / 2);
        }
    }

    /// Forgets all.
    pub(crate) fn clear(&self) {
        *self.lock() = Generations::default();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Generations> {
        self.generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn insert(&mut self, at: Arrival, body: Arc<[u8]>, half: usize) {
        if self.young_bytes + body.len() > half {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += body.len();
        self.young.insert(at, body);
    }

    fn remove(&mut self, at: Arrival) {
        self.old.remove(&at);
        if let Some(body) = self.young.remove(&at) {
            self.young_bytes -= body.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(cache: &Cache) -> usize {
        let generations = cache.lock();
        let young: usize = generations.young.values().map(|body| body.len()).sum();
        assert_eq!(young, generations.young_bytes);
        young
            + generations
                .old
                .values()
                .map(|body| body.len())
                .sum::<usize>()
    }

    #[test]
    fn it_never_holds_more_than_its_bound_and_keeps_what_is_used() {
        let cache = Cache::new(1000);
        cache.put(Arrival(0), &[1; 50]);
        for n in 1..200 {
            cache.put(Arrival(n), &vec![1; n as usize]);
            assert!(bytes(&cache) <= 1000);
            assert!(cache.get(Arrival(0)).is_some(), "{n}");
        }
        assert_eq!(cache.get(Arrival(5)), None);
        assert_eq!(cache.get(Arrival(199)).as_deref(), Some(&[1; 199][..]));
    }

    #[test]
    fn a_body_put_again_replaces_the_first() {
        let cache = Cache::new(1000);
        cache.put(Arrival(1), b"first");
        cache.put(Arrival(1), b"2nd");
        assert_eq!(cache.get(Arrival(1)).as_deref(), Some(&b"2nd"[..]));
        assert_eq!(bytes(&cache), 3);
        cache.put(Arrival(1), &[0; 501]);
        assert_eq!(cache.get(Arrival(1)), None);
        cache.put(Arrival(2), b"x");
        cache.clear();
        assert_eq!(bytes(&cache), 0);
    }
}
