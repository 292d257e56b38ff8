//! Two events of one name, made while names are short.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use crate::dag::pending::{Pending, Put, Released};
use crate::dag::support::{LENGTH, World, key, wall};
use crate::dag::{Dag, Inserted};
use crate::event::canon::Properties;
use crate::event::control::Control;
use crate::event::id::short::ShortIds;
use crate::event::id::{EventDigest, EventId};
use crate::event::{Draft, Event};
use crate::time::Time;

/// Two events by r of one name, the first on `first`, the second on `second`.
fn twins(first: EventId, second: EventId) -> (Event, Event) {
    let make = |parent, text: String| {
        Draft {
            parents: vec![parent],
            seq: 9,
            wall: wall(),
            control: Control::None,
            properties: Properties::from_text(&text),
        }
        .sign(&key('r'))
    };
    let mut firsts = BTreeMap::new();
    for n in 0.. {
        let one = make(first, format!("one {n}"));
        firsts.insert(one.id(), one);
        let two = make(second, format!("two {n}"));
        if let Some(one) = firsts.remove(&two.id()) {
            return (one, two);
        }
    }
    unreachable!("short names are few")
}

/// An event by r with this one parent that is called `name`.
fn called(name: EventId, parent: EventId) -> Event {
    let make = |n: u32| {
        Draft {
            parents: vec![parent],
            seq: 9,
            wall: wall(),
            control: Control::None,
            properties: Properties::from_text(&n.to_string()),
        }
        .sign(&key('r'))
    };
    (0..1 << 16)
        .map(make)
        .find(|event| event.id() == name)
        .expect("short names are few")
}

fn inserted(dag: &mut Dag, event: &Event) -> crate::event::index::Append {
    match dag.insert(event, LENGTH) {
        Inserted::New(append) => append,
        other @ (Inserted::Held(_)
        | Inserted::Twin(_)
        | Inserted::Missing(_)
        | Inserted::Unvouched
        | Inserted::ForeignRoot) => panic!("{other:?}"),
    }
}

#[test]
fn another_event_of_a_held_name_is_told_apart_and_changes_nothing() {
    let _short = ShortIds::of_bytes(2);
    let world = World::new("R -> Ar");
    let mut dag = world.dag.clone();
    let parent = world.event("Ar").id();
    let (one, two) = twins(parent, parent);
    assert_eq!(one.id(), two.id());
    assert_ne!(one.digest(), two.digest());
    let at = inserted(&mut dag, &one).arrival;
    let digest = dag.digest();
    assert_eq!(dag.insert(&one, LENGTH), Inserted::Held(at));
    assert_eq!(dag.insert(&two, LENGTH), Inserted::Twin(at));
    assert_eq!(dag.digest(), digest);
    assert_eq!(dag.rest(at), one.digest().rest());
    dag.check().unwrap();
}

#[test]
fn a_twin_that_waits_is_told_when_the_other_comes_to_be_held() {
    let _short = ShortIds::of_bytes(2);
    let world = World::new("R -> Ar -> Br");
    let mut dag = World::new("R").dag;
    let root = dag.root();
    let (late, early) = twins(world.event("Ar").id(), root);
    let from = key('p').machine();
    let mut pending = Pending::default();
    let Inserted::Missing(missing) = dag.insert(&late, LENGTH) else {
        panic!("its parent is not held")
    };
    let put = pending.put(Time(1), from, late.clone(), LENGTH, missing);
    assert_eq!(put, Put::Waits);
    let append = inserted(&mut dag, &early);
    let released = pending.release(&mut dag, &append);
    let [Released::Twin(peer, id)] = released[..] else {
        panic!("{released:?}")
    };
    assert_eq!((peer, id), (from, late.id()));
    assert!(pending.is_empty());
}

/// What no hash of full length allows: such events wait for themselves, and are never held.
#[test]
fn events_in_a_circle_wait_and_are_never_held() {
    let _short = ShortIds::of_bytes(1);
    let mut dag = World::new("R").dag;
    let name = |byte: u8| EventDigest([byte; 32]).id();
    let free: Vec<_> = (0..4).map(name).filter(|id| !dag.holds(*id)).collect();
    let (one, two, three) = (free[0], free[1], free[2]);
    let itself = called(one, one);
    let circle = [called(two, three), called(three, two)];
    let mut pending = Pending::default();
    for event in [&itself, &circle[0], &circle[1]] {
        let Inserted::Missing(missing) = dag.insert(event, LENGTH) else {
            panic!("its parent is not held")
        };
        let put = pending.put(Time(1), key('p').machine(), event.clone(), LENGTH, missing);
        assert_eq!(put, Put::Waits);
    }
    let root = dag.root();
    let id = free_of(&dag, &pending);
    let append = inserted(&mut dag, &called(id, root));
    assert!(pending.release(&mut dag, &append).is_empty());
    assert_eq!((dag.len(), pending.len()), (2, 3));
    dag.check().unwrap();
    pending.forget(key('p').machine());
    assert!(pending.is_empty());
}

/// A name that nothing has.
fn free_of(dag: &Dag, pending: &Pending) -> EventId {
    let name = |byte: u8| EventDigest([byte; 32]).id();
    let is_free = |id: &EventId| !dag.holds(*id) && !pending.contains(*id);
    (0..=u8::MAX).map(name).find(is_free).unwrap()
}
