//! `fedag demo --headless`: the program itself.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::support::{fails, fedag, lines, ok, place};

fn headless(temp: &Path) -> Command {
    let mut command = fedag(&temp.join("none"));
    command.args(["demo", "--headless"]).env("TMPDIR", temp);
    command.stdin(Stdio::null());
    command
}

fn is_empty(temp: &Path) -> bool {
    std::fs::read_dir(temp).unwrap().next().is_none()
}

/// The digests at the end of each step: `ana = bob 41c0d2f1 10 events   cy e92d0a77 11 events`, without the time.
fn held(output: &Output) -> Vec<String> {
    let lines = lines(output);
    let steps = lines.iter().take_while(|line| line.ends_with(" s"));
    let held = |line: &String| line[30..].rsplit_once("  ").unwrap().0.trim().to_owned();
    steps.map(held).collect()
}

#[test]
fn all_that_was_acknowledged_is_everywhere_in_the_end_and_nothing_is_left_behind() {
    let (temp, _) = place();
    let begun = Instant::now();
    let output = ok(headless(temp.path()).output().unwrap());
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
    let held = held(&output);
    assert_eq!(held.len(), 5, "{:?}", lines(&output));
    for (step, line) in (1..).zip(&held) {
        // Only while both sides write apart there are two digests.
        assert_eq!(
            line.starts_with("ana = bob = cy "),
            step != 3,
            "{step}: {line}"
        );
    }
    assert!(
        held[2].starts_with("ana = bob ") && held[2].contains("   cy "),
        "{}",
        held[2]
    );
    assert!(held[4].ends_with(" 14 events"), "{}", held[4]);
    assert!(is_empty(temp.path()));
}

#[test]
fn an_event_that_is_lost_after_it_was_acknowledged_fails_it() {
    let (temp, _) = place();
    let output = headless(temp.path()).arg("--lose").output().unwrap();
    fails(&output, 1, "cy acknowledged ");
    fails(&output, 1, "ana does not hold it");
    let held = held(&output);
    assert!(
        held[4].starts_with("ana = bob = cy "),
        "the digests alone would not tell: {held:?}"
    );
    assert!(is_empty(temp.path()));
}

#[test]
fn a_seed_makes_the_same_events_again_and_another_one_others() {
    let (temp, _) = place();
    let play = |seed: &str| {
        held(&ok(headless(temp.path())
            .args(["--seed", seed])
            .output()
            .unwrap()))
    };
    let once = play("7");
    assert_eq!(once, play("7"));
    assert_ne!(once, play("8"));
}

#[test]
fn a_signal_leaves_nothing_behind() {
    let (temp, _) = place();
    let mut child = headless(temp.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.starts_with("1 everyone writes"), "{line}");
    let killed = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(is_empty(temp.path()));
}
