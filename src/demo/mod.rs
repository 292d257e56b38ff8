//! `fedag demo`: three real nodes in this process, with real QUIC between them, whose wires can be cut.
//!
//! Above the node and the screen, below the commands. `script` is the play, `stage` does what it says through the control
//! protocol, `lab` makes the machines, `wires` is between their sockets and UDP. `headless` runs it for nobody; `screen` for people,
//! with `show` for its state and `picture` to draw it.
//!
//! Nothing is made up: each machine has a key and a store of its own in a directory that is removed at the end, joins with a
//! ticket, and says of itself what any node says. What is cut is cut below QUIC, and the machines have to find out.

pub mod headless;
pub mod keys;
pub mod lab;
pub mod picture;
pub mod scene;
pub mod scratch;
pub mod screen;
pub mod script;
pub mod show;
pub mod stage;
mod strip;
pub mod wires;

use std::fmt;
use std::io;

use crate::control::client::ClientError;
use crate::demo::scene::Machine;
use crate::net;
use crate::node;
use crate::tui;
use crate::wire::ticket;

/// How the demo is to be.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Makes keys and events the same again.
    pub seed: Option<u64>,
    /// cy loses what it alone holds, before the wires are mended.
    #[cfg(feature = "mutants")]
    pub lose: bool,
}

/// Why the demo cannot go on. The directory is removed in any case.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The directory or a port.
    #[error("no place for the machines of the demo")]
    Directory(#[source] io::Error),
    /// A node does not start.
    #[error("a node of the demo does not start")]
    Node(#[from] node::Error),
    /// A machine was not let in.
    #[error("a machine of the demo was not let in")]
    Join(#[from] net::join::Error),
    /// A node does not answer.
    #[error("a node of the demo does not answer")]
    Client(#[from] ClientError),
    /// A node gave a ticket that is none.
    #[error("a node of the demo gave a ticket that is none")]
    Ticket(#[source] ticket::Error),
    /// A node gave an answer that does not belong to the question.
    #[error("a node of the demo gave an answer that does not belong to the question")]
    Answer,
    /// The machines did not find each other within `limits::DEMO_START`.
    #[error(
        "the machines of the demo did not find each other in time: is UDP on 127.0.0.1 filtered?"
    )]
    NotStarted,
    /// A node ended by itself.
    #[error("the node of {} ended by itself", .0.name())]
    Ended(Machine),
    /// The screen.
    #[error(transparent)]
    Screen(#[from] tui::Error),
    /// A part of the demo failed in a way that it never should.
    #[error("a part of the demo failed: {0}")]
    Broken(String),
}

/// Something that should be so, and is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// A machine does not run.
    NotRunning(Machine),
    /// An acknowledged event is not held by a machine.
    Event {
        /// The event.
        uuid: String,
        /// Who acknowledged it.
        author: Machine,
        /// Who does not hold it.
        machine: Machine,
    },
    /// What a machine holds does not hold together, and why.
    Wrong(Machine, String),
    /// The digests, computed anew, are not equal.
    Digests,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRunning(machine) => write!(f, "{} does not run", machine.name()),
            Self::Event {
                uuid,
                author,
                machine,
            } => write!(
                f,
                "{} acknowledged {uuid}, and {} does not hold it",
                author.name(),
                machine.name()
            ),
            Self::Wrong(machine, why) => write!(f, "{}: {why}", machine.name()),
            Self::Digests => f.write_str("the digests are not equal"),
        }
    }
}
