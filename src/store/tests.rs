//! What every store must do, run against both.

use std::sync::atomic::Ordering;

use super::disk::DiskStore;
use super::memory::MemoryStore;
use super::{Error, Record, Store};
use crate::event::Draft;
use crate::event::canon::Properties;
use crate::event::control::{Control, Root, Rules};
use crate::event::index::{Append, Arrival, Author, Index, Row};
use crate::event::key::Key;
use crate::event::wall::WallTime;

/// Real events, one after the other, by two authors in turn; their bytes are made up.
pub(super) struct Writer {
    last: Option<Row>,
    root: Option<Record>,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self {
            last: None,
            root: None,
        }
    }

    pub(super) fn root() -> Record {
        Self::new().next(60)
    }

    /// A writer whose R is written already.
    pub(super) fn after_root() -> Self {
        let mut writer = Self::new();
        writer.root = Some(writer.next(60));
        writer
    }

    pub(super) fn batch(&mut self, records: u32, length: u32) -> Vec<Record> {
        (0..records).map(|_| self.next(length)).collect()
    }

    fn next(&mut self, length: u32) -> Record {
        let at = self.last.as_ref().map_or(0, |row| row.height + 1);
        let author = at % 2;
        let rules = Rules {
            event_bytes_max: 65_536,
            parents_max: 64,
        };
        let draft = Draft {
            parents: self.last.iter().map(|row| row.id).collect(),
            seq: u64::from(at / 2 + 1),
            wall: WallTime::from_ms(1_000).unwrap(),
            control: match at {
                0 => Control::Root(Root {
                    network: "n".into(),
                    name: "a".into(),
                    rules,
                }),
                _ => Control::None,
            },
            properties: if at == 0 {
                Properties::none()
            } else {
                Properties::from_text(&format!("event {at}"))
            },
        };
        let key = Key::from_seed([u8::try_from(author).unwrap() + 1; 32]);
        let event = draft.sign(&key);
        let row = Row {
            id: event.id(),
            height: at,
            author: Author(author),
            seq: event.raw().seq,
            length,
            rest: event.digest().rest(),
            parents: if at == 0 {
                vec![]
            } else {
                vec![Arrival(at - 1)]
            },
            signed: at % 3 != 2,
            next: None,
        };
        self.last = Some(row.clone());
        let new_author = (at < 2).then(|| key.machine());
        let bytes = (0..length)
            .map(|n| u8::try_from((at * 7 + n) % 251).unwrap())
            .collect();
        Record {
            append: Append {
                arrival: Arrival(at),
                row,
                event,
                new_author,
            },
            bytes,
        }
    }
}

/// The index as it must be after R and `records`.
fn expected(records: &[Record]) -> Index {
    let root = Writer::root();
    let mut index = Index::of_root(root.append.event, root.append.row.length);
    for Record { append, .. } in records {
        index.rows.push(append.row.clone());
        index.authors.extend(append.new_author);
        index.sum.add(append.event.digest());
    }
    index
}

#[track_caller]
pub(super) fn check_index(store: &dyn Store, records: &[Record]) {
    let (found, expected) = (store.index().unwrap(), expected(records));
    assert_eq!(found.root, expected.root);
    assert!(
        found.rows == expected.rows,
        "{} rows, not {}",
        found.rows.len(),
        expected.rows.len()
    );
    assert_eq!(found.authors, expected.authors);
    assert_eq!(found.controls, expected.controls);
    assert_eq!(found.sum, expected.sum);
}

#[track_caller]
pub(super) fn check_bodies(store: &dyn Store, records: &[Record]) {
    for record in records {
        assert_eq!(store.read(record.append.arrival).unwrap(), record.bytes);
    }
}

/// Runs `test` on a new store of each kind that holds R.
fn on_each(test: impl Fn(&dyn Store)) {
    test(&MemoryStore::new(&Writer::root()));
    let directory = tempfile::tempdir().unwrap();
    test(&DiskStore::create(&directory.path().join("events.redb"), &Writer::root()).unwrap());
}

#[test]
fn a_new_store_holds_the_root() {
    on_each(|store| {
        check_index(store, &[]);
        check_bodies(store, &[Writer::root()]);
        assert!(store.size_bytes() > 0);
    });
}

#[test]
fn what_is_appended_is_read() {
    on_each(|store| {
        let mut writer = Writer::after_root();
        let mut all = Vec::new();
        for size in [1, 2, 100, 0, 1] {
            let batch = writer.batch(size, 350);
            store.append(&batch).unwrap();
            all.extend(batch);
            check_index(store, &all);
        }
        check_bodies(store, &all);
    });
}

#[test]
fn a_range_ends_at_its_bound_but_has_one_event() {
    on_each(|store| {
        let batch = Writer::after_root().batch(100, 100);
        store.append(&batch).unwrap();
        let read = |from, up_to, bytes_max| {
            store
                .read_range(Arrival(from), Arrival(up_to), bytes_max)
                .unwrap()
        };
        let all: Vec<_> = batch.iter().map(|record| record.bytes.clone()).collect();
        assert_eq!(read(1, 101, usize::MAX), all);
        assert_eq!(read(10, 20, usize::MAX), all[9..19]);
        assert_eq!(read(10, 20, 300), all[9..12]);
        assert_eq!(read(10, 20, 399), all[9..12]);
        assert_eq!(read(10, 20, 0), all[9..10]);
        assert!(read(10, 10, 100).is_empty());
    });
}

#[test]
fn what_is_not_there_is_damaged() {
    on_each(|store| {
        assert!(matches!(
            store.read(Arrival(1)),
            Err(Error::Damaged { at: Arrival(1) })
        ));
        assert!(matches!(
            store.read_range(Arrival(1), Arrival(2), 9),
            Err(Error::Damaged { at: Arrival(1) })
        ));
        assert_eq!(
            store.read_range(Arrival(0), Arrival(9), 999).unwrap().len(),
            1
        );
    });
}

#[test]
#[should_panic(expected = "positions are without gaps")]
fn a_gap_is_our_bug_in_memory() {
    MemoryStore::new(&Writer::root())
        .append(&Writer::after_root().batch(2, 9)[1..])
        .unwrap();
}

#[test]
fn damage_in_memory_is_seen_and_repaired() {
    let store = MemoryStore::new(&Writer::root());
    let batch = Writer::after_root().batch(3, 100);
    store.append(&batch).unwrap();
    store.damage(Arrival(2));
    assert!(matches!(
        store.read(Arrival(2)),
        Err(Error::Damaged { at: Arrival(2) })
    ));
    assert_eq!(
        store.read_range(Arrival(0), Arrival(4), 900).unwrap().len(),
        2
    );
    store.repair(Arrival(2), &batch[1].bytes).unwrap();
    check_bodies(&store, &batch);
}

#[test]
fn the_memory_store_fails_when_told_to() {
    let store = MemoryStore::new(&Writer::root());
    let batch = Writer::after_root().batch(3, 350);
    store.fail_switch().store(true, Ordering::Release);
    assert!(matches!(
        store.append(&batch),
        Err(Error::Io {
            doing: "written",
            ..
        })
    ));
    check_index(&store, &[]);
    store.fail_switch().store(false, Ordering::Release);
    store.append(&batch).unwrap();
    check_index(&store, &batch);
}
