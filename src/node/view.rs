//! What clients see of the node: status, and events in lists and alone.
//!
//! What is asked of the driver is ids, labels and numbers; bodies are read by the asker (`read_all`).

use std::net::SocketAddr;

use crate::control::Failure;
use crate::control::view::{
    EventDetail, EventName, EventView, MachineName, MachinePhase, PeerState, PeerStatus, Progress,
    Status, StoreStatus,
};
use crate::event::Raw;
use crate::event::index::Arrival;
use crate::event::key::MachineId;
use crate::limits::{BULK_FRAME_BYTES, CHILDREN_SHOWN_MAX, HEADS_TOLD_MAX};
use crate::machine::PeerView;
use crate::machine::{self, Phase};
use crate::node::ask::{Body, Desk, Seen, Shared};
use crate::node::failure::{failed, failed_because};
use crate::node::names::machine_name;
use crate::node::summary::summary;
use crate::store;
use crate::wire::codec;

/// An event in a list, all but its body.
#[derive(Clone, Debug)]
pub(crate) struct Meta {
    pub(crate) body: Body,
    label: String,
    author: String,
    height: u32,
    leaf: bool,
    parents: Vec<String>,
}

/// Everything about one event, all but its body.
#[derive(Clone, Debug)]
pub(crate) struct DetailMeta {
    meta: Meta,
    parents: Vec<EventName>,
    children: Vec<EventName>,
    author: MachineId,
    seq: u64,
    bytes: u32,
    forked: bool,
    height_max: u32,
    held_by: Vec<(String, Option<bool>)>,
}

impl Seen<'_> {
    /// The label of a held event.
    pub(crate) fn label(&self, at: Arrival) -> String {
        self.names.label(self.dag, at)
    }

    /// An event in a list.
    pub(crate) fn meta(&self, at: Arrival) -> Meta {
        let author = self.dag.author_key(self.dag.author(at));
        Meta {
            body: self.body(at),
            label: self.label(at),
            author: machine_name(self.dag, author),
            height: self.dag.height(at),
            leaf: self.dag.is_leaf(at),
            parents: self
                .dag
                .parents(at)
                .iter()
                .map(|parent| self.label(*parent))
                .collect(),
        }
    }

    fn name(&self, at: Arrival) -> EventName {
        EventName {
            uuid: self.dag.id(at).to_string(),
            label: self.label(at),
        }
    }

    /// One event, whole. Cost: a scan of all later events, for the children.
    pub(crate) fn detail(&self, at: Arrival) -> DetailMeta {
        let author = self.dag.author_key(self.dag.author(at));
        let peers = self.machine.peers();
        let connected = peers.iter().filter(|peer| is_connected(peer));
        let held_by = connected.map(|peer| {
            (
                machine_name(self.dag, peer.machine),
                self.machine.peer_holds(peer.machine, at),
            )
        });
        DetailMeta {
            meta: self.meta(at),
            parents: self
                .dag
                .parents(at)
                .iter()
                .map(|parent| self.name(*parent))
                .collect(),
            children: self
                .dag
                .children(at)
                .into_iter()
                .take(CHILDREN_SHOWN_MAX)
                .map(|child| self.name(child))
                .collect(),
            author,
            seq: self.dag.seq(at),
            bytes: self.dag.length(at),
            forked: self.dag.is_forked(author),
            height_max: self.height_max(),
            held_by: held_by.collect(),
        }
    }

    /// The greatest height: that of a leaf.
    fn height_max(&self) -> u32 {
        let leaves = self.dag.leaves().filter_map(|id| self.dag.find(id));
        leaves.map(|at| self.dag.height(at)).max().unwrap_or(0)
    }

    /// The node's state. Cost: O(leaves + peers).
    pub(crate) fn status(&self, listening: &[SocketAddr]) -> Status {
        let own = self.machine.machine();
        let twins = self.links.twins || self.machine.has_twins();
        let peers = self.machine.peers();
        let connected: Vec<_> = peers.iter().filter(|peer| is_connected(peer)).collect();
        // A newcomer that does not hold its own admission yet is a member all the same.
        let members = self.dag.members().len() as u64 + u64::from(!self.dag.is_member(own));
        let heard = connected
            .iter()
            .filter(|peer| self.dag.is_member(peer.machine))
            .count() as u64;
        let all = connected
            .iter()
            .all(|peer| peer.state == machine::PeerState::InStep)
            && !twins;
        let in_step = (!connected.is_empty()).then_some(all);
        let mut faults: std::collections::BTreeMap<_, _> = self
            .machine
            .faults()
            .iter()
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect();
        if self.store_failures > 0 {
            faults.insert("store_failed".to_owned(), self.store_failures);
        }
        let now = self.shared.clock.now();
        let is_online = self.shared.listening.is_some();
        let alone = if is_online && members > 1 && connected.is_empty() {
            self.links.alone_since()
        } else {
            None
        };
        Status {
            network: crate::node::summary::clean(self.dag.network()),
            root: self.dag.root().to_string(),
            running: is_online,
            machine: MachineName {
                name: self.own_name(),
                key: own.to_string(),
            },
            events: self.dag.len().into(),
            leaves: self
                .dag
                .leaves()
                .take(HEADS_TOLD_MAX)
                .map(|id| id.to_string())
                .collect(),
            leaves_total: self.dag.leaves().len() as u64,
            height: self.height_max().into(),
            digest: self.dag.digest().to_string(),
            pending: self.machine.pending() as u64,
            in_step,
            converged: in_step == Some(true) && heard + 1 == members,
            heard,
            members,
            listening: listening.to_vec(),
            peers: peers.iter().map(|peer| self.peer_status(peer)).collect(),
            faults,
            received_bytes: self.links.received_bytes,
            store: StoreStatus {
                bytes: 0, // Asked of the store by `status`.
                damaged: self.damaged as u64,
                lost: self.lost.into(),
            },
            phase: phase(self.machine.phase()),
            progress: self.machine.progress().map(|(held, of)| Progress {
                held: held.into(),
                of: of.max(held).into(),
            }),
            cut_off_s: alone.map(|since| now.since(since).as_secs()),
            twins,
        }
    }

    /// This machine's name; while it joins, the one that it asked for.
    pub(crate) fn own_name(&self) -> String {
        let own = self.machine.machine();
        match self.dag.member(own) {
            Some(_) => machine_name(self.dag, own),
            None => self
                .shared
                .joining_as
                .clone()
                .unwrap_or_else(|| machine_name(self.dag, own)),
        }
    }

    fn peer_status(&self, peer: &PeerView) -> PeerStatus {
        let now = self.shared.clock.now();
        let ago = now.since(
            self.links
                .state_since(peer.machine, peer.state)
                .unwrap_or(now),
        );
        let ago = u64::try_from(ago.as_millis()).unwrap_or(u64::MAX);
        let connected = is_connected(peer);
        let traffic = self.links.traffic(peer.machine);
        PeerStatus {
            name: self
                .dag
                .is_member(peer.machine)
                .then(|| machine_name(self.dag, peer.machine)),
            key: peer.machine.to_string(),
            address: peer.address,
            state: peer_state(peer.state),
            rtt_ms: peer.rtt.map(|rtt| rtt.as_secs_f64() * 1000.0),
            missing_here: peer.missing_here.map(u64::from),
            missing_there: peer.missing_there.map(u64::from),
            in_bytes: traffic.map(|traffic| traffic.received),
            out_bytes: traffic.map(|traffic| traffic.sent),
            in_bytes_s: traffic.map(|traffic| traffic.received_s),
            out_bytes_s: traffic.map(|traffic| traffic.sent_s),
            since: self.shared.clock.wall().ms().saturating_sub(ago),
            redial_s: peer.redial_at.filter(|_| !connected).map(|at| {
                u64::try_from(at.since(now).as_millis().div_ceil(1000)).unwrap_or(u64::MAX)
            }),
            why: self
                .links
                .why(peer.machine)
                .filter(|_| !connected)
                .map(crate::node::summary::clean),
        }
    }
}

/// Returns whether a connection stands.
pub(crate) fn is_connected(peer: &PeerView) -> bool {
    peer_state(peer.state).is_connected()
}

fn peer_state(state: machine::PeerState) -> PeerState {
    match state {
        machine::PeerState::InStep => PeerState::InStep,
        machine::PeerState::Behind => PeerState::Behind,
        machine::PeerState::Ahead => PeerState::Ahead,
        machine::PeerState::Diverged => PeerState::Diverged,
        machine::PeerState::Connecting => PeerState::Connecting,
        machine::PeerState::Unreachable => PeerState::Unreachable,
        machine::PeerState::Known => PeerState::Known,
    }
}

fn phase(phase: Phase) -> MachinePhase {
    match phase {
        Phase::Joining => MachinePhase::Joining,
        Phase::CatchingUp => MachinePhase::CatchingUp,
        Phase::Live => MachinePhase::Live,
    }
}

/// The node's state, the size of the store with it.
pub(crate) async fn status(desk: &Desk) -> Result<Status, Failure> {
    let listening: Vec<_> = desk.shared.listening.into_iter().collect();
    let mut status = desk.ask(move |seen| seen.status(&listening)).await?;
    status.store.bytes = desk
        .blocking(|shared| Ok(shared.store.size_bytes()))
        .await?;
    Ok(status)
}

/// Lists events, with their bodies. Fails at the first that is damaged, and names it.
pub(crate) async fn views(desk: &Desk, list: Vec<Meta>) -> Result<Vec<EventView>, Failure> {
    desk.blocking(move |shared| {
        let raws = read_all(shared, list.iter().map(|meta| &meta.body));
        list.into_iter()
            .zip(raws)
            .map(|(meta, raw)| Ok(view(meta, &raw?)))
            .collect()
    })
    .await
}

/// One event, whole.
pub(crate) async fn whole(desk: &Desk, of: DetailMeta) -> Result<EventDetail, Failure> {
    desk.blocking(move |shared| {
        let raw = read(shared, &of.meta.body)?;
        Ok(EventDetail {
            arrival: of.meta.body.at.0.into(),
            event: view(of.meta, &raw),
            parents: of.parents,
            children: of.children,
            author_key: of.author.to_string(),
            seq: of.seq,
            bytes: of.bytes.into(),
            signed: raw.proof.is_signed(),
            forked: of.forked,
            height_max: of.height_max.into(),
            held_by: of.held_by,
        })
    })
    .await
}

fn view(meta: Meta, raw: &Raw) -> EventView {
    EventView {
        uuid: meta.body.id.to_string(),
        label: meta.label,
        author: meta.author,
        time_ms: raw.time_ms,
        height: meta.height.into(),
        leaf: meta.leaf,
        parents: meta.parents,
        json: raw.to_json(meta.body.id),
        summary: summary(raw),
    }
}

/// Reads bodies in the order given; consecutive positions with one read. Blocks.
pub(crate) fn read_all<'a>(
    shared: &Shared,
    bodies: impl Iterator<Item = &'a Body>,
) -> Vec<Result<Raw, Failure>> {
    let bodies: Vec<_> = bodies.collect();
    let mut raws = Vec::with_capacity(bodies.len());
    while let Some(body) = bodies.get(raws.len()) {
        let rest = &bodies[raws.len()..];
        let mut run = rest
            .iter()
            .zip(body.at.0..)
            .take_while(|(body, at)| body.at.0 == *at && body.event.is_none())
            .count();
        if run < 2 {
            raws.push(read(shared, body));
            continue;
        }
        let up_to = Arrival(body.at.0 + u32::try_from(run).expect("arrivals are u32"));
        match shared.store.read_range(body.at, up_to, BULK_FRAME_BYTES) {
            Ok(events) if !events.is_empty() => {
                run = events.len().min(run);
                raws.extend(
                    rest.iter()
                        .zip(events)
                        .take(run)
                        .map(|(body, bytes)| decode(body, &bytes)),
                );
            }
            // The first of them is damaged, and says so when it is read alone.
            Ok(_) | Err(_) => raws.push(read(shared, body)),
        }
    }
    raws
}

fn read(shared: &Shared, body: &Body) -> Result<Raw, Failure> {
    if let Some(event) = &body.event {
        return Ok(event.raw().clone());
    }
    let bytes = shared.store.read(body.at).map_err(|error| {
        let is_damaged = matches!(error, store::Error::Damaged { .. });
        if is_damaged {
            damaged(body)
        } else {
            failed(&error)
        }
    })?;
    decode(body, &bytes)
}

fn decode(body: &Body, bytes: &[u8]) -> Result<Raw, Failure> {
    codec::decode_event(bytes).map_err(|_| damaged(body))
}

fn damaged(body: &Body) -> Failure {
    failed_because(format!(
        "event {} is damaged on disk: see `fedag verify`",
        body.id
    ))
}
