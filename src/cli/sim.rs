//! `fedag sim`: networks of machines in one process and virtual time.

use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::Instant;

use clap::Args;
use serde_json::json;

use crate::cli::outcome::Outcome;
use crate::cli::print::{self, Out};
use crate::cli::progress::Progress;
use crate::limits::MACHINES_SIMULATED_MAX;
use crate::sim::counts::Counts;
use crate::sim::faults::Mode;
use crate::sim::property::Broken;
use crate::sim::storm::{self, Plan, Report};

/// `fedag sim`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Runs the same state machine as the node, many of them, in virtual time: no network, no files, no clock. Users write, machines crash and
links fail as often as asked; every step is checked. Then all is mended, and all machines must come to hold the same events. The same
arguments give the same run, to the last bit: `trace_hash` shows it. A run that fails prints the one line that repeats it.

Without rates nothing goes wrong, and the figures are those of a quiet network. With --seeds and neither --machines nor --events each seed
draws all the rest too, as in the tests.

What is printed: copies_per_machine (how often a machine received an event of another; 1 is the least), hops_max (links that an
event took), last_delivery_ms (longest from making an event until a machine that was there held it, cuts included), bytes_per_machine
(received, without headers of packets), memory_per_machine (bytes of the largest machine; without pending events and what an
allocator adds).

Examples:
  fedag sim --machines 50 --events 1000
  fedag sim --machines 20 --events 2000 --loss 0.05 --crash 0.1 --cut 0.2 --seed 7
  fedag sim --seeds 200
  fedag sim --seeds 1000 --machines 16 --events 400 --mode unbounded --loss 0.1 --json
  cargo run --release -- sim --seeds 10000

Exit codes: 0 all held, 1 something did not, 2 wrong usage.")]
pub(super) struct Sim {
    /// Machines of each run [default: 16].
    #[arg(long, value_name = "N", value_parser = parse_machines)]
    machines: Option<usize>,
    /// Events that users add in each run [default: 400].
    #[arg(long, value_name = "M")]
    events: Option<usize>,
    /// Machines that write [default: all].
    #[arg(long, value_name = "W")]
    writers: Option<NonZeroUsize>,
    /// The first seed.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// How many seeds are run, one after the other on each core.
    #[arg(long, value_name = "N")]
    seeds: Option<NonZeroU64>,
    /// Part of the messages that is lost; some machines are slow then.
    #[arg(long, value_name = "P", value_parser = parse_rate)]
    loss: Option<f64>,
    /// Probability, a batch of events, that a machine crashes or its disk fails.
    #[arg(long, value_name = "P", value_parser = parse_rate)]
    crash: Option<f64>,
    /// Probability, a batch of events, that links are cut, both ways or one.
    #[arg(long, value_name = "P", value_parser = parse_rate)]
    cut: Option<f64>,
    /// What the network promises: `quic` (order and no loss within a connection) or `unbounded` (nothing) [default: quic].
    #[arg(long, value_name = "MODE")]
    mode: Option<Mode>,
    /// One JSON object a run.
    #[arg(long)]
    json: bool,
}

/// What came of one run, and how long it took.
struct Ran {
    plan: Plan,
    result: Result<Report, Broken>,
    wall_seconds: f64,
}

/// What all runs came to.
#[derive(Default)]
struct Total {
    runs: u64,
    broken: u64,
    counts: Counts,
}

impl Sim {
    pub(super) fn run(&self) -> anyhow::Result<Outcome> {
        let seeds = self.seeds.map_or(1, NonZeroU64::get);
        let begun = Instant::now();
        let mut out = Out::new();
        let mut total = Total::default();
        let (asked, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
        let next = Mutex::new(self.seed..self.seed.saturating_add(seeds));
        let (done, runs) = mpsc::sync_channel(16);
        let (mut progress, of) = if seeds == 1 {
            let events = self.plan(self.seed).events as u64;
            (Progress::new("events added"), events)
        } else {
            (Progress::new("seeds run"), seeds)
        };
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let told = std::thread::scope(|scope| -> anyhow::Result<()> {
            for _ in 0..threads.min(usize::try_from(seeds).unwrap_or(usize::MAX)) {
                let (done, asked, is_over, next) = (done.clone(), &asked, &is_over, &next);
                scope.spawn(move || {
                    let take = || next.lock().expect("nobody panics with the lock").next();
                    while let Some(seed) = take().filter(|_| !is_over.load(Ordering::Relaxed)) {
                        let ran = run_one(self.plan(seed), asked);
                        if done.send(Some(ran)).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(done);
            let told = loop {
                let ran = match runs.recv_timeout(std::time::Duration::from_millis(200)) {
                    Ok(ran) => ran,
                    Err(mpsc::RecvTimeoutError::Timeout) => None,
                    Err(mpsc::RecvTimeoutError::Disconnected) => break Ok(()),
                };
                let shown = if seeds == 1 {
                    asked.load(Ordering::Relaxed)
                } else {
                    total.runs
                };
                progress.set(shown.min(of), of);
                if let Some(ran) = ran
                    && let Err(closed) = self.tell(&ran, &mut out, &mut total)
                {
                    break Err(closed);
                }
            };
            is_over.store(true, Ordering::Relaxed);
            // Who waits to tell is not to wait for ever.
            drop(runs);
            told
        });
        progress.clear();
        told?;
        if seeds > 1 {
            total.tell(begun.elapsed().as_secs_f64());
        }
        out.flush()?;
        Ok(if total.broken == 0 {
            Outcome::Done
        } else {
            Outcome::Failed
        })
    }

    /// The plan of one seed: what was not given is drawn by the seed, when there are many, or has a default.
    fn plan(&self, seed: u64) -> Plan {
        let is_drawn = self.seeds.is_some() && self.machines.is_none() && self.events.is_none();
        let drawn = Plan::of_seed(seed);
        let (machines, events) = if is_drawn {
            (drawn.machines, drawn.events)
        } else {
            (self.machines.unwrap_or(16), self.events.unwrap_or(400))
        };
        let (writers, loss, crash, cut, mode) = if is_drawn {
            (
                drawn.writers,
                drawn.loss,
                drawn.crash,
                drawn.cut,
                drawn.mode,
            )
        } else {
            (machines, 0.0, 0.0, 0.0, Mode::Quic)
        };
        Plan {
            seed,
            machines,
            events,
            writers: self.writers.map_or(writers, NonZeroUsize::get),
            loss: self.loss.unwrap_or(loss),
            crash: self.crash.unwrap_or(crash),
            cut: self.cut.unwrap_or(cut),
            mode: self.mode.unwrap_or(mode),
        }
    }

    fn tell(&self, ran: &Ran, out: &mut Out, total: &mut Total) -> anyhow::Result<()> {
        total.runs += 1;
        match &ran.result {
            Ok(report) => {
                total.counts.add(&report.counts);
                if self.json {
                    out.json(&json(report, ran.wall_seconds).to_string())?;
                } else {
                    out.line(words(report, ran.wall_seconds))?;
                }
            }
            Err(broken) => {
                total.broken += 1;
                if self.json {
                    out.json(&json_broken(ran, broken).to_string())?;
                }
                print::tell(format_args!("broken: {broken}"));
                print::tell(format_args!("repeat: {}", ran.plan.command()));
            }
        }
        out.flush()
    }
}

impl Total {
    fn tell(&self, seconds: f64) {
        print::tell(format_args!(
            "{} runs, {} broken, {seconds:.1} s",
            self.runs, self.broken
        ));
        for (name, times) in self.counts.all() {
            print::tell(format_args!("  {name}: {times}"));
        }
    }
}

fn run_one(plan: Plan, asked: &AtomicU64) -> Ran {
    let begun = Instant::now();
    let result = storm::run(&plan, |events| {
        asked.store(events as u64, Ordering::Relaxed);
    });
    Ran {
        plan,
        result,
        wall_seconds: begun.elapsed().as_secs_f64(),
    }
}

fn words(report: &Report, wall_seconds: f64) -> String {
    let Plan { seed, machines, .. } = report.plan;
    format!(
        "seed {seed}: {machines} machines hold the same {} events, digest {}, {:.2} copies, {} hops, healed in {:.1} s of {:.0} s, {wall_seconds:.2} s",
        report.held,
        report.digest,
        report.copies_per_machine,
        report.hops_max,
        report.healed.as_secs_f64(),
        report.virtual_time.as_secs_f64(),
    )
}

fn json(report: &Report, wall_seconds: f64) -> serde_json::Value {
    let plan = &report.plan;
    let counts: serde_json::Map<String, serde_json::Value> = report
        .counts
        .all()
        .map(|(name, times)| (name.to_owned(), json!(times)))
        .collect();
    json!({
        "machines": plan.machines,
        "events": plan.events,
        "writers": plan.writers,
        "seed": plan.seed,
        "loss": plan.loss,
        "crash": plan.crash,
        "cut": plan.cut,
        "mode": plan.mode.to_string(),
        "converged": true,
        "digest": report.digest.to_string(),
        "held": report.held,
        "trace_hash": report.trace_hash,
        "copies_per_machine": report.copies_per_machine,
        "hops_max": report.hops_max,
        "last_delivery_ms": millis(report.last_delivery),
        "healed_ms": millis(report.healed),
        "virtual_ms": millis(report.virtual_time),
        "happened": report.happened,
        "bytes_per_machine": report.bytes_per_machine,
        "memory_per_machine": report.memory_per_machine,
        "wall_seconds": wall_seconds,
        "counts": counts,
        "repeat": plan.command(),
    })
}

fn json_broken(ran: &Ran, broken: &Broken) -> serde_json::Value {
    json!({
        "machines": ran.plan.machines,
        "events": ran.plan.events,
        "seed": ran.plan.seed,
        "converged": false,
        "broken": broken.property.name(),
        "machine": broken.host,
        "at_ms": broken.at.0 / 1000,
        "why": broken.what,
        "wall_seconds": ran.wall_seconds,
        "repeat": ran.plan.command(),
    })
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn parse_machines(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(machines @ 2..=MACHINES_SIMULATED_MAX) => Ok(machines),
        Ok(_) | Err(_) => Err(format!("it is a number from 2 to {MACHINES_SIMULATED_MAX}")),
    }
}

fn parse_rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.0..=1.0).contains(&rate) => Ok(rate),
        Ok(_) | Err(_) => Err("it is a number from 0 to 1".to_owned()),
    }
}
