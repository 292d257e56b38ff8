//! The node: the running program that drives a machine.
//!
//! Collects inputs, calls `Machine::handle`, performs effects in order, commits many appends at once, and serves the control
//! protocol.
//!
//! ```text
//! net, clients -> driver (owns the machine) -> net, clients
//!                   |        ^
//!                   v        | durable up to here
//!                 the store's thread: one commit at a time
//! ```
//!
//! Invariants:
//! - one thread owns the machine; everything else asks it over bounded channels;
//! - bodies of events are read by who needs them, never by that thread;
//! - while a node runs, it holds the lock of its data directory.

mod add;
mod ask;
pub mod bare;
pub mod clock;
mod closing;
mod commit;
mod control;
mod create;
mod damage;
mod driver;
mod failure;
mod fold;
mod give;
pub mod home;
mod invites;
mod lines;
mod links;
mod log;
mod names;
mod order;
mod parts;
mod perform;
mod publish;
mod recent;
mod search;
mod serve;
mod setup;
mod stream;
mod summary;
pub mod surroundings;
#[cfg(test)]
mod tests;
mod verify;
mod view;
mod window;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tracing::{info, warn};

use crate::limits::{CLOSING_PATIENCE, PIPE_BYTES};
use crate::net::{self, Net};
use crate::node::ask::{Desk, Run};
pub use crate::node::create::{Names, create_joined, create_root, joined_record, root_record};
use crate::node::home::Home;
use crate::node::home::book::Book;
use crate::node::home::lock::Lock;
use crate::node::surroundings::Surroundings;
use crate::store;

/// How to start a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// With peers or without.
    pub mode: Mode,
}

/// Whether a node talks to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It has peers, and clients at the control socket.
    Online {
        /// Where to listen; None: as the config says.
        listen: Option<SocketAddr>,
        /// Addresses of this machine besides those of its interfaces and of the config.
        addresses: Vec<SocketAddr>,
    },
    /// Neither: for a command that works on the store itself.
    Offline,
}

/// Why a node cannot start, or a store not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The data directory.
    #[error(transparent)]
    Home(#[from] home::Error),
    /// There is a store, but no key for it. Nothing was changed.
    #[error("{} has a network in it, but no key: was the key file removed?", path.display())]
    NoKey {
        /// The directory.
        path: PathBuf,
    },
    /// The store.
    #[error(transparent)]
    Store(store::Error),
    /// The network. Nothing was changed.
    #[error(transparent)]
    Net(#[from] net::Error),
    /// The control socket. Nothing was changed.
    #[error("cannot serve the control socket at {}", path.display())]
    Socket {
        /// The socket.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The system gave no thread. Nothing was changed.
    #[error("the system gave no thread")]
    Thread(#[source] std::io::Error),
    /// A name that no network or machine may have. Nothing was changed.
    #[error("the name \"{name}\" is not allowed: 1 to 64 bytes without control characters")]
    Name {
        /// The name, cleaned.
        name: String,
    },
    /// What a member sent is no root. Nothing was changed.
    #[error("the root that was received does not hold: {why}")]
    Admission {
        /// In words.
        why: String,
    },
    /// A part of the start failed in a way that it never should.
    #[error("the start failed: {why}")]
    Broken {
        /// In words.
        why: String,
    },
}

/// Why a running node wants to end; its owner calls [`Node::stop`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// A client asked it to.
    Asked,
    /// It cannot go on.
    Failed {
        /// In words.
        why: String,
    },
}

/// A running node. Dropping it ends it without waiting; [`Node::stop`] is the way to end it well.
#[derive(Debug)]
pub struct Node {
    desk: Desk,
    ender: Ender,
    /// Gives the network back when the driver has ended.
    driver: JoinHandle<Option<Arc<Net>>>,
    book: watch::Receiver<Book>,
    /// Ends when the address book is written for the last time.
    books: JoinHandle<()>,
    /// Ends when the last reader of the store has closed it.
    closed: mpsc::Receiver<Infallible>,
    /// Held by each client's task, to see when the last one has ended.
    client: mpsc::Sender<()>,
    clients: mpsc::Receiver<()>,
    socket: Option<PathBuf>,
    /// None: there is no data directory.
    lock: Option<Lock>,
}

/// Takes the directory's lock and starts a node.
///
/// # Errors
/// See [`Error`]; [`home::Error::InUse`] when another process has the directory.
pub async fn start(home: &Home, options: Options) -> Result<Node, Error> {
    let lock = home.lock()?;
    start_locked(home, lock, options).await
}

/// As [`start`], with the lock that the caller took.
///
/// # Errors
/// See [`Error`].
pub async fn start_locked(home: &Home, lock: Lock, options: Options) -> Result<Node, Error> {
    start_in(home, lock, options, Surroundings::real()).await
}

/// As [`start_locked`], in surroundings of the caller's choice.
///
/// # Errors
/// See [`Error`].
pub async fn start_in(
    home: &Home,
    lock: Lock,
    options: Options,
    surroundings: Surroundings,
) -> Result<Node, Error> {
    let opened = setup::open(home, options, surroundings).await?;
    let node = setup::begin(opened, Some(lock))?;
    let listening = node.listening().map(tracing::field::display);
    info!(listening, "the node runs");
    Ok(node)
}

impl Node {
    /// A new client's end of a connection in memory. Must be called in a tokio runtime.
    pub fn pipe(&self) -> tokio::io::DuplexStream {
        let (near, far) = tokio::io::duplex(PIPE_BYTES);
        let (desk, client) = (self.desk.clone(), self.client.clone());
        tokio::spawn(async move {
            serve::serve(desk, far).await;
            drop(client);
        });
        near
    }

    /// Where it listens; None: offline.
    pub fn listening(&self) -> Option<SocketAddr> {
        self.desk.shared.listening
    }

    /// The address book as the driver last told it.
    pub fn book(&self) -> Book {
        self.book.borrow().clone()
    }

    /// Waits until a client asks it to stop, or it cannot go on.
    pub async fn stopped(&self) -> Stopped {
        let mut run = self.desk.run.subscribe();
        let told = run
            .wait_for(|run| *run != Run::On)
            .await
            .map(|run| run.clone());
        match told {
            Ok(Run::Failed(why)) => Stopped::Failed { why },
            Ok(Run::On | Run::Asked | Run::Over) | Err(_) => Stopped::Asked,
        }
    }

    /// Ends it: takes no more requests, commits what is queued and answers it, tells the peers, writes the address book, closes
    /// the store cleanly, removes the socket and gives the lock back.
    pub async fn stop(self) {
        let Self {
            desk,
            ender,
            driver,
            book: _,
            books,
            mut closed,
            client,
            mut clients,
            socket,
            lock,
        } = self;
        drop(ender);
        let net = driver.await.unwrap_or_else(|error| {
            warn!(%error, "the driver did not end well");
            None
        });
        drop((client, desk));
        let closing = async {
            if let Some(net) = net {
                close(net).await;
            }
            if books.await.is_err() {
                warn!("the address book could not be written for the last time");
            }
            // Each client is done within two seconds; nothing is ever sent here.
            while clients.recv().await.is_some() {}
            // The last reader of the store closes it; another process may open it only then.
            while closed.recv().await.is_some() {}
        };
        if tokio::time::timeout(CLOSING_PATIENCE, closing)
            .await
            .is_err()
        {
            warn!("the node ends although not everything was closed in time");
        }
        if let Some(socket) = socket {
            drop(std::fs::remove_file(socket)); // It may be gone already.
        }
        drop(lock);
        info!("the node has stopped");
    }
}

/// Ends the node's threads and tasks when it is dropped.
#[derive(Debug)]
struct Ender(watch::Sender<Run>);

impl Drop for Ender {
    fn drop(&mut self) {
        self.0.send_replace(Run::Over);
    }
}

/// Closes the network once nobody answers a WANT any more.
async fn close(mut net: Arc<Net>) {
    loop {
        match Arc::try_unwrap(net) {
            Ok(net) => return net.close().await,
            Err(shared) => net = shared,
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
