//! The control protocol: what a local client and the node say to each other, and the client.
//!
//! JSON lines over `DIR/control.sock` or a pipe in memory. A request line is `{"id":1,"request":{"status":{}}}`; the answers
//! carry the same id: `{"id":1,"reply":{…}}`, any number of them for `log` and `watch`, or `{"id":1,"error":{…}}`, which is the last.
//! The terminal UI and every command that needs the DAG are clients of it.

pub mod client;
pub mod fuzz;
pub mod search;
pub mod view;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::control::search::{Found, SearchRequest};
use crate::control::view::{EventView, Order, Report, Status, Window, WindowRequest};

/// A line from a client.
#[derive(Debug, Serialize, Deserialize)]
pub struct RequestLine {
    /// The client's number; answers carry it.
    pub id: u64,
    /// What it asks for.
    pub request: Request,
}

/// What a client asks for. One answer each, unless said otherwise.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Answer: [`Reply::Status`].
    Status {},
    /// Answers: [`Reply::Status`] at once and after every change, at most every `limits::WATCH_EVERY`, until the client goes.
    Watch {},
    /// Adds events, at most `limits::ADD_EVENTS_MAX`, in order. Answer: [`Reply::Added`], when they are durable.
    Add {
        /// JSON objects, strict.
        events: Vec<Box<RawValue>>,
    },
    /// Answers: [`Reply::Events`] in batches, then [`Reply::Done`]; with `follow` it goes on for ever, and a [`Reply::Waiting`] tells
    /// of an outage of the store.
    Log(LogRequest),
    /// Answer: [`Reply::Event`].
    Show {
        /// uuid, unique prefix of 4 or more, or label.
        name: String,
    },
    /// Answer: [`Reply::Events`].
    Leaves {},
    /// These events, in this order. Refused when they come to more than `limits::REPLY_BYTES`. Answer: [`Reply::Events`].
    Events {
        /// Their uuids.
        uuids: Vec<String>,
    },
    /// Opens an invite. Answer: [`Reply::Ticket`].
    Invite {
        /// Seconds from now.
        expires_s: u64,
        /// 0: no limit.
        uses: u64,
        /// Answer with a ticket made earlier that is still good, if there is one.
        reuse: bool,
    },
    /// Tells of a machine's address. Answer: [`Reply::Done`].
    Connect {
        /// Name, key or key prefix of a member.
        machine: String,
        /// `IP:PORT`.
        address: std::net::SocketAddr,
    },
    /// Rows for the screen. Answer: [`Reply::Window`].
    Window(WindowRequest),
    /// One step of a search. Answer: [`Reply::Found`].
    Search(SearchRequest),
    /// Recomputes everything. Answers: [`Reply::Progress`], then [`Reply::Verified`].
    Verify {},
    /// Ends the node. Answer: [`Reply::Done`], and then the connection ends.
    Stop {},
}

/// What `log` asks for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LogRequest {
    /// Go on with new events (arrival order).
    pub follow: bool,
    /// Only the last so many.
    pub last: Option<u64>,
    /// Only what came after this event in the order asked for: uuid, prefix or label.
    pub after: Option<String>,
    /// Order; `follow` needs arrival order.
    pub order: Order,
    /// Only events by this machine (name or key prefix).
    pub by: Option<String>,
}

/// A line to a client.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReplyLine {
    /// The request's number.
    pub id: u64,
    /// A reply …
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reply: Option<Reply>,
    /// … or why there is none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<Failure>,
}

/// An answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The node's state.
    Status(Box<Status>),
    /// One entry an event of the request, in its order.
    Added(Vec<AddOutcome>),
    /// Events, in the order asked for.
    Events(Vec<EventView>),
    /// One event, whole.
    Event(Box<view::EventDetail>),
    /// A ticket.
    Ticket {
        /// Its text.
        text: String,
        /// Milliseconds since 1970.
        expires_ms: u64,
        /// 0: no limit.
        uses: u64,
        /// The addresses in it.
        addresses: Vec<std::net::SocketAddr>,
    },
    /// Rows for the screen.
    Window(Box<Window>),
    /// What one step of a search found.
    Found(Box<Found>),
    /// Work so far.
    Progress {
        /// Done.
        done: u64,
        /// Of how many.
        of: u64,
    },
    /// The result of `verify`.
    Verified(Report),
    /// A `log` that follows: the store fails just now; it goes on when it works again.
    Waiting {
        /// In words.
        why: String,
    },
    /// It is done, and there is nothing to tell.
    Done {},
}

/// What became of one event of an `add`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddOutcome {
    /// It is durable; its uuid, and the whole event as a line of JSON.
    Added {
        /// Its name.
        uuid: String,
        /// The whole event.
        json: String,
    },
    /// It was not added.
    Refused(String),
}

/// Why a request was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// For programs.
    pub code: FailureCode,
    /// For people: what happened, why, what to do.
    pub message: String,
}

/// Kinds of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// The line is no request.
    BadRequest,
    /// Not allowed; nothing was changed.
    Refused,
    /// No event or machine of that name.
    NotFound,
    /// The name fits several.
    Ambiguous,
    /// The disk or another part failed.
    Failed,
    /// The store fails just now and cannot be read; it is tried again.
    Outage,
    /// It needs a running node.
    NeedsNode,
    /// The node is stopping.
    Stopping,
}
