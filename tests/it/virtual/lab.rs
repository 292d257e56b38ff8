//! Some machines with real nodes on one virtual network.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fedag::control::client::{Client, Pending};
use fedag::control::view::Status;
use fedag::control::{AddOutcome, Reply, Request};
use fedag::event::key::Key;
use fedag::event::wall::WallTime;
use fedag::net::Admission;
use fedag::net::join::Newcomer;
use fedag::net::patience::Patience;
use fedag::net::sockets::Sockets;
use fedag::net::workers::Workers;
use fedag::node::bare::{self, Bare};
use fedag::node::clock::{Clock, Random};
use fedag::node::home::book::Book;
use fedag::node::surroundings::Surroundings;
use fedag::node::{Names, Node, joined_record, root_record};
use fedag::store::memory::MemoryStore;
use fedag::wire::ticket::Ticket;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde_json::value::RawValue;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::ether::{Ether, Plug, ip};
use super::witness::Witness;

/// What the wall clock says at the start, milliseconds since 1970.
const BEGUN_MS: u64 = 1_700_000_000_000;
const PORT: u16 = 4433;

/// The machines, and what they acknowledged.
pub(super) struct Lab {
    pub(super) rng: Pcg64Mcg,
    pub(super) ether: Ether,
    pub(super) witness: Witness,
    pub(super) hosts: Vec<Host>,
    /// Uuids of all events of which a node said that they are durable.
    pub(super) acknowledged: BTreeSet<String>,
    adding: JoinSet<Vec<String>>,
    begun: Instant,
}

/// A computer with a machine: what survives its node, and the node.
pub(super) struct Host {
    key: Key,
    pub(super) store: Arc<MemoryStore>,
    credential: Vec<Vec<u8>>,
    book: Book,
    /// None: it is down.
    pub(super) running: Option<Running>,
}

pub(super) struct Running {
    node: Node,
    pub(super) client: Client,
}

impl Lab {
    /// The network of one machine. Must be called in a runtime with paused time.
    pub(super) fn new(seed: u64, witness: Witness) -> Self {
        let key = key(0);
        let names = Names {
            network: "lab".into(),
            machine: "m0".into(),
        };
        let wall = WallTime::from_ms(BEGUN_MS).unwrap();
        let root = root_record(names, &key, wall).unwrap();
        let mut lab = Self {
            rng: Pcg64Mcg::seed_from_u64(seed),
            ether: Ether::new(seed),
            witness,
            hosts: vec![Host {
                key,
                store: Arc::new(MemoryStore::new(&root)),
                credential: Vec::new(),
                book: Book::default(),
                running: None,
            }],
            acknowledged: BTreeSet::new(),
            adding: JoinSet::new(),
            begun: Instant::now(),
        };
        lab.start(0);
        lab
    }

    fn sockets(&self, host: usize) -> Sockets {
        let ether = self.ether.clone();
        Sockets::Other(Arc::new(Plug { ether, host }))
    }

    /// Starts the node of a host that is down.
    pub(super) fn start(&mut self, host: usize) {
        let passed = u64::try_from(self.begun.elapsed().as_millis()).unwrap();
        let random = Mutex::new(Pcg64Mcg::seed_from_u64(self.rng.random()));
        let surroundings = Surroundings {
            clock: Clock::start_at(WallTime::from_ms(BEGUN_MS + passed).unwrap()),
            random: Random::of(move || random.lock().unwrap().random()),
            workers: Workers::Inline,
            sockets: self.sockets(host),
            patience: Patience::default(),
            recorder: Some(self.witness.of(host)),
        };
        let Host {
            key,
            store,
            credential,
            book,
            running,
        } = &mut self.hosts[host];
        assert!(running.is_none(), "it runs already");
        store
            .fail_switch()
            .store(false, std::sync::atomic::Ordering::SeqCst);
        let bare = Bare {
            key: key.clone(),
            store: store.clone(),
            credential: credential.clone(),
            book: book.clone(),
            listen: (ip(host), PORT).into(),
        };
        let node = bare::start(bare, surroundings).unwrap();
        let client = Client::new(node.pipe());
        *running = Some(Running { node, client });
    }

    pub(super) fn begun(&self) -> Instant {
        self.begun
    }

    pub(super) fn is_up(&self, host: usize) -> bool {
        self.hosts[host].running.is_some()
    }

    /// The hosts that are up, ascending.
    pub(super) fn up(&self) -> Vec<usize> {
        (0..self.hosts.len())
            .filter(|host| self.is_up(*host))
            .collect()
    }

    /// The power goes out: nothing more comes from it, nothing more is written.
    pub(super) fn kill(&mut self, host: usize) {
        self.ether.unplug(host);
        let host = &mut self.hosts[host];
        host.store
            .fail_switch()
            .store(true, std::sync::atomic::Ordering::SeqCst);
        let Running { node, client } = host.running.take().expect("it is up");
        host.book = node.book();
        drop((client, node));
    }

    /// Ends the node in good order, and its process with all sockets.
    pub(super) async fn stop(&mut self, host: usize) {
        let Running { node, client } = self.hosts[host].running.take().expect("it is up");
        self.hosts[host].book = node.book();
        drop(client);
        node.stop().await;
        self.ether.unplug(host);
    }

    /// A new host, let in by a ticket of `via`; knocks until it is let in.
    pub(super) async fn join(&mut self, via: usize) {
        self.join_all(via, 1).await;
    }

    /// As many new hosts; none starts before all are let in.
    pub(super) async fn join_all(&mut self, via: usize, count: usize) {
        let first = self.hosts.len();
        for host in first..first + count {
            self.let_in(via, host).await;
        }
        for host in first..first + count {
            self.start(host);
        }
    }

    async fn let_in(&mut self, via: usize, host: usize) {
        let key = key(host);
        let mut admission = None;
        while admission.is_none() {
            admission = self.knock(via, host, &key).await;
        }
        let (admission, ticket) = admission.unwrap();
        let mut book = Book::default();
        for (machine, address) in ticket.addresses.iter().rev() {
            book.keep(*machine, *address);
        }
        self.hosts.push(Host {
            key,
            store: Arc::new(MemoryStore::new(&joined_record(&admission).unwrap())),
            credential: admission.credential,
            book,
            running: None,
        });
    }

    async fn knock(&self, via: usize, host: usize, key: &Key) -> Option<(Admission, Ticket)> {
        sleep(Duration::from_millis(200)).await;
        let request = Request::Invite {
            expires_s: 86_400,
            uses: 0,
            reuse: true,
        };
        // As long as it is joining itself it cannot invite.
        let Ok(Reply::Ticket { text, .. }) = self.client(via).ask(request).await else {
            return None;
        };
        let ticket = Ticket::parse(&text).unwrap();
        let newcomer = Newcomer {
            key,
            ticket: &ticket,
            name: &format!("m{host}"),
        };
        let admission = newcomer.join(&self.sockets(host)).await.ok()?;
        Some((admission, ticket))
    }

    fn client(&self, host: usize) -> &Client {
        &self.hosts[host].running.as_ref().expect("it is up").client
    }

    /// Adds so many events of so many bytes at a host, and does not wait until they are durable.
    pub(super) async fn add(&mut self, host: usize, count: usize, bytes: usize) {
        let text = "x".repeat(bytes);
        let event = |_| {
            let number: u32 = self.rng.random();
            RawValue::from_string(format!("{{\"n\":{number},\"text\":\"{text}\"}}")).unwrap()
        };
        let events = (0..count).map(event).collect();
        let pending = self.client(host).begin(Request::Add { events }).await;
        self.adding.spawn(outcomes(pending.unwrap()));
    }

    /// Takes the answers that have come.
    pub(super) fn note_answers(&mut self) {
        while let Some(uuids) = self.adding.try_join_next() {
            self.acknowledged.extend(uuids.unwrap());
        }
    }

    pub(super) async fn status(&self, host: usize) -> Status {
        let Ok(Reply::Status(status)) = self.client(host).ask(Request::Status {}).await else {
            panic!("host {host} has no status");
        };
        *status
    }

    /// Waits until all hosts are up and say CONVERGED with one digest; the time that it took, or None.
    pub(super) async fn converged(&mut self, within: Duration) -> Option<Duration> {
        self.until_one_digest(|status| status.converged, within)
            .await
    }

    /// Waits until all hosts hold the same, so many events at least; the time that it took, or None.
    pub(super) async fn agreed(&mut self, events: usize, within: Duration) -> Option<Duration> {
        self.until_one_digest(|status| status.events >= events as u64, within)
            .await
    }

    async fn until_one_digest(
        &mut self,
        is_there: impl Fn(&Status) -> bool,
        within: Duration,
    ) -> Option<Duration> {
        let begun = Instant::now();
        while begun.elapsed() < within {
            let mut digests = BTreeSet::new();
            let mut are_there = true;
            for host in 0..self.hosts.len() {
                let status = self.status(host).await;
                are_there &= is_there(&status);
                digests.insert(status.digest);
            }
            if are_there && digests.len() == 1 {
                self.note_answers();
                return Some(begun.elapsed());
            }
            sleep(Duration::from_millis(100)).await;
        }
        None
    }

    /// Recomputes everything at a host; what is wrong.
    pub(super) async fn verify(&self, host: usize) -> Vec<String> {
        let mut replies = self.client(host).stream(Request::Verify {});
        while let Some(reply) = replies.next().await {
            if let Reply::Verified(report) = reply.unwrap() {
                return report.wrong;
            }
        }
        vec!["there was no report".to_owned()]
    }
}

fn key(host: usize) -> Key {
    Key::from_seed([u8::try_from(host + 1).unwrap(); 32])
}

/// Uuids of the events that were added; none when the node went away or refused.
async fn outcomes(pending: Pending) -> Vec<String> {
    let Ok(Reply::Added(outcomes)) = pending.answer().await else {
        return Vec::new();
    };
    let uuid = |outcome| match outcome {
        AddOutcome::Added { uuid, .. } => Some(uuid),
        AddOutcome::Refused(_) => None,
    };
    outcomes.into_iter().filter_map(uuid).collect()
}
