//! How much this directory has acknowledged, kept apart from the store.
//!
//! After an unclean stop the database goes back by one transaction when a page of the last one is not sound, and cannot tell
//! a torn write from one that was acknowledged and has rotted since. So after each commit, and before anybody is told of it, the
//! number of events and the own counter are written here. The file is never synced: after a power cut it may be old, which claims
//! less than was acknowledged; it never claims more. In it: magic, R's id, number of events (4 bytes), own counter (8), CRC-32.
//!
//! Invariants:
//! - neither number ever falls, so that a counter is not used twice although its event is gone;
//! - a file that is of another network, damaged or not there claims nothing.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::PathBuf;

use tracing::warn;

use crate::event::id::EventId;
use crate::node::home::Home;
use crate::node::home::files::{open_private, read_bounded};

/// First bytes of the file; the number is its version.
const MAGIC: &[u8] = b"fedag acknowledged 1\n";

/// What was acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    /// Number of events held.
    pub(crate) events: u32,
    /// Greatest counter of an own event; 0: none.
    pub(crate) own_seq: u64,
}

impl Acknowledged {
    /// How many events are missing when so many are held.
    pub(crate) fn lost(self, held: u32) -> u32 {
        self.events.saturating_sub(held)
    }
}

/// Keeps the file.
#[derive(Debug)]
pub(crate) struct Keeper {
    root: EventId,
    so_far: Acknowledged,
    /// None: nothing is kept, as in tests.
    path: Option<PathBuf>,
    file: Option<File>,
    has_failed: bool,
}

impl Keeper {
    /// Keeps nothing on disk.
    pub(crate) fn in_memory(root: EventId) -> Self {
        Self {
            root,
            so_far: Acknowledged::default(),
            path: None,
            file: None,
            has_failed: false,
        }
    }

    /// What was acknowledged so far.
    pub(crate) fn so_far(&self) -> Acknowledged {
        self.so_far
    }

    /// Notes what is acknowledged from now on. Cost: one write of the system, no sync. A failure is told once in the log: the
    /// events themselves are durable.
    pub(crate) fn note(&mut self, now: Acknowledged) -> Acknowledged {
        let before = self.so_far;
        self.so_far = Acknowledged {
            events: before.events.max(now.events),
            own_seq: before.own_seq.max(now.own_seq),
        };
        if self.so_far != before
            && let Err(error) = self.write()
            && !std::mem::replace(&mut self.has_failed, true)
        {
            warn!(%error, "how much was acknowledged could not be written down");
        }
        self.so_far
    }

    fn write(&mut self) -> io::Result<()> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let bytes = encode(self.root, self.so_far);
        let mut file = match self.file.take() {
            Some(file) => file,
            None => open_private(path)?,
        };
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&bytes)?;
        // What an earlier version or another program left behind it would spoil the checksum.
        file.set_len(bytes.len() as u64)?;
        self.file = Some(file);
        Ok(())
    }
}

impl Home {
    /// What was acknowledged of the network of `root`, and the place to write it. A file that cannot be read claims nothing,
    /// with a word in the log.
    pub(crate) fn acknowledged(&self, root: EventId) -> Keeper {
        let path = self.path().join("acknowledged");
        let read = read_bounded(&path).unwrap_or_else(|error| {
            warn!(%error, "how much was acknowledged cannot be read: what a disk lost would not be noticed");
            None
        });
        let so_far = read.and_then(|bytes| decode(&bytes, root));
        Keeper {
            so_far: so_far.unwrap_or_default(),
            path: Some(path),
            ..Keeper::in_memory(root)
        }
    }
}

fn encode(root: EventId, so_far: Acknowledged) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(root.0);
    bytes.extend(so_far.events.to_le_bytes());
    bytes.extend(so_far.own_seq.to_le_bytes());
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

fn decode(bytes: &[u8], root: EventId) -> Option<Acknowledged> {
    let (contents, end) = bytes.split_last_chunk::<4>()?;
    if crc32fast::hash(contents) != u32::from_le_bytes(*end) {
        return None;
    }
    let rest = contents.strip_prefix(MAGIC)?.strip_prefix(&root.0)?;
    let (events, own_seq) = rest.split_first_chunk::<4>()?;
    Some(Acknowledged {
        events: u32::from_le_bytes(*events),
        own_seq: u64::from_le_bytes(own_seq.try_into().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const R: EventId = EventId([7; 16]);

    fn some(events: u32, own_seq: u64) -> Acknowledged {
        Acknowledged { events, own_seq }
    }

    #[test]
    fn what_was_noted_is_read_again_and_never_falls() {
        let temp = tempfile::tempdir().unwrap();
        let home = Home::create(temp.path()).unwrap();
        let mut keeper = home.acknowledged(R);
        assert_eq!(keeper.so_far(), some(0, 0));
        assert!(
            !temp.path().join("acknowledged").exists(),
            "nothing to tell"
        );
        for (now, then) in [((5, 2), (5, 2)), ((4, 9), (5, 9)), ((8, 3), (8, 9))] {
            assert_eq!(keeper.note(some(now.0, now.1)), some(then.0, then.1));
            let read = home.acknowledged(R).so_far();
            assert_eq!(read, some(then.0, then.1));
        }
        let other = home.acknowledged(EventId([8; 16]));
        assert_eq!(other.so_far(), some(0, 0), "of another network");
    }

    #[test]
    fn what_lies_behind_the_record_or_in_its_place_stops_nothing() {
        let temp = tempfile::tempdir().unwrap();
        let home = Home::create(temp.path()).unwrap();
        let path = temp.path().join("acknowledged");
        std::fs::write(&path, [encode(R, some(1, 1)), vec![9]].concat()).unwrap();
        let mut keeper = home.acknowledged(R);
        assert_eq!(keeper.so_far(), some(0, 0));
        keeper.note(some(5, 2));
        assert_eq!(home.acknowledged(R).so_far(), some(5, 2));
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert_eq!(home.acknowledged(R).so_far(), some(0, 0));
    }

    #[test]
    fn a_damaged_file_claims_nothing() {
        let whole = encode(R, some(77, 5));
        assert_eq!(decode(&whole, R), Some(some(77, 5)));
        for length in 0..whole.len() {
            assert_eq!(decode(&whole[..length], R), None, "{length}");
        }
        for bit in 0..whole.len() * 8 {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&damaged, R), None, "{bit}");
        }
        assert_eq!(decode(&vec![0; whole.len()], R), None);
    }
}
