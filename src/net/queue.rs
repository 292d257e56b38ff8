//! What waits to be sent to one peer.
//!
//! Between `Net::send` and the task that writes a connection's control stream. First in, first out.
//!
//! Invariants:
//! - pushes wait only while there are at most `SEND_QUEUE_MESSAGES` messages of `SEND_QUEUE_BYTES` together; at the bound all
//!   of them are dropped, and further ones until the queue was empty;
//! - answers to a WANT are dropped at `SEND_QUEUE_GIVEN` times that, so that there is room for control messages;
//! - a connection is given up at `SEND_QUEUE_HARD` times that.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use tokio::sync::Notify;

use crate::limits::{
    SEND_QUEUE_BYTES, SEND_QUEUE_GIVEN, SEND_QUEUE_HARD, SEND_QUEUE_MESSAGES, WRITE_BYTES,
};

/// What may be done with a message when the queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Pushed or announced events: dropped first, a session brings them.
    Push,
    /// Events that were asked for: dropped at the hard bound, the asker asks elsewhere.
    Given,
    /// All others: never dropped.
    Control,
}

/// The hard bound is reached: the peer does not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unread;

/// Whether the queue runs over; a counter of overflows, so that none goes by unseen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Overflow {
    pub(super) is_over: bool,
    pub(super) times: u64,
}

/// The queue of one connection.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    filled: Notify,
    overflow: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    messages: VecDeque<(Class, Vec<u8>)>,
    bytes: usize,
    overflow: Overflow,
}

impl Queue {
    /// Adds a message's frame, its length in front. Returns whether there was room for one of its class.
    ///
    /// # Errors
    /// [`Unread`]; the frame is not queued.
    pub(super) fn push(&self, class: Class, frame: Vec<u8>) -> Result<bool, Unread> {
        let mut waiting = self.lock();
        let was_over = waiting.overflow;
        let result = waiting.push(class, frame);
        let is_over = waiting.overflow;
        drop(waiting);
        if was_over != is_over {
            self.overflow.notify_one();
        }
        self.filled.notify_one();
        result
    }

    /// Waits for frames and takes as many as fit `WRITE_BYTES`, at least one. Cancel safe.
    pub(super) async fn next(&self) -> Vec<u8> {
        loop {
            if let Some(bytes) = self.take() {
                return bytes;
            }
            self.filled.notified().await;
        }
    }

    /// None: the queue is empty, and so does not run over any more.
    fn take(&self) -> Option<Vec<u8>> {
        let mut waiting = self.lock();
        if !waiting.messages.is_empty() {
            return Some(waiting.take());
        }
        if std::mem::take(&mut waiting.overflow.is_over) {
            self.overflow.notify_one();
        }
        None
    }

    /// Waits until the answer of [`Queue::overflow`] may be another.
    pub(super) async fn overflow_changed(&self) {
        self.overflow.notified().await;
    }

    pub(super) fn overflow(&self) -> Overflow {
        self.lock().overflow
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().expect("nobody panics with the lock")
    }
}

impl Waiting {
    fn push(&mut self, class: Class, frame: Vec<u8>) -> Result<bool, Unread> {
        if self.is_full(1, &frame) && !self.overflow.is_over {
            self.overflow.is_over = true;
            self.overflow.times += 1;
            self.messages.retain(|(class, _)| *class != Class::Push);
            self.bytes = self.messages.iter().map(|(_, frame)| frame.len()).sum();
        }
        let is_taken = match class {
            Class::Push => !self.overflow.is_over,
            Class::Given => !self.is_full(SEND_QUEUE_GIVEN, &frame),
            Class::Control if self.is_full(SEND_QUEUE_HARD, &frame) => return Err(Unread),
            Class::Control => true,
        };
        if is_taken {
            self.bytes += frame.len();
            self.messages.push_back((class, frame));
        }
        Ok(is_taken)
    }

    /// A frame larger than the bound fits an empty queue.
    fn is_full(&self, times: usize, frame: &[u8]) -> bool {
        let is_long =
            self.bytes + frame.len() > times * SEND_QUEUE_BYTES && !self.messages.is_empty();
        is_long || self.messages.len() >= times * SEND_QUEUE_MESSAGES
    }

    fn take(&mut self) -> Vec<u8> {
        let (_, mut bytes) = self.messages.pop_front().expect("it was not empty");
        while let Some((_, next)) = self.messages.front()
            && bytes.len() + next.len() <= WRITE_BYTES
        {
            bytes.extend_from_slice(next);
            self.messages.pop_front();
        }
        self.bytes -= bytes.len();
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(mark: u8, length: usize) -> Vec<u8> {
        vec![mark; length]
    }

    #[tokio::test]
    async fn frames_leave_in_order_and_together() {
        let queue = Queue::default();
        queue.push(Class::Push, frame(1, 3)).unwrap();
        queue.push(Class::Control, frame(2, 2)).unwrap();
        queue.push(Class::Push, frame(3, WRITE_BYTES)).unwrap();
        assert_eq!(queue.next().await, [1, 1, 1, 2, 2]);
        assert_eq!(queue.next().await, frame(3, WRITE_BYTES));
    }

    #[tokio::test]
    async fn a_full_queue_drops_pushes_only_until_it_is_empty() {
        let queue = Queue::default();
        for number in 0..SEND_QUEUE_MESSAGES {
            let class = if number % 2 == 0 {
                Class::Push
            } else {
                Class::Control
            };
            queue
                .push(class, frame(u8::from(class == Class::Push), 1))
                .unwrap();
        }
        assert_eq!(queue.overflow(), Overflow::default());
        queue.push(Class::Push, frame(7, 1)).unwrap();
        queue.overflow_changed().await;
        assert_eq!(
            queue.overflow(),
            Overflow {
                is_over: true,
                times: 1
            }
        );
        queue.push(Class::Push, frame(8, 1)).unwrap();
        queue.push(Class::Control, frame(9, 1)).unwrap();
        let mut expected = frame(0, SEND_QUEUE_MESSAGES / 2);
        expected.push(9);
        assert_eq!(queue.next().await, expected);
        // Only the next look at the empty queue ends it.
        assert!(queue.overflow().is_over);
        tokio::select! {
            biased;
            _ = queue.next() => panic!("there is nothing"),
            () = queue.overflow_changed() => {}
        }
        assert_eq!(
            queue.overflow(),
            Overflow {
                is_over: false,
                times: 1
            }
        );
        queue.push(Class::Push, frame(5, 1)).unwrap();
        assert_eq!(queue.next().await, [5]);
    }

    #[test]
    fn bytes_count_too() {
        let queue = Queue::default();
        for _ in 0..16 {
            queue
                .push(Class::Push, frame(1, SEND_QUEUE_BYTES / 16))
                .unwrap();
        }
        assert!(!queue.overflow().is_over);
        queue.push(Class::Control, frame(1, 1)).unwrap();
        assert!(queue.overflow().is_over);
        assert_eq!(queue.lock().bytes, 1);
    }

    #[test]
    fn at_the_hard_bound_answers_are_dropped_and_the_connection_is_given_up() {
        let queue = Queue::default();
        for _ in 0..SEND_QUEUE_HARD {
            queue
                .push(Class::Given, frame(1, SEND_QUEUE_BYTES))
                .unwrap();
        }
        assert_eq!(queue.lock().messages.len(), SEND_QUEUE_GIVEN);
        // Answers never take the room of control messages.
        for _ in SEND_QUEUE_GIVEN..SEND_QUEUE_HARD {
            let long = frame(1, SEND_QUEUE_BYTES);
            assert_eq!(queue.push(Class::Control, long), Ok(true));
        }
        assert_eq!(queue.push(Class::Given, frame(1, 1)), Ok(false));
        assert_eq!(queue.push(Class::Control, frame(1, 1)), Err(Unread));
    }
}
