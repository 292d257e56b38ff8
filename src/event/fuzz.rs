//! Fuzz target: JSON that a person or a file hands in.
//!
//! A plain function, run on mutated lines by the ordinary tests and on arbitrary bytes by a fuzzer.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::event::Raw;
use crate::event::canon::{Properties, is_canonical_object};
use crate::event::contents::Contents;

/// Reads `bytes` as properties and as an exported event; returns whether any of it was accepted.
///
/// # Panics
/// When what is accepted changes by being written again. That is a bug.
pub fn read_json(bytes: &[u8]) -> bool {
    let properties = Properties::parse(bytes);
    if let Ok(properties) = &properties {
        let canonical = properties.as_bytes();
        assert!(is_canonical_object(canonical, &[]), "not canonical");
        assert_eq!(Properties::parse(canonical).as_ref(), Ok(properties));
        if is_canonical_object(bytes, &[]) {
            assert!(canonical == bytes, "two canonical forms");
        }
    }
    let raw = Raw::from_json(bytes);
    if let Ok(raw) = &raw {
        let line = raw.to_json(Contents::of(raw).digest().id());
        let again = Raw::from_json(line.as_bytes());
        assert!(
            again.is_ok_and(|again| again == *raw),
            "an event changes when it is written again"
        );
    }
    properties.is_ok() || raw.is_ok()
}
