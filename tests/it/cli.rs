//! The program: arguments, lines, exit codes, and what is left unchanged. Everything here needs one machine.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

mod adding;
mod reading;
mod refusals;
mod running;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Longest wait for anything that a process should do.
const PATIENCE: Duration = Duration::from_secs(30);

fn fedag(dir: &Path) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("fedag"));
    command
        .env_remove("FEDAG_DATA")
        .env_remove("RUST_LOG")
        .arg("--data")
        .arg(dir);
    command
}

fn run(dir: &Path, arguments: &[&str]) -> Output {
    fedag(dir)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn run_with(dir: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = fedag(dir)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // The program may stop reading early.
        drop(stdin.write_all(&input));
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn lines(output: &Output) -> Vec<String> {
    stdout(output).lines().map(str::to_owned).collect()
}

#[track_caller]
fn ok(output: Output) -> Output {
    assert_eq!(
        output.status.code(),
        Some(0),
        "stdout {}\nstderr {}",
        stdout(&output),
        stderr(&output)
    );
    output
}

#[track_caller]
fn fails(output: &Output, code: i32, why: &str) {
    let errors = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{errors}");
    assert!(errors.contains(why), "{why:?} is not in {errors:?}");
    assert!(
        errors.starts_with("fedag: ") || errors.starts_with("error: "),
        "{errors}"
    );
}

/// A directory for one network, and a place for others.
fn place() -> (TempDir, PathBuf) {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("ana");
    (temp, dir)
}

fn network() -> (TempDir, PathBuf) {
    let (temp, dir) = place();
    ok(run(&dir, &["init", "--network", "lab", "--name", "ana"]));
    (temp, dir)
}

fn events(dir: &Path) -> Vec<Value> {
    let output = ok(run(dir, &["log", "--json"]));
    lines(&output)
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn status(dir: &Path) -> Value {
    serde_json::from_slice(&ok(run(dir, &["status", "--json"])).stdout).unwrap()
}

/// Every file of a directory with its bytes; those that change with every look at it apart.
fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if !["lock", "events.redb"].contains(&name.as_str()) {
            files.insert(name, std::fs::read(entry.path()).unwrap_or_default());
        }
    }
    files
}

/// A running node; killed when the test is over.
struct Running {
    child: Child,
    dir: PathBuf,
}

impl Running {
    fn start(dir: &Path, arguments: &[&str]) -> Self {
        let child = fedag(dir)
            .arg("run")
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let running = Self {
            child,
            dir: dir.to_owned(),
        };
        wait_for("the node runs", || {
            status(&running.dir)["running"] == json!(true)
        });
        running
    }

    fn ended(mut self) -> Option<i32> {
        let mut code = None;
        wait_for("the node ends", || {
            code = self.child.try_wait().unwrap();
            code.is_some()
        });
        code.unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[track_caller]
fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < until, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// So many lines, numbered from 0.
fn numbered(count: u32, line: impl Fn(u32) -> String) -> String {
    let mut text: String = (0..count).map(line).collect::<Vec<_>>().join("\n");
    text.push('\n');
    text
}
