//! A disk that fails when told to, for tests.
//!
//! Below the database: a [`redb::StorageBackend`] over a file or memory. What was written before the failure stays, also
//! what was not synced; a lost power supply is another matter.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use redb::{BackendError, StorageBackend};

type Bound = std::ops::Bound<u64>;

/// When a [`FaultyDisk`] fails. Cheap to clone; clones share the switch and the room.
#[derive(Clone, Debug)]
pub struct Faults {
    /// While it is on, every write, growth and sync fails.
    pub fail: Arc<AtomicBool>,
    /// Bytes that may still be written; a write that is longer fails whole.
    pub room_bytes: Arc<AtomicU64>,
}

impl Default for Faults {
    /// None, until told so.
    fn default() -> Self {
        Self {
            fail: Arc::default(),
            room_bytes: Arc::new(AtomicU64::new(u64::MAX)),
        }
    }
}

impl Faults {
    fn check(&self, bytes: usize) -> io::Result<()> {
        let bytes = bytes as u64;
        let taken = self
            .room_bytes
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |room| {
                if room == u64::MAX {
                    Some(room)
                } else {
                    room.checked_sub(bytes)
                }
            });
        if self.fail.load(Ordering::Acquire) || taken.is_err() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

/// A disk that fails with "no space left" as [`Faults`] says.
#[derive(Debug)]
pub struct FaultyDisk<B> {
    disk: B,
    faults: Faults,
}

impl<B: StorageBackend> FaultyDisk<B> {
    /// Puts faults above `disk`.
    pub fn new(disk: B, faults: Faults) -> Self {
        Self { disk, faults }
    }
}

impl<B: StorageBackend> StorageBackend for FaultyDisk<B> {
    fn len(&self) -> io::Result<u64> {
        self.disk.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.disk.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.faults.check(0)?;
        self.disk.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.faults.check(0)?;
        self.disk.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.faults.check(data.len())?;
        self.disk.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.disk.close()
    }

    fn try_lock_range(&self, start: Bound, end: Bound) -> Result<bool, BackendError> {
        self.disk.try_lock_range(start, end)
    }

    fn unlock_range(&self, start: Bound, end: Bound) -> Result<(), BackendError> {
        self.disk.unlock_range(start, end)
    }
}

/// A disk in memory. Clones share the bytes, which outlive the database: a clone opens them again.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk {
    bytes: Arc<RwLock<Vec<u8>>>,
}

impl MemoryDisk {
    /// A copy of all bytes, as a crash would leave them if every write reached the disk.
    pub fn image(&self) -> Vec<u8> {
        self.bytes
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// A disk with these bytes.
    pub fn from_image(bytes: Vec<u8>) -> Self {
        Self {
            bytes: Arc::new(RwLock::new(bytes)),
        }
    }
}

fn range(bytes: usize, offset: u64, length: usize) -> io::Result<std::ops::Range<usize>> {
    let start = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
    match start.checked_add(length) {
        Some(end) if end <= bytes => Ok(start..end),
        Some(_) | None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

impl StorageBackend for MemoryDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self
            .bytes
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let bytes = self.bytes.read().unwrap_or_else(PoisonError::into_inner);
        out.copy_from_slice(&bytes[range(bytes.len(), offset, out.len())?]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let len = usize::try_from(len).map_err(|_| io::ErrorKind::FileTooLarge)?;
        self.bytes
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .resize(len, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut bytes = self.bytes.write().unwrap_or_else(PoisonError::into_inner);
        let range = range(bytes.len(), offset, data.len())?;
        bytes[range].copy_from_slice(data);
        Ok(())
    }
}
