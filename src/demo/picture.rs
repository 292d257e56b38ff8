//! Draws the demo: the wires, the verdict, the panes of the machines, the words, and the keys.
//!
//! Invariants: drawing reads the [`Show`] and changes nothing; nothing is told by colour alone.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;
use ratatui::widgets::{Block, Clear, Widget};
use unicode_width::UnicodeWidthStr;

use crate::control::view::{Badge, Status};
use crate::demo::keys::KEYS;
use crate::demo::scene::Machine;
use crate::demo::script::STEPS;
use crate::demo::show::Show;
use crate::demo::strip;
use crate::tui::graph::{Rows, connected};
use crate::tui::look::{
    ACCENT, BAD, BUSY, FAINT, GOOD, Look, STRONG, count, fit, number, wrap_words,
};
use crate::tui::screen::{finish, frame, put};
use crate::tui::views::View;

/// Fewer columns than this: one line only.
const WIDTH_MIN: u16 = 60;
/// Fewer rows than this: likewise.
const HEIGHT_MIN: u16 = 12;
/// From so many columns on, the three machines stand side by side.
const SIDE_BY_SIDE: u16 = 100;
/// From so many columns on, a pane has room for ticks.
const TICKS_FROM: u16 = 40;
/// Fewer rows than this: words without a frame, and the verdict beside the wires.
const LOW: u16 = 18;

/// Where what stands; what is not shown is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Areas {
    header: Rect,
    wires: Rect,
    verdict: Rect,
    panes: [Rect; Machine::ALL.len()],
    words: Rect,
    footer: Rect,
}

impl Areas {
    /// Lays out the screen.
    pub fn of(show: &Show) -> Self {
        let (width, height) = show.size;
        let mut areas = Self {
            header: Rect::new(0, 0, width, height.min(1)),
            ..Self::default()
        };
        if width < WIDTH_MIN || height < HEIGHT_MIN {
            return areas;
        }
        let is_low = height < LOW;
        let verdict = u16::from(!is_low);
        let words = match (is_low, width < SIDE_BY_SIDE) {
            (true, _) => 3,
            (false, true) => 6,
            (false, false) => 4,
        };
        areas.wires = Rect::new(0, 1, width, 1);
        areas.verdict = Rect::new(0, 2, width, verdict);
        let body = Rect::new(0, 2 + verdict, width, height - 3 - verdict - words);
        areas.words = Rect::new(0, body.bottom(), width, words);
        areas.footer = Rect::new(0, height - 1, width, 1);
        if width < SIDE_BY_SIDE {
            areas.panes[show.picked.index()] = body;
            return areas;
        }
        let each = width / 3;
        for (at, pane) in (0..).zip(&mut areas.panes) {
            let x = each * at;
            let width = if at == 2 { width - x } else { each };
            *pane = Rect { x, width, ..body };
        }
        areas
    }

    /// Rows of events in a machine's pane; those that are not shown have one.
    pub fn rows(&self, machine: Machine) -> usize {
        usize::from(self.panes[machine.index()].height.saturating_sub(3).max(1))
    }
}

/// Draws `show`; with a cursor where text is written.
pub fn draw(show: &Show, frame: &mut Frame<'_>) {
    if let Some(cursor) = paint(show, frame.area(), frame.buffer_mut()) {
        frame.set_cursor_position(cursor);
    }
}

/// Draws `show` on a buffer of the size that it was told, and returns where the cursor stands.
pub fn paint(show: &Show, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let (width, height) = show.size;
    if area.width < width || area.height < height || area.is_empty() {
        return None; // the terminal just changed its size; the next message says so
    }
    let areas = Areas::of(show);
    if areas.footer.is_empty() {
        draw_small(show, areas.header, buf);
        finish(show.look, buf);
        return None;
    }
    draw_header(show, areas.header, buf);
    strip::draw_wires(show, areas.wires, buf);
    strip::draw_verdict(show, areas.verdict, buf);
    for machine in Machine::ALL {
        draw_pane(show, machine, areas.panes[machine.index()], buf);
    }
    draw_words(show, areas.words, buf);
    let cursor = draw_footer(show, areas.footer, buf);
    if show.is_help {
        draw_help(show, area, buf);
    }
    finish(show.look, buf);
    cursor
}

/// Too small for panes: what there is to know in one line.
fn draw_small(show: &Show, area: Rect, buf: &mut Buffer) {
    let (word, _) = strip::verdict(show);
    let text = format!("fedag demo: {word} (needs {WIDTH_MIN}x{HEIGHT_MIN})");
    let text = fit(&text, usize::from(area.width), show.look);
    put(buf, area.x, area.y, area.right(), &text, Style::new());
}

fn draw_header(show: &Show, area: Rect, buf: &mut Buffer) {
    let dot = show.look.glyphs().dot;
    let end = area.right();
    let title = ACCENT.add_modifier(Modifier::BOLD);
    let mut x = put(buf, area.x + 1, area.y, end, "fedag demo", title) + 2;
    if area.width >= SIDE_BY_SIDE {
        let what = format!("3 real nodes, real QUIC on 127.0.0.1 {dot} ");
        x = put(buf, x, area.y, end, &what, FAINT);
    }
    let step = match show.script.step() {
        Some(step) => {
            let at = show.script.done() + usize::from(show.script.is_playing());
            format!("step {at} of {}: {}", STEPS.len(), step.title)
        }
        None => format!("{} steps", STEPS.len()),
    };
    x = put(buf, x, area.y, end, &step, STRONG);
    let mode = if show.script.is_auto() {
        "autoplay"
    } else if show.script.is_over() {
        "the end"
    } else {
        "paused: n or a"
    };
    let width = u16::try_from(mode.width()).unwrap_or(0);
    let at = end.saturating_sub(width + 1);
    if at > x + 1 {
        put(buf, at, area.y, end, mode, BUSY);
    }
}

fn draw_pane(show: &Show, machine: Machine, area: Rect, buf: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let is_picked = show.picked == machine;
    let scene = show.scene.as_ref();
    let status = scene.and_then(|scene| scene.status(machine));
    let is_cut = scene.is_some_and(|scene| scene.is_cut(machine));
    let inner = pane_frame(show, is_picked, is_cut, area, buf);
    let pointer = if is_picked {
        show.look.glyphs().pointer
    } else {
        " "
    };
    let mut title = format!("{pointer}[{}] {} ", machine.index() + 1, machine.name());
    if area.width == show.size.0 {
        let others: Vec<String> = (1..)
            .zip(Machine::ALL)
            .filter(|(_, other)| *other != machine)
            .map(|(key, other)| format!("{key} {}", other.name()))
            .collect();
        title = format!("{title}(others: {}) ", others.join(", "));
    }
    let style = Look::lane(machine.index()).add_modifier(Modifier::BOLD);
    let left = put(buf, area.x + 1, area.y, area.right() - 1, &title, style);
    draw_badge(
        show,
        machine,
        Rect {
            x: left,
            width: area.right() - left,
            ..area
        },
        buf,
    );
    let Some(status) = status else {
        let text = match scene {
            None => "starting",
            Some(scene) if scene.changing[machine.index()] => "on its way",
            Some(_) => "killed: k starts it from its store",
        };
        put(buf, inner.x + 2, inner.y + 1, inner.right(), text, FAINT);
        return;
    };
    draw_rows(show, machine, status, inner, buf);
    draw_foot(show, machine, status, area, buf);
}

fn pane_frame(show: &Show, is_picked: bool, is_cut: bool, area: Rect, buf: &mut Buffer) -> Rect {
    let style = match (is_cut, is_picked) {
        (true, _) => BAD,
        (false, true) => ACCENT.add_modifier(Modifier::BOLD),
        (false, false) => FAINT,
    };
    let set = if is_cut && show.look.unicode {
        border::DOUBLE
    } else if is_picked && show.look.unicode {
        border::THICK
    } else {
        show.look.border()
    };
    Clear.render(area, buf);
    let block = Block::bordered().border_set(set).border_style(style);
    let inner = block.inner(area);
    block.render(area, buf);
    inner
}

/// What the machine says of itself, at the right of its pane's title.
fn draw_badge(show: &Show, machine: Machine, area: Rect, buf: &mut Buffer) {
    let Some(scene) = &show.scene else { return };
    let glyphs = show.look.glyphs();
    let (word, colour) = match scene.status(machine) {
        None if scene.changing[machine.index()] => ("STARTING".to_owned(), Color::Yellow),
        None => ("KILLED".to_owned(), Color::Red),
        Some(status) => match status.badge() {
            badge @ (Badge::Converged | Badge::InStep { .. }) => {
                (format!("{badge} {}", glyphs.yes), Color::Green)
            }
            badge @ Badge::CutOff => (badge.to_string(), Color::Red),
            badge @ Badge::Syncing => (badge.to_string(), Color::Yellow),
            badge @ Badge::Alone => (badge.to_string(), Color::Cyan),
        },
    };
    let text = format!(" {word} ");
    let width = u16::try_from(text.width()).unwrap_or(u16::MAX);
    if width + 2 <= area.width {
        let x = area.right() - width - 1;
        put(
            buf,
            x,
            area.y,
            area.right() - 1,
            &text,
            show.look.badge(colour),
        );
    }
}

fn draw_rows(show: &Show, machine: Machine, status: &Status, area: Rect, buf: &mut Buffer) {
    let pane = &show.panes[machine.index()];
    let window = pane.view.window();
    if window.rows.is_empty() || area.height < 2 {
        return;
    }
    let lit = |row: &_| show.is_lit(machine, row);
    Rows {
        look: show.look,
        window,
        visible: pane.view.visible(),
        lanes: &pane.columns,
        view: View::Lanes,
        newest_first: false,
        columns_max: Machine::ALL.len(),
        peers: if area.width >= TICKS_FROM {
            connected(status)
        } else {
            0
        },
        selected: None,
        marked: &[],
        focused: false,
        zone: None,
        lit: &lit,
    }
    .draw(area, buf);
}

/// `11 events · 1 leaf · digest 41c0d2f1 = bob = cy`, on the lower border.
fn draw_foot(show: &Show, machine: Machine, status: &Status, area: Rect, buf: &mut Buffer) {
    let Some(scene) = &show.scene else { return };
    let dot = show.look.glyphs().dot;
    let digest: String = status.digest.chars().take(8).collect();
    let equal: Vec<&str> = Machine::ALL
        .into_iter()
        .filter(|other| *other != machine && scene.are_equal(machine, *other))
        .map(Machine::name)
        .collect();
    let (y, end) = (area.bottom() - 1, area.right() - 1);
    let events = number(status.events, "event", "events");
    let leaves = number(status.leaves_total, "leaf", "leaves");
    let room = usize::from(area.width.saturating_sub(4));
    let equals = equal
        .iter()
        .fold(String::new(), |text, name| text + " = " + name);
    let mut counts = format!(" {events} {dot} {leaves} {dot} {digest}");
    if counts.width() + equals.width() > room {
        counts = format!(" {} {dot} {digest}", count(status.events));
    }
    let x = put(buf, area.x + 1, y, end, &counts, Style::new());
    let x = put(buf, x, y, end, &equals, GOOD.add_modifier(Modifier::BOLD));
    put(buf, x, y, end, " ", Style::new());
}

fn draw_words(show: &Show, area: Rect, buf: &mut Buffer) {
    let inner = if area.height > 3 {
        frame(buf, area, "What is happening", false, show.look)
    } else {
        area
    };
    let (what, next) = show.caption();
    let width = usize::from(inner.width.saturating_sub(2));
    let (what_style, next_style) = (STRONG, ACCENT);
    let lines = wrap_words(&what, width)
        .into_iter()
        .map(|line| (line, what_style))
        .chain(
            wrap_words(&next, width)
                .into_iter()
                .map(|line| (line, next_style)),
        );
    for ((text, style), y) in lines.zip(inner.y..inner.bottom()) {
        put(buf, inner.x + 1, y, inner.right(), &text, style);
    }
}

/// The keys, what is being written, or why something was not done; returns where the cursor stands.
fn draw_footer(show: &Show, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let end = area.right();
    let glyphs = show.look.glyphs();
    if let Some(line) = &show.line {
        let prompt = format!("{} writes {} ", show.picked.name(), glyphs.pointer);
        let x = put(
            buf,
            area.x + 1,
            area.y,
            end,
            &prompt,
            ACCENT.add_modifier(Modifier::BOLD),
        );
        let hint = "Enter sends, Esc leaves";
        let room = end.saturating_sub(x + 28);
        let input = line.input();
        let skip = input.visual_scroll(usize::from(room));
        let shown: String = fit(
            &line.text().chars().skip(skip).collect::<String>(),
            usize::from(room),
            show.look,
        );
        put(buf, x, area.y, x + room, &shown, Style::new());
        put(buf, end.saturating_sub(24), area.y, end, hint, FAINT);
        let column = u16::try_from(input.visual_cursor().saturating_sub(skip)).unwrap_or(0);
        return Some(Position::new(x + column.min(room), area.y));
    }
    if let Some((why, _)) = &show.refused {
        let text = fit(
            &format!("{} {why}", glyphs.no),
            usize::from(area.width - 2),
            show.look,
        );
        put(buf, area.x + 1, area.y, end, &text, BAD);
        return None;
    }
    let mut x = area.x + 1;
    let last = ["help", "quit"];
    let mut room = usize::from(area.width);
    let width = |key: &str, hint: &str| key.width() + hint.width() + 3;
    for binding in KEYS.iter().filter(|binding| last.contains(&binding.hint)) {
        room = room.saturating_sub(width(binding.key, binding.hint));
    }
    for binding in KEYS.iter().filter(|binding| !binding.hint.is_empty()) {
        if !last.contains(&binding.hint) {
            let needed = width(binding.key, binding.hint);
            if needed > room {
                continue;
            }
            room -= needed;
        }
        x = put(
            buf,
            x,
            area.y,
            end,
            binding.key,
            ACCENT.add_modifier(Modifier::BOLD),
        ) + 1;
        x = put(buf, x, area.y, end, binding.hint, Style::new()) + 2;
    }
    None
}

fn draw_help(show: &Show, area: Rect, buf: &mut Buffer) {
    let keys: Vec<_> = KEYS
        .iter()
        .filter(|binding| !binding.does.is_empty())
        .collect();
    let rows = u16::try_from(keys.len()).unwrap_or(u16::MAX) + 2;
    let (width, height) = (area.width.min(72), area.height.min(rows));
    let area = Rect::new(
        (area.width - width) / 2,
        (area.height - height) / 2,
        width,
        height,
    );
    let inner = frame(buf, area, "Keys (any key goes back)", true, show.look);
    for (binding, y) in keys.into_iter().zip(inner.y..inner.bottom()) {
        put(
            buf,
            inner.x + 1,
            y,
            inner.right(),
            binding.key,
            ACCENT.add_modifier(Modifier::BOLD),
        );
        let does = fit(
            binding.does,
            usize::from(inner.width.saturating_sub(9)),
            show.look,
        );
        put(buf, inner.x + 8, y, inner.right(), &does, Style::new());
    }
}
