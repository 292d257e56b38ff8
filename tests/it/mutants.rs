//! Breakages of the machine, each caught by a property with a name: what guards it, and that the guard works.
//!
//! The properties of `model` are looked at in every order of a few small worlds; the others have a scene of their own in the
//! simulator. Without a breakage all hold. The table at the end of the run says which property caught what.

mod scenes;

use std::collections::BTreeSet;

use fedag::mutant::{self, Mutant};

use self::scenes::SCENES;

/// Each breakage, and the property that catches it.
const CAUGHT: &[(Mutant, &str)] = &[
    (
        Mutant::SendBeforeDurable,
        "what others hold is on its author's disk",
    ),
    (Mutant::HeadsBeforeDurable, "told heads are durable"),
    (Mutant::AnswerBeforeDurable, "nothing acknowledged is lost"),
    (Mutant::StaleLeaf, "exact leaves"),
    (Mutant::OneParent, "parents are all leaves"),
    (Mutant::HeightOfParent, "what is kept of the DAG is right"),
    (Mutant::StaleDigest, "what is kept of the DAG is right"),
    (
        Mutant::CapWithoutOwn,
        "an event descends from its author's last",
    ),
    (Mutant::AdmissionIgnored, "no event of a stranger is held"),
    (
        Mutant::AdmissionBefore,
        "a member's event is held whatever its parents",
    ),
    (
        Mutant::UnsignedTaken,
        "an unsigned event needs its parent's word",
    ),
    (
        Mutant::PendingForgotten,
        "what a pushed event lacks is made up within a second",
    ),
    (
        Mutant::VerdictLies,
        "a session's missing set shrinks to nothing",
    ),
    (Mutant::OfferInverted, "two that diverged far become equal"),
    (Mutant::CreditIgnored, "nobody sends more than the credit"),
    (Mutant::HeadsOfSender, "told heads are durable"),
    (
        Mutant::RedialGivenUp,
        "after a long cut machines find each other",
    ),
    (
        Mutant::VisitsGivenUp,
        "who has peers enough meets others now and then",
    ),
    (
        Mutant::NobodySpared,
        "a machine that all know keeps room for newcomers",
    ),
];

/// The names of the properties that do not hold when machines are broken so.
fn broken_by(mutant: Mutant, property: &'static str) -> BTreeSet<&'static str> {
    match SCENES.iter().find(|(name, _)| *name == property) {
        None => crate::model::broken_by(Some(mutant), property),
        Some((name, holds)) => {
            mutant::set(Some(mutant));
            let holds = holds();
            mutant::set(None);
            (!holds).then_some(*name).into_iter().collect()
        }
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "a table for people, with --nocapture")]
fn each_breakage_is_caught_by_a_property() {
    for (mutant, property) in CAUGHT {
        let broken = broken_by(*mutant, property);
        println!("{:<20} {property}", format!("{mutant:?}"));
        assert!(
            broken.contains(property),
            "{mutant:?} breaks {broken:?}, not: {property}"
        );
    }
}

#[test]
fn without_a_breakage_all_properties_hold() {
    for (name, holds) in SCENES {
        assert!(holds(), "{name}");
    }
    assert_eq!(
        crate::model::broken_by(None, "none of all"),
        BTreeSet::new()
    );
}

#[test]
fn every_breakage_stands_in_the_table() {
    let listed: BTreeSet<Mutant> = CAUGHT.iter().map(|(mutant, _)| *mutant).collect();
    assert_eq!(listed, Mutant::ALL.iter().copied().collect());
    assert_eq!(listed.len(), CAUGHT.len());
}
