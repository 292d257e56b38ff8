//! What stands over the columns of the events, and how wide it is.

use std::collections::BTreeSet;

use unicode_width::UnicodeWidthStr;

use crate::control::view::{Window, WindowRow};
use crate::tui::lanes::{Column, Columns};
use crate::tui::safe::clean;

/// Names over the lanes: beginnings of the machines' names, their ends, or ends of the labels' prefixes, whichever differ most.
pub(super) fn names(lanes: &Columns, width: usize) -> Vec<String> {
    let head = |text: &str| text.chars().take(width).collect::<String>();
    let tail = |text: &str| {
        text.chars()
            .skip(text.chars().count().saturating_sub(width))
            .collect::<String>()
    };
    let list = lanes.list();
    let of = |cut: &dyn Fn(&Column) -> String| list.iter().map(cut).collect::<Vec<String>>();
    let distinct = |names: &Vec<String>| names.iter().collect::<BTreeSet<_>>().len();
    let prefixes = of(&|lane| tail(clean(&lane.prefix).trim_end_matches('x')));
    let tails = of(&|lane| tail(&clean(&lane.name)));
    let heads = of(&|lane| head(&clean(&lane.name)));
    // Of equals the last one is taken.
    let all = [prefixes, tails, heads];
    let mut names = all.into_iter().max_by_key(distinct).unwrap_or_default();
    for (name, _) in names.iter_mut().zip(list).filter(|(_, lane)| lane.forked) {
        *name = head(&format!("!{name}"));
    }
    names
}

/// What stands over the lanes that share a column.
pub(super) fn rest(lanes: &Columns) -> String {
    format!("+{}", lanes.hidden())
}

/// Columns that the authors' names need.
pub(super) fn author_columns(window: &Window, rows: &[WindowRow]) -> u16 {
    let names = rows
        .iter()
        .filter_map(|row| window.lanes.get(row.lane as usize));
    let widest = names.map(|lane| lane.name.width()).max().unwrap_or(0);
    u16::try_from(widest.clamp(6, 14)).unwrap_or(14)
}
