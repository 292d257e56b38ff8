//! Whole runs, drawn by a seed: a network, what its users do, and what goes wrong; then all is mended.
//!
//! A [`Plan`] says everything about a run, and [`Plan::command`] is the line that repeats it. In the first phase the users write
//! while machines crash and links fail as the plan's rates say; every step is checked (`Property`). In the second all faults are
//! over, and all machines must come to hold the same set: all that was ever on a disk.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod joins;
mod plan;
mod report;
mod strike;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

pub use crate::sim::storm::plan::Plan;
pub use crate::sim::storm::report::Report;

use crate::dag::Dag;
use crate::event::control::Rules;
use crate::limits::{
    CONVERGE_SIMULATED_MAX, EVENT_BYTES_DEFAULT, HANDSHAKE, HEADS_TOLD_MAX, PARENTS_DEFAULT,
    SEND_QUEUE_BYTES, SEND_QUEUE_MESSAGES, SHOWN_SIMULATED_MAX, TAKE_BYTES_MAX,
};
use crate::machine::effect::Refused;
use crate::machine::{PeerState, PeerView, Phase};
use crate::sim::counts::Rare;
use crate::sim::faults::{Faults, Mode};
use crate::sim::links::Host;
use crate::sim::property::{Broken, Property};
use crate::sim::storm::joins::Joiner;
use crate::sim::{Setup, Sim};
use crate::sync::outflow::Asking;
use crate::time::Time;

/// Offers of few, so that they come about where events are few.
const FEW: Asking = Asking {
    above_bytes: 500,
    ids: 4,
};

/// Strikes between two full checks; a guess: so that they cost less than the steps.
const CHECK_EVERY: u64 = 40;

/// A run under way.
#[derive(Debug)]
struct Storm {
    plan: Plan,
    sim: Sim,
    rng: Pcg64Mcg,
    /// Events that users asked for so far.
    asked: usize,
    strikes: u64,
    joiners: Vec<Joiner>,
}

/// Runs a plan. `progress` is told how many of the plan's events were asked for.
///
/// # Errors
/// The first property that did not hold.
pub fn run(plan: &Plan, mut progress: impl FnMut(usize)) -> Result<Report, Broken> {
    let ran = catch_unwind(AssertUnwindSafe(|| Storm::new(*plan).run(&mut progress)));
    ran.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        Err(Broken {
            property: Property::NoPanic,
            host: None,
            at: Time(0),
            what: text.unwrap_or_default(),
        })
    })
}

impl Storm {
    fn new(plan: Plan) -> Self {
        let mut rng = Pcg64Mcg::seed_from_u64(plan.seed ^ 0x5107_2000);
        let setup = if plan.is_calm() {
            Setup {
                seed: plan.seed,
                ..Setup::default()
            }
        } else {
            draw_setup(&plan, &mut rng)
        };
        Self {
            plan,
            sim: Sim::watched(setup),
            rng,
            asked: 0,
            strikes: 0,
            joiners: Vec::new(),
        }
    }

    fn run(mut self, progress: &mut impl FnMut(usize)) -> Result<Report, Broken> {
        self.gather()?;
        if self.plan.machines > HEADS_TOLD_MAX && self.plan.cut > 0.0 {
            self.scatter();
        }
        self.sim.setup.faults = Faults {
            mode: self.plan.mode,
            loss: self.plan.loss,
            duplicate: self.plan.loss,
            reorder: self.plan.loss,
        };
        while self.asked < self.plan.events {
            self.strike();
            if self.strikes.is_multiple_of(CHECK_EVERY) {
                self.sim.check_all();
            }
            self.unbroken()?;
            progress(self.asked);
        }
        self.finish()
    }

    /// The machines that are there before anything goes wrong.
    fn gather(&mut self) -> Result<(), Broken> {
        let all = self.plan.machines;
        let is_whole = self.plan.is_calm() || all > HEADS_TOLD_MAX;
        let first = if is_whole { all } else { all - all / 3 };
        for host in 1..first {
            let via = self.rng.random_range(0..host);
            let is_member = self.sim.machine(via).phase() != Phase::Joining;
            let via = if is_member { via } else { 0 };
            let newcomer = self.sim.admit(via);
            self.introduce(newcomer, via);
            self.unbroken()?;
        }
        for serial in first..all {
            self.joiners.push(Joiner::new(&self.sim, serial));
        }
        self.converge().map(drop)
    }

    /// All faults end, everybody comes in, and all converge.
    fn finish(mut self) -> Result<Report, Broken> {
        self.mend();
        let limit = self.sim.now() + CONVERGE_SIMULATED_MAX;
        while !self.joiners.is_empty() {
            self.join();
            self.sim.run_for(Duration::from_millis(500));
            self.unbroken()?;
            if self.sim.now() > limit {
                let what = format!("{} machines are not let in", self.joiners.len());
                return Err(self.broken(Property::Converges, None, what));
            }
        }
        let healed = self.converge()?;
        self.check_end()?;
        if self.plan.mode == Mode::Quic {
            self.check_shown()?;
        }
        Ok(self.report(healed))
    }

    /// A late message of an earlier connection may show an old state until the next session, so only when there are none.
    fn check_shown(&mut self) -> Result<(), Broken> {
        let limit = self.sim.now() + SHOWN_SIMULATED_MAX;
        while let Some((host, what)) = self.find_odd() {
            if self.sim.now() > limit {
                return Err(self.broken(Property::ShownInStep, Some(host), what));
            }
            self.sim.run_for(Duration::from_millis(200));
            self.unbroken()?;
        }
        Ok(())
    }

    /// A connected peer that is not shown as in step.
    fn find_odd(&self) -> Option<(Host, String)> {
        (0..self.sim.hosts()).find_map(|host| {
            let peers = self.sim.machine(host).peers();
            let is_odd = |peer: &&PeerView| peer.rtt.is_some() && peer.state != PeerState::InStep;
            let odd = peers.iter().find(is_odd)?;
            let number = self.sim.find(odd.machine);
            Some((
                host,
                format!("machine {number} is shown as {:?}", odd.state),
            ))
        })
    }

    /// Nothing goes wrong any more.
    fn mend(&mut self) {
        self.sim.setup.faults = Faults {
            mode: self.plan.mode,
            ..Faults::default()
        };
        for (from, to) in self.sim.links.cuts() {
            self.sim.unblock(from, to);
        }
        // What waits for a slow link would hold up what is sent after it.
        let slow: Vec<(Host, Host)> = self.sim.outboxes.keys().copied().collect();
        for (a, b) in slow {
            self.sim.disconnect(a, b);
        }
        for host in 0..self.sim.hosts() {
            self.sim.links.set_bandwidth(host, None);
            self.sim.hosts[host].fails_next = false;
            if self.plan.mode == Mode::Unbounded {
                for peer in self.sim.links.peers_of(host) {
                    self.sim.disconnect(host, peer);
                }
            }
        }
    }

    fn converge(&mut self) -> Result<Duration, Broken> {
        let took = self.sim.run_until_equal(CONVERGE_SIMULATED_MAX);
        self.unbroken()?;
        took.ok_or_else(|| self.not_converged())
    }

    fn not_converged(&self) -> Broken {
        let dags = (0..self.sim.hosts()).map(|host| self.sim.machine(host).dag());
        let lens: Vec<u32> = dags.clone().map(Dag::len).collect();
        let sets: BTreeSet<_> = dags.map(|dag| dag.digest().0).collect();
        let what = format!("{} different sets; events held: {lens:?}", sets.len());
        self.broken(Property::Converges, None, what)
    }

    fn check_end(&mut self) -> Result<(), Broken> {
        self.sim.check_all();
        self.unbroken()?;
        for host in 0..self.sim.hosts() {
            if let Some(watched) = &self.sim.watched
                && let Err((property, what)) = watched.watch.at_end(host)
            {
                return Err(self.broken(property, Some(host), what));
            }
            let machine = self.sim.machine(host);
            if machine.pending() > 0 {
                let what = format!("{} events wait, and nothing is missing", machine.pending());
                return Err(self.broken(Property::Bounded, Some(host), what));
            }
        }
        Ok(())
    }

    fn broken(&self, property: Property, host: Option<Host>, what: String) -> Broken {
        Broken {
            property,
            host,
            at: self.sim.now(),
            what,
        }
    }

    fn unbroken(&self) -> Result<(), Broken> {
        self.sim.broken().cloned().map_or(Ok(()), Err)
    }

    /// What users were answered; what it says is checked when it is said.
    fn read_answers(&mut self) {
        for host in 0..self.sim.hosts() {
            for (request, answer) in std::mem::take(&mut self.sim.hosts[host].answers) {
                if self
                    .joiners
                    .iter()
                    .any(|joiner| joiner.asked(host, request))
                {
                    self.sim.hosts[host].answers.insert(request, answer);
                } else if answer == Err(Refused::StillJoining) {
                    self.sim.counts.note(Rare::StillJoining);
                }
            }
        }
    }
}

/// A network as it may be, drawn.
fn draw_setup(plan: &Plan, rng: &mut Pcg64Mcg) -> Setup {
    let ms = Duration::from_millis;
    let latency = [(1, 5), (5, 15), (20, 120)][rng.random_range(0..3)];
    let queue = [
        (4, 4 << 10),
        (64, 64 << 10),
        (SEND_QUEUE_MESSAGES, SEND_QUEUE_BYTES),
    ];
    Setup {
        seed: plan.seed,
        latency: (ms(latency.0), ms(latency.1)),
        bytes_per_second: [1_000_000, 50_000_000][rng.random_range(0..2)],
        commit: ms(rng.random_range(1..25)),
        rules: Rules {
            event_bytes_max: EVENT_BYTES_DEFAULT,
            parents_max: [2, 4, PARENTS_DEFAULT, PARENTS_DEFAULT][rng.random_range(0..4)],
        },
        take_bytes: [2_000, 20_000, TAKE_BYTES_MAX][rng.random_range(0..3)],
        asking: [FEW, FEW, Asking::default()][rng.random_range(0..3)],
        faults: Faults::default(),
        dial_patience: HANDSHAKE,
        send_queue: queue[rng.random_range(0..3)],
    }
}
