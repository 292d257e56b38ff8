//! The first screen, when there is no network in the directory yet, and the progress of joining one.
//!
//! [`First`] and [`draw`] are pure; the loop that shows them is in `tui`.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};

use crate::tui::header::bar;
use crate::tui::line::Line;
use crate::tui::look::{ACCENT, BAD, FAINT, Look, STRONG, count, fit, wrap_words};
use crate::tui::popup::middle;
use crate::tui::screen::{finish, frame, put};

/// What the user chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Make a network.
    Start {
        /// Its name.
        network: String,
        /// This machine's name.
        name: String,
    },
    /// Join one.
    Join {
        /// The ticket, as it was pasted.
        ticket: String,
        /// This machine's name.
        name: String,
    },
    /// Neither.
    Quit,
}

/// What the first screen is filled with.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// Name of a new network.
    pub network: String,
    /// This machine's name, from the host's.
    pub name: String,
    /// Where it will be kept, for people.
    pub directory: String,
    /// Says why text is no ticket.
    pub check_ticket: fn(&str) -> Result<(), String>,
    /// Says why text is no name of a machine or network.
    pub check_name: fn(&str) -> Result<(), String>,
}

/// The lines that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Ticket,
    Name,
    Network,
}

/// The first screen's state.
#[derive(Debug)]
pub struct First {
    defaults: Defaults,
    ticket: Line,
    name: Line,
    network: Line,
    field: Field,
    error: Option<String>,
}

impl First {
    /// A first screen with these defaults.
    pub fn new(defaults: Defaults) -> Self {
        let line = |text: &str| {
            let mut line = Line::default();
            line.set(text.to_owned());
            line
        };
        let (name, network) = (line(&defaults.name), line(&defaults.network));
        Self {
            defaults,
            ticket: Line::default(),
            name,
            network,
            field: Field::Ticket,
            error: None,
        }
    }

    /// Takes a key; returns what was chosen, if that is clear now.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "all other keys edit the line"
    )]
    pub fn on_key(&mut self, key: KeyEvent) -> Option<Choice> {
        let is_ctrl_c =
            key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            _ if is_ctrl_c => return Some(Choice::Quit),
            KeyCode::Esc if self.ticket.text().is_empty() => return Some(Choice::Quit),
            KeyCode::Esc => self.ticket.set(String::new()),
            KeyCode::Enter => return self.choose(),
            KeyCode::Tab | KeyCode::Down => self.turn(1),
            KeyCode::BackTab | KeyCode::Up => self.turn(2),
            _ => {
                self.error = None;
                self.line().edit(key);
            }
        }
        None
    }

    /// What was chosen last did not go through, and why: everything that was written is still there.
    pub fn refuse(&mut self, why: &str) {
        self.error = Some(why.to_owned());
    }

    /// Takes pasted text; a ticket finds its line by itself.
    pub fn on_paste(&mut self, text: &str) {
        self.error = None;
        if ticket_of(text).to_ascii_lowercase().starts_with("fedag1") {
            self.field = Field::Ticket;
            self.ticket.set(String::new());
        }
        self.line()
            .paste(&text.trim_end().replace(['\r', '\n'], " "));
        if self.field == Field::Ticket {
            self.error = (self.defaults.check_ticket)(&ticket_of(self.ticket.text())).err();
        }
    }

    fn line(&mut self) -> &mut Line {
        match self.field {
            Field::Ticket => &mut self.ticket,
            Field::Name => &mut self.name,
            Field::Network => &mut self.network,
        }
    }

    fn turn(&mut self, by: usize) {
        let fields = [Field::Ticket, Field::Name, Field::Network];
        let at = fields
            .iter()
            .position(|field| *field == self.field)
            .unwrap_or(0);
        self.field = fields[(at + by) % fields.len()];
    }

    fn choose(&mut self) -> Option<Choice> {
        let ticket = ticket_of(self.ticket.text());
        let name = self.name.text().trim().to_owned();
        let network = self.network.text().trim().to_owned();
        let joins = !ticket.is_empty();
        let checked = (self.defaults.check_name)(&name)
            .map_err(|why| (Field::Name, why))
            .and_then(|()| {
                if joins {
                    (self.defaults.check_ticket)(&ticket).map_err(|why| (Field::Ticket, why))
                } else {
                    (self.defaults.check_name)(&network).map_err(|why| (Field::Network, why))
                }
            });
        match checked {
            Ok(()) if joins => Some(Choice::Join { ticket, name }),
            Ok(()) => Some(Choice::Start { network, name }),
            Err((field, why)) => {
                self.field = field;
                self.error = Some(why);
                None
            }
        }
    }
}

/// The ticket in what was pasted, which may be the whole command over several lines.
fn ticket_of(text: &str) -> String {
    let text = text.trim();
    let text = text.strip_prefix("fedag join").unwrap_or(text);
    text.chars()
        .filter(|c| !c.is_whitespace() && *c != '\\')
        .collect()
}

/// Draws the first screen; returns where the cursor stands.
pub fn draw(first: &First, look: Look, buf: &mut Buffer) -> Option<Position> {
    let screen = buf.area;
    let area = middle(screen, 76, 17);
    if area.height < 8 || area.width < 30 {
        put(
            buf,
            0,
            0,
            screen.right(),
            "fedag: Enter starts a network, a pasted ticket joins one",
            Style::new(),
        );
        finish(look, buf);
        return None;
    }
    let inner = frame(buf, area, "fedag", true, look);
    let x = inner.x + 2;
    let end = inner.right().saturating_sub(1);
    let room = usize::from(end.saturating_sub(x));
    let joins = !ticket_of(first.ticket.text()).is_empty();
    let enter = if joins {
        "Enter joins the network of this ticket."
    } else {
        "Enter starts a new network."
    };
    let compact = inner.height < 15;
    let step = if compact { 1 } else { 2 };
    let mut y = inner.y + u16::from(!compact);
    let title = "No network is here yet. Start one, or join one with a ticket.";
    put(buf, x, y, end, &fit(title, room, look), STRONG);
    y += 2;
    let mut cursor = None;
    for field in [Field::Ticket, Field::Name, Field::Network] {
        let column = draw_field(
            first,
            field,
            joins,
            Rect::new(x, y, end.saturating_sub(x), 1),
            look,
            buf,
        );
        cursor = (first.field == field)
            .then_some(Position { x: column, y })
            .or(cursor);
        y += step;
    }
    let y = y.min(inner.bottom().saturating_sub(1));
    let rows = inner.bottom().saturating_sub(y);
    let used = if let Some(error) = &first.error {
        draw_error(error, Rect::new(x, y, end - x, rows), look, buf)
    } else {
        put(buf, x, y, end, &fit(enter, room, look), STRONG);
        1
    };
    if used < 3 && y + 3 < inner.bottom() {
        let kept = format!("It will be kept in {}", first.defaults.directory);
        put(buf, x, y + 2, end, &fit(&kept, room, look), FAINT);
        put(
            buf,
            x,
            y + 3,
            end,
            "Tab changes a name    Esc or Ctrl-C quits",
            FAINT,
        );
    }
    finish(look, buf);
    cursor
}

/// Draws an error over as many rows as it needs and as there are; returns how many.
fn draw_error(error: &str, area: Rect, look: Look, buf: &mut Buffer) -> u16 {
    let width = usize::from(area.width);
    let mut lines = wrap_words(&format!("{} {error}", look.glyphs().no), width);
    let rows = usize::from(area.height).max(1);
    if lines.len() > rows {
        let rest = lines.split_off(rows - 1).join(" ");
        lines.push(fit(&rest, width, look));
    }
    for (y, line) in (area.y..).zip(&lines) {
        put(buf, area.x, y, area.right(), line, BAD);
    }
    u16::try_from(lines.len()).unwrap_or(area.height)
}

/// Draws one line that can be written; returns the column of its cursor.
fn draw_field(
    first: &First,
    field: Field,
    joins: bool,
    area: Rect,
    look: Look,
    buf: &mut Buffer,
) -> u16 {
    let (title, line, empty) = match field {
        Field::Ticket => ("ticket", &first.ticket, "paste one here to join"),
        Field::Name => ("machine", &first.name, "this machine's name"),
        Field::Network => ("network", &first.network, "the new network's name"),
    };
    let focused = first.field == field;
    let unused = field == Field::Network && joins;
    let style = if focused {
        ACCENT.add_modifier(Modifier::BOLD)
    } else {
        FAINT
    };
    let pointer = if focused { look.glyphs().pointer } else { " " };
    put(buf, area.x, area.y, area.right(), pointer, style);
    let start = put(
        buf,
        area.x + 2,
        area.y,
        area.right(),
        &format!("{title:<9}"),
        style,
    );
    let width = area.right().saturating_sub(start + 1);
    let skip = line.input().visual_scroll(usize::from(width));
    if line.text().is_empty() || unused {
        let shown = if unused { "as the ticket says" } else { empty };
        put(buf, start, area.y, area.right(), shown, FAINT);
    } else {
        let text: String = line.text().chars().skip(skip).collect();
        put(
            buf,
            start,
            area.y,
            area.right(),
            &fit(&text, usize::from(width), look),
            Style::new(),
        );
    }
    let column = u16::try_from(line.input().visual_cursor().saturating_sub(skip)).unwrap_or(0);
    start + column.min(width)
}

/// How far joining is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Events held.
    pub done: u64,
    /// Of how many, as far as known; 0: not known yet.
    pub of: u64,
    /// Events a second.
    pub rate: u64,
    /// What is done, in words.
    pub text: String,
}

/// Draws the progress of joining.
pub fn draw_progress(progress: &Progress, look: Look, buf: &mut Buffer) {
    let screen = buf.area;
    let area = middle(screen, 76, 9);
    if area.height < 5 || area.width < 30 {
        put(
            buf,
            0,
            0,
            screen.right(),
            &fit(&progress.text, usize::from(screen.width), look),
            Style::new(),
        );
        finish(look, buf);
        return;
    }
    let inner = frame(buf, area, "fedag: joining", true, look);
    let x = inner.x + 2;
    let end = inner.right().saturating_sub(2);
    let room = usize::from(end.saturating_sub(x));
    let mut y = inner.y + u16::from(inner.height >= 7);
    put(buf, x, y, end, &fit(&progress.text, room, look), STRONG);
    y += 2;
    if progress.of > 0 {
        put(
            buf,
            x,
            y.min(inner.bottom() - 1),
            end,
            &bar(progress.done, progress.of, room, look),
            ACCENT,
        );
        let percent = progress.done.min(progress.of).saturating_mul(100) / progress.of;
        let text = format!(
            "{percent}%   {} of {} events   {} a second",
            count(progress.done),
            count(progress.of),
            count(progress.rate)
        );
        put(buf, x, y + 1, end, &fit(&text, room, look), Style::new());
    } else {
        put(
            buf,
            x,
            y,
            end,
            &format!("{} events", count(progress.done)),
            Style::new(),
        );
    }
    if y + 3 < inner.bottom() {
        put(
            buf,
            x,
            y + 3,
            end,
            "Ctrl-C stops; joining again goes on where it was",
            FAINT,
        );
    }
    finish(look, buf);
}

/// Returns whether a key stops joining.
pub fn is_stop(key: KeyEvent) -> bool {
    key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL)
}
