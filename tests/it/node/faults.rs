//! Members that write what no honest machine writes.

use fedag::event::canon::Properties;
use fedag::event::sign_run;

use super::odd::{Odd, altered, wall};
use super::*;

/// The trap of admissions that are no ancestors: a member's events whose parents are only R, its admission far above.
#[test]
fn a_newcomer_converges_although_an_admission_is_far_above_the_events_that_need_it() {
    let lab = Lab::new();
    let ana = lab.start("ana");
    let bob = lab.newcomer("bob");
    let input = crate::support::numbered(200, |n| format!("below the admission {n}"));
    ok(crate::support::run_with(
        &ana.dir,
        &["add", "-"],
        input.as_bytes(),
    ));
    let odd = Odd::join(7, &lab.ticket("ana", &[]));
    let events: Vec<_> = (1..=1000)
        .map(|seq| odd.on_root(seq, &format!("on R {seq}")))
        .collect();
    odd.push(&events);
    // R, two invites and admissions, and what was written.
    wait_for("all are held", || {
        status(&ana.dir)["events"] == 1 + 4 + 200 + 1000
    });
    let cyd = lab.newcomer("cyd");
    wait_for("one digest", || {
        let digest = digest(&ana.dir);
        digest == self::digest(&bob.dir) && digest == self::digest(&cyd.dir)
    });
    let held = log(&cyd.dir);
    assert_eq!(held.len(), 1 + 6 + 200 + 1000);
    assert!(
        events
            .iter()
            .all(|event| held.contains(&event.id().to_string()))
    );
    verified(&cyd.dir);
    drop(odd);
}

#[test]
fn what_breaks_the_rules_is_a_named_fault_and_nothing_of_it_is_held() {
    let lab = Lab::new();
    let ana = lab.start("ana");
    let bob = lab.newcomer("bob");
    converged(&[&ana, &bob]);
    let mut odd = Odd::join(8, &lab.ticket("ana", &[]));
    let first = odd.on_root(1, "honest");
    odd.push(std::slice::from_ref(&first));
    let events = 1 + 4 + 1;
    wait_for("an honest event is held", || {
        status(&ana.dir)["events"] == events
    });
    let good = odd.on_root(2, "would be honest");
    let item = |text| (wall(), Properties::from_text(text));
    let run = sign_run(vec![odd.root()], 1, vec![item("a"), item("b")], odd.key());
    let trailing = [altered(&good, |_| {}), vec![0]].concat();
    let bad = [
        ("event_seq", altered(&good, |raw| raw.seq = 1 << 53)),
        (
            "event_properties",
            altered(&good, |raw| raw.properties = br#"{"b":1,"a":2}"#.into()),
        ),
        (
            "event_signature",
            altered(&good, |raw| raw.properties = br#"{"text":"forged"}"#.into()),
        ),
        (
            "event_parents",
            altered(&good, |raw| raw.parents = vec![first.id(), first.id()]),
        ),
        (
            "unvouched",
            altered(&run[1], |raw| raw.parents = vec![first.id()]),
        ),
        ("malformed", trailing),
    ];
    for (name, bytes) in bad {
        odd.give(bytes);
        assert_eq!(
            odd.hung_up(),
            "the machine there says that this one broke the rules"
        );
        wait_for(name, || status(&ana.dir)["faults"][name] == 1);
        assert_eq!(status(&ana.dir)["events"], events, "{name}");
        odd.connect();
    }
    odd.push(&[good]);
    wait_for("whoever broke rules may still write", || {
        status(&ana.dir)["events"] == events + 1
    });
    add(&ana.dir, "after all that");
    let cyd = lab.newcomer("cyd");
    wait_for("one digest", || {
        let digest = digest(&ana.dir);
        digest == self::digest(&bob.dir) && digest == self::digest(&cyd.dir)
    });
    assert_eq!(status(&cyd.dir)["events"], events + 1 + 1 + 2);
    assert_eq!(status(&bob.dir)["faults"], serde_json::json!({}));
    verified(&cyd.dir);
}
