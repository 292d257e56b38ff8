//! Connections of the simulated network: dials, ends that disagree, silence; hosts that go down and start.
//!
//! Source: `net::table` and `net::close`; what tasks and QUIC do there is planned here.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::net::SocketAddr;
use std::time::Duration;

use rand::RngExt;

use crate::event::key::MachineId;
use crate::limits::{CONNECTION_IDLE, PEERS_MAX, PROBE, STORE_RETRY_MIN};
use crate::machine::effect::Refused;
use crate::machine::input::{Input, Link};
use crate::sim::counts::Rare;
use crate::sim::links::Host;
use crate::sim::queue::What;
use crate::sim::{Sim, address};
use crate::time::Time;

impl Sim {
    /// Cuts the link between two hosts, at once and on both sides.
    pub fn cut(&mut self, a: Host, b: Host) {
        self.disconnect(a, b);
        self.links.cut(self.now, a, b);
        self.links.cut(self.now, b, a);
    }

    /// Mends it; redials find out.
    pub fn heal(&mut self, a: Host, b: Host) {
        self.unblock(a, b);
        self.unblock(b, a);
    }

    /// From now on nothing passes from one host to another; a connection finds out by silence.
    pub fn block(&mut self, from: Host, to: Host) {
        self.links.cut(self.now, from, to);
        if let Some(connection) = self.links.connection(to, from) {
            self.expect_silence(to, from, connection);
        }
    }

    /// Mends that direction; what stood still arrives after a time, if its connection still stands.
    pub fn unblock(&mut self, from: Host, to: Host) {
        if self.links.heal(from, to) && self.stalled.contains_key(&(from, to)) {
            let again = Duration::from_millis(self.rng.random_range(0..1000));
            self.push(self.now + again, What::Resume { from, to });
        }
    }

    /// Stops a host and starts it again from its disk: what was not durable is lost. Its peers notice at once.
    pub fn crash(&mut self, host: Host) {
        for peer in self.links.peers_of(host) {
            self.disconnect(host, peer);
        }
        self.hosts[host].answers.clear();
        self.fall(host, false);
        self.start(host);
    }

    /// The power of a host fails: what was not durable is lost, and its peers are not told. It starts again after a time.
    pub fn power_cut(&mut self, host: Host, down: Duration) {
        if !self.hosts[host].is_up() {
            return;
        }
        for peer in self.links.peers_of(host) {
            self.lose(host, peer);
        }
        self.hosts[host].answers.clear();
        let is_commit_kept = self.rng.random_bool(0.5);
        self.fall(host, is_commit_kept);
        let life = self.hosts[host].life();
        self.push(self.now + down, What::Start { host, life });
    }

    /// The next commit of a host fails.
    pub fn fail_commit(&mut self, host: Host) {
        self.hosts[host].fails_next = true;
    }

    /// A commit failed, as in `node::driver`: open requests are refused, all connections are closed, the machine goes; after a
    /// while it is opened from the disk.
    pub(super) fn on_commit_failed(&mut self, host: Host) {
        self.counts.note(Rare::CommitFailed);
        let open = std::mem::take(&mut self.hosts[host].open);
        self.counts
            .note_if(Rare::CommitFailedWithRequest, !open.is_empty());
        for request in open {
            let why = "simulated".to_owned();
            let answers = &mut self.hosts[host].answers;
            answers.insert(request, Err(Refused::Store { why }));
        }
        for peer in self.links.peers_of(host) {
            self.close(host, peer, false);
        }
        let is_kept = self.rng.random_bool(0.5);
        self.counts.note_if(Rare::CommitFailedButKept, is_kept);
        self.fall(host, is_kept);
        let life = self.hosts[host].life();
        self.push(self.now + STORE_RETRY_MIN, What::Start { host, life });
    }

    fn fall(&mut self, host: Host, is_commit_kept: bool) {
        let node = &mut self.hosts[host];
        let durable = node.durable();
        self.counts.note(Rare::Crashed);
        self.counts.note_if(Rare::LostEffects, node.has_waiting());
        let held = node.log.len();
        node.fall(is_commit_kept);
        self.counts
            .note_if(Rare::LostAppends, node.log.len() < held);
        if let Some(watched) = &mut self.watched {
            let log = &node.log;
            watched.watch.on_durable(&log[durable..]);
            watched.watch.restore(self.now, host, node.id(), log);
        }
    }

    /// A host that was down opens its machine, and tells it whom it knows.
    pub(super) fn start(&mut self, host: Host) {
        self.hosts[host].rise(self.setup.seed);
        if let Some(watched) = &self.watched {
            let opened = watched.watch.on_open(host, &self.hosts[host].machine);
            self.judge(Some(host), opened);
        }
        let known: Vec<(MachineId, Vec<SocketAddr>)> = self.hosts[host]
            .known
            .iter()
            .map(|known| (known.machine, known.addresses.clone()))
            .collect();
        self.give(host, Input::Wakeup);
        for (peer, addresses) in known {
            self.give(
                host,
                Input::Reachable {
                    peer,
                    addresses,
                    keep: true,
                },
            );
        }
    }

    /// A dial arrives.
    pub(super) fn on_dial(&mut self, from: Host, to: Host, life: u32) {
        if !self.hosts[from].lives(life) {
            return;
        }
        if self.links.connection(from, to).is_some() {
            // The other side dialled too, and was first: one connection.
            self.counts.note(Rare::CrossedDials);
            return;
        }
        let is_full = [from, to]
            .iter()
            .any(|host| self.links.count_of(*host) >= PEERS_MAX);
        let is_answered = self.links.is_open(from, to) && self.hosts[to].is_up();
        if !is_answered || is_full {
            self.counts.note(Rare::DialFailed);
            self.counts.note_if(Rare::PeersFull, is_answered && is_full);
            if is_answered && self.links.count_of(to) >= PEERS_MAX {
                self.plan(self.now, to, Input::Crowded);
            }
            let patience = if is_answered {
                Duration::ZERO
            } else {
                self.setup.dial_patience
            };
            let peer = self.hosts[to].id();
            return self.plan(self.now + patience, from, Input::DialFailed { peer });
        }
        match self.links.connection(to, from) {
            None => self.connect(from, to),
            Some(old) => {
                let replace = What::Replace {
                    from,
                    to,
                    life,
                    old,
                };
                self.push(self.now + PROBE, replace);
            }
        }
    }

    /// The other side probed a connection that the dialler has forgotten.
    pub(super) fn on_unanswered(&mut self, from: Host, to: Host, life: u32, old: u64) {
        let is_forgotten = self.links.connection(from, to) != Some(old);
        if is_forgotten && self.links.connection(to, from) == Some(old) {
            self.counts.note(Rare::Replaced);
            self.lose(to, from);
        }
        self.on_dial(from, to, life);
    }

    fn connect(&mut self, from: Host, to: Host) {
        self.links.connect(from, to);
        let rtt = self.links.latency_max() * 2;
        for (host, other, dialled) in [(from, to, true), (to, from, false)] {
            let link = Link {
                rtt,
                address: address(other),
                dialled,
            };
            let peer = self.hosts[other].id();
            self.give(host, Input::Connected { peer, link });
        }
    }

    /// Both ends go at once.
    pub(super) fn disconnect(&mut self, a: Host, b: Host) {
        self.lose(a, b);
        self.lose(b, a);
    }

    /// A host's end of a connection is gone; the other side is not told.
    pub(super) fn lose(&mut self, host: Host, peer: Host) {
        if self.drop_end(host, peer) {
            let peer = self.hosts[peer].id();
            self.give(host, Input::Disconnected { peer });
        }
    }

    /// A host closes a connection, and tells the other side.
    pub(super) fn close(&mut self, host: Host, peer: Host, is_leave: bool) {
        let Some(connection) = self.links.connection(host, peer) else {
            return;
        };
        self.drop_end(host, peer);
        let gone = self.hosts[peer].id();
        self.plan(self.now, host, Input::Disconnected { peer: gone });
        let at = self.now + self.links.latency(&mut self.rng);
        let closed = What::Closed {
            host: peer,
            peer: host,
            connection,
            is_leave,
        };
        self.push(at, closed);
    }

    /// The peer said that it closes.
    pub(super) fn on_closed(
        &mut self,
        (host, peer): (Host, Host),
        connection: u64,
        is_leave: bool,
    ) {
        let is_told = self.links.cut_since(peer, host).is_none();
        if is_told && self.links.connection(host, peer) == Some(connection) {
            if is_leave {
                let peer = self.hosts[peer].id();
                self.give(host, Input::Left { peer });
            }
            self.lose(host, peer);
        }
    }

    fn drop_end(&mut self, host: Host, peer: Host) -> bool {
        let Some(connection) = self.links.disconnect(host, peer) else {
            return false;
        };
        let gone = self.hosts[peer].id();
        self.hosts[host].forget(gone);
        self.outboxes.remove(&(host, peer));
        let before = self.streams.len();
        let of_end = |stream: &(Host, Host, _)| (stream.0, stream.1) == (host, peer);
        self.streams
            .retain(|stream, streaming| !of_end(stream) || streaming.stopped.is_some());
        self.counts
            .note_if(Rare::StreamBroken, self.streams.len() < before);
        self.streams.retain(|stream, _| !of_end(stream));
        if self.links.connection(peer, host) == Some(connection) {
            self.expect_silence(peer, host, connection);
        }
        true
    }

    /// From now on `host` may hear nothing from `peer`.
    fn expect_silence(&mut self, host: Host, peer: Host, connection: u64) {
        let idle = What::Idle {
            host,
            peer,
            connection,
            since: self.now,
        };
        self.push(self.now + CONNECTION_IDLE, idle);
    }

    /// `host` has heard nothing for so long, unless the cut was mended.
    pub(super) fn on_idle(&mut self, host: Host, peer: Host, connection: u64, since: Time) {
        if self.links.connection(host, peer) != Some(connection) {
            return;
        }
        let cut = self.links.cut_since(peer, host);
        let is_cut = cut.is_some_and(|at| at <= since);
        let is_gone = self.links.connection(peer, host) != Some(connection);
        if is_cut || is_gone {
            self.counts.note(Rare::Idle);
            let is_one_way = is_cut && !is_gone && self.links.cut_since(host, peer).is_none();
            self.counts.note_if(Rare::OneWayIdle, is_one_way);
            self.lose(host, peer);
        }
    }
}
