//! The machine's sessions: when they begin, what they ask for, and the one inbound bulk slot.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use rand::RngExt;

use crate::dag::Dag;
use crate::event::Event;
use crate::event::key::MachineId;
use crate::limits::{COMPARE_EVERY, GRAFT, HEADS_TOLD_MAX, OFFERED_ID_BYTES, QUIET};
use crate::machine::Machine;
use crate::machine::effect::{Effect, Effects, Notice};
use crate::machine::flow::{Does, DoesSet, On, Place, Step};
use crate::machine::live::{Came, Newly};
use crate::machine::peers::Peer;
use crate::sync::heads::{Leaves, Told};
use crate::sync::message::{HeadChanges, Heads, Hello, Lacks, Offer, SessionId};
use crate::sync::out::{Out, Outcome, Phase};
use crate::sync::outflow::Misfit;
use crate::sync::stream::Slot;
use crate::sync::{Session, locate};
use crate::time::Time;
use crate::wire::Message;
use crate::wire::codec;
use crate::wire::fault::Fault;

impl Phase {
    fn place(self) -> Place {
        match self {
            Self::Idle => Place::Idle,
            Self::Comparing => Place::Comparing,
            Self::Undecided => Place::Undecided,
            Self::Walking => Place::Walking,
            Self::Offering => Place::Offering,
            Self::Streaming => Place::Streaming,
            Self::Listening => Place::Listening,
        }
    }
}

impl Machine {
    /// Lets the session with `peer` take one step, performs what it asks for, and notes the step.
    pub(super) fn session_step(
        &mut self,
        peer: MachineId,
        on: On,
        out: &mut Effects,
        step: impl FnOnce(&mut Session, Time, &Dag) -> Vec<Out>,
    ) {
        let (now, dag) = (self.now, &self.dag);
        let Some(entry) = self.peers.get_mut(&peer) else {
            return;
        };
        let from = entry.session.phase().place();
        let asked = step(&mut entry.session, now, dag);
        let to = entry.session.phase().place();
        let does = asked
            .iter()
            .filter_map(Out::does)
            .fold(DoesSet::default(), DoesSet::with);
        out.walk(Step { from, on, to, does });
        for ask in asked {
            self.perform(peer, ask, out);
        }
        let is_freed = self.slot.is_some_and(|slot| {
            slot.peer == peer
                && self
                    .peers
                    .get(&peer)
                    .is_none_or(|entry| !entry.session.expects_bulk())
        });
        if is_freed {
            self.slot = None;
        }
    }

    fn perform(&mut self, peer: MachineId, ask: Out, out: &mut Effects) {
        match ask {
            Out::Hello(hello) => {
                if hello.take > 0 {
                    self.slot = Some(Slot::new(self.now, peer, hello.session));
                }
                self.tell_before_hello(peer, out);
                self.with_peer(peer, |peer| {
                    peer.told = Some(Told::by_hello(&hello.heads, peer.told.as_ref()));
                });
                out.durable(Effect::Send {
                    peer,
                    message: Message::Hello(hello),
                });
            }
            Out::Verdict(verdict) => out.durable(Effect::Send {
                peer,
                message: Message::Verdict(verdict),
            }),
            Out::End(end) => out.durable(Effect::Send {
                peer,
                message: Message::End(end),
            }),
            Out::Offer(offer) => out.durable(Effect::Send {
                peer,
                message: Message::Offer(offer),
            }),
            Out::Lacks(lacks) => out.now(Effect::Send {
                peer,
                message: Message::Lacks(lacks),
            }),
            Out::Stream {
                session,
                part,
                ranges,
                end,
            } => out.durable(Effect::Stream {
                peer,
                session,
                part,
                events: ranges,
                end,
            }),
            // Not before the parts that wait for the disk: it would stop nothing, and they would begin.
            Out::StopStream(session) => out.durable(Effect::StopStream { peer, session }),
            Out::Over(outcome) => self.on_session_over(peer, outcome, out),
        }
    }

    /// A HELLO tells some heads only when they are many; changes told before it keep them known.
    fn tell_before_hello(&mut self, peer: MachineId, out: &mut Effects) {
        if self.dag.leaves().len() <= HEADS_TOLD_MAX {
            return;
        }
        let leaves = Leaves::of(&self.dag);
        let knows_all = |peer: &&mut Peer| peer.told.as_ref().is_some_and(Told::is_complete);
        let Some(entry) = self.peers.get_mut(&peer).filter(knows_all) else {
            return;
        };
        let bulk = std::mem::take(&mut entry.tell_bulk);
        if let Some(message) = entry.tell(&leaves, bulk) {
            out.durable(Effect::Send { peer, message });
        }
    }

    fn on_session_over(&mut self, peer: MachineId, outcome: Outcome, out: &mut Effects) {
        let now = self.now;
        self.with_peer(peer, |peer| {
            peer.note_outcome(now, outcome);
            match outcome {
                Outcome::InStep => peer.unheld = None,
                Outcome::Done(gain) if gain.more => peer.trigger = Some(now),
                Outcome::Done(_) | Outcome::GivenUp(_) => {}
            }
        });
        match outcome {
            Outcome::InStep | Outcome::Done(_) => self.drop_pending_of(peer, out),
            Outcome::GivenUp(_) => {}
        }
        out.now(Effect::Notify(Notice::Peers));
    }

    /// The peer's HELLO.
    pub(super) fn on_hello(&mut self, peer: MachineId, mut hello: Hello, out: &mut Effects) {
        hello.heads = self.hear(peer, hello.heads, out);
        let Some(entry) = self.peers.get(&peer) else {
            return;
        };
        if entry.session.begins_anew(&hello) {
            self.session_step(peer, On::Anew, out, |session, _, _| session.give_up());
            if hello.answers.is_some() {
                // The peer answers what is given up now: only a new session puts both into the same one.
                self.trigger(peer);
            }
        }
        let take = if self.may_take_from(peer) {
            self.config.take_bytes
        } else {
            0
        };
        self.session_step(peer, On::Hello, out, |session, now, dag| {
            session.on_hello(now, dag, hello, take)
        });
        self.with_peer(peer, |peer| {
            if peer.session.phase() != Phase::Idle {
                peer.trigger = None; // this session is what it asks for
            }
        });
    }

    /// Events of a session's stream. Those outside of a session, or beyond our credit, are not taken.
    pub(super) fn on_bulk(
        &mut self,
        peer: MachineId,
        theirs: SessionId,
        events: Vec<Event>,
        out: &mut Effects,
    ) {
        let Some(entry) = self.peers.get_mut(&peer) else {
            return;
        };
        if !entry.session.begins_bulk(theirs) {
            return; // of a session that we gave up
        }
        let (mut bytes, mut held_bytes, mut newly) = (0, 0, Newly::default());
        for event in events {
            let length = codec::event_length(&event);
            bytes += u64::from(length);
            if self.take(peer, event, length, Came::Bulk, &mut newly, out) {
                held_bytes += u64::from(length);
            }
        }
        let count = newly.count();
        self.relay(&newly, out);
        if let Some(slot) = self.slot.as_mut().filter(|slot| slot.peer == peer) {
            slot.count(held_bytes);
        }
        let (now, event_max) = (self.now, u64::from(self.dag.rules().event_bytes_max));
        let Some(entry) = self.peers.get_mut(&peer) else {
            return;
        };
        if !entry.session.on_bulk(now, bytes, count, event_max) {
            self.on_fault(peer, Fault::Credit, out);
        }
    }

    /// The peer's offer, which also counts as use of the bulk slot.
    pub(super) fn on_offer(&mut self, peer: MachineId, offer: &Offer, out: &mut Effects) {
        let mut is_answered = false;
        self.fitting_step(peer, On::Offer, out, |session, now, dag| {
            let asked = session.on_offer(now, dag, offer)?;
            is_answered = !asked.is_empty();
            Ok(asked)
        });
        if let Some(slot) = self
            .slot
            .as_mut()
            .filter(|slot| slot.peer == peer && is_answered)
        {
            slot.count(OFFERED_ID_BYTES * offer.ids.len() as u64);
        }
    }

    /// Returns whether a HELLO of `peer` is answered with credit: the bulk slot is free, nobody else waits for it, and sessions
    /// with this peer were not in vain lately.
    fn may_take_from(&self, peer: MachineId) -> bool {
        let now = self.now;
        let is_due = |peer: &Peer| {
            peer.session.phase() == Phase::Idle
                && peer.not_before <= now
                && peer.trigger.is_some_and(|since| since <= now)
        };
        let others = self.peers.iter().filter(|(other, _)| **other != peer);
        let is_known = self.peers.get(&peer);
        self.slot.is_none()
            && is_known.is_some_and(|peer| peer.not_before <= now)
            && !others.map(|(_, other)| other).any(is_due)
    }

    /// The peer's answer to an offer of ours.
    pub(super) fn on_lacks(&mut self, peer: MachineId, lacks: &Lacks, out: &mut Effects) {
        self.fitting_step(peer, On::Lacks, out, |session, now, dag| {
            session.on_lacks(now, dag, lacks)
        });
    }

    /// A step that finds out whether the message fits the session.
    fn fitting_step(
        &mut self,
        peer: MachineId,
        on: On,
        out: &mut Effects,
        step: impl FnOnce(&mut Session, Time, &Dag) -> Result<Vec<Out>, Misfit>,
    ) {
        let mut is_misfit = false;
        self.session_step(peer, on, out, |session, now, dag| {
            let asked = step(session, now, dag);
            is_misfit = asked.is_err();
            asked.unwrap_or_default()
        });
        if is_misfit {
            self.on_fault(peer, Fault::Offer, out);
        }
    }

    /// The node could not send a stream.
    pub(super) fn on_stream_failed(
        &mut self,
        peer: MachineId,
        session: SessionId,
        out: &mut Effects,
    ) {
        self.session_step(peer, On::StreamFailed, out, |state, _, dag| {
            if state.id() == Some(session) && state.has_stream() {
                state.break_off(dag)
            } else {
                Vec::new()
            }
        });
    }

    /// A session is due with the peer from now on, if it was not before.
    pub(super) fn trigger(&mut self, peer: MachineId) {
        let now = self.now;
        self.with_peer(peer, |peer| {
            peer.trigger = Some(peer.trigger.unwrap_or(now));
        });
    }

    /// Notes what a peer told of the changes of its heads.
    pub(super) fn on_changes(&mut self, peer: MachineId, changes: &HeadChanges, out: &mut Effects) {
        let heard = self.peers.get(&peer).and_then(|peer| peer.heard.as_ref());
        if let Some(heads) = heard.map(|heard| heard.changed(changes)) {
            self.hear(peer, heads, out);
        }
    }

    /// Notes what a peer told of its heads; returns what is known of them now.
    pub(super) fn hear(&mut self, peer: MachineId, heads: Heads, out: &mut Effects) -> Heads {
        let before = self.peers.get(&peer).and_then(|peer| peer.heard.as_ref());
        let was_twin = before.is_some_and(|before| self.is_twin(before));
        let heads = heads.after(before);
        let (now, holds_all) = (self.now, locate::holds_all(&self.dag, &heads));
        let is_twin = self.is_twin(&heads);
        let Some(entry) = self.peers.get_mut(&peer) else {
            return heads;
        };
        entry.heard_at = now;
        if entry.session.is_streaming() {
            entry.session.moved(now); // it tells what it holds by now
        }
        entry.unheld = if holds_all {
            None
        } else {
            Some(entry.unheld.unwrap_or(now))
        };
        if heads.bulk && !holds_all {
            entry.trigger = Some(entry.trigger.unwrap_or(now));
        }
        let has_changed = entry.heard.as_ref() != Some(&heads);
        entry.heard = Some(heads.clone());
        if is_twin && !was_twin {
            out.now(Effect::Notify(Notice::Twins { peer }));
        }
        if has_changed {
            out.now(Effect::Notify(Notice::Peers));
        }
        heads
    }

    /// Equal leaves mean equal sets, and so does an equal number of events when the one set holds the other; unless two
    /// events share a uuid: then the digests differ.
    pub(super) fn is_twin(&self, heads: &Heads) -> bool {
        if !heads.is_complete() || heads.digest == self.dag.digest() {
            return false;
        }
        let has_equal_leaves = || {
            heads.ids.len() == self.dag.leaves().len()
                && heads.ids.iter().copied().eq(self.dag.leaves())
        };
        let is_equal_set = || heads.count == self.dag.len() && locate::holds_all(&self.dag, heads);
        has_equal_leaves() || is_equal_set()
    }

    /// Ends what stalls, notes new triggers, and begins what is due and may begin.
    pub(super) fn settle_sessions(&mut self, out: &mut Effects) {
        self.end_stalled(out);
        let now = self.now;
        let compare = self.next_compare(out);
        if compare.is_some() {
            for peer in self.peers.keys() {
                self.ask_for_damaged(*peer, out);
            }
        }
        for (machine, peer) in &mut self.peers {
            // Also one of which nothing was heard: its HELLO may have been lost.
            if compare == Some(*machine) && peer.may_be_triggered() {
                peer.trigger = Some(now);
            }
            let Some(heard) = &peer.heard else { continue };
            let differs = !locate::is_all(&self.dag, heard);
            if !differs {
                (peer.trigger, peer.unheld) = (None, None);
                // What was fruitless before says nothing of the future.
                (peer.fruitless, peer.not_before) = (0, now);
            }
            let has_waited = peer
                .unheld
                .is_some_and(|since| since + peer.patience() <= now);
            if has_waited && locate::holds_all(&self.dag, heard) {
                peer.unheld = None;
            }
            let is_overdue = peer
                .unheld
                .is_some_and(|since| since + peer.patience() <= now);
            let is_quiet = differs && self.grown.max(peer.heard_at) + QUIET <= now;
            if (is_overdue || is_quiet) && peer.may_be_triggered() {
                peer.trigger = Some(now);
            }
        }
        // Last: what a peer sent shows more than its heads, which may be those from before.
        for (machine, since) in self.pending.oldest().collect::<Vec<_>>() {
            if since + GRAFT <= now {
                self.with_peer(machine, |peer| {
                    if peer.may_be_triggered() {
                        peer.trigger = Some(now);
                    }
                });
            }
        }
        self.begin_sessions(out);
    }

    /// Begins the session that has been due for longest, if the bulk slot is free.
    fn begin_sessions(&mut self, out: &mut Effects) {
        let take = self.config.take_bytes;
        while self.slot.is_none() {
            let now = self.now;
            let due = self
                .peers
                .iter()
                .filter(|(_, peer)| peer.session.phase() == Phase::Idle && peer.not_before <= now)
                .filter_map(|(machine, peer)| Some((peer.trigger?, *machine)))
                .min();
            let Some((_, machine)) = due else { return };
            self.with_peer(machine, |peer| {
                peer.trigger = None;
                peer.unheld = peer.unheld.map(|_| now);
            });
            self.session_step(machine, On::Trigger, out, |session, now, dag| {
                session.open(now, dag, take)
            });
        }
    }

    /// One step of each walk: at wakeups only, so that every input's work is bounded.
    pub(super) fn walk(&mut self, out: &mut Effects) {
        let walking = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.session.phase() == Phase::Walking);
        for machine in walking.map(|(machine, _)| *machine).collect::<Vec<_>>() {
            self.session_step(machine, On::WalkStep, out, |session, now, dag| {
                session.walk_step(now, dag)
            });
        }
    }

    fn end_stalled(&mut self, out: &mut Effects) {
        let now = self.now;
        let is_slot_lost = self.slot.as_mut().is_some_and(|slot| slot.is_lost(now));
        let slow = self.slot.filter(|_| is_slot_lost).map(|slot| slot.peer);
        let machines: Vec<MachineId> = self.peers.keys().copied().collect();
        for machine in machines {
            let Some(peer) = self.peers.get(&machine) else {
                continue;
            };
            let is_slow = slow == Some(machine) && peer.session.phase() != Phase::Walking;
            if peer.session.is_stalled(now) || is_slow {
                self.session_step(machine, On::Stalled, out, |session, _, dag| {
                    session.break_off(dag)
                });
            }
        }
    }

    /// Once a minute: one random machine of those that it knows, a peer or one to be visited.
    fn next_compare(&mut self, out: &mut Effects) -> Option<MachineId> {
        if self.compare_at > self.now {
            return None;
        }
        self.compare_at = self.now + COMPARE_EVERY.mul_f64(self.rng.random_range(0.5..1.0));
        if self.peers.is_empty() {
            return None;
        }
        let known: Vec<MachineId> = self.peers.keys().copied().chain(self.may_visit()).collect();
        let chosen = known[self.rng.random_range(0..known.len())];
        if !self.peers.contains_key(&chosen) {
            self.visit(chosen, out);
        }
        Some(chosen)
    }
}

impl Out {
    fn does(&self) -> Option<Does> {
        match self {
            Self::Hello(_) => Some(Does::SendHello),
            Self::Verdict(_) => Some(Does::SendVerdict),
            Self::End(_) => Some(Does::SendEnd),
            Self::Stream { .. } => Some(Does::Stream),
            Self::Offer(_) => Some(Does::SendOffer),
            Self::Lacks(_) => Some(Does::SendLacks),
            Self::StopStream(_) => Some(Does::StopStream),
            Self::Over(_) => None,
        }
    }
}
