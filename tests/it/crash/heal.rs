//! Damage under real nodes: told by name, and made good by a peer.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::node::{Lab, add, converged, digest, log, verified};
use crate::support::{
    Running, events, fails, lines, numbered, ok, run, run_with, status, stdout, wait_for,
};

/// Damages every copy of `text` in the store of a machine that does not run.
fn rot(dir: &Path, text: &str) {
    let path = dir.join("events.redb");
    let mut bytes = fs::read(&path).unwrap();
    let found = |window: (usize, &[u8])| (window.1 == text.as_bytes()).then_some(window.0);
    let places: Vec<_> = bytes
        .windows(text.len())
        .enumerate()
        .filter_map(found)
        .collect();
    assert!(!places.is_empty(), "{text} is on the disk");
    for at in places {
        bytes[at + 3] ^= 4;
    }
    fs::write(path, bytes).unwrap();
}

fn damaged(dir: &Path) -> Value {
    status(dir)["store"]["damaged"].clone()
}

#[test]
fn a_damaged_event_is_told_by_name_and_healed_by_a_peer() {
    let lab = Lab::new();
    let ana = lab.start("ana");
    let bob = lab.newcomer("bob");
    let uuid = add(&ana.dir, "this text will rot on bobs disk");
    add(&ana.dir, "and this one will not");
    converged(&[&ana, &bob]);
    ana.stop();
    bob.stop();
    rot(&lab.dir("bob"), "this text will rot");
    // Without a node, and with one that has no peer to ask.
    let named = format!("event {uuid} is damaged on disk");
    fails(&run(&lab.dir("bob"), &["show", &uuid]), 1, &named);
    let bob = lab.start("bob");
    fails(&run(&bob.dir, &["log"]), 1, &named);
    fails(&run(&bob.dir, &["show", &uuid]), 1, &named);
    wait_for("it is found and counted", || damaged(&bob.dir) == 1);
    assert!(stdout(&ok(run(&bob.dir, &["status"]))).contains("DAMAGED"));
    let verify = run(&bob.dir, &["verify"]);
    assert_eq!(verify.status.code(), Some(1));
    assert!(stdout(&verify).contains(&uuid), "{}", stdout(&verify));
    let ana = lab.start("ana");
    let address = status(&ana.dir)["listening"][0]
        .as_str()
        .unwrap()
        .to_owned();
    ok(run(&bob.dir, &["connect", &format!("ana@{address}")]));
    wait_for("it is healed", || damaged(&bob.dir) == 0);
    ok(run(&bob.dir, &["show", &uuid]));
    verified(&bob.dir);
    let digest = converged(&[&ana, &bob]);
    bob.stop();
    verified(&lab.dir("bob"));
    assert_eq!(log(&lab.dir("bob")), log(&ana.dir));
    assert_eq!(self::digest(&lab.dir("bob")), digest);
}

/// The page of an old event rots, and the machine is killed: then the database does not open its file any more.
#[test]
fn a_store_that_cannot_be_opened_is_saved_and_healed_by_a_peer() {
    let lab = Lab::new();
    let ana = lab.start("ana");
    let bob = lab.newcomer("bob");
    add(&ana.dir, "this text will rot on bobs disk");
    let input = numbered(2000, |n| format!("event {n}"));
    ok(run_with(&ana.dir, &["add", "-"], input.as_bytes()));
    for n in 0..3 {
        add(&ana.dir, &format!("later {n}"));
        converged(&[&ana, &bob]);
    }
    let mut bob = bob;
    bob.child.kill().unwrap();
    bob.child.wait().unwrap();
    rot(&bob.dir, "this text will rot");
    let bob = lab.start("bob");
    assert!(bob.dir.join("events.redb.damaged-1").exists());
    converged(&[&ana, &bob]);
    // Whatever opened the store first saved it; the node finds by itself what is damaged in it.
    wait_for("it is healed", || {
        run(&bob.dir, &["verify"]).status.success() && damaged(&bob.dir) == 0
    });
    assert_eq!(status(&bob.dir)["store"]["lost"], 0);
}

/// The last event rots, and the machine is killed: the database goes back by one transaction and says nothing.
#[test]
fn an_acknowledged_event_that_the_disk_lost_is_missed_and_its_counter_not_used_again() {
    let lab = Lab::new();
    let mut ana = lab.start("ana");
    for n in 0..5 {
        add(&ana.dir, &format!("event {n}"));
    }
    add(&ana.dir, "the last one will rot");
    ana.child.kill().unwrap();
    ana.child.wait().unwrap();
    let held = status(&ana.dir)["events"].clone();
    assert_eq!(held, 7);
    let mut ana = lab.start("ana");
    add(&ana.dir, "the very last one will rot");
    ana.child.kill().unwrap();
    ana.child.wait().unwrap();
    rot(&ana.dir, "very last one");
    let ana = lab.start("ana");
    assert_eq!(status(&ana.dir)["events"], 7);
    assert_eq!(status(&ana.dir)["store"]["lost"], 1);
    assert!(stdout(&ok(run(&ana.dir, &["status"]))).contains("LOST"));
    let verify = run(&ana.dir, &["verify"]);
    assert_eq!(verify.status.code(), Some(1));
    assert!(stdout(&verify).contains("1 events that were acknowledged are gone"));
    add(&ana.dir, "after the loss");
    let seq = |event: &Value| event["fedag"]["seq"].as_u64().unwrap();
    let seqs: Vec<_> = events(&ana.dir).iter().map(seq).collect();
    assert_eq!(
        seqs,
        [1, 2, 3, 4, 5, 6, 7, 9],
        "8 was used for what is lost"
    );
}

/// All that is left is the key: the network gives back everything else, and no counter is used twice.
#[test]
fn a_machine_whose_store_is_gone_is_rebuilt_from_a_peer_with_its_key() {
    for name in ["ana", "bob"] {
        let lab = Lab::new();
        let ana = lab.start("ana");
        let bob = lab.newcomer("bob");
        let own = if name == "ana" { &ana } else { &bob };
        for n in 0..3 {
            add(&own.dir, &format!("own {n}"));
        }
        converged(&[&ana, &bob]);
        let (lost, other) = if name == "ana" {
            (ana, bob)
        } else {
            (bob, ana)
        };
        let key = fs::read(lost.dir.join("key")).unwrap();
        let dir = lost.dir.clone();
        lost.stop();
        // The index rots too, so nothing can be saved.
        let path = dir.join("events.redb");
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() / 3]).unwrap();
        let broken = run(&dir, &["status"]);
        fails(&broken, 1, "is damaged");
        let said = crate::support::stderr(&broken);
        assert!(
            said.contains("move it away and run `fedag join TICKET`"),
            "{said}"
        );
        fs::rename(&path, dir.join("events.redb.broken")).unwrap();
        let ticket = lines(&ok(run(&other.dir, &["invite"]))).remove(0);
        ok(run(&dir, &["join", &ticket, "--timeout", "30"]));
        assert_eq!(fs::read(dir.join("key")).unwrap(), key);
        let back = Running::start(&dir, &[]);
        let uuid = add(&back.dir, "written after the rebuild");
        converged(&[&back, &other]);
        let shown = ok(run(&other.dir, &["show", &uuid, "--json"])).stdout;
        let shown: Value = serde_json::from_slice(&shown).unwrap();
        assert_eq!(shown["forked"], false, "{shown}");
        assert_eq!(status(&back.dir)["store"]["lost"], 0);
        verified(&back.dir);
    }
}
