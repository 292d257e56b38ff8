//! Which unsigned events are held: those that their parent vouches for, also after reopening.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::dag::support::{LENGTH, World, checked, empty, index, key, root, texts, wall};
use crate::dag::{Dag, Inserted};
use crate::event::canon::Properties;
use crate::event::control::Control;
use crate::event::id::Commitment;
use crate::event::{Draft, Event, Proof, Raw, sign_run};

#[test]
fn a_run_is_held_in_order_and_its_commitments_are_closed() {
    let mut dag = empty();
    let run = sign_run(vec![dag.root()], 2, texts(["a", "b", "c"]), &key('r'));
    let mut appends = Vec::new();
    for (event, open) in run.iter().zip([1, 1, 0]) {
        let Inserted::New(append) = dag.insert(event, LENGTH) else {
            panic!("{event:?}")
        };
        appends.push(append);
        assert_eq!(dag.open_nexts.len(), open);
        assert_eq!(
            Dag::open(index(root(), &appends)).open_nexts,
            dag.open_nexts
        );
    }
    dag.check().unwrap();
}

#[test]
fn unvouched_events_are_refused_also_after_reopening() {
    let mut dag = empty();
    let key = key('r');
    let run = sign_run(vec![dag.root()], 2, texts(["a", "b", "c"]), &key);
    let other = sign_run(vec![dag.root()], 2, texts(["x", "y", "z"]), &key);
    let single = Draft {
        parents: vec![run[0].id()],
        seq: 3,
        wall: wall(),
        control: Control::None,
        properties: Properties::from_text("the signed rival"),
    };
    let single = single.sign(&key);
    let moved = |event: &Event, to: &Event| {
        checked(Raw {
            parents: vec![to.id()],
            ..event.raw().clone()
        })
    };
    let altered = checked(Raw {
        properties: br#"{"text":"forged"}"#.to_vec(),
        ..run[1].raw().clone()
    });
    let skipping = moved(&run[2], &run[0]);
    let on_root = moved(&run[1], &root());
    let of_other = moved(&other[1], &run[0]);
    let after_signed = moved(&run[2], &single);

    let mut appends = Vec::new();
    for event in [&run[0], &single] {
        let Inserted::New(append) = dag.insert(event, LENGTH) else {
            panic!("{event:?}")
        };
        appends.push(append);
    }
    // The signed rival stands where the run's second event belongs, and closes nothing.
    for mut dag in [dag.clone(), Dag::open(index(root(), &appends))] {
        let before = dag.digest();
        for unvouched in [&altered, &skipping, &on_root, &of_other, &after_signed] {
            assert_eq!(dag.insert(unvouched, LENGTH), Inserted::Unvouched);
        }
        assert_eq!(dag.digest(), before);
        assert!(matches!(dag.insert(&run[1], LENGTH), Inserted::New(_)));
        assert_eq!(
            dag.insert(&altered, LENGTH),
            Inserted::Unvouched,
            "the commitment is used up"
        );
        assert!(matches!(dag.insert(&run[2], LENGTH), Inserted::New(_)));
        dag.check().unwrap();
    }
}

#[test]
fn a_run_of_another_author_is_not_vouched_for() {
    let mut world = World::new("R -> +x");
    let run = sign_run(vec![root().id()], 1, texts(["a", "b"]), &key('x'));
    let stolen = checked(Raw {
        machine: key('r').machine(),
        ..run[1].raw().clone()
    });
    let later = checked(Raw {
        seq: 3,
        ..run[1].raw().clone()
    });
    world.add("run", run[0].clone());
    assert_eq!(world.dag.insert(&stolen, LENGTH), Inserted::Unvouched);
    assert_eq!(world.dag.insert(&later, LENGTH), Inserted::Unvouched);
    assert!(matches!(
        world.dag.insert(&run[1], LENGTH),
        Inserted::New(_)
    ));
}

#[test]
fn rows_say_which_events_are_signed() {
    let mut dag = empty();
    let run = sign_run(vec![dag.root()], 2, texts(["a", "b", "c"]), &key('r'));
    for event in run {
        let Inserted::New(append) = dag.insert(&event, LENGTH) else {
            panic!("{event:?}")
        };
        let expected = match event.raw().proof {
            Proof::Signed { .. } | Proof::Head { .. } => true,
            Proof::Middle { .. } | Proof::Last => false,
        };
        assert_eq!(append.row.signed, expected);
        assert_eq!(append.row.next, event.raw().proof.next());
    }
}

/// A signed event on R that tells any `next`, as a liar would make it.
fn head_with(next: Commitment, seq: u64, author: char) -> Event {
    let parents = vec![root().id()];
    let plain = Draft {
        parents,
        seq,
        wall: wall(),
        control: Control::None,
        properties: Properties::none(),
    };
    let raw = plain.sign(&key(author)).raw().clone();
    let message = format!(
        "fedag event v1\n{{\"fedag\":{{\"machine\":\"{}\",\"next\":\"{next:?}\",\"seq\":{seq},\"time\":\"{}\"}},\"parents\":[\"{}\"]}}",
        raw.machine,
        wall(),
        raw.parents[0]
    );
    let sig = key(author).sign(message.as_bytes());
    checked(Raw {
        proof: Proof::Head { sig, next },
        ..raw
    })
}

#[test]
fn a_commitment_is_good_for_the_next_event_of_its_author_alone() {
    let mut world = World::new("R -> +x");
    let run = sign_run(vec![root().id()], 4, texts(["a", "b"]), &key('r'));
    let next = run[1].commitment().unwrap();
    // All three commit to the same event: by r, with seq 5.
    for (name, author, seq, vouches) in [
        ("x", 'x', 4, false),
        ("early", 'r', 3, false),
        ("right", 'r', 4, true),
    ] {
        let head = head_with(next, seq, author);
        world.add(name, head.clone());
        let child = checked(Raw {
            parents: vec![head.id()],
            ..run[1].raw().clone()
        });
        let inserted = world.dag.insert(&child, LENGTH);
        assert_eq!(
            matches!(inserted, Inserted::New(_)),
            vouches,
            "{name}: {inserted:?}"
        );
        assert_eq!(inserted == Inserted::Unvouched, !vouches, "{name}");
    }
    world.dag.check().unwrap();
}
