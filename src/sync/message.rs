//! What two machines say to each other in a session, and about their heads outside of one.
//!
//! Source: design by measurement; the layout on the wire is in docs/protocol.md.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde::{Deserialize, Serialize};

use crate::event::id::{DagDigest, EventId};
use crate::mutant::{self, Mutant};

/// Number of a session: the sender's own counter on one connection, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionId(pub u32);

/// A machine's heads, as told: all leaves, or `limits::HEADS_TOLD_MAX` of them, the newest by height.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heads {
    /// Ascending, unique, at most `limits::HEADS_TOLD_MAX`, at least one.
    pub ids: Vec<EventId>,
    /// How many leaves there are; `ids.len()` when all are told.
    pub total: u32,
    /// Number of held events.
    pub count: u32,
    /// Digest of the held set.
    pub digest: DagDigest,
    /// They changed by bulk: events that were not pushed on to other peers.
    pub bulk: bool,
}

impl Heads {
    /// Returns whether all leaves are told.
    pub fn is_complete(&self) -> bool {
        usize::try_from(self.total) == Ok(self.ids.len())
    }
}

/// What changed in a machine's heads since it told them last, when they are more than `limits::HEADS_TOLD_MAX`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadChanges {
    /// The digest that was told with what this changes.
    pub since: DagDigest,
    /// New leaves, ascending, unique, at most `limits::HEADS_CHANGED_MAX`.
    pub added: Vec<EventId>,
    /// Heads that are leaves no more; likewise.
    pub removed: Vec<EventId>,
    /// How many leaves there are now.
    pub total: u32,
    /// Number of held events.
    pub count: u32,
    /// Digest of the held set.
    pub digest: DagDigest,
    /// As in [`Heads`].
    pub bulk: bool,
}

/// Opens a session, or answers one. At most 2 KB.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The sender's number of this session.
    pub session: SessionId,
    /// The receiver's session that this answers; none: it opens one. Two that cross answer each other.
    pub answers: Option<SessionId>,
    /// The sender's heads.
    pub heads: Heads,
    /// Parents of heads, at most `limits::HEAD_PARENTS_MAX`.
    pub head_parents: Vec<EventId>,
    /// Ids at exponential distances back in the sender's arrival order, at most `limits::LOCATOR_IDS_MAX`.
    pub locator: Vec<EventId>,
    /// Bytes of bulk that the sender accepts in this session; 0: compare only.
    pub take: u64,
}

/// Follows the two HELLOs when digests differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The sender's number of this session.
    pub session: SessionId,
    /// All heads of the receiver were told in its HELLO and the sender holds them: it holds all that the receiver held.
    pub holds_all: bool,
}

/// The sender has sent all that it is going to send in this session. Last on the bulk stream, if there was one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The sender's number of this session.
    pub session: SessionId,
    /// The receiver's credit ended the stream; there is more.
    pub more: bool,
    /// The sender's heads when it began to stream.
    pub heads: Heads,
}

/// Ids that the sender would stream next; the receiver answers with [`Lacks`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The sender's number of this session.
    pub session: SessionId,
    /// Counts from 0 in a session.
    pub number: u32,
    /// In the sender's arrival order, 1..=`limits::OFFER_IDS_MAX`.
    pub ids: Vec<EventId>,
}

/// Which events of an offer are lacked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lacks {
    /// Of the offer, hence the receiver's number of the session: after HELLOs that crossed, the sender may answer an offer of
    /// one that the receiver has given up.
    pub session: SessionId,
    /// Of the offer.
    pub number: u32,
    /// A bit an id, set when it is lacked, the first being the lowest bit of the first byte; the last byte is filled with zeros.
    pub bits: Vec<u8>,
}

impl Lacks {
    /// The answer to ids of which `lacks` tells whether they are lacked.
    pub fn of(offer: &Offer, lacks: impl Fn(EventId) -> bool) -> Self {
        let mut bits = vec![0; offer.ids.len().div_ceil(8)];
        for (index, id) in offer.ids.iter().enumerate() {
            bits[index / 8] |=
                u8::from(lacks(*id) != mutant::is(Mutant::OfferInverted)) << (index % 8);
        }
        Self {
            session: offer.session,
            number: offer.number,
            bits,
        }
    }
}
