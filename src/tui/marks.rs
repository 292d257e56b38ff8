//! What keys and answers do with single events, leaves and lanes: marking, copying, freezing, picking, and going along an author.

use std::collections::btree_map::Entry;

use crate::control::Request;
use crate::control::view::EventView;
use crate::limits;
use crate::tui::app::App;
use crate::tui::look::{count, number};
use crate::tui::message::{Ask, Tag};

impl App {
    /// Marks the selected event, or no longer.
    pub(super) fn mark(&mut self) {
        let Some(uuid) = self.selected().map(str::to_owned) else {
            return;
        };
        if let Some(at) = self.marked.iter().position(|marked| *marked == uuid) {
            self.marked.remove(at);
        } else if self.marked.len() == limits::MARKED_MAX {
            let most = limits::MARKED_MAX;
            self.say(
                &format!("{most} events are marked, and no more can be"),
                true,
            );
        } else {
            self.marked.push(uuid);
        }
    }

    /// Takes all marks away; false if there are none.
    pub(super) fn unmark(&mut self) -> bool {
        let marked = std::mem::take(&mut self.marked).len() as u64;
        if marked > 0 {
            let what = number(marked, "event is", "events are");
            self.say(&format!("{what} no longer marked"), false);
        }
        marked > 0
    }

    /// Folds quiet runs, or shows them whole.
    pub(super) fn fold(&mut self) {
        let word = if self.view.fold() {
            "quiet runs are folded: Enter unfolds one"
        } else {
            "nothing is folded"
        };
        self.say(word, false);
    }

    /// Lets the picture stand upside down, or no longer.
    pub(super) fn turn_over(&mut self) {
        let word = if self.view.turn_over() {
            "the newest event is on top"
        } else {
            "the newest event is at the bottom"
        };
        self.say(word, false);
    }

    /// Lets the picture stand still, or go on.
    pub(super) fn freeze(&mut self) {
        let held = self.status.as_ref().map_or(0, |status| status.events);
        let word = if self.view.freeze(held) {
            "the picture stands still, the network goes on: p again to go on"
        } else {
            "the picture goes on"
        };
        self.say(word, false);
    }

    /// Goes to the event before or after by the selected one's author.
    pub(super) fn go_along(&mut self, back: bool) {
        if let Some(uuid) = self.selected().map(str::to_owned) {
            self.finder.same_author(back, self.view.order(), uuid);
        }
    }

    /// The marked events, or else the selected one.
    fn chosen(&self) -> Vec<String> {
        if self.marked.is_empty() {
            self.selected().map(str::to_owned).into_iter().collect()
        } else {
            self.marked.clone()
        }
    }

    pub(super) fn copy_uuids(&mut self, asks: &mut Vec<Ask>) {
        let uuids = self.chosen();
        let what = match uuids.as_slice() {
            [] => return,
            [uuid] => format!("{uuid} was"),
            several => format!("{} uuids were", several.len()),
        };
        self.say(&format!("{what} given to the terminal's clipboard"), false);
        asks.push(Ask::Copy(uuids.join("\n")));
    }

    pub(super) fn copy_events(&mut self, asks: &mut Vec<Ask>) {
        let uuids = self.chosen();
        if uuids.is_empty() {
            return;
        }
        if let Entry::Vacant(open) = self.open.entry(Tag::Copy) {
            open.insert(String::new());
            asks.push(Ask::Request(Tag::Copy, Request::Events { uuids }));
        }
    }

    /// The newest leaf first; the selected one stays selected.
    pub(super) fn on_leaves(&mut self, mut leaves: Vec<EventView>) {
        leaves.sort_by(|a, b| (b.time_ms, &a.uuid).cmp(&(a.time_ms, &b.uuid)));
        let selected = self.leaves.get(self.leaf).map(|leaf| leaf.uuid.clone());
        let is_selected = |leaf: &EventView| Some(&leaf.uuid) == selected.as_ref();
        let place = leaves
            .iter()
            .position(is_selected)
            .filter(|_| self.leaf > 0);
        self.leaf = place.unwrap_or(0);
        self.leaves = leaves;
    }

    pub(super) fn on_copied(&mut self, events: &[EventView]) {
        let lines: Vec<&str> = events.iter().map(|event| event.json.as_str()).collect();
        self.to_copy = Some(lines.join("\n"));
        let what = number(lines.len() as u64, "event was", "events were");
        self.say(&format!("{what} given to the terminal's clipboard"), false);
    }

    pub(super) fn scroll_lanes(&mut self, on: bool) {
        if self.view.columns().hidden() == 0 {
            return self.say("every lane has a column", false);
        }
        self.view.scroll_lanes(on);
        let columns = self.view.columns();
        let text = match columns.skipped() {
            0 => "the most recently active lanes".to_owned(),
            skipped => format!("lanes by name, {} further on", count(skipped as u64)),
        };
        self.say(&text, false);
    }

    pub(super) fn pick_lane(&mut self) {
        let Some((name, picked)) = self.view.pick_lane() else {
            return;
        };
        match picked {
            Some(true) => self.say(&format!("{name} keeps a column"), false),
            Some(false) => self.say(&format!("{name} has a column while it is active"), false),
            None => self.say("enough lanes are picked: L on one of them lets it go", true),
        }
    }
}
