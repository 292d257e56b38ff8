//! What is to happen, in order of virtual time; of equal times, in the order in which it was planned.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::machine::input::Input;
use crate::sim::links::Host;
use crate::sync::message::SessionId;
use crate::time::Time;
use crate::wire::Message;

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) at: Time,
    pub(super) number: u64,
    pub(super) what: What,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.number) == (other.at, other.number)
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// A message under way.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    pub(super) from: Host,
    pub(super) to: Host,
    /// Number of the connection that it was sent on.
    pub(super) connection: u64,
    /// Our sender's number of the session whose stream it is on.
    pub(super) stream: Option<SessionId>,
    pub(super) message: Message,
}

#[derive(Debug)]
pub(super) enum What {
    Deliver(Packet),
    /// The node sent a part of a stream.
    Streamed {
        from: Host,
        to: Host,
        connection: u64,
        session: SessionId,
        /// Its END is sent too.
        is_last: bool,
    },
    /// Something that the host's own node noticed.
    Give {
        host: Host,
        life: u32,
        input: Input,
    },
    Commit {
        host: Host,
        life: u32,
    },
    Dial {
        from: Host,
        to: Host,
        life: u32,
    },
    /// A probe of the connection `old`, which `to` has and `from` has not, was not answered.
    Replace {
        from: Host,
        to: Host,
        life: u32,
        old: u64,
    },
    /// The peer closed the connection.
    Closed {
        host: Host,
        peer: Host,
        connection: u64,
        /// It has enough others.
        is_leave: bool,
    },
    /// Nothing may have come from the peer since `since`.
    Idle {
        host: Host,
        peer: Host,
        connection: u64,
        since: Time,
    },
    /// What stood still on the way is sent again.
    Resume {
        from: Host,
        to: Host,
    },
    /// One message of a slow link's send queue is out.
    Sent {
        from: Host,
        to: Host,
        connection: u64,
    },
    /// A host that was down starts.
    Start {
        host: Host,
        life: u32,
    },
    Wakeup {
        host: Host,
        life: u32,
    },
}
