//! A node without a data directory, in surroundings of the caller's choice.
//!
//! The same node in all else: driver, control protocol, network. It has no control socket; clients come over [`Node::pipe`].
//! What lies in a data directory the caller gives, and keeps: the store, the credential, and [`Node::book`].

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::event::key::Key;
use crate::node::home::acknowledged::Keeper;
use crate::node::home::book::Book;
use crate::node::setup::{self, Online, Opened};
use crate::node::surroundings::Surroundings;
use crate::node::{Error, Node};
use crate::store::Store;

/// What a data directory would tell.
#[derive(Clone, Debug)]
pub struct Bare {
    /// The machine's key.
    pub key: Key,
    /// Holds at least R.
    pub store: Arc<dyn Store>,
    /// The admissions from R's author to this machine, as received when it joined.
    pub credential: Vec<Vec<u8>>,
    /// Whom it knows.
    pub book: Book,
    /// Where to listen.
    pub listen: SocketAddr,
}

/// Starts it. Must be called in a tokio runtime.
///
/// # Errors
/// [`Error::Store`], [`Error::Net`].
pub fn start(bare: Bare, surroundings: Surroundings) -> Result<Node, Error> {
    let (_, closed) = mpsc::channel(1);
    let index = bare.store.index().map_err(Error::Store)?;
    let opened = Opened {
        home: None,
        damaged: Vec::new(),
        keeper: Keeper::in_memory(index.root.id()),
        index,
        store: bare.store,
        closed,
        key: bare.key,
        name: None,
        book: bare.book,
        addresses: Vec::new(),
        would_listen: None,
        online: Some(Online {
            listen: bare.listen,
            banned: BTreeSet::new(),
            credential: bare.credential,
        }),
        surroundings,
    };
    setup::begin(opened, None)
}
