//! Messages on their way: lanes, loss, cuts, slow links.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::time::Duration;

use rand::RngExt;

use crate::event::key::MachineId;
use crate::machine::input::Input;
use crate::sim::Sim;
use crate::sim::counts::Rare;
use crate::sim::faults::Mode;
use crate::sim::links::{Host, Lane};
use crate::sim::outbox::{Outbox, Queued};
use crate::sim::queue::{Packet, What};
use crate::sim::trace;
use crate::wire::Message;

impl Sim {
    /// A machine sends on its control stream.
    pub(super) fn send(&mut self, from: Host, peer: MachineId, message: Message) {
        let to = self.find(peer);
        if let Some(watched) = &self.watched {
            let (own, durable) = (self.hosts[from].id(), self.hosts[from].durable());
            let told = watched.watch.on_told(from, own, durable, &message);
            self.judge(Some(from), told);
        }
        let Some(connection) = self.links.connection(from, to) else {
            return;
        };
        let packet = Packet {
            from,
            to,
            connection,
            stream: None,
            message,
        };
        if self.links.slow_bandwidth(from, to).is_some() {
            self.enqueue(packet);
        } else {
            let bytes = usize::try_from(packet.message.event_bytes()).unwrap_or(usize::MAX);
            self.post(packet, Lane::Control, bytes);
        }
    }

    /// Puts a message on the wire.
    pub(super) fn post(&mut self, packet: Packet, lane: Lane, bytes: usize) {
        let faults = self.setup.faults;
        let is_lost = faults.loss > 0.0 && self.rng.random_bool(faults.loss);
        let way = (packet.from, packet.to, lane);
        match faults.mode {
            Mode::Quic => {
                let mut delay = Duration::ZERO;
                if is_lost {
                    self.counts.note(Rare::SentAgain);
                    let patience = Duration::from_millis(self.rng.random_range(1..300));
                    delay = self.links.latency_max() * 2 + patience;
                }
                let at = self
                    .links
                    .arrival(self.now, way, bytes, delay, &mut self.rng);
                self.push(at, What::Deliver(packet));
            }
            Mode::Unbounded => {
                if is_lost {
                    return self.counts.note(Rare::Lost);
                }
                if faults.duplicate > 0.0 && self.rng.random_bool(faults.duplicate) {
                    self.counts.note(Rare::Doubled);
                    self.post_late(packet.clone());
                }
                if faults.reorder > 0.0 && self.rng.random_bool(faults.reorder) {
                    self.counts.note(Rare::Overtaken);
                    return self.post_late(packet);
                }
                let at = self
                    .links
                    .arrival(self.now, way, bytes, Duration::ZERO, &mut self.rng);
                self.push(at, What::Deliver(packet));
            }
        }
    }

    /// It arrives whenever it likes.
    fn post_late(&mut self, packet: Packet) {
        let late = Duration::from_millis(self.rng.random_range(0..2000));
        let at = self.now + self.links.latency(&mut self.rng) + late;
        self.push(at, What::Deliver(packet));
    }

    /// A message arrives, unless something is in the way.
    pub(super) fn deliver(&mut self, packet: Packet) {
        let (from, to) = (packet.from, packet.to);
        let is_cut = self.links.cut_since(from, to).is_some();
        match self.setup.faults.mode {
            Mode::Quic => {
                if self.links.connection(to, from) != Some(packet.connection) {
                    return; // lost with its connection
                }
                if is_cut || self.stalled.contains_key(&(from, to)) {
                    self.stalled.entry((from, to)).or_default().push(packet);
                    return;
                }
            }
            Mode::Unbounded => {
                if is_cut {
                    return self.counts.note(Rare::Lost);
                }
                let at_receiver = self.links.connection(to, from);
                let is_outdated = at_receiver.is_some_and(|number| number != packet.connection);
                self.counts.note_if(Rare::Outdated, is_outdated);
            }
        }
        self.hand_over(packet);
    }

    fn hand_over(&mut self, packet: Packet) {
        let Packet {
            from,
            to,
            stream,
            message,
            ..
        } = packet;
        let streaming = stream.and_then(|session| self.streams.get(&(from, to, session)));
        let stopped = streaming.and_then(|streaming| streaming.stopped);
        if stopped.is_some_and(|at| self.now > at + self.links.latency_max()) {
            return; // reset by its sender
        }
        if !self.hosts[to].is_up() {
            return;
        }
        self.traffic[to].count(&message);
        if let Some(watched) = &mut self.watched {
            watched.bytes += trace::bytes(&message) as u64;
        }
        if let Message::Given { events, .. } = &message
            && !self.hosts[to].damaged.is_empty()
        {
            let dag = self.hosts[to].machine.dag();
            let given: Vec<_> = events
                .iter()
                .filter_map(|event| dag.find(event.id()))
                .collect();
            for at in given {
                let is_repaired = self.hosts[to].damaged.remove(&at);
                self.counts.note_if(Rare::Repaired, is_repaired);
                if is_repaired {
                    self.plan(self.now, to, Input::Repaired { at });
                }
            }
        }
        let peer = self.hosts[from].id();
        self.give(to, Input::Received { peer, message });
    }

    /// A cut was mended: what stood still arrives, in order.
    pub(super) fn resume(&mut self, from: Host, to: Host) {
        if self.links.cut_since(from, to).is_some() {
            return;
        }
        for packet in self.stalled.remove(&(from, to)).unwrap_or_default() {
            if self.links.connection(to, from) == Some(packet.connection) {
                self.counts.note(Rare::Delayed);
                self.hand_over(packet);
            }
        }
    }

    fn enqueue(&mut self, packet: Packet) {
        let (from, to) = (packet.from, packet.to);
        let bytes = trace::bytes(&packet.message);
        let (kind, _) = trace::parts(&packet.message);
        let max = self.setup.send_queue;
        let outbox = self
            .outboxes
            .entry((from, to))
            .or_insert_with(|| Outbox::new(packet.connection));
        let peer = self.hosts[to].id();
        match outbox.push(kind, bytes, packet.message, max) {
            Queued::Kept => {}
            Queued::Now(message) => self.write(from, to, bytes, message),
            Queued::Overflowed => {
                self.counts.note(Rare::Overflowed);
                self.plan(self.now, from, Input::Overflowed { peer });
            }
            Queued::Unread => {
                self.counts.note(Rare::Unread);
                self.close(from, to, false);
            }
        }
    }

    /// A message of a slow link's queue goes out, and takes its time.
    fn write(&mut self, from: Host, to: Host, bytes: usize, message: Message) {
        let Some(connection) = self.links.connection(from, to) else {
            return;
        };
        let bandwidth = self.links.slow_bandwidth(from, to).unwrap_or(u64::MAX);
        let sending = Duration::from_micros(bytes as u64 * 1_000_000 / bandwidth);
        let sent = What::Sent {
            from,
            to,
            connection,
        };
        self.push(self.now + sending, sent);
        let packet = Packet {
            from,
            to,
            connection,
            stream: None,
            message,
        };
        self.post(packet, Lane::Control, bytes);
    }

    /// It is out.
    pub(super) fn on_sent(&mut self, from: Host, to: Host, connection: u64) {
        let Some(outbox) = self.outboxes.get_mut(&(from, to)) else {
            return;
        };
        if outbox.connection != connection {
            return;
        }
        if let Some((bytes, message)) = outbox.next() {
            return self.write(from, to, bytes, message);
        }
        if outbox.drained() {
            self.counts.note(Rare::Drained);
            let peer = self.hosts[to].id();
            self.give(from, Input::Drained { peer });
        }
    }
}
