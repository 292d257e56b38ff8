//! The bytes of the store's values: rows, the tail, and the checksum behind each.
//!
//! Every value ends with a CRC-32 (IEEE) of its key (little-endian, as wide as the key) and its bytes, since the
//! database does not check values when it reads them; with the key in it, a value that ended up at another key is noticed too.
//! All numbers are little-endian. A row:
//!
//! ```text
//! id 16 | height 4 | author 4 | seq 8 | length 4 | bytes 16..20 of the digest 4 | parents 2, its two top bits: `next` follows, unsigned
//!     | next 0 or 32 | parents 4 each
//! ```
//!
//! The tail, which is written with every batch: `count 4 | sum of the digests 32`.

use crate::event::id::{Commitment, DigestRest, DigestSum, EventId};
use crate::event::index::{Arrival, Author, Row};
use crate::limits::PARENTS_MAX;

/// Bytes of the checksum behind each value.
pub(crate) const CHECKSUM_BYTES: usize = 4;

/// Set in the number of parents when the event tells a `next`.
const HAS_NEXT: u16 = 1 << 15;

/// Set there when the event has no signature of its own.
const IS_UNSIGNED: u16 = 1 << 14;

const _: () = assert!(PARENTS_MAX < IS_UNSIGNED as u32);

/// What changes with every batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tail {
    /// Number of events.
    pub(crate) count: u32,
    /// Sum of their digests.
    pub(crate) sum: DigestSum,
}

impl Tail {
    /// Its bytes.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        [&self.count.to_le_bytes()[..], &self.sum.0[..]].concat()
    }

    /// Reads what [`Tail::to_bytes`] wrote.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let tail = Self {
            count: reader.u32()?,
            sum: DigestSum(reader.take()?),
        };
        reader.0.is_empty().then_some(tail)
    }
}

/// Writes the checksum into the last bytes of `value`, whose other bytes are there already.
pub(crate) fn seal_in_place(key: &[u8], value: &mut [u8]) {
    let (bytes, end) = value.split_at_mut(value.len() - CHECKSUM_BYTES);
    end.copy_from_slice(&checksum(key, bytes).to_le_bytes());
}

/// The bytes with their checksum behind them.
pub(crate) fn seal(key: &[u8], mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.extend([0; CHECKSUM_BYTES]);
    seal_in_place(key, &mut bytes);
    bytes
}

/// The bytes without their checksum; None: it does not hold.
pub(crate) fn unseal<'a>(key: &[u8], value: &'a [u8]) -> Option<&'a [u8]> {
    let (bytes, end) = value.split_last_chunk::<CHECKSUM_BYTES>()?;
    (checksum(key, bytes) == u32::from_le_bytes(*end)).then_some(bytes)
}

/// A row's bytes, without checksum.
///
/// # Panics
/// When the row has more than `limits::PARENTS_MAX` parents.
pub(crate) fn encode(row: &Row) -> Vec<u8> {
    let parents = u16::try_from(row.parents.len()).expect("an event has few parents");
    assert!(u32::from(parents) <= PARENTS_MAX);
    let mut bytes = Vec::with_capacity(42 + 32 + 4 * row.parents.len() + CHECKSUM_BYTES);
    bytes.extend(row.id.0);
    bytes.extend(row.height.to_le_bytes());
    bytes.extend(row.author.0.to_le_bytes());
    bytes.extend(row.seq.to_le_bytes());
    bytes.extend(row.length.to_le_bytes());
    bytes.extend(row.rest.0);
    let has_next = if row.next.is_some() { HAS_NEXT } else { 0 };
    let is_unsigned = if row.signed { 0 } else { IS_UNSIGNED };
    bytes.extend((parents | has_next | is_unsigned).to_le_bytes());
    if let Some(next) = row.next {
        bytes.extend(next.0);
    }
    for parent in &row.parents {
        bytes.extend(parent.0.to_le_bytes());
    }
    bytes
}

/// Reads what [`encode`] wrote; None: it is not that.
pub(crate) fn decode(bytes: &[u8]) -> Option<Row> {
    let mut reader = Reader(bytes);
    let id = EventId(reader.take()?);
    let height = reader.u32()?;
    let author = Author(reader.u32()?);
    let seq = u64::from_le_bytes(reader.take()?);
    let length = reader.u32()?;
    let rest = DigestRest(reader.take()?);
    let flags = u16::from_le_bytes(reader.take()?);
    let next = if flags & HAS_NEXT == 0 {
        None
    } else {
        Some(Commitment(reader.take()?))
    };
    let (words, odd) = reader.0.as_chunks::<4>();
    if !odd.is_empty() || words.len() != usize::from(flags & !(HAS_NEXT | IS_UNSIGNED)) {
        return None;
    }
    let parents = words
        .iter()
        .map(|word| Arrival(u32::from_le_bytes(*word)))
        .collect();
    Some(Row {
        id,
        height,
        author,
        seq,
        length,
        rest,
        parents,
        signed: flags & IS_UNSIGNED == 0,
        next,
    })
}

fn checksum(key: &[u8], bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(bytes);
    hasher.finalize()
}

/// Takes fixed numbers of bytes off the front.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*first)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(parents: u32, next: bool) -> Row {
        Row {
            id: EventId([7; 16]),
            height: 70_000,
            author: Author(3),
            seq: (1 << 53) - 1,
            length: 350,
            rest: DigestRest(*b"rest"),
            parents: (0..parents).map(Arrival).collect(),
            signed: false,
            next: next.then_some(Commitment([9; 32])),
        }
    }

    #[test]
    fn a_row_comes_back_as_it_went() {
        for parents in [0, 1, 64, PARENTS_MAX] {
            for next in [false, true] {
                let row = row(parents, next);
                assert_eq!(decode(&encode(&row)), Some(row));
            }
        }
    }

    #[test]
    fn a_row_has_the_documented_size() {
        assert_eq!(encode(&row(1, false)).len(), 46);
        assert_eq!(encode(&row(2, true)).len(), 42 + 32 + 8);
    }

    /// Other bytes are another format: `tables::FORMAT` and the changelog.
    #[test]
    fn a_row_has_these_bytes() {
        let golden = "07070707070707070707070707070707\
                      70110100\
                      03000000\
                      ffffffffffff1f00\
                      5e010000\
                      72657374\
                      02c0\
                      0909090909090909090909090909090909090909090909090909090909090909\
                      0000000001000000";
        let bytes = encode(&row(2, true));
        assert_eq!(data_encoding::HEXLOWER.encode(&bytes), golden);
    }

    #[test]
    fn a_row_cut_short_or_longer_is_none() {
        let bytes = encode(&row(2, true));
        for length in 0..bytes.len() {
            assert_eq!(decode(&bytes[..length]), None, "{length}");
        }
        assert_eq!(decode(&[&bytes[..], &[0]].concat()), None);
        assert_eq!(decode(&[&bytes[..], &[0; 4]].concat()), None);
    }

    #[test]
    fn every_flipped_bit_and_another_key_break_the_checksum() {
        let value = seal(&5u64.to_le_bytes(), b"some bytes".to_vec());
        assert_eq!(
            unseal(&5u64.to_le_bytes(), &value),
            Some(&b"some bytes"[..])
        );
        assert_eq!(unseal(&6u64.to_le_bytes(), &value), None);
        for bit in 0..value.len() * 8 {
            let mut damaged = value.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(unseal(&5u64.to_le_bytes(), &damaged), None, "{bit}");
        }
        assert_eq!(unseal(&5u64.to_le_bytes(), &[1, 2]), None);
    }

    #[test]
    fn the_tail_comes_back_as_it_went() {
        let tail = Tail {
            count: 77,
            sum: DigestSum([3; 32]),
        };
        assert_eq!(Tail::from_bytes(&tail.to_bytes()), Some(tail));
        assert_eq!(Tail::from_bytes(&tail.to_bytes()[1..]), None);
    }
}
