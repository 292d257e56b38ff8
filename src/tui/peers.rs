//! Draws the peers, and says in a word who went and who came.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use crate::control::view::{PeerState, PeerStatus, Status};
use crate::tui::app::App;
use crate::tui::clock::{clock, span};
use crate::tui::header::seconds_since;
use crate::tui::input::Pane;
use crate::tui::look::{BAD, BUSY, FAINT, GOOD, Glyphs, Look, count, fit, number, pad};
use crate::tui::screen::{frame, put};

/// Machines that are known, but not peers, with a row of their own; more are counted.
const KNOWN_ROWS_MAX: usize = 3;
/// Columns of a row without the name, the first and the last ones with traffic.
const FIXED: u16 = 39;
/// Columns of the traffic.
const TRAFFIC: u16 = 16;
/// Columns of the name.
const NAME_MIN: u16 = 9;
const NAME_MAX: u16 = 20;

/// A row of the pane.
#[derive(Clone, Copy, Debug)]
enum Row<'a> {
    Peer(&'a PeerStatus),
    /// Why there is no connection to it.
    Reason(&'a PeerStatus),
    /// So many more machines are known.
    Known(usize),
    /// A fault, and how often it was met since the start.
    Fault(&'a str, u64),
}

/// Rows of the pane: one a peer, one more where there is something to explain, and one a fault.
pub fn rows(status: &Status) -> usize {
    list(status).len()
}

fn list(status: &Status) -> Vec<Row<'_>> {
    let is_known = |peer: &&PeerStatus| peer.state == PeerState::Known;
    let (known, mut sought): (Vec<_>, Vec<_>) = status.peers.iter().partition(is_known);
    sought.sort_by_key(|peer| !peer.state.is_connected());
    let mut rows = Vec::new();
    for peer in sought {
        rows.push(Row::Peer(peer));
        if peer.why.is_some() && !peer.state.is_connected() {
            rows.push(Row::Reason(peer));
        }
    }
    let faults = status.faults.iter();
    rows.extend(faults.map(|(name, times)| Row::Fault(name, *times)));
    if known.len() > KNOWN_ROWS_MAX {
        rows.push(Row::Known(known.len()));
    } else {
        rows.extend(known.into_iter().map(Row::Peer));
    }
    rows
}

/// Draws the pane.
pub fn draw(app: &App, area: Rect, buf: &mut Buffer) {
    let focused = app.focus == Pane::Peers;
    let Some(status) = app.status.as_ref().filter(|_| !area.is_empty()) else {
        frame(buf, area, "3 Peers", focused, app.look);
        return;
    };
    let inner = frame(buf, area, &title(app, status), focused, app.look);
    if inner.height == 0 {
        return;
    }
    let list = list(status);
    if list.is_empty() {
        let text = "none yet: F2 shows a ticket";
        put(buf, inner.x + 1, inner.y, inner.right(), text, FAINT);
        return;
    }
    let columns = Columns::of(inner.width);
    put(
        buf,
        inner.x,
        inner.y,
        inner.right(),
        &columns.heading(app.look),
        FAINT,
    );
    let shown = list.iter().skip(usize::from(app.peers_scroll));
    for (row, y) in shown.zip(inner.y + 1..inner.bottom()) {
        let place = Rect {
            y,
            height: 1,
            ..inner
        };
        match row {
            Row::Peer(peer) => draw_peer(app, peer, columns, place, buf),
            Row::Reason(peer) => draw_note(&reason(app, peer), app.look, place, buf),
            Row::Known(machines) => {
                let text = format!(
                    "{} more known, not dialled: peers enough",
                    number(*machines as u64, "machine", "machines")
                );
                draw_note(&text, app.look, place, buf);
            }
            Row::Fault(name, times) => {
                let text = format!("fault {name}: {}", number(*times, "time", "times"));
                draw_note(&text, app.look, place, buf);
            }
        }
    }
    let seen = usize::from(app.peers_scroll) + usize::from(inner.height) - 1;
    if list.len() > seen {
        let text = format!(" {} more ", count((list.len() - seen) as u64));
        let width = u16::try_from(text.width()).unwrap_or(0);
        let x = area.right().saturating_sub(width + 2);
        put(buf, x, area.bottom() - 1, area.right(), &text, FAINT);
    }
}

fn title(app: &App, status: &Status) -> String {
    if let Some(gone) = &app.gone {
        return format!("3 Peers as of {}", clock(gone.since_ms, &app.zone));
    }
    let of = |is: fn(PeerState) -> bool| status.peers.iter().filter(|peer| is(peer.state)).count();
    let connected = of(PeerState::is_connected);
    let sought = of(|state| state != PeerState::Known);
    format!("3 Peers {connected}/{sought}")
}

/// Which columns there are.
#[derive(Clone, Copy, Debug)]
struct Columns {
    name: usize,
    traffic: bool,
}

impl Columns {
    fn of(width: u16) -> Self {
        let traffic = width >= FIXED + TRAFFIC + NAME_MIN;
        let fixed = FIXED + if traffic { TRAFFIC } else { 0 };
        let name = width.saturating_sub(fixed).clamp(NAME_MIN, NAME_MAX);
        Self {
            name: usize::from(name),
            traffic,
        }
    }

    fn heading(self, look: Look) -> String {
        let name = pad("name", self.name, look);
        let (rtt, here, there) = ("rtt", "we lack", "it lacks");
        let mut text = format!(" {name} state        {rtt:>7} {here:>7} {there:>8}");
        if self.traffic {
            text += &traffic("in/s", "out/s");
        }
        text
    }
}

/// A peer's name; of one that is no member yet, the beginning of its key.
pub fn name(peer: &PeerStatus) -> String {
    match &peer.name {
        Some(name) => name.clone(),
        None => peer.key.chars().take(8).collect(),
    }
}

fn draw_peer(app: &App, peer: &PeerStatus, columns: Columns, row: Rect, buf: &mut Buffer) {
    let glyphs = app.look.glyphs();
    let (glyph, word, style) = match (&app.gone, state(peer.state, glyphs)) {
        (None, now) => now,
        (Some(_), (_, word, _)) => (glyphs.off, word, FAINT),
    };
    let end = row.right();
    let lanes = app.view.columns().list();
    let lane = lanes
        .iter()
        .position(|lane| Some(&lane.name) == peer.name.as_ref());
    let own = lane.map_or(Style::new(), Look::lane);
    let called = pad(&name(peer), columns.name, app.look);
    let mut x = put(buf, row.x + 1, row.y, end, &called, own);
    x = put(buf, x + 1, row.y, end, glyph, style);
    x = put(buf, x + 1, row.y, end, &pad(word, 11, app.look), style);
    if peer.state.is_connected() {
        let text = numbers(peer, columns, glyphs);
        put(buf, x, row.y, end, &text, Style::new());
    } else if peer.state != PeerState::Known {
        let since = app.picture_ms().saturating_sub(peer.since) / 1000;
        let mut text = format!("{:>7}", span(since));
        if let Some(seconds) = peer
            .redial_s
            .filter(|_| peer.state == PeerState::Unreachable)
        {
            let wait = seconds.saturating_sub(seconds_since(app));
            text += "  again in ";
            text += &span(wait);
        }
        put(buf, x, row.y, end, &text, FAINT);
    }
}

/// What is measured of a connected peer.
fn numbers(peer: &PeerStatus, columns: Columns, glyphs: &Glyphs) -> String {
    let rtt = peer
        .rtt_ms
        .map_or_else(|| "?".to_owned(), |ms| format!("{ms:.1}ms"));
    let lacking = |n: Option<u64>, glyph: &str| match n {
        Some(0) => "0".to_owned(),
        Some(n) => format!("{}{glyph}", short(n)),
        None => "?".to_owned(),
    };
    let here = lacking(peer.missing_here, glyphs.down);
    let there = lacking(peer.missing_there, glyphs.up);
    let mut text = format!("{rtt:>7} {here:>7} {there:>8}");
    if columns.traffic {
        let rate = |bytes: Option<u64>| bytes.map_or_else(|| "?".to_owned(), short_bytes);
        let (received, sent) = (rate(peer.in_bytes_s), rate(peer.out_bytes_s));
        text += &traffic(&received, &sent);
    }
    text
}

/// The columns of the traffic.
fn traffic(received: &str, sent: &str) -> String {
    format!(" {received:>7} {sent:>7}")
}

/// A count of at most four characters.
fn short(n: u64) -> String {
    match n {
        0..10_000 => n.to_string(),
        10_000..1_000_000 => format!("{}k", n / 1_000),
        1_000_000.. => format!("{}M", n / 1_000_000),
    }
}

/// Bytes in at most six characters: `0 B`, `999 B`, `1.2 kB`, `120 kB`, `3.4 MB`.
fn short_bytes(bytes: u64) -> String {
    let tenths = |unit: u64, name: &str| {
        let tenths = bytes / (unit / 10);
        if tenths < 100 {
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        } else {
            format!("{} {name}", tenths / 10)
        }
    };
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => tenths(1_000, "kB"),
        1_000_000..1_000_000_000 => tenths(1_000_000, "MB"),
        1_000_000_000.. => tenths(1_000_000_000, "GB"),
    }
}

fn draw_note(text: &str, look: Look, row: Rect, buf: &mut Buffer) {
    let text = fit(text, usize::from(row.width.saturating_sub(4)), look);
    put(buf, row.x + 3, row.y, row.right(), &text, FAINT);
}

/// Since when and why there is no connection.
fn reason(app: &App, peer: &PeerStatus) -> String {
    let why = peer.why.as_deref().unwrap_or("");
    let mut text = format!("since {}: {why}", clock(peer.since, &app.zone));
    if let Some(address) = peer.address.map(|address| address.to_string())
        && !why.contains(&address)
    {
        text.push_str(", at ");
        text.push_str(&address);
    }
    text
}

/// A peer's state: a glyph, a word and a colour.
fn state(state: PeerState, glyphs: &'static Glyphs) -> (&'static str, &'static str, Style) {
    match state {
        PeerState::InStep => (glyphs.on, "in step", GOOD),
        PeerState::Behind => (glyphs.on, "behind", BUSY),
        PeerState::Ahead => (glyphs.on, "ahead", BUSY),
        PeerState::Diverged => (glyphs.on, "diverged", BUSY),
        PeerState::Connecting => (glyphs.trying, "connecting", BUSY),
        PeerState::Unreachable => (glyphs.off, "unreachable", BAD),
        PeerState::Known => (glyphs.off, "known", FAINT),
    }
}

/// Who went and who came between two states of the node, in a word for the bottom, and whether that is bad; None: nobody.
pub fn changes(old: &Status, new: &Status) -> Option<(String, bool)> {
    let connected = |status: &Status| -> BTreeMap<String, String> {
        let connected = status.peers.iter().filter(|peer| peer.state.is_connected());
        connected
            .map(|peer| (peer.key.clone(), name(peer)))
            .collect()
    };
    let (before, now) = (connected(old), connected(new));
    let without = |all: &BTreeMap<String, String>, others: &BTreeMap<String, String>| {
        let missing = all.iter().filter(|(key, _)| !others.contains_key(*key));
        missing
            .map(|(key, name)| (key.clone(), name.clone()))
            .collect::<Vec<_>>()
    };
    let (went, came) = (without(&before, &now), without(&now, &before));
    let several = |list: &[(String, String)], one: &str, many: &str| match list {
        [] => None,
        [(_, name)] => Some(format!("{name} {one}")),
        [(_, name), rest @ ..] => Some(format!("{name} and {} more {many}", rest.len())),
    };
    let mut gone = several(&went, "went", "went");
    if let ([(key, _)], Some(text)) = (&went[..], &mut gone) {
        let peer = new.peers.iter().find(|peer| peer.key == *key);
        if let Some(why) = peer.and_then(|peer| peer.why.as_ref()) {
            text.push_str(": ");
            text.push_str(why);
        }
    }
    let here = several(&came, "is connected", "are connected");
    let is_bad = gone.is_some();
    let parts: Vec<String> = gone.into_iter().chain(here).collect();
    (!parts.is_empty()).then(|| (parts.join("; "), is_bad))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_short() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (12_345, "12 kB"),
            (999_999, "999 kB"),
            (3_450_000, "3.4 MB"),
            (u64::MAX, "18446744073 GB"),
        ] {
            assert_eq!(short_bytes(bytes), text);
        }
    }

    #[test]
    fn a_row_is_as_wide_as_the_pane_or_narrower() {
        for width in [50, 58, 63, 64, 70, 78, 200] {
            let columns = Columns::of(width);
            let heading = columns.heading(Look::FULL).width();
            assert!(heading <= usize::from(width), "{width}: {heading}");
            assert_eq!(columns.traffic, width >= 64, "{width}");
        }
    }
}
