//! Saves a store that was stopped uncleanly while one of its pages was damaged.
//!
//! After an unclean stop redb opens a file only when every page of it is sound. One rotten page of `events` would then cost all
//! other events, though each of them has a checksum of its own. So the tables are read past that check and copied into a new
//! file, damaged events as damaged, to be fetched again from a peer; the old file stays beside it.
//!
//! Invariant: the index is copied only when all of it is sound; else nothing is changed.

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use redb::{
    BackendError, ConcurrencyMode, Database, ReadTransaction, ReadableDatabase, StorageBackend,
};

use crate::event::index::Arrival;
use crate::limits::{DATABASE_CACHE_BYTES, SALVAGE_BATCH_EVENTS};
use crate::store::row;
use crate::store::tables::{self, EVENTS, Failure};

/// What was saved.
#[derive(Debug)]
pub(crate) struct Salvaged {
    /// Events that are damaged; at most [`crate::limits::SALVAGE_BATCH_EVENTS`] are named.
    pub(crate) damaged: Vec<Arrival>,
    /// Where the old file is now.
    pub(crate) old: PathBuf,
}

/// Replaces the store at `path` by one that can be opened.
///
/// `new` is an empty file beside it, which takes its place; `old` gives names for the old one, of which the first free one is taken.
pub(crate) fn salvage(
    path: &Path,
    new: &Path,
    old: impl Iterator<Item = PathBuf>,
) -> Result<Salvaged, Failure> {
    let disk = Unchecked(Mutex::new(File::open(path).map_err(redb::Error::Io)?));
    let mut builder = Database::builder();
    // In this mode a reader does not ask how the free pages lie, which an unclean stop leaves unknown.
    builder
        .set_concurrency_mode(ConcurrencyMode::SingleWriter)
        .set_cache_size(DATABASE_CACHE_BYTES);
    let source = builder.open_read_only_with_backend(disk)?;
    let count = tables::read_index(&source)?.rows.len();
    let count = u32::try_from(count).map_err(|_| Failure::Index("too many rows".into()))?;
    let copy = Database::builder()
        .set_cache_size(DATABASE_CACHE_BYTES)
        .create(new)?;
    let from = source.begin_read()?;
    let to = copy.begin_write()?;
    tables::copy_small(&from, &to)?;
    to.commit()?;
    let mut damaged = Vec::new();
    let mut next = 0;
    while next < count {
        let up_to = next.saturating_add(SALVAGE_BATCH_EVENTS).min(count);
        copy_events(&from, &copy, next..up_to, &mut damaged)?;
        next = up_to;
    }
    drop(copy);
    let old = { old }.find(|old| old.symlink_metadata().is_err());
    let old = old.ok_or_else(|| redb::Error::Io(io::ErrorKind::AlreadyExists.into()))?;
    fs::hard_link(path, &old)
        .and_then(|()| fs::rename(new, path))
        .map_err(redb::Error::Io)?;
    Ok(Salvaged { damaged, old })
}

fn copy_events(
    from: &ReadTransaction,
    copy: &Database,
    events: std::ops::Range<u32>,
    damaged: &mut Vec<Arrival>,
) -> Result<(), Failure> {
    let source = from.open_table(EVENTS)?;
    let to = copy.begin_write()?;
    {
        let mut table = to.open_table(EVENTS)?;
        for at in events {
            let key = u64::from(at);
            // What cannot even be found is written without a checksum, and so is damaged too.
            let value = source
                .get(key)
                .ok()
                .flatten()
                .map(|value| value.value().to_vec())
                .unwrap_or_default();
            if row::unseal(&key.to_le_bytes(), &value).is_none()
                && damaged.len() < SALVAGE_BATCH_EVENTS as usize
            {
                damaged.push(Arrival(at));
            }
            table.insert(key, value.as_slice())?;
        }
    }
    to.commit()?;
    Ok(())
}

/// Where the header tells an unclean stop, and with which bit (redb 4, docs/design.md, "God byte").
const UNCLEAN_AT: u64 = 9;
const UNCLEAN_BIT: u8 = 2;

/// A file that is only read, and looks as if it had been closed cleanly: then redb does not ask for the check first. It is nobody
/// else's: the caller holds the lock of the data directory.
#[derive(Debug)]
struct Unchecked(Mutex<File>);

impl StorageBackend for Unchecked {
    fn len(&self) -> io::Result<u64> {
        Ok(self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .metadata()?
            .len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(io::SeekFrom::Start(offset))?;
        file.read_exact(out)?;
        let at = UNCLEAN_AT
            .checked_sub(offset)
            .and_then(|at| usize::try_from(at).ok());
        if let Some(byte) = at.and_then(|at| out.get_mut(at)) {
            *byte &= !UNCLEAN_BIT;
        }
        Ok(())
    }

    fn set_len(&self, _len: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, _offset: u64, _data: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn try_lock_range(&self, _start: Bound<u64>, _end: Bound<u64>) -> Result<bool, BackendError> {
        Ok(true)
    }

    fn try_lock_shared_range(
        &self,
        _start: Bound<u64>,
        _end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        Ok(true)
    }

    fn lock_range(&self, _start: Bound<u64>, _end: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }

    fn lock_shared_range(&self, _start: Bound<u64>, _end: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }

    fn unlock_range(&self, _start: Bound<u64>, _end: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }

    fn query_lock_range(&self, _start: Bound<u64>, _end: Bound<u64>) -> Result<bool, BackendError> {
        Ok(false)
    }
}
