//! Draws the top line: who this is, the badge, the digest, how much there is, and how fast it comes.

use std::fmt::Write;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use unicode_width::UnicodeWidthStr;

use crate::control::view::{Badge, MachinePhase, PeerStatus, Progress, Status};
use crate::tui::app::{App, CHART_SECONDS};
use crate::tui::clock::{clock, span};
use crate::tui::look::{ACCENT, BUSY, FAINT, Look, STRONG, count, fit, number};
use crate::tui::message::Gone;
use crate::tui::screen::put;

/// Seconds of which the pace of catching up is the mean.
const PACE_SECONDS: u64 = 5;

/// A piece of the top line: those with the highest rank go first when there is no room.
struct Part {
    rank: u8,
    text: String,
    style: Style,
}

fn part(rank: u8, text: impl Into<String>, style: Style) -> Part {
    Part {
        rank,
        text: text.into(),
        style,
    }
}

/// Draws the top line.
pub fn draw(app: &App, area: Rect, buf: &mut Buffer) {
    let mut parts = match (&app.gone, &app.status) {
        (Some(gone), _) => gone_parts(app, gone),
        (None, None) => vec![
            part(0, "fedag", ACCENT.add_modifier(Modifier::BOLD)),
            part(0, "starting", FAINT),
        ],
        (None, Some(status)) => header_parts(app, status),
    };
    let width = |parts: &[Part]| {
        parts
            .iter()
            .map(|part| part.text.width() + 2)
            .sum::<usize>()
    };
    while width(&parts) > usize::from(area.width) && parts.len() > 1 {
        let last = (0..parts.len())
            .max_by_key(|at| parts[*at].rank)
            .unwrap_or(0);
        parts.remove(last);
    }
    let mut x = area.x + 1;
    for part in parts {
        x = put(buf, x, area.y, area.right(), &part.text, part.style) + 2;
    }
}

/// Without a node: what is known is old, and nothing is claimed.
fn gone_parts(app: &App, gone: &Gone) -> Vec<Part> {
    let away = span(app.now_ms.saturating_sub(gone.since_ms) / 1000);
    let mut parts = vec![part(6, "fedag", ACCENT.add_modifier(Modifier::BOLD))];
    let Some(status) = &app.status else {
        parts.push(no_node(app, &away));
        return parts;
    };
    parts.push(part(5, fit(&status.network, 24, app.look), STRONG));
    parts.push(part(
        7,
        fit(&status.machine.name, 24, app.look),
        Style::new(),
    ));
    parts.push(no_node(app, &away));
    let then = format!("as of {}", clock(gone.since_ms, &app.zone));
    parts.push(part(1, then, BUSY));
    let events = number(status.events, "event", "events");
    parts.push(part(2, events, FAINT));
    let leaves = number(status.leaves_total, "leaf", "leaves");
    parts.push(part(8, leaves, FAINT));
    parts
}

fn no_node(app: &App, away: &str) -> Part {
    part(0, format!(" NODE GONE {away} "), app.look.badge(Color::Red))
}

fn header_parts(app: &App, status: &Status) -> Vec<Part> {
    let glyphs = app.look.glyphs();
    let (word, colour) = badge(app, status);
    let connected = status
        .peers
        .iter()
        .filter(|peer| peer.state.is_connected())
        .count() as u64;
    let others = status.members.saturating_sub(1).max(connected);
    let digest: String = status
        .digest
        .chars()
        .take(if app.size.0 >= 160 { 16 } else { 8 })
        .collect();
    let mut parts = vec![
        part(6, "fedag", ACCENT.add_modifier(Modifier::BOLD)),
        part(5, fit(&status.network, 24, app.look), STRONG),
        part(7, fit(&status.machine.name, 24, app.look), Style::new()),
        part(0, format!(" {word} "), app.look.badge(colour)),
    ];
    if status.twins {
        parts.push(part(1, " TWINS ", app.look.badge(Color::Red)));
    }
    if let Some(faults) = faults(status) {
        parts.push(part(2, faults, BUSY));
    }
    if let Some(progress) = &status.progress {
        parts.push(part(1, progress_bar(app, progress), BUSY));
        if let Some(pace) = pace(app, progress) {
            parts.push(part(4, pace, BUSY));
        }
        parts.push(part(
            8,
            number(status.leaves_total, "leaf", "leaves"),
            FAINT,
        ));
    } else {
        parts.push(part(4, format!("{digest}{}", glyphs.more), ACCENT));
        parts.push(part(
            2,
            number(status.events, "event", "events"),
            Style::new(),
        ));
        parts.push(part(
            8,
            number(status.leaves_total, "leaf", "leaves"),
            Style::new(),
        ));
    }
    if status.pending > 0 {
        parts.push(part(9, format!("{} pending", count(status.pending)), BUSY));
    }
    parts.push(part(3, format!("peers {connected}/{others}"), Style::new()));
    let (chart, rate) = chart(app);
    if !chart.is_empty() {
        parts.push(part(11, chart, FAINT));
    }
    if rate > 0 && status.progress.is_none() {
        parts.push(part(10, format!("{}/s", count(rate)), FAINT));
    }
    parts
}

/// What peers did wrong since the start, by name, and the store; none: nothing.
fn faults(status: &Status) -> Option<String> {
    let total: u64 = status.faults.values().sum();
    let mut names = status.faults.iter();
    let (first, times) = names.next()?;
    Some(match names.next() {
        None if *times == 1 => format!("1 fault: {first}"),
        None => format!("{} faults: {first}", count(total)),
        Some(_) => {
            let kinds = status.faults.len() as u64;
            format!("{} faults of {kinds} kinds", count(total))
        }
    })
}

/// The one word to look at, and its colour.
fn badge(app: &App, status: &Status) -> (String, Color) {
    let glyphs = app.look.glyphs();
    match status.phase {
        MachinePhase::Joining => return ("JOINING".into(), Color::Yellow),
        MachinePhase::CatchingUp if status.progress.is_some() => {
            return ("CATCHING UP".into(), Color::Yellow);
        }
        MachinePhase::CatchingUp | MachinePhase::Live => {}
    }
    let badge = status.badge();
    match badge {
        Badge::Alone => (badge.to_string(), Color::Cyan),
        Badge::CutOff => match status.cut_off_s {
            Some(seconds) => (
                format!("{badge} {}", span(seconds + seconds_since(app))),
                Color::Red,
            ),
            None => (badge.to_string(), Color::Red),
        },
        Badge::Syncing => {
            let most = |missing: fn(&PeerStatus) -> Option<u64>| {
                status
                    .peers
                    .iter()
                    .filter_map(missing)
                    .max()
                    .filter(|n| *n > 0)
            };
            let mut text = badge.to_string();
            for (n, glyph) in [
                (most(|peer| peer.missing_here), glyphs.down),
                (most(|peer| peer.missing_there), glyphs.up),
            ] {
                if let Some(n) = n {
                    write!(text, " {}{glyph}", count(n)).expect("a string takes all text");
                }
            }
            (text, Color::Yellow)
        }
        Badge::InStep { .. } | Badge::Converged => {
            (format!("{badge} {}", glyphs.yes), Color::Green)
        }
    }
}

/// Seconds since the state was told; its own seconds were counted then.
pub fn seconds_since(app: &App) -> u64 {
    app.picture_ms().saturating_sub(app.status_ms) / 1000
}

fn progress_bar(app: &App, progress: &Progress) -> String {
    let of = progress.of.max(1);
    let done = progress.held.min(of);
    let width = if app.size.0 >= 100 { 20 } else { 8 };
    let percent = done.saturating_mul(100) / of;
    let text = format!("{percent}% {}/{}", count(done), count(progress.of));
    if app.size.0 < 80 {
        text
    } else {
        format!("{} {text}", bar(done, of, width, app.look))
    }
}

/// How fast it comes, the mean of the last whole seconds, and how long the rest takes at that pace; None: nothing came.
fn pace(app: &App, progress: &Progress) -> Option<String> {
    let now = app.now_ms / 1000;
    let seconds = now.saturating_sub(PACE_SECONDS)..now;
    let first = app.rates.front().map_or(now, |(at, _)| *at);
    let counted = now.saturating_sub(first.max(seconds.start));
    let came = app.rates.iter().filter(|(at, _)| seconds.contains(at));
    let came: u64 = came.map(|(_, events)| events).sum();
    let pace = came.checked_div(counted).filter(|pace| *pace > 0)?;
    let left = progress.of.saturating_sub(progress.held).div_ceil(pace);
    Some(format!("{}/s, {} left", count(pace), span(left)))
}

/// A bar of `width` columns.
pub fn bar(done: u64, of: u64, width: usize, look: Look) -> String {
    let glyphs = look.glyphs();
    let full = usize::try_from(done.saturating_mul(width as u64) / of.max(1))
        .unwrap_or(width)
        .min(width);
    glyphs.full.repeat(full) + &glyphs.empty.repeat(width - full)
}

/// Events a second of the last seconds as a small chart, and of the last whole second as a number.
fn chart(app: &App) -> (String, u64) {
    let now = app.now_ms / 1000;
    let at = |second: u64| {
        app.rates
            .iter()
            .find(|(at, _)| *at == second)
            .map_or(0, |(_, n)| *n)
    };
    let values: Vec<u64> = (0..CHART_SECONDS as u64)
        .rev()
        .map(|back| at(now.saturating_sub(back)))
        .collect();
    let most = values.iter().copied().max().unwrap_or(0);
    if most == 0 {
        return (String::new(), 0);
    }
    let heights = &app.look.glyphs().heights;
    let height = |n: u64| {
        heights[usize::try_from(n.saturating_mul(7) / most)
            .unwrap_or(7)
            .min(7)]
    };
    (
        values.iter().map(|n| height(*n)).collect(),
        at(now.saturating_sub(1)),
    )
}
