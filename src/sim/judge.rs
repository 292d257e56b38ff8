//! Where a watched run is looked at: before, in and after each step.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::event::index::Append;
use crate::limits::{
    BOOK_MACHINES_MAX, PEERS_MAX, PENDING_EVENTS_MAX, SESSION_IDLE, WAKEUPS_SIMULATED_MAX,
    WANTED_EVENTS_MAX,
};
use crate::machine::Phase;
use crate::machine::effect::{Effects, Notice};
use crate::machine::flow::{On, Place};
use crate::machine::input::Input;
use crate::sim::Sim;
use crate::sim::counts::Rare;
use crate::sim::faults::Mode;
use crate::sim::links::Host;
use crate::sim::property::{Broken, Property};
use crate::sim::trace::{self, Kind};
use crate::sim::watch::Wrong;
use crate::wire::Message;

impl Sim {
    /// Notes the first thing that is wrong.
    pub(super) fn judge<T>(&mut self, host: Option<Host>, result: Result<T, Wrong>) -> Option<T> {
        match result {
            Ok(good) => Some(good),
            Err((property, what)) => {
                let at = self.now;
                self.broken.get_or_insert(Broken {
                    property,
                    host,
                    at,
                    what,
                });
                None
            }
        }
    }

    /// An input is about to be given. Returns the peer that it comes from.
    pub(super) fn before(&mut self, host: Host, input: &Input) -> Option<Host> {
        let from = if let Input::Received { peer, .. } = input {
            self.numbers.get(peer).copied()
        } else {
            None
        };
        let is_catching_up = self.hosts[host].machine.phase() == Phase::CatchingUp;
        let watched = self.watched.as_mut()?;
        watched.trace.input(self.now, host, input);
        if let Input::Received { message, .. } = input {
            let (kind, events) = trace::parts(message);
            watched.watch.received += events.len() as u64;
            for event in events {
                if !watched.watch.is_member(host, event.raw().machine) {
                    self.counts.note(Rare::AdmissionPending);
                }
            }
            if kind == Kind::Bulk {
                watched.bulk_at.insert(host, self.now);
            }
            match message {
                Message::Given { events, not_held } => {
                    self.counts.note_if(Rare::Pulled, !events.is_empty());
                    self.counts.note_if(Rare::NotHeld, !not_held.is_empty());
                }
                Message::Hello(hello) => {
                    let is_many = !hello.heads.is_complete();
                    self.counts.note_if(Rare::ManyHeads, is_many);
                    self.counts.note_if(Rare::CompareOnly, hello.take == 0);
                }
                Message::Offer(offer) => {
                    self.counts.note(Rare::Offered);
                    self.counts.note_if(Rare::OfferedOn, offer.number > 0);
                }
                Message::Lacks(lacks) => {
                    let is_all =
                        lacks.bits.iter().map(|bits| bits.count_ones()).sum::<u32>() as usize;
                    let has_none = is_all + 8 <= lacks.bits.len() * 8;
                    self.counts.note_if(Rare::OfferHeld, has_none);
                }
                Message::Changes(_) => self.counts.note(Rare::HeadsChanged),
                Message::End(_)
                | Message::Verdict(_)
                | Message::Heads(_)
                | Message::Push(_)
                | Message::Announce(_)
                | Message::Want(_)
                | Message::Bulk { .. }
                | Message::Addresses(_) => {}
            }
        }
        if matches!(input, Input::Create { .. }) {
            self.counts
                .note_if(Rare::WroteWhileCatchingUp, is_catching_up);
        }
        from
    }

    /// The machine took steps of the flow chart.
    pub(super) fn note_steps(&mut self, host: Host, effects: &Effects) {
        let Some(watched) = &self.watched else {
            self.steps.extend_from_slice(effects.steps());
            return;
        };
        for step in effects.steps() {
            let rare = match (step.from, step.on) {
                (Place::Comparing, On::Hello) => Rare::CrossedHellos,
                (_, On::Anew) => Rare::Anew,
                (_, On::Stalled) => {
                    let bulk_at = watched.bulk_at.get(&host);
                    let is_slow = bulk_at.is_some_and(|at| self.now < *at + SESSION_IDLE);
                    if is_slow {
                        Rare::SlotLost
                    } else {
                        Rare::Stalled
                    }
                }
                _ => continue,
            };
            self.counts.note(rare);
        }
    }

    /// An event is about to be appended.
    pub(super) fn on_append(&mut self, host: Host, from: Option<Host>, append: &Append) {
        let Some(watched) = &mut self.watched else {
            return;
        };
        let node = &self.hosts[host];
        let noted =
            watched
                .watch
                .on_append(self.now, (host, from), &node.machine, &node.log, append);
        if let Some(noted) = self.judge(Some(host), noted) {
            self.counts.note_if(Rare::AboveCap, noted.is_above_cap);
        }
    }

    /// A step is over.
    pub(super) fn after(&mut self, host: Host) {
        let Some(watched) = &mut self.watched else {
            return;
        };
        let machine = &self.hosts[host].machine;
        let leaves = watched.watch.after_step(host, machine);
        let pending = machine.pending();
        let peers = self.links.count_of(host).max(1);
        self.counts
            .note_if(Rare::PendingFull, pending >= PENDING_EVENTS_MAX);
        let bounded = within("pending events", pending, PENDING_EVENTS_MAX * (peers + 1));
        let honest = if machine.faults().is_empty() || self.setup.faults.mode == Mode::Unbounded {
            Ok(())
        } else {
            let faults = format!("{:?}", machine.faults());
            Err((Property::NoHonestFault, faults))
        };
        self.judge(Some(host), leaves.and(bounded).and(honest));
    }

    /// A machine tells its user interface.
    pub(super) fn on_notice(&mut self, host: Host, notice: &Notice) {
        match notice {
            Notice::Twins { peer } if self.watched.is_some() => {
                let twins = Err((Property::NoTwins, format!("with {peer}")));
                self.judge::<()>(Some(host), twins);
            }
            Notice::Twins { .. } | Notice::Held { .. } | Notice::Peers | Notice::Fault { .. } => {}
        }
    }

    /// A host is woken.
    pub(super) fn check_quiet(&mut self, host: Host) {
        let second = self.now.0 / 1_000_000;
        let node = &mut self.hosts[host];
        node.woken = if node.woken.0 == second {
            (second, node.woken.1 + 1)
        } else {
            (second, 1)
        };
        if self.watched.is_some() && node.woken.1 > WAKEUPS_SIMULATED_MAX {
            let what = format!("{} wakeups in one second", node.woken.1);
            self.judge::<()>(Some(host), Err((Property::Quiet, what)));
        }
    }

    /// What is too costly for each step: `Dag::check`, and all bounds. False: something is broken.
    pub(super) fn check_all(&mut self) -> bool {
        for host in 0..self.hosts.len() {
            let wrong = self.check_host(host);
            self.judge(Some(host), wrong);
        }
        self.broken.is_none()
    }

    fn check_host(&self, host: Host) -> Result<(), Wrong> {
        let machine = &self.hosts[host].machine;
        machine
            .dag()
            .check()
            .map_err(|what| (Property::DagCheck, what))?;
        let size = machine.size();
        within("peers", size.peers, PEERS_MAX)?;
        within("machines in the book", size.book, BOOK_MACHINES_MAX)?;
        within("wanted events", size.wanted, WANTED_EVENTS_MAX * PEERS_MAX)?;
        for number in 0..self.hosts.len() {
            let author = self.hosts[number].id();
            if machine.dag().is_forked(author) {
                let what = format!("machine {number} seems to use its key twice");
                return Err((Property::NoFork, what));
            }
        }
        Ok(())
    }
}

fn within(what: &str, is: usize, max: usize) -> Result<(), Wrong> {
    if is <= max {
        return Ok(());
    }
    Err((Property::Bounded, format!("{is} {what}, {max} are allowed")))
}
