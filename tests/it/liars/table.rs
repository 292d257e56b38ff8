//! Lies that are seen through at once: each is told on a connection of its own, and looked at.

use fedag::event::id::{DagDigest, EventId};
use fedag::sync::message::{Heads, Hello, SessionId, Verdict};
use fedag::wire::{Message, codec};

use super::member::{Member, bytes, nobodys};
use super::peer::Peer;
use super::{Scene, events, faults, frames, held, relations};
use crate::support::wait_for;

/// One lie.
pub(super) struct Lie {
    pub(super) name: &'static str,
    pub(super) say: fn(&mut Peer, &Member),
    /// The fault that it is counted as; the liar is hung up on. None: it is let be.
    pub(super) fault: Option<&'static str>,
    /// How many events of it are valid, and held.
    pub(super) held: u64,
}

pub(super) const fn fault(
    name: &'static str,
    say: fn(&mut Peer, &Member),
    fault: &'static str,
) -> Lie {
    Lie {
        name,
        say,
        fault: Some(fault),
        held: 0,
    }
}

pub(super) const fn let_be(name: &'static str, say: fn(&mut Peer, &Member), held: u64) -> Lie {
    Lie {
        name,
        say,
        fault: None,
        held,
    }
}

pub(super) fn push(peer: &mut Peer, events: &[Vec<u8>]) {
    peer.frame(&codec::encode_push(events));
}

#[test]
fn frames_that_are_none_are_faults_and_honest_machines_converge() {
    tell(frames::FRAMES, 101);
}

#[test]
fn events_that_are_not_valid_are_faults_and_honest_machines_converge() {
    tell(events::EVENTS, 102);
}

#[test]
fn what_nobody_honest_makes_is_a_fault_or_held_and_honest_machines_converge() {
    tell(relations::RELATIONS, 103);
}

/// Tells each lie on a connection of its own, and looks at what is seen of it.
#[expect(clippy::print_stdout, reason = "figures for people, with --nocapture")]
fn tell(lies: &[Lie], number: u8) {
    let scene = Scene::new();
    let liar = scene.admit(number);
    for lie in lies {
        scene.converges();
        let (faults_before, held_before) = (faults(&scene.ana), held(&scene.ana));
        let mut peer = scene.connect(&liar);
        (lie.say)(&mut peer, &liar);
        let mut expected = faults_before;
        if let Some(fault) = lie.fault {
            assert_eq!(
                peer.closed(),
                8,
                "{}: the code of who broke the rules",
                lie.name
            );
            match expected.iter_mut().find(|(name, _)| name == fault) {
                Some((_, count)) => *count += 1,
                None => expected.push((fault.to_owned(), 1)),
            }
            expected.sort();
        } else {
            peer.catch_up(liar.root);
        }
        wait_for(lie.name, || faults(&scene.ana) == expected);
        wait_for(lie.name, || held(&scene.ana) == held_before + lie.held);
        assert_eq!(peer.is_closed(), lie.fault.is_some(), "{}", lie.name);
        scene.converges();
    }
    let seen = lies.iter().filter(|lie| lie.fault.is_some()).count();
    let held: u64 = lies.iter().map(|lie| lie.held).sum();
    println!(
        "{} lies: {seen} are faults, {} are let be, {held} events of them are held",
        lies.len(),
        lies.len() - seen
    );
    scene.ends_well();
}

impl Peer {
    /// Waits until all that was said so far has been looked at: what was asked last is answered.
    pub(super) fn catch_up(&mut self, root: EventId) {
        assert!(self.say(&Message::Want(vec![nobodys(u32::MAX), root])));
        let answers = |message: &Message| matches!(message, Message::Given { not_held, .. } if *not_held == [nobodys(u32::MAX)]);
        self.hear(answers);
    }

    /// Answers the session that the machine there begins: neither holds what the other has.
    pub(super) fn begin(&mut self, locator: EventId) {
        let theirs = self.hear(|message| matches!(message, Message::Hello(_)));
        let (Message::Hello(theirs), Message::Hello(own)) = (theirs, hello(1, locator)) else {
            unreachable!("they are HELLOs")
        };
        assert!(theirs.take > 0);
        self.say(&Message::Hello(Hello {
            answers: Some(theirs.session),
            ..own
        }));
        self.say(&Message::Verdict(Verdict {
            session: SessionId(1),
            holds_all: false,
        }));
    }

    /// The leaves of the machine there, as it gives them.
    pub(super) fn honest_events(&mut self, root: EventId) -> Vec<Vec<u8>> {
        let Message::Hello(hello) = self.hear(|message| matches!(message, Message::Hello(_)))
        else {
            unreachable!("that was waited for")
        };
        let mut ids = hello.heads.ids;
        ids.retain(|id| *id != root);
        assert!(self.say(&Message::Want(ids)));
        let given = self.hear(|message| matches!(message, Message::Given { .. }));
        let Message::Given { events, .. } = given else {
            unreachable!("that was waited for")
        };
        assert!(!events.is_empty());
        bytes(&events)
    }
}

/// Heads that no machine has.
pub(super) fn unheld(count: u32) -> Heads {
    Heads {
        ids: (0..count).map(nobodys).collect(),
        total: count,
        count: 1_000_000,
        digest: DagDigest([9; 32]),
        bulk: false,
    }
}

/// A HELLO that opens a session and gives no credit.
pub(super) fn hello(session: u32, locator: EventId) -> Message {
    Message::Hello(Hello {
        session: SessionId(session),
        answers: None,
        heads: unheld(3),
        head_parents: Vec::new(),
        locator: vec![locator],
        take: 0,
    })
}
