//! Draws a ticket: as the command for the other machine, or as a QR code of it.

use std::net::SocketAddr;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget};

use crate::tui::app::App;
use crate::tui::clock::local;
use crate::tui::layout::{HEIGHT_MIN, WIDTH_MIN};
use crate::tui::look::{ACCENT, BAD, FAINT, STRONG, wrap, wrap_words};
use crate::tui::message::{Form, Ticket};
use crate::tui::panes::Pieces;
use crate::tui::popup::draw_lines;
use crate::tui::qr::Code;
use crate::tui::screen::put;

/// Draws a ticket within `area`.
pub fn draw(app: &App, ticket: &Ticket, form: Form, area: Rect, buf: &mut Buffer) {
    match (ticket, form) {
        (Ticket::Ready { text, .. }, Form::Code) => draw_code(app, text, area, buf),
        (Ticket::Ready { .. }, Form::Text) | (Ticket::Asked | Ticket::Refused(_), _) => {
            let (title, lines) = lines(app, ticket, area);
            draw_band(app, title, &lines, area, buf);
        }
    }
}

/// Draws over the whole width, with nothing beside it, so that it can be selected with the mouse. Returns what is inside.
fn draw_band(app: &App, title: &str, lines: &[Pieces], area: Rect, buf: &mut Buffer) -> Rect {
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
    let rule = app
        .look
        .border()
        .horizontal_top
        .repeat(usize::from(area.width));
    for y in [area.y, area.bottom().saturating_sub(1)] {
        put(buf, area.x, y, area.right(), &rule, ACCENT);
    }
    let title = format!(" {title} ");
    put(buf, area.x + 1, area.y, area.right(), &title, STRONG);
    let inner = Rect {
        y: area.y + 1,
        height: rows.saturating_sub(2),
        ..area
    };
    draw_lines(lines, inner, buf);
    inner
}

/// Draws the code; where it cannot be drawn, says why.
fn draw_code(app: &App, text: &str, area: Rect, buf: &mut Buffer) {
    let code = match fitting(app, text, area) {
        Ok(code) => code,
        Err(why) => {
            let lines = wrap_words(&why, usize::from(area.width.saturating_sub(2)))
                .into_iter()
                .map(|line| vec![(format!(" {line}"), Style::new())])
                .collect::<Vec<_>>();
            draw_band(
                app,
                "QR code (t shows the text, Esc closes)",
                &lines,
                area,
                buf,
            );
            return;
        }
    };
    let (columns, rows) = code.size();
    let title = "QR code (t shows the text, y copies it, Esc closes)";
    let blank = vec![Vec::new(); usize::from(rows)];
    let inner = draw_band(app, title, &blank, area, buf);
    let x = inner.x + (inner.width - columns) / 2;
    let place = Rect {
        x,
        width: columns,
        ..inner
    };
    code.draw(place, buf);
}

/// The code, if it can be drawn in `area` between two edges.
fn fitting(app: &App, text: &str, area: Rect) -> Result<Code, String> {
    if !app.look.unicode {
        let why = "a QR code needs block characters, and this terminal has only ASCII";
        return Err(why.to_owned());
    }
    let code = Code::of(text).ok_or("the ticket is too long for a QR code")?;
    let (columns, rows) = code.size();
    let (width, height) = app.size;
    let wide = columns.max(WIDTH_MIN);
    let high = (rows + 2 + (height - area.height)).max(HEIGHT_MIN);
    if wide > width || high > height {
        return Err(format!(
            "the QR code needs a terminal of {wide}x{high}; this one has {width}x{height}"
        ));
    }
    Ok(code)
}

/// The ticket as text, or why it is not here.
fn lines(app: &App, ticket: &Ticket, area: Rect) -> (&'static str, Vec<Pieces>) {
    let width = usize::from(area.width);
    let roomy = area.height >= 14;
    match ticket {
        Ticket::Asked => {
            let lines = vec![vec![(" the node makes a ticket".to_owned(), FAINT)]];
            ("Ticket (Esc closes)", lines)
        }
        Ticket::Refused(why) => {
            let lines = wrap_words(&format!("no ticket: {why}"), width.saturating_sub(2))
                .into_iter()
                .map(|line| vec![(format!(" {line}"), BAD)])
                .collect();
            ("Ticket (Esc closes)", lines)
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
            ("Ticket (y copies it, t shows a QR code, Esc closes)", lines)
        }
    }
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
