//! What keys do to the screen's state.

use std::collections::btree_map::Entry;

use crossterm::event::{KeyCode, KeyEvent};

use crate::control::Request;
use crate::control::view::{EventName, WindowRow};
use crate::limits;
use crate::tui::app::App;
use crate::tui::find::Kind;
use crate::tui::help::Help;
use crate::tui::input::{Action, Pane, Place, action};
use crate::tui::layout::Areas;
use crate::tui::look::count;
use crate::tui::message::{Ask, Form, Popup, Tag, Ticket};
use crate::tui::palette::Palette;

/// How long a ticket is good that F2 and F3 show, in seconds: a day.
const TICKET_S: u64 = 86_400;

/// Steps of the sizes of panes, either way; the layout has a bound of its own before.
const SHARE_MAX: i16 = 12;

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
        self.changed = true;
        if self.finder.paste(text) {
            return;
        }
        match &mut self.popup {
            Some(Popup::Palette(palette)) => return palette.paste(text),
            Some(Popup::Help(help)) => {
                if help.paste(text) {
                    return;
                }
            }
            Some(Popup::Ticket(..)) | None => {}
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
        let browses =
            self.line.text().is_empty() && matches!(key.code, KeyCode::Char('?' | ':' | '/'));
        match action(key, if browses { Place::Browse } else { place }) {
            Some(action) => self.act(action, asks),
            None if place == Place::Line => {
                self.line.edit(key);
            }
            None => {}
        }
    }

    pub(super) fn act(&mut self, action: Action, asks: &mut Vec<Ask>) {
        match action {
            Action::Send => self.send(asks),
            Action::Find => self.finder.open(Kind::Find),
            Action::Filter => self.finder.open(Kind::Filter),
            Action::LanesOn | Action::LanesBack => self.scroll_lanes(action == Action::LanesOn),
            Action::PickLane => self.pick_lane(),
            Action::AuthorBack | Action::AuthorOn => self.go_along(action == Action::AuthorBack),
            Action::Fold => self.fold(),
            Action::Freeze => self.freeze(),
            Action::Mark => self.mark(),
            Action::NewestFirst => self.turn_over(),
            Action::View => self.view.turn_view(),
            Action::NextHit => self.find_again(true),
            Action::PreviousHit => self.find_again(false),
            Action::Back if self.stop_finding() => {}
            Action::Back if self.focus == Pane::Events && self.unmark() => {}
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
            Action::Ticket => self.ask_ticket(Form::Text, None, asks),
            Action::CopyUuid => self.copy_uuids(asks),
            Action::CopyJson => self.copy_events(asks),
            Action::Order => {
                self.view.turn();
                self.show_found();
            }
            Action::Help => self.popup = Some(Popup::Help(Help::default())),
            Action::Redraw => asks.push(Ask::Redraw),
            Action::Mouse => self.turn_mouse(asks),
            Action::QuitShowing => asks.push(Ask::QuitShowing),
            Action::Bigger => self.resize_pane(1),
            Action::Smaller => self.resize_pane(-1),
            Action::Whole => self.is_whole = !self.is_whole,
            Action::Code => self.ask_ticket(Form::Code, None, asks),
            Action::Palette => self.popup = Some(Popup::Palette(Palette::default())),
            Action::Editor => asks.push(Ask::Edit(self.line.text().to_owned())),
            Action::Suspend => asks.push(Ask::Suspend),
            Action::NewRow => self.line.break_row(),
            Action::Older if self.line.up() => {}
            Action::Older => self.line.older(),
            Action::Newer if self.line.down() => {}
            Action::Newer => self.line.newer(),
        }
    }

    fn turn_mouse(&mut self, asks: &mut Vec<Ask>) {
        self.has_mouse = !self.has_mouse;
        asks.push(Ask::Mouse(self.has_mouse));
        let word = if self.has_mouse {
            "the mouse scrolls and selects here; m gives it back to the terminal"
        } else {
            "the mouse is the terminal's again"
        };
        self.say(word, false);
    }

    /// Makes the focused pane bigger by so many steps; the others get smaller.
    fn resize_pane(&mut self, steps: i16) {
        let events = match self.focus {
            Pane::Events | Pane::Input => steps,
            Pane::Detail | Pane::Peers | Pane::Leaves => -steps,
        };
        self.share = (self.share + events).clamp(-SHARE_MAX, SHARE_MAX);
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
    pub(super) fn step(&mut self, by: i16) {
        let scroll = |row: u16| row.saturating_add_signed(by);
        match self.focus {
            Pane::Input | Pane::Events if by.abs() == 10 => {
                self.view.page(isize::from(by.signum()));
            }
            Pane::Input | Pane::Events => self.step_rows(isize::from(by)),
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

    fn step_rows(&mut self, by: isize) {
        let before = self.selected().map(str::to_owned);
        self.view.step(by);
        let is_frozen = self.view.frozen(0).is_some();
        if is_frozen && self.selected() == before.as_deref() {
            self.say("the frozen picture ends here: p lets it go on", false);
        }
    }

    /// Selects a parent or child of the selected event: the one that it was reached from, or else the first.
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
            Some(names) => self.nearest(&selected, names),
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
            Some(uuid) => {
                self.step_back = Some((uuid.clone(), selected));
                self.view.select(uuid);
            }
            None if parent => self.say("no parent is known here", false),
            None => self.say("it has no children here: it is a leaf", false),
        }
    }

    /// Of these parents or children of an event the one that it was reached from, or else the first.
    fn nearest(&self, selected: &str, names: &[EventName]) -> Option<String> {
        let came = self.step_back.as_ref().filter(|(to, _)| to == selected);
        let back = came.and_then(|(_, from)| names.iter().find(|name| name.uuid == *from));
        back.or_else(|| names.first()).map(|name| name.uuid.clone())
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

    /// Shows a ticket that is good for so many seconds; None: a day, and one made earlier does as well.
    pub(super) fn ask_ticket(&mut self, form: Form, expires_s: Option<u64>, asks: &mut Vec<Ask>) {
        self.popup = Some(Popup::Ticket(Ticket::Asked, form));
        match self.open.entry(Tag::Ticket) {
            Entry::Vacant(open) => {
                open.insert(String::new());
                let request = Request::Invite {
                    expires_s: expires_s.unwrap_or(TICKET_S),
                    uses: 1,
                    reuse: expires_s.is_none(),
                };
                asks.push(Ask::Request(Tag::Ticket, request));
            }
            Entry::Occupied(_) if expires_s.is_some() => {
                self.popup = None;
                self.say("the node still makes a ticket: try again in a moment", true);
            }
            Entry::Occupied(_) => {}
        }
    }
}
