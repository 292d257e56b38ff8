//! What is kept in memory of each held event, by arrival, and the table from id to arrival.
//!
//! Below `dag`: 36 bytes an event, 4 a parent, and 6 to 12 in the table, so at most 64 bytes for an event with up to
//! 4 parents and 4 for each further one. For that, length and number of parents share four bytes, and where a row's parents
//! begin is told for every `BLOCK`th row only. Rows lie in chunks that never move once they are full, so that
//! growing copies at most one chunk, no room for twice the rows is held, and clones share full chunks.
//!
//! Invariants:
//! - every chunk but the last holds exactly `CHUNK` rows; there is no empty chunk;
//! - the table holds each position once, under the hash of its id; it is never walked.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::event::id::{DigestRest, EventId};
use crate::event::index::{Arrival, Author, Row};
use crate::limits::{EVENT_BYTES_MAX, PARENTS_MAX};

/// Rows of one chunk.
const CHUNK: usize = 1024;
/// Rows of a chunk between two of which it is told where their parents begin.
const BLOCK: usize = 16;
/// Bits of a row's length; its number of parents has the others.
const LENGTH_BITS: u32 = 21;

const _: () = assert!(EVENT_BYTES_MAX < 1 << LENGTH_BITS);
const _: () = assert!(PARENTS_MAX < 1 << (u32::BITS - LENGTH_BITS));
const _: () = assert!(CHUNK.is_multiple_of(BLOCK) && size_of::<Slot>() == 36);

/// The rows of all held events.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns {
    chunks: Vec<Arc<Chunk>>,
    len: u32,
    table: HashTable<u32>,
    /// Counters that 32 bits do not hold. A network has fewer than 2^32 events, so only liars count that far.
    long_seqs: BTreeMap<Arrival, u64>,
    /// Length of the longest.
    longest: u32,
}

#[derive(Clone, Debug, Default)]
struct Chunk {
    slots: Vec<Slot>,
    /// The parents of the chunk's rows, one row after the other.
    parents: Vec<Arrival>,
    /// Where those of each block begin.
    blocks: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    id: EventId,
    height: u32,
    author: Author,
    /// `u32::MAX`: it stands in `long_seqs`.
    seq: u32,
    rest: DigestRest,
    /// The length in the lower bits, the number of parents above.
    sizes: u32,
}

impl Slot {
    fn length(&self) -> u32 {
        self.sizes & ((1 << LENGTH_BITS) - 1)
    }

    fn parents(&self) -> usize {
        (self.sizes >> LENGTH_BITS) as usize
    }
}

impl Columns {
    /// No rows, with room for `len` ids in the table.
    pub(super) fn with_capacity(len: usize) -> Self {
        Self {
            chunks: Vec::with_capacity(len.div_ceil(CHUNK)),
            table: HashTable::with_capacity(len),
            ..Self::default()
        }
    }

    /// Number of rows.
    pub(super) fn len(&self) -> u32 {
        self.len
    }

    /// Adds a row at the end and returns its position.
    ///
    /// # Panics
    /// When its id is there already, its length or number of parents is beyond `limits`, or at 2^32 - 1 rows.
    pub(super) fn push(&mut self, row: &Row) -> Arrival {
        let at = Arrival(self.len);
        let len = self
            .len
            .checked_add(1)
            .expect("a network has fewer than 2^32 events");
        let chunks = &self.chunks;
        let same = |held: &u32| id(chunks, Arrival(*held)) == row.id;
        match self
            .table
            .entry(hash(row.id), same, |held| hash(id(chunks, Arrival(*held))))
        {
            Entry::Vacant(free) => drop(free.insert(at.0)),
            Entry::Occupied(_) => panic!("{} is held twice", row.id),
        }
        self.longest = self.longest.max(row.length);
        let seq = u32::try_from(row.seq).unwrap_or(u32::MAX);
        if seq == u32::MAX {
            self.long_seqs.insert(at, row.seq);
        }
        if (self.len as usize).is_multiple_of(CHUNK) {
            self.chunks.push(Arc::default());
        }
        let chunk = Arc::make_mut(
            self.chunks
                .last_mut()
                .expect("a chunk was just added if there was none"),
        );
        if chunk.slots.len().is_multiple_of(BLOCK) {
            let begin = u32::try_from(chunk.parents.len()).expect("a chunk has few parents");
            chunk.blocks.push(begin);
        }
        chunk.parents.extend_from_slice(&row.parents);
        let parents = u32::try_from(row.parents.len()).expect("an event has few parents");
        assert!(row.length < 1 << LENGTH_BITS && parents <= PARENTS_MAX);
        let Row {
            id,
            height,
            author,
            rest,
            ..
        } = *row;
        chunk.slots.push(Slot {
            id,
            height,
            author,
            seq,
            rest,
            sizes: row.length | parents << LENGTH_BITS,
        });
        if chunk.slots.len() == CHUNK {
            chunk.slots.shrink_to_fit();
            chunk.parents.shrink_to_fit();
            chunk.blocks.shrink_to_fit();
        }
        self.len = len;
        at
    }

    /// The position of an id.
    pub(super) fn find(&self, wanted: EventId) -> Option<Arrival> {
        let same = |held: &u32| id(&self.chunks, Arrival(*held)) == wanted;
        self.table.find(hash(wanted), same).copied().map(Arrival)
    }

    pub(super) fn id(&self, at: Arrival) -> EventId {
        id(&self.chunks, at)
    }

    pub(super) fn height(&self, at: Arrival) -> u32 {
        self.slot(at).height
    }

    pub(super) fn author(&self, at: Arrival) -> Author {
        self.slot(at).author
    }

    pub(super) fn seq(&self, at: Arrival) -> u64 {
        match self.slot(at).seq {
            u32::MAX => self.long_seqs[&at],
            seq => u64::from(seq),
        }
    }

    pub(super) fn longest(&self) -> u32 {
        self.longest
    }

    pub(super) fn length(&self, at: Arrival) -> u32 {
        self.slot(at).length()
    }

    pub(super) fn rest(&self, at: Arrival) -> DigestRest {
        self.slot(at).rest
    }

    pub(super) fn parents(&self, at: Arrival) -> &[Arrival] {
        let (chunk, row) = place(at);
        let chunk = &self.chunks[chunk];
        let before = chunk.slots[row - row % BLOCK..row].iter();
        let begin = chunk.blocks[row / BLOCK] as usize + before.map(Slot::parents).sum::<usize>();
        &chunk.parents[begin..begin + chunk.slots[row].parents()]
    }

    /// All ids, by arrival.
    pub(super) fn ids(&self) -> impl Iterator<Item = (Arrival, EventId)> + '_ {
        let slots = self.chunks.iter().flat_map(|chunk| &chunk.slots);
        (0..).map(Arrival).zip(slots.map(|slot| slot.id))
    }

    /// Number of ids in the table; equals `len`.
    pub(super) fn table_len(&self) -> usize {
        self.table.len()
    }

    /// Bytes on the heap, those shared with clones included.
    pub(super) fn memory_bytes(&self) -> usize {
        let of_chunk = |chunk: &Arc<Chunk>| {
            size_of::<Chunk>()
                + 2 * size_of::<usize>()
                + chunk.slots.capacity() * size_of::<Slot>()
                + chunk.parents.capacity() * size_of::<Arrival>()
                + chunk.blocks.capacity() * size_of::<u32>()
        };
        self.chunks.iter().map(of_chunk).sum::<usize>()
            + self.chunks.capacity() * size_of::<Arc<Chunk>>()
            + self.table.allocation_size()
            + self.long_seqs.len() * 2 * size_of::<(Arrival, u64)>()
    }

    fn slot(&self, at: Arrival) -> &Slot {
        let (chunk, row) = place(at);
        &self.chunks[chunk].slots[row]
    }
}

/// The chunk of a position, and its row there.
fn place(at: Arrival) -> (usize, usize) {
    (at.0 as usize / CHUNK, at.0 as usize % CHUNK)
}

fn id(chunks: &[Arc<Chunk>], at: Arrival) -> EventId {
    let (chunk, row) = place(at);
    chunks[chunk].slots[row].id
}

/// Hash of an id for the table.
///
/// Ids are hash outputs already; the mixing spreads what a liar can choose cheaply. The constants are public, so
/// a member may still grind ids that share a bucket: at 2^27 hashes for each, found one after the other, which costs it more than
/// it costs us.
fn hash(id: EventId) -> u64 {
    let [low, high] = [0, 8].map(|from| {
        let mut half = [0; 8];
        half.copy_from_slice(&id.0[from..from + 8]);
        u64::from_le_bytes(half)
    });
    // Digits of pi after the point, in hexadecimal: nothing up the sleeve.
    let mixed = u128::from(low ^ 0x243f_6a88_85a3_08d3) * u128::from(high ^ 0x1319_8a2e_0370_7344);
    let bytes = mixed.to_le_bytes();
    let [low, high] = [0, 8].map(|from| {
        let mut half = [0; 8];
        half.copy_from_slice(&bytes[from..from + 8]);
        u64::from_le_bytes(half)
    });
    low ^ high
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(n: u32, seq: u64, parents: &[u32]) -> Row {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        Row {
            id: EventId(bytes),
            height: n,
            author: Author(n % 7),
            seq,
            length: n + 1,
            rest: DigestRest((!n).to_be_bytes()),
            parents: parents.iter().copied().map(Arrival).collect(),
            signed: true,
            next: None,
        }
    }

    #[test]
    fn rows_come_back_across_chunks() {
        let mut columns = Columns::default();
        let rows: Vec<_> = (0..3000)
            .map(|n| row(n, u64::from(n) << (n % 21), &(0..n % 5).collect::<Vec<_>>()))
            .collect();
        for row in &rows {
            assert_eq!(columns.find(row.id), None);
            columns.push(row);
        }
        let clone = columns.clone();
        for (at, row) in (0..).map(Arrival).zip(&rows) {
            for columns in [&columns, &clone] {
                assert_eq!(columns.find(row.id), Some(at));
                assert_eq!(columns.id(at), row.id);
                assert_eq!(columns.height(at), row.height);
                assert_eq!(columns.author(at), row.author);
                assert_eq!(columns.seq(at), row.seq);
                assert_eq!(columns.length(at), row.length);
                assert_eq!(columns.rest(at), row.rest);
                assert_eq!(columns.parents(at), row.parents);
            }
        }
        assert_eq!(
            columns.ids().map(|(_, id)| id).collect::<Vec<_>>(),
            rows.iter().map(|row| row.id).collect::<Vec<_>>()
        );
    }

    #[test]
    fn the_longest_event_with_the_most_parents_comes_back() {
        let mut columns = Columns::default();
        for n in 0..40 {
            let mut row = row(n, 1, &(0..PARENTS_MAX).collect::<Vec<_>>());
            row.length = EVENT_BYTES_MAX;
            let at = columns.push(&row);
            assert_eq!(columns.length(at), EVENT_BYTES_MAX);
            assert_eq!(columns.parents(at), row.parents);
        }
    }

    #[test]
    fn a_clone_does_not_see_later_rows() {
        let mut columns = Columns::default();
        columns.push(&row(0, 1, &[]));
        let clone = columns.clone();
        columns.push(&row(1, 1, &[0]));
        assert_eq!(clone.len(), 1);
        assert_eq!(clone.find(row(1, 1, &[0]).id), None);
        assert_eq!(columns.find(row(1, 1, &[0]).id), Some(Arrival(1)));
    }

    #[test]
    fn counters_around_32_bits_come_back() {
        let mut columns = Columns::default();
        let max = u64::from(u32::MAX);
        for (n, seq) in (0..).zip([max - 1, max, max + 1, crate::limits::SEQ_MAX]) {
            let at = columns.push(&row(n, seq, &[]));
            assert_eq!(columns.seq(at), seq);
        }
    }

    #[test]
    #[should_panic(expected = "is held twice")]
    fn an_id_is_held_once() {
        let mut columns = Columns::default();
        columns.push(&row(0, 1, &[]));
        columns.push(&row(0, 1, &[]));
    }

    #[test]
    fn memory_is_at_most_64_bytes_an_event_of_four_parents() {
        // Just above a doubling of the table, where it is at its emptiest.
        let len = 57_345;
        let mut columns = Columns::default();
        for n in 0..len {
            columns.push(&row(n, 1, &[0, 0, 0, 0]));
        }
        let bytes = columns.memory_bytes();
        assert!(bytes <= 64 * len as usize, "{bytes} bytes for {len} events");
    }
}
