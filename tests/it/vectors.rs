//! Golden bytes: what other implementations must arrive at, and what no change may alter by accident.
//!
//! `tests/data/events.json` is renewed with `BLESS=1 cargo test` and read in the diff before it is
//! committed. It was confirmed by a second implementation, in another language, of docs/protocol.md.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::Path;
use std::sync::OnceLock;

use fedag::event::canon::Properties;
use fedag::event::control::{Admit, Control, Invite, Root, Rules};
use fedag::event::id::{EventDigest, EventId};
use fedag::event::key::{Key, MachineId};
use fedag::event::wall::WallTime;
use fedag::event::{Draft, Event, Proof, Raw, check_all, sign_run};
use serde_json::{Value, json};

const RULES: Rules = Rules {
    event_bytes_max: 65_536,
    parents_max: 64,
};

/// The key of a seed of 32 equal bytes.
fn key(seed: u8) -> Key {
    Key::from_seed([seed; 32])
}

fn wall(ms: u64) -> WallTime {
    WallTime::from_ms(ms).unwrap()
}

/// An event of the machine with seed 1, on R.
fn draft(root: &Event, seq: u64, json: &str) -> Draft {
    let properties = Properties::parse(json.as_bytes()).unwrap();
    let wall = wall(1_795_334_580_123 + seq);
    Draft {
        parents: vec![root.id()],
        seq,
        wall,
        control: Control::None,
        properties,
    }
}

/// The events of the file, each with a name and the seed byte of its author.
fn events() -> Vec<(&'static str, u8, Event)> {
    let said = Root {
        network: "office".to_owned(),
        name: "anna".to_owned(),
        rules: RULES,
    };
    let root = Draft {
        parents: vec![],
        seq: 1,
        wall: wall(1_795_334_580_123),
        control: Control::Root(said),
        properties: Properties::none(),
    }
    .sign(&key(1));
    let signed = draft(&root, 2, r#"{"text":"hello"}"#).sign(&key(1));
    let invite = Invite {
        key: key(3).machine(),
        expires_ms: 1_795_420_980_000,
        uses: 1,
    };
    let invite = Draft {
        control: Control::Invite(invite),
        ..draft(&root, 3, "{}")
    }
    .sign(&key(1));
    let admit = Admit {
        key: key(2).machine(),
        name: "ben \"b\" é".to_owned(),
        invite: invite.id(),
    };
    let parents = vec![signed.id(), invite.id()];
    let admit = Draft {
        control: Control::Admit(admit),
        parents,
        ..draft(&root, 4, "{}")
    }
    .sign(&key(1));
    let (unicode, numbers) = (unicode(&root), numbers(&root));
    let parents = (0..64)
        .map(|byte| EventDigest([byte * 4; 32]).id())
        .collect();
    let wide = Draft {
        parents,
        ..draft(&root, 7, r#"{"text":"many parents"}"#)
    }
    .sign(&key(1));
    let further =
        with_further_member(&draft(&root, 8, r#"{"text":"of a later version"}"#).sign(&key(1)));
    let items = ["first", "second", "third"]
        .map(|text| (wall(1_795_334_590_000), Properties::from_text(text)));
    let mut run = sign_run(vec![admit.id()], 1, items.into(), &key(2)).into_iter();
    let mut next = || run.next().expect("the run has three events");
    vec![
        ("R", 1, root),
        ("signed", 1, signed),
        ("invite", 1, invite),
        ("admission", 1, admit),
        ("text", 1, unicode),
        ("numbers", 1, numbers),
        ("64 parents", 1, wide),
        ("a further member of fedag, which means nothing", 1, further),
        ("first of a run", 2, next()),
        ("second of a run", 2, next()),
        ("third of a run", 2, next()),
    ]
}

/// Names and strings that sort, escape or look in a special way.
fn unicode(root: &Event) -> Event {
    draft(
        root,
        5,
        r#"{"\ud83d\ude00":"\ud834\udd1e","\ufb33":"e\u0301 is not \u00e9","\r":"\u0000\u001f\u007f\b\t\n\f\r\"\\\/",
            "":"","fedagé":[],"fed":{"uuid":{"parents":[{"fedag":null}]}},"parent":true,"parents ":false,"\u2028":"\u202e"}"#,
    )
    .sign(&key(1))
}

/// Numbers at the edges of their spelling.
fn numbers(root: &Event) -> Event {
    draft(
        root,
        6,
        r#"{"n":[1.0,-0,1e-07,0.1,1e20,1e21,9007199254740991,9007199254740992,9007199254740994,5e-324,
            2.2250738585072014e-308,1.7976931348623157E+308,-12.50,0.000001,123456789012345680000,4.35]}"#,
    )
    .sign(&key(1))
}

/// Puts a member between those of `fedag` and signs again, by hand.
fn with_further_member(event: &Event) -> Event {
    let message = String::from_utf8(event.signed_bytes().unwrap()).unwrap();
    let message = message.replacen(",\"seq\":", ",\"note\":[1,{}],\"seq\":", 1);
    let sig = key(1).sign(message.as_bytes());
    let control = b"{\"note\":[1,{}]}".to_vec();
    Raw {
        proof: Proof::Signed { sig },
        control,
        ..event.raw().clone()
    }
    .check(&RULES, 300)
    .unwrap()
}

/// What the file says of an event.
fn row(name: &str, seed: u8, event: &Event) -> Value {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    json!({
        "name": name,
        "seed": format!("{seed:02x}").repeat(32),
        "json": event.to_json(),
        "canonical": text(event.canonical()),
        "digest": format!("{:?}", event.digest()),
        "uuid": event.id().to_string(),
        "signed": event.signed_bytes().map(text),
        "committed": event.committed_bytes().map(text),
        "commitment": event.commitment().map(|commitment| commitment.to_string()),
    })
}

/// What the file has to say.
fn rows() -> Value {
    events()
        .iter()
        .map(|(name, seed, event)| row(name, *seed, event))
        .collect()
}

/// What the file says; renewed first when that is asked for.
fn golden() -> &'static Value {
    static GOLDEN: OnceLock<Value> = OnceLock::new();
    GOLDEN.get_or_init(|| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/events.json");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, serde_json::to_string_pretty(&rows()).unwrap() + "\n").unwrap();
        }
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    })
}

#[test]
fn events_have_the_golden_bytes() {
    assert_eq!(&rows(), golden());
}

#[test]
fn golden_events_are_read_and_accepted() {
    let rows = golden().as_array().unwrap();
    let read: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                Raw::from_json(row["json"].as_str().unwrap().as_bytes()).unwrap(),
                5000,
            )
        })
        .collect();
    let checked: Vec<_> = check_all(read, &RULES)
        .into_iter()
        .map(Result::unwrap)
        .collect();
    for (row, event) in rows.iter().zip(&checked) {
        assert_eq!(
            event.id(),
            EventId::parse(row["uuid"].as_str().unwrap()).unwrap()
        );
        assert_eq!(
            format!("{:?}", event.digest()),
            row["digest"].as_str().unwrap()
        );
    }
    // The run: each event's commitment is what the one before tells.
    let run = &checked[checked.len() - 3..];
    for pair in run.windows(2) {
        assert_eq!(pair[0].raw().proof.next(), pair[1].commitment());
        assert!(pair[1].commitment().is_some());
        assert_eq!(pair[1].raw().parents, [pair[0].id()]);
    }
    assert!(matches!(checked[0].control(), Control::Root(_)));
    assert!(matches!(checked[2].control(), Control::Invite(_)));
    let Control::Admit(admit) = checked[3].control() else {
        panic!("the fourth admits a machine")
    };
    assert_eq!(
        admit.key,
        MachineId::parse(&key(2).machine().to_string()).unwrap()
    );
    assert_eq!(run[0].raw().machine, admit.key);
    assert_eq!(checked[7].control(), &Control::None);
}

#[test]
fn the_worked_example_is_a_golden_event() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/protocol.md");
    let page = std::fs::read_to_string(page).unwrap();
    let rows = golden().as_array().unwrap();
    for (row, shown) in [
        (1, &["signed", "canonical", "digest", "uuid", "json"][..]),
        (9, &["committed", "commitment"]),
        (10, &["committed", "commitment"]),
    ] {
        for member in shown {
            let bytes = rows[row][member].as_str().unwrap();
            assert!(
                page.contains(bytes),
                "{member} of {}: {bytes}",
                rows[row]["name"]
            );
        }
    }
}
