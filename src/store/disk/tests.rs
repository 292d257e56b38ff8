use std::path::Path;
use std::sync::atomic::Ordering;

use super::*;
use crate::store::fault::{Faults, FaultyDisk, MemoryDisk};
use crate::store::row;
use crate::store::tests::{Writer, check_bodies, check_index};

fn on_disk() -> (MemoryDisk, Faults, DiskStore) {
    let (disk, faults) = (MemoryDisk::default(), Faults::default());
    let store =
        DiskStore::create_with_backend("test", opener(&disk, &faults), &Writer::root()).unwrap();
    (disk, faults, store)
}

fn opener(
    disk: &MemoryDisk,
    faults: &Faults,
) -> impl Fn() -> io::Result<FaultyDisk<MemoryDisk>> + Send + Sync + use<> {
    let (disk, faults) = (disk.clone(), faults.clone());
    move || Ok(FaultyDisk::new(disk.clone(), faults.clone()))
}

#[test]
#[should_panic(expected = "appends follow on what is there")]
fn a_gap_before_the_batch_is_our_bug_on_disk() {
    on_disk()
        .2
        .append(&Writer::after_root().batch(2, 9)[1..])
        .unwrap();
}

#[test]
#[should_panic(expected = "positions are without gaps")]
fn a_gap_in_the_batch_is_our_bug_on_disk() {
    let mut batch = Writer::after_root().batch(3, 9);
    batch.remove(1);
    on_disk().2.append(&batch).unwrap();
}

#[test]
fn a_store_opened_again_is_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.redb");
    let mut writer = Writer::after_root();
    let mut all = writer.batch(500, 350);
    let store = DiskStore::create(&path, &Writer::root()).unwrap();
    store.append(&all).unwrap();
    assert!(matches!(DiskStore::open(&path), Err(Error::InUse { .. })));
    drop(store);
    let store = DiskStore::open(&path).unwrap();
    check_index(&store, &all);
    check_bodies(&store, &all);
    let more = writer.batch(3, 20);
    store.append(&more).unwrap();
    all.extend(more);
    drop(store);
    check_index(&DiskStore::open(&path).unwrap(), &all);
    let left: Vec<_> = directory
        .path()
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["events.redb"]);
}

#[cfg(unix)]
#[test]
fn the_file_is_for_its_owner_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.redb");
    let _store = DiskStore::create(&path, &Writer::root()).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn create_does_not_touch_what_is_there_and_replaces_its_own_leftover() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.redb");
    fs::write(&path, "mine").unwrap();
    assert!(matches!(
        DiskStore::create(&path, &Writer::root()),
        Err(Error::Io {
            doing: "created",
            ..
        })
    ));
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    fs::remove_file(&path).unwrap();
    fs::write(directory.path().join("events.redb.new"), "half a store").unwrap();
    check_index(&DiskStore::create(&path, &Writer::root()).unwrap(), &[]);
}

#[track_caller]
fn check_refused(path: &Path, words: &str) {
    let error = DiskStore::open(path).unwrap_err();
    let is_named = matches!(error, Error::NotAStore { .. } | Error::Broken { .. });
    assert!(is_named, "{error:?}");
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn what_is_no_store_is_refused_with_words() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.redb");
    assert!(matches!(
        DiskStore::open(&path),
        Err(Error::Io {
            doing: "opened",
            ..
        })
    ));
    assert!(!path.exists());
    fs::write(&path, "").unwrap();
    check_refused(&path, "is empty");
    fs::write(&path, "a text file, not a store").unwrap();
    check_refused(&path, "does not begin like one");
    check_refused(directory.path(), "a directory");
    fs::remove_file(&path).unwrap();
    drop(Database::create(&path).unwrap());
    check_refused(&path, "no tables of ours");
    fs::remove_file(&path).unwrap();
    drop(DiskStore::create(&path, &Writer::root()).unwrap());
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 3]).unwrap();
    check_refused(&path, "damaged");
    fs::write(&path, [&bytes[..9], &[7; 9000]].concat()).unwrap();
    check_refused(&path, "damaged");
}

/// Changes a value straight in the database; `change` says whether it stays at all.
fn put<K: redb::Key + 'static>(
    disk: &MemoryDisk,
    table: redb::TableDefinition<'_, K, &'static [u8]>,
    key: &K::SelfType<'_>,
    change: impl FnOnce(&mut Vec<u8>) -> bool,
) {
    let database = Database::builder()
        .create_with_backend(disk.clone())
        .unwrap();
    let transaction = database.begin_write().unwrap();
    {
        let mut table = transaction.open_table(table).unwrap();
        let mut value = table.remove(key).unwrap().unwrap().value().to_vec();
        if change(&mut value) {
            table.insert(key, value.as_slice()).unwrap();
        }
    }
    transaction.commit().unwrap();
}

#[test]
fn another_format_is_refused() {
    for (format, why) in [(3u32, "later version"), (1, "its format is 1")] {
        let (disk, faults, store) = on_disk();
        drop(store);
        put(&disk, tables::META, &"format", |value| {
            *value = row::seal(b"format", format.to_le_bytes().to_vec());
            true
        });
        let error = DiskStore::open_with_backend("test", opener(&disk, &faults)).unwrap_err();
        assert!(matches!(&error, Error::NotAStore { .. }), "{error:?}");
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[test]
fn a_flipped_bit_in_an_event_is_seen_on_read_and_repaired() {
    let (disk, faults, store) = on_disk();
    let batch = Writer::after_root().batch(10, 100);
    store.append(&batch).unwrap();
    drop(store);
    put(&disk, tables::EVENTS, &5, |value| {
        value[50] ^= 1;
        true
    });
    let store = DiskStore::open_with_backend("test", opener(&disk, &faults)).unwrap();
    check_index(&store, &batch);
    assert!(matches!(
        store.read(Arrival(5)),
        Err(Error::Damaged { at: Arrival(5) })
    ));
    assert!(matches!(
        store.read_range(Arrival(5), Arrival(9), 900),
        Err(Error::Damaged { at: Arrival(5) })
    ));
    assert_eq!(
        store.read_range(Arrival(3), Arrival(9), 900).unwrap().len(),
        2
    );
    store.repair(Arrival(5), &batch[4].bytes).unwrap();
    check_bodies(&store, &batch);
    drop(store);
    check_bodies(
        &DiskStore::open_with_backend("test", opener(&disk, &faults)).unwrap(),
        &batch,
    );
}

#[test]
fn a_damaged_index_is_an_error() {
    for (key, keep) in [(0, true), (5, true), (5, false), (10, false)] {
        let (disk, faults, store) = on_disk();
        store.append(&Writer::after_root().batch(10, 100)).unwrap();
        drop(store);
        put(&disk, tables::INDEX, &key, |value| {
            value[20] ^= 1;
            keep
        });
        let index = DiskStore::open_with_backend("test", opener(&disk, &faults))
            .and_then(|store| store.index());
        assert!(
            matches!(index, Err(Error::Index { .. })),
            "{key} {keep} {index:?}"
        );
    }
    for name in ["format", "root", "tail"] {
        let (disk, faults, store) = on_disk();
        drop(store);
        put(&disk, tables::META, &name, |value| {
            value[2] ^= 1;
            true
        });
        let index = DiskStore::open_with_backend("test", opener(&disk, &faults))
            .and_then(|store| store.index());
        assert!(
            matches!(index, Err(Error::Index { .. })),
            "{name} {index:?}"
        );
    }
}

#[test]
fn a_full_disk_is_a_named_error_and_loses_nothing() {
    let (_, faults, store) = on_disk();
    let mut writer = Writer::after_root();
    let first = writer.batch(100, 350);
    store.append(&first).unwrap();
    let second = writer.batch(100, 350);
    for room in [0, 4096, 20_000] {
        faults.room_bytes.store(room, Ordering::Release);
        let error = store.append(&second).unwrap_err();
        assert!(
            matches!(
                error,
                Error::Io {
                    doing: "written",
                    ..
                }
            ),
            "{error:?}"
        );
        let source = std::error::Error::source(&error).unwrap();
        assert!(source.to_string().contains("no storage space"), "{source}");
    }
    faults.room_bytes.store(u64::MAX, Ordering::Release);
    check_index(&store, &first);
    check_bodies(&store, &first);
    store.append(&second).unwrap();
    check_index(&store, &[first, second].concat());
}

#[test]
fn a_failing_disk_can_be_used_again_when_it_works_again() {
    let (disk, faults, store) = on_disk();
    let batch = Writer::after_root().batch(100, 350);
    faults.fail.store(true, Ordering::Release);
    for _ in 0..3 {
        assert!(matches!(store.append(&batch), Err(Error::Io { .. })));
    }
    faults.fail.store(false, Ordering::Release);
    check_index(&store, &[]);
    store.append(&batch).unwrap();
    drop(store);
    check_index(
        &DiskStore::open_with_backend("test", opener(&disk, &faults)).unwrap(),
        &batch,
    );
}

/// Every write of an append is once the last that reaches the disk; a crash after it leaves all of the batch or nothing.
#[test]
fn a_batch_is_there_whole_or_not_at_all() {
    let first = Writer::after_root().batch(20, 350);
    let mut writer = Writer::after_root();
    writer.batch(20, 350);
    let second = writer.batch(20, 350);
    let all = [first.clone(), second.clone()].concat();
    let mut outcomes = [0, 0];
    for room in (0..).step_by(2048) {
        let (disk, faults, store) = on_disk();
        store.append(&first).unwrap();
        faults.room_bytes.store(room, Ordering::Release);
        let done = store.append(&second).is_ok();
        let crashed = MemoryDisk::from_image(disk.image());
        let store =
            DiskStore::open_with_backend("test", opener(&crashed, &Faults::default())).unwrap();
        let count = store.index().unwrap().rows.len();
        let whole = count == all.len() + 1;
        check_index(&store, if whole { &all } else { &first });
        assert!(whole || !done, "an acknowledged batch is there");
        outcomes[usize::from(done)] += 1;
        if done {
            break;
        }
    }
    assert!(outcomes[0] > 5 && outcomes[1] == 1, "{outcomes:?}");
}

/// What a store of R and `batch` has on disk when it is stopped uncleanly and the body of `damaged` has rotted, which is in no
/// page that the last two transactions wrote: to those redb goes back by itself.
fn unclean_and_damaged(batch: &[Record], damaged: &Record) -> Vec<u8> {
    let (disk, _, store) = on_disk();
    for part in [&batch[..4990], &batch[4990..4995], &batch[4995..]] {
        store.append(part).unwrap();
    }
    let mut image = disk.image();
    drop(store);
    let body = &damaged.bytes;
    let at = image
        .windows(body.len())
        .position(|window| window == body)
        .unwrap();
    image[at + 30] ^= 4;
    image
}

#[test]
fn after_an_unclean_stop_a_damaged_event_costs_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.redb");
    let mut writer = Writer::after_root();
    let mut all = writer.batch(5000, 100);
    let image = unclean_and_damaged(&all, &all[40]);
    fs::write(&path, &image).unwrap();
    let store = DiskStore::open(&path).unwrap();
    assert_eq!(store.damaged(), [Arrival(41)]);
    check_index(&store, &all);
    assert!(matches!(
        store.read(Arrival(41)),
        Err(Error::Damaged { at: Arrival(41) })
    ));
    check_bodies(&store, &all[..40]);
    check_bodies(&store, &all[41..]);
    store.repair(Arrival(41), &all[40].bytes).unwrap();
    let more = writer.batch(3, 100);
    store.append(&more).unwrap();
    all.extend(more);
    drop(store);
    let store = DiskStore::open(&path).unwrap();
    assert!(store.damaged().is_empty());
    check_index(&store, &all);
    check_bodies(&store, &all);
    assert_eq!(
        fs::read(directory.path().join("events.redb.damaged-1"))
            .unwrap()
            .len(),
        image.len()
    );
    assert_eq!(directory.path().read_dir().unwrap().count(), 2);
}

#[test]
fn a_store_whose_index_is_damaged_too_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.redb");
    let batch = Writer::after_root().batch(5000, 100);
    let mut image = unclean_and_damaged(&batch, &batch[40]);
    let id = batch[50].append.row.id.0;
    let at = image.windows(16).position(|window| window == id).unwrap();
    image[at + 20] ^= 1;
    fs::write(&path, &image).unwrap();
    check_refused(&path, "damaged");
    assert_eq!(directory.path().read_dir().unwrap().count(), 1);
}
