//! `fedag add`, in all its forms.

use super::*;

#[test]
fn add_takes_text_properties_and_json() {
    let (_temp, dir) = network();
    for (arguments, properties) in [
        (&["add", "hello"][..], json!({"text": "hello"})),
        (&["add", "two", "words"], json!({"text": "two words"})),
        (
            &["add", "kind=order", "qty:=3", "tags:=[\"a\"]"],
            json!({"kind": "order", "qty": 3, "tags": ["a"]}),
        ),
        (
            &["add", "{\"temp\": 21.50,\n \"unit\": \"C\"}"],
            json!({"temp": 21.5, "unit": "C"}),
        ),
        (
            &["add", "--text", "{not json}"],
            json!({"text": "{not json}"}),
        ),
        (&["add", "--text", "a=1"], json!({"text": "a=1"})),
        (&["add", "--", "-x"], json!({"text": "-x"})),
        (&["add", "größe=1"], json!({"größe": "1"})),
    ] {
        let uuids = lines(&ok(run(&dir, arguments)));
        assert_eq!(uuids.len(), 1, "{arguments:?}");
        let last = events(&dir).pop().unwrap();
        assert_eq!(last["uuid"], json!(uuids[0]), "{arguments:?}");
        let mut user = last.as_object().unwrap().clone();
        user.retain(|key, _| !["uuid", "parents", "fedag"].contains(&key.as_str()));
        assert_eq!(Value::Object(user), properties, "{arguments:?}");
    }
    let whole = ok(run(&dir, &["add", "--json", "n:=1"]));
    let event: Value = serde_json::from_slice(&whole.stdout).unwrap();
    assert_eq!(events(&dir).pop(), Some(event));
}

#[test]
fn each_event_stands_on_the_leaf_before() {
    let (_temp, dir) = network();
    for text in ["one", "two", "three"] {
        ok(run(&dir, &["add", text]));
    }
    let events = events(&dir);
    for pair in events.windows(2) {
        assert_eq!(pair[1]["parents"], json!([pair[0]["uuid"]]));
    }
    let leaves = ok(run(&dir, &["leaves", "--json"]));
    assert_eq!(lines(&leaves).len(), 1);
    assert_eq!(
        serde_json::from_slice::<Value>(&leaves.stdout).unwrap(),
        events[3]
    );
}

#[test]
fn an_event_that_is_too_large_is_refused() {
    let (_temp, dir) = network();
    fails(&run(&dir, &["add", &"x".repeat(100_000)]), 1, "large");
    assert_eq!(events(&dir).len(), 1);
}

#[test]
fn add_dash_takes_a_line_each_in_order() {
    let (_temp, dir) = network();
    let output = ok(run_with(
        &dir,
        &["add", "-"],
        b"hello\n\n{\"n\": 1.0}\r\na=1\n{\"n\":2}",
    ));
    let uuids = lines(&output);
    let events = events(&dir);
    let added: Vec<_> = events[1..]
        .iter()
        .map(|event| event["uuid"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(added, uuids);
    let user: Vec<_> = events[1..]
        .iter()
        .map(|event| (&event["text"], &event["n"]))
        .collect();
    let null = &Value::Null;
    assert_eq!(
        user,
        [
            (&json!("hello"), null),
            (null, &json!(1)),
            (&json!("a=1"), null),
            (null, &json!(2))
        ]
    );
}

#[test]
fn bad_lines_are_told_with_their_number_and_skipped() {
    let (_temp, dir) = network();
    let mut input = b"one\n{bad\nb\xff\n{\"uuid\":1}\n{\"n\":1e400}\n".to_vec();
    input.extend(vec![b'x'; 2 << 20]);
    input.extend(b"\ntwo\n");
    let output = run_with(&dir, &["add", "-"], &input);
    assert_eq!(output.status.code(), Some(1));
    let errors = stderr(&output);
    for (number, why) in [
        (2, "not JSON"),
        (3, "UTF-8"),
        (4, "reserved"),
        (5, "string"),
        (6, "longer"),
    ] {
        let told = errors
            .lines()
            .find(|line| line.contains(&format!("line {number} ")))
            .unwrap_or_else(|| panic!("{number}: {errors}"));
        assert!(told.contains(why), "{told}");
    }
    assert_eq!(lines(&output).len(), 2);
    let texts: Vec<_> = events(&dir)[1..]
        .iter()
        .map(|event| event["text"].clone())
        .collect();
    assert_eq!(texts, [json!("one"), json!("two")]);
}

#[test]
fn strictly_the_first_bad_line_is_the_end() {
    let (_temp, dir) = network();
    for bad in ["{bad", "{\"uuid\":1}", &"x".repeat(100_000)] {
        let before = events(&dir).len();
        let output = run_with(
            &dir,
            &["add", "-", "--strict"],
            format!("one\n{bad}\nthree\n").as_bytes(),
        );
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains("line 2 "), "{}", stderr(&output));
        assert_eq!(lines(&output).len(), 1);
        assert_eq!(events(&dir).len(), before + 1);
    }
}

#[test]
fn ten_thousand_lines_are_added_in_order() {
    let (_temp, dir) = network();
    let input = numbered(10_000, |n| format!("{{\"n\":{n}}}"));
    let uuids = lines(&ok(run_with(&dir, &["add", "-"], input.as_bytes())));
    assert_eq!(uuids.len(), 10_000);
    let events = events(&dir);
    assert_eq!(events.len(), 10_001);
    for (n, event) in events[1..].iter().enumerate() {
        assert_eq!((&event["n"], &event["uuid"]), (&json!(n), &json!(uuids[n])));
    }
    let report = ok(run(&dir, &["verify"]));
    let digest = status(&dir)["digest"].as_str().unwrap().to_owned();
    assert_eq!(
        stdout(&report),
        format!("10001 events, all hold, digest {digest}\n")
    );
}

#[test]
fn add_goes_on_when_nobody_reads_the_uuids() {
    let (_temp, dir) = network();
    let mut child = fedag(&dir)
        .args(["add", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let input = numbered(5000, |n| n.to_string());
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(events(&dir).len(), 5001);
}
