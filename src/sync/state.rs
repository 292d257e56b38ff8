//! The data of a session, each in the phase in which it exists.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::dag::order::AncestorWalk;
use crate::event::id::DagDigest;
use crate::event::index::Arrival;
use crate::sync::message::{End, Heads, Hello, SessionId};
use crate::sync::outflow::{Limit, Outflow};
use crate::time::Time;

#[derive(Clone, Debug)]
pub(super) enum State {
    Idle,
    Comparing { mine: Mine, early_end: Option<End> },
    Exchanging(Box<Exchange>),
}

/// What we told in our HELLO.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mine {
    pub(super) session: SessionId,
    pub(super) digest: DagDigest,
    pub(super) take: u64,
    /// When something last moved.
    pub(super) moved: Time,
    /// The peer's session of which bulk came, its bytes, and events newly held.
    pub(super) bulk_of: Option<SessionId>,
    pub(super) bulk_bytes: u64,
    /// How often another session's bulk came before the peer's HELLO.
    pub(super) bulk_changes: u8,
    pub(super) received: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) mine: Mine,
    pub(super) theirs: Hello,
    pub(super) sending: Sending,
    pub(super) has_sent: bool,
    /// Ids that the peer offered, and how many offers that were.
    pub(super) offered: usize,
    pub(super) offers: u32,
    /// The peer's END, once it is there: whether it has more.
    pub(super) peer_ended: Option<bool>,
    /// The verdict, once it is there.
    pub(super) verdict: Option<bool>,
}

/// Where a stream ended before all was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resume {
    /// What is below was sent, or is held by the peer.
    pub(super) at: Arrival,
    /// What ended it. Behind a credit the peer may not have taken what was sent; what it answered it held.
    pub(super) limit: Limit,
    /// As many events as the peer held when that session began.
    pub(super) their_count: u32,
}

#[derive(Clone, Debug)]
pub(super) enum Sending {
    Undecided,
    Walking {
        walk: AncestorWalk,
        heads: Heads,
        /// The peer may hold some of what is found.
        asks: bool,
    },
    Flowing(Outflow),
    Ended,
}

impl Mine {
    pub(super) fn of(hello: &Hello, now: Time) -> Self {
        Self {
            session: hello.session,
            digest: hello.heads.digest,
            take: hello.take,
            moved: now,
            bulk_of: None,
            bulk_bytes: 0,
            bulk_changes: 0,
            received: 0,
        }
    }
}
