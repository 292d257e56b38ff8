//! What the mouse does while the screen has it: the wheel scrolls the pane under it, a click goes to a pane and its row.

use crossterm::event::{KeyCode, KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use crate::tui::app::App;
use crate::tui::input::Pane;
use crate::tui::layout::Areas;
use crate::tui::message::{Ask, Popup};

/// Rows of one step of the wheel.
const WHEEL: i16 = 3;

impl App {
    pub(super) fn on_mouse(&mut self, event: MouseEvent, asks: &mut Vec<Ask>) {
        let (by, key) = match event.kind {
            MouseEventKind::ScrollUp => (-WHEEL, KeyCode::Up),
            MouseEventKind::ScrollDown => (WHEEL, KeyCode::Down),
            MouseEventKind::Down(MouseButton::Left) => {
                return self.on_click(Position::new(event.column, event.row));
            }
            MouseEventKind::Down(_)
            | MouseEventKind::Up(_)
            | MouseEventKind::Drag(_)
            | MouseEventKind::Moved
            | MouseEventKind::ScrollLeft
            | MouseEventKind::ScrollRight => return,
        };
        self.changed = true;
        match &self.popup {
            Some(Popup::Help(_) | Popup::Palette(_)) => {
                self.on_popup_key(KeyEvent::from(key), asks);
            }
            Some(Popup::Ticket(..)) => {}
            None => {
                let under = Areas::of(self).pane_at(Position::new(event.column, event.row));
                let focus = self.focus;
                self.focus = under.unwrap_or(focus);
                self.step(by);
                self.focus = focus;
            }
        }
    }

    fn on_click(&mut self, at: Position) {
        self.changed = true;
        if self.popup.take().is_some() {
            return;
        }
        let areas = Areas::of(self);
        let Some(pane) = areas.pane_at(at) else {
            return;
        };
        self.focus = pane;
        match pane {
            Pane::Events => {
                // Above the rows are the border and the heading.
                let row = at.y.checked_sub(areas.events.y + 2).map(usize::from);
                let visible = self.view.visible();
                let row = row.and_then(|row| {
                    if self.view.is_newest_first() {
                        visible.end.checked_sub(row + 1)
                    } else {
                        Some(visible.start + row)
                    }
                });
                let row = row.filter(|row| visible.contains(row));
                let uuid = row.map(|row| self.view.window().rows[row].uuid.clone());
                if let Some(uuid) = uuid {
                    self.view.select(uuid);
                }
            }
            Pane::Leaves => {
                let rows = usize::from(areas.leaves.height.saturating_sub(2));
                let first = (self.leaf + 1).saturating_sub(rows);
                let row = at.y.checked_sub(areas.leaves.y + 1).map(usize::from);
                let leaf = row.map(|row| first + row);
                self.leaf = leaf
                    .filter(|leaf| *leaf < self.leaves.len())
                    .unwrap_or(self.leaf);
            }
            Pane::Input | Pane::Detail | Pane::Peers => {}
        }
    }
}
