//! The only place that writes to standard output and standard error.
//!
//! Invariants:
//! - when the reader of standard output is gone (a closed pipe), writing answers [`Closed`], which is no failure of a command;
//! - nothing waits in the buffer when a command ends or waits: it calls [`Out::flush`] first.

use std::fmt;
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

/// Standard output, buffered and locked.
#[derive(Debug)]
pub(super) struct Out {
    writer: BufWriter<StdoutLock<'static>>,
    terminal: bool,
}

/// Nobody reads standard output any more.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("nobody reads the output any more")]
pub(super) struct Closed;

impl Out {
    /// Takes standard output; there can be one at a time.
    pub(super) fn new() -> Self {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        Self {
            writer: BufWriter::with_capacity(64 << 10, stdout.lock()),
            terminal,
        }
    }

    /// Returns whether a person reads along.
    pub(super) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Writes `text` and a line end.
    pub(super) fn line(&mut self, text: impl fmt::Display) -> anyhow::Result<()> {
        told(writeln!(self.writer, "{text}"))
    }

    /// Writes a line of JSON; on a terminal without anything that could steer it.
    pub(super) fn json(&mut self, json: &str) -> anyhow::Result<()> {
        if self.terminal {
            self.line(crate::cli::clean::json(json))
        } else {
            self.line(json)
        }
    }

    /// Hands everything over to the system.
    pub(super) fn flush(&mut self) -> anyhow::Result<()> {
        told(self.writer.flush())
    }
}

fn told(result: io::Result<()>) -> anyhow::Result<()> {
    match result {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Closed.into()),
        Err(error) => Err(anyhow::Error::new(error).context("writing the output")),
    }
}

/// Writes a line to standard error. That nobody reads it is no failure.
pub(super) fn tell(text: impl fmt::Display) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// Writes a line to standard error if it is a terminal: hints for people, that a script does not need.
pub(super) fn hint(text: impl fmt::Display) {
    if io::stderr().is_terminal() {
        tell(text);
    }
}
