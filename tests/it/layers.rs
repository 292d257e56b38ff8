//! Which module may import which, and which outside crate is named where.
//!
//! The tables below decide. Adding a row, a module or a crate to them is a decision of its own, in its own commit; the
//! picture is in ARCHITECTURE.md.

use std::fs;
use std::path::Path;

/// A module, and what it may name with `crate::`. Each may name itself.
const LAYERS: &[(&str, &[&str])] = &[
    // Pure.
    ("time", &[]),
    ("limits", &[]),
    ("caught", &[]),
    ("mutant", &[]),
    ("event", &["limits"]),
    ("dag", &["event", "limits", "mutant", "time"]),
    ("sync", &["dag", "event", "limits", "mutant", "time"]),
    ("gossip", &["event", "limits", "mutant", "time"]),
    ("wire", &["event", "gossip", "limits", "sync"]),
    (
        "machine",
        &[
            "dag", "event", "gossip", "limits", "mutant", "sync", "time", "wire",
        ],
    ),
    (
        "sim",
        &[
            "dag", "event", "gossip", "limits", "machine", "sync", "time", "wire",
        ],
    ),
    // The shell.
    ("store", &["caught", "event", "limits", "wire"]),
    ("net", &["event", "gossip", "limits", "sync", "wire"]),
    ("control", &["event", "limits"]),
    (
        "node",
        &[
            "control", "dag", "event", "gossip", "limits", "machine", "net", "store", "sync",
            "time", "wire",
        ],
    ),
    ("tui", &["caught", "control", "event", "limits"]),
    (
        "demo",
        &[
            "control", "event", "limits", "net", "node", "store", "tui", "wire",
        ],
    ),
    (
        "cli",
        &[
            "control", "dag", "demo", "event", "gossip", "limits", "machine", "net", "node", "sim",
            "store", "sync", "time", "tui", "wire",
        ],
    ),
];

/// Modules whose every file denies clocks, sleeping and unordered maps; see clippy.toml.
const PURE: &[&str] = &[
    "time", "limits", "mutant", "event", "dag", "sync", "gossip", "wire", "machine", "sim",
];
const DENIES: &str = "#![deny(clippy::disallowed_methods, clippy::disallowed_types)]";

/// Outside crates with a place of their own: a module, or one file. Not in the table: anywhere.
const PLACES: &[(&str, &[&str])] = &[
    ("anyhow", &["cli", "main.rs"]),
    ("bincode", &["wire/codec.rs"]),
    ("clap", &["cli", "main.rs"]),
    ("crossterm", &["demo", "tui"]),
    ("ed25519_zebra", &["event"]),
    ("hashbrown", &["dag"]),
    ("indicatif", &["cli"]),
    ("qrcode", &["tui/qr.rs"]),
    ("quinn", &["net", "demo/wires.rs"]),
    ("quinn_proto", &["net"]),
    (
        "rand",
        &["event", "dag", "sync", "gossip", "machine", "sim", "node"],
    ),
    ("rand_pcg", &["dag", "sync", "gossip", "machine", "sim"]),
    ("ratatui", &["demo", "tui"]),
    ("redb", &["store"]),
    ("rustix", &["tui/terminal.rs"]),
    ("regex", &["node"]),
    ("rustls", &["net"]),
    ("ryu_js", &["event"]),
    (
        "serde_json",
        &["event", "control", "node", "demo", "tui", "cli", "store"],
    ),
    ("sha2", &["event", "dag", "sim", "wire/ticket.rs"]),
    (
        "tokio",
        &["net", "node", "control", "demo", "tui", "cli", "main.rs"],
    ),
    ("uuid", &["event"]),
];

const LINES_MAX: usize = 500;

#[test]
fn the_code_keeps_to_its_layers() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    each_file(&src, &mut |path| {
        let name = path
            .strip_prefix(&src)
            .unwrap()
            .to_str()
            .unwrap()
            .replace('\\', "/");
        wrong.extend(breaches(&name, &fs::read_to_string(path).unwrap()));
    });
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// What is wrong with one file; `name` as in `wire/codec.rs`.
fn breaches(name: &str, text: &str) -> Vec<String> {
    let module = name
        .split('/')
        .next()
        .unwrap_or(name)
        .trim_end_matches(".rs");
    let is_top = module == "lib" || module == "main";
    let is_test = name.ends_with("/tests.rs") || name.contains("/tests/");
    let mut wrong = Vec::new();
    let lines = text.lines().count();
    if lines > LINES_MAX {
        wrong.push(format!("{name}: {lines} lines, {LINES_MAX} are allowed"));
    }
    if PURE.contains(&module) && !is_test && !text.lines().any(|line| line == DENIES) {
        wrong.push(format!(
            "{name}: a file of a pure module begins with {DENIES}"
        ));
    }
    let may = LAYERS
        .iter()
        .find(|(layer, _)| *layer == module)
        .map(|(_, may)| *may);
    if may.is_none() && !is_top {
        wrong.push(format!("{name}: the module is in no layer"));
    }
    for (number, line) in (1..).zip(text.lines()) {
        let code = line.split("//").next().unwrap_or_default();
        let mut say = |what: String| wrong.push(format!("{name}:{number}: {what}"));
        for used in after(code, "crate").filter(|_| !is_top) {
            let is_allowed = used == module || may.is_some_and(|may| may.contains(&used));
            if used.is_empty() {
                say("one `use crate::module` for each module".to_owned());
            } else if !is_allowed && LAYERS.iter().any(|(layer, _)| *layer == used) {
                say(format!("{module} may not import {used}"));
            } else if !is_allowed {
                say(format!("crate::{used} is in no layer"));
            }
        }
        if after(code, "super").any(|used| used == "super") {
            say("crate:: says it better than super::super".to_owned());
        }
        for (outside, places) in PLACES {
            let is_here = places
                .iter()
                .any(|place| *place == name || *place == module);
            if !is_here && after(code, outside).next().is_some() {
                say(format!("{outside} is only for {}", places.join(", ")));
            }
        }
    }
    wrong
}

/// The names that follow `root::` in a line of code; an empty one for `root::{` and `root::*`.
fn after<'l>(code: &'l str, root: &'l str) -> impl Iterator<Item = &'l str> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(root).filter_map(move |(at, _)| {
        let is_whole =
            !code[..at].ends_with(|c: char| is_part(c) || c == ':') || code[..at].ends_with(" ::");
        let rest = code[at + root.len()..]
            .strip_prefix("::")
            .filter(|_| is_whole)?;
        Some(&rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())])
    })
}

fn each_file(directory: &Path, see: &mut impl FnMut(&Path)) {
    let entries = fs::read_dir(directory).expect("the sources are there");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("a directory can be read").path())
        .collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            each_file(&path, see);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            see(&path);
        }
    }
}

#[test]
fn breaches_are_seen() {
    let pure = |line: &str| breaches("wire/codec.rs", &format!("{DENIES}\n{line}"));
    let shell = |line: &str| breaches("net/peer.rs", line);
    for fine in [
        "use crate::sync::message::End;",
        "use bincode::config::standard;",
        "/// See [`crate::net::Net`].",
        "pub(crate) fn f() {}",
        "let not_tokio::x = 1;",
        "use crate::wire::fault::Fault; // unlike crate::node",
    ] {
        assert_eq!(pure(fine), Vec::<String>::new(), "{fine}");
    }
    for (wrong, message) in [
        (
            "use crate::machine::Machine;",
            "wire/codec.rs:2: wire may not import machine",
        ),
        (
            "fn f(x: crate::dag::Dag) {}",
            "wire/codec.rs:2: wire may not import dag",
        ),
        (
            "use crate::{event, dag};",
            "wire/codec.rs:2: one `use crate::module` for each module",
        ),
        (
            "use crate::helpers::f;",
            "wire/codec.rs:2: crate::helpers is in no layer",
        ),
        (
            "use super::super::dag;",
            "wire/codec.rs:2: crate:: says it better than super::super",
        ),
        (
            "let t = tokio::spawn(f);",
            "wire/codec.rs:2: tokio is only for net, node, control, demo, tui, cli, main.rs",
        ),
    ] {
        assert_eq!(pure(wrong), [message]);
    }
    assert_eq!(
        shell("use bincode::Encode;"),
        ["net/peer.rs:1: bincode is only for wire/codec.rs"]
    );
    assert_eq!(
        shell("use ::redb::Database;"),
        ["net/peer.rs:1: redb is only for store"]
    );
    assert_eq!(shell("use tokio::net::UdpSocket;"), Vec::<String>::new());
    assert_eq!(
        shell(&"\n".repeat(501)),
        ["net/peer.rs: 501 lines, 500 are allowed"]
    );
    assert_eq!(
        breaches("util.rs", ""),
        ["util.rs: the module is in no layer"]
    );
    assert_eq!(
        breaches("dag/order.rs", "").len(),
        1,
        "a pure file without the attribute"
    );
    assert_eq!(breaches("dag/tests.rs", ""), Vec::<String>::new());
    assert_eq!(
        breaches("main.rs", "fedag::cli::main(); anyhow::Ok(())"),
        Vec::<String>::new()
    );
}

/// The pure modules name no module of the shell, not even through another.
#[test]
fn layers_have_no_circle_and_pure_ones_rest_on_pure_ones() {
    for (at, (module, may)) in LAYERS.iter().enumerate() {
        for other in *may {
            let below = LAYERS.iter().position(|(layer, _)| layer == other);
            assert!(
                below.is_some_and(|below| below < at),
                "{module} names {other}, which is not below it"
            );
            assert!(
                !PURE.contains(module) || PURE.contains(other),
                "{module} is pure, {other} is not"
            );
        }
    }
}
