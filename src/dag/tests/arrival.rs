//! The held set does not depend on the order of arrival.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeSet;

use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::dag::support::{
    LENGTH, World, checked, deliver, empty, index, key, random_dag, root, texts,
};
use crate::dag::{Dag, Inserted};
use crate::event::index::Arrival;
use crate::event::{Event, Raw, sign_run};

/// A world with everything that could make machines differ: forks, runs cut short, signed rivals, several admissions of
/// a key that are no ancestors of its events, forged run events.
fn universe(seed: u64) -> (Vec<Event>, usize) {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let mut pick = |end: u32| random.next_u32() % end;
    let mut world =
        World::new("R -> +x; R -> +xr:again -> Ar; R -> Bx; Ar -> +yx; R -> Cy; Cy -> +xy:third");
    let mut forged = Vec::new();
    for n in 0..30 {
        let author = ['r', 'x', 'y'][pick(3) as usize];
        let mut parents: Vec<_> = (0..=pick(3))
            .map(|_| world.dag.id(Arrival(pick(world.dag.len()))))
            .collect();
        parents.sort_unstable();
        parents.dedup();
        match pick(4) {
            0 => {
                let seq = world.next_seq(author);
                let run = sign_run(parents, seq, texts(["1", "2", "3", "4"]), &key(author));
                let held = 1 + pick(4) as usize;
                for event in &run[..held] {
                    world.add("run", event.clone());
                }
                let lies = Raw {
                    properties: format!("{{\"forged\":{n}}}").into_bytes(),
                    ..run[1].raw().clone()
                };
                forged.push(checked(lies));
                let parent = world.dag.id(Arrival(pick(world.dag.len())));
                if run[2].raw().parents != [parent] {
                    forged.push(checked(Raw {
                        parents: vec![parent],
                        ..run[2].raw().clone()
                    }));
                }
            }
            1 => {
                let event = world.make(&format!("fork{n}{author}@{}", 1 + pick(4)), parents);
                world.add("fork", event);
            }
            _ => {
                let event = world.make(&format!("plain{n}{author}"), parents);
                world.add("plain", event);
            }
        }
    }
    let held = world.appends.len();
    let mut events = world.events();
    events.extend(forged);
    (events, held)
}

fn shuffled(events: &[Event], seed: u64) -> Vec<Event> {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let mut events = events.to_vec();
    for at in (1..events.len()).rev() {
        events.swap(at, random.next_u32() as usize % (at + 1));
    }
    events
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_order_of_arrival_holds_the_same_set(of in 0_u64..1000, one in any::<u64>(), other in any::<u64>()) {
        let (events, held) = universe(of);
        let forged: BTreeSet<_> = events[held..].iter().map(Event::id).collect();
        let mut digests = BTreeSet::new();
        let mut names = BTreeSet::new();
        for order in [events.clone(), shuffled(&events, one), shuffled(&events, other)] {
            let done = deliver(root(), &order);
            done.dag.check().unwrap();
            prop_assert_eq!(done.dag.len() as usize, 1 + held);
            prop_assert_eq!(done.missing, 0);
            prop_assert_eq!(done.unvouched.into_iter().collect::<BTreeSet<_>>(), forged.clone());
            digests.insert(done.dag.digest());
            names.insert(done.dag.members().map(|(key, member)| (key, member.name.clone())).collect::<Vec<_>>());
            // What the store would open is the same, the open commitments too.
            let opened = Dag::open(index(root(), &done.appends));
            opened.check().unwrap();
            prop_assert_eq!(opened.digest(), done.dag.digest());
            prop_assert_eq!(opened.open_nexts, done.dag.open_nexts);
            prop_assert_eq!(format!("{:?}", opened.members), format!("{:?}", done.dag.members));
            prop_assert_eq!(format!("{:?}", opened.authors), format!("{:?}", done.dag.authors));
        }
        prop_assert_eq!(digests.len(), 1);
        prop_assert_eq!(names.len(), 1);
    }
}

#[test]
fn closed_at_every_step_of_random_dags() {
    for seed in 0..8 {
        let (events, _) = universe(seed);
        let mut dag = empty();
        for _ in 0..events.len() {
            for event in shuffled(&events, seed) {
                if matches!(dag.insert(&event, LENGTH), Inserted::New(_)) {
                    dag.check().unwrap();
                    assert!(event.raw().parents.iter().all(|parent| dag.holds(*parent)));
                    assert!(dag.is_member(event.raw().machine));
                }
            }
        }
    }
    random_dag(7, 400).check().unwrap();
}

/// Ancestry does not give a place to dependencies: a member may write on R alone, while its admission lies far above.
#[test]
fn a_thousand_events_on_the_root_wait_for_an_admission_far_above() {
    let mut world = World::new("R -> A0r");
    for n in 1..500 {
        world.extend(&format!("A{}r -> A{n}r", n - 1));
    }
    world.extend("A499r -> +x");
    for n in 0..1000 {
        world.extend(&format!("R -> B{n}x"));
    }
    let (x, r) = (key('x').machine(), key('r').machine());
    assert_eq!(world.dag.height(world.at("B999x")), 1);
    assert_eq!(
        world.dag.height(world.dag.member(x).unwrap().admission),
        501
    );
    assert!(world.at("+x") < world.at("B0x"));
    assert_eq!(world.dag.leaves().len(), 1001);
    assert_eq!(world.dag.credential(x), Some(vec![world.at("+x")]));
    assert_eq!(world.dag.credential(r), Some(vec![]));
    let mut reversed = world.events();
    reversed.reverse();
    let done = deliver(root(), &reversed);
    done.dag.check().unwrap();
    assert_eq!(done.dag.digest(), world.dag.digest());
    assert_eq!(
        Dag::open(index(root(), &done.appends)).digest(),
        world.dag.digest()
    );
}
