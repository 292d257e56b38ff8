//! The flow chart of the machine, as a table.
//!
//! Four small machines: the machine as a whole, its contact with one other machine, a session with one peer, and an event.
//! Every step that `Machine::handle` takes is looked up here in debug builds; `docs/flow.md` is written from [`ROWS`].
//!
//! Invariant: a row is one phase and one kind of thing that happens; a step that changes neither the phase nor asks for
//! anything is no step.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod rows;

use std::fmt::Write as _;

pub use crate::machine::flow::rows::ROWS;

macro_rules! kinds {
    ($(#[$meta:meta])* $name:ident { $($(#[$each:meta])* $variant:ident,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$each])* $variant),+ }
        impl $name {
            /// All of them, in the order of the declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
        }
    };
}

kinds!(
    /// One of the four charts.
    Chart {
        /// The machine as a whole.
        Machine,
        /// Contact with one machine of the address book.
        Contact,
        /// Anti-entropy with one peer.
        Session,
        /// One event.
        Event,
    }
);

kinds!(
    /// A phase of one of the charts.
    Place {
        /// Machine: it does not hold its own admission.
        Joining,
        /// Machine: bulk comes in.
        CatchingUp,
        /// Machine: neither.
        Live,
        /// Contact: none; to be dialled when it is due and there is room.
        Waiting,
        /// Contact: a dial is under way.
        Dialling,
        /// Contact: a connection stands.
        Connected,
        /// Session: none.
        Idle,
        /// Session: our HELLO is sent.
        Comparing,
        /// Session: both HELLOs are there, the peer's verdict decides.
        Undecided,
        /// Session: looking for what the peer lacks.
        Walking,
        /// Session: asking the peer what it lacks, and sending that.
        Offering,
        /// Session: sending, without asking or after the last answer.
        Streaming,
        /// Session: our END is sent.
        Listening,
        /// Event: never seen, or dropped.
        Unknown,
        /// Event: announced and asked for.
        Wanted,
        /// Event: received, a dependency is missing.
        Pending,
        /// Event: held, for ever.
        Held,
    }
);

impl Place {
    /// The chart that it belongs to.
    pub fn chart(self) -> Chart {
        match self {
            Self::Joining | Self::CatchingUp | Self::Live => Chart::Machine,
            Self::Waiting | Self::Dialling | Self::Connected => Chart::Contact,
            Self::Idle
            | Self::Comparing
            | Self::Undecided
            | Self::Walking
            | Self::Offering
            | Self::Streaming
            | Self::Listening => Chart::Session,
            Self::Unknown | Self::Wanted | Self::Pending | Self::Held => Chart::Event,
        }
    }
}

kinds!(
    /// What happens.
    On {
        /// Machine: the local user adds events.
        Create,
        /// Machine: the local user opens an invite.
        Invite,
        /// Machine: a newcomer knocks.
        Admit,
        /// Machine: its own admission came to be held.
        OwnAdmission,
        /// Machine: a session's stream brings the first new event.
        BulkBegins,
        /// Machine: the stream ended, or its session did.
        BulkEnds,
        /// Contact: it is due, and there is room.
        Due,
        /// Contact: chosen for a visit, though there are peers enough.
        Visit,
        /// Contact: a connection stands, whoever dialled.
        ConnectionUp,
        /// Contact: the dial failed.
        DialFailed,
        /// Contact, session: the connection is gone.
        ConnectionLost,
        /// Contact: the peer broke the rules.
        Fault,
        /// Contact: there are peers enough without it.
        Enough,
        /// Session: a reason to compare.
        Trigger,
        /// Session: the peer's HELLO.
        Hello,
        /// Session: a HELLO of another session than the open one, new or paired otherwise.
        Anew,
        /// Session: the peer's verdict.
        Verdict,
        /// Session: the peer's END.
        End,
        /// Session: the peer's offer.
        Offer,
        /// Session: the peer's answer to an offer.
        Lacks,
        /// Session: the node sent a part of the stream.
        Streamed,
        /// Session: the node could not.
        StreamFailed,
        /// Session: a step of the walk.
        WalkStep,
        /// Session: nothing moved for `SESSION_IDLE`, or too little for the bulk slot.
        Stalled,
        /// Event: made here.
        Created,
        /// Event: a peer pushed it.
        Pushed,
        /// Event: a peer announced it.
        Announced,
        /// Event: the answer to a WANT.
        Given,
        /// Event: nobody gave it in time, or the peer does not hold it.
        NotGiven,
        /// Event: it came on the stream of a session.
        Bulk,
        /// Event: the last missing dependency came to be held.
        Complete,
        /// Event: the session with its sender is over, or the sender is gone.
        SenderDone,
    }
);

kinds!(
    /// What is asked for.
    Does {
        /// Store an event.
        Append,
        /// Answer a local request.
        Answer,
        /// Send the event to the other peers.
        Push,
        /// Send its id to the other peers.
        Announce,
        /// Ask for it.
        Want,
        /// Dial.
        Dial,
        /// Tell addresses.
        Addresses,
        /// Close the connection.
        Hangup,
        /// Send HELLO.
        SendHello,
        /// Send the verdict.
        SendVerdict,
        /// Send END.
        SendEnd,
        /// Send ids of candidates.
        SendOffer,
        /// Send which of the offered events are lacked.
        SendLacks,
        /// Stream a part; END after the last.
        Stream,
        /// Stop that stream.
        StopStream,
    }
);

/// A set of [`Does`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct DoesSet(u16);

impl DoesSet {
    /// The set of these.
    pub fn of(all: &[Does]) -> Self {
        all.iter()
            .fold(Self::default(), |set, does| set.with(*does))
    }

    /// The set and this one.
    #[must_use]
    pub fn with(self, does: Does) -> Self {
        Self(self.0 | 1 << does as u16)
    }

    fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// A step that a machine took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    /// Phase before.
    pub from: Place,
    /// What happened.
    pub on: On,
    /// Phase after.
    pub to: Place,
    /// What was asked for.
    pub does: DoesSet,
}

/// One arrow of a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Phase before.
    pub from: Place,
    /// What happens.
    pub on: On,
    /// Phase after.
    pub to: Place,
    /// What it always asks for.
    pub must: &'static [Does],
    /// What it may ask for besides.
    pub may: &'static [Does],
    /// When this arrow is taken, if others leave the same phase on the same thing.
    pub when: &'static str,
}

impl Row {
    /// Returns whether `step` takes this arrow.
    pub fn declares(&self, step: &Step) -> bool {
        let must = DoesSet::of(self.must);
        (self.from, self.on, self.to) == (step.from, step.on, step.to)
            && must.is_within(step.does)
            && step.does.is_within(must.union(DoesSet::of(self.may)))
    }
}

/// Returns whether the table has `step`, or `step` is no step at all.
pub fn declares(step: &Step) -> bool {
    (step.from == step.to && step.does.is_empty()) || ROWS.iter().any(|row| row.declares(step))
}

/// Writes `docs/flow.md`.
pub fn markdown() -> String {
    format!(
        "<!-- written from src/machine/flow/rows.rs by `BLESS=1 cargo test flow`; do not edit -->\n\n\
         # The flow chart\n\n\
         Four small machines. An arrow says what happens, in brackets when, and after the slash what is\n\
         asked for; a question mark means that it may be asked for. What has no arrow changes nothing.\n{}",
        charts("##")
    )
}

/// The four charts, each under a heading of this level, as Mermaid state diagrams.
pub fn charts(heading: &str) -> String {
    let mut text = String::new();
    for chart in Chart::ALL {
        let (title, first) = match chart {
            Chart::Machine => ("The machine", "Joining"),
            Chart::Contact => ("Contact with another machine", "Waiting"),
            Chart::Session => ("A session with a peer", "Idle"),
            Chart::Event => ("An event", "Unknown"),
        };
        write!(
            text,
            "\n{heading} {title}\n\n```mermaid\nstateDiagram-v2\n    [*] --> {first}\n"
        )
        .expect("a String takes all that is written");
        for row in ROWS.iter().filter(|row| row.from.chart() == *chart) {
            text.push_str(&arrow(row));
        }
        text.push_str("```\n");
    }
    text
}

fn arrow(row: &Row) -> String {
    let when = if row.when.is_empty() {
        String::new()
    } else {
        format!(" [{}]", row.when)
    };
    let must = row.must.iter().map(|does| format!("{does:?}"));
    let may = row.may.iter().map(|does| format!("{does:?}?"));
    let does: Vec<String> = must.chain(may).collect();
    let does = if does.is_empty() {
        String::new()
    } else {
        format!(" / {}", does.join(", "))
    };
    // A colon or semicolon in a label would end it.
    let label = format!("{:?}{when}{does}", row.on)
        .replace(": ", ", ")
        .replace(';', ",");
    format!("    {:?} --> {:?}: {label}\n", row.from, row.to)
}
