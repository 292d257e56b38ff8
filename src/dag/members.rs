//! Who may write: R's author and every key that a held event admits; and which invites are open.
//!
//! Membership is in the DAG and only grows, so it converges with it. An admission counts whoever wrote it and wherever it
//! stands: its author is a member, since it is held.
//!
//! Invariants:
//! - a member's `first_admission` comes before its own first event, so following it ends at R's author;
//! - a key stands under an invite iff a held admission names both, whichever of the two came first.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};

use crate::dag::Dag;
use crate::event::control::{Admit, Control, Invite};
use crate::event::id::EventId;
use crate::event::index::Arrival;
use crate::event::key::MachineId;

/// A member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name: of several admissions, the one first in causal order (height, uuid), the same on every converged machine.
    pub name: String,
    /// That admission; R for R's author.
    pub admission: Arrival,
    /// The admission held first here, by which its events were accepted; it leads back to R by positions that
    /// only go down.
    pub first_admission: Arrival,
}

/// An invite and who came in by it, as far as is held here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenInvite {
    /// What the event says.
    pub invite: Invite,
    /// The distinct keys that admissions by members name with it.
    pub used_by: BTreeSet<MachineId>,
}

/// Members and invites of one DAG.
#[derive(Clone, Debug)]
pub(super) struct Members {
    by_key: BTreeMap<MachineId, Member>,
    invites: BTreeMap<EventId, OpenInvite>,
    /// By invites that are not held (or are none): the keys that admissions name with them.
    claims: BTreeMap<EventId, BTreeSet<MachineId>>,
}

impl Members {
    /// R's author alone.
    pub(super) fn of_root(author: MachineId, name: &str) -> Self {
        let (admission, first_admission) = (Arrival(0), Arrival(0));
        let member = Member {
            name: name.to_owned(),
            admission,
            first_admission,
        };
        Self {
            by_key: BTreeMap::from([(author, member)]),
            invites: BTreeMap::new(),
            claims: BTreeMap::new(),
        }
    }

    /// Bytes on the heap, about.
    pub(super) fn memory_bytes(&self) -> usize {
        // A tree's nodes are between half full and full.
        let keys = |set: &BTreeSet<MachineId>| set.len() * 2 * size_of::<MachineId>();
        let names = self
            .by_key
            .values()
            .map(|member| member.name.capacity())
            .sum::<usize>();
        let invited = self
            .invites
            .values()
            .map(|open| keys(&open.used_by))
            .sum::<usize>();
        let claimed = self.claims.values().map(keys).sum::<usize>();
        self.by_key.len() * 2 * size_of::<(MachineId, Member)>()
            + self.invites.len() * 2 * size_of::<(EventId, OpenInvite)>()
            + self.claims.len() * 2 * size_of::<(EventId, BTreeSet<MachineId>)>()
            + names
            + invited
            + claimed
    }

    fn open_invite(&mut self, id: EventId, invite: &Invite) {
        let used_by = self.claims.remove(&id).unwrap_or_default();
        self.invites.insert(
            id,
            OpenInvite {
                invite: invite.clone(),
                used_by,
            },
        );
    }

    fn claim(&mut self, admit: &Admit) {
        let used_by = match self.invites.get_mut(&admit.invite) {
            Some(open) => &mut open.used_by,
            None => self.claims.entry(admit.invite).or_default(),
        };
        used_by.insert(admit.key);
    }
}

impl Dag {
    /// Returns whether `machine` may write.
    pub fn is_member(&self, machine: MachineId) -> bool {
        self.member(machine).is_some()
    }

    /// The member of this key.
    pub fn member(&self, machine: MachineId) -> Option<&Member> {
        self.members.by_key.get(&machine)
    }

    /// All members, by key.
    pub fn members(&self) -> impl ExactSizeIterator<Item = (MachineId, &Member)> + '_ {
        self.members
            .by_key
            .iter()
            .map(|(key, member)| (*key, member))
    }

    /// A held invite.
    pub fn invite(&self, id: EventId) -> Option<&OpenInvite> {
        self.members.invites.get(&id)
    }

    /// The admissions that lead from R's author to `machine`, R's side first, R itself not among them; empty for R's
    /// author. None: no member. Follows `Member::first_admission`.
    #[expect(
        clippy::missing_panics_doc,
        reason = "authors of held events are members"
    )]
    pub fn credential(&self, machine: MachineId) -> Option<Vec<Arrival>> {
        let mut chain = Vec::new();
        let mut member = self.member(machine)?;
        while member.first_admission != Arrival(0) {
            chain.push(member.first_admission);
            let admitter = self.author_key(self.author(member.first_admission));
            member = self
                .member(admitter)
                .expect("the author of a held event is a member");
        }
        chain.reverse();
        Some(chain)
    }

    /// Does what the control part of the event held at `at` means.
    pub(super) fn apply(&mut self, control: &Control, at: Arrival) {
        match control {
            // R was read when the DAG was opened, and no other root is held.
            Control::None | Control::Root(_) => {}
            Control::Invite(invite) => self.members.open_invite(self.columns.id(at), invite),
            Control::Admit(admit) => {
                self.members.claim(admit);
                self.admit(admit, at);
            }
        }
    }

    fn admit(&mut self, admit: &Admit, at: Arrival) {
        let name = admit.name.clone();
        let Some(before) = self.member(admit.key) else {
            self.members.by_key.insert(
                admit.key,
                Member {
                    name,
                    admission: at,
                    first_admission: at,
                },
            );
            return;
        };
        if self.causal_key(at) < self.causal_key(before.admission) {
            let first_admission = before.first_admission;
            self.members.by_key.insert(
                admit.key,
                Member {
                    name,
                    admission: at,
                    first_admission,
                },
            );
        }
    }
}
