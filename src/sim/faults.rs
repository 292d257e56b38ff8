//! What may go wrong with messages, as data.
//!
//! Two models. `Quic`: within one connection the control stream is ordered and reliable, so that a lost packet shows as delay
//! of all that follows; bulk has an order of its own. `Unbounded`: every message is on its own; it may be lost, doubled, late,
//! out of order, and may arrive after its connection was replaced. The second breaks what the wire promises, so it tests what
//! must hold whatever arrives.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt;
use std::str::FromStr;

/// What the network promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Order and no loss within a connection.
    #[default]
    Quic,
    /// Nothing.
    Unbounded,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Quic => "quic",
            Self::Unbounded => "unbounded",
        })
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "quic" => Ok(Self::Quic),
            "unbounded" => Ok(Self::Unbounded),
            _ => Err("it is quic or unbounded".to_owned()),
        }
    }
}

/// What happens to messages on their way.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    /// Which promises hold.
    pub mode: Mode,
    /// Part of the messages that is lost, 0 to 1; under `Mode::Quic` sent again after a time.
    pub loss: f64,
    /// Part of them that arrives twice; under `Mode::Unbounded` only.
    pub duplicate: f64,
    /// Part of them that is held up for up to two seconds, so that others overtake it; under `Mode::Unbounded` only.
    pub reorder: f64,
}
