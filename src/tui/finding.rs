//! What keys and answers do with search and filter.

use crossterm::event::KeyEvent;

use crate::control::search::Found;
use crate::tui::app::App;
use crate::tui::find::{Kind, Outcome, Typed};

impl App {
    pub(super) fn on_prompt_key(&mut self, key: KeyEvent) {
        match self.finder.on_key(key) {
            Typed::On | Typed::Closed => return,
            Typed::Entered(Kind::Find, text) => {
                let (order, from) = (self.view.order(), self.search_from());
                self.finder.find(text, order, from);
            }
            Typed::Entered(Kind::Filter, text) => self.finder.filter(text),
        }
        self.show_found();
    }

    /// Where a search begins: at the selected event, or at the newest one, which is then looked at, too.
    fn search_from(&self) -> Option<String> {
        let selected = self.selected().filter(|_| !self.view.is_following());
        selected.map(str::to_owned)
    }

    pub(super) fn find_again(&mut self, back: bool) {
        let from = self.selected().map(str::to_owned);
        if !self.finder.again(back, self.view.order(), from) {
            self.say("nothing was searched for yet: / searches", true);
        }
    }

    /// Ends a search or a filter, if there is one.
    pub(super) fn stop_finding(&mut self) -> bool {
        let Some(what) = self.finder.back() else {
            return false;
        };
        if !what.is_empty() {
            self.say(what, false);
        }
        self.show_found();
        true
    }

    pub(super) fn on_found(&mut self, number: u64, found: Found) {
        match self.finder.answer(number, found) {
            Outcome::On => {}
            Outcome::Hit { uuid, wrapped } => {
                self.view.select(uuid);
                if wrapped {
                    self.say(
                        "the search went round: past the end, on from the other one",
                        false,
                    );
                }
            }
            Outcome::NoHit { same_author: false } => self.say("no event matches", true),
            Outcome::NoHit { same_author: true } => {
                self.say("its author has no further event on that side", false);
            }
            Outcome::Filtered => self.show_found(),
        }
    }

    pub(super) fn on_no_search(&mut self, number: u64, why: &str) {
        if self.finder.failed(number) {
            self.say(why, true);
        }
        self.show_found();
    }

    /// Shows what the filter lets through, and marks what matches.
    pub(super) fn show_found(&mut self) {
        let held = self.status.as_ref().map_or(0, |status| status.events);
        self.view
            .show_only(self.finder.shown(self.view.order()), held);
        self.view.mark(self.finder.query().map(str::to_owned));
        self.changed = true;
    }
}
