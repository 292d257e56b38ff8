//! The store on disk: one redb file.
//!
//! With `tables`, `salvage` and `fault` the only files that know redb. Every batch is one transaction with an fsync (`Durability::Immediate`); keys rise,
//! so appends are cheap.
//!
//! What redb does and we rely on:
//! - after an unclean stop it verifies the checksum of every page while it opens. That is the check of the structure, so none is
//!   done beside it, and no flag of our own says that a stop was clean. When it fails, see `salvage`;
//! - when a page of the last transaction is not sound then, it goes back to the one before. That is a torn write of a
//!   transaction that was not acknowledged; a page that rotted just there looks the same, and whoever keeps count of what
//!   was acknowledged notices. Its check on demand does likewise, so we never ask for one: an event that rotted is one event,
//!   and the check would give up all that were committed with it;
//! - it does not check values or pages when it reads, hence the checksum behind each value (`row`);
//! - it may panic over a file that rotted; such a panic is an error here (`caught`);
//! - after a failed read, write or sync it refuses all further work until it is opened again.
//!
//! Invariants:
//! - `End` is what the tables say, whenever the store has not failed;
//! - after a failure the next call opens the file again, before it does anything else.

mod place;
#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};

use redb::{Database, DatabaseError, ReadableDatabase, StorageBackend, StorageError};
use tracing::{info, warn};

use crate::event::index::{Arrival, Index};
use crate::limits::{BODY_CACHE_BYTES, CACHED_BATCH_EVENTS, DATABASE_CACHE_BYTES};
use crate::store::cache::Cache;
use crate::store::disk::place::{Place, beside, check_magic, new_file, sync_directory};
use crate::store::row::Tail;
use crate::store::salvage::{self, Salvaged};
use crate::store::tables::{self, End, Failure, caught};
use crate::store::{Error, Record, Store};

/// The store on disk. Dropping it stops it cleanly.
pub struct DiskStore {
    name: String,
    place: Place,
    /// None: it failed, and could not be opened again yet.
    database: RwLock<Option<Database>>,
    failed: AtomicBool,
    end: Mutex<End>,
    cache: Cache,
    /// Events that were lost when a damaged file was saved.
    damaged: Vec<Arrival>,
}

impl std::fmt::Debug for DiskStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DiskStore")
            .field("name", &self.name)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

impl DiskStore {
    /// Makes a store that holds R alone, mode 0600; durable on return.
    ///
    /// It is written beside `path` and renamed, so that a crash leaves no store rather than half of one.
    ///
    /// # Errors
    /// [`Error::Io`]; also when there is something at `path`. Nothing is left behind there.
    pub fn create(path: &Path, root: &Record) -> Result<Self, Error> {
        let failed = |source| io_error(&path.display().to_string(), "created", source);
        if path.symlink_metadata().is_ok() {
            return Err(failed(io::Error::from(io::ErrorKind::AlreadyExists)));
        }
        let new = beside(path, ".new");
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            Ok(()) | Err(_) => {}
        }
        new_file(&new).map_err(failed)?;
        let made = Self::unopened(&path.display().to_string(), Place::empty_file(&new))
            .create_in(root)
            .map(drop);
        let renamed = made.and_then(|()| {
            fs::rename(&new, path)
                .and_then(|()| sync_directory(path))
                .map_err(failed)
        });
        if let Err(error) = renamed {
            // What failed above is told; a leftover is removed by the next try.
            drop(fs::remove_file(&new));
            return Err(error);
        }
        Self::open(path)
    }

    /// Opens the store at `path`.
    ///
    /// Cost: a few milliseconds; after an unclean stop one read of the whole file. If a page is found damaged then, what is sound
    /// is copied into a new file, and the old one stays beside it (`.damaged-N`); events that were lost are [`Error::Damaged`],
    /// see [`DiskStore::damaged`].
    ///
    /// # Errors
    /// [`Error::NotAStore`], [`Error::Broken`], [`Error::InUse`], [`Error::Index`], [`Error::Io`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        check_magic(path).map_err(|why| match why {
            Ok(why) => Error::NotAStore {
                path: name.clone(),
                why: why.into(),
            },
            Err(error) => io_error(&name, "opened", error),
        })?;
        let mut store = Self::unopened(&name, Place::file(path));
        let database = match store.open_database() {
            Err(error @ Error::Broken { .. }) => {
                store.damaged = store.salvage(path, error)?;
                store.open_database()?
            }
            opened => opened?,
        };
        store.begin(database)
    }

    /// Makes a store on any storage, which must be empty; `open` is called each time the database is opened. For tests.
    ///
    /// # Errors
    /// As [`DiskStore::create`].
    pub fn create_with_backend<B: StorageBackend>(
        name: &str,
        open: impl Fn() -> io::Result<B> + Send + Sync + 'static,
        root: &Record,
    ) -> Result<Self, Error> {
        Self::unopened(name, Place::backend(open)).create_in(root)
    }

    /// Opens a store on any storage; `open` is called each time the database is opened. For tests.
    ///
    /// # Errors
    /// As [`DiskStore::open`].
    pub fn open_with_backend<B: StorageBackend>(
        name: &str,
        open: impl Fn() -> io::Result<B> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let store = Self::unopened(name, Place::backend(open));
        let database = store.open_database()?;
        store.begin(database)
    }

    /// Events that are known to be damaged since the store was opened; at most `limits::SALVAGE_BATCH_EVENTS`.
    pub fn damaged(&self) -> &[Arrival] {
        &self.damaged
    }

    fn unopened(name: &str, place: Place) -> Self {
        Self {
            name: name.into(),
            place,
            database: RwLock::new(None),
            failed: AtomicBool::new(false),
            end: Mutex::new(End {
                tail: Tail::default(),
                authors: 0,
            }),
            cache: Cache::new(BODY_CACHE_BYTES),
            damaged: Vec::new(),
        }
    }

    fn create_in(self, root: &Record) -> Result<Self, Error> {
        let batch = std::slice::from_ref(root);
        let tail = tail_after(Tail::default(), batch);
        assert_eq!(authors_after(0, batch), 1, "R brings its author");
        let database = self.open_database()?;
        caught(|| tables::write(&database, batch, tail))
            .map_err(|failure| self.error("created", failure))?;
        self.begin(database)
    }

    fn begin(self, database: Database) -> Result<Self, Error> {
        let end =
            caught(|| tables::check(&database)).map_err(|failure| self.error("opened", failure))?;
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = end;
        *self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(database);
        Ok(self)
    }

    /// Puts what is sound of a damaged file in its place, and returns which events are lost; `error` is told when that cannot be
    /// done.
    fn salvage(&self, path: &Path, error: Error) -> Result<Vec<Arrival>, Error> {
        let new = beside(path, ".new");
        let olds = (1..u32::MAX).map(|n| beside(path, &format!(".damaged-{n}")));
        drop(fs::remove_file(&new));
        let made = new_file(&new).map_err(|error| io_error(&self.name, "saved", error));
        let salvaged = made.and_then(|()| {
            caught(|| salvage::salvage(path, &new, olds))
                .map_err(|failure| self.error("saved", failure))
        });
        match salvaged {
            Ok(Salvaged { damaged, old }) => {
                let old = old.display();
                warn!(store = self.name, %error, %old, events = ?damaged, "the store was damaged; saved all but these events");
                sync_directory(path).map_err(|error| io_error(&self.name, "saved", error))?;
                Ok(damaged)
            }
            Err(why) => {
                warn!(store = self.name, %why, "the damaged store could not be saved");
                drop(fs::remove_file(&new));
                Err(error)
            }
        }
    }

    fn open_database(&self) -> Result<Database, Error> {
        let name = self.name.clone();
        let mut builder = Database::builder();
        builder
            .set_cache_size(DATABASE_CACHE_BYTES)
            .set_repair_callback(move |repair| {
                let percent = repair.progress() * 100.0;
                warn!(
                    store = name,
                    "the last stop was unclean; checking every page, {percent:.0} % done"
                );
            });
        let broken = |why| Error::Broken {
            path: self.name.clone(),
            why,
        };
        let opened = caught(|| Ok((self.place.open)(&builder)));
        match opened.map_err(|failure| self.error("opened", failure))? {
            Ok(database) => Ok(database),
            Err(DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch) => {
                Err(Error::InUse {
                    path: self.name.clone(),
                })
            }
            Err(DatabaseError::Storage(StorageError::Corrupted(why))) => Err(broken(why)),
            Err(DatabaseError::UpgradeRequired(version)) => Err(Error::NotAStore {
                path: self.name.clone(),
                why: format!(": it has the old database format {version}"),
            }),
            Err(error) => Err(io_error(&self.name, "opened", error)),
        }
    }

    /// Opens the database again if it failed.
    fn heal(&self) -> Result<(), Error> {
        if !self.failed.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut slot = self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if !self.failed.load(Ordering::Acquire) {
            return Ok(());
        }
        // One that failed may panic once more when it is closed.
        drop(caught(|| {
            drop(slot.take());
            Ok(())
        }));
        let database = self.open_database()?;
        let end =
            caught(|| tables::check(&database)).map_err(|failure| self.error("opened", failure))?;
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = end;
        self.cache.clear();
        *slot = Some(database);
        self.failed.store(false, Ordering::Release);
        info!(
            store = self.name,
            events = end.tail.count,
            "opened again after a failure"
        );
        Ok(())
    }

    /// Does `work` with the open database; a failure of the database makes the next call open it again.
    fn with<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Database) -> Result<T, Failure>,
    ) -> Result<T, Error> {
        self.heal()?;
        let slot = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let Some(database) = slot.as_ref() else {
            return Err(io_error(
                &self.name,
                doing,
                io::Error::other("it failed a moment ago"),
            ));
        };
        work(database).map_err(|failure| {
            if matches!(failure, Failure::Database(_) | Failure::Panicked(_)) {
                self.failed.store(true, Ordering::Release);
            }
            self.error(doing, failure)
        })
    }

    fn error(&self, doing: &'static str, failure: Failure) -> Error {
        match failure {
            Failure::Index(why) | Failure::Database(redb::Error::Corrupted(why)) => {
                Error::Index { why }
            }
            Failure::Database(redb::Error::Io(error)) => io_error(&self.name, doing, error),
            Failure::Database(error) => io_error(&self.name, doing, error),
            Failure::NotOurs(why) => Error::NotAStore {
                path: self.name.clone(),
                why,
            },
            Failure::Damaged(at) => Error::Damaged { at },
            Failure::Panicked(why) => Error::Broken {
                path: self.name.clone(),
                why,
            },
        }
    }
}

impl Store for DiskStore {
    fn index(&self) -> Result<Index, Error> {
        self.with("read", |database| caught(|| tables::read_index(database)))
    }

    /// # Panics
    /// When the batch does not follow on what is there.
    fn append(&self, batch: &[Record]) -> Result<(), Error> {
        let Some(first) = batch.first() else {
            return Ok(());
        };
        self.with("written", |database| {
            let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
            assert_eq!(
                first.append.arrival.0, end.tail.count,
                "appends follow on what is there"
            );
            let next = End {
                tail: tail_after(end.tail, batch),
                authors: authors_after(end.authors, batch),
            };
            caught(|| tables::write(database, batch, next.tail))?;
            *end = next;
            Ok(())
        })?;
        if batch.len() <= CACHED_BATCH_EVENTS {
            for record in batch {
                self.cache.put(record.append.arrival, &record.bytes);
            }
        }
        Ok(())
    }

    fn read(&self, at: Arrival) -> Result<Vec<u8>, Error> {
        if let Some(body) = self.cache.get(at) {
            return Ok(body.to_vec());
        }
        let body = self.with("read", |database| {
            caught(|| tables::read_event(database, at))
        })?;
        self.cache.put(at, &body);
        Ok(body)
    }

    fn read_range(
        &self,
        from: Arrival,
        up_to: Arrival,
        bytes_max: usize,
    ) -> Result<Vec<Vec<u8>>, Error> {
        self.with("read", |database| {
            caught(|| tables::read_events(database, from, up_to, bytes_max))
        })
    }

    /// # Panics
    /// When the length is not that of the row.
    fn repair(&self, at: Arrival, bytes: &[u8]) -> Result<(), Error> {
        self.with("written", |database| {
            let row = caught(|| tables::read_row(&database.begin_read()?, at))?;
            assert_eq!(
                bytes.len(),
                row.length as usize,
                "repaired bytes are those of the row"
            );
            caught(|| {
                let transaction = database.begin_write()?;
                tables::write_event(
                    &mut transaction.open_table(tables::EVENTS)?,
                    u64::from(at.0),
                    bytes,
                )?;
                transaction.commit()?;
                Ok(())
            })
        })?;
        self.cache.put(at, bytes);
        Ok(())
    }

    fn size_bytes(&self) -> u64 {
        (self.place.size)().unwrap_or(0)
    }
}

/// The tail after `batch`.
///
/// # Panics
/// When positions have a gap or a length is not that of the bytes.
pub(crate) fn tail_after(mut tail: Tail, batch: &[Record]) -> Tail {
    for Record { append, bytes } in batch {
        assert_eq!(append.arrival.0, tail.count, "positions are without gaps");
        assert_eq!(
            bytes.len(),
            append.row.length as usize,
            "the row has the length of the bytes"
        );
        debug_assert_eq!(append.row.id, append.event.id());
        tail.sum.add(append.event.digest());
        tail.count = tail
            .count
            .checked_add(1)
            .expect("there are fewer than 2^32 events");
    }
    tail
}

/// The number of authors after `batch`.
///
/// # Panics
/// When author numbers have a gap.
pub(crate) fn authors_after(mut authors: u32, batch: &[Record]) -> u32 {
    for Record { append, .. } in batch {
        if append.new_author.is_some() {
            assert_eq!(
                append.row.author.0, authors,
                "author numbers are without gaps"
            );
            authors += 1;
        }
        assert!(
            append.row.author.0 < authors,
            "an author is told with its first event"
        );
    }
    authors
}

fn io_error(
    name: &str,
    doing: &'static str,
    source: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    Error::Io {
        path: name.into(),
        doing,
        source: Box::new(source),
    }
}
