//! What to do next, for a machine that is alone.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::tui::app::App;
use crate::tui::look::{ACCENT, FAINT, STRONG, fit};
use crate::tui::screen::put;

/// Draws it on what the rows leave of the events pane; nothing when there are other machines.
pub fn draw(app: &App, area: Rect, buf: &mut Buffer) {
    let Some(status) = app.status.as_ref().filter(|status| status.members <= 1) else {
        return;
    };
    if area.height < 7 {
        return;
    }
    let addresses: Vec<String> = status.listening.iter().map(ToString::to_string).collect();
    let first = if status.events <= 1 {
        "Your first event: type something below and press Enter."
    } else {
        ""
    };
    let lines = [
        (first, STRONG),
        ("", STRONG),
        (
            "Let another machine in: F2 shows a ticket. On that machine run",
            Style::new(),
        ),
        ("", STRONG),
        ("    fedag join TICKET", ACCENT),
        ("", STRONG),
    ];
    let mut y = area.y + 1;
    for (text, style) in lines {
        if y < area.bottom() {
            put(
                buf,
                area.x + 3,
                y,
                area.right(),
                &fit(text, usize::from(area.width.saturating_sub(4)), app.look),
                style,
            );
        }
        y += 1;
    }
    if y < area.bottom() && !addresses.is_empty() {
        let text = format!("Listening on {} (UDP)", addresses.join(", "));
        put(
            buf,
            area.x + 3,
            y,
            area.right(),
            &fit(&text, usize::from(area.width.saturating_sub(4)), app.look),
            FAINT,
        );
    }
}
