//! Text that is safe to show on a terminal.
//!
//! Whoever wrote an event decides what stands in it, so it may try to move the cursor, rewrite what was shown or turn the reading
//! direction round. Nothing of that reaches a terminal.
//!
//! Source: ECMA-48 (control characters), Unicode UAX #9 section 2 (explicit directional formatting).

use std::borrow::Cow;
use std::fmt::Write;

/// Returns whether `c` may change how other text is shown: controls, directional formatting, line separators, and
/// invisible characters that serve to hide text. Joiners stay: scripts and emoji need them.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// One line of text: line ends and tabs become spaces, other unsafe characters U+FFFD.
pub(super) fn line(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let shown = |c| match c {
        '\n' | '\r' | '\t' => ' ',
        c if is_unsafe(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    Cow::Owned(text.chars().map(shown).collect())
}

/// JSON: unsafe characters are written as JSON escapes, so that it stays the same JSON value. In canonical JSON they can stand only in
/// strings.
pub(super) fn json(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unsafe(c) {
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
