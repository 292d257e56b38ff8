//! The beginning of an id's text, compared without writing out any id.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::event::id::EventId;

/// Where the dashes stand in 8-4-4-4-12.
const DASHES: [usize; 4] = [8, 13, 18, 23];
/// Characters of an id.
const CHARS: usize = 36;

/// A beginning of an id's text.
#[derive(Clone, Copy, Debug)]
pub struct Prefix {
    value: u128,
    mask: u128,
}

impl Prefix {
    /// None: no id's text begins so.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > CHARS {
            return None;
        }
        let (mut value, mut bits_left) = (0_u128, u128::BITS);
        for (at, byte) in text.bytes().enumerate() {
            let digit = match byte {
                b'-' if DASHES.contains(&at) => continue,
                _ if DASHES.contains(&at) => return None,
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'f' => byte - b'a' + 10,
                _ => return None,
            };
            value = value << 4 | u128::from(digit);
            bits_left -= 4;
        }
        let shift = |bits: u128| bits.checked_shl(bits_left).unwrap_or(0);
        Some(Self {
            value: shift(value),
            mask: shift(u128::MAX),
        })
    }

    /// Returns whether the id's text begins so.
    pub fn fits(self, id: EventId) -> bool {
        u128::from_be_bytes(id.0) & self.mask == self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fits_like_the_text() {
        let id = EventId(std::array::from_fn(|n| {
            0x7c ^ (17 * u8::try_from(n).unwrap())
        }));
        let other = EventId([0; 16]);
        let text = id.to_string();
        for end in 0..=text.len() {
            let prefix = Prefix::parse(&text[..end]).unwrap();
            assert!(prefix.fits(id), "{}", &text[..end]);
            assert_eq!(prefix.fits(other), end == 0);
        }
    }

    #[test]
    fn what_no_id_begins_with_is_refused() {
        for text in [
            "7C",
            "g",
            "-",
            "7c0e3f529",
            "7c0e3f5-",
            "7c0e3f52-9a41-8b3d-a1f0-5d6c1f0e9b770",
            "é",
        ] {
            assert!(Prefix::parse(text).is_none(), "{text}");
        }
    }
}
