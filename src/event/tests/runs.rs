//! Runs: one signature, and commitments.

use crate::event::tests::{BYTES, RULES, id, key, run};
use crate::event::*;

#[test]
fn in_a_run_each_event_is_vouched_for_by_the_one_before() {
    for length in [1, 2, 3, RUN_EVENTS_MAX] {
        let events = run(length);
        let raws = events
            .iter()
            .map(|event| (event.raw().clone(), BYTES))
            .collect();
        let checked: Vec<_> = check_all(raws, &RULES)
            .into_iter()
            .map(Result::unwrap)
            .collect();
        assert_eq!(checked, events);
        assert_eq!(events[0].raw().parents, [id(3), id(9)]);
        assert!(events[0].raw().proof.is_signed());
        for (seq, event) in (5..).zip(&events) {
            assert_eq!(event.raw().seq, seq);
        }
        for pair in events.windows(2) {
            assert_eq!(pair[1].raw().parents, [pair[0].id()]);
            assert!(pair[1].commitment().is_some());
            assert_eq!(pair[0].raw().proof.next(), pair[1].commitment());
            assert!(!pair[1].raw().proof.is_signed());
        }
        assert_eq!(events[length - 1].raw().proof.next(), None);
    }
    assert!(matches!(run(1)[0].raw().proof, Proof::Signed { .. }));
}

#[test]
fn a_commitment_covers_all_but_the_parents() {
    let last = run(2).pop().unwrap();
    let commitment = |raw: Raw| raw.check(&RULES, BYTES).unwrap().commitment();
    let raw = || last.raw().clone();
    assert_eq!(
        commitment(Raw {
            parents: vec![id(1)],
            ..raw()
        }),
        last.commitment()
    );
    for other in [
        Raw { seq: 7, ..raw() },
        Raw {
            time_ms: 0,
            ..raw()
        },
        Raw {
            machine: key(2).machine(),
            ..raw()
        },
        Raw {
            properties: b"{}".to_vec(),
            ..raw()
        },
        Raw {
            proof: Proof::Middle {
                next: Commitment([0; 32]),
            },
            ..raw()
        },
    ] {
        assert_ne!(commitment(other), last.commitment());
    }
}

#[test]
#[should_panic(expected = "a run has a bounded number of events")]
fn a_run_is_not_empty() {
    run(0);
}
