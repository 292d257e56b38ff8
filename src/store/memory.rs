//! The store in memory, for tests and the simulator.
//!
//! Keeps what the store on disk keeps, and fails when told to; what it holds goes with it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::event::index::{Arrival, Index};
use crate::store::disk::{authors_after, tail_after};
use crate::store::row::Tail;
use crate::store::{Error, Record, Store};

/// The store in memory.
#[derive(Debug)]
pub struct MemoryStore {
    held: Mutex<Held>,
    fail: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Held {
    index: Index,
    /// None: damaged.
    bodies: Vec<Option<Vec<u8>>>,
}

impl MemoryStore {
    /// A store that holds R alone.
    ///
    /// # Panics
    /// When `root` is not at the first position or does not bring its author.
    pub fn new(root: &Record) -> Self {
        let batch = std::slice::from_ref(root);
        let index = Index {
            root: root.append.event.clone(),
            rows: Vec::new(),
            authors: Vec::new(),
            controls: Vec::new(),
            sum: Tail::default().sum,
        };
        let mut held = Held {
            index,
            bodies: Vec::new(),
        };
        held.append(batch);
        assert_eq!(held.index.authors.len(), 1, "R brings its author");
        Self {
            held: Mutex::new(held),
            fail: Arc::default(),
        }
    }

    /// The switch: while it is on, every write fails as a full disk does and changes nothing.
    pub fn fail_switch(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.fail)
    }

    /// Damages the bytes of the event at `at`: reads of it fail until it is repaired.
    pub fn damage(&self, at: Arrival) {
        self.held().bodies[at.0 as usize] = None;
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_writable(&self) -> Result<(), Error> {
        if self.fail.load(Ordering::Acquire) {
            let source = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(Error::Io {
                path: "memory".into(),
                doing: "written",
                source: source.into(),
            });
        }
        Ok(())
    }
}

impl Held {
    fn append(&mut self, batch: &[Record]) {
        let count = u32::try_from(self.bodies.len()).expect("there are fewer than 2^32 events");
        let authors =
            u32::try_from(self.index.authors.len()).expect("there are fewer authors than events");
        self.index.sum = tail_after(
            Tail {
                count,
                sum: self.index.sum,
            },
            batch,
        )
        .sum;
        authors_after(authors, batch);
        for Record { append, bytes } in batch {
            self.index.rows.push(append.row.clone());
            self.index.authors.extend(append.new_author);
            let control = &append.event.raw().control;
            if !control.is_empty() {
                self.index.controls.push((append.arrival, control.clone()));
            }
            self.bodies.push(Some(bytes.clone()));
        }
    }
}

impl Store for MemoryStore {
    fn index(&self) -> Result<Index, Error> {
        Ok(self.held().index.clone())
    }

    /// # Panics
    /// When the batch does not follow on what is there.
    fn append(&self, batch: &[Record]) -> Result<(), Error> {
        self.check_writable()?;
        self.held().append(batch);
        Ok(())
    }

    fn read(&self, at: Arrival) -> Result<Vec<u8>, Error> {
        self.held()
            .bodies
            .get(at.0 as usize)
            .cloned()
            .flatten()
            .ok_or(Error::Damaged { at })
    }

    fn read_range(
        &self,
        from: Arrival,
        up_to: Arrival,
        bytes_max: usize,
    ) -> Result<Vec<Vec<u8>>, Error> {
        let held = self.held();
        let mut found: Vec<Vec<u8>> = Vec::new();
        let mut total = 0;
        for at in from.0..up_to.0 {
            let Some(body) = held.bodies.get(at as usize).and_then(Option::as_ref) else {
                break;
            };
            total += body.len();
            if total > bytes_max && !found.is_empty() {
                break;
            }
            found.push(body.clone());
        }
        if found.is_empty() && from < up_to {
            return Err(Error::Damaged { at: from });
        }
        Ok(found)
    }

    /// # Panics
    /// When the length is not that of the row.
    fn repair(&self, at: Arrival, bytes: &[u8]) -> Result<(), Error> {
        self.check_writable()?;
        let mut held = self.held();
        assert_eq!(
            bytes.len(),
            held.index.rows[at.0 as usize].length as usize,
            "repaired bytes are those of the row"
        );
        held.bodies[at.0 as usize] = Some(bytes.to_vec());
        Ok(())
    }

    fn size_bytes(&self) -> u64 {
        self.held()
            .bodies
            .iter()
            .flatten()
            .map(|body| body.len() as u64)
            .sum()
    }
}
