//! What the simulation does with effects: it commits, sends, streams, dials.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::time::Duration;

use crate::event::index::Arrival;
use crate::event::key::MachineId;
use crate::limits::BULK_FRAME_BYTES;
use crate::machine::effect::{Effect, Why};
use crate::machine::input::Input;
use crate::sim::counts::Rare;
use crate::sim::links::{Host, Lane};
use crate::sim::queue::{Packet, What};
use crate::sim::{Sim, Streaming, watch};
use crate::sync::message::{End, SessionId};
use crate::sync::stream::Ranges;
use crate::wire::Message;

impl Sim {
    pub(super) fn commit(&mut self, host: Host) {
        if self.hosts[host].fails_next {
            return self.on_commit_failed(host);
        }
        let before = self.hosts[host].durable();
        let Some((up_to, released)) = self.hosts[host].commit() else {
            return;
        };
        if let Some(watched) = &mut self.watched {
            let written = before..up_to.0 as usize;
            watched.watch.on_durable(&self.hosts[host].log[written]);
        }
        for effect in released {
            self.perform(host, effect);
        }
        self.give(host, Input::Stored { up_to });
        if !self.hosts[host].is_durable() {
            self.schedule_commit(host);
        }
    }

    pub(super) fn schedule_commit(&mut self, host: Host) {
        if let Some(life) = self.hosts[host].begin_commit() {
            self.push(self.now + self.setup.commit, What::Commit { host, life });
        }
    }

    pub(super) fn perform(&mut self, host: Host, effect: Effect) {
        match effect {
            Effect::Append(_) => unreachable!("appends are taken before"),
            Effect::Send { peer, message } => self.send(host, peer, message),
            Effect::Give {
                peer,
                events,
                mut not_held,
            } => {
                let node = &self.hosts[host];
                let (good, damaged): (Vec<Arrival>, Vec<Arrival>) =
                    events.iter().partition(|at| !node.damaged.contains(at));
                let append = |at: &Arrival| &node.log[at.0 as usize];
                not_held.extend(damaged.iter().map(|at| append(at).row.id));
                let events = good.iter().map(|at| append(at).event.clone()).collect();
                self.send(host, peer, Message::Given { events, not_held });
            }
            Effect::Stream {
                peer,
                session,
                part,
                events,
                end,
            } => {
                if self.takes_part(host, peer, session, part) {
                    self.stream(host, peer, session, &events, end);
                }
            }
            Effect::StopStream { peer, session } => {
                let (to, now) = (self.find(peer), self.now);
                if let Some(streaming) = self.streams.get_mut(&(host, to, session)) {
                    streaming.stopped = Some(now);
                    self.links.clear_lane(host, to, Lane::Bulk);
                    self.counts.note(Rare::StreamStopped);
                }
            }
            Effect::Dial { peer, .. } => {
                let (from, to) = (host, self.find(peer));
                let way = (from, to, Lane::Control);
                let at = self
                    .links
                    .arrival(self.now, way, 0, Duration::ZERO, &mut self.rng);
                let life = self.hosts[from].life();
                self.push(at, What::Dial { from, to, life });
            }
            Effect::Hangup { peer, why } => {
                let to = self.find(peer);
                self.close(host, to, why == Why::Enough);
            }
            Effect::Answer { request, answer } => {
                if let (Some(watched), Ok(good)) = (&mut self.watched, &answer) {
                    let durable = self.hosts[host].durable();
                    let told = watched.watch.on_answer(host, durable, good);
                    self.judge(Some(host), told);
                }
                self.hosts[host].open.remove(&request);
                self.hosts[host].answers.insert(request, answer);
            }
            Effect::Remember(book) => self.hosts[host].known = book,
            Effect::Notify(notice) => self.on_notice(host, &notice),
        }
    }

    /// Part 0 begins a stream; a later part goes on one that still runs, or nowhere.
    fn takes_part(&mut self, from: Host, peer: MachineId, session: SessionId, part: u32) -> bool {
        let to = self.find(peer);
        let Some(connection) = self.links.connection(from, to) else {
            return false;
        };
        if part == 0 {
            let streaming = Streaming {
                connection,
                stopped: None,
            };
            self.streams.insert((from, to, session), streaming);
        }
        let streaming = self.streams.get(&(from, to, session));
        streaming.is_some_and(|streaming| {
            streaming.connection == connection && streaming.stopped.is_none()
        })
    }

    fn stream(
        &mut self,
        from: Host,
        peer: MachineId,
        session: SessionId,
        ranges: &Ranges,
        end: Option<End>,
    ) {
        let to = self.find(peer);
        self.note_stream(from, to, ranges, end.as_ref());
        let Some(connection) = self.links.connection(from, to) else {
            return;
        };
        let positions = ranges.iter().flat_map(|(first, up_to)| first.0..up_to.0);
        let positions: Vec<Arrival> = positions.map(Arrival).collect();
        let packet = |message| Packet {
            from,
            to,
            connection,
            stream: Some(session),
            message,
        };
        let mut frame = Vec::new();
        let mut room = BULK_FRAME_BYTES;
        for at in positions {
            let append = self.hosts[from].log[at.0 as usize].clone();
            let length = append.row.length as usize;
            let is_damaged = self.hosts[from].damaged.contains(&at);
            if (length > room || is_damaged) && !frame.is_empty() {
                let events = std::mem::take(&mut frame);
                let bulk = packet(Message::Bulk { session, events });
                self.post(bulk, Lane::Bulk, BULK_FRAME_BYTES - room);
                room = BULK_FRAME_BYTES;
            }
            if is_damaged {
                return self.on_damaged(from, peer, session, at);
            }
            room = room.saturating_sub(length);
            frame.push(append.event);
        }
        if !frame.is_empty() {
            let bulk = packet(Message::Bulk {
                session,
                events: frame,
            });
            self.post(bulk, Lane::Bulk, BULK_FRAME_BYTES - room);
        }
        let is_last = end.is_some();
        if let Some(end) = end {
            self.post(packet(Message::End(end)), Lane::Bulk, 0);
        }
        let line = (from, to, Lane::Bulk);
        let at = self
            .links
            .arrival(self.now, line, 0, Duration::ZERO, &mut self.rng);
        self.push(
            at,
            What::Streamed {
                from,
                to,
                connection,
                session,
                is_last,
            },
        );
    }

    /// The disk cannot give an event of a stream: what came before it is sent, and no END.
    fn on_damaged(&mut self, from: Host, peer: MachineId, session: SessionId, at: Arrival) {
        self.counts.note(Rare::Damaged);
        let to = self.find(peer);
        self.streams.remove(&(from, to, session));
        self.plan(self.now, from, Input::Damaged { at });
        self.plan(self.now, from, Input::StreamFailed { peer, session });
    }

    pub(super) fn on_streamed(
        &mut self,
        from: Host,
        to: Host,
        (connection, is_last): (u64, bool),
        session: SessionId,
    ) {
        let Some(streaming) = self.streams.get(&(from, to, session)) else {
            return;
        };
        if streaming.connection == connection {
            let is_stopped = streaming.stopped.is_some();
            if is_last {
                self.streams.remove(&(from, to, session));
            }
            let peer = self.hosts[to].id();
            if !is_stopped {
                self.give(from, Input::Streamed { peer, session });
            }
        }
    }

    fn note_stream(&mut self, from: Host, to: Host, ranges: &Ranges, end: Option<&End>) {
        let durable = self.hosts[from].durable();
        let Some(watched) = &mut self.watched else {
            return;
        };
        let ended = watched.credit_ended.remove(&(from, to));
        let (first, last) = (ranges.first(), ranges.last());
        if let (Some(ended), Some((first, _))) = (ended, first) {
            self.counts.note_if(Rare::Resumed, ended <= *first);
        }
        if let Some((_, up_to)) = last.filter(|_| end.is_some_and(|end| end.more)) {
            self.counts.note(Rare::CreditEnded);
            watched.credit_ended.insert((from, to), *up_to);
        }
        let told = watch::check_stream(durable, ranges);
        self.judge(Some(from), told);
    }
}
