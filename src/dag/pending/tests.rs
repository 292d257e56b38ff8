//! What waits, is released, refused and forgotten.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::*;
use crate::dag::support::{LENGTH, World, empty, key, root, wall};
use crate::event::canon::Properties;
use crate::event::index::Arrival;
use crate::event::{Raw, sign_run};

/// One DAG that holds R, and what waits for it.
struct Case {
    world: World,
    dag: Dag,
    pending: Pending,
}

fn peer(of: char) -> MachineId {
    key(of).machine()
}

impl Case {
    fn new(text: &str) -> Self {
        Self {
            world: World::new(text),
            dag: empty(),
            pending: Pending::default(),
        }
    }

    /// Offers an event by name, as if it came from peer `from` at `now`; puts it here if it lacks something.
    fn offer(&mut self, now: u64, from: char, name: &str) -> String {
        self.offer_of(now, from, name, LENGTH)
    }

    fn offer_of(&mut self, now: u64, from: char, name: &str, length: u32) -> String {
        let event = self.world.event(name).clone();
        let said = match self.dag.insert(&event, length) {
            Inserted::New(append) => {
                let released = self.pending.release(&mut self.dag, &append);
                self.told(released)
            }
            Inserted::Missing(missing) => {
                format!(
                    "{:?}",
                    self.pending
                        .put(Time(now), peer(from), event, length, missing)
                )
            }
            other @ (Inserted::Held(_)
            | Inserted::Twin(_)
            | Inserted::Unvouched
            | Inserted::ForeignRoot) => {
                format!("{other:?}")
            }
        };
        self.check();
        said
    }

    fn told(&self, released: Vec<Released>) -> String {
        let told = |event| match event {
            Released::Held(from, append) => (
                from,
                format!("{}@{}", self.world.name(append.row.id), append.arrival.0),
            ),
            Released::Unvouched(from, id) => (from, format!("!{}", self.world.name(id))),
            Released::Twin(from, id) => (from, format!("={}", self.world.name(id))),
        };
        let told = released.into_iter().map(told).map(|(from, what)| {
            let from = ['p', 'q'].into_iter().find(|of| peer(*of) == from).unwrap();
            format!("{what}/{from}")
        });
        format!("held {}", told.collect::<Vec<_>>().join(" "))
            .trim_end()
            .into()
    }

    /// The invariants at the top of the file.
    fn check(&self) {
        let Pending {
            events,
            waits_for,
            shares,
        } = &self.pending;
        for (id, waiting) in events {
            assert_eq!(*id, waiting.event.id());
            assert!(!self.dag.holds(*id));
            let Inserted::Missing(missing) = self.dag.clone().insert(&waiting.event, 1) else {
                panic!("{id} is ready")
            };
            let dependencies = missing.parents.into_iter().map(Dependency::Parent);
            let expected: Vec<_> = dependencies
                .chain(missing.admission.map(Dependency::Admission))
                .collect();
            let noted: Vec<_> = waits_for
                .iter()
                .filter(|(_, by)| by == id)
                .map(|(of, _)| *of)
                .collect();
            assert_eq!(noted, expected);
            assert_eq!(waiting.missing, expected.len());
            assert!(shares[&waiting.peer].events.contains(&(waiting.since, *id)));
        }
        assert!(waits_for.iter().all(|(_, id)| events.contains_key(id)));
        assert_eq!(
            shares
                .values()
                .map(|share| share.events.len())
                .sum::<usize>(),
            events.len()
        );
        for share in shares.values() {
            let lengths = share
                .events
                .iter()
                .map(|(_, id)| events[id].length as usize);
            assert_eq!(lengths.sum::<usize>(), share.bytes);
            assert!(!share.events.is_empty() && share.events.len() <= PENDING_EVENTS_MAX);
            assert!(share.bytes <= PENDING_BYTES_MAX);
        }
    }
}

#[test]
fn a_chain_is_released_parents_first() {
    let mut case = Case::new("R -> +x -> Ax -> Bx -> Cx; Ax -> Dr; Cx -> Er; Dr -> Er");
    for name in ["Er", "Cx", "Dr", "Bx", "Ax"] {
        assert_eq!(case.offer(1, 'p', name), "Waits");
    }
    assert_eq!(case.pending.len(), 5);
    let told = case.offer(1, 'q', "+x");
    assert!(told.starts_with("held Ax@2/p "), "{told}");
    assert!(told.ends_with(" Er@6/p"), "{told}");
    assert_eq!(case.dag.digest(), case.world.dag.digest());
    assert!(case.pending.is_empty());
    assert!(case.pending.waits_for.is_empty() && case.pending.shares.is_empty());
}

#[test]
fn an_admission_alone_releases() {
    let mut case = Case::new("R -> Ar -> +x; R -> Bx -> Cx; +x -> +yx; R -> Dy");
    for name in ["Bx", "Cx", "Dy", "+yx"] {
        assert_eq!(case.offer(1, 'p', name), "Waits");
    }
    assert_eq!(case.offer(1, 'p', "Ar"), "held");
    let told = case.offer(1, 'p', "+x");
    for name in ["Bx@", "Cx@", "Dy@", "+yx@"] {
        assert!(told.contains(name), "{told}");
    }
    assert_eq!(case.dag.digest(), case.world.dag.digest());
}

#[test]
fn what_no_parent_vouches_for_is_told_and_its_children_stay() {
    let mut case = Case::new("R -> Ar");
    let items = ["1", "2", "3"].map(|text| (wall(), Properties::from_text(text)));
    let run = sign_run(
        vec![case.world.event("Ar").id()],
        3,
        items.into(),
        &key('r'),
    );
    let other = sign_run(
        vec![case.world.event("Ar").id()],
        3,
        vec![(wall(), Properties::none())],
        &key('r'),
    );
    for (name, event) in ["one", "two", "three"].into_iter().zip(run) {
        case.world.add(name, event);
    }
    // Whoever held nothing cannot tell which `next` its parent has.
    let raw = Raw {
        properties: br#"{"text":"forged"}"#.to_vec(),
        ..case.world.event("two").raw().clone()
    };
    let forged = raw.check(case.dag.rules(), 500).unwrap();
    let missing = Missing {
        parents: forged.raw().parents.clone(),
        admission: None,
    };
    assert_eq!(
        case.pending
            .put(Time(1), peer('q'), forged.clone(), LENGTH, missing),
        Put::Waits
    );
    assert_eq!(case.offer(1, 'p', "three"), "Waits");
    assert_eq!(case.offer(1, 'p', "one"), "Waits");
    assert_eq!(case.offer(1, 'p', "Ar"), "held one@2/p !-/q");
    assert_eq!(case.offer(1, 'p', "two"), "held three@4/p");
    assert_eq!(case.dag.insert(&forged, LENGTH), Inserted::Unvouched);
    assert_eq!(case.dag.digest(), case.world.dag.digest());
    assert!(matches!(
        case.dag.insert(&other[0], LENGTH),
        Inserted::New(_)
    ));
}

#[test]
fn an_event_waits_once_and_the_first_peer_pays() {
    let mut case = Case::new("R -> Ar -> Br -> Cr");
    assert_eq!(case.offer(1, 'p', "Br"), "Waits");
    assert_eq!(case.offer(2, 'q', "Br"), "WaitedAlready");
    assert_eq!(case.offer(3, 'p', "Br"), "WaitedAlready");
    assert_eq!(case.offer(4, 'q', "Cr"), "Waits");
    assert_eq!(case.pending.shares[&peer('p')].bytes, LENGTH as usize);
    case.pending.forget(peer('p'));
    case.check();
    assert!(!case.pending.contains(case.world.event("Br").id()));
    assert!(case.pending.contains(case.world.event("Cr").id()));
    assert_eq!(case.offer(5, 'q', "Ar"), "held");
    assert_eq!(case.offer(5, 'p', "Br"), "held Cr@3/q");
    case.pending.forget(peer('p'));
}

#[test]
fn at_the_bound_of_events_the_newest_is_refused() {
    let mut case = Case::new("R -> Ar");
    for n in 0..=PENDING_EVENTS_MAX {
        case.world.extend(&format!("Ar -> B{n}r"));
    }
    for n in 0..PENDING_EVENTS_MAX {
        assert_eq!(case.offer(1, 'p', &format!("B{n}r")), "Waits");
    }
    let newest = format!("B{PENDING_EVENTS_MAX}r");
    assert_eq!(case.offer(1, 'p', &newest), "Full");
    assert_eq!(case.offer(1, 'p', "B7r"), "WaitedAlready");
    assert_eq!(
        case.offer(1, 'q', &newest),
        "Waits",
        "each peer has a share of its own"
    );
    case.pending.forget(peer('p'));
    assert_eq!(case.pending.len(), 1);
}

#[test]
fn at_the_bound_of_bytes_the_newest_is_refused() {
    let mut case = Case::new("R -> Ar -> Br; Ar -> Cr; Ar -> Dr");
    let half = u32::try_from(PENDING_BYTES_MAX / 2).unwrap();
    assert_eq!(case.offer_of(1, 'p', "Br", half), "Waits");
    assert_eq!(case.offer_of(1, 'p', "Cr", half + 1), "Full");
    assert_eq!(case.offer_of(1, 'p', "Cr", half), "Waits");
    assert_eq!(case.offer_of(1, 'p', "Dr", 1), "Full");
    assert!(case.offer(1, 'p', "Ar").starts_with("held "));
    assert!(case.pending.is_empty());
    let whole = u32::try_from(PENDING_BYTES_MAX).unwrap();
    case.world.extend("Dr -> Er -> Fr");
    assert_eq!(
        case.offer_of(1, 'p', "Fr", whole),
        "Waits",
        "one event always has room"
    );
}

#[test]
fn the_oldest_of_each_peer_is_told() {
    let mut case = Case::new("R -> Ar -> Br -> Cr; R -> Dr -> Er");
    assert_eq!(case.offer(5, 'p', "Er"), "Waits");
    assert_eq!(case.offer(7, 'p', "Cr"), "Waits");
    assert_eq!(case.offer(9, 'q', "Br"), "Waits");
    let oldest = |case: &Case| case.pending.oldest().collect::<BTreeMap<_, _>>();
    assert_eq!(
        oldest(&case),
        [(peer('p'), Time(5)), (peer('q'), Time(9))].into()
    );
    case.offer(10, 'p', "Dr");
    assert_eq!(
        oldest(&case),
        [(peer('p'), Time(7)), (peer('q'), Time(9))].into()
    );
    case.offer(10, 'p', "Ar");
    assert_eq!(oldest(&case), [].into());
}

#[test]
fn what_is_inserted_otherwise_leaves() {
    let mut case = Case::new("R -> Ar -> Br -> Cr");
    assert_eq!(case.offer(1, 'p', "Br"), "Waits");
    assert_eq!(case.offer(1, 'p', "Cr"), "Waits");
    let mut appends = Vec::new();
    for name in ["Ar", "Br"] {
        let Inserted::New(append) = case.dag.insert(case.world.event(name), LENGTH) else {
            panic!("{name}")
        };
        appends.push(append);
    }
    let mut told = Vec::new();
    for append in appends {
        let released = case.pending.release(&mut case.dag, &append);
        told.push(case.told(released));
    }
    assert_eq!(told, ["held", "held Cr@3/p"]);
    case.check();
    assert_eq!(case.dag.insert(&root(), LENGTH), Inserted::Held(Arrival(0)));
}

#[test]
#[should_panic(expected = "waits for something")]
fn what_lacks_nothing_does_not_wait() {
    let case = Case::new("R -> Ar");
    Pending::default().put(
        Time(0),
        peer('p'),
        case.world.event("Ar").clone(),
        LENGTH,
        Missing::default(),
    );
}
