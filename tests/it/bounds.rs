//! What a peer that is slow, silent or a liar can do to sessions with others: each a thing that once could be done.

use std::time::Duration;

use fedag::event::id::DagDigest;
use fedag::limits::{BULK_SESSIONS_EARLY, COMPARE_EVERY, SESSION_IDLE};
use fedag::machine::Machine;
use fedag::machine::effect::{Effect, Effects, Notice, When};
use fedag::machine::input::{Input, Link};
use fedag::sim::{Setup, Sim};
use fedag::sync::message::{End, Heads, Hello, SessionId};
use fedag::sync::{Session, locate};
use fedag::time::Time;
use fedag::wire::Message;

fn second(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn link() -> Link {
    Link {
        rtt: ms(20),
        address: "10.0.0.1:4433".parse().unwrap(),
        dialled: false,
    }
}

/// Hosts that hold the same.
fn settled(setup: Setup, hosts: usize) -> Sim {
    let mut sim = Sim::new(setup);
    for _ in 1..hosts {
        sim.join(0);
    }
    assert!(sim.run_until_equal(second(10)).is_some());
    sim.run_for(second(1));
    sim
}

/// A HELLO that opens a session, of heads that nobody holds.
fn opening(session: u32) -> Hello {
    Hello {
        session: SessionId(session),
        answers: None,
        heads: Heads {
            ids: vec![fedag::event::id::EventId([3; 16])],
            total: 1,
            count: 90,
            digest: DagDigest([3; 32]),
            bulk: false,
        },
        head_parents: Vec::new(),
        locator: Vec::new(),
        take: 0,
    }
}

#[test]
fn a_peer_that_begins_sessions_for_ever_does_not_keep_others_from_sending() {
    let mut sim = settled(Setup::default(), 3);
    sim.cut(0, 2);
    sim.cut(1, 2);
    sim.cut(0, 1);
    for n in 0..300 {
        sim.created(2, &format!("of the honest one {n}"));
    }
    let liar = sim.machine(1).machine();
    let connected = Input::Connected {
        peer: liar,
        link: link(),
    };
    sim.give(0, connected);
    sim.heal(0, 2);
    for session in 1..40 {
        let message = Message::Hello(opening(session));
        sim.give(
            0,
            Input::Received {
                peer: liar,
                message,
            },
        );
        sim.run_for(second(1));
    }
    assert_eq!(sim.machine(0).dag().len(), sim.machine(2).dag().len());
}

#[test]
fn a_link_of_20_kilobytes_a_second_gets_everything_in_the_end() {
    let slow = Setup {
        bytes_per_second: 20_000,
        ..Setup::default()
    };
    let mut sim = settled(slow, 2);
    sim.cut(0, 1);
    for _ in 0..30 {
        sim.create(
            0,
            &["a line of a log, of some length, as logs have them"; 100],
        );
        sim.run_for(ms(10));
    }
    sim.heal(0, 1);
    let took = sim.run_until_equal(second(120));
    assert!(took.is_some(), "it does not get there");
}

/// One machine that was told of a connection, and what it asks for while time goes by and nothing comes.
fn left_alone(mut machine: Machine, until: Time) -> Vec<Effect> {
    let mut effects = Effects::default();
    let mut asked = Vec::new();
    while let Some(due) = machine.next_wakeup().filter(|due| *due <= until) {
        machine.handle(due, Input::Wakeup, &mut effects);
        asked.extend(effects.drain().map(|(_, effect)| effect));
    }
    asked
}

#[test]
fn a_peer_of_which_nothing_was_heard_is_compared_again() {
    let sim = settled(Setup::default(), 1);
    let mut machine = sim.machine(0).clone();
    let peer = fedag::event::key::Key::from_seed([9; 32]).machine();
    let mut effects = Effects::default();
    machine.handle(
        sim.now(),
        Input::Connected { peer, link: link() },
        &mut effects,
    );
    let first = effects
        .drain()
        .filter(|(_, effect)| is_hello(effect))
        .count();
    let later = left_alone(machine, sim.now() + COMPARE_EVERY * 3);
    assert!(first + later.iter().filter(|effect| is_hello(effect)).count() >= 2);
}

fn is_hello(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::Send {
            message: Message::Hello(_),
            ..
        }
    )
}

#[test]
fn a_stream_is_stopped_only_after_the_parts_that_wait_for_the_disk() {
    let mut sim = settled(Setup::default(), 2);
    sim.create(0, &["what the other lacks"; 10]);
    let mut machine = sim.machine(0).clone();
    let peer = sim.machine(1).machine();
    let behind = locate::heads(sim.machine(1).dag(), false);
    let mut effects = Effects::default();
    let now = sim.now() + second(1);
    machine.handle(now, Input::Disconnected { peer }, &mut effects);
    machine.handle(now, Input::Connected { peer, link: link() }, &mut effects);
    let hello = Hello {
        heads: behind,
        take: 1 << 20,
        answers: Some(SessionId(1)),
        ..opening(1)
    };
    let message = Message::Hello(hello);
    machine.handle(now, Input::Received { peer, message }, &mut effects);
    machine.handle(now + ms(1), Input::Wakeup, &mut effects);
    machine.handle(now + SESSION_IDLE * 2, Input::Wakeup, &mut effects);
    let when = |is_it: fn(&Effect) -> bool| {
        let found = effects.as_slice().iter().find(|(_, effect)| is_it(effect));
        found.map(|(when, _)| *when)
    };
    let began = when(|effect| matches!(effect, Effect::Stream { .. }));
    let stopped = when(|effect| matches!(effect, Effect::StopStream { .. }));
    assert_eq!((began, stopped), (Some(When::Durable), Some(When::Durable)));
}

#[test]
fn twins_are_told_once_and_not_with_every_word_of_the_peer() {
    let sim = settled(Setup::default(), 2);
    let mut machine = sim.machine(0).clone();
    let peer = sim.machine(1).machine();
    let mut effects = Effects::default();
    for digest in 1..20 {
        let heads = Heads {
            digest: DagDigest([digest; 32]),
            ..locate::heads(machine.dag(), false)
        };
        let message = Message::Heads(heads);
        machine.handle(sim.now(), Input::Received { peer, message }, &mut effects);
    }
    let is_twins = |effect: &Effect| matches!(effect, Effect::Notify(Notice::Twins { .. }));
    let told = effects
        .as_slice()
        .iter()
        .filter(|(_, effect)| is_twins(effect));
    assert_eq!(told.count(), 1);
}

#[test]
fn an_end_that_comes_late_takes_no_place_of_a_newer_one() {
    let sim = settled(Setup::default(), 1);
    let dag = sim.machine(0).dag();
    let mut session = Session::default();
    session.open(sim.now(), dag, 1 << 20);
    for number in [2, 1] {
        let end = End {
            session: SessionId(number),
            more: false,
            heads: locate::heads(dag, false),
        };
        session.on_end(sim.now(), end);
    }
    session.on_hello(sim.now(), dag, opening(2), 1 << 20);
    assert!(!session.expects_bulk(), "its stream is over");
}

#[test]
fn bulk_before_the_hello_has_its_credit_counted_anew_a_few_times_only() {
    let sim = settled(Setup::default(), 1);
    let mut session = Session::default();
    session.open(sim.now(), sim.machine(0).dag(), 1 << 20);
    let taken = (1..100).filter(|number| session.begins_bulk(SessionId(*number)));
    assert_eq!(taken.count(), usize::from(BULK_SESSIONS_EARLY));
}
