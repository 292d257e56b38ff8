//! States that a run should reach now and then, counted: so that it shows when the generator does not reach one any more.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

macro_rules! rare {
    ($($(#[$each:meta])* $variant:ident = $name:literal,)+) => {
        /// A state that is rarely reached.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Rare { $($(#[$each])* $variant),+ }
        impl Rare {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
    };
}

rare! {
    /// An own event was made while more leaves stood than R allows as parents.
    AboveCap = "above_cap",
    /// Heads were told in part: more than `limits::HEADS_TOLD_MAX` leaves.
    ManyHeads = "many_heads",
    /// Heads were told as changes.
    HeadsChanged = "heads_changed",
    /// Candidates were offered before they were streamed.
    Offered = "offered",
    /// More than one batch of them.
    OfferedOn = "offered_on",
    /// Eight or more offered events were held already.
    OfferHeld = "offer_held",
    /// As many events waited on one machine as one peer may have there.
    PendingFull = "pending_full",
    /// An event came whose author was not a member yet.
    AdmissionPending = "admission_pending",
    /// An event that was announced was asked for and given.
    Pulled = "pulled",
    /// A WANT was answered with "not held".
    NotHeld = "not_held",
    /// A send queue ran over.
    Overflowed = "overflowed",
    /// It was empty again.
    Drained = "drained",
    /// A peer did not read at all: the connection was given up.
    Unread = "unread",
    /// Credit ended a stream.
    CreditEnded = "credit_ended",
    /// The next session went on behind it.
    Resumed = "resumed",
    /// Nothing was streamed for want of the bulk slot.
    CompareOnly = "compare_only",
    /// Two HELLOs crossed.
    CrossedHellos = "crossed_hellos",
    /// A peer opened a session while one was open.
    Anew = "anew",
    /// A session ended since nothing moved.
    Stalled = "stalled",
    /// The bulk slot was lost: too little came.
    SlotLost = "slot_lost",
    /// A stream was stopped by its sender.
    StreamStopped = "stream_stopped",
    /// A connection was lost in the middle of a stream.
    StreamBroken = "stream_broken",
    /// Two dials crossed.
    CrossedDials = "crossed_dials",
    /// A dial failed.
    DialFailed = "dial_failed",
    /// A machine had as many peers as it may have.
    PeersFull = "peers_full",
    /// A connection took the place of one whose other side had forgotten it.
    Replaced = "replaced",
    /// A connection died by silence.
    Idle = "idle",
    /// It did, while the other direction passed.
    OneWayIdle = "one_way_idle",
    /// What stood still during a cut arrived after it.
    Delayed = "delayed",
    /// A packet was lost and sent again.
    SentAgain = "sent_again",
    /// A message was lost for good.
    Lost = "lost",
    /// A message came twice.
    Doubled = "doubled",
    /// A message was overtaken.
    Overtaken = "overtaken",
    /// A message came after its connection was replaced.
    Outdated = "outdated",
    /// A machine crashed.
    Crashed = "crashed",
    /// A crash lost events that were held.
    LostAppends = "lost_appends",
    /// A crash lost effects that waited for the disk.
    LostEffects = "lost_effects",
    /// A commit failed.
    CommitFailed = "commit_failed",
    /// It did while a request was open.
    CommitFailedWithRequest = "commit_failed_with_request",
    /// It said so, and yet the events were on the disk.
    CommitFailedButKept = "commit_failed_but_kept",
    /// A stream ended at a damaged event.
    Damaged = "damaged",
    /// A damaged event was given again.
    Repaired = "repaired",
    /// A machine came in while things went wrong.
    JoinedLate = "joined_late",
    /// A request was refused: still joining.
    StillJoining = "still_joining",
    /// A newcomer was refused: the invite had not come there yet.
    InviteUnknown = "invite_unknown",
    /// A newcomer whose answer was lost asked again.
    AskedAgain = "asked_again",
    /// An own event was made while bulk came in.
    WroteWhileCatchingUp = "wrote_while_catching_up",
    /// A batch made more than one run, or signed one by one.
    LongBatch = "long_batch",
}

/// How often each was reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(BTreeMap<Rare, u64>);

impl Counts {
    /// Counts one.
    pub fn note(&mut self, rare: Rare) {
        *self.0.entry(rare).or_default() += 1;
    }

    /// Counts one if it was reached.
    pub fn note_if(&mut self, rare: Rare, is_reached: bool) {
        if is_reached {
            self.note(rare);
        }
    }

    /// How often.
    pub fn of(&self, rare: Rare) -> u64 {
        self.0.get(&rare).copied().unwrap_or(0)
    }

    /// Adds those of another run.
    pub fn add(&mut self, other: &Self) {
        for (rare, times) in &other.0 {
            *self.0.entry(*rare).or_default() += times;
        }
    }

    /// All, the zeros too, by name.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        Rare::ALL.iter().map(|rare| (rare.name(), self.of(*rare)))
    }
}
