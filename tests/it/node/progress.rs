//! What a newcomer shows while it fetches much.

use std::collections::BTreeSet;
use std::io::Read;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use super::*;
use crate::support::{numbered, run_with};

/// Fewer come too fast to be seen coming.
const EVENTS: u32 = 100_000;

#[test]
fn a_newcomer_shows_how_far_it_is_and_then_holds_everything() {
    let lab = Lab::new();
    let text = "x".repeat(150);
    let input = numbered(EVENTS, |n| format!("event {n} {text}"));
    ok(run_with(&lab.dir("ana"), &["add", "-"], input.as_bytes()));
    let ana = lab.start("ana");
    let bob = lab.dir("bob");
    let shown = joined_in_a_terminal(&bob, &lab.ticket("ana", &[]));
    assert!(shown.len() >= 10, "{shown:?}");
    assert!(shown.iter().all(|held| *held <= EVENTS + 3));
    assert_eq!(digest(&bob), digest(&ana.dir));
    assert_eq!(status(&bob)["events"], EVENTS + 3);
    verified(&bob);
}

/// Joins with standard error on a terminal; the numbers of events that the bar showed.
fn joined_in_a_terminal(dir: &Path, ticket: &str) -> BTreeSet<u32> {
    let size = PtySize {
        rows: 24,
        cols: 100,
        ..PtySize::default()
    };
    let pair = native_pty_system().openpty(size).unwrap();
    // Standard output is no terminal, or the screen would follow.
    let mut command = CommandBuilder::new("sh");
    command.args(["-c", "exec \"$@\" > /dev/null", "sh"]);
    let join = fedag(dir);
    command.arg(join.get_program());
    command.args(join.get_args());
    command.args(joining("bob", ticket));
    command.env("TERM", "xterm-256color");
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let mut reader = pair.master.try_clone_reader().unwrap();
    let mut parser = vt100::Parser::new(size.rows, size.cols, 0);
    let (mut shown, mut bytes) = (BTreeSet::new(), [0; 256]);
    // The end of the other side is an error on some systems.
    while let Ok(n @ 1..) = reader.read(&mut bytes) {
        // Byte by byte, so that nothing that was shown is overwritten unseen.
        for byte in &bytes[..n] {
            parser.process(&[*byte]);
            if [b'\r', b'\n', b'\x1b'].contains(byte) {
                shown.extend(held(&parser.screen().contents()));
            }
        }
        shown.extend(held(&parser.screen().contents()));
    }
    assert!(child.wait().unwrap().success());
    shown
}

/// What stands in `events received [==>  ] 1,234/20,000`.
fn held(screen: &str) -> Option<u32> {
    let line = screen
        .lines()
        .find(|line| line.starts_with("events received"))?;
    let (held, _of) = line.split_once("] ")?.1.split_once('/')?;
    held.replace(',', "").parse().ok()
}
