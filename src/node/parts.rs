//! What a driver is made of and what it reads from; put together by `setup`.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::event::index::Index;
use crate::machine::Config;
use crate::net::{Happening, Net};
use crate::node::ask::{LocalRequest, Progress, Question, Run, Shared};
use crate::node::commit::{Done, Job};
use crate::node::damage::Damage;
use crate::node::home::acknowledged::Acknowledged;
use crate::node::home::book::Book;
use crate::node::publish::Publisher;

/// What the driver reads from.
#[derive(Debug)]
pub(crate) struct Inbox {
    pub(crate) done: mpsc::Receiver<Done>,
    pub(crate) asks: mpsc::Receiver<Question>,
    /// Closed from the start when there is no network.
    pub(crate) happenings: mpsc::Receiver<Happening>,
    pub(crate) requests: mpsc::Receiver<LocalRequest>,
    pub(crate) damage: mpsc::Receiver<Damage>,
    pub(crate) run: watch::Receiver<Run>,
}

/// What a driver is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) shared: Arc<Shared>,
    pub(crate) config: Config,
    pub(crate) seed: u64,
    pub(crate) index: Index,
    pub(crate) net: Option<Arc<Net>>,
    pub(crate) publisher: Option<Publisher>,
    pub(crate) jobs: mpsc::Sender<Job>,
    pub(crate) progress: watch::Sender<Progress>,
    pub(crate) run: watch::Sender<Run>,
    /// Whom to dial, and where the latest address book goes to be written.
    pub(crate) book: Book,
    pub(crate) books: watch::Sender<Book>,
    /// What was acknowledged before the start, and where to tell of damaged events.
    pub(crate) acknowledged: Acknowledged,
    pub(crate) damage: mpsc::Sender<Damage>,
}
