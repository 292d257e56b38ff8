//! What stands over the columns of the events, and how wide it is.

use unicode_width::UnicodeWidthStr;

use crate::control::view::{Window, WindowRow};
use crate::tui::lanes::{Column, Columns};
use crate::tui::look::clean;

/// Names over the lanes: beginnings of the machines' names where these differ, else their ends, else the labels' prefixes.
pub(super) fn names(lanes: &Columns, width: usize) -> Vec<String> {
    let head = |text: &str| text.chars().take(width).collect::<String>();
    let tail = |text: &str| {
        text.chars()
            .skip(text.chars().count().saturating_sub(width))
            .collect::<String>()
    };
    let list = lanes.list();
    let of = |cut: &dyn Fn(&Column) -> String| list.iter().map(cut).collect::<Vec<String>>();
    let differ = |names: &[String]| {
        names
            .iter()
            .enumerate()
            .all(|(at, name)| !names[..at].contains(name))
    };
    let heads = of(&|lane| head(&clean(&lane.name)));
    let tails = of(&|lane| tail(&clean(&lane.name)));
    let mut names = if differ(&heads) {
        heads
    } else if differ(&tails) {
        tails
    } else {
        of(&|lane| tail(&clean(&lane.prefix)))
    };
    for (name, _) in names.iter_mut().zip(list).filter(|(_, lane)| lane.forked) {
        *name = head(&format!("!{name}"));
    }
    names
}

/// Columns that the authors' names need.
pub(super) fn author_columns(window: &Window, rows: &[WindowRow]) -> u16 {
    let names = rows
        .iter()
        .filter_map(|row| window.lanes.get(row.lane as usize));
    let widest = names.map(|lane| lane.name.width()).max().unwrap_or(0);
    u16::try_from(widest.clamp(6, 14)).unwrap_or(14)
}
