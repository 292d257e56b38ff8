//! What must hold in every run, by name.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt;

use crate::sim::links::Host;
use crate::time::Time;

/// A property of the network or of one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Property {
    /// Every event comes to be held after all its parents and an admission of its author, once, at the next position.
    Closed,
    /// The machine's leaves are exactly the held events without a held child.
    ExactLeaves,
    /// Each event's height is one more than its highest parent's.
    Heights,
    /// The parents of a new event are all leaves, or above R's bound those that the rule names.
    ParentsAreLeaves,
    /// The counter of own events rises by one.
    SeqRisesByOne,
    /// Whatever a machine tells a peer, it holds.
    HeldBeforeTold,
    /// Own events and heads are told only once they are on the disk.
    DurableBeforeTold,
    /// Requests are answered only once what they made is on the disk.
    DurableBeforeAcknowledged,
    /// What was acknowledged is in the DAG of every machine in the end.
    AcknowledgedIsKept,
    /// A machine opened from its disk holds what is on the disk.
    OpensAsClosed,
    /// `Dag::check`.
    DagCheck,
    /// No machine takes an honest one for a liar; under `Mode::Quic`.
    NoHonestFault,
    /// Nobody sees two events with one uuid.
    NoTwins,
    /// Nobody seems to use a key twice.
    NoFork,
    /// What a machine keeps stays within `limits`.
    Bounded,
    /// A machine that is up does not wake all the time.
    Quiet,
    /// After all faults are over, all machines come to hold the same set within bounded time.
    Converges,
    /// That set is all that was ever on a disk, and nothing else.
    Union,
    /// A while later every connected peer is shown as in step; under `Mode::Quic`.
    ShownInStep,
    /// The machine does not panic.
    NoPanic,
}

impl Property {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Closed,
        Self::ExactLeaves,
        Self::Heights,
        Self::ParentsAreLeaves,
        Self::SeqRisesByOne,
        Self::HeldBeforeTold,
        Self::DurableBeforeTold,
        Self::DurableBeforeAcknowledged,
        Self::AcknowledgedIsKept,
        Self::OpensAsClosed,
        Self::DagCheck,
        Self::NoHonestFault,
        Self::NoTwins,
        Self::NoFork,
        Self::Bounded,
        Self::Quiet,
        Self::Converges,
        Self::Union,
        Self::ShownInStep,
        Self::NoPanic,
    ];

    /// Its name, for good.
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::ExactLeaves => "exact_leaves",
            Self::Heights => "heights",
            Self::ParentsAreLeaves => "parents_are_leaves",
            Self::SeqRisesByOne => "seq_rises_by_one",
            Self::HeldBeforeTold => "held_before_told",
            Self::DurableBeforeTold => "durable_before_told",
            Self::DurableBeforeAcknowledged => "durable_before_acknowledged",
            Self::AcknowledgedIsKept => "acknowledged_is_kept",
            Self::OpensAsClosed => "opens_as_closed",
            Self::DagCheck => "dag_check",
            Self::NoHonestFault => "no_honest_fault",
            Self::NoTwins => "no_twins",
            Self::NoFork => "no_fork",
            Self::Bounded => "bounded",
            Self::Quiet => "quiet",
            Self::Converges => "converges",
            Self::Union => "union",
            Self::ShownInStep => "shown_in_step",
            Self::NoPanic => "no_panic",
        }
    }
}

/// A property that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which.
    pub property: Property,
    /// On which machine; none: of the network.
    pub host: Option<Host>,
    /// When, in virtual time.
    pub at: Time,
    /// How, in words.
    pub what: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.property.name())?;
        if let Some(host) = self.host {
            write!(f, ", machine {host}")?;
        }
        write!(f, ", after {} us: {}", self.at.0, self.what)
    }
}

impl std::error::Error for Broken {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let names: std::collections::BTreeSet<&str> = Property::ALL
            .iter()
            .map(|property| property.name())
            .collect();
        assert_eq!(names.len(), Property::ALL.len());
    }
}
