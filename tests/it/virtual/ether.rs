//! A network of UDP in memory, in virtual time: packets are lost, doubled, late and out of order, as a seed says.
//!
//! Each host has one IP. Links are cut in one direction or both until a given moment. A host that is unplugged loses its
//! sockets: what they still send goes nowhere, and the next ones at the same address are others.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, ErrorKind, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use fedag::net::sockets;
use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncTimer, AsyncUdpSocket, Runtime, UdpPoller};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep_until};

/// How packets fare, on all links.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weather {
    /// Of a hundred packets so many are lost.
    pub(super) loss: u32,
    /// Of a hundred so many come twice.
    pub(super) doubled: u32,
    /// Shortest and longest way, in milliseconds; each packet has its own.
    pub(super) latency_ms: (u64, u64),
}

/// What became of the packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) sent: u64,
    pub(super) lost: u64,
    pub(super) cut: u64,
    pub(super) doubled: u64,
    /// Came before one that was sent earlier over the same link.
    pub(super) overtook: u64,
}

/// The network. Copies are the same one.
#[derive(Clone)]
pub(super) struct Ether(Arc<Mutex<Air>>);

/// On its way: when it arrives, its number, from, to, bytes.
type Flight = (Instant, u64, SocketAddr, SocketAddr, Vec<u8>);

struct Air {
    rng: Pcg64Mcg,
    weather: Weather,
    /// From one host to another, until when.
    cuts: BTreeMap<(IpAddr, IpAddr), Instant>,
    flying: BinaryHeap<Reverse<Flight>>,
    changed: Arc<Notify>,
    ports: BTreeMap<SocketAddr, Port>,
    /// Of sockets and packets.
    numbers: u64,
    last_arrived: BTreeMap<(SocketAddr, SocketAddr), u64>,
    fate: Fate,
    trace: DefaultHasher,
    begun: Instant,
}

struct Port {
    /// Of its socket.
    number: u64,
    arrived: VecDeque<(SocketAddr, Vec<u8>)>,
    reader: Option<Waker>,
}

/// Where a host is.
pub(super) fn ip(host: usize) -> IpAddr {
    [10, 0, 0, u8::try_from(host + 1).unwrap()].into()
}

impl Ether {
    /// An empty network, and the task that carries its packets. Must be called in a tokio runtime.
    pub(super) fn new(seed: u64) -> Self {
        let air = Air {
            rng: Pcg64Mcg::seed_from_u64(seed),
            weather: Weather {
                loss: 0,
                doubled: 0,
                latency_ms: (1, 20),
            },
            cuts: BTreeMap::new(),
            flying: BinaryHeap::new(),
            changed: Arc::default(),
            ports: BTreeMap::new(),
            numbers: 0,
            last_arrived: BTreeMap::new(),
            fate: Fate::default(),
            trace: DefaultHasher::new(),
            begun: Instant::now(),
        };
        let ether = Self(Arc::new(Mutex::new(air)));
        tokio::spawn(ether.clone().carry());
        ether
    }

    pub(super) fn set_weather(&self, weather: Weather) {
        self.air().weather = weather;
    }

    /// Nothing comes from one host to the other for so long.
    pub(super) fn cut(&self, from: usize, to: usize, duration: Duration) {
        let until = Instant::now() + duration;
        self.air().cuts.insert((ip(from), ip(to)), until);
    }

    /// Ends all cuts.
    pub(super) fn heal(&self) {
        self.air().cuts.clear();
    }

    /// Takes a host's sockets away.
    pub(super) fn unplug(&self, host: usize) {
        self.air()
            .ports
            .retain(|address, _| address.ip() != ip(host));
    }

    pub(super) fn fate(&self) -> Fate {
        self.air().fate
    }

    /// A hash of all packets that were sent: when, from where to where, how long, and what became of them.
    pub(super) fn trace(&self) -> u64 {
        self.air().trace.finish()
    }

    fn air(&self) -> MutexGuard<'_, Air> {
        self.0.lock().unwrap()
    }

    async fn carry(self) {
        let changed = self.air().changed.clone();
        loop {
            let next = self.air().arrive(Instant::now());
            match next {
                None => changed.notified().await,
                Some(next) => {
                    tokio::select! {
                        biased;
                        () = changed.notified() => {}
                        () = sleep_until(next) => {}
                    }
                }
            }
        }
    }
}

impl Air {
    fn percent(&mut self, percent: u32) -> bool {
        self.rng.random_range(0..100) < percent
    }

    fn send(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let now = Instant::now();
        let is_cut = self
            .cuts
            .get(&(from.ip(), to.ip()))
            .is_some_and(|until| now < *until);
        let is_lost = self.percent(self.weather.loss);
        let copies = 1 + u64::from(self.percent(self.weather.doubled));
        (now - self.begun).hash(&mut self.trace);
        (from, to, bytes.len(), is_cut, is_lost, copies).hash(&mut self.trace);
        self.fate.sent += 1;
        self.fate.cut += u64::from(is_cut);
        self.fate.lost += u64::from(is_lost && !is_cut);
        if is_cut || is_lost {
            return;
        }
        self.fate.doubled += copies - 1;
        for _ in 0..copies {
            let (least, most) = self.weather.latency_ms;
            let way = Duration::from_millis(self.rng.random_range(least..=most));
            self.numbers += 1;
            let flight = (now + way, self.numbers, from, to, bytes.to_vec());
            self.flying.push(Reverse(flight));
        }
        self.changed.notify_one();
    }

    /// Hands over what has arrived; returns when the next packet does.
    fn arrive(&mut self, now: Instant) -> Option<Instant> {
        while let Some(Reverse((at, ..))) = self.flying.peek() {
            if *at > now {
                return Some(*at);
            }
            let Reverse((_, number, from, to, bytes)) = self.flying.pop().unwrap();
            let last = self.last_arrived.entry((from, to)).or_default();
            self.fate.overtook += u64::from(number < *last);
            *last = number.max(*last);
            if let Some(port) = self.ports.get_mut(&to) {
                port.arrived.push_back((from, bytes));
                if let Some(reader) = port.reader.take() {
                    reader.wake();
                }
            }
        }
        None
    }
}

/// One host's plug.
pub(super) struct Plug {
    pub(super) ether: Ether,
    pub(super) host: usize,
}

impl fmt::Debug for Plug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plug({})", self.host)
    }
}

impl sockets::Host for Plug {
    fn bind(&self, address: SocketAddr) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let mut air = self.ether.air();
        air.numbers += 1;
        let number = air.numbers;
        let mut address = SocketAddr::new(ip(self.host), address.port());
        if address.port() == 0 {
            let free = |port: &u16| {
                let taken = SocketAddr::new(address.ip(), *port);
                !air.ports.contains_key(&taken)
            };
            address.set_port((50_000..=u16::MAX).find(free).unwrap());
        }
        if air.ports.contains_key(&address) {
            return Err(ErrorKind::AddrInUse.into());
        }
        let port = Port {
            number,
            arrived: VecDeque::new(),
            reader: None,
        };
        air.ports.insert(address, port);
        drop(air);
        Ok(Arc::new(Socket {
            ether: self.ether.clone(),
            address,
            number,
        }))
    }

    fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::new(Virtual)
    }

    fn seed(&self) -> [u8; 32] {
        self.ether.air().rng.random()
    }
}

struct Socket {
    ether: Ether,
    address: SocketAddr,
    number: u64,
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Socket({})", self.address)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let mut air = self.ether.air();
        if air
            .ports
            .get(&self.address)
            .is_some_and(|port| port.number == self.number)
        {
            air.ports.remove(&self.address);
        }
    }
}

impl Air {
    /// The port of a socket that was not unplugged.
    fn port(&mut self, socket: &Socket) -> Option<&mut Port> {
        self.ports
            .get_mut(&socket.address)
            .filter(|port| port.number == socket.number)
    }
}

impl AsyncUdpSocket for Socket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(AlwaysReady)
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let mut air = self.ether.air();
        if air.port(self).is_some() {
            air.send(self.address, transmit.destination, transmit.contents);
        }
        Ok(())
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let mut air = self.ether.air();
        let Some(port) = air.port(self) else {
            return Poll::Pending;
        };
        let Some((from, bytes)) = port.arrived.pop_front() else {
            port.reader = Some(context.waker().clone());
            return Poll::Pending;
        };
        buffers[0][..bytes.len()].copy_from_slice(&bytes);
        meta[0] = RecvMeta {
            addr: from,
            len: bytes.len(),
            stride: bytes.len(),
            ecn: None,
            dst_ip: None,
        };
        Poll::Ready(Ok(1))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }

    fn may_fragment(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct AlwaysReady;

impl UdpPoller for AlwaysReady {
    fn poll_writable(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A runtime whose clock is that of tokio, which is paused.
#[derive(Debug)]
struct Virtual;

impl Runtime for Virtual {
    fn new_timer(&self, at: std::time::Instant) -> Pin<Box<dyn AsyncTimer>> {
        Box::pin(Timer(Box::pin(sleep_until(at.into()))))
    }

    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) {
        tokio::spawn(future);
    }

    fn wrap_udp_socket(&self, _: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        Err(ErrorKind::Unsupported.into())
    }

    fn now(&self) -> std::time::Instant {
        Instant::now().into_std()
    }
}

#[derive(Debug)]
struct Timer(Pin<Box<Sleep>>);

impl AsyncTimer for Timer {
    fn reset(mut self: Pin<&mut Self>, at: std::time::Instant) {
        self.0.as_mut().reset(at.into());
    }

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Future::poll(self.0.as_mut(), context)
    }
}
