//! The DAG as a whole: shapes, members, authors, opening.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod arrival;
mod runs;
mod twins;

use std::collections::BTreeSet;

use expect_test::expect;

use super::*;
use crate::dag::support::{LENGTH, World, deliver, empty, key, random_dag, root, wall};
use crate::event::Draft;
use crate::event::canon::Properties;

fn check_picture(text: &str, expected: &expect_test::Expect) {
    let world = World::new(text);
    world.dag.check().unwrap();
    expected.assert_eq(&world.picture());
}

#[test]
fn heights_parents_and_leaves() {
    check_picture(
        "R",
        &expect![[r"
            0 R <-
            leaves: R
        "]],
    );
    check_picture(
        "R -> +x -> Ax -> Bx; +x -> Cr -> Dr; Bx -> Er; Dr -> Er; R -> Fx",
        &expect![[r"
            0 R <-
            1 +x <- R
            2 Ax <- +x
            3 Bx <- Ax
            2 Cr <- +x
            3 Dr <- Cr
            4 Er <- Bx Dr
            1 Fx <- R
            leaves: Er Fx
        "]],
    );
}

#[test]
fn children_are_found() {
    let world = World::new("R -> Ar -> Br; Ar -> Cr; R -> Dr; Br -> Dr");
    let children = |name| {
        world.names(
            world
                .dag
                .children(world.at(name))
                .into_iter()
                .map(|at| world.dag.id(at)),
        )
    };
    assert_eq!(children("R"), "Ar Dr");
    assert_eq!(children("Ar"), "Br Cr");
    assert_eq!(children("Br"), "Dr");
    assert_eq!(children("Dr"), "");
}

#[test]
fn the_digest_is_the_documented_one() {
    let mut world = World::new("R -> Ar; R -> Br");
    let alone = empty().digest();
    let mut sum = DigestSum::default();
    let mut bytes = b"fedag digest v1\0\0\0\0\0\0\0\x03".to_vec();
    for name in ["R", "Ar", "Br"] {
        sum.add(world.event(name).digest());
    }
    let mut leaves = [world.event("Ar").id(), world.event("Br").id()];
    leaves.sort();
    bytes.extend(leaves.iter().flat_map(|leaf| leaf.0));
    bytes.extend(sum.0);
    assert_eq!(world.dag.digest(), DagDigest(Sha256::digest(&bytes).into()));
    assert_ne!(world.dag.digest(), alone);

    let before = world.dag.digest();
    world.extend("Ar -> Cr");
    assert_ne!(
        world.dag.digest(),
        before,
        "the cached digest is not that of the new set"
    );
}

#[test]
fn what_lacks_dependencies_changes_nothing() {
    let mut world = World::new("R -> +x -> Ax -> Bx; R -> Cx");
    let mut dag = empty();
    let before = dag.digest();
    let missing = |parents: &[&str], admission: Option<char>| {
        let mut parents: Vec<_> = parents.iter().map(|name| world.event(name).id()).collect();
        parents.sort_unstable();
        Inserted::Missing(Missing {
            parents,
            admission: admission.map(|of| key(of).machine()),
        })
    };
    assert_eq!(
        dag.insert(world.event("Bx"), LENGTH),
        missing(&["Ax"], Some('x'))
    );
    assert_eq!(
        dag.insert(world.event("Cx"), LENGTH),
        missing(&[], Some('x')),
        "a parent is no admission"
    );
    assert!(matches!(
        dag.insert(world.event("+x"), LENGTH),
        Inserted::New(_)
    ));
    assert_eq!(
        dag.insert(world.event("Bx"), LENGTH),
        missing(&["Ax"], None)
    );
    assert_ne!(dag.digest(), before);
    assert_eq!(
        dag.insert(world.event("R"), LENGTH),
        Inserted::Held(Arrival(0))
    );
    assert_eq!(
        dag.insert(world.event("+x"), LENGTH),
        Inserted::Held(Arrival(1))
    );
    dag.check().unwrap();

    let stranger = world.make("+zz", vec![world.event("R").id()]);
    let lacks = Missing {
        parents: vec![],
        admission: Some(key('z').machine()),
    };
    assert_eq!(
        dag.insert(&stranger, LENGTH),
        Inserted::Missing(lacks),
        "nobody admits itself"
    );
}

#[test]
fn a_second_root_is_refused_even_from_a_member() {
    let mut dag = empty();
    let control = root().control().clone();
    let draft = |text| Draft {
        parents: vec![],
        seq: 1,
        wall: wall(),
        control: control.clone(),
        properties: Properties::from_text(text),
    };
    let before = dag.digest();
    assert_eq!(
        dag.insert(&draft("mine").sign(&key('r')), LENGTH),
        Inserted::ForeignRoot
    );
    assert_eq!(
        dag.insert(&draft("a stranger's").sign(&key('s')), LENGTH),
        Inserted::ForeignRoot
    );
    assert_eq!(dag.digest(), before);
}

#[test]
fn an_append_carries_what_the_store_needs() {
    let world = World::new("R -> +x -> Ax -> Bx; R -> Cr");
    let authors: Vec<_> = world
        .appends
        .iter()
        .map(|append| (append.row.author.0, append.new_author))
        .collect();
    let x = key('x').machine();
    assert_eq!(authors, [(0, None), (1, Some(x)), (1, None), (0, None)]);
    let index = world.index();
    let again = Dag::open(index.clone());
    again.check().unwrap();
    for (at, row) in (0..).map(Arrival).zip(&index.rows) {
        let dag = &again;
        assert_eq!(
            (dag.id(at), dag.height(at), dag.author(at)),
            (row.id, row.height, row.author)
        );
        assert_eq!((dag.seq(at), dag.length(at)), (row.seq, LENGTH));
        assert_eq!(dag.parents(at), row.parents);
        assert_eq!(dag.is_leaf(at), world.dag.is_leaf(at));
    }
    assert_eq!(again.digest(), world.dag.digest());
    assert_eq!(
        again.leaves().collect::<Vec<_>>(),
        world.dag.leaves().collect::<Vec<_>>()
    );
    assert_eq!(again.last_of(x), Some(world.at("Bx")));
    assert_eq!(
        (again.network(), again.rules(), again.root()),
        ("net", world.dag.rules(), root().id())
    );
}

#[test]
#[should_panic(expected = "heights are those of the parents and one")]
fn an_index_with_a_wrong_height_is_not_opened() {
    let mut index = World::new("R -> Ar -> Br").index();
    index.rows[2].height = 1;
    Dag::open(index);
}

#[test]
#[should_panic(expected = "an author is admitted before its first event")]
fn an_index_without_an_admission_is_not_opened() {
    let mut index = World::new("R -> +x -> Ax").index();
    index.controls.pop();
    Dag::open(index);
}

// ---- members and authors -----------------------------------------------------------------------

#[test]
fn a_name_is_that_of_the_admission_first_in_causal_order() {
    let world =
        World::new("R -> Ar -> +xr:late; R -> +xr:early; R -> +y; Ar -> +xy:other; R -> Bx");
    let x = key('x').machine();
    for events in [world.events(), world.events().into_iter().rev().collect()] {
        let dag = deliver(root(), &events).dag;
        let member = dag.member(x).unwrap();
        assert_eq!(member.name, "xr:early");
        assert_eq!(dag.id(member.admission), world.event("+xr:early").id());
        assert!(member.first_admission <= member.admission);
    }
    let member = world.dag.member(x).unwrap();
    assert_eq!(
        (member.admission, member.first_admission),
        (world.at("+xr:early"), world.at("+xr:late"))
    );
    assert_eq!(world.dag.member(key('r').machine()).unwrap().name, "first");
    assert_eq!(world.dag.members().len(), 3);
    assert!(!world.dag.is_member(key('z').machine()));
}

#[test]
fn a_credential_leads_back_to_the_roots_author() {
    let world = World::new("R -> +x; R -> +yx; R -> +zy; R -> +xz:again; R -> Az");
    let chain = ["+x", "+yx", "+zy"].map(|name| world.at(name));
    assert_eq!(
        world.dag.credential(key('z').machine()),
        Some(chain.to_vec())
    );
    assert_eq!(
        world.dag.credential(key('x').machine()),
        Some(chain[..1].to_vec())
    );
    assert_eq!(world.dag.credential(key('q').machine()), None);
}

#[test]
fn an_invite_knows_who_used_it_whichever_came_first() {
    let mut world = World::new("R -> ?r; R -> +x");
    let invite = world.event("?r").id();
    let mut admits = Vec::new();
    for (of, name, seq) in [('u', "one", 10), ('v', "two", 11), ('u', "again", 12)] {
        let control = World::admit(of, name, invite);
        let parents = vec![root().id()];
        let draft = Draft {
            parents,
            seq,
            wall: wall(),
            control,
            properties: Properties::none(),
        };
        admits.push(draft.sign(&key('r')));
    }
    let used = BTreeSet::from(['u', 'v'].map(|of| key(of).machine()));
    let mut dag = empty();
    for event in &admits {
        assert!(matches!(dag.insert(event, LENGTH), Inserted::New(_)));
        assert_eq!(dag.invite(invite), None);
    }
    assert!(matches!(
        dag.insert(world.event("?r"), LENGTH),
        Inserted::New(_)
    ));
    assert_eq!(dag.invite(invite).unwrap().used_by, used);

    assert_eq!(world.dag.invite(invite).unwrap().used_by, BTreeSet::new());
    for event in admits {
        world.add("admit", event);
    }
    let open = world.dag.invite(invite).unwrap();
    assert_eq!(
        (&open.used_by, open.invite.uses, open.invite.expires_ms),
        (&used, 1, 5)
    );
    assert_eq!(world.dag.invite(root().id()), None);
}

#[test]
fn a_key_used_twice_shows_as_forked() {
    let mut world = World::new("R -> +x; +x -> Ax@1 -> Bx@2 -> Cx@3; R -> Ar");
    let x = key('x').machine();
    assert!(!world.dag.is_forked(x));
    assert!(!world.dag.is_forked(key('q').machine()));
    assert_eq!(world.dag.last_of(x), Some(world.at("Cx@3")));
    world.extend("Ax@1 -> Dx@2");
    assert!(world.dag.is_forked(x));
    assert!(!world.dag.is_forked(key('r').machine()));
    assert_eq!(world.dag.last_of(x), Some(world.at("Cx@3")));
    world.extend("Dx@2 -> Ex@3; Dx@2 -> Fx@3");
    let smallest = ["Cx@3", "Ex@3", "Fx@3"]
        .map(|name| (world.event(name).id(), world.at(name)))
        .into_iter()
        .min();
    assert_eq!(world.dag.last_of(x), smallest.map(|(_, at)| at));
    assert_eq!(world.dag.last_of(key('q').machine()), None);
    let again = Dag::open(world.index());
    assert!(again.is_forked(x));
    assert_eq!(again.last_of(x), world.dag.last_of(x));
}

// ---- the rest ----------------------------------------------------------------------------------

#[test]
fn ids_are_found_by_the_beginning_of_their_text() {
    let dag = random_dag(3, 600);
    let all = || (0..dag.len()).map(Arrival);
    let texts: Vec<_> = all().map(|at| dag.id(at).to_string()).collect();
    for prefix in [
        "",
        "a",
        "7f",
        &texts[9][..4],
        &texts[99][..15],
        &texts[599],
        "ffffffff-",
        "A",
        "x",
    ] {
        let expected: Vec<_> = all()
            .filter(|at| texts[at.0 as usize].starts_with(prefix))
            .collect();
        assert_eq!(dag.find_prefix(prefix, usize::MAX), expected, "{prefix}");
        assert_eq!(
            dag.find_prefix(prefix, 2),
            expected[..expected.len().min(2)],
            "{prefix}"
        );
    }
}

#[test]
fn the_check_finds_what_is_broken() {
    let world = World::new("R -> +x -> Ax -> Bx; R -> Cr");
    let broken = |breaks: &dyn Fn(&mut Dag)| {
        let mut dag = world.dag.clone();
        dag.check().unwrap();
        breaks(&mut dag);
        dag.check().unwrap_err()
    };
    let (a, b) = (world.at("Ax"), world.at("Bx"));
    assert!(broken(&|dag| dag.leaf_bits.set(a)).contains("leaves"));
    assert!(
        broken(&|dag| {
            dag.leaf_bits.clear(b);
        })
        .contains("leaves")
    );
    assert!(
        broken(&|dag| {
            dag.leaves.pop_first();
        })
        .contains("leaves")
    );
    assert!(
        broken(&|dag| dag.members = Members::of_root(key('r').machine(), "first"))
            .contains("admitted at None")
    );
    assert!(
        broken(&|dag| dag.members = Members::of_root(key('x').machine(), "first"))
            .contains("admitted")
    );
    assert!(broken(&|dag| dag.authors = Authors::default()).contains("no key"));
    assert!(broken(&|dag| dag.sum = DigestSum::default()).contains("digest"));
    assert!(
        broken(&|dag| {
            dag.open_nexts.insert(Arrival(99), Commitment([0; 32]));
        })
        .contains("commitment")
    );
    let row = |height, parents| Row {
        id: EventId([9; 16]),
        height,
        author: Author(0),
        seq: 9,
        length: 9,
        rest: DigestRest([0; 4]),
        parents,
        signed: true,
        next: None,
    };
    assert!(
        broken(&|dag| {
            dag.hold(&row(7, vec![b]), key('r').machine());
        })
        .contains("has height 7")
    );
    assert!(
        broken(&|dag| {
            dag.hold(&row(1, vec![]), key('r').machine());
        })
        .contains("R alone")
    );
    assert!(
        broken(&|dag| {
            dag.hold(&row(4, vec![b, b]), key('r').machine());
        })
        .contains("sorted and unique")
    );
}

#[test]
fn a_small_dag_is_small_and_a_clone_stands_alone() {
    let mut world = World::new("R -> A0r");
    for n in 1..63 {
        world.extend(&format!("A{}r -> A{n}r", n - 1));
    }
    assert_eq!(world.dag.len(), 64);
    let bytes = world.dag.memory_bytes();
    assert!(
        bytes <= 6 << 10,
        "{bytes} of the 12 KiB of a machine that holds 64 events"
    );

    let clone = world.dag.clone();
    world.extend("A62r -> Br");
    assert_eq!(clone.len(), 64);
    assert_ne!(clone.digest(), world.dag.digest());
    clone.check().unwrap();
    world.dag.check().unwrap();
}

#[test]
fn two_events_of_one_seq_are_a_fork() {
    let world = World::new("R -> +x; +x -> Ax@1; +x -> Bx@1");
    assert!(world.dag.is_forked(key('x').machine()));
    assert!(!world.dag.is_forked(key('r').machine()));
}

#[test]
fn a_dag_moves_between_threads() {
    fn moves<T: Send + Sync + Clone + 'static>(_: &T) {}
    moves(&empty());
    moves(&pending::Pending::default());
}
