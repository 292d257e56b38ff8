//! Draws the prompt of a search, and how far a search is, on the bottom line.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use unicode_width::UnicodeWidthStr;

use crate::tui::app::App;
use crate::tui::find::{Kind, Prompt};
use crate::tui::look::{ACCENT, BUSY, FAINT, count, fit};
use crate::tui::safe::clean;
use crate::tui::screen::put;

/// What can be written into the prompt.
const HELP: &str = "text, label, uuid or author:NAME; Enter searches, Esc closes";

/// Draws the open prompt over the bottom line, and returns where the cursor stands.
pub fn draw(app: &App, prompt: &Prompt, area: Rect, buf: &mut Buffer) -> Position {
    let sign = match prompt.kind {
        Kind::Find => "/",
        Kind::Filter => "&",
    };
    let strong = ACCENT.add_modifier(Modifier::BOLD);
    let start = put(buf, area.x + 1, area.y, area.right(), sign, strong);
    let room = usize::from(area.right().saturating_sub(start + 1));
    let skip = prompt.input.visual_scroll(room);
    let text = clean(prompt.input.value());
    let mut columns = 0;
    let shown: String = text
        .chars()
        .filter(|c| {
            let before = columns;
            columns += c.to_string().width();
            before >= skip
        })
        .collect();
    let end = put(buf, start, area.y, area.right(), &shown, Style::new());
    let hint = fit(
        HELP,
        usize::from(area.right().saturating_sub(end + 4)),
        app.look,
    );
    if text.is_empty() || hint.width() == HELP.width() {
        let x = area
            .right()
            .saturating_sub(u16::try_from(hint.width()).unwrap_or(0) + 1);
        put(buf, x.max(end + 2), area.y, area.right(), &hint, FAINT);
    }
    let column = prompt.input.visual_cursor().saturating_sub(skip);
    let x = start + u16::try_from(column).unwrap_or(0);
    Position {
        x: x.min(area.right().saturating_sub(1)),
        y: area.y,
    }
}

/// Draws how far the search or the filter is; false if none is under way.
pub fn draw_progress(app: &App, area: Rect, buf: &mut Buffer) -> bool {
    let searching = app.finder.searching();
    let Some((looked, total)) = searching.or_else(|| app.finder.filtering_at()) else {
        return false;
    };
    let held = app.status.as_ref().map_or(0, |status| status.events);
    let what = app.finder.query().map(clean).unwrap_or_default();
    let esc = if searching.is_some() {
        "Esc stops"
    } else {
        "Esc shows all events"
    };
    let text = format!(
        "searching {what}: {} of {} events ({esc})",
        count(looked),
        count(total.max(held))
    );
    let room = usize::from(area.width.saturating_sub(2));
    put(
        buf,
        area.x + 1,
        area.y,
        area.right(),
        &fit(&text, room, app.look),
        BUSY,
    );
    true
}
