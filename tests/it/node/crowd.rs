//! Many machines at once.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Output, Stdio};
use std::thread::JoinHandle;

use fedag::store::Store;
use fedag::store::disk::DiskStore;

use super::*;
use crate::support::{events, numbered, stderr};

/// Lines that each of the five machines is fed.
const EACH: u32 = 2000;

/// Five machines, each fed at the same time, one killed in the middle: also what is promised seventh.
#[test]
fn promise_7_stop_the_world_and_the_dag_is_identical_everywhere_and_proved() {
    let lab = Lab::new();
    let mut nodes = vec![lab.start("ana")];
    for name in ["bob", "cyd", "dan", "eve"] {
        nodes.push(lab.newcomer(name));
    }
    converged(&nodes.iter().collect::<Vec<_>>());
    let (fed, killed) = feed_all_and_kill(&lab, &mut nodes);
    let waits: Vec<_> = nodes
        .iter()
        .map(|node| {
            let dir = node.dir.clone();
            std::thread::spawn(move || wait_in_step(&dir, 4))
        })
        .collect();
    for wait in waits {
        wait.join().unwrap();
    }
    let nodes: Vec<_> = nodes.iter().collect();
    converged(&nodes);
    let held = log(&nodes[0].dir);
    for node in &nodes {
        assert_eq!(log(&node.dir), held);
        verified(&node.dir);
    }
    let held: BTreeSet<_> = held.into_iter().collect();
    for output in fed.iter().chain([&killed]) {
        assert!(lines(output).iter().all(|uuid| held.contains(uuid)));
    }
    counted(&lab, &held, &killed);
}

/// Every line of the four is there once; of the killed one's as many as were acknowledged, or stored without a word.
fn counted(lab: &Lab, held: &BTreeSet<String>, killed: &Output) {
    let mut written: Vec<_> = events(&lab.dir("ana"))
        .iter()
        .filter_map(|event| event["text"].as_str().map(str::to_owned))
        .collect();
    let all = written.len();
    written.sort_unstable();
    written.dedup();
    assert_eq!(written.len(), all, "no line was added twice");
    let of = |name: &str| written.iter().filter(|text| text.starts_with(name)).count();
    for name in ["ana", "bob", "cyd", "eve"] {
        assert_eq!(of(name), EACH as usize, "{name}");
    }
    let (stored, acknowledged) = (of("dan"), lines(killed).len());
    assert!(acknowledged > 0);
    assert!((acknowledged..EACH as usize).contains(&stored));
    assert_eq!(held.len(), 1 + 4 + 4 + 4 * EACH as usize + stored);
}

/// Feeds each machine; dan's node, `nodes[3]`, is killed half-way and started again. What the four said, and what dan's said.
fn feed_all_and_kill(lab: &Lab, nodes: &mut Vec<Running>) -> (Vec<Output>, Output) {
    let fed: Vec<_> = ["ana", "bob", "cyd", "eve"]
        .map(|name| fed(&lab.dir(name), numbered(EACH, |n| format!("{name} {n}"))))
        .into();
    let dan = lab.dir("dan");
    let mut add = fedag(&dan)
        .args(["add", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = add.stdin.take().unwrap();
    let first = numbered(EACH / 2, |n| format!("dan {n}"));
    input.write_all(first.as_bytes()).unwrap();
    let uuids = std::thread::spawn(move || add.wait_with_output().unwrap());
    wait_for("some of dan's are stored", || {
        events(&dan).iter().any(|event| {
            let text = event["text"].as_str().unwrap_or_default();
            text.starts_with("dan")
        })
    });
    nodes.remove(3).kill();
    // Whatever is still in the pipe goes nowhere, or to a store that is no node's.
    drop(input);
    let killed = uuids.join().unwrap();
    nodes.push(lab.start("dan"));
    let fed = fed.into_iter().map(|fed| ok(fed.join().unwrap())).collect();
    assert!(stderr(&killed).lines().count() <= 2, "{}", stderr(&killed));
    (fed, killed)
}

/// `fedag add -` in the background.
fn fed(dir: &Path, input: String) -> JoinHandle<Output> {
    let dir = dir.to_owned();
    std::thread::spawn(move || crate::support::run_with(&dir, &["add", "-"], input.as_bytes()))
}

/// Events that the newcomer to the eight finds.
const FOUND: u32 = 5000;

#[test]
fn a_newcomer_gets_one_copy_although_eight_peers_could_all_send_everything() {
    let lab = Lab::new();
    let ana = lab.start("ana");
    let ticket = lab.ticket("ana", &["--uses", "0"]);
    let mut nodes = vec![ana];
    for name in ["bob", "cyd", "dan", "eve", "fay", "gil", "hal"] {
        ok(lab.join(name, &ticket));
        nodes.push(lab.start(name));
    }
    converged(&nodes.iter().collect::<Vec<_>>());
    // It is let in, but has nothing yet: that is what a join leaves that was cut off at once.
    let newcomer = lab.dir("ida");
    let room = nodes[0].dir.clone();
    odd::enter(&newcomer, &ticket);
    let text = "x".repeat(200);
    let input = numbered(FOUND, |n| format!("{n} {text}"));
    ok(crate::support::run_with(
        &room,
        &["add", "-"],
        input.as_bytes(),
    ));
    in_step(&nodes.iter().collect::<Vec<_>>());
    let ida = lab.start("ida");
    wait_in_step(&newcomer, 8);
    let received = status(&newcomer)["received_bytes"].as_u64().unwrap();
    nodes.push(ida);
    converged(&nodes.iter().collect::<Vec<_>>());
    nodes.pop().unwrap().stop();
    let index = DiskStore::open(&newcomer.join("events.redb"))
        .and_then(|store| store.index())
        .unwrap();
    assert_eq!(index.rows.len(), 1 + 1 + 8 + FOUND as usize);
    let one_copy: u64 = index.rows.iter().map(|row| u64::from(row.length)).sum();
    assert!(received * 10 < one_copy * 11, "{received} of {one_copy}");
    assert!(received * 10 > one_copy * 9, "{received} of {one_copy}");
}
