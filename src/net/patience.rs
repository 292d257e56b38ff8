//! After how much silence a peer counts as gone.

use std::time::Duration;

use crate::limits::{CONNECTION_IDLE, KEEP_ALIVE};

/// Of two ends of a connection the less patient one decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// A connection without any packet for this long is gone.
    pub idle: Duration,
    /// A packet is sent at least this often; well below `idle`.
    pub keep_alive: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            idle: CONNECTION_IDLE,
            keep_alive: KEEP_ALIVE,
        }
    }
}
