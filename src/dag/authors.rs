//! The authors of held events: their numbers, their last event, and whether their key is used twice.
//!
//! Below `dag`. Numbers are local, in order of first arrival; R's author is 0.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use crate::dag::columns::Columns;
use crate::event::index::{Arrival, Author};
use crate::event::key::MachineId;

/// All authors.
#[derive(Clone, Debug, Default)]
pub(super) struct Authors {
    numbers: BTreeMap<MachineId, Author>,
    rows: Vec<AuthorRow>,
}

/// One author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AuthorRow {
    /// Its key.
    pub(super) key: MachineId,
    /// Of its held events with the greatest `seq` the one with the smallest id.
    pub(super) last: Arrival,
    /// An event of it arrived whose `seq` was not above all those held before.
    pub(super) forked: bool,
}

impl Authors {
    /// Number of authors.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The number of this key. None: nothing by it is held.
    pub(super) fn number(&self, key: MachineId) -> Option<Author> {
        self.numbers.get(&key).copied()
    }

    /// The number that the next new author gets.
    pub(super) fn next_number(&self) -> Author {
        Author(u32::try_from(self.rows.len()).expect("there are fewer authors than events"))
    }

    /// One author. Panics when there is no such number.
    pub(super) fn row(&self, author: Author) -> &AuthorRow {
        &self.rows[author.0 as usize]
    }

    /// All keys with their numbers, by key.
    pub(super) fn numbers(&self) -> impl Iterator<Item = (MachineId, Author)> + '_ {
        self.numbers.iter().map(|(key, number)| (*key, *number))
    }

    /// The author of this key. None: nothing by it is held.
    pub(super) fn by_key(&self, key: MachineId) -> Option<&AuthorRow> {
        self.number(key).map(|author| self.row(author))
    }

    /// Adds the author whose first event is at `first`.
    pub(super) fn add(&mut self, key: MachineId, first: Arrival) {
        let before = self.numbers.insert(key, self.next_number());
        assert!(before.is_none(), "{key} has a number already");
        self.rows.push(AuthorRow {
            key,
            last: first,
            forked: false,
        });
    }

    /// Takes note of a further event of an author, whose row is in `columns` already.
    pub(super) fn wrote(&mut self, columns: &Columns, at: Arrival) {
        let row = &mut self.rows[columns.author(at).0 as usize];
        let (seq, greatest) = (columns.seq(at), columns.seq(row.last));
        row.forked |= seq <= greatest;
        if seq > greatest || (seq == greatest && columns.id(at) < columns.id(row.last)) {
            row.last = at;
        }
    }

    /// Bytes on the heap, about.
    pub(super) fn memory_bytes(&self) -> usize {
        self.rows.capacity() * size_of::<AuthorRow>()
            + self.numbers.len() * 2 * size_of::<(MachineId, Author)>()
    }
}
