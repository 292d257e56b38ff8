//! A small network: its R, its members, and machines that run for a test.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::{ClientConfig, Connection, Endpoint, SendStream};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::event::canon::Properties;
use crate::event::control::{Admit, Control, Root, Rules};
use crate::event::id::{DagDigest, EventId};
use crate::event::key::{Key, MachineId};
use crate::event::wall::WallTime;
use crate::event::{Draft, Event, sign_run};
use crate::limits::{EVENT_BYTES_DEFAULT, FRAME_BYTES_MAX, PARENTS_DEFAULT};
use crate::net::frame::{Frames, framed};
use crate::net::greet::ask;
use crate::net::patience::Patience;
use crate::net::sockets::Sockets;
use crate::net::workers::Workers;
use crate::net::{Config, Happening, Known, Net, Refusal, tls};
use crate::sync::message::{End, Heads, SessionId};
use crate::wire::greeting::{Blob, Greeting, Welcome};
use crate::wire::{Message, codec};

pub(super) const RULES: Rules = Rules {
    event_bytes_max: EVENT_BYTES_DEFAULT,
    parents_max: PARENTS_DEFAULT,
};

/// For anything that has to happen.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn key(seed: u8) -> Key {
    Key::from_seed([seed; 32])
}

pub(super) fn machine(seed: u8) -> MachineId {
    key(seed).machine()
}

/// Loopback, any port.
pub(super) fn local() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

/// R by the machine of `seed`.
pub(super) fn root(seed: u8) -> Event {
    let control = Control::Root(Root {
        network: "test".to_owned(),
        name: "first".to_owned(),
        rules: RULES,
    });
    draft(Vec::new(), 1, control).sign(&key(seed))
}

/// An admission of `machine` by the machine of `by`.
pub(super) fn admission(by: u8, machine: MachineId) -> Event {
    let admit = Admit {
        key: machine,
        name: "newcomer".to_owned(),
        invite: EventId([7; 16]),
    };
    draft(vec![root(1).id()], 2, Control::Admit(admit)).sign(&key(by))
}

fn draft(parents: Vec<EventId>, seq: u64, control: Control) -> Draft {
    Draft {
        parents,
        seq,
        wall: WallTime::from_ms(1).unwrap(),
        control,
        properties: Properties::none(),
    }
}

/// Events of the machine of `by`, in runs.
pub(super) fn events(by: u8, count: usize, text: &str) -> Vec<Event> {
    let item = |number| {
        let json = format!("{{\"number\":{number},\"text\":\"{text}\"}}");
        (
            WallTime::from_ms(1).unwrap(),
            Properties::parse(json.as_bytes()).unwrap(),
        )
    };
    let items: Vec<_> = (0..count).map(item).collect();
    let mut events: Vec<Event> = Vec::new();
    for run in items.chunks(500) {
        let parent = events.last().map_or_else(|| root(1).id(), Event::id);
        events.extend(sign_run(
            vec![parent],
            events.len() as u64 + 3,
            run.to_vec(),
            &key(by),
        ));
    }
    events
}

pub(super) fn end(session: u32) -> Message {
    let heads = Heads {
        ids: vec![EventId([1; 16])],
        total: 1,
        count: 1,
        digest: DagDigest([0; 32]),
        bulk: false,
    };
    Message::End(End {
        session: SessionId(session),
        more: false,
        heads,
    })
}

/// What a machine knows of the network of `root(1)` when these are the members.
pub(super) fn known(members: &[u8], credential: &[Event]) -> Known {
    let root = root(1);
    Known {
        root: root.id(),
        root_author: root.raw().machine,
        rules: RULES,
        members: Arc::new(members.iter().map(|seed| machine(*seed)).collect()),
        banned: Arc::new(BTreeSet::new()),
        credential: Arc::new(credential.iter().map(codec::encode_event).collect()),
    }
}

/// A machine's network, and what happened on it.
pub(super) struct Machine {
    pub(super) id: MachineId,
    pub(super) net: Net,
    pub(super) known: watch::Sender<Known>,
    pub(super) happenings: mpsc::Receiver<Happening>,
}

impl Machine {
    pub(super) fn start(seed: u8, known: Known) -> Self {
        Self::start_as(seed, u64::from(seed), known, 1024)
    }

    /// `start`: the number of this start; `capacity`: of the channel to the node.
    pub(super) fn start_as(seed: u8, start: u64, known: Known, capacity: usize) -> Self {
        let (publish, known) = watch::channel(known);
        let (tell, happenings) = mpsc::channel(capacity);
        let config = Config {
            key: key(seed),
            listen: local(),
            sockets: Sockets::Udp,
            patience: Patience::default(),
            workers: Workers::Threads,
            start,
            known,
        };
        Self {
            id: machine(seed),
            net: Net::start(config, tell).unwrap(),
            known: publish,
            happenings,
        }
    }

    pub(super) fn dial(&self, other: &Self) {
        self.net.dial(other.id, vec![other.net.listening()]);
    }

    pub(super) async fn next(&mut self) -> Happening {
        loop {
            match timeout(PATIENCE, self.happenings.recv())
                .await
                .expect("something happens")
                .expect("it runs")
            {
                Happening::Measured { .. } | Happening::Traffic { .. } => {}
                happening => {
                    if let Happening::Connected { peer, number, .. } = &happening {
                        self.net.begin(*peer, *number);
                    }
                    return happening;
                }
            }
        }
    }

    /// What has happened so far and was not looked at.
    pub(super) fn so_far(&mut self) -> Vec<Happening> {
        let all = std::iter::from_fn(|| self.happenings.try_recv().ok());
        let is_measure = |happening: &Happening| {
            matches!(
                happening,
                Happening::Measured { .. } | Happening::Traffic { .. }
            )
        };
        all.filter(|happening| !is_measure(happening)).collect()
    }

    /// Expects `Connected`; returns who and whether we dialled.
    pub(super) async fn connected(&mut self) -> (MachineId, bool) {
        match self.next().await {
            Happening::Connected { peer, dialled, .. } => (peer, dialled),
            other => panic!("not connected: {other:?}"),
        }
    }

    pub(super) async fn disconnected(&mut self) -> String {
        self.parted().await.0
    }

    /// Expects `Disconnected`; returns why, and whether the peer took leave.
    pub(super) async fn parted(&mut self) -> (String, bool) {
        match self.next().await {
            Happening::Disconnected { why, is_leave, .. } => (why, is_leave),
            other => panic!("not disconnected: {other:?}"),
        }
    }

    pub(super) async fn crowded(&mut self) {
        let next = self.next().await;
        assert!(matches!(next, Happening::Crowded), "{next:?}");
    }

    pub(super) async fn dial_failed(&mut self) -> String {
        match self.next().await {
            Happening::DialFailed { why, .. } => why,
            other => panic!("the dial did not fail: {other:?}"),
        }
    }

    pub(super) async fn received(&mut self) -> Message {
        match self.next().await {
            Happening::Received { message, .. } => message,
            other => panic!("no message: {other:?}"),
        }
    }
}

/// Two members, 1 and 2, connected; 1 has dialled.
pub(super) async fn pair() -> (Machine, Machine) {
    let mut one = Machine::start(1, known(&[1, 2], &[]));
    let mut two = Machine::start(2, known(&[1, 2], &[]));
    one.dial(&two);
    assert_eq!(one.connected().await, (two.id, true));
    assert_eq!(two.connected().await, (one.id, false));
    (one, two)
}

/// A connection made by hand, to misbehave on.
pub(super) struct Rogue {
    pub(super) connection: Connection,
    pub(super) send: SendStream,
    pub(super) frames: Frames,
    _endpoint: Endpoint,
}

impl Rogue {
    /// Connects as the machine of `by` and greets as a member.
    pub(super) async fn greet(by: u8, start: u64, to: &Machine) -> Self {
        let (endpoint, connection) = connect(tls::client(&key(by)).unwrap(), to).await.unwrap();
        let greeting = Greeting::Member {
            root: root(1).id(),
            start,
            credential: Vec::new(),
        };
        let (answer, send, mut frames) = ask(&connection, &greeting).await.unwrap();
        assert!(matches!(answer, Welcome::Member { .. }));
        frames.limit(FRAME_BYTES_MAX);
        Self {
            connection,
            send,
            frames,
            _endpoint: endpoint,
        }
    }

    pub(super) async fn say(&mut self, message: &Message) {
        self.send
            .write_all(&framed(&codec::encode(message)))
            .await
            .unwrap();
    }

    /// Waits for the end of the connection.
    pub(super) async fn refusal(&self) -> Option<Refusal> {
        refusal(&self.connection).await
    }
}

pub(super) async fn connect(
    client: ClientConfig,
    to: &Machine,
) -> Result<(Endpoint, Connection), quinn::ConnectionError> {
    let endpoint = Endpoint::client(local()).unwrap();
    let name = tls::server_name(to.id);
    let connection = endpoint
        .connect_with(client, to.net.listening(), &name)
        .unwrap()
        .await?;
    Ok((endpoint, connection))
}

/// The code that the other side closed a connection with.
pub(super) async fn refusal(connection: &Connection) -> Option<Refusal> {
    let error = timeout(PATIENCE, connection.closed())
        .await
        .expect("it is closed");
    crate::net::close::refusal(&error)
}

pub(super) fn blobs(chain: &[Event]) -> Vec<Blob> {
    chain
        .iter()
        .map(|event| Blob(codec::encode_event(event)))
        .collect()
}
