//! Fuzz target: whatever bytes a peer, a disk or a person hands in.
//!
//! A plain function, run on mutated frames by the ordinary tests and on arbitrary bytes by a fuzzer.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::wire::codec::{
    decode, decode_event, decode_plain, encode, encode_bulk, encode_given, encode_plain,
    encode_push, encode_raw,
};
use crate::wire::greeting::{Greeting, Welcome};
use crate::wire::ticket::Ticket;
use crate::wire::{Frame, Message};

/// Decodes `bytes` as everything that they could be; returns whether any of it was accepted.
///
/// # Panics
/// When something is accepted that is not its own encoding. That is a bug.
pub fn decode_anything(bytes: &[u8]) -> bool {
    let encodings = [
        decode(bytes).map(|frame| encode_frame(&frame)),
        decode_event(bytes).map(|raw| encode_raw(&raw)),
        decode_plain(bytes).map(|greeting: Greeting| encode_plain(&greeting)),
        decode_plain(bytes).map(|welcome: Welcome| encode_plain(&welcome)),
    ];
    for again in encodings.iter().flatten() {
        assert!(again == bytes, "accepted, but encoded otherwise");
    }
    let ticket = Ticket::parse(&String::from_utf8_lossy(bytes)).map(|ticket| ticket.to_string());
    if let Ok(text) = &ticket {
        let again = Ticket::parse(text).map(|ticket| ticket.to_string());
        assert!(
            again.as_ref() == Ok(text),
            "a ticket changes when it is written again"
        );
    }
    encodings.iter().any(Result::is_ok) || ticket.is_ok()
}

/// The bytes that a decoded frame came from.
pub(crate) fn encode_frame(decoded: &Frame) -> Vec<u8> {
    let events: Vec<Vec<u8>> = decoded
        .raws
        .iter()
        .map(|(raw, _)| encode_raw(raw))
        .collect();
    match &decoded.empty {
        Message::Push(_) => encode_push(&events),
        Message::Given { not_held, .. } => encode_given(&events, not_held),
        Message::Bulk { session, .. } => encode_bulk(*session, &events),
        Message::Hello(_)
        | Message::Verdict(_)
        | Message::End(_)
        | Message::Offer(_)
        | Message::Lacks(_)
        | Message::Heads(_)
        | Message::Changes(_)
        | Message::Announce(_)
        | Message::Want(_)
        | Message::Addresses(_) => encode(&decoded.empty),
    }
}
