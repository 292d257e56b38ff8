//! A member without a machine: what it sends is made by hand.

use std::net::SocketAddr;
use std::path::Path;

use fedag::event::canon::Properties;
use fedag::event::control::Control;
use fedag::event::id::EventId;
use fedag::event::key::{Key, MachineId};
use fedag::event::wall::WallTime;
use fedag::event::{Draft, Event, Raw};
use fedag::net::sockets::Sockets;
use fedag::net::workers::Workers;
use fedag::net::{self, Admission, Config, Happening, Known, Net};
use fedag::node::create_joined;
use fedag::node::home::{Home, files};
use fedag::wire::ticket::Ticket;
use fedag::wire::{Message, codec};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::support::PATIENCE;

/// Admitted with a ticket; it has no store and answers nobody.
pub(super) struct Odd {
    key: Key,
    root: Event,
    /// The machine that admitted it, and where it is.
    door: (MachineId, SocketAddr),
    net: Net,
    happenings: mpsc::Receiver<Happening>,
    _known: watch::Sender<Known>,
    runtime: Runtime,
}

/// Knocks with a ticket, as `fedag join` does.
pub(super) fn admitted(key: &Key, ticket: &str) -> (Runtime, Ticket, Admission) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let ticket = Ticket::parse(ticket).unwrap();
    let admission = runtime.block_on(net::join(key, &ticket, "odd")).unwrap();
    (runtime, ticket, admission)
}

/// Makes a data directory of a machine that was let in and has fetched nothing yet.
pub(super) fn enter(dir: &Path, ticket: &str) {
    let home = Home::create(dir).unwrap();
    let key = home.key_or_make([9; 32]).unwrap();
    let (_runtime, ticket, admission) = admitted(&key, ticket);
    let config = files::Config {
        name: "odd".to_owned(),
        listen: ([127, 0, 0, 1], 0).into(),
        addresses: Vec::new(),
    };
    home.write_config(&config).unwrap();
    let mut book = home.book().unwrap();
    let (machine, address) = ticket.addresses[0];
    book.keep(machine, address);
    home.write_book(&book).unwrap();
    create_joined(&home, &admission).unwrap();
}

impl Odd {
    /// Joins, and is connected to whoever made the ticket.
    pub(super) fn join(seed: u8, ticket: &str) -> Self {
        let key = Key::from_seed([seed; 32]);
        let (runtime, ticket, admission) = admitted(&key, ticket);
        let raw = codec::decode_event(&admission.root).unwrap();
        let root = Event::check_root(raw, admission.root.len()).unwrap();
        let Control::Root(control) = root.control() else {
            panic!("R is a root")
        };
        let door = ticket.addresses[0];
        let (publish, known) = watch::channel(Known {
            root: root.id(),
            root_author: root.raw().machine,
            rules: control.rules,
            members: std::sync::Arc::new([door.0, key.machine()].into()),
            banned: std::sync::Arc::default(),
            credential: std::sync::Arc::new(admission.credential),
        });
        let (tell, happenings) = mpsc::channel(4096);
        let config = Config {
            key: key.clone(),
            listen: ([127, 0, 0, 1], 0).into(),
            sockets: Sockets::Udp,
            patience: net::patience::Patience::default(),
            workers: Workers::Threads,
            start: seed.into(),
            known,
        };
        let net = runtime.block_on(async { Net::start(config, tell).unwrap() });
        let mut odd = Self {
            key,
            root,
            door,
            net,
            happenings,
            _known: publish,
            runtime,
        };
        odd.connect();
        odd
    }

    /// Dials until a connection stands.
    pub(super) fn connect(&mut self) {
        loop {
            let (peer, address) = self.door;
            self.runtime.block_on(async {
                self.net.dial(peer, vec![address]);
            });
            let is_over = |happening: &Happening| {
                matches!(
                    happening,
                    Happening::Connected { .. } | Happening::DialFailed { .. }
                )
            };
            if let Happening::Connected { peer, number, .. } = self.wait(is_over) {
                self.net.begin(peer, number);
                return;
            }
        }
    }

    /// Waits until the peer has hung up; why, in words.
    pub(super) fn hung_up(&mut self) -> String {
        let is_it = |happening: &Happening| matches!(happening, Happening::Disconnected { .. });
        let Happening::Disconnected { why, .. } = self.wait(is_it) else {
            unreachable!("that was waited for")
        };
        why
    }

    fn wait(&mut self, is_it: impl Fn(&Happening) -> bool) -> Happening {
        self.runtime.block_on(async {
            let next = async {
                loop {
                    let happening = self.happenings.recv().await.expect("it runs");
                    if is_it(&happening) {
                        return happening;
                    }
                }
            };
            timeout(PATIENCE, next).await.expect("it happens in time")
        })
    }

    pub(super) fn root(&self) -> EventId {
        self.root.id()
    }

    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    /// An event of its own on R alone, signed.
    pub(super) fn on_root(&self, seq: u64, text: &str) -> Event {
        Draft {
            parents: vec![self.root()],
            seq,
            wall: wall(),
            control: Control::None,
            properties: Properties::from_text(text),
        }
        .sign(&self.key)
    }

    /// Sends them as live events.
    pub(super) fn push(&self, events: &[Event]) {
        for events in events.chunks(64) {
            self.net.send(self.door.0, &Message::Push(events.to_vec()));
        }
    }

    /// Sends bytes as the event that they may or may not be.
    pub(super) fn give(&self, bytes: Vec<u8>) {
        self.net.give(self.door.0, vec![bytes], Vec::new());
    }
}

pub(super) fn wall() -> WallTime {
    WallTime::from_ms(1_767_225_600_000).unwrap()
}

/// The bytes of an event that was altered.
pub(super) fn altered(event: &Event, alter: impl FnOnce(&mut Raw)) -> Vec<u8> {
    let mut raw = event.raw().clone();
    alter(&mut raw);
    codec::encode_raw(&raw)
}
