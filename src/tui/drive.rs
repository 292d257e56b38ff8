//! The loop: what happens goes into the [`App`], what it asks for is done, and its picture is drawn.
//!
//! It knows nothing of taking and giving back the terminal: where that is needed it ends with a [`Step`], and goes on
//! when it is run again. It may be dropped wherever it waits; nothing is lost then.

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crossterm::event::{Event, KeyEventKind};
use futures_util::{Stream, StreamExt};
use ratatui::Terminal;
use ratatui::backend::Backend;
use tokio::time::Instant;

use crate::limits;
use crate::tui::app::App;
use crate::tui::link::{Link, Node};
use crate::tui::message::{Ask, Msg};
use crate::tui::terminal::Signal;
use crate::tui::{Error, Options, Outcome, failed, screen, terminal};

/// Why the loop stands.
#[derive(Debug)]
pub enum Step {
    /// It is over.
    Ended(Outcome),
    /// It is over, and this stays on the terminal.
    Left(Outcome, String),
    /// A signal came.
    Signal(Signal),
    /// The user wants the shell for a while.
    Suspend,
    /// The user wants the editor on this text.
    Edit(String),
}

/// The loop's state.
#[derive(Debug)]
pub struct Drive {
    app: App,
    link: Link,
    asks: Vec<Ask>,
    drawn: Option<Instant>,
    changed: bool,
}

impl Drive {
    /// A screen of this size for `node`. Must be called in a tokio runtime.
    pub fn new(node: Node, options: &Options, size: (u16, u16)) -> Self {
        let mut app = App::new(options.look, options.zone.clone(), options.own_node, size);
        let asks = app.start();
        Self {
            app,
            link: Link::new(node),
            asks,
            drawn: None,
            changed: false,
        }
    }

    /// Takes in what happened outside the loop.
    pub fn tell(&mut self, msg: Msg) {
        let asks = self.app.update(now_ms(), msg);
        self.asks.extend(asks);
    }

    /// Goes on.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn run<B, S>(
        &mut self,
        terminal: &mut Terminal<B>,
        events: &mut S,
        copy: fn(&str) -> io::Result<()>,
    ) -> Result<Step, Error>
    where
        B: Backend,
        B::Error: Send + Sync + 'static,
        S: Stream<Item = io::Result<Event>> + Unpin,
    {
        loop {
            while !self.asks.is_empty() {
                match self.asks.remove(0) {
                    Ask::Request(tag, request) => {
                        if let Some(msg) = self.link.send(tag, request) {
                            self.tell(msg);
                        }
                    }
                    Ask::Copy(text) => copy(&text).map_err(Error::Terminal)?,
                    Ask::Redraw => terminal::forget(terminal).map_err(failed)?,
                    Ask::Suspend => return Ok(Step::Suspend),
                    Ask::Edit(text) => return Ok(Step::Edit(text)),
                    Ask::Mouse(on) => terminal::mouse(on).map_err(Error::Terminal)?,
                    Ask::QuitShowing => {
                        let last = screen::text(&self.app);
                        return Ok(Step::Left(self.outcome(), last));
                    }
                    Ask::Quit => return Ok(Step::Ended(self.outcome())),
                }
            }
            if let Some(msg) = self.link.ready() {
                self.tell(msg);
                continue;
            }
            self.changed |= self.app.take_changed();
            let next_frame = self
                .drawn
                .map_or_else(Instant::now, |at| at + limits::FRAME_EVERY);
            if self.changed && next_frame <= Instant::now() {
                self.draw(terminal)?;
                continue;
            }
            let wake = if self.changed {
                Some(next_frame)
            } else {
                self.app.next_tick_ms().map(instant_of)
            };
            let msg = tokio::select! {
                event = events.next() => match event {
                    None => return Ok(Step::Ended(Outcome::Quit)),
                    Some(event) => message(event.map_err(Error::Terminal)?),
                },
                msg = self.link.next() => Some(msg),
                () = sleep_until(wake) => (!self.changed).then_some(Msg::Tick),
            };
            if let Some(msg) = msg {
                self.tell(msg);
            }
        }
    }

    fn draw<B>(&mut self, terminal: &mut Terminal<B>) -> Result<(), Error>
    where
        B: Backend,
        B::Error: Send + Sync + 'static,
    {
        let size = terminal.size().map_err(failed)?;
        if (size.width, size.height) != self.app.size {
            self.tell(Msg::Resize(size.width, size.height));
        }
        let app = &self.app;
        terminal
            .draw(|frame| screen::draw(app, frame))
            .map_err(failed)?;
        self.drawn = Some(Instant::now());
        self.changed = false;
        self.app.take_changed();
        Ok(())
    }

    fn outcome(&mut self) -> Outcome {
        let gone = self.app.gone.take();
        gone.map_or(Outcome::Quit, |gone| Outcome::Gone(gone.why))
    }
}

fn message(event: Event) -> Option<Msg> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => Some(Msg::Key(key)),
        Event::Paste(text) => Some(Msg::Paste(text)),
        Event::Resize(width, height) => Some(Msg::Resize(width, height)),
        Event::Mouse(mouse) => Some(Msg::Mouse(mouse)),
        Event::Key(_) | Event::FocusGained | Event::FocusLost => None,
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
