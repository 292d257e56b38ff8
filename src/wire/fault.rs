//! What a peer can do wrong.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::event::Invalid;

/// A breach of the protocol by a peer; counted by name, shown in `fedag status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A frame longer than `limits::FRAME_BYTES_MAX`, or empty. Made by `net`.
    #[error("a frame of a forbidden length")]
    FrameLength,
    /// A frame that does not decode, has trailing bytes, or is not its own re-encoding. Made by `wire`.
    #[error("a frame that does not decode")]
    Malformed,
    /// A message with more items than its bound, or unsorted ones. Made by `wire`.
    #[error("a message outside its bounds")]
    Bounds,
    /// A message on the wrong kind of stream. Made by `net`.
    #[error("a message on the wrong stream")]
    Stream,
    /// An event that is not valid by itself. Made by `wire`.
    #[error("an event that is not valid: {0}")]
    Event(Invalid),
    /// An unsigned event whose parent does not vouch for it. Made by the machine.
    #[error("an unsigned event that its parent does not vouch for")]
    Unvouched,
    /// R of another network. Made by the machine.
    #[error("the root of another network")]
    ForeignRoot,
    /// A session's stream went beyond the credit. Made by the machine.
    #[error("more bulk than it was given credit for")]
    Credit,
    /// An offer out of turn or one too many, or an answer that does not fit the oldest open offer. Made by the machine.
    #[error("an offer, or an answer to one, that does not fit its session")]
    Offer,
}

impl Fault {
    /// A short name for counters: `frame_length`, `event_signature`, …
    pub fn name(&self) -> &'static str {
        match self {
            Self::FrameLength => "frame_length",
            Self::Malformed => "malformed",
            Self::Bounds => "bounds",
            Self::Stream => "stream",
            Self::Event(Invalid::Seq) => "event_seq",
            Self::Event(Invalid::Time) => "event_time",
            Self::Event(Invalid::Parents) => "event_parents",
            Self::Event(Invalid::TooManyParents) => "event_too_many_parents",
            Self::Event(Invalid::TooLarge) => "event_too_large",
            Self::Event(Invalid::Properties) => "event_properties",
            Self::Event(Invalid::Control) => "event_control",
            Self::Event(Invalid::Key) => "event_key",
            Self::Event(Invalid::Signature) => "event_signature",
            Self::Event(Invalid::Unsigned) => "event_unsigned",
            Self::Event(Invalid::Root) => "event_root",
            Self::Unvouched => "unvouched",
            Self::ForeignRoot => "foreign_root",
            Self::Credit => "credit",
            Self::Offer => "offer",
        }
    }
}
