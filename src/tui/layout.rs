//! Where what stands on the screen, by its size and the focus.

use ratatui::layout::{Position, Rect};

use crate::limits;
use crate::tui::app::App;
use crate::tui::entry;
use crate::tui::input::Pane;
use crate::tui::{panes, peers};

/// Fewer columns than this: one line of status only.
pub const WIDTH_MIN: u16 = 60;
/// Fewer rows than this: likewise.
pub const HEIGHT_MIN: u16 = 12;
/// From so many columns on, the peers, the leaves and the selected event stand beside the events.
const WIDE: u16 = 110;
/// From so many columns on, with more room.
const VERY_WIDE: u16 = 180;
/// Columns that the panes beside the events keep when others get bigger.
const SIDE_MIN: u16 = 30;
/// Columns that the events keep.
const EVENTS_MIN: u16 = 50;

/// The parts of the screen; those that are not shown are empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Areas {
    /// The top line.
    pub header: Rect,
    /// The events, with their border.
    pub events: Rect,
    /// The peers, with their border.
    pub peers: Rect,
    /// The leaves, with their border.
    pub leaves: Rect,
    /// The selected event, with its border.
    pub detail: Rect,
    /// The input line, with a border if it is higher than one row.
    pub input: Rect,
    /// The bottom line.
    pub footer: Rect,
    /// Rows of events.
    pub event_rows: usize,
    /// Most lanes with a column of their own.
    pub lanes_max: usize,
    /// The selected event is on the screen.
    pub shows_detail: bool,
    /// The leaves are.
    pub shows_leaves: bool,
}

impl Areas {
    /// Lays out `app`'s screen.
    pub fn of(app: &App) -> Self {
        let (width, height) = app.size;
        if width < WIDTH_MIN || height < HEIGHT_MIN {
            let header = Rect::new(0, 0, width, height.min(1));
            return Self {
                header,
                event_rows: 1,
                lanes_max: 1,
                ..Self::default()
            };
        }
        let input_rows = entry::rows(app);
        let body = Rect::new(0, 1, width, height - 2 - input_rows);
        let mut areas = Self {
            header: Rect::new(0, 0, width, 1),
            events: body,
            input: Rect::new(0, body.bottom(), width, input_rows),
            footer: Rect::new(0, height - 1, width, 1),
            ..Self::default()
        };
        if app.is_whole {
            areas.alone(app.focus, body);
        } else if width >= WIDE {
            areas.beside(app, body);
        } else {
            areas.over(app, body);
        }
        areas.event_rows = usize::from(areas.events.height.saturating_sub(3));
        let lanes_max = match width {
            ..100 => 8,
            100..VERY_WIDE => 16,
            VERY_WIDE.. => limits::LANES_MAX,
        };
        // Two columns each: more than half of the pane is for what the events say.
        areas.lanes_max = lanes_max.min(usize::from(areas.events.width / 5));
        areas.shows_detail = areas.detail.height > 2;
        areas.shows_leaves = areas.leaves.height > 2;
        areas
    }

    /// The panes in a column at the right.
    fn beside(&mut self, app: &App, body: Rect) {
        let wide = if body.width >= VERY_WIDE { 72_u16 } else { 52 };
        let wide = wide
            .saturating_add_signed(-app.share * 4)
            .clamp(SIDE_MIN, body.width - EVENTS_MIN);
        let right = Rect::new(body.width - wide, body.y, wide, body.height);
        self.events.width -= wide;
        let rows = |n: usize, least: u16| {
            u16::try_from(n)
                .unwrap_or(u16::MAX)
                .clamp(least, (body.height / 4).max(least))
        };
        let peers = app.status.as_ref().map_or(0, |status| peers::rows(status));
        let peers = rows(peers + 3, 4);
        let leaves = app.status.as_ref().map_or(1, |status| status.leaves.len());
        let leaves = if body.height < 18 {
            0
        } else {
            rows(leaves + 2, 3)
        };
        self.peers = Rect {
            height: peers,
            ..right
        };
        self.leaves = Rect {
            y: right.y + peers,
            height: leaves,
            ..right
        };
        self.detail = Rect {
            y: right.y + peers + leaves,
            height: right.height - peers - leaves,
            ..right
        };
    }

    /// The focused pane over all the others.
    fn alone(&mut self, focus: Pane, body: Rect) {
        match focus {
            Pane::Input | Pane::Events => {}
            Pane::Detail => self.detail = body,
            Pane::Peers => self.peers = body,
            Pane::Leaves => self.leaves = body,
        }
    }

    /// The pane at a place of the screen.
    pub fn pane_at(&self, at: Position) -> Option<Pane> {
        [
            (self.detail, Pane::Detail),
            (self.peers, Pane::Peers),
            (self.leaves, Pane::Leaves),
            (self.input, Pane::Input),
            (self.events, Pane::Events),
        ]
        .into_iter()
        .find_map(|(area, pane)| area.contains(at).then_some(pane))
    }

    /// The focused pane below the events or, when there is little room, instead of them.
    fn over(&mut self, app: &App, body: Rect) {
        let above = if body.height >= 15 {
            (body.height * 2 / 5)
                .saturating_add_signed(app.share)
                .clamp(5, body.height - 5)
        } else {
            0
        };
        let below = Rect {
            y: body.y + above,
            height: body.height - above,
            ..body
        };
        match app.focus {
            Pane::Input | Pane::Events => return,
            Pane::Detail => self.detail = below,
            Pane::Peers => self.peers = below,
            Pane::Leaves => self.leaves = below,
        }
        if above > 0 {
            self.events.height = above;
        }
    }

    /// How far the selected event and the peers can be scrolled.
    pub fn scroll_max(&self, app: &App) -> (u16, u16) {
        let beyond = |lines: usize, area: Rect, fixed: u16| {
            let room = usize::from(area.height.saturating_sub(2 + fixed));
            u16::try_from(lines.saturating_sub(room)).unwrap_or(u16::MAX)
        };
        let detail = panes::detail_lines(app, usize::from(self.detail.width.saturating_sub(2)));
        let peers = app.status.as_ref().map_or(0, |status| peers::rows(status));
        (
            beyond(detail.len(), self.detail, 0),
            beyond(peers, self.peers, 1),
        )
    }
}
