//! The demo's machines: each a real node on a data directory of its own, joined with a real ticket.
//!
//! The network and what a machine learns of it when it joins come about as with `fedag init`, `fedag invite` and `fedag join`;
//! only the sockets are those of [`Wires`].
//!
//! With a seed the keys come from it and the clock of events stands still, so that the same events are made again. Whoever knows
//! the seed knows the keys: such a network is for pictures.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::control::client::Client;
use crate::control::{Reply, Request};
use crate::demo::Error;
use crate::demo::scene::Machine;
use crate::demo::scratch::Scratch;
use crate::demo::wires::Wires;
use crate::event::key::Key;
use crate::event::wall::WallTime;
use crate::limits::{DEMO_IDLE, DEMO_KEEP_ALIVE, DEMO_START};
use crate::net::join::Newcomer;
use crate::net::patience::Patience;
use crate::net::sockets::Sockets;
use crate::net::workers::Workers;
use crate::node::clock::{Clock, Random};
use crate::node::home::Home;
use crate::node::home::files::Config;
use crate::node::surroundings::Surroundings;
use crate::node::{self, Mode, Names, Node};
use crate::wire::ticket::Ticket;

/// The name of the network.
const NETWORK: &str = "demo";
/// What the clock of events says with a seed: 2026-11-22, 12:00.
const SEEDED_MS: u64 = 1_795_348_800_000;
/// For how long the demo's tickets are good, in seconds.
const TICKET_S: u64 = 3600;

/// The machines' places and the wires between them.
#[derive(Debug)]
pub struct Lab {
    /// The wires.
    pub wires: Wires,
    /// The machines' places, in the order of [`Machine::ALL`].
    pub places: [Place; Machine::ALL.len()],
    _scratch: Scratch,
}

/// Where a machine lives: what survives its node.
#[derive(Clone, Debug)]
pub struct Place {
    machine: Machine,
    home: Home,
    address: SocketAddr,
    wires: Wires,
    luck: Luck,
}

/// A node that runs, and a client of it.
#[derive(Debug)]
pub struct Running {
    /// The node.
    pub node: Node,
    /// A client of it.
    pub client: Client,
}

impl Lab {
    /// Makes the network, lets all machines in, and waits until each holds what the others do. Must be called in a tokio
    /// runtime.
    ///
    /// # Errors
    /// See [`Error`]; the directory is removed.
    pub async fn open(seed: Option<u64>) -> Result<(Self, [Running; Machine::ALL.len()]), Error> {
        let scratch = Scratch::make().map_err(Error::Directory)?;
        let wires = Wires::new();
        let place = |machine: Machine| -> Result<Place, Error> {
            Ok(Place {
                machine,
                home: Home::create(&scratch.path().join(machine.name()))
                    .map_err(node::Error::Home)?,
                address: free_address().map_err(Error::Directory)?,
                wires: wires.clone(),
                luck: Luck::new(seed, machine),
            })
        };
        let places = [
            place(Machine::Ana)?,
            place(Machine::Bob)?,
            place(Machine::Cy)?,
        ];
        let [ana, bob, cy] = &places;
        ana.found()?;
        let first = ana.start().await?;
        bob.join(&first.client).await?;
        let second = bob.start().await?;
        settled(&second.client, 2).await?;
        cy.join(&first.client).await?;
        let third = cy.start().await?;
        for client in [&third.client, &second.client, &first.client] {
            settled(client, 3).await?;
        }
        let lab = Self {
            wires,
            places,
            _scratch: scratch,
        };
        Ok((lab, [first, second, third]))
    }

    /// A machine's place.
    pub fn place(&self, machine: Machine) -> &Place {
        &self.places[machine.index()]
    }
}

impl Place {
    /// Its data directory.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// Where its node listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts the node. Must be called in a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Node`].
    pub async fn start(&self) -> Result<Running, Error> {
        let lock = self.home.lock().map_err(node::Error::Home)?;
        self.wires.set_dark(self.machine, false);
        let mode = Mode::Online {
            listen: Some(self.address),
            addresses: Vec::new(),
        };
        let surroundings = self.surroundings();
        let node = node::start_in(&self.home, lock, node::Options { mode }, surroundings).await?;
        let client = Client::new(node.pipe());
        Ok(Running { node, client })
    }

    fn surroundings(&self) -> Surroundings {
        Surroundings {
            clock: self.luck.clock(),
            random: self.luck.random(),
            workers: Workers::Threads,
            sockets: self.sockets(),
            patience: Patience {
                idle: DEMO_IDLE,
                keep_alive: DEMO_KEEP_ALIVE,
            },
            recorder: None,
        }
    }

    fn sockets(&self) -> Sockets {
        Sockets::Other(self.wires.plug(self.machine))
    }

    fn config(&self) -> Config {
        Config {
            name: self.machine.name().to_owned(),
            listen: self.address,
            addresses: Vec::new(),
        }
    }

    fn key(&self) -> Result<Key, Error> {
        let seed = self.luck.random().seed();
        Ok(self.home.key_or_make(seed).map_err(node::Error::Home)?)
    }

    /// Starts the network.
    fn found(&self) -> Result<(), Error> {
        let names = Names {
            network: NETWORK.to_owned(),
            machine: self.machine.name().to_owned(),
        };
        let key = self.key()?;
        self.home
            .write_config(&self.config())
            .map_err(node::Error::Home)?;
        node::create_root(&self.home, names, &key, self.luck.clock().wall())?;
        Ok(())
    }

    /// Joins with a ticket of the member behind `client`.
    async fn join(&self, client: &Client) -> Result<(), Error> {
        let request = Request::Invite {
            expires_s: TICKET_S,
            uses: 0,
            reuse: true,
        };
        let Reply::Ticket { text, .. } = client.ask(request).await? else {
            return Err(Error::Answer);
        };
        let ticket = Ticket::parse(&text).map_err(Error::Ticket)?;
        let key = self.key()?;
        let newcomer = Newcomer {
            key: &key,
            ticket: &ticket,
            name: self.machine.name(),
        };
        let admission = newcomer.join(&self.sockets()).await?;
        let home = &self.home;
        let mut book = home.book().map_err(node::Error::Home)?;
        for (machine, address) in ticket.addresses.iter().rev() {
            book.keep(*machine, *address);
        }
        home.write_book(&book).map_err(node::Error::Home)?;
        home.write_config(&self.config())
            .map_err(node::Error::Home)?;
        node::create_joined(home, &admission)?;
        Ok(())
    }
}

#[cfg(feature = "mutants")]
impl Place {
    /// Makes the store anew, with R alone.
    pub(super) fn empty(&self) -> Result<(), Error> {
        use crate::net::Admission;
        use crate::store::Store;
        use crate::store::disk::DiskStore;
        use crate::wire::codec;

        let path = self.home.store_path();
        let store = DiskStore::open(&path).map_err(node::Error::Store)?;
        let root = store.index().map_err(node::Error::Store)?.root;
        drop(store);
        std::fs::remove_file(&path).map_err(Error::Directory)?;
        let admission = Admission {
            root: codec::encode_event(&root),
            credential: self.home.credential().map_err(node::Error::Home)?,
        };
        node::create_joined(&self.home, &admission)?;
        Ok(())
    }
}

/// Waits until a node says that it has converged with all of so many members.
async fn settled(client: &Client, members: u64) -> Result<(), Error> {
    let mut replies = client.stream(Request::Watch {});
    let wait = async {
        while let Some(reply) = replies.next().await {
            let Reply::Status(status) = reply? else {
                return Err(Error::Answer);
            };
            if status.converged && status.members == members {
                return Ok(());
            }
        }
        Err(Error::Answer)
    };
    let waited = tokio::time::timeout(DEMO_START, wait).await;
    waited.unwrap_or(Err(Error::NotStarted))
}

/// A port of 127.0.0.1 that is free now.
fn free_address() -> std::io::Result<SocketAddr> {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// Where a machine's randomness and its clock come from.
#[derive(Clone, Debug)]
struct Luck {
    /// None: from the system.
    seed: Option<u64>,
    /// Drawn so often.
    drawn: Arc<AtomicU64>,
}

impl Luck {
    fn new(seed: Option<u64>, machine: Machine) -> Self {
        // Each machine draws its own numbers of the one sequence.
        let from = (machine.index() as u64) << 32;
        Self {
            seed,
            drawn: Arc::new(AtomicU64::new(from)),
        }
    }

    fn clock(&self) -> Clock {
        match self.seed {
            None => Clock::start(),
            Some(_) => {
                Clock::standing_at(WallTime::from_ms(SEEDED_MS).expect("it is not after the bound"))
            }
        }
    }

    fn random(&self) -> Random {
        let Some(seed) = self.seed else {
            return Random::system();
        };
        let drawn = Arc::clone(&self.drawn);
        Random::of(move || {
            let mut bytes = [0; 32];
            for eight in bytes.chunks_exact_mut(8) {
                let at = drawn.fetch_add(1, Ordering::Relaxed);
                eight.copy_from_slice(&mixed(seed, at).to_le_bytes());
            }
            bytes
        })
    }
}

/// The number at a place of the sequence of `seed`. Source: Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators" (2014), section 4.
fn mixed(seed: u64, at: u64) -> u64 {
    let mut z = seed.wrapping_add((at + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
