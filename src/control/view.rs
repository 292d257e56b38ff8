//! What clients see of the node: plain data, ready to be shown.
//!
//! Invariant: every string that came from a peer is cleaned of control and bidi characters before it gets here, except whole
//! events as JSON, which are escaped where they are shown.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// The node's state; `fedag status --json` prints exactly this.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The network's name.
    pub network: String,
    /// R's uuid.
    pub root: String,
    /// A node runs on the directory.
    pub running: bool,
    /// This machine.
    pub machine: MachineName,
    /// Number of held events, R included.
    pub events: u64,
    /// Uuids of the leaves, at most `limits::HEADS_TOLD_MAX`.
    pub leaves: Vec<String>,
    /// How many leaves there are.
    pub leaves_total: u64,
    /// Greatest height.
    pub height: u64,
    /// Digest of the held set.
    pub digest: String,
    /// Number of pending events.
    pub pending: u64,
    /// The digest last told over each present connection equals mine; None without peers.
    pub in_step: Option<bool>,
    /// The same with every other member, each heard over a present connection.
    pub converged: bool,
    /// Members heard over present connections.
    pub heard: u64,
    /// All members, this one included.
    pub members: u64,
    /// Addresses it listens on.
    pub listening: Vec<SocketAddr>,
    /// Peers: connected, dialled, or known.
    pub peers: Vec<PeerStatus>,
    /// Faults of peers by name, since the start.
    pub faults: BTreeMap<String, u64>,
    /// Bytes of events that peers sent since the start, those that were held already included.
    pub received_bytes: u64,
    /// The store.
    pub store: StoreStatus,
    /// What the machine does.
    pub phase: MachinePhase,
    /// While it catches up.
    pub progress: Option<Progress>,
    /// Seconds since the last peer went, when there are other members and none is connected.
    pub cut_off_s: Option<u64>,
    /// Two events with one uuid were found: see docs/trade-offs.md.
    pub twins: bool,
}

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineName {
    /// Its name.
    pub name: String,
    /// Its public key, base64url.
    pub key: String,
}

/// A peer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeerStatus {
    /// Its name, if it is a member that is known here.
    pub name: Option<String>,
    /// Its public key, base64url.
    pub key: String,
    /// Where it is or was dialled last.
    pub address: Option<SocketAddr>,
    /// Its state.
    pub state: PeerState,
    /// Smoothed round trip.
    pub rtt_ms: Option<f64>,
    /// Events that it holds and we lack, if known.
    pub missing_here: Option<u64>,
    /// Events that we hold and it lacks, if known.
    pub missing_there: Option<u64>,
    /// Bytes of messages from it, and to it, over the present connection.
    pub in_bytes: Option<u64>,
    /// See `in_bytes`.
    pub out_bytes: Option<u64>,
    /// Of these in the last second.
    pub in_bytes_s: Option<u64>,
    /// Likewise.
    pub out_bytes_s: Option<u64>,
    /// Milliseconds since 1970: since when it is in this state; without a connection, since when there is none.
    pub since: u64,
    /// Seconds until the next dial, when there is no connection and one is sought.
    pub redial_s: Option<u64>,
    /// Why the last dial or connection failed, in words.
    pub why: Option<String>,
}

/// State of a peer, in the words of `status --json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerState {
    /// It holds what we hold.
    InStep,
    /// It lacks events of ours.
    Behind,
    /// We lack events of its.
    Ahead,
    /// Both, or not known yet.
    Diverged,
    /// A dial or handshake is due or under way.
    Connecting,
    /// No connection: the last dial failed; dialled again and again.
    Unreachable,
    /// No connection, and none is sought: there are peers enough.
    Known,
}

impl PeerState {
    /// Returns whether a connection stands.
    pub fn is_connected(self) -> bool {
        match self {
            Self::InStep | Self::Behind | Self::Ahead | Self::Diverged => true,
            Self::Connecting | Self::Unreachable | Self::Known => false,
        }
    }
}

/// What the machine does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MachinePhase {
    /// It does not hold its own admission yet.
    Joining,
    /// It receives bulk.
    CatchingUp,
    /// Neither.
    Live,
}

/// How far catching up is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Events held.
    pub held: u64,
    /// As many as the peer said it holds; at least `held`.
    pub of: u64,
}

/// The store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreStatus {
    /// Bytes on disk.
    pub bytes: u64,
    /// Events whose bytes on disk are damaged, as far as they were met; they are asked for of every peer.
    pub damaged: u64,
    /// Events that this machine acknowledged as held and its disk lost; fewer as peers bring events back.
    pub lost: u64,
}

/// The one word at the top of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Badge {
    /// No other member.
    Alone,
    /// Members, none connected.
    CutOff,
    /// Some connected machine's digest differs.
    Syncing,
    /// In step with the connected machines, of so many other members.
    InStep {
        /// Connected ones in step.
        with: u64,
        /// Other members.
        of: u64,
    },
    /// Every other member was heard and is in step.
    Converged,
}

impl Status {
    /// The badge; never claims more than was heard.
    pub fn badge(&self) -> Badge {
        let others = self.members.saturating_sub(1);
        if others == 0 {
            return Badge::Alone;
        }
        match self.in_step {
            None => Badge::CutOff,
            Some(false) => Badge::Syncing,
            Some(true) if self.converged => Badge::Converged,
            Some(true) => Badge::InStep {
                with: self.heard.min(others),
                of: others,
            },
        }
    }
}

impl std::fmt::Display for Badge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Alone => f.write_str("ALONE"),
            Self::CutOff => f.write_str("CUT OFF"),
            Self::Syncing => f.write_str("SYNCING"),
            Self::InStep { with, of } => write!(f, "IN STEP {with}/{of}"),
            Self::Converged => f.write_str("CONVERGED"),
        }
    }
}

/// An order of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// By height, then uuid: the same on every machine.
    #[default]
    Causal,
    /// As they came to be held here.
    Arrival,
}

/// An event in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventView {
    /// Its uuid.
    pub uuid: String,
    /// Its label, as `b14`.
    pub label: String,
    /// The author's name, cleaned.
    pub author: String,
    /// Author's clock, milliseconds since 1970.
    pub time_ms: u64,
    /// Its height.
    pub height: u64,
    /// It is a leaf.
    pub leaf: bool,
    /// Parents' labels.
    pub parents: Vec<String>,
    /// The whole event as a line of JSON.
    pub json: String,
    /// What a person reads of it: the text, the properties, or what a control event does; cleaned, one line.
    pub summary: String,
}

/// An event, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventDetail {
    /// As in lists.
    pub event: EventView,
    /// Parents: uuid and label.
    pub parents: Vec<EventName>,
    /// Children that are held here: uuid and label, at most 1000.
    pub children: Vec<EventName>,
    /// Author's key.
    pub author_key: String,
    /// Author's counter.
    pub seq: u64,
    /// Its position here.
    pub arrival: u64,
    /// Bytes on the wire.
    pub bytes: u64,
    /// Signed by itself; otherwise it proves its author only together with its run.
    pub signed: bool,
    /// Another event of the author has the same seq.
    pub forked: bool,
    /// The greatest height held here.
    pub height_max: u64,
    /// Names of connected machines that hold it, that do not, and of which it is not known.
    pub held_by: Vec<(String, Option<bool>)>,
}

/// An event's two names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventName {
    /// Its uuid.
    pub uuid: String,
    /// Its label.
    pub label: String,
}

/// Which rows the screen wants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowRequest {
    /// Order of the rows.
    pub order: Order,
    /// The event that the window is anchored to; None: the newest.
    pub at: Option<String>,
    /// Rows before the anchor, at most `limits::WINDOW_ROWS_MAX`.
    pub before: u32,
    /// Rows after it, likewise.
    pub after: u32,
    /// Rows that have children after the window say so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ahead: bool,
    /// Runs of more quiet events than this become one row; 0: none.
    #[serde(default)]
    pub fold: u32,
    /// But not those with one of these events in them, by uuid, at most `limits::UNFOLDED_MAX`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unfolded: Vec<String>,
    /// Only these events, by uuid, at most `limits::WINDOW_ROWS_MAX`; `at`, `before` and `after` do not count then. A parent that is
    /// none of them is never the newest of its lane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Vec<String>>,
    /// What is searched for, see [`crate::control::search::SearchRequest`]: rows that match say so. Ignored when it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
}

/// Rows for the screen, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The rows.
    pub rows: Vec<WindowRow>,
    /// The lanes of all authors in `rows`, of their parents, and of this machine; most recently active first after this machine.
    pub lanes: Vec<Lane>,
    /// Position of the first row in the order, from 0.
    pub first: u64,
    /// Number of held events.
    pub total: u64,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowRow {
    /// Its uuid.
    pub uuid: String,
    /// Its label.
    pub label: String,
    /// Index into `Window::lanes`.
    pub lane: u32,
    /// Author's clock, milliseconds since 1970.
    pub time_ms: u64,
    /// It is a leaf.
    pub leaf: bool,
    /// Its parents, at most 64 of them; more are counted in `parents_total`.
    pub parents: Vec<WindowParent>,
    /// How many parents it has.
    pub parents_total: u32,
    /// One line for people, cleaned, at most 256 characters.
    pub summary: String,
    /// Connected machines that hold it, as far as known.
    pub held_by: u32,
    /// Milliseconds since it came to be held here by replication; None: own, or held when the node started.
    pub arrived_ms: Option<u64>,
    /// It stands for several events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fold: Option<Fold>,
    /// It has children among the `limits::LOOK_BACK_ROWS` events after the window; told when asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
    /// It matches the request's `query`: where its summary does, as pairs of characters from and to; None: it does not match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hits: Option<Vec<(u32, u32)>>,
}

/// A row that stands for several events of one author, each but the first made on the one before alone, and nothing else near them made
/// on any but the last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fold {
    /// How many; 2 or more.
    pub events: u32,
    /// Label of the first one; the row is the last one's, with the parents of the first.
    pub first: String,
}

/// A parent of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowParent {
    /// Its label.
    pub label: String,
    /// Index into `Window::lanes`.
    pub lane: u32,
    /// It is the newest event of its lane above this row.
    pub newest: bool,
}

/// A lane: one author.
#[expect(
    clippy::struct_excessive_bools,
    reason = "four facts, each true or not whatever the others are"
)]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lane {
    /// The machine's name, cleaned.
    pub name: String,
    /// Prefix of its labels.
    pub prefix: String,
    /// It is this machine.
    pub own: bool,
    /// It has events before the window.
    pub before: bool,
    /// It has events after the window.
    pub after: bool,
    /// Its key is used twice.
    pub forked: bool,
}

/// The result of `verify`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Events that were checked.
    pub events: u64,
    /// What is wrong, in words, at most 100 lines; none: all is well.
    pub wrong: Vec<String>,
    /// The digest, computed anew.
    pub digest: String,
}
