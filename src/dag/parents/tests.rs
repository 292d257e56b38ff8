//! Size, cap and uniqueness of parents; that no leaf starves.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeSet, VecDeque};

use proptest::prelude::*;

use crate::dag::parents::{below, generator};
use crate::dag::support::{World, key, root_with};
use crate::event::control::Rules;
use crate::event::key::MachineId;
use crate::limits::EVENT_BYTES_DEFAULT;

/// A DAG where an event gets at most `parents_max` parents.
fn capped(parents_max: u32, text: &str) -> World {
    World::on(
        root_with(Rules {
            event_bytes_max: EVENT_BYTES_DEFAULT,
            parents_max,
        }),
        text,
    )
}

#[test]
fn all_leaves_are_parents_up_to_the_cap() {
    let mut world = capped(4, "R -> Ar; R -> Br; R -> Cr -> Dr");
    let r = key('r').machine();
    assert_eq!(world.names(world.dag.parents_for(r, 6)), "Ar Br Dr");
    world.extend("R -> Er");
    assert_eq!(world.names(world.dag.parents_for(r, 7)), "Ar Br Dr Er");
    assert!(world.dag.parents_for(r, 7).is_sorted());
}

#[test]
fn above_the_cap_the_own_last_event_is_a_parent_even_if_no_leaf() {
    let mut world = capped(2, "R -> +x -> Ax -> Br; Ax -> Cr; Ax -> Dr");
    let x = key('x').machine();
    assert!(!world.dag.is_leaf(world.at("Ax")));
    let own = world.event("Ax").id();
    let others: BTreeSet<_> = (2..40)
        .map(|seq| {
            let mut parents = world.dag.parents_for(x, seq);
            assert!(parents.contains(&own));
            parents.retain(|parent| *parent != own);
            world.names(parents)
        })
        .collect();
    assert_eq!(
        others,
        ["Br", "Cr", "Dr"].map(String::from).into(),
        "each leaf has its turn"
    );
    world.extend("+x -> Ex; +x -> Fr; +x -> Gr");
    assert!(
        world
            .dag
            .parents_for(x, 50)
            .contains(&world.event("Ex").id())
    );
}

#[test]
fn above_the_cap_half_are_the_newest() {
    let mut world = capped(8, "R -> Ar -> Br -> Cr -> Dr; Br -> Er; Br -> Fr");
    for n in 0..30 {
        world.extend(&format!("R -> Old{n}r"));
    }
    world.extend("R -> +x; +x -> Hx");
    let x = key('x').machine();
    for seq in 0..20 {
        let parents = world.dag.parents_for(x, seq);
        for name in ["Hx", "Dr", "Er", "Fr"] {
            assert!(parents.contains(&world.event(name).id()), "{name}");
        }
        assert_eq!(parents.len(), 8);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn parents_are_few_unique_leaves(max in 2_u32..12, leaves in 1_u32..40, depth in 0_u32..4, seq in any::<u64>()) {
        let mut world = capped(max, "R -> +x -> Ax");
        for n in 0..leaves {
            let chain: Vec<_> = (0..n % (depth + 1)).map(|at| format!("D{n}.{at}r")).collect();
            world.extend(&[vec!["Ax".into(), format!("L{n}r")], chain].concat().join(" -> "));
        }
        for machine in ['x', 'r', 'q'].map(|of| key(of).machine()) {
            let parents = world.dag.parents_for(machine, seq);
            let count = world.dag.leaves().len();
            prop_assert_eq!(parents.len(), count.min(max as usize));
            prop_assert!(parents.is_sorted_by(|one, next| one < next));
            let own = world.dag.last_of(machine).map(|at| world.dag.id(at));
            for parent in &parents {
                prop_assert!(world.dag.leaves().any(|leaf| leaf == *parent) || own == Some(*parent));
            }
            if count > max as usize {
                prop_assert!(own.is_none_or(|own| parents.contains(&own)));
            }
            prop_assert_eq!(parents, world.dag.clone().parents_for(machine, seq));
        }
    }
}

/// 90 writers in turn, each of which sees what is older than 50 events; returns the leaves after each event.
fn leaves_over_time(stale: u32, events: usize) -> Vec<usize> {
    let writers: Vec<char> = ('\u{a1}'..='\u{fa}').collect();
    let mut all = World::new("R -> Ar");
    let chain: Vec<_> = writers.iter().map(|writer| format!("+{writer}")).collect();
    all.extend(&format!("R -> {}", chain.join(" -> ")));
    for n in 0..stale {
        all.extend(&format!("R -> Stale{n}r"));
    }
    let mut seen = all.dag.clone();
    let mut on_the_way = VecDeque::new();
    let mut leaves = Vec::new();
    for (n, writer) in writers.iter().cycle().enumerate().take(events) {
        let seq = 1 + (n / writers.len()) as u64;
        let parents = seen.parents_for(key(*writer).machine(), seq);
        let event = all.make(&format!("E{writer}:{n}@{seq}"), parents);
        all.add(&format!("{n}"), event.clone());
        on_the_way.push_back(event);
        if on_the_way.len() > 50 {
            seen.insert(&on_the_way.pop_front().unwrap(), 1);
        }
        leaves.push(all.dag.leaves().len());
    }
    leaves
}

#[test]
fn a_pile_of_stale_leaves_is_merged_while_others_write() {
    let baseline = leaves_over_time(0, 400)
        .split_off(200)
        .into_iter()
        .max()
        .unwrap();
    let piled = leaves_over_time(2000, 400);
    assert!(piled[0] > 1900);
    let last = piled[399];
    assert!(
        last < 3 * baseline,
        "{last} leaves after 400 events, {baseline} without the pile"
    );
}

#[test]
fn a_pile_of_stale_leaves_is_merged_by_one_writer() {
    let mut world = World::new("R -> +x");
    for n in 0..2000 {
        world.extend(&format!("R -> Stale{n}r"));
    }
    let x = key('x').machine();
    let mut events = 0;
    while world.dag.leaves().len() > 1 {
        events += 1;
        let parents = world.dag.parents_for(x, events);
        let event = world.make(&format!("E{events}x@{events}"), parents);
        world.add("E", event);
    }
    // Each of them leaves itself, and takes the own last one and up to 63 others away.
    assert!((32..=33).contains(&events), "{events} events");
}

/// A (machine, seq) means the same draws on every platform and next year.
#[test]
fn the_draws_are_the_documented_ones() {
    let mut random = generator(MachineId([7; 32]), 9);
    assert_eq!(
        [1000, 1000, 3, usize::MAX].map(|end| below(&mut random, end)),
        [782, 367, 1, 605_217_794_263_422_996]
    );
    assert_ne!(
        below(&mut generator(MachineId([7; 32]), 10), 1 << 32),
        below(&mut generator(MachineId([7; 32]), 9), 1 << 32)
    );
}
