//! Many machines, seeds, and whatever may go wrong; all end in one DAG.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fedag::machine::input::{Input, Link};
use fedag::sim::counts::Counts;
use fedag::sim::property::Broken;
use fedag::sim::storm::{self, Plan, Report};
use fedag::sim::{Setup, Sim};
use fedag::time::Time;
use fedag::wire::Message;

/// Seeds that `cargo test` runs; `FEDAG_SEEDS` for more, `FEDAG_SEED` for the first.
const SEEDS: u64 = 200;

/// What happens in every network that comes together.
const NORMAL: &[&str] = &[
    "admission_pending",
    "compare_only",
    "crossed_dials",
    "crossed_hellos",
];

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// Runs plans on two threads; what came of each, in order.
fn run_all(plans: &[Plan]) -> Vec<Result<Report, Broken>> {
    let next = AtomicU64::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Ok(at) = usize::try_from(next.fetch_add(1, Ordering::Relaxed))
            && let Some(plan) = plans.get(at)
        {
            done.push((at, storm::run(plan, |_| {})));
        }
        done
    };
    let mut all: Vec<_> = std::thread::scope(|scope| {
        let threads = [scope.spawn(work), scope.spawn(work)];
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, result)| result).collect()
}

/// The first broken property and the line that repeats it.
fn good(plan: &Plan, result: Result<Report, Broken>) -> Report {
    match result {
        Ok(report) => report,
        Err(broken) => panic!("{broken}\nrepeat: {}", plan.command()),
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "what a run did is for people to read")]
fn whatever_goes_wrong_all_hold_one_dag_in_the_end() {
    let (seeds, first) = (number("FEDAG_SEEDS", SEEDS), number("FEDAG_SEED", 0));
    let plans: Vec<Plan> = (first..first + seeds).map(Plan::of_seed).collect();
    let begun = Instant::now();
    let mut counts = Counts::default();
    let (mut events, mut healed) = (0, Duration::ZERO);
    for (plan, result) in plans.iter().zip(run_all(&plans)) {
        let report = good(plan, result);
        counts.add(&report.counts);
        events += u64::from(report.held) * plan.machines as u64;
        healed = healed.max(report.healed);
    }
    let machines: usize = plans.iter().map(|plan| plan.machines).sum();
    let most = plans.iter().map(|plan| plan.machines).max();
    println!(
        "{seeds} seeds, {machines} machines, at most {most:?} in one run, {events} events held by them; healed within {healed:?} of virtual time; {:.1} s",
        begun.elapsed().as_secs_f64()
    );
    for (name, times) in counts.all() {
        println!("  {name}: {times}");
    }
    let unreached: Vec<&str> = counts
        .all()
        .filter(|(_, times)| *times == 0)
        .map(|(name, _)| name)
        .collect();
    assert!(
        seeds < SEEDS || unreached.is_empty(),
        "states that the generator does not reach: {unreached:?}"
    );
}

#[test]
fn the_same_seed_is_the_same_run() {
    let plans: Vec<Plan> = (0..10).chain(0..10).map(Plan::of_seed).collect();
    let hashes: Vec<String> = plans
        .iter()
        .zip(run_all(&plans))
        .map(|(plan, result)| good(plan, result).trace_hash)
        .collect();
    let (once, again) = hashes.split_at(10);
    assert_eq!(once, again);
    let distinct: std::collections::BTreeSet<&String> = once.iter().collect();
    assert_eq!(distinct.len(), 10, "another seed is another run");
}

#[test]
fn without_faults_everything_arrives_and_nothing_rare_happens() {
    let plan = Plan {
        machines: 8,
        events: 100,
        writers: 8,
        loss: 0.0,
        crash: 0.0,
        cut: 0.0,
        ..Plan::of_seed(7)
    };
    let report = good(&plan, storm::run(&plan, |_| {}));
    assert!(
        report.held > 100,
        "R, the admissions and what was asked for"
    );
    assert!(report.last_delivery < ms(500), "{:?}", report.last_delivery);
    for (name, times) in report.counts.all() {
        let is_normal = NORMAL.contains(&name);
        assert!(times == 0 || is_normal, "{name}: {times}");
    }
}

/// A peer whose session hangs pushed an event that lacks its parent: the machine wakes for deadlines, not all the time.
#[test]
fn a_waiting_event_does_not_keep_the_machine_awake() {
    let mut sim = Sim::new(Setup::default());
    sim.join(0);
    assert!(sim.run_until_equal(Duration::from_secs(5)).is_some());
    sim.cut(0, 1);
    let peer = sim.machine(1).machine();
    let link = Link {
        rtt: ms(20),
        address: "10.0.0.1:4433".parse().unwrap(),
        dialled: false,
    };
    sim.give(0, Input::Connected { peer, link });
    push_without_its_parent(&mut sim);
    assert_sleeps(&mut sim);
}

/// The same while that peer's heads, as told before, are ours: what came to it by bulk it tells late, what came live at once.
#[test]
fn a_waiting_event_of_a_peer_that_seems_in_step_does_not_keep_the_machine_awake() {
    let mut sim = Sim::new(Setup::default());
    sim.join(0);
    assert!(sim.run_until_equal(Duration::from_secs(5)).is_some());
    sim.run_for(Duration::from_secs(1));
    sim.block(1, 0);
    push_without_its_parent(&mut sim);
    assert_sleeps(&mut sim);
}

fn push_without_its_parent(sim: &mut Sim) {
    let peer = sim.machine(1).machine();
    sim.created(1, "first");
    sim.created(1, "second");
    let last = sim.host(1).log.last().unwrap().event.clone();
    let message = Message::Push(vec![last]);
    sim.give(0, Input::Received { peer, message });
    assert_eq!(sim.machine(0).pending(), 1);
}

fn assert_sleeps(sim: &mut Sim) {
    let (begun, until) = (sim.happened(), Time(sim.now().0 + 9_000_000));
    while sim.now() < until && sim.happened() < begun + 1_000 {
        sim.step();
    }
    assert!(sim.happened() < begun + 1_000, "it wakes all the time");
}
