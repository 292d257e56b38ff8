//! Lies in how events and messages go together: runs, rivals, circles, replay, sessions that there are not.

use fedag::event::Event;
use fedag::event::id::DagDigest;
use fedag::event::key::Key;
use fedag::limits::{SEQ_MAX, TIME_MS_MAX};
use fedag::sync::message::{End, HeadChanges, Heads, Offer, SessionId, Verdict};
use fedag::wire::{Message, codec};

use super::member::{altered, bytes, forged, nobodys, signed, wall};
use super::peer::framed;
use super::table::{Lie, fault, let_be, push, unheld};

/// Runs, and events in relations that nobody honest makes.
pub(super) const RELATIONS: &[Lie] = &[
    fault(
        "a run with a junk head",
        |peer, liar| {
            let run = liar.run(1, &["a", "b", "c"]);
            let mut all = bytes(&run);
            all[0] = forged(&run[0]);
            push(peer, &all);
        },
        "event_signature",
    ),
    let_be(
        "a run without its head, whose parent nobody has",
        |peer, liar| push(peer, &bytes(&liar.run(1, &["d", "e", "f"])[1..])),
        0,
    ),
    Lie {
        name: "an unsigned rival in the middle of a run",
        say: |peer, liar| {
            let run = liar.run(1, &["a", "b", "c"]);
            let rival = altered(&run[1], |raw| raw.properties = b"{}".to_vec());
            push(peer, &[bytes(&run[..1]), vec![rival]].concat());
        },
        fault: Some("unvouched"),
        held: 1,
    },
    let_be(
        "a signed rival in the middle of a run",
        |peer, liar| {
            let run = liar.run(11, &["a", "b", "c"]);
            let rival = liar.event(12, vec![run[0].id()], "rival");
            push(peer, &bytes(&[run, vec![rival]].concat()));
        },
        4,
    ),
    let_be(
        "a `next` that nothing fulfils",
        |peer, liar| push(peer, &bytes(&liar.run(21, &["first", "never told"])[..1])),
        1,
    ),
    fault(
        "an unsigned event with two parents",
        |peer, liar| {
            let run = liar.run(1, &["a", "b"]);
            let mut parents = vec![run[0].id(), liar.root];
            parents.sort_unstable();
            push(peer, &[altered(&run[1], |raw| raw.parents = parents)]);
        },
        "event_unsigned",
    ),
    fault(
        "another network's R",
        |peer, _| {
            let other = Key::from_seed([99; 32]);
            push(peer, &bytes(&[other_root(&other)]));
        },
        "foreign_root",
    ),
    let_be(
        "an event that is its own parent, as far as one can be made",
        |peer, liar| {
            // The name follows from the parents: each try names the one before, and the first names nobody.
            let mut event = liar.event(1, vec![nobodys(1)], "myself");
            for _ in 0..3 {
                push(peer, &bytes(std::slice::from_ref(&event)));
                event = liar.event(1, vec![event.id()], "myself");
            }
        },
        0,
    ),
    let_be(
        "two events that name each other, as far as they can be made",
        |peer, liar| {
            let one = liar.event(1, vec![nobodys(5)], "one");
            let two = liar.event(1, vec![one.id()], "two");
            let again = liar.event(1, vec![two.id()], "one");
            push(peer, &bytes(&[again, two]));
        },
        0,
    ),
    let_be(
        "replay, also of an honest event",
        |peer, liar| {
            let event = codec::encode_event(&liar.on_root(31, "again and again"));
            let honest = peer.honest_events(liar.root);
            for _ in 0..20 {
                push(peer, std::slice::from_ref(&event));
                push(peer, &honest);
                peer.frame(&codec::encode_given(&honest, &[]));
            }
        },
        1,
    ),
    let_be(
        "a time in the far future",
        |peer, liar| {
            let wall = fedag::event::wall::WallTime::from_ms(TIME_MS_MAX).unwrap();
            let event = fedag::event::Draft {
                parents: vec![liar.root],
                seq: SEQ_MAX,
                wall,
                control: fedag::event::control::Control::None,
                properties: fedag::event::canon::Properties::from_text("at the end of time"),
            };
            push(peer, &bytes(&[event.sign(&liar.key)]));
        },
        1,
    ),
    let_be(
        "the events of somebody who is no member",
        |peer, liar| {
            let stranger = Key::from_seed([98; 32]);
            let event = |seq| signed(&stranger, seq, vec![liar.root], "let me in");
            push(peer, &bytes(&(1..300).map(event).collect::<Vec<_>>()));
        },
        0,
    ),
    let_be(
        "parents that nobody has",
        |peer, liar| {
            for round in 0..4_u32 {
                let event = |n| liar.event(1, vec![nobodys(300 * round + n)], "waiting");
                push(peer, &bytes(&(0..300).map(event).collect::<Vec<_>>()));
            }
        },
        0,
    ),
    let_be(
        "a verdict, an END and bulk of another session than there is",
        |peer, liar| {
            peer.begin(liar.root);
            let session = SessionId(900);
            peer.say(&Message::Verdict(Verdict {
                session,
                holds_all: true,
            }));
            let heads = unheld(3);
            peer.say(&Message::End(End {
                session,
                more: true,
                heads,
            }));
            let event = codec::encode_event(&liar.on_root(41, "of no session"));
            peer.bulk(&framed(&codec::encode_bulk(session, &[event])));
        },
        0,
    ),
    let_be(
        "changes of heads that were never told",
        |peer, _| {
            let Heads { ids, digest, .. } = unheld(256);
            peer.say(&Message::Changes(HeadChanges {
                since: DagDigest([4; 32]),
                added: ids.clone(),
                removed: ids,
                total: u32::MAX,
                count: u32::MAX,
                digest,
                bulk: true,
            }));
        },
        0,
    ),
    fault(
        "offers that never end",
        |peer, liar| {
            peer.begin(liar.root);
            for number in 0..100 {
                let ids = (0..4096).map(|n| nobodys(number * 4096 + n)).collect();
                let session = SessionId(1);
                if !peer.say(&Message::Offer(Offer {
                    session,
                    number,
                    ids,
                })) {
                    break;
                }
            }
        },
        "offer",
    ),
    fault(
        "an offer out of turn",
        |peer, liar| {
            peer.begin(liar.root);
            peer.say(&Message::Offer(Offer {
                session: SessionId(1),
                number: 3,
                ids: vec![nobodys(1)],
            }));
        },
        "offer",
    ),
    let_be(
        "1,000,000 leaves, as told",
        |peer, _| {
            peer.say(&Message::Heads(Heads {
                total: 1_000_000,
                count: u32::MAX,
                ..unheld(64)
            }));
        },
        0,
    ),
];

fn other_root(key: &Key) -> Event {
    use fedag::event::control::{Control, Root};
    fedag::event::Draft {
        parents: Vec::new(),
        seq: 1,
        wall: wall(),
        control: Control::Root(Root {
            network: "other".to_owned(),
            name: "other".to_owned(),
            rules: super::RULES,
        }),
        properties: fedag::event::canon::Properties::none(),
    }
    .sign(key)
}
