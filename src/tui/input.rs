//! Keys: [`keymap`] is the one table of them. What a key does, the help, and the hints at the bottom all come from it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::tui::event_keys;
use crate::tui::program_keys::PROGRAM;

/// What a key press means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Adds the input line as an event.
    Send,
    /// Goes back: out of a pane, or out of the input line.
    Back,
    /// Goes to the input line.
    Edit,
    /// Clears the input line; when it is empty, quits.
    ClearOrQuit,
    /// Quits.
    Quit,
    /// One up.
    Up,
    /// One down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the root.
    First,
    /// To the newest event, and follow.
    Last,
    /// To the first parent of the selected event.
    Parent,
    /// To the first child.
    Child,
    /// Opens what is selected.
    Open,
    /// To the next pane.
    NextPane,
    /// To the pane before.
    PreviousPane,
    /// To a pane.
    Pane(Pane),
    /// Shows a ticket.
    Ticket,
    /// Copies the selected event's uuid.
    CopyUuid,
    /// Copies the selected event.
    CopyJson,
    /// The other order.
    Order,
    /// Shows the keys.
    Help,
    /// Draws everything again.
    Redraw,
    /// Takes the mouse, or gives it back.
    Mouse,
    /// Quits and leaves the screen in the terminal.
    QuitShowing,
    /// The focused pane gets bigger.
    Bigger,
    /// The focused pane gets smaller.
    Smaller,
    /// The focused pane gets the room of all, or gives it back.
    Whole,
    /// Shows a ticket as a QR code.
    Code,
    /// Opens the palette.
    Palette,
    /// Opens the user's editor on the input line.
    Editor,
    /// Goes to the shell for a while.
    Suspend,
    /// Begins a new row in the input line.
    NewRow,
    /// A row up in the input line; in the first, the line sent before.
    Older,
    /// A row down in the input line; in the last, the line sent after.
    Newer,
    /// Asks what to search for.
    Find,
    /// The next event that matches.
    NextHit,
    /// The one before.
    PreviousHit,
    /// Asks what to show alone.
    Filter,
    /// The next picture of the events.
    View,
    /// The newest event on top, or at the bottom.
    NewestFirst,
    /// Lets the picture stand still, or go on.
    Freeze,
    /// Marks the selected event, or no longer.
    Mark,
    /// The event before by the same author.
    AuthorBack,
    /// The event after by the same author.
    AuthorOn,
    /// Folds quiet runs, or shows them whole.
    Fold,
    /// Further lanes.
    LanesOn,
    /// The lanes before.
    LanesBack,
    /// Lets the selected event's lane have a column in any case.
    PickLane,
}

/// A part of the screen that can have the focus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pane {
    /// The input line.
    Input,
    /// The events.
    Events,
    /// The selected event.
    Detail,
    /// The peers.
    Peers,
    /// The leaves.
    Leaves,
}

/// Where a binding holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Everywhere.
    Everywhere,
    /// In the input line.
    Line,
    /// In all other panes.
    Browse,
}

/// A key with its modifiers; Shift counts only where it is no part of the character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(pub KeyCode, pub KeyModifiers);

/// One row of the keymap.
#[derive(Debug)]
pub struct Binding {
    /// Any of these …
    pub keys: &'static [Key],
    /// … here …
    pub place: Place,
    /// … does this …
    pub action: Action,
    /// … in words, for the help …
    pub does: &'static str,
    /// … and for the bottom line, which has the first key; empty: not there.
    pub hint: &'static str,
}

pub(super) const fn key(code: KeyCode) -> Key {
    Key(code, KeyModifiers::NONE)
}

pub(super) const fn letter(c: char) -> Key {
    Key(KeyCode::Char(c), KeyModifiers::NONE)
}

pub(super) const fn ctrl(c: char) -> Key {
    Key(KeyCode::Char(c), KeyModifiers::CONTROL)
}

pub(super) const fn bind(
    place: Place,
    keys: &'static [Key],
    action: Action,
    does: &'static str,
    hint: &'static str,
) -> Binding {
    Binding {
        keys,
        place,
        action,
        does,
        hint,
    }
}

/// The keys but those of the events pane and of the program.
const KEYMAP: &[Binding] = &[
    bind(
        Place::Line,
        &[key(KeyCode::Enter)],
        Action::Send,
        "add the line as an event",
        "send",
    ),
    bind(
        Place::Line,
        &[key(KeyCode::Esc)],
        Action::Back,
        "leave the line and browse",
        "browse",
    ),
    bind(
        Place::Line,
        &[key(KeyCode::Up)],
        Action::Older,
        "a row up; from the first, older lines",
        "",
    ),
    bind(
        Place::Line,
        &[key(KeyCode::Down)],
        Action::Newer,
        "a row down; from the last, newer lines",
        "",
    ),
    bind(
        Place::Browse,
        &[letter('i')],
        Action::Edit,
        "write an event",
        "write",
    ),
    bind(
        Place::Browse,
        &[key(KeyCode::Up), letter('k')],
        Action::Up,
        "one up",
        "",
    ),
    bind(
        Place::Browse,
        &[key(KeyCode::Down), letter('j')],
        Action::Down,
        "one down",
        "",
    ),
    bind(
        Place::Browse,
        &[key(KeyCode::Enter)],
        Action::Open,
        "show what is selected",
        "open",
    ),
    bind(
        Place::Browse,
        &[letter(':')],
        Action::Palette,
        "commands; also in the empty line",
        "command",
    ),
    bind(
        Place::Browse,
        &[letter('h'), key(KeyCode::Left)],
        Action::Parent,
        "to a parent of the event",
        "parent",
    ),
    bind(
        Place::Browse,
        &[letter('l'), key(KeyCode::Right)],
        Action::Child,
        "to a child of the event",
        "child",
    ),
    bind(
        Place::Browse,
        &[letter('G'), key(KeyCode::End)],
        Action::Last,
        "to the newest event, and follow",
        "newest",
    ),
    bind(
        Place::Browse,
        &[letter('g'), key(KeyCode::Home)],
        Action::First,
        "to the root",
        "",
    ),
    bind(
        Place::Everywhere,
        &[key(KeyCode::PageUp)],
        Action::PageUp,
        "a page up",
        "",
    ),
    bind(
        Place::Everywhere,
        &[key(KeyCode::PageDown)],
        Action::PageDown,
        "a page down",
        "",
    ),
    bind(Place::Browse, &[ctrl('u')], Action::PageUp, "a page up", ""),
    bind(
        Place::Browse,
        &[ctrl('d')],
        Action::PageDown,
        "a page down",
        "",
    ),
    bind(
        Place::Everywhere,
        &[key(KeyCode::F(2))],
        Action::Ticket,
        "a ticket that lets a machine join",
        "ticket",
    ),
    bind(
        Place::Browse,
        &[letter('t')],
        Action::Ticket,
        "a ticket; again: as a QR code",
        "",
    ),
    bind(
        Place::Everywhere,
        &[key(KeyCode::Tab)],
        Action::NextPane,
        "next pane",
        "pane",
    ),
    bind(
        Place::Everywhere,
        &[key(KeyCode::BackTab)],
        Action::PreviousPane,
        "pane before",
        "",
    ),
    bind(
        Place::Browse,
        &[letter('1')],
        Action::Pane(Pane::Events),
        "events",
        "",
    ),
    bind(
        Place::Browse,
        &[letter('2')],
        Action::Pane(Pane::Detail),
        "the selected event",
        "",
    ),
    bind(
        Place::Browse,
        &[letter('3')],
        Action::Pane(Pane::Peers),
        "peers",
        "",
    ),
    bind(
        Place::Browse,
        &[letter('4')],
        Action::Pane(Pane::Leaves),
        "leaves",
        "",
    ),
    bind(
        Place::Browse,
        &[letter('o')],
        Action::Order,
        "causal order, or order of arrival",
        "order",
    ),
    bind(
        Place::Browse,
        &[letter('y')],
        Action::CopyUuid,
        "copy the uuid, or those of the marked events",
        "copy",
    ),
    bind(
        Place::Browse,
        &[letter('Y')],
        Action::CopyJson,
        "copy the whole event, or the marked ones",
        "",
    ),
    bind(
        Place::Everywhere,
        &[key(KeyCode::F(1))],
        Action::Help,
        "these keys",
        "help",
    ),
    bind(
        Place::Everywhere,
        &[ctrl('l')],
        Action::Redraw,
        "draw the screen again",
        "",
    ),
];

/// All keys, in the order in which they are told.
pub fn keymap() -> impl Iterator<Item = &'static Binding> {
    KEYMAP.iter().chain(event_keys::KEYS).chain(PROGRAM)
}

/// Returns what a key does at `place` ([`Place::Line`] or [`Place::Browse`]).
pub fn action(event: KeyEvent, place: Place) -> Option<Action> {
    let wanted = Key(event.code, event.modifiers.difference(KeyModifiers::SHIFT));
    let here = |binding: &&Binding| binding.place == place || binding.place == Place::Everywhere;
    keymap()
        .filter(here)
        .find(|binding| binding.keys.contains(&wanted))
        .map(|binding| binding.action)
}

/// A key's name, as on keyboards.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "of many keys few are used here"
)]
pub fn name(key: Key, unicode: bool) -> String {
    let code = match key.0 {
        code if key.1 != KeyModifiers::NONE => {
            let with = if key.1 == KeyModifiers::ALT {
                "Alt"
            } else {
                "Ctrl"
            };
            let code = match code {
                KeyCode::Char(c) => KeyCode::Char(c.to_ascii_uppercase()),
                other => other,
            };
            return format!("{with}-{}", name(Key(code, KeyModifiers::NONE), unicode));
        }
        KeyCode::Char(' ') => return "Space".into(),
        KeyCode::Char(c) => return c.to_string(),
        KeyCode::F(n) => return format!("F{n}"),
        KeyCode::Up if unicode => "↑",
        KeyCode::Down if unicode => "↓",
        KeyCode::Left if unicode => "←",
        KeyCode::Right if unicode => "→",
        KeyCode::PageUp => "PgUp",
        KeyCode::PageDown => "PgDn",
        KeyCode::BackTab => "Shift-Tab",
        other => return format!("{other:?}"),
    };
    code.to_owned()
}
