//! The keys of the demo: one table, for what they do, for the help, and for the bottom line.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::demo::scene::Machine;

/// What a key press means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Keys are about this machine.
    Pick(Machine),
    /// Writes on the picked machine.
    Write,
    /// Every machine writes.
    All,
    /// Cuts the wires of the picked machine.
    Cut,
    /// Mends all wires.
    Heal,
    /// Makes the wires of the picked machine slow, or fast again.
    Slow,
    /// Kills the picked machine, or starts it again.
    Kill,
    /// Plays by itself, or pauses.
    Auto,
    /// The next step.
    Next,
    /// Shows the keys.
    Help,
    /// Draws everything again.
    Redraw,
    /// Quits.
    Quit,
}

/// One row of the keymap.
#[derive(Debug)]
pub struct Binding {
    /// This key …
    pub code: KeyCode,
    /// … does this …
    pub action: Action,
    /// … has this name …
    pub key: &'static str,
    /// … in the help, empty: not there …
    pub does: &'static str,
    /// … and in the bottom line; empty: not there.
    pub hint: &'static str,
}

const fn bind(
    code: KeyCode,
    action: Action,
    key: &'static str,
    does: &'static str,
    hint: &'static str,
) -> Binding {
    Binding {
        code,
        action,
        key,
        does,
        hint,
    }
}

/// The keys. Those that one hint stands for come with the first of them.
pub const KEYS: &[Binding] = &[
    bind(
        KeyCode::Char('n'),
        Action::Next,
        "n",
        "play the next step",
        "next step",
    ),
    bind(
        KeyCode::Char('a'),
        Action::Auto,
        "a",
        "play by itself, or pause; at the end, from the beginning",
        "autoplay",
    ),
    bind(
        KeyCode::Char('p'),
        Action::Cut,
        "p",
        "cut the wires of the picked machine",
        "cut",
    ),
    bind(
        KeyCode::Char('h'),
        Action::Heal,
        "h",
        "mend all wires",
        "heal",
    ),
    bind(
        KeyCode::Char(' '),
        Action::All,
        "Space",
        "every machine writes an event at once",
        "all write",
    ),
    bind(
        KeyCode::Enter,
        Action::Write,
        "Enter",
        "write an event on the picked machine",
        "write",
    ),
    bind(
        KeyCode::Char('k'),
        Action::Kill,
        "k",
        "kill the picked machine, or start it again from its store",
        "kill/start",
    ),
    bind(
        KeyCode::Char('l'),
        Action::Slow,
        "l",
        "make its wires slow (300 ms a round trip), or fast again",
        "slow",
    ),
    bind(
        KeyCode::Char('1'),
        Action::Pick(Machine::Ana),
        "1 2 3",
        "pick ana, bob or cy",
        "pick",
    ),
    bind(KeyCode::Char('2'), Action::Pick(Machine::Bob), "", "", ""),
    bind(KeyCode::Char('3'), Action::Pick(Machine::Cy), "", "", ""),
    bind(
        KeyCode::Char('?'),
        Action::Help,
        "?",
        "show the keys",
        "help",
    ),
    bind(KeyCode::F(1), Action::Help, "", "", ""),
    bind(
        KeyCode::Char('q'),
        Action::Quit,
        "q",
        "quit, and remove the three stores",
        "quit",
    ),
];

/// What a key does.
pub fn action(key: KeyEvent) -> Option<Action> {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return (key.code == KeyCode::Char('l')).then_some(Action::Redraw);
    }
    KEYS.iter()
        .find(|binding| binding.code == key.code)
        .map(|binding| binding.action)
}
