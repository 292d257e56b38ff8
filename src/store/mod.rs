//! The store: what is durable.
//!
//! The node appends what the machine asks for and reads bodies by position; a machine is opened from the index alone.
//!
//! Invariants:
//! - positions are without gaps; what `append` returned for is durable;
//! - events and index go in one transaction, so the held set is closed at every commit.

mod cache;
pub mod disk;
pub mod fault;
pub mod memory;
mod row;
mod salvage;
mod tables;
#[cfg(test)]
mod tests;

use crate::event::index::{Append, Arrival, Index};

/// One event to be written.
#[derive(Clone, Debug)]
pub struct Record {
    /// Position, row and event.
    pub append: Append,
    /// The event's bytes, on the wire and on disk.
    pub bytes: Vec<u8>,
}

/// Why the store failed. Unless a variant says otherwise nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The disk or file system refused.
    #[error("the store at {path} could not be {doing}")]
    Io {
        /// The file.
        path: String,
        /// `opened`, `created`, `read`, `written`, `saved`.
        doing: &'static str,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file is there, but it is not a store of ours, or of another format.
    #[error("{path} is not a fedag store{why}")]
    NotAStore {
        /// The file.
        path: String,
        /// With a leading separator, or empty.
        why: String,
    },
    /// It is a store of ours, but so damaged that it cannot be used.
    #[error("the store at {path} is damaged: {why}")]
    Broken {
        /// The file.
        path: String,
        /// What the database says.
        why: String,
    },
    /// An event's bytes do not match their checksum, or it is missing.
    #[error("event {} on disk is damaged", at.0)]
    Damaged {
        /// Its position.
        at: Arrival,
    },
    /// The index tables contradict themselves.
    #[error("the store's index is damaged: {why}")]
    Index {
        /// What is wrong.
        why: String,
    },
    /// Another process has it open.
    #[error("the store at {path} is in use by another process")]
    InUse {
        /// The file.
        path: String,
    },
}

/// Where events are kept. Appends come from one thread at a time; reads from any.
pub trait Store: Send + Sync + std::fmt::Debug {
    /// What the tables hold. Reads no bodies but R's.
    ///
    /// # Errors
    /// See [`Error`]; a store without R is [`Error::NotAStore`].
    fn index(&self) -> Result<Index, Error>;

    /// Appends `batch` (positions following what is there) in one transaction; durable on return. All of it or nothing.
    ///
    /// # Errors
    /// [`Error::Io`]; the store is as before, or, when only the last sync failed, may hold the batch: whoever goes on after an
    /// error asks [`Store::index`] again. The store can be used as soon as the disk works again.
    fn append(&self, batch: &[Record]) -> Result<(), Error>;

    /// The bytes of one event, checksum checked.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    fn read(&self, at: Arrival) -> Result<Vec<u8>, Error>;

    /// The bytes of consecutive events from `from`, until `up_to` or `bytes_max` is reached, but at least one.
    ///
    /// # Errors
    /// [`Error::Damaged`] for the first that is, when it is the first; otherwise those before it.
    fn read_range(
        &self,
        from: Arrival,
        up_to: Arrival,
        bytes_max: usize,
    ) -> Result<Vec<Vec<u8>>, Error>;

    /// Writes the bytes of a damaged event again; they must be those of the row's id.
    ///
    /// # Errors
    /// [`Error::Io`].
    fn repair(&self, at: Arrival, bytes: &[u8]) -> Result<(), Error>;

    /// Bytes on disk.
    fn size_bytes(&self) -> u64;
}
