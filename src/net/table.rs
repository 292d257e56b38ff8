//! Who is connected and who is being dialled; decides which connection to a machine stays.
//!
//! A connection gets a [`Seat`] when its greeting is over, or a refusal. The seat is given up when the connection's task
//! ends, and the next one begins only then, so that the node never sees two at a time.
//!
//! Invariants:
//! - at most one seat a machine and `PEERS_MAX` seats; none of a banned key;
//! - at most one dial a machine, and none while it has a seat.

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard};

use quinn::Connection;
use tokio::sync::{oneshot, watch};
use tokio::time::sleep;

use crate::event::key::MachineId;
use crate::limits::{CROSSED_WAIT, PEERS_MAX};
use crate::net::peer::Link;
use crate::net::{Refusal, Shared};

/// All connections and dials.
#[derive(Debug, Default)]
pub(super) struct Table {
    links: BTreeMap<MachineId, Arc<Link>>,
    dials: BTreeMap<MachineId, Dial>,
    numbers: u64,
}

/// A dial under way.
#[derive(Debug)]
struct Dial {
    number: u64,
    /// The machine there answers: a greeting was sent.
    is_greeting: bool,
    cancel: oneshot::Sender<()>,
    /// Its sender is dropped when the dial is over.
    over: watch::Receiver<()>,
}

/// A connection whose greeting is over.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) connection: Connection,
    pub(super) peer: MachineId,
    /// Random number of the peer's start.
    pub(super) start: u64,
    /// The dial that it comes from; none: the peer dialled.
    pub(super) dial: Option<u64>,
}

/// A connection's place in the table; dropping it gives the place up.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) link: Arc<Link>,
    /// The connection that it takes the place of.
    pub(super) before: Option<Arc<Link>>,
    shared: Arc<Shared>,
    /// Dropped last: wakes who waits for the place.
    _taken: watch::Sender<()>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut table = self.shared.table();
        let peer = self.link.peer;
        if table
            .links
            .get(&peer)
            .is_some_and(|link| link.number == self.link.number)
        {
            table.links.remove(&peer);
        }
    }
}

/// A dial's place in the table; dropping it ends the dial.
#[derive(Debug)]
pub(super) struct Dialling {
    pub(super) number: u64,
    peer: MachineId,
    shared: Arc<Shared>,
    _under_way: watch::Sender<()>,
}

impl Dialling {
    /// Returns whether the dial goes on, now that the machine there answers.
    pub(super) fn greets(&self) -> bool {
        let mut table = self.shared.table();
        let dial = table
            .dials
            .get_mut(&self.peer)
            .filter(|dial| dial.number == self.number);
        dial.map(|dial| dial.is_greeting = true).is_some()
    }
}

impl Drop for Dialling {
    fn drop(&mut self) {
        let mut table = self.shared.table();
        if table
            .dials
            .get(&self.peer)
            .is_some_and(|dial| dial.number == self.number)
        {
            table.dials.remove(&self.peer);
        }
    }
}

/// What is to be done about a candidate.
enum Step {
    Seated(Seat),
    Refused(Refusal),
    /// Whether this one is alive decides; if it is, the candidate is refused.
    Probe(Arc<Link>, Refusal),
    /// Our own dial goes first; true: for as long as it takes.
    Wait(watch::Receiver<()>, bool),
}

impl Table {
    pub(super) fn link(&self, peer: MachineId) -> Option<&Arc<Link>> {
        self.links.get(&peer)
    }

    pub(super) fn links(&self) -> impl Iterator<Item = &Arc<Link>> {
        self.links.values()
    }

    /// Returns whether a connection to `peer` stands or is about to; a dial has nothing to tell then,
    /// and relies on that connection.
    pub(super) fn serves_dial(&self, peer: MachineId) -> bool {
        let link = self.links.get(&peer).filter(|link| !link.is_closed());
        link.map(|link| link.owe_to_dial()).is_some()
    }

    fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }
}

impl Shared {
    pub(super) fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().expect("nobody panics with the lock")
    }

    /// Takes a place for a dial, and what resolves when it is cancelled. None: there is a dial or a connection.
    pub(super) fn begin_dial(
        self: &Arc<Self>,
        peer: MachineId,
    ) -> Option<(Dialling, oneshot::Receiver<()>)> {
        let mut table = self.table();
        if table.serves_dial(peer) || table.dials.contains_key(&peer) {
            return None;
        }
        let number = table.next_number();
        let (cancel, cancelled) = oneshot::channel();
        let (under_way, over) = watch::channel(());
        table.dials.insert(
            peer,
            Dial {
                number,
                is_greeting: false,
                cancel,
                over,
            },
        );
        drop(table);
        Some((
            Dialling {
                number,
                peer,
                shared: self.clone(),
                _under_way: under_way,
            },
            cancelled,
        ))
    }

    /// Takes a place for a connection; may wait for a probe or for our own dial.
    ///
    /// # Errors
    /// What the connection is to be closed with.
    pub(super) async fn seat(self: &Arc<Self>, candidate: Candidate) -> Result<Seat, Refusal> {
        let (mut silent, mut has_waited) = (None, false);
        loop {
            match self.step(&candidate, silent, has_waited) {
                Step::Seated(seat) => return Ok(seat),
                Step::Refused(refusal) => return Err(refusal),
                Step::Probe(link, refusal) => {
                    if link.answers().await {
                        return Err(refusal);
                    }
                    silent = Some(link.number);
                }
                Step::Wait(mut over, is_greeting) => {
                    let over = async { while over.changed().await.is_ok() {} };
                    tokio::select! {
                        biased;
                        _ = candidate.connection.closed() => return Err(Refusal::Duplicate),
                        () = over => {}
                        () = sleep(CROSSED_WAIT), if !is_greeting => has_waited = true,
                    }
                }
            }
        }
    }

    /// Decides about a candidate. `silent`: the number of a connection that did not answer a probe.
    fn step(
        self: &Arc<Self>,
        candidate: &Candidate,
        silent: Option<u64>,
        has_waited: bool,
    ) -> Step {
        let peer = candidate.peer;
        let mut table = self.table();
        if self.known.borrow().banned.contains(&peer) {
            return Step::Refused(Refusal::Banned);
        }
        let is_current = |number| {
            table
                .dials
                .get(&peer)
                .is_some_and(|dial| dial.number == number)
        };
        if candidate.dial.is_some_and(|number| !is_current(number)) {
            return Step::Refused(Refusal::Duplicate);
        }
        let before = table.link(peer).cloned();
        match &before {
            Some(old) if old.is_closed() || silent == Some(old.number) => {}
            // Who dials again has lost the connection that it dialled before.
            Some(old)
                if old.start == candidate.start && !old.dialled && candidate.dial.is_none() => {}
            Some(old) if old.start == candidate.start => {
                return Step::Probe(old.clone(), Refusal::Duplicate);
            }
            Some(old) => return Step::Probe(old.clone(), Refusal::KeyInUse),
            None if table.links.len() >= PEERS_MAX => return Step::Refused(Refusal::Full),
            None => {}
        }
        if candidate.dial.is_none() && self.me < peer {
            match table.dials.get(&peer) {
                Some(dial) if dial.is_greeting || !has_waited => {
                    return Step::Wait(dial.over.clone(), dial.is_greeting);
                }
                Some(_) | None => {}
            }
        }
        self.take(&mut table, candidate, before)
    }

    fn take(
        self: &Arc<Self>,
        table: &mut Table,
        candidate: &Candidate,
        before: Option<Arc<Link>>,
    ) -> Step {
        let dial = table
            .dials
            .remove(&candidate.peer)
            .filter(|_| candidate.dial.is_none());
        if let Some(old) = &before {
            old.close(Refusal::Duplicate);
        }
        let (taken, ended) = watch::channel(());
        let link = Arc::new(Link::new(table.next_number(), candidate, ended));
        if let Some(dial) = dial {
            link.owe_to_dial();
            // A dial that ended meanwhile does not listen any more.
            dial.cancel.send(()).ok();
        }
        table.links.insert(candidate.peer, link.clone());
        Step::Seated(Seat {
            link,
            before,
            shared: self.clone(),
            _taken: taken,
        })
    }
}
