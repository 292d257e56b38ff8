//! The screen without a terminal, for pictures and tests: the same [`App`] and the same drawing, with answers given by hand.

use crossterm::event::{KeyCode, KeyEvent};
use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::control::Reply;
use crate::control::view::{EventDetail, EventView, Status, Window};
use crate::tui::app::App;
use crate::tui::look::Look;
use crate::tui::message::{Msg, Tag};
use crate::tui::screen;
use crate::tui::svg::{self, Paper};

/// What is on the screen.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The node's state.
    pub status: Status,
    /// The events.
    pub window: Window,
    /// The selected event.
    pub detail: Option<EventDetail>,
    /// The leaves.
    pub leaves: Vec<EventView>,
    /// What is typed into the input line.
    pub line: String,
    /// Milliseconds since 1970.
    pub now_ms: u64,
    /// Columns and rows.
    pub size: (u16, u16),
    /// What the terminal can show.
    pub look: Look,
}

/// Makes an [`App`] that shows `scene`, times in UTC, with the node's answers taken in.
pub fn app(scene: &Scene) -> App {
    let mut app = App::new(scene.look, TimeZone::UTC, true, scene.size);
    let mut take = |msg: Msg| drop(app.update(scene.now_ms, msg));
    take(Msg::Answer(
        Tag::Watch,
        Ok(Reply::Status(Box::new(scene.status.clone()))),
    ));
    take(Msg::Answer(
        Tag::Window,
        Ok(Reply::Window(Box::new(scene.window.clone()))),
    ));
    take(Msg::Answer(
        Tag::Leaves,
        Ok(Reply::Events(scene.leaves.clone())),
    ));
    if let Some(detail) = &scene.detail {
        take(Msg::Answer(
            Tag::Detail,
            Ok(Reply::Event(Box::new(detail.clone()))),
        ));
    }
    for c in scene.line.chars() {
        take(Msg::Key(KeyEvent::from(KeyCode::Char(c))));
    }
    app
}

/// Draws `app` on a buffer of its size.
pub fn buffer(app: &App) -> Buffer {
    let area = Rect::new(0, 0, app.size.0, app.size.1);
    let mut buffer = Buffer::empty(area);
    screen::paint(app, area, &mut buffer);
    buffer
}

/// Draws `scene` as SVG. The same scene always gives the same bytes.
pub fn picture(scene: &Scene) -> String {
    let paper = Paper::of(scene.look.background);
    svg::svg(&buffer(&app(scene)), paper)
}
