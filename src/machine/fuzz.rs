//! Fuzz target: a machine under arbitrary inputs.
//!
//! A plain function. Its bytes are a program: what happens to one machine among some peers, in which order, with which times. Frames
//! stand in it as bytes, so whatever decodes reaches the machine as it would from the network; events with good signatures
//! are named by number, since nobody finds those by chance.
//!
//! After each input it is checked that what the machine keeps is bounded, that positions are without gaps, and that it does not wake
//! for ever without time going on; at the end the DAG checks itself.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod world;

use std::time::Duration;

pub use crate::machine::fuzz::world::programs;

use crate::event::index::Arrival;
use crate::event::key::{MachineId, Signature};
use crate::limits::{
    BOOK_MACHINES_MAX, PEERS_CHOSEN_MIN, PEERS_WANTED, PENDING_EVENTS_MAX, TAKE_BYTES_MAX,
    WANTED_EVENTS_MAX,
};
use crate::machine::effect::{Effect, Effects};
use crate::machine::fuzz::world::{PEERS, World, wall, world};
use crate::machine::input::{Input, JoinRequest, Link, RequestId};
use crate::machine::{Config, Machine};
use crate::sync::message::SessionId;
use crate::sync::outflow::Asking;
use crate::time::Time;
use crate::wire::fault::Fault;
use crate::wire::{Message, codec};

/// Inputs of one program; the rest of the bytes is not looked at.
const INPUTS_MAX: usize = 400;
/// Wakeups in a row at one time: one for each peer's walk, and some.
const WAKEUPS_MAX: usize = 8 * PEERS;
/// Effects of one input: all that waits may be released, and each of it sent to each peer.
const EFFECTS_MAX: usize = (PEERS + 4) * (PEERS * PENDING_EVENTS_MAX + 64);

/// What a program came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// Frames in it.
    pub frames: u64,
    /// Those that decoded and reached the machine, while their sender was connected.
    pub taken: u64,
    /// Frames that stand in no program that is not mutated.
    pub changed: u64,
    /// Those of them that were taken.
    pub changed_taken: u64,
    /// Most events that waited for a dependency.
    pub pending: usize,
    /// Most events that were asked for.
    pub wanted: usize,
    /// Most machines in the address book.
    pub book: usize,
    /// Events held at the end.
    pub held: u32,
}

/// First byte of a step.
pub(crate) mod op {
    pub(crate) const CONNECT: u8 = 0;
    pub(crate) const DISCONNECT: u8 = 1;
    /// Two bytes of length, a frame.
    pub(crate) const FRAME: u8 = 2;
    /// A number, and as many bytes, each an event.
    pub(crate) const PUSH: u8 = 3;
    pub(crate) const GIVEN: u8 = 4;
    /// A session, then as before.
    pub(crate) const BULK: u8 = 5;
    /// Two bytes: milliseconds.
    pub(crate) const WAIT: u8 = 6;
    pub(crate) const CREATE: u8 = 7;
    pub(crate) const STREAMED: u8 = 8;
    pub(crate) const STREAM_FAILED: u8 = 9;
    pub(crate) const OVERFLOWED: u8 = 10;
    pub(crate) const DRAINED: u8 = 11;
    pub(crate) const DIAL_FAILED: u8 = 12;
    pub(crate) const FAULTED: u8 = 13;
    pub(crate) const REACHABLE: u8 = 14;
    pub(crate) const ADMIT: u8 = 15;
    pub(crate) const STORED: u8 = 16;
    /// A position.
    pub(crate) const DAMAGED: u8 = 17;
    pub(crate) const REPAIRED: u8 = 18;
    /// How many there are, a wakeup for nothing among them.
    pub(crate) const COUNT: u8 = 20;
}

/// Runs a program.
///
/// # Panics
/// When the machine panics, keeps more than its bounds, or contradicts itself. That is a bug.
pub fn run(program: &[u8]) -> Reached {
    let world = world();
    let mut run = Run::new(world);
    let mut bytes = Bytes(program);
    for _ in 0..INPUTS_MAX {
        let Some(step) = bytes.next() else { break };
        let peer = world.peers[usize::from(bytes.or_zero()) % PEERS];
        run.step(step % op::COUNT, peer, &mut bytes);
    }
    let checked = run.machine.dag().check();
    assert!(checked.is_ok(), "{checked:?}");
    run.reached.held = run.machine.dag().len();
    run.reached
}

/// A program that is being read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn or_zero(&mut self) -> u8 {
        self.next().unwrap_or(0)
    }

    fn two(&mut self) -> u16 {
        u16::from_be_bytes([self.or_zero(), self.or_zero()])
    }

    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

/// A machine and what its driver would know.
struct Run {
    world: &'static World,
    machine: Machine,
    now: Time,
    out: Effects,
    requests: u64,
    reached: Reached,
}

impl Run {
    fn new(world: &'static World) -> Self {
        let config = Config {
            key: world.own.clone(),
            addresses: vec![([127, 0, 0, 1], 9).into()],
            take_bytes: TAKE_BYTES_MAX,
            asking: Asking {
                above_bytes: 300,
                ids: 3,
            },
            seq_after: 0,
        };
        Self {
            world,
            machine: Machine::open(world.index.clone(), config, 1),
            now: Time(1),
            out: Effects::default(),
            requests: 0,
            reached: Reached::default(),
        }
    }

    fn step(&mut self, step: u8, peer: MachineId, bytes: &mut Bytes<'_>) {
        let input = match step {
            op::CONNECT => return self.connect(peer),
            op::DISCONNECT => Input::Disconnected { peer },
            op::FRAME => return self.frame(peer, bytes),
            op::PUSH | op::GIVEN | op::BULK => return self.events(step, peer, bytes),
            op::WAIT => return self.wait(Duration::from_millis(bytes.two().into())),
            op::CREATE => Input::Create {
                request: self.number(),
                wall: wall(),
                properties: vec![crate::event::canon::Properties::from_text("own")],
            },
            op::STREAMED => Input::Streamed {
                peer,
                session: SessionId(bytes.or_zero().into()),
            },
            op::STREAM_FAILED => Input::StreamFailed {
                peer,
                session: SessionId(bytes.or_zero().into()),
            },
            op::OVERFLOWED => Input::Overflowed { peer },
            op::DRAINED => Input::Drained { peer },
            op::DIAL_FAILED => Input::DialFailed { peer },
            op::FAULTED => Input::Faulted {
                peer,
                fault: Fault::Malformed,
            },
            op::REACHABLE => Input::Reachable {
                peer,
                addresses: vec![([127, 0, 0, 1], bytes.two()).into()],
                keep: bytes.or_zero() % 2 == 1,
            },
            op::ADMIT => self.admission(peer, bytes),
            op::STORED => Input::Stored {
                up_to: Arrival(self.machine.dag().len()),
            },
            op::DAMAGED => Input::Damaged {
                at: Arrival(bytes.or_zero().into()),
            },
            op::REPAIRED => Input::Repaired {
                at: Arrival(bytes.or_zero().into()),
            },
            _ => Input::Wakeup,
        };
        self.handle(input);
    }

    /// The driver tells the end of a connection before it tells of another one.
    fn connect(&mut self, peer: MachineId) {
        if self.machine.peers.contains_key(&peer) {
            self.handle(Input::Disconnected { peer });
        }
        let link = Link {
            rtt: Duration::from_millis(1),
            address: ([127, 0, 0, 1], 7).into(),
            dialled: false,
        };
        self.handle(Input::Connected { peer, link });
    }

    fn number(&mut self) -> RequestId {
        self.requests += 1;
        RequestId(self.requests)
    }

    /// A newcomer with an invite that may be held, and a signature that is not good.
    fn admission(&mut self, joiner: MachineId, bytes: &mut Bytes<'_>) -> Input {
        let events = &self.world.events;
        Input::Admit {
            request: self.number(),
            wall: wall(),
            join: JoinRequest {
                invite: events[usize::from(bytes.or_zero()) % events.len()].id(),
                joiner,
                name: "newcomer".to_owned(),
                exporter: [1; 32],
                signature: Signature([2; 64]),
            },
        }
    }

    /// A frame as from the network: a message, or a fault.
    fn frame(&mut self, peer: MachineId, bytes: &mut Bytes<'_>) {
        let length = bytes.two();
        let frame = bytes.take(length.into());
        let is_changed = !self.world.frames.contains(frame);
        self.reached.frames += 1;
        self.reached.changed += u64::from(is_changed);
        let checked = codec::decode(frame).and_then(|frame| frame.check(self.machine.dag.rules()));
        match checked {
            Ok(message) => {
                let is_taken = self.machine.peers.contains_key(&peer);
                self.reached.taken += u64::from(is_taken);
                self.reached.changed_taken += u64::from(is_taken && is_changed);
                self.handle(Input::Received { peer, message });
            }
            Err(fault) => self.handle(Input::Faulted { peer, fault }),
        }
    }

    /// Good events of the world.
    fn events(&mut self, step: u8, peer: MachineId, bytes: &mut Bytes<'_>) {
        let session = SessionId(if step == op::BULK {
            bytes.or_zero().into()
        } else {
            0
        });
        let count = bytes.or_zero();
        let all = &self.world.events;
        let events: Vec<_> = bytes
            .take(count.into())
            .iter()
            .map(|number| all[usize::from(*number) % all.len()].clone())
            .collect();
        if events.is_empty() {
            return;
        }
        let message = match step {
            op::PUSH => Message::Push(events),
            op::GIVEN => Message::Given {
                events,
                not_held: Vec::new(),
            },
            _ => Message::Bulk { session, events },
        };
        self.handle(Input::Received { peer, message });
    }

    /// Time goes on; whatever is due meanwhile wakes the machine.
    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        let mut at_once = 0;
        while let Some(due) = self.machine.next_wakeup().filter(|due| *due <= until) {
            at_once = if due > self.now { 0 } else { at_once + 1 };
            assert!(
                at_once <= WAKEUPS_MAX,
                "it wakes for ever at {:?}",
                self.now
            );
            self.now = self.now.max(due);
            self.handle(Input::Wakeup);
        }
        self.now = until;
    }

    fn handle(&mut self, input: Input) {
        let mut next = Arrival(self.machine.dag().len());
        self.machine.handle(self.now, input, &mut self.out);
        assert!(self.out.len() <= EFFECTS_MAX, "{} effects", self.out.len());
        for (_, effect) in self.out.drain() {
            match effect {
                Effect::Append(append) => {
                    assert_eq!(append.arrival, next, "positions are without gaps");
                    next = Arrival(next.0 + 1);
                }
                Effect::Send { message, .. } => assert!(
                    codec::decode(&codec::encode(&message)).is_ok(),
                    "what it sends is within bounds"
                ),
                Effect::Give { events, .. } => {
                    assert!(events.iter().all(|at| at.0 < self.machine.dag.len()));
                }
                Effect::Stream { events, .. } => {
                    assert!(events.iter().all(|(from, up_to)| from < up_to));
                    assert!(
                        events
                            .iter()
                            .all(|(_, up_to)| up_to.0 <= self.machine.dag.len())
                    );
                }
                Effect::Dial { addresses, .. } => assert!(!addresses.is_empty()),
                Effect::StopStream { .. }
                | Effect::Hangup { .. }
                | Effect::Answer { .. }
                | Effect::Remember(_)
                | Effect::Notify(_) => {}
            }
        }
        assert_eq!(
            next.0,
            self.machine.dag().len(),
            "all that is held is stored"
        );
        self.bounds();
    }

    fn bounds(&mut self) {
        let machine = &self.machine;
        let (pending, wanted) = (machine.pending.len(), machine.wanted.len());
        let book = machine.book.entries().count();
        assert!(pending <= PEERS * PENDING_EVENTS_MAX, "{pending} pending");
        assert!(wanted <= PEERS * WANTED_EVENTS_MAX, "{wanted} wanted");
        assert!(machine.peers.len() <= PEERS);
        assert!(book <= BOOK_MACHINES_MAX + PEERS, "{book} in the book");
        assert!(machine.book.busy() <= PEERS_WANTED + PEERS_CHOSEN_MIN + 1 + PEERS);
        let reached = &mut self.reached;
        reached.pending = reached.pending.max(pending);
        reached.wanted = reached.wanted.max(wanted);
        reached.book = reached.book.max(book);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_reach_the_machine_and_all_that_it_keeps() {
        let mut all = Reached::default();
        for program in programs() {
            let one = run(&program);
            all.frames += one.frames;
            all.taken += one.taken;
            all.changed += one.changed;
            all.pending = all.pending.max(one.pending);
            all.wanted = all.wanted.max(one.wanted);
            all.book = all.book.max(one.book);
            all.held = all.held.max(one.held);
        }
        assert_eq!(all.taken, all.frames, "what is not mutated is taken");
        assert_eq!(all.changed, 0, "nothing is mutated");
        assert!(all.pending > 0);
        assert!(all.wanted > 0);
        assert!(all.book > PEERS);
        assert!(all.held > 20, "{all:?}");
    }
}
