//! What others write, on a real terminal: nothing of it steers the terminal, and every row stays in its place.

use std::path::Path;

use portable_pty::CommandBuilder;
use serde_json::json;

use super::binary::screen;
use super::pty::Terminal;
use crate::node::Lab;
use crate::support::{fedag, ok, run, run_with};

/// Sets colours, title and cursor; turns the direction of writing round; hides; piles marks up; is wide.
const HOSTILE: &str = "a\u{1b}[31;5mb\u{1b}]0;owned\u{7}c\u{9b}2Jd\u{202e}e\u{2066}f\u{200b}g\u{feff}h\u{e0041}i\u{7f}j\u{2028}k\u{1b}(0日本語e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}☂\u{fe0f}👍";
/// A name has at most 64 bytes and no control characters; that is all that is asked of it.
const NAME: &str =
    "\u{202e}m\u{200b}日本\u{2067}e\u{301}\u{301}\u{301}\u{301}\u{301}\u{e0041}\u{feff}x";
/// What must never be in the bytes that a terminal gets.
const FORBIDDEN: [&str; 13] = [
    "\u{1b}[31;5m",
    "\u{1b}]",
    "\u{9b}",
    "\u{7}",
    "\u{202e}",
    "\u{2066}",
    "\u{2067}",
    "\u{200b}",
    "\u{feff}",
    "\u{e0041}",
    "\u{7f}",
    "\u{2028}",
    "\u{1b}(0",
];

fn is_safe(what: &str, terminal: &Terminal) {
    let raw = String::from_utf8_lossy(&terminal.raw()).into_owned();
    for forbidden in FORBIDDEN {
        assert!(
            !raw.contains(forbidden),
            "{what}: {forbidden:?} reached the terminal"
        );
    }
    let marks = "\u{301}".repeat(4);
    assert!(!raw.contains(&marks), "{what}: marks are piled up");
}

/// A network of such a name, with a machine of such a name, whose events are such, and a plain one that looks at them.
fn hostile_lab() -> (Lab, Vec<crate::support::Running>) {
    let lab = Lab::named(NAME);
    let ana = lab.start("ana");
    let ticket = lab.ticket("ana", &[]);
    let mal = lab.dir("mal");
    let listen = "127.0.0.1:0";
    ok(run(
        &mal,
        &[
            "join",
            &ticket,
            "--name",
            NAME,
            "--listen",
            listen,
            "--timeout",
            "30",
        ],
    ));
    let long = format!("{}{}", "\u{301}".repeat(10_000), HOSTILE.repeat(400));
    let events = [
        json!({ "text": HOSTILE }),
        json!({ HOSTILE: { HOSTILE: [HOSTILE, null] } }),
        json!({ "text": "日本語テキスト".repeat(200) }),
        json!({ "text": long, "n": 1 }),
        json!({ "last": "line", "and": HOSTILE }),
    ];
    let lines = events.map(|event| event.to_string()).join("\n");
    let mal = crate::support::Running::start(&mal, &[]);
    ok(run_with(&mal.dir, &["add", "-"], lines.as_bytes()));
    let wait = ["status", "--wait", "--timeout", "30"];
    ok(run(&ana.dir, &wait));
    (lab, vec![ana, mal])
}

/// Where the first row of the panes has a corner, each of their rows has a border.
fn is_in_place(what: &str, terminal: &Terminal, (width, height): (u16, u16)) {
    let shown = terminal.screen();
    let cell = |row: u16, column: u16| {
        shown
            .cell(row, column)
            .map(|cell| cell.contents().to_owned())
            .unwrap_or_default()
    };
    let is_corner = |column: &u16| ["╭", "╮"].contains(&cell(1, *column).as_str());
    let corners: Vec<u16> = (0..width).filter(is_corner).collect();
    assert!(corners.len() >= 2, "{what}\n{}", shown.contents());
    assert_eq!((corners[0], corners[corners.len() - 1]), (0, width - 1));
    // The bottom line, and the input line with its border where there is room for one.
    let below = if height < 16 { 2 } else { 4 };
    for row in 1..height - below {
        for column in &corners {
            let found = cell(row, *column);
            assert!(
                ["│", "╭", "╮", "╰", "╯"].contains(&found.as_str()),
                "{what}: row {row} column {column}: {found:?}\n{}",
                shown.contents()
            );
        }
    }
}

/// Looks at all that there is on the screen of `dir`.
fn look_through(dir: &Path, size: (u16, u16)) {
    let mut terminal = screen(dir);
    terminal.resize(size.1, size.0);
    terminal.shows("CONVERGED");
    terminal.shows("held");
    let events = ["\x1b", "k", "k", "k", "k", "v", "v", "o", "o", "G"];
    let details = ["2", "\x1b[6~", "1", "k", "2", "\x1b[6~", "1", "k", "2"];
    let others = ["3", "\x1b[B", "4", "\r", "1", "k", "h", "l"];
    let search = ["/", "me", "\r", "n", "&", "jk", "\r", "\x1b", "\x1b"];
    for keys in [&events[..], &details, &others, &search].concat() {
        terminal.press(keys);
        terminal.settle();
        is_in_place(&format!("{size:?} after {keys:?}"), &terminal, size);
    }
    for opens in ["\x1bOP", "\x1bOQ"] {
        terminal.press(opens);
        terminal.settle();
        terminal.press("\x1b");
        terminal.settle();
        is_in_place(&format!("{size:?} after {opens:?}"), &terminal, size);
    }
    is_safe(&format!("{size:?}"), &terminal);
    terminal.press("1q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn hostile_text_of_peers_reaches_no_terminal_and_the_screen_holds() {
    let (lab, nodes) = hostile_lab();
    look_through(&lab.dir("mal"), (60, 12));
    for size in [(60, 12), (120, 40), (200, 60)] {
        look_through(&lab.dir("ana"), size);
    }
    for arguments in [
        &["log"][..],
        &["peers"],
        &["status"],
        &["leaves"],
        &["show", "m1"],
        &["log", "--json"],
        &["peers", "--json"],
    ] {
        let terminal = printed(&lab.dir("ana"), arguments);
        is_safe(&format!("{arguments:?}"), &terminal);
    }
    drop(nodes);
}

/// A command on a terminal, until it ends.
fn printed(dir: &Path, arguments: &[&str]) -> Terminal {
    let program = fedag(dir);
    let mut command = CommandBuilder::new(program.get_program());
    command.args(program.get_args());
    command.args(arguments);
    command.env_remove("FEDAG_DATA");
    let mut terminal = Terminal::run(command);
    terminal.ended();
    terminal
}
