//! Machines in a simulated network: what one alone cannot show.

use std::time::Duration;

use crate::limits::{CREDENTIAL_LINKS_MAX, PEERS_MAX, PEERS_WANTED};
use crate::machine::effect::Refused;
use crate::machine::{PeerState, Phase};
use crate::sim::{Setup, Sim};

fn second(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn two_machines_converge_live() {
    let mut sim = Sim::new(Setup::default());
    sim.created(0, "before");
    let newcomer = sim.join(0);
    assert!(
        sim.run_until_equal(second(5)).is_some(),
        "a newcomer gets everything"
    );
    assert_eq!(sim.machine(newcomer).phase(), Phase::Live);
    for n in 0..20 {
        sim.create(n % 2, &[&format!("event {n}")]);
        sim.run_for(Duration::from_millis(7));
    }
    let took = sim
        .run_until_equal(second(5))
        .expect("both hold the same set");
    assert!(
        took < Duration::from_millis(100),
        "live events take {took:?}"
    );
    sim.run_for(second(1));
    let peers = sim.machine(0).peers();
    assert_eq!(
        peers.iter().map(|peer| peer.state).collect::<Vec<_>>(),
        [PeerState::InStep]
    );
    assert_eq!(sim.machine(0).dag().check(), Ok(()));
}

#[test]
fn a_cut_machine_goes_on_and_heals() {
    let mut sim = Sim::new(Setup::default());
    sim.join(0);
    sim.join(0);
    assert!(sim.run_until_equal(second(5)).is_some());
    sim.cut(0, 2);
    sim.cut(1, 2);
    for n in 0..300 {
        sim.create(n % 3, &[&format!("event {n}")]);
        sim.run_for(Duration::from_millis(3));
    }
    assert!(!sim.is_equal());
    sim.run_for(second(20));
    sim.heal(0, 2);
    sim.heal(1, 2);
    let took = sim
        .run_until_equal(second(60))
        .expect("both sides hold the same set");
    assert!(
        took < second(32),
        "a redial comes within the back-off: {took:?}"
    );
    assert_eq!(sim.machine(2).dag().len(), sim.machine(0).dag().len());
    assert_eq!(sim.machine(2).dag().check(), Ok(()));
}

#[test]
fn a_crash_loses_nothing_that_was_acknowledged() {
    let mut sim = Sim::new(Setup::default());
    sim.join(0);
    assert!(sim.run_until_equal(second(5)).is_some());
    let mut acknowledged = Vec::new();
    for n in 0..50 {
        acknowledged.push(sim.created(1, &format!("event {n}")));
        sim.create(1, &["not durable yet"]);
        if n % 10 == 0 {
            sim.crash(1);
        }
    }
    assert!(sim.run_until_equal(second(60)).is_some());
    for host in 0..2 {
        assert!(
            acknowledged
                .iter()
                .all(|id| sim.machine(host).dag().holds(*id))
        );
        assert!(
            !sim.machine(host).dag().is_forked(sim.machine(1).machine()),
            "a lost event was never told"
        );
    }
}

/// 300 events on each side of a cut, on a shared past of 3,000: the past is not sent again but for what lies between two ids of the locator.
#[test]
fn machines_that_diverged_send_each_other_what_is_missing_and_little_more() {
    let mut sim = Sim::new(Setup::default());
    sim.join(0);
    for _ in 0..30 {
        sim.create(0, &["shared"; 100]);
        sim.run_for(Duration::from_millis(20));
    }
    assert!(sim.run_until_equal(second(10)).is_some());
    sim.cut(0, 1);
    for n in 0..300 {
        sim.created(0, &format!("here {n}"));
        sim.created(1, &format!("there {n}"));
    }
    let before = [sim.received_bytes(0), sim.received_bytes(1)];
    let bytes_of = |sim: &Sim, host: usize| -> u64 {
        let own = sim.machine(host).dag().last_of(sim.machine(host).machine());
        let author = sim.machine(host).dag().author(own.expect("it wrote"));
        let written = sim.host(host).log.iter().rev().take(300);
        assert!(written.clone().all(|append| append.row.author == author));
        written.map(|append| u64::from(append.row.length)).sum()
    };
    let missing = [bytes_of(&sim, 1), bytes_of(&sim, 0)];
    sim.heal(0, 1);
    assert!(sim.run_until_equal(second(60)).is_some());
    for host in 0..2 {
        let received = sim.received_bytes(host) - before[host];
        assert!(
            received * 10 <= missing[host] * 13,
            "host {host} received {received} bytes, {} were missing",
            missing[host]
        );
    }
}

/// Each machine lets the next one in; the last of them would be a member whose credential nobody reads.
#[test]
fn a_chain_of_admissions_ends_where_a_credential_does() {
    let mut sim = Sim::new(Setup::default());
    for host in 0..CREDENTIAL_LINKS_MAX {
        sim.join(host);
        // Only the two talk: a chain, not a mesh.
        sim.run_for(Duration::from_millis(60));
    }
    let max = CREDENTIAL_LINKS_MAX;
    assert_eq!(sim.try_admit(max), Err(Refused::ChainTooLong { max }));
    assert!(sim.try_admit(max - 1).is_ok());
}

#[test]
fn visits_keep_the_number_of_peers_within_bounds() {
    let mut sim = Sim::new(Setup::default());
    for _ in 0..60 {
        sim.join(0);
    }
    assert!(sim.run_until_equal(second(180)).is_some());
    let connected = |sim: &Sim, host: usize| {
        let peers = sim.machine(host).peers();
        peers.iter().filter(|peer| peer.rtt.is_some()).count()
    };
    for minute in 0..10 {
        sim.create(minute, &["so that visits are of use"]);
        sim.run_for(second(60));
    }
    let counts: Vec<_> = (0..60).map(|host| connected(&sim, host)).collect();
    assert!(
        counts
            .iter()
            .all(|count| (PEERS_WANTED..=PEERS_MAX).contains(count)),
        "{counts:?}"
    );
    // Each chooses so many, and is chosen by as many on average: visits add none that stay.
    assert!(
        counts.iter().sum::<usize>() <= 60 * 2 * PEERS_WANTED,
        "{counts:?}"
    );
    assert!((0..60).all(|host| sim.machine(host).faults().is_empty()));
}
