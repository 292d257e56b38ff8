//! The DAG: all held events with their parents, without bodies.
//!
//! Between `wire` and the store: the machine inserts checked events here and appends what is newly held.
//! Held = valid, every parent held, the author's admission held. Members are only ever added, so the held
//! set is the least fixpoint of what was received, whatever the order of arrival.
//!
//! Invariants:
//! - closed: the parents of a held event are held, and so is an admission of its author;
//! - `arrival` counts from 0 without gaps, dependencies first;
//! - a leaf is a held event without a held child; there is always at least one;
//! - height = 1 + the greatest height of a parent, R's is 0;
//! - a `next` is kept here exactly until the event that it tells of is held.
//!
//! Two events with one uuid (twins; a member forges them with 2^61 hashes) are one event here, the one that came
//! first. The other one is told apart by a part of its digest and never held; where it never comes, it shows in that the digests
//! of two DAGs differ while each holds all heads of the other.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod authors;
mod bits;
pub mod check;
mod columns;
pub mod members;
pub mod order;
pub mod parents;
pub mod pending;
pub mod prefix;
#[cfg(test)]
pub(crate) mod support;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use sha2::{Digest, Sha256};

use crate::dag::authors::Authors;
use crate::dag::bits::Bits;
use crate::dag::columns::Columns;
use crate::dag::members::Members;
use crate::dag::prefix::Prefix;
use crate::event::control::{Control, Root, Rules};
use crate::event::id::{Commitment, DagDigest, DigestRest, DigestSum, EventId};
use crate::event::index::{Append, Arrival, Author, Index, Row};
use crate::event::key::MachineId;
use crate::event::{Event, Raw};
use crate::mutant::{self, Mutant};

/// All held events. See the module's invariants.
///
/// A clone shares what does not change any more: R and all full chunks of rows.
#[derive(Clone, Debug)]
pub struct Dag {
    root: Arc<Root>,
    columns: Columns,
    leaf_bits: Bits,
    leaves: BTreeMap<EventId, Arrival>,
    authors: Authors,
    members: Members,
    /// By held event: the `next` of those whose following event is not held.
    open_nexts: BTreeMap<Arrival, Commitment>,
    sum: DigestSum,
    /// Of the set held now, once it was asked for.
    digest: OnceLock<DagDigest>,
}

/// What became of an event that was offered to the DAG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It is held now; this is to be stored.
    New(Append),
    /// It was held before, at this position.
    Held(Arrival),
    /// Another event of this uuid is held, at this position: twins. Nothing was changed.
    Twin(Arrival),
    /// It lacks dependencies; nothing was changed.
    Missing(Missing),
    /// It is unsigned and its parent does not vouch for it: never to be held. Nothing was changed.
    Unvouched,
    /// It has no parents and is not R: a root of another network, never to be held. Nothing was changed.
    ForeignRoot,
}

/// The dependencies that an event lacks; at least one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// Parents that are not held, sorted.
    pub parents: Vec<EventId>,
    /// The author, when no admission of it is held.
    pub admission: Option<MachineId>,
}

impl Dag {
    /// Opens the DAG of a store. Cost: one pass over the rows.
    ///
    /// # Panics
    /// When the index breaks the invariants (a store that passed its own checks does not).
    pub fn open(index: Index) -> Self {
        let Index {
            root,
            rows,
            authors,
            controls,
            sum,
        } = index;
        let Control::Root(meaning) = root.control() else {
            panic!("the first event of a store is R")
        };
        let mut dag = Self {
            members: Members::of_root(root.raw().machine, &meaning.name),
            root: Arc::new(meaning.clone()),
            columns: Columns::with_capacity(rows.len()),
            leaf_bits: Bits::with_len(
                u32::try_from(rows.len()).expect("a network has fewer than 2^32 events"),
            ),
            leaves: BTreeMap::new(),
            authors: Authors::default(),
            open_nexts: BTreeMap::new(),
            sum,
            digest: OnceLock::new(),
        };
        assert!(
            rows.first().is_some_and(|row| row.id == root.id()),
            "the first row is R's"
        );
        let mut controls = controls.into_iter().peekable();
        for row in rows {
            let key = *authors
                .get(row.author.0 as usize)
                .expect("each author's number has a key");
            let at = dag.restore(&row, key);
            if let Some((_, bytes)) = controls.next_if(|(of, _)| *of == at) {
                dag.apply(&Control::parse(&bytes, row.parents.is_empty()), at);
            }
        }
        assert!(
            controls.next().is_none(),
            "control parts are sorted, and of held events"
        );
        assert_eq!(
            dag.authors.len(),
            authors.len(),
            "each author wrote something"
        );
        let leaves = dag.leaf_bits.ones();
        dag.leaves = leaves.map(|at| (dag.columns.id(at), at)).collect();
        dag
    }

    /// Adds `event`, `length` bytes long on the wire, if all that it depends on is held. It is held from here on,
    /// whether or not it is durable. Does not look at pending events.
    ///
    /// Cost: O(parents).
    ///
    /// # Panics
    /// At 2^32 - 1 events.
    pub fn insert(&mut self, event: &Event, length: u32) -> Inserted {
        let (id, raw) = (event.id(), event.raw());
        let rest = event.digest().rest();
        if let Some(at) = self.find(id) {
            let is_it = self.rest(at) == rest;
            return if is_it {
                Inserted::Held(at)
            } else {
                Inserted::Twin(at)
            };
        }
        if raw.parents.is_empty() {
            return Inserted::ForeignRoot;
        }
        let parents = match self.dependencies(event) {
            Ok(parents) => parents,
            Err(missing) => return Inserted::Missing(missing),
        };
        if event
            .commitment()
            .is_some_and(|told| !self.vouches(&parents, event, told))
            && !mutant::is(Mutant::UnsignedTaken)
        {
            return Inserted::Unvouched;
        }
        let height = u32::from(!mutant::is(Mutant::HeightOfParent))
            + parents
                .iter()
                .map(|at| self.height(*at))
                .max()
                .expect("there is a parent");
        let (author, new_author) = match self.authors.number(raw.machine) {
            Some(author) => (author, None),
            None => (self.authors.next_number(), Some(raw.machine)),
        };
        let (seq, signed, next) = (raw.seq, raw.proof.is_signed(), raw.proof.next());
        let row = Row {
            id,
            height,
            author,
            seq,
            length,
            rest,
            parents,
            signed,
            next,
        };
        for parent in &row.parents {
            if self.leaf_bits.contains(*parent) && !mutant::is(Mutant::StaleLeaf) {
                self.leaves.remove(&self.columns.id(*parent));
            }
        }
        let arrival = self.hold(&row, raw.machine);
        self.leaves.insert(id, arrival);
        self.apply(event.control(), arrival);
        self.sum.add(event.digest());
        Inserted::New(Append {
            arrival,
            row,
            event: event.clone(),
            new_author,
        })
    }

    /// R's name.
    pub fn root(&self) -> EventId {
        self.id(Arrival(0))
    }

    /// The network's rules, from R.
    pub fn rules(&self) -> &Rules {
        &self.root.rules
    }

    /// The network's name, from R.
    pub fn network(&self) -> &str {
        &self.root.network
    }

    /// Number of held events, R included; at least 1. Arrivals are `0..len`.
    #[expect(clippy::len_without_is_empty, reason = "R is always held")]
    pub fn len(&self) -> u32 {
        self.columns.len()
    }

    /// Digest of the held set: SHA-256 over "fedag digest v1", the count (8 bytes, big-endian), the sorted leaves
    /// (16 bytes each) and the digest sum (32 bytes). Cached; after a change the cost is O(leaves).
    pub fn digest(&self) -> DagDigest {
        *self.digest.get_or_init(|| self.compute_digest())
    }

    /// The leaves, sorted by id.
    pub fn leaves(&self) -> impl ExactSizeIterator<Item = EventId> + '_ {
        self.leaves.keys().copied()
    }

    /// Their positions, in the same order.
    pub fn leaf_positions(&self) -> impl ExactSizeIterator<Item = Arrival> + '_ {
        self.leaves.values().copied()
    }

    /// Returns whether the event is a leaf.
    pub fn is_leaf(&self, at: Arrival) -> bool {
        self.leaf_bits.contains(at)
    }

    /// The position of a held event. Cost: O(1).
    pub fn find(&self, id: EventId) -> Option<Arrival> {
        self.columns.find(id)
    }

    /// Returns whether the event is held.
    pub fn holds(&self, id: EventId) -> bool {
        self.find(id).is_some()
    }

    /// The event's name.
    ///
    /// # Panics
    /// This and the six below: when nothing is held at `at`.
    pub fn id(&self, at: Arrival) -> EventId {
        self.columns.id(at)
    }

    /// Its height.
    pub fn height(&self, at: Arrival) -> u32 {
        self.columns.height(at)
    }

    /// The number of its author.
    pub fn author(&self, at: Arrival) -> Author {
        self.columns.author(at)
    }

    /// Its author's counter.
    pub fn seq(&self, at: Arrival) -> u64 {
        self.columns.seq(at)
    }

    /// Its bytes on the wire.
    pub fn length(&self, at: Arrival) -> u32 {
        self.columns.length(at)
    }

    /// Bytes on the wire of the longest event. Cost: O(1).
    pub fn longest(&self) -> u32 {
        self.columns.longest()
    }

    /// What tells it from another event of its name.
    pub fn rest(&self, at: Arrival) -> DigestRest {
        self.columns.rest(at)
    }

    /// Its parents' positions, in the order of their ids.
    pub fn parents(&self, at: Arrival) -> &[Arrival] {
        self.columns.parents(at)
    }

    /// Its children's positions, ascending. Cost: a scan of all later events; none for a leaf.
    pub fn children(&self, at: Arrival) -> Vec<Arrival> {
        if self.is_leaf(at) {
            return Vec::new();
        }
        let later = (at.0 + 1..self.len()).map(Arrival);
        later
            .filter(|child| self.parents(*child).contains(&at))
            .collect()
    }

    /// The key of an author.
    ///
    /// # Panics
    /// When no held event's author has this number.
    pub fn author_key(&self, author: Author) -> MachineId {
        self.authors.row(author).key
    }

    /// Last event of `machine` that is held: greatest `seq`, of equal ones the smallest id. None: it wrote nothing held.
    pub fn last_of(&self, machine: MachineId) -> Option<Arrival> {
        self.authors.by_key(machine).map(|row| row.last)
    }

    /// Returns whether the key of `machine` is used twice: an event of it arrived whose `seq` was not above all those
    /// held before.
    ///
    /// Two held events with one `seq` always show so, and nothing that one honest machine writes does: each of its events
    /// has the one before among its ancestors. A liar's gaps, filled later, may show here on one machine and not on another.
    pub fn is_forked(&self, machine: MachineId) -> bool {
        self.authors.by_key(machine).is_some_and(|row| row.forked)
    }

    /// The distinct held ids whose text (8-4-4-4-12, lower case) begins with `prefix`; at most `max`. Cost: a scan.
    pub fn find_prefix(&self, prefix: &str, max: usize) -> Vec<Arrival> {
        let Some(prefix) = Prefix::parse(prefix) else {
            return Vec::new();
        };
        let fitting = self.columns.ids().filter(|(_, id)| prefix.fits(*id));
        fitting.map(|(at, _)| at).take(max).collect()
    }

    /// Bytes of memory that the DAG takes, about; what it shares with clones included.
    pub fn memory_bytes(&self) -> usize {
        // A tree's nodes are between half full and full.
        let of_nexts = self.open_nexts.len() * 2 * size_of::<(Arrival, Commitment)>();
        let of_leaves = self.leaves.len() * 2 * size_of::<(EventId, Arrival)>();
        size_of::<Self>()
            + self.columns.memory_bytes()
            + self.leaf_bits.memory_bytes()
            + self.authors.memory_bytes()
            + self.members.memory_bytes()
            + of_nexts
            + of_leaves
    }

    /// The parents' positions, or what the event lacks.
    fn dependencies(&self, event: &Event) -> Result<Vec<Arrival>, Missing> {
        let raw = event.raw();
        let mut missing = Missing::default();
        if !self.is_member(raw.machine) && !mutant::is(Mutant::AdmissionIgnored) {
            missing.admission = Some(raw.machine);
        }
        let mut parents = Vec::with_capacity(raw.parents.len());
        for id in &raw.parents {
            match self.find(*id) {
                Some(at) => parents.push(at),
                None => missing.parents.push(*id),
            }
        }
        if mutant::is(Mutant::AdmissionBefore) && self.is_lower_than_admission(&parents, raw) {
            missing.admission = Some(raw.machine);
        }
        if missing.is_empty() {
            Ok(parents)
        } else {
            Err(missing)
        }
    }

    /// Whether no parent can have the author's admission among its ancestors; for `Mutant::AdmissionBefore`.
    fn is_lower_than_admission(&self, parents: &[Arrival], raw: &Raw) -> bool {
        self.member(raw.machine).is_some_and(|member| {
            let admitted = self.height(member.admission);
            parents.iter().all(|at| self.height(*at) < admitted)
        })
    }

    /// Returns whether the only one of `parents` is by the same author, one before `event`, and tells `commitment`.
    ///
    /// A commitment leaves out the parents, which here are known to be one, so it stands for exactly one event:
    /// a `next` that is closed would vouch only for the event that closed it.
    fn vouches(&self, parents: &[Arrival], event: &Event, commitment: Commitment) -> bool {
        let [parent] = *parents else { return false };
        let raw = event.raw();
        self.author_key(self.author(parent)) == raw.machine
            && self.seq(parent).checked_add(1) == Some(raw.seq)
            && self.open_nexts.get(&parent) == Some(&commitment)
    }

    /// Holds a row of the store again.
    fn restore(&mut self, row: &Row, key: MachineId) -> Arrival {
        let at = Arrival(self.len());
        assert_eq!(row.parents.is_empty(), at.0 == 0, "R alone has no parents");
        assert!(
            row.parents.iter().all(|parent| *parent < at),
            "parents come before their children"
        );
        let height = row
            .parents
            .iter()
            .map(|parent| self.height(*parent) + 1)
            .max();
        assert_eq!(
            row.height,
            height.unwrap_or(0),
            "heights are those of the parents and one"
        );
        let new = self.authors.next_number();
        assert!(
            row.author <= new,
            "authors are numbered in order of arrival"
        );
        if row.author == new {
            assert!(
                self.is_member(key),
                "an author is admitted before its first event"
            );
        }
        self.hold(row, key)
    }

    /// Adds a row to everything but the sorted leaves, members and the sum.
    fn hold(&mut self, row: &Row, key: MachineId) -> Arrival {
        let at = self.columns.push(row);
        for parent in &row.parents {
            self.leaf_bits.clear(*parent);
        }
        self.leaf_bits.set(at);
        if row.author == self.authors.next_number() {
            self.authors.add(key, at);
        } else {
            self.authors.wrote(&self.columns, at);
        }
        if !row.signed {
            let parent = row.parents.first().expect("an unsigned event has a parent");
            let closed = self.open_nexts.remove(parent);
            assert!(
                closed.is_some() || mutant::is(Mutant::UnsignedTaken),
                "an unsigned event's parent vouches for it"
            );
        }
        if let Some(next) = row.next {
            self.open_nexts.insert(at, next);
        }
        if !mutant::is(Mutant::StaleDigest) {
            self.digest.take();
        }
        at
    }

    fn compute_digest(&self) -> DagDigest {
        let mut hash = Sha256::new();
        hash.update(b"fedag digest v1");
        hash.update(u64::from(self.len()).to_be_bytes());
        for leaf in self.leaves.keys() {
            hash.update(leaf.0);
        }
        hash.update(self.sum.0);
        DagDigest(hash.finalize().into())
    }
}

impl Missing {
    /// Returns whether nothing is missing.
    pub fn is_empty(&self) -> bool {
        self.parents.is_empty() && self.admission.is_none()
    }
}
