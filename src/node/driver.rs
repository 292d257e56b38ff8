//! The loop: collects inputs, calls `Machine::handle`, performs effects in order.
//!
//! Runs on a thread of its own, which owns the machine and all that follows from it, so a long step holds up no connection.
//! Inputs are taken in batches; between two batches a bounded number of questions is answered.
//!
//! Invariants:
//! - effects marked `Durable` leave after the appends before them, and in order (`commit`);
//! - no channel is read without a bound, and while much waits for the disk only the disk's results and wakeups are;
//! - after a failure of the store nothing of the lost appends is answered, and no input is handled until a write succeeded.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, watch};
use tracing::{debug, error, info, warn};

use crate::event::index::Index;
use crate::event::key::MachineId;
use crate::gossip::message::Reachable;
use crate::limits::{
    ASK_BATCH, GIVES_MAX, INPUT_BATCH, INPUT_BATCH_EVENTS, STORE_RETRY_MAX, STORE_RETRY_MIN,
    WATCH_EVERY,
};
use crate::machine::effect::{Effects, Refused};
use crate::machine::input::{Input, RequestId};
use crate::machine::{Config, Machine};
use crate::net::{Net, Refusal};
use crate::node::ask::{Progress, Question, Run, Seen, Shared};
use crate::node::commit::{Done, Job, Ledger};
use crate::node::damage::{Damage, Damaged};
use crate::node::failure::outage;
use crate::node::home::acknowledged::Acknowledged;
use crate::node::home::book::Book;
use crate::node::links::Links;
use crate::node::names::Names;
use crate::node::order::CausalOrder;
use crate::node::parts::{Inbox, Parts};
use crate::node::perform::Waiter;
use crate::node::publish::Publisher;
use crate::node::recent::Recent;
use crate::time::Time;

/// A failure of the store that is not over.
#[derive(Debug)]
struct Outage {
    why: String,
    wait: Duration,
    /// None: the store's thread is at it.
    next_try: Option<Time>,
    /// It tries, or tried last, to write and not only to read.
    writing: bool,
}

/// The owner of the machine.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) shared: Arc<Shared>,
    pub(crate) config: Config,
    pub(crate) seed: u64,
    /// None: the store failed and cannot be read.
    pub(crate) machine: Option<Machine>,
    effects: Effects,
    pub(crate) ledger: Ledger,
    pub(crate) waiters: BTreeMap<RequestId, Waiter>,
    pub(crate) next_request: u64,
    pub(crate) joins: usize,
    pub(crate) net: Option<Arc<Net>>,
    pub(crate) publisher: Option<Publisher>,
    pub(crate) gives: Arc<Semaphore>,
    jobs: mpsc::Sender<Job>,
    pub(crate) links: Links,
    pub(crate) damaged: Damaged,
    pub(crate) damage: mpsc::Sender<Damage>,
    pub(crate) acknowledged: Acknowledged,
    pub(crate) recent: Recent,
    causal: CausalOrder,
    names: Names,
    outage: Option<Outage>,
    store_failures: u64,
    /// When the states of peers were looked at last, and after how many changes.
    states_noted: (Time, u64),
    progress: watch::Sender<Progress>,
    pub(crate) changes: u64,
    run: watch::Sender<Run>,
    /// As told by the user and remembered by the machine last.
    book: Book,
    books: watch::Sender<Book>,
}

impl Driver {
    /// Opens the machine on what the store holds.
    pub(crate) fn new(parts: Parts) -> Self {
        let now = parts.shared.clock.now();
        let held = u32::try_from(parts.index.rows.len()).expect("arrivals are u32");
        Self {
            machine: Some(Machine::open(parts.index, parts.config.clone(), parts.seed)),
            shared: parts.shared,
            config: parts.config,
            seed: parts.seed,
            effects: Effects::default(),
            ledger: Ledger::new(held),
            waiters: BTreeMap::new(),
            next_request: 0,
            joins: 0,
            net: parts.net,
            publisher: parts.publisher,
            gives: Arc::new(Semaphore::new(GIVES_MAX)),
            jobs: parts.jobs,
            links: Links::new(now),
            damaged: Damaged::default(),
            damage: parts.damage,
            acknowledged: parts.acknowledged,
            recent: Recent::new(held),
            causal: CausalOrder::default(),
            names: Names::default(),
            outage: None,
            store_failures: 0,
            states_noted: (now, 0),
            progress: parts.progress,
            changes: 0,
            run: parts.run,
            book: parts.book,
            books: parts.books,
        }
    }

    /// Drives the machine until `Run::Over`; then commits what is queued and gives the network back.
    pub(crate) async fn run(mut self, mut inbox: Inbox) -> Option<Arc<Net>> {
        self.begin();
        loop {
            self.settle();
            if matches!(*inbox.run.borrow_and_update(), Run::Over) {
                break;
            }
            let open = !self.ledger.is_full();
            tokio::select! {
                biased;
                changed = inbox.run.changed() => {
                    if changed.is_err() {
                        break;
                    }
                }
                done = inbox.done.recv() => {
                    let Some(done) = done else {
                        self.fail("the thread of the store ended");
                        break;
                    };
                    self.on_done(done);
                }
                Some(question) = inbox.asks.recv() => self.answer(question),
                Some(damage) = inbox.damage.recv() => self.on_damage(damage),
                Some(happening) = inbox.happenings.recv(), if open => self.on_happening(happening),
                Some(request) = inbox.requests.recv(), if open => self.on_request(request),
                () = tokio::time::sleep(self.until_wakeup()) => self.on_wakeup(),
            }
            self.drain(&mut inbox);
            if self.until_wakeup().is_zero() {
                self.on_wakeup(); // Also when the channels are never empty.
            }
        }
        self.finish(&mut inbox).await;
        self.net
    }

    /// What has come meanwhile, a bounded amount of each kind.
    fn drain(&mut self, inbox: &mut Inbox) {
        for _ in 0..ASK_BATCH {
            let Ok(question) = inbox.asks.try_recv() else {
                break;
            };
            self.answer(question);
        }
        for _ in 0..INPUT_BATCH {
            if self.ledger.is_full() {
                return;
            }
            let Ok(request) = inbox.requests.try_recv() else {
                break;
            };
            self.on_request(request);
        }
        let enough = self.ledger.appended().saturating_add(INPUT_BATCH_EVENTS);
        for _ in 0..INPUT_BATCH {
            if self.ledger.is_full() || self.ledger.appended() >= enough {
                return;
            }
            let Ok(happening) = inbox.happenings.try_recv() else {
                break;
            };
            self.on_happening(happening);
        }
    }

    /// Tells the machine of everybody it knew before. Offline nobody is dialled, so nobody is a peer.
    fn begin(&mut self) {
        self.tell_lost();
        self.handle(Input::Wakeup);
        self.tell_damaged();
        if self.shared.listening.is_none() {
            return;
        }
        let Book { kept, known } = self.book.clone();
        let all = kept
            .into_iter()
            .map(|one| (one, true))
            .chain(known.into_iter().map(|one| (one, false)));
        for (
            Reachable {
                machine: peer,
                addresses,
            },
            keep,
        ) in all
        {
            self.handle(Input::Reachable {
                peer,
                addresses,
                keep,
            });
        }
    }

    /// The user told of a machine's addresses.
    pub(crate) fn on_told(&mut self, peer: MachineId, addresses: Vec<SocketAddr>) {
        for address in addresses.iter().rev() {
            self.book.keep(peer, *address);
        }
        self.books.send_replace(self.book.clone());
        self.handle(Input::Reachable {
            peer,
            addresses,
            keep: true,
        });
    }

    /// The machine asks to remember these.
    pub(crate) fn on_remember(&mut self, known: Vec<Reachable>) {
        self.book.known = known;
        self.books.send_replace(self.book.clone());
    }

    /// After each batch: begins a commit and tells who watches.
    fn settle(&mut self) {
        if self.outage.is_none()
            && let Some(job) = self.ledger.next_job()
        {
            self.jobs
                .try_send(job)
                .expect("one job is under way at a time");
        }
        if let (Some(publisher), Some(machine)) = (&mut self.publisher, &self.machine) {
            publisher.publish(&self.shared, machine, self.ledger.durable());
        }
        let now = self.shared.clock.now();
        if let Some(machine) = &self.machine
            && self.changes != self.states_noted.1
            && now.since(self.states_noted.0) >= WATCH_EVERY
        {
            self.states_noted = (now, self.changes);
            self.links.note_states(now, &machine.peers());
        }
        let progress = Progress {
            durable: self.ledger.durable(),
            changes: self.changes,
        };
        self.progress
            .send_if_modified(|told| std::mem::replace(told, progress) != progress);
    }

    fn until_wakeup(&self) -> Duration {
        const LONG: Duration = Duration::from_secs(3600);
        let at = match &self.outage {
            Some(outage) => outage.next_try,
            None => self.machine.as_ref().and_then(Machine::next_wakeup),
        };
        at.map_or(LONG, |at| at.since(self.shared.clock.now()).min(LONG))
    }

    fn on_wakeup(&mut self) {
        let now = self.shared.clock.now();
        match &self.outage {
            None => self.handle(Input::Wakeup),
            Some(outage) => {
                if outage.next_try.is_some_and(|at| at <= now) {
                    self.recover(true);
                }
            }
        }
    }

    /// One step of the machine, and what follows from it. Does nothing while the store fails.
    pub(crate) fn handle(&mut self, input: Input) {
        let (Some(machine), None) = (&mut self.machine, &self.outage) else {
            return;
        };
        let mut effects = std::mem::take(&mut self.effects);
        let (now, recorder) = (self.shared.clock.now(), &self.shared.recorder);
        let told = recorder.as_ref().map(|_| input.clone());
        machine.handle(now, input, &mut effects);
        if let (Some(recorder), Some(input)) = (recorder, told) {
            recorder.on_step(now, &input, effects.as_slice());
        }
        for (when, effect) in effects.drain() {
            self.take(when, effect);
        }
        self.effects = effects;
    }

    /// Why nothing can be written just now.
    pub(crate) fn outage(&self) -> Option<Refused> {
        self.outage.as_ref().map(|outage| Refused::Store {
            why: outage.why.clone(),
        })
    }

    fn answer(&mut self, question: Question) {
        let Some(machine) = &self.machine else {
            let why = self
                .outage
                .as_ref()
                .map_or("it cannot be read", |outage| &outage.why);
            return question(Err(outage(why)));
        };
        self.names.catch_up(machine.dag());
        question(Ok(&mut Seen {
            machine,
            dag: machine.dag(),
            causal: &mut self.causal,
            names: &self.names,
            ledger: &self.ledger,
            links: &self.links,
            recent: &self.recent,
            shared: &self.shared,
            store_failures: self.store_failures,
            damaged: self.damaged.len(),
            lost: self.acknowledged.lost(machine.dag().len()),
        }));
    }

    fn on_done(&mut self, done: Done) {
        match done {
            Done::Appended(Ok(acknowledged)) => {
                self.acknowledged = acknowledged;
                for deed in self.ledger.committed() {
                    self.perform(deed);
                }
                self.changes += 1;
                self.handle(Input::Stored {
                    up_to: crate::event::index::Arrival(self.ledger.durable()),
                });
            }
            Done::Appended(Err(why)) => self.on_outage(why),
            Done::Recovered { index, result } => self.on_recovered(index, result),
        }
    }

    /// An append failed: everybody is told, and the machine with its lost appends goes.
    fn on_outage(&mut self, why: String) {
        warn!(%why, "the store failed: nothing is taken until a write succeeds");
        let now = self.shared.clock.now();
        self.store_failures += 1;
        self.changes += 1;
        for (_, waiter) in std::mem::take(&mut self.waiters) {
            waiter.refuse(Refused::Store { why: why.clone() });
        }
        self.joins = 0;
        for peer in self.links.close_all(now) {
            self.hangup(peer);
        }
        self.machine = None;
        self.ledger = Ledger::new(self.ledger.durable());
        self.outage = Some(Outage {
            why,
            wait: STORE_RETRY_MIN,
            next_try: None,
            writing: false,
        });
        // What is durable can be shown meanwhile, if it can be read.
        self.recover(false);
    }

    fn recover(&mut self, write: bool) {
        if let Some(outage) = &mut self.outage {
            outage.writing = write;
            outage.next_try = None;
        }
        let job = Job::Recover {
            index: self.machine.is_none(),
            write,
        };
        self.jobs
            .try_send(job)
            .expect("one job is under way at a time");
    }

    fn on_recovered(&mut self, index: Option<Box<Index>>, result: Result<(), String>) {
        if let Some(index) = index {
            self.open(*index);
        }
        self.changes += 1;
        let Some(outage) = &mut self.outage else {
            return;
        };
        if result.is_ok() && outage.writing && self.machine.is_some() {
            info!("the store works again");
            self.outage = None;
            return self.begin();
        }
        if let Err(why) = result {
            outage.why = why;
        }
        outage.next_try = Some(self.shared.clock.now() + outage.wait);
        outage.wait = (outage.wait * 2).min(STORE_RETRY_MAX);
    }

    /// A machine from the store, in place of the one that was dropped.
    fn open(&mut self, index: Index) {
        let held = u32::try_from(index.rows.len()).expect("arrivals are u32");
        self.seed = self.seed.wrapping_add(1);
        self.config.seq_after = self.acknowledged.own_seq;
        self.machine = Some(Machine::open(index, self.config.clone(), self.seed));
        self.ledger = Ledger::new(held);
        self.recent = Recent::new(held);
        self.causal = CausalOrder::default();
        self.names = Names::default();
    }

    /// Closes a connection that the machine knows nothing of any more.
    pub(crate) fn hangup(&self, peer: MachineId) {
        if let Some(net) = &self.net {
            net.hangup(peer, Refusal::Stopping);
        }
    }

    /// The node cannot go on.
    fn fail(&self, why: &str) {
        error!("{why}");
        self.run.send_replace(Run::Failed(why.to_owned()));
    }

    /// Commits what is queued and performs what waited for it; then nothing is answered any more.
    async fn finish(&mut self, inbox: &mut Inbox) {
        inbox.requests.close();
        while self.outage.is_none() && !self.ledger.is_settled() {
            if let Some(job) = self.ledger.next_job() {
                self.jobs
                    .try_send(job)
                    .expect("one job is under way at a time");
            }
            match inbox.done.recv().await {
                Some(Done::Appended(Ok(_))) => {
                    for deed in self.ledger.committed() {
                        self.perform(deed);
                    }
                }
                Some(Done::Appended(Err(why))) => {
                    error!(%why, "the last events could not be written; nobody was told that they were");
                    break;
                }
                Some(Done::Recovered { .. }) | None => break,
            }
        }
        self.settle_last();
        debug!("the driver ends");
    }

    fn settle_last(&mut self) {
        let progress = Progress {
            durable: self.ledger.durable(),
            changes: self.changes + 1,
        };
        self.progress.send_replace(progress);
        self.waiters.clear();
    }
}
