//! What commands print.

use super::*;

#[test]
fn log_has_orders_bounds_and_filters() {
    let (_temp, dir) = network();
    let uuids = lines(&ok(run_with(&dir, &["add", "-"], b"one\ntwo\nthree\n")));
    let texts = |arguments: &[&str]| -> Vec<String> {
        let output = ok(run(&dir, arguments));
        let text = |line: &String| {
            serde_json::from_str::<Value>(line).unwrap()["text"]
                .as_str()
                .unwrap_or("R")
                .to_owned()
        };
        lines(&output).iter().map(text).collect()
    };
    assert_eq!(texts(&["log", "--json"]), ["R", "one", "two", "three"]);
    assert_eq!(
        texts(&["log", "--json", "--order", "arrival"]),
        ["R", "one", "two", "three"]
    );
    assert_eq!(texts(&["log", "--json", "-n", "2"]), ["two", "three"]);
    assert_eq!(
        texts(&["log", "--json", "--after", &uuids[0]]),
        ["two", "three"]
    );
    assert_eq!(
        texts(&["log", "--json", "--after", &uuids[0][..8]]),
        ["two", "three"]
    );
    assert_eq!(
        texts(&["log", "--json", "--by", "ana", "-n", "1"]),
        ["three"]
    );
    assert_eq!(texts(&["log", "--json", "-n", "0"]), [""; 0]);
    let human = lines(&ok(run(&dir, &["log"])));
    assert_eq!(human.len(), 4);
    assert!(
        human[3].contains("ana") && human[3].contains("three") && human[3].contains("leaf"),
        "{}",
        human[3]
    );
    assert!(!human[2].contains("leaf"), "{}", human[2]);
}

#[test]
fn show_names_an_event_by_uuid_prefix_and_label() {
    let (_temp, dir) = network();
    let uuids = lines(&ok(run_with(&dir, &["add", "-"], b"one\ntwo\nthree\n")));
    let by_uuid: Value =
        serde_json::from_slice(&ok(run(&dir, &["show", "--json", &uuids[1]])).stdout).unwrap();
    assert_eq!(by_uuid["event"]["text"], "two");
    assert_eq!(by_uuid["parents"][0]["uuid"], json!(uuids[0]));
    assert_eq!(by_uuid["children"][0]["uuid"], json!(uuids[2]));
    assert_eq!(
        (&by_uuid["leaf"], &by_uuid["author"]),
        (&json!(false), &json!("ana"))
    );
    let label = by_uuid["label"].as_str().unwrap();
    for name in [&uuids[1][..8], label] {
        let shown: Value =
            serde_json::from_slice(&ok(run(&dir, &["show", "--json", name])).stdout).unwrap();
        assert_eq!(shown, by_uuid, "{name}");
    }
    let human = stdout(&ok(run(&dir, &["show", label])));
    for expected in [&uuids[0], &uuids[1], &uuids[2], "ana", "\"text\":\"two\""] {
        assert!(human.contains(expected), "{expected}: {human}");
    }
}

#[test]
fn events_keep_what_would_steer_a_terminal_as_data() {
    let (_temp, dir) = network();
    let hostile = "a\u{1b}[2Jb\u{202e}c\u{9b}";
    ok(run(&dir, &["add", "--text", hostile]));
    assert_eq!(events(&dir)[1]["text"], json!(hostile));
    let human = stdout(&ok(run(&dir, &["log"])));
    assert!(
        !human.contains(['\u{1b}', '\u{202e}', '\u{9b}']),
        "{human:?}"
    );
}

#[test]
fn status_json_has_what_scripts_rely_on() {
    let (_temp, dir) = network();
    let status = status(&dir);
    let keys = [
        "network",
        "root",
        "running",
        "machine",
        "events",
        "leaves",
        "height",
        "digest",
        "pending",
        "in_step",
        "converged",
        "heard",
        "members",
        "listening",
        "peers",
        "faults",
        "store",
    ];
    for key in keys {
        assert!(status.get(key).is_some(), "{key}: {status}");
    }
    assert!(status["store"]["bytes"].as_u64().unwrap() > 0);
    let human = stdout(&ok(run(&dir, &["status"])));
    for expected in [
        "lab",
        "ana",
        "not running",
        status["digest"].as_str().unwrap(),
    ] {
        assert!(human.contains(expected), "{expected}: {human}");
    }
}

#[test]
fn every_command_has_help_with_examples() {
    let (_temp, dir) = place();
    let help = stdout(&ok(run(&dir, &["--help"])));
    assert!(
        help.contains("Examples:") && help.contains("Exit codes"),
        "{help}"
    );
    for command in [
        "init", "invite", "join", "run", "stop", "connect", "add", "log", "show", "leaves",
        "peers", "status", "verify",
    ] {
        assert!(help.contains(command), "{command}");
        let help = stdout(&ok(run(&dir, &[command, "--help"])));
        let (_, examples) = help
            .split_once("Examples:")
            .unwrap_or_else(|| panic!("{command} has no examples"));
        assert!(
            examples.contains(&format!("fedag {command}"))
                || examples.contains(&format!(" {command} ")),
            "{command}"
        );
    }
    assert!(stdout(&ok(run(&dir, &["--version"]))).starts_with("fedag "));
    assert!(!dir.exists());
}

#[test]
fn the_data_directory_may_come_from_the_environment() {
    let (_temp, dir) = network();
    let output = fedag(&dir)
        .env_remove("FEDAG_DATA")
        .arg("status")
        .output()
        .unwrap();
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("fedag"));
    let from_environment = command
        .env("FEDAG_DATA", &dir)
        .arg("status")
        .output()
        .unwrap();
    assert_eq!(stdout(&ok(from_environment)), stdout(&ok(output)));
}

#[test]
fn output_that_nobody_reads_is_no_failure() {
    let (_temp, dir) = network();
    let input = numbered(20_000, |n| n.to_string());
    ok(run_with(&dir, &["add", "-"], input.as_bytes()));
    let mut child = fedag(&dir)
        .args(["log", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    reader.read_line(&mut first).unwrap();
    drop(reader);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
}
