//! Draws what is over the panes: the keys, and a ticket.

use std::net::SocketAddr;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget};
use unicode_width::UnicodeWidthStr;

use crate::tui::app::App;
use crate::tui::clock::local;
use crate::tui::input::{Binding, Place, keymap, name};
use crate::tui::look::{ACCENT, BAD, FAINT, Look, STRONG, wrap, wrap_words};
use crate::tui::message::{Popup, Ticket};
use crate::tui::panes::Pieces;
use crate::tui::screen::{frame, put};

/// Columns of the keys in the help.
const KEYS_COLUMNS: usize = 17;

/// Draws `popup` within `area`.
pub fn draw(app: &App, popup: &Popup, area: Rect, buf: &mut Buffer) {
    match popup {
        Popup::Help(row) => draw_help(app, *row, area, buf),
        Popup::Ticket(ticket) => draw_ticket(app, ticket, area, buf),
    }
}

/// A rectangle of at most this size in the middle of `area`.
pub fn middle(area: Rect, width: u16, height: u16) -> Rect {
    let width = width.min(area.width);
    let height = height.min(area.height);
    Rect::new(
        area.x + (area.width - width) / 2,
        area.y + (area.height - height) / 2,
        width,
        height,
    )
}

fn draw_lines(lines: &[Pieces], area: Rect, buf: &mut Buffer) {
    for (line, y) in lines.iter().zip(area.y..area.bottom()) {
        let mut x = area.x;
        for (text, style) in line {
            x = put(buf, x, y, area.right(), text, *style);
        }
    }
}

/// How far the keys can be scrolled on `app`'s screen.
pub fn help_scroll_max(app: &App) -> u16 {
    let rows = u16::try_from(help_lines(app.look).len()).unwrap_or(u16::MAX);
    rows.saturating_add(3).saturating_sub(app.size.1)
}

fn draw_help(app: &App, row: u16, area: Rect, buf: &mut Buffer) {
    let lines = help_lines(app.look);
    let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let area = middle(area, 66, rows + 2);
    Clear.render(area, buf);
    let hidden = (rows + 2).saturating_sub(area.height);
    let title = if hidden > 0 {
        "Keys (scroll with the arrows, Esc closes)"
    } else {
        "Keys (Esc closes)"
    };
    let inner = frame(buf, area, title, true, app.look);
    draw_lines(&lines[usize::from(row.min(hidden))..], inner, buf);
}

/// The keymap and the legend as lines.
fn help_lines(look: Look) -> Vec<Pieces> {
    let mut lines = Vec::new();
    let sections = [
        (Place::Line, "In the input line"),
        (Place::Browse, "In the other panes"),
        (Place::Everywhere, "Everywhere"),
    ];
    for (place, title) in sections {
        lines.push(vec![(format!(" {title}"), STRONG)]);
        for binding in keymap().filter(|binding| binding.place == place) {
            lines.push(vec![
                (format!("   {}", key_column(binding, look)), ACCENT),
                (binding.does.to_owned(), Style::new()),
            ]);
        }
        lines.push(Vec::new());
    }
    lines.push(vec![(" Signs".into(), STRONG)]);
    let glyphs = look.glyphs();
    let signs = [
        (glyphs.event, "an event"),
        (glyphs.merge, "an event that merges two or more"),
        (glyphs.leaf, "a leaf: no event here was made on it yet"),
        (glyphs.root, "the root that all machines start with"),
        (
            glyphs.left,
            "tie to a parent, the newest event of that lane",
        ),
        (glyphs.older, "tie to an older event of that lane"),
        (glyphs.parents, "the parents of a merge"),
        (glyphs.held, "a connected peer holds it"),
        (
            glyphs.lacked,
            "a connected peer does not, or it is not known",
        ),
    ];
    for (sign, means) in signs {
        lines.push(vec![
            (format!("   {sign:<KEYS_COLUMNS$}"), ACCENT),
            (means.to_owned(), Style::new()),
        ]);
    }
    lines
}

fn key_column(binding: &Binding, look: Look) -> String {
    let keys: Vec<String> = binding
        .keys
        .iter()
        .map(|key| name(*key, look.unicode))
        .collect();
    let keys = keys.join(" ");
    let fill = KEYS_COLUMNS.saturating_sub(keys.width()).max(1);
    keys + &" ".repeat(fill)
}

/// Draws a ticket over the whole width, with nothing beside it, so that it can be selected with the mouse.
fn draw_ticket(app: &App, ticket: &Ticket, area: Rect, buf: &mut Buffer) {
    let width = usize::from(area.width);
    let roomy = area.height >= 14;
    let (title, lines) = match ticket {
        Ticket::Asked => (
            "Ticket (Esc closes)",
            vec![vec![(" the node makes a ticket".to_owned(), FAINT)]],
        ),
        Ticket::Refused(why) => {
            let lines = wrap_words(&format!("no ticket: {why}"), width.saturating_sub(2));
            (
                "Ticket (Esc closes)",
                lines
                    .into_iter()
                    .map(|line| vec![(format!(" {line}"), BAD)])
                    .collect(),
            )
        }
        Ticket::Ready {
            text,
            expires_ms,
            uses,
            addresses,
        } => {
            let mut lines = ticket_lines(text, width, *uses, roomy);
            let until = local(*expires_ms, &app.zone, "%Y-%m-%d %H:%M %Z");
            lines.push(vec![(" good until ".into(), FAINT), (until, Style::new())]);
            lines.extend(address_lines(addresses, width));
            ("Ticket (y copies it, Esc closes)", lines)
        }
    };
    let rows = u16::try_from(lines.len())
        .unwrap_or(u16::MAX)
        .saturating_add(2)
        .min(area.height);
    let area = Rect {
        y: area.y + (area.height - rows) / 2,
        height: rows,
        ..area
    };
    Clear.render(area, buf);
    let rule = app.look.border().horizontal_top.repeat(width);
    for y in [area.y, area.bottom().saturating_sub(1)] {
        put(buf, area.x, y, area.right(), &rule, ACCENT);
    }
    put(
        buf,
        area.x + 1,
        area.y,
        area.right(),
        &format!(" {title} "),
        STRONG,
    );
    draw_lines(
        &lines,
        Rect {
            y: area.y + 1,
            height: rows.saturating_sub(2),
            ..area
        },
        buf,
    );
}

/// The command for the other machine; a backslash at the end of a line lets a shell take the lines as one.
fn ticket_lines(text: &str, width: usize, uses: u64, roomy: bool) -> Vec<Pieces> {
    let who = match uses {
        0 => "any number of machines".to_owned(),
        1 => "one machine".to_owned(),
        n => format!("{n} machines"),
    };
    let what = format!("For {who}. Whoever holds this ticket can join. On the other machine run");
    let mut lines: Vec<Pieces> = wrap_words(&what, width.saturating_sub(2))
        .into_iter()
        .map(|line| vec![(format!(" {line}"), Style::new())])
        .collect();
    let gap = if roomy { vec![Vec::new()] } else { Vec::new() };
    lines.extend(gap.clone());
    let parts = wrap(&format!("fedag join {text}"), width.saturating_sub(1));
    let last = parts.len().saturating_sub(1);
    for (at, part) in parts.into_iter().enumerate() {
        let end = if at < last { "\\" } else { "" };
        lines.push(vec![(part, ACCENT), (end.to_owned(), FAINT)]);
    }
    lines.extend(gap);
    lines
}

fn address_lines(addresses: &[SocketAddr], width: usize) -> Vec<Pieces> {
    let told: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let told = if told.is_empty() {
        "no address: nobody can reach this machine".into()
    } else {
        told.join(" ")
    };
    let parts = wrap_words(&told, width.saturating_sub(13))
        .into_iter()
        .enumerate();
    let title = |at| if at == 0 { "addresses" } else { "" };
    parts
        .map(|(at, part)| vec![(format!(" {:<11}", title(at)), FAINT), (part, Style::new())])
        .collect()
}
