//! The wires between the demo's machines: real UDP sockets on 127.0.0.1, with packets lost or late on the way out.
//!
//! Below QUIC: a machine whose wire is cut notices nothing but silence, as it would of a real one. A wire is cut and slow both
//! ways. Packets to others than the demo's machines pass.
//!
//! Invariants:
//! - nothing passes a cut wire, nor what was on its way when it was cut;
//! - at most `limits::DEMO_LATE_PACKETS` are on their way over slow wires; at the bound further ones are lost, as in a full router.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::task::{Context, Poll};

use quinn::udp::{EcnCodepoint, RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, Runtime, TokioRuntime, UdpPoller};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::demo::scene::{Machine, Wire, WireState};
use crate::limits::{DEMO_LATE_PACKETS, DEMO_SLOW};
use crate::net::sockets::Host;
use crate::node::clock;

/// The wires. Copies are the same ones; when the last one is dropped, what is on its way is lost.
#[derive(Clone)]
pub struct Wires(Arc<Mutex<Air>>);

#[derive(Default)]
struct Air {
    wires: [WireState; Wire::ALL.len()],
    /// Machines without power: nothing goes out.
    dark: [bool; Machine::ALL.len()],
    /// Whose socket has a port.
    ports: BTreeMap<u16, Machine>,
    late: VecDeque<Late>,
    /// Something is late, or the wires are gone.
    changed: Arc<Notify>,
}

impl Drop for Air {
    fn drop(&mut self) {
        self.changed.notify_one();
    }
}

/// A packet on a slow wire, or some that are sent as one.
struct Late {
    due: Instant,
    wire: Wire,
    from: Weak<dyn AsyncUdpSocket>,
    to: SocketAddr,
    ecn: Option<EcnCodepoint>,
    contents: Vec<u8>,
    segment_size: Option<usize>,
}

impl fmt::Debug for Wires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.states()).finish()
    }
}

impl Wires {
    /// Whole wires, and the task that carries what is late. Must be called in a tokio runtime.
    pub fn new() -> Self {
        let wires = Self(Arc::default());
        let changed = Arc::clone(&wires.air().changed);
        tokio::spawn(carry(Arc::downgrade(&wires.0), changed));
        wires
    }

    /// The wires as one machine sees them.
    pub fn plug(&self, machine: Machine) -> Arc<dyn Host> {
        Arc::new(Plug {
            wires: self.clone(),
            machine,
        })
    }

    /// Cuts or mends a wire.
    pub fn set_cut(&self, wire: Wire, is_cut: bool) {
        let mut air = self.air();
        air.wires[wire.index()].is_cut = is_cut;
        if is_cut {
            air.late.retain(|late| late.wire != wire);
        }
    }

    /// Makes a wire slow, or as fast as it was.
    pub fn set_slow(&self, wire: Wire, is_slow: bool) {
        self.air().wires[wire.index()].is_slow = is_slow;
    }

    /// Takes a machine's power away, or gives it back: without it nothing more comes from it.
    pub fn set_dark(&self, machine: Machine, is_dark: bool) {
        self.air().dark[machine.index()] = is_dark;
    }

    /// All wires, in the order of [`Wire::ALL`].
    pub fn states(&self) -> [WireState; Wire::ALL.len()] {
        self.air().wires
    }

    fn air(&self) -> MutexGuard<'_, Air> {
        lock(&self.0)
    }
}

impl Default for Wires {
    fn default() -> Self {
        Self::new()
    }
}

fn lock(air: &Mutex<Air>) -> MutexGuard<'_, Air> {
    air.lock().expect("nobody panics with the lock")
}

/// Sends what is late when it is due, until the wires are gone.
async fn carry(air: Weak<Mutex<Air>>, changed: Arc<Notify>) {
    loop {
        let Some(strong) = air.upgrade() else { return };
        let next = lock(&strong).deliver(Instant::now());
        drop(strong);
        match next {
            None => changed.notified().await,
            Some(due) => sleep_until(due).await,
        }
    }
}

impl Air {
    /// Sends what is due; returns when the next one is.
    fn deliver(&mut self, now: Instant) -> Option<Instant> {
        while let Some(late) = self.late.front() {
            if late.due > now {
                return Some(late.due);
            }
            let late = self.late.pop_front()?;
            let Some(socket) = late.from.upgrade() else {
                continue;
            };
            let transmit = Transmit {
                destination: late.to,
                ecn: late.ecn,
                contents: &late.contents,
                segment_size: late.segment_size,
                src_ip: None,
            };
            if socket.try_send(&transmit).is_ok() {
                self.count(late.wire, &transmit);
            }
        }
        None
    }

    fn count(&mut self, wire: Wire, transmit: &Transmit<'_>) {
        let traffic = &mut self.wires[wire.index()].traffic;
        traffic.packets += packets(transmit);
        traffic.bytes += transmit.contents.len() as u64;
    }
}

/// Packets that are sent as one.
fn packets(transmit: &Transmit<'_>) -> u64 {
    let each = transmit.segment_size.unwrap_or(transmit.contents.len());
    transmit.contents.len().div_ceil(each.max(1)) as u64
}

/// What happens to a packet.
enum Fate {
    Passes(Option<Wire>),
    Late(Wire),
    Lost,
}

/// One machine's end of the wires.
struct Plug {
    wires: Wires,
    machine: Machine,
}

impl fmt::Debug for Plug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plug({})", self.machine.name())
    }
}

impl Host for Plug {
    fn bind(&self, address: SocketAddr) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let ip = if address.ip().is_unspecified() {
            IpAddr::V4(Ipv4Addr::LOCALHOST)
        } else {
            address.ip()
        };
        let socket = UdpSocket::bind(SocketAddr::new(ip, address.port()))?;
        let port = socket.local_addr()?.port();
        let udp = TokioRuntime.wrap_udp_socket(socket)?;
        self.wires.air().ports.insert(port, self.machine);
        Ok(Arc::new(Socket {
            udp,
            port,
            machine: self.machine,
            wires: self.wires.clone(),
        }))
    }

    fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::new(TokioRuntime)
    }

    fn seed(&self) -> [u8; 32] {
        clock::random_seed()
    }
}

/// A socket of one machine.
#[derive(Debug)]
struct Socket {
    udp: Arc<dyn AsyncUdpSocket>,
    port: u16,
    machine: Machine,
    wires: Wires,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.wires.air().ports.remove(&self.port);
    }
}

impl Socket {
    fn fate(&self, air: &mut Air, transmit: &Transmit<'_>) -> Fate {
        if air.dark[self.machine.index()] {
            return Fate::Lost;
        }
        let to = air.ports.get(&transmit.destination.port()).copied();
        let Some(wire) = to.and_then(|to| Wire::between(self.machine, to)) else {
            return Fate::Passes(None);
        };
        let state = &mut air.wires[wire.index()];
        if state.is_cut {
            state.traffic.lost += packets(transmit);
            return Fate::Lost;
        }
        if !state.is_slow {
            return Fate::Passes(Some(wire));
        }
        if air.late.len() >= DEMO_LATE_PACKETS {
            return Fate::Lost;
        }
        Fate::Late(wire)
    }
}

impl AsyncUdpSocket for Socket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Arc::clone(&self.udp).create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let mut air = self.wires.air();
        match self.fate(&mut air, transmit) {
            Fate::Lost => {}
            Fate::Passes(wire) => {
                self.udp.try_send(transmit)?;
                if let Some(wire) = wire {
                    air.count(wire, transmit);
                }
            }
            Fate::Late(wire) => {
                air.late.push_back(Late {
                    due: Instant::now() + DEMO_SLOW,
                    wire,
                    from: Arc::downgrade(&self.udp),
                    to: transmit.destination,
                    ecn: transmit.ecn,
                    contents: transmit.contents.to_vec(),
                    segment_size: transmit.segment_size,
                });
                air.changed.notify_one();
            }
        }
        Ok(())
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        self.udp.poll_recv(context, buffers, meta)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.udp.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.udp.max_transmit_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.udp.max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.udp.may_fragment()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    struct Ends {
        wires: Wires,
        sockets: [Arc<dyn AsyncUdpSocket>; 3],
    }

    impl Ends {
        fn new() -> Self {
            let wires = Wires::new();
            let any: SocketAddr = ([0, 0, 0, 0], 0).into();
            let bind = |machine| wires.plug(machine).bind(any).unwrap();
            Self {
                sockets: Machine::ALL.map(bind),
                wires,
            }
        }

        async fn send(&self, from: Machine, to: Machine, text: &str) {
            let socket = &self.sockets[from.index()];
            let mut poller = Arc::clone(socket).create_io_poller();
            let is_free = poll_fn(|context| poller.as_mut().poll_writable(context));
            is_free.await.unwrap();
            let transmit = Transmit {
                destination: self.sockets[to.index()].local_addr().unwrap(),
                ecn: None,
                contents: text.as_bytes(),
                segment_size: None,
                src_ip: None,
            };
            socket.try_send(&transmit).unwrap();
        }

        async fn receive(&self, at: Machine) -> String {
            let mut bytes = [0; 64];
            let mut meta = [RecvMeta::default()];
            let mut buffers = [IoSliceMut::new(&mut bytes)];
            let receive = poll_fn(|context| {
                self.sockets[at.index()].poll_recv(context, &mut buffers, &mut meta)
            });
            let received = timeout(Duration::from_secs(10), receive).await;
            assert_eq!(received.expect("it comes").unwrap(), 1);
            String::from_utf8(bytes[..meta[0].len].to_vec()).unwrap()
        }
    }

    use Machine::{Ana, Bob, Cy};

    #[tokio::test]
    async fn nothing_passes_a_cut_wire_and_all_others_are_whole() {
        let ends = Ends::new();
        for wire in Wire::of(Cy) {
            ends.wires.set_cut(wire, true);
        }
        ends.send(Ana, Cy, "lost").await;
        ends.send(Cy, Ana, "lost").await;
        ends.send(Ana, Bob, "passes").await;
        assert_eq!(ends.receive(Bob).await, "passes");
        for wire in Wire::of(Cy) {
            ends.wires.set_cut(wire, false);
        }
        ends.send(Ana, Cy, "passes again").await;
        assert_eq!(
            ends.receive(Cy).await,
            "passes again",
            "the first word is lost"
        );
        let states = ends.wires.states();
        let counts = states.map(|state| (state.traffic.packets, state.traffic.lost));
        assert_eq!(counts, [(1, 0), (0, 0), (1, 2)]);
        assert_eq!(states[Wire::AnaCy.index()].traffic.bytes, 12);
    }

    #[tokio::test]
    async fn a_slow_wire_keeps_the_order_and_a_cut_takes_what_is_on_its_way() {
        let ends = Ends::new();
        ends.wires.set_slow(Wire::AnaBob, true);
        let begun = Instant::now();
        for text in ["one", "two"] {
            ends.send(Bob, Ana, text).await;
        }
        assert_eq!(ends.receive(Ana).await, "one");
        assert_eq!(ends.receive(Ana).await, "two");
        assert!(begun.elapsed() >= DEMO_SLOW);
        ends.send(Ana, Bob, "on its way").await;
        ends.wires.set_cut(Wire::AnaBob, true);
        ends.wires.set_cut(Wire::AnaBob, false);
        ends.wires.set_slow(Wire::AnaBob, false);
        ends.send(Ana, Bob, "later").await;
        assert_eq!(ends.receive(Bob).await, "later");
    }

    #[tokio::test]
    async fn a_slow_wire_has_room_for_so_many_packets() {
        let ends = Ends::new();
        ends.wires.set_slow(Wire::BobCy, true);
        for _ in 0..DEMO_LATE_PACKETS + 10 {
            ends.send(Bob, Cy, "x").await;
        }
        assert_eq!(ends.wires.air().late.len(), DEMO_LATE_PACKETS);
    }

    #[tokio::test]
    async fn nothing_comes_from_a_machine_without_power() {
        let ends = Ends::new();
        ends.wires.set_dark(Ana, true);
        ends.send(Ana, Bob, "goodbye").await;
        ends.wires.set_dark(Ana, false);
        ends.send(Ana, Bob, "hello").await;
        assert_eq!(ends.receive(Bob).await, "hello");
    }
}
