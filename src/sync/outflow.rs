//! What we send in a session: candidates become offers or parts of a stream, and the answers decide.
//!
//! Between the walk, which found the candidates, and END. Without offers the candidates are streamed part by part. With
//! offers their ids go first, a batch at a time, and what the peer's bitmap says it lacks is streamed; a few batches are
//! under way ahead of the stream, so that offers cost no round trip of their own but the first. How many, the answers tell: each
//! that comes soon lets one more be under way, and one that comes late half as many, so that a fast link is full after a few round
//! trips, and on a slow one what else is to be said does not wait behind offers. Source: RFC 5681, section 3.1.
//!
//! Invariants:
//! - parts and offers are in arrival order, so that a stream broken half-way leaves a closed set;
//! - at most `limits::PARTS_AHEAD` parts that the node has not sent, and `limits::OFFERS_AHEAD_MAX` batches that are not both
//!   answered and sent;
//! - the peer's credit is kept: at most `take` bytes, or one event;
//! - END is handed over once, after the last part.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::VecDeque;

use crate::dag::Dag;
use crate::event::index::Arrival;
use crate::limits::{
    OFFER_ABOVE_BYTES, OFFER_ANSWERED_SOON, OFFER_IDS_MAX, OFFERED_IDS_MAX, OFFERS_AHEAD_FIRST,
    OFFERS_AHEAD_MAX, PART_EVENTS, PARTS_AHEAD,
};
use crate::mutant::{self, Mutant};
use crate::sync::message::{End, Heads, Lacks, Offer, SessionId};
use crate::sync::out::Out;
use crate::sync::stream::{Ranges, Room, take_front};
use crate::time::Time;

/// The sending half of a session, from the end of its walk to the last byte of its stream.
#[derive(Clone, Debug)]
pub(super) struct Outflow {
    session: SessionId,
    /// Our heads when the walk began, for END.
    heads: Heads,
    /// Candidates that were neither offered nor put into a part.
    left: VecDeque<(Arrival, Arrival)>,
    /// Bytes that the peer still takes.
    credit: u64,
    /// None: nothing is offered.
    offers: Option<Offers>,
    /// Parts handed to the node, and those of them that it has sent.
    begun: u32,
    sent: u32,
    /// END was handed over.
    is_ending: bool,
    /// Where it ended before all was sent; what is below was sent, or is held by the peer.
    ended_at: Option<(Arrival, Limit)>,
}

/// What ends a stream before all is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// The peer's credit.
    Credit,
    /// `limits::OFFERED_IDS_MAX`.
    Offers,
}

#[derive(Clone, Debug)]
struct Offers {
    /// Ids in one offer.
    ids: usize,
    /// Batches that are not answered and when they were offered, the oldest first.
    waiting: VecDeque<(Time, Ranges)>,
    /// Batches that may be neither answered nor sent, `limits::OFFERS_AHEAD_FIRST` to `OFFERS_AHEAD_MAX`.
    ahead: usize,
    /// Number of the oldest of them, or of the next one.
    oldest: u32,
    /// Ids offered so far.
    offered: usize,
}

/// When candidates are offered before they are streamed: as `limits` say, but in simulations, where events are few.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asking {
    /// Above so many bytes of them.
    pub above_bytes: u64,
    /// So many ids in one offer, 1..=`limits::OFFER_IDS_MAX`.
    pub ids: usize,
}

impl Asking {
    /// As `limits` say.
    pub const USUAL: Self = Self {
        above_bytes: OFFER_ABOVE_BYTES,
        ids: OFFER_IDS_MAX,
    };
}

impl Default for Asking {
    fn default() -> Self {
        Self::USUAL
    }
}

impl Offers {
    fn new(asking: Asking) -> Self {
        Self {
            ids: asking.ids.clamp(1, OFFER_IDS_MAX),
            waiting: VecDeque::new(),
            ahead: OFFERS_AHEAD_FIRST,
            oldest: 0,
            offered: 0,
        }
    }
}

/// How candidates are to be sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    /// Bytes that the peer takes.
    pub(super) take: u64,
    /// The peer may hold some of them, and is asked if that may be many. None: it holds none.
    pub(super) asking: Option<Asking>,
    /// How many events the peer holds, by what it told, besides those known to be common: no more of the candidates, so that
    /// few are streamed in vain without asking.
    pub(super) unknown: u32,
}

/// An answer that does not fit the oldest open offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misfit;

impl Outflow {
    /// Begins to send `candidates`; then `next` says what to do.
    pub(super) fn new(end: End, dag: &Dag, candidates: Ranges, plan: Plan) -> Self {
        let mut left = VecDeque::from(candidates);
        let is_much = |asking: &Asking| {
            let few = Room {
                events: usize::MAX,
                bytes: asking.above_bytes,
                is_first: false,
            };
            let vain = u64::from(plan.unknown) * u64::from(dag.longest());
            vain > asking.above_bytes && take_front(dag, &mut left.clone(), few).is_full
        };
        let asking = plan.asking.filter(is_much);
        left.shrink_to_fit();
        Self {
            session: end.session,
            heads: end.heads,
            left,
            credit: if mutant::is(Mutant::CreditIgnored) {
                u64::MAX
            } else {
                plan.take
            },
            offers: asking.map(Offers::new),
            begun: 0,
            sent: 0,
            is_ending: false,
            ended_at: None,
        }
    }

    /// Returns whether the peer is still asked what it lacks.
    pub(super) fn is_offering(&self) -> bool {
        self.offers.is_some() && !self.is_ending
    }

    /// Returns whether the node has a stream of ours.
    pub(super) fn has_stream(&self) -> bool {
        self.begun > 0
    }

    /// Returns whether all was handed over and sent.
    pub(super) fn is_over(&self) -> bool {
        self.is_ending && self.sent == self.begun
    }

    /// Where the next session goes on, when there is more than this one could send.
    pub(super) fn ended_at(&self) -> Option<(Arrival, Limit)> {
        self.ended_at
    }

    /// The node has sent the oldest part.
    pub(super) fn on_sent(&mut self) {
        self.sent = (self.sent + 1).min(self.begun);
    }

    /// The peer's answer to the oldest open offer; after END any answer is late and means nothing.
    ///
    /// Cost: at most `limits::OFFER_IDS_MAX` events.
    pub(super) fn on_lacks(
        &mut self,
        now: Time,
        dag: &Dag,
        lacks: &Lacks,
    ) -> Result<Vec<Out>, Misfit> {
        if self.is_ending {
            return Ok(Vec::new());
        }
        let offers = self.offers.as_mut().ok_or(Misfit)?;
        let (offered_at, batch) = offers.waiting.pop_front().ok_or(Misfit)?;
        if lacks.number != offers.oldest || lacks.bits.len() != count(&batch).div_ceil(8) {
            return Err(Misfit);
        }
        offers.oldest += 1;
        offers.ahead = if now <= offered_at + OFFER_ANSWERED_SOON {
            (offers.ahead + 1).min(OFFERS_AHEAD_MAX)
        } else {
            (offers.ahead / 2).max(OFFERS_AHEAD_FIRST)
        };
        let mut lacking = lacking(&batch, &lacks.bits);
        let cut = take_front(dag, &mut lacking, self.room(usize::MAX));
        self.credit -= cut.bytes.min(self.credit);
        if let Some((at, _)) = lacking.front() {
            return Ok(vec![self.end(cut.part, Some((*at, Limit::Credit)))]);
        }
        Ok(if cut.part.is_empty() {
            Vec::new()
        } else {
            vec![self.part(cut.part, None)]
        })
    }

    /// Offers and hands over as much as the windows allow. Cost: at most `limits::PARTS_AHEAD` times `PART_EVENTS` events.
    pub(super) fn next(&mut self, now: Time, dag: &Dag) -> Vec<Out> {
        let mut out = Vec::new();
        while !self.is_ending {
            let next = if self.offers.is_some() {
                self.next_offer(now, dag)
            } else {
                self.next_part(dag)
            };
            let Some(next) = next else { break };
            out.push(next);
        }
        out
    }

    fn next_part(&mut self, dag: &Dag) -> Option<Out> {
        if self.begun - self.sent >= PARTS_AHEAD {
            return None;
        }
        let room = self.room(PART_EVENTS);
        let cut = take_front(dag, &mut self.left, room);
        self.credit -= cut.bytes.min(self.credit);
        match self.left.front() {
            None => Some(self.end(cut.part, None)),
            Some((at, _)) if cut.is_full => {
                let at = *at;
                Some(self.end(cut.part, Some((at, Limit::Credit))))
            }
            Some(_) => Some(self.part(cut.part, None)),
        }
    }

    fn next_offer(&mut self, now: Time, dag: &Dag) -> Option<Out> {
        let unsent = self.begun - self.sent;
        let next = self.left.front().map(|(at, _)| *at);
        let offers = self.offers.as_mut()?;
        if offers.waiting.len() + unsent as usize >= offers.ahead {
            return None;
        }
        if next.is_none() || offers.offered >= OFFERED_IDS_MAX {
            let is_answered = offers.waiting.is_empty();
            let more = next.map(|at| (at, Limit::Offers));
            return is_answered.then(|| self.end(Ranges::new(), more));
        }
        let room = Room {
            events: offers.ids,
            bytes: u64::MAX,
            is_first: false,
        };
        let batch = take_front(dag, &mut self.left, room).part;
        let positions = batch.iter().flat_map(|(from, up_to)| from.0..up_to.0);
        let ids: Vec<_> = positions.map(|at| dag.id(Arrival(at))).collect();
        offers.offered += ids.len();
        let number = offers.oldest + u32::try_from(offers.waiting.len()).expect("few are open");
        offers.waiting.push_back((now, batch));
        Some(Out::Offer(Offer {
            session: self.session,
            number,
            ids,
        }))
    }

    fn room(&self, events: usize) -> Room {
        Room {
            events,
            bytes: self.credit,
            is_first: self.begun == 0,
        }
    }

    /// The last part, or END alone when nothing was streamed; `more`: where the next session goes on.
    fn end(&mut self, part: Ranges, more: Option<(Arrival, Limit)>) -> Out {
        self.is_ending = true;
        self.ended_at = more;
        let end = End {
            session: self.session,
            more: more.is_some(),
            heads: self.heads.clone(),
        };
        if part.is_empty() && self.begun == 0 {
            Out::End(end)
        } else {
            self.part(part, Some(end))
        }
    }

    fn part(&mut self, ranges: Ranges, end: Option<End>) -> Out {
        let part = self.begun;
        self.begun += 1;
        Out::Stream {
            session: self.session,
            part,
            ranges,
            end,
        }
    }
}

fn count(ranges: &Ranges) -> usize {
    ranges
        .iter()
        .map(|(from, up_to)| (up_to.0 - from.0) as usize)
        .sum()
}

/// Of the positions in `batch`, those whose bit is set, the first being the lowest bit of the first byte.
fn lacking(batch: &Ranges, bits: &[u8]) -> VecDeque<(Arrival, Arrival)> {
    let positions = batch.iter().flat_map(|(from, up_to)| from.0..up_to.0);
    let mut ranges = VecDeque::<(Arrival, Arrival)>::new();
    for (index, at) in positions.enumerate() {
        if bits[index / 8] & (1 << (index % 8)) == 0 {
            continue;
        }
        match ranges.back_mut() {
            Some((_, up_to)) if up_to.0 == at => up_to.0 = at + 1,
            Some(_) | None => ranges.push_back((Arrival(at), Arrival(at + 1))),
        }
    }
    ranges
}
