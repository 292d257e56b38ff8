//! A growing set of arrivals as a bitmap: one bit an event.
//!
//! Below `dag` and its walks. Invariant: a position beyond the last word is not in the set.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::event::index::Arrival;

/// Bits of one word.
const WORD: u32 = u64::BITS;

/// A set of arrivals.
#[derive(Clone, Debug, Default)]
pub(super) struct Bits {
    words: Vec<u64>,
}

impl Bits {
    /// An empty set with room for the positions below `len`.
    pub(super) fn with_len(len: u32) -> Self {
        Self {
            words: vec![0; len.div_ceil(WORD) as usize],
        }
    }

    /// Adds a position; grows as needed.
    pub(super) fn set(&mut self, at: Arrival) {
        let (word, bit) = place(at);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= bit;
    }

    /// Takes a position out; returns whether it was in.
    pub(super) fn clear(&mut self, at: Arrival) -> bool {
        let (word, bit) = place(at);
        match self.words.get_mut(word) {
            Some(held) if *held & bit != 0 => {
                *held &= !bit;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Returns whether the position is in the set.
    pub(super) fn contains(&self, at: Arrival) -> bool {
        let (word, bit) = place(at);
        self.words.get(word).is_some_and(|held| held & bit != 0)
    }

    /// The greatest position below `end` within the word that holds `end - 1`, or else where that word begins.
    pub(super) fn last_in_word_below(&self, end: u32) -> Result<Arrival, u32> {
        let last = end - 1;
        let (word, bit) = place(Arrival(last));
        let begin = last - last % WORD;
        let held = self
            .words
            .get(word)
            .map_or(0, |held| held & (bit | (bit - 1)));
        if held == 0 {
            Err(begin)
        } else {
            Ok(Arrival(begin + held.ilog2()))
        }
    }

    /// How many positions are in the set.
    pub(super) fn count(&self) -> u32 {
        self.words.iter().map(|word| word.count_ones()).sum()
    }

    /// The positions in the set, ascending.
    pub(super) fn ones(&self) -> impl Iterator<Item = Arrival> + '_ {
        (0..).zip(&self.words).flat_map(|(word, held)| {
            let mut rest = *held;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros();
                rest &= rest.checked_sub(1)?;
                Some(Arrival(word * WORD + bit))
            })
        })
    }

    /// The positions below `len` that are not in the set, as ascending half-open ranges.
    pub(super) fn gaps(&self, len: u32) -> Vec<(Arrival, Arrival)> {
        let mut gaps = Vec::new();
        let mut at = 0;
        while at < len {
            let begin = self.run_end(at, len, true);
            let end = self.run_end(begin, len, false);
            if begin < end {
                gaps.push((Arrival(begin), Arrival(end)));
            }
            at = end;
        }
        gaps
    }

    /// Bytes on the heap.
    pub(super) fn memory_bytes(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }

    /// The first position from `at` on, at most `len`, whose bit is not `value`.
    fn run_end(&self, mut at: u32, len: u32, value: bool) -> u32 {
        while at < len {
            let word = self.words.get((at / WORD) as usize).copied().unwrap_or(0);
            let same = if value { word } else { !word };
            let run = (same >> (at % WORD)).trailing_ones();
            at += run;
            if run == 0 || !at.is_multiple_of(WORD) {
                break;
            }
        }
        at.min(len)
    }
}

/// The word of a position, and its bit there.
fn place(at: Arrival) -> (usize, u64) {
    ((at.0 / WORD) as usize, 1 << (at.0 % WORD))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(of: &[u32]) -> Bits {
        let mut bits = Bits::default();
        for at in of {
            bits.set(Arrival(*at));
        }
        bits
    }

    #[test]
    fn ones_are_what_was_set_and_not_cleared() {
        let mut set = bits(&[200, 0, 63, 64, 65]);
        assert!(set.clear(Arrival(64)));
        assert!(!set.clear(Arrival(64)));
        assert!(!set.clear(Arrival(9999)));
        assert_eq!(
            set.ones().map(|at| at.0).collect::<Vec<_>>(),
            [0, 63, 65, 200]
        );
        assert!(set.contains(Arrival(63)));
        assert!(!set.contains(Arrival(64)));
        assert!(!set.contains(Arrival(9999)));
    }

    #[test]
    fn gaps_are_what_is_missing() {
        let gaps = |of: &[u32], len| {
            bits(of)
                .gaps(len)
                .into_iter()
                .map(|(a, b)| (a.0, b.0))
                .collect::<Vec<_>>()
        };
        assert_eq!(gaps(&[], 0), []);
        assert_eq!(gaps(&[], 200), [(0, 200)]);
        assert_eq!(gaps(&[0, 1, 2], 3), []);
        assert_eq!(
            gaps(&[0, 63, 64, 130], 200),
            [(1, 63), (65, 130), (131, 200)]
        );
        assert_eq!(gaps(&(0..128).collect::<Vec<_>>(), 130), [(128, 130)]);
        assert_eq!(gaps(&(0..128).collect::<Vec<_>>(), 100), []);
    }

    #[test]
    fn the_last_below_is_found_word_by_word() {
        let set = bits(&[3, 70, 127]);
        assert_eq!(set.last_in_word_below(128), Ok(Arrival(127)));
        assert_eq!(set.last_in_word_below(127), Ok(Arrival(70)));
        assert_eq!(set.last_in_word_below(70), Err(64));
        assert_eq!(set.last_in_word_below(64), Ok(Arrival(3)));
        assert_eq!(set.last_in_word_below(3), Err(0));
        assert_eq!(set.last_in_word_below(500), Err(448));
    }
}
