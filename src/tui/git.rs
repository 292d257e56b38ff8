//! Git-like columns: a strand goes from an event down to its last child, and columns are used again. No drawing.
//!
//! Between the node's [`Window`] and `graph`, which draws it; the other picture of the same rows is in `lanes`.
//!
//! Invariants:
//! - going up from an event, and from each end of a solid tie, one comes to a parent and to nothing else;
//! - each parent of an event has a solid tie, stands above it in its column, or shares the dashed tie in the last column;
//! - dashed are ties to events that are not among the rows, and to those that got no column.
//!
//! Cost: O(rows in the window * columns). What is above the rows needs no context: a tie to it is dashed, not lost.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::control::view::{Window, WindowRow};
use crate::tui::lanes::{Cell, Cells, Mark, event_mark};

/// The visible rows with their cells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strands {
    /// One a visible row.
    pub rows: Vec<Cells>,
    /// Columns of strands.
    pub shown: usize,
    /// All columns: one more when there is a dashed tie.
    pub total: usize,
}

/// Lays out the rows `visible` of `window` in at most `cap` columns of strands (1 or more). A range beyond its rows is harmless.
pub fn lay_out(window: &Window, visible: Range<usize>, cap: usize) -> Strands {
    let family = Family::of(&window.rows);
    let mut board = Board::new(cap.max(1), window.rows.len());
    let end = visible.end.min(window.rows.len());
    let placed: Vec<Placed> = (0..end)
        .map(|at| board.place(at, &window.rows, &family))
        .collect();
    let placed = placed.get(visible.start.min(end)..).unwrap_or(&[]);
    let shown = placed.iter().map(Placed::width).max().unwrap_or(0);
    let has_rest = placed.iter().any(|row| row.rest || row.column.is_none());
    let rows = &window.rows[visible.start.min(end)..end];
    let cells = rows
        .iter()
        .zip(placed)
        .map(|(row, placed)| placed.cells(row, shown, has_rest));
    Strands {
        rows: cells.collect(),
        shown,
        total: shown + usize::from(has_rest),
    }
}

/// One column with the events alone.
pub fn list(rows: &[WindowRow]) -> Strands {
    let cells = |row| Cells {
        cells: vec![Cell {
            mark: event_mark(row),
            tail: false,
        }],
        column: 0,
    };
    Strands {
        rows: rows.iter().map(cells).collect(),
        shown: 1,
        total: 1,
    }
}

/// Who is whose parent, by places among the rows.
struct Family {
    /// Of each row those parents that are rows.
    parents: Vec<Vec<usize>>,
    /// Some parent of the row is none of the rows.
    is_cut: Vec<bool>,
    /// The last child among the rows; `usize::MAX` when there are further ones below.
    last: Vec<Option<usize>>,
}

impl Family {
    fn of(rows: &[WindowRow]) -> Self {
        let places: BTreeMap<&str, usize> = rows
            .iter()
            .enumerate()
            .map(|(at, row)| (row.label.as_str(), at))
            .collect();
        let mut family = Self {
            parents: Vec::with_capacity(rows.len()),
            is_cut: Vec::with_capacity(rows.len()),
            last: rows
                .iter()
                .map(|row| row.more.then_some(usize::MAX))
                .collect(),
        };
        for (at, row) in rows.iter().enumerate() {
            let found = row
                .parents
                .iter()
                .filter_map(|parent| places.get(parent.label.as_str()));
            // Whatever a node says: a parent stands above its child.
            let parents: Vec<usize> = found.copied().filter(|parent| *parent < at).collect();
            for parent in &parents {
                family.last[*parent] = family.last[*parent].max(Some(at));
            }
            family
                .is_cut
                .push(parents.len() < row.parents_total as usize);
            family.parents.push(parents);
        }
        family
    }
}

/// Which strands go on in which columns.
struct Board {
    cap: usize,
    /// The row whose strand it is.
    columns: Vec<Option<usize>>,
    /// In the row before something stood here that must not be taken for a parent.
    is_used: Vec<bool>,
    /// Of each row its column, once it has one.
    column_of: Vec<Option<usize>>,
}

impl Board {
    fn new(cap: usize, rows: usize) -> Self {
        Self {
            cap,
            columns: Vec::new(),
            is_used: Vec::new(),
            column_of: vec![None; rows],
        }
    }

    /// Places the next row.
    fn place(&mut self, at: usize, rows: &[WindowRow], family: &Family) -> Placed {
        let ends = |parent: usize| family.last[parent] == Some(at);
        let mut ties = Vec::new();
        let mut rest = family.is_cut[at];
        for parent in &family.parents[at] {
            match self.column_of[*parent] {
                Some(column) => ties.push((column, *parent)),
                None => rest = true,
            }
        }
        let ending = || ties.iter().filter(|(_, parent)| ends(*parent));
        let own = ending().find(|(_, parent)| rows[*parent].lane == rows[at].lane);
        let column = match own.or_else(|| ending().min()) {
            Some((column, _)) => Some(*column),
            None => self.free(),
        };
        let before: Vec<bool> = self.columns.iter().map(Option::is_some).collect();
        let tie = |(tied, parent): &(usize, usize)| (*tied, ends(*parent));
        let placed = Placed {
            column,
            ties: ties
                .iter()
                .filter(|tie| Some(tie.0) != column)
                .map(tie)
                .collect(),
            rest,
            strands: before.clone(),
        };
        self.is_used = before;
        for (tied, _) in ties.iter().filter(|(_, parent)| ends(*parent)) {
            self.columns[*tied] = None;
        }
        if let Some(column) = column {
            self.is_used[column] = true;
            let goes_on = family.last[at].is_some_and(|last| last > at);
            self.columns[column] = goes_on.then_some(at);
            self.column_of[at] = Some(column);
        }
        placed
    }

    /// A column that is free, and was in the row before; None: all are taken.
    fn free(&mut self) -> Option<usize> {
        let is_free = |at: &usize| {
            self.columns[*at].is_none() && !self.is_used.get(*at).copied().unwrap_or(false)
        };
        let found = (0..self.columns.len()).find(is_free);
        if found.is_some() || self.columns.len() == self.cap {
            return found;
        }
        self.columns.push(None);
        self.is_used.resize(self.columns.len(), false);
        Some(self.columns.len() - 1)
    }
}

/// A row, placed.
struct Placed {
    /// None: in the shared column.
    column: Option<usize>,
    /// Columns of ties, and whether the strand ends there.
    ties: Vec<(usize, bool)>,
    /// There is a dashed tie.
    rest: bool,
    /// Strands that come from above.
    strands: Vec<bool>,
}

impl Placed {
    /// Columns of strands that it needs.
    fn width(&self) -> usize {
        let strands = self.strands.iter().rposition(|is_there| *is_there);
        strands.max(self.column).map_or(0, |last| last + 1)
    }

    fn cells(&self, row: &WindowRow, shown: usize, has_rest: bool) -> Cells {
        let column = self.column.unwrap_or(shown);
        let ends = self.ties.iter().map(|tie| tie.0);
        let ends = ends.chain((self.rest && column < shown).then_some(shown));
        let (low, high) = ends.fold((column, column), |(low, high), at| {
            (low.min(at), high.max(at))
        });
        let cell = |at: usize| {
            let tie = self.ties.iter().find(|(tied, _)| *tied == at);
            let mark = match tie {
                _ if at == column => event_mark(row),
                _ if at == shown && self.rest => Mark::Older,
                Some((_, true)) if at == low => Mark::LastLeft,
                Some((_, true)) if at == high => Mark::LastRight,
                Some((_, true)) => Mark::LastMiddle,
                Some((_, false)) if at == low => Mark::Left,
                Some((_, false)) if at == high => Mark::Right,
                Some((_, false)) => Mark::Middle,
                None if self.strands.get(at) == Some(&true) => Mark::Lane,
                None if (low..=high).contains(&at) => Mark::Across,
                None => Mark::Nothing,
            };
            Cell {
                mark,
                tail: (low..high).contains(&at),
            }
        };
        Cells {
            cells: (0..shown + usize::from(has_rest)).map(cell).collect(),
            column,
        }
    }
}
