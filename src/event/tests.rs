//! Events by themselves: what is accepted, what is refused and why, and that JSON keeps them.

mod json;
mod proofs;
mod runs;

use super::*;
use crate::event::canon::is_canonical_object;
use crate::event::control::{Admit, Root};
use crate::limits::{EVENT_BYTES_MAX, TIME_MS_MAX};

const RULES: Rules = Rules {
    event_bytes_max: 65_536,
    parents_max: 4,
};
/// Bytes on the wire of an event of ordinary size, as far as these tests are concerned.
const BYTES: usize = 300;

fn key(seed: u8) -> Key {
    Key::from_seed([seed; 32])
}

fn wall() -> WallTime {
    WallTime::from_ms(1_795_334_580_123).unwrap()
}

fn id(byte: u8) -> EventId {
    EventId([byte; 16])
}

fn draft(json: &str) -> Draft {
    let properties = Properties::parse(json.as_bytes()).unwrap();
    Draft {
        parents: vec![id(2), id(1)],
        seq: 14,
        wall: wall(),
        control: Control::None,
        properties,
    }
}

fn root() -> Event {
    let root = Root {
        network: "office".to_owned(),
        name: "a".to_owned(),
        rules: RULES,
    };
    Draft {
        parents: vec![],
        seq: 1,
        control: Control::Root(root),
        ..draft("{}")
    }
    .sign(&key(1))
}

fn admit() -> Control {
    Control::Admit(Admit {
        key: key(2).machine(),
        name: "b".to_owned(),
        invite: id(7),
    })
}

fn run(events: usize) -> Vec<Event> {
    let item = |place: usize| (wall(), Properties::from_text(&format!("line {place}")));
    sign_run(
        vec![id(9), id(3)],
        5,
        (0..events).map(item).collect(),
        &key(1),
    )
}

/// Signs changed contents again, so that only what was changed is wrong.
fn resigned(mut raw: Raw) -> Raw {
    let signature = key(1).sign(&Contents::of(&raw).signed_bytes());
    match &mut raw.proof {
        Proof::Signed { sig } | Proof::Head { sig, .. } => *sig = signature,
        Proof::Middle { .. } | Proof::Last => {}
    }
    raw
}

/// Checks that `raw` is refused with `invalid`, alone and among good events.
fn check_refused(raw: &Raw, bytes: usize, invalid: Invalid) {
    assert_eq!(raw.clone().check(&RULES, bytes), Err(invalid));
    let good = draft("{}").sign(&key(3));
    let all = vec![
        (good.raw().clone(), BYTES),
        (raw.clone(), bytes),
        (good.raw().clone(), BYTES),
    ];
    assert_eq!(
        check_all(all, &RULES),
        [Ok(good.clone()), Err(invalid), Ok(good)]
    );
}

#[test]
fn what_is_signed_here_is_accepted() {
    for event in [
        draft("{}").sign(&key(1)),
        draft(r#"{"text":"x","a":1,"z":2,"feda":3,"fedah":4,"parent":5,"parentt":6,"é":7}"#)
            .sign(&key(1)),
        Draft {
            control: admit(),
            ..draft("{}")
        }
        .sign(&key(1)),
        root(),
    ] {
        assert_eq!(event.raw().clone().check(&RULES, BYTES), Ok(event.clone()));
        assert_eq!(event.commitment(), None);
        assert_eq!(event.committed_bytes(), None);
        assert!(event.raw().machine.verifies(
            &event.signed_bytes().unwrap(),
            &match event.raw().proof {
                Proof::Signed { sig } | Proof::Head { sig, .. } => sig,
                Proof::Middle { .. } | Proof::Last => panic!("it is signed"),
            }
        ));
    }
    let twice = vec![id(2), id(1), id(2)];
    let event = Draft {
        parents: twice,
        ..draft("{}")
    }
    .sign(&key(1));
    assert_eq!(event.raw().parents, [id(1), id(2)]);
    assert!(matches!(root().control(), Control::Root(_)));
}

#[test]
fn the_canonical_form_is_the_rfc_8785_form_of_the_whole() {
    // The splicing against the writer of values: reserved members between, before and after the user's.
    for json in [
        "{}",
        r#"{"a":1}"#,
        r#"{"z":1}"#,
        r#"{"feda":1,"fedagg":2,"g":{"fedag":1},"parent":1,"parentss":3,"q":[]}"#,
        r#"{"\"":1,"\\":2,"é":3,"😀":4,"":5}"#,
    ] {
        for control in [Control::None, admit()] {
            let event = Draft {
                control,
                ..draft(json)
            }
            .sign(&key(1));
            let canonical = event.canonical();
            let value = canon::read(&canonical, 99).unwrap();
            let mut written = Vec::new();
            canon::write_value(&value, &mut written);
            assert_eq!(String::from_utf8(canonical), String::from_utf8(written));
        }
    }
}

#[test]
fn further_members_of_fedag_sort_between_its_own() {
    let control =
        r#"{"a":1,"machin":2,"machine_":3,"nexu":4,"s":5,"sez":6,"sigh":7,"timf":8,"é":9}"#;
    let mut raw = draft("{}").sign(&key(1)).raw().clone();
    raw.control = control.as_bytes().to_vec();
    let event = resigned(raw).check(&RULES, BYTES).unwrap();
    assert_eq!(event.control(), &Control::None);
    let canonical = event.canonical();
    assert!(
        is_canonical_object(&canonical, &["uuid"]),
        "{}",
        String::from_utf8_lossy(&canonical)
    );
    assert_eq!(
        Raw::from_json(event.to_json().as_bytes()).as_ref(),
        Ok(event.raw())
    );
}

/// A good event with a change that its signature does not cover.
fn changed(change: impl FnOnce(&mut Raw)) -> Raw {
    let mut raw = draft(r#"{"text":"x"}"#).sign(&key(1)).raw().clone();
    change(&mut raw);
    raw
}

/// A key that is no point of the curve.
fn no_point() -> MachineId {
    let mut keys = (2..=u8::MAX).map(|y| MachineId([y; 32]));
    keys.find(|key| !key.is_usable()).unwrap()
}

#[test]
fn each_rule_has_its_refusal() {
    let refused =
        |invalid, change: &dyn Fn(&mut Raw)| check_refused(&changed(change), BYTES, invalid);
    refused(Invalid::Seq, &|raw| raw.seq = 0);
    refused(Invalid::Seq, &|raw| raw.seq = SEQ_MAX + 1);
    refused(Invalid::Time, &|raw| raw.time_ms = TIME_MS_MAX + 1);
    refused(Invalid::Parents, &|raw| raw.parents = vec![id(2), id(1)]);
    refused(Invalid::Parents, &|raw| raw.parents = vec![id(1), id(1)]);
    refused(Invalid::TooManyParents, &|raw| {
        raw.parents = (0..5).map(id).collect();
    });
    refused(Invalid::Key, &|raw| raw.machine = no_point());
    refused(Invalid::Key, &|raw| raw.machine = MachineId([0; 32]));
    refused(Invalid::Signature, &|raw| raw.machine = key(2).machine());
    refused(Invalid::Signature, &|raw| raw.properties = b"{}".to_vec());
    check_refused(&changed(|_| {}), 65_537, Invalid::TooLarge);
    // At the bounds all is well.
    let bounds = resigned(changed(|raw| {
        (raw.seq, raw.time_ms) = (SEQ_MAX, TIME_MS_MAX);
        raw.parents = (0..4).map(id).collect();
    }));
    assert!(bounds.check(&RULES, 65_536).is_ok());
}

#[test]
fn a_key_of_small_order_signs_nothing_though_its_signature_holds() {
    // R = the neutral point and s = 0 hold over every message for such a key.
    let mut sig = [0; 64];
    sig[0] = 1;
    let sig = Signature(sig);
    let machine = MachineId([0; 32]);
    assert!(machine.verifies(b"anything", &sig));
    let forged = changed(|raw| (raw.machine, raw.proof) = (machine, Proof::Signed { sig }));
    check_refused(&forged, BYTES, Invalid::Key);
}

#[test]
fn both_objects_are_canonical_and_without_reserved_members() {
    for bad in [
        "",
        "{",
        "[]",
        r#"{"b":1,"a":2}"#,
        r#"{"a":1.0}"#,
        r#"{"uuid":1}"#,
        r#"{"parents":1}"#,
        r#"{"fedag":1}"#,
    ] {
        let raw = changed(|raw| raw.properties = bad.as_bytes().to_vec());
        check_refused(&raw, BYTES, Invalid::Properties);
    }
    for bad in [
        "{}",
        "{",
        "[]",
        r#"{"b":1,"a":2}"#,
        r#"{"machine":1}"#,
        r#"{"seq":1}"#,
        r#"{"time":1}"#,
        r#"{"sig":1}"#,
        r#"{"next":1}"#,
    ] {
        let raw = changed(|raw| raw.control = bad.as_bytes().to_vec());
        check_refused(&raw, BYTES, Invalid::Control);
    }
}

#[test]
fn an_unsigned_event_needs_one_parent_and_no_control_part() {
    let last = run(2).pop().unwrap().raw().clone();
    assert!(last.clone().check(&RULES, BYTES).is_ok());
    let two = Raw {
        parents: vec![id(1), id(2)],
        ..last.clone()
    };
    check_refused(&two, BYTES, Invalid::Unsigned);
    check_refused(
        &Raw {
            control: admit().to_bytes(),
            ..last.clone()
        },
        BYTES,
        Invalid::Unsigned,
    );
    check_refused(
        &Raw {
            control: b"{\"x\":1}".to_vec(),
            ..last.clone()
        },
        BYTES,
        Invalid::Unsigned,
    );
    check_refused(
        &Raw {
            parents: vec![],
            ..last.clone()
        },
        BYTES,
        Invalid::Unsigned,
    );
    check_refused(
        &Raw {
            machine: MachineId([0; 32]),
            ..last.clone()
        },
        BYTES,
        Invalid::Key,
    );
    check_refused(
        &Raw {
            machine: no_point(),
            ..last
        },
        BYTES,
        Invalid::Key,
    );
}

/// R with other contents, signed again.
fn other_root(change: impl FnOnce(&mut Raw)) -> Raw {
    let mut raw = root().raw().clone();
    change(&mut raw);
    resigned(raw)
}

#[test]
fn a_root_is_checked_by_its_own_rules() {
    assert_eq!(Event::check_root(root().raw().clone(), BYTES), Ok(root()));
    let refused = |invalid, bytes, change: &dyn Fn(&mut Raw)| {
        assert_eq!(Event::check_root(other_root(change), bytes), Err(invalid));
        check_refused(&other_root(change), bytes, invalid);
    };
    refused(Invalid::TooLarge, 65_537, &|_| {});
    refused(Invalid::TooLarge, EVENT_BYTES_MAX as usize + 1, &|_| {});
    refused(Invalid::Root, BYTES, &|raw| raw.control = vec![]);
    refused(Invalid::Root, BYTES, &|raw| {
        raw.control = b"{\"root\":{\"version\":2}}".to_vec();
    });
    refused(Invalid::Root, BYTES, &|raw| {
        raw.control = admit().to_bytes();
    });
    refused(Invalid::Unsigned, BYTES, &|raw| raw.proof = Proof::Last);
    let next = Commitment([0; 32]);
    refused(Invalid::Unsigned, BYTES, &|raw| {
        raw.proof = Proof::Middle { next }
    });
    let sig = Signature([0; 64]);
    refused(Invalid::Root, BYTES, &|raw| {
        raw.proof = Proof::Head { sig, next }
    });
    refused(Invalid::Signature, BYTES, &|raw| {
        raw.machine = key(2).machine();
    });
    refused(Invalid::Key, BYTES, &|raw| raw.machine = MachineId([0; 32]));
    refused(Invalid::Seq, BYTES, &|raw| raw.seq = 0);
}

#[test]
fn a_root_member_in_an_event_with_parents_means_nothing() {
    let other = other_root(|raw| raw.parents = vec![id(1)]);
    assert_eq!(Event::check_root(other.clone(), BYTES), Err(Invalid::Root));
    assert_eq!(
        other.check(&RULES, BYTES).unwrap().control(),
        &Control::None
    );
}

#[test]
#[should_panic(expected = "the control part says what is meant")]
fn a_control_part_that_would_mean_nothing_is_not_signed() {
    let control = Control::Admit(Admit {
        key: key(2).machine(),
        name: String::new(),
        invite: id(7),
    });
    Draft {
        control,
        ..draft("{}")
    }
    .sign(&key(1));
}

#[test]
#[should_panic(expected = "R and no other event has no parents")]
fn only_a_root_has_no_parents() {
    Draft {
        parents: vec![],
        ..draft("{}")
    }
    .sign(&key(1));
}

#[test]
fn what_a_screened_event_shows_is_what_it_has_when_checked() {
    let event = draft("{}").sign(&key(1));
    let screened = event.raw().clone().screen(&RULES, BYTES).unwrap();
    assert_eq!(
        (screened.id(), screened.digest()),
        (event.id(), event.digest())
    );
    assert_eq!(screened.check(), Ok(event));
}
