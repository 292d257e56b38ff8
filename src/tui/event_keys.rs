//! The keys of the events pane: a part of the one table, see [`crate::tui::input::keymap`].

use crate::tui::input::{Action, Binding, Place, bind, letter};

macro_rules! keys {
    ($($key:literal $action:ident $does:literal $hint:literal)*) => {
        &[$(bind(Place::Browse, &[letter($key)], Action::$action, $does, $hint)),*]
    };
}

/// The rows of the table.
pub(super) const KEYS: &[Binding] = keys! {
    '/' Find "search: text, label, uuid, author:NAME" "search"
    'n' NextHit "the next older event that matches" ""
    'N' PreviousHit "the next newer event that matches" ""
    '&' Filter "show only events that match" ""
    'v' View "lanes, git graph, or list" "view"
    'O' NewestFirst "the newest event on top, or at the bottom" ""
    '>' LanesOn "further lanes, when there are more than columns" ""
    '<' LanesBack "the lanes before" ""
    'L' PickLane "keep a column for the event's author, or no longer" ""
    'z' Fold "fold quiet runs, or show them whole" ""
    '[' AuthorBack "the author's event before" ""
    ']' AuthorOn "the author's event after" ""
    'p' Freeze "freeze the picture, or let it go on" ""
    ' ' Mark "mark the event: y and Y copy all marked ones" ""
};
