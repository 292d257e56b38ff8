//! The demo on a terminal: keys and what happens on the [`Stage`] go into the [`Show`], what it asks for is done, its picture
//! is drawn.

use std::io;

use crossterm::event::{Event, EventStream, KeyEventKind};
use futures_util::StreamExt;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use tokio::time::Instant;

use crate::demo::picture;
use crate::demo::show::{Ask, Msg, Show};
use crate::demo::stage::{Happened, Stage};
use crate::demo::{Error, Options};
use crate::limits::FRAME_EVERY;
use crate::tui;
use crate::tui::look::Look;
use crate::tui::terminal::{self, Signal, Signals};

/// How the demo ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The user quit.
    Quit,
    /// A signal of this number.
    Signal(i32),
}

/// Shows the demo until the user quits or a signal comes. Must be called in a tokio runtime.
///
/// # Errors
/// See [`Error`]; the terminal is given back and the directory removed.
pub async fn run(options: Options) -> Result<Outcome, Error> {
    if !terminal::is_there() {
        return Err(tui::Error::NoTerminal.into());
    }
    let look = Look::from_environment();
    let mut signals = Signals::listen().map_err(failed)?;
    let (taken, terminal) = terminal::take().map_err(failed)?;
    let mut screen = Screen::new(terminal, look)?;
    let mut stage = None;
    let outcome = Box::pin(screen.play(options, &mut signals, &mut stage)).await;
    drop(screen);
    drop(taken);
    if let Some(stage) = stage {
        stage.close().await;
    }
    outcome
}

fn failed(error: io::Error) -> Error {
    tui::Error::Terminal(error).into()
}

struct Screen {
    terminal: Terminal<CrosstermBackend<io::Stdout>>,
    keys: EventStream,
    show: Show,
    begun: Instant,
    drawn: Option<Instant>,
}

/// What the loop is to do next.
enum Next {
    GoOn,
    Quit,
}

impl Screen {
    fn new(terminal: Terminal<CrosstermBackend<io::Stdout>>, look: Look) -> Result<Self, Error> {
        let size = terminal.size().map_err(failed)?;
        Ok(Self {
            terminal,
            keys: EventStream::new(),
            show: Show::new(look, (size.width, size.height)),
            begun: Instant::now(),
            drawn: None,
        })
    }

    async fn play(
        &mut self,
        options: Options,
        signals: &mut Signals,
        stage: &mut Option<Stage>,
    ) -> Result<Outcome, Error> {
        let quit = Ok(Outcome::Quit);
        let mut opening = Box::pin(Stage::open(options.seed));
        let opened = loop {
            self.draw()?;
            tokio::select! {
                opened = &mut opening => break opened?,
                signal = signals.next() => match signal {
                    Signal::End(number) => return Ok(Outcome::Signal(number)),
                    Signal::Continue => self.go_on()?,
                },
                msg = next_key(&mut self.keys) => match msg? {
                    Some(msg) => if let Next::Quit = self.take(msg, None)? {
                        return quit;
                    },
                    None => return quit,
                },
            }
        };
        let stage = stage.insert(opened);
        self.take(Msg::Scene(stage.scene().clone()), Some(stage))?;
        loop {
            self.draw()?;
            let wakeup_ms = self.wakeup_ms(stage);
            let msg = tokio::select! {
                signal = signals.next() => match signal {
                    Signal::End(number) => return Ok(Outcome::Signal(number)),
                    Signal::Continue => {
                        self.go_on()?;
                        continue;
                    }
                },
                msg = next_key(&mut self.keys) => match msg? {
                    Some(msg) => msg,
                    None => return quit,
                },
                happened = stage.happened(wakeup_ms) => match happened? {
                    Happened::Scene => Msg::Scene(stage.scene().clone()),
                    Happened::Window(machine, window) => Msg::Window(machine, window),
                    Happened::Refused(why) => Msg::Refused(why),
                },
            };
            if let Next::Quit = self.take(msg, Some(stage))? {
                return quit;
            }
        }
    }

    /// The process was stopped, and the terminal may be another's.
    fn go_on(&mut self) -> Result<(), Error> {
        terminal::take_again().map_err(failed)?;
        terminal::forget(&mut self.terminal).map_err(failed)?;
        let size = self.terminal.size().map_err(failed)?;
        self.take(Msg::Resize(size.width, size.height), None)?;
        Ok(())
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// When the stage is to stop waiting, by its own clock.
    fn wakeup_ms(&self, stage: &Stage) -> Option<u64> {
        let frame = self.drawn.filter(|_| self.show.is_stale());
        let frame_ms = frame.map(|at| {
            let until = (at + FRAME_EVERY).saturating_duration_since(self.begun);
            u64::try_from(until.as_millis()).unwrap_or(u64::MAX)
        });
        let wakeup_ms = [frame_ms, self.show.wakeup_ms()]
            .into_iter()
            .flatten()
            .min()?;
        Some(stage.now_ms() + wakeup_ms.saturating_sub(self.now_ms()).max(1))
    }

    /// Tells the show, and does what it asks for.
    fn take(&mut self, msg: Msg, stage: Option<&mut Stage>) -> Result<Next, Error> {
        let asks = self.show.update(self.now_ms(), msg);
        let mut stage = stage;
        for ask in asks {
            match (ask, stage.as_deref_mut()) {
                (Ask::Quit, _) => return Ok(Next::Quit),
                (Ask::Redraw, _) => terminal::forget(&mut self.terminal).map_err(failed)?,
                (Ask::Act(act), Some(stage)) => stage.act(act),
                (Ask::Window(machine, request), Some(stage)) => stage.ask_window(machine, request),
                (Ask::Act(_) | Ask::Window(..), None) => {}
            }
        }
        Ok(Next::GoOn)
    }

    /// Draws what changed, at most every `limits::FRAME_EVERY`.
    fn draw(&mut self) -> Result<(), Error> {
        let is_soon = self.drawn.is_some_and(|at| at.elapsed() < FRAME_EVERY);
        if is_soon || !self.show.take_changed() {
            return Ok(());
        }
        let size = self.terminal.size().map_err(failed)?;
        if (size.width, size.height) != self.show.size {
            self.take(Msg::Resize(size.width, size.height), None)?;
        }
        self.terminal
            .draw(|frame| picture::draw(&self.show, frame))
            .map_err(failed)?;
        self.drawn = Some(Instant::now());
        Ok(())
    }
}

/// The next key, paste or size; None: there is no more input.
async fn next_key(keys: &mut EventStream) -> Result<Option<Msg>, Error> {
    loop {
        let Some(event) = keys.next().await else {
            return Ok(None);
        };
        match event.map_err(failed)? {
            Event::Key(key) if key.kind != KeyEventKind::Release => return Ok(Some(Msg::Key(key))),
            Event::Paste(text) => return Ok(Some(Msg::Paste(text))),
            Event::Resize(width, height) => return Ok(Some(Msg::Resize(width, height))),
            Event::Key(_) | Event::Mouse(_) | Event::FocusGained | Event::FocusLost => {}
        }
    }
}
