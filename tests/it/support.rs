//! What several tests need.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Longest wait for anything that a process should do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Compares a file of the repository with what the code writes; `BLESS=1` writes it.
pub(crate) fn check_written(path: &str, want: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, want).unwrap();
    }
    let got = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        got == want,
        "{path} is not what the code writes; run BLESS=1 cargo test and look at the difference"
    );
}

/// The program, on a data directory.
pub(crate) fn fedag(dir: &Path) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("fedag"));
    command
        .env_remove("FEDAG_DATA")
        .env_remove("RUST_LOG")
        .arg("--data")
        .arg(dir);
    command
}

pub(crate) fn run(dir: &Path, arguments: &[&str]) -> Output {
    fedag(dir)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

pub(crate) fn run_with(dir: &Path, arguments: &[&str], input: &[u8]) -> Output {
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

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

pub(crate) fn lines(output: &Output) -> Vec<String> {
    stdout(output).lines().map(str::to_owned).collect()
}

#[track_caller]
pub(crate) fn ok(output: Output) -> Output {
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
pub(crate) fn fails(output: &Output, code: i32, why: &str) {
    let errors = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{errors}");
    assert!(errors.contains(why), "{why:?} is not in {errors:?}");
    assert!(
        errors.starts_with("fedag: ") || errors.starts_with("error: "),
        "{errors}"
    );
}

/// A directory for one network, and a place for others.
pub(crate) fn place() -> (TempDir, PathBuf) {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("ana");
    (temp, dir)
}

pub(crate) fn network() -> (TempDir, PathBuf) {
    let (temp, dir) = place();
    ok(run(&dir, &["init", "--network", "lab", "--name", "ana"]));
    (temp, dir)
}

pub(crate) fn events(dir: &Path) -> Vec<Value> {
    let output = ok(run(dir, &["log", "--json"]));
    lines(&output)
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

pub(crate) fn status(dir: &Path) -> Value {
    serde_json::from_slice(&ok(run(dir, &["status", "--json"])).stdout).unwrap()
}

/// Every file of a directory with its bytes; those that change with every look at it apart.
pub(crate) fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
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
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) dir: PathBuf,
}

impl Running {
    pub(crate) fn start(dir: &Path, arguments: &[&str]) -> Self {
        let said = dir.with_extension("stderr");
        let child = fedag(dir)
            .arg("run")
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(std::fs::File::create(&said).unwrap())
            .spawn()
            .unwrap();
        let mut running = Self {
            child,
            dir: dir.to_owned(),
        };
        wait_for("the node runs", || {
            let ended = running.child.try_wait().unwrap();
            let said = || std::fs::read_to_string(&said).unwrap();
            assert!(ended.is_none(), "it ended: {}", said());
            status(&running.dir)["running"] == json!(true)
        });
        running
    }

    pub(crate) fn ended(mut self) -> Option<i32> {
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
pub(crate) fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < until, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// So many lines, numbered from 0.
pub(crate) fn numbered(count: u32, line: impl Fn(u32) -> String) -> String {
    let mut text: String = (0..count).map(line).collect::<Vec<_>>().join("\n");
    text.push('\n');
    text
}
