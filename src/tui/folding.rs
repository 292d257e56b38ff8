//! Which quiet runs are folded into one row; the node folds, see `node::fold`.

use std::collections::VecDeque;

use crate::control::view::WindowRequest;
use crate::limits;

/// Which quiet runs are folded.
#[derive(Debug)]
pub(super) struct Folding {
    /// The user wants them folded.
    is_on: bool,
    /// There are other machines; a machine that is alone has nothing to fold for.
    has_company: bool,
    /// Uuids of events whose runs stay unfolded.
    unfolded: VecDeque<String>,
}

impl Default for Folding {
    fn default() -> Self {
        Self {
            is_on: true,
            has_company: false,
            unfolded: VecDeque::new(),
        }
    }
}

impl Folding {
    /// Lets the run with this event stay unfolded; at the bound the run that was unfolded first is folded again.
    pub(super) fn unfold(&mut self, uuid: String) {
        if self.unfolded.contains(&uuid) {
            return;
        }
        if self.unfolded.len() == limits::UNFOLDED_MAX {
            self.unfolded.pop_front();
        }
        self.unfolded.push_back(uuid);
    }

    /// Folds again what was unfolded; when there is nothing, turns folding on or off. Returns whether it is on.
    pub(super) fn turn(&mut self) -> bool {
        if !self.is_on || self.unfolded.is_empty() {
            self.is_on = !self.is_on;
        }
        self.unfolded.clear();
        self.is_on
    }

    /// Takes in whether there are other machines; true if that is new.
    pub(super) fn set_company(&mut self, has_company: bool) -> bool {
        std::mem::replace(&mut self.has_company, has_company) != has_company
    }

    /// Says in a request what is to be folded.
    pub(super) fn ask(&self, request: &mut WindowRequest) {
        if self.is_on && self.has_company {
            request.fold = limits::FOLD_RUN_MIN;
            request.unfolded = self.unfolded.iter().cloned().collect();
        }
    }
}
