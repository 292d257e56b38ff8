//! Lies in single events: forged, not canonical, out of range.

use fedag::event::key::{Key, MachineId};
use fedag::limits::{PARENTS_DEFAULT, SEQ_MAX, TIME_MS_MAX};
use fedag::sync::message::SessionId;
use fedag::wire::codec;

use super::member::{altered, bytes, forged, nobodys};
use super::peer::framed;
use super::table::{Lie, fault, push};

/// Pushes one event that was altered.
macro_rules! altered_push {
    ($text:literal, $alter:expr) => {
        |peer, liar| {
            let event = liar.on_root(1, $text);
            push(peer, &[altered(&event, $alter)]);
        }
    };
}
/// Events that are not valid by themselves.
pub(super) const EVENTS: &[Lie] = &[
    fault(
        "a forged signature",
        |peer, liar| push(peer, &[forged(&liar.on_root(1, "forged"))]),
        "event_signature",
    ),
    fault(
        "a forged signature among a hundred good ones in bulk",
        |peer, liar| {
            let good = (2..100).map(|seq| liar.on_root(seq, "good"));
            let mut all = bytes(&good.collect::<Vec<_>>());
            all[70] = forged(&liar.on_root(1, "forged"));
            peer.bulk(&framed(&codec::encode_bulk(SessionId(1), &all)));
        },
        "event_signature",
    ),
    fault(
        "somebody else's event",
        |peer, liar| {
            let event = liar.on_root(1, "not by him");
            let other = Key::from_seed([77; 32]).machine();
            push(peer, &[altered(&event, |raw| raw.machine = other)]);
        },
        "event_signature",
    ),
    fault(
        "a key of small order",
        altered_push!("small", |raw| {
            let mut identity = [0; 32];
            identity[0] = 1;
            raw.machine = MachineId(identity);
        }),
        "event_key",
    ),
    fault(
        "properties that are not sorted",
        altered_push!("x", |raw| raw.properties = br#"{"b":1,"a":2}"#.to_vec()),
        "event_properties",
    ),
    fault(
        "properties with a blank",
        altered_push!("x", |raw| raw.properties = br#"{"a": 2}"#.to_vec()),
        "event_properties",
    ),
    fault(
        "a member that belongs to the program",
        altered_push!("x", |raw| raw.properties = br#"{"uuid":"x"}"#.to_vec()),
        "event_properties",
    ),
    fault(
        "a number that no double has",
        altered_push!("x", |raw| raw.properties =
            br#"{"n":9007199254740993}"#.to_vec()),
        "event_properties",
    ),
    fault(
        "a control part that is empty",
        altered_push!("x", |raw| raw.control = b"{}".to_vec()),
        "event_control",
    ),
    fault("seq 0", altered_push!("x", |raw| raw.seq = 0), "event_seq"),
    fault(
        "a seq above 2^53-1",
        altered_push!("x", |raw| raw.seq = SEQ_MAX + 1),
        "event_seq",
    ),
    fault(
        "a time in the year 10000",
        altered_push!("x", |raw| raw.time_ms = TIME_MS_MAX + 1),
        "event_time",
    ),
    fault(
        "parents that are not sorted",
        altered_push!("x", |raw| raw.parents = vec![nobodys(2), nobodys(1)]),
        "event_parents",
    ),
    fault(
        "one parent twice",
        altered_push!("x", |raw| raw.parents = vec![nobodys(1), nobodys(1)]),
        "event_parents",
    ),
    fault(
        "too many parents",
        altered_push!("x", |raw| raw.parents =
            (0..=PARENTS_DEFAULT).map(nobodys).collect()),
        "event_too_many_parents",
    ),
    fault(
        "an event that is too large",
        |peer, liar| {
            let event = altered(&liar.on_root(1, "x"), |raw| {
                raw.properties = format!("{{\"x\":\"{}\"}}", "y".repeat(70_000)).into_bytes();
            });
            peer.frame(&codec::encode_given(&[event], &[]));
        },
        "event_too_large",
    ),
    fault(
        "no parents, and no R",
        altered_push!("x", |raw| raw.parents.clear()),
        "event_root",
    ),
];
