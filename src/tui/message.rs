//! What the screen is told, what it asks for, and what it keeps between.

use std::net::SocketAddr;
use std::time::Duration;

use crossterm::event::{KeyEvent, MouseEvent};

use crate::control::{Failure, Reply, Request};
use crate::tui::help::Help;
use crate::tui::palette::Palette;

/// Something that happened.
#[derive(Debug)]
pub enum Msg {
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse did something; only while it is taken.
    Mouse(MouseEvent),
    /// Text was pasted.
    Paste(String),
    /// The user's editor made this of the input line.
    Edited(String),
    /// Something outside the screen did not work, and why.
    Failed(String),
    /// The terminal has this many columns and rows.
    Resize(u16, u16),
    /// The node answered.
    Answer(Tag, Result<Reply, Failure>),
    /// The connection to the node is gone; told again before each further attempt.
    Gone {
        /// Why.
        why: String,
        /// How long from now to the next attempt; None: there is none.
        again: Option<Duration>,
    },
    /// There is a connection to the node again, on which nothing was asked yet.
    Back,
    /// Time went on.
    Tick,
}

/// Something to be done.
#[derive(Debug)]
pub enum Ask {
    /// Ask the node; its answers come back with the tag.
    Request(Tag, Request),
    /// Put this into the terminal's clipboard.
    Copy(String),
    /// Let the user's editor work on this text.
    Edit(String),
    /// Give the terminal to the shell until it continues this process.
    Suspend,
    /// Take the mouse, or give it back.
    Mouse(bool),
    /// Draw everything, also what did not change.
    Redraw,
    /// End.
    Quit,
    /// End, and leave what is on the screen in the terminal.
    QuitShowing,
}

/// What an answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tag {
    /// The state, again and again.
    Watch,
    /// Rows.
    Window,
    /// The selected event.
    Detail,
    /// The leaves.
    Leaves,
    /// A ticket.
    Ticket,
    /// Events for the clipboard.
    Copy,
    /// A command of the palette.
    Command,
    /// The line of this number was added.
    Add(u64),
    /// The step of a search of this number.
    Search(u64),
}

/// What is drawn over the panes.
#[derive(Debug)]
pub enum Popup {
    /// The keys.
    Help(Help),
    /// A ticket.
    Ticket(Ticket, Form),
    /// Actions and commands.
    Palette(Palette),
}

/// How a ticket is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As the command for the other machine.
    Text,
    /// As a QR code.
    Code,
}

impl Form {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Text => Self::Code,
            Self::Code => Self::Text,
        }
    }
}

/// A ticket, as far as it is here.
#[derive(Debug)]
pub enum Ticket {
    /// It was asked for.
    Asked,
    /// Here it is.
    Ready {
        /// Its text.
        text: String,
        /// Milliseconds since 1970.
        expires_ms: u64,
        /// 0: no limit.
        uses: u64,
        /// The addresses in it.
        addresses: Vec<SocketAddr>,
    },
    /// There is none, and why.
    Refused(String),
}

/// The node is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Why.
    pub why: String,
    /// Since when; milliseconds since 1970.
    pub since_ms: u64,
    /// When it is looked for again; None: never.
    pub again_ms: Option<u64>,
}

/// A word at the bottom.
#[derive(Debug)]
pub struct Word {
    /// The text.
    pub text: String,
    /// Something went wrong.
    pub bad: bool,
    /// It is about peers: a word about what the user did takes its place, not the other way round.
    pub of_peers: bool,
    /// Until when; milliseconds since 1970.
    pub until_ms: u64,
}
