//! Lies in frames and lists: lengths, garbage, what is cut short, what is not sorted.

use fedag::event::id::EventId;
use fedag::limits::{FRAME_BYTES_MAX, WANT_IDS_MAX};
use fedag::sync::message::{Heads, SessionId};
use fedag::wire::{Message, codec};

use super::table::{Lie, fault, hello, unheld};

/// Frames that are none.
pub(super) const FRAMES: &[Lie] = &[
    fault(
        "a frame a byte too long",
        |peer, _| {
            let length = u32::try_from(FRAME_BYTES_MAX + 1).unwrap();
            peer.write(&length.to_be_bytes());
        },
        "frame_length",
    ),
    fault(
        "a frame of 4 GiB",
        |peer, _| {
            peer.write(&[0xff; 4]);
        },
        "frame_length",
    ),
    fault(
        "a frame of no bytes",
        |peer, _| {
            peer.write(&[0; 4]);
        },
        "frame_length",
    ),
    fault(
        "garbage",
        |peer, _| {
            peer.frame(&[0xa5; 3000]);
        },
        "malformed",
    ),
    fault(
        "a message of a kind that there is not",
        |peer, _| {
            peer.frame(&[200, 1, 2, 3]);
        },
        "malformed",
    ),
    fault(
        "a HELLO cut short",
        |peer, liar| {
            let hello = codec::encode(&hello(1, liar.root));
            peer.frame(&hello[..hello.len() - 3]);
        },
        "malformed",
    ),
    fault(
        "a HELLO with a byte too many",
        |peer, liar| {
            let hello = codec::encode(&hello(1, liar.root));
            peer.frame(&[&hello[..], &[0]].concat());
        },
        "malformed",
    ),
    fault(
        "a list that claims 2^60 ids",
        |peer, _| {
            peer.frame(&[7, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0x10]);
        },
        "malformed",
    ),
    fault(
        "one id too many in a WANT",
        |peer, _| {
            peer.say(&Message::Want(vec![EventId([1; 16]); WANT_IDS_MAX + 1]));
        },
        "bounds",
    ),
    fault(
        "heads that are not sorted",
        |peer, _| {
            let mut heads = unheld(2);
            heads.ids.reverse();
            peer.say(&Message::Heads(heads));
        },
        "bounds",
    ),
    fault(
        "fewer leaves than are told",
        |peer, _| {
            let total = 1;
            peer.say(&Message::Heads(Heads { total, ..unheld(2) }));
        },
        "bounds",
    ),
    fault(
        "bulk on the control stream",
        |peer, liar| {
            let event = codec::encode_event(&liar.on_root(1, "bulk"));
            peer.frame(&codec::encode_bulk(SessionId(1), &[event]));
        },
        "stream",
    ),
];
