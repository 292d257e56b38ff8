//! What sessions and heads cost, in numbers of events and messages, between machines of the simulator.

use std::time::Duration;

use fedag::event::canon::Properties;
use fedag::event::control::Control;
use fedag::event::wall::WallTime;
use fedag::event::{Draft, Event};
use fedag::limits::{HEADS_EVERY, HEADS_TOLD_MAX, OFFER_ABOVE_BYTES, SESSION_IDLE};
use fedag::machine::PeerState;
use fedag::machine::effect::{Effect, Effects};
use fedag::machine::input::Input;
use fedag::sim::{Setup, Sim};
use fedag::sync::Session;
use fedag::sync::message::{Hello, SessionId};
use fedag::sync::out::{Out, Phase};
use fedag::wire::Message;

fn second(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Bytes of the events that a host wrote last.
fn last_bytes(sim: &Sim, host: usize, events: usize) -> u64 {
    let own = sim.machine(host).machine();
    let dag = sim.machine(host).dag();
    let log = sim.host(host).log.iter().rev();
    let written = log.filter(|append| dag.author_key(append.row.author) == own);
    written
        .take(events)
        .map(|append| u64::from(append.row.length))
        .sum()
}

/// 2,000 events on each side of a cut, in many small runs, on a shared past of 2,000.
#[test]
#[expect(clippy::print_stdout, reason = "figures for people, with --nocapture")]
fn machines_that_diverged_far_ask_first_and_send_only_what_is_missing() {
    for take_bytes in [1 << 26, 100_000] {
        let mut sim = Sim::new(Setup {
            take_bytes,
            ..Setup::default()
        });
        sim.join(0);
        for _ in 0..20 {
            sim.create(0, &["shared"; 100]);
            sim.run_for(ms(20));
        }
        assert!(sim.run_until_equal(second(10)).is_some());
        sim.cut(0, 1);
        for n in 0..200 {
            let text = format!("in the dark {n}");
            sim.create(0, &[text.as_str(); 10]);
            sim.create(1, &[text.as_str(); 10]);
            sim.run_for(ms(3));
        }
        let missing = [last_bytes(&sim, 1, 2_000), last_bytes(&sim, 0, 2_000)];
        assert!(missing[0] > OFFER_ABOVE_BYTES && missing[1] > OFFER_ABOVE_BYTES);
        let before = [sim.received_bytes(0), sim.received_bytes(1)];
        sim.heal(0, 1);
        assert!(sim.run_until_equal(second(60)).is_some());
        for host in 0..2 {
            let received = sim.received_bytes(host) - before[host];
            println!(
                "take {take_bytes}: host {host} received {received} bytes, {} were missing",
                missing[host]
            );
            assert!(received >= missing[host]);
            assert!(
                received * 100 <= missing[host] * 105,
                "take {take_bytes}: host {host} received {received} bytes, {} were missing",
                missing[host]
            );
        }
    }
}

/// Two machines cut off while an offer is open, again and again: each session goes on, and nothing stalls.
#[test]
#[expect(clippy::print_stdout, reason = "figures for people, with --nocapture")]
fn a_session_that_is_broken_off_frees_the_peers_bulk_slot_at_once() {
    let mut sim = Sim::new(Setup {
        bytes_per_second: 2_000_000,
        ..Setup::default()
    });
    let third = (sim.join(0), sim.join(0)).1;
    assert!(sim.run_until_equal(second(10)).is_some());
    sim.cut(0, 1);
    sim.cut(1, third);
    sim.create(0, &["much"; 1000]);
    sim.create(1, &["much"; 1000]);
    sim.run_for(second(1));
    sim.heal(0, 1);
    // As soon as the stream to host 1 runs its source fails; the third machine can send the rest at once.
    let (peer, session) = loop {
        assert!(sim.step(), "a stream begins");
        let streaming = (1..40).map(SessionId);
        let peer = sim.machine(1).machine();
        if sim.received_bytes(1) > 0 && sim.machine(1).progress().is_some() {
            break (peer, streaming);
        }
    };
    for session in session {
        sim.give(0, Input::StreamFailed { peer, session });
    }
    sim.heal(1, third);
    let took = sim.run_until_equal(second(60)).expect("they converge");
    println!("a session broken off: one digest after {took:?} of virtual time");
    assert!(took < SESSION_IDLE / 2, "it waited {took:?}");
}

/// Events on R by one machine, as a restored backup would write them: each is a leaf.
fn leaves_by(sim: &Sim, host: usize, numbers: std::ops::Range<u64>) -> Vec<Event> {
    let machine = sim.machine(host);
    let admission = machine
        .dag()
        .id(machine.dag().last_of(sim.machine(0).machine()).unwrap());
    let wall = WallTime::from_ms(1_767_225_600_000).unwrap();
    let draft = |seq| Draft {
        parents: vec![admission],
        seq,
        wall,
        control: Control::None,
        properties: Properties::from_text("a leaf"),
    };
    numbers
        .map(|seq| draft(seq).sign(sim.host(host).key()))
        .collect()
}

#[test]
fn heads_beyond_the_bound_are_told_as_changes_and_stay_known() {
    let mut sim = Sim::new(Setup::default());
    let (writer, hearer) = (sim.join(0), sim.join(0));
    assert!(sim.run_until_equal(second(5)).is_some());
    sim.run_for(second(1));
    let peer = sim.machine(writer).machine();
    for begin in [1, 41, 81] {
        let events = leaves_by(&sim, writer, begin..begin + 40);
        let message = Message::Push(events);
        sim.give(0, Input::Received { peer, message });
        sim.run_for(ms(200));
    }
    assert!(sim.machine(0).dag().leaves().len() > HEADS_TOLD_MAX);
    // One more: only what changed is told.
    let mut machine = sim.machine(0).clone();
    let mut effects = Effects::default();
    let message = Message::Push(leaves_by(&sim, writer, 200..201));
    machine.handle(sim.now(), Input::Received { peer, message }, &mut effects);
    machine.handle(sim.now() + HEADS_EVERY, Input::Wakeup, &mut effects);
    let told: Vec<&Message> = effects
        .as_slice()
        .iter()
        .filter_map(|(_, effect)| {
            if let Effect::Send { message, .. } = effect {
                Some(message)
            } else {
                None
            }
        })
        .filter(|message| matches!(message, Message::Heads(_) | Message::Changes(_)))
        .collect();
    assert!(!told.is_empty());
    for message in told {
        let Message::Changes(changes) = message else {
            panic!("told whole: {message:?}");
        };
        assert_eq!((changes.added.len(), changes.removed.len()), (1, 0));
    }
    // Who was told the changes knows what the teller holds and lacks.
    let hub = sim.machine(0).machine();
    let own = sim.machine(hearer).dag().len();
    sim.cut(writer, hearer);
    let message = Message::Push(leaves_by(&sim, writer, 300..301));
    sim.give(hearer, Input::Received { peer: hub, message });
    assert_eq!(sim.machine(hearer).dag().len(), own + 1);
    let state = sim
        .machine(hearer)
        .peers()
        .into_iter()
        .find(|view| view.machine == hub)
        .map(|view| (view.state, view.missing_there));
    assert_eq!(state, Some((PeerState::Behind, Some(1))));
}

fn hello_of(asked: Vec<Out>) -> Hello {
    let hello = asked.into_iter().find_map(|out| {
        if let Out::Hello(hello) = out {
            Some(hello)
        } else {
            None
        }
    });
    hello.expect("a HELLO is sent")
}

/// Both begin, one gives up and begins again before it hears the other: both notice that they paired different sessions.
#[test]
fn hellos_that_cross_twice_do_not_leave_two_halves_of_different_sessions() {
    let mut sim = Sim::new(Setup::default());
    sim.join(0);
    assert!(sim.run_until_equal(second(5)).is_some());
    sim.cut(0, 1);
    sim.created(0, "here");
    sim.created(1, "there");
    let (here, there) = (sim.machine(0).dag(), sim.machine(1).dag());
    let (now, take) = (sim.now(), 1 << 20);
    let (mut one, mut two) = (Session::default(), Session::default());
    let first = hello_of(one.open(now, here, take));
    let given_up = hello_of(two.open(now, there, take));
    two.give_up();
    let second = hello_of(two.open(now, there, take));
    one.on_hello(now, here, given_up, take);
    two.on_hello(now, there, first.clone(), take);
    assert_eq!(two.phase(), Phase::Undecided);
    assert!(!two.begins_anew(&first), "the same HELLO twice is no news");
    assert!(one.begins_anew(&second));
    one.give_up();
    let answer = hello_of(one.on_hello(now, here, second, take));
    assert!(
        two.begins_anew(&answer),
        "it answers what is paired otherwise"
    );
}
