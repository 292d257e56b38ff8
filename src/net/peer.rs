//! One connection that was let in: its streams become messages, and messages its streams.
//!
//! Four things run side by side until the connection ends: writing what is queued, reading the control stream, taking bulk
//! streams, and watching (overflow, round trip time, traffic). Then, when all has ended that might still tell of it, the node hears
//! `Disconnected`, and the seat is given up.
//!
//! Invariants:
//! - `Connected` first, `Disconnected` last, each exactly once;
//! - messages of one stream are told in their order; after a fault or a hangup nothing more of it is told.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use quinn::{Connection, ConnectionError, RecvStream, SendStream};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use crate::event::control::Rules;
use crate::event::key::MachineId;
use crate::limits::{CHECKS_AHEAD, FRAME_BYTES_MAX, MEASURE_EVERY, PROBE, STREAM_PARTS};
use crate::net::bucket::Meter;
use crate::net::frame::{End, Frames};
use crate::net::pool::{Check, Lane};
use crate::net::queue::{Class, Queue, Unread};
use crate::net::stream::Part;
use crate::net::table::{Candidate, Seat};
use crate::net::traffic::{Counter, Gauge};
use crate::net::{Happening, Refusal, Shared, close, tls};
use crate::sync::message::SessionId;
use crate::wire::fault::Fault;

/// How often a probed connection is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// Held by each task that may still tell of a connection.
pub(super) type Token = mpsc::Sender<Infallible>;

/// A connection that was let in.
#[derive(Debug)]
pub(super) struct Link {
    /// Tells connections of one process apart.
    pub(super) number: u64,
    pub(super) peer: MachineId,
    /// Random number of the peer's start.
    pub(super) start: u64,
    /// We dialled.
    pub(super) dialled: bool,
    pub(super) connection: Connection,
    queue: Queue,
    /// What the peer says that nobody asked for.
    pub(super) meter: Meter,
    pub(super) traffic: Counter,
    /// From `Connected` to the end.
    open: Mutex<Option<Open>>,
    closed_with: OnceLock<Refusal>,
    /// A dial told nothing, since this connection takes its place: `Connected` or `DialFailed` must follow.
    owes_to_dial: AtomicBool,
    /// Its sender is dropped when all is over.
    ended: watch::Receiver<()>,
}

/// What there is only while messages may be sent.
#[derive(Debug)]
struct Open {
    /// The node has heard of the connection, and means it by what it sends.
    has_begun: bool,
    token: Token,
    /// Outgoing bulk streams.
    streams: BTreeMap<SessionId, Outgoing>,
}

/// An outgoing bulk stream that runs.
#[derive(Debug)]
struct Outgoing {
    /// Ends it.
    stop: Arc<Notify>,
    /// Takes further parts.
    parts: mpsc::Sender<Part>,
}

/// What the task of a new outgoing bulk stream needs.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) token: Token,
    pub(super) stop: Arc<Notify>,
    pub(super) parts: mpsc::Receiver<Part>,
}

impl Link {
    pub(super) fn new(number: u64, candidate: &Candidate, ended: watch::Receiver<()>) -> Self {
        Self {
            number,
            peer: candidate.peer,
            start: candidate.start,
            dialled: candidate.dial.is_some(),
            connection: candidate.connection.clone(),
            queue: Queue::default(),
            meter: Meter::default(),
            traffic: Counter::default(),
            open: Mutex::new(None),
            closed_with: OnceLock::new(),
            owes_to_dial: AtomicBool::new(false),
            ended,
        }
    }

    /// Closes the connection; the first reason counts.
    pub(super) fn close(&self, refusal: Refusal) {
        if !self.is_closed() {
            self.closed_with.get_or_init(|| refusal);
        }
        refusal.close(&self.connection);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.connection.close_reason().is_some()
    }

    /// Notes that a dial relies on what this connection tells. Only under the table's lock.
    pub(super) fn owe_to_dial(&self) {
        self.owes_to_dial.store(true, Ordering::Relaxed);
    }

    /// Returns whether a dial relies on what this connection tells.
    pub(super) fn owes_to_dial(&self) -> bool {
        self.owes_to_dial.load(Ordering::Relaxed)
    }

    /// The node has heard of the connection: what it sends from now on is for this one.
    pub(super) fn begin(&self) {
        if let Some(open) = self.open().as_mut() {
            open.has_begun = true;
        }
    }

    /// Queues a frame and returns whether there was room; when the peer does not read at all, closes the connection. Nothing
    /// before `begin`.
    pub(super) fn queue(&self, class: Class, frame: Vec<u8>) -> bool {
        if !self.open().as_ref().is_some_and(|open| open.has_begun) {
            return false;
        }
        self.queue.push(class, frame).unwrap_or_else(|Unread| {
            self.close(Refusal::Unread);
            false
        })
    }

    /// Hands a part to its stream; part 0 begins a new one, whose task is then to be started. A part of a stream that is over
    /// goes nowhere, as does one before or after the connection's time.
    ///
    /// # Panics
    /// When more than `limits::STREAM_PARTS` are under way.
    pub(super) fn take_part(&self, session: SessionId, part: Part) -> Option<Begun> {
        let mut open = self.open();
        let open = open.as_mut().filter(|open| open.has_begun)?;
        let mut begun = None;
        if part.number == 0 {
            let stop = Arc::new(Notify::new());
            let (parts, waiting) = mpsc::channel(STREAM_PARTS);
            begun = Some(Begun {
                token: open.token.clone(),
                stop: stop.clone(),
                parts: waiting,
            });
            let before = open.streams.insert(session, Outgoing { stop, parts });
            if let Some(before) = before {
                before.stop.notify_one();
            }
        }
        match open.streams.get(&session)?.parts.try_send(part) {
            Ok(()) | Err(TrySendError::Closed(_)) => begun,
            Err(TrySendError::Full(_)) => unreachable!("few parts are under way"),
        }
    }

    /// Forgets an outgoing bulk stream that is over.
    pub(super) fn end_stream(&self, session: SessionId, stop: &Arc<Notify>) {
        if let Some(open) = self.open().as_mut()
            && open
                .streams
                .get(&session)
                .is_some_and(|current| Arc::ptr_eq(&current.stop, stop))
        {
            open.streams.remove(&session);
        }
    }

    /// Stops an outgoing bulk stream, if it still runs.
    pub(super) fn stop_stream(&self, session: SessionId) {
        let stopped = self
            .open()
            .as_mut()
            .and_then(|open| open.streams.remove(&session));
        if let Some(outgoing) = stopped {
            outgoing.stop.notify_one();
        }
    }

    /// Waits until all is over.
    pub(super) async fn ended(&self) {
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }

    /// Returns whether the peer acknowledges a probe within `limits::PROBE`.
    pub(super) async fn answers(&self) -> bool {
        let acknowledged = || self.connection.stats().frame_rx.acks;
        let before = acknowledged();
        // The peer throws it away, but QUIC acknowledges it. When it cannot be sent, the keep-alive serves as well.
        self.connection.send_datagram(b"?".as_slice().into()).ok();
        let answer = async {
            while acknowledged() == before {
                sleep(LOOK).await;
            }
        };
        tokio::select! {
            biased;
            _ = self.connection.closed() => false,
            () = answer => true,
            () = sleep(PROBE) => false,
        }
    }

    fn open(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().expect("nobody panics with the lock")
    }

    /// The peer closed it, since it has enough others.
    fn is_left(&self) -> bool {
        let reason = self.connection.close_reason();
        reason.as_ref().and_then(close::refusal) == Some(Refusal::Full)
    }

    /// Why it is closed, in words.
    fn why(&self) -> String {
        match (self.closed_with.get(), self.connection.close_reason()) {
            (Some(refusal), _) => refusal.said_here().to_owned(),
            (None, None | Some(ConnectionError::LocallyClosed)) => {
                Refusal::Stopping.said_here().to_owned()
            }
            (None, Some(reason)) => close::words(&reason),
        }
    }
}

/// Serves a connection until it ends.
pub(super) async fn run(shared: Arc<Shared>, seat: Seat, send: SendStream, mut frames: Frames) {
    if let Some(before) = &seat.before {
        before.ended().await;
    }
    let link = seat.link.clone();
    let peer = link.peer;
    let (token, mut tokens) = mpsc::channel(1);
    let connected = Happening::Connected {
        peer,
        number: link.number,
        rtt: link.connection.rtt(),
        address: canonical(link.connection.remote_address()),
        dialled: link.dialled,
    };
    tracing::debug!(?peer, dialled = link.dialled, "a connection stands");
    let Ok(place) = shared.happenings.reserve().await else {
        return link.close(Refusal::Stopping);
    };
    *link.open() = Some(Open {
        has_begun: false,
        token: token.clone(),
        streams: BTreeMap::new(),
    });
    place.send(connected);
    tls::let_in(&link.connection);
    frames.limit(FRAME_BYTES_MAX);
    tokio::join!(
        write(&link, send),
        control(&shared, &link, frames),
        bulk(&shared, &link, token),
        watch(&shared, &link),
    );
    *link.open() = None;
    while tokens.recv().await.is_some() {}
    let why = link.why();
    tracing::debug!(?peer, why, "a connection has ended");
    let ended = Happening::Disconnected {
        peer,
        why,
        is_leave: link.is_left(),
    };
    shared.tell(ended).await;
    drop(seat);
}

/// An IPv4 address as such, also when the socket takes both kinds.
fn canonical(address: std::net::SocketAddr) -> std::net::SocketAddr {
    std::net::SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Writes what is queued.
async fn write(link: &Link, mut send: SendStream) {
    let mut closed = pin!(link.connection.closed());
    // Before bulk; an error here means that the stream is over, which the next write tells.
    send.set_priority(1).ok();
    loop {
        let bytes = tokio::select! {
            biased;
            _ = &mut closed => return,
            bytes = link.queue.next() => bytes,
        };
        if send.write_all(&bytes).await.is_err() {
            return link.close(Refusal::Fault);
        }
        link.traffic.on_sent(bytes.len());
    }
}

/// Reads the control stream, which ends only with the connection.
async fn control(shared: &Shared, link: &Link, frames: Frames) {
    match read(shared, link, frames, Lane::Control).await {
        End::Finished | End::Lost => {
            if !link.is_closed() {
                fault(shared, link, Fault::Stream).await;
            }
        }
        End::Fault(broken) => fault(shared, link, broken).await,
    }
}

/// Takes bulk streams; QUIC bounds their number.
async fn bulk(shared: &Arc<Shared>, link: &Arc<Link>, token: Token) {
    while let Ok(stream) = link.connection.accept_uni().await {
        let (shared, link, token) = (shared.clone(), link.clone(), token.clone());
        tokio::spawn(async move {
            let _token = token;
            one_bulk(&shared, &link, stream).await;
        });
    }
}

async fn one_bulk(shared: &Shared, link: &Link, stream: RecvStream) {
    match read(
        shared,
        link,
        Frames::new(stream, FRAME_BYTES_MAX),
        Lane::Bulk,
    )
    .await
    {
        End::Finished => {}
        End::Lost => tracing::debug!(peer = ?link.peer, "a bulk stream broke"),
        End::Fault(broken) => fault(shared, link, broken).await,
    }
}

async fn fault(shared: &Shared, link: &Link, fault: Fault) {
    let is_hung_up = matches!(
        link.connection.close_reason(),
        Some(ConnectionError::LocallyClosed)
    );
    link.close(Refusal::Fault);
    if !is_hung_up {
        tracing::warn!(peer = ?link.peer, %fault, "the peer broke the rules");
        shared
            .tell(Happening::Faulted {
                peer: link.peer,
                fault,
            })
            .await;
    }
}

/// Reads one stream to its end. Up to `CHECKS_AHEAD` frames are being checked while further ones arrive.
async fn read(shared: &Shared, link: &Link, mut frames: Frames, lane: Lane) -> End {
    let rules: Rules = shared.known.borrow().rules;
    let (begun, mut checks) = mpsc::channel::<Check>(CHECKS_AHEAD);
    let reading = async move {
        loop {
            let frame = match frames.next().await {
                Ok(frame) => frame,
                Err(end) => return end,
            };
            link.traffic.on_received(frame.len());
            let rest = link.meter.read(Instant::now(), lane, &frame);
            let check = shared.pool.check(frame, lane, rules).await;
            if begun.send(check).await.is_err() {
                return End::Lost;
            }
            if !rest.is_zero() {
                sleep(rest).await;
            }
        }
    };
    let telling = async move {
        while let Some(check) = checks.recv().await {
            let Some(outcome) = check.outcome().await else {
                return Some(End::Lost);
            };
            if matches!(
                link.connection.close_reason(),
                Some(ConnectionError::LocallyClosed)
            ) {
                return Some(End::Lost);
            }
            match outcome {
                Ok(message) => {
                    let peer = link.peer;
                    shared.tell(Happening::Received { peer, message }).await;
                }
                Err(fault) => return Some(End::Fault(fault)),
            }
        }
        None
    };
    // A fault in what was read ends the reading, but the end of the reading not the telling.
    let (mut reading, mut telling) = (pin!(reading), pin!(telling));
    tokio::select! {
        biased;
        end = &mut reading => telling.await.unwrap_or(end),
        told = &mut telling => match told {
            Some(end) => end,
            None => reading.await,
        },
    }
}

/// Tells of overflows, round trip times and traffic.
async fn watch(shared: &Shared, link: &Link) {
    let peer = link.peer;
    let mut closed = pin!(link.connection.closed());
    let mut ticks = interval(MEASURE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut told_rtt, mut told_over, mut times) = (link.connection.rtt(), false, 0);
    let mut gauge = Gauge::new(Instant::now());
    loop {
        tokio::select! {
            biased;
            _ = &mut closed => return,
            // A probe; nothing to be done.
            probe = link.connection.read_datagram() => if probe.is_err() { return },
            _ = ticks.tick() => {
                let rtt = link.connection.rtt();
                if rtt.abs_diff(told_rtt) > told_rtt / 10 {
                    told_rtt = rtt;
                    shared.tell(Happening::Measured { peer, rtt }).await;
                }
                if let Some(traffic) = gauge.look(&link.traffic, Instant::now()) {
                    shared.tell(Happening::Traffic { peer, traffic }).await;
                }
            }
            () = link.queue.overflow_changed() => {
                let overflow = link.queue.overflow();
                if overflow.times != times && !told_over {
                    tracing::debug!(?peer, "the send queue ran over");
                    shared.tell(Happening::Overflowed { peer }).await;
                    told_over = true;
                }
                times = overflow.times;
                if told_over && !link.queue.overflow().is_over {
                    shared.tell(Happening::Drained { peer }).await;
                    told_over = false;
                }
            }
        }
    }
}
