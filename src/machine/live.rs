//! Live events: taken from peers, relayed to the others, asked for; and heads, told after a change.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::dag::Inserted;
use crate::dag::pending::{Put, Released};
use crate::event::Event;
use crate::event::id::EventId;
use crate::event::index::{Append, Arrival};
use crate::event::key::MachineId;
use crate::gossip::message::Announced;
use crate::limits::{BULK_FRAME_BYTES, GRAFT, HEADS_EVERY, PUSH_BYTES_MAX, WANT_IDS_MAX};
use crate::machine::Machine;
use crate::machine::effect::{Effect, Effects, Notice, When, Why};
use crate::machine::flow::{Does, DoesSet, On, Place, Step};
use crate::mutant::{self, Mutant};
use crate::sync::heads::Leaves;
use crate::wire::Message;
use crate::wire::codec;
use crate::wire::fault::Fault;

/// How an event came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// Made here.
    Created,
    /// Pushed by a peer.
    Pushed,
    /// Asked for.
    Given,
    /// On a session's stream.
    Bulk,
}

/// Events that came to be held by one input, in order of arrival.
#[derive(Debug, Default)]
pub(super) struct Newly(Vec<NewlyHeld>);

#[derive(Debug)]
struct NewlyHeld {
    event: Event,
    at: Arrival,
    length: u32,
    came: Came,
    /// Who sent it; the own key for own events.
    sender: MachineId,
    from: Place,
    on: On,
}

impl Newly {
    /// How many.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.0.len()).expect("events are counted in 32 bits")
    }

    fn push(&mut self, append: &Append, came: Came, sender: MachineId, from: Place, on: On) {
        let (event, at, length) = (append.event.clone(), append.arrival, append.row.length);
        self.0.push(NewlyHeld {
            event,
            at,
            length,
            came,
            sender,
            from,
            on,
        });
    }
}

impl Machine {
    /// One message of a peer.
    pub(super) fn on_message(&mut self, peer: MachineId, message: Message, out: &mut Effects) {
        let entry = self.peers.get(&peer);
        if entry.is_none_or(|entry| matches!(entry.hung_up, Some(Why::Fault(_)))) {
            return; // it is gone, or will be
        }
        match message {
            Message::Hello(hello) => self.on_hello(peer, hello, out),
            Message::Verdict(verdict) => {
                self.with_peer(peer, |peer| {
                    if peer.session.awaits(&verdict) {
                        peer.holds_ours = peer.session.told().filter(|_| verdict.holds_all);
                    }
                });
                self.session_step(peer, On::Verdict, out, |session, now, dag| {
                    session.on_verdict(now, dag, verdict)
                });
            }
            Message::End(end) => {
                self.session_step(peer, On::End, out, |session, now, _| {
                    session.on_end(now, end)
                });
            }
            Message::Offer(offer) => self.on_offer(peer, &offer, out),
            Message::Lacks(lacks) => self.on_lacks(peer, &lacks, out),
            Message::Heads(heads) => drop(self.hear(peer, heads, out)),
            Message::Changes(changes) => self.on_changes(peer, &changes, out),
            Message::Push(events) => self.on_pushed(peer, events, Came::Pushed, out),
            Message::Announce(announced) => self.on_announce(peer, &announced, out),
            Message::Want(ids) => self.on_want(peer, ids, out),
            Message::Given { events, not_held } => {
                for id in not_held {
                    self.on_not_given(peer, id, out);
                }
                self.on_pushed(peer, events, Came::Given, out);
            }
            Message::Bulk { session, events } => self.on_bulk(peer, session, events, out),
            Message::Addresses(reachable) => self.on_addresses(peer, &reachable, out),
        }
    }

    fn on_pushed(&mut self, peer: MachineId, events: Vec<Event>, came: Came, out: &mut Effects) {
        let mut newly = Newly::default();
        for event in events {
            let length = codec::event_length(&event);
            self.take(peer, event, length, came, &mut newly, out);
        }
        self.relay(&newly, out);
    }

    /// Takes one event of a peer: it is held now (true), waits, or is dropped.
    pub(super) fn take(
        &mut self,
        peer: MachineId,
        event: Event,
        length: u32,
        came: Came,
        newly: &mut Newly,
        out: &mut Effects,
    ) -> bool {
        let was_wanted = self.wanted.remove(event.id());
        let (from, on) = match came {
            Came::Created => (Place::Unknown, On::Created),
            Came::Bulk => (Place::Unknown, On::Bulk),
            Came::Given if was_wanted => (Place::Wanted, On::Given),
            Came::Pushed | Came::Given => (Place::Unknown, On::Pushed),
        };
        match self.dag.insert(&event, length) {
            Inserted::New(append) => {
                self.hold(&append, peer, came, (from, on), newly, out);
                true
            }
            Inserted::Held(_) => false,
            Inserted::Twin(_) => {
                self.on_twin(peer, out);
                false
            }
            Inserted::Missing(missing) => {
                // While bulk runs it brings them anyway.
                let is_dropped = came != Came::Bulk && self.progress().is_some();
                if !is_dropped
                    && self.pending.put(self.now, peer, event, length, missing) == Put::Waits
                {
                    out.walk(Step {
                        from,
                        on,
                        to: Place::Pending,
                        does: DoesSet::default(),
                    });
                }
                false
            }
            Inserted::Unvouched => {
                self.on_fault(peer, Fault::Unvouched, out);
                false
            }
            Inserted::ForeignRoot => {
                self.on_fault(peer, Fault::ForeignRoot, out);
                false
            }
        }
    }

    /// An event is held now: it is stored, and what waited for it may be held too.
    pub(super) fn hold(
        &mut self,
        append: &Append,
        sender: MachineId,
        came: Came,
        (from, on): (Place, On),
        newly: &mut Newly,
        out: &mut Effects,
    ) {
        self.grown = self.now;
        newly.push(append, came, sender, from, on);
        out.now(Effect::Append(append.clone()));
        for released in self.pending.release(&mut self.dag, append) {
            match released {
                Released::Held(peer, append) => {
                    newly.push(&append, Came::Pushed, peer, Place::Pending, On::Complete);
                    out.now(Effect::Append(append));
                }
                Released::Unvouched(peer, _) => {
                    let (from, to) = (Place::Pending, Place::Unknown);
                    let does = DoesSet::of(&[Does::Hangup]);
                    out.walk(Step {
                        from,
                        on: On::Complete,
                        to,
                        does,
                    });
                    self.on_fault(peer, Fault::Unvouched, out);
                }
                Released::Twin(peer, _) => self.on_twin(peer, out),
            }
        }
    }

    /// Sends what is newly held to the other peers, by size in full or by name, and lets heads be told.
    pub(super) fn relay(&mut self, newly: &Newly, out: &mut Effects) {
        let (Some(first), Some(last)) = (newly.0.first(), newly.0.last()) else {
            return;
        };
        let (from, up_to) = (first.at, Arrival(last.at.0 + 1));
        out.now(Effect::Notify(Notice::Held { from, up_to }));
        let is_bulk = newly.0.iter().any(|held| held.came == Came::Bulk);
        let at = self.now + HEADS_EVERY;
        for peer in self.peers.values_mut() {
            peer.tell_at = Some(peer.tell_at.unwrap_or(at));
            peer.tell_bulk |= is_bulk;
        }
        for (peer, entry) in &self.peers {
            let fits = |held: &&NewlyHeld| {
                held.came != Came::Bulk
                    && held.sender != *peer
                    && !entry.is_overflowed
                    && entry
                        .heard
                        .as_ref()
                        .is_none_or(|heard| heard.ids.binary_search(&held.event.id()).is_err())
            };
            for (when, message) in self.messages(newly.0.iter().filter(fits)) {
                match when {
                    When::Now => out.now(Effect::Send {
                        peer: *peer,
                        message,
                    }),
                    When::Durable => out.durable(Effect::Send {
                        peer: *peer,
                        message,
                    }),
                }
            }
        }
        let has_others = |held: &NewlyHeld| self.peers.keys().any(|peer| *peer != held.sender);
        for held in &newly.0 {
            let mut does = DoesSet::of(&[Does::Append]);
            if held.came != Came::Bulk && has_others(held) {
                does = does.with(if is_pushable(held.length) {
                    Does::Push
                } else {
                    Does::Announce
                });
            }
            out.walk(Step {
                from: held.from,
                on: held.on,
                to: Place::Held,
                does,
            });
        }
    }

    /// Own events wait for the disk; relayed ones do not. At most `limits::BULK_FRAME_BYTES` a message.
    fn messages<'a>(&self, held: impl Iterator<Item = &'a NewlyHeld>) -> Vec<(When, Message)> {
        let mut messages: Vec<(When, Message)> = Vec::new();
        let mut room = 0;
        for held in held {
            let when = if held.came == Came::Created && !mutant::is(Mutant::SendBeforeDurable) {
                When::Durable
            } else {
                When::Now
            };
            if !is_pushable(held.length) {
                let announced = Announced {
                    id: held.event.id(),
                    height: self.dag.height(held.at),
                    length: held.length,
                };
                // Announced events are read from the store when they are asked for, so they are durable first.
                messages.push((When::Durable, Message::Announce(vec![announced])));
                continue;
            }
            let length = held.length as usize;
            match messages.last_mut() {
                Some((last_when, Message::Push(events)))
                    if *last_when == when && room >= length =>
                {
                    events.push(held.event.clone());
                    room -= length;
                }
                Some(_) | None => {
                    messages.push((when, Message::Push(vec![held.event.clone()])));
                    room = BULK_FRAME_BYTES.saturating_sub(length);
                }
            }
        }
        messages
    }

    fn on_announce(&mut self, peer: MachineId, announced: &[Announced], out: &mut Effects) {
        let deadline = self.now + self.patience_for_answer(peer);
        let mut ids = Vec::new();
        for Announced { id, .. } in announced {
            let is_known =
                self.dag.holds(*id) || self.pending.contains(*id) || self.wanted.contains(*id);
            if is_known || ids.len() >= WANT_IDS_MAX || !self.wanted.ask(*id, peer, deadline) {
                continue; // at the bounds a session brings it
            }
            ids.push(*id);
            let (from, to) = (Place::Unknown, Place::Wanted);
            out.walk(Step {
                from,
                on: On::Announced,
                to,
                does: DoesSet::of(&[Does::Want]),
            });
        }
        if !ids.is_empty() {
            out.now(Effect::Send {
                peer,
                message: Message::Want(ids),
            });
        }
    }

    fn on_want(&mut self, peer: MachineId, ids: Vec<EventId>, out: &mut Effects) {
        let (mut events, mut not_held) = (Vec::new(), Vec::new());
        for id in ids {
            match self.dag.find(id) {
                Some(at) => events.push(at),
                None => not_held.push(id),
            }
        }
        out.durable(Effect::Give {
            peer,
            events,
            not_held,
        });
    }

    fn on_not_given(&mut self, peer: MachineId, id: EventId, out: &mut Effects) {
        if self.wanted.is_of(id, peer) {
            self.wanted.remove(id);
            let (from, to) = (Place::Wanted, Place::Unknown);
            out.walk(Step {
                from,
                on: On::NotGiven,
                to,
                does: DoesSet::default(),
            });
        }
    }

    /// What is not given in time is left to a session with that peer.
    pub(super) fn settle_wanted(&mut self, out: &mut Effects) {
        let now = self.now;
        for (id, peer) in self.wanted.late(now) {
            self.on_not_given(peer, id, out);
            self.trigger(peer);
        }
    }

    /// Returns whether events of this peer wait, or were asked of it.
    pub(super) fn expects_events_of(&self, peer: MachineId) -> bool {
        let mut waiting = self.pending.oldest();
        waiting.any(|(machine, _)| machine == peer) || self.wanted.of(peer).next().is_some()
    }

    pub(super) fn drop_wanted_of(&mut self, peer: MachineId, out: &mut Effects) {
        for id in self.wanted.of(peer).collect::<Vec<_>>() {
            self.on_not_given(peer, id, out);
        }
    }

    pub(super) fn drop_pending_of(&mut self, peer: MachineId, out: &mut Effects) {
        let before = self.pending.len();
        self.pending.forget(peer);
        if self.pending.len() < before {
            let (from, to) = (Place::Pending, Place::Unknown);
            out.walk(Step {
                from,
                on: On::SenderDone,
                to,
                does: DoesSet::default(),
            });
        }
    }

    /// Tells heads to those peers for whom it is time, once a change is durable.
    pub(super) fn tell_heads(&mut self, out: &mut Effects) {
        let now = self.now;
        if !self
            .peers
            .values()
            .any(|peer| peer.tell_at.is_some_and(|at| at <= now))
        {
            return;
        }
        let leaves = Leaves::of(&self.dag);
        for (machine, peer) in &mut self.peers {
            if peer.tell_at.is_none_or(|at| at > now) {
                continue;
            }
            peer.tell_at = None;
            let bulk = std::mem::take(&mut peer.tell_bulk);
            if let Some(message) = peer.tell(&leaves, bulk) {
                let peer = *machine;
                out.when_durable(Mutant::HeadsBeforeDurable, Effect::Send { peer, message });
            }
        }
    }

    fn patience_for_answer(&self, peer: MachineId) -> std::time::Duration {
        GRAFT
            + self
                .peers
                .get(&peer)
                .map_or(std::time::Duration::ZERO, |peer| peer.link.rtt * 2)
    }
}

fn is_pushable(length: u32) -> bool {
    length as usize <= PUSH_BYTES_MAX
}
