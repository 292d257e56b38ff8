//! Damaged events: whoever meets one tells the driver, which has it asked for again and writes it anew.
//!
//! Bodies are read in many places, on many threads. So that none is forgotten, the store itself tells (`Watched`). A node with peers
//! also reads every event once after its start (`search`): an event that nobody reads rots unnoticed. The machine asks
//! the peers for the event; what a peer gives is checked like any event, written in its place, read back and compared.
//!
//! Invariants:
//! - an event is counted as damaged until its bytes were read back from the disk and are right;
//! - at most `limits::DAMAGED_MAX` are known; further ones are told anew when they are met again.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tracing::{debug, error, info, warn};

use crate::dag::Dag;
use crate::event::Event;
use crate::event::id::EventId;
use crate::event::index::{Arrival, Index};
use crate::limits::{BULK_FRAME_BYTES, DAMAGED_MAX, SEARCH_PAUSE};
use crate::machine::Machine;
use crate::machine::input::Input;
use crate::node::ask::{Run, Shared};
use crate::node::driver::Driver;
use crate::node::failure::in_words;
use crate::store::{Error, Record, Store};
use crate::wire::codec;

/// What the driver is told of a damaged event.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Damage {
    /// Somebody could not read it.
    Met(Arrival),
    /// It was written again and is right.
    Repaired(EventId, Arrival),
    /// It was written again in vain.
    NotRepaired(EventId),
}

/// A store that tells of every damaged event that anybody reads.
#[derive(Debug)]
pub(crate) struct Watched {
    store: Arc<dyn Store>,
    driver: mpsc::Sender<Damage>,
}

impl Watched {
    /// Tells `driver`, as long as there is room in the channel.
    pub(crate) fn new(store: Arc<dyn Store>, driver: mpsc::Sender<Damage>) -> Self {
        Self { store, driver }
    }

    fn told<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(Error::Damaged { at }) = &result {
            // Without room, or without a driver, it is told by whoever meets it next.
            let _full = self.driver.try_send(Damage::Met(*at)).is_err();
        }
        result
    }
}

impl Store for Watched {
    fn index(&self) -> Result<Index, Error> {
        self.store.index()
    }

    fn append(&self, batch: &[Record]) -> Result<(), Error> {
        self.store.append(batch)
    }

    fn read(&self, at: Arrival) -> Result<Vec<u8>, Error> {
        self.told(self.store.read(at))
    }

    fn read_range(
        &self,
        from: Arrival,
        up_to: Arrival,
        bytes_max: usize,
    ) -> Result<Vec<Vec<u8>>, Error> {
        self.told(self.store.read_range(from, up_to, bytes_max))
    }

    fn repair(&self, at: Arrival, bytes: &[u8]) -> Result<(), Error> {
        self.store.repair(at, bytes)
    }

    fn size_bytes(&self) -> u64 {
        self.store.size_bytes()
    }
}

/// The damaged events that are known of.
#[derive(Debug, Default)]
pub(crate) struct Damaged {
    events: BTreeMap<EventId, Waiting>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    at: Arrival,
    /// It is being written just now.
    in_work: bool,
}

impl Damaged {
    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    /// Notes one. Returns whether it is new and there was room.
    fn note(&mut self, event: EventId, at: Arrival) -> bool {
        if self.events.len() >= DAMAGED_MAX || self.events.contains_key(&event) {
            return false;
        }
        let waiting = Waiting { at, in_work: false };
        self.events.insert(event, waiting).is_none()
    }

    /// The place of an event that is to be written again now; None: it is not damaged, or is being written.
    fn begin(&mut self, event: EventId) -> Option<Arrival> {
        let waiting = self.events.get_mut(&event)?;
        let is_first = !std::mem::replace(&mut waiting.in_work, true);
        is_first.then_some(waiting.at)
    }

    fn give_up(&mut self, event: EventId) {
        if let Some(waiting) = self.events.get_mut(&event) {
            waiting.in_work = false;
        }
    }
}

impl Driver {
    /// Says so when fewer events are held than were acknowledged. The machine goes on: its counter skips what it used before, so
    /// that no counter is used twice, and its peers bring back what they hold.
    pub(crate) fn tell_lost(&self) {
        let Some(machine) = &self.machine else {
            return;
        };
        let lost = self.acknowledged.lost(machine.dag().len());
        if lost > 0 {
            let (events, own_seq) = (self.acknowledged.events, self.acknowledged.own_seq);
            error!(
                lost,
                "{events} events were acknowledged here, and the disk has lost {lost} of them: the peers are asked for them, and own \
                 events are counted on from {own_seq}"
            );
        }
    }

    /// Tells a machine that was just opened of all that is known to be damaged.
    pub(crate) fn tell_damaged(&mut self) {
        let all: Vec<_> = self.damaged.events.values().map(|one| one.at).collect();
        for at in all {
            self.ask_again(at);
        }
    }

    /// Somebody told of a damaged event.
    pub(crate) fn on_damage(&mut self, damage: Damage) {
        match damage {
            Damage::Met(at) => self.on_damaged(at),
            Damage::Repaired(event, at) => {
                self.damaged.events.remove(&event);
                info!(%event, "a damaged event was written again and is right");
                self.handle_repaired(at);
            }
            Damage::NotRepaired(event) => self.damaged.give_up(event),
        }
        self.changes += 1;
    }

    /// The bytes of a held event are damaged: it is counted, and the machine asks its peers for it.
    pub(crate) fn on_damaged(&mut self, at: Arrival) {
        let Some(machine) = &self.machine else {
            return; // It is met again.
        };
        if at.0 >= machine.dag().len() {
            return; // Of a machine before an outage, which held more.
        }
        let event = machine.dag().id(at);
        if self.damaged.note(event, at) {
            error!(%event, "an event on disk is damaged: it is asked for again of every peer");
            self.ask_again(at);
        }
    }

    fn ask_again(&mut self, at: Arrival) {
        self.handle(Input::Damaged { at });
    }

    fn handle_repaired(&mut self, at: Arrival) {
        self.handle(Input::Repaired { at });
    }

    /// Writes damaged events again that a peer gave.
    pub(crate) fn repair(&mut self, events: &[Event]) {
        for event in events {
            let Some(at) = self.damaged.begin(event.id()) else {
                continue;
            };
            let dag = self.machine.as_ref().map(Machine::dag);
            let is_it = |dag: &Dag| at.0 < dag.len() && dag.rest(at) == event.digest().rest();
            if !dag.is_some_and(is_it) {
                // Its twin must not take its place.
                self.damaged.give_up(event.id());
                continue;
            }
            let (event, store) = (event.clone(), Arc::clone(&self.shared.store));
            let driver = self.damage.clone();
            let written = self.shared.workers.spawn(move || {
                let id = event.id();
                match write_again(&*store, at, &codec::encode_event(&event)) {
                    Ok(()) => Damage::Repaired(id, at),
                    Err(why) => {
                        warn!(event = %id, why, "a damaged event could not be written again");
                        Damage::NotRepaired(id)
                    }
                }
            });
            tokio::spawn(async move {
                if let Ok(told) = written.await {
                    // Without a driver the node ends, and the next one finds what is damaged by itself.
                    let _ended = driver.send(told).await.is_err();
                }
            });
        }
    }
}

/// Reads the first `len` events once, slowly, for no other end than to meet what is damaged while peers can still give it; ends
/// with the node.
pub(crate) async fn search(shared: Arc<Shared>, len: u32, mut run: watch::Receiver<Run>) {
    let mut next = Arrival(0);
    while next < Arrival(len) {
        let store = Arc::clone(&shared.store);
        let read = move || store.read_range(next, Arrival(len), BULK_FRAME_BYTES);
        let read = shared.workers.spawn(read).await;
        next = match read {
            Ok(Ok(events)) => Arrival(next.0 + u32::try_from(events.len()).unwrap_or(u32::MAX)),
            Ok(Err(Error::Damaged { at })) => Arrival(at.0 + 1),
            Ok(Err(error)) => return debug!(%error, "the search for damaged events ends early"),
            Err(error) => return debug!(%error, "the search for damaged events ends early"),
        };
        tokio::select! {
            biased;
            _ended = run.wait_for(|run| *run == Run::Over) => return,
            () = tokio::time::sleep(SEARCH_PAUSE) => {}
        }
    }
    debug!(events = len, "every event was read once");
}

/// Writes the bytes, reads them from the disk and compares.
fn write_again(store: &dyn Store, at: Arrival, bytes: &[u8]) -> Result<(), String> {
    let after = Arrival(at.0 + 1);
    let read = store
        .repair(at, bytes)
        .and_then(|()| store.read_range(at, after, bytes.len()));
    match read {
        Ok(read) if read.len() == 1 && read[0] == bytes => Ok(()),
        Ok(_) => Err("the disk gives back other bytes than were written".to_owned()),
        Err(error) => Err(in_words(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_noted_once_and_written_by_one_at_a_time() {
        let mut damaged = Damaged::default();
        let event = EventId([1; 16]);
        assert!(damaged.note(event, Arrival(7)));
        assert!(!damaged.note(event, Arrival(7)));
        assert_eq!(damaged.begin(EventId([2; 16])), None);
        assert_eq!(damaged.begin(event), Some(Arrival(7)));
        assert_eq!(damaged.begin(event), None);
        damaged.give_up(event);
        assert_eq!(damaged.begin(event), Some(Arrival(7)));
        for n in 0..2 * DAMAGED_MAX as u64 {
            let mut id = [9; 16];
            id[..8].copy_from_slice(&n.to_le_bytes());
            damaged.note(EventId(id), Arrival(0));
        }
        assert_eq!(damaged.len(), DAMAGED_MAX);
    }
}
