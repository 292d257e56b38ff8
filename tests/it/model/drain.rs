//! Stop the world, let replication finish: from any state on, nothing further is lost.

use std::collections::VecDeque;
use std::time::Duration;

use fedag::event::key::MachineId;
use fedag::sync::message::SessionId;
use fedag::wire::Message;

use super::host::{Asks, Happens, Host};

/// Machines that have not converged after this long will not.
const PATIENCE: Duration = Duration::from_secs(300);
/// Steps that happen at one moment; more are a circle.
const STEPS_MAX: usize = 100_000;

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drained {
    /// All hold the same set, durably, and all that was acknowledged is in it.
    Equal,
    /// They do not come to hold the same.
    Apart,
    /// They do, but something acknowledged is lost.
    Lost,
}

/// What is on its way.
#[derive(Debug)]
enum Item {
    Message(Message),
    Written(SessionId),
}

#[derive(Debug)]
struct Drain {
    keys: Vec<MachineId>,
    hosts: Vec<Host>,
    /// Connections, by pair, the smaller first.
    up: Vec<(usize, usize)>,
    /// On its way: from, to, and what.
    flying: VecDeque<(usize, usize, Item)>,
    dials: VecDeque<(usize, usize)>,
}

/// Drains `hosts`, of which those in `up` are connected, with nothing on its way. All that they ask for is done at once;
/// time passes from wakeup to wakeup.
pub(super) fn drain(hosts: Vec<Host>, up: Vec<(usize, usize)>) -> Drained {
    let keys = hosts
        .iter()
        .map(|host| host.node.machine.machine())
        .collect();
    let (flying, dials) = (VecDeque::new(), VecDeque::new());
    let mut drain = Drain {
        keys,
        hosts,
        up,
        flying,
        dials,
    };
    let pairs = (0..drain.hosts.len()).flat_map(|a| (0..drain.hosts.len()).map(move |b| (a, b)));
    for (a, b) in pairs.filter(|(a, b)| a != b).collect::<Vec<_>>() {
        if !drain.up.contains(&(a.min(b), a.max(b))) {
            // Whatever dial was under way came to nothing.
            let peer = drain.keys[b];
            drain.step(a, Happens::DialFailed(peer));
        }
    }
    let mut passed = Duration::ZERO;
    loop {
        drain.settle();
        if drain.is_equal() {
            return drain.judge();
        }
        let next = drain.hosts.iter().filter_map(Host::wakes_in).min();
        let Some(next) = next.filter(|next| passed + *next <= PATIENCE) else {
            return Drained::Apart;
        };
        passed += next;
        for host in 0..drain.hosts.len() {
            drain.step(host, Happens::Wait(next));
        }
    }
}

impl Drain {
    fn is_equal(&self) -> bool {
        let first = self.hosts[0].dag().digest();
        self.hosts
            .iter()
            .all(|host| host.dag().digest() == first && host.node.is_durable())
    }

    fn judge(&self) -> Drained {
        let acknowledged = || self.hosts.iter().flat_map(|host| &host.acknowledged);
        let is_held = |host: &Host| acknowledged().all(|id| host.dag().holds(*id));
        if self.hosts.iter().all(is_held) {
            Drained::Equal
        } else {
            Drained::Lost
        }
    }

    /// Does all that happens without time passing.
    fn settle(&mut self) {
        for _ in 0..STEPS_MAX {
            if let Some((from, to, item)) = self.flying.pop_front() {
                let sender = self.keys[from];
                let peer = self.keys[to];
                match item {
                    Item::Message(message) => {
                        self.step(to, Happens::Received(sender, message, [].into()));
                    }
                    Item::Written(session) => self.step(from, Happens::Written(peer, session)),
                }
            } else if let Some((from, to)) = self.dials.pop_front() {
                self.connect(from, to);
            } else if let Some(host) = self.first(|host| host.node.committing().is_some()) {
                self.step(host, Happens::Commit);
            } else if let Some(host) = self.first(|host| host.wakes_in() == Some(Duration::ZERO)) {
                self.step(host, Happens::Wakeup);
            } else {
                return;
            }
        }
        panic!("it does not come to rest");
    }

    fn first(&self, is: impl Fn(&Host) -> bool) -> Option<usize> {
        self.hosts.iter().position(is)
    }

    fn connect(&mut self, a: usize, b: usize) {
        let pair = (a.min(b), a.max(b));
        if !self.up.contains(&pair) {
            self.up.push(pair);
            let (near, far) = (self.keys[a], self.keys[b]);
            self.step(a, Happens::Connected(far));
            self.step(b, Happens::Connected(near));
        }
    }

    fn disconnect(&mut self, a: usize, b: usize) {
        let pair = (a.min(b), a.max(b));
        let before = self.up.len();
        self.up.retain(|up| *up != pair);
        if self.up.len() == before {
            return;
        }
        self.flying
            .retain(|(from, to, _)| (*from.min(to), *from.max(to)) != pair);
        let (near, far) = (self.keys[a], self.keys[b]);
        self.step(a, Happens::Disconnected(far));
        self.step(b, Happens::Disconnected(near));
    }

    fn step(&mut self, at: usize, happens: Happens) {
        let place = |keys: &[MachineId], key| keys.iter().position(|other| *other == key).unwrap();
        for asks in self.hosts[at].step(happens) {
            let (to, item) = match asks {
                Asks::Send(to, message) | Asks::Bulk(to, message) => (to, Item::Message(message)),
                Asks::Written(to, session) => (to, Item::Written(session)),
                Asks::Dial(to) => {
                    let to = place(&self.keys, to);
                    self.dials.push_back((at, to));
                    continue;
                }
                Asks::Hangup(to) => {
                    let to = place(&self.keys, to);
                    self.disconnect(at, to);
                    continue;
                }
            };
            let to = place(&self.keys, to);
            if self.up.contains(&(at.min(to), at.max(to))) {
                self.flying.push_back((at, to, item));
            }
        }
    }
}
