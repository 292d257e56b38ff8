//! The promises of `seed.rs` that speak of a network, over real processes; each test has the name that it has there. The
//! seventh is in `crowd`.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::*;
use crate::support::{PATIENCE, events};

#[test]
fn promise_1_one_machine_alone_is_a_network_and_more_join_at_any_time() {
    let lab = Lab::new();
    add(&lab.dir("ana"), "alone, and no node runs");
    let ana = lab.start("ana");
    add(&ana.dir, "alone");
    assert_eq!(status(&ana.dir)["members"], 1);
    assert_eq!(status(&ana.dir)["in_step"], Value::Null);
    let bob = lab.newcomer("bob");
    add(&bob.dir, "written by the newcomer");
    converged(&[&ana, &bob]);
    // The one who started it need not be there.
    let ticket = lab.ticket("bob", &[]);
    ana.stop();
    ok(lab.join("cyd", &ticket));
    let cyd = lab.start("cyd");
    add(&cyd.dir, "written by the last");
    in_step(&[&bob, &cyd]);
    let ana = lab.start("ana");
    converged(&[&ana, &bob, &cyd]);
    // R, four by hand, and two times an invite and an admission.
    assert_eq!(status(&ana.dir)["events"], 9);
    assert_eq!(status(&ana.dir)["members"], 3);
}

#[test]
fn promise_2_every_machine_holds_the_full_set_and_starts_from_the_same_root() {
    let lab = Lab::new();
    let ana = lab.start("ana");
    let nodes = [&ana, &lab.newcomer("bob"), &lab.newcomer("cyd")];
    let mut written = Vec::new();
    for n in 0..12 {
        written.push(add(&nodes[n % 3].dir, &format!("event {n}")));
    }
    converged(&nodes);
    let all = log(&ana.dir);
    assert_eq!(all.len(), 1 + 2 * 2 + 12);
    assert!(written.iter().all(|uuid| all.contains(uuid)));
    for node in nodes {
        assert_eq!(log(&node.dir), all, "the same events in the same order");
        assert_eq!(status(&node.dir)["root"], json!(all[0]));
        assert!(parents(&node.dir, &all[0]).is_empty());
        verified(&node.dir);
    }
}

#[test]
fn promise_4_any_machine_creates_events_at_any_time_alone_offline_cut_off() {
    let lab = Lab::new();
    let ana = lab.start("ana");
    let bob = lab.newcomer("bob");
    converged(&[&ana, &bob]);
    ana.kill();
    let mut written: Vec<_> = (0..3)
        .map(|n| add(&bob.dir, &format!("cut off {n}")))
        .collect();
    let ana = lab.dir("ana");
    written.extend((0..3).map(|n| add(&ana, &format!("offline {n}"))));
    assert_ne!(digest(&ana), digest(&bob.dir));
    let ana = lab.start("ana");
    converged(&[&ana, &bob]);
    for node in [&ana, &bob] {
        let held = log(&node.dir);
        assert!(written.iter().all(|uuid| held.contains(uuid)));
    }
}

#[test]
fn promise_5_parents_are_all_leaves_that_the_machine_holds() {
    // The picture of the seed: X creates A and B; Y, cut off after A, creates C; they meet; X creates D.
    let lab = Lab::new();
    let ana = lab.start("ana");
    let bob = lab.newcomer("bob");
    let a = add(&ana.dir, "A");
    converged(&[&ana, &bob]);
    bob.stop();
    let b = add(&ana.dir, "B");
    let c = add(&lab.dir("bob"), "C");
    assert_eq!(parents(&ana.dir, &b), std::slice::from_ref(&a));
    assert_eq!(parents(&lab.dir("bob"), &c), [a]);
    let bob = lab.start("bob");
    converged(&[&ana, &bob]);
    let mut expected = [b, c];
    expected.sort_unstable();
    assert_eq!(leaves(&ana.dir), expected);
    let d = add(&ana.dir, "D");
    converged(&[&ana, &bob]);
    for node in [&ana, &bob] {
        assert_eq!(parents(&node.dir, &d), expected);
        assert_eq!(leaves(&node.dir), std::slice::from_ref(&d));
    }
    assert_eq!(digest(&ana.dir), digest(&bob.dir));
}

#[test]
fn promise_6_events_are_replicated_asynchronously_to_all_other_machines() {
    let lab = Lab::new();
    let ana = lab.start("ana");
    let bob = lab.newcomer("bob");
    converged(&[&ana, &bob]);
    let mut took = Vec::new();
    for (here, there) in [(&ana, &bob), (&bob, &ana)] {
        let mut add = Talk::begin(&here.dir, &["add", "-"]);
        let log = Talk::begin(&there.dir, &["log", "-f", "--json"]);
        for _ in 0..events(&there.dir).len() {
            log.next();
        }
        for n in 0..25 {
            add.say(&format!("event {n}"));
            let uuid = add.next();
            let durable = Instant::now();
            let event: Value = serde_json::from_str(&log.next()).unwrap();
            took.push(durable.elapsed());
            assert_eq!(event["uuid"], json!(uuid));
        }
    }
    took.sort_unstable();
    let (p50, last) = (took[took.len() / 2], took[took.len() - 1]);
    told(&format!(
        "durable here to shown there: p50 {p50:?}, slowest {last:?} of {}",
        took.len()
    ));
    assert!(last < Duration::from_secs(1), "{took:?}");
    let digest = converged(&[&ana, &bob]);
    assert_eq!(status(&bob.dir)["digest"], json!(digest));
}

#[expect(clippy::print_stderr, reason = "a measurement, for people")]
fn told(measured: &str) {
    eprintln!("{measured}");
}

/// A command that is talked to, a line at a time.
struct Talk {
    child: Child,
    said: mpsc::Receiver<String>,
}

impl Talk {
    fn begin(dir: &Path, arguments: &[&str]) -> Self {
        let mut command: Command = fedag(dir);
        command.args(arguments).stderr(Stdio::null());
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (say, said) = mpsc::channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if say.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, said }
    }

    fn say(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        writeln!(stdin, "{line}").unwrap();
    }

    fn next(&self) -> String {
        self.said.recv_timeout(PATIENCE).expect("a line comes")
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        drop(self.child.kill()); // It may have ended already.
        drop(self.child.wait());
    }
}
