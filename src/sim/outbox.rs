//! What waits to be sent over a slow link: as the real send queue, with the same bounds and the same answers to "full".
//!
//! Source: `net::queue`; here with virtual time in place of tasks.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::VecDeque;

use crate::limits::SEND_QUEUE_HARD;
use crate::sim::trace::Kind;
use crate::wire::Message;

/// The control stream of one end of a connection.
#[derive(Debug)]
pub(super) struct Outbox {
    pub(super) connection: u64,
    waiting: VecDeque<(Kind, usize, Message)>,
    bytes: usize,
    is_over: bool,
    /// One message is on its way out.
    is_sending: bool,
}

/// What became of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Queued {
    /// It goes out now.
    Now(Message),
    /// It waits, or was dropped.
    Kept,
    /// Likewise; the queue ran over just now.
    Overflowed,
    /// The peer does not read: the connection is to be given up.
    Unread,
}

impl Outbox {
    pub(super) fn new(connection: u64) -> Self {
        Self {
            connection,
            waiting: VecDeque::new(),
            bytes: 0,
            is_over: false,
            is_sending: false,
        }
    }

    /// Adds a message; `max`: messages and bytes.
    pub(super) fn push(
        &mut self,
        kind: Kind,
        bytes: usize,
        message: Message,
        max: (usize, usize),
    ) -> Queued {
        if !self.is_sending {
            self.is_sending = true;
            return Queued::Now(message);
        }
        let mut queued = Queued::Kept;
        if self.is_full(1, bytes, max) && !self.is_over {
            self.is_over = true;
            self.waiting.retain(|(kind, ..)| *kind != Kind::Push);
            self.bytes = self.waiting.iter().map(|(_, bytes, _)| bytes).sum();
            queued = Queued::Overflowed;
        }
        let is_full = self.is_full(SEND_QUEUE_HARD, bytes, max);
        let is_taken = match kind {
            Kind::Push => !self.is_over,
            Kind::Given => !is_full,
            Kind::Control | Kind::Bulk if is_full => return Queued::Unread,
            Kind::Control | Kind::Bulk => true,
        };
        if is_taken {
            self.bytes += bytes;
            self.waiting.push_back((kind, bytes, message));
        }
        queued
    }

    /// One message is out: the next one and its bytes. None: the queue is empty.
    pub(super) fn next(&mut self) -> Option<(usize, Message)> {
        let next = self.waiting.pop_front();
        self.is_sending = next.is_some();
        let (_, bytes, message) = next?;
        self.bytes -= bytes;
        Some((bytes, message))
    }

    /// The queue is empty: true when it had run over.
    pub(super) fn drained(&mut self) -> bool {
        std::mem::take(&mut self.is_over)
    }

    fn is_full(&self, times: usize, bytes: usize, max: (usize, usize)) -> bool {
        let is_long = self.bytes + bytes > times * max.1 && !self.waiting.is_empty();
        is_long || self.waiting.len() >= times * max.0
    }
}
