//! Real nodes over a virtual network in virtual time: QUIC, TLS, greetings, joining by ticket, driver, control protocol.
//!
//! One thread runs everything; its clock jumps to the next timer. Pools and the store run inline (`Workers::Inline`), so
//! nothing but virtual time passes, and a seed does the same again: packets are lost, doubled, delayed and out of order, links
//! are cut for up to 30 seconds, nodes are stopped, or lose power, and start again from their stores.
//!
//! `FEDAG_VIRTUAL_SEEDS=2000 cargo test --test it virtual` runs more seeds; `FEDAG_VIRTUAL_SEED=7` begins at that one.

mod ether;
mod lab;
mod witness;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use fedag::limits::PEERS_MAX;
use fedag::store::Store;
use rand::RngExt;
use tokio::time::{Instant, sleep};

use ether::{Fate, Weather};
use lab::Lab;
use witness::Witness;

/// From the end of all cuts and restarts until all hold the same.
const HEALED: Duration = Duration::from_secs(120);

thread_local! {
    /// Panics on this thread, those in tasks included.
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

/// Runs `work` in virtual time on this thread alone. No task may panic, and no other thread may work.
fn in_virtual_time<T>(work: impl Future<Output = T>) -> T {
    static COUNTING: Once = Once::new();
    COUNTING.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.with(|panics| panics.set(panics.get() + 1));
            before(info);
        }));
    });
    let (panics, threads) = (PANICS.get(), Arc::new(AtomicBool::new(false)));
    let seen = threads.clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .on_thread_start(move || seen.store(true, Ordering::SeqCst))
        .build()
        .unwrap();
    let result = runtime.block_on(work);
    assert_eq!(PANICS.get(), panics, "a task panicked");
    assert!(
        !threads.load(Ordering::SeqCst),
        "another thread worked in virtual time"
    );
    result
}

/// What can be told of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Story {
    /// Of every input and effect of every machine.
    steps: u64,
    trace: u64,
    /// Of every packet: time, addresses, length, fate.
    packets: u64,
    fate: Fate,
    events: usize,
    acknowledged: usize,
    restarts: usize,
    converged_after: Duration,
    took: Duration,
    machines: usize,
}

/// A network in bad weather.
struct Storm {
    lab: Lab,
    /// When a host that is down starts again.
    returns: Vec<(Instant, usize)>,
    restarts: usize,
}

impl Storm {
    async fn new(seed: u64, witness: Witness) -> Self {
        let mut storm = Self {
            lab: Lab::new(seed, witness),
            returns: Vec::new(),
            restarts: 0,
        };
        storm.change_weather();
        let hosts = storm.lab.rng.random_range(3..=5);
        for host in 1..hosts {
            let via = storm.lab.rng.random_range(0..host);
            storm.lab.join(via).await;
        }
        storm
    }

    fn change_weather(&mut self) {
        let rng = &mut self.lab.rng;
        let least = rng.random_range(1..=50);
        let weather = Weather {
            loss: rng.random_range(0..=30),
            doubled: rng.random_range(0..=15),
            latency_ms: (least, least + rng.random_range(0..=150)),
        };
        self.lab.ether.set_weather(weather);
    }

    /// One thing that happens.
    async fn strike(&mut self) {
        let up = self.lab.up();
        let hosts = self.lab.hosts.len();
        let host = up[self.lab.rng.random_range(0..up.len())];
        let other = (host + self.lab.rng.random_range(1..hosts)) % hosts;
        match self.lab.rng.random_range(0..20) {
            0..9 => {
                let (count, bytes) = (
                    self.lab.rng.random_range(1..30),
                    self.lab.rng.random_range(0..400),
                );
                self.lab.add(host, count, bytes).await;
            }
            9 => {
                let bytes = self.lab.rng.random_range(10_000..60_000);
                self.lab.add(host, 1, bytes).await;
            }
            10 => self.lab.add(host, 400, 300).await,
            11..15 => {
                let long = Duration::from_millis(self.lab.rng.random_range(100..=30_000));
                self.lab.ether.cut(host, other, long);
                if self.lab.rng.random_range(0..2) == 0 {
                    self.lab.ether.cut(other, host, long);
                }
            }
            15 | 16 => self.change_weather(),
            17 => self.down(host, up.len(), false).await,
            18 => self.down(host, up.len(), true).await,
            _ => sleep(Duration::from_secs(5)).await,
        }
        let pause = self.lab.rng.random_range(0..1_500);
        sleep(Duration::from_millis(pause)).await;
        self.lab.note_answers();
        self.restart(Instant::now());
    }

    /// A host stops, well or not; one stays up.
    async fn down(&mut self, host: usize, up: usize, well: bool) {
        if up == 1 {
            return;
        }
        if well {
            self.lab.stop(host).await;
        } else {
            self.lab.kill(host);
        }
        let pause = Duration::from_millis(self.lab.rng.random_range(100..20_000));
        self.returns.push((Instant::now() + pause, host));
    }

    /// Those come back whose time has come.
    fn restart(&mut self, now: Instant) {
        let due: Vec<_> = self.returns.extract_if(.., |(at, _)| *at <= now).collect();
        for (_, host) in due {
            self.lab.start(host);
            self.restarts += 1;
        }
    }

    /// The weather clears up, and everything must be well.
    async fn end(mut self, seed: u64) -> Story {
        sleep(Duration::from_millis(100)).await; // What was killed just now ends first.
        self.restart(Instant::now() + Duration::from_secs(3600));
        self.lab.ether.heal();
        self.lab.ether.set_weather(Weather {
            loss: 3,
            doubled: 3,
            latency_ms: (5, 40),
        });
        let converged = self.lab.converged(HEALED).await;
        let lab = &mut self.lab;
        let mut events = 0;
        let Some(converged_after) = converged else {
            let mut all = Vec::new();
            for host in 0..lab.hosts.len() {
                all.push(lab.status(host).await);
            }
            panic!("seed {seed}: they do not converge: {all:#?}");
        };
        for host in 0..lab.hosts.len() {
            let index = lab.hosts[host].store.index().unwrap();
            let held: BTreeSet<_> = index.rows.iter().map(|row| row.id.to_string()).collect();
            let lost: Vec<_> = lab.acknowledged.difference(&held).collect();
            assert!(lost.is_empty(), "seed {seed}: host {host} lacks {lost:?}");
            let faults = lab.status(host).await.faults;
            assert!(faults.is_empty(), "seed {seed}: host {host}: {faults:?}");
            let wrong = lab.verify(host).await;
            assert!(wrong.is_empty(), "seed {seed}: host {host}: {wrong:?}");
            events = held.len();
        }
        let wrong = lab.witness.wrong();
        assert!(wrong.is_empty(), "seed {seed}: {wrong:?}");
        for host in 0..lab.hosts.len() {
            lab.stop(host).await;
        }
        Story {
            steps: lab.witness.steps(),
            trace: lab.witness.trace(),
            packets: lab.ether.trace(),
            fate: lab.ether.fate(),
            events,
            acknowledged: lab.acknowledged.len(),
            restarts: self.restarts,
            converged_after,
            took: lab.begun().elapsed(),
            machines: lab.hosts.len(),
        }
    }
}

/// One seed, from its beginning to its end.
fn run(seed: u64, witness: Witness) -> Story {
    let wall = std::time::Instant::now();
    let story = in_virtual_time(async {
        let mut storm = Storm::new(seed, witness).await;
        for _ in 0..60 {
            storm.strike().await;
        }
        storm.end(seed).await
    });
    assert!(
        wall.elapsed() < story.took / 2,
        "seed {seed}: real time passed"
    );
    story
}

fn from_env(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[test]
#[expect(clippy::print_stdout, reason = "figures for people, with --nocapture")]
fn whatever_the_network_does_all_hold_one_dag_in_the_end() {
    let first = from_env("FEDAG_VIRTUAL_SEED", 0);
    let seeds = from_env("FEDAG_VIRTUAL_SEEDS", 50);
    let next = AtomicU64::new(first);
    let begun = std::time::Instant::now();
    let some = || {
        let mut stories = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::SeqCst);
            if seed >= first + seeds {
                return stories;
            }
            stories.push(run(seed, Witness::default()));
        }
    };
    // Each seed has one thread, but two seeds may run side by side.
    let stories = std::thread::scope(|scope| {
        let other = scope.spawn(some);
        [some(), other.join().unwrap()].concat()
    });
    assert_eq!(stories.len() as u64, seeds);
    let sum = |count: fn(&Story) -> usize| stories.iter().map(count).sum::<usize>();
    let packets = |count: fn(&Fate) -> u64| stories.iter().map(|s| count(&s.fate)).sum::<u64>();
    let virtual_time: Duration = stories.iter().map(|story| story.took).sum();
    let slowest = stories.iter().max_by_key(|story| story.converged_after);
    let restarts = sum(|story| story.restarts);
    println!(
        "{seeds} seeds from {first}: {} machines, {restarts} restarts, {} events acknowledged, {} packets; \
         slowest convergence {:.1} s of {:.0} s of virtual time; {:.1} s on the wall",
        sum(|story| story.machines),
        sum(|story| story.acknowledged),
        packets(|fate| fate.sent),
        slowest.map_or(0.0, |story| story.converged_after.as_secs_f64()),
        virtual_time.as_secs_f64(),
        begun.elapsed().as_secs_f64()
    );
    let fates: [fn(&Fate) -> u64; 4] = [
        |fate| fate.lost,
        |fate| fate.cut,
        |fate| fate.doubled,
        |fate| fate.overtook,
    ];
    for count in fates {
        assert!(packets(count) > 0, "the sun shone");
    }
    assert!(restarts > 0, "nobody was stopped");
}

/// Its packets wait in QUIC for as long as it takes; meanwhile both machines say nothing, and see that they differ.
#[test]
fn a_stream_that_takes_longer_than_machines_stay_quiet_arrives() {
    in_virtual_time(async {
        let mut lab = Lab::new(1, Witness::default());
        lab.join(0).await;
        assert!(lab.converged(HEALED).await.is_some());
        lab.kill(1);
        sleep(Duration::from_millis(100)).await;
        // In one frame, so that nothing of it is taken before all of it is there.
        for _ in 0..2 {
            lab.add(0, 250, 400).await;
        }
        lab.ether.set_weather(Weather {
            loss: 5,
            doubled: 0,
            latency_ms: (100, 100),
        });
        lab.start(1);
        assert!(lab.converged(HEALED).await.is_some(), "they never agree");
    });
}

/// More machines than any takes as peers come at once, and each knows the first alone.
#[test]
fn newcomers_find_room_at_a_machine_that_is_full() {
    let witness = Witness::telling();
    let told = witness.clone();
    let newcomers = PEERS_MAX + 2;
    in_virtual_time(async move {
        let mut lab = Lab::new(1, witness);
        lab.join_all(0, newcomers).await;
        // Nobody hears of all others, so that nobody says CONVERGED.
        let agreed = lab.agreed(1 + newcomers, HEALED).await;
        assert!(agreed.is_some(), "somebody is outside");
        for host in 0..=newcomers {
            let faults = lab.status(host).await.faults;
            assert!(faults.is_empty(), "host {host}: {faults:?}");
        }
    });
    let told = told.told();
    for input in ["Crowded", "Left"] {
        let is_given = told
            .iter()
            .any(|step| step.split(' ').nth(2) == Some(input));
        assert!(is_given, "nobody was told {input}");
    }
}

/// A session's offer was answered in the one after it: an honest peer was hung up on.
#[test]
fn the_seed_that_took_an_answer_for_anothers_holds() {
    run(824, Witness::default());
}

#[test]
fn a_seed_does_the_same_again() {
    for seed in 0..3 {
        let (first, second) = (Witness::telling(), Witness::telling());
        let stories = [run(seed, first.clone()), run(seed, second.clone())];
        let (first, second) = (first.told(), second.told());
        let differs = first.iter().zip(&second).position(|(a, b)| a != b);
        if let Some(at) = differs {
            panic!(
                "step {at} of {}:\n{}\n{}",
                first.len(),
                first[at],
                second[at]
            );
        }
        assert_eq!(stories[0], stories[1], "seed {seed}");
    }
}
