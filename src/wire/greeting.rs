//! The first words on a connection: who may talk at all.
//!
//! The dialler opens the control stream (bidirectional) and sends one [`Greeting`]; the listener answers with one
//! [`Welcome`] or closes with a refusal code. Only then do messages follow, on the same stream.
//!
//! Invariants:
//! - what is decoded keeps the bounds told beside each field;
//! - a join signature is good for one connection, one network and one key: see [`join_message`].
//!
//! Source: RFC 9266 (TLS exporter as channel binding); design by argument in docs/protocol.md.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde::{Deserialize, Serialize};

use crate::event::control::is_name;
use crate::event::id::EventId;
use crate::limits::{CREDENTIAL_BYTES_MAX, CREDENTIAL_LINKS_MAX};

/// Said first by the dialler.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Greeting {
    /// A member, with its admissions for a listener that lags.
    Member {
        /// R's name.
        root: EventId,
        /// Random number of this start of the machine; tells a restart from a copied key.
        start: u64,
        /// Bytes of the events that lead from R's author to the dialler, R's side first, at most
        /// `limits::CREDENTIAL_LINKS_MAX` events and `CREDENTIAL_BYTES_MAX` bytes; more do not decode.
        #[serde(deserialize_with = "links")]
        credential: Vec<Blob>,
    },
    /// A newcomer with a ticket.
    Joiner {
        /// R's name.
        root: EventId,
        /// The invite that its ticket was made from.
        invite: EventId,
        /// The name that it wants, see [`crate::event::control::is_name`]; any other does not decode.
        #[serde(deserialize_with = "name")]
        name: String,
        /// By the ticket's secret, over [`join_message`].
        signature: Blob,
    },
}

/// Said by the listener when the dialler is let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Welcome {
    /// To a member.
    Member {
        /// As in [`Greeting::Member`].
        start: u64,
        /// As in [`Greeting::Member`], of the listener.
        #[serde(deserialize_with = "links")]
        credential: Vec<Blob>,
    },
    /// To a newcomer: it is a member from here on. The connection ends after it.
    Joined {
        /// R, as on the wire.
        root: Blob,
        /// The newcomer's credential, its own admission last; at most as in [`Greeting::Member`].
        #[serde(deserialize_with = "links")]
        credential: Vec<Blob>,
    },
}

/// A byte string.
#[derive(Clone, PartialEq, Eq)]
pub struct Blob(pub Vec<u8>);

impl std::fmt::Debug for Blob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Serialize for Blob {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl serde::de::Visitor<'_> for Bytes {
            type Value = Blob;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Blob, E> {
                Ok(Blob(bytes.to_vec()))
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Blob, E> {
                Ok(Blob(bytes))
            }
        }
        // Borrowed: nothing is allocated for a length that is only claimed.
        from.deserialize_bytes(Bytes)
    }
}

/// Reads a credential within its bounds.
fn links<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<Blob>, D::Error> {
    struct Links;
    impl<'de> serde::de::Visitor<'de> for Links {
        type Value = Vec<Blob>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(
                f,
                "at most {CREDENTIAL_LINKS_MAX} events of {CREDENTIAL_BYTES_MAX} bytes together"
            )
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(
            self,
            mut from: A,
        ) -> Result<Vec<Blob>, A::Error> {
            let (mut links, mut bytes) = (Vec::new(), 0);
            while let Some(link) = from.next_element::<Blob>()? {
                bytes += link.0.len();
                links.push(link);
                if links.len() > CREDENTIAL_LINKS_MAX || bytes > CREDENTIAL_BYTES_MAX {
                    return Err(serde::de::Error::invalid_length(links.len(), &self));
                }
            }
            Ok(links)
        }
    }
    from.deserialize_seq(Links)
}

/// Reads a machine's name.
fn name<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    struct Name;
    impl serde::de::Visitor<'_> for Name {
        type Value = String;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a machine's name")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<String, E> {
            if is_name(text) {
                Ok(text.to_owned())
            } else {
                Err(E::invalid_length(text.len(), &self))
            }
        }
    }
    from.deserialize_str(Name)
}

/// What a joiner signs with the ticket's secret: `"fedag join v1\n"`, the TLS exporter of this connection (32 bytes),
/// R's name (16) and its own key (32).
pub fn join_message(
    exporter: &[u8; 32],
    root: EventId,
    joiner: crate::event::key::MachineId,
) -> Vec<u8> {
    let mut message = b"fedag join v1\n".to_vec();
    message.extend_from_slice(exporter);
    message.extend_from_slice(&root.0);
    message.extend_from_slice(&joiner.0);
    message
}
