//! The terminal UI: a client of the control protocol, and nothing else.
//!
//! ```text
//! keys, answers, time --Msg--> App::update --Ask--> node, clipboard, terminal
//!                                |
//!                                +--> screen::draw, at most 20 frames a second
//! ```
//!
//! This file has the terminal, `drive` the loop. `app` decides, `screen` and what it calls draw, `viewport`, `lanes` and `git` say which events are shown
//! where, `input` has the keys, `terminal` takes and gives back the terminal, `link` talks to the node.
//!
//! Invariants:
//! - the loop waits for nobody but keys, answers, signals and time, and draws nothing when nothing changed;
//! - the terminal is given back on every way out, see `terminal`.

pub mod act;
pub mod alone;
pub mod app;
pub mod clock;
pub mod drive;
mod editing;
pub mod editor;
pub mod entry;
mod event_keys;
pub mod events;
pub mod find;
mod finding;
pub mod first;
mod folding;
pub mod git;
pub mod graph;
pub mod header;
mod heading;
pub mod help;
pub mod input;
pub mod json;
pub mod lanes;
pub mod layout;
pub mod line;
pub mod link;
pub mod look;
mod marks;
pub mod message;
pub mod mouse;
pub mod palette;
pub mod panes;
pub mod peers;
pub mod picture;
pub mod popup;
mod program_keys;
pub mod prompt;
pub mod qr;
pub mod safe;
pub mod screen;
pub mod svg;
pub mod terminal;
pub mod theme;
pub mod ticket;
pub mod viewport;
pub mod views;

use std::io;

use crossterm::event::{Event, EventStream, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use futures_util::StreamExt;
use jiff::tz::TimeZone;
use ratatui::backend::CrosstermBackend;
use ratatui::{Frame, Terminal};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::limits;
use crate::tui::drive::{Drive, Step};
use crate::tui::first::{Choice, First, Progress};
use crate::tui::link::Node;
use crate::tui::look::Look;
use crate::tui::message::Msg;
use crate::tui::terminal::{Signal, Signals, Taken};

/// How the UI is to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// The node is in this process and ends with the UI.
    pub own_node: bool,
    /// What the terminal can show.
    pub look: Look,
    /// Time zone of the times on the screen.
    pub zone: TimeZone,
}

impl Options {
    /// As the environment says.
    pub fn from_environment(own_node: bool) -> Self {
        Self {
            own_node,
            look: Look::from_environment(),
            zone: TimeZone::system(),
        }
    }
}

/// How the UI ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The user quit.
    Quit,
    /// The user quit while the node was gone, and why it was.
    Gone(String),
    /// A signal of this number.
    Signal(i32),
}

/// What came of showing the progress of joining.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The sender of the progress is gone: it is done.
    Done,
    /// The user wants to stop.
    Quit,
    /// A signal of this number.
    Signal(i32),
}

/// Why there is no UI. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Standard input or output is no terminal.
    #[error(
        "standard input and output are not a terminal: use `fedag run`, or `fedag add` and `fedag log`"
    )]
    NoTerminal,
    /// The terminal cannot be read or written.
    #[error("the terminal failed")]
    Terminal(#[source] io::Error),
}

/// Shows the node until the user quits or a signal comes.
///
/// # Errors
/// See [`Error`]; the terminal is given back.
pub async fn run(node: impl Into<Node>, options: Options) -> Result<Outcome, Error> {
    Screen::open(options)?.run(node).await
}

/// The terminal, taken: for the first screen, then joining, then the UI, without a flicker between. Dropped, it is given back.
#[derive(Debug)]
pub struct Screen {
    options: Options,
    signals: Signals,
    /// Reads the terminal in a thread of its own, so there is none while others use the terminal.
    events: Option<EventStream>,
    terminal: Terminal<CrosstermBackend<io::Stdout>>,
    _taken: Taken,
}

impl Screen {
    /// Takes the terminal. Must be called in a tokio runtime.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn open(options: Options) -> Result<Self, Error> {
        if !terminal::is_there() {
            return Err(Error::NoTerminal);
        }
        let signals = Signals::listen().map_err(Error::Terminal)?;
        let (taken, terminal) = terminal::take().map_err(Error::Terminal)?;
        Ok(Self {
            options,
            signals,
            events: None,
            terminal,
            _taken: taken,
        })
    }

    /// Shows the node until the user quits or a signal comes.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn run(&mut self, node: impl Into<Node>) -> Result<Outcome, Error> {
        let size = self.terminal.size().map_err(Error::Terminal)?;
        let mut drive = Drive::new(node.into(), &self.options, (size.width, size.height));
        loop {
            let events = self.events.get_or_insert_with(EventStream::new);
            let step = tokio::select! {
                signal = self.signals.next() => Step::Signal(signal),
                step = drive.run(&mut self.terminal, events, terminal::copy) => step?,
            };
            let left = match step {
                Step::Ended(outcome) => return Ok(outcome),
                Step::Signal(Signal::End(signal)) => return Ok(Outcome::Signal(signal)),
                Step::Signal(Signal::Continue) => {
                    self.take_again()?;
                    Left::Back(None)
                }
                Step::Left(outcome, last) => {
                    self.events = None;
                    terminal::give_back();
                    terminal::print(&last).map_err(Error::Terminal)?;
                    return Ok(outcome);
                }
                Step::Suspend => self.suspend().await?,
                Step::Edit(text) => self.edit(&text).await?,
            };
            match left {
                Left::Back(Some(msg)) => drive.tell(msg),
                Left::Back(None) => drive.tell(Msg::Tick),
                Left::Signal(signal) => return Ok(Outcome::Signal(signal)),
            }
        }
    }

    /// Gives the terminal to the shell and stops the process group, until the shell continues it.
    async fn suspend(&mut self) -> Result<Left, Error> {
        self.events = None;
        terminal::give_back();
        terminal::stop().map_err(Error::Terminal)?;
        let continued = timeout(limits::STOP_WITHIN, self.signals.next()).await;
        if let Ok(Signal::End(signal)) = continued {
            return Ok(Left::Signal(signal));
        }
        self.take_again()?;
        let nobody =
            || Msg::Failed("no shell is there that could continue it: not suspended".into());
        Ok(Left::Back(continued.is_err().then(nobody)))
    }

    /// Lets the user's editor have the terminal. Keys that interrupt are the editor's.
    async fn edit(&mut self, text: &str) -> Result<Left, Error> {
        let editor = match editor::from_environment() {
            Ok(editor) => editor,
            Err(error) => return Ok(Left::Back(Some(Msg::Failed(error.to_string())))),
        };
        self.events = None;
        terminal::give_back();
        let editing = editor::edit(editor, text);
        tokio::pin!(editing);
        let edited = loop {
            tokio::select! {
                edited = &mut editing => break edited,
                signal = self.signals.next() => match signal {
                    Signal::End(signal) if !terminal::is_from_keys(signal) => {
                        return Ok(Left::Signal(signal));
                    }
                    Signal::End(_) | Signal::Continue => {}
                },
            }
        };
        self.take_again()?;
        Ok(Left::Back(Some(match edited {
            Ok(text) => Msg::Edited(text),
            Err(error) => Msg::Failed(error.to_string()),
        })))
    }

    /// Takes the terminal after others had it, and draws it whole with the next frame.
    fn take_again(&mut self) -> Result<(), Error> {
        terminal::take_again().map_err(Error::Terminal)?;
        terminal::forget(&mut self.terminal).map_err(Error::Terminal)
    }

    /// Shows the first screen until something is chosen; a signal is [`Choice::Quit`].
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn first(&mut self, first: &mut First) -> Result<Choice, Error> {
        let look = self.options.look;
        loop {
            let show = |frame: &mut Frame<'_>| {
                if let Some(cursor) = first::draw(first, look, frame.buffer_mut()) {
                    frame.set_cursor_position(cursor);
                }
            };
            self.terminal.draw(show).map_err(Error::Terminal)?;
            let events = self.events.get_or_insert_with(EventStream::new);
            let event = tokio::select! {
                signal = self.signals.next() => match signal {
                    Signal::End(_) => return Ok(Choice::Quit),
                    Signal::Continue => {
                        self.take_again()?;
                        continue;
                    }
                },
                event = events.next() => event,
            };
            let chosen = match event {
                None => Some(Choice::Quit),
                Some(Ok(Event::Key(key))) if is_suspend(key) => match self.suspend().await? {
                    Left::Signal(_) => Some(Choice::Quit),
                    Left::Back(_) => None,
                },
                Some(Err(error)) => return Err(Error::Terminal(error)),
                Some(Ok(Event::Key(key))) if key.kind != KeyEventKind::Release => first.on_key(key),
                Some(Ok(Event::Paste(text))) => {
                    first.on_paste(&text);
                    None
                }
                Some(Ok(_)) => None,
            };
            if let Some(choice) = chosen {
                return Ok(choice);
            }
        }
    }

    /// Shows the progress of joining until its sender is dropped, Ctrl-C, or a signal.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn progress(
        &mut self,
        mut progress: watch::Receiver<Progress>,
    ) -> Result<Shown, Error> {
        let look = self.options.look;
        loop {
            let now = progress.borrow_and_update().clone();
            let show = |frame: &mut Frame<'_>| first::draw_progress(&now, look, frame.buffer_mut());
            self.terminal.draw(show).map_err(Error::Terminal)?;
            let events = self.events.get_or_insert_with(EventStream::new);
            let event = tokio::select! {
                signal = self.signals.next() => match signal {
                    Signal::End(signal) => return Ok(Shown::Signal(signal)),
                    Signal::Continue => {
                        self.take_again()?;
                        continue;
                    }
                },
                event = events.next() => event,
                changed = progress.changed() => match changed {
                    Ok(()) => {
                        tokio::time::sleep(limits::FRAME_EVERY).await;
                        continue;
                    }
                    Err(_) => return Ok(Shown::Done),
                },
            };
            match event {
                None => return Ok(Shown::Quit),
                Some(Err(error)) => return Err(Error::Terminal(error)),
                Some(Ok(Event::Key(key))) if first::is_stop(key) => return Ok(Shown::Quit),
                Some(Ok(Event::Key(key))) if is_suspend(key) => {
                    if let Left::Signal(signal) = self.suspend().await? {
                        return Ok(Shown::Signal(signal));
                    }
                }
                Some(Ok(_)) => {}
            }
        }
    }
}

/// How it came back after others had the terminal.
enum Left {
    /// The terminal is taken again; what the loop is told.
    Back(Option<Msg>),
    /// A signal of this number came meanwhile; the terminal is not taken.
    Signal(i32),
}

fn is_suspend(key: KeyEvent) -> bool {
    key.code == KeyCode::Char('z') && key.modifiers.contains(KeyModifiers::CONTROL)
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Terminal(io::Error::other(error))
}
