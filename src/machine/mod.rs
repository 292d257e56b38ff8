//! The machine: a pure function of what happened to it.
//!
//! `handle` takes an input and adds effects to the caller's buffer; it does no I/O, reads no clock, draws no
//! unseeded randomness and cannot fail. The node, the simulator and the tests drive the same machine.
//!
//! It works on ids, parents, heights and positions; bodies are the driver's. Durable first: own events, answers to the
//! user and told heads are marked to wait for the disk; a relayed event may leave at once, since it is valid and its
//! author holds all that it depends on.
//!
//! Invariants:
//! - whatever is told to a peer is held; whatever is acknowledged is durable;
//! - at most one bulk stream comes in at a time (`sync::stream::Slot`);
//! - every step of the flow chart that it takes is a row of [`flow::ROWS`].
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod damaged;
pub mod effect;
mod fingerprint;
pub mod flow;
pub mod fuzz;
pub mod input;
mod links;
mod live;
mod peers;
mod requests;
mod sessions;
mod size;
mod view;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

pub use crate::machine::size::Size;
pub use crate::machine::view::{PeerState, PeerView};

use crate::dag::Dag;
use crate::dag::pending::Pending;
use crate::event::index::{Arrival, Index};
use crate::event::key::{Key, MachineId};
use crate::gossip::view::Book;
use crate::limits::{COMPARE_EVERY, GRAFT};
use crate::machine::effect::{Effect, Effects, Why};
use crate::machine::flow::{DoesSet, On, Place, Step};
use crate::machine::input::Input;
use crate::machine::links::Visit;
use crate::machine::peers::Peer;
use crate::machine::wanted::Wanted;
use crate::sync::outflow::Asking;
use crate::sync::stream::Slot;
use crate::time::Time;

/// What a machine is told once, when it is opened.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its own key.
    pub key: Key,
    /// Its own addresses, told to peers, the likeliest first.
    pub addresses: Vec<SocketAddr>,
    /// Credit of one session in bytes, `limits::TAKE_BYTES_MAX` but in simulations.
    pub take_bytes: u64,
    /// When candidates are offered, `Asking::default()` but in simulations.
    pub asking: Asking,
    /// The greatest counter that it is known to have used, though the event may be gone from its disk; 0: not known.
    pub seq_after: u64,
}

/// Phase of the whole machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// It does not hold its own admission.
    Joining,
    /// It receives bulk.
    CatchingUp,
    /// Neither.
    Live,
}

impl Phase {
    fn place(self) -> Place {
        match self {
            Self::Joining => Place::Joining,
            Self::CatchingUp => Place::CatchingUp,
            Self::Live => Place::Live,
        }
    }
}

/// One participant.
#[derive(Clone, Debug)]
pub struct Machine {
    config: Config,
    own: MachineId,
    now: Time,
    rng: Pcg64Mcg,
    dag: Dag,
    pending: Pending,
    wanted: Wanted,
    peers: BTreeMap<MachineId, Peer>,
    book: Book,
    slot: Option<Slot>,
    /// Held events whose bytes on disk are damaged; at most `limits::DAMAGED_MAX`.
    damaged: BTreeSet<Arrival>,
    /// When one random machine is compared with, and damaged events are asked for again.
    compare_at: Time,
    /// Whom it visits.
    visit: Option<Visit>,
    /// When it last took leave of a peer to make room.
    spared: Option<Time>,
    /// When the held set last grew.
    grown: Time,
    faults: BTreeMap<&'static str, u64>,
}

impl Machine {
    /// Opens a machine on what its store holds. The same `seed` and inputs give the same effects on every platform.
    pub fn open(index: Index, config: Config, seed: u64) -> Self {
        let own = config.key.machine();
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let compare_at = Time(0) + COMPARE_EVERY.mul_f64(rng.random_range(0.5..1.0));
        Self {
            config,
            own,
            now: Time(0),
            rng,
            dag: Dag::open(index),
            pending: Pending::default(),
            wanted: Wanted::default(),
            peers: BTreeMap::new(),
            book: Book::new(own),
            slot: None,
            damaged: BTreeSet::new(),
            compare_at,
            visit: None,
            spared: None,
            grown: Time(0),
            faults: BTreeMap::new(),
        }
    }

    /// Handles one input; what is to be done is added to `out`. A `now` that goes backwards counts as the last one.
    ///
    /// Cost: bounded for each input; long walks go on at the next wakeup.
    pub fn handle(&mut self, now: Time, input: Input, out: &mut Effects) {
        self.now = self.now.max(now);
        let before = self.phase();
        let is_wakeup = input == Input::Wakeup;
        match input {
            Input::Create {
                request,
                wall,
                properties,
            } => self.on_create(request, wall, properties, out),
            Input::Invite {
                request,
                wall,
                key,
                expires_ms,
                uses,
            } => {
                self.on_invite(
                    request,
                    wall,
                    crate::event::control::Invite {
                        key,
                        expires_ms,
                        uses,
                    },
                    out,
                );
            }
            Input::Admit {
                request,
                wall,
                join,
            } => self.on_admit(request, wall, &join, out),
            Input::Reachable {
                peer,
                addresses,
                keep,
            } => {
                self.book.learn(self.now, peer, &addresses, keep);
            }
            Input::Connected { peer, link } => self.on_connected(peer, link, out),
            Input::DialFailed { peer } => self.on_dial_failed(peer, out),
            Input::Crowded => self.on_crowded(out),
            Input::Left { peer } => self.with_peer(peer, |peer| peer.hung_up = Some(Why::Enough)),
            Input::Disconnected { peer } => self.on_disconnected(peer, out),
            Input::Received { peer, message } => self.on_message(peer, message, out),
            Input::Faulted { peer, fault } => self.on_fault(peer, fault, out),
            Input::Measured { peer, rtt } => self.with_peer(peer, |peer| peer.link.rtt = rtt),
            Input::Overflowed { peer } => self.with_peer(peer, |peer| peer.is_overflowed = true),
            Input::Drained { peer } => self.on_drained(peer),
            Input::Stored { .. } | Input::Wakeup => {}
            Input::Streamed { peer, session } => {
                self.session_step(peer, On::Streamed, out, |session_of, now, dag| {
                    session_of.on_streamed(now, dag, session)
                });
            }
            Input::StreamFailed { peer, session } => self.on_stream_failed(peer, session, out),
            Input::Damaged { at } => self.on_damaged(at, out),
            Input::Repaired { at } => {
                self.damaged.remove(&at);
            }
        }
        if is_wakeup {
            self.walk(out);
        }
        self.settle(out);
        self.note_phase(before, out);
    }

    /// Does what is due, whatever the input was.
    fn settle(&mut self, out: &mut Effects) {
        self.settle_sessions(out);
        self.settle_wanted(out);
        self.tell_heads(out);
        self.settle_links(out);
        if let Some(book) = self.book.take_changed() {
            out.now(Effect::Remember(book));
        }
    }

    fn note_phase(&self, before: Phase, out: &mut Effects) {
        let after = self.phase();
        let on = match (before, after) {
            (Phase::Joining, Phase::CatchingUp | Phase::Live) => On::OwnAdmission,
            (Phase::CatchingUp, Phase::Live | Phase::Joining) => On::BulkEnds,
            (Phase::Live | Phase::Joining, Phase::CatchingUp | Phase::Joining) => On::BulkBegins,
            (Phase::CatchingUp, Phase::CatchingUp) | (Phase::Live, Phase::Live) => return,
        };
        if before != after {
            out.walk(Step {
                from: before.place(),
                on,
                to: after.place(),
                does: DoesSet::default(),
            });
        }
    }

    /// When the next `Input::Wakeup` is due; it may come late or for nothing.
    pub fn next_wakeup(&self) -> Option<Time> {
        let graft = self
            .pending
            .oldest()
            .filter(|(machine, _)| self.peers.get(machine).is_some_and(Peer::may_be_triggered))
            .map(|(_, since)| since + GRAFT)
            .min();
        let wanted = self.wanted.next_deadline();
        let room = self
            .has_room_to_dial()
            .then(|| self.book.next_due())
            .flatten();
        let slot = self.slot.as_ref().map(Slot::deadline);
        let peers = self
            .peers
            .values()
            .filter_map(|peer| self.peer_deadline(peer))
            .min();
        let compare = (!self.peers.is_empty()).then_some(self.compare_at);
        [
            graft,
            wanted,
            room,
            slot,
            peers,
            compare,
            self.visit_deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// The held events.
    pub fn dag(&self) -> &Dag {
        &self.dag
    }

    /// This machine's key.
    pub fn machine(&self) -> MachineId {
        self.own
    }

    /// Phase of the whole machine.
    pub fn phase(&self) -> Phase {
        if !self.dag.is_member(self.own) {
            Phase::Joining
        } else if self.progress().is_some() {
            Phase::CatchingUp
        } else {
            Phase::Live
        }
    }

    /// Number of pending events.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Held events whose bytes on disk are damaged and not written again yet.
    pub fn damaged(&self) -> &BTreeSet<Arrival> {
        &self.damaged
    }

    /// Faults of peers by name, since the start.
    pub fn faults(&self) -> &BTreeMap<&'static str, u64> {
        &self.faults
    }

    /// While bulk comes in: events held now, and as many as the peer said it holds.
    pub fn progress(&self) -> Option<(u32, u32)> {
        let slot = self.slot.as_ref()?;
        let session = &self.peers.get(&slot.peer)?.session;
        let held = self.dag.len();
        (session.received() > 0).then_some(())?;
        Some((held, session.peer_count()?.max(held)))
    }

    fn with_peer(&mut self, peer: MachineId, change: impl FnOnce(&mut Peer)) {
        if let Some(peer) = self.peers.get_mut(&peer) {
            change(peer);
        }
    }
}
