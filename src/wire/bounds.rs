//! How many items a message may have.
//!
//! Between decoding and everything else: a message outside its bounds never reaches the machine, which therefore
//! does not look again.
//!
//! Source: docs/protocol.md, "Frames and messages".
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::event::id::EventId;
use crate::limits::{
    BOOK_ADDRESSES_MAX, BOOK_MACHINES_MAX, BULK_FRAME_BYTES, FRAME_EVENTS_MAX, HEAD_PARENTS_MAX,
    HEADS_CHANGED_MAX, HEADS_TOLD_MAX, LOCATOR_IDS_MAX, OFFER_IDS_MAX, PUSH_BYTES_MAX,
    WANT_IDS_MAX,
};
use crate::sync::message::Heads;
use crate::wire::Message;

/// Returns whether a message keeps its bounds; `lengths`: of its events on the wire, in order.
pub(crate) fn hold(message: &Message, lengths: impl ExactSizeIterator<Item = usize>) -> bool {
    let events = lengths.len();
    match message {
        Message::Hello(hello) => {
            heads_hold(&hello.heads)
                && hello.head_parents.len() <= HEAD_PARENTS_MAX
                && hello.locator.len() <= LOCATOR_IDS_MAX
        }
        Message::Verdict(_) => true,
        Message::End(end) => heads_hold(&end.heads),
        Message::Offer(offer) => (1..=OFFER_IDS_MAX).contains(&offer.ids.len()),
        Message::Lacks(lacks) => (1..=OFFER_IDS_MAX.div_ceil(8)).contains(&lacks.bits.len()),
        Message::Heads(heads) => heads_hold(heads),
        Message::Changes(changes) => {
            let is_few = |ids: &[EventId]| ids.len() <= HEADS_CHANGED_MAX && ascend(ids);
            is_few(&changes.added)
                && is_few(&changes.removed)
                && changes.total as usize > HEADS_TOLD_MAX
        }
        Message::Push(_) => {
            (1..=FRAME_EVENTS_MAX).contains(&events)
                && lengths.into_iter().all(|length| length <= PUSH_BYTES_MAX)
        }
        Message::Announce(announced) => (1..=WANT_IDS_MAX).contains(&announced.len()),
        Message::Want(ids) => (1..=WANT_IDS_MAX).contains(&ids.len()),
        Message::Given { not_held, .. } => (1..=WANT_IDS_MAX).contains(&(events + not_held.len())),
        Message::Bulk { .. } => {
            // A sender may stop after the event that fills the frame, or before it.
            let before_last: usize = lengths.take(events.saturating_sub(1)).sum();
            (1..=FRAME_EVENTS_MAX).contains(&events) && before_last <= BULK_FRAME_BYTES
        }
        Message::Addresses(reachable) => {
            reachable.len() <= BOOK_MACHINES_MAX
                && reachable
                    .iter()
                    .all(|one| one.addresses.len() <= BOOK_ADDRESSES_MAX)
        }
    }
}

fn heads_hold(heads: &Heads) -> bool {
    (1..=HEADS_TOLD_MAX).contains(&heads.ids.len())
        && heads.total as usize >= heads.ids.len()
        && ascend(&heads.ids)
}

fn ascend(ids: &[EventId]) -> bool {
    ids.is_sorted_by(|a, b| a < b)
}
