//! Which characters of others are drawn. The text comes from peers: it must not steer the terminal, nor leave its place.

use unicode_width::UnicodeWidthChar;

/// Combining marks on one character; further ones would pile up over other rows.
const MARKS_MAX: usize = 3;

/// What is drawn for `c`: a space for white space; nothing for control, bidi and zero-width characters.
pub(super) fn safe_char(c: char) -> Option<char> {
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
pub(super) struct Marks(usize);

impl Marks {
    /// Returns whether `c` is one too many.
    pub(super) fn pile_up(&mut self, c: char) -> bool {
        self.0 = if c.width() == Some(0) { self.0 + 1 } else { 0 };
        self.0 > MARKS_MAX
    }
}
