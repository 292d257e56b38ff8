//! Which characters of others are drawn. The text comes from peers: it must not steer the terminal, nor leave its place.

use unicode_width::UnicodeWidthChar;

/// Combining marks on one character; further ones would pile up over other rows.
const MARKS_MAX: usize = 3;

/// Makes text safe to draw: white space becomes a space, control, bidi and zero-width characters vanish, as do marks that pile up.
pub fn clean(text: &str) -> String {
    let mut marks = Marks::default();
    let safe = text.chars().filter_map(safe_char);
    safe.filter(|c| !marks.pile_up(*c)).collect()
}

/// Makes JSON safe to draw: what [`clean`] would drop is written as JSON escapes it, so that it is seen.
pub fn escape(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    let mut marks = Marks::default();
    for c in json.chars() {
        match safe_char(c).filter(|c| !marks.pile_up(*c)) {
            Some(c) => text.push(c),
            None => text.extend(
                c.encode_utf16(&mut [0; 2])
                    .iter()
                    .map(|unit| format!("\\u{unit:04x}")),
            ),
        }
    }
    text
}

/// What is drawn for `c`: a space for white space; nothing for control, bidi and zero-width characters.
fn safe_char(c: char) -> Option<char> {
    match c {
        '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}' => Some(' '),
        '\u{061C}'
        | '\u{180E}'
        | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}'
        | '\u{FFF9}'..='\u{FFFB}'
        | '\u{E0000}'..='\u{E0FFF}' => None,
        c if c.is_control() => None,
        c => Some(c),
    }
}

/// Counts the marks on a character.
#[derive(Debug, Default)]
struct Marks(usize);

impl Marks {
    /// Returns whether `c` is one too many.
    fn pile_up(&mut self, c: char) -> bool {
        self.0 = if c.width() == Some(0) { self.0 + 1 } else { 0 };
        self.0 > MARKS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_cleaned() {
        assert_eq!(
            clean("a\u{1b}[31mb\u{202e}c\u{200b}d\ne\u{9b}f\u{7f}"),
            "a[31mbcd ef"
        );
    }

    #[test]
    fn marks_do_not_pile_up() {
        let piled = format!("e{}x", "\u{301}".repeat(1_000));
        assert_eq!(clean(&piled), format!("e{}x", "\u{301}".repeat(3)));
        assert_eq!(
            clean("☂\u{fe0f}"),
            "☂",
            "terminals do not agree on its width"
        );
        assert_eq!(escape(&piled[..11]), "e\u{301}\u{301}\u{301}\\u0301\\u0301");
    }

    #[test]
    fn hidden_characters_of_json_are_seen() {
        assert_eq!(
            escape("\"a\u{202e}b\u{e0001}\""),
            "\"a\\u202eb\\udb40\\udc01\""
        );
    }
}
