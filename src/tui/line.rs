//! The input line: the text that becomes an event, checked at every change.
//!
//! Invariant: what the line calls right is what the node takes, up to the size of an event.

use std::collections::VecDeque;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde_json::value::RawValue;
use tui_input::{Input, InputRequest};

use crate::event::canon::{self, Properties};
use crate::limits;
use crate::tui::look::clean;

/// What the input line is, as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// Nothing.
    Empty,
    /// Text.
    Text,
    /// A JSON object that can be an event's properties.
    Json,
    /// It begins as JSON and cannot be sent.
    Wrong {
        /// Why not.
        why: String,
        /// The character it is about, from 0, if it is one.
        at: Option<usize>,
    },
}

/// The input line with its history.
#[derive(Debug)]
pub struct Line {
    input: Input,
    check: Check,
    history: VecDeque<String>,
    /// Which line of the history is shown, counted from the newest; None: a new one.
    recalled: Option<usize>,
    kept: String,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            input: Input::default(),
            check: Check::Empty,
            history: VecDeque::new(),
            recalled: None,
            kept: String::new(),
        }
    }
}

impl Line {
    /// The text.
    pub fn text(&self) -> &str {
        self.input.value()
    }

    /// The widget's state: cursor and scrolling.
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// What it is.
    pub fn check(&self) -> &Check {
        &self.check
    }

    /// Puts `text` in, with the cursor at its end.
    pub fn set(&mut self, text: String) {
        self.input = Input::new(text);
        self.check = check(self.text());
    }

    /// Edits; returns whether the key is one for editing.
    pub fn edit(&mut self, key: KeyEvent) -> bool {
        let Some(request) = request(key) else {
            return false;
        };
        let adds = matches!(request, InputRequest::InsertChar(_));
        if !(adds && self.text().chars().count() >= limits::INPUT_CHARS_MAX) {
            self.input.handle(request);
            self.check = check(self.text());
        }
        true
    }

    /// Inserts pasted text; line breaks become spaces.
    pub fn paste(&mut self, text: &str) {
        let pasted = text
            .trim_end_matches(['\r', '\n'])
            .replace("\r\n", " ")
            .replace(['\r', '\n', '\t'], " ");
        let at = self.input.cursor();
        let room = limits::INPUT_CHARS_MAX.saturating_sub(self.text().chars().count());
        let pasted: String = pasted.chars().take(room).collect();
        let before: String = self.text().chars().take(at).collect();
        let after: String = self.text().chars().skip(at).collect();
        let cursor = at + pasted.chars().count();
        self.input = Input::new(before + &pasted + &after).with_cursor(cursor);
        self.check = check(self.text());
    }

    /// Takes the line as an event's properties and empties it; None, and nothing is changed, when it cannot be sent.
    pub fn take(&mut self) -> Option<(String, Box<RawValue>)> {
        let text = self.text().to_owned();
        let json = match &self.check {
            Check::Empty | Check::Wrong { .. } => return None,
            Check::Text => serde_json::json!({ "text": text }).to_string(),
            Check::Json => text.trim().to_owned(),
        };
        let json = RawValue::from_string(json).ok()?;
        if self.history.back() != Some(&text) {
            self.history.push_back(text.clone());
        }
        if self.history.len() > limits::INPUT_HISTORY_LINES {
            self.history.pop_front();
        }
        self.recalled = None;
        self.set(String::new());
        Some((text, json))
    }

    /// Shows the line sent before.
    pub fn older(&mut self) {
        let next = self.recalled.map_or(0, |at| at + 1);
        let Some(text) = self.history.iter().rev().nth(next).cloned() else {
            return;
        };
        if self.recalled.is_none() {
            self.kept = self.text().to_owned();
        }
        self.recalled = Some(next);
        self.set(text);
    }

    /// Shows the line sent after; after the newest, what was being written.
    pub fn newer(&mut self) {
        let Some(at) = self.recalled else { return };
        self.recalled = at.checked_sub(1);
        let text = match self.recalled {
            Some(at) => self
                .history
                .iter()
                .rev()
                .nth(at)
                .cloned()
                .unwrap_or_default(),
            None => std::mem::take(&mut self.kept),
        };
        self.set(text);
    }
}

/// What an editing key does, as in shells.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "of many keys few are used here"
)]
fn request(key: KeyEvent) -> Option<InputRequest> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    // AltGr is told as Control and Alt together, and makes characters.
    let plain = control == alt;
    Some(match key.code {
        KeyCode::Char(c) if plain && !c.is_control() => InputRequest::InsertChar(c),
        KeyCode::Backspace if alt || control => InputRequest::DeletePrevWord,
        KeyCode::Backspace => InputRequest::DeletePrevChar,
        KeyCode::Char('h') if control => InputRequest::DeletePrevChar,
        KeyCode::Delete if alt || control => InputRequest::DeleteNextWord,
        KeyCode::Delete => InputRequest::DeleteNextChar,
        KeyCode::Left if alt || control => InputRequest::GoToPrevWord,
        KeyCode::Right if alt || control => InputRequest::GoToNextWord,
        KeyCode::Left => InputRequest::GoToPrevChar,
        KeyCode::Right => InputRequest::GoToNextChar,
        KeyCode::Home => InputRequest::GoToStart,
        KeyCode::End => InputRequest::GoToEnd,
        KeyCode::Char('a') if control => InputRequest::GoToStart,
        KeyCode::Char('e') if control => InputRequest::GoToEnd,
        KeyCode::Char('b') if alt => InputRequest::GoToPrevWord,
        KeyCode::Char('f') if alt => InputRequest::GoToNextWord,
        KeyCode::Char('w') if control => InputRequest::DeletePrevWord,
        KeyCode::Char('d') if alt => InputRequest::DeleteNextWord,
        KeyCode::Char('u') if control => InputRequest::DeleteFromStart,
        KeyCode::Char('k') if control => InputRequest::DeleteTillEnd,
        KeyCode::Char('y') if control => InputRequest::Yank,
        _ => return None,
    })
}

/// Says what a line is.
pub fn check(text: &str) -> Check {
    let start = text.trim_start();
    if start.is_empty() {
        return Check::Empty;
    }
    if !start.starts_with('{') {
        return Check::Text;
    }
    let Err(error) = Properties::parse(text.trim().as_bytes()) else {
        return Check::Json;
    };
    let lead = text.chars().count() - start.chars().count();
    let found = |part: &str| text.rfind(part).map(|byte| text[..byte].chars().count());
    let (why, at) = match &error {
        canon::Error::Syntax { why, column, .. } => {
            let at = lead + column.saturating_sub(1);
            (format!("{}, at character {}", clean(why), at + 1), Some(at))
        }
        canon::Error::Reserved { member } | canon::Error::Duplicate { member } => {
            (clean(&error.to_string()), found(&format!("\"{member}\"")))
        }
        canon::Error::Number { literal } => (error.to_string(), found(literal)),
        canon::Error::NotAnObject { .. }
        | canon::Error::Depth { .. }
        | canon::Error::Unicode { .. } => (error.to_string(), None),
    };
    Check::Wrong { why, at }
}
