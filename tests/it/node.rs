//! Machines that meet: the program itself, several nodes of it, real QUIC on loopback.
//!
//! Each machine has a directory of its own and listens on 127.0.0.1, at any port. Whoever misbehaves is a peer in this
//! process: the library's network with a genuine key and no machine behind it (`odd`).

mod crowd;
mod doors;
mod faults;
mod keys;
mod odd;
mod progress;
mod promises;

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Running, fedag, lines, ok, run, status, wait_for};

/// Where everybody listens.
const LOOPBACK: &str = "127.0.0.1:0";

/// A place with a directory for each machine, and the network that `ana` started there.
pub(crate) struct Lab {
    temp: TempDir,
}

impl Lab {
    /// No node runs yet.
    pub(crate) fn new() -> Self {
        Self::named("lab")
    }

    /// The same with a network of this name.
    pub(crate) fn named(network: &str) -> Self {
        let lab = Self {
            temp: tempfile::tempdir().unwrap(),
        };
        let init = ["init", "--network", network, "--name", "ana"];
        ok(run(
            &lab.dir("ana"),
            &[&init[..], &["--listen", LOOPBACK]].concat(),
        ));
        lab
    }

    pub(crate) fn dir(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    /// Starts the node of a machine that is in the network.
    pub(crate) fn start(&self, name: &str) -> Running {
        Running::start(&self.dir(name), &[])
    }

    /// A ticket made by `by`.
    pub(crate) fn ticket(&self, by: &str, arguments: &[&str]) -> String {
        let invite = [&["invite"], arguments].concat();
        lines(&ok(run(&self.dir(by), &invite))).remove(0)
    }

    /// `fedag join` on the directory of `name`.
    fn join(&self, name: &str, ticket: &str) -> Output {
        run(&self.dir(name), &joining(name, ticket))
    }

    /// Joins with a ticket by ana, whose node runs, and starts the node.
    pub(crate) fn newcomer(&self, name: &str) -> Running {
        ok(self.join(name, &self.ticket("ana", &[])));
        self.start(name)
    }
}

/// The arguments of a join.
fn joining<'a>(name: &'a str, ticket: &'a str) -> [&'a str; 8] {
    let listen = ["--listen", LOOPBACK, "--timeout", "30"];
    [
        "join", ticket, "--name", name, listen[0], listen[1], listen[2], listen[3],
    ]
}

impl Running {
    /// The power goes out.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends in good order.
    pub(crate) fn stop(self) {
        ok(run(&self.dir, &["stop"]));
        assert_eq!(self.ended(), Some(0));
    }
}

/// Adds an event; its uuid.
pub(crate) fn add(dir: &Path, text: &str) -> String {
    lines(&ok(run(dir, &["add", "--text", text]))).remove(0)
}

/// Uuids of an event's parents, ascending.
fn parents(dir: &Path, uuid: &str) -> Vec<String> {
    let shown = ok(run(dir, &["show", uuid, "--json"])).stdout;
    let shown: Value = serde_json::from_slice(&shown).unwrap();
    let parents = shown["parents"].as_array().unwrap();
    let uuid = |parent: &Value| parent["uuid"].as_str().unwrap().to_owned();
    parents.iter().map(uuid).collect()
}

/// Uuids of the leaves, ascending.
fn leaves(dir: &Path) -> Vec<String> {
    let mut leaves = uuids(&lines(&ok(run(dir, &["leaves", "--json"]))));
    leaves.sort_unstable();
    leaves
}

/// The uuids of events, one JSON object a line.
pub(crate) fn uuids(lines: &[String]) -> Vec<String> {
    let uuid = |line: &String| {
        let event: Value = serde_json::from_str(line).unwrap();
        event["uuid"].as_str().unwrap().to_owned()
    };
    lines.iter().map(uuid).collect()
}

/// Uuids of all held events, in the order that is the same everywhere.
pub(crate) fn log(dir: &Path) -> Vec<String> {
    uuids(&lines(&ok(run(dir, &["log", "--json"]))))
}

pub(crate) fn digest(dir: &Path) -> String {
    status(dir)["digest"].as_str().unwrap().to_owned()
}

/// Waits until all say CONVERGED with one digest, and returns it.
#[track_caller]
pub(crate) fn converged(nodes: &[&Running]) -> String {
    agreed(nodes, |status| status["converged"] == true)
}

/// Waits until all have one digest, each in step with all that it is connected to.
#[track_caller]
fn in_step(nodes: &[&Running]) -> String {
    agreed(nodes, |status| status["in_step"] == true)
}

/// Waits until all have one digest, and each is as it should be.
#[track_caller]
fn agreed(nodes: &[&Running], is_good: impl Fn(&Value) -> bool) -> String {
    let mut all: Vec<Value> = Vec::new();
    wait_for("one digest", || {
        all = nodes.iter().map(|node| status(&node.dir)).collect();
        all.iter()
            .all(|one| one["digest"] == all[0]["digest"] && is_good(one))
    });
    all[0]["digest"].as_str().unwrap().to_owned()
}

/// `fedag status --wait`: in step with so many peers.
#[track_caller]
fn wait_in_step(dir: &Path, peers: usize) -> Value {
    let peers = peers.to_string();
    let wait = ["status", "--json", "--wait", "--timeout", "60", "--peers"];
    let output = ok(run(dir, &[&wait[..], &[&peers]].concat()));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Everything is recomputed and holds.
#[track_caller]
pub(crate) fn verified(dir: &Path) {
    ok(run(dir, &["verify"]));
}
