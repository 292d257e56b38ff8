//! What a session asks of the machine, where it stands and how it ends.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::sync::message::{End, Hello, Lacks, Offer, SessionId, Verdict};
use crate::sync::stream::Ranges;

/// What a session asks the machine to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Out {
    /// Send it.
    Hello(Hello),
    /// Send it.
    Verdict(Verdict),
    /// Send it: nothing is streamed.
    End(End),
    /// Send it: the peer answers which of these it lacks.
    Offer(Offer),
    /// Send it: the answer to an offer.
    Lacks(Lacks),
    /// Stream these, on the stream that part 0 begins.
    Stream {
        /// Our number of the session.
        session: SessionId,
        /// Counts from 0.
        part: u32,
        /// None only with an `end` after other parts.
        ranges: Ranges,
        /// Last on the stream; none: more parts follow.
        end: Option<End>,
    },
    /// Stop the stream of this session.
    StopStream(SessionId),
    /// The session is over.
    Over(Outcome),
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Both sides held the same set.
    InStep,
    /// Both sides sent what they were going to send.
    Done(Gain),
    /// Nothing moved, the bulk slot was lost, or the peer began anew.
    GivenUp(Gain),
}

/// What a session was good for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gain {
    /// Events that came to be held by it.
    pub received: u32,
    /// We streamed something.
    pub has_sent: bool,
    /// Our credit ended the peer's stream, or there was none; the peer has more.
    pub more: bool,
    /// We gave no credit; or the peer gave none, and sent all that it has.
    pub is_compare_only: bool,
}

/// Phase of a session, without its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// No session.
    Idle,
    /// Our HELLO is sent, the peer's is not there.
    Comparing,
    /// Both HELLOs are there; whether the peer holds all of ours is not known yet, and decides what we send.
    Undecided,
    /// Looking for what the peer lacks, in bounded steps.
    Walking,
    /// Asking the peer what it lacks, while the node sends what that is.
    Offering,
    /// The node sends events; no answer is waited for.
    Streaming,
    /// Our END is sent; the peer's is not there.
    Listening,
}
