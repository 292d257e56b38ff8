//! The keys and the signs: on the screen, where they can be searched, and as docs/keys.md. Both come from the keymap.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget};
use unicode_width::UnicodeWidthStr;

use crate::tui::app::App;
use crate::tui::editing::EDITS;
use crate::tui::input::{Action, Key, Pane, Place, action, keymap, name};
use crate::tui::line::Line;
use crate::tui::look::{ACCENT, FAINT, Look, STRONG, wrap_words};
use crate::tui::palette::Command;
use crate::tui::panes::Pieces;
use crate::tui::popup::{draw_lines, middle};
use crate::tui::screen::{frame, put};

/// Before what is searched for.
const TYPING: &str = "Keys with: ";
/// Columns of the help, with its border.
const WIDTH: u16 = 66;
/// Columns of the keys.
const KEYS: usize = 16;

/// The open help.
#[derive(Debug, Default)]
pub struct Help {
    row: u16,
    /// Only rows with this text are shown.
    filter: Line,
    is_typing: bool,
}

impl Help {
    /// Takes pasted text into what is searched for; returns false if nothing is typed there.
    pub fn paste(&mut self, text: &str) -> bool {
        if self.is_typing {
            self.filter.paste(&text.trim().replace(['\r', '\n'], " "));
            self.row = 0;
        }
        self.is_typing
    }

    /// Takes a key on `app`'s screen; returns false when the help is to be closed.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "of many keys few are used here"
    )]
    pub fn on_key(&mut self, key: KeyEvent, room: u16, lines: impl Fn(&str) -> usize) -> bool {
        if self.is_typing {
            match key.code {
                KeyCode::Esc => self.filter.set(String::new()),
                KeyCode::Enter => {}
                _ if self.filter.edit(key) => {
                    self.row = 0;
                    return true;
                }
                _ => return true,
            }
            self.is_typing = false;
            return true;
        }
        if key.code == KeyCode::Char('/') {
            self.is_typing = true;
            return true;
        }
        let lines = u16::try_from(lines(self.filter.text())).unwrap_or(u16::MAX);
        let last = lines.saturating_sub(room);
        self.row = match action(key, Place::Browse) {
            Some(Action::Down) => self.row.saturating_add(1).min(last),
            Some(Action::PageDown) => self.row.saturating_add(10).min(last),
            Some(Action::Up) => self.row.saturating_sub(1),
            Some(Action::PageUp) => self.row.saturating_sub(10),
            Some(_) | None if self.filter.text().is_empty() => return false,
            Some(_) | None => {
                self.filter.set(String::new());
                0
            }
        };
        true
    }
}

/// Rows that the help has for its lines, on a screen of this height.
pub fn room(height: u16) -> u16 {
    height.saturating_sub(3)
}

/// Lines of the help with this filter, on a screen of so many columns.
pub fn count(look: Look, focus: Pane, columns: u16, filter: &str) -> usize {
    lines(look, focus, columns, filter).len()
}

/// Draws the help within `area`; returns where the cursor stands while the filter is typed.
pub fn draw(app: &App, help: &Help, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let filter = help.filter.text();
    let lines = lines(app.look, app.focus, area.width, filter);
    let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let area = middle(area, WIDTH, rows.saturating_add(2));
    Clear.render(area, buf);
    let hidden = rows.saturating_add(2).saturating_sub(area.height);
    let room = usize::from(area.width).saturating_sub(TYPING.len() + 5);
    let (typed, column) = help.filter.tail(room);
    let title = match (help.is_typing, filter.is_empty(), hidden) {
        (true, _, _) => format!("{TYPING}{typed}"),
        (false, false, _) => format!("Keys with: {filter} (Esc shows all)"),
        (false, true, 0) => "Keys (/ searches, Esc closes)".to_owned(),
        (false, true, _) => "Keys (arrows scroll, / searches, Esc closes)".to_owned(),
    };
    let inner = frame(buf, area, &title, true, app.look);
    if lines.is_empty() {
        put(
            buf,
            inner.x + 1,
            inner.y,
            inner.right(),
            "no key does that",
            FAINT,
        );
    }
    draw_lines(&lines[usize::from(help.row.min(hidden))..], inner, buf);
    let x = area.x + 2 + u16::try_from(TYPING.len()).unwrap_or(0) + column;
    let x = x.min(area.right().saturating_sub(1));
    help.is_typing.then_some(Position { x, y: area.y })
}

/// The keymap, that of the focused pane first, and the legend; only what has `filter` in it.
fn lines(look: Look, focus: Pane, columns: u16, filter: &str) -> Vec<Pieces> {
    let width = usize::from(columns.min(WIDTH).saturating_sub(2));
    let mut sections = [
        (Place::Line, "In the input line"),
        (Place::Browse, "In the other panes"),
        (Place::Everywhere, "Everywhere"),
    ];
    if focus != Pane::Input {
        sections.swap(0, 1);
    }
    let mut lines = Vec::new();
    for (place, title) in sections {
        let here = keymap().filter(|binding| binding.place == place);
        let rows = here.map(|binding| (names(binding.keys, look.unicode), binding.does));
        section(&mut lines, width, title, rows, filter);
    }
    let edits = EDITS.iter();
    let rows = edits.map(|(keys, _, does)| (names(keys, look.unicode), *does));
    section(&mut lines, width, "Editing", rows, filter);
    let commands = Command::ALL.iter();
    let rows = commands.map(|(_, name, argument, does)| (format!("{name} {argument}"), *does));
    section(&mut lines, width, "Commands of the palette", rows, filter);
    let rows = signs(look).into_iter();
    let rows = rows.map(|(sign, means)| (sign.to_owned(), means));
    section(&mut lines, width, "Signs", rows, filter);
    lines
}

fn section(
    lines: &mut Vec<Pieces>,
    width: usize,
    title: &str,
    rows: impl Iterator<Item = (String, &'static str)>,
    filter: &str,
) {
    let filter = filter.to_lowercase();
    let has = |text: &str| text.to_lowercase().contains(&filter);
    let rows: Vec<_> = rows.filter(|(key, does)| has(key) || has(does)).collect();
    if rows.is_empty() {
        return;
    }
    if !lines.is_empty() {
        lines.push(Vec::new());
    }
    lines.push(vec![(format!(" {title}"), STRONG)]);
    for (key, does) in rows {
        let lead = 3 + key.width().max(KEYS);
        let parts = wrap_words(does, width.saturating_sub(lead + 1));
        for (at, part) in parts.into_iter().enumerate() {
            let key = if at == 0 { key.as_str() } else { "" };
            let fill = " ".repeat(lead.saturating_sub(2 + key.width()));
            lines.push(vec![
                (format!("  {key}{fill}"), ACCENT),
                (part, Style::new()),
            ]);
        }
    }
}

fn names(keys: &[Key], unicode: bool) -> String {
    let names = keys.iter().map(|key| name(*key, unicode));
    names.collect::<Vec<_>>().join(" ")
}

fn signs(look: Look) -> [(&'static str, &'static str); 9] {
    let glyphs = look.glyphs();
    [
        (glyphs.event, "an event"),
        (glyphs.merge, "an event that merges two or more"),
        (glyphs.leaf, "a leaf: nothing here was made on it"),
        (glyphs.root, "the root that all machines start with"),
        (glyphs.left, "tie to a parent, the lane's newest"),
        (glyphs.older, "tie to a parent that is older"),
        (glyphs.parents, "the parents of a merge"),
        (glyphs.held, "a connected peer holds it"),
        (glyphs.lacked, "a peer does not, or it is not known"),
    ]
}

/// docs/keys.md.
pub fn markdown() -> String {
    let mut lines = vec![MARKDOWN_HEAD.to_owned()];
    let row = |(keys, does): (&[Key], &str)| {
        let keys = keys.iter();
        let keys = keys.map(|key| format!("`{}`", name(*key, true).replace('|', "\\|")));
        format!("| {} | {does} |", keys.collect::<Vec<_>>().join(" "))
    };
    for (place, title) in [
        (Place::Line, "In the input line"),
        (Place::Browse, "In the other panes"),
        (Place::Everywhere, "Everywhere"),
    ] {
        lines.push(format!("\n## {title}\n\n| keys | do |\n|---|---|"));
        let here = keymap().filter(|binding| binding.place == place);
        lines.extend(here.map(|binding| row((binding.keys, binding.does))));
    }
    lines.push(format!(
        "\n## Editing\n\n{EDITING}\n\n| keys | do |\n|---|---|"
    ));
    lines.extend(EDITS.iter().map(|(keys, _, does)| row((keys, does))));
    lines.push(format!(
        "\n## Commands\n\n{COMMANDS}\n\n| command | does |\n|---|---|"
    ));
    let command = |(_, name, argument, does): &(Command, &str, &str, &str)| {
        format!("| `{name} {argument}` | {does} |")
    };
    lines.extend(Command::ALL.iter().map(command));
    lines.push(MARKDOWN_END.to_owned());
    lines.join("\n")
}

const MARKDOWN_HEAD: &str = "# Keys

Written from the keymap in `src/tui` by `BLESS=1 cargo test --test it tui`; a test fails when they differ. `F1` shows the same on the \
screen.";
const EDITING: &str = "Where text is written: in the input line, after `/` and `&`, in the palette, in the search of the help.";
const COMMANDS: &str = "`:` opens the palette. It finds all of the above by some letters of what they do, and takes these with an argument:";
const MARKDOWN_END: &str = "
## Clipboard and mouse

What is copied goes to the terminal's clipboard by the sequence OSC 52, also from a machine at the other end of `ssh`. Some terminals
ask first, or must be told to allow it. tmux passes it on after `set -g set-clipboard on`.

The mouse is the terminal's, so that text is selected as anywhere. After `m` the wheel scrolls the pane under it and a click selects;
most terminals then select text while Shift is held.
";
