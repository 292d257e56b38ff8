//! What goes over a connection, and what is done to who breaks the rules.

use std::time::Duration;

use tokio::time::timeout;

use crate::event::id::EventId;
use crate::event::{Event, Invalid};
use crate::gossip::message::Announced;
use crate::limits::{BULK_FRAME_BYTES, FRAME_BYTES_MAX, SEND_QUEUE_BYTES};
use crate::net::frame::framed;
use crate::net::stream::Part;
use crate::net::tests::kit::{Machine, Rogue, end, events, known, machine, pair};
use crate::net::{Happening, Refusal, Source};
use crate::sync::message::SessionId;
use crate::wire::fault::Fault;
use crate::wire::{Message, codec};

/// Gives these batches, then ends as told.
struct Batches {
    batches: std::vec::IntoIter<Vec<Vec<u8>>>,
    end: Result<(), String>,
}

impl Source for Batches {
    fn next(&mut self) -> Result<Option<Vec<Vec<u8>>>, String> {
        match self.batches.next() {
            Some(batch) => Ok(Some(batch)),
            None => self.end.clone().map(|()| None),
        }
    }
}

fn batches(events: &[Event], end: Result<(), String>) -> Box<dyn Source> {
    let mut batches: Vec<Vec<Vec<u8>>> = vec![Vec::new()];
    let mut bytes = 0;
    for event in events {
        let event = codec::encode_event(event);
        if bytes + event.len() > BULK_FRAME_BYTES {
            batches.push(Vec::new());
            bytes = 0;
        }
        bytes += event.len();
        batches.last_mut().unwrap().push(event);
    }
    Box::new(Batches {
        batches: batches.into_iter(),
        end,
    })
}

/// Gives the same batch for ever.
struct Endless(Vec<Vec<u8>>);

impl Source for Endless {
    fn next(&mut self) -> Result<Option<Vec<Vec<u8>>>, String> {
        Ok(Some(self.0.clone()))
    }
}

/// A stream of one part.
fn whole(source: Box<dyn Source>, session: u32) -> Part {
    Part {
        number: 0,
        source,
        end: Some(end(session)),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bulk_arrives_in_order_and_its_end_last() {
    let (mut one, mut two) = pair().await;
    let sent = events(1, 20_000, "a line of a log");
    one.net
        .stream(two.id, SessionId(4), whole(batches(&sent, Ok(())), 4));
    let mut got = Vec::new();
    loop {
        match two.received().await {
            Message::Bulk { session, events } => {
                assert_eq!(session, SessionId(4));
                got.extend(events);
            }
            last => break assert_eq!(last, end(4)),
        }
    }
    assert!(got == sent);
    assert!(matches!(
        one.next().await,
        Happening::Streamed {
            session: SessionId(4),
            ..
        }
    ));
    assert!(two.so_far().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_one_stream_arrive_in_order_and_each_is_told() {
    let (mut one, mut two) = pair().await;
    let sent = events(1, 9_000, "a line of a log");
    let session = SessionId(3);
    for (number, part) in (0..).zip(sent.chunks(3_000)) {
        let source = batches(part, Ok(()));
        let end = None;
        one.net.stream(
            two.id,
            session,
            Part {
                number,
                source,
                end,
            },
        );
    }
    let last = Part {
        number: 3,
        source: batches(&[], Ok(())),
        end: Some(end(3)),
    };
    one.net.stream(two.id, session, last);
    let mut got = Vec::new();
    loop {
        match two.received().await {
            Message::Bulk { events, .. } => got.extend(events),
            last => break assert_eq!(last, end(3)),
        }
    }
    assert!(got == sent);
    for _ in 0..4 {
        assert!(matches!(one.next().await, Happening::Streamed { .. }));
    }
    // A part of a stream that is over goes nowhere.
    let late = Part {
        number: 4,
        ..whole(batches(&sent[..1], Ok(())), 3)
    };
    one.net.stream(two.id, session, late);
    one.net.send(two.id, &Message::Addresses(Vec::new()));
    assert_eq!(two.received().await, Message::Addresses(Vec::new()));
    assert!(one.so_far().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn control_messages_pass_a_stream_that_runs() {
    let (mut one, mut two) = pair().await;
    let batch: Vec<_> = events(1, 100, "again and again")
        .iter()
        .map(codec::encode_event)
        .collect();
    one.net
        .stream(two.id, SessionId(1), whole(Box::new(Endless(batch)), 1));
    assert!(matches!(two.received().await, Message::Bulk { .. }));
    one.net.send(two.id, &end(1));
    while two.received().await != end(1) {}
    one.net.stop_stream(two.id, SessionId(1));
    // Stopped is not failed: nothing is told, and the connection goes on.
    one.net
        .stream(two.id, SessionId(2), whole(batches(&[], Ok(())), 2));
    while two.received().await != end(2) {}
    assert!(matches!(
        one.next().await,
        Happening::Streamed {
            session: SessionId(2),
            ..
        }
    ));
    assert!(one.so_far().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_fails_breaks_its_stream_only() {
    let (mut one, mut two) = pair().await;
    one.net.stream(
        two.id,
        SessionId(1),
        whole(batches(&events(1, 3, ""), Err("damaged".to_owned())), 1),
    );
    assert!(matches!(
        one.next().await,
        Happening::StreamFailed {
            session: SessionId(1),
            ..
        }
    ));
    one.net.send(two.id, &Message::Addresses(Vec::new()));
    loop {
        match two.received().await {
            Message::Bulk { events, .. } => assert_eq!(events.len(), 3),
            other => break assert_eq!(other, Message::Addresses(Vec::new())),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_connection() {
    let (mut one, mut two) = pair().await;
    let batch: Vec<_> = events(1, 100, "").iter().map(codec::encode_event).collect();
    one.net
        .stream(two.id, SessionId(1), whole(Box::new(Endless(batch)), 1));
    assert!(matches!(two.received().await, Message::Bulk { .. }));
    two.net.hangup(one.id, Refusal::Full);
    assert!(matches!(
        one.next().await,
        Happening::StreamFailed {
            session: SessionId(1),
            ..
        }
    ));
    one.disconnected().await;
    // Nothing of it is told after that.
    while let Happening::Received { .. } = two.next().await {}
    assert!(two.so_far().is_empty());
    assert!(one.so_far().is_empty());
}

fn push(number: u8) -> Message {
    Message::Announce(vec![Announced {
        id: EventId([number; 16]),
        height: 1,
        length: 1,
    }])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_runs_over_drops_pushes_only_and_tells_of_it() {
    let mut one = Machine::start(1, known(&[1, 2], &[]));
    // Its node hears one thing at a time, and so its network stops reading.
    let mut two = Machine::start_as(2, 2, known(&[1, 2], &[]), 1);
    one.dial(&two);
    one.connected().await;
    let text = "x".repeat(14_000);
    let filler = events(1, 1, &text);
    let mut pushed = 0;
    // The first times QUIC still takes what waits, until its windows are full.
    loop {
        one.net.send(two.id, &Message::Push(filler.clone()));
        pushed += 1;
        // Without a pause the queue runs over once, and all further ones are dropped.
        tokio::task::yield_now().await;
        match one.so_far().last() {
            None | Some(Happening::Drained { .. }) => continue,
            Some(Happening::Overflowed { peer }) => assert_eq!(*peer, two.id),
            Some(other) => panic!("{other:?}"),
        }
        match timeout(Duration::from_millis(500), one.next()).await {
            Ok(Happening::Drained { .. }) => {}
            Ok(other) => panic!("{other:?}"),
            Err(_) => break,
        }
    }
    for number in 0..100 {
        one.net.send(two.id, &push(number));
        one.net
            .send(two.id, &Message::Want(vec![EventId([number; 16])]));
    }
    two.connected().await;
    let (mut arrived, mut last) = (0, 0);
    while last < 99 {
        match two.received().await {
            Message::Push(_) => arrived += 1,
            Message::Want(ids) => last = ids[0].0[0],
            other => panic!("announced after the overflow: {other:?}"),
        }
    }
    assert!(arrived < pushed);
    assert!(
        (pushed - arrived) * 14_000 >= SEND_QUEUE_BYTES / 2,
        "{arrived} of {pushed}"
    );
    assert!(matches!(one.next().await, Happening::Drained { .. }));
    one.net.send(two.id, &push(100));
    assert_eq!(two.received().await, push(100));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_never_reads_is_given_up() {
    let mut one = Machine::start(1, known(&[1, 2], &[]));
    let rogue = Rogue::greet(2, 5, &one).await;
    one.connected().await;
    let many = Message::Want((0..=255).map(|number| EventId([number; 16])).collect());
    for _ in 0..10_000 {
        one.net.send(machine(2), &many);
    }
    assert!(matches!(one.next().await, Happening::Overflowed { .. }));
    assert_eq!(one.disconnected().await, Refusal::Unread.said_here());
    assert_eq!(rogue.refusal().await, Some(Refusal::Unread));
}

/// Expects that `bytes` on the control stream are this fault.
async fn control_fault(bytes: &[u8], fault: Fault) {
    let mut one = Machine::start(1, known(&[1, 2], &[]));
    let mut rogue = Rogue::greet(2, 5, &one).await;
    one.connected().await;
    rogue.send.write_all(bytes).await.unwrap();
    expect_fault(&mut one, &rogue, fault).await;
}

async fn expect_fault(one: &mut Machine, rogue: &Rogue, expected: Fault) {
    match one.next().await {
        Happening::Faulted { fault, .. } => assert_eq!(fault, expected),
        other => panic!("{other:?}"),
    }
    assert_eq!(one.disconnected().await, Refusal::Fault.said_here());
    assert_eq!(rogue.refusal().await, Some(Refusal::Fault));
    assert!(one.so_far().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_break_the_rules_are_faults() {
    let too_long = u32::try_from(FRAME_BYTES_MAX + 1).unwrap().to_be_bytes();
    control_fault(&too_long, Fault::FrameLength).await;
    control_fault(&[0, 0, 0, 0], Fault::FrameLength).await;
    control_fault(&framed(&[255, 1, 2, 3]), Fault::Malformed).await;
    let bulk = Message::Bulk {
        session: SessionId(1),
        events: events(2, 1, ""),
    };
    control_fault(&framed(&codec::encode(&bulk)), Fault::Stream).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_told_after_a_fault() {
    let mut one = Machine::start(1, known(&[1, 2], &[]));
    let mut rogue = Rogue::greet(2, 5, &one).await;
    one.connected().await;
    let good = framed(&codec::encode(&Message::Addresses(Vec::new())));
    let bad = framed(&[255]);
    rogue
        .send
        .write_all(&[good.as_slice(), &good, &bad, &good, &good].concat())
        .await
        .unwrap();
    assert_eq!(one.received().await, Message::Addresses(Vec::new()));
    assert_eq!(one.received().await, Message::Addresses(Vec::new()));
    expect_fault(&mut one, &rogue, Fault::Malformed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_stream_carries_bulk_and_end_only() {
    let mut one = Machine::start(1, known(&[1, 2], &[]));
    let rogue = Rogue::greet(2, 5, &one).await;
    one.connected().await;
    let mut stream = rogue.connection.open_uni().await.unwrap();
    stream
        .write_all(&framed(&codec::encode(&end(1))))
        .await
        .unwrap();
    assert_eq!(one.received().await, end(1));
    stream
        .write_all(&framed(&codec::encode(&Message::Addresses(Vec::new()))))
        .await
        .unwrap();
    expect_fault(&mut one, &rogue, Fault::Stream).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_bulk_streams_at_a_time_and_no_more() {
    let mut one = Machine::start(1, known(&[1, 2], &[]));
    let rogue = Rogue::greet(2, 5, &one).await;
    one.connected().await;
    let mut first = rogue.connection.open_uni().await.unwrap();
    let _second = rogue.connection.open_uni().await.unwrap();
    assert!(
        timeout(Duration::from_millis(200), rogue.connection.open_uni())
            .await
            .is_err()
    );
    first
        .write_all(&framed(&codec::encode(&end(1))))
        .await
        .unwrap();
    first.finish().unwrap();
    assert_eq!(one.received().await, end(1));
    timeout(Duration::from_secs(5), rogue.connection.open_uni())
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_checked_even_when_another_of_its_name_passed() {
    let mut one = Machine::start(1, known(&[1, 2], &[]));
    let mut rogue = Rogue::greet(2, 5, &one).await;
    one.connected().await;
    let good = events(2, 1, "good");
    rogue.say(&Message::Push(good.clone())).await;
    rogue.say(&Message::Push(good.clone())).await;
    assert_eq!(one.received().await, Message::Push(good.clone()));
    assert_eq!(one.received().await, Message::Push(good.clone()));
    // One bit of the signature, which is inside of the frame as it stands.
    let mut bytes = framed(&codec::encode(&Message::Push(good.clone())));
    let crate::event::Proof::Signed { sig } = good[0].raw().proof else {
        panic!("it is signed")
    };
    let at = bytes
        .windows(64)
        .position(|window| window == sig.0)
        .unwrap();
    bytes[at + 40] ^= 1;
    rogue.send.write_all(&bytes).await.unwrap();
    expect_fault(&mut one, &rogue, Fault::Event(Invalid::Signature)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_control_stream_that_ends_alone_is_a_fault() {
    let mut one = Machine::start(1, known(&[1, 2], &[]));
    let mut rogue = Rogue::greet(2, 5, &one).await;
    one.connected().await;
    rogue.send.finish().unwrap();
    expect_fault(&mut one, &rogue, Fault::Stream).await;
}
