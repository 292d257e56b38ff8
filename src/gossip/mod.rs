//! Gossip: live dissemination to the peers of one machine.
//!
//! Driven by the machine. At this stage the overlay is a full mesh while peers are few, formed by exchanging addresses, above
//! `limits::PEERS_WANTED` whom each machine happened to dial, and every link is eager; the DAG itself is the seen-set and the cache.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod message;
pub mod view;
