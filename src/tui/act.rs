//! What keys do to the screen's state.

use std::collections::btree_map::Entry;

use crossterm::event::{KeyCode, KeyEvent};

use crate::control::Request;
use crate::control::view::WindowRow;
use crate::limits;
use crate::tui::app::App;
use crate::tui::find::Kind;
use crate::tui::input::{Action, Pane, Place, action};
use crate::tui::layout::Areas;
use crate::tui::look::count;
use crate::tui::message::{Ask, Popup, Tag, Ticket};
use crate::tui::popup;

/// How long a ticket is good that F2 makes, in seconds: a day.
const TICKET_S: u64 = 86_400;

/// The panes, in the order of Tab.
const PANES: [Pane; 5] = [
    Pane::Input,
    Pane::Events,
    Pane::Detail,
    Pane::Peers,
    Pane::Leaves,
];

impl App {
    pub(super) fn on_paste(&mut self, text: &str) {
        if self.finder.paste(text) {
            self.changed = true;
            return;
        }
        self.popup = None;
        self.focus = Pane::Input;
        let left_out = self.line.paste(text);
        if left_out > 0 {
            let most = count(limits::INPUT_CHARS_MAX as u64);
            let left_out = count(left_out as u64);
            self.say(
                &format!(
                    "an event has at most {most} characters: the last {left_out} were left out"
                ),
                true,
            );
        }
        self.changed = true;
    }

    pub(super) fn on_edited(&mut self, text: String) {
        self.focus = Pane::Input;
        self.line.set(text);
        self.changed = true;
    }

    pub(super) fn on_key(&mut self, key: KeyEvent, asks: &mut Vec<Ask>) {
        self.changed = true;
        if self.finder.prompt().is_some() {
            return self.on_prompt_key(key);
        }
        if self.popup.is_some() && self.on_popup_key(key, asks) {
            return;
        }
        let place = if self.focus == Pane::Input {
            Place::Line
        } else {
            Place::Browse
        };
        let asks_help = self.line.text().is_empty() && key.code == KeyCode::Char('?');
        match action(key, place) {
            _ if place == Place::Line && asks_help => self.popup = Some(Popup::Help(0)),
            Some(action) => self.act(action, asks),
            None if place == Place::Line => {
                self.line.edit(key);
            }
            None => {}
        }
    }

    /// Keys of what is over the panes; returns whether the key is used up.
    fn on_popup_key(&mut self, key: KeyEvent, asks: &mut Vec<Ask>) -> bool {
        let action = action(key, Place::Browse);
        let last = popup::help_scroll_max(self);
        match (&mut self.popup, action) {
            (_, Some(Action::ClearOrQuit)) => return false,
            (Some(Popup::Help(row)), Some(Action::Down)) => *row = (*row + 1).min(last),
            (Some(Popup::Help(row)), Some(Action::PageDown)) => *row = (*row + 10).min(last),
            (Some(Popup::Help(row)), Some(Action::Up)) => *row = row.saturating_sub(1),
            (Some(Popup::Help(row)), Some(Action::PageUp)) => *row = row.saturating_sub(10),
            (
                Some(Popup::Ticket(Ticket::Ready { text, .. })),
                Some(Action::CopyUuid | Action::CopyJson),
            ) => {
                asks.push(Ask::Copy(text.clone()));
                self.say("the ticket was given to the terminal's clipboard", false);
            }
            (Some(Popup::Help(_) | Popup::Ticket(_)), _) | (None, _) => self.popup = None,
        }
        true
    }

    fn act(&mut self, action: Action, asks: &mut Vec<Ask>) {
        match action {
            Action::Send => self.send(asks),
            Action::Find => self.finder.open(Kind::Find),
            Action::Filter => self.finder.open(Kind::Filter),
            Action::LanesOn | Action::LanesBack => self.scroll_lanes(action == Action::LanesOn),
            Action::PickLane => self.pick_lane(),
            Action::AuthorBack | Action::AuthorOn => self.go_along(action == Action::AuthorBack),
            Action::Fold => {
                let is_folded = self.view.fold();
                let word = if is_folded {
                    "quiet runs are folded: Enter unfolds one"
                } else {
                    "nothing is folded"
                };
                self.say(word, false);
            }
            Action::Freeze => self.freeze(),
            Action::Mark => self.mark(),
            Action::View => self.view.turn_view(),
            Action::NextHit => self.find_again(true),
            Action::PreviousHit => self.find_again(false),
            Action::Back if self.stop_finding() => {}
            Action::Back if self.focus == Pane::Events => self.view.follow(),
            Action::Back => self.focus = Pane::Events,
            Action::Edit => self.focus = Pane::Input,
            Action::ClearOrQuit if self.focus == Pane::Input && !self.line.text().is_empty() => {
                self.line.set(String::new());
            }
            Action::ClearOrQuit | Action::Quit => asks.push(Ask::Quit),
            Action::Up => self.step(-1),
            Action::Down => self.step(1),
            Action::PageUp => self.step(-10),
            Action::PageDown => self.step(10),
            Action::First => {
                if let Some(status) = &self.status {
                    self.view.first(status.root.clone());
                }
            }
            Action::Last => self.view.follow(),
            Action::Parent => self.relative(true),
            Action::Child => self.relative(false),
            Action::Open => self.open(),
            Action::NextPane => self.turn(1),
            Action::PreviousPane => self.turn(PANES.len() - 1),
            Action::Pane(pane) => self.focus = pane,
            Action::Ticket => self.ask_ticket(asks),
            Action::CopyUuid => self.copy_uuids(asks),
            Action::CopyJson => self.copy_events(asks),
            Action::Order => {
                self.view.turn();
                self.show_found();
            }
            Action::Help => self.popup = Some(Popup::Help(0)),
            Action::Redraw => asks.push(Ask::Redraw),
            Action::Editor => asks.push(Ask::Edit(self.line.text().to_owned())),
            Action::Suspend => asks.push(Ask::Suspend),
            Action::NewRow => self.line.break_row(),
            Action::Older if self.line.up() => {}
            Action::Older => self.line.older(),
            Action::Newer if self.line.down() => {}
            Action::Newer => self.line.newer(),
        }
    }

    fn send(&mut self, asks: &mut Vec<Ask>) {
        let Some((text, event)) = self.line.take() else {
            return;
        };
        self.adds += 1;
        self.word = None; // what was said of an earlier line
        self.open.insert(Tag::Add(self.adds), text);
        asks.push(Ask::Request(
            Tag::Add(self.adds),
            Request::Add {
                events: vec![event],
            },
        ));
    }

    /// Moves in the focused pane; ten is a page.
    fn step(&mut self, by: i16) {
        let scroll = |row: u16| row.saturating_add_signed(by);
        match self.focus {
            Pane::Input | Pane::Events if by.abs() == 10 => {
                self.view.page(isize::from(by.signum()));
            }
            Pane::Input | Pane::Events => self.view.step(isize::from(by)),
            Pane::Detail => self.detail_scroll = scroll(self.detail_scroll),
            Pane::Peers => self.peers_scroll = scroll(self.peers_scroll),
            Pane::Leaves => {
                let last = self.leaves.len().saturating_sub(1);
                self.leaf = self.leaf.saturating_add_signed(isize::from(by)).min(last);
            }
        }
        // The panes scroll at most to their last row.
        let (detail, peers) = Areas::of(self).scroll_max(self);
        self.detail_scroll = self.detail_scroll.min(detail);
        self.peers_scroll = self.peers_scroll.min(peers);
    }

    /// Selects the first parent or child of the selected event.
    fn relative(&mut self, parent: bool) {
        let Some(selected) = self.selected().map(str::to_owned) else {
            return;
        };
        let detail = self
            .detail
            .as_ref()
            .filter(|detail| detail.event.uuid == selected);
        let names = detail.map(|detail| {
            if parent {
                &detail.parents
            } else {
                &detail.children
            }
        });
        let rows = &self.view.window().rows;
        let label = self.view.selected().map(|row| row.label.clone());
        let found = match names {
            Some(names) => names.first().map(|name| name.uuid.clone()),
            None if parent => {
                let first = self.view.selected().and_then(|row| row.parents.first());
                first
                    .and_then(|first| rows.iter().find(|row| row.label == first.label))
                    .map(|row| row.uuid.clone())
            }
            None => {
                let is_child = |row: &&WindowRow| {
                    row.parents
                        .iter()
                        .any(|parent| Some(&parent.label) == label.as_ref())
                };
                rows.iter().find(is_child).map(|row| row.uuid.clone())
            }
        };
        match found {
            Some(uuid) => self.view.select(uuid),
            None if parent => self.say("no parent is known here", false),
            None => self.say("it has no children here: it is a leaf", false),
        }
    }

    fn open(&mut self) {
        match self.focus {
            Pane::Leaves => {
                if let Some(leaf) = self.leaves.get(self.leaf) {
                    self.view.select(leaf.uuid.clone());
                    self.focus = Pane::Events;
                }
            }
            Pane::Events if self.view.unfold() => {}
            Pane::Events | Pane::Input => self.focus = Pane::Detail,
            Pane::Detail | Pane::Peers => self.focus = Pane::Events,
        }
    }

    fn turn(&mut self, by: usize) {
        let at = PANES
            .iter()
            .position(|pane| *pane == self.focus)
            .unwrap_or(0);
        self.focus = PANES[(at + by) % PANES.len()];
    }

    fn ask_ticket(&mut self, asks: &mut Vec<Ask>) {
        self.popup = Some(Popup::Ticket(Ticket::Asked));
        if let Entry::Vacant(open) = self.open.entry(Tag::Ticket) {
            open.insert(String::new());
            asks.push(Ask::Request(
                Tag::Ticket,
                Request::Invite {
                    expires_s: TICKET_S,
                    uses: 1,
                    reuse: true,
                },
            ));
        }
    }
}
