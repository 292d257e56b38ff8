//! What a peer that is slow, silent or a liar can do to sessions with others: each a thing that once could be done.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each test looks for one effect of many"
)]

use std::time::Duration;

use fedag::event::id::DagDigest;
use fedag::event::key::{Key, MachineId};
use fedag::gossip::message::Reachable;
use fedag::limits::{
    BOOK_ADDRESSES_MAX, BULK_SESSIONS_EARLY, COMPARE_EVERY, OFFER_ANSWERED_SOON,
    OFFERS_AHEAD_FIRST, OFFERS_AHEAD_MAX, PEERS_CHOSEN_MIN, PEERS_WANTED, SESSION_IDLE,
    SPARE_EVERY,
};
use fedag::machine::effect::{Effect, Effects, Notice, When, Why};
use fedag::machine::input::{Input, Link};
use fedag::machine::{Machine, PeerState};
use fedag::sim::{Setup, Sim};
use fedag::sync::message::{End, Heads, Hello, Lacks, SessionId, Verdict};
use fedag::sync::out::Out;
use fedag::sync::outflow::Asking;
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
    let peer = Key::from_seed([9; 32]).machine();
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

#[test]
fn a_verdict_that_comes_late_decides_nothing() {
    let mut sim = settled(Setup::default(), 2);
    sim.create(0, &["what the other lacks"; 3]);
    let dag = sim.machine(0).dag();
    let now = sim.now();
    let mut session = Session::default();
    let hello = |number| Hello {
        take: 1 << 20,
        ..opening(number)
    };
    session.on_hello(now, dag, hello(1), 0);
    session.give_up();
    session.on_hello(now, dag, hello(2), 0);
    let verdict = |number, holds_all| Verdict {
        session: SessionId(number),
        holds_all,
    };
    // That the peer holds all of ours would end our half.
    assert!(session.on_verdict(now, dag, verdict(1, true)).is_empty());
    session.on_verdict(now, dag, verdict(2, false));
    let asked = session.walk_step(now, dag);
    let streams = asked
        .iter()
        .any(|out| matches!(out, Out::Stream { ranges, .. } if !ranges.is_empty()));
    assert!(streams, "{asked:?}");
}

#[test]
fn what_a_peer_says_of_others_hastens_no_dial_and_takes_no_place() {
    let mut sim = settled(Setup::default(), 3);
    sim.cut(0, 2);
    sim.run_for(second(30));
    let mut machine = sim.machine(0).clone();
    let (peer, away) = (sim.machine(1).machine(), sim.machine(2).machine());
    let of = |machine: &Machine| {
        let views = machine.peers();
        let view = views.into_iter().find(|view| view.machine == away);
        view.unwrap()
    };
    let before = of(&machine);
    let due = before.redial_at.expect("it waits for its next dial");
    let mut effects = Effects::default();
    let fakes = (1..20).map(|n| ([10, 9, 9, n], 4433).into()).collect();
    let message = Message::Addresses(vec![Reachable {
        machine: away,
        addresses: fakes,
    }]);
    machine.handle(sim.now(), Input::Received { peer, message }, &mut effects);
    assert!(
        !effects
            .as_slice()
            .iter()
            .any(|(_, effect)| matches!(effect, Effect::Dial { .. }))
    );
    assert_eq!(of(&machine), before);
    machine.handle(due, Input::Wakeup, &mut effects);
    let dialled = effects
        .as_slice()
        .iter()
        .find_map(|(_, effect)| match effect {
            Effect::Dial { peer, addresses } if *peer == away => Some(addresses.clone()),
            _ => None,
        });
    let dialled = dialled.expect("it is dialled when it is due");
    assert_eq!(
        (dialled.len(), dialled.first().copied()),
        (BOOK_ADDRESSES_MAX, before.address)
    );
}

/// A machine that was told of so many connections, those of its own choice first, one a second, and with whom.
fn with_peers(chosen: u8, came: u8) -> (Machine, Vec<MachineId>, Time) {
    let sim = settled(Setup::default(), 1);
    let mut machine = sim.machine(0).clone();
    let (mut now, mut effects) = (sim.now(), Effects::default());
    let mut peers = Vec::new();
    for number in 0..chosen + came {
        let peer = Key::from_seed([100 + number; 32]).machine();
        let link = Link {
            dialled: number < chosen,
            ..link()
        };
        now = now + second(1);
        machine.handle(now, Input::Connected { peer, link }, &mut effects);
        peers.push(peer);
    }
    (machine, peers, now)
}

/// Tells of machines at addresses of their own; returns who is dialled.
fn tell_of(machine: &mut Machine, now: Time, numbers: std::ops::Range<u8>) -> Vec<MachineId> {
    let mut effects = Effects::default();
    for number in numbers {
        let known = Input::Reachable {
            peer: Key::from_seed([number; 32]).machine(),
            addresses: vec![([10, 1, 1, number], 4433).into()],
            keep: false,
        };
        machine.handle(now, known, &mut effects);
    }
    dialled(&mut effects)
}

fn dialled(effects: &mut Effects) -> Vec<MachineId> {
    let dials = effects.drain().filter_map(|(_, effect)| match effect {
        Effect::Dial { peer, .. } => Some(peer),
        _ => None,
    });
    dials.collect()
}

fn left(effects: &mut Effects) -> Vec<MachineId> {
    let left = effects.drain().filter_map(|(_, effect)| match effect {
        Effect::Hangup {
            peer,
            why: Why::Enough,
        } => Some(peer),
        _ => None,
    });
    left.collect()
}

#[test]
fn some_peers_are_of_its_own_choice_however_many_dialled_it() {
    let (mut machine, _, now) = with_peers(0, 12);
    assert_eq!(tell_of(&mut machine, now, 1..20).len(), PEERS_CHOSEN_MIN);
    let (mut machine, _, now) = with_peers(u8::try_from(PEERS_CHOSEN_MIN).unwrap(), 5);
    assert_eq!(tell_of(&mut machine, now, 1..20), []);
}

#[test]
fn room_is_made_by_the_youngest_of_those_that_dialled() {
    let (mut machine, peers, mut now) = with_peers(3, 29);
    let mut effects = Effects::default();
    for gone in 1..=5 {
        machine.handle(now, Input::Crowded, &mut effects);
        machine.handle(now, Input::Crowded, &mut effects);
        let peer = peers[peers.len() - gone];
        assert_eq!(left(&mut effects), [peer], "one a second");
        machine.handle(now, Input::Disconnected { peer }, &mut effects);
        now = now + SPARE_EVERY;
    }
    let (mut machine, _, now) = with_peers(3, u8::try_from(PEERS_WANTED).unwrap());
    machine.handle(now, Input::Crowded, &mut effects);
    assert_eq!(left(&mut effects), [], "the oldest stay");
}

/// Each that is visited tells what nobody has, and never answers.
#[test]
fn visits_go_on_though_the_visited_lie() {
    let (mut machine, _, mut now) = with_peers(8, 0);
    assert_eq!(tell_of(&mut machine, now, 1..10), []);
    let mut effects = Effects::default();
    let (mut visited, end) = (Vec::new(), now + COMPARE_EVERY * 10);
    while let Some(due) = machine.next_wakeup().filter(|due| *due <= end) {
        now = due;
        machine.handle(now, Input::Wakeup, &mut effects);
        let asked: Vec<Effect> = effects.drain().map(|(_, effect)| effect).collect();
        for effect in asked {
            match effect {
                Effect::Dial { peer, .. } => {
                    visited.push(peer);
                    let link = Link {
                        dialled: true,
                        ..link()
                    };
                    machine.handle(now, Input::Connected { peer, link }, &mut effects);
                    let message = Message::Heads(opening(1).heads);
                    machine.handle(now, Input::Received { peer, message }, &mut effects);
                }
                Effect::Hangup { peer, .. } => {
                    machine.handle(now, Input::Disconnected { peer }, &mut effects);
                }
                _ => {}
            }
        }
    }
    let connected = machine
        .peers()
        .iter()
        .filter(|peer| peer.rtt.is_some())
        .count();
    assert!(
        visited.len() >= 4,
        "{} visits in ten minutes",
        visited.len()
    );
    assert!(connected <= PEERS_WANTED + 1, "{connected} peers");
}

/// HELLOs that crossed one that was late: the peer answers an offer of a session that is given up here, in one that is not.
#[test]
fn an_answer_to_an_offer_of_an_earlier_session_is_no_fault() {
    let setup = Setup {
        asking: Asking {
            above_bytes: 0,
            ids: 1,
        },
        ..Setup::default()
    };
    let mut sim = settled(setup, 2);
    sim.cut(0, 1);
    sim.create(0, &["offered by itself"; 20]);
    sim.create(1, &["not held here"]);
    let (here, there, now) = (sim.machine(0).dag(), sim.machine(1).dag(), sim.now());
    let [mut session, mut peer] = [(); 2].map(|()| Session::new(setup.asking));
    let hello = |asked: Vec<Out>| {
        let mut hellos = asked.into_iter().filter_map(|out| match out {
            Out::Hello(hello) => Some(hello),
            _ => None,
        });
        hellos.next().unwrap()
    };
    let offer = |asked: Vec<Out>| {
        let mut offers = asked.into_iter().filter_map(|out| match out {
            Out::Offer(offer) => Some(offer),
            _ => None,
        });
        offers.next().unwrap()
    };
    let lacking = |number| Verdict {
        session: SessionId(number),
        holds_all: false,
    };
    let ours = hello(session.open(now, here, 1 << 20));
    let mut late = hello(peer.open(now, there, 1 << 20));
    peer.give_up();
    let mut theirs = hello(peer.open(now, there, 1 << 20));
    (late.heads.count, theirs.heads.count) = (90_000, 90_000);
    peer.on_hello(now, there, ours, 0);

    session.on_hello(now, here, late, 0);
    session.on_verdict(now, here, lacking(1));
    let early = offer(session.walk_step(now, here));
    assert!(session.begins_anew(&theirs));
    session.give_up();
    session.on_hello(now, here, theirs, 0);
    session.on_verdict(now, here, lacking(2));
    let second = offer(session.walk_step(now, here));
    assert_eq!(
        (early.session, second.session),
        (SessionId(1), SessionId(2))
    );

    let answered = peer.on_offer(now, there, &early).unwrap();
    let [Out::Lacks(lacks)] = &answered[..] else {
        panic!("{answered:?}");
    };
    assert_eq!(session.on_lacks(now, here, lacks).unwrap().len(), 0);
    assert!(session.is_streaming(), "the second offer is still open");
}

#[test]
fn answers_that_come_soon_widen_the_window_of_offers_and_late_ones_narrow_it() {
    let setup = Setup {
        asking: Asking {
            above_bytes: 0,
            ids: 1,
        },
        ..Setup::default()
    };
    let mut sim = settled(setup, 1);
    sim.create(0, &["offered by itself"; 200]);
    let dag = sim.machine(0).dag();
    let mut now = sim.now();
    let mut session = Session::new(setup.asking);
    let mut hello = Hello {
        take: 1 << 20,
        ..opening(1)
    };
    hello.heads.count = 90_000;
    session.on_hello(now, dag, hello, 0);
    session.on_verdict(
        now,
        dag,
        Verdict {
            session: SessionId(1),
            holds_all: false,
        },
    );
    let offers = |asked: &[Out]| {
        asked
            .iter()
            .filter(|out| matches!(out, Out::Offer(_)))
            .count()
    };
    let mut ahead = offers(&session.walk_step(now, dag));
    assert_eq!(ahead, OFFERS_AHEAD_FIRST);
    let mut answer = |session: &mut Session, now, number| {
        let nothing = Lacks {
            session: SessionId(1),
            number,
            bits: vec![0],
        };
        let asked = session.on_lacks(now, dag, &nothing).unwrap();
        ahead = ahead + offers(&asked) - 1;
        ahead
    };
    for number in 0..20 {
        now = now + ms(10);
        let ahead = answer(&mut session, now, number);
        assert_eq!(
            ahead,
            (OFFERS_AHEAD_FIRST + 1 + number as usize).min(OFFERS_AHEAD_MAX)
        );
    }
    now = now + 2 * OFFER_ANSWERED_SOON;
    let narrowed = (20..40)
        .map(|number| answer(&mut session, now, number))
        .min();
    assert_eq!(narrowed, Some(OFFERS_AHEAD_FIRST));
}

/// Of many candidates the peer can hold three at most, by what it told: they are not worth asking for.
#[test]
fn what_the_peer_can_hardly_hold_is_sent_without_asking() {
    for (told, asks) in [(1, false), (90_000, true)] {
        let mut sim = settled(Setup::default(), 1);
        for _ in 0..20 {
            sim.create(0, &["so long that many are more than is sent at once"; 100]);
        }
        let dag = sim.machine(0).dag();
        let mut session = Session::default();
        let mut hello = Hello {
            take: 1 << 20,
            ..opening(1)
        };
        hello.heads.count = told + 2;
        session.on_hello(sim.now(), dag, hello, 0);
        let verdict = Verdict {
            session: SessionId(1),
            holds_all: false,
        };
        session.on_verdict(sim.now(), dag, verdict);
        let asked = session.walk_step(sim.now(), dag);
        assert_eq!(asked.iter().any(|out| matches!(out, Out::Offer(_))), asks);
    }
}

/// Of machines that were told of, those beyond what a machine dials are known, and called unreachable only once a dial failed.
#[test]
fn machines_that_need_not_be_dialled_are_known_and_not_unreachable() {
    let sim = settled(Setup::default(), 1);
    let mut machine = Machine::clone(sim.machine(0));
    let mut out = Effects::default();
    let told = 3 + PEERS_WANTED;
    for n in 0..told {
        let input = Input::Reachable {
            peer: MachineId([u8::try_from(n).unwrap() + 1; 32]),
            addresses: vec![([10, 0, 0, 1], 4433).into()],
            keep: false,
        };
        machine.handle(Time(0), input, &mut out);
    }
    let count = |machine: &Machine, state: PeerState| {
        let peers = machine.peers();
        peers.iter().filter(|peer| peer.state == state).count()
    };
    assert_eq!(count(&machine, PeerState::Connecting), PEERS_WANTED);
    assert_eq!(count(&machine, PeerState::Known), 3);
    let dialled = machine
        .peers()
        .iter()
        .find(|peer| peer.state == PeerState::Connecting)
        .map(|peer| peer.machine);
    machine.handle(
        Time(1),
        Input::DialFailed {
            peer: dialled.unwrap(),
        },
        &mut out,
    );
    assert_eq!(count(&machine, PeerState::Unreachable), 1);
    assert_eq!(
        count(&machine, PeerState::Known),
        2,
        "another took its place"
    );
}
