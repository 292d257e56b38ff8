//! Export and import.

use proptest::prelude::*;

use crate::event::canon::is_canonical_object;
use crate::event::control::{Admit, Invite};
use crate::event::tests::{BYTES, RULES, admit, draft, id, key, resigned, root, run};
use crate::event::*;
use crate::limits::TIME_MS_MAX;

#[test]
fn the_json_form_is_for_people() {
    let event = Draft {
        control: admit(),
        ..draft(r#"{"text":"x","a":[1,2]}"#)
    }
    .sign(&key(1));
    let line = event.to_json();
    let start = format!(
        "{{\"uuid\":\"{}\",\"parents\":[\"{}\",\"{}\"],\"fedag\":{{\"admit\":{{",
        event.id(),
        id(1),
        id(2)
    );
    assert!(line.starts_with(&start), "{line}");
    assert!(
        line.ends_with("\"time\":\"2026-11-22T08:03:00.123Z\"},\"a\":[1,2],\"text\":\"x\"}"),
        "{line}"
    );
    assert!(root().to_json().ends_with("Z\"}}"));
}

#[test]
fn ill_formed_lines_are_no_events() {
    let line = draft(r#"{"text":"x"}"#).sign(&key(1)).to_json();
    let head = run(2)[0].to_json();
    let refused = |line: &str, from: &str, to: &str, error: json::Error| {
        let changed = line.replacen(from, to, 1);
        assert!(changed != line, "{line} has no {from}");
        assert_eq!(Raw::from_json(changed.as_bytes()), Err(error), "{changed}");
    };
    let member = |member: &'static str| json::Error::Member { member };
    refused(&line, "\"uuid\"", "\"uuie\"", member("uuid"));
    refused(&line, "\"uuid\":\"", "\"uuid\":\"x", member("uuid"));
    refused(&line, "\"parents\"", "\"parent\"", member("parents"));
    refused(&line, "[\"0101", "[1,\"0101", member("parents"));
    refused(&line, "[\"0101", "[\"101", member("parents"));
    refused(&line, "\"fedag\"", "\"fedah\"", member("fedag"));
    refused(
        &line,
        "\"machine\":\"",
        "\"machine\":\"A",
        member("fedag.machine"),
    );
    refused(&line, "\"seq\":14", "\"seq\":\"14\"", member("fedag.seq"));
    refused(&line, "\"seq\":14", "\"seq\":14.5", member("fedag.seq"));
    refused(&line, ".123Z", "Z", member("fedag.time"));
    refused(&line, "\"sig\":\"", "\"sig\":\"A", member("fedag.sig"));
    refused(
        &line,
        "\"sig\":\"",
        "\"sig\":null,\"sih\":\"",
        member("fedag.sig"),
    );
    refused(&head, "\"next\":\"", "\"next\":\"A", member("fedag.next"));
    refused(&line, "\"seq\":14", "\"seq\":15", json::Error::Id);
    refused(&line, "\"sig\"", "\"sih\"", json::Error::Id);
    refused(&line, "\"x\"", "\"y\"", json::Error::Id);
    refused(&line, "\"x\"}", "\"x\",\"y\":1}", json::Error::Id);
    let twice = canon::Error::Duplicate {
        member: "text".to_owned(),
    };
    refused(
        &line,
        "\"x\"}",
        "\"x\",\"text\":1}",
        json::Error::Json(twice),
    );
    let rounded = canon::Error::Number {
        literal: "9007199254740993".to_owned(),
    };
    refused(
        &line,
        "\"seq\":14",
        "\"seq\":9007199254740993",
        json::Error::Json(rounded),
    );
    assert!(matches!(
        Raw::from_json(b"[]"),
        Err(json::Error::Json(canon::Error::NotAnObject { .. }))
    ));
    // Parents in another order are another event.
    let swapped = line.replacen("\"01", "\"xx", 1).replacen("\"02", "\"01", 1);
    assert!(Raw::from_json(swapped.as_bytes()).is_err());
}

#[test]
fn nesting_to_the_bound_survives_export() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(127), "]".repeat(127));
    let mut raw = draft(&deep).sign(&key(1)).raw().clone();
    raw.control = deep.into_bytes();
    let event = resigned(raw).check(&RULES, BYTES).unwrap();
    assert_eq!(
        Raw::from_json(event.to_json().as_bytes()).as_ref(),
        Ok(event.raw())
    );
}

#[test]
fn every_byte_of_an_event_counts() {
    let event = Draft {
        control: admit(),
        ..draft(r#"{"text":"abc","n":12}"#)
    }
    .sign(&key(1));
    let line = event.to_json();
    let mut read = 0;
    for at in 0..line.len() {
        for change in [1, 2, 0x20] {
            let mut other = line.clone().into_bytes();
            other[at] ^= change;
            if let Ok(raw) = Raw::from_json(&other) {
                // Only the same value in another spelling gets this far.
                assert_eq!(&raw, event.raw(), "{}", String::from_utf8_lossy(&other));
                read += 1;
            }
        }
    }
    assert!(read < 3, "{read}");
    // And of its plain form: nothing but the very contents has its id and a good signature.
    let raw = event.raw();
    let change_sig = |byte: usize| {
        let Proof::Signed { mut sig } = raw.proof else {
            panic!("it is signed")
        };
        sig.0[byte] ^= 1;
        Raw {
            proof: Proof::Signed { sig },
            ..raw.clone()
        }
    };
    for byte in 0..64 {
        let other = change_sig(byte);
        assert_ne!(Contents::of(&other).digest(), event.digest());
        assert_eq!(other.check(&RULES, BYTES), Err(Invalid::Signature));
    }
}

fn any_control() -> impl Strategy<Value = Control> {
    let name = "[^\\p{Cc}]{1,16}";
    let admit = (name, any::<[u8; 16]>()).prop_map(|(name, invite)| {
        Control::Admit(Admit {
            key: key(2).machine(),
            name,
            invite: EventId(invite),
        })
    });
    let invite = (0..=TIME_MS_MAX, 0..=SEQ_MAX).prop_map(|(expires_ms, uses)| {
        Control::Invite(Invite {
            key: key(2).machine(),
            expires_ms,
            uses,
        })
    });
    prop_oneof![Just(Control::None), admit, invite]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn export_then_import_gives_the_same_event(
        parents in prop::collection::vec(any::<[u8; 16]>().prop_map(EventId), 1..5),
        seq in 1..=SEQ_MAX,
        ms in 0..=TIME_MS_MAX,
        control in any_control(),
        members in prop::collection::btree_map(".{0,8}", ".{0,20}", 0..4),
    ) {
        let json = serde_json::to_vec(&members).unwrap();
        let properties = Properties::parse(&json).unwrap();
        let wall = WallTime::from_ms(ms).unwrap();
        let event = Draft { parents, seq, wall, control: control.clone(), properties }.sign(&key(1));
        prop_assert_eq!(event.control(), &control);
        prop_assert_eq!(event.raw().clone().check(&RULES, BYTES), Ok(event.clone()));
        let canonical = event.canonical();
        prop_assert!(is_canonical_object(&canonical, &["uuid"]), "{}", String::from_utf8_lossy(&canonical));
        let line = event.to_json();
        prop_assert_eq!(Raw::from_json(line.as_bytes()), Ok(event.raw().clone()));
        // Any other spelling of JSON is the same event.
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        prop_assert_eq!(Raw::from_json(pretty.as_bytes()), Ok(event.raw().clone()));
    }
}
