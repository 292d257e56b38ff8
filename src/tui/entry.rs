//! Draws the input line: as many rows as its text has, up to a bound, beyond which it scrolls to the cursor.
//!
//! Under the text stands what it is. A fault stands under the character that it is about, which is underlined.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use unicode_width::UnicodeWidthStr;

use crate::limits;
use crate::tui::app::App;
use crate::tui::input::Pane;
use crate::tui::line::Check;
use crate::tui::look::{ACCENT, BAD, FAINT, GOOD, count, fit};
use crate::tui::safe::clean;
use crate::tui::screen::{frame, put};

/// Below this height of the terminal the line has no border.
const BORDER_FROM: u16 = 16;
/// Columns before the text, without a border.
const LEAD: u16 = 3;

/// Rows of the screen that the line takes, with its border.
pub fn rows(app: &App) -> u16 {
    let height = app.size.1;
    let most = (height / 5).clamp(3, 10);
    let rows = u16::try_from(app.line.rows().count()).unwrap_or(u16::MAX);
    rows.min(most) + if height < BORDER_FROM { 0 } else { 2 }
}

/// Draws the line; returns where the cursor stands if it has the focus.
pub fn draw(app: &App, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let focused = app.focus == Pane::Input;
    let (row, column) = app.line.spot(app.line.input().cursor());
    let boxed = app.size.1 >= BORDER_FROM;
    let inner = if boxed {
        frame(buf, area, &title(app, row), focused, app.look)
    } else {
        let x = area.x + 1;
        let width = area.width.saturating_sub(1);
        Rect { x, width, ..area }
    };
    let style = if focused { ACCENT } else { FAINT };
    let x = inner.x + 2;
    let width = inner.right().saturating_sub(x + 1);
    let text = Rect { x, width, ..inner };
    let shown = Shown::of(app, text, row, column);
    draw_lead(app, &shown, inner, style, buf);
    draw_hint(app, area, text, &shown, buf);
    if app.line.text().is_empty() && !focused {
        put(buf, x, text.y, inner.right(), "press i to write", FAINT);
        return None;
    }
    draw_rows(app, text, &shown, buf);
    focused.then_some(Position {
        x: shown.x(text, app, row, column).min(text.right()),
        y: text.y + u16::try_from(row - shown.first).unwrap_or(0),
    })
}

/// Draws the pointer, and arrows where there is more of the text.
fn draw_lead(app: &App, shown: &Shown, area: Rect, style: Style, buf: &mut Buffer) {
    let glyphs = app.look.glyphs();
    let above = shown.first > 0;
    let first = if above { glyphs.up } else { glyphs.pointer };
    put(buf, area.x, area.y, area.right(), first, style);
    if app.line.rows().count() > shown.first + usize::from(area.height) {
        let y = area.bottom().saturating_sub(1);
        put(buf, area.x, y, area.right(), glyphs.down, style);
    }
}

/// The fault of the line where there is no place for it beside the text.
pub fn fault_without_room(app: &App) -> Option<String> {
    let (hint, _) = hint(app);
    let is_wrong = matches!(app.line.check(), Check::Wrong { .. });
    (is_wrong && app.size.1 < BORDER_FROM && !fits_behind(app, &hint)).then_some(hint)
}

/// Returns whether `hint` has room behind the last row.
fn fits_behind(app: &App, hint: &str) -> bool {
    let room = usize::from(app.size.0.saturating_sub(LEAD + 1));
    let last = app.line.rows().last().unwrap_or_default();
    app.line.rows().count() <= usize::from(rows(app)) && room > last.width() + hint.width() + 2
}

fn title(app: &App, row: usize) -> String {
    match app.line.rows().count() {
        1 => "New event (text or JSON)".to_owned(),
        rows => format!("New event, row {} of {}", row + 1, count(rows as u64)),
    }
}

/// The part of the text that is on the screen.
struct Shown {
    /// The first row.
    first: usize,
    /// The cursor's row …
    row: usize,
    /// … without so many of its first characters.
    skip: usize,
}

impl Shown {
    fn of(app: &App, area: Rect, row: usize, column: usize) -> Self {
        let first = (row + 1).saturating_sub(usize::from(area.height));
        let text: Vec<char> = app
            .line
            .rows()
            .nth(row)
            .unwrap_or_default()
            .chars()
            .collect();
        let before = &text[..column.min(text.len())];
        let mut room = usize::from(area.width);
        let fits = |c: &&char| {
            let width = clean(c.encode_utf8(&mut [0; 4])).width();
            let is_in = width <= room;
            room = room.saturating_sub(width);
            is_in
        };
        let skip = before.len() - before.iter().rev().take_while(fits).count();
        Self { first, row, skip }
    }

    /// Characters left out at the beginning of a row.
    fn skip(&self, row: usize) -> usize {
        if row == self.row { self.skip } else { 0 }
    }

    /// Column of the screen where a character stands.
    fn x(&self, area: Rect, app: &App, row: usize, column: usize) -> u16 {
        let text = app.line.rows().nth(row).unwrap_or_default();
        let skip = self.skip(row);
        let before: String = text.chars().take(column).skip(skip).collect();
        let width = u16::try_from(clean(&before).width()).unwrap_or(u16::MAX);
        area.x.saturating_add(width)
    }
}

/// Where the fault is: row and column in characters.
fn wrong(app: &App) -> Option<(usize, usize)> {
    match app.line.check() {
        Check::Wrong { at, .. } => at.map(|at| app.line.spot(at)),
        Check::Empty | Check::Text | Check::Json => None,
    }
}

fn draw_rows(app: &App, area: Rect, shown: &Shown, buf: &mut Buffer) {
    let wrong = wrong(app);
    let rows = app.line.rows().enumerate().skip(shown.first);
    for ((row, text), y) in rows.zip(area.y..area.bottom()) {
        let skip = shown.skip(row);
        let text: String = text.chars().skip(skip).collect();
        let column =
            wrong.and_then(|(at, column)| (at == row).then_some(column.checked_sub(skip)?));
        let start = column.unwrap_or(usize::MAX);
        let byte = |at: usize| {
            text.char_indices()
                .nth(at)
                .map_or(text.len(), |(byte, _)| byte)
        };
        let (from, to) = (byte(start), byte(start.saturating_add(1)));
        let mark = BAD.add_modifier(Modifier::UNDERLINED | Modifier::BOLD);
        let mut x = area.x;
        for (part, style) in [
            (&text[..from], Style::new()),
            (&text[from..to], mark),
            (&text[to..], Style::new()),
        ] {
            x = put(buf, x, y, area.right(), &clean(part), style);
        }
        if start == text.chars().count() && wrong.is_some() {
            // What is wrong is that something is missing at the end.
            put(buf, x, y, area.right(), " ", mark);
        }
    }
}

/// Draws what the line is: on the border below it or, without a border, behind the text when there is room.
fn draw_hint(app: &App, area: Rect, text: Rect, shown: &Shown, buf: &mut Buffer) {
    let (hint, style) = hint(app);
    if hint.is_empty() {
        return;
    }
    if app.size.1 < BORDER_FROM {
        if fits_behind(app, &hint) {
            let width = u16::try_from(hint.width()).unwrap_or(u16::MAX);
            let x = area.right().saturating_sub(width + 1);
            put(buf, x, area.bottom() - 1, area.right(), &hint, style);
        }
        return;
    }
    let hint = fit(&hint, usize::from(area.width.saturating_sub(8)), app.look);
    let width = u16::try_from(hint.width()).unwrap_or(u16::MAX);
    let right = area.right().saturating_sub(width + 3);
    let x = match wrong(app) {
        Some((row, column)) => shown.x(text, app, row, column).saturating_sub(1).min(right),
        None => right,
    };
    let y = area.bottom() - 1;
    put(buf, x, y, area.right(), &format!(" {hint} "), style);
}

/// What the line is, and what sending it will do.
fn hint(app: &App) -> (String, Style) {
    let glyphs = app.look.glyphs();
    let leaves = app.status.as_ref().map_or(0, |status| status.leaves_total);
    let most = u64::from(limits::PARENTS_DEFAULT);
    let merges = match leaves {
        0 | 1 => String::new(),
        n if n > most => format!("will merge {most} of {} leaves", count(n)),
        n => format!("will merge {n} leaves"),
    };
    let (what, style) = match app.line.check() {
        Check::Empty => ("", FAINT),
        Check::Text => ("text", FAINT),
        Check::Json => ("valid JSON", GOOD),
        Check::Wrong { why, .. } => return (format!("{} {why}", glyphs.no), BAD),
    };
    let sending = if app.sending() > 0 { "sending" } else { "" };
    let parts: Vec<&str> = [sending, what, &merges]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    (parts.join(&format!(" {} ", glyphs.dot)), style)
}
