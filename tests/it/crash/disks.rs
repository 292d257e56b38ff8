//! Disks in memory: one that loses its power, one that has no room from some operation on.
//!
//! A disk of the first kind keeps what was synced, and of everything written since then any part: of each write every 512 bytes
//! for themselves, and of each change of length all or nothing. So what is left after a crash is what any order of writing back
//! could have left. Source: Pillai et al., "All File Systems Are Not Created Equal" (OSDI 2014), section 3, without a file system.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use redb::StorageBackend;

/// Bytes that a disk writes whole or not at all.
const SECTOR_BYTES: usize = 512;

/// A disk that can lose its power. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct PowerDisk(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// As the program sees it.
    live: Vec<u8>,
    /// As of the last sync.
    synced: Vec<u8>,
    since: Vec<Change>,
    /// Operations until the power goes.
    left: u64,
    operations: u64,
}

#[derive(Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Length(usize),
}

impl PowerDisk {
    /// A disk with these bytes, whose power goes at the operation after `left` others.
    pub(super) fn new(bytes: Vec<u8>, left: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            live: bytes.clone(),
            synced: bytes,
            since: Vec::new(),
            left,
            operations: 0,
        })))
    }

    pub(super) fn is_out(&self) -> bool {
        self.state().left == 0
    }

    pub(super) fn operations(&self) -> u64 {
        self.state().operations
    }

    /// What is on the disk after the power went, and how many sectors' worth of changes were lost.
    pub(super) fn after(&self, rng: &mut Pcg64Mcg) -> (Vec<u8>, u64) {
        let state = self.state();
        let mut bytes = state.synced.clone();
        // All and none are cases of their own, which chance alone would hardly ever draw.
        let kept = [0.0, 0.5, 0.5, 0.5, 0.95, 1.0][rng.random_range(0..6)];
        let mut lost = 0;
        for change in &state.since {
            match change {
                Change::Length(length) => {
                    if rng.random_bool(kept) {
                        bytes.resize(*length, 0);
                    }
                }
                Change::Write { at, bytes: written } => {
                    let mut at = *at;
                    let mut rest = &written[..];
                    while !rest.is_empty() {
                        let sector = (SECTOR_BYTES - at % SECTOR_BYTES).min(rest.len());
                        let to = bytes.get_mut(at..at + sector);
                        match to.filter(|_| rng.random_bool(kept)) {
                            Some(to) => to.copy_from_slice(&rest[..sector]),
                            None => lost += 1,
                        }
                        (at, rest) = (at + sector, &rest[sector..]);
                    }
                }
            }
        }
        (bytes, lost)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn powered(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        state.left = state.left.saturating_sub(1);
        state.operations += 1;
        if state.left == 0 {
            return Err(io::Error::other("the power is out"));
        }
        Ok(state)
    }
}

fn part(bytes: &[u8], at: u64, length: usize) -> io::Result<std::ops::Range<usize>> {
    let at = usize::try_from(at).unwrap();
    if at + length > bytes.len() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(at..at + length)
}

impl StorageBackend for PowerDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().live.len() as u64)
    }

    fn read(&self, at: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.powered()?;
        out.copy_from_slice(&state.live[part(&state.live, at, out.len())?]);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut state = self.powered()?;
        let length = usize::try_from(length).unwrap();
        state.live.resize(length, 0);
        state.since.push(Change::Length(length));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.powered()?;
        let State { synced, since, .. } = &mut *state;
        for change in since.drain(..) {
            match change {
                Change::Length(length) => synced.resize(length, 0),
                Change::Write { at, bytes } => {
                    synced[at..at + bytes.len()].copy_from_slice(&bytes);
                }
            }
        }
        Ok(())
    }

    fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.powered()?;
        let to = part(&state.live, at, bytes.len())?;
        let at = to.start;
        state.live[to].copy_from_slice(bytes);
        let bytes = bytes.to_vec();
        state.since.push(Change::Write { at, bytes });
        Ok(())
    }
}

/// How many changes a full disk still takes; clones share it.
#[derive(Clone, Debug)]
pub(super) struct Room(Arc<Mutex<u64>>);

impl Room {
    pub(super) fn set(&self, changes: u64) {
        *self.0.lock().unwrap() = changes;
    }

    fn take(&self) -> io::Result<()> {
        let mut room = self.0.lock().unwrap();
        let left = room.checked_sub(1);
        *room = left.unwrap_or(0);
        left.map(drop)
            .ok_or_else(|| io::ErrorKind::StorageFull.into())
    }
}

/// A disk that is full after some changes, whatever they are. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct FullDisk {
    disk: fedag::store::fault::MemoryDisk,
    pub(super) room: Room,
}

impl FullDisk {
    /// With room enough.
    pub(super) fn new(disk: fedag::store::fault::MemoryDisk) -> Self {
        let room = Room(Arc::new(Mutex::new(u64::MAX)));
        Self { disk, room }
    }
}

impl StorageBackend for FullDisk {
    fn len(&self) -> io::Result<u64> {
        self.disk.len()
    }

    fn read(&self, at: u64, out: &mut [u8]) -> io::Result<()> {
        self.disk.read(at, out)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.room.take()?;
        self.disk.set_len(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.room.take()?;
        self.disk.sync_data()
    }

    fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.room.take()?;
        self.disk.write(at, bytes)
    }
}
