//! Draws the whole screen: the top line, the panes, the input line and the bottom line.
//!
//! Invariants: drawing reads the [`App`] and changes nothing; without colour no cell has one; without Unicode every cell is
//! ASCII.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::widgets::{Block, Clear, Widget};
use unicode_width::UnicodeWidthStr;

use crate::tui::app::App;
use crate::tui::clock::clock;
use crate::tui::entry;
use crate::tui::input::{Pane, Place, keymap, name};
use crate::tui::layout::{Areas, HEIGHT_MIN, WIDTH_MIN};
use crate::tui::look::{ACCENT, BAD, FAINT, GOOD, Look, STRONG, fit};
use crate::tui::message::Gone;
use crate::tui::{events, header, panes, peers, popup, prompt, theme};

/// Draws `app`; with a cursor where text is written.
pub fn draw(app: &App, frame: &mut Frame<'_>) {
    let cursor = paint(app, frame.area(), frame.buffer_mut());
    if let Some(cursor) = cursor {
        frame.set_cursor_position(cursor);
    }
}

/// Draws `app` on a buffer of the size that it was told, and returns where the cursor stands.
pub fn paint(app: &App, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let (width, height) = app.size;
    if area.width < width || area.height < height || area.is_empty() {
        return None; // the terminal just changed its size; the next message says so
    }
    let areas = Areas::of(app);
    header::draw(app, areas.header, buf);
    if width < WIDTH_MIN || height < HEIGHT_MIN {
        finish(app.look, buf);
        return None;
    }
    events::draw(app, areas.events, buf);
    peers::draw(app, areas.peers, buf);
    panes::draw_leaves(app, areas.leaves, buf);
    panes::draw_detail(app, areas.detail, buf);
    if app.gone.is_some() {
        for area in [areas.events, areas.peers, areas.leaves, areas.detail] {
            buf.set_style(area, Style::new().add_modifier(Modifier::DIM));
        }
    }
    let cursor = entry::draw(app, areas.input, buf);
    let cursor = draw_footer(app, areas.footer, buf).or(cursor);
    let over = Rect::new(0, 0, width, height - 1);
    let cursor = match &app.popup {
        Some(open) => popup::draw(app, open, over, buf),
        None => cursor,
    };
    finish(app.look, buf);
    cursor
}

/// The screen as plain text.
pub fn text(app: &App) -> String {
    let area = Rect::new(0, 0, app.size.0, app.size.1);
    let mut buf = Buffer::empty(area);
    paint(app, area, &mut buf);
    let row = |y| (0..area.width).map(move |x| (x, y));
    let rows = (0..area.height).map(|y| {
        let row: String = row(y).map(|at| buf[at].symbol()).collect();
        row.trim_end().to_owned() + "\n"
    });
    rows.collect()
}

/// Takes away what the terminal cannot show, and makes the colours its own.
pub fn finish(look: Look, buf: &mut Buffer) {
    theme::apply(look.colours, look.background, buf);
    if look.unicode {
        return;
    }
    for cell in &mut buf.content {
        if !cell.symbol().is_ascii() {
            cell.set_symbol("?");
        }
    }
}

/// Writes `text` at `x`, `y`, up to the column `end`; returns the column after it. Beyond the buffer it does nothing.
pub fn put(buf: &mut Buffer, x: u16, y: u16, end: u16, text: &str, style: Style) -> u16 {
    let end = end.min(buf.area.right());
    if y >= buf.area.bottom() || x >= end {
        return x;
    }
    buf.set_stringn(x, y, text, usize::from(end - x), style).0
}

/// Draws a pane's border with its title and returns what is inside.
pub fn frame(buf: &mut Buffer, area: Rect, title: &str, focused: bool, look: Look) -> Rect {
    if area.width < 4 || area.height < 2 {
        return Rect::default();
    }
    let border = if focused {
        ACCENT.add_modifier(Modifier::BOLD)
    } else {
        FAINT
    };
    let title = fit(title, usize::from(area.width.saturating_sub(4)), look);
    let title_style = if focused {
        border
    } else {
        STRONG.fg(Color::Reset)
    };
    Clear.render(area, buf);
    let form = if focused {
        look.focused_border()
    } else {
        look.border()
    };
    let block = Block::bordered().border_set(form).border_style(border);
    let inner = block.inner(area);
    block.render(area, buf);
    put(
        buf,
        area.x + 1,
        area.y,
        area.right() - 1,
        &format!(" {title} "),
        title_style,
    );
    inner
}

/// Draws the bottom line; returns where the cursor stands if it is there.
fn draw_footer(app: &App, area: Rect, buf: &mut Buffer) -> Option<Position> {
    if let Some(open) = app.finder.prompt() {
        return Some(prompt::draw(app, open, area, buf));
    }
    if app.gone.is_some() || !prompt::draw_progress(app, area, buf) {
        draw_word(app, area, buf);
    }
    None
}

/// What happened last, or else the keys.
fn draw_word(app: &App, area: Rect, buf: &mut Buffer) {
    let end = area.right();
    let width = usize::from(area.width.saturating_sub(2));
    if let Some(word) = &app.word {
        let glyphs = app.look.glyphs();
        let (glyph, style) = if word.bad {
            (glyphs.no, BAD)
        } else {
            (glyphs.yes, GOOD)
        };
        put(
            buf,
            area.x + 1,
            area.y,
            end,
            &fit(&format!("{glyph} {}", word.text), width, app.look),
            style,
        );
        return;
    }
    if let Some(gone) = &app.gone {
        let text = fit(&gone_text(app, gone, width), width, app.look);
        put(buf, area.x + 1, area.y, end, &text, BAD);
        return;
    }
    if let Some(why) = entry::fault_without_room(app) {
        let why = fit(&why, width, app.look);
        put(buf, area.x + 1, area.y, end, &why, BAD);
        return;
    }
    draw_hints(app, area, buf);
}

/// That the node is gone, and what comes of it; with advice if there is room.
fn gone_text(app: &App, gone: &Gone, width: usize) -> String {
    let since = clock(gone.since_ms, &app.zone);
    let text = format!("no node since {since}: {}", gone.why);
    let Some(at) = gone.again_ms else {
        return text + "; Ctrl-C quits";
    };
    let wait = at.saturating_sub(app.now_ms).div_ceil(1000);
    let text = format!("{text}; next look in {wait} s");
    let advice = "; `fedag run` starts one";
    if text.width() + advice.len() <= width {
        text + advice
    } else {
        text
    }
}

/// Hints that come before the others.
const HINTS_FIRST: [&str; 5] = ["write", "open", "search", "command", "view"];

/// The keys that matter here: help and quit always, of the others as many as fit.
fn draw_hints(app: &App, area: Rect, buf: &mut Buffer) {
    let here = if app.focus == Pane::Input {
        Place::Line
    } else {
        Place::Browse
    };
    let mut hints: Vec<(String, &str)> = Vec::new();
    for binding in keymap() {
        let applies = (binding.place == here || binding.place == Place::Everywhere)
            && !binding.hint.is_empty();
        let hint = match (binding.hint, app.own_node) {
            ("quit", true) => "quit, stop node",
            ("quit", false) => "quit, node goes on",
            (hint, _) => hint,
        };
        if let Some(key) = binding
            .keys
            .first()
            .filter(|_| applies && !hints.iter().any(|(_, shown)| *shown == hint))
        {
            hints.push((name(*key, app.look.unicode), hint));
        }
    }
    let rank = |hint: &str| HINTS_FIRST.iter().position(|first| *first == hint);
    hints.sort_by_key(|(_, hint)| rank(hint).unwrap_or(HINTS_FIRST.len()));
    let is_needed = |hint: &str| hint == "help" || hint.starts_with("quit");
    let width = |(key, hint): &(String, &str)| key.width() + hint.width() + 3;
    let mut room = usize::from(area.width);
    room = room.saturating_sub(
        hints
            .iter()
            .filter(|hint| is_needed(hint.1))
            .map(width)
            .sum(),
    );
    let mut x = area.x + 1;
    for hint in &hints {
        if !is_needed(hint.1) {
            if width(hint) > room {
                continue;
            }
            room -= width(hint);
        }
        x = put(
            buf,
            x,
            area.y,
            area.right(),
            &hint.0,
            ACCENT.add_modifier(Modifier::BOLD),
        ) + 1;
        x = put(buf, x, area.y, area.right(), hint.1, Style::new()) + 2;
    }
}
