//! All that a machine can ask for.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::net::SocketAddr;

use crate::event::id::EventId;
use crate::event::index::{Append, Arrival};
use crate::event::key::MachineId;
use crate::gossip::message::Reachable;
use crate::machine::flow::{self, Step};
use crate::machine::input::RequestId;
use crate::mutant::{self, Mutant};
use crate::sync::message::{End, SessionId};
use crate::sync::stream::Ranges;
use crate::wire::Message;
use crate::wire::fault::Fault;

/// Something to be done. Who performs it, and which input may follow, stands at each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The store writes it; `Stored` follows. Positions are without gaps.
    Append(Append),
    /// `net` queues it for the peer.
    Send {
        /// To whom; a peer that is gone by then is no error.
        peer: MachineId,
        /// What.
        message: Message,
    },
    /// The node reads these events and answers a WANT with them.
    Give {
        /// To whom.
        peer: MachineId,
        /// Held positions.
        events: Vec<Arrival>,
        /// Wanted ids that are not held.
        not_held: Vec<EventId>,
    },
    /// The node reads these events and sends them in order on the session's own stream, which part 0 begins, and then `end`.
    /// `Streamed` follows for each part, or `StreamFailed` once. At most `limits::STREAM_PARTS` are under way.
    Stream {
        /// To whom.
        peer: MachineId,
        /// Our number of the session.
        session: SessionId,
        /// Counts from 0; a part after 0 goes on the stream of part 0, or nowhere when that failed.
        part: u32,
        /// Which; none only with an `end` after other parts.
        events: Ranges,
        /// Last on the stream; none: more parts follow.
        end: Option<End>,
    },
    /// The node stops that stream, if it still runs; nothing follows.
    StopStream {
        /// To whom.
        peer: MachineId,
        /// Our number of the session.
        session: SessionId,
    },
    /// `net` dials, one address after the other; `Connected` or `DialFailed` follows.
    Dial {
        /// Whom; its key is pinned.
        peer: MachineId,
        /// Where, at least one.
        addresses: Vec<SocketAddr>,
    },
    /// `net` closes the connection; `Disconnected` follows.
    Hangup {
        /// Whose.
        peer: MachineId,
        /// Why; the peer is told the word.
        why: Why,
    },
    /// The node answers a local request.
    Answer {
        /// Which.
        request: RequestId,
        /// How.
        answer: Result<Answer, Refused>,
    },
    /// The node writes the address book.
    Remember(Vec<Reachable>),
    /// The node tells its clients.
    Notify(Notice),
}

/// When an effect may be performed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// At once.
    Now,
    /// After all appends before it are durable.
    Durable,
}

/// The effects of one or more inputs, in order. One buffer serves many machines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    list: Vec<(When, Effect)>,
    steps: Vec<Step>,
}

impl Effects {
    /// Adds one that may be performed at once.
    pub fn now(&mut self, effect: Effect) {
        self.list.push((When::Now, effect));
    }

    /// Adds one that waits for the appends before it.
    pub fn durable(&mut self, effect: Effect) {
        self.list.push((When::Durable, effect));
    }

    /// Adds one that waits for the appends before it, unless `breakage` is active.
    pub(crate) fn when_durable(&mut self, breakage: Mutant, effect: Effect) {
        if mutant::is(breakage) {
            self.now(effect);
        } else {
            self.durable(effect);
        }
    }

    /// Notes a step of the flow chart.
    ///
    /// # Panics
    /// In debug builds, when the chart does not have it.
    pub(crate) fn walk(&mut self, step: Step) {
        debug_assert!(flow::declares(&step), "not in the flow chart: {step:?}");
        self.steps.push(step);
    }

    /// The steps of the flow chart that were taken since the last `drain`.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// All so far.
    pub fn as_slice(&self) -> &[(When, Effect)] {
        &self.list
    }

    /// Takes all, in order; the buffer stays.
    pub fn drain(&mut self) -> impl Iterator<Item = (When, Effect)> + '_ {
        self.steps.clear();
        self.list.drain(..)
    }

    /// Number of effects.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// Why a connection is closed by us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The peer broke the rules.
    Fault(Fault),
    /// There are peers enough, and others are of more use.
    Enough,
}

/// A good answer to a local request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The events, in the order of the properties; durable.
    Created(Vec<EventId>),
    /// The invite; durable.
    Invited(EventId),
    /// The admissions that lead from R's author to the newcomer, its own last; durable.
    Admitted(Vec<Arrival>),
}

/// A local request is not allowed; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// This machine does not hold its own admission yet.
    #[error(
        "still joining: this machine has not received its own admission yet; try again when `fedag status` shows it"
    )]
    StillJoining,
    /// The event would be larger than R allows.
    #[error("event {index} is too large: {bytes} bytes, this network allows {max}")]
    TooLarge {
        /// Which of the properties, from 0.
        index: usize,
        /// Its bytes, about.
        bytes: usize,
        /// R's bound.
        max: usize,
    },
    /// No events, or more than `limits::RUN_EVENTS_MAX`.
    #[error("a batch has 1 to {max} events")]
    Batch {
        /// The bound.
        max: usize,
    },
    /// The counter of this machine is used up.
    #[error("this machine has written 2^53-1 events and cannot write more")]
    SeqUsedUp,
    /// The invite is not held here.
    #[error("invite not known here yet")]
    InviteUnknown,
    /// The invite's time is over.
    #[error("the ticket has expired")]
    InviteExpired,
    /// As many machines came in by it as it allows.
    #[error("the ticket is used up")]
    InviteUsedUp,
    /// The newcomer does not have the ticket's secret.
    #[error("the ticket's signature does not hold")]
    InviteSignature,
    /// The newcomer's name or key has a form that no admission may have.
    #[error("the name or key is not allowed: a name has 1 to 64 bytes without control characters")]
    Form,
    /// This machine's own chain of admissions is as long as a credential may be.
    #[error(
        "this machine came in through {max} others and cannot let anybody in: join by a ticket of another member"
    )]
    ChainTooLong {
        /// The bound.
        max: usize,
    },
    /// The disk failed; whether the request was kept shows after the restart of the machine.
    #[error("the store failed: {why}")]
    Store {
        /// The error in words.
        why: String,
    },
}

/// What the machine tells the user interface. All are hints: what they say can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Events came to be held.
    Held {
        /// The first new position.
        from: Arrival,
        /// One past the last.
        up_to: Arrival,
    },
    /// A peer came, went, or its state changed.
    Peers,
    /// Two events with one uuid: both hold what the other told, and yet the digests differ; or the peer sent another event of a
    /// uuid that is held. Neither is taken or passed on in place of the other.
    Twins {
        /// With whom.
        peer: MachineId,
    },
    /// A peer broke the rules.
    Fault {
        /// Who.
        peer: MachineId,
        /// How.
        fault: Fault,
    },
}
