//! Our half of a session: what we send is decided, looked for, offered, streamed, ended.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::dag::Dag;
use crate::dag::order::AncestorWalk;
use crate::event::index::Arrival;
use crate::limits::WALK_STEP_EVENTS;
use crate::sync::message::{End, Lacks, SessionId};
use crate::sync::out::Out;
use crate::sync::outflow::{Limit, Misfit, Outflow, Plan};
use crate::sync::state::{Resume, Sending, State};
use crate::sync::{Session, locate, stream};
use crate::time::Time;

impl Session {
    /// Decides what we send, once that can be decided.
    pub(super) fn decide(&mut self, dag: &Dag) -> Vec<Out> {
        let State::Exchanging(exchange) = &mut self.state else {
            return Vec::new();
        };
        if !matches!(exchange.sending, Sending::Undecided) {
            return Vec::new();
        }
        let heads = locate::heads(dag, false);
        let session = exchange.mine.session;
        let end = |more| End {
            session,
            more,
            heads: heads.clone(),
        };
        if exchange.theirs.take == 0 {
            return self.end(end(true));
        }
        let holds_theirs = locate::holds_all(dag, &exchange.theirs.heads);
        let from = match (holds_theirs, exchange.verdict) {
            (_, Some(true)) => return self.end(end(false)),
            (true, None | Some(false)) => exchange
                .theirs
                .heads
                .ids
                .iter()
                .filter_map(|id| dag.find(*id))
                .collect(),
            (false, Some(false)) => locate::common(dag, &exchange.theirs),
            (false, None) => return Vec::new(),
        };
        exchange.sending = Sending::Walking {
            walk: AncestorWalk::new(dag, from),
            heads,
            asks: !holds_theirs,
        };
        Vec::new()
    }

    /// The peer's answer to an offer.
    ///
    /// # Errors
    /// [`Misfit`]: it does not answer the oldest open offer.
    pub fn on_lacks(&mut self, now: Time, dag: &Dag, lacks: &Lacks) -> Result<Vec<Out>, Misfit> {
        let State::Exchanging(exchange) = &mut self.state else {
            return Ok(Vec::new());
        };
        let Sending::Flowing(outflow) = &mut exchange.sending else {
            return Ok(Vec::new());
        };
        if lacks.session != exchange.mine.session {
            return Ok(Vec::new()); // to an offer of a session that is over
        }
        exchange.mine.moved = now;
        let mut out = outflow.on_lacks(now, dag, lacks)?;
        out.extend(self.flow(now, dag));
        Ok(out)
    }

    /// The node sent one part of the stream of `session`.
    pub fn on_streamed(&mut self, now: Time, dag: &Dag, session: SessionId) -> Vec<Out> {
        let State::Exchanging(exchange) = &mut self.state else {
            return Vec::new();
        };
        let Sending::Flowing(outflow) = &mut exchange.sending else {
            return Vec::new();
        };
        if exchange.mine.session != session {
            return Vec::new();
        }
        exchange.mine.moved = now;
        outflow.on_sent();
        self.flow(now, dag)
    }

    /// Goes on with a walk. Cost: at most `limits::WALK_STEP_EVENTS` events, and what is to be sent.
    pub fn walk_step(&mut self, now: Time, dag: &Dag) -> Vec<Out> {
        let State::Exchanging(exchange) = &mut self.state else {
            return Vec::new();
        };
        let Sending::Walking { walk, heads, asks } = &mut exchange.sending else {
            return Vec::new();
        };
        exchange.mine.moved = now;
        if !walk.step(dag, WALK_STEP_EVENTS) {
            return Vec::new();
        }
        let their_count = exchange.theirs.heads.count;
        let resume = self.resume.take().filter(|resume| match resume.limit {
            Limit::Credit => their_count > resume.their_count,
            Limit::Offers => true,
        });
        let resume = resume.map_or(Arrival(0), |resume| resume.at);
        let common = walk.marked();
        let candidates = stream::from(resume, walk.unmarked_ranges());
        let end = End {
            session: exchange.mine.session,
            more: false,
            heads: heads.clone(),
        };
        let plan = Plan {
            take: exchange.theirs.take,
            asking: asks.then_some(self.asking),
            unknown: their_count.saturating_sub(common),
        };
        exchange.sending = Sending::Flowing(Outflow::new(end, dag, candidates, plan));
        self.flow(now, dag)
    }

    /// Lets the outflow go on; notes when it is over.
    fn flow(&mut self, now: Time, dag: &Dag) -> Vec<Out> {
        let State::Exchanging(exchange) = &mut self.state else {
            return Vec::new();
        };
        let Sending::Flowing(outflow) = &mut exchange.sending else {
            return Vec::new();
        };
        let mut out = outflow.next(now, dag);
        exchange.has_sent |= outflow.has_stream();
        if let Some((at, limit)) = outflow.ended_at() {
            self.resume = Some(Resume {
                at,
                limit,
                their_count: exchange.theirs.heads.count,
            });
        }
        if outflow.is_over() {
            exchange.sending = Sending::Ended;
            out.extend(self.over_if_both_ended());
        }
        out
    }

    /// Nothing is streamed.
    fn end(&mut self, end: End) -> Vec<Out> {
        if let State::Exchanging(exchange) = &mut self.state {
            exchange.sending = Sending::Ended;
        }
        let mut out = vec![Out::End(end)];
        out.extend(self.over_if_both_ended());
        out
    }
}
