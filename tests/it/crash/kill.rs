//! `kill -9` of the real program while events are written.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::{asked, seed, told};
use crate::support::{PATIENCE, Running, events, fedag, network, ok, run};

/// Lines of one `add -`.
const LINES: u32 = 60;

#[test]
fn what_was_acknowledged_survives_every_kill() {
    let kills: u64 = asked("FEDAG_KILLS", 30);
    let mut rng = Pcg64Mcg::seed_from_u64(seed());
    let (_temp, dir) = network();
    let mut acknowledged = BTreeSet::new();
    let mut tally = Tally::default();
    let began = Instant::now();
    let mut held = 1;
    for kill in 0..kills {
        // A node is killed while a command adds to it; or a command that works on the store itself; or a node that starts.
        match kill % 5 {
            3 => {
                let add = Adding::begin(&dir, rng.random_range(1..=16));
                acknowledged.extend(add.killed(&mut rng));
                tally.commands += 1;
            }
            4 => {
                let mut node = fedag(&dir);
                node.arg("run").stdin(Stdio::null()).stderr(Stdio::null());
                let mut node = Running {
                    child: node.spawn().unwrap(),
                    dir: dir.clone(),
                };
                let (_never, nothing) = channel::<()>();
                let moment = Duration::from_micros(rng.random_range(0..60_000));
                assert!(nothing.recv_timeout(moment).is_err());
                end(&mut node.child);
                tally.starts += 1;
            }
            _ => {
                let mut node = Running::start(&dir, &["--listen", "127.0.0.1:0"]);
                if kill % 2 == 0 {
                    check(&dir, &acknowledged, &mut held); // Through the node, after the crash before.
                }
                let add = Adding::begin(&dir, rng.random_range(1..=16));
                let lines = add.until(rng.random_range(0..LINES / 2), &mut rng);
                end(&mut node.child);
                acknowledged.extend(lines.into_iter().chain(add.rest()));
                tally.nodes += 1;
            }
        }
        if kill % 2 == 1 || kill + 1 == kills {
            check(&dir, &acknowledged, &mut held);
        }
    }
    let (events, acknowledged) = (held, acknowledged.len());
    told(&format!(
        "{kills} kills in {:.1} s: {tally:?}; {acknowledged} events acknowledged, {events} held",
        began.elapsed().as_secs_f64()
    ));
    assert!(kills < 5 || acknowledged as u64 > kills);
}

/// What was killed.
#[derive(Debug, Default)]
struct Tally {
    nodes: u32,
    commands: u32,
    starts: u32,
}

fn end(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// All that was acknowledged is held, all holds, and the own counter has neither gaps nor forks.
fn check(dir: &Path, acknowledged: &BTreeSet<String>, held: &mut usize) {
    ok(run(dir, &["verify"]));
    let mut seqs = Vec::new();
    let mut uuids = BTreeSet::new();
    for event in events(dir) {
        seqs.push(event["fedag"]["seq"].as_u64().unwrap());
        uuids.insert(event["uuid"].as_str().unwrap().to_owned());
    }
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    assert_eq!(uuids.len(), seqs.len());
    let lost: Vec<_> = acknowledged.difference(&uuids).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    assert!(uuids.len() >= *held, "{} held, {held} before", uuids.len());
    *held = uuids.len();
}

/// `fedag add -` that is given a line whenever fewer than some are not acknowledged. Killed when the test is over.
struct Adding {
    child: Child,
    said: Receiver<String>,
}

impl Adding {
    fn begin(dir: &Path, ahead: u32) -> Self {
        let mut command = fedag(dir);
        command.args(["add", "-"]).stderr(Stdio::null());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (say, said) = channel();
        let (more, wanted) = channel();
        std::thread::spawn(move || {
            for n in 0..LINES {
                // Whoever reads the answers is gone, or the command is.
                if (n >= ahead && wanted.recv().is_err()) || writeln!(stdin, "line {n}").is_err() {
                    return;
                }
            }
        });
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if say.send(line).is_err() {
                    return;
                }
                let _all_given = more.send(()).is_err();
            }
        });
        Self { child, said }
    }

    /// What is acknowledged until there are so many, and a moment longer.
    fn until(&self, count: u32, rng: &mut Pcg64Mcg) -> Vec<String> {
        let mut lines = Vec::new();
        while lines.len() < count as usize {
            lines.push(self.said.recv_timeout(PATIENCE).expect("a line comes"));
        }
        let moment = Duration::from_micros(rng.random_range(0..10_000));
        lines.extend(self.said.recv_timeout(moment));
        lines
    }

    /// Kills the command at some moment.
    fn killed(mut self, rng: &mut Pcg64Mcg) -> Vec<String> {
        let mut lines = self.until(rng.random_range(0..LINES / 2), rng);
        end(&mut self.child);
        lines.extend(self.rest());
        lines
    }

    /// What else it says until it ends, which it does when its node is gone.
    fn rest(self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Ok(line) = self.said.recv_timeout(PATIENCE) {
            lines.push(line);
        }
        lines
    }
}

impl Drop for Adding {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
