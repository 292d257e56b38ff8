//! Searching: what is asked for in one step, and what was found.
//!
//! A search is a series of steps, each one request with one answer, so that nothing is under way for long and who searches may
//! stop at any time.

use serde::{Deserialize, Serialize};

use crate::control::view::Order;

/// One step of a search.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SearchRequest {
    /// What to look for. `author:NAME` is a machine's name, key or the start of a key. The rest, if any, is a label, the start of a
    /// uuid, or a regular expression for the event's text or properties; without capitals it takes either case. An event that
    /// fits all parts is a hit.
    pub query: String,
    /// Instead, all events by the author of `from` are hits.
    pub same_author: bool,
    /// The order in which it looks.
    pub order: Order,
    /// Looks at the events after this one, or before it; None: at all.
    pub from: Option<String>,
    /// Towards older events.
    pub back: bool,
    /// Ends with so many hits, at most `limits::SEARCH_STEP_HITS`; 0 counts as 1.
    pub most: u32,
}

/// What one step found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The hits, in the order in which they were come upon.
    pub hits: Vec<Hit>,
    /// Uuid of the first event that was looked at, if there was one.
    pub first: Option<String>,
    /// Uuid of the last one: the next step goes on from it.
    pub last: Option<String>,
    /// There is nothing further on that side.
    pub done: bool,
    /// Events that were looked at.
    pub looked: u64,
    /// Events held.
    pub total: u64,
}

/// An event that matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// Its uuid.
    pub uuid: String,
    /// Its height.
    pub height: u64,
    /// Its position here.
    pub arrival: u64,
}
