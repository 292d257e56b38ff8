//! Each property is broken once: a watch that never barks proves nothing.

use super::*;
use crate::event::Draft;
use crate::event::canon::Properties;
use crate::event::index::Arrival;
use crate::event::key::Key;
use crate::machine::effect::Effect;
use crate::machine::effect::Effects;
use crate::machine::input::{Input, RequestId};
use crate::sim::{Setup, Sim, wall};
use crate::wire::codec;

/// A machine that holds R and five events, the watch that saw it, and its log.
fn watched() -> (Sim, Watch) {
    let mut sim = Sim::new(Setup::default());
    for n in 0..5 {
        sim.created(0, &format!("event {n}"));
    }
    let mut watch = Watch::default();
    watch.add_host(Time(0), sim.machine(0).machine(), &sim.host(0).log);
    (sim, watch)
}

/// What the machine appends next.
fn next(sim: &Sim) -> (Machine, Append) {
    let mut machine = sim.machine(0).clone();
    let mut effects = Effects::default();
    let create = Input::Create {
        request: RequestId(1),
        wall: wall(Time(0)),
        properties: vec![Properties::from_text("next")],
    };
    machine.handle(sim.now(), create, &mut effects);
    let mut appends = effects.drain().filter_map(|(_, effect)| {
        let Effect::Append(append) = effect else {
            return None;
        };
        Some(append)
    });
    let append = appends.next().unwrap();
    drop(appends);
    (machine, append)
}

/// What is said of the next append after a change to it.
fn broken_by(change: impl FnOnce(&mut Append)) -> Option<Property> {
    let (sim, mut watch) = watched();
    let (machine, mut append) = next(&sim);
    change(&mut append);
    let log = &sim.host(0).log;
    let result = watch.on_append(Time(0), (0, None), &machine, log, &append);
    result.err().map(|(property, _)| property)
}

/// The next event, written anew with other parents or another number.
fn rewritten(append: &mut Append, key: &Key, parents: Vec<Arrival>, log: &[Append], seq: u64) {
    let draft = Draft {
        parents: parents.iter().map(|at| log[at.0 as usize].row.id).collect(),
        seq,
        wall: wall(Time(0)),
        control: Control::None,
        properties: Properties::none(),
    };
    append.event = draft.sign(key);
    append.row.id = append.event.id();
    append.row.length = codec::event_length(&append.event);
    append.row.height = 1 + log[parents[0].0 as usize].row.height;
    append.row.parents = parents;
}

#[test]
fn what_a_good_machine_appends_is_let_pass() {
    assert_eq!(broken_by(|_| {}), None);
}

#[test]
fn a_set_that_is_not_closed_is_seen() {
    let closed = Some(Property::Closed);
    assert_eq!(broken_by(|append| append.arrival.0 += 1), closed);
    assert_eq!(broken_by(|append| append.row.parents[0].0 += 1), closed);
    assert_eq!(broken_by(|append| append.row.parents[0].0 -= 1), closed);
    assert_eq!(broken_by(|append| append.row.parents.clear()), closed);
    let (sim, _) = watched();
    let again = sim.host(0).log[3].clone();
    let twice = broken_by(|append| {
        (append.row, append.event) = (again.row, again.event);
    });
    assert_eq!(twice, closed);
    let stranger = Key::from_seed([9; 32]);
    let log = sim.host(0).log.clone();
    let by_stranger = |append: &mut Append| rewritten(append, &stranger, vec![Arrival(5)], &log, 1);
    assert_eq!(broken_by(by_stranger), closed);
}

#[test]
fn a_wrong_height_is_seen() {
    assert_eq!(
        broken_by(|append| append.row.height += 1),
        Some(Property::Heights)
    );
}

#[test]
fn own_events_keep_to_the_rules() {
    let (sim, _) = watched();
    let (log, key) = (sim.host(0).log.clone(), sim.host(0).key().clone());
    let seq = log[5].row.seq + 1;
    let old_parent = |append: &mut Append| rewritten(append, &key, vec![Arrival(4)], &log, seq);
    assert_eq!(broken_by(old_parent), Some(Property::ParentsAreLeaves));
    let jump = |append: &mut Append| rewritten(append, &key, vec![Arrival(5)], &log, seq + 1);
    assert_eq!(broken_by(jump), Some(Property::SeqRisesByOne));
    let again = |append: &mut Append| rewritten(append, &key, vec![Arrival(5)], &log, seq - 1);
    assert_eq!(broken_by(again), Some(Property::SeqRisesByOne));
}

#[test]
fn leaves_that_are_not_exact_are_seen() {
    let (sim, mut watch) = watched();
    let (machine, append) = next(&sim);
    let (log, at) = (&sim.host(0).log, (0, None));
    watch
        .on_append(Time(0), at, &machine, log, &append)
        .unwrap();
    let result = watch.after_step(0, sim.machine(0));
    assert_eq!(
        result.err().map(|(property, _)| property),
        Some(Property::ExactLeaves)
    );
}

#[test]
fn what_is_told_before_it_is_durable_is_seen() {
    let (sim, watch) = watched();
    let own = sim.machine(0).machine();
    let heads = crate::sync::locate::heads(sim.machine(0).dag(), false);
    let message = Message::Heads(heads);
    assert_eq!(watch.on_told(0, own, 6, &message), Ok(()));
    let early = watch.on_told(0, own, 5, &message);
    assert_eq!(
        early.err().map(|(property, _)| property),
        Some(Property::DurableBeforeTold)
    );
    let pushed = Message::Push(vec![sim.host(0).log[5].event.clone()]);
    let early = watch.on_told(0, own, 5, &pushed);
    assert_eq!(
        early.err().map(|(property, _)| property),
        Some(Property::DurableBeforeTold)
    );
    assert_eq!(watch.on_told(0, MachineId([0; 32]), 5, &pushed), Ok(()));
    let mut other = Sim::new(Setup::default());
    other.created(0, "held nowhere else");
    let unheld = Message::Push(vec![other.host(0).log[1].event.clone()]);
    let told = watch.on_told(0, own, 6, &unheld);
    assert_eq!(
        told.err().map(|(property, _)| property),
        Some(Property::HeldBeforeTold)
    );
    let ranges = vec![(Arrival(0), Arrival(6))];
    assert_eq!(check_stream(6, &ranges), Ok(()));
    assert!(check_stream(5, &ranges).is_err());
}

#[test]
fn what_is_acknowledged_and_lost_is_seen() {
    let (sim, mut watch) = watched();
    let last = sim.host(0).log[5].row.id;
    let answer = Answer::Created(vec![last]);
    let early = watch.on_answer(0, 5, &answer);
    assert_eq!(
        early.err().map(|(property, _)| property),
        Some(Property::DurableBeforeAcknowledged)
    );
    assert_eq!(watch.on_answer(0, 6, &answer), Ok(()));
    assert_eq!(watch.at_end(0), Ok(()));
    let own = sim.machine(0).machine();
    watch.restore(Time(0), 0, own, &sim.host(0).log[..5]);
    let missed = watch.at_end(0);
    assert_eq!(
        missed.err().map(|(property, _)| property),
        Some(Property::AcknowledgedIsKept)
    );
    let opened = watch.on_open(0, sim.machine(0));
    assert_eq!(
        opened.err().map(|(property, _)| property),
        Some(Property::OpensAsClosed)
    );
}
