//! The network: QUIC connections between machines.
//!
//! Does what the machine's effects say (dial, send, stream, hang up) and tells the node what happened. It decides who
//! may talk (TLS key, membership), never what is replicated.
//!
//! Invariants:
//! - at most one live connection a peer; of two crossed dials the one dialled by the smaller key stays, unless nobody answers it;
//! - nothing but a refusal code is said to who is not a member;
//! - events are checked on worker threads before the node sees them; the order within a stream is kept.
//!
//! Source: RFC 9000 (QUIC), RFC 7250 (raw public keys), RFC 9266 (exporter).

mod bucket;
mod close;
mod dial;
mod doorstep;
mod frame;
mod greet;
pub mod join;
pub mod patience;
mod peer;
mod pool;
mod queue;
pub mod sockets;
pub mod stream;
mod table;
#[cfg(test)]
mod tests;
mod tls;
pub mod traffic;
pub mod workers;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use quinn::{ClientConfig, Endpoint, VarInt};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use crate::event::control::Rules;
use crate::event::id::EventId;
use crate::event::key::{Key, MachineId, Signature};
use crate::limits::{CLOSING, HALF_OPEN_MAX, NEWCOMERS_MAX};
use crate::net::doorstep::Doorstep;
use crate::net::frame::framed;
use crate::net::join::Newcomer;
use crate::net::patience::Patience;
use crate::net::peer::Link;
use crate::net::pool::Pool;
use crate::net::queue::Class;
use crate::net::sockets::Sockets;
use crate::net::stream::Part;
use crate::net::table::Table;
use crate::net::traffic::Traffic;
use crate::net::workers::Workers;
use crate::sync::message::SessionId;
use crate::wire::fault::Fault;
use crate::wire::ticket::Ticket;
use crate::wire::{Message, codec};

/// What the network must know of the DAG; the node publishes a new one when membership changes.
#[derive(Clone, Debug)]
pub struct Known {
    /// R's name.
    pub root: EventId,
    /// R's author.
    pub root_author: MachineId,
    /// R's rules.
    pub rules: Rules,
    /// All members.
    pub members: Arc<BTreeSet<MachineId>>,
    /// Keys that are refused, dialled or dialling.
    pub banned: Arc<BTreeSet<MachineId>>,
    /// Our own credential: bytes of the admissions from R's author to us.
    pub credential: Arc<Vec<Vec<u8>>>,
}

/// How to start.
#[derive(Debug)]
pub struct Config {
    /// This machine's key.
    pub key: Key,
    /// Where to listen; port 0: any free one.
    pub listen: SocketAddr,
    /// Of which network.
    pub sockets: Sockets,
    /// After how much silence a peer is gone.
    pub patience: Patience,
    /// Where events are checked and read.
    pub workers: Workers,
    /// Random number of this start.
    pub start: u64,
    /// Who may talk.
    pub known: watch::Receiver<Known>,
}

/// What happened on the network; becomes an input of the machine.
#[derive(Debug)]
pub enum Happening {
    /// A connection to a member stands.
    Connected {
        /// The member.
        peer: MachineId,
        /// Tells connections apart; for [`Net::begin`].
        number: u64,
        /// Smoothed round trip.
        rtt: Duration,
        /// Where it is.
        address: SocketAddr,
        /// We dialled.
        dialled: bool,
    },
    /// All addresses of a dial failed.
    DialFailed {
        /// Who was dialled.
        peer: MachineId,
        /// In words, for the log and the screen.
        why: String,
    },
    /// A member was refused for want of room.
    Crowded,
    /// A connection that was `Connected` is gone.
    Disconnected {
        /// Who.
        peer: MachineId,
        /// In words.
        why: String,
        /// The peer has enough others, and took leave.
        is_leave: bool,
    },
    /// A message, its events checked.
    Received {
        /// From whom.
        peer: MachineId,
        /// The message.
        message: Message,
    },
    /// The peer broke the rules; nothing more of this connection will be read.
    Faulted {
        /// Who.
        peer: MachineId,
        /// How.
        fault: Fault,
    },
    /// A newcomer asks to be let in; the answer goes back on its connection.
    JoinAsked(Box<JoinAsked>),
    /// A round trip time, at most once a second a peer.
    Measured {
        /// The peer.
        peer: MachineId,
        /// Smoothed.
        rtt: Duration,
    },
    /// Bytes over the connection, when they are others than told last, at most once a second a peer.
    Traffic {
        /// The peer.
        peer: MachineId,
        /// How many.
        traffic: Traffic,
    },
    /// A send queue ran over.
    Overflowed {
        /// Whose.
        peer: MachineId,
    },
    /// It is empty again.
    Drained {
        /// Whose.
        peer: MachineId,
    },
    /// A part of a bulk stream was taken by QUIC; the last one, with its END: the peer's QUIC has it.
    Streamed {
        /// To whom.
        peer: MachineId,
        /// Our number of the session.
        session: SessionId,
    },
    /// A bulk stream broke, or its source failed.
    StreamFailed {
        /// To whom.
        peer: MachineId,
        /// Our number of the session.
        session: SessionId,
    },
}

/// A newcomer at the door.
#[derive(Debug)]
pub struct JoinAsked {
    /// The invite that it shows.
    pub invite: EventId,
    /// Its key.
    pub joiner: MachineId,
    /// The name that it wants.
    pub name: String,
    /// The TLS exporter of its connection.
    pub exporter: [u8; 32],
    /// By the invite's secret.
    pub signature: Signature,
    /// Where the answer goes; dropped: the newcomer is told to try elsewhere.
    pub answer: oneshot::Sender<Result<Admission, Refusal>>,
}

/// What a newcomer gets.
#[derive(Clone, Debug)]
pub struct Admission {
    /// R, as on the wire.
    pub root: Vec<u8>,
    /// The admissions from R's author to the newcomer, its own last.
    pub credential: Vec<Vec<u8>>,
}

/// Why somebody is not let in, or a connection is closed; each is a QUIC close code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The node stops.
    #[error("the machine there is stopping")]
    Stopping,
    /// Another network's R.
    #[error("the machine there belongs to another network")]
    OtherNetwork,
    /// Not a member, as far as the side that closes can tell.
    #[error("the machine there does not know this machine as a member")]
    NotAMember,
    /// On the local ban list.
    #[error("the machine there has banned this machine")]
    Banned,
    /// It has as many peers as it takes.
    #[error("the machine there has as many peers as it takes")]
    Full,
    /// There is a connection between the two already.
    #[error("there is a connection to that machine already")]
    Duplicate,
    /// A second live machine uses this key.
    #[error("another running machine uses this machine's key: was its data directory copied?")]
    KeyInUse,
    /// The peer broke the rules.
    #[error("the machine there says that this one broke the rules")]
    Fault,
    /// No greeting within the time given.
    #[error("no greeting in time")]
    TooSlow,
    /// See [`crate::machine::effect::Refused`].
    #[error("invite not known there yet: try again in a moment, or another address")]
    InviteUnknown,
    /// The invite's time is over.
    #[error("the ticket has expired: ask for a new one")]
    InviteExpired,
    /// It let in as many machines as it allows.
    #[error("the ticket is used up: ask for a new one")]
    InviteUsedUp,
    /// The secret does not fit the invite.
    #[error("the ticket is not genuine: its secret does not fit its invite")]
    InviteSignature,
    /// The name or key has a form that no admission may have.
    #[error("the name is not allowed: 1 to 64 bytes without control characters")]
    Form,
    /// The machine there cannot write just now.
    #[error("the machine there cannot admit anybody just now: try again, or another address")]
    NotNow,
    /// It does not read what it is sent.
    #[error("the machine there says that this one does not read what it is sent")]
    Unread,
}

/// Gives the bytes of a bulk stream, a frame's worth of events at a time. Called on a worker thread.
pub trait Source: Send {
    /// The next events' bytes, about `limits::BULK_FRAME_BYTES` together; None: all were given.
    ///
    /// # Errors
    /// In words; the stream is reset.
    fn next(&mut self) -> Result<Option<Vec<Vec<u8>>>, String>;
}

/// The running network. Dropping it closes all connections.
#[derive(Debug)]
pub struct Net {
    shared: Arc<Shared>,
    bans: AbortHandle,
}

/// What the tasks of one network share.
#[derive(Debug)]
struct Shared {
    me: MachineId,
    start: u64,
    endpoint: Endpoint,
    client: ClientConfig,
    known: watch::Receiver<Known>,
    happenings: mpsc::Sender<Happening>,
    table: Mutex<Table>,
    pool: Pool,
    workers: Workers,
    /// Permits for connections that are being greeted.
    half_open: Arc<Semaphore>,
    doorstep: Doorstep,
    /// Permits for newcomers that wait for an answer.
    joins: Semaphore,
    runtime: Handle,
}

/// Why the network cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is in use, not ours, or not allowed.
    #[error("cannot listen on udp {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The TLS library refused our own key.
    #[error("the TLS library refused this machine's key")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Net {
    /// Binds and begins to accept. What happens goes to `happenings` (bounded; when it is full, peers wait).
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(config: Config, happenings: mpsc::Sender<Happening>) -> Result<Self, Error> {
        let address = config.listen;
        let bind = |source| Error::Bind { address, source };
        let (mut client, mut server) = (tls::client(&config.key)?, tls::server(&config.key)?);
        client.transport_config(Arc::new(tls::transport(0, config.patience)));
        server.transport_config(Arc::new(tls::transport(1, config.patience)));
        let endpoint = config
            .sockets
            .endpoint(address, Some(server))
            .map_err(bind)?;
        let shared = Arc::new(Shared {
            me: config.key.machine(),
            start: config.start,
            endpoint,
            client,
            known: config.known,
            happenings,
            table: Mutex::default(),
            pool: Pool::new(config.workers),
            workers: config.workers,
            half_open: Arc::new(Semaphore::new(HALF_OPEN_MAX)),
            doorstep: Doorstep::default(),
            joins: Semaphore::new(NEWCOMERS_MAX),
            runtime: Handle::current(),
        });
        tokio::spawn(greet::accept(shared.clone()));
        let bans = tokio::spawn(shared.clone().close_banned()).abort_handle();
        Ok(Self { shared, bans })
    }

    /// The address it listens on, with the real port.
    ///
    /// # Panics
    /// When the operating system does not know the address of a bound socket.
    pub fn listening(&self) -> SocketAddr {
        self.shared
            .endpoint
            .local_addr()
            .expect("a bound socket has an address")
    }

    /// Dials in the background; a dial or connection that is under way is left alone. `Connected` or `DialFailed` follows.
    pub fn dial(&self, peer: MachineId, addresses: Vec<SocketAddr>) {
        dial::begin(&self.shared, peer, addresses);
    }

    /// From now on what is sent to `peer` goes over the connection that `Connected` told of by this number. Before, nothing
    /// does: what the node still has to say to an earlier connection must not be said on this one.
    pub fn begin(&self, peer: MachineId, number: u64) {
        if let Some(link) = self.link(peer).filter(|link| link.number == number) {
            link.begin();
        }
    }

    /// Queues a message; see `limits::SEND_QUEUE_BYTES` for what happens when the queue is full.
    pub fn send(&self, peer: MachineId, message: &Message) {
        let class = match message {
            Message::Push(_) | Message::Announce(_) => Class::Push,
            Message::Given { .. } => Class::Given,
            Message::Hello(_)
            | Message::Verdict(_)
            | Message::End(_)
            | Message::Offer(_)
            | Message::Lacks(_)
            | Message::Heads(_)
            | Message::Changes(_)
            | Message::Want(_)
            | Message::Bulk { .. }
            | Message::Addresses(_) => Class::Control,
        };
        if let Some(link) = self.link(peer) {
            link.meter.on_said(message);
            link.queue(class, framed(&codec::encode(message)));
        }
    }

    /// Answers a WANT with events as stored. Returns whether there was room in the queue, and a connection.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "they were read for this answer and end here"
    )]
    pub fn give(&self, peer: MachineId, events: Vec<Vec<u8>>, not_held: Vec<EventId>) -> bool {
        let frame = framed(&codec::encode_given(&events, &not_held));
        self.link(peer)
            .is_some_and(|link| link.queue(Class::Given, frame))
    }

    /// Sends a part of a session's stream: what its source gives, then its END if it has one. Part 0 begins the stream; a
    /// later part goes after those before it, or nowhere when the stream failed. `Streamed` follows for each part, or
    /// `StreamFailed` once. At most `limits::STREAM_PARTS` may be under way.
    pub fn stream(&self, peer: MachineId, session: SessionId, part: Part) {
        if let Some(link) = self.link(peer) {
            stream::take(&self.shared, &link, session, part);
        }
    }

    /// Stops a stream, if it still runs.
    pub fn stop_stream(&self, peer: MachineId, session: SessionId) {
        if let Some(link) = self.link(peer) {
            link.stop_stream(session);
        }
    }

    /// Closes a connection with a code; `Disconnected` follows.
    pub fn hangup(&self, peer: MachineId, why: Refusal) {
        if let Some(link) = self.link(peer) {
            link.close(why);
        }
    }

    /// Closes everything with a code and waits, at most a second, until the peers were told.
    pub async fn close(self) {
        self.shared.stop();
        // Whoever was not told by then finds out by itself.
        timeout(CLOSING, self.shared.endpoint.wait_idle())
            .await
            .ok();
    }

    fn link(&self, peer: MachineId) -> Option<Arc<Link>> {
        self.shared.table().link(peer).cloned()
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        self.bans.abort();
        self.shared.stop();
    }
}

impl Shared {
    /// Tells the node; waits while it is busy. Nobody listens: the node ends, and all connections with it.
    async fn tell(&self, happening: Happening) {
        self.happenings.send(happening).await.ok();
    }

    fn stop(&self) {
        self.endpoint
            .close(VarInt::from_u32(Refusal::Stopping.code()), b"");
    }

    /// Closes connections of keys that come to be banned.
    async fn close_banned(self: Arc<Self>) {
        let mut known = self.known.clone();
        while known.changed().await.is_ok() {
            let banned = known.borrow_and_update().banned.clone();
            for link in self
                .table()
                .links()
                .filter(|link| banned.contains(&link.peer))
            {
                link.close(Refusal::Banned);
            }
        }
    }
}

/// Knocks with a ticket, one address after the other, and checks what comes back (R's digest, the chain of admissions).
///
/// # Errors
/// See [`join::Error`].
pub async fn join(key: &Key, ticket: &Ticket, name: &str) -> Result<Admission, join::Error> {
    let newcomer = Newcomer { key, ticket, name };
    newcomer.join(&Sockets::Udp).await
}
