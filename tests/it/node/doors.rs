//! Tickets that do not open, and joins that are interrupted.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::*;
use crate::support::{contents, events, fails, numbered, run_with, stderr};

#[test]
fn a_damaged_ticket_changes_nothing() {
    let lab = Lab::new();
    let ana = lab.start("ana");
    let ticket = lab.ticket("ana", &[]);
    let damaged = format!("{}{}", &ticket[..40], &ticket[41..]);
    fails(&lab.join("bob", &damaged), 2, "damaged");
    assert!(!lab.dir("bob").exists());
    ok(lab.join("bob", &ticket));
    assert_eq!(status(&ana.dir)["members"], 2);
}

#[test]
fn an_expired_ticket_is_refused_and_a_new_one_works_in_the_same_directory() {
    let lab = Lab::new();
    let _ana = lab.start("ana");
    let made = Instant::now();
    let ticket = lab.ticket("ana", &["--expires", "1s"]);
    wait_for("it expires", || {
        made.elapsed() > Duration::from_millis(1500)
    });
    let expired = || {
        let output = lab.join("bob", &ticket);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains("expired: ask for a new one"));
    };
    expired();
    let before = contents(&lab.dir("bob"));
    expired();
    assert_eq!(contents(&lab.dir("bob")), before, "a key and a config");
    ok(lab.join("bob", &lab.ticket("ana", &[])));
}

#[test]
fn a_ticket_lets_in_as_many_machines_as_it_says() {
    let lab = Lab::new();
    let ana = lab.start("ana");
    let ticket = lab.ticket("ana", &["--uses", "2"]);
    ok(lab.join("bob", &ticket));
    ok(lab.join("cyd", &ticket));
    fails(&lab.join("dan", &ticket), 1, "used up: ask for a new one");
    ok(lab.join("bob", &ticket)); // It is in already.
    // R, an invite and two admissions.
    assert_eq!(status(&ana.dir)["events"], 4);
}

#[test]
fn a_machine_of_one_network_does_not_get_into_another() {
    let (lab, other) = (Lab::new(), Lab::new());
    let ana = lab.start("ana");
    let _other = other.start("ana");
    ok(lab.join("bob", &lab.ticket("ana", &[])));
    let bob = lab.dir("bob");
    let held = events(&bob);
    let ticket = other.ticket("ana", &[]);
    fails(&lab.join("bob", &ticket), 1, "3 events of another network");
    assert_eq!(events(&bob), held);
    let bob = lab.start("bob");
    converged(&[&ana, &bob]);
}

#[test]
fn a_stopped_inviter_is_named_and_the_same_command_works_later() {
    let lab = Lab::new();
    let ana = lab.start("ana");
    let ticket = lab.ticket("ana", &[]);
    let address = status(&ana.dir)["listening"][0].clone();
    let address = address.as_str().unwrap();
    ana.stop();
    fails(&lab.join("bob", &ticket), 1, address);
    assert!(!lab.dir("bob").join("events.redb").exists());
    let ana = Running::start(&lab.dir("ana"), &["--listen", address]);
    ok(lab.join("bob", &ticket));
    assert_eq!(digest(&lab.dir("bob")), digest(&ana.dir));
}

#[test]
fn a_killed_join_is_repeated_with_the_same_ticket() {
    let lab = Lab::new();
    let input = numbered(5000, |n| format!("event {n}"));
    ok(run_with(&lab.dir("ana"), &["add", "-"], input.as_bytes()));
    let ana = lab.start("ana");
    // Killed as soon as there is a key, a credential, a store.
    for (name, file) in [
        ("bob", "key"),
        ("cyd", "credential"),
        ("dan", "events.redb"),
    ] {
        let ticket = lab.ticket("ana", &[]);
        let dir = lab.dir(name);
        let mut join: Child = fedag(&dir)
            .args(joining(name, &ticket))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let until = Instant::now() + crate::support::PATIENCE;
        while !dir.join(file).exists() {
            assert!(Instant::now() < until, "{file} is not written");
            std::thread::yield_now();
        }
        join.kill().unwrap();
        join.wait().unwrap();
        ok(lab.join(name, &ticket));
        assert_eq!(digest(&dir), digest(&ana.dir), "{name}");
        verified(&dir);
    }
    // Each was admitted once.
    assert_eq!(status(&ana.dir)["events"], 1 + 5000 + 3 * 2);
    assert_eq!(status(&ana.dir)["members"], 4);
}

#[test]
fn a_ticket_that_lets_nobody_in_does_not_set_the_own_network_aside() {
    let lab = Lab::new();
    let _ana = lab.start("ana");
    let ticket = lab.ticket("ana", &["--uses", "1"]);
    ok(lab.join("bob", &ticket));
    let cyd = lab.dir("cyd");
    ok(run(&cyd, &["init", "--listen", "127.0.0.1:0"]));
    let before = contents(&cyd);
    fails(&lab.join("cyd", &ticket), 1, "used up");
    assert_eq!(contents(&cyd), before);
    ok(lab.join("cyd", &lab.ticket("ana", &[])));
    assert_eq!(status(&cyd)["members"], 3);
}

#[test]
fn a_join_at_a_port_in_use_leaves_the_ticket_as_good_as_it_was() {
    let lab = Lab::new();
    let ana = lab.start("ana");
    let ticket = lab.ticket("ana", &[]);
    let taken = status(&ana.dir)["listening"][0].clone();
    let arguments = ["join", &ticket, "--name", "bob", "--listen"];
    let at = |listen: &str| run(&lab.dir("bob"), &[&arguments[..], &[listen]].concat());
    fails(&at(taken.as_str().unwrap()), 1, "cannot listen on udp");
    assert_eq!(status(&ana.dir)["members"], 1);
    ok(at("127.0.0.1:0"));
    assert_eq!(status(&ana.dir)["members"], 2);
}

#[test]
fn an_invite_to_nowhere_is_no_event() {
    let lab = Lab::new();
    let dir = lab.dir("alone");
    ok(run(&dir, &["init", "--listen", "127.0.0.1:0"]));
    fails(&run(&dir, &["invite"]), 1, "no address is known");
    assert_eq!(status(&dir)["events"], 1);
}
