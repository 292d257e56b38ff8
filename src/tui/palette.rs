//! The palette: every action of the keymap and every command, found by some of its letters.
//!
//! Pure. What is typed is a command with its argument when its first word is one; else it is looked for in all entries.

use std::net::SocketAddr;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget};
use unicode_width::UnicodeWidthStr;

use crate::tui::app::App;
use crate::tui::input::{Action, keymap, name};
use crate::tui::line::Line;
use crate::tui::look::{ACCENT, BAD, FAINT, fit};
use crate::tui::popup::middle;
use crate::tui::screen::{frame, put};

/// Rows of entries at most.
const ROWS_MAX: u16 = 14;

/// A command with an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Tells the node where a machine is.
    Connect,
    /// Makes a ticket that is good for some time.
    Invite,
}

impl Command {
    /// All: name, argument, what it does.
    pub const ALL: [(Self, &'static str, &'static str, &'static str); 2] = [
        (
            Self::Connect,
            "connect",
            "MACHINE@ADDRESS",
            "tell where a machine is",
        ),
        (
            Self::Invite,
            "invite",
            "[DURATION]",
            "a ticket that is good so long, as 7d",
        ),
    ];
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// As by a key.
    Action(Action),
    /// A machine is at this address.
    Connect {
        /// Name or key.
        machine: String,
        /// Where.
        address: SocketAddr,
    },
    /// A ticket that is good for so many seconds.
    Invite(u64),
    /// This command lacks its argument.
    Complete(&'static str),
}

/// What can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    Action(Action, &'static str),
    Command(usize),
}

/// The open palette.
#[derive(Debug, Default)]
pub struct Palette {
    /// What is typed.
    pub line: Line,
    /// Which of the entries that are found.
    chosen: usize,
    /// What is wrong with what was chosen.
    wrong: Option<String>,
}

impl Palette {
    /// Moves among what is found.
    pub fn step(&mut self, by: isize) {
        let last = self.found().len().saturating_sub(1);
        self.chosen = self.chosen.saturating_add_signed(by).min(last);
    }

    /// Edits what is typed.
    pub fn edit(&mut self, key: crossterm::event::KeyEvent) {
        if self.line.edit(key) {
            self.chosen = 0;
            self.wrong = None;
        }
    }

    /// Puts in pasted text.
    pub fn paste(&mut self, text: &str) {
        self.line.paste(&text.replace(['\r', '\n'], " "));
        self.chosen = 0;
        self.wrong = None;
    }

    /// What is chosen; None: nothing, and what is wrong is shown.
    pub fn choose(&mut self) -> Option<Chosen> {
        let chosen = match self.command() {
            Some((command, argument)) => read(command, argument),
            None => match self.found().get(self.chosen) {
                Some(Entry::Action(action, _)) => Ok(Chosen::Action(*action)),
                Some(Entry::Command(at)) => Ok(Chosen::Complete(Command::ALL[*at].1)),
                None => Err("there is nothing like that".to_owned()),
            },
        };
        match chosen {
            Ok(Chosen::Complete(name)) => {
                self.line.set(format!("{name} "));
                self.chosen = 0;
                None
            }
            Ok(chosen) => Some(chosen),
            Err(why) => {
                self.wrong = Some(why);
                None
            }
        }
    }

    /// The command that is typed, and its argument.
    fn command(&self) -> Option<(Command, &str)> {
        let text = self.line.text().trim_start();
        let (word, argument) = text.split_once(' ')?;
        let found = Command::ALL.iter().find(|(_, name, _, _)| *name == word)?;
        Some((found.0, argument.trim()))
    }

    /// Entries that have all typed letters in their order, the best first.
    fn found(&self) -> Vec<Entry> {
        let typed = self.line.text().trim();
        if let Some((command, _)) = self.command() {
            let is_it = |(other, _, _, _): &(Command, _, _, _)| *other == command;
            let at = Command::ALL.iter().position(is_it);
            return at.map(Entry::Command).into_iter().collect();
        }
        let mut found: Vec<(u32, Entry)> = entries()
            .into_iter()
            .filter_map(|entry| Some((score(typed, &entry.text())?, entry)))
            .collect();
        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        found.into_iter().map(|(_, entry)| entry).collect()
    }
}

impl Entry {
    fn text(self) -> String {
        match self {
            Self::Action(_, does) => does.to_owned(),
            Self::Command(at) => {
                let (_, name, argument, does) = Command::ALL[at];
                format!("{name} {argument}: {does}")
            }
        }
    }

    fn keys(self, unicode: bool) -> String {
        let Self::Action(action, _) = self else {
            return String::new();
        };
        let keys = keymap()
            .filter(|binding| binding.action == action)
            .flat_map(|binding| binding.keys);
        let names: Vec<String> = keys.map(|key| name(*key, unicode)).collect();
        names.join(" ")
    }
}

/// The commands, and each action of the keymap once, but for mere steps.
fn entries() -> Vec<Entry> {
    let mut entries: Vec<Entry> = (0..Command::ALL.len()).map(Entry::Command).collect();
    for binding in keymap().filter(|binding| !is_step(binding.action)) {
        let is_there =
            |entry: &Entry| matches!(entry, Entry::Action(action, _) if *action == binding.action);
        if !entries.iter().any(is_there) {
            entries.push(Entry::Action(binding.action, binding.does));
        }
    }
    entries
}

/// Returns whether nobody would look for an action here: it moves a little, or edits, or opened the palette.
fn is_step(action: Action) -> bool {
    matches!(
        action,
        Action::Palette
            | Action::Send
            | Action::Back
            | Action::NewRow
            | Action::Older
            | Action::Newer
            | Action::Up
            | Action::Down
            | Action::PageUp
            | Action::PageDown
            | Action::NextPane
            | Action::PreviousPane
    )
}

/// How well `typed` fits: its letters in their order, better next to each other and at the beginnings of words. None: not at all.
fn score(typed: &str, text: &str) -> Option<u32> {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let mut at = 0;
    let mut score = 0;
    let mut before = None;
    for c in typed.to_lowercase().chars().filter(|c| !c.is_whitespace()) {
        let begins = |at: &usize| *at == 0 || !text[*at - 1].is_alphanumeric();
        let next = before.map(|before: usize| before + 1);
        let fits = |at: &usize| text[*at] == c;
        let places = (at..text.len()).filter(fits);
        let place = next
            .filter(|next| text.get(*next) == Some(&c))
            .or_else(|| places.clone().find(begins))
            .or_else(|| places.clone().next())?;
        score += 1 + 4 * u32::from(next == Some(place)) + 3 * u32::from(begins(&place));
        before = Some(place);
        at = place + 1;
    }
    Some(score)
}

fn read(command: Command, argument: &str) -> Result<Chosen, String> {
    match command {
        Command::Connect => {
            let wrong = || "write it as connect bob@192.168.1.20:4433".to_owned();
            let (machine, address) = argument.rsplit_once('@').ok_or_else(wrong)?;
            let address = address.parse().map_err(|_| wrong())?;
            if machine.is_empty() {
                return Err(wrong());
            }
            let machine = machine.to_owned();
            Ok(Chosen::Connect { machine, address })
        }
        Command::Invite if argument.is_empty() => Ok(Chosen::Action(Action::Ticket)),
        Command::Invite => seconds(argument)
            .map(Chosen::Invite)
            .ok_or_else(|| "write it as invite 30m, invite 24h or invite 7d".to_owned()),
    }
}

/// Reads `30m`, `24h`, `7d`, `2w`; at most 100 years.
fn seconds(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    let seconds = number.parse::<u64>().ok()?.checked_mul(unit)?;
    (1..=36_525 * 86_400).contains(&seconds).then_some(seconds)
}

/// Draws the palette within `area`; returns where the cursor stands.
pub fn draw(app: &App, palette: &Palette, area: Rect, buf: &mut Buffer) -> Position {
    let found = palette.found();
    let rows = u16::try_from(found.len()).unwrap_or(u16::MAX);
    let area = middle(area, 70, rows.clamp(1, ROWS_MAX) + 3);
    Clear.render(area, buf);
    let title = "Do what? (Enter does it, Esc closes)";
    let inner = frame(buf, area, title, true, app.look);
    let x = put(buf, inner.x, inner.y, inner.right(), ":", ACCENT);
    let room = usize::from(inner.right().saturating_sub(x + 1));
    let (shown, column) = palette.line.tail(room);
    put(buf, x, inner.y, inner.right(), &shown, Style::new());
    let list = Rect {
        y: inner.y + 1,
        height: inner.height.saturating_sub(1),
        ..inner
    };
    if let Some(why) = &palette.wrong {
        let why = format!(" {} {why}", app.look.glyphs().no);
        put(buf, list.x, list.y, list.right(), &why, BAD);
    } else {
        draw_entries(app, palette.chosen, &found, list, buf);
    }
    Position {
        x: x + column,
        y: inner.y,
    }
}

fn draw_entries(app: &App, chosen: usize, found: &[Entry], area: Rect, buf: &mut Buffer) {
    let height = usize::from(area.height);
    let first = (chosen + 1).saturating_sub(height);
    let rows = found.iter().enumerate().skip(first);
    for ((at, entry), y) in rows.zip(area.y..area.bottom()) {
        let keys = entry.keys(app.look.unicode);
        let width = u16::try_from(keys.width()).unwrap_or(0);
        let end = area.right().saturating_sub(width + 2);
        let is_chosen = at == chosen;
        let pointer = if is_chosen {
            app.look.glyphs().pointer
        } else {
            " "
        };
        let x = put(buf, area.x, y, area.right(), pointer, ACCENT) + 1;
        let text = fit(&entry.text(), usize::from(end.saturating_sub(x)), app.look);
        put(buf, x, y, end, &text, Style::new());
        put(buf, end + 1, y, area.right(), &keys, FAINT);
        if is_chosen {
            let row = Rect {
                y,
                height: 1,
                ..area
            };
            buf.set_style(row, app.look.selection());
        }
    }
    if found.is_empty() {
        put(
            buf,
            area.x + 2,
            area.y,
            area.right(),
            "nothing is like that",
            FAINT,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Palette {
        let mut palette = Palette::default();
        palette.line.set(text.to_owned());
        palette
    }

    #[test]
    fn letters_in_their_order_find_actions() {
        let best = |text: &str| typed(text).choose();
        assert_eq!(best("causal"), Some(Chosen::Action(Action::Order)));
        assert_eq!(best("cpy uuid"), Some(Chosen::Action(Action::CopyUuid)));
        assert_eq!(best("QUIT"), Some(Chosen::Action(Action::Quit)));
        let mut none = typed("zzzz");
        assert_eq!(none.choose(), None);
        assert!(none.wrong.is_some());
    }

    #[test]
    fn commands_take_their_argument() {
        let address = "192.168.1.20:4433".parse().expect("an address");
        let connect = Chosen::Connect {
            machine: "bob".into(),
            address,
        };
        assert_eq!(
            typed("connect bob@192.168.1.20:4433").choose(),
            Some(connect)
        );
        assert_eq!(typed("invite 7d").choose(), Some(Chosen::Invite(604_800)));
        assert_eq!(
            typed("invite ").choose(),
            Some(Chosen::Action(Action::Ticket))
        );
        for wrong in [
            "connect bob",
            "connect @1.2.3.4:5",
            "connect bob@1.2.3.4",
            "invite 7y",
            "invite 0s",
            "invite é",
        ] {
            let mut palette = typed(wrong);
            assert_eq!(palette.choose(), None, "{wrong}");
            assert!(palette.wrong.is_some(), "{wrong}");
        }
    }

    #[test]
    fn a_command_without_its_argument_is_completed() {
        let mut palette = typed("conn");
        assert_eq!(palette.choose(), None);
        assert_eq!(palette.line.text(), "connect ");
    }

    #[test]
    fn every_action_but_steps_is_there_once() {
        let all = entries();
        for binding in keymap() {
            let same = |entry: &&Entry| matches!(entry, Entry::Action(action, _) if *action == binding.action);
            let times = usize::from(!is_step(binding.action));
            assert_eq!(all.iter().filter(same).count(), times, "{binding:?}");
        }
    }
}
