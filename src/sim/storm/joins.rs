//! Machines that come in while things go wrong: the invite of one member is shown to another, which may not hold it yet, crash
//! before it answers, or have lost its disk's last events.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::time::Duration;

use rand::RngExt;

use crate::event::id::EventId;
use crate::event::key::Key;
use crate::limits::TICKET_PEERS_MAX;
use crate::machine::effect::{Answer, Refused};
use crate::machine::input::RequestId;
use crate::sim::Sim;
use crate::sim::counts::Rare;
use crate::sim::links::Host;
use crate::sim::storm::Storm;

/// A machine that wants to come in.
#[derive(Debug)]
pub(super) struct Joiner {
    key: Key,
    secret: Key,
    stage: Stage,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// It has no ticket.
    Wanting,
    /// A member was asked for one.
    Inviting(Asked),
    Invited(EventId),
    /// It knocked at a member.
    Knocking(EventId, Asked),
}

/// A request to a host, in one of its lives.
#[derive(Clone, Copy, Debug)]
struct Asked {
    host: Host,
    life: u32,
    request: RequestId,
}

impl Joiner {
    pub(super) fn new(sim: &Sim, serial: usize) -> Self {
        Self {
            key: sim.key(2_000_000 + serial),
            secret: sim.key(3_000_000 + serial),
            stage: Stage::Wanting,
        }
    }

    /// Returns whether it waits for the answer to this request.
    pub(super) fn asked(&self, host: Host, request: RequestId) -> bool {
        match self.stage {
            Stage::Wanting | Stage::Invited(_) => false,
            Stage::Inviting(asked) | Stage::Knocking(_, asked) => {
                (asked.host, asked.request) == (host, request)
            }
        }
    }
}

impl Storm {
    /// Each joiner goes one step further, if it can.
    pub(super) fn join(&mut self) {
        let mut waiting = Vec::new();
        for mut joiner in std::mem::take(&mut self.joiners) {
            match self.next_stage(&joiner) {
                Some(stage) => {
                    joiner.stage = stage;
                    waiting.push(joiner);
                }
                None => self.come_in(joiner),
            }
        }
        self.joiners = waiting;
    }

    /// None: it is let in.
    fn next_stage(&mut self, joiner: &Joiner) -> Option<Stage> {
        let stage = match joiner.stage {
            Stage::Wanting => {
                let invitation = self.sim.invitation(&joiner.secret);
                self.ask_somebody(invitation)
                    .map_or(joiner.stage, Stage::Inviting)
            }
            Stage::Inviting(asked) => match self.answer_to(asked) {
                None if self.is_forgotten(asked) => Stage::Wanting,
                None => joiner.stage,
                Some(Ok(Answer::Invited(invite))) => Stage::Invited(invite),
                Some(_) => Stage::Wanting,
            },
            Stage::Invited(invite) => {
                let admission = self.sim.admission(&joiner.key, &joiner.secret, invite);
                let asked = self.ask_somebody(admission);
                if let Some(asked) = asked.filter(|_| self.asked < self.plan.events)
                    && self.rng.random_bool(self.plan.crash)
                {
                    self.sim.power_cut(asked.host, Duration::from_secs(1));
                }
                asked.map_or(joiner.stage, |asked| Stage::Knocking(invite, asked))
            }
            Stage::Knocking(invite, asked) => match self.answer_to(asked) {
                None if self.is_forgotten(asked) => {
                    self.sim.counts.note(Rare::AskedAgain);
                    Stage::Invited(invite)
                }
                None => joiner.stage,
                Some(Ok(_)) => return None,
                // Its ticket was used by another answer, which was lost, and this member has not heard of the admission.
                Some(Err(Refused::InviteExpired | Refused::InviteUsedUp)) => Stage::Wanting,
                Some(Err(refused)) => {
                    let is_unknown = refused == Refused::InviteUnknown;
                    self.sim.counts.note_if(Rare::InviteUnknown, is_unknown);
                    // An invite that was never told before a crash is gone for good.
                    if self.rng.random_bool(0.1) {
                        Stage::Wanting
                    } else {
                        Stage::Invited(invite)
                    }
                }
            },
        };
        Some(stage)
    }

    fn ask_somebody(&mut self, input: crate::machine::input::Input) -> Option<Asked> {
        let host = self.rng.random_range(0..self.sim.hosts());
        if !self.sim.host(host).is_up() {
            return None;
        }
        let life = self.sim.host(host).life();
        let request = self.sim.request(host, input);
        Some(Asked {
            host,
            life,
            request,
        })
    }

    fn answer_to(&mut self, asked: Asked) -> Option<Result<Answer, Refused>> {
        let answer = self.sim.hosts[asked.host].answers.remove(&asked.request);
        if answer == Some(Err(Refused::StillJoining)) {
            self.sim.counts.note(Rare::StillJoining);
        }
        answer
    }

    fn is_forgotten(&self, asked: Asked) -> bool {
        self.sim.host(asked.host).life() != asked.life
    }

    fn come_in(&mut self, joiner: Joiner) {
        self.sim.counts.note(Rare::JoinedLate);
        let via = self.rng.random_range(0..self.sim.hosts());
        let host = self.sim.come_in(joiner.key);
        self.introduce(host, via);
    }

    /// What a ticket of `via` says: its address, and those of some of its peers.
    pub(super) fn introduce(&mut self, newcomer: Host, via: Host) {
        let peers = self.sim.links.peers_of(via);
        self.sim.introduce(newcomer, via);
        for _ in 0..TICKET_PEERS_MAX.min(peers.len()) {
            let other = peers[self.rng.random_range(0..peers.len())];
            if other != newcomer {
                self.sim.introduce(newcomer, other);
            }
        }
    }
}
