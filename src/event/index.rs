//! What a store's index tables hold of each event: enough to open a DAG without reading bodies.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::event::Event;
use crate::event::id::{Commitment, DigestRest, DigestSum, EventId};
use crate::event::key::MachineId;

/// Local position of a held event, from 0 (R); dependencies always come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arrival(pub u32);

/// Number of an author on this machine, in order of first arrival; R's author is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Author(pub u32);

/// One row of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The event's name.
    pub id: EventId,
    /// 1 + the greatest height of a parent; 0 for R.
    pub height: u32,
    /// Who wrote it.
    pub author: Author,
    /// The author's own counter.
    pub seq: u64,
    /// Bytes on the wire.
    pub length: u32,
    /// What tells it from another event of the same name.
    pub rest: DigestRest,
    /// Its parents' positions, in the order of their ids.
    pub parents: Vec<Arrival>,
    /// Whether it carries a signature of its own; if not, its only parent's `next` vouches for it.
    pub signed: bool,
    /// What it tells of the following event of its run.
    pub next: Option<Commitment>,
}

/// A row to be written, with the event and, when this is its author's first, the author's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    /// Its position: the number of events held before it.
    pub arrival: Arrival,
    /// The index row.
    pub row: Row,
    /// The event.
    pub event: Event,
    /// The author's key, when `row.author` is new.
    pub new_author: Option<MachineId>,
}

/// All that a store knows of the DAG without the bodies.
#[derive(Clone, Debug)]
pub struct Index {
    /// R.
    pub root: Event,
    /// One row an event, by arrival; the first is R's.
    pub rows: Vec<Row>,
    /// Keys by author number.
    pub authors: Vec<MachineId>,
    /// Control parts that are not empty, by arrival, R's included.
    pub controls: Vec<(Arrival, Vec<u8>)>,
    /// Sum of the digests of all events.
    pub sum: DigestSum,
}

impl Index {
    /// The index of a machine that holds R alone; `length`: R's bytes on the wire.
    pub fn of_root(root: Event, length: u32) -> Self {
        let mut sum = DigestSum::default();
        sum.add(root.digest());
        let row = Row {
            id: root.id(),
            height: 0,
            author: Author(0),
            seq: root.raw().seq,
            length,
            rest: root.digest().rest(),
            parents: Vec::new(),
            signed: true,
            next: root.raw().proof.next(),
        };
        Self {
            rows: vec![row],
            authors: vec![root.raw().machine],
            controls: vec![(Arrival(0), root.raw().control.clone())],
            sum,
            root,
        }
    }
}
