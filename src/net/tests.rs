//! Real QUIC on loopback.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test expects one thing, and shows whatever else comes"
)]

mod bucket;
mod greeting;
mod joining;
mod kit;
mod table;
mod traffic;
