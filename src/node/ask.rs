//! How the rest of the node speaks with the driver: questions about what it owns, and requests to change it.
//!
//! A question is a function that runs on the driver's thread and so must be short: it takes ids, labels and positions;
//! bodies are read from the store by the asker. All channels are bounded: at the bound the asker waits.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use crate::control::Failure;
use crate::dag::Dag;
use crate::event::Event;
use crate::event::canon::Properties;
use crate::event::control::Rules;
use crate::event::id::EventId;
use crate::event::index::Arrival;
use crate::event::key::{Key, MachineId};
use crate::machine::Machine;
use crate::machine::effect::Refused;
use crate::net::workers::Workers;
use crate::node::clock::{Clock, Random};
use crate::node::commit::Ledger;
use crate::node::failure;
use crate::node::invites::Invites;
use crate::node::links::Links;
use crate::node::names::Names;
use crate::node::order::CausalOrder;
use crate::node::recent::Recent;
use crate::node::surroundings::Recorder;
use crate::store::Store;

/// What never changes while a node runs, and what is shared behind locks of its own.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) workers: Workers,
    pub(crate) recorder: Option<Arc<dyn Recorder>>,
    pub(crate) key: Key,
    pub(crate) root: Event,
    pub(crate) rules: Rules,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) invites: Invites,
    /// None: offline.
    pub(crate) listening: Option<SocketAddr>,
    /// Where it would listen, for tickets made offline.
    pub(crate) would_listen: Option<SocketAddr>,
    /// The name that was asked for when joining, until the DAG tells it.
    pub(crate) joining_as: Option<String>,
    /// Those of `--address`.
    pub(crate) addresses: Vec<SocketAddr>,
}

/// What a question may look at, on the driver's thread.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) machine: &'a Machine,
    pub(crate) dag: &'a Dag,
    pub(crate) causal: &'a mut CausalOrder,
    pub(crate) names: &'a Names,
    pub(crate) ledger: &'a Ledger,
    pub(crate) links: &'a Links,
    pub(crate) recent: &'a Recent,
    pub(crate) shared: &'a Shared,
    /// Failures of the store since the start.
    pub(crate) store_failures: u64,
    /// Damaged events that are known of.
    pub(crate) damaged: usize,
    /// Events that were acknowledged as held and are not.
    pub(crate) lost: u32,
}

impl Seen<'_> {
    /// Where the event's body is.
    pub(crate) fn body(&self, at: Arrival) -> Body {
        Body {
            at,
            id: self.dag.id(at),
            event: self.ledger.unstored(at).cloned(),
        }
    }
}

/// Where an event's body is: in the store, unless it is not durable yet.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) at: Arrival,
    pub(crate) id: EventId,
    pub(crate) event: Option<Event>,
}

/// A question. Told the failure instead when the store cannot even be read.
pub(crate) type Question = Box<dyn FnOnce(Result<&mut Seen<'_>, Failure>) + Send>;

/// Something that changes the machine.
#[derive(Debug)]
pub(crate) enum LocalRequest {
    /// Answered with the events when they are durable.
    Create {
        properties: Vec<Properties>,
        answer: oneshot::Sender<Result<Vec<Event>, Refused>>,
    },
    /// Answered with the invite when it is durable.
    Invite {
        key: MachineId,
        expires_ms: u64,
        uses: u64,
        answer: oneshot::Sender<Result<EventId, Refused>>,
    },
    /// Answered when the machine has it.
    Reachable {
        peer: MachineId,
        addresses: Vec<SocketAddr>,
        answer: oneshot::Sender<()>,
    },
}

/// How far the driver is; changes wake those who watch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// One past the last durable event.
    pub(crate) durable: u32,
    /// Counts everything that a client may want to see.
    pub(crate) changes: u64,
}

/// Whether the node goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Run {
    /// It does.
    On,
    /// A client asked it to stop.
    Asked,
    /// It cannot go on.
    Failed(String),
    /// Its owner stops it: connections end.
    Over,
}

/// The way to the driver; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    pub(crate) shared: Arc<Shared>,
    pub(crate) asks: mpsc::Sender<Question>,
    pub(crate) requests: mpsc::Sender<LocalRequest>,
    pub(crate) progress: watch::Receiver<Progress>,
    pub(crate) run: watch::Sender<Run>,
}

impl Desk {
    /// Runs `question` on the driver's thread.
    pub(crate) async fn ask<T, F>(&self, question: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(&mut Seen<'_>) -> T + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let question: Question = Box::new(move |seen| {
            let _gone = answer.send(seen.map(question));
        });
        self.asks
            .send(question)
            .await
            .map_err(|_| failure::stopping())?;
        answered.await.map_err(|_| failure::stopping())?
    }

    /// Hands a request to the driver and returns where the answer will come.
    pub(crate) async fn request<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<T>) -> LocalRequest,
    ) -> Result<oneshot::Receiver<T>, Failure> {
        let (answer, answered) = oneshot::channel();
        self.requests
            .send(request(answer))
            .await
            .map_err(|_| failure::stopping())?;
        Ok(answered)
    }

    /// Runs `work` where blocking work runs, and tells a panic there as a failure.
    pub(crate) async fn blocking<T, F>(&self, work: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(&Shared) -> Result<T, Failure> + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        match self.shared.workers.spawn(move || work(&shared)).await {
            Ok(result) => result,
            Err(error) => Err(failure::failed_because(format!(
                "a part of the node failed: {error}"
            ))),
        }
    }
}
