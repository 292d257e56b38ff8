//! Bytes that rot and files that were cut: every region of a small store, one at a time.
//!
//! A store that was stopped cleanly is opened by what is in it, one that was not is checked page by page first, so both are
//! damaged everywhere. Pages that never held anything are damaged once each.

use fedag::store::disk::DiskStore;
use fedag::store::fault::MemoryDisk;
use fedag::store::{Error, Record, Store};

use super::{Looked, look, records, told};

const PAGE_BYTES: usize = 4096;
/// Where redb keeps its header (redb 4, docs/design.md, "super-header").
const HEADER_BYTES: usize = 512;
/// From one damaged byte to the next, where something is written.
const STEP_BYTES: usize = 64;

/// Events of the batch that is written last.
const LAST_BATCH: usize = 2;

/// What came of all that damage.
#[derive(Debug, Default)]
struct Tally {
    tried: usize,
    /// Nothing was noticed, and all was right.
    intact: usize,
    /// Opened, and some events are damaged by name.
    damaged_events: usize,
    /// Not opened, or the index not read, with an error that names what is wrong.
    refused: usize,
    /// Fewer events than were acknowledged, and no word of it from the database: what the count of acknowledged events is for.
    back: usize,
}

impl Tally {
    /// Opens and reads all; anything but the truth or a named error panics, and so does a store without more than its last batch.
    /// What could be read.
    fn see(
        &mut self,
        open: impl FnOnce() -> Result<DiskStore, Error>,
        written: &[Record],
    ) -> Option<Looked> {
        self.tried += 1;
        let looked = open().and_then(|store| look(&store, written));
        let read = looked.as_ref().ok().copied();
        match looked {
            Ok(looked) if looked.held < written.len() => {
                let held = looked.held;
                assert!(held >= written.len() - LAST_BATCH, "only {held} are left");
                self.back += 1;
            }
            Ok(looked) if looked.damaged > 0 => self.damaged_events += 1,
            Ok(_) => self.intact += 1,
            Err(Error::NotAStore { .. } | Error::Broken { .. } | Error::Index { .. }) => {
                self.refused += 1;
            }
            Err(error @ Error::Io { .. }) => {
                // A page number out of the file is an error of reading.
                assert!(!error.to_string().is_empty());
                self.refused += 1;
            }
            Err(error) => panic!("{error:?}"),
        }
        read
    }
}

/// The bytes of a small store, stopped cleanly or not. The last batch is small, and acknowledged like all others.
fn image(written: &[Record], clean: bool) -> Vec<u8> {
    let disk = MemoryDisk::default();
    let at = disk.clone();
    let store = DiskStore::create_with_backend("rot", move || Ok(at.clone()), &written[0]).unwrap();
    let (last, middle) = (written.len() - LAST_BATCH, written.len() / 2);
    for part in [
        &written[1..middle],
        &written[middle..last],
        &written[last..],
    ] {
        store.append(part).unwrap();
    }
    if clean {
        drop(store);
        return disk.image();
    }
    disk.image()
}

/// Every byte of the header, each 64th where something is written, and one of each other page.
fn places(image: &[u8]) -> Vec<usize> {
    let is_empty = |page: usize| {
        let end = image.len().min((page + 1) * PAGE_BYTES);
        image[page * PAGE_BYTES..end].iter().all(|byte| *byte == 0)
    };
    let pages = image.len().div_ceil(PAGE_BYTES);
    let mut places: Vec<_> = (0..HEADER_BYTES.min(image.len())).collect();
    for page in 0..pages {
        let step = if is_empty(page) {
            PAGE_BYTES
        } else {
            STEP_BYTES
        };
        let from = page * PAGE_BYTES;
        // Not always the same bit of a structure.
        let places_in = (from..image.len().min(from + PAGE_BYTES)).step_by(step);
        places.extend(places_in.map(|at| at + at / STEP_BYTES % STEP_BYTES));
    }
    places.retain(|at| *at < image.len());
    places.sort_unstable();
    places.dedup();
    places
}

fn open(image: Vec<u8>) -> Result<DiskStore, Error> {
    let disk = MemoryDisk::from_image(image);
    DiskStore::open_with_backend("rot", move || Ok(disk.clone()))
}

#[test]
fn a_flipped_bit_anywhere_gives_no_wrong_event() {
    let written = records(60);
    for clean in [true, false] {
        let image = image(&written, clean);
        let mut tally = Tally::default();
        for (n, at) in places(&image).into_iter().enumerate() {
            let mut damaged = image.clone();
            damaged[at] ^= 1 << (n % 8);
            tally.see(|| open(damaged), &written);
        }
        let bytes = image.len();
        told(&format!(
            "flips in {bytes} bytes, stopped cleanly {clean}: {tally:?}"
        ));
        assert!(tally.tried > 500 && tally.intact > 0 && tally.refused > 0);
        assert!(!clean || (tally.back == 0 && tally.damaged_events > 0));
    }
}

#[test]
fn a_file_cut_anywhere_gives_no_wrong_event() {
    let written = records(60);
    for clean in [true, false] {
        let image = image(&written, clean);
        let mut tally = Tally::default();
        for length in (0..image.len()).step_by(512) {
            // An empty file is a place for a new database, which the store refuses for having no root.
            tally.see(|| open(image[..length].to_vec()), &written);
        }
        told(&format!(
            "cut at each 512th byte, stopped cleanly {clean}: {tally:?}"
        ));
        assert!(tally.tried > 200 && tally.refused > 0);
    }
}

/// The same over files, where a store that cannot be opened is saved as far as it is sound: nothing is lost that is not in
/// the page with the bit, but for the last batch.
#[test]
fn a_flipped_bit_in_a_file_costs_the_events_of_its_page_at_most() {
    let written = records(60);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.redb");
    let image = image(&written, false);
    let mut tally = Tally::default();
    let (mut saved, mut most) = (0, 0);
    for (n, at) in places(&image).into_iter().enumerate().skip(3).step_by(11) {
        let mut damaged = image.clone();
        damaged[at] ^= 1 << (n % 8);
        std::fs::write(&path, damaged).unwrap();
        let read = tally.see(|| DiskStore::open(&path), &written);
        let damaged = read.map_or(0, |looked| looked.damaged);
        if damaged > 0 {
            let page = at / PAGE_BYTES;
            let touched = touched(&image, &written, page);
            assert!(
                damaged <= touched,
                "page {page} cost {damaged} events, and has {touched}"
            );
        }
        most = most.max(damaged);
        for entry in directory.path().read_dir().unwrap() {
            let entry = entry.unwrap().path();
            saved += usize::from(entry.to_string_lossy().contains(".damaged-"));
            std::fs::remove_file(entry).unwrap();
        }
    }
    told(&format!(
        "flips in a file: {tally:?}, {saved} saved, {most} events damaged at most"
    ));
    assert!(tally.tried > 50 && saved > 0 && tally.damaged_events > 0);
}

/// How many events have bytes in a page, be it in use or not.
fn touched(image: &[u8], written: &[Record], page: usize) -> usize {
    let (from, end) = (page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
    let is_there = |record: &&Record| {
        let bytes = &record.bytes;
        let near = from.saturating_sub(bytes.len())..image.len().min(end + bytes.len());
        let mut windows = image[near.clone()].windows(bytes.len()).enumerate();
        windows.any(|(at, window)| {
            let at = near.start + at;
            window == bytes && at < end && at + bytes.len() > from
        })
    };
    written.iter().filter(is_there).count()
}
