//! Checks what arrives on worker threads, so that hashing and signatures hold up no connection.
//!
//! Between a connection's streams and the node: bytes go in, a message whose events are checked, or a fault, comes out.
//!
//! Invariants:
//! - at most as many frames are checked at a time as there are processors; one, inline;
//! - a signature is skipped only for an event that passed here before, the same in every byte.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::event::control::Rules;
use crate::event::id::EventDigest;
use crate::event::{Event, Unproven, prove_all};
use crate::limits::{PASSED_BYTES_MAX, PASSED_EVENTS_MAX};
use crate::net::workers::Workers;
use crate::wire::fault::Fault;
use crate::wire::{Frame, Message, codec};

/// Frames up to this length are decoded where they are read: less work than handing them over. A guess.
const SHORT_FRAME_BYTES: usize = 2048;

/// The kinds of streams; each has its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// The bidirectional stream: all messages but `Bulk`.
    Control,
    /// A unidirectional stream: `Bulk` and `End`.
    Bulk,
}

impl Lane {
    fn takes(self, message: &Message) -> bool {
        match message {
            Message::Bulk { .. } => self == Self::Bulk,
            Message::End(_) => true,
            Message::Hello(_)
            | Message::Verdict(_)
            | Message::Offer(_)
            | Message::Lacks(_)
            | Message::Heads(_)
            | Message::Changes(_)
            | Message::Push(_)
            | Message::Announce(_)
            | Message::Want(_)
            | Message::Given { .. }
            | Message::Addresses(_) => self == Self::Control,
        }
    }
}

/// A frame's check, under way or done.
#[derive(Debug)]
pub(super) enum Check {
    /// It needed no worker.
    Done(Result<Message, Fault>),
    /// A worker has it.
    Running(JoinHandle<Result<Message, Fault>>),
}

impl Check {
    /// Waits for the outcome. None: the worker was stopped, since the program ends.
    pub(super) async fn outcome(self) -> Option<Result<Message, Fault>> {
        match self {
            Self::Done(outcome) => Some(outcome),
            Self::Running(worker) => worker.await.ok(),
        }
    }
}

/// The workers, and what passed them lately.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    workers: Workers,
    permits: Arc<Semaphore>,
    passed: Arc<Mutex<Passed>>,
}

impl Pool {
    pub(super) fn new(workers: Workers) -> Self {
        Self {
            workers,
            permits: Arc::new(Semaphore::new(workers.count())),
            passed: Arc::default(),
        }
    }

    /// Runs `work` on a worker thread, when one is free. None: the program ends.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        self.spawn(work).await.await.ok()
    }

    /// Begins to check a frame; waits only until a worker is free.
    pub(super) async fn check(&self, frame: Vec<u8>, lane: Lane, rules: Rules) -> Check {
        if frame.len() > SHORT_FRAME_BYTES {
            let passed = self.passed.clone();
            let work = move || {
                decode(&frame, lane).and_then(|decoded| check(decoded, lane, rules, &passed))
            };
            return Check::Running(self.spawn(work).await);
        }
        match decode(&frame, lane) {
            Ok(decoded) if decoded.events() > 0 => {
                let passed = self.passed.clone();
                Check::Running(
                    self.spawn(move || check(decoded, lane, rules, &passed))
                        .await,
                )
            }
            Ok(decoded) => Check::Done(decoded.check(&rules)),
            Err(fault) => Check::Done(Err(fault)),
        }
    }

    async fn spawn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        let permit = self
            .permits
            .clone()
            .acquire_owned()
            .await
            .expect("it is never closed");
        self.workers.spawn(move || {
            let _permit = permit;
            work()
        })
    }
}

fn decode(frame: &[u8], lane: Lane) -> Result<Frame, Fault> {
    let decoded = codec::decode(frame)?;
    if lane.takes(&decoded.empty) {
        Ok(decoded)
    } else {
        Err(Fault::Stream)
    }
}

/// Checks the events of a frame. Bulk is new nearly always, so it is neither looked up nor remembered.
fn check(frame: Frame, lane: Lane, rules: Rules, passed: &Mutex<Passed>) -> Result<Message, Fault> {
    match lane {
        Lane::Bulk => frame.check(&rules),
        Lane::Control => {
            let screened: Result<Vec<_>, _> = frame
                .raws
                .into_iter()
                .map(|(raw, bytes)| raw.screen(&rules, bytes))
                .collect();
            let events = prove(screened.map_err(Fault::Event)?, passed)?;
            Ok(frame.empty.with_events(events))
        }
    }
}

/// Proves the events that did not pass lately.
fn prove(screened: Vec<Unproven>, passed: &Mutex<Passed>) -> Result<Vec<Event>, Fault> {
    let lock = || passed.lock().expect("nobody panics with the lock");
    let known: Vec<_> = {
        let mut passed = lock();
        screened
            .iter()
            .map(|event| passed.find(event.digest()))
            .collect()
    };
    let new = screened
        .into_iter()
        .zip(&known)
        .filter(|(_, known)| known.is_none())
        .map(|(event, _)| event)
        .collect();
    let proven: Result<Vec<_>, _> = prove_all(new).into_iter().collect();
    let proven = proven.map_err(Fault::Event)?;
    let mut passed = lock();
    for event in &proven {
        passed.add(event.clone());
    }
    drop(passed);
    let mut proven = proven.into_iter();
    let next = |known: Option<Event>| {
        known
            .or_else(|| proven.next())
            .expect("each event is known or proven")
    };
    Ok(known.into_iter().map(next).collect())
}

/// Events that passed lately, in two generations: when the young one is full it becomes the old one, and the old one goes.
///
/// The same event comes from several peers within a short time; only the first one costs a signature.
#[derive(Debug, Default)]
struct Passed {
    young: HashMap<EventDigest, Event>,
    old: HashMap<EventDigest, Event>,
    young_bytes: usize,
}

impl Passed {
    fn find(&mut self, digest: EventDigest) -> Option<Event> {
        self.young
            .get(&digest)
            .or_else(|| self.old.get(&digest))
            .cloned()
    }

    fn add(&mut self, event: Event) {
        let bytes = codec::event_length(&event) as usize;
        if self.young.len() >= PASSED_EVENTS_MAX / 2
            || self.young_bytes + bytes > PASSED_BYTES_MAX / 2
        {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        if self.young.insert(event.digest(), event).is_none() {
            self.young_bytes += bytes;
        }
    }
}
