//! How much a peer may say that nobody asked for.
//!
//! Beside the streams of each connection: what a frame costs is taken out when it was read, and while nothing is left no further
//! frame of that stream is read. QUIC then stops the sender, whose queue keeps to its own bounds, so who says too much is slowed
//! and never hung up on.
//!
//! Invariants:
//! - over any time, frames of at most `BUCKET_BYTES + time * BUCKET_BYTES_A_SECOND` and the last one of each stream are read;
//! - what we asked for costs nothing: as many frames of answers as events were wanted, and bulk within the last credit.
//!
//! Source: the token bucket, Turner 1986 (a leaky bucket as a meter).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::limits::{
    ANSWERS_OWED_MAX, BUCKET_BYTES, BUCKET_BYTES_A_SECOND, EVENT_BYTES_MAX, FRAME_COST_MIN,
    HELLO_COST, WANT_COST_TIMES,
};
use crate::net::pool::Lane;
use crate::wire::Message;

/// First byte of a HELLO. From docs/protocol.md, "Frames and messages", as the two below.
const HELLO: u8 = 1;
/// First byte of a WANT.
const WANT: u8 = 7;
/// First byte of a GIVEN.
const GIVEN: u8 = 8;

/// What a peer was asked for, and what else it says.
#[derive(Debug, Default)]
pub(super) struct Meter(Mutex<Said>);

#[derive(Debug, Default)]
struct Said {
    /// None: nothing was read yet.
    bucket: Option<Bucket>,
    /// Frames of answers to WANTs that may still come.
    owed: usize,
    /// Bytes of bulk frames that may still come.
    credit: u64,
}

impl Meter {
    /// Notes what is asked for.
    pub(super) fn on_said(&self, message: &Message) {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Message::Want(ids) = message {
            said.owed = (said.owed + ids.len()).min(ANSWERS_OWED_MAX);
        } else if let Message::Hello(hello) = message {
            // Events are counted; the frames around them are a little longer.
            said.credit = hello
                .take
                .saturating_add(hello.take / 8 + u64::from(EVENT_BYTES_MAX));
        }
    }

    /// Notes a frame that was read; for how long nothing more of its stream may be read.
    pub(super) fn read(&self, now: Instant, lane: Lane, frame: &[u8]) -> Duration {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let cost = said.cost(lane, frame);
        let bucket = said.bucket.get_or_insert_with(|| Bucket::new(now));
        bucket.take(now, cost)
    }
}

impl Said {
    /// What a frame costs; what was asked for is struck off.
    fn cost(&mut self, lane: Lane, frame: &[u8]) -> u64 {
        let bytes = frame.len() as u64;
        let cost = match (lane, frame.first()) {
            (Lane::Bulk, _) => {
                // Many tiny frames use up the credit as well.
                let spent = bytes.max(FRAME_COST_MIN);
                let beyond = spent.saturating_sub(self.credit);
                self.credit = self.credit.saturating_sub(spent);
                return beyond;
            }
            (Lane::Control, Some(&GIVEN)) if self.owed > 0 => {
                self.owed -= 1;
                return 0;
            }
            (Lane::Control, Some(&WANT)) => bytes * WANT_COST_TIMES,
            (Lane::Control, Some(&HELLO)) => bytes + HELLO_COST,
            (Lane::Control, Some(_) | None) => bytes,
        };
        cost.max(FRAME_COST_MIN)
    }
}

/// What one peer may still say.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Bytes, at `since`; below 0 when the last frame cost more than was there.
    left: i64,
    since: Instant,
}

impl Bucket {
    /// A full one.
    fn new(now: Instant) -> Self {
        Self {
            left: BUCKET_BYTES.cast_signed(),
            since: now,
        }
    }

    /// Takes what a frame costs and returns for how long nothing more may be read.
    fn take(&mut self, now: Instant, cost: u64) -> Duration {
        let gained = gained(now.saturating_duration_since(self.since));
        self.since = now;
        self.left = self
            .left
            .saturating_add_unsigned(gained)
            .min(BUCKET_BYTES.cast_signed())
            .saturating_sub_unsigned(cost);
        match u64::try_from(-self.left) {
            Ok(debt) => Duration::from_micros(debt * 1_000_000 / BUCKET_BYTES_A_SECOND),
            Err(_) => Duration::ZERO,
        }
    }
}

fn gained(time: Duration) -> u64 {
    let bytes = time.as_micros() * u128::from(BUCKET_BYTES_A_SECOND) / 1_000_000;
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::id::{DagDigest, EventId};
    use crate::limits::TAKE_BYTES_MAX;
    use crate::sync::message::{Heads, Hello, SessionId, Verdict};
    use crate::wire::codec;

    #[test]
    fn a_full_bucket_is_spent_at_once_and_then_fills_at_its_rate() {
        let now = Instant::now();
        let mut bucket = Bucket::new(now);
        assert_eq!(bucket.take(now, BUCKET_BYTES), Duration::ZERO);
        let second = Duration::from_secs(1);
        assert_eq!(bucket.take(now, BUCKET_BYTES_A_SECOND), second);
        // Whoever comes back early waits for the rest.
        let early = now + second / 2;
        assert_eq!(bucket.take(early, 0), second / 2);
        assert_eq!(bucket.take(now + second, 0), Duration::ZERO);
    }

    #[test]
    fn it_never_holds_more_than_full() {
        let now = Instant::now();
        let mut bucket = Bucket::new(now);
        let later = now + Duration::from_secs(1 << 40);
        assert_eq!(bucket.take(later, BUCKET_BYTES), Duration::ZERO);
        assert!(bucket.take(later, 1000) > Duration::ZERO);
    }

    fn want(ids: usize) -> Message {
        Message::Want(vec![EventId([1; 16]); ids])
    }

    fn hello(take: u64) -> Message {
        let heads = Heads {
            ids: vec![EventId([1; 16])],
            total: 1,
            count: 1,
            digest: DagDigest([0; 32]),
            bulk: false,
        };
        Message::Hello(Hello {
            session: SessionId(1),
            answers: None,
            heads,
            head_parents: Vec::new(),
            locator: Vec::new(),
            take,
        })
    }

    #[test]
    fn many_small_frames_cost_as_many_times_the_least() {
        let small = codec::encode(&Message::Verdict(Verdict {
            session: SessionId(1),
            holds_all: true,
        }));
        let mut said = Said::default();
        assert_eq!(said.cost(Lane::Control, &small), FRAME_COST_MIN);
        assert_eq!(said.cost(Lane::Control, &[]), FRAME_COST_MIN);
    }

    #[test]
    fn as_many_answers_as_were_wanted_are_free() {
        let given = codec::encode_given(&[vec![1; 5000]], &[]);
        let meter = Meter::default();
        meter.on_said(&want(2));
        let mut said = meter.0.into_inner().unwrap();
        assert_eq!(said.cost(Lane::Control, &given), 0);
        assert_eq!(said.cost(Lane::Control, &given), 0);
        assert_eq!(said.cost(Lane::Control, &given), given.len() as u64);
    }

    #[test]
    fn bulk_is_free_within_the_last_credit() {
        let frame = vec![9; 1 << 20];
        let meter = Meter::default();
        meter.on_said(&hello(TAKE_BYTES_MAX));
        meter.on_said(&hello(8 << 20));
        let mut said = meter.0.into_inner().unwrap();
        for _ in 0..10 {
            assert_eq!(said.cost(Lane::Bulk, &frame), 0);
        }
        assert_eq!(said.cost(Lane::Bulk, &frame), 1 << 20);
        let tiny = Said::default().cost(Lane::Bulk, &[9]);
        assert_eq!(tiny, FRAME_COST_MIN, "many tiny frames are no gift");
    }

    #[test]
    fn questions_cost_what_they_lead_to() {
        let mut said = Said::default();
        let asked = codec::encode(&want(256));
        let cost = said.cost(Lane::Control, &asked);
        assert_eq!(cost, asked.len() as u64 * WANT_COST_TIMES);
        let hello = codec::encode(&hello(0));
        let cost = said.cost(Lane::Control, &hello);
        assert_eq!(cost, hello.len() as u64 + HELLO_COST);
    }
}
