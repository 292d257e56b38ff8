//! Many machines, seeds, cuts and crashes; all end in one DAG.

use std::collections::BTreeSet;
use std::time::Duration;

use fedag::event::id::EventId;
use fedag::limits::TAKE_BYTES_MAX;
use fedag::machine::effect::Answer;
use fedag::machine::input::{Input, Link};
use fedag::machine::{PeerState, Phase};
use fedag::sim::{Setup, Sim};
use fedag::time::Time;
use fedag::wire::Message;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// What happens to a network, drawn by a seed; all acknowledged events.
struct Storm {
    sim: Sim,
    rng: Pcg64Mcg,
    acknowledged: BTreeSet<EventId>,
    cuts: Vec<(usize, usize)>,
}

impl Storm {
    fn new(seed: u64) -> Self {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let setup = Setup {
            seed,
            take_bytes: [2_000, 20_000, TAKE_BYTES_MAX][rng.random_range(0..3)],
            ..Setup::default()
        };
        let mut sim = Sim::new(setup);
        for host in 1..rng.random_range(4..=10) {
            let via = rng.random_range(0..host);
            let is_member = sim.machine(via).phase() != Phase::Joining;
            sim.join(if is_member { via } else { 0 });
        }
        Self {
            sim,
            rng,
            acknowledged: BTreeSet::new(),
            cuts: Vec::new(),
        }
    }

    /// One thing that happens.
    fn strike(&mut self) {
        let hosts = self.sim.hosts();
        let host = self.rng.random_range(0..hosts);
        let other = (host + self.rng.random_range(1..hosts)) % hosts;
        match self.rng.random_range(0..10) {
            0..5 => {
                let texts: Vec<String> = (0..self.rng.random_range(1..60))
                    .map(|n| format!("event {n}"))
                    .collect();
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                self.sim.create(host, &texts);
            }
            5 => self
                .sim
                .create(host, &[&"large ".repeat(self.rng.random_range(3..8_000))]),
            6 => self.sim.crash(host),
            7 => {
                self.sim.cut(host, other);
                self.cuts.push((host, other));
            }
            _ => {
                if let Some((a, b)) = self.cuts.pop() {
                    self.sim.heal(a, b);
                }
            }
        }
        self.sim.run_for(ms(self.rng.random_range(0..400)));
        for host in 0..hosts {
            let answers = self.sim.host(host).answers.values();
            let created = answers.filter_map(|answer| match answer {
                Ok(Answer::Created(ids)) => Some(ids.clone()),
                Ok(Answer::Invited(_) | Answer::Admitted(_)) | Err(_) => None,
            });
            self.acknowledged.extend(created.flatten());
        }
    }

    fn end(mut self, seed: u64) {
        for (a, b) in std::mem::take(&mut self.cuts) {
            self.sim.heal(a, b);
        }
        let took = self.sim.run_until_equal(Duration::from_secs(300));
        assert!(took.is_some(), "seed {seed}: they do not converge");
        for host in 0..self.sim.hosts() {
            let dag = self.sim.machine(host).dag();
            assert_eq!(dag.check(), Ok(()), "seed {seed}, host {host}");
            let lost = self.acknowledged.iter().find(|id| !dag.holds(**id));
            assert_eq!(lost, None, "seed {seed}: host {host} lost it");
            let faults = self.sim.machine(host).faults();
            assert!(faults.is_empty(), "seed {seed}: {faults:?}");
        }
        self.sim.run_for(Duration::from_secs(5));
        for host in 0..self.sim.hosts() {
            let peers = self.sim.machine(host).peers();
            let odd = peers
                .iter()
                .find(|peer| peer.rtt.is_some() && peer.state != PeerState::InStep);
            assert_eq!(odd, None, "seed {seed}, host {host}");
        }
    }
}

#[test]
fn whatever_is_cut_and_crashes_all_hold_one_dag_in_the_end() {
    let seeds = std::env::var("FEDAG_SEEDS").map_or(24, |seeds| seeds.parse().unwrap());
    let first = std::env::var("FEDAG_SEED").map_or(0, |seed| seed.parse().unwrap());
    for seed in first..first + seeds {
        let mut storm = Storm::new(seed);
        for _ in 0..60 {
            storm.strike();
        }
        storm.end(seed);
    }
}

/// A peer whose session hangs pushed an event that lacks its parent: the machine wakes for deadlines, not all the time.
#[test]
fn a_waiting_event_does_not_keep_the_machine_awake() {
    let mut sim = Sim::new(Setup::default());
    sim.join(0);
    assert!(sim.run_until_equal(Duration::from_secs(5)).is_some());
    sim.cut(0, 1);
    sim.created(1, "first");
    sim.created(1, "second");
    let last = sim.host(1).log.last().unwrap().event.clone();
    let peer = sim.machine(1).machine();
    let link = Link {
        rtt: ms(20),
        address: "10.0.0.1:4433".parse().unwrap(),
        dialled: false,
    };
    sim.give(0, Input::Connected { peer, link });
    let message = Message::Push(vec![last]);
    sim.give(0, Input::Received { peer, message });
    assert_eq!(sim.machine(0).pending(), 1);
    let begun = sim.happened();
    while sim.now() < Time(10_000_000) && sim.happened() < begun + 1_000 {
        sim.step();
    }
    assert!(sim.happened() < begun + 1_000, "it wakes all the time");
}
