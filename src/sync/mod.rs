//! Anti-entropy: a session with one peer compares two held sets and makes up the difference.
//!
//! Driven by the machine, one [`Session`] a peer; what it answers, the machine turns into effects. Whoever
//! advertises X owes all that X depends on, and "I hold your heads" means "I hold your set". After both HELLOs each
//! side decides for its own sending:
//!
//! 1. digests equal: in step, the session is over;
//! 2. all the peer's heads are held: stream what is outside their ancestry;
//! 3. else, when the peer does not hold all of ours either: candidates are what is outside the ancestry of every id that
//!    the peer named and that is held. They are streamed; when they are many and the peer may hold many of them, they are offered
//!    first, and what it lacks is streamed.
//!
//! Then END. A side that gave no credit is sent nothing but END.
//!
//! Invariants:
//! - one session at a time a peer; HELLOs that cross answer each other;
//! - a session ends when both ENDs are there or when digests were equal; it is given up when nothing moves for
//!   `limits::SESSION_IDLE`, the bulk slot is lost, the stream fails, the peer begins anew, or the connection is lost;
//! - streams are in arrival order, so a stream broken half-way leaves a closed set.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod heads;
pub mod locate;
pub mod message;
pub mod out;
pub mod outflow;
mod sending;
mod state;
pub mod stream;

use crate::dag::Dag;
use crate::event::id::DagDigest;
use crate::limits::{BULK_SESSIONS_EARLY, OFFERED_IDS_MAX, SESSION_IDLE};
use crate::mutant::{self, Mutant};
use crate::sync::message::{End, Hello, Lacks, Offer, SessionId, Verdict};
use crate::sync::out::{Gain, Out, Outcome, Phase};
use crate::sync::outflow::{Asking, Misfit};
use crate::sync::state::{Exchange, Mine, Resume, Sending, State};
use crate::time::Time;

/// Anti-entropy with one peer.
#[derive(Clone, Debug)]
pub struct Session {
    asking: Asking,
    last: u32,
    state: State,
    /// Where our last stream ended before all was sent. The next session, and only that, begins there; behind a credit only if
    /// the peer tells that it holds more events than it did then, and so took what was sent.
    resume: Option<Resume>,
}

impl Default for Session {
    fn default() -> Self {
        Self::new(Asking::default())
    }
}

impl Session {
    /// No session yet. `asking`: when candidates are offered.
    pub fn new(asking: Asking) -> Self {
        Self {
            asking,
            last: 0,
            state: State::Idle,
            resume: None,
        }
    }

    /// The phase.
    pub fn phase(&self) -> Phase {
        match &self.state {
            State::Idle => Phase::Idle,
            State::Comparing { .. } => Phase::Comparing,
            State::Exchanging(exchange) => match &exchange.sending {
                Sending::Undecided => Phase::Undecided,
                Sending::Walking { .. } => Phase::Walking,
                Sending::Flowing(outflow) if outflow.is_offering() => Phase::Offering,
                Sending::Flowing(_) => Phase::Streaming,
                Sending::Ended => Phase::Listening,
            },
        }
    }

    /// Our number of the present session.
    pub fn id(&self) -> Option<SessionId> {
        self.mine().map(|mine| mine.session)
    }

    /// Digest of the set that we told in the present session.
    pub fn told(&self) -> Option<DagDigest> {
        self.mine().map(|mine| mine.digest)
    }

    /// Events that came to be held by the present session.
    pub fn received(&self) -> u32 {
        self.mine().map_or(0, |mine| mine.received)
    }

    /// The peer may still send bulk in this session.
    pub fn expects_bulk(&self) -> bool {
        let has_ended = match &self.state {
            State::Idle => true,
            State::Comparing { .. } => false,
            State::Exchanging(exchange) => exchange.peer_ended.is_some(),
        };
        !has_ended && self.mine().is_some_and(|mine| mine.take > 0)
    }

    /// As many events as the peer said it holds, while it may send bulk.
    pub fn peer_count(&self) -> Option<u32> {
        match &self.state {
            State::Exchanging(exchange) if self.expects_bulk() => Some(exchange.theirs.heads.count),
            State::Idle | State::Comparing { .. } | State::Exchanging(_) => None,
        }
    }

    /// When the session ends if nothing moves; at once while it walks. None: no session.
    pub fn deadline(&self, now: Time) -> Option<Time> {
        if self.phase() == Phase::Walking {
            return Some(now);
        }
        self.mine().map(|mine| mine.moved + SESSION_IDLE)
    }

    /// Something moved: the peer is alive and makes progress.
    pub fn moved(&mut self, now: Time) {
        if let Some(mine) = self.mine_mut() {
            mine.moved = now;
        }
    }

    /// Returns whether a frame of the peer's session `theirs` is expected. Before the peer's HELLO is there it is not known
    /// which one that is: of those that come the last counts.
    pub fn begins_bulk(&mut self, theirs: SessionId) -> bool {
        if !self.expects_bulk() {
            return false;
        }
        match &mut self.state {
            State::Idle => false,
            State::Comparing { mine, .. } => {
                if mine.bulk_of == Some(theirs) {
                    return true;
                }
                // A stream of an earlier session may still be on its way, but not one after the other.
                if mine.bulk_changes >= BULK_SESSIONS_EARLY {
                    return false;
                }
                mine.bulk_changes += 1;
                (mine.bulk_of, mine.bulk_bytes) = (Some(theirs), 0);
                true
            }
            State::Exchanging(exchange) => {
                if exchange.mine.bulk_of != Some(exchange.theirs.session) {
                    exchange.mine.bulk_of = Some(exchange.theirs.session);
                    exchange.mine.bulk_bytes = 0;
                }
                exchange.theirs.session == theirs
            }
        }
    }

    /// Counts a frame of bulk; false: it goes beyond the credit, by more than the one event that is always allowed.
    pub fn on_bulk(
        &mut self,
        now: Time,
        frame_bytes: u64,
        newly_held: u32,
        event_bytes_max: u64,
    ) -> bool {
        let Some(mine) = self.mine_mut() else {
            return true;
        };
        mine.bulk_bytes = mine.bulk_bytes.saturating_add(frame_bytes);
        mine.received = mine.received.saturating_add(newly_held);
        if newly_held > 0 {
            mine.moved = now;
        }
        mine.bulk_bytes <= mine.take.max(event_bytes_max)
    }

    /// Returns whether the node has a stream of ours.
    pub fn has_stream(&self) -> bool {
        matches!(&self.state, State::Exchanging(exchange)
            if matches!(&exchange.sending, Sending::Flowing(outflow) if outflow.has_stream()))
    }

    /// Returns whether the node has a stream of ours, or is about to get one.
    pub fn is_streaming(&self) -> bool {
        matches!(self.phase(), Phase::Offering | Phase::Streaming)
    }

    /// Begins a session, `take` being our credit. Does nothing when one is open.
    pub fn open(&mut self, now: Time, dag: &Dag, take: u64) -> Vec<Out> {
        if self.phase() != Phase::Idle {
            return Vec::new();
        }
        let hello = self.next_hello(dag, take, None);
        self.state = State::Comparing {
            mine: Mine::of(&hello, now),
            early_end: None,
        };
        vec![Out::Hello(hello)]
    }

    /// Returns whether `theirs` belongs to another session than the open one, so that this one must be given up before it
    /// is answered: it opens a new one, or answers our HELLO a second time, which the peer takes for answered by this one
    /// while we paired it with an earlier one.
    pub fn begins_anew(&self, theirs: &Hello) -> bool {
        match &self.state {
            State::Idle | State::Comparing { .. } => false,
            State::Exchanging(exchange) => match theirs.answers {
                None => theirs.session != exchange.theirs.session,
                Some(answered) => {
                    answered == exchange.mine.session && theirs.session != exchange.theirs.session
                }
            },
        }
    }

    /// The peer's HELLO; `take`: our credit, should it open a session and this be the answer.
    pub fn on_hello(&mut self, now: Time, dag: &Dag, theirs: Hello, take: u64) -> Vec<Out> {
        let mut out = Vec::new();
        let (mine, early_end) = match &mut self.state {
            State::Comparing { mine, early_end } => {
                if theirs
                    .answers
                    .is_some_and(|answered| answered != mine.session)
                {
                    return out; // answers a session that we gave up
                }
                mine.moved = now;
                (*mine, early_end.take())
            }
            State::Idle => {
                if theirs.answers.is_some() {
                    return out; // likewise
                }
                let hello = self.next_hello(dag, take, Some(theirs.session));
                let mine = Mine::of(&hello, now);
                out.push(Out::Hello(hello));
                (mine, None)
            }
            State::Exchanging(_) => return out, // see `begins_anew`
        };
        if mine.digest == theirs.heads.digest {
            self.state = State::Idle;
            out.push(Out::Over(Outcome::InStep));
            return out;
        }
        out.push(Out::Verdict(Verdict {
            session: mine.session,
            holds_all: locate::holds_all(dag, &theirs.heads) || mutant::is(Mutant::VerdictLies),
        }));
        let peer_ended = early_end
            .filter(|end| end.session == theirs.session)
            .map(|end| end.more);
        self.state = State::Exchanging(Box::new(Exchange {
            mine,
            theirs,
            sending: Sending::Undecided,
            has_sent: false,
            offered: 0,
            offers: 0,
            peer_ended,
            verdict: None,
        }));
        out.extend(self.decide(dag));
        out
    }

    /// Returns whether this is the verdict that the present session waits for.
    pub fn awaits(&self, verdict: &Verdict) -> bool {
        matches!(&self.state, State::Exchanging(exchange)
            if exchange.verdict.is_none() && exchange.theirs.session == verdict.session)
    }

    /// The peer's verdict.
    pub fn on_verdict(&mut self, now: Time, dag: &Dag, verdict: Verdict) -> Vec<Out> {
        let State::Exchanging(exchange) = &mut self.state else {
            return Vec::new();
        };
        if verdict.session != exchange.theirs.session || exchange.verdict.is_some() {
            return Vec::new();
        }
        exchange.mine.moved = now;
        exchange.verdict = Some(verdict.holds_all);
        self.decide(dag)
    }

    /// The peer's END.
    pub fn on_end(&mut self, now: Time, end: End) -> Vec<Out> {
        match &mut self.state {
            State::Idle => Vec::new(),
            State::Comparing { mine, early_end } => {
                // Its stream overtook its HELLO; or it is of an earlier session, and late.
                let is_news = early_end
                    .as_ref()
                    .is_none_or(|early| early.session < end.session);
                if early_end.is_none() {
                    mine.moved = now;
                }
                if is_news {
                    *early_end = Some(end);
                }
                Vec::new()
            }
            State::Exchanging(exchange) => {
                if end.session != exchange.theirs.session {
                    return Vec::new(); // of a session that is over
                }
                exchange.mine.moved = now;
                exchange.peer_ended = Some(end.more);
                self.over_if_both_ended()
            }
        }
    }

    /// The peer's offer: answered with what is lacked.
    ///
    /// # Errors
    /// [`Misfit`]: it is not the next one, or one too many.
    pub fn on_offer(&mut self, now: Time, dag: &Dag, offer: &Offer) -> Result<Vec<Out>, Misfit> {
        let State::Exchanging(exchange) = &mut self.state else {
            return Ok(Vec::new());
        };
        let is_open = exchange.peer_ended.is_none() && exchange.mine.take > 0;
        if !is_open || offer.session != exchange.theirs.session {
            return Ok(Vec::new()); // of a session that is over
        }
        exchange.offered += offer.ids.len();
        if offer.number != exchange.offers || exchange.offered > OFFERED_IDS_MAX {
            return Err(Misfit);
        }
        exchange.offers += 1;
        exchange.mine.moved = now;
        let lacks = Lacks::of(offer, |id| !dag.holds(id));
        Ok(vec![Out::Lacks(lacks)])
    }

    /// Returns whether nothing moved for too long.
    pub fn is_stalled(&self, now: Time) -> bool {
        self.phase() != Phase::Walking
            && self
                .mine()
                .is_some_and(|mine| now >= mine.moved + SESSION_IDLE)
    }

    /// Ends the session from our side, and tells the peer by an END that nothing more comes: its bulk slot is free at once.
    pub fn break_off(&mut self, dag: &Dag) -> Vec<Out> {
        let owes_end = match &self.state {
            State::Exchanging(exchange) if !matches!(exchange.sending, Sending::Ended) => {
                Some(exchange.mine.session)
            }
            State::Idle | State::Comparing { .. } | State::Exchanging(_) => None,
        };
        let end = owes_end.map(|session| {
            Out::End(End {
                session,
                more: true,
                heads: locate::heads(dag, false),
            })
        });
        self.give_up().into_iter().chain(end).collect()
    }

    /// Ends the session from our side; the peer is gone, or knows.
    pub fn give_up(&mut self) -> Vec<Out> {
        let mut out = Vec::new();
        if let State::Exchanging(exchange) = &self.state
            && let Sending::Flowing(outflow) = &exchange.sending
        {
            let session = exchange.mine.session;
            out.extend(outflow.has_stream().then_some(Out::StopStream(session)));
            self.resume = None;
        }
        if self.phase() != Phase::Idle {
            out.push(Out::Over(Outcome::GivenUp(self.gain())));
        }
        self.state = State::Idle;
        out
    }

    /// Both ENDs are there: it is over.
    fn over_if_both_ended(&mut self) -> Vec<Out> {
        let State::Exchanging(exchange) = &self.state else {
            return Vec::new();
        };
        if exchange.peer_ended.is_none() || !matches!(exchange.sending, Sending::Ended) {
            return Vec::new();
        }
        let gain = self.gain();
        self.state = State::Idle;
        vec![Out::Over(Outcome::Done(gain))]
    }

    fn gain(&self) -> Gain {
        match &self.state {
            State::Idle => Gain::default(),
            State::Comparing { mine, .. } => Gain {
                received: mine.received,
                ..Gain::default()
            },
            State::Exchanging(exchange) => Gain {
                received: exchange.mine.received,
                has_sent: exchange.has_sent,
                more: exchange.peer_ended == Some(true),
                // Who has more and was given credit might have sent it, whatever credit it gave.
                is_compare_only: exchange.mine.take == 0
                    || (exchange.theirs.take == 0 && exchange.peer_ended != Some(true)),
            },
        }
    }

    fn next_hello(&mut self, dag: &Dag, take: u64, answers: Option<SessionId>) -> Hello {
        self.last = self.last.wrapping_add(1);
        let heads = locate::heads(dag, false);
        Hello {
            session: SessionId(self.last),
            answers,
            head_parents: locate::head_parents(dag, &heads),
            locator: locate::locator(dag),
            heads,
            take,
        }
    }

    fn mine(&self) -> Option<&Mine> {
        match &self.state {
            State::Idle => None,
            State::Comparing { mine, .. } => Some(mine),
            State::Exchanging(exchange) => Some(&exchange.mine),
        }
    }

    fn mine_mut(&mut self) -> Option<&mut Mine> {
        match &mut self.state {
            State::Idle => None,
            State::Comparing { mine, .. } => Some(mine),
            State::Exchanging(exchange) => Some(&mut exchange.mine),
        }
    }
}
