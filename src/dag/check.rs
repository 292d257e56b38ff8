//! A full check of the DAG's invariants.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use crate::dag::Dag;
use crate::dag::authors::Authors;
use crate::dag::bits::Bits;
use crate::event::index::Arrival;

impl Dag {
    /// Recomputes heights, leaves, authors, members, closure and the id table, and compares.
    ///
    /// What needs bodies (ids, signatures, who vouches for whom, the digest sum) is not checked here.
    /// Cost: O(events + parents) and as much memory again for the leaves and authors.
    ///
    /// # Errors
    /// The first invariant that does not hold, in words.
    pub fn check(&self) -> Result<(), String> {
        self.check_rows()?;
        self.check_leaves()?;
        self.check_authors()?;
        self.check_members()?;
        self.check_nexts()?;
        ensure(self.digest() == self.compute_digest(), || {
            "the cached digest is that of an older set".into()
        })
    }

    fn check_rows(&self) -> Result<(), String> {
        ensure(self.len() >= 1, || "R is not held".into())?;
        ensure(self.columns.table_len() == self.len() as usize, || {
            format!(
                "{} events, but {} ids in the table",
                self.len(),
                self.columns.table_len()
            )
        })?;
        for at in (0..self.len()).map(Arrival) {
            let (id, parents) = (self.id(at), self.parents(at));
            ensure(self.find(id) == Some(at), || {
                format!("{id} is at {at:?}, found at {:?}", self.find(id))
            })?;
            ensure(parents.is_empty() == (at.0 == 0), || {
                format!("{id}: R alone has no parents")
            })?;
            ensure(parents.iter().all(|parent| *parent < at), || {
                format!("{id} came before a parent")
            })?;
            let sorted = parents.is_sorted_by(|one, next| self.id(*one) < self.id(*next));
            ensure(sorted, || {
                format!("the parents of {id} are not sorted and unique")
            })?;
            let height = parents
                .iter()
                .map(|parent| self.height(*parent) + 1)
                .max()
                .unwrap_or(0);
            let held = self.height(at);
            ensure(held == height, || {
                format!("{id} has height {held}, its parents say {height}")
            })?;
        }
        Ok(())
    }

    fn check_leaves(&self) -> Result<(), String> {
        let mut leaves = Bits::with_len(self.len());
        for at in (0..self.len()).map(Arrival) {
            for parent in self.parents(at) {
                leaves.clear(*parent);
            }
            leaves.set(at);
        }
        let leaves: Vec<_> = leaves.ones().collect();
        let marked: Vec<_> = self.leaf_bits.ones().collect();
        ensure(leaves == marked, || {
            format!("the leaves are at {leaves:?}, marked are {marked:?}")
        })?;
        let ids: BTreeMap<_, _> = leaves.into_iter().map(|at| (self.id(at), at)).collect();
        ensure(ids == self.leaves, || {
            format!("the leaves are {ids:?}, kept are {:?}", self.leaves)
        })
    }

    fn check_authors(&self) -> Result<(), String> {
        let mut authors = Authors::default();
        for at in (0..self.len()).map(Arrival) {
            let author = self.author(at);
            ensure((author.0 as usize) < self.authors.len(), || {
                format!("{author:?} has no key")
            })?;
            if author == authors.next_number() {
                let key = self.author_key(author);
                ensure(authors.number(key).is_none(), || {
                    format!("{key} has two numbers")
                })?;
                let admitted = self.member(key).map(|member| member.first_admission);
                let before = admitted.is_some_and(|admission| admission < at || at.0 == 0);
                ensure(before, || {
                    format!("{key} wrote at {at:?}, but was admitted at {admitted:?}")
                })?;
                authors.add(key, at);
            } else {
                ensure(author < authors.next_number(), || {
                    format!("{author:?} came before its time")
                })?;
                authors.wrote(&self.columns, at);
            }
        }
        ensure(authors.len() == self.authors.len(), || {
            "an author wrote nothing".into()
        })?;
        for (key, number) in authors.numbers() {
            ensure(self.authors.number(key) == Some(number), || {
                format!("{key} has a wrong number")
            })?;
            let (row, kept) = (authors.row(number), self.authors.row(number));
            ensure(row == kept, || {
                format!("an author is kept as {kept:?}, but is {row:?}")
            })?;
        }
        Ok(())
    }

    fn check_members(&self) -> Result<(), String> {
        let founder = self.member(self.author_key(self.author(Arrival(0))));
        let founder = founder.map(|member| (member.admission, member.first_admission));
        ensure(founder == Some((Arrival(0), Arrival(0))), || {
            "R's author is no member by R".into()
        })?;
        for (key, member) in self.members() {
            let (admission, first) = (member.admission, member.first_admission);
            ensure(admission.0 < self.len(), || {
                format!("the admission of {key} is not held")
            })?;
            let ordered =
                first <= admission && self.causal_key(admission) <= self.causal_key(first);
            ensure(ordered, || {
                format!("{key}: {admission:?} is named, though {first:?} came first")
            })?;
            let chain = self.credential(key).unwrap_or_default();
            let falls = chain.is_sorted_by(|one, next| one < next);
            ensure(
                falls && chain.last().is_none_or(|last| *last == first),
                || format!("{key} has the credential {chain:?}, which does not lead back to R"),
            )?;
        }
        Ok(())
    }

    fn check_nexts(&self) -> Result<(), String> {
        let held = self
            .open_nexts
            .last_key_value()
            .is_none_or(|(at, _)| at.0 < self.len());
        ensure(held, || "a commitment of an event that is not held".into())
    }
}

fn ensure(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}
