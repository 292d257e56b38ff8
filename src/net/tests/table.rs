//! Which connection stays.

use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use crate::limits::PEERS_MAX;
use crate::net::tests::kit::{Machine, Rogue, known, machine, pair};
use crate::net::{Happening, Refusal};
use crate::wire::Message;

/// Waits until all that was on the way has arrived: a message there and one back.
async fn settle(one: &mut Machine, two: &mut Machine) {
    one.net.send(two.id, &Message::Addresses(Vec::new()));
    assert_eq!(two.received().await, Message::Addresses(Vec::new()));
    two.net.send(one.id, &Message::Addresses(Vec::new()));
    assert_eq!(one.received().await, Message::Addresses(Vec::new()));
}

// On one thread, so that both dials begin before either gets anywhere.
#[tokio::test]
async fn of_crossed_dials_the_one_by_the_smaller_key_stays() {
    let smaller_is_one = machine(1) < machine(2);
    for _ in 0..20 {
        let mut one = Machine::start(1, known(&[1, 2], &[]));
        let mut two = Machine::start(2, known(&[1, 2], &[]));
        one.dial(&two);
        two.dial(&one);
        assert_eq!(one.connected().await, (two.id, smaller_is_one));
        assert_eq!(two.connected().await, (one.id, !smaller_is_one));
        settle(&mut one, &mut two).await;
        assert!(one.so_far().is_empty());
        assert!(two.so_far().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn crossed_dials_at_any_moment_leave_one_connection() {
    for delay_us in 0..20 {
        let mut one = Machine::start(1, known(&[1, 2], &[]));
        let mut two = Machine::start(2, known(&[1, 2], &[]));
        one.dial(&two);
        tokio::time::sleep(Duration::from_micros(delay_us * 100)).await;
        two.dial(&one);
        let (dialled, was_dialled) = (one.connected().await.1, two.connected().await.1);
        assert_ne!(dialled, was_dialled);
        settle(&mut one, &mut two).await;
        assert!(one.so_far().is_empty());
        assert!(two.so_far().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dial_to_a_peer_is_left_alone() {
    let (mut one, mut two) = pair().await;
    one.dial(&two);
    two.dial(&one);
    settle(&mut one, &mut two).await;
    assert!(one.so_far().is_empty());
    assert!(two.so_far().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_lost_its_connection_gets_a_new_one_at_once() {
    let mut one = Machine::start(1, known(&[1, 2], &[]));
    let first = Rogue::greet(2, 5, &one).await;
    assert_eq!(one.connected().await, (machine(2), false));
    let mut second = Rogue::greet(2, 5, &one).await;
    assert_eq!(one.disconnected().await, Refusal::Duplicate.said_here());
    assert_eq!(one.connected().await, (machine(2), false));
    assert_eq!(first.refusal().await, Some(Refusal::Duplicate));
    let want = Message::Want(vec![crate::event::id::EventId([3; 16])]);
    second.say(&want).await;
    assert_eq!(one.received().await, want);
    one.net.send(machine(2), &want);
    assert_eq!(
        second.frames.next().await,
        Ok(crate::wire::codec::encode(&want))
    );
}

#[test]
fn a_restarted_machine_takes_the_place_of_the_old_one_after_a_second() {
    let ours = Runtime::new().unwrap();
    let theirs = Runtime::new().unwrap();
    let mut one = ours.block_on(async { Machine::start(1, known(&[1, 2], &[])) });
    let mut two = theirs.block_on(async { Machine::start(2, known(&[1, 2], &[])) });
    theirs.block_on(async { two.dial(&one) });
    assert_eq!(theirs.block_on(two.connected()), (one.id, true));
    assert_eq!(ours.block_on(one.connected()), (two.id, false));
    // It dies without a word: nobody drives its socket any more.
    theirs.shutdown_background();
    let mut again = ours.block_on(async { Machine::start_as(2, 77, known(&[1, 2], &[]), 16) });
    let began = Instant::now();
    ours.block_on(async {
        again.dial(&one);
        assert_eq!(again.connected().await, (one.id, true));
        assert!((Duration::from_millis(900)..Duration::from_secs(3)).contains(&began.elapsed()));
        one.disconnected().await;
        assert_eq!(one.connected().await, (two.id, false));
        settle(&mut one, &mut again).await;
        assert!(one.so_far().is_empty());
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_live_machine_with_the_same_key_is_told_so() {
    let (mut one, mut two) = pair().await;
    let mut copy = Machine::start_as(2, 77, known(&[1, 2], &[]), 16);
    copy.dial(&one);
    let why = copy.dial_failed().await;
    assert!(why.ends_with(&Refusal::KeyInUse.to_string()), "{why}");
    settle(&mut one, &mut two).await;
    assert!(one.so_far().is_empty());
    // And when it uses the very key of the machine that it dials.
    let mut same = Machine::start_as(1, 78, known(&[1, 2], &[]), 16);
    two.net.hangup(one.id, Refusal::Full);
    two.disconnected().await;
    same.net.dial(two.id, vec![one.net.listening()]);
    assert!(
        same.dial_failed()
            .await
            .contains("its key is not the expected one")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_so_many_peers_and_no_more() {
    let seeds: Vec<u8> = (1..=u8::try_from(PEERS_MAX).unwrap() + 2).collect();
    let mut one = Machine::start(1, known(&seeds, &[]));
    let mut others = Vec::new();
    for seed in &seeds[1..=PEERS_MAX] {
        let mut other = Machine::start(*seed, known(&seeds, &[]));
        other.dial(&one);
        other.connected().await;
        one.connected().await;
        others.push(other);
    }
    let mut last = Machine::start(seeds[PEERS_MAX + 1], known(&seeds, &[]));
    last.dial(&one);
    let why = last.dial_failed().await;
    assert!(why.ends_with(&Refusal::Full.to_string()), "{why}");
    one.crowded().await;
    others.pop().unwrap().net.close().await;
    one.disconnected().await;
    last.dial(&one);
    loop {
        // The seat is given up right after `Disconnected` is told.
        match last.next().await {
            Happening::Connected { peer, .. } => break assert_eq!(peer, one.id),
            Happening::DialFailed { .. } => last.dial(&one),
            other => panic!("{other:?}"),
        }
    }
}
