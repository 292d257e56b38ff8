//! Breakages on purpose: each must be caught by a test, or the tests prove nothing.
//!
//! For tests alone. Without the feature `mutants` nothing is ever broken, and a hook costs nothing; with it, which the project's
//! own tests have, one breakage may be active on a thread. A hook is one line at the place that decides.
//!
//! Source: `DeMillo`, Lipton and Sayward, "Hints on test data selection" (1978).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

macro_rules! mutants {
    ($($(#[$each:meta])* $variant:ident,)+) => {
        /// A breakage; each says what the machine does wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Mutant { $($(#[$each])* $variant),+ }
        impl Mutant {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
        }
    };
}

mutants!(
    /// Pushes its own events before they are durable.
    SendBeforeDurable,
    /// Tells heads before they are durable.
    HeadsBeforeDurable,
    /// Answers the user before the event is durable.
    AnswerBeforeDurable,
    /// Keeps a leaf that has a child.
    StaleLeaf,
    /// Takes one leaf only as parent.
    OneParent,
    /// Counts an event as high as its parents.
    HeightOfParent,
    /// Goes on telling the digest of an older set.
    StaleDigest,
    /// Above the cap leaves its own last event out of the parents.
    CapWithoutOwn,
    /// Holds events of authors whose admission is not held.
    AdmissionIgnored,
    /// Holds no event that its author's admission does not come before.
    AdmissionBefore,
    /// Holds unsigned events that their parent does not vouch for, as if a later one might.
    UnsignedTaken,
    /// Drops what lacks a dependency, and asks nobody for it.
    PendingForgotten,
    /// Says in a session that it holds all that the peer holds.
    VerdictLies,
    /// Answers an offer with what it holds instead of what it lacks.
    OfferInverted,
    /// Streams more than the peer gave credit for.
    CreditIgnored,
    /// Tells, after bulk, the sender's heads as its own.
    HeadsOfSender,
    /// Dials no more once a dial has failed.
    RedialGivenUp,
    /// Dials nobody while it has peers enough.
    VisitsGivenUp,
    /// Keeps every peer until there is no room for another.
    NobodySpared,
);

/// Returns whether this breakage is active.
#[cfg(not(feature = "mutants"))]
pub const fn is(_: Mutant) -> bool {
    false
}

#[cfg(feature = "mutants")]
pub use self::active::{is, set};

#[cfg(feature = "mutants")]
mod active {
    use std::cell::Cell;

    use crate::mutant::Mutant;

    thread_local! {
        static ACTIVE: Cell<Option<Mutant>> = const { Cell::new(None) };
    }

    /// Returns whether this breakage is active on this thread.
    pub fn is(mutant: Mutant) -> bool {
        ACTIVE.get() == Some(mutant)
    }

    /// Activates a breakage on this thread, or none.
    pub fn set(mutant: Option<Mutant>) {
        ACTIVE.set(mutant);
    }
}
