//! Lies that cost time: silence, bytes one by one, sessions that never end. Each has a bound on how long it is waited for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use fedag::limits::{FRAME_BYTES_MAX, HANDSHAKE, SESSION_IDLE, TAKE_BYTES_MAX};
use fedag::sync::message::{End, Heads, Hello, SessionId, Verdict};
use fedag::wire::{Message, codec};

use super::member::Member;
use super::peer::{Opened, Peer, framed, runtime};
use super::table::unheld;
use super::{Scene, faults};
use crate::support::{PATIENCE, numbered, ok, run_with};

/// Until a session that goes nowhere is over, and the next with the same peer begins: it stalls, or loses the slot in the second
/// window at the latest, and somebody else has had his turn.
const NEXT_SESSION: Duration = Duration::from_secs(3 * SESSION_IDLE.as_secs() + 5);

/// What takes longer than the bounds allow is still waited for so long, so that it is told how long it took.
const AT_LAST: Duration = NEXT_SESSION.saturating_mul(2);

/// More than QUIC takes of a stream that nobody reads.
const LINES: u32 = 80;

/// All at once, so that the waits are one.
#[test]
fn whoever_lets_others_wait_is_not_waited_for() {
    let scene = Scene::new();
    let input = numbered(LINES, |n| format!("{n} {}", "x".repeat(60_000)));
    ok(run_with(&scene.ana.dir, &["add", "-"], input.as_bytes()));
    scene.converges();
    let members: Vec<Member> = (121..127).map(|number| scene.admit(number)).collect();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _stopped = Stopped(&stop);
        // Those that let the one bulk slot go at once come first; then the silent one has it.
        let lies: [fn(Peer, &Member, &AtomicBool); 6] = [
            one_byte_a_second,
            endless_bulk,
            silent,
            never_reads,
            never_answers_offers,
            trickling,
        ];
        let mut told = Vec::new();
        for (at, (member, lie)) in members.iter().zip(lies).enumerate() {
            let (mut peer, stop) = (scene.connect(member), &stop);
            if at < 2 {
                peer.decline();
            }
            told.push(scope.spawn(move || lie(peer, member, stop)));
        }
        let door = scene.door();
        told.push(scope.spawn(move || slow_greeting(door)));
        let begun = Instant::now();
        // All but the first two end by themselves.
        while !told[2..].iter().all(ScopedJoinHandle::is_finished) {
            assert!(
                begun.elapsed() < PATIENCE + 2 * AT_LAST,
                "somebody is waited for for ever"
            );
            scene.converges();
        }
        stop.store(true, Ordering::Relaxed);
        for lie in told {
            lie.join().unwrap();
        }
    });
    assert_eq!(faults(&scene.ana), []);
    scene.ends_well();
}

/// Gives no credit, and always says that it has more, which never comes.
#[test]
fn whoever_promises_what_never_comes_is_asked_ever_more_rarely() {
    let scene = Scene::new();
    let member = scene.admit(128);
    let mut peer = scene.connect(&member);
    peer.say(&Message::Heads(unheld(2)));
    let begun = Instant::now();
    for own in 1..=5 {
        let Message::Hello(theirs) = peer.hear_within(AT_LAST, is_hello) else {
            unreachable!("that was waited for")
        };
        let session = SessionId(own);
        peer.say(&Message::Hello(Hello {
            session,
            answers: Some(theirs.session),
            heads: unheld(2),
            head_parents: Vec::new(),
            locator: vec![member.root],
            take: 0,
        }));
        peer.say(&Message::End(End {
            session,
            more: true,
            heads: unheld(2),
        }));
    }
    // The first is not counted; then a second, two, four.
    let took = begun.elapsed();
    assert!(took > Duration::from_secs(6), "five sessions in {took:?}");
    assert!(!peer.is_closed());
    peer.connection.close(0_u32.into(), b"");
    scene.ends_well();
}

/// Tells the liars to stop, also when the test fails: their threads are waited for.
struct Stopped<'a>(&'a AtomicBool);

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn is_hello(message: &Message) -> bool {
    matches!(message, Message::Hello(_))
}

fn session_of(message: &Message) -> SessionId {
    let Message::Hello(hello) = message else {
        panic!("no HELLO: {message:?}")
    };
    hello.session
}

impl Peer {
    /// Answers a HELLO with the same heads: there is nothing to be done.
    fn decline(&mut self) {
        let Message::Hello(theirs) = self.hear_within(AT_LAST, is_hello) else {
            unreachable!("that was waited for")
        };
        self.say(&Message::Hello(Hello {
            session: SessionId(1),
            answers: Some(theirs.session),
            take: 0,
            ..theirs
        }));
    }
}

/// Tells heads that nobody has, and answers no HELLO: each session with it ends by itself, and another peer has its turn.
fn silent(mut peer: Peer, _: &Member, _: &AtomicBool) {
    peer.say(&Message::Heads(unheld(2)));
    let first = session_of(&peer.hear_within(AT_LAST, is_hello));
    let begun = Instant::now();
    let second = session_of(&peer.hear_within(AT_LAST, is_hello));
    assert!(second > first);
    assert!(begun.elapsed() < NEXT_SESSION, "{:?}", begun.elapsed());
    assert!(!peer.is_closed());
}

/// Opens a session and takes everything.
fn open(peer: &mut Peer, heads: Heads, member: &Member) {
    peer.say(&Message::Hello(Hello {
        session: SessionId(1),
        answers: None,
        heads,
        head_parents: Vec::new(),
        locator: vec![member.root],
        take: TAKE_BYTES_MAX,
    }));
    let is_answer = |message: &Message| matches!(message, Message::Hello(hello) if hello.answers == Some(SessionId(1)));
    peer.hear_within(AT_LAST, is_answer);
    peer.say(&Message::Verdict(Verdict {
        session: SessionId(1),
        holds_all: false,
    }));
}

/// The session ends within the time that there is for it.
fn is_broken_off(mut peer: Peer) {
    let begun = Instant::now();
    peer.hear_within(
        AT_LAST,
        |message| matches!(message, Message::End(end) if end.more),
    );
    let took = begun.elapsed();
    assert!(took < NEXT_SESSION, "it was broken off after {took:?}");
    assert!(!peer.is_closed());
    peer.connection.close(0_u32.into(), b"");
}

/// What R's holder would tell who holds nothing else.
fn only_root(member: &Member) -> Heads {
    Heads {
        ids: vec![member.root],
        total: 1,
        count: 1,
        ..unheld(1)
    }
}

/// Gives credit, but never any room in QUIC's window: what is streamed to it is not read.
fn never_reads(mut peer: Peer, member: &Member, _: &AtomicBool) {
    open(&mut peer, only_root(member), member);
    is_broken_off(peer);
}

/// Is offered ids, and never says which it lacks.
fn never_answers_offers(mut peer: Peer, member: &Member, _: &AtomicBool) {
    open(&mut peer, unheld(2), member);
    peer.hear_within(AT_LAST, |message| matches!(message, Message::Offer(_)));
    is_broken_off(peer);
}

/// Answers with a session that goes on for ever: an event now and then, never an END, and nothing is read.
fn trickling(mut peer: Peer, member: &Member, _: &AtomicBool) {
    let Message::Hello(theirs) = peer.hear_within(AT_LAST, is_hello) else {
        unreachable!("that was waited for")
    };
    let session = SessionId(1);
    peer.say(&Message::Hello(Hello {
        session,
        answers: Some(theirs.session),
        heads: only_root(member),
        head_parents: Vec::new(),
        locator: Vec::new(),
        take: TAKE_BYTES_MAX,
    }));
    peer.say(&Message::Verdict(Verdict {
        session,
        holds_all: false,
    }));
    let connection = peer.connection.clone();
    let event = |seq| codec::encode_event(&member.on_root(seq, "drop by drop"));
    let frame = |seq| framed(&codec::encode_bulk(session, &[event(seq)]));
    let frames: Vec<_> = (1..200).map(frame).collect();
    let drops = runtime().spawn(async move {
        let mut stream = connection.open_uni().await.unwrap();
        for frame in frames {
            if stream.write_all(&frame).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
    is_broken_off(peer);
    runtime().block_on(drops).unwrap();
}

/// A frame on each stream, a byte a second.
fn one_byte_a_second(mut peer: Peer, _: &Member, stop: &AtomicBool) {
    let length = u32::try_from(FRAME_BYTES_MAX).unwrap().to_be_bytes();
    let mut streams: Vec<_> = (0..2).filter_map(|_| peer.bulk(&length)).collect();
    assert_eq!(streams.len(), 2);
    assert!(peer.write(&length));
    while !stop.load(Ordering::Relaxed) {
        runtime().block_on(async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            for stream in &mut streams {
                stream.write_all(&[9]).await.unwrap();
            }
        });
        assert!(peer.write(&[9]), "it is slow, and that is all");
    }
    assert!(!peer.is_closed());
}

/// Good events of no session, as fast as they are read.
fn endless_bulk(mut peer: Peer, member: &Member, stop: &AtomicBool) {
    let events: Vec<_> = (1..300)
        .map(|seq| member.on_root(seq, "nobody asked"))
        .collect();
    let events = super::member::bytes(&events);
    let frame = framed(&codec::encode_bulk(SessionId(700), &events));
    let mut stream = peer.bulk(&frame).unwrap();
    while !stop.load(Ordering::Relaxed) {
        runtime().block_on(stream.write_all(&frame)).unwrap();
    }
    assert!(!peer.is_closed());
}

/// Knocks, and says hello a byte a second.
fn slow_greeting(door: (fedag::event::key::MachineId, std::net::SocketAddr)) {
    let begun = Instant::now();
    let mut opened = Opened::to(&fedag::event::key::Key::from_seed([95; 32]), door).unwrap();
    // The first four are a length that may be.
    let mut bytes = [0, 0, 1, 0].into_iter().chain(std::iter::repeat(9_u8));
    let end = runtime().block_on(async {
        loop {
            let byte = bytes.next().expect("there is always another");
            let pause = tokio::time::sleep(Duration::from_secs(1));
            tokio::select! {
                end = opened.connection.closed() => break end,
                () = pause => drop(opened.send.write_all(&[byte]).await),
            }
        }
    });
    assert_eq!(super::peer::code(&end), Some(9), "no greeting in time");
    let took = begun.elapsed();
    assert!(took < HANDSHAKE + PATIENCE, "it was let be for {took:?}");
}
