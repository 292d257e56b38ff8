//! Draws rows of events: lanes or strands, labels, who holds them, what they say, and what they merge.

use std::ops::Range;

use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use unicode_width::UnicodeWidthStr;

use crate::control::view::{Status, Window, WindowRow};
use crate::tui::clock::clock;
use crate::tui::git::{self, Strands};
use crate::tui::heading;
use crate::tui::lanes::{self, Cells, Columns, Mark};
use crate::tui::look::{ACCENT, BUSY, FAINT, Glyphs, Look, STRONG, count, fit, number, pad};
use crate::tui::safe::clean;
use crate::tui::screen::put;
use crate::tui::views::View;

/// Ticks are drawn one by one for so many peers; of more, as a count.
const TICKS_MAX: u64 = 5;
/// Parents that are named in a row; of more, their number is.
const PARENTS_NAMED: u32 = 4;
/// Columns of a time and the space after it.
const TIME_COLUMNS: u16 = 9;
/// The least columns left for what an event says.
const SUMMARY_MIN: u16 = 24;

/// Rows of events below a heading: all that is needed to draw them.
#[expect(missing_debug_implementations, reason = "it has a function in it")]
pub struct Rows<'a> {
    /// What the terminal can show.
    pub look: Look,
    /// The rows and the lanes.
    pub window: &'a Window,
    /// Which of the rows, from the first row below the heading on.
    pub visible: Range<usize>,
    /// The columns of the lanes.
    pub lanes: &'a Columns,
    /// The picture of the rows.
    pub view: View,
    /// Most columns that the git graph takes.
    pub columns_max: usize,
    /// The newest row stands on top.
    pub newest_first: bool,
    /// Connected peers, each with a tick; 0: no ticks.
    pub peers: u64,
    /// Uuid of the selected event.
    pub selected: Option<&'a str>,
    /// Uuids of the marked events.
    pub marked: &'a [String],
    /// Its row is marked whole.
    pub focused: bool,
    /// Times are shown, in this zone, when there is room.
    pub zone: Option<&'a TimeZone>,
    /// Whether a row is lit.
    pub lit: &'a dyn Fn(&WindowRow) -> bool,
}

impl Rows<'_> {
    /// Draws the heading and, below it, as many of the rows as there is room for.
    pub fn draw(&self, area: Rect, buf: &mut Buffer) {
        let visible = self.visible.start..self.visible.end.min(self.window.rows.len());
        let picture = self.lay_out(visible.clone());
        let table = Table::of(self, &picture, area.width);
        table.draw_heading(area, buf);
        let mut rows: Vec<_> = self.window.rows[visible]
            .iter()
            .zip(&picture.rows)
            .collect();
        if self.newest_first {
            rows.reverse();
        }
        for ((row, cells), y) in rows.into_iter().zip(area.y + 1..area.bottom()) {
            let area = Rect {
                y,
                height: 1,
                ..area
            };
            table.draw_row(row, cells, area, buf);
        }
    }

    /// The cells of the visible rows, as the view wants them.
    fn lay_out(&self, visible: Range<usize>) -> Strands {
        match self.view {
            View::Lanes => Strands {
                rows: lanes::lay_out(self.window, visible, self.lanes),
                shown: self.lanes.shown(),
                total: self.lanes.total(),
            },
            View::Git => git::lay_out(self.window, visible, self.columns_max),
            View::List => git::list(&self.window.rows[visible]),
        }
    }
}

/// Peers with a connection.
pub fn connected(status: &Status) -> u64 {
    let connected = status.peers.iter().filter(|peer| peer.state.is_connected());
    connected.count() as u64
}

/// The columns of the pane.
struct Table<'a> {
    given: &'a Rows<'a>,
    look: Look,
    glyphs: &'static Glyphs,
    lanes: &'a Columns,
    /// Columns with a lane or a strand of their own.
    shown: usize,
    /// Columns of the screen that all of them have, with what stands over them.
    lanes_room: u16,
    /// Columns of the screen that one has.
    pitch: u16,
    zone: Option<&'a TimeZone>,
    label: u16,
    /// Columns of the author's name; 0: it is not shown.
    author: u16,
    peers: u64,
    ticks: u16,
}

impl<'a> Table<'a> {
    fn of(given: &'a Rows<'a>, picture: &Strands, width: u16) -> Self {
        let total = u16::try_from(picture.total).unwrap_or(u16::MAX);
        let pitch = if given.view == View::Lanes && total.saturating_mul(3) <= width * 2 / 5 {
            3
        } else {
            2
        };
        let rows = &given.window.rows[given.visible.clone()];
        let label = rows
            .iter()
            .map(|row| row.label.width())
            .max()
            .unwrap_or(0)
            .clamp(5, 12);
        let ticks = match given.peers {
            0 => 0,
            peers @ 1..=TICKS_MAX => 4.max(peers),
            peers => 2 * count(peers).len() as u64 + 1,
        };
        let rest = match (given.view, given.lanes.hidden()) {
            (View::Lanes, 1..) => heading::rest(given.lanes).len() + 1,
            (View::Lanes, 0) | (View::Git | View::List, _) => 0,
        };
        let shown = u16::try_from(picture.shown).unwrap_or(u16::MAX);
        let heading = shown
            .saturating_mul(pitch)
            .saturating_add(u16::try_from(rest).unwrap_or(u16::MAX));
        let mut table = Self {
            given,
            look: given.look,
            glyphs: given.look.glyphs(),
            lanes: given.lanes,
            shown: picture.shown,
            lanes_room: total.saturating_mul(pitch).max(heading),
            pitch,
            zone: None,
            label: u16::try_from(label).unwrap_or(12),
            author: match given.view {
                View::Lanes => 0,
                View::Git | View::List => heading::author_columns(given.window, rows),
            },
            peers: given.peers,
            ticks: u16::try_from(ticks).unwrap_or(11),
        };
        let has_room = table.text_column() + TIME_COLUMNS + SUMMARY_MIN <= width;
        table.zone = given.zone.filter(|_| has_room);
        table
    }

    /// First column of what the events say.
    fn text_column(&self) -> u16 {
        let ticks = if self.ticks > 0 { self.ticks + 2 } else { 0 };
        let time = self.zone.map_or(0, |_| TIME_COLUMNS);
        1 + time + self.lanes_room + self.label + 2 + self.author_room() + ticks
    }

    /// Columns of the author's name and what is between it and the next.
    fn author_room(&self) -> u16 {
        if self.author > 0 { self.author + 2 } else { 0 }
    }

    fn draw_heading(&self, area: Rect, buf: &mut Buffer) {
        let mut x = area.x + 1;
        if self.zone.is_some() {
            x = put(buf, x, area.y, area.right(), "time     ", FAINT);
        }
        if self.given.view == View::Lanes {
            x = self.draw_names(x, area, buf);
        }
        let from = area.x + self.text_column();
        let ticks = if self.ticks > 0 { self.ticks + 2 } else { 0 };
        let author = from - ticks - self.author_room();
        let label = author - self.label - 2;
        put(buf, label.max(x), area.y, area.right(), "event", FAINT);
        if self.author > 0 {
            put(buf, author, area.y, area.right(), "author", FAINT);
        }
        if self.ticks > 0 {
            put(buf, from - ticks, area.y, area.right(), "held", FAINT);
        }
        put(buf, from, area.y, area.right(), "properties", FAINT);
    }

    /// The names of the lanes, over their columns.
    fn draw_names(&self, from: u16, area: Rect, buf: &mut Buffer) -> u16 {
        let mut x = from;
        let width = usize::from(self.pitch - 1);
        for (at, name) in heading::names(self.lanes, width).iter().enumerate() {
            let style = Look::lane(at).add_modifier(Modifier::BOLD);
            let name = pad(name, width, self.look) + " ";
            x = put(buf, x, area.y, area.right(), &name, style);
        }
        if self.lanes.hidden() > 0 {
            let rest = heading::rest(self.lanes);
            put(buf, x, area.y, area.right(), &rest, FAINT);
        }
        from + self.lanes_room
    }

    fn draw_row(&self, row: &WindowRow, cells: &Cells, area: Rect, buf: &mut Buffer) {
        let end = area.right();
        let is_selected = self.given.selected == Some(row.uuid.as_str());
        let is_lit = (self.given.lit)(row);
        let gutter = if self.given.marked.contains(&row.uuid) {
            self.glyphs.marked
        } else if is_selected {
            self.glyphs.pointer
        } else {
            " "
        };
        let mut x = put(buf, area.x, area.y, end, gutter, ACCENT);
        if let Some(zone) = self.zone {
            x = put(
                buf,
                x,
                area.y,
                end,
                &(clock(row.time_ms, zone) + " "),
                FAINT,
            );
        }
        let own = self.lane_style(row.lane);
        x = self.draw_lanes(cells, (x, own), area, buf);
        let label_at = x;
        let label = pad(&row.label, usize::from(self.label), self.look) + "  ";
        x = put(
            buf,
            x,
            area.y,
            end,
            &label,
            own.add_modifier(Modifier::BOLD),
        );
        if self.author > 0 {
            let lane = self.given.window.lanes.get(row.lane as usize);
            let name = lane.map_or("", |lane| lane.name.as_str());
            let name = pad(name, usize::from(self.author), self.look) + "  ";
            x = put(buf, x, area.y, end, &name, own);
        }
        if self.ticks > 0 {
            x = self.draw_ticks(row, x, area, buf);
        }
        let style = if is_lit { STRONG } else { Style::new() };
        self.draw_text(
            row,
            Rect {
                x,
                width: end.saturating_sub(x),
                ..area
            },
            style,
            buf,
        );
        if is_lit {
            put(
                buf,
                area.x,
                area.y,
                end,
                "+",
                BUSY.add_modifier(Modifier::BOLD),
            );
        }
        if is_selected && self.given.focused {
            buf.set_style(area, self.look.selection());
        }
        self.draw_marks(row, (label_at, x), area, buf);
    }

    /// Marks where a row matches; its label when the place is not shown.
    fn draw_marks(&self, row: &WindowRow, (label, text): (u16, u16), area: Rect, buf: &mut Buffer) {
        let Some(hits) = &row.hits else { return };
        let room = usize::from(area.right().saturating_sub(text));
        let columns = |chars: u32| {
            let before: String = row.summary.chars().take(chars as usize).collect();
            before.width()
        };
        let mut mark = |from: u16, width: usize| {
            let width = u16::try_from(width).unwrap_or(0);
            let area = Rect::new(from, area.y, width, 1).intersection(area);
            buf.set_style(area, self.look.hit());
        };
        let mut is_seen = false;
        for (from, to) in hits {
            let (from, to) = (columns(*from), columns(*to).min(room));
            if from < to {
                is_seen = true;
                mark(text + u16::try_from(from).unwrap_or(0), to - from);
            }
        }
        if !is_seen {
            mark(label, row.label.width());
        }
    }

    fn column_style(&self, column: usize) -> Style {
        if column < self.shown {
            Look::lane(column)
        } else {
            FAINT
        }
    }

    fn lane_style(&self, lane: u32) -> Style {
        let lane = self.given.window.lanes.get(lane as usize);
        lane.and_then(|lane| self.lanes.of(&lane.prefix))
            .map_or(FAINT, Look::lane)
    }

    fn draw_lanes(
        &self,
        cells: &Cells,
        (from, own): (u16, Style),
        area: Rect,
        buf: &mut Buffer,
    ) -> u16 {
        let mut x = from;
        let tie = self.column_style(cells.column);
        for (column, cell) in cells.cells.iter().enumerate() {
            let style = if cell.mark == Mark::Across {
                tie
            } else if cell.mark.is_event() {
                own.add_modifier(Modifier::BOLD)
            } else {
                self.column_style(column)
            };
            x = put(
                buf,
                x,
                area.y,
                area.right(),
                glyph(cell.mark, self.glyphs, self.given.newest_first),
                style,
            );
            for _ in 1..self.pitch {
                x = put(
                    buf,
                    x,
                    area.y,
                    area.right(),
                    if cell.tail { self.glyphs.across } else { " " },
                    tie,
                );
            }
        }
        from + self.lanes_room
    }

    fn draw_ticks(&self, row: &WindowRow, from: u16, area: Rect, buf: &mut Buffer) -> u16 {
        let held = u64::from(row.held_by).min(self.peers);
        let end = area.right();
        if self.peers > TICKS_MAX {
            let text = format!("{}/{}", count(held), count(self.peers));
            let style = if held == self.peers {
                crate::tui::look::GOOD
            } else {
                FAINT
            };
            put(
                buf,
                from,
                area.y,
                end,
                &pad(&text, usize::from(self.ticks), self.look),
                style,
            );
        } else {
            let mut x = from;
            for at in 0..self.peers {
                let (glyph, style) = if at < held {
                    (self.glyphs.held, crate::tui::look::GOOD)
                } else {
                    (self.glyphs.lacked, FAINT)
                };
                x = put(buf, x, area.y, end, glyph, style);
            }
        }
        from + self.ticks + 2
    }

    /// What the event says, and what it merges.
    fn draw_text(&self, row: &WindowRow, area: Rect, style: Style, buf: &mut Buffer) {
        let summary = match &row.fold {
            None => row.summary.clone(),
            Some(fold) => format!(
                "{}{} quiet events, {} to {}",
                self.glyphs.times,
                count(fold.events.into()),
                clean(&fold.first),
                row.label
            ),
        };
        let width = usize::from(area.width);
        let columns = |pieces: &[(String, Option<u32>)]| {
            pieces.iter().map(|(text, _)| text.width()).sum::<usize>()
        };
        let mut merges = merges(row, PARENTS_NAMED, self.glyphs);
        if columns(&merges) + 2 > width * 2 / 3 {
            merges = self::merges(row, 1, self.glyphs);
        }
        let merges_width = columns(&merges);
        let room = if merges.is_empty() {
            width
        } else {
            width.saturating_sub(merges_width + 2).max(width / 3)
        };
        let mut x = put(
            buf,
            area.x,
            area.y,
            area.right(),
            &fit(&summary, room, self.look),
            style,
        );
        if merges.is_empty() {
            return;
        }
        x += if summary.is_empty() { 0 } else { 2 };
        for (text, lane) in merges {
            let style = lane.map_or(FAINT, |lane| self.lane_style(lane));
            x = put(buf, x, area.y, area.right(), &text, style);
        }
    }
}

/// What a row merges, in pieces, each with its lane.
fn merges(row: &WindowRow, named_max: u32, glyphs: &Glyphs) -> Vec<(String, Option<u32>)> {
    match row.parents_total {
        0 | 1 => Vec::new(),
        total if total > named_max => {
            vec![(
                format!(
                    "{} {}",
                    glyphs.parents,
                    number(u64::from(total), "leaf", "leaves")
                ),
                None,
            )]
        }
        _ => {
            let named = row
                .parents
                .iter()
                .map(|parent| (format!(" {}", clean(&parent.label)), Some(parent.lane)));
            std::iter::once((glyphs.parents.to_owned(), None))
                .chain(named)
                .collect()
        }
    }
}

/// The sign of a mark; in a picture that stands upside down, what ends at a row ends above it.
fn glyph(mark: Mark, glyphs: &'static Glyphs, upside_down: bool) -> &'static str {
    match mark {
        Mark::LastLeft if upside_down => glyphs.upside_down[0],
        Mark::LastRight if upside_down => glyphs.upside_down[1],
        Mark::LastMiddle if upside_down => glyphs.upside_down[2],
        Mark::Nothing => " ",
        Mark::Lane => glyphs.lane,
        Mark::Rest => glyphs.rest,
        Mark::Root => glyphs.root,
        Mark::Event => glyphs.event,
        Mark::Merge => glyphs.merge,
        Mark::Leaf => glyphs.leaf,
        Mark::Across => glyphs.across,
        Mark::Left => glyphs.left,
        Mark::Right => glyphs.right,
        Mark::Middle => glyphs.middle,
        Mark::LastLeft => glyphs.last_left,
        Mark::LastRight => glyphs.last_right,
        Mark::LastMiddle => glyphs.last_middle,
        Mark::Older => glyphs.older,
    }
}
