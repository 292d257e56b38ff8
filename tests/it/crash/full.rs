//! No room on the disk, at each write that the store does; and for the program itself.

use fedag::store::disk::DiskStore;
use fedag::store::fault::MemoryDisk;
use fedag::store::{Error, Record, Store};

use super::disks::FullDisk;
use super::{look, records, told};

fn store(disk: &FullDisk) -> Result<DiskStore, Error> {
    let disk = disk.clone();
    DiskStore::open_with_backend("full", move || Ok(disk.clone()))
}

fn create(disk: &FullDisk, root: &Record) -> Result<DiskStore, Error> {
    let disk = disk.clone();
    DiskStore::create_with_backend("full", move || Ok(disk.clone()), root)
}

#[track_caller]
fn is_named(error: &Error) {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
    assert!(cause.to_string().contains("no storage space"), "{error:?}");
}

/// The disk is full from the n-th change of an append on, for each n until the append goes through.
#[test]
fn a_full_disk_at_each_write_is_a_named_error_and_costs_nothing() {
    let written = records(200);
    let mut tried = 0;
    let mut whole = 0;
    for room in 0.. {
        let disk = FullDisk::new(MemoryDisk::default());
        let append = create(&disk, &written[0]).unwrap();
        append.append(&written[1..100]).unwrap();
        disk.room.set(room);
        let result = append.append(&written[100..]);
        let done = result.is_ok();
        if let Err(error) = &result {
            is_named(error);
            // Reading may need to open it again, which writes, too; what it gives is right in any case.
            match look(&append, &written) {
                Ok(looked) => assert_eq!(looked.damaged, 0),
                Err(error) => is_named(&error),
            }
            for _ in 0..2 {
                is_named(&append.append(&written[100..]).unwrap_err());
            }
        }
        disk.room.set(u64::MAX);
        let looked = look(&append, &written).unwrap();
        assert_eq!(looked.damaged, 0);
        assert!(looked.held == written.len() || (looked.held == 100 && !done));
        whole += u64::from(looked.held == written.len());
        append.append(&written[looked.held..]).unwrap();
        assert_eq!(look(&append, &written).unwrap().held, written.len());
        drop(append);
        let looked = look(&store(&disk).unwrap(), &written).unwrap();
        assert_eq!((looked.held, looked.damaged), (written.len(), 0));
        tried += 1;
        if done {
            break;
        }
    }
    told(&format!(
        "disk full at each of {tried} writes of an append: each told, after {whole} the batch was there whole, else nothing of it"
    ));
    assert!(tried > 5);
}

/// As above, for a new store and for one that is opened after an unclean stop.
#[test]
fn a_full_disk_at_each_write_of_a_start_is_a_named_error() {
    let written = records(100);
    let mut starts = [0, 0];
    for room in 0.. {
        let disk = FullDisk::new(MemoryDisk::default());
        disk.room.set(room);
        match create(&disk, &written[0]) {
            Ok(_) => break,
            Err(error) => is_named(&error),
        }
        starts[0] += 1;
    }
    let stopped = MemoryDisk::default();
    let disk = FullDisk::new(stopped.clone());
    let unclean = create(&disk, &written[0]).unwrap();
    unclean.append(&written[1..]).unwrap();
    let image = stopped.image();
    for room in 0.. {
        let disk = FullDisk::new(MemoryDisk::from_image(image.clone()));
        disk.room.set(room);
        match store(&disk) {
            Ok(_) => break,
            Err(error) => is_named(&error),
        }
        disk.room.set(u64::MAX);
        let looked = look(&store(&disk).unwrap(), &written).unwrap();
        assert_eq!((looked.held, looked.damaged), (written.len(), 0));
        starts[1] += 1;
    }
    told(&format!(
        "disk full at each of {} writes of a new store and {} of one that was stopped uncleanly",
        starts[0], starts[1]
    ));
    assert!(starts[0] > 2 && starts[1] > 0, "{starts:?}");
}
