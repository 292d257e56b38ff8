//! Networks that are made, and what is refused without a change.

use super::*;

#[test]
fn init_makes_a_network_of_one_machine() {
    let (_temp, dir) = place();
    let root = lines(&ok(run(
        &dir,
        &["init", "--network", "lab", "--name", "ana"],
    )));
    assert_eq!(root.len(), 1);
    let status = status(&dir);
    assert_eq!(status["network"], "lab");
    assert_eq!(status["root"], json!(root[0]));
    assert_eq!(status["machine"]["name"], "ana");
    assert_eq!(status["running"], false);
    assert_eq!(
        (&status["events"], &status["members"], &status["height"]),
        (&json!(1), &json!(1), &json!(0))
    );
    assert_eq!(status["leaves"], json!([root[0]]));
    assert_eq!(status["in_step"], Value::Null);
    let events = events(&dir);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["uuid"], json!(root[0]));
    assert_eq!(events[0]["parents"], json!([]));
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_the_data_directory() {
    use std::os::unix::fs::PermissionsExt;
    let (_temp, dir) = network();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for file in ["key", "events.redb"] {
        assert_eq!(mode(&dir.join(file)), 0o600, "{file}");
    }
}

#[test]
fn a_second_init_is_refused_and_nothing_is_changed() {
    let (_temp, dir) = network();
    let (before, held) = (contents(&dir), events(&dir));
    let again = run(
        &dir,
        &[
            "init",
            "--network",
            "other",
            "--name",
            "bob",
            "--listen",
            "127.0.0.1:1",
        ],
    );
    fails(&again, 1, "already");
    assert_eq!(contents(&dir), before);
    assert_eq!(events(&dir), held);
}

#[test]
fn a_directory_that_is_not_ours_is_left_alone() {
    let (_temp, dir) = place();
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("thesis.tex"), "mine").unwrap();
    for arguments in [
        &["init"][..],
        &["add", "x"],
        &["status"],
        &["run"],
        &["log"],
    ] {
        fails(&run(&dir, arguments), 1, "fedag");
        let names: Vec<_> = std::fs::read_dir(&dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["thesis.tex"], "{arguments:?}");
    }
}

#[test]
fn a_file_where_the_directory_should_be_is_told() {
    let (temp, dir) = place();
    std::fs::write(&dir, "a file").unwrap();
    fails(&run(&dir, &["init"]), 1, "is a file");
    fails(&run(&dir.join("below"), &["init"]), 1, "is a file");
    assert_eq!(std::fs::read(&dir).unwrap(), b"a file");
    assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn a_directory_that_cannot_be_written_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let (temp, _) = place();
    let closed = temp.path().join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o500)).unwrap();
    if std::fs::write(closed.join("probe"), "").is_ok() {
        return; // Nothing is closed to this user.
    }
    fails(&run(&closed.join("ana"), &["init"]), 1, "cannot be written");
    fails(&run(&closed, &["init"]), 1, "cannot be written");
}

#[test]
fn without_a_network_every_command_says_how_to_get_one() {
    let (_temp, dir) = place();
    for arguments in [
        &["add", "x"][..],
        &["add", "-"],
        &["log"],
        &["show", "b14"],
        &["leaves"],
        &["status"],
        &["verify"],
        &["invite"],
        &["peers"],
        &["run"],
        &["stop"],
    ] {
        let output = run(&dir, arguments);
        fails(&output, 1, "no network");
        assert!(
            stderr(&output).contains("fedag init"),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
    assert!(!dir.exists());
}

#[test]
fn wrong_usage_exits_2_and_changes_nothing() {
    let (_temp, dir) = network();
    let (before, held) = (contents(&dir), events(&dir));
    for (arguments, why) in [
        (&["add"][..], "required"),
        (&["add", ""], "empty"),
        (&["add", "a=1", "a=2"], "twice"),
        (&["add", "a:=x"], "not JSON"),
        (&["add", "{\"a\":1"], "not JSON"),
        (&["add", "{\"a\":1} x"], "not JSON"),
        (&["add", "{\"a\":1,\"a\":2}"], "twice"),
        (&["add", "{\"uuid\":1}"], "reserved"),
        (&["add", "fedag=1"], "reserved"),
        (&["add", "{\"n\":9007199254740993}"], "string"),
        (&["add", "n:=1e400"], "string"),
        (&["add", "{\"a\":\"\\ud800\"}"], "Unicode"),
        (&["add", "--nonsense", "x"], "--nonsense"),
        (&["log", "-n", "x"], "invalid value"),
        (&["log", "--order", "random"], "invalid value"),
        (&["log", "-f", "--order", "causal"], "arrival"),
        (&["show"], "required"),
        (&["status", "--peers", "2"], "--wait"),
        (&["status", "--timeout", "soon"], "invalid value"),
        (&["invite", "--expires", "24"], "unit"),
        (&["invite", "--expires", "0s"], "no time"),
        (&["invite", "--uses", "-1"], "unexpected argument"),
        (&["init", "--name", "a\nb"], "control characters"),
        (&["init", "--listen", "here"], "invalid value"),
        (&["join", "nonsense"], "not a ticket"),
        (&["join", "fedag1nonsense"], "damaged"),
        (&["join", ""], "not a ticket"),
        (&["connect", "bob"], "bob@192"),
        (&["run", "--log-format", "xml"], "invalid value"),
        (&["frobnicate"], "unrecognized subcommand"),
        (&[], "fedag run"),
    ] {
        let output = run(&dir, arguments);
        let errors = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
        assert!(
            errors.contains(why),
            "{arguments:?}: {why:?} is not in {errors:?}"
        );
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    assert_eq!(contents(&dir), before);
    assert_eq!(events(&dir), held);
}

#[test]
fn what_is_not_there_exits_1() {
    let (_temp, dir) = network();
    for (arguments, why) in [
        (&["show", "zzzz"][..], "zzzz"),
        (&["show", "00000000-0000-8000-8000-000000000000"], ""),
        (&["log", "--after", "a999"], "a999"),
        (&["log", "--by", "nobody"], "nobody"),
        (&["peers"], "running node"),
        (&["log", "-f"], "running node"),
        (&["status", "--wait"], "running node"),
        (&["connect", "bob@192.0.2.7:1"], "running node"),
        (&["stop"], "running node"),
    ] {
        fails(&run(&dir, arguments), 1, why);
    }
}

#[test]
fn a_damaged_store_is_told() {
    let (_temp, dir) = network();
    ok(run(&dir, &["add", "hello"]));
    std::fs::write(dir.join("events.redb"), "not a store").unwrap();
    for arguments in [&["log"][..], &["add", "x"], &["verify"], &["run"]] {
        fails(&run(&dir, arguments), 1, "store");
    }
}

#[test]
fn an_invite_is_a_ticket_alone_on_standard_output() {
    let (_temp, dir) = network();
    let output = ok(run(&dir, &["invite", "--expires", "30m", "--uses", "0"]));
    let tickets = lines(&output);
    assert_eq!(tickets.len(), 1);
    assert!(tickets[0].starts_with("fedag1"), "{}", tickets[0]);
    assert_eq!(events(&dir).len(), 2, "an invite is an event");
    let other = if tickets[0].as_bytes()[20] == b'7' {
        "2"
    } else {
        "7"
    };
    let mut damaged = tickets[0].clone();
    damaged.replace_range(20..21, other);
    fails(
        &run(&dir.with_file_name("bob"), &["join", &damaged]),
        2,
        "damaged",
    );
}

#[test]
fn a_machine_that_holds_events_does_not_join_another_network() {
    let (temp, dir) = network();
    ok(run(&dir, &["add", "mine"]));
    let other = temp.path().join("other");
    ok(run(&other, &["init"]));
    let ticket = lines(&ok(run(&other, &["invite"]))).remove(0);
    let held = events(&dir);
    fails(&run(&dir, &["join", &ticket]), 1, "2 events");
    assert_eq!(events(&dir), held);
}

#[test]
fn the_machine_that_started_a_network_does_not_join_it() {
    let (_temp, dir) = network();
    let ticket = lines(&ok(run(&dir, &["invite"]))).remove(0);
    let held = events(&dir);
    fails(
        &run(&dir, &["join", &ticket, "--timeout", "20"]),
        1,
        "started",
    );
    assert_eq!(events(&dir), held);
}
