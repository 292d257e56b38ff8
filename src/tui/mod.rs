//! The terminal UI: a client of the control protocol, and nothing else.
//!
//! ```text
//! keys, answers, time --Msg--> App::update --Ask--> node, clipboard, terminal
//!                                |
//!                                +--> screen::draw, at most 20 frames a second
//! ```
//!
//! This file is the loop. `app` decides, `screen` and what it calls draw, `viewport` and `lanes` say which events are shown
//! where, `input` has the keys, `terminal` takes and gives back the terminal, `link` talks to the node.
//!
//! Invariants:
//! - the loop waits for nobody but keys, answers, signals and time, and draws nothing when nothing changed;
//! - the terminal is given back on every way out, see `terminal`.

pub mod act;
pub mod alone;
pub mod app;
pub mod clock;
pub mod entry;
pub mod first;
pub mod graph;
pub mod header;
pub mod input;
pub mod json;
pub mod lanes;
pub mod layout;
pub mod line;
pub mod link;
pub mod look;
pub mod message;
pub mod panes;
pub mod picture;
pub mod popup;
pub mod screen;
pub mod svg;
pub mod terminal;
pub mod viewport;

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crossterm::event::{Event, EventStream, KeyEventKind};
use futures_util::{Stream, StreamExt};
use jiff::tz::TimeZone;
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::{Frame, Terminal};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::limits;
use crate::tui::app::App;
use crate::tui::first::{Choice, Defaults, First, Progress};
use crate::tui::link::{Link, Node};
use crate::tui::look::Look;
use crate::tui::message::{Ask, Msg};
use crate::tui::terminal::{Signals, Taken};

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
    events: EventStream,
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
        let (taken, terminal) = terminal::take(options.look).map_err(Error::Terminal)?;
        Ok(Self {
            options,
            signals,
            events: EventStream::new(),
            terminal,
            _taken: taken,
        })
    }

    /// Shows the node until the user quits or a signal comes.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn run(&mut self, node: impl Into<Node>) -> Result<Outcome, Error> {
        let drive = drive(
            &mut self.terminal,
            &mut self.events,
            node.into(),
            self.options.clone(),
            terminal::copy,
        );
        tokio::select! {
            signal = self.signals.next() => Ok(Outcome::Signal(signal)),
            outcome = drive => outcome,
        }
    }

    /// Shows the first screen until something is chosen; a signal is [`Choice::Quit`].
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn first(&mut self, defaults: Defaults) -> Result<Choice, Error> {
        let look = self.options.look;
        let mut first = First::new(defaults);
        loop {
            let show = |frame: &mut Frame<'_>| {
                if let Some(cursor) = first::draw(&first, look, frame.buffer_mut()) {
                    frame.set_cursor_position(cursor);
                }
            };
            self.terminal.draw(show).map_err(Error::Terminal)?;
            let event = tokio::select! {
                _ = self.signals.next() => return Ok(Choice::Quit),
                event = self.events.next() => event,
            };
            let chosen = match event {
                None => Some(Choice::Quit),
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
            let event = tokio::select! {
                signal = self.signals.next() => return Ok(Shown::Signal(signal)),
                event = self.events.next() => event,
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
                Some(Ok(_)) => {}
            }
        }
    }
}

/// The loop: what happens goes into the [`App`], what it asks for is done, and its picture is drawn.
///
/// # Errors
/// See [`Error`].
pub async fn drive<B, S>(
    terminal: &mut Terminal<B>,
    events: &mut S,
    node: Node,
    options: Options,
    copy: fn(&str) -> io::Result<()>,
) -> Result<Outcome, Error>
where
    B: Backend,
    B::Error: Send + Sync + 'static,
    S: Stream<Item = io::Result<Event>> + Unpin,
{
    let size = terminal.size().map_err(failed)?;
    let mut app = App::new(
        options.look,
        options.zone,
        options.own_node,
        (size.width, size.height),
    );
    let mut link = Link::new(node);
    let mut asks = app.start();
    let mut drawn: Option<Instant> = None;
    let mut changed = false;
    loop {
        for ask in std::mem::take(&mut asks) {
            match ask {
                Ask::Request(tag, request) => {
                    if let Some(msg) = link.send(tag, request) {
                        asks.extend(app.update(now_ms(), msg));
                    }
                }
                Ask::Copy(text) => copy(&text).map_err(Error::Terminal)?,
                Ask::Redraw => terminal::forget(terminal).map_err(failed)?,
                Ask::Quit => {
                    return Ok(app
                        .gone
                        .map_or(Outcome::Quit, |gone| Outcome::Gone(gone.why)));
                }
            }
        }
        if !asks.is_empty() {
            continue;
        }
        if let Some(msg) = link.ready() {
            asks = app.update(now_ms(), msg);
            continue;
        }
        changed |= app.take_changed();
        let next_frame = drawn.map_or_else(Instant::now, |at| at + limits::FRAME_EVERY);
        if changed && next_frame <= Instant::now() {
            let size = terminal.size().map_err(failed)?;
            if (size.width, size.height) != app.size {
                asks = app.update(now_ms(), Msg::Resize(size.width, size.height));
            }
            terminal
                .draw(|frame| screen::draw(&app, frame))
                .map_err(failed)?;
            drawn = Some(Instant::now());
            changed = false;
        }
        if !asks.is_empty() {
            continue;
        }
        let wake = if changed {
            Some(next_frame)
        } else {
            app.next_tick_ms().map(instant_of)
        };
        let msg = tokio::select! {
            event = events.next() => match event {
                None => return Ok(Outcome::Quit),
                Some(event) => message(event.map_err(Error::Terminal)?),
            },
            msg = link.next() => Some(msg),
            () = sleep_until(wake) => (!changed).then_some(Msg::Tick),
        };
        if let Some(msg) = msg {
            asks = app.update(now_ms(), msg);
        }
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Terminal(io::Error::other(error))
}

fn message(event: Event) -> Option<Msg> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => Some(Msg::Key(key)),
        Event::Paste(text) => Some(Msg::Paste(text)),
        Event::Resize(width, height) => Some(Msg::Resize(width, height)),
        Event::Key(_) | Event::Mouse(_) | Event::FocusGained | Event::FocusLost => None,
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn instant_of(wall_ms: u64) -> Instant {
    // At least a little later, or a clock that was set back would make the loop spin.
    Instant::now() + Duration::from_millis(wall_ms.saturating_sub(now_ms()).clamp(1, 60_000))
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
