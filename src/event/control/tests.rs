//! Which control parts mean something.

use super::*;
use crate::event::key::Key;

fn key() -> MachineId {
    Key::from_seed([5; 32]).machine()
}

fn admit() -> Admit {
    Admit {
        key: key(),
        name: "b\"é".to_owned(),
        invite: EventId([9; 16]),
    }
}

fn invite() -> Invite {
    Invite {
        key: key(),
        expires_ms: 1_795_334_580_123,
        uses: 3,
    }
}

fn root() -> Root {
    let rules = Rules {
        event_bytes_max: 65_536,
        parents_max: 64,
    };
    Root {
        network: "office".to_owned(),
        name: "a".to_owned(),
        rules,
    }
}

/// Reads `json` in an event with parents.
fn parse(json: &str) -> Control {
    Control::parse(json.as_bytes(), false)
}

fn text(control: &Control) -> String {
    String::from_utf8(control.to_bytes()).unwrap()
}

#[test]
fn what_is_written_is_read_back() {
    for (control, is_root) in [
        (Control::None, false),
        (Control::None, true),
        (Control::Root(root()), true),
        (Control::Admit(admit()), false),
        (Control::Invite(invite()), false),
    ] {
        let bytes = control.to_bytes();
        assert_eq!(Control::parse(&bytes, is_root), control);
        assert!(bytes.is_empty() || crate::event::canon::is_canonical_object(&bytes, &RESERVED));
    }
    assert_eq!(
        text(&Control::Root(root())),
        r#"{"root":{"event_bytes_max":65536,"name":"a","network":"office","parents_max":64,"version":1}}"#
    );
    let key = key();
    assert_eq!(
        text(&Control::Admit(admit())),
        format!(
            r#"{{"admit":{{"invite":"09090909-0909-0909-0909-090909090909","key":"{key}","name":"b\"é"}}}}"#
        )
    );
    assert_eq!(
        text(&Control::Invite(invite())),
        format!(r#"{{"invite":{{"expires":"2026-11-22T08:03:00.123Z","key":"{key}","uses":3}}}}"#)
    );
}

#[test]
fn an_invite_without_end_is_written_with_the_bounds() {
    let endless = Invite {
        expires_ms: u64::MAX,
        uses: u64::MAX,
        ..invite()
    };
    let bounded = Invite {
        expires_ms: TIME_MS_MAX,
        uses: SEQ_MAX,
        ..invite()
    };
    assert_eq!(
        Control::parse(&Control::Invite(endless).to_bytes(), false),
        Control::Invite(bounded)
    );
}

#[test]
fn what_stands_beside_is_ignored() {
    let [admit, invite] = [Control::Admit(admit()), Control::Invite(invite())];
    let with = |control: &Control, other: &str| {
        parse(&text(control).replacen('{', &format!("{{{other},"), 1))
    };
    for other in [
        r#""aaa":{"admit":1}"#,
        r#""root":{"version":1}"#,
        r#""zzz":null"#,
    ] {
        assert_eq!(with(&admit, other), admit);
        assert_eq!(with(&invite, other), invite);
    }
    assert_eq!(with(&admit, r#""invite":{}"#), admit);
    assert_eq!(with(&invite, r#""admit":{"key":"x"}"#), invite);
}

#[test]
fn two_meanings_are_none() {
    let [admit, invite] = [
        text(&Control::Admit(admit())),
        text(&Control::Invite(invite())),
    ];
    let both = format!(
        "{},{}",
        admit.strip_suffix('}').unwrap(),
        invite.strip_prefix('{').unwrap()
    );
    assert_eq!(parse(&both), Control::None);
}

#[test]
fn a_place_decides_what_is_looked_at() {
    let root = Control::Root(root());
    assert_eq!(Control::parse(&root.to_bytes(), false), Control::None);
    assert_eq!(
        Control::parse(&Control::Admit(admit()).to_bytes(), true),
        Control::None
    );
    assert_eq!(
        Control::parse(&Control::Invite(invite()).to_bytes(), true),
        Control::None
    );
    let beside = text(&root).replacen('{', r#"{"admit":{},"#, 1);
    assert_eq!(Control::parse(beside.as_bytes(), true), root);
}

/// Replaces `from` in the control part and checks that it means nothing then.
fn check_ill_formed(control: &Control, is_root: bool, from: &str, to: &str) {
    let whole = text(control);
    let changed = whole.replacen(from, to, 1);
    assert!(whole != changed, "{whole} has no {from}");
    assert_eq!(
        Control::parse(changed.as_bytes(), is_root),
        Control::None,
        "{changed}"
    );
}

#[test]
fn an_ill_formed_root_means_nothing() {
    let root = Control::Root(root());
    let long = format!("\"name\":\"{}\"", "x".repeat(65));
    for (from, to) in [
        ("\"version\":1", "\"version\":2"),
        ("\"version\":1", "\"version\":\"1\""),
        ("\"version\":1", "\"version\":1,\"w\":1"),
        (",\"version\":1", ""),
        ("65536", "4095"),
        ("65536", "1048577"),
        ("65536", "65536.5"),
        ("\"parents_max\":64", "\"parents_max\":1"),
        ("\"parents_max\":64", "\"parents_max\":1025"),
        ("\"parents_max\":64", "\"parents_max\":-64"),
        ("\"name\":\"a\"", "\"name\":\"\""),
        ("\"name\":\"a\"", "\"name\":\"a\\n\""),
        ("\"name\":\"a\"", "\"name\":\"a\u{85}\""),
        ("\"name\":\"a\"", "\"name\":1"),
        ("\"name\":\"a\"", &long),
        ("\"network\":\"office\"", "\"network\":\"\""),
        ("{\"event", "[{\"event"),
    ] {
        check_ill_formed(&root, true, from, to);
    }
    for (from, to) in [
        ("65536", "4096"),
        ("65536", "1048576"),
        ("_max\":64", "_max\":2"),
        ("_max\":64", "_max\":1024"),
    ] {
        let changed = text(&root).replacen(from, to, 1);
        assert!(
            matches!(Control::parse(changed.as_bytes(), true), Control::Root(_)),
            "{changed}"
        );
    }
    let longest = text(&root).replacen(
        "\"name\":\"a\"",
        &format!("\"name\":\"{}\"", "x".repeat(64)),
        1,
    );
    assert!(
        matches!(Control::parse(longest.as_bytes(), true), Control::Root(_)),
        "{longest}"
    );
}

#[test]
fn an_ill_formed_admission_or_invite_means_nothing() {
    let key = key().to_string();
    let small = MachineId([0; 32]).to_string();
    let no_point = (2..=u8::MAX)
        .map(|y| MachineId([y; 32]))
        .find(|key| !key.is_usable())
        .unwrap()
        .to_string();
    for control in [Control::Admit(admit()), Control::Invite(invite())] {
        for to in [&small, &no_point, &key[1..], &format!("{key}="), ""] {
            check_ill_formed(&control, false, &key, to);
        }
        check_ill_formed(&control, false, "\"key\"", "\"kez\"");
        check_ill_formed(&control, false, "\"key\"", "\"also\":1,\"key\"");
        check_ill_formed(&control, false, ":{", ":[");
    }
    for (from, to) in [
        ("\"name\":\"b\\\"é\"", "\"name\":\"\""),
        ("\"name\":\"b\\\"é\"", "\"name\":null"),
        ("0909-0909", "0909-090"),
        (
            "\"09090909-0909-0909-0909-090909090909\"",
            "\"0909090909090909\"",
        ),
        ("\"09090909-0909-0909-0909-090909090909\"", "9"),
    ] {
        check_ill_formed(&Control::Admit(admit()), false, from, to);
    }
    for (from, to) in [
        ("2026-11-22T08:03:00.123Z", "2026-11-22T08:03:00Z"),
        ("2026-11-22T08:03:00.123Z", "2026-02-30T08:03:00.123Z"),
        ("\"uses\":3", "\"uses\":-1"),
        ("\"uses\":3", "\"uses\":1.5"),
        ("\"uses\":3", "\"uses\":9007199254740992"),
        ("\"uses\":3", "\"uses\":\"3\""),
    ] {
        check_ill_formed(&Control::Invite(invite()), false, from, to);
    }
}

#[test]
fn no_bytes_are_too_strange_to_mean_nothing() {
    for bytes in [
        "{}",
        "[]",
        "null",
        "{",
        "\u{0}",
        r#"{"admit":null}"#,
        r#"{"admit":{},"admit":{}}"#,
    ] {
        assert_eq!(parse(bytes), Control::None);
        assert_eq!(Control::parse(bytes.as_bytes(), true), Control::None);
    }
}
