//! Who says too much is read slowly, and not hung up on.

use std::time::{Duration, Instant};

use crate::event::id::EventId;
use crate::limits::{BUCKET_BYTES, BUCKET_BYTES_A_SECOND, FRAME_COST_MIN};
use crate::net::Happening;
use crate::net::frame::framed;
use crate::net::tests::kit::{Machine, Rogue, events, known, machine, pair};
use crate::sync::message::{SessionId, Verdict};
use crate::wire::{Message, codec};

fn verdict() -> Message {
    Message::Verdict(Verdict {
        session: SessionId(7),
        holds_all: true,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_too_much_is_read_slowly_and_stays_connected() {
    let mut two = Machine::start(2, known(&[1, 2], &[]));
    let mut rogue = Rogue::greet(1, 1, &two).await;
    assert_eq!(two.connected().await, (machine(1), false));
    let at_once = BUCKET_BYTES / FRAME_COST_MIN;
    let in_half_a_second = BUCKET_BYTES_A_SECOND / FRAME_COST_MIN / 2;
    let frame = framed(&codec::encode(&verdict()));
    let all = frame.repeat(usize::try_from(at_once + in_half_a_second).unwrap());
    let begun = Instant::now();
    let (said, ()) = tokio::join!(rogue.send.write_all(&all), async {
        for _ in 0..at_once + in_half_a_second {
            assert_eq!(two.received().await, verdict());
        }
    });
    said.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(490));
    rogue.say(&verdict()).await;
    assert_eq!(two.received().await, verdict());
    assert!(rogue.connection.close_reason().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_to_questions_are_not_counted() {
    let (one, mut two) = pair().await;
    let large = events(1, 24, &"x".repeat(60_000));
    let bytes: Vec<_> = large.iter().map(codec::encode_event).collect();
    // Far more than may be said unasked, so that decoding it on a busy computer is still quicker than waiting would be.
    let rounds = usize::try_from(8 * BUCKET_BYTES).unwrap() / (24 * 60_000) + 1;
    two.net
        .send(one.id, &Message::Want(vec![EventId([1; 16]); 256]));
    let mut one = one;
    assert!(matches!(one.received().await, Message::Want(_)));
    let begun = Instant::now();
    for _ in 0..rounds {
        assert!(one.net.give(two.id, bytes.clone(), Vec::new()));
        match two.next().await {
            Happening::Received {
                message: Message::Given { events, .. },
                ..
            } => assert_eq!(events.len(), 24),
            other => panic!("not given: {other:?}"),
        }
    }
    let unasked = 7 * BUCKET_BYTES / BUCKET_BYTES_A_SECOND;
    assert!(begun.elapsed() < Duration::from_secs(unasked));
}
