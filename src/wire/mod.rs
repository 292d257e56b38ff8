//! Everything machines say to each other, and its bytes.
//!
//! Between `net` and the machine: bytes become a [`Frame`], a frame's events are checked on worker threads, and
//! a [`Message`] with checked events goes to the machine as an input.
//!
//! Source: docs/protocol.md has the layout; a change there changes the protocol version.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod bounds;
pub mod codec;
pub mod fault;
pub mod fuzz;
pub mod greeting;
pub mod ticket;

use crate::event::control::Rules;
use crate::event::id::EventId;
use crate::event::{Event, Raw, check_all};
use crate::gossip::message::{Announced, Reachable};
use crate::sync::message::{End, HeadChanges, Heads, Hello, Lacks, Offer, SessionId, Verdict};
use crate::wire::fault::Fault;

/// Version of the protocol, told in the TLS ALPN. Machines of different versions do not talk.
pub const PROTOCOL_VERSION: u16 = 2;

/// What one machine sends another. Each says who makes it and what follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Begins or answers a session; the peer answers with its own, or it was the answer.
    Hello(Hello),
    /// In a session, once both HELLOs are there and digests differ.
    Verdict(Verdict),
    /// In a session, when the sender has sent its part.
    End(End),
    /// In a session: ids that would be streamed next; the receiver answers with `Lacks`.
    Offer(Offer),
    /// In a session: answers an `Offer`; what is lacked is streamed.
    Lacks(Lacks),
    /// The sender's heads, after a change.
    Heads(Heads),
    /// What changed in the sender's heads, when they are too many to be told whole.
    Changes(HeadChanges),
    /// Live events, up to `limits::PUSH_BYTES_MAX` bytes each; the receiver relays what is new to it.
    Push(Vec<Event>),
    /// Live events that are larger; the receiver answers with WANT for what it lacks.
    Announce(Vec<Announced>),
    /// Asks for exactly these events, at most `limits::WANT_IDS_MAX`; the answer is `Given`.
    Want(Vec<EventId>),
    /// Answers a WANT.
    Given {
        /// Those that are held; as many as fit into a frame, at least one.
        events: Vec<Event>,
        /// Those that are not.
        not_held: Vec<EventId>,
    },
    /// Events of a session, in the sender's arrival order; only on a bulk stream.
    Bulk {
        /// The sender's number of the session.
        session: SessionId,
        /// At least one event; none after `limits::BULK_FRAME_BYTES` bytes are full.
        events: Vec<Event>,
    },
    /// Where machines may be reached: the sender's own addresses and those of its peers.
    Addresses(Vec<Reachable>),
}

impl Message {
    /// Bytes of its events.
    pub fn event_bytes(&self) -> u64 {
        let events = match self {
            Self::Push(events) | Self::Given { events, .. } | Self::Bulk { events, .. } => events,
            Self::Hello(_)
            | Self::Verdict(_)
            | Self::End(_)
            | Self::Offer(_)
            | Self::Lacks(_)
            | Self::Heads(_)
            | Self::Changes(_)
            | Self::Announce(_)
            | Self::Want(_)
            | Self::Addresses(_) => return 0,
        };
        let length = |event| u64::from(codec::event_length(event));
        events.iter().map(length).sum()
    }

    /// The same message with these events in place of its own; one that carries none stays as it is.
    #[must_use]
    pub fn with_events(self, events: Vec<Event>) -> Self {
        match self {
            Self::Push(_) => Self::Push(events),
            Self::Given { not_held, .. } => Self::Given { events, not_held },
            Self::Bulk { session, .. } => Self::Bulk { session, events },
            without @ (Self::Hello(_)
            | Self::Verdict(_)
            | Self::End(_)
            | Self::Heads(_)
            | Self::Offer(_)
            | Self::Lacks(_)
            | Self::Changes(_)
            | Self::Announce(_)
            | Self::Want(_)
            | Self::Addresses(_)) => without,
        }
    }
}

/// A decoded frame, its events not yet checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The message, with no events in it.
    pub(crate) empty: Message,
    /// Its events and their lengths on the wire.
    pub(crate) raws: Vec<(Raw, usize)>,
}

impl Frame {
    /// Number of events that are to be checked.
    pub fn events(&self) -> usize {
        self.raws.len()
    }

    /// Checks the events and gives the message. Cost: see [`crate::event::check_all`].
    ///
    /// # Errors
    /// The fault of the first event that is not valid; then nothing of the frame is taken.
    pub fn check(self, rules: &Rules) -> Result<Message, Fault> {
        let checked: Result<Vec<Event>, Fault> = check_all(self.raws, rules)
            .into_iter()
            .map(|event| event.map_err(Fault::Event))
            .collect();
        Ok(self.empty.with_events(checked?))
    }
}
