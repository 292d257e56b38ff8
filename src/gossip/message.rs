//! What peers tell each other about events and machines besides the events themselves.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::event::id::EventId;
use crate::event::key::MachineId;

/// A held event too large to be pushed; the hearer pulls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// Its name.
    pub id: EventId,
    /// Its height.
    pub height: u32,
    /// Its bytes on the wire.
    pub length: u32,
}

/// Where a machine may be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reachable {
    /// The machine.
    pub machine: MachineId,
    /// Its addresses, the likeliest first, at most `limits::BOOK_ADDRESSES_MAX`.
    pub addresses: Vec<SocketAddr>,
}
