//! Which events are on the screen: the rows that are here, the one that is selected, and what to ask for.
//!
//! Between `app`, which passes keys and answers on, and the node, which answers with a [`Window`].
//!
//! Invariants:
//! - at most one request is open; what changed meanwhile is asked for when its answer is here;
//! - scrolled back, the picture is anchored to the selected event, so that events that arrive above it move nothing;
//! - following, the newest event is on the last row.

use std::ops::Range;

use crate::control::view::{Order, Window, WindowRequest, WindowRow};
use crate::limits;
use crate::tui::folding::Folding;
use crate::tui::lanes::Columns;
use crate::tui::views::View;

/// The rows here, and the place in them.
#[derive(Debug, Default)]
pub struct Viewport {
    window: Window,
    columns: Columns,
    order: Order,
    view: View,
    /// Rows of the pane.
    height: usize,
    /// Most columns of lanes.
    cap: usize,
    /// None: the newest is selected and followed.
    anchor: Option<Anchor>,
    open: Option<Open>,
    stale: bool,
    /// An event to be brought onto the screen, and whether the open request was made since.
    reveal: Option<(String, bool)>,
    /// Events held when following ended.
    left_at: u64,
    /// Only these events are shown, oldest first.
    only: Option<Vec<String>>,
    /// What the rows are marked for.
    query: Option<String>,
    /// The picture stands still: events held when that began.
    frozen: Option<u64>,
    folding: Folding,
    newest_first: bool,
}

/// The selected event, and on which row of the pane it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Anchor {
    uuid: String,
    offset: usize,
}

/// A request without an answer yet.
#[derive(Clone, Debug)]
struct Open {
    request: WindowRequest,
    /// With a filter, the place of the first row among all that it lets through.
    first: u64,
}

impl Viewport {
    /// The rows that are here, more than are shown.
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// The columns of the lanes.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// The order of the rows.
    pub fn order(&self) -> Order {
        self.order
    }

    /// The picture of the rows.
    pub fn view(&self) -> View {
        self.view
    }

    /// Most columns of lanes.
    pub fn cap(&self) -> usize {
        self.cap
    }

    /// Scrolls the lanes, further on or back.
    pub fn scroll_lanes(&mut self, on: bool) {
        self.columns.scroll(on);
        self.columns.assign(&self.window.lanes, self.cap.max(1));
    }

    /// Lets the selected event's lane have a column in any case, or no longer: its name, and whether it has now.
    pub fn pick_lane(&mut self) -> Option<(String, Option<bool>)> {
        let lane = self
            .window
            .lanes
            .get(self.selected()?.lane as usize)?
            .clone();
        let picked = self.columns.pick(&lane.prefix);
        self.columns.assign(&self.window.lanes, self.cap.max(1));
        Some((lane.name, picked))
    }

    /// Lets the picture stand still when `held` events are held, or go on; whether it stands still now.
    pub fn freeze(&mut self, held: u64) -> bool {
        self.frozen = match self.frozen {
            None => Some(held.max(self.window.total)),
            Some(_) => None,
        };
        self.stale = true;
        self.frozen.is_some()
    }

    /// While the picture stands still: events that came since, when `held` are held.
    pub fn frozen(&self, held: u64) -> Option<u64> {
        self.frozen.map(|at| held.saturating_sub(at))
    }

    /// The newest event stands on top.
    pub fn is_newest_first(&self) -> bool {
        self.newest_first
    }

    /// Turns the picture upside down; returns whether the newest event is on top now.
    pub fn turn_over(&mut self) -> bool {
        self.newest_first = !self.newest_first;
        self.newest_first
    }

    /// Changes to the next picture; the selected event stays selected.
    pub fn turn_view(&mut self) {
        self.frozen = None;
        self.view = self.view.next();
        self.stale = true;
    }

    /// The newest event is on the last row and stays there.
    pub fn is_following(&self) -> bool {
        self.anchor.is_none()
    }

    /// Sets the size of the pane; true if it changed.
    pub fn resize(&mut self, height: usize, cap: usize) -> bool {
        let height = height.min(limits::WINDOW_ROWS_MAX / 3);
        if (height, cap) == (self.height, self.cap) {
            return false;
        }
        (self.height, self.cap) = (height, cap);
        self.columns.assign(&self.window.lanes, cap);
        if let Some(anchor) = &mut self.anchor {
            anchor.offset = anchor.offset.min(height.saturating_sub(1));
        }
        self.stale = true;
        true
    }

    /// The rows that are shown, as places in the window.
    pub fn visible(&self) -> Range<usize> {
        let len = self.window.rows.len();
        let last = len.saturating_sub(self.height);
        let start = match &self.anchor {
            Some(anchor) => self
                .place(&anchor.uuid)
                .map_or(last, |at| at.saturating_sub(anchor.offset)),
            None => last,
        };
        let start = start.min(last);
        start..(start + self.height).min(len)
    }

    /// The selected row.
    pub fn selected(&self) -> Option<&WindowRow> {
        self.selected_at().map(|at| &self.window.rows[at])
    }

    fn selected_at(&self) -> Option<usize> {
        match &self.anchor {
            Some(anchor) => self.place(&anchor.uuid),
            None => self.window.rows.len().checked_sub(1),
        }
    }

    /// Uuid of the selected event, which may not be among the rows yet.
    pub fn selected_uuid(&self) -> Option<&str> {
        match &self.anchor {
            Some(anchor) => Some(&anchor.uuid),
            None => self.window.rows.last().map(|row| row.uuid.as_str()),
        }
    }

    fn place(&self, uuid: &str) -> Option<usize> {
        self.window.rows.iter().position(|row| row.uuid == uuid)
    }

    /// Events that the first so many rows here stand for.
    fn events_above(&self, rows: usize) -> u64 {
        let fold = |row: &WindowRow| row.fold.as_ref().map_or(1, |fold| u64::from(fold.events));
        self.window.rows[..rows].iter().map(fold).sum()
    }

    /// Unfolds the selected row; false if it stands for itself alone.
    pub fn unfold(&mut self) -> bool {
        let Some(row) = self.selected().filter(|row| row.fold.is_some()) else {
            return false;
        };
        let uuid = row.uuid.clone();
        self.set_anchor_here(uuid.clone());
        self.folding.unfold(uuid);
        self.frozen = None;
        self.stale = true;
        true
    }

    /// Folds the quiet runs again that were unfolded; when there are none, folds all or none. Returns whether they are folded now.
    pub fn fold(&mut self) -> bool {
        self.frozen = None;
        self.stale = true;
        self.folding.turn()
    }

    /// Whether there are other machines.
    pub fn set_company(&mut self, has_company: bool) {
        self.stale |= self.folding.set_company(has_company);
    }

    /// Only some events are shown.
    pub fn is_filtered(&self) -> bool {
        self.only.is_some()
    }

    /// Events that can be shown, when `held` are held.
    fn total(&self, held: u64) -> u64 {
        match &self.only {
            Some(only) => only.len() as u64,
            None => held.max(self.window.total),
        }
    }

    /// Rows below the last one that is shown, of `held` events.
    pub fn below(&self, held: u64) -> u64 {
        self.total(held)
            .saturating_sub(self.window.first + self.events_above(self.visible().end))
    }

    /// Events that came since following ended, of `held`.
    pub fn news(&self, held: u64) -> u64 {
        if self.is_following() {
            0
        } else {
            self.total(held).saturating_sub(self.left_at)
        }
    }

    /// Selects the row `by` rows further down on the screen, or up if negative. Past the newest one it follows.
    pub fn step(&mut self, by: isize) {
        let by = if self.newest_first { -by } else { by };
        let Some(at) = self.selected_at() else { return };
        let visible = self.visible();
        let to = at.saturating_add_signed(by).min(self.window.rows.len() - 1);
        let is_frozen = self.frozen.is_some();
        if by > 0 && to + 1 == self.window.rows.len() && self.reaches_end() && !is_frozen {
            return self.follow();
        }
        if to == at {
            return;
        }
        let start = if to < visible.start {
            to
        } else if to >= visible.end {
            (to + 1).saturating_sub(self.height)
        } else {
            visible.start
        };
        self.set_anchor(self.window.rows[to].uuid.clone(), to - start);
    }

    /// Moves by pages.
    pub fn page(&mut self, by: isize) {
        self.step(by.saturating_mul(isize::try_from(self.height.max(2) - 1).unwrap_or(1)));
    }

    /// Keeps the selected event where it stands, also while new ones come.
    fn set_anchor_here(&mut self, uuid: String) {
        let start = self.visible().start;
        let offset = self.selected_at().map_or(0, |at| at.saturating_sub(start));
        self.set_anchor(uuid, offset);
    }

    /// Selects an event by its uuid, in the middle if it is not shown.
    pub fn select(&mut self, uuid: String) {
        let visible = self.visible();
        self.folding.unfold(uuid.clone());
        let offset = match self.place(&uuid) {
            Some(at) if visible.contains(&at) => at - visible.start,
            Some(_) | None => {
                self.frozen = None; // The event is not in the picture.
                self.height / 2
            }
        };
        self.set_anchor(uuid, offset);
    }

    /// Selects the root.
    pub fn first(&mut self, root: String) {
        self.frozen = None;
        self.set_anchor(root, 0);
    }

    /// Goes to the newest event and stays with it.
    pub fn follow(&mut self) {
        self.frozen = None;
        self.anchor = None;
        self.stale = true;
    }

    /// Follows, and brings an own new event onto the screen wherever it stands.
    pub fn reveal(&mut self, uuid: String) {
        self.follow();
        self.reveal = Some((uuid, false));
    }

    /// Changes to the other order; the selected event stays selected.
    pub fn turn(&mut self) {
        self.frozen = None;
        self.order = match self.order {
            Order::Causal => Order::Arrival,
            Order::Arrival => Order::Causal,
        };
        self.stale = true;
    }

    /// Shows only these events, oldest first, or all when there are `held`. A selected event that is none of them is left for the newest.
    pub fn show_only(&mut self, only: Option<Vec<String>>, held: u64) {
        if only.is_none() && self.only.is_none() {
            return;
        }
        let began = only.is_some() != self.only.is_some();
        if began {
            self.frozen = None;
        }
        self.only = only;
        self.stale = true;
        if let (Some(only), Some(anchor)) = (&self.only, &self.anchor)
            && !only.contains(&anchor.uuid)
        {
            self.anchor = None;
        }
        if began {
            self.left_at = self.total(held);
        }
        if self.only.as_ref().is_some_and(Vec::is_empty) {
            self.window.rows.clear();
        }
    }

    /// Marks the rows that match.
    pub fn mark(&mut self, query: Option<String>) {
        self.stale |= query != self.query;
        self.query = query;
    }

    /// The node holds more, or knows more of who holds what.
    pub fn invalidate(&mut self) {
        self.stale = true;
    }

    fn set_anchor(&mut self, uuid: String, offset: usize) {
        if self.anchor.is_none() {
            self.left_at = self.window.total;
        }
        self.anchor = Some(Anchor { uuid, offset });
        self.stale = true;
    }

    fn reaches_end(&self) -> bool {
        self.window.first + self.events_above(self.window.rows.len()) >= self.window.total
    }

    /// What to ask the node for now, if anything.
    pub fn ask(&mut self) -> Option<WindowRequest> {
        if !self.stale || self.open.is_some() || self.height == 0 || self.frozen.is_some() {
            return None;
        }
        let rows = |n: usize| u32::try_from(n.min(limits::WINDOW_ROWS_MAX)).unwrap_or(u32::MAX);
        let height = self.height;
        let (before, after) = match &self.anchor {
            None => (2 * height, 0),
            Some(anchor) => (
                anchor.offset + height,
                2 * height - anchor.offset.min(height),
            ),
        };
        let (mut request, mut first) = (WindowRequest::default(), 0);
        match &self.only {
            Some(only) if only.is_empty() => {
                self.stale = false;
                return None;
            }
            Some(only) => {
                let at = self.anchor.as_ref();
                let at = at.and_then(|at| only.iter().position(|uuid| *uuid == at.uuid));
                let at = at.unwrap_or(only.len() - 1);
                first = at.saturating_sub(before);
                let end = (at + 1 + after).min(only.len());
                request.only = Some(only[first..end].to_vec());
            }
            None => {
                request.at = self.anchor.as_ref().map(|anchor| anchor.uuid.clone());
                (request.before, request.after) = (rows(before), rows(after));
            }
        }
        request.order = self.order;
        request.ahead = self.view == View::Git;
        if self.view != View::List {
            self.folding.ask(&mut request);
        }
        request.query.clone_from(&self.query);
        self.stale = false;
        if let Some((_, asked)) = &mut self.reveal {
            *asked = true;
        }
        self.open = Some(Open {
            request: request.clone(),
            first: first as u64,
        });
        Some(request)
    }

    /// Takes the answer to [`Viewport::ask`]. Rows that the picture went away from meanwhile are dropped.
    pub fn answer(&mut self, mut window: Window) {
        let Some(Open { request, first }) = self.open.take() else {
            return;
        };
        if self.frozen.is_some()
            || request.order != self.order
            || request.only.is_some() != self.only.is_some()
        {
            self.stale = true;
            return;
        }
        if let Some(only) = &self.only {
            (window.first, window.total) = (first, only.len() as u64);
        }
        let fits = match &self.anchor {
            None => request.at.is_none(),
            Some(anchor) => window.rows.iter().any(|row| row.uuid == anchor.uuid),
        };
        if !fits {
            self.stale = true;
            if request.at.as_deref() == self.selected_uuid() {
                self.anchor = None; // the node does not find it
            }
            return;
        }
        self.window = window;
        self.columns.assign(&self.window.lanes, self.cap.max(1));
        if let Some((uuid, true)) = self.reveal.take_if(|(_, asked)| *asked) {
            let is_shown = self.window.rows[self.visible()]
                .iter()
                .any(|row| row.uuid == uuid);
            if !is_shown {
                self.set_anchor(uuid, self.height.saturating_sub(1));
            }
        }
    }

    /// The open request will not be answered; the place in the rows stays.
    pub fn unanswered(&mut self) {
        self.open = None;
        self.stale = true;
    }

    /// The node did not answer with rows: back to the newest ones, with the next change.
    pub fn refused(&mut self) {
        self.open = None;
        self.anchor = None;
        self.reveal = None;
    }
}
