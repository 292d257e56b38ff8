//! What decides all that a machine does next, for comparing two states of one machine.
//!
//! For model checking alone: two machines with one key and one fingerprint answer every further input alike.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt::{self, Write as _};
use std::hash::{Hash as _, Hasher};

use rand::Rng as _;

use crate::event::index::Arrival;
use crate::machine::Machine;

impl Machine {
    /// Feeds `hasher` with the whole state: held events in order of arrival, pending ones, peers, sessions, timers, random
    /// numbers to come. What follows from these (leaves, members, cached digests) is left out.
    ///
    /// Cost: O(events), and the state of each peer written as text.
    pub fn fingerprint(&self, hasher: &mut impl Hasher) {
        let Self {
            config: _,
            own,
            now,
            rng,
            dag,
            pending,
            wanted,
            peers,
            book,
            slot,
            damaged,
            compare_at,
            visit,
            spared,
            grown,
            faults,
        } = self;
        (own, now, compare_at, visit, spared, grown, dag.len()).hash(hasher);
        for at in 0..dag.len() {
            dag.id(Arrival(at)).hash(hasher);
        }
        rng.clone().next_u64().hash(hasher);
        let rest = (pending, wanted, peers, book, slot, damaged, faults);
        write!(Text(hasher), "{rest:?}").expect("a hasher takes all text");
    }
}

/// Feeds a hasher with text, without keeping it.
struct Text<'h, H>(&'h mut H);

impl<H: Hasher> fmt::Write for Text<'_, H> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}
