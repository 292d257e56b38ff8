//! Group commit: what was appended and is not yet durable, and the thread that writes it.
//!
//! Between the machine's `Append` effects and the store. One commit is in flight at a time; everything that queued
//! meanwhile is the next one, so nobody waits for a timer.
//!
//! Invariants:
//! - `durable <= appended`, and the events between are in `unstored`, in order;
//! - a deed waits here exactly until the appends before it are durable, and they leave in order;
//! - a deed for a connection that is gone is dropped, so the next connection to that machine never sees it;
//! - nothing of a failed commit, nor of what queued behind it, is ever released.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;

use tokio::sync::mpsc;
use tracing::error;

use crate::event::Event;
use crate::event::index::{Append, Arrival, Index};
use crate::event::key::MachineId;
use crate::limits::{APPEND_QUEUE_BYTES, DURABLE_EFFECTS_MAX};
use crate::machine::effect::Effect;
use crate::net::workers::Workers;
use crate::node::failure::in_words;
use crate::node::home::acknowledged::{Acknowledged, Keeper};
use crate::store::{Record, Store};
use crate::wire::codec;

/// An effect to be performed, and, of the answer to a `Create`, the events that were made.
#[derive(Debug)]
pub(crate) struct Deed {
    pub(crate) effect: Effect,
    pub(crate) created: Vec<Event>,
}

/// Work for the store's thread.
#[derive(Debug)]
pub(crate) enum Job {
    /// One transaction.
    Append(Vec<Append>),
    /// After a failure: reads the index, when `index`, and tries to write, when `write`.
    Recover { index: bool, write: bool },
}

/// What became of a job.
#[derive(Debug)]
pub(crate) enum Done {
    /// Of [`Job::Append`].
    Appended(Result<Acknowledged, String>),
    /// Of [`Job::Recover`].
    Recovered {
        index: Option<Box<Index>>,
        result: Result<(), String>,
    },
}

/// The appends of one machine since it was opened.
#[derive(Debug)]
pub(crate) struct Ledger {
    durable: u32,
    appended: u32,
    unstored: VecDeque<Event>,
    queue: Vec<Append>,
    queue_bytes: usize,
    /// Number of events and bytes of the commit in flight.
    in_flight: Option<(u32, usize)>,
    /// With the position up to which all must be durable first; ascending.
    waiting: VecDeque<(u32, Deed)>,
    /// The bound was reached, and half of it not yet.
    full: bool,
}

impl Ledger {
    /// Of a machine that holds `durable` events, all stored.
    pub(crate) fn new(durable: u32) -> Self {
        Self {
            durable,
            appended: durable,
            unstored: VecDeque::new(),
            queue: Vec::new(),
            queue_bytes: 0,
            in_flight: None,
            waiting: VecDeque::new(),
            full: false,
        }
    }

    /// One past the last durable event.
    pub(crate) fn durable(&self) -> u32 {
        self.durable
    }

    /// One past the last event that was taken.
    pub(crate) fn appended(&self) -> u32 {
        self.appended
    }

    /// Returns whether nothing waits for the disk.
    pub(crate) fn is_settled(&self) -> bool {
        self.durable == self.appended && self.waiting.is_empty()
    }

    /// The event at `at`, if it is not durable yet.
    pub(crate) fn unstored(&self, at: Arrival) -> Option<&Event> {
        self.unstored.get(at.0.checked_sub(self.durable)? as usize)
    }

    /// Takes an event that is to be written.
    pub(crate) fn append(&mut self, append: Append) {
        assert!(
            append.arrival.0 == self.appended,
            "positions are without gaps"
        );
        self.appended += 1;
        self.queue_bytes += append.row.length as usize;
        self.unstored.push_back(append.event.clone());
        self.queue.push(append);
    }

    /// Takes a deed that waits for the appends so far; gives it back when there is nothing to wait for.
    pub(crate) fn hold(&mut self, deed: Deed) -> Option<Deed> {
        if self.is_settled() {
            return Some(deed);
        }
        self.waiting.push_back((self.appended, deed));
        None
    }

    /// Drops the deeds that are for a connection which is gone: the next one to that machine must not see them.
    pub(crate) fn forget(&mut self, peer: MachineId) {
        self.waiting
            .retain(|(_, deed)| connection_of(&deed.effect) != Some(peer));
    }

    /// The next commit, if none is in flight and something is queued.
    pub(crate) fn next_job(&mut self) -> Option<Job> {
        if self.in_flight.is_some() || self.queue.is_empty() {
            return None;
        }
        let batch = mem::take(&mut self.queue);
        let events = u32::try_from(batch.len()).expect("arrivals are u32");
        self.in_flight = Some((events, mem::take(&mut self.queue_bytes)));
        Some(Job::Append(batch))
    }

    /// The commit in flight is durable. Returns the deeds that waited for it, in order.
    pub(crate) fn committed(&mut self) -> Vec<Deed> {
        let (events, _) = self.in_flight.take().expect("a commit is in flight");
        self.durable += events;
        self.unstored.drain(..events as usize);
        let ready = self
            .waiting
            .partition_point(|(up_to, _)| *up_to <= self.durable);
        self.waiting.drain(..ready).map(|(_, deed)| deed).collect()
    }

    /// Returns whether so much waits for the disk that no further work is to be taken: from
    /// `limits::APPEND_QUEUE_BYTES` or `DURABLE_EFFECTS_MAX` on, until less than half of both.
    pub(crate) fn is_full(&mut self) -> bool {
        let bytes = self.queue_bytes + self.in_flight.map_or(0, |(_, bytes)| bytes);
        let of = |part: usize| {
            bytes >= APPEND_QUEUE_BYTES / part || self.waiting.len() >= DURABLE_EFFECTS_MAX / part
        };
        self.full = if self.full { of(2) } else { of(1) };
        self.full
    }
}

/// The peer whose connection an effect is about.
fn connection_of(effect: &Effect) -> Option<MachineId> {
    match effect {
        Effect::Send { peer, .. }
        | Effect::Give { peer, .. }
        | Effect::Stream { peer, .. }
        | Effect::StopStream { peer, .. }
        | Effect::Hangup { peer, .. } => Some(*peer),
        Effect::Append(_)
        | Effect::Dial { .. }
        | Effect::Answer { .. }
        | Effect::Remember(_)
        | Effect::Notify(_) => None,
    }
}

/// Whose events are appended, and where is kept how many of them there are.
#[derive(Debug)]
pub(crate) struct Author {
    pub(crate) own: MachineId,
    pub(crate) keeper: Keeper,
}

/// Starts the store's thread. It ends when the sender is dropped. At most one job may be under way.
pub(crate) fn start(
    workers: Workers,
    store: Arc<dyn Store>,
    root: Vec<u8>,
    mut author: Author,
) -> std::io::Result<(mpsc::Sender<Job>, mpsc::Receiver<Done>)> {
    let (jobs, mut queue) = mpsc::channel(1);
    let (done, results) = mpsc::channel(1);
    workers.begin("fedag-store", async move {
        while let Some(job) = queue.recv().await {
            let result = match job {
                Job::Append(batch) => Done::Appended(append(&*store, batch, &mut author)),
                Job::Recover { index, write } => recover(&*store, &root, index, write),
            };
            if done.send(result).await.is_err() {
                return; // The driver is gone.
            }
        }
    })?;
    Ok((jobs, results))
}

fn append(
    store: &dyn Store,
    batch: Vec<Append>,
    author: &mut Author,
) -> Result<Acknowledged, String> {
    let own = batch
        .iter()
        .filter(|append| append.event.raw().machine == author.own);
    let now = Acknowledged {
        events: batch.last().map_or(0, |last| last.arrival.0 + 1),
        own_seq: own.map(|append| append.row.seq).max().unwrap_or(0),
    };
    let record = |append: Append| {
        let bytes = codec::encode_event(&append.event);
        Record { append, bytes }
    };
    let batch: Vec<_> = batch.into_iter().map(record).collect();
    store.append(&batch).map_err(|error| {
        error!(events = batch.len(), "{}", in_words(&error));
        in_words(&error)
    })?;
    Ok(author.keeper.note(now))
}

/// R's own bytes are written over themselves: the smallest real write there is.
fn recover(store: &dyn Store, root: &[u8], index: bool, write: bool) -> Done {
    let index = if index {
        store.index().map(|index| Some(Box::new(index)))
    } else {
        Ok(None)
    };
    let written = if write {
        store.repair(Arrival(0), root)
    } else {
        Ok(())
    };
    match index {
        Ok(index) => Done::Recovered {
            index,
            result: written.map_err(|error| in_words(&error)),
        },
        Err(error) => Done::Recovered {
            index: None,
            result: Err(in_words(&error)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::key::Key;
    use crate::node::{Names, create};

    fn deed_for(peer: MachineId) -> Deed {
        let effect = Effect::Give {
            peer,
            events: Vec::new(),
            not_held: Vec::new(),
        };
        Deed {
            effect,
            created: Vec::new(),
        }
    }

    #[test]
    fn what_waits_for_the_disk_is_not_sent_on_a_later_connection() {
        let [ana, bob] = [1, 2].map(|seed| Key::from_seed([seed; 32]));
        let names = Names {
            network: "lab".into(),
            machine: "Ana".into(),
        };
        let wall = crate::event::wall::WallTime::from_ms(1).unwrap();
        let root = create::root(names, &ana, wall);
        let mut ledger = Ledger::new(0);
        ledger.append(create::record(&root).append);
        assert!(ledger.next_job().is_some());
        assert!(ledger.hold(deed_for(ana.machine())).is_none());
        assert!(ledger.hold(deed_for(bob.machine())).is_none());
        ledger.forget(ana.machine());
        let told: Vec<_> = ledger
            .committed()
            .iter()
            .map(|deed| connection_of(&deed.effect))
            .collect();
        assert_eq!(told, [Some(bob.machine())]);
    }
}
