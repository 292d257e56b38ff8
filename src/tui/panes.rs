//! Draws the leaves and the selected event.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use crate::control::view::{EventDetail, EventName};
use crate::limits;
use crate::tui::app::App;
use crate::tui::clock::{clock, local};
use crate::tui::input::Pane;
use crate::tui::json;
use crate::tui::look::{ACCENT, BAD, FAINT, GOOD, Look, STRONG, count, fit, pad, wrap, wrap_words};
use crate::tui::safe::{clean, escape};
use crate::tui::screen::{frame, put};

/// Parents or children that the selected event's pane names, as many as an event may have; of more, their number is added.
const NAMES_MAX: usize = limits::PARENTS_MAX as usize;
/// Connected machines that are each named with a mark.
const HOLDERS_MARKED: usize = 8;
/// Of more, so many of each group are named.
const HOLDERS_NAMED: usize = 24;
/// Lines of an event's JSON that are shown.
const JSON_LINES_MAX: usize = 2_000;

/// Draws the leaves.
pub fn draw_leaves(app: &App, area: Rect, buf: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let total = app.status.as_ref().map_or(0, |status| status.leaves_total);
    let told = app.leaves.len() as u64;
    let title = if told > 0 && told < total {
        format!("4 Leaves {}, the newest {} here", count(total), count(told))
    } else {
        format!("4 Leaves {}, newest first", count(total))
    };
    let title = if total > 1 {
        title
    } else {
        format!("4 Leaves {total}")
    };
    let inner = frame(buf, area, &title, app.focus == Pane::Leaves, app.look);
    let rows = usize::from(inner.height);
    let first = (app.leaf + 1).saturating_sub(rows);
    draw_more(app.leaves.len().saturating_sub(first + rows), area, buf);
    for (y, (at, leaf)) in (inner.y..inner.bottom()).zip(app.leaves.iter().enumerate().skip(first))
    {
        let end = inner.right();
        let column = app
            .view
            .columns()
            .list()
            .iter()
            .position(|lane| lane.name == leaf.author);
        let own = column.map_or(Style::new(), Look::lane);
        let mut x = put(buf, inner.x + 1, y, end, app.look.glyphs().leaf, own);
        x = put(buf, x + 1, y, end, &pad(&leaf.label, 7, app.look), own);
        x = put(
            buf,
            x + 1,
            y,
            end,
            &pad(&leaf.author, 10, app.look),
            Style::new(),
        );
        x = put(buf, x + 1, y, end, &clock(leaf.time_ms, &app.zone), FAINT);
        let room = usize::from(end.saturating_sub(x + 2));
        put(
            buf,
            x + 2,
            y,
            end,
            &fit(&leaf.summary, room, app.look),
            Style::new(),
        );
        if app.focus == Pane::Leaves && at == app.leaf {
            put(buf, inner.x, y, end, app.look.glyphs().pointer, ACCENT);
            buf.set_style(
                Rect {
                    y,
                    height: 1,
                    ..inner
                },
                app.look.selection(),
            );
        }
    }
}

/// Draws the selected event.
pub fn draw_detail(app: &App, area: Rect, buf: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let label = app
        .detail
        .as_ref()
        .map_or("", |detail| detail.event.label.as_str());
    let inner = frame(
        buf,
        area,
        &format!("2 Event {}", clean(label)),
        app.focus == Pane::Detail,
        app.look,
    );
    let lines = detail_lines(app, usize::from(inner.width));
    let rest = lines.iter().skip(usize::from(app.detail_scroll));
    for (y, line) in (inner.y..inner.bottom()).zip(rest) {
        let mut x = inner.x;
        for (text, style) in line {
            x = put(buf, x, y, inner.right(), text, *style);
        }
    }
    let shown = usize::from(app.detail_scroll) + usize::from(inner.height);
    draw_more(lines.len().saturating_sub(shown), area, buf);
}

/// Says on the border below how many lines there are that are not shown.
fn draw_more(hidden: usize, area: Rect, buf: &mut Buffer) {
    if hidden == 0 {
        return;
    }
    let text = format!(" {} more ", count(hidden as u64));
    let x = area
        .right()
        .saturating_sub(u16::try_from(text.width()).unwrap_or(0) + 2);
    put(buf, x, area.bottom() - 1, area.right(), &text, FAINT);
}

/// A line of text in pieces.
pub type Pieces = Vec<(String, Style)>;

/// The selected event as lines of `width` columns.
pub fn detail_lines(app: &App, width: usize) -> Vec<Pieces> {
    let Some(detail) = &app.detail else {
        return vec![vec![(" nothing is selected".into(), FAINT)]];
    };
    let event = &detail.event;
    let mut lines = Vec::new();
    let mut field = |name: &str, value: &str, style: Style| {
        for (at, part) in wrap_words(value, width.saturating_sub(11))
            .into_iter()
            .enumerate()
        {
            let name = if at == 0 { name } else { "" };
            lines.push(vec![(format!(" {name:<9}"), FAINT), (part, style)]);
        }
    };
    field("says", &event.summary, STRONG);
    field("uuid", &event.uuid, Style::new());
    field("author", &event.author, Style::new());
    field(
        "time",
        &local(event.time_ms, &app.zone, "%Y-%m-%d %H:%M:%S %Z"),
        Style::new(),
    );
    let proof = if detail.signed {
        "signed"
    } else {
        "signed with its run"
    };
    field("proof", &format!("{} {proof}", app.look.glyphs().yes), GOOD);
    if detail.forked {
        field(
            "",
            &format!(
                "{} another event has the same seq: the key is used twice",
                app.look.glyphs().no
            ),
            BAD,
        );
    }
    field(
        "height",
        &format!("{} of {}", count(event.height), count(detail.height_max)),
        Style::new(),
    );
    field(
        "seq",
        &format!(
            "{}, arrival {}, {} bytes",
            count(detail.seq),
            count(detail.arrival),
            count(detail.bytes)
        ),
        FAINT,
    );
    field(
        "parents",
        &names(&detail.parents, "none: it is the root"),
        Style::new(),
    );
    let none = if event.leaf {
        "none: it is a leaf"
    } else {
        "none here"
    };
    field("children", &names(&detail.children, none), Style::new());
    for (name, text) in holders(detail, app.look) {
        field(name, &text, Style::new());
    }
    lines.push(Vec::new());
    lines.extend(json_lines(&event.json, width));
    lines
}

fn names(names: &[EventName], none: &str) -> String {
    if names.is_empty() {
        return none.to_owned();
    }
    let mut text: Vec<String> = names
        .iter()
        .take(NAMES_MAX)
        .map(|name| name.label.clone())
        .collect();
    if names.len() > NAMES_MAX {
        text.push(format!(
            "and {} more",
            count((names.len() - NAMES_MAX) as u64)
        ));
    }
    text.join(" ")
}

/// Who holds the event, and who does not. Of many machines in groups: those that lack it are what one looks for.
fn holders(detail: &EventDetail, look: Look) -> Vec<(&'static str, String)> {
    if detail.held_by.len() <= HOLDERS_MARKED {
        return vec![("held by", marked_holders(detail, look))];
    }
    let group = |wanted: Option<bool>| {
        let of = detail.held_by.iter().filter(|(_, holds)| *holds == wanted);
        of.map(|(name, _)| name.as_str()).collect::<Vec<_>>()
    };
    let told = |names: &[&str]| {
        let shown = &names[..names.len().min(HOLDERS_NAMED)];
        let more = match names.len() - shown.len() {
            0 => String::new(),
            more => format!(" and {} more", count(more as u64)),
        };
        format!("{}: {}{more}", count(names.len() as u64), shown.join(" "))
    };
    let groups = [
        ("lacking", group(Some(false))),
        ("unknown", group(None)),
        ("held by", group(Some(true))),
    ];
    let groups = groups.iter().filter(|(_, names)| !names.is_empty());
    groups.map(|(what, names)| (*what, told(names))).collect()
}

fn marked_holders(detail: &EventDetail, look: Look) -> String {
    let glyphs = look.glyphs();
    let mut text = format!("this machine {}", glyphs.yes);
    for (name, holds) in &detail.held_by {
        let mark = match holds {
            Some(true) => glyphs.yes,
            Some(false) => glyphs.no,
            None => "?",
        };
        text.extend(["  ", name, " ", mark]);
    }
    text
}

/// An event's JSON, the names of its members marked.
fn json_lines(event: &str, width: usize) -> Vec<Pieces> {
    let mut lines = Vec::new();
    for line in json::lines(event, JSON_LINES_MAX) {
        let indent = line.indent.min(width / 2) + 1;
        let name = escape(&line.name);
        let text = format!("{name}{}", escape(&line.rest));
        for (at, part) in wrap(&text, width.saturating_sub(indent).max(1))
            .into_iter()
            .enumerate()
        {
            let cut = if at == 0 {
                name.len().min(part.len())
            } else {
                0
            };
            let cut = if part.is_char_boundary(cut) { cut } else { 0 };
            let (name, rest) = part.split_at(cut);
            lines.push(vec![
                (" ".repeat(indent), Style::new()),
                (name.to_owned(), ACCENT),
                (rest.to_owned(), Style::new()),
            ]);
        }
    }
    lines
}
