//! Events: what machines create, sign, replicate and hold.
//!
//! `wire` decodes bytes into a [`Raw`]; only [`Raw::check`] and [`Draft::sign`] make an [`Event`], so past
//! that point nobody checks an event by itself again. Whether its dependencies are held, whether an
//! unsigned event's parent vouches for it, and whether an event without parents is this network's R, is
//! for `dag` to say.
//!
//! Invariants of an [`Event`]:
//! - canonical, within R's limits, its signature (if it has one) holds;
//! - its id and digest are those of its contents.
//!
//! Source: RFC 8785 (canonical JSON), RFC 9562 (`UUIDv8`), RFC 8032 and ZIP 215 (signatures).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod canon;
mod check;
mod contents;
pub mod control;
pub mod fuzz;
pub mod id;
pub mod index;
pub mod json;
pub mod key;
mod proof;
#[cfg(test)]
mod tests;
pub mod wall;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::event::canon::Properties;
use crate::event::contents::Contents;
use crate::event::control::{Control, Rules};
use crate::event::id::{Commitment, EventDigest, EventId};
use crate::event::key::{Key, MachineId, Signature};
use crate::event::proof::Claim;
use crate::event::wall::WallTime;
use crate::limits::{RUN_EVENTS_MAX, SEQ_MAX};

/// An event as it was received or read: plain contents, nothing checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    /// Ids of the parents; ascending and unique in a valid event, empty only in R.
    pub parents: Vec<EventId>,
    /// The author.
    pub machine: MachineId,
    /// The author's own counter, 1..=2^53-1.
    pub seq: u64,
    /// The author's clock, milliseconds since 1970.
    pub time_ms: u64,
    /// What proves the author.
    pub proof: Proof,
    /// Canonical JSON object of the further members of `fedag`; no bytes when there are none.
    pub control: Vec<u8>,
    /// Canonical JSON object of the user's members; `{}` when there are none.
    pub properties: Vec<u8>,
}

/// What proves an event's author.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Its own signature.
    Signed {
        /// Over the event without `uuid` and `sig`.
        sig: Signature,
    },
    /// Its own signature; it begins a run.
    Head {
        /// Over the event without `uuid` and `sig`, `next` included.
        sig: Signature,
        /// Commitment of the following event of the run.
        next: Commitment,
    },
    /// Its parent's `next`; the run goes on.
    Middle {
        /// Commitment of the following event of the run.
        next: Commitment,
    },
    /// Its parent's `next`; the run ends.
    Last,
}

impl Proof {
    /// Returns whether the event carries a signature of its own.
    pub fn is_signed(&self) -> bool {
        match self {
            Self::Signed { .. } | Self::Head { .. } => true,
            Self::Middle { .. } | Self::Last => false,
        }
    }

    /// Returns the commitment of the following event of the run, if the event tells one.
    pub fn next(&self) -> Option<Commitment> {
        match self {
            Self::Head { next, .. } | Self::Middle { next } => Some(*next),
            Self::Signed { .. } | Self::Last => None,
        }
    }
}

/// What is wrong with a [`Raw`]: the peer that sent it broke the rules, or the bytes are damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum Invalid {
    /// `seq` is 0 or above 2^53-1.
    #[error("its seq is out of range")]
    Seq,
    /// `time` is after the year 9999.
    #[error("its time is out of range")]
    Time,
    /// Parents are not ascending and unique.
    #[error("its parents are not sorted and unique")]
    Parents,
    /// More parents than R allows.
    #[error("it has more parents than this network allows")]
    TooManyParents,
    /// More bytes than R allows.
    #[error("it is larger than this network allows")]
    TooLarge,
    /// The properties are not the canonical form of a JSON object without reserved members.
    #[error("its properties are not canonical JSON")]
    Properties,
    /// The control part is not the canonical form of a non-empty JSON object without reserved members.
    #[error("its control part is not canonical JSON")]
    Control,
    /// The author's key is no point of the curve, or of small order.
    #[error("its author's key is not usable")]
    Key,
    /// The signature does not hold.
    #[error("its signature does not hold")]
    Signature,
    /// Unsigned, but a control event, R, or without exactly one parent: it can never be vouched for.
    #[error("it is unsigned and no parent can vouch for it")]
    Unsigned,
    /// It has no parents, and is no R: version, limits, names, or the beginning of a run.
    #[error("it is not a root of a version that this program knows")]
    Root,
}

/// An event of which everything is checked but the signature: enough to ask whether it is held already.
#[derive(Clone, Debug)]
pub struct Unproven {
    checked: Checked,
    /// Of signed events.
    claim: Option<Claim>,
}

/// Checks many events at once, as [`Raw::check`]; the answers in the order of the events.
///
/// Signatures are verified in batches; when a batch does not hold, in smaller ones and at last one at a
/// time, so that the set of accepted events never depends on the batch (ZIP 215).
#[expect(
    clippy::missing_panics_doc,
    reason = "there is an answer for each event that passed"
)]
pub fn check_all(raws: Vec<(Raw, usize)>, rules: &Rules) -> Vec<Result<Event, Invalid>> {
    let screened: Vec<_> = raws
        .into_iter()
        .map(|(raw, bytes)| raw.screen(rules, bytes))
        .collect();
    let refused: Vec<_> = screened
        .iter()
        .map(|one| one.as_ref().err().copied())
        .collect();
    let mut proven = prove_all(screened.into_iter().flatten().collect()).into_iter();
    let answer = |refused| match refused {
        Some(invalid) => Err(invalid),
        None => proven
            .next()
            .expect("there is one answer for each event that passed"),
    };
    refused.into_iter().map(answer).collect()
}

/// Checks what is left of many events at once, as [`Unproven::check`]; the answers in the order of the events.
#[expect(
    clippy::missing_panics_doc,
    reason = "there is an answer for each claim"
)]
pub fn prove_all(events: Vec<Unproven>) -> Vec<Result<Event, Invalid>> {
    let claims: Vec<_> = events
        .iter()
        .filter_map(|event| event.claim.as_ref())
        .collect();
    let mut holding = proof::holding(&claims).into_iter();
    let mut usable = BTreeMap::new();
    let judge = |event: Unproven| {
        let machine = event.checked.raw.machine;
        let holds =
            event.claim.is_none() || holding.next().expect("there is one answer for each claim");
        if event.claim.is_some() && holds {
            usable.insert(machine, true); // Only a point that is not of small order gets this far.
        }
        let is_usable = *usable.entry(machine).or_insert_with(|| machine.is_usable());
        event.judge(holds, is_usable)
    };
    events.into_iter().map(judge).collect()
}

/// A checked event. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event(Arc<Checked>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Checked {
    raw: Raw,
    digest: EventDigest,
    /// Only of unsigned events: what the parent's `next` must be.
    commitment: Option<Commitment>,
    control: Control,
}

impl Event {
    /// Checks an R, `bytes` long on the wire, by the rules that it states itself.
    ///
    /// # Errors
    /// The first rule that it breaks; `Invalid::Root` when it has parents.
    pub fn check_root(raw: Raw, bytes: usize) -> Result<Self, Invalid> {
        if raw.parents.is_empty() {
            raw.screen_root(bytes)?.check()
        } else {
            Err(Invalid::Root)
        }
    }

    /// Its name: the first 128 bits of its digest, with version and variant bits set.
    pub fn id(&self) -> EventId {
        self.0.digest.id()
    }

    /// SHA-256 of its canonical form.
    pub fn digest(&self) -> EventDigest {
        self.0.digest
    }

    /// Its plain contents.
    pub fn raw(&self) -> &Raw {
        &self.0.raw
    }

    /// For an unsigned event: what its parent's `next` must be. None: it is signed.
    pub fn commitment(&self) -> Option<Commitment> {
        self.0.commitment
    }

    /// What its control part means.
    pub fn control(&self) -> &Control {
        &self.0.control
    }

    /// The bytes that its digest is the SHA-256 of: JCS of the event without `uuid`.
    pub fn canonical(&self) -> Vec<u8> {
        Contents::of(&self.0.raw).into_bytes()
    }

    /// The bytes that its signature is over. None: it has none.
    pub fn signed_bytes(&self) -> Option<Vec<u8>> {
        self.0
            .raw
            .proof
            .is_signed()
            .then(|| Contents::of(&self.0.raw).signed_bytes())
    }

    /// The bytes that its commitment is the SHA-256 of. None: it is signed, and needs none.
    pub fn committed_bytes(&self) -> Option<Vec<u8>> {
        self.0
            .commitment
            .map(|_| Contents::of(&self.0.raw).committed_bytes())
    }

    /// Puts together an event whose proof is made here.
    fn make(raw: Raw, control: Control) -> Self {
        let contents = Contents::of(&raw);
        let digest = contents.digest();
        let commitment = (!raw.proof.is_signed()).then(|| contents.commitment());
        Self(Arc::new(Checked {
            raw,
            digest,
            commitment,
            control,
        }))
    }
}

/// An event to be made: everything but the proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Ids of the parents, in any order; empty only for R.
    pub parents: Vec<EventId>,
    /// The author's own counter, 1..=2^53-1.
    pub seq: u64,
    /// The author's clock.
    pub wall: WallTime,
    /// What it means to the network; [`Control::None`] for a user's event.
    pub control: Control,
    /// The user's members.
    pub properties: Properties,
}

impl Draft {
    /// Signs it by itself. Whether it is within the network's limits is for the caller to say.
    ///
    /// Cost: one signature and one hash beside it.
    ///
    /// # Panics
    /// When `seq` is out of range, when R has parents or another event has none, and when the control part would
    /// mean nothing: a name that is none, a key that is not usable, rules outside the program's limits.
    pub fn sign(self, key: &Key) -> Event {
        let is_root = self.parents.is_empty();
        let control = Control::parse(&self.control.to_bytes(), is_root);
        assert!(
            std::mem::discriminant(&control) == std::mem::discriminant(&self.control),
            "the control part says what is meant"
        );
        assert!(
            is_root == matches!(control, Control::Root(_)),
            "R and no other event has no parents"
        );
        let raw = unsigned(self, key.machine());
        Event::make(signed(raw, None, key), control)
    }
}

/// Signs `items` as one run (at most `limits::RUN_EVENTS_MAX`): the first with `parents` and a signature, each
/// further one with the one before as its only parent. One item makes a single signed event.
///
/// The author's counters go up from `seq`. Cost: one signature and two SHA-256 an event.
///
/// # Panics
/// When `items` is empty or too many, when `parents` is empty, or when a counter is out of range.
pub fn sign_run(
    parents: Vec<EventId>,
    seq: u64,
    items: Vec<(WallTime, Properties)>,
    key: &Key,
) -> Vec<Event> {
    assert!(
        (1..=RUN_EVENTS_MAX).contains(&items.len()),
        "a run has a bounded number of events"
    );
    assert!(!parents.is_empty(), "R begins no run");
    let mut parents = Some(parents);
    let mut raws: Vec<_> = (seq..)
        .zip(items)
        .map(|(seq, (wall, properties))| {
            let parents = parents.take().unwrap_or_default();
            unsigned(
                Draft {
                    parents,
                    seq,
                    wall,
                    control: Control::None,
                    properties,
                },
                key.machine(),
            )
        })
        .collect();
    // Last to first: each commitment covers the one after it, and no parents.
    let mut next = None;
    for raw in raws[1..].iter_mut().rev() {
        raw.proof = next.map_or(Proof::Last, |next| Proof::Middle { next });
        next = Some(Contents::of(raw).commitment());
    }
    // First to last: each id is a parent of the one after it.
    let mut events: Vec<Event> = Vec::with_capacity(raws.len());
    for mut raw in raws {
        match events.last() {
            None => raw = signed(raw, next, key),
            Some(before) => raw.parents = vec![before.id()],
        }
        events.push(Event::make(raw, Control::None));
    }
    events
}

/// The contents of a draft, its proof still to be made.
fn unsigned(draft: Draft, machine: MachineId) -> Raw {
    assert!(
        (1..=SEQ_MAX).contains(&draft.seq),
        "seq is a counter within 2^53"
    );
    let mut parents = draft.parents;
    parents.sort_unstable();
    parents.dedup();
    Raw {
        parents,
        machine,
        seq: draft.seq,
        time_ms: draft.wall.ms(),
        proof: Proof::Last,
        control: draft.control.to_bytes(),
        properties: draft.properties.into_bytes(),
    }
}

/// Signs `raw`, as the first of a run that goes on with `next` or by itself.
fn signed(mut raw: Raw, next: Option<Commitment>, key: &Key) -> Raw {
    raw.proof = next.map_or(Proof::Last, |next| Proof::Middle { next });
    let sig = key.sign(&Contents::of(&raw).signed_bytes());
    raw.proof = next.map_or(Proof::Signed { sig }, |next| Proof::Head { sig, next });
    raw
}
