//! Swim lanes: which column a machine has, and what stands in each cell of a row. No drawing.
//!
//! Between the node's [`Window`] and `graph`, which draws it.
//!
//! Invariants:
//! - an event stands in its machine's column, and a machine keeps its column as long as it is shown;
//! - this machine has the first column;
//! - a solid tie in a column is to the event that is the last one above it there;
//! - the lanes without a column share the last one, which has dashed ties only.
//!
//! Cost: O(rows in the window * columns). Source: `ShiViz` (TOSEM 29(1), 2020), section 3, for one column a host.

use std::ops::Range;

use crate::control::view::{Lane, Window, WindowRow};
use crate::limits;

/// Ties that are drawn in one row. Of more, those to the newest events of their lanes, then the nearest: the row tells their number,
/// and the selected event's pane all names.
const TIES_MAX: usize = 4;

/// Which lane has which column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    shown: Vec<Column>,
    hidden: usize,
    /// Prefixes of lanes that were picked.
    picked: Vec<String>,
    /// Lanes that were scrolled past; not this machine's, and none that was picked.
    skipped: usize,
}

/// A column of one lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Prefix of the lane's labels.
    pub prefix: String,
    /// The machine's name.
    pub name: String,
    /// The machine's key is used twice.
    pub forked: bool,
    /// The lane has no event in the window and none is named there.
    pub absent: bool,
}

impl Columns {
    /// A column for each lane, by name: machines that hold the same events get the same columns.
    pub fn by_name(lanes: &[Lane]) -> Self {
        let mut shown: Vec<Column> = lanes.iter().map(column).collect();
        shown.sort_by(|a, b| (&a.name, &a.prefix).cmp(&(&b.name, &b.prefix)));
        Self {
            shown,
            ..Self::default()
        }
    }

    /// Gives the lanes of a window their columns, at most `cap` (1 or more); lanes keep the column that they have, also
    /// while they have no event in the window.
    ///
    /// When there are more, this machine's, the picked ones and the most recently active ones are shown: a new one takes the column
    /// of one that is not among them. Scrolled, the others stand in the order of their names.
    pub fn assign(&mut self, lanes: &[Lane], cap: usize) {
        let cap = cap.max(1);
        let mut wanted = self.by_importance(lanes, cap);
        wanted.truncate(cap);
        let own_first = lanes.first().is_none_or(|own| {
            self.shown
                .first()
                .is_some_and(|first| first.prefix == own.prefix)
        });
        if self.skipped > 0 {
            self.shown = wanted.iter().map(|lane| column(lane)).collect();
        } else if self.shown.len() > cap || !own_first {
            wanted.sort_by(|a, b| {
                b.own
                    .cmp(&a.own)
                    .then_with(|| a.name.cmp(&b.name))
                    .then_with(|| a.prefix.cmp(&b.prefix))
            });
            self.shown = wanted.iter().map(|lane| column(lane)).collect();
        } else {
            self.add(&wanted, cap);
        }
        for column in &mut self.shown {
            let lane = lanes.iter().find(|lane| lane.prefix == column.prefix);
            column.absent = lane.is_none();
            column.forked |= lane.is_some_and(|lane| lane.forked);
        }
        while self.shown.len() > 1 && self.shown.last().is_some_and(|last| last.absent) {
            self.shown.pop();
        }
        self.hidden = lanes
            .iter()
            .filter(|lane| self.of(&lane.prefix).is_none())
            .count();
    }

    /// The lanes, those that are to have a column first.
    fn by_importance<'a>(&mut self, lanes: &'a [Lane], cap: usize) -> Vec<&'a Lane> {
        let is_fixed = |lane: &&Lane| lane.own || self.picked.contains(&lane.prefix);
        let (mut fixed, mut others): (Vec<&Lane>, Vec<&Lane>) = lanes.iter().partition(is_fixed);
        if self.skipped > 0 {
            others.sort_by(|a, b| (&a.name, &a.prefix).cmp(&(&b.name, &b.prefix)));
            let room = cap.saturating_sub(fixed.len());
            self.skipped = self.skipped.min(others.len().saturating_sub(room));
            others.drain(..self.skipped);
        }
        fixed.extend(others);
        fixed
    }

    /// Scrolls by half of the columns, to lanes further on in the order of names or back; the next `assign` does it.
    pub fn scroll(&mut self, on: bool) {
        let by = (self.shown.len() / 2).max(1);
        self.skipped = if on {
            self.skipped + by
        } else {
            self.skipped.saturating_sub(by)
        };
    }

    /// Lanes that were scrolled past.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// Lets a lane have a column in any case, or no longer; whether it has now. None: too many are picked.
    pub fn pick(&mut self, prefix: &str) -> Option<bool> {
        if let Some(at) = self.picked.iter().position(|picked| picked == prefix) {
            self.picked.remove(at);
            return Some(false);
        }
        if self.picked.len() == limits::LANES_PICKED_MAX {
            return None;
        }
        self.picked.push(prefix.to_owned());
        Some(true)
    }

    /// Adds the wanted lanes; when there is no room, in the place of one that is not wanted.
    fn add(&mut self, wanted: &[&Lane], cap: usize) {
        for lane in wanted {
            if self.of(&lane.prefix).is_some() {
                continue;
            }
            let is_wanted = |shown: &Column| wanted.iter().any(|lane| lane.prefix == shown.prefix);
            if self.shown.len() < cap {
                self.shown.push(column(lane));
            } else if let Some(place) = self.shown.iter().rposition(|shown| !is_wanted(shown)) {
                self.shown[place] = column(lane);
            }
        }
    }

    /// Columns with a lane of their own.
    pub fn shown(&self) -> usize {
        self.shown.len()
    }

    /// Lanes that share the last column.
    pub fn hidden(&self) -> usize {
        self.hidden
    }

    /// All columns.
    pub fn total(&self) -> usize {
        self.shown() + usize::from(self.hidden > 0)
    }

    /// The column of the lane with these labels; None: the shared one.
    pub fn of(&self, prefix: &str) -> Option<usize> {
        self.shown.iter().position(|shown| shown.prefix == prefix)
    }

    /// The columns with a lane of their own.
    pub fn list(&self) -> &[Column] {
        &self.shown
    }
}

fn column(lane: &Lane) -> Column {
    Column {
        prefix: lane.prefix.clone(),
        name: lane.name.clone(),
        forked: lane.forked,
        absent: false,
    }
}

/// What stands in a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The lane has not begun.
    Nothing,
    /// The lane goes on.
    Lane,
    /// The lanes of the shared column go on.
    Rest,
    /// The root.
    Root,
    /// An event with one parent.
    Event,
    /// An event with several.
    Merge,
    /// An event without held children.
    Leaf,
    /// A tie passes where no lane is.
    Across,
    /// A tie ends here, and comes from the right.
    Left,
    /// A tie ends here, and comes from the left.
    Right,
    /// A tie ends here, and another one goes on.
    Middle,
    /// As `Left`, and nothing goes on below.
    LastLeft,
    /// As `Right`, and nothing goes on below.
    LastRight,
    /// As `Middle`, and nothing goes on below.
    LastMiddle,
    /// A tie to an older event of this lane, or to a lane without a column.
    Older,
}

impl Mark {
    /// It is an event.
    pub fn is_event(self) -> bool {
        matches!(self, Self::Root | Self::Event | Self::Merge | Self::Leaf)
    }

    /// It is a tie to the newest event of its lane above.
    pub fn is_solid_tie(self) -> bool {
        self.is_last_tie() || matches!(self, Self::Left | Self::Right | Self::Middle)
    }

    /// It is a solid tie below which nothing goes on.
    pub fn is_last_tie(self) -> bool {
        matches!(self, Self::LastLeft | Self::LastRight | Self::LastMiddle)
    }
}

/// One cell of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// What stands in it.
    pub mark: Mark,
    /// A tie goes from here to the next cell on the right.
    pub tail: bool,
}

/// A row's cells, one a column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cells {
    /// The cells.
    pub cells: Vec<Cell>,
    /// The column of the event.
    pub column: usize,
}

/// Lays out the rows `visible` of `window`. A range beyond its rows, and lanes that it does not have, are harmless.
pub fn lay_out(window: &Window, visible: Range<usize>, columns: &Columns) -> Vec<Cells> {
    let column_of: Vec<usize> = window
        .lanes
        .iter()
        .map(|lane| columns.of(&lane.prefix).unwrap_or_else(|| columns.shown()))
        .collect();
    let total = columns.total().max(1);
    let place = |lane: u32| {
        column_of
            .get(lane as usize)
            .copied()
            .unwrap_or_else(|| columns.shown())
            .min(total - 1)
    };
    let mut begun = vec![false; total];
    for (lane, _) in window
        .lanes
        .iter()
        .enumerate()
        .filter(|(_, lane)| lane.before)
    {
        begun[column_of[lane].min(total - 1)] = true;
    }
    for (at, column) in columns.list().iter().enumerate() {
        begun[at] |= column.absent && window.first > 0;
    }
    let end = visible.end.min(window.rows.len());
    let mut out = Vec::with_capacity(end.saturating_sub(visible.start));
    for (at, row) in window.rows[..end].iter().enumerate() {
        let column = place(row.lane);
        if at >= visible.start {
            let ties = ties(row, column, columns.shown(), place);
            out.push(Cells {
                cells: row_cells(row, column, &ties, &begun, columns.shown()),
                column,
            });
        }
        begun[column] = true;
    }
    out
}

/// A row's ties, one a column: the column, and whether it is solid.
fn ties(
    row: &WindowRow,
    column: usize,
    shown: usize,
    place: impl Fn(u32) -> usize,
) -> Vec<(usize, bool)> {
    let mut ties: Vec<(usize, bool)> = Vec::with_capacity(row.parents.len());
    for parent in &row.parents {
        let to = place(parent.lane);
        if to == column {
            continue;
        }
        let solid = parent.newest && to < shown;
        match ties.iter_mut().find(|(tied, _)| *tied == to) {
            Some((_, is_solid)) => *is_solid |= solid,
            None => ties.push((to, solid)),
        }
    }
    if ties.len() > TIES_MAX {
        ties.sort_by_key(|(to, solid)| (!solid, to.abs_diff(column)));
        ties.truncate(TIES_MAX);
    }
    ties
}

fn row_cells(
    row: &WindowRow,
    column: usize,
    ties: &[(usize, bool)],
    begun: &[bool],
    shown: usize,
) -> Vec<Cell> {
    let low = ties.iter().map(|tie| tie.0).fold(column, usize::min);
    let high = ties.iter().map(|tie| tie.0).fold(column, usize::max);
    let cell = |at: usize| {
        let tie = ties.iter().find(|(tied, _)| *tied == at);
        let mark = match tie {
            _ if at == column => event_mark(row),
            Some((_, false)) => Mark::Older,
            Some((_, true)) if at == low => Mark::Left,
            Some((_, true)) if at == high => Mark::Right,
            Some((_, true)) => Mark::Middle,
            None if begun[at] && at >= shown => Mark::Rest,
            None if begun[at] => Mark::Lane,
            None if (low..=high).contains(&at) => Mark::Across,
            None => Mark::Nothing,
        };
        Cell {
            mark,
            tail: (low..high).contains(&at),
        }
    };
    (0..begun.len()).map(cell).collect()
}

/// The mark of an event.
pub(super) fn event_mark(row: &WindowRow) -> Mark {
    if row.parents_total == 0 {
        Mark::Root
    } else if row.leaf {
        Mark::Leaf
    } else if row.parents_total > 1 {
        Mark::Merge
    } else {
        Mark::Event
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(name: &str, own: bool) -> Lane {
        Lane {
            name: name.into(),
            prefix: name.into(),
            own,
            before: false,
            after: false,
            forked: false,
        }
    }

    fn order(columns: &Columns) -> String {
        columns
            .list()
            .iter()
            .map(|column| column.prefix.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn a_lane_keeps_its_column() {
        let mut columns = Columns::default();
        columns.assign(&[lane("me", true), lane("c", false), lane("b", false)], 8);
        assert_eq!(order(&columns), "me b c");
        columns.assign(
            &[
                lane("me", true),
                lane("a", false),
                lane("b", false),
                lane("c", false),
            ],
            8,
        );
        assert_eq!(order(&columns), "me b c a");
        columns.assign(&[lane("me", true), lane("c", false), lane("a", false)], 8);
        assert_eq!(order(&columns), "me b c a");
        columns.assign(&[lane("me", true), lane("c", false)], 8);
        assert_eq!(order(&columns), "me b c");
    }

    #[test]
    fn the_most_active_lanes_are_shown() {
        let mut columns = Columns::default();
        let all = |names: &[&str]| {
            names
                .iter()
                .map(|name| lane(name, *name == "me"))
                .collect::<Vec<_>>()
        };
        columns.assign(&all(&["me", "a", "b", "c", "d"]), 3);
        assert_eq!(
            (order(&columns).as_str(), columns.hidden(), columns.total()),
            ("me a b", 2, 4)
        );
        columns.assign(&all(&["me", "d", "b", "a", "c"]), 3);
        assert_eq!(order(&columns), "me d b");
        columns.assign(&all(&["me", "d", "b", "a", "c"]), 2);
        assert_eq!((order(&columns).as_str(), columns.hidden()), ("me d", 3));
        columns.assign(&all(&["b", "me"]), 2);
        assert_eq!(columns.shown(), 2);
    }

    #[test]
    fn lanes_are_picked_and_scrolled() {
        let lanes: Vec<Lane> = ["me", "e", "b", "d", "a", "c"]
            .iter()
            .map(|name| lane(name, *name == "me"))
            .collect();
        let mut columns = Columns::default();
        columns.assign(&lanes, 3);
        assert_eq!(order(&columns), "me b e");
        assert_eq!(columns.pick("a"), Some(true));
        columns.assign(&lanes, 3);
        assert_eq!(order(&columns), "me a e");
        for (on, shown, skipped) in [
            (true, "me a c", 1),
            (true, "me a d", 2),
            (true, "me a e", 3),
            (true, "me a e", 3),
            (false, "me a d", 2),
        ] {
            columns.scroll(on);
            columns.assign(&lanes, 3);
            assert_eq!(
                (order(&columns).as_str(), columns.skipped()),
                (shown, skipped)
            );
        }
        assert_eq!(columns.hidden(), 3);
        assert_eq!(columns.pick("a"), Some(false));
        columns.assign(&lanes, 3);
        assert_eq!(order(&columns), "me c d");
        columns.scroll(false);
        columns.scroll(false);
        columns.assign(&lanes, 3);
        assert_eq!((columns.skipped(), columns.shown()), (0, 3));
    }
}
