//! Few machines, few events, every order in which things may happen.
//!
//! The machines are the real ones, each with the simulator's disk (`sim::host::Node`); they are driven as `sim` does it,
//! but what happens next is not drawn: all of it is tried. A state of the world has the machines with their disks (durable
//! events, appends that are not, effects that wait for them), the connections, what is on its way, and how often each
//! thing may still happen.
//!
//! What may happen: a user adds an event; the next message of a lane arrives; a commit ends; a due wakeup comes; a machine
//! waits for its next deadline; one restarts from its disk; a connection stands, or breaks, and all on its way there is lost.
//!
//! What is assumed, and why nothing is missed by it:
//! - **Lanes keep their order**, since QUIC's streams do: control one, each bulk stream another, and the two overtake each other.
//!   Loss, doubling and reordering are the work of connections that break: then a lane loses any end of what is on its way.
//! - **Time stands still but for `Wait`**, which takes one machine to its next deadline and is bounded. Each machine has its own
//!   clock, so any two drift apart as they like.
//! - **A connection may stand at any time** after it broke, as if the other machine had dialled; dials themselves are seen
//!   when a state is drained. Addresses are known from the beginning, and those told are left out.
//! - **Draining** stands for all that comes after: the disks are let finish, then either all connections break and all on its
//!   way is lost, or, where nothing is on its way, all stays as it is. From there on machines redial, talk and wait as they like, in
//!   one order, until they hold the same; an order in which something else is lost, or more is created, is a state of its own.
//!
//! That a session leaves nothing missing is said only of runs in which nobody waits: after 10 s without progress one side gives
//! a session up, and what follows may end as if whole while something is missing. Seen: bulk overtook its HELLO and was
//! passed over. Such a pair differs until a later session; that it converges is looked at in all runs.
//!
//! Steps of one machine are taken once and remembered (`engine`); a state of the world is a few numbers.
//!
//! Where that is too much, steps are **coarse**; the fine ones are explored too, with fewer events:
//! - What a machine does of itself (a walk's wakeup that is due, handing a stream over) follows at once.
//! - Events of others are committed at once. If a restart loses one, that is as if it had not arrived: nothing that could be
//!   seen left in between, as what is told waits for the disk (`told heads are durable`, checked in the fine ones as well).
//! - A bulk stream arrives as a whole or not at all.
//! - A push of an event that its receiver holds is taken from the lane at once, after making sure that it changes nothing.
//!
//! `FEDAG_MODEL=large cargo test --test it model:: -- --nocapture` explores more: three machines with two waits (takes more than
//! nine minutes), and two with three events and a restart in fine steps (845,000 states, 1 GB, 14 s).

mod drain;
mod engine;
mod host;
mod properties;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use fedag::event::key::MachineId;
use fedag::limits::TAKE_BYTES_MAX;
use fedag::mutant::{self, Mutant};
use fedag::sim::{Setup, Sim};
use fedag::sync::outflow::Asking;
use stateright::{Checker, Expectation, HasDiscoveries, Model};

use self::host::{Happens, Host};
use self::world::{Bounds, Network};

/// An exploration that takes longer is stopped, and fails; those that are asked for have an hour.
fn patience() -> Duration {
    Duration::from_secs(if is_large() { 3600 } else { 120 })
}

fn is_large() -> bool {
    std::env::var("FEDAG_MODEL").as_deref() == Ok("large")
}

/// States of the world, doubles included; one that generates more is stopped, and fails.
const STATES_MAX: usize = 40_000_000;

/// Two machines in step, fine steps, nothing that may happen.
const CALM: Bounds = Bounds {
    machines: 2,
    creates_each: 0,
    creates: 0,
    waits: 0,
    restarts: 0,
    cuts: 0,
    take_bytes: TAKE_BYTES_MAX,
    asking: Asking::USUAL,
    is_coarse: false,
    is_connected: true,
};

/// Explores all states; panics when a property does not hold, when one that should come up does not, and when it
/// was stopped before all were seen.
#[expect(clippy::print_stdout, reason = "figures for people, with --nocapture")]
fn explore(name: &str, bounds: &Bounds, seen: &[&str]) {
    let begun = Instant::now();
    let network = Network::new(bounds.clone(), members(bounds), None);
    let before = network.expanded.load(Ordering::Relaxed);
    let checker = network
        .checker()
        .threads(1)
        .timeout(patience())
        .target_state_count(STATES_MAX)
        .spawn_bfs()
        .join();
    let took = begun.elapsed();
    let (states, depth) = (checker.unique_state_count(), checker.max_depth());
    let expanded = checker.model().expanded.load(Ordering::Relaxed) - before;
    let (hosts, steps, letters) = checker.model().engine().size();
    println!(
        "{name}: {states} states, depth {depth}, {:.1} s, peak of the process {}; \
         {hosts} of single machines, {steps} steps of them, {letters} messages",
        took.as_secs_f64(),
        peak()
    );
    let mut came_up = BTreeSet::new();
    let discoveries: BTreeMap<_, _> = checker.discoveries().into_iter().collect();
    for (property, path) in discoveries {
        let acts = path.into_actions();
        let of = |wanted: &&stateright::Property<Network>| wanted.name == property;
        let properties = checker.model().properties();
        match properties.iter().find(of).map(|found| &found.expectation) {
            Some(Expectation::Sometimes) => came_up.insert(property),
            _ => panic!("{name}: not so: {property}, after {acts:?}"),
        };
    }
    for property in seen {
        assert!(came_up.contains(property), "{name}: never: {property}");
    }
    assert!(checker.is_done(), "{name}: all were seen");
    assert_eq!(expanded, states, "{name}: all were seen");
    assert!(
        took < patience() && checker.state_count() < STATES_MAX,
        "{name}: nothing stopped it"
    );
}

/// Names of the properties that do not hold when all machines are broken so; stops when `wanted` is among them.
pub(super) fn broken_by(mutant: Option<Mutant>, wanted: &'static str) -> BTreeSet<&'static str> {
    let coarse = Bounds {
        is_coarse: true,
        ..CALM
    };
    let all = [
        Bounds {
            creates_each: 2,
            creates: 3,
            restarts: 1,
            ..coarse.clone()
        },
        Bounds {
            creates_each: 2,
            creates: 2,
            waits: 1,
            take_bytes: 1,
            is_connected: false,
            ..coarse.clone()
        },
        Bounds {
            creates_each: 1,
            creates: 1,
            waits: 1,
            cuts: 1,
            ..coarse
        },
    ];
    let mut names = BTreeSet::new();
    for bounds in &all {
        names.append(&mut broken(bounds, mutant, wanted));
        if names.contains(wanted) {
            break;
        }
    }
    names
}

fn broken(bounds: &Bounds, mutant: Option<Mutant>, wanted: &'static str) -> BTreeSet<&'static str> {
    let network = Network::new(bounds.clone(), members(bounds), mutant);
    let checker = network
        .checker()
        .threads(1)
        .timeout(patience())
        .finish_when(HasDiscoveries::AnyOf(BTreeSet::from([wanted])))
        .spawn_bfs()
        .join();
    mutant::set(None);
    let properties = checker.model().properties();
    let always = properties
        .iter()
        .filter(|property| property.expectation == Expectation::Always);
    let discoveries = checker.discoveries();
    let names = always.map(|property| property.name);
    names
        .filter(|name| discoveries.contains_key(name))
        .collect()
}

/// Hosts that hold the same set, R and their admissions, opened from their disks.
fn members(bounds: &Bounds) -> Vec<Host> {
    let setup = Setup {
        take_bytes: bounds.take_bytes,
        asking: bounds.asking,
        ..Setup::default()
    };
    let mut sim = Sim::new(setup);
    for _ in 1..bounds.machines {
        sim.join(0);
    }
    assert!(sim.run_until_equal(Duration::from_secs(60)).is_some());
    let keys = (0..sim.hosts()).map(|at| sim.machine(at).machine());
    let keys: Vec<MachineId> = keys.collect();
    let opened = |at: usize| {
        let mut host = Host::new(sim.host(at).clone(), bounds.take_bytes == TAKE_BYTES_MAX);
        let others = keys.iter().filter(|key| **key != keys[at]);
        host.step(Happens::Restart(others.copied().collect()));
        host
    };
    (0..sim.hosts()).map(opened).collect()
}

/// Most memory that the process had at a time.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "unknown".to_owned(), |peak| peak.trim().to_owned())
}

#[test]
fn two_machines_with_two_events_and_a_restart_in_fine_steps() {
    let bounds = Bounds {
        creates_each: 2,
        creates: 2,
        restarts: 1,
        ..CALM
    };
    let seen = [
        "a restart lost an append",
        "converged while live",
        "a session streams",
    ];
    explore(
        "2 machines, 2 events, a restart, fine steps",
        &bounds,
        &seen,
    );
}

#[test]
fn two_machines_with_four_events_and_a_restart() {
    let bounds = Bounds {
        creates_each: 2,
        creates: 4,
        restarts: 1,
        is_coarse: true,
        ..CALM
    };
    let seen = [
        "an event has two parents",
        "a restart lost an append",
        "converged while live",
        "a session streams",
    ];
    explore("2 machines, 4 events, a restart", &bounds, &seen);
}

#[test]
fn three_machines_with_an_event_each_and_a_wait() {
    let bounds = Bounds {
        machines: 3,
        creates_each: 1,
        creates: 3,
        waits: 1,
        is_coarse: true,
        ..CALM
    };
    explore(
        "3 machines, 3 events, a wait",
        &bounds,
        &["an event has two parents", "converged while live"],
    );
}

#[test]
fn two_machines_with_two_events_a_cut_and_a_wait() {
    let bounds = Bounds {
        creates_each: 1,
        creates: 2,
        cuts: 1,
        waits: 1,
        is_coarse: true,
        ..CALM
    };
    explore(
        "2 machines, 2 events, a cut and a wait",
        &bounds,
        &["converged while live", "a session streams"],
    );
}

/// Credit for one event at a time: several sessions, one after the other.
#[test]
fn two_machines_with_three_events_and_little_credit() {
    let bounds = Bounds {
        creates_each: 2,
        creates: 3,
        take_bytes: 1,
        is_coarse: true,
        is_connected: false,
        ..CALM
    };
    explore(
        "2 machines, 3 events, little credit",
        &bounds,
        &["an event has two parents", "a session streams"],
    );
}

/// Whatever may be sent is offered first, an id at a time.
#[test]
fn two_machines_with_three_events_that_ask_first() {
    let bounds = Bounds {
        creates_each: 2,
        creates: 3,
        asking: Asking {
            above_bytes: 0,
            ids: 1,
        },
        is_coarse: true,
        is_connected: false,
        ..CALM
    };
    explore(
        "2 machines, 3 events, offers",
        &bounds,
        &[
            "an event has two parents",
            "a session asks",
            "a session streams",
        ],
    );
}

#[test]
fn more_of_all_when_asked_for() {
    if !is_large() {
        return;
    }
    let wait = Bounds {
        machines: 3,
        creates_each: 1,
        creates: 3,
        waits: 2,
        is_coarse: true,
        ..CALM
    };
    explore("3 x 1, two waits", &wait, &["an event has two parents"]);
    let fine = Bounds {
        creates_each: 2,
        creates: 3,
        restarts: 1,
        ..CALM
    };
    explore(
        "2 x 3, a restart, fine",
        &fine,
        &["a restart lost an append", "a session streams"],
    );
}
