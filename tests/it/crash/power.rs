//! The power goes out while the store works: writes that were not synced are lost in part and torn.

use fedag::event::index::Arrival;
use fedag::store::disk::DiskStore;
use fedag::store::{Record, Store};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::disks::PowerDisk;
use super::{asked, look, records, seed, told};

/// What happened in all crashes together.
#[derive(Debug, Default)]
struct Tally {
    appends: u64,
    acknowledged: u64,
    /// Crashes before the store was open again.
    while_opening: u64,
    /// Crashes after which more was there than was acknowledged.
    more_than_told: u64,
    sectors_lost: u64,
    operations: u64,
}

#[test]
fn what_was_acknowledged_survives_every_loss_of_power() {
    let crashes: u64 = asked("FEDAG_POWER_LOSSES", 1000);
    let mut rng = Pcg64Mcg::seed_from_u64(seed());
    let written = records(300);
    let mut tally = Tally::default();
    let mut image = fresh(&written);
    let mut acknowledged = 1;
    for crash in 0..crashes {
        let disk = PowerDisk::new(image, rng.random_range(1..600));
        let tried = work(&disk, &written, &mut acknowledged, &mut rng, &mut tally);
        let lost;
        (image, lost) = disk.after(&mut rng);
        tally.sectors_lost += lost;
        tally.operations += disk.operations();
        let open = open(&PowerDisk::new(image.clone(), u64::MAX));
        let looked = open.and_then(|store| look(&store, &written));
        let looked = looked.unwrap_or_else(|error| panic!("crash {crash}: {error:?}"));
        assert_eq!(looked.damaged, 0, "crash {crash}");
        assert!(
            (acknowledged..=tried).contains(&looked.held),
            "crash {crash}: {} held, {acknowledged} acknowledged, {tried} tried",
            looked.held
        );
        tally.more_than_told += u64::from(looked.held > acknowledged);
        acknowledged = looked.held;
        if acknowledged > written.len() - 50 {
            (image, acknowledged) = (fresh(&written), 1);
        }
    }
    told(&format!("{crashes} losses of power: {tally:?}"));
    assert!(tally.acknowledged >= crashes, "there was work between");
    assert!(tally.while_opening > 0 && tally.more_than_told > 0 && tally.sectors_lost > crashes);
}

/// The disk of a store that holds R alone.
fn fresh(written: &[Record]) -> Vec<u8> {
    let disk = PowerDisk::new(Vec::new(), u64::MAX);
    let at = disk.clone();
    drop(DiskStore::create_with_backend("power", move || Ok(at.clone()), &written[0]).unwrap());
    let mut all = Pcg64Mcg::seed_from_u64(0);
    disk.after(&mut all).0
}

fn open(disk: &PowerDisk) -> Result<DiskStore, fedag::store::Error> {
    let disk = disk.clone();
    DiskStore::open_with_backend("power", move || Ok(disk.clone()))
}

/// Appends and repairs until the power is out. Returns up to where it tried to append.
fn work(
    disk: &PowerDisk,
    written: &[Record],
    acknowledged: &mut usize,
    rng: &mut Pcg64Mcg,
    tally: &mut Tally,
) -> usize {
    let Ok(store) = open(disk) else {
        assert!(disk.is_out());
        tally.while_opening += 1;
        return *acknowledged;
    };
    while *acknowledged < written.len() {
        if rng.random_bool(0.1) {
            let at = rng.random_range(0..*acknowledged);
            let arrival = Arrival(u32::try_from(at).unwrap());
            if store.repair(arrival, &written[at].bytes).is_err() {
                assert!(disk.is_out());
                return *acknowledged;
            }
            continue;
        }
        let most = if rng.random_bool(0.1) { 40 } else { 4 };
        let up_to = (*acknowledged + rng.random_range(1..=most)).min(written.len());
        tally.appends += 1;
        if store.append(&written[*acknowledged..up_to]).is_err() {
            assert!(disk.is_out());
            return up_to;
        }
        tally.acknowledged += (up_to - *acknowledged) as u64;
        *acknowledged = up_to;
    }
    *acknowledged
}
