//! Gossip: live dissemination to the peers of one machine.
//!
//! Driven by the machine. At this stage the overlay is the full mesh of `limits::PEERS_DIALLED_MAX` self-chosen peers, formed by
//! exchanging addresses, and every link is eager; the DAG itself is the seen-set and the cache.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod message;
pub mod view;
