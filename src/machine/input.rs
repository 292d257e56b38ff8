//! All that can happen to a machine.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::net::SocketAddr;
use std::time::Duration;

use crate::event::canon::Properties;
use crate::event::id::EventId;
use crate::event::index::Arrival;
use crate::event::key::{MachineId, Signature};
use crate::event::wall::WallTime;
use crate::sync::message::SessionId;
use crate::wire::Message;
use crate::wire::fault::Fault;

/// Number of a local request; the answer carries it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// What is known of a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Measured during the handshake.
    pub rtt: Duration,
    /// Where the peer is now.
    pub address: SocketAddr,
    /// We dialled it, so the address is one to dial again.
    pub dialled: bool,
}

/// A newcomer's request, its connection's exporter included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinRequest {
    /// The invite that it shows.
    pub invite: EventId,
    /// Its key, proved by TLS.
    pub joiner: MachineId,
    /// The name that it wants.
    pub name: String,
    /// The TLS exporter of the connection.
    pub exporter: [u8; 32],
    /// By the invite's secret, over [`crate::wire::greeting::join_message`].
    pub signature: Signature,
}

/// What happens to a machine. Who makes it, and what follows, stands at each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The local user adds events, 1..=`limits::RUN_EVENTS_MAX`, which share one signature. Follows: `Append`s and, when they are
    /// durable, one `Answer`; or a refusal at once.
    Create {
        /// Comes back with the answer.
        request: RequestId,
        /// The clock.
        wall: WallTime,
        /// The events' members.
        properties: Vec<Properties>,
    },
    /// The local user opens an invite. Follows: as `Create`.
    Invite {
        /// Comes back with the answer.
        request: RequestId,
        /// The clock.
        wall: WallTime,
        /// Public half of the ticket's secret.
        key: MachineId,
        /// Milliseconds since 1970.
        expires_ms: u64,
        /// 0: no limit.
        uses: u64,
    },
    /// `net`: a newcomer knocks. Follows: an admission and its answer when durable, or a refusal.
    Admit {
        /// Comes back with the answer.
        request: RequestId,
        /// The clock, for the expiry and for the admission.
        wall: WallTime,
        /// What it showed.
        join: JoinRequest,
    },
    /// The user, a ticket or the address book told where a machine may be reached. Follows: a dial, if there is room.
    Reachable {
        /// The machine.
        peer: MachineId,
        /// Where.
        addresses: Vec<SocketAddr>,
        /// By a ticket or the user: never evicted from the book.
        keep: bool,
    },
    /// `net`: a connection to a member stands, both sides let in. Follows: a session.
    Connected {
        /// The member.
        peer: MachineId,
        /// Its link.
        link: Link,
    },
    /// `net`: a dial failed. Follows: another, after a back-off.
    DialFailed {
        /// Who was dialled.
        peer: MachineId,
    },
    /// `net`: a member was refused for want of room. Follows: leave is taken of a peer, now and then.
    Crowded,
    /// `net`: the peer takes leave, since it has peers enough; `Disconnected` comes next. Follows: others are dialled before it.
    Left {
        /// Who.
        peer: MachineId,
    },
    /// `net`: the connection is gone. Follows: all about the peer's link is forgotten; a dial.
    Disconnected {
        /// Who.
        peer: MachineId,
    },
    /// `net`: a message whose events are checked.
    Received {
        /// From whom.
        peer: MachineId,
        /// The message.
        message: Message,
    },
    /// `net`: the peer broke the rules below the machine. Follows: it is counted and hung up on.
    Faulted {
        /// Who.
        peer: MachineId,
        /// How.
        fault: Fault,
    },
    /// `net`: new round trip time of a link.
    Measured {
        /// The peer.
        peer: MachineId,
        /// Smoothed.
        rtt: Duration,
    },
    /// `net`: the peer's send queue ran over; event pushes were dropped. Follows: only heads are told, until `Drained`.
    Overflowed {
        /// The peer.
        peer: MachineId,
    },
    /// `net`: the queue is empty again.
    Drained {
        /// The peer.
        peer: MachineId,
    },
    /// The store: all events below this position are durable.
    Stored {
        /// One past the last durable one.
        up_to: Arrival,
    },
    /// `net`: a `Stream` effect is done, its END included if it has one.
    Streamed {
        /// The peer.
        peer: MachineId,
        /// Our number of the session.
        session: SessionId,
    },
    /// `net` or the store: a `Stream` effect could not be done, nor will the parts after it.
    StreamFailed {
        /// The peer.
        peer: MachineId,
        /// Our number of the session.
        session: SessionId,
    },
    /// The store: the bytes of a held event are damaged. Follows: it is asked for again, of every peer, until `Repaired`.
    Damaged {
        /// Which.
        at: Arrival,
    },
    /// The store: a damaged event was written again.
    Repaired {
        /// Which.
        at: Arrival,
    },
    /// The deadline of `next_wakeup`, or nothing at all.
    Wakeup,
}
