//! Puts a node together: opens what is in the data directory, starts the threads and tasks, and ties them to each other.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot, watch};
use tracing::warn;

use crate::event::index::{Arrival, Index};
use crate::event::key::{Key, MachineId};
use crate::limits::{ASK_QUEUE, BANS_EVERY, DAMAGED_MAX, INPUT_QUEUE, TAKE_BYTES_MAX};
use crate::machine;
use crate::net::{Happening, Known, Net};
use crate::node::ask::{Desk, Progress, Run, Shared};
use crate::node::closing::Closing;
use crate::node::damage::{Damage, Watched, search};
use crate::node::driver::Driver;
use crate::node::home::Home;
use crate::node::home::acknowledged::{Acknowledged, Keeper};
use crate::node::home::book::Book;
use crate::node::home::lock::Lock;
use crate::node::invites::{Invites, own_addresses};
use crate::node::parts::{Inbox, Parts};
use crate::node::publish::{Publisher, members};
use crate::node::surroundings::Surroundings;
use crate::node::{Ender, Error, Mode, Node, Options, commit, serve};
use crate::store::Store;
use crate::store::disk::DiskStore;
use crate::sync::outflow::Asking;
use crate::wire::codec;

/// All that a node is started with.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) home: Option<Home>,
    pub(crate) store: Arc<dyn Store>,
    /// Ends when the store is closed.
    pub(crate) closed: mpsc::Receiver<Infallible>,
    /// Events that are known to be damaged from the start.
    pub(crate) damaged: Vec<Arrival>,
    /// What was acknowledged before.
    pub(crate) keeper: Keeper,
    pub(crate) index: Index,
    pub(crate) key: Key,
    pub(crate) name: Option<String>,
    pub(crate) book: Book,
    /// Those of `--address` and of the config.
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) would_listen: Option<SocketAddr>,
    pub(crate) online: Option<Online>,
    pub(crate) surroundings: Surroundings,
}

/// What an online node has besides.
#[derive(Debug)]
pub(crate) struct Online {
    pub(crate) listen: SocketAddr,
    pub(crate) banned: BTreeSet<MachineId>,
    pub(crate) credential: Vec<Vec<u8>>,
}

/// Reads the data directory and opens the store. The caller holds the lock.
pub(crate) async fn open(
    home: &Home,
    options: Options,
    surroundings: Surroundings,
) -> Result<Opened, Error> {
    let home = home.clone();
    let opened = tokio::task::spawn_blocking(move || read(&home, options, surroundings)).await;
    opened.unwrap_or_else(|error| {
        Err(Error::Broken {
            why: error.to_string(),
        })
    })
}

fn read(home: &Home, options: Options, surroundings: Surroundings) -> Result<Opened, Error> {
    let key = home.key()?.ok_or_else(|| Error::NoKey {
        path: home.path().to_owned(),
    })?;
    let config = home.config()?;
    let store = DiskStore::open(&home.store_path()).map_err(Error::Store)?;
    let damaged = store.damaged().to_vec();
    let (store, closed) = Closing::new(store);
    let index = store.index().map_err(Error::Store)?;
    let configured = config.as_ref().map(|config| config.listen);
    let mut addresses = Vec::new();
    let online = match options.mode {
        Mode::Online {
            listen,
            addresses: given,
        } => {
            addresses = given;
            let any = SocketAddr::from((std::net::Ipv4Addr::UNSPECIFIED, 0));
            Some(Online {
                listen: listen.or(configured).unwrap_or(any),
                banned: home.bans()?.into_iter().collect(),
                credential: home.credential()?,
            })
        }
        Mode::Offline => None,
    };
    addresses.extend(
        config
            .iter()
            .flat_map(|config| config.addresses.iter().copied()),
    );
    Ok(Opened {
        store: Arc::new(store),
        closed,
        damaged,
        keeper: home.acknowledged(index.root.id()),
        index,
        key,
        name: config.map(|config| config.name),
        book: home.book()?,
        addresses,
        would_listen: configured.filter(|address| address.port() != 0),
        online,
        home: Some(home.clone()),
        surroundings,
    })
}

/// The network of an online node, and what comes from it.
struct Network {
    net: Arc<Net>,
    known: watch::Sender<Known>,
}

impl Network {
    fn publisher(&self) -> Publisher {
        Publisher::new(self.known.clone())
    }
}

fn network(
    opened: &Opened,
    online: &Online,
    happenings: mpsc::Sender<Happening>,
) -> Result<Network, Error> {
    let root = &opened.index.root;
    let (known, told) = watch::channel(Known {
        root: root.id(),
        root_author: root.raw().machine,
        rules: rules(&opened.index),
        members: Arc::new(members(&opened.index)),
        banned: Arc::new(online.banned.clone()),
        credential: Arc::new(online.credential.clone()),
    });
    let config = crate::net::Config {
        key: opened.key.clone(),
        listen: online.listen,
        sockets: opened.surroundings.sockets.clone(),
        patience: opened.surroundings.patience,
        workers: opened.surroundings.workers,
        start: opened.surroundings.random.number(),
        known: told,
    };
    Ok(Network {
        net: Arc::new(Net::start(config, happenings)?),
        known,
    })
}

fn rules(index: &Index) -> crate::event::control::Rules {
    match index.root.control() {
        crate::event::control::Control::Root(root) => root.rules,
        crate::event::control::Control::None
        | crate::event::control::Control::Invite(_)
        | crate::event::control::Control::Admit(_) => {
            unreachable!("the first event of a store is a root")
        }
    }
}

/// The control socket of an online node.
fn socket(opened: &Opened) -> Result<Option<(std::path::PathBuf, UnixListener)>, Error> {
    let (Some(home), Some(_)) = (&opened.home, &opened.online) else {
        return Ok(None);
    };
    let path = home.make_control_socket()?;
    let listener = serve::listen(&path).map_err(|source| Error::Socket {
        path: path.clone(),
        source,
    })?;
    Ok(Some((path, listener)))
}

/// Starts everything. Must be called in a tokio runtime.
pub(crate) fn begin(opened: Opened, lock: Option<Lock>) -> Result<Node, Error> {
    let (happened, happenings) = mpsc::channel(INPUT_QUEUE);
    let online = opened.online.as_ref();
    let network = online.map(|online| network(&opened, online, happened));
    let network = network.transpose()?;
    let socket = socket(&opened)?;
    let listening = network.as_ref().map(|network| network.net.listening());
    let (store, damage, damages) = watched(&opened);
    let shared = Arc::new(shared(&opened, store, listening)?);
    let root = codec::encode_event(&shared.root);
    let own = opened.key.machine();
    let (author, acknowledged, held) = author(own, opened.keeper, &opened.index);
    let workers = opened.surroundings.workers;
    let (jobs, done) = commit::start(workers, opened.store, root, author).map_err(Error::Thread)?;
    let (asks, questions) = mpsc::channel(ASK_QUEUE);
    let (requests, local) = mpsc::channel(INPUT_QUEUE);
    let (progress, told) = watch::channel(Progress::default()); // The driver tells of itself at once.
    let (run, whether) = watch::channel(Run::On);
    let (books, written) = watch::channel(opened.book.clone());
    let addresses = own_addresses(listening, &opened.addresses);
    let parts = Parts {
        shared: Arc::clone(&shared),
        config: config(&opened.key, addresses, acknowledged),
        seed: shared.random.number(),
        index: opened.index,
        net: network.as_ref().map(|network| Arc::clone(&network.net)),
        publisher: network.as_ref().map(Network::publisher),
        jobs,
        progress,
        run: run.clone(),
        book: opened.book,
        books,
        acknowledged,
        damage,
    };
    let inbox = Inbox {
        done,
        asks: questions,
        happenings,
        requests: local,
        damage: damages,
        run: whether,
    };
    let driver = drive(parts, inbox, run.clone())?;
    let desk = Desk {
        shared,
        asks,
        requests,
        progress: told,
        run,
    };
    if let (Some(home), Some(network)) = (&opened.home, network) {
        tend(&desk, home, network.known, held);
    }
    let (client, clients) = mpsc::channel(1);
    let socket = accept(&desk, &client, socket);
    Ok(Node {
        ender: Ender(desk.run.clone()),
        desk,
        driver,
        book: written.clone(),
        books: tokio::spawn(write_books(opened.home, written)),
        closed: opened.closed,
        client,
        clients,
        socket,
        lock,
    })
}

fn config(key: &Key, addresses: Vec<SocketAddr>, acknowledged: Acknowledged) -> machine::Config {
    machine::Config {
        key: key.clone(),
        addresses,
        take_bytes: TAKE_BYTES_MAX,
        asking: Asking::default(),
        seq_after: acknowledged.own_seq,
    }
}

/// What goes on beside the driver of a node with peers.
fn tend(desk: &Desk, home: &Home, known: watch::Sender<Known>, held: u32) {
    let run = desk.run.subscribe();
    tokio::spawn(watch_bans(home.clone(), known, run.clone()));
    tokio::spawn(search(Arc::clone(&desk.shared), held, run));
}

/// Serves the socket, if there is one; returns where it is.
fn accept(
    desk: &Desk,
    client: &mpsc::Sender<()>,
    socket: Option<(std::path::PathBuf, UnixListener)>,
) -> Option<std::path::PathBuf> {
    let (path, listener) = socket?;
    tokio::spawn(serve::accept(desk.clone(), listener, client.clone()));
    Some(path)
}

/// The store as all read it, and the way on which it tells the driver of damaged events; those that are known already first.
fn watched(opened: &Opened) -> (Arc<dyn Store>, mpsc::Sender<Damage>, mpsc::Receiver<Damage>) {
    let (damage, damages) = mpsc::channel(DAMAGED_MAX);
    for at in opened.damaged.iter().take(DAMAGED_MAX) {
        let told = damage.try_send(Damage::Met(*at));
        told.expect("there is room for so many");
    }
    let store = Watched::new(Arc::clone(&opened.store), damage.clone());
    (Arc::new(store), damage, damages)
}

/// Who writes here, and where is kept how much was acknowledged; that, and the number of events held.
fn author(own: MachineId, keeper: Keeper, index: &Index) -> (commit::Author, Acknowledged, u32) {
    let held = u32::try_from(index.rows.len()).expect("arrivals are u32");
    let acknowledged = keeper.so_far();
    (commit::Author { own, keeper }, acknowledged, held)
}

fn shared(
    opened: &Opened,
    store: Arc<dyn Store>,
    listening: Option<SocketAddr>,
) -> Result<Shared, Error> {
    let Surroundings {
        clock,
        random,
        workers,
        recorder,
        sockets: _,
        patience: _,
    } = opened.surroundings.clone();
    Ok(Shared {
        clock,
        random,
        workers,
        recorder,
        key: opened.key.clone(),
        rules: rules(&opened.index),
        store,
        invites: Invites::open(opened.home.clone(), clock.wall())?,
        listening,
        would_listen: opened.would_listen,
        joining_as: opened.name.clone(),
        addresses: opened.addresses.clone(),
        root: opened.index.root.clone(),
    })
}

/// Runs the driver on a thread of its own. The task ends with it; a panic there is told as a failure of the node.
fn drive(
    parts: Parts,
    inbox: Inbox,
    run: watch::Sender<Run>,
) -> Result<tokio::task::JoinHandle<Option<Arc<Net>>>, Error> {
    let (ended, end) = oneshot::channel();
    let workers = parts.shared.workers;
    let work = async move {
        let net = Driver::new(parts).run(inbox).await;
        drop(ended.send(net)); // Nobody waits when the node was dropped.
    };
    workers.begin("fedag-driver", work).map_err(Error::Thread)?;
    Ok(tokio::spawn(async move {
        end.await.unwrap_or_else(|_| {
            run.send_replace(Run::Failed(
                "a part of the program that should not fail did: see the log".to_owned(),
            ));
            None
        })
    }))
}

/// Writes the latest address book whenever there is a new one; ends with the driver.
async fn write_books(home: Option<Home>, mut books: watch::Receiver<Book>) {
    while books.changed().await.is_ok() {
        let book = books.borrow_and_update().clone();
        let Some(home) = home.clone() else { continue };
        match tokio::task::spawn_blocking(move || home.write_book(&book)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(%error, "the address book could not be written"),
            Err(error) => warn!(%error, "the address book could not be written"),
        }
    }
}

/// Looks at the ban list every `limits::BANS_EVERY`, and tells the network of changes.
async fn watch_bans(home: Home, known: watch::Sender<Known>, mut run: watch::Receiver<Run>) {
    loop {
        tokio::select! {
            biased;
            _ended = run.wait_for(|run| *run == Run::Over) => return,
            () = tokio::time::sleep(BANS_EVERY) => {}
        }
        let home = home.clone();
        match tokio::task::spawn_blocking(move || home.bans()).await {
            Ok(Ok(bans)) => {
                let bans: BTreeSet<_> = bans.into_iter().collect();
                known.send_if_modified(|known| {
                    let changed = *known.banned != bans;
                    if changed {
                        known.banned = Arc::new(bans);
                    }
                    changed
                });
            }
            Ok(Err(error)) => {
                warn!(%error, "the ban list could not be read: the earlier one holds");
            }
            Err(error) => warn!(%error, "the ban list could not be read: the earlier one holds"),
        }
    }
}
