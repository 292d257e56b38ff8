//! Text that is safe to show on a terminal.
//!
//! Whoever wrote an event decides what stands in it, so it may try to move the cursor, rewrite what was shown or turn the reading
//! direction round. Nothing of that reaches a terminal.
//!
//! Source: ECMA-48 (control characters), Unicode UAX #9 section 2 (explicit directional formatting).

use std::borrow::Cow;
use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

/// Returns whether `c` may change how other text is shown: controls, directional formatting, line separators, and
/// invisible characters that serve to hide text. Joiners stay: scripts and emoji need them.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Combining marks on one character that are shown; with more, text piles up over other lines.
const MARKS_MAX: usize = 3;

/// Counts the marks on a character.
#[derive(Default)]
struct Marks(usize);

impl Marks {
    /// Returns whether `c` is one too many.
    fn pile_up(&mut self, c: char) -> bool {
        match c.width() {
            Some(0) if matches!(c, '\u{200c}' | '\u{200d}') => return false, // Joiners.
            Some(0) => self.0 += 1,
            Some(_) | None => self.0 = 0,
        }
        self.0 > MARKS_MAX
    }
}

/// Returns whether `text` can be shown as it is.
fn is_plain(text: &str) -> bool {
    let mut marks = Marks::default();
    !text.contains(|c| is_unsafe(c) || marks.pile_up(c))
}

/// One line of text: line ends and tabs become spaces, other unsafe characters U+FFFD; marks that pile up are left out.
pub(super) fn line(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut marks = Marks::default();
    for c in text.chars() {
        let is_too_many = marks.pile_up(c);
        match c {
            '\n' | '\r' | '\t' => shown.push(' '),
            c if is_unsafe(c) => shown.push(char::REPLACEMENT_CHARACTER),
            _ if is_too_many => {}
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// JSON: unsafe characters, and marks that pile up, are written as JSON escapes, so that it stays the same JSON value. In
/// canonical JSON they can stand only in strings.
pub(super) fn json(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut marks = Marks::default();
    for c in text.chars() {
        if is_unsafe(c) || marks.pile_up(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(shown, "\\u{unit:04x}").expect("a String takes everything");
            }
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\u{1b}[2Jb\u{9b}31mc\u{202e}d\u{2066}e\u{7f}f\u{e0041}g\u{feff}";

    #[test]
    fn nothing_that_steers_a_terminal_is_left() {
        assert_eq!(line(HOSTILE), "a�[2Jb�31mc�d�e�f�g�");
        assert_eq!(line("one\ntwo\tthree\r"), "one two three ");
        let piled = format!("e{}x", "\u{301}".repeat(1_000));
        assert_eq!(line(&piled), format!("e{}x", "\u{301}".repeat(3)));
        assert_eq!(line("größe 日本 👍 שלום"), "größe 日本 👍 שלום");
    }

    #[test]
    fn json_stays_the_same_value() {
        let value = serde_json::json!({ "text": HOSTILE });
        let raw = value.to_string();
        let shown = json(&raw);
        assert!(!shown.contains(is_unsafe));
        assert!(shown.contains("\\u202e"));
        assert!(shown.contains("\\udb40\\udc41"), "{shown}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&shown).unwrap(),
            value
        );
        assert_eq!(json(r#"{"a":"b"}"#), r#"{"a":"b"}"#);
    }
}
