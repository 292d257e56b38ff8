//! With a running node on the directory.

use super::*;

#[test]
fn commands_talk_to_the_running_node() {
    let (_temp, dir) = network();
    let node = Running::start(&dir, &["--listen", "127.0.0.1:0"]);
    let uuid = lines(&ok(run(&dir, &["add", "hello"]))).remove(0);
    assert_eq!(events(&dir)[1]["uuid"], json!(uuid));
    assert_eq!(status(&dir)["events"], 2);
    assert_eq!(lines(&ok(run(&dir, &["peers", "--json"]))), [""; 0]);
    assert!(stdout(&ok(run(&dir, &["verify"]))).contains("2 events, all hold"));
    fails(
        &run(&dir, &["status", "--wait", "--timeout", "0.2"]),
        3,
        "not in step",
    );
    fails(&run(&dir, &["run", "--listen", "127.0.0.1:0"]), 1, "in use");
    ok(run(&dir, &["stop"]));
    assert_eq!(node.ended(), Some(0));
    assert_eq!(status(&dir)["running"], false);
    assert_eq!(events(&dir).len(), 2);
}

#[test]
fn log_follows_the_running_node() {
    let (_temp, dir) = network();
    let node = Running::start(&dir, &["--listen", "127.0.0.1:0"]);
    let mut log = fedag(&dir)
        .args(["log", "-f", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut reader = BufReader::new(log.stdout.take().unwrap());
    let mut next = || {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        serde_json::from_str::<Value>(&line).unwrap()
    };
    assert_eq!(next()["parents"], json!([]));
    for text in ["one", "two"] {
        ok(run(&dir, &["add", text]));
        assert_eq!(next()["text"], json!(text));
    }
    ok(run(&dir, &["stop"]));
    node.ended();
    assert_eq!(log.wait().unwrap().code(), Some(1));
}

#[test]
fn a_node_may_start_while_lines_are_added() {
    let (_temp, dir) = network();
    let mut add = fedag(&dir)
        .args(["add", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = add.stdin.take().unwrap();
    writeln!(stdin, "before").unwrap();
    wait_for("the first line is added", || events(&dir).len() == 2);
    let node = Running::start(&dir, &["--listen", "127.0.0.1:0"]);
    writeln!(stdin, "after").unwrap();
    wait_for("the second line is added", || status(&dir)["events"] == 3);
    drop(stdin);
    assert_eq!(add.wait().unwrap().code(), Some(0));
    ok(run(&dir, &["stop"]));
    assert_eq!(node.ended(), Some(0));
}

#[test]
fn a_port_in_use_is_told() {
    let (_temp, dir) = network();
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(&dir, &["run", "--listen", &address]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains(&address), "{}", stderr(&output));
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_node_in_good_order() {
    let (_temp, dir) = network();
    let node = Running::start(&dir, &["--listen", "127.0.0.1:0", "--log-format", "json"]);
    ok(run(&dir, &["add", "hello"]));
    let killed = Command::new("kill")
        .args(["-TERM", &node.child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    assert_eq!(node.ended(), Some(0));
    assert_eq!(events(&dir).len(), 2);
}

#[test]
fn who_waits_for_peers_waits_for_the_node_too() {
    let (_temp, dir) = network();
    let wait = |timeout: &str| {
        let arguments = ["status", "--wait", "--peers", "0", "--timeout", timeout];
        fedag(&dir)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let waiting = wait("30");
    fails(
        &wait("0.2").wait_with_output().unwrap(),
        3,
        "no node answered",
    );
    let _node = Running::start(&dir, &["--listen", "127.0.0.1:0"]);
    let output = ok(waiting.wait_with_output().unwrap());
    assert_eq!(stderr(&output), "");
}
