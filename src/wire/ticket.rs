//! An invite ticket as text: `fedag1` and lower-case base32 of what a newcomer needs.
//!
//! Made by the machine that invites, carried by people, read by the joiner.
//!
//! Invariants:
//! - what is read was written whole: a checksum covers every byte;
//! - no more than `limits::TICKET_CHARS_MAX` characters and `limits::TICKET_ADDRESSES_MAX` addresses.
//!
//! Source: docs/protocol.md, "Tickets"; RFC 4648, section 6 (base32).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::net::SocketAddr;

use data_encoding::BASE32_NOPAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use crate::event::id::{EventDigest, EventId};
use crate::event::key::{Key, MachineId};
use crate::limits::{TICKET_ADDRESSES_MAX, TICKET_CHARS_MAX};
use crate::wire::codec::{decode_plain, encode_plain};

/// What a ticket tells. Whoever holds it can join until it expires or is used up.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// R's digest, and so its name.
    pub root: EventDigest,
    /// The invite event.
    pub invite: EventId,
    /// The invite's secret.
    pub secret: Key,
    /// Milliseconds since 1970; only a hint here, the admitting machine decides.
    pub expires_ms: u64,
    /// Where to knock, the likeliest first; 1..=`limits::TICKET_ADDRESSES_MAX`.
    pub addresses: Vec<(MachineId, SocketAddr)>,
}

/// Why text is no ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It does not begin with `fedag1`.
    #[error("this is not a ticket: a ticket begins with fedag1")]
    Prefix,
    /// A later version.
    #[error("this ticket is of a later version of fedag than this program knows")]
    Version,
    /// Characters that do not belong, too long or too short, or the checksum does not hold.
    #[error("the ticket is damaged: copy it again, whole")]
    Damaged,
}

impl Ticket {
    /// Reads a ticket; white space around and inside it, and the case of letters, do not matter.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let letters = text.chars().filter(|letter| !letter.is_whitespace());
        let compact: Zeroizing<String> = Zeroizing::new(
            letters
                .take(TICKET_CHARS_MAX + 1)
                .map(|letter| letter.to_ascii_uppercase())
                .collect(),
        );
        let Some(after) = compact.strip_prefix(NAME) else {
            return Err(Error::Prefix);
        };
        let Some(base32) = after.strip_prefix(GENERATION) else {
            return Err(if after.starts_with(|c: char| c.is_ascii_digit()) {
                Error::Version
            } else {
                Error::Prefix
            });
        };
        if compact.len() > TICKET_CHARS_MAX {
            return Err(Error::Damaged);
        }
        let bytes = Zeroizing::new(
            BASE32_NOPAD
                .decode(base32.as_bytes())
                .map_err(|_| Error::Damaged)?,
        );
        let (told, sum) = bytes
            .split_last_chunk::<CHECKSUM_BYTES>()
            .ok_or(Error::Damaged)?;
        if checksum(told) != *sum {
            return Err(Error::Damaged);
        }
        match told.split_first() {
            Some((&VERSION, inside)) => {
                Self::from_inside(&decode_plain(inside).map_err(|_| Error::Damaged)?)
            }
            Some(_) => Err(Error::Version),
            None => Err(Error::Damaged),
        }
    }

    fn from_inside(inside: &Inside) -> Result<Self, Error> {
        if !(1..=TICKET_ADDRESSES_MAX).contains(&inside.addresses.len()) {
            return Err(Error::Damaged);
        }
        Ok(Self {
            root: EventDigest(inside.root),
            invite: inside.invite,
            secret: Key::from_seed(inside.secret),
            expires_ms: inside.expires_ms,
            addresses: inside.addresses.clone(),
        })
    }
}

impl std::fmt::Display for Ticket {
    /// One word of letters and digits; only the first `limits::TICKET_ADDRESSES_MAX` addresses are told.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let told = self.addresses.iter().take(TICKET_ADDRESSES_MAX).copied();
        let inside = Inside {
            root: self.root.0,
            invite: self.invite,
            secret: *self.secret.seed(),
            expires_ms: self.expires_ms,
            addresses: told.collect(),
        };
        let encoded = Zeroizing::new(encode_plain(&inside));
        let mut bytes = Zeroizing::new(Vec::with_capacity(1 + encoded.len() + CHECKSUM_BYTES));
        bytes.push(VERSION);
        bytes.extend_from_slice(&encoded);
        let sum = checksum(&bytes);
        bytes.extend_from_slice(&sum);
        let mut text = Zeroizing::new(BASE32_NOPAD.encode(&bytes));
        text.make_ascii_lowercase();
        write!(f, "fedag1{}", *text)
    }
}

/// With [`GENERATION`] the first characters, as compared: in capitals.
const NAME: &str = "FEDAG";
const GENERATION: &str = "1";
const VERSION: u8 = 1;
const CHECKSUM_BYTES: usize = 4;

/// The inside of a ticket, in this order; see docs/protocol.md.
#[derive(Serialize, Deserialize)]
struct Inside {
    root: [u8; 32],
    invite: EventId,
    secret: [u8; 32],
    expires_ms: u64,
    addresses: Vec<(MachineId, SocketAddr)>,
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let hash: [u8; 32] = Sha256::digest(bytes).into();
    *hash.first_chunk().expect("a hash has 32 bytes")
}

#[cfg(test)]
mod tests;
