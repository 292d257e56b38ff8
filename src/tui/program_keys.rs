//! The keys of the program and of the screen as a whole: the second half of the keymap.

use crossterm::event::{KeyCode, KeyModifiers};

use crate::tui::input::{Action, Binding, Key, Place, bind, ctrl, key, letter};

/// Rows of the keymap.
pub(super) const PROGRAM: &[Binding] = &[
    bind(
        Place::Line,
        &[Key(KeyCode::Enter, KeyModifiers::ALT), ctrl('j')],
        Action::NewRow,
        "a new row",
        "",
    ),
    bind(
        Place::Line,
        &[ctrl('e')],
        Action::Editor,
        "write it in $VISUAL or $EDITOR",
        "",
    ),
    bind(
        Place::Everywhere,
        &[key(KeyCode::F(3))],
        Action::Code,
        "the ticket as a QR code",
        "",
    ),
    bind(
        Place::Browse,
        &[letter('+')],
        Action::Bigger,
        "a bigger pane",
        "",
    ),
    bind(
        Place::Browse,
        &[letter('_')],
        Action::Smaller,
        "a smaller pane",
        "",
    ),
    bind(
        Place::Browse,
        &[letter('e')],
        Action::Whole,
        "the pane alone, and back",
        "",
    ),
    bind(
        Place::Browse,
        &[letter('m')],
        Action::Mouse,
        "take the mouse, or give it back",
        "",
    ),
    bind(
        Place::Everywhere,
        &[ctrl('z')],
        Action::Suspend,
        "suspend; the shell's fg comes back",
        "",
    ),
    bind(
        Place::Browse,
        &[letter('?')],
        Action::Help,
        "these keys; also in the empty line",
        "",
    ),
    bind(
        Place::Browse,
        &[key(KeyCode::Esc)],
        Action::Back,
        "back",
        "",
    ),
    bind(Place::Browse, &[letter('q')], Action::Quit, "quit", "quit"),
    bind(
        Place::Browse,
        &[letter('Q')],
        Action::QuitShowing,
        "quit; the screen stays in the terminal",
        "",
    ),
    bind(
        Place::Everywhere,
        &[ctrl('c')],
        Action::ClearOrQuit,
        "clear the line; when it is empty, quit",
        "quit",
    ),
];
