//! One key, one directory, one port: what happens when they are used twice.

use super::*;
use crate::support::{fails, stderr};

#[test]
fn a_second_node_on_a_directory_says_that_it_is_in_use() {
    let lab = Lab::new();
    let ana = lab.start("ana");
    fails(&run(&ana.dir, &["run"]), 1, "in use");
    add(&ana.dir, "the first goes on");
}

#[test]
fn a_port_in_use_is_told_and_the_other_node_goes_on() {
    let lab = Lab::new();
    let ana = lab.start("ana");
    ok(lab.join("bob", &lab.ticket("ana", &[])));
    let listening = status(&ana.dir)["listening"][0].clone();
    let address = listening.as_str().unwrap();
    let output = run(&lab.dir("bob"), &["run", "--listen", address]);
    fails(&output, 1, &format!("cannot listen on udp {address}"));
    assert!(stderr(&output).contains("in use"), "{}", stderr(&output));
    let bob = lab.start("bob");
    converged(&[&ana, &bob]);
}

#[test]
fn a_copied_data_directory_is_told_that_its_key_is_used_twice() {
    let lab = Lab::new();
    let ana = lab.start("ana");
    let bob = lab.newcomer("bob");
    converged(&[&ana, &bob]);
    bob.stop();
    let copy = lab.dir("copy");
    std::fs::create_dir(&copy).unwrap();
    for entry in std::fs::read_dir(lab.dir("bob")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    let bob = lab.start("bob");
    converged(&[&ana, &bob]);
    let copy = lab.start("copy");
    wait_for("the copy is told", || {
        let status = status(&copy.dir);
        let why = |peer: &Value| {
            let why = peer["why"].as_str().unwrap_or_default();
            why.contains("another running machine uses this machine's key")
        };
        status["peers"].as_array().unwrap().iter().any(why)
    });
    assert_eq!(status(&copy.dir)["in_step"], Value::Null);
    add(&bob.dir, "the first one goes on");
    converged(&[&ana, &bob]);
    // What the copy writes meanwhile is a fork of bob's counter: kept, and nothing breaks.
    let fork = add(&copy.dir, "the copy writes too");
    bob.stop();
    in_step(&[&ana, &copy]);
    assert!(log(&ana.dir).contains(&fork));
    verified(&ana.dir);
}
