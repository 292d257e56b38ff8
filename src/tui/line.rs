//! The input line: the text that becomes an event, checked at every change. It may have several rows.
//!
//! Invariant: what the line calls right is what the node takes, up to the size of an event.

use std::collections::VecDeque;

use crossterm::event::KeyEvent;
use serde_json::value::RawValue;
use tui_input::{Input, InputRequest};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::event::canon::{self, Properties};
use crate::limits;
use crate::tui::editing::request;
use crate::tui::safe::clean;

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
        match request {
            InputRequest::GoToStart
            | InputRequest::GoToEnd
            | InputRequest::DeleteTillEnd
            | InputRequest::DeleteFromStart => self.edit_row(request),
            InputRequest::InsertChar(c) => self.insert(c),
            InputRequest::Yank => {
                let before = self.input.clone();
                self.input.handle(request);
                if self.text().chars().count() > limits::INPUT_CHARS_MAX {
                    self.input = before;
                }
            }
            InputRequest::SetCursor(_)
            | InputRequest::GoToPrevChar
            | InputRequest::GoToNextChar
            | InputRequest::GoToPrevWord
            | InputRequest::GoToNextWord
            | InputRequest::DeletePrevChar
            | InputRequest::DeleteNextChar
            | InputRequest::DeletePrevWord
            | InputRequest::DeleteNextWord
            | InputRequest::DeleteLine => {
                self.input.handle(request);
            }
        }
        self.check = check(self.text());
        true
    }

    /// Begins a new row at the cursor.
    pub fn break_row(&mut self) {
        self.insert('\n');
        self.check = check(self.text());
    }

    /// Inserts pasted text, with its rows; returns how many characters found no room.
    pub fn paste(&mut self, text: &str) -> usize {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let text = text.trim_end_matches('\n');
        let room = limits::INPUT_CHARS_MAX.saturating_sub(self.text().chars().count());
        let pasted: String = text.chars().take(room).collect();
        let at = self.input.cursor();
        let (before, after) = cut(self.text(), at);
        let joined = format!("{before}{pasted}{after}");
        let taken = pasted.chars().count();
        let input = std::mem::take(&mut self.input);
        self.input = input.with_value(joined).with_cursor(at + taken);
        self.check = check(self.text());
        text.chars().count() - taken
    }

    /// The rows.
    pub fn rows(&self) -> impl Iterator<Item = &str> {
        self.text().split('\n')
    }

    /// Row and column, both from 0 and in characters, of the character `at`.
    pub fn spot(&self, at: usize) -> (usize, usize) {
        spot(self.text(), at)
    }

    /// What a field of so many columns shows of a text of one row, and the cursor's column in it.
    pub fn tail(&self, columns: usize) -> (String, u16) {
        let (before, after) = cut(self.text(), self.input.cursor());
        let before = clean(before);
        let mut column = 0;
        let fits = |c: &char| {
            column += c.width().unwrap_or(0);
            column <= columns
        };
        let taken: usize = before
            .chars()
            .rev()
            .take_while(fits)
            .map(char::len_utf8)
            .sum();
        let before = &before[before.len() - taken..];
        let column = u16::try_from(before.width()).unwrap_or(u16::MAX);
        (format!("{before}{}", clean(after)), column)
    }

    /// Moves the cursor to the row above; returns false in the first one.
    pub fn up(&mut self) -> bool {
        self.step(-1)
    }

    /// Moves the cursor to the row below; returns false in the last one.
    pub fn down(&mut self) -> bool {
        self.step(1)
    }

    /// Moves the cursor by rows and leaves it in its column of the screen, or at the end of a shorter row.
    fn step(&mut self, by: isize) -> bool {
        let (row, column) = self.spot(self.input.cursor());
        let rows: Vec<&str> = self.rows().collect();
        let Some((to, text)) = row
            .checked_add_signed(by)
            .and_then(|to| Some((to, rows.get(to)?)))
        else {
            return false;
        };
        let width = |c: char| c.width().unwrap_or(0);
        let wanted: usize = rows[row].chars().take(column).map(width).sum();
        let mut passed = 0;
        let is_before = |c: &char| {
            passed += width(*c);
            passed <= wanted
        };
        let column = text.chars().take_while(is_before).count();
        let start: usize = rows[..to].iter().map(|row| row.chars().count() + 1).sum();
        self.input.handle(InputRequest::SetCursor(start + column));
        true
    }

    fn insert(&mut self, c: char) {
        if self.text().chars().count() < limits::INPUT_CHARS_MAX {
            self.input.handle(InputRequest::InsertChar(c));
        }
    }

    /// Edits as if the cursor's row were all there is.
    fn edit_row(&mut self, request: InputRequest) {
        let (row, column) = self.spot(self.input.cursor());
        let mut rows: Vec<String> = self.rows().map(str::to_owned).collect();
        let input = std::mem::take(&mut self.input);
        let mut input = input
            .with_value(std::mem::take(&mut rows[row]))
            .with_cursor(column);
        input.handle(request);
        let start: usize = rows[..row].iter().map(|row| row.chars().count() + 1).sum();
        let cursor = start + input.cursor();
        input.value().clone_into(&mut rows[row]);
        self.input = input.with_value(rows.join("\n")).with_cursor(cursor);
    }

    /// Takes the line as an event's properties and empties it; None, and nothing is changed, when it cannot be sent.
    pub fn take(&mut self) -> Option<(String, Box<RawValue>)> {
        let text = self.text().to_owned();
        let json = match &self.check {
            Check::Empty | Check::Wrong { .. } => return None,
            Check::Text => serde_json::json!({ "text": text }).to_string(),
            // A line feed ends a request to the node; in JSON it stands only where a space can.
            Check::Json => text.trim().replace(['\n', '\r'], " "),
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
    let (before, _) = text.split_at(text.len() - start.len());
    let found = |part: &str| text.rfind(part).map(|byte| text[..byte].chars().count());
    let (why, at) = match &error {
        canon::Error::Syntax { why, line, column } => {
            let rows = start.split('\n').take(line.saturating_sub(1));
            let above: usize = rows.map(|row| row.chars().count() + 1).sum();
            let at = before.chars().count() + above + column.saturating_sub(1);
            (clean(why), Some(at))
        }
        canon::Error::Reserved { member } | canon::Error::Duplicate { member } => {
            (clean(&error.to_string()), found(&format!("\"{member}\"")))
        }
        canon::Error::Number { literal } => (error.to_string(), found(literal)),
        canon::Error::NotAnObject { .. }
        | canon::Error::Depth { .. }
        | canon::Error::Unicode { .. } => (error.to_string(), None),
    };
    let place = at.map(|at| spot(text, at));
    let why = match (&error, place) {
        (_, Some((row, column))) if text.contains('\n') => {
            format!("{why}, at line {}, column {}", row + 1, column + 1)
        }
        (canon::Error::Syntax { .. }, Some((_, column))) => {
            format!("{why}, at character {}", column + 1)
        }
        (_, _) => why,
    };
    Check::Wrong { why, at }
}

fn spot(text: &str, at: usize) -> (usize, usize) {
    let (before, _) = cut(text, at);
    let row = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count(), row.chars().count())
}

/// Cuts before the character `at`.
fn cut(text: &str, at: usize) -> (&str, &str) {
    let byte = text
        .char_indices()
        .nth(at)
        .map_or(text.len(), |(byte, _)| byte);
    text.split_at(byte)
}
