//! The terminal: taken over, given back on every way out, and told what to copy.
//!
//! Invariants:
//! - after return, error, panic in any thread, SIGTERM, SIGHUP, SIGINT and SIGQUIT the terminal is as it was;
//! - a panic while the terminal is taken ends the process with code 101: a worker's panic would otherwise leave a UI that
//!   goes on painting;
//! - `Terminal::clear` is never called: it asks the terminal for its cursor, and waits two seconds when nothing answers.

use std::io::{self, IsTerminal, Write, stdout};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::Show;
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::execute;
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::Terminal;
use ratatui::backend::{Backend, ClearType, CrosstermBackend};
use rustix::process::kill_current_process_group;
use tokio::signal::unix::{self, SignalKind, signal};

use crate::caught::is_expected;

/// Exit code after a panic, as the runtime has it.
const PANIC_EXIT: i32 = 101;

/// The terminal is taken.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// The screen has the mouse while it has the terminal.
static MOUSE: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// The terminal while it is taken; given back when dropped.
#[derive(Debug)]
pub struct Taken(());

/// Returns whether standard input and output are terminals.
pub fn is_there() -> bool {
    io::stdin().is_terminal() && stdout().is_terminal()
}

/// Takes the terminal.
///
/// # Errors
/// The terminal's; it is given back then.
pub fn take() -> io::Result<(Taken, Terminal<CrosstermBackend<io::Stdout>>)> {
    HOOK.call_once(set_panic_hook);
    // Otherwise crossterm 0.29 writes a reset for each colour when NO_COLOR is set, and wipes bold and reverse. Whether there are
    // colours is decided in `theme`.
    crossterm::style::force_color_output(true);
    let taken = Taken(());
    take_again()?;
    let terminal = Terminal::new(CrosstermBackend::new(stdout()))?;
    Ok((taken, terminal))
}

/// Takes the terminal again, wherever it was left: given back, or changed by a shell while this process was stopped.
///
/// # Errors
/// The terminal's.
pub fn take_again() -> io::Result<()> {
    give_back();
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste)?;
    mouse(MOUSE.load(Ordering::SeqCst))
}

/// Takes the mouse, or gives it back: while it is taken, the terminal itself selects no text.
///
/// # Errors
/// The terminal's.
pub fn mouse(on: bool) -> io::Result<()> {
    MOUSE.store(on, Ordering::SeqCst);
    if on {
        execute!(stdout(), EnableMouseCapture)
    } else {
        execute!(stdout(), DisableMouseCapture)
    }
}

/// Writes `text` as it is. What is to stay must be written after the terminal was given back.
///
/// # Errors
/// The terminal's.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Stops the process group, as Ctrl-Z does in a shell. It goes on with SIGCONT.
///
/// # Errors
/// The system's.
pub fn stop() -> io::Result<()> {
    Ok(kill_current_process_group(rustix::process::Signal::TSTP)?)
}

impl Drop for Taken {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back; does nothing if it is not taken. Returns whether it was.
pub fn give_back() -> bool {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return false;
    }
    // Nothing more can be done about a terminal that takes no more output.
    execute!(
        stdout(),
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        Show
    )
    .ok();
    disable_raw_mode().ok();
    true
}

fn set_panic_hook() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if is_expected() {
            return; // an error soon, told where it belongs
        }
        let was_taken = give_back();
        before(panic);
        if was_taken {
            std::process::exit(PANIC_EXIT);
        }
    }));
}

/// Forgets what the terminal shows, so that the next frame is drawn whole.
///
/// # Errors
/// The terminal's.
pub fn forget<B: Backend>(terminal: &mut Terminal<B>) -> Result<(), B::Error> {
    terminal.backend_mut().clear_region(ClearType::All)?;
    terminal.current_buffer_mut().reset();
    terminal.swap_buffers();
    Ok(())
}

/// Puts `text` into the clipboard of the terminal (OSC 52). Terminals that do not allow it ignore it.
///
/// # Errors
/// The terminal's.
pub fn copy(text: &str) -> io::Result<()> {
    let is_in_tmux = std::env::var_os("TMUX").is_some_and(|socket| !socket.is_empty());
    print(&clipboard(text, is_in_tmux))
}

/// The sequence that does it. tmux takes it where `set-clipboard` is `on`, and hands the wrapped one to the terminal around it
/// where `allow-passthrough` is; both are off unless somebody sets them.
fn clipboard(text: &str, is_in_tmux: bool) -> String {
    let encoded = data_encoding::BASE64.encode(text.as_bytes());
    let plain = format!("\x1b]52;c;{encoded}\x07");
    if is_in_tmux {
        format!("{plain}\x1bPtmux;\x1b{plain}\x1b\\")
    } else {
        plain
    }
}

/// Returns whether a signal of this number comes from keys, for all that run in the terminal.
pub fn is_from_keys(signal: i32) -> bool {
    [SignalKind::interrupt(), SignalKind::quit()]
        .iter()
        .any(|kind| kind.as_raw_value() == signal)
}

/// A signal for the UI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// It is to end; the signal's number.
    End(i32),
    /// The process was stopped and goes on. The terminal may have been changed.
    Continue,
}

/// The signals that the UI hears.
#[derive(Debug)]
pub struct Signals {
    ends: [(unix::Signal, i32); 4],
    continues: unix::Signal,
}

impl Signals {
    /// Listens for SIGHUP, SIGINT, SIGQUIT, SIGTERM and SIGCONT. Must be called in a tokio runtime.
    ///
    /// # Errors
    /// The system's.
    pub fn listen() -> io::Result<Self> {
        let on = |kind: SignalKind| Ok::<_, io::Error>((signal(kind)?, kind.as_raw_value()));
        Ok(Self {
            ends: [
                on(SignalKind::hangup())?,
                on(SignalKind::interrupt())?,
                on(SignalKind::quit())?,
                on(SignalKind::terminate())?,
            ],
            continues: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
        })
    }

    /// Waits for one.
    pub async fn next(&mut self) -> Signal {
        let [(hangup, a), (interrupt, b), (quit, c), (terminate, d)] = &mut self.ends;
        tokio::select! {
            _ = hangup.recv() => Signal::End(*a),
            _ = interrupt.recv() => Signal::End(*b),
            _ = quit.recv() => Signal::End(*c),
            _ = terminate.recv() => Signal::End(*d),
            _ = self.continues.recv() => Signal::Continue,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_told_to_the_terminal_and_through_tmux() {
        assert_eq!(clipboard("hé", false), "\x1b]52;c;aMOp\x07");
        assert_eq!(
            clipboard("hé", true),
            "\x1b]52;c;aMOp\x07\x1bPtmux;\x1b\x1b]52;c;aMOp\x07\x1b\\"
        );
    }
}
