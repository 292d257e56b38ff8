//! Names and digests of events.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt;

/// An event's name: a `UUIDv8` of the first 128 bits of its digest. Ordered by its bytes.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct EventId(pub [u8; 16]);

impl EventId {
    /// Reads the one form that [`fmt::Display`] writes; anything else is None. Any 16 bytes have one.
    pub fn parse(text: &str) -> Option<Self> {
        let id = Self(uuid::Uuid::try_parse(text).ok()?.into_bytes());
        (id.to_ascii() == *text.as_bytes()).then_some(id)
    }

    /// The form that [`fmt::Display`] writes.
    pub(crate) fn to_ascii(self) -> [u8; 36] {
        let mut text = [0; 36];
        uuid::Uuid::from_bytes(self.0)
            .hyphenated()
            .encode_lower(&mut text);
        text
    }
}

impl fmt::Display for EventId {
    /// As RFC 9562 writes it: 8-4-4-4-12 lower-case hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&uuid::Uuid::from_bytes(self.0).hyphenated(), f)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// SHA-256 of an event's canonical form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventDigest(pub [u8; 32]);

impl EventDigest {
    /// The name that follows from it.
    pub fn id(&self) -> EventId {
        let mut first = [0; 16];
        first.copy_from_slice(&self.0[..16]);
        #[cfg(feature = "short_ids")]
        short::shorten(&mut first);
        EventId(uuid::Uuid::new_v8(first).into_bytes())
    }

    /// The part that is kept beside the name.
    pub fn rest(&self) -> DigestRest {
        let mut rest = [0; 4];
        rest.copy_from_slice(&self.0[16..20]);
        DigestRest(rest)
    }
}

/// Bytes 16 to 19 of an event's digest, of which its name shows nothing: two events of one name that differ here are twins.
///
/// Who makes twins chooses the name's 122 bits at the price of 2^61 hashes; these 32 more at that of 2^77.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DigestRest(pub [u8; 4]);

/// Names of a byte or two, so that a test finds two events of one name after some hundred hashes. Only in tests, and only on the
/// thread that asks for it.
#[cfg(feature = "short_ids")]
pub mod short {
    use std::cell::Cell;

    thread_local! {
        static BYTES: Cell<usize> = const { Cell::new(16) };
    }

    /// While it lives, names made on this thread have so many bytes of the digest and else zeros.
    #[derive(Debug)]
    pub struct ShortIds(());

    impl ShortIds {
        /// From here on.
        pub fn of_bytes(bytes: usize) -> Self {
            BYTES.set(bytes.min(16));
            Self(())
        }
    }

    impl Drop for ShortIds {
        fn drop(&mut self) {
            BYTES.set(16);
        }
    }

    pub(super) fn shorten(name: &mut [u8; 16]) {
        name[BYTES.get()..].fill(0);
    }
}

impl fmt::Debug for EventDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

/// Commitment of an event of a run: SHA-256 of `"fedag run v1\n"` and the event without `uuid` and `parents`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Commitment(pub [u8; 32]);

impl Commitment {
    /// Reads base64url without padding, exactly 32 bytes in the one canonical spelling.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = data_encoding::BASE64URL_NOPAD
            .decode(text.as_bytes())
            .ok()?;
        Some(Self(bytes.try_into().ok()?))
    }
}

impl fmt::Display for Commitment {
    /// base64url without padding: 43 characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::BASE64URL_NOPAD.encode(&self.0))
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Digest of a whole DAG; see [`crate::dag::Dag::digest`].
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct DagDigest(pub [u8; 32]);

impl fmt::Display for DagDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for DagDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Sum modulo 2^256 of the digests of a set of events (big-endian numbers): the same for every order of arrival.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DigestSum(pub [u8; 32]);

impl DigestSum {
    /// Adds one event's digest.
    pub fn add(&mut self, digest: EventDigest) {
        let mut carry = 0u16;
        for (sum, byte) in self.0.iter_mut().zip(digest.0).rev() {
            let total = u16::from(*sum) + u16::from(byte) + carry;
            let [high, low] = total.to_be_bytes();
            *sum = low;
            carry = u16::from(high);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_the_digest_with_version_and_variant_set() {
        let id = EventDigest([0xff; 32]).id();
        assert_eq!(id.to_string(), "ffffffff-ffff-8fff-bfff-ffffffffffff");
        let id = EventDigest([0; 32]).id();
        assert_eq!(id.to_string(), "00000000-0000-8000-8000-000000000000");
        assert_eq!(
            EventId::parse("00000000-0000-8000-8000-000000000000"),
            Some(id)
        );
    }

    #[test]
    fn only_the_written_form_of_an_id_is_read() {
        for text in [
            "7C0E3F52-9A41-8B3D-A1F0-5D6C1F0E9B77",
            "7c0e3f529a418b3da1f05d6c1f0e9b77",
            "{7c0e3f52-9a41-8b3d-a1f0-5d6c1f0e9b77}",
            "urn:uuid:7c0e3f52-9a41-8b3d-a1f0-5d6c1f0e9b77",
            "7c0e3f52-9a41-8b3d-a1f0-5d6c1f0e9b7",
            "",
        ] {
            assert_eq!(EventId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_commitment_has_one_spelling() {
        let text = Commitment([7; 32]).to_string();
        assert_eq!(Commitment::parse(&text), Some(Commitment([7; 32])));
        // 43 characters carry 258 bits; the last two must be zero.
        assert_eq!(Commitment::parse(&format!("{}d", &text[..42])), None);
        assert_eq!(Commitment::parse(&format!("{text}=")), None);
        assert_eq!(Commitment::parse(&text[..42]), None);
    }

    #[test]
    fn the_sum_carries_and_wraps() {
        let mut one = [0; 32];
        one[31] = 1;
        let mut sum = DigestSum::default();
        sum.add(EventDigest([0xff; 32]));
        sum.add(EventDigest(one));
        assert_eq!(sum, DigestSum::default());
        sum.add(EventDigest([0x80; 32]));
        sum.add(EventDigest([0x80; 32]));
        let mut expected = [1; 32];
        expected[31] = 0;
        assert_eq!(sum, DigestSum(expected));
    }
}
