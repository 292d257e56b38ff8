//! Watches a run from outside: what each machine says it holds is followed event by event, on its own books.
//!
//! Invariant: a shadow is written from the appends of its machine alone, never from the machine's DAG.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};

use crate::event::Event;
use crate::event::control::Control;
use crate::event::id::EventId;
use crate::event::index::Append;
use crate::event::key::MachineId;
use crate::machine::Machine;
use crate::machine::effect::Answer;
use crate::sim::links::Host;
use crate::sim::property::Property;
use crate::sync::message::Heads;
use crate::sync::stream::Ranges;
use crate::time::Time;
use crate::wire::Message;

/// Not held.
const NOWHERE: u32 = u32::MAX;

/// What is wrong: the property and words.
pub(super) type Wrong = (Property, String);

/// All books.
#[derive(Debug, Default)]
pub(super) struct Watch {
    numbers: BTreeMap<EventId, usize>,
    events: Vec<Seen>,
    shadows: Vec<Shadow>,
    /// Of new events, those at a host that was there when they were made: how long each took, at most.
    pub(super) slowest_us: u64,
    pub(super) hops_max: u8,
    /// Events that peers sent, and those of them that came to be held.
    pub(super) received: u64,
    pub(super) gained: u64,
}

/// One event, as the whole network knows it.
#[derive(Clone, Copy, Debug)]
struct Seen {
    id: EventId,
    made: Time,
    was_durable: bool,
    was_acknowledged: bool,
}

/// What one host holds, by its own appends.
#[derive(Clone, Debug, Default)]
struct Shadow {
    joined: Time,
    /// Position by event number.
    positions: Vec<u32>,
    /// How many links an event took to here, by position.
    hops: Vec<u8>,
    leaves: BTreeSet<EventId>,
    members: BTreeSet<MachineId>,
    /// Own last event and its counter.
    own_last: Option<(EventId, u64)>,
    has_grown: bool,
}

/// What an own event did that is worth counting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Noted {
    pub(super) is_own: bool,
    pub(super) is_above_cap: bool,
}

impl Watch {
    /// A new host, whose disk holds `log`.
    pub(super) fn add_host(&mut self, now: Time, own: MachineId, log: &[Append]) {
        self.shadows.push(Shadow {
            joined: now,
            ..Shadow::default()
        });
        let host = self.shadows.len() - 1;
        self.restore(now, host, own, log);
        self.on_durable(log);
    }

    /// A host starts again on what its disk holds.
    pub(super) fn restore(&mut self, now: Time, host: Host, own: MachineId, log: &[Append]) {
        let hops = std::mem::take(&mut self.shadows[host].hops);
        self.shadows[host] = Shadow {
            joined: self.shadows[host].joined,
            ..Shadow::default()
        };
        for (at, append) in log.iter().enumerate() {
            let hops = hops.get(at).copied().unwrap_or(0);
            self.take(now, host, own, append, hops);
        }
        self.shadows[host].has_grown = false;
    }

    /// Compares a machine that was just opened with what its disk holds.
    pub(super) fn on_open(&self, host: Host, machine: &Machine) -> Result<(), Wrong> {
        let (held, on_disk) = (machine.dag().len() as usize, self.shadows[host].hops.len());
        ensure(held == on_disk, Property::OpensAsClosed, || {
            format!("{held} events are held, {on_disk} are on the disk")
        })?;
        self.check_leaves(host, machine)
    }

    /// An event is appended at `host`, after those in `log`; `from`: the peer whose message led to it.
    pub(super) fn on_append(
        &mut self,
        now: Time,
        (host, from): (Host, Option<Host>),
        machine: &Machine,
        log: &[Append],
        append: &Append,
    ) -> Result<Noted, Wrong> {
        let own = machine.machine();
        self.check_closed(host, log, append)?;
        let highest = append
            .row
            .parents
            .iter()
            .map(|at| log[at.0 as usize].row.height + 1);
        let height = highest.max().unwrap_or(0);
        ensure(append.row.height == height, Property::Heights, || {
            format!(
                "{} has height {}, its parents say {height}",
                append.row.id, append.row.height
            )
        })?;
        let is_own = append.event.raw().machine == own;
        let mut noted = Noted {
            is_own,
            is_above_cap: false,
        };
        if is_own {
            let cap = machine.dag().rules().parents_max as usize;
            noted.is_above_cap = self.shadows[host].leaves.len() > cap;
            self.check_own(host, log, append, cap)?;
        }
        let hops = match from.filter(|_| !is_own) {
            None => 0,
            Some(from) => self.hops_at(from, append.row.id).saturating_add(1),
        };
        self.gained += u64::from(from.is_some() && !is_own);
        self.hops_max = self.hops_max.max(hops);
        let number = self.take(now, host, own, append, hops);
        let (made, joined) = (self.events[number].made, self.shadows[host].joined);
        if joined <= made {
            self.slowest_us = self.slowest_us.max(now.0 - made.0);
        }
        Ok(noted)
    }

    fn check_closed(&self, host: Host, log: &[Append], append: &Append) -> Result<(), Wrong> {
        let (row, raw, shadow) = (&append.row, append.event.raw(), &self.shadows[host]);
        let closed = |holds: bool, why: &str| {
            ensure(holds, Property::Closed, || format!("{}: {why}", row.id))
        };
        closed(
            append.arrival.0 as usize == log.len(),
            "positions have a gap",
        )?;
        closed(row.id == append.event.id(), "its row has another name")?;
        closed(!shadow.holds(self.number(row.id)), "it is held already")?;
        closed(
            row.parents.len() == raw.parents.len() && !row.parents.is_empty(),
            "its row has other parents",
        )?;
        for (at, id) in row.parents.iter().zip(&raw.parents) {
            let held = log.get(at.0 as usize).map(|parent| parent.row.id);
            closed(held == Some(*id), "a parent is not held")?;
        }
        closed(
            shadow.members.contains(&raw.machine),
            "no admission of its author is held",
        )
    }

    /// The rule for the parents of a new event, written a second time.
    fn check_own(
        &self,
        host: Host,
        log: &[Append],
        append: &Append,
        cap: usize,
    ) -> Result<(), Wrong> {
        let (shadow, raw) = (&self.shadows[host], append.event.raw());
        let seq = shadow.own_last.map_or(1, |(_, seq)| seq + 1);
        ensure(raw.seq == seq, Property::SeqRisesByOne, || {
            format!("{} has number {}, not {seq}", append.row.id, raw.seq)
        })?;
        if shadow.leaves.len() <= cap {
            let is_all = raw.parents.iter().eq(&shadow.leaves);
            return ensure(is_all, Property::ParentsAreLeaves, || {
                let (parents, leaves) = (raw.parents.len(), shadow.leaves.len());
                format!(
                    "{} has {parents} parents, not the {leaves} leaves",
                    append.row.id
                )
            });
        }
        let own_last = shadow.own_last.map(|(id, _)| id);
        let height = |id: &EventId| {
            let at = shadow.positions[self.numbers[id]];
            log[at as usize].row.height
        };
        let mut newest: Vec<_> = shadow
            .leaves
            .iter()
            .filter(|id| Some(**id) != own_last)
            .map(|id| (height(id), *id))
            .collect();
        newest.sort_unstable_by(|one, next| next.cmp(one));
        let has = |id: &EventId| raw.parents.contains(id);
        let half = (cap / 2).saturating_sub(own_last.iter().count());
        let holds = raw.parents.len() == cap
            && own_last.is_none_or(|id| has(&id))
            && newest[..half].iter().all(|(_, id)| has(id))
            && raw
                .parents
                .iter()
                .all(|id| Some(*id) == own_last || shadow.leaves.contains(id));
        ensure(holds, Property::ParentsAreLeaves, || {
            format!("{} has other parents than the rule names", append.row.id)
        })
    }

    /// After a step: the machine's leaves are those of its appends.
    pub(super) fn after_step(&mut self, host: Host, machine: &Machine) -> Result<(), Wrong> {
        if !std::mem::take(&mut self.shadows[host].has_grown) {
            return Ok(());
        }
        self.check_leaves(host, machine)
    }

    fn check_leaves(&self, host: Host, machine: &Machine) -> Result<(), Wrong> {
        let is_same = machine
            .dag()
            .leaves()
            .eq(self.shadows[host].leaves.iter().copied());
        ensure(is_same, Property::ExactLeaves, || {
            let told = machine.dag().leaves().len();
            format!(
                "{told} leaves are told, {} are",
                self.shadows[host].leaves.len()
            )
        })
    }

    /// These are on a disk now.
    pub(super) fn on_durable(&mut self, written: &[Append]) {
        for append in written {
            let number = self.numbers[&append.row.id];
            self.events[number].was_durable = true;
        }
    }

    /// A host answers a request; `durable`: how many of its events are on the disk.
    pub(super) fn on_answer(
        &mut self,
        host: Host,
        durable: usize,
        answer: &Answer,
    ) -> Result<(), Wrong> {
        let property = Property::DurableBeforeAcknowledged;
        match answer {
            Answer::Created(ids) => {
                ensure(!ids.is_empty(), property, || "nothing was made".into())?;
                ids.iter()
                    .try_for_each(|id| self.acknowledge(host, durable, *id))
            }
            Answer::Invited(id) => self.acknowledge(host, durable, *id),
            Answer::Admitted(chain) => {
                let holds = chain.iter().all(|at| (at.0 as usize) < durable);
                ensure(holds, property, || "a credential is not on the disk".into())
            }
        }
    }

    fn acknowledge(&mut self, host: Host, durable: usize, id: EventId) -> Result<(), Wrong> {
        let at = self.position(host, id);
        let holds = at.is_some_and(|at| at < durable);
        ensure(holds, Property::DurableBeforeAcknowledged, || {
            format!("{id} is acknowledged, and not on the disk")
        })?;
        let number = self.numbers[&id];
        self.events[number].was_acknowledged = true;
        Ok(())
    }

    /// A host sends a message; `durable`: how many of its events are on the disk.
    pub(super) fn on_told(
        &self,
        host: Host,
        own: MachineId,
        durable: usize,
        message: &Message,
    ) -> Result<(), Wrong> {
        match message {
            Message::Hello(hello) => {
                self.told_heads(host, durable, &hello.heads)?;
                self.told_all(host, durable, &hello.head_parents)?;
                self.told_all(host, durable, &hello.locator)
            }
            Message::End(end) => self.told_heads(host, durable, &end.heads),
            Message::Heads(heads) => self.told_heads(host, durable, heads),
            Message::Announce(announced) => announced
                .iter()
                .try_for_each(|one| self.told(host, durable, one.id)),
            Message::Push(events) => {
                let needs = |event: &Event| {
                    let is_own = event.raw().machine == own;
                    if is_own { durable } else { usize::MAX }
                };
                events
                    .iter()
                    .try_for_each(|event| self.told(host, needs(event), event.id()))
            }
            Message::Given { events, .. } | Message::Bulk { events, .. } => events
                .iter()
                .try_for_each(|event| self.told(host, durable, event.id())),
            Message::Offer(offer) => self.told_all(host, durable, &offer.ids),
            Message::Changes(changes) => {
                ensure(
                    changes.count as usize <= durable,
                    Property::DurableBeforeTold,
                    || {
                        format!(
                            "{} events are told, {durable} are on the disk",
                            changes.count
                        )
                    },
                )?;
                self.told_all(host, durable, &changes.added)
            }
            Message::Verdict(_) | Message::Lacks(_) | Message::Want(_) | Message::Addresses(_) => {
                Ok(())
            }
        }
    }

    fn told_heads(&self, host: Host, durable: usize, heads: &Heads) -> Result<(), Wrong> {
        ensure(
            heads.count as usize <= durable,
            Property::DurableBeforeTold,
            || format!("{} events are told, {durable} are on the disk", heads.count),
        )?;
        self.told_all(host, durable, &heads.ids)
    }

    fn told_all(&self, host: Host, durable: usize, ids: &[EventId]) -> Result<(), Wrong> {
        ids.iter().try_for_each(|id| self.told(host, durable, *id))
    }

    fn told(&self, host: Host, durable: usize, id: EventId) -> Result<(), Wrong> {
        let Some(at) = self.position(host, id) else {
            return Err((
                Property::HeldBeforeTold,
                format!("{id} is told, and not held"),
            ));
        };
        ensure(at < durable, Property::DurableBeforeTold, || {
            format!("{id} is told, and not on the disk")
        })
    }

    /// In the end: what a host holds is what was ever on a disk.
    pub(super) fn at_end(&self, host: Host) -> Result<(), Wrong> {
        let shadow = &self.shadows[host];
        for (number, event) in self.events.iter().enumerate() {
            let (id, holds) = (event.id, shadow.holds(Some(number)));
            ensure(
                holds || !event.was_acknowledged,
                Property::AcknowledgedIsKept,
                || format!("{id} was acknowledged, and is not held"),
            )?;
            ensure(holds == event.was_durable, Property::Union, || {
                let (was, is) = (event.was_durable, holds);
                format!("{id}: was on a disk {was}, is held {is}")
            })?;
        }
        Ok(())
    }

    /// Whether the author of an event is a member for `host`.
    pub(super) fn is_member(&self, host: Host, author: MachineId) -> bool {
        self.shadows[host].members.contains(&author)
    }

    fn take(&mut self, now: Time, host: Host, own: MachineId, append: &Append, hops: u8) -> usize {
        let (id, raw) = (append.row.id, append.event.raw());
        let number = *self.numbers.entry(id).or_insert_with(|| {
            self.events.push(Seen {
                id,
                made: now,
                was_durable: false,
                was_acknowledged: false,
            });
            self.events.len() - 1
        });
        let shadow = &mut self.shadows[host];
        if shadow.positions.len() <= number {
            shadow.positions.resize(number + 1, NOWHERE);
        }
        shadow.positions[number] = append.arrival.0;
        shadow.hops.truncate(append.arrival.0 as usize);
        shadow.hops.push(hops);
        for parent in &raw.parents {
            shadow.leaves.remove(parent);
        }
        shadow.leaves.insert(id);
        match append.event.control() {
            Control::Root(_) => drop(shadow.members.insert(raw.machine)),
            Control::Admit(admit) => drop(shadow.members.insert(admit.key)),
            Control::None | Control::Invite(_) => {}
        }
        if raw.machine == own {
            shadow.own_last = Some((id, raw.seq));
        }
        shadow.has_grown = true;
        number
    }

    fn hops_at(&self, host: Host, id: EventId) -> u8 {
        if let Some(at) = self.position(host, id) {
            return self.shadows[host].hops[at];
        }
        // It waited here, and came from another peer than the one that completed it.
        let all = 0..self.shadows.len();
        all.filter_map(|host| Some(self.shadows[host].hops[self.position(host, id)?]))
            .min()
            .unwrap_or(0)
    }

    fn number(&self, id: EventId) -> Option<usize> {
        self.numbers.get(&id).copied()
    }

    fn position(&self, host: Host, id: EventId) -> Option<usize> {
        let at = *self.shadows[host].positions.get(self.number(id)?)?;
        (at != NOWHERE).then_some(at as usize)
    }
}

impl Shadow {
    fn holds(&self, number: Option<usize>) -> bool {
        number
            .and_then(|number| self.positions.get(number))
            .is_some_and(|at| *at != NOWHERE)
    }
}

/// A host streams these positions; `durable`: how many of its events are on the disk.
pub(super) fn check_stream(durable: usize, ranges: &Ranges) -> Result<(), Wrong> {
    let holds = ranges
        .iter()
        .all(|(from, up_to)| from < up_to && up_to.0 as usize <= durable);
    ensure(holds, Property::DurableBeforeTold, || {
        format!("{ranges:?} is streamed, {durable} are on the disk")
    })
}

fn ensure(holds: bool, property: Property, what: impl FnOnce() -> String) -> Result<(), Wrong> {
    if holds {
        Ok(())
    } else {
        Err((property, what()))
    }
}

#[cfg(test)]
mod tests;
