//! How things look: styles, Unicode or ASCII, and text made safe to draw.
//!
//! Decided once from what the user wishes and the environment, then plain data that every drawing function takes. Styles name
//! the terminal's 16 colours; `theme` says what becomes of them.
//!
//! Invariants:
//! - nothing is told by colour alone: each colour goes with a word, a glyph or a position;
//! - no text reaches the screen with control, bidi or zero-width characters in it.
//!
//! Source: no-color.org; Unicode Standard Annex 9 (bidi controls), Unicode Technical Report 36, section 2.

use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::tui::safe::clean;
use crate::tui::theme::{self, Background, Colours, Wishes};

/// What the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// How many colours there are.
    pub colours: Colours,
    /// What stands behind the text.
    pub background: Background,
    /// Characters beyond ASCII may be used.
    pub unicode: bool,
    /// A row may light up for a moment when it arrives.
    pub motion: bool,
}

impl Look {
    /// Everything, on a dark background.
    pub const FULL: Self = Self {
        colours: Colours::True,
        background: Background::Dark,
        unicode: true,
        motion: true,
    };

    /// As the environment says.
    pub fn from_environment() -> Self {
        Self::wished(Wishes::default())
    }

    /// As the user wishes, and where nothing is wished as the environment says.
    pub fn wished(wishes: Wishes) -> Self {
        Self::from_variables(|name| std::env::var(name).ok(), wishes)
    }

    /// As [`Look::wished`], with the variables given by `get`: `NO_MOTION`, `TERM`, `LC_ALL`, `LC_CTYPE`, `LANG`, and those of
    /// [`Colours::from_variables`] and [`Background::from_variables`].
    pub fn from_variables(get: impl Fn(&str) -> Option<String>, wishes: Wishes) -> Self {
        let set = |name: &str| get(name).filter(|value| !value.is_empty());
        let term = set("TERM").unwrap_or_default();
        let locale = set("LC_ALL")
            .or_else(|| set("LC_CTYPE"))
            .or_else(|| set("LANG"))
            .unwrap_or_default();
        let locale = locale.to_ascii_lowercase();
        let utf8 = locale.contains("utf-8") || locale.contains("utf8");
        Self {
            colours: Colours::from_variables(&get, wishes.colours),
            background: wishes
                .background
                .unwrap_or_else(|| Background::from_variables(&get)),
            unicode: utf8 && term != "linux" && term != "dumb" && !wishes.ascii,
            motion: set("NO_MOTION").is_none(),
        }
    }

    /// Colours may be used.
    pub fn has_colour(self) -> bool {
        self.colours != Colours::None
    }

    /// The glyphs.
    pub fn glyphs(self) -> &'static Glyphs {
        if self.unicode { &UNICODE } else { &ASCII }
    }

    /// The borders of panes.
    pub fn border(self) -> border::Set<'static> {
        if self.unicode {
            border::ROUNDED
        } else {
            ASCII_BORDER
        }
    }

    /// The border of the pane that has the focus: without colour it has a form of its own.
    pub fn focused_border(self) -> border::Set<'static> {
        match (self.has_colour(), self.unicode) {
            (true, _) => self.border(),
            (false, true) => border::THICK,
            (false, false) => ASCII_FOCUSED_BORDER,
        }
    }

    /// Colour of the lane in this column: the terminal's own colours.
    pub fn lane(column: usize) -> Style {
        const COLOURS: [Color; 12] = [
            Color::Cyan,
            Color::Yellow,
            Color::Green,
            Color::Magenta,
            Color::Blue,
            Color::Red,
            Color::LightCyan,
            Color::LightYellow,
            Color::LightGreen,
            Color::LightMagenta,
            Color::LightBlue,
            Color::LightRed,
        ];
        Style::new().fg(COLOURS[column % COLOURS.len()])
    }

    /// The selected row.
    pub fn selection(self) -> Style {
        theme::selection(self.colours, self.background)
    }

    /// What matches a search.
    pub fn hit(self) -> Style {
        let style = Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
        if self.has_colour() {
            style.fg(Color::Black).bg(Color::Yellow)
        } else {
            style
        }
    }

    /// A badge of this colour: a filled field with the word in it.
    pub fn badge(self, colour: Color) -> Style {
        if self.has_colour() {
            Style::new()
                .fg(Color::Black)
                .bg(colour)
                .add_modifier(Modifier::BOLD)
        } else {
            Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD)
        }
    }
}

/// Less important text; how faint is drawn, `theme` says.
pub const FAINT: Style = Style::new().fg(Color::DarkGray);
/// Important text.
pub const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
/// All is well.
pub const GOOD: Style = Style::new().fg(Color::Green);
/// Under way.
pub const BUSY: Style = Style::new().fg(Color::Yellow);
/// Something is wrong.
pub const BAD: Style = Style::new().fg(Color::Red);
/// Keys, the prompt, the border of the pane that has the focus.
pub const ACCENT: Style = Style::new().fg(Color::Cyan);

/// The glyphs of one character set; each is one column wide.
#[derive(Debug)]
pub struct Glyphs {
    /// An event.
    pub event: &'static str,
    /// An event with two or more parents.
    pub merge: &'static str,
    /// An event without held children.
    pub leaf: &'static str,
    /// The root.
    pub root: &'static str,
    /// A lane goes on.
    pub lane: &'static str,
    /// The lanes that have no column go on.
    pub rest: &'static str,
    /// A tie to an older event of the lane.
    pub older: &'static str,
    /// A tie passes.
    pub across: &'static str,
    /// A tie to the newest event of the leftmost lane.
    pub left: &'static str,
    /// A tie to the newest event of the rightmost lane.
    pub right: &'static str,
    /// A tie to the newest event of a lane between.
    pub middle: &'static str,
    /// As `left`, where nothing goes on below.
    pub last_left: &'static str,
    /// As `right`, where nothing goes on below.
    pub last_right: &'static str,
    /// As `middle`, where nothing goes on below.
    pub last_middle: &'static str,
    /// `last_left`, `last_right` and `last_middle` of a picture that stands upside down.
    pub upside_down: [&'static str; 3],
    /// A peer holds it.
    pub held: &'static str,
    /// A peer does not, or it is not known.
    pub lacked: &'static str,
    /// Before the parents.
    pub parents: &'static str,
    /// Text goes on.
    pub more: &'static str,
    /// The selected row; the prompt.
    pub pointer: &'static str,
    /// So many times.
    pub times: &'static str,
    /// A marked row.
    pub marked: &'static str,
    /// Down, as of events that come in.
    pub down: &'static str,
    /// Up, as of events that go out.
    pub up: &'static str,
    /// A connected peer.
    pub on: &'static str,
    /// A peer that is dialled.
    pub trying: &'static str,
    /// A peer that is away.
    pub off: &'static str,
    /// It is right.
    pub yes: &'static str,
    /// It is wrong.
    pub no: &'static str,
    /// A bar's done part.
    pub full: &'static str,
    /// A bar's other part.
    pub empty: &'static str,
    /// Between words.
    pub dot: &'static str,
    /// Heights of a small chart, lowest first.
    pub heights: [&'static str; 8],
}

static UNICODE: Glyphs = Glyphs {
    event: "●",
    merge: "◆",
    leaf: "◉",
    root: "R",
    lane: "│",
    rest: "┊",
    older: "╎",
    across: "─",
    left: "├",
    right: "┤",
    middle: "┼",
    last_left: "╰",
    last_right: "╯",
    last_middle: "┴",
    upside_down: ["╭", "╮", "┬"],
    held: "✓",
    lacked: "·",
    parents: "⇐",
    more: "…",
    pointer: "›",
    times: "×",
    marked: "■",
    down: "↓",
    up: "↑",
    on: "●",
    trying: "◌",
    off: "○",
    yes: "✓",
    no: "✗",
    full: "█",
    empty: "░",
    dot: "·",
    heights: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
};

static ASCII: Glyphs = Glyphs {
    event: "o",
    merge: "#",
    leaf: "@",
    root: "R",
    lane: "|",
    rest: ".",
    older: ":",
    across: "-",
    left: "+",
    right: "+",
    middle: "+",
    last_left: "`",
    last_right: "'",
    last_middle: "'",
    upside_down: [",", ".", "."],
    held: "v",
    lacked: ".",
    parents: "<=",
    more: "~",
    pointer: ">",
    times: "x",
    marked: "*",
    down: "v",
    up: "^",
    on: "*",
    trying: "?",
    off: "o",
    yes: "v",
    no: "x",
    full: "#",
    empty: ".",
    dot: "-",
    heights: ["_", ".", "-", "=", "+", "*", "%", "#"],
};

const ASCII_BORDER: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

const ASCII_FOCUSED_BORDER: border::Set<'static> = border::Set {
    horizontal_top: "=",
    horizontal_bottom: "=",
    ..ASCII_BORDER
};

/// Cleans `text` and cuts it to `width` columns, with a mark where something was cut.
pub fn fit(text: &str, width: usize, look: Look) -> String {
    let text = clean(text);
    if text.width() <= width {
        return text;
    }
    let more = look.glyphs().more;
    let room = width.saturating_sub(more.width());
    let mut cut = take_columns(&text, room).to_owned();
    if width > 0 {
        cut.push_str(more);
    }
    cut
}

/// Fits `text` and fills it with spaces up to `width` columns.
pub fn pad(text: &str, width: usize, look: Look) -> String {
    let mut text = fit(text, width, look);
    let used = text.width();
    text.extend(std::iter::repeat_n(' ', width.saturating_sub(used)));
    text
}

/// Cleans `text` and breaks it into lines of at most `width` columns; white space is not special, so that a copy is whole.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let text = clean(text);
    let mut rest = text.as_str();
    let mut lines = Vec::new();
    while !rest.is_empty() {
        let head = take_columns(rest, width.max(1));
        let head = if head.is_empty() {
            &rest[..rest.chars().next().map_or(1, char::len_utf8)]
        } else {
            head
        };
        lines.push(head.to_owned());
        rest = &rest[head.len()..];
    }
    lines
}

/// Cleans `text` and breaks it into lines of at most `width` columns between words; a longer word is cut.
pub fn wrap_words(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in clean(text).split(' ') {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.extend(if word.is_empty() {
                vec![String::new()]
            } else {
                wrap(word, width)
            }),
        }
    }
    lines
}

/// The longest beginning of `text` that is at most `columns` wide.
fn take_columns(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > columns {
            return &text[..at];
        }
    }
    text
}

/// Writes a count with a comma between thousands.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Writes a count and its noun, as `1 leaf` and `2 leaves`.
pub fn number(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(variables: &[(&str, &str)]) -> Look {
        let get = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Look::from_variables(get, Wishes::default())
    }

    #[test]
    fn environment_decides() {
        let full = [
            ("LANG", "de_DE.UTF-8"),
            ("COLORTERM", "truecolor"),
            ("COLORFGBG", "15;0"),
        ];
        assert_eq!(look(&full), Look::FULL);
        assert!(look(&[("LANG", "C.utf8"), ("NO_COLOR", "")]).has_colour());
        assert!(!look(&[("LANG", "C.UTF-8"), ("NO_COLOR", "1")]).has_colour());
        assert!(!look(&[("LANG", "en_US.UTF-8"), ("LC_ALL", "C")]).unicode);
        assert!(!look(&[]).unicode);
        assert!(!look(&[("LANG", "C.UTF-8"), ("TERM", "linux")]).unicode);
        assert!(!look(&[("LANG", "C.UTF-8"), ("NO_MOTION", "1")]).motion);
    }

    #[test]
    fn text_is_cut_by_columns() {
        assert_eq!(fit("日本語テキスト", 7, Look::FULL), "日本語…");
        assert_eq!(fit("abc", 3, Look::FULL), "abc");
        assert_eq!(fit("abcd", 3, Look::FULL), "ab…");
        assert_eq!(fit("abcd", 0, Look::FULL), "");
        assert_eq!(pad("ab", 4, Look::FULL), "ab  ");
        assert_eq!(wrap("日本語", 3), ["日", "本", "語"]);
        assert_eq!(wrap("日", 1), ["日"]);
        assert_eq!(
            wrap_words("ab c  def ghijkl", 5),
            ["ab c ", "def", "ghijk", "l"]
        );
    }

    #[test]
    fn counts_are_readable() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_204), "1,204");
        assert_eq!(count(1_000_000), "1,000,000");
        assert_eq!(number(1, "leaf", "leaves"), "1 leaf");
    }

    #[test]
    fn glyphs_are_one_column() {
        for set in [&UNICODE, &ASCII] {
            for glyph in [
                set.event, set.merge, set.leaf, set.lane, set.older, set.left, set.held, set.more,
                set.on,
            ] {
                assert_eq!(glyph.width(), 1, "{glyph}");
            }
        }
    }
}
