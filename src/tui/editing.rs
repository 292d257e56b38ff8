//! The keys that edit text, as in shells. One table says what they do, to the text and in the help.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::InputRequest;

use crate::tui::input::{Key, ctrl, key};

/// A row of the table: any of these keys does this, and in words.
pub(super) type Edit = (&'static [Key], InputRequest, &'static str);

const fn alt(code: KeyCode) -> Key {
    Key(code, KeyModifiers::ALT)
}

const fn with_ctrl(code: KeyCode) -> Key {
    Key(code, KeyModifiers::CONTROL)
}

/// The table.
pub(super) const EDITS: &[Edit] = &[
    (
        &[key(KeyCode::Left)],
        InputRequest::GoToPrevChar,
        "a character back",
    ),
    (
        &[key(KeyCode::Right)],
        InputRequest::GoToNextChar,
        "a character on",
    ),
    (
        &[
            with_ctrl(KeyCode::Left),
            alt(KeyCode::Left),
            alt(KeyCode::Char('b')),
        ],
        InputRequest::GoToPrevWord,
        "a word back",
    ),
    (
        &[
            with_ctrl(KeyCode::Right),
            alt(KeyCode::Right),
            alt(KeyCode::Char('f')),
        ],
        InputRequest::GoToNextWord,
        "a word on",
    ),
    (
        &[key(KeyCode::Home), ctrl('a')],
        InputRequest::GoToStart,
        "to the beginning of the row",
    ),
    (
        &[key(KeyCode::End)],
        InputRequest::GoToEnd,
        "to the end of the row",
    ),
    (
        &[key(KeyCode::Backspace), ctrl('h')],
        InputRequest::DeletePrevChar,
        "delete the character before",
    ),
    (
        &[key(KeyCode::Delete)],
        InputRequest::DeleteNextChar,
        "delete the character here",
    ),
    (
        &[
            ctrl('w'),
            with_ctrl(KeyCode::Backspace),
            alt(KeyCode::Backspace),
        ],
        InputRequest::DeletePrevWord,
        "delete the word before",
    ),
    (
        &[
            alt(KeyCode::Char('d')),
            with_ctrl(KeyCode::Delete),
            alt(KeyCode::Delete),
        ],
        InputRequest::DeleteNextWord,
        "delete the word here",
    ),
    (
        &[ctrl('u')],
        InputRequest::DeleteFromStart,
        "delete up to here",
    ),
    (
        &[ctrl('k')],
        InputRequest::DeleteTillEnd,
        "delete from here on",
    ),
    (
        &[ctrl('y')],
        InputRequest::Yank,
        "put in what was deleted last",
    ),
];

/// What an editing key does.
pub(super) fn request(event: KeyEvent) -> Option<InputRequest> {
    let has = |modifier| event.modifiers.contains(modifier);
    // AltGr is told as Control and Alt together, and makes characters.
    let is_plain = has(KeyModifiers::CONTROL) == has(KeyModifiers::ALT);
    if let KeyCode::Char(c) = event.code
        && is_plain
    {
        return (!c.is_control()).then_some(InputRequest::InsertChar(c));
    }
    let pressed = Key(event.code, event.modifiers.difference(KeyModifiers::SHIFT));
    let row = EDITS.iter().find(|(keys, _, _)| keys.contains(&pressed));
    row.map(|(_, request, _)| *request)
}
