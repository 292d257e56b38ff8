//! Machines' keys and signatures: ed25519, accepted as ZIP 215 says.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt;

/// The y coordinates, little-endian, of the eight points of small order, and the two of them that have a second
/// encoding (y + p below 2^255); with either sign of x. p = 2^255 - 19.
///
/// From ed25519's cofactor 8: y is 1, -1, 0, or one of the two values of order 8.
const SMALL_ORDER: [[u8; 32]; 7] = [
    ending(0x00, 0x00, 0x00),
    ending(0x01, 0x00, 0x00),
    ending(0xec, 0xff, 0x7f),
    ending(0xed, 0xff, 0x7f),
    ending(0xee, 0xff, 0x7f),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];

/// `first`, thirty times `middle`, `last`.
const fn ending(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

/// Reads base64url without padding of exactly `N` bytes, in the one canonical spelling.
fn parse_base64url<const N: usize>(text: &str) -> Option<[u8; N]> {
    data_encoding::BASE64URL_NOPAD
        .decode(text.as_bytes())
        .ok()?
        .try_into()
        .ok()
}

/// A machine's public key, which is its name in the network. Any 32 bytes; see [`MachineId::is_usable`].
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct MachineId(pub [u8; 32]);

impl MachineId {
    /// Returns whether it is a point of the curve and not of small order. Cost: one decompression.
    ///
    /// Encodings that RFC 8032 calls non-canonical are points too, as ZIP 215 says.
    pub fn is_usable(&self) -> bool {
        !self.has_small_order() && ed25519_zebra::VerificationKey::try_from(self.0).is_ok()
    }

    /// Returns whether it is a point of small order, for which a signature proves nothing. Cost: some comparisons.
    pub(crate) fn has_small_order(&self) -> bool {
        let mut y = self.0;
        y[31] &= 0x7f; // The upper bit is the sign of x.
        SMALL_ORDER.contains(&y)
    }

    /// Reads base64url without padding, exactly 32 bytes in the one canonical spelling.
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self(parse_base64url(text)?))
    }

    /// Returns whether `signature` over `message` is this machine's (ZIP 215).
    pub fn verifies(&self, message: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_zebra::Signature::from(signature.0);
        ed25519_zebra::VerificationKey::try_from(self.0)
            .is_ok_and(|key| key.verify(&signature, message).is_ok())
    }
}

impl fmt::Display for MachineId {
    /// base64url without padding: 43 characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::BASE64URL_NOPAD.encode(&self.0))
    }
}

impl fmt::Debug for MachineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}..",
            &data_encoding::BASE64URL_NOPAD.encode(&self.0)[..8]
        )
    }
}

/// An ed25519 signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

impl Signature {
    /// Reads base64url without padding, exactly 64 bytes in the one canonical spelling.
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self(parse_base64url(text)?))
    }
}

impl fmt::Display for Signature {
    /// base64url without padding: 86 characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::BASE64URL_NOPAD.encode(&self.0))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}..",
            &data_encoding::BASE64URL_NOPAD.encode(&self.0)[..8]
        )
    }
}

/// A signing key. Its seed is wiped when the last copy goes; it is never shown.
#[derive(Clone)]
pub struct Key {
    signing: ed25519_zebra::SigningKey,
    machine: MachineId,
}

impl Key {
    /// The key of a 32-byte seed. The seed must come from the operating system's generator.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let signing = ed25519_zebra::SigningKey::from(seed);
        let machine = MachineId(ed25519_zebra::VerificationKeyBytes::from(&signing).into());
        Self { signing, machine }
    }

    /// The seed, for the key file and for TLS.
    pub fn seed(&self) -> zeroize::Zeroizing<[u8; 32]> {
        zeroize::Zeroizing::new(self.signing.into())
    }

    /// The public half.
    pub fn machine(&self) -> MachineId {
        self.machine
    }

    /// Signs `message`. Cost: about 19 us.
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.signing.sign(message).into())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:?})", self.machine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The signature R = the neutral point, s = 0, which holds over any message iff the key has small order.
    fn empty_signature() -> Signature {
        let mut bytes = [0; 64];
        bytes[0] = 1;
        Signature(bytes)
    }

    #[test]
    fn keys_of_small_order_are_not_usable_though_they_verify_anything() {
        for y in SMALL_ORDER {
            for sign in [0, 0x80] {
                let mut bytes = y;
                bytes[31] |= sign;
                let key = MachineId(bytes);
                assert!(
                    ed25519_zebra::VerificationKey::try_from(bytes).is_ok(),
                    "{key}"
                );
                assert!(key.verifies(b"anything", &empty_signature()), "{key}");
                assert!(!key.is_usable(), "{key}");
            }
        }
    }

    #[test]
    fn no_other_point_has_small_order() {
        // All y below 2^16 and all whose encoding is not canonical; and the keys of some seeds.
        let low = (0..=u16::MAX).map(|low| {
            let mut bytes = [0; 32];
            bytes[..2].copy_from_slice(&low.to_le_bytes());
            bytes
        });
        let high = (0xed..=0xff).map(|first| ending(first, 0xff, 0x7f));
        let seeded = (0..64).map(|seed| Key::from_seed([seed; 32]).machine().0);
        let mut points = 0;
        for bytes in low.step_by(37).chain(high).chain(seeded) {
            let key = MachineId(bytes);
            let is_point = ed25519_zebra::VerificationKey::try_from(bytes).is_ok();
            let has_small_order = is_point && key.verifies(b"anything", &empty_signature());
            assert_eq!(key.is_usable(), is_point && !has_small_order, "{key}");
            points += usize::from(is_point);
        }
        assert!(points > 500);
    }

    #[test]
    fn what_a_key_signs_verifies_and_nothing_else() {
        let key = Key::from_seed([1; 32]);
        let signature = key.sign(b"message");
        assert!(key.machine().is_usable());
        assert!(key.machine().verifies(b"message", &signature));
        assert!(!key.machine().verifies(b"massage", &signature));
        assert!(
            !Key::from_seed([2; 32])
                .machine()
                .verifies(b"message", &signature)
        );
        assert_eq!(*key.seed(), [1; 32]);
    }

    #[test]
    fn texts_have_one_spelling() {
        let key = Key::from_seed([1; 32]);
        let text = key.machine().to_string();
        assert_eq!(MachineId::parse(&text), Some(key.machine()));
        assert_eq!(MachineId::parse(&format!("{text}=")), None);
        assert_eq!(MachineId::parse(&text[1..]), None);
        assert_eq!(
            MachineId::parse(&text.replace(['-', '_'], "+")),
            Some(key.machine()).filter(|_| !text.contains(['-', '_']))
        );
        let zeros = "A".repeat(42);
        assert_eq!(
            MachineId::parse(&format!("{zeros}A")),
            Some(MachineId([0; 32]))
        );
        assert_eq!(MachineId::parse(&format!("{zeros}B")), None);
        let signature = key.sign(b"message");
        assert_eq!(Signature::parse(&signature.to_string()), Some(signature));
        assert_eq!(Signature::parse(&format!("{}B", "A".repeat(85))), None);
    }

    #[test]
    fn no_seed_is_shown() {
        assert!(
            !format!("{:?}", Key::from_seed([7; 32])).contains('7'.to_string().repeat(4).as_str())
        );
    }
}
