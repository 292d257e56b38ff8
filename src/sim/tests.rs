//! Machines in a simulated network: what one alone cannot show.

use std::time::Duration;

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
