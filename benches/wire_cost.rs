//! What it costs two or more machines to find out what they lack, and to get it: bytes of control, round trips, events
//! received for each event missing. `cargo bench --bench wire_cost`; design goals stand beside the figures.
//!
//! The machines are the real ones, in virtual time, over links of 10 ms each way and without end in bandwidth; every message
//! is counted with the bytes of its frame. A round trip is 20 ms of virtual time from the connection on.

#![expect(clippy::print_stdout, reason = "a bench tells its figures")]

use std::time::Duration;

use fedag::sim::traffic::Traffic;
use fedag::sim::{Setup, Sim};

/// One way.
const LATENCY: Duration = Duration::from_millis(10);
/// Events that both hold before they differ.
const BASE: usize = 100_000;

fn main() {
    println!("| what | control bytes | round trips | events missing | received / missing |");
    println!("|---|---|---|---|---|");
    let arguments: Vec<String> = std::env::args().collect();
    let is_quick = arguments.iter().any(|argument| argument == "--quick");
    let base = if is_quick { 2_000 } else { BASE };
    let most = if is_quick { 2_000 } else { 100_000 };
    for ahead in [0, 1, 1_000, 100_000] {
        pair(base, [ahead.min(most), 0]);
    }
    for (here, there) in [
        (1, 1),
        (500, 500),
        (5_000, 5_000),
        (50_000, 50_000),
        (5, 100_000),
    ] {
        pair(base, [here.min(most), there.min(most)]);
    }
    many_at_once();
    partition(if is_quick { 12 } else { 60 });
}

fn setup() -> Setup {
    Setup {
        latency: (LATENCY, LATENCY),
        bytes_per_second: u64::MAX / 1_000_000,
        commit: Duration::ZERO,
        ..Setup::default()
    }
}

/// Writes events of about 200 bytes, one by one: each is signed and stands on the one before.
fn write(sim: &mut Sim, host: usize, events: usize) {
    for number in 0..events {
        let text = format!("event {number} of host {host}: a line as a log has it");
        sim.create(host, &[&text]);
    }
}

/// Two machines that hold the same `base` events, and then each some of its own.
fn pair(base: usize, own: [usize; 2]) {
    let mut sim = Sim::new(setup());
    sim.join(0);
    for _ in 0..base / 1000 {
        sim.create(0, &["a shared event of the past"; 1000]);
        sim.run_for(Duration::from_millis(1));
    }
    let settled = sim.run_until_equal(Duration::from_secs(600));
    assert!(settled.is_some(), "the base is replicated");
    sim.run_for(Duration::from_secs(5));
    sim.cut(0, 1);
    for (host, events) in own.into_iter().enumerate() {
        write(&mut sim, host, events);
    }
    sim.run_for(Duration::from_millis(1));
    let what = match own {
        [0, 0] => "in step".to_owned(),
        [ahead, 0] => format!("one ahead by {ahead}"),
        [here, there] => format!("diverged by {here} + {there}"),
    };
    heal(&mut sim, &what, &[(0, 1)], &[1, 0].map(|other| own[other]));
}

/// Three groups that do not hear each other; everybody writes; then all links are mended.
fn partition(machines: usize) {
    let mut sim = Sim::new(setup());
    for host in 1..machines {
        if host % 8 == 0 {
            let settled = sim.run_until_equal(Duration::from_secs(600));
            assert!(settled.is_some(), "those that joined hold the same");
        }
        sim.join(host / 8);
    }
    assert!(sim.run_until_equal(Duration::from_secs(600)).is_some());
    let group = |host: usize| host % 3;
    let pairs: Vec<(usize, usize)> = (0..machines)
        .flat_map(|a| (a + 1..machines).map(move |b| (a, b)))
        .filter(|(a, b)| group(*a) != group(*b))
        .collect();
    for (a, b) in &pairs {
        sim.cut(*a, *b);
    }
    let mut written = [0; 3];
    for round in 0..20 {
        for host in 0..machines {
            sim.create(host, &[&format!("round {round}: a line as a log has it")]);
            written[group(host)] += 1;
        }
        sim.run_for(Duration::from_millis(100));
    }
    sim.run_for(Duration::from_secs(20));
    let all: usize = written.iter().sum();
    let missing: Vec<usize> = (0..machines)
        .map(|host| all - written[group(host)])
        .collect();
    heal(
        &mut sim,
        &format!("{machines} machines, three parts"),
        &pairs,
        &missing,
    );
}

/// One machine that was away meets eight peers which hold the same.
fn many_at_once() {
    let mut sim = Sim::new(setup());
    for _ in 0..8 {
        sim.join(0);
    }
    assert!(sim.run_until_equal(Duration::from_secs(600)).is_some());
    let pairs: Vec<(usize, usize)> = (0..8).map(|other| (other, 8)).collect();
    for (a, b) in &pairs {
        sim.cut(*a, *b);
    }
    write(&mut sim, 0, 5_000);
    write(&mut sim, 8, 500);
    let others: Vec<usize> = (0..8).collect();
    let settled = sim.run_until_equal_of(&others, Duration::from_secs(600));
    assert!(settled.is_some(), "the eight hold the same");
    // What they pushed to each other doubly arrives later, and is not part of the healing.
    sim.run_for(Duration::from_secs(5));
    let mut missing = vec![500; 8];
    missing.push(5_000);
    heal(&mut sim, "one of nine meets the others", &pairs, &missing);
}

/// Mends the links and prints what it took until all hold the same, in the row `what`.
fn heal(sim: &mut Sim, what: &str, pairs: &[(usize, usize)], missing: &[usize]) {
    let before: Vec<Traffic> = (0..sim.hosts()).map(|host| sim.traffic(host)).collect();
    for (a, b) in pairs {
        sim.heal(*a, *b);
    }
    let has_met = |sim: &Sim, (a, b): (usize, usize)| {
        let other = sim.machine(b).machine();
        let peers = sim.machine(a).peers();
        peers
            .iter()
            .any(|peer| peer.machine == other && peer.rtt.is_some())
    };
    let is_met = |sim: &Sim| pairs.iter().any(|pair| has_met(sim, *pair));
    while !is_met(sim) {
        assert!(sim.step(), "they meet again");
    }
    let took = sim.run_until_equal(Duration::from_secs(600));
    let took = took.expect("all hold the same in the end");
    let rounds = took.as_secs_f64() / (LATENCY * 2).as_secs_f64();
    // What is still on its way when the last event is there belongs to it.
    sim.run_for(Duration::from_secs(1));
    let spent = (0..sim.hosts()).map(|host| sim.traffic(host).since(&before[host]));
    let spent = spent.fold(Traffic::default(), |all, one| all.with(&one));
    let lacked: usize = missing.iter().sum();
    let ratio = if lacked == 0 {
        "-".to_owned()
    } else {
        #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
        let ratio = spent.events as f64 / lacked as f64;
        format!("{ratio:.3}")
    };
    println!(
        "| {what} | {} | {rounds:.1} | {lacked} | {ratio} |",
        spent.control_bytes
    );
}
