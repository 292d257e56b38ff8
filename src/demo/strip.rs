//! Draws what is above the panes: the wires, and whether all machines hold the same.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use unicode_width::UnicodeWidthStr;

use crate::control::view::Status;
use crate::demo::scene::{Machine, Scene, Wire, WireState};
use crate::demo::show::Show;
use crate::tui::look::{BAD, BUSY, GOOD, Look, fit, number};
use crate::tui::screen::put;

/// The wires in a row: ana, bob, cy, and ana again.
pub(super) fn draw_wires(show: &Show, area: Rect, buf: &mut Buffer) {
    let end = area.right();
    let Some(scene) = &show.scene else { return };
    let stops = [Machine::Ana, Machine::Bob, Machine::Cy, Machine::Ana];
    let names: u16 = 3 + 3 + 2 + 3 + 8;
    let length = area.width.saturating_sub(names + 2) / 3;
    let mut x = area.x + 1;
    for (at, machine) in stops.into_iter().enumerate() {
        let style = Look::lane(machine.index()).add_modifier(Modifier::BOLD);
        x = put(buf, x, area.y, end, machine.name(), style) + 1;
        let next = stops.get(at + 1).copied();
        let Some(wire) = next.and_then(|next| Wire::between(machine, next)) else {
            continue;
        };
        let (text, style) = wire_words(show.look, scene, wire, usize::from(length));
        x = put(buf, x, area.y, end, &text, style) + 1;
    }
}

/// `━━ 0.3 ms ━━`, `╍╍ slow 300 ms ╍╍`, `━ ✂ cut, 12 packets lost ━`.
fn wire_words(look: Look, scene: &Scene, wire: Wire, length: usize) -> (String, Style) {
    let WireState {
        is_cut,
        is_slow,
        traffic,
    } = scene.wire(wire);
    let rtt = scene.rtt_ms(wire).map(|ms| match ms {
        ..10.0 => format!("{ms:.1} ms"),
        _ => format!("{ms:.0} ms"),
    });
    let (line, style) = match (is_cut, is_slow, look.unicode) {
        (true, _, true) => ("┈", BAD.add_modifier(Modifier::BOLD)),
        (true, _, false) => (" ", BAD.add_modifier(Modifier::BOLD)),
        (false, true, true) => ("╍", BUSY),
        (false, true, false) => ("~", BUSY),
        (false, false, true) => ("━", GOOD),
        (false, false, false) => ("=", GOOD),
    };
    let scissors = if look.unicode { "✂" } else { "X" };
    let mut forms: Vec<String> = Vec::new();
    if is_cut {
        forms.push(format!(
            "{scissors} CUT, {} lost",
            number(traffic.lost, "packet", "packets")
        ));
        forms.push(format!("{scissors} CUT"));
        forms.push(scissors.to_owned());
    } else {
        let slow = if is_slow && rtt.is_some() {
            "slow, "
        } else {
            ""
        };
        let rtt = rtt.unwrap_or_else(|| "no connection".to_owned());
        let dot = look.glyphs().dot;
        let passed = number(traffic.packets, "packet", "packets");
        forms.push(format!("{slow}{rtt} {dot} {passed}"));
        forms.push(format!("{slow}{rtt}"));
        forms.push(rtt);
    }
    let fits = |form: &&String| form.width() + 6 <= length;
    let text = forms.iter().find(fits).map_or("", String::as_str);
    let rest = length.saturating_sub(text.width() + 2);
    let (left, right) = (rest / 2, rest - rest / 2);
    let text = if text.is_empty() {
        line.repeat(length)
    } else {
        format!("{} {text} {}", line.repeat(left), line.repeat(right))
    };
    (text, style)
}

/// Whether all hold the same, in words, and a colour.
pub(super) fn verdict(show: &Show) -> (String, Color) {
    let Some(scene) = &show.scene else {
        return ("STARTING".to_owned(), Color::Yellow);
    };
    let yes = show.look.glyphs().yes;
    let up: Vec<&Status> = Machine::ALL
        .into_iter()
        .filter_map(|machine| scene.status(machine))
        .collect();
    let mut digests: Vec<&str> = up.iter().map(|status| status.digest.as_str()).collect();
    digests.sort_unstable();
    digests.dedup();
    match (digests.as_slice(), up.len()) {
        ([], _) => ("NO MACHINE RUNS".to_owned(), Color::Red),
        ([digest], running) => {
            let digest: String = digest.chars().take(8).collect();
            let same = format!("all three hold the same events, digest {digest}");
            match (running, scene.is_cut_only(None)) {
                (3, true) if scene.has_converged() => {
                    (format!("CONVERGED {yes}  {same}"), Color::Green)
                }
                (3, true) => (format!("EQUAL {yes}  {same}"), Color::Green),
                (3, false) => (format!("EQUAL SO FAR  {same}"), Color::Yellow),
                (running, _) => {
                    let word = number(running as u64, "MACHINE RUNS", "MACHINES RUN");
                    (format!("{word}  digest {digest}"), Color::Yellow)
                }
            }
        }
        (many, _) => {
            let colour = if scene.is_cut_only(None) {
                Color::Yellow
            } else {
                Color::Red
            };
            (
                format!("{} DIFFERENT DIGESTS  {}", many.len(), groups(scene)),
                colour,
            )
        }
    }
}

/// `ana = bob, not cy`.
fn groups(scene: &Scene) -> String {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for machine in Machine::ALL {
        let Some(status) = scene.status(machine) else {
            continue;
        };
        match groups.iter_mut().find(|group| group.0 == status.digest) {
            Some(group) => group.1.push(machine.name()),
            None => groups.push((&status.digest, vec![machine.name()])),
        }
    }
    let groups: Vec<String> = groups.iter().map(|group| group.1.join(" = ")).collect();
    groups.join("  |  ")
}

/// Draws the verdict in the middle of its row.
pub(super) fn draw_verdict(show: &Show, area: Rect, buf: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let (word, colour) = verdict(show);
    let text = fit(&format!("  {word}  "), usize::from(area.width), show.look);
    let width = u16::try_from(text.width()).unwrap_or(area.width);
    let x = area.x + area.width.saturating_sub(width) / 2;
    put(buf, x, area.y, area.right(), &text, show.look.badge(colour));
}
