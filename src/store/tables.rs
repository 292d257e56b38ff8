//! The tables of the store on disk, and the one pass over them that opens a machine.
//!
//! | table | key | value, each with a checksum (`row`) |
//! |---|---|---|
//! | `events` | arrival | the event's bytes, as on the wire |
//! | `index` | arrival | its row |
//! | `control` | arrival | its control part, when it has one |
//! | `authors` | author number | the author's key, 32 bytes |
//! | `meta` | `format` | version of this layout, 4 bytes |
//! | | `root` | R as a JSON line, since its bytes are decoded elsewhere |
//! | | `tail` | count and sum of digests |
//!
//! Invariants: arrivals are `0..count` in `events` and in `index`, author numbers are without gaps, parents stand before their
//! children. [`check`] verifies what costs nothing, [`read_index`] the rest.

use redb::{
    Database, Durability, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata,
    TableDefinition, WriteTransaction,
};

use crate::caught::catch;
use crate::event::index::{Arrival, Index, Row};
use crate::event::key::MachineId;
use crate::event::{Event, Raw};
use crate::store::Record;
use crate::store::row::{self, CHECKSUM_BYTES, Tail};

/// Version of the layout; a file with another one is refused. Format 1 had no part of the digest in its rows.
pub(crate) const FORMAT: u32 = 2;

pub(crate) const EVENTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("events");
pub(crate) const INDEX: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("index");
const CONTROL: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("control");
const AUTHORS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("authors");
pub(crate) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

const META_FORMAT: &str = "format";
const META_ROOT: &str = "root";
const META_TAIL: &str = "tail";

/// Why the tables could not be read or written.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The database said no.
    Database(redb::Error),
    /// They are not ours, or of another format; with a leading separator.
    NotOurs(String),
    /// They contradict themselves.
    Index(String),
    /// An event does not match its checksum, or is missing.
    Damaged(Arrival),
    /// The database panicked; with what it said.
    Panicked(String),
}

impl<E: Into<redb::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Database(error.into())
    }
}

/// Does `work`, in which only the database may panic: over a damaged file it does at times. The database that did must be
/// opened again.
pub(crate) fn caught<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch(work)
        .unwrap_or_else(|said| Err(Failure::Panicked(format!("the database gave up: {said}"))))
}

/// What the next append must follow on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// Count and sum.
    pub(crate) tail: Tail,
    /// Number of authors.
    pub(crate) authors: u32,
}

/// Writes `batch` and what follows from it in one transaction; durable on return. The first batch begins with R.
pub(crate) fn write(database: &Database, batch: &[Record], tail: Tail) -> Result<(), Failure> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    {
        let mut events = transaction.open_table(EVENTS)?;
        let mut index = transaction.open_table(INDEX)?;
        let mut control = transaction.open_table(CONTROL)?;
        let mut authors = transaction.open_table(AUTHORS)?;
        let mut meta = transaction.open_table(META)?;
        for Record { append, bytes } in batch {
            let at = u64::from(append.arrival.0);
            let key = at.to_le_bytes();
            write_event(&mut events, at, bytes)?;
            index.insert(at, row::seal(&key, row::encode(&append.row)).as_slice())?;
            let raw = append.event.raw();
            if !raw.control.is_empty() {
                control.insert(at, row::seal(&key, raw.control.clone()).as_slice())?;
            }
            if let Some(author) = append.new_author {
                let number = append.row.author.0;
                authors.insert(
                    number,
                    row::seal(&number.to_le_bytes(), author.0.to_vec()).as_slice(),
                )?;
            }
            if append.arrival == Arrival(0) {
                meta.insert(
                    META_FORMAT,
                    seal_meta(META_FORMAT, FORMAT.to_le_bytes().to_vec()).as_slice(),
                )?;
                meta.insert(
                    META_ROOT,
                    seal_meta(META_ROOT, append.event.to_json().into_bytes()).as_slice(),
                )?;
            }
        }
        meta.insert(META_TAIL, seal_meta(META_TAIL, tail.to_bytes()).as_slice())?;
    }
    transaction.commit()?;
    Ok(())
}

/// Writes one event's bytes, in place of what is there.
pub(crate) fn write_event(
    events: &mut redb::Table<'_, u64, &'static [u8]>,
    at: u64,
    bytes: &[u8],
) -> Result<(), Failure> {
    let mut value = events.insert_reserve(at, bytes.len() + CHECKSUM_BYTES)?;
    let value = value.as_mut();
    value[..bytes.len()].copy_from_slice(bytes);
    row::seal_in_place(&at.to_le_bytes(), value);
    Ok(())
}

/// Checks that the tables are ours and of one length, in constant time.
pub(crate) fn check(database: &impl ReadableDatabase) -> Result<End, Failure> {
    let transaction = database.begin_read()?;
    let tail = read_tail(&transaction)?;
    let authors = transaction.open_table(AUTHORS)?.len()?;
    let events = transaction.open_table(EVENTS)?.len()?;
    let rows = transaction.open_table(INDEX)?.len()?;
    let count = u64::from(tail.count);
    if count == 0 {
        return Err(Failure::NotOurs(": it has no root".into()));
    }
    if rows != count || events != count {
        return Err(Failure::Index(format!(
            "it counts {count} events and has {rows} rows and {events} events"
        )));
    }
    let authors = u32::try_from(authors).map_err(|_| Failure::Index("too many authors".into()))?;
    Ok(End { tail, authors })
}

/// Reads all tables but `events`, in one transaction.
pub(crate) fn read_index(database: &impl ReadableDatabase) -> Result<Index, Failure> {
    let transaction = database.begin_read()?;
    let tail = read_tail(&transaction)?;
    let authors = read_authors(&transaction)?;
    let rows = read_rows(&transaction, tail.count, authors.len())?;
    let controls = read_controls(&transaction, tail.count)?;
    let root = read_root(&transaction, &rows)?;
    Ok(Index {
        root,
        rows,
        authors,
        controls,
        sum: tail.sum,
    })
}

/// Reads one event's bytes.
pub(crate) fn read_event(database: &Database, at: Arrival) -> Result<Vec<u8>, Failure> {
    let key = u64::from(at.0);
    let events = database.begin_read()?.open_table(EVENTS)?;
    let value = events.get(key)?.ok_or(Failure::Damaged(at))?;
    let bytes = row::unseal(&key.to_le_bytes(), value.value()).ok_or(Failure::Damaged(at))?;
    Ok(bytes.to_vec())
}

/// Reads consecutive events' bytes, in one transaction; ends before `up_to`, before `bytes_max` is exceeded (but not before the
/// first), and before the first that is damaged (unless it is the first).
pub(crate) fn read_events(
    database: &Database,
    from: Arrival,
    up_to: Arrival,
    bytes_max: usize,
) -> Result<Vec<Vec<u8>>, Failure> {
    let events = database.begin_read()?.open_table(EVENTS)?;
    let mut found: Vec<Vec<u8>> = Vec::new();
    let mut total = 0;
    let mut wanted = from;
    for entry in events.range(u64::from(from.0)..u64::from(up_to.0))? {
        let (key, value) = entry?;
        if key.value() != u64::from(wanted.0) {
            break;
        }
        let Some(bytes) = row::unseal(&key.value().to_le_bytes(), value.value()) else {
            break;
        };
        total += bytes.len();
        if total > bytes_max && !found.is_empty() {
            break;
        }
        found.push(bytes.to_vec());
        wanted = Arrival(wanted.0 + 1);
    }
    if found.is_empty() && from < up_to {
        return Err(Failure::Damaged(from));
    }
    Ok(found)
}

/// The row of one event.
pub(crate) fn read_row(transaction: &ReadTransaction, at: Arrival) -> Result<Row, Failure> {
    let key = u64::from(at.0);
    let index = transaction.open_table(INDEX)?;
    let value = index.get(key)?;
    value
        .and_then(|value| row::decode(row::unseal(&key.to_le_bytes(), value.value())?))
        .ok_or_else(|| damaged_row(key))
}

/// Copies all but `events` as it is.
pub(crate) fn copy_small(from: &ReadTransaction, to: &WriteTransaction) -> Result<(), Failure> {
    copy_table(from, to, INDEX)?;
    copy_table(from, to, CONTROL)?;
    copy_table(from, to, AUTHORS)?;
    copy_table(from, to, META)
}

fn copy_table<K: redb::Key + 'static>(
    from: &ReadTransaction,
    to: &WriteTransaction,
    table: TableDefinition<'_, K, &'static [u8]>,
) -> Result<(), Failure> {
    let mut copy = to.open_table(table)?;
    for entry in from.open_table(table)?.iter()? {
        let (key, value) = entry?;
        copy.insert(key.value(), value.value())?;
    }
    Ok(())
}

fn read_tail(transaction: &ReadTransaction) -> Result<Tail, Failure> {
    let no_tables = || Failure::NotOurs(": it has no tables of ours".into());
    let meta = match transaction.open_table(META) {
        Ok(meta) => meta,
        Err(redb::TableError::Storage(error)) => return Err(error.into()),
        Err(_) => return Err(no_tables()),
    };
    let format = read_meta(&meta, META_FORMAT)?.ok_or_else(no_tables)?;
    let format = format
        .try_into()
        .map(u32::from_le_bytes)
        .map_err(|_| damaged_meta(META_FORMAT))?;
    if format > FORMAT {
        return Err(Failure::NotOurs(format!(
            " that this program can read: its format is {format}, this program knows up to {FORMAT}; use a later version of fedag"
        )));
    }
    if format < FORMAT {
        return Err(Failure::NotOurs(format!(
            " that this program can read: its format is {format}, this program writes {FORMAT}; use the version of fedag that wrote it"
        )));
    }
    let tail = read_meta(&meta, META_TAIL)?.and_then(|bytes| Tail::from_bytes(&bytes));
    tail.ok_or_else(|| damaged_meta(META_TAIL))
}

fn read_authors(transaction: &ReadTransaction) -> Result<Vec<MachineId>, Failure> {
    let mut authors = Vec::new();
    for (number, entry) in (0u32..).zip(transaction.open_table(AUTHORS)?.iter()?) {
        let (key, value) = entry?;
        let bytes = row::unseal(&key.value().to_le_bytes(), value.value())
            .and_then(|bytes| bytes.try_into().ok());
        match bytes {
            Some(bytes) if key.value() == number => authors.push(MachineId(bytes)),
            Some(_) | None => {
                return Err(Failure::Index(format!(
                    "author {number} is missing or damaged"
                )));
            }
        }
    }
    Ok(authors)
}

fn read_rows(
    transaction: &ReadTransaction,
    count: u32,
    authors: usize,
) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::with_capacity(count as usize);
    for (at, entry) in (0u64..).zip(transaction.open_table(INDEX)?.iter()?) {
        let (key, value) = entry?;
        if key.value() != at {
            return Err(Failure::Index(format!("row {at} is missing")));
        }
        let row = row::unseal(&at.to_le_bytes(), value.value())
            .and_then(row::decode)
            .ok_or_else(|| damaged_row(at))?;
        if row.author.0 as usize >= authors
            || row.parents.iter().any(|parent| u64::from(parent.0) >= at)
        {
            return Err(Failure::Index(format!(
                "row {at} names what comes after it"
            )));
        }
        rows.push(row);
    }
    if rows.len() != count as usize {
        return Err(Failure::Index(format!(
            "it counts {count} events and has {} rows",
            rows.len()
        )));
    }
    Ok(rows)
}

fn read_controls(
    transaction: &ReadTransaction,
    count: u32,
) -> Result<Vec<(Arrival, Vec<u8>)>, Failure> {
    let mut controls = Vec::new();
    for entry in transaction.open_table(CONTROL)?.iter()? {
        let (key, value) = entry?;
        let bytes = row::unseal(&key.value().to_le_bytes(), value.value());
        match (u32::try_from(key.value()), bytes) {
            (Ok(at), Some(bytes)) if at < count => controls.push((Arrival(at), bytes.to_vec())),
            (Ok(_) | Err(_), _) => {
                return Err(Failure::Index(format!(
                    "control part {} is damaged",
                    key.value()
                )));
            }
        }
    }
    Ok(controls)
}

fn read_root(transaction: &ReadTransaction, rows: &[Row]) -> Result<Event, Failure> {
    let line = read_meta(&transaction.open_table(META)?, META_ROOT)?
        .ok_or_else(|| damaged_meta(META_ROOT))?;
    let row = rows
        .first()
        .ok_or_else(|| Failure::NotOurs(": it has no root".into()))?;
    let raw = Raw::from_json(&line)
        .map_err(|error| Failure::Index(format!("the root is damaged: {error}")))?;
    let root = Event::check_root(raw, row.length as usize)
        .map_err(|error| Failure::Index(format!("the root is not valid: {error}")))?;
    if root.id() != row.id {
        return Err(Failure::Index("the first row is not the root's".into()));
    }
    Ok(root)
}

fn read_meta(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
    name: &str,
) -> Result<Option<Vec<u8>>, Failure> {
    let Some(value) = meta.get(name)? else {
        return Ok(None);
    };
    let bytes = row::unseal(name.as_bytes(), value.value()).ok_or_else(|| damaged_meta(name))?;
    Ok(Some(bytes.to_vec()))
}

fn seal_meta(name: &str, bytes: Vec<u8>) -> Vec<u8> {
    row::seal(name.as_bytes(), bytes)
}

fn damaged_meta(name: &str) -> Failure {
    Failure::Index(format!("its {name} is missing or damaged"))
}

fn damaged_row(at: u64) -> Failure {
    Failure::Index(format!("row {at} is damaged"))
}
