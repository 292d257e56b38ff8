//! What the simulation does with effects: it delivers, streams, dials.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::event::Event;
use crate::event::key::MachineId;
use crate::limits::BULK_FRAME_BYTES;
use crate::machine::effect::Effect;
use crate::machine::input::{Input, Link};
use crate::sim::links::{Host, Lane};
use crate::sim::queue::What;
use crate::sim::{Sim, address};
use crate::sync::message::{End, SessionId};
use crate::sync::stream::Ranges;
use crate::wire::Message;

impl Sim {
    pub(super) fn commit(&mut self, host: Host, life: u32) {
        let Some((up_to, released)) = self.hosts[host].commit(life) else {
            return;
        };
        self.give(host, Input::Stored { up_to });
        for effect in released {
            self.perform(host, effect);
        }
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
                not_held,
            } => {
                let events = events
                    .iter()
                    .map(|at| self.hosts[host].log[at.0 as usize].event.clone())
                    .collect();
                self.send(host, peer, Message::Given { events, not_held });
            }
            Effect::Stream {
                peer,
                session,
                part: _,
                events,
                end,
            } => self.stream(host, peer, session, &events, end),
            Effect::Dial { peer, .. } => {
                let to = self.find(peer);
                let at = self
                    .links
                    .arrival(self.now, host, to, Lane::Control, 0, &mut self.rng);
                self.push(at, What::Dial { from: host, to });
            }
            Effect::Hangup { peer, .. } => {
                let to = self.find(peer);
                self.disconnect(host, to);
            }
            Effect::Answer { request, answer } => {
                self.hosts[host].answers.insert(request, answer);
            }
            Effect::Remember(book) => self.hosts[host].known = book,
            // A stopped stream's frames still arrive; receivers drop what they do not expect.
            Effect::StopStream { .. } | Effect::Notify(_) => {}
        }
    }

    fn send(&mut self, from: Host, peer: MachineId, message: Message) {
        let to = self.find(peer);
        let Some(connection) = self.links.connection(from, to) else {
            return;
        };
        let bytes = usize::try_from(message.event_bytes()).unwrap_or(usize::MAX);
        let at = self
            .links
            .arrival(self.now, from, to, Lane::Control, bytes, &mut self.rng);
        self.push(
            at,
            What::Deliver {
                from,
                to,
                connection,
                message,
            },
        );
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
        let Some(connection) = self.links.connection(from, to) else {
            return;
        };
        let positions = ranges.iter().flat_map(|(first, up_to)| first.0..up_to.0);
        let events: Vec<_> = positions
            .map(|at| self.hosts[from].log[at as usize].clone())
            .collect();
        let mut frame = Vec::new();
        let mut room = BULK_FRAME_BYTES;
        for append in events {
            let length = append.row.length as usize;
            if length > room && !frame.is_empty() {
                self.bulk(
                    from,
                    to,
                    connection,
                    session,
                    std::mem::take(&mut frame),
                    BULK_FRAME_BYTES - room,
                );
                room = BULK_FRAME_BYTES;
            }
            room = room.saturating_sub(length);
            frame.push(append.event);
        }
        if !frame.is_empty() {
            let bytes = BULK_FRAME_BYTES - room;
            self.bulk(from, to, connection, session, frame, bytes);
        }
        let at = self
            .links
            .arrival(self.now, from, to, Lane::Bulk, 0, &mut self.rng);
        if let Some(end) = end {
            let message = Message::End(end);
            self.push(
                at,
                What::Deliver {
                    from,
                    to,
                    connection,
                    message,
                },
            );
        }
        self.push(
            at,
            What::Streamed {
                from,
                to,
                connection,
                session,
            },
        );
    }

    fn bulk(
        &mut self,
        from: Host,
        to: Host,
        connection: u64,
        session: SessionId,
        events: Vec<Event>,
        bytes: usize,
    ) {
        let at = self
            .links
            .arrival(self.now, from, to, Lane::Bulk, bytes, &mut self.rng);
        self.push(
            at,
            What::Deliver {
                from,
                to,
                connection,
                message: Message::Bulk { session, events },
            },
        );
    }

    pub(super) fn connect(&mut self, from: Host, to: Host) {
        let (near, far) = (self.hosts[from].id(), self.hosts[to].id());
        if !self.links.is_open(from, to) {
            return self.give(from, Input::DialFailed { peer: far });
        }
        if !self.links.connect(from, to) {
            return; // crossed dials: one connection
        }
        let link = |host, dialled| Link {
            rtt: self.setup.latency.1 * 2,
            address: address(host),
            dialled,
        };
        let (here, there) = (link(to, true), link(from, false));
        self.give(
            from,
            Input::Connected {
                peer: far,
                link: here,
            },
        );
        self.give(
            to,
            Input::Connected {
                peer: near,
                link: there,
            },
        );
    }

    pub(super) fn disconnect(&mut self, a: Host, b: Host) {
        if self.links.disconnect(a, b) {
            let (first, second) = (self.hosts[a].id(), self.hosts[b].id());
            self.give(a, Input::Disconnected { peer: second });
            self.give(b, Input::Disconnected { peer: first });
        }
    }
}
