//! No room on the disk, at each write that the store does; and for the program itself, which may not write beyond some size.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use fedag::store::disk::DiskStore;
use fedag::store::fault::MemoryDisk;
use fedag::store::{Error, Record, Store};

use super::disks::FullDisk;
use super::{look, records, told};
use crate::support::{
    Running, events, fails, fedag, lines, network, numbered, ok, run, run_with, status, wait_for,
};

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

/// Lines of one `add -`, and how long each is: more than there is room for.
const LINES: u32 = 100;
const LINE_BYTES: usize = 30_000;

/// Makes the program that comes after these words fail at writing files beyond `$1` blocks of 512 bytes, instead of ending it.
const LIMIT: &str = r#"trap "" XFSZ; ulimit -f "$1"; shift; exec "$@""#;

/// The program under such a limit.
fn limited(dir: &Path, blocks: u32) -> Command {
    let program = fedag(dir);
    let mut command = Command::new("sh");
    command
        .args(["-c", LIMIT, "sh", &blocks.to_string()])
        .env_remove("FEDAG_DATA")
        .env_remove("RUST_LOG")
        .arg(program.get_program())
        .args(program.get_args());
    command
}

/// What was acknowledged is held, all that is held holds, and there is room again.
fn goes_on(dir: &Path, acknowledged: &[String]) {
    ok(run(dir, &["verify"]));
    let held: BTreeSet<_> = events(dir)
        .iter()
        .map(|event| event["uuid"].as_str().unwrap().to_owned())
        .collect();
    let lost: Vec<_> = acknowledged
        .iter()
        .filter(|id| !held.contains(*id))
        .collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    assert!(held.len() < 1 + LINES as usize, "there was room for all");
    ok(run(dir, &["add", "--text", "there is room again"]));
    assert_eq!(events(dir).len(), held.len() + 1);
}

#[test]
fn the_program_names_a_write_that_fails_and_loses_nothing() {
    let input = numbered(LINES, |n| format!("{n} {}", "x".repeat(LINE_BYTES)));
    let mut counts = Vec::new();
    for blocks in [300, 1000, 2500] {
        let (_temp, dir) = network();
        let path = dir.with_extension("lines");
        std::fs::write(&path, &input).unwrap();
        let added = limited(&dir, blocks)
            .args(["add", "-"])
            .stdin(Stdio::from(std::fs::File::open(&path).unwrap()))
            .output()
            .unwrap();
        fails(&added, 1, "could not be written");
        let acknowledged = lines(&added);
        goes_on(&dir, &acknowledged);
        counts.push(acknowledged.len());
    }
    told(&format!(
        "no room for the program: of {LINES} events {counts:?} were acknowledged, and are held"
    ));
    assert!(counts.iter().any(|count| *count > 0), "{counts:?}");
}

#[test]
fn a_node_whose_write_fails_names_it_and_loses_nothing() {
    let (_temp, dir) = network();
    let child = limited(&dir, 2500)
        .args(["run", "--listen", "127.0.0.1:0"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let node = Running {
        child,
        dir: dir.clone(),
    };
    wait_for("the node runs", || status(&dir)["running"] == true);
    let input = numbered(LINES, |n| format!("{n} {}", "x".repeat(LINE_BYTES)));
    let added = run_with(&dir, &["add", "-"], input.as_bytes());
    fails(&added, 1, "could not be written");
    wait_for("the store is read again", || {
        run(&dir, &["status"]).status.success()
    });
    assert_eq!(status(&dir)["faults"]["store_failed"], 1);
    drop(node);
    let acknowledged = lines(&added);
    goes_on(&dir, &acknowledged);
    told(&format!(
        "no room for a node: of {LINES} events {} were acknowledged, and are held",
        acknowledged.len()
    ));
    assert!(!acknowledged.is_empty());
}
