//! Machines that write and replicate, in memory: canned DAGs for the screen.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use fedag::control::search::{Found, Hit, SearchRequest};
use fedag::control::view::{
    EventDetail, EventName, EventView, Fold, Lane, MachineName, MachinePhase, Order, PeerState,
    PeerStatus, Status, StoreStatus, Window, WindowParent, WindowRequest, WindowRow,
};

/// 2026-11-22T08:00:00Z.
pub(crate) const START_MS: u64 = 1_795_334_400_000;

#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) lane: usize,
    pub(crate) seq: u64,
    pub(crate) height: u64,
    pub(crate) parents: Vec<usize>,
    pub(crate) time_ms: u64,
    pub(crate) text: String,
}

/// All events, and which machine holds which. Machine 0 made the root.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) names: Vec<String>,
    pub(crate) events: Vec<Made>,
    pub(crate) held: Vec<BTreeSet<usize>>,
}

impl World {
    pub(crate) fn new(names: &[&str]) -> Self {
        let root = Made {
            lane: 0,
            seq: 0,
            height: 0,
            parents: vec![],
            time_ms: START_MS,
            text: "network lab-net begins".into(),
        };
        let held = vec![BTreeSet::from([0]); names.len()];
        Self {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            events: vec![root],
            held,
        }
    }

    pub(crate) fn leaves(&self, machine: usize) -> Vec<usize> {
        let named: BTreeSet<usize> = self.held[machine]
            .iter()
            .flat_map(|event| self.events[*event].parents.iter().copied())
            .collect();
        self.held[machine].difference(&named).copied().collect()
    }

    /// `machine` writes on all leaves that it holds.
    pub(crate) fn write(&mut self, machine: usize, text: &str) -> usize {
        let parents = self.leaves(machine);
        self.write_on(machine, parents, text)
    }

    pub(crate) fn write_on(&mut self, machine: usize, parents: Vec<usize>, text: &str) -> usize {
        let at = self.events.len();
        let height = parents
            .iter()
            .map(|parent| self.events[*parent].height)
            .max()
            .map_or(0, |height| height + 1);
        let seq = self
            .events
            .iter()
            .filter(|event| event.lane == machine)
            .count() as u64;
        let time_ms = START_MS + 60_000 + at as u64 * 2_000;
        self.events.push(Made {
            lane: machine,
            seq,
            height,
            parents,
            time_ms,
            text: text.into(),
        });
        self.held[machine].insert(at);
        at
    }

    /// `to` gets all that `from` holds.
    pub(crate) fn pull(&mut self, to: usize, from: usize) {
        let events = self.held[from].clone();
        self.held[to].extend(events);
    }

    pub(crate) fn label(&self, event: usize) -> String {
        let made = &self.events[event];
        if made.parents.is_empty() {
            "R".into()
        } else {
            format!("{}{}", self.prefix(made.lane), made.seq)
        }
    }

    fn prefix(&self, lane: usize) -> String {
        let first = |lane: usize| self.names[lane].chars().next().unwrap_or('x');
        let twin = self.names[..lane]
            .iter()
            .enumerate()
            .any(|(other, _)| first(other) == first(lane));
        if twin {
            format!("{}{lane}x", first(lane))
        } else {
            first(lane).to_string()
        }
    }

    pub(crate) fn uuid(event: usize) -> String {
        let hash = (event as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        format!(
            "{:08x}-{:04x}-8{:03x}-a{:03x}-{:012x}",
            hash >> 32,
            hash >> 16 & 0xffff,
            hash & 0xfff,
            event & 0xfff,
            hash >> 8 & 0xffff_ffff_ffff
        )
    }

    /// What `me` holds, in the order of its screen.
    pub(crate) fn order(&self, me: usize, order: Order) -> Vec<usize> {
        let mut events: Vec<usize> = self.held[me].iter().copied().collect();
        if order == Order::Causal {
            events.sort_by_key(|event| (self.events[*event].height, *event));
        }
        events
    }

    /// The lanes of a window: `me`, then by how recently they were active.
    fn lanes(&self, me: usize, rows: &[usize]) -> Vec<usize> {
        let mut lanes: Vec<usize> = vec![me];
        let mut note = |lane: usize| {
            if !lanes.contains(&lane) {
                lanes.push(lane);
            }
        };
        for event in rows.iter().rev() {
            note(self.events[*event].lane);
        }
        for event in rows {
            self.events[*event]
                .parents
                .iter()
                .take(64)
                .for_each(|parent| note(self.events[*parent].lane));
        }
        lanes
    }

    /// The rows that a node of `me` answers with.
    pub(crate) fn window(&self, me: usize, request: &WindowRequest) -> Window {
        let (order, groups, shown) = self.groups(me, request);
        let first: usize = groups[..shown.start].iter().map(Vec::len).sum();
        let end = first + groups[shown.clone()].iter().map(Vec::len).sum::<usize>();
        let lanes = self.lanes(me, &order[first..end]);
        let index = |lane: usize| {
            u32::try_from(lanes.iter().position(|other| *other == lane).unwrap()).unwrap()
        };
        let mut newest: BTreeMap<usize, usize> = BTreeMap::new();
        let mut rows = Vec::new();
        let leaves = self.leaves(me);
        for (place, group) in groups[..shown.end].iter().enumerate() {
            let event = group.last().unwrap();
            let made = &self.events[*event];
            let parents = &self.events[group[0]].parents;
            if place >= shown.start {
                let parent = |parent: &usize| WindowParent {
                    label: self.label(*parent),
                    lane: index(self.events[*parent].lane),
                    newest: newest.get(&self.events[*parent].lane) == Some(parent),
                };
                rows.push(WindowRow {
                    uuid: Self::uuid(*event),
                    label: self.label(*event),
                    lane: index(made.lane),
                    time_ms: made.time_ms,
                    leaf: leaves.contains(event),
                    parents: parents.iter().take(64).map(parent).collect(),
                    parents_total: u32::try_from(parents.len()).unwrap(),
                    summary: made.text.clone(),
                    held_by: u32::try_from(
                        self.others(me)
                            .filter(|other| self.held[*other].contains(event))
                            .count(),
                    )
                    .unwrap(),
                    arrived_ms: None,
                    fold: (group.len() > 1).then(|| Fold {
                        events: u32::try_from(group.len()).unwrap(),
                        first: self.label(group[0]),
                    }),
                    more: self.goes_on(*event, &order[end..]),
                    hits: request
                        .query
                        .as_ref()
                        .filter(|query| self.matches(*event, query))
                        .map(|query| marks(&made.text, query)),
                });
            }
            newest.insert(made.lane, *event);
        }
        let lane = |lane: &usize| self.lane(me, *lane, &order[..first], &order[end..]);
        let lanes = lanes.iter().map(lane).collect();
        Window {
            rows,
            lanes,
            first: first as u64,
            total: order.len() as u64,
        }
    }

    /// The order, cut into rows, and which of them are asked for.
    fn groups(
        &self,
        me: usize,
        request: &WindowRequest,
    ) -> (Vec<usize>, Vec<Vec<usize>>, Range<usize>) {
        let mut order = self.order(me, request.order);
        let mut at = &request.at;
        let mut before = request.before as usize;
        if let Some(only) = &request.only {
            order.retain(|event| only.contains(&Self::uuid(*event)));
            (at, before) = (&None, order.len());
        }
        let at = match at {
            None => order.len() - 1,
            Some(uuid) => order
                .iter()
                .position(|event| Self::uuid(*event) == *uuid)
                .expect("the event is held"),
        };
        let groups = self.fold(&order, request, at);
        let own = groups
            .iter()
            .position(|group| group.contains(&order[at]))
            .unwrap();
        let end = groups.len().min(own + 1 + request.after as usize);
        (order, groups, own.saturating_sub(before)..end)
    }

    /// The rows of an order: events, and quiet runs of more than `request.fold`, cut after the anchor at `at`.
    fn fold(&self, order: &[usize], request: &WindowRequest, at: usize) -> Vec<Vec<usize>> {
        let child_of = |place: usize| {
            let next = order.get(place).map(|event| &self.events[*event])?;
            let before = place.checked_sub(1).map(|before| order[before])?;
            (next.parents == [before] && next.lane == self.events[before].lane).then_some(before)
        };
        let children = |event: usize| {
            let made = order
                .iter()
                .filter(|other| self.events[**other].parents.contains(&event));
            made.count()
        };
        let is_quiet = |place: usize| {
            child_of(place).is_some()
                && child_of(place + 1).is_some()
                && children(order[place]) == 1
        };
        let mut groups: Vec<Vec<usize>> = Vec::new();
        let mut is_run = false;
        for (place, event) in order.iter().enumerate() {
            let goes_on = request.fold > 0 && is_quiet(place);
            match groups.last_mut() {
                Some(group) if goes_on && is_run => group.push(*event),
                Some(_) | None => groups.push(vec![*event]),
            }
            is_run = goes_on;
        }
        let named = |event: &usize| request.unfolded.contains(&Self::uuid(*event));
        let anchor = request.at.as_ref().map(|_| order[at]);
        let split = |run: Vec<usize>| {
            let is_open = run.iter().any(named);
            let cut = run.iter().position(|event| Some(*event) == anchor);
            let (head, tail) = run.split_at(cut.map_or(run.len(), |cut| cut + 1));
            let pieces = [head, tail].map(|part| {
                if is_open || part.len() <= request.fold as usize {
                    part.iter().map(|event| vec![*event]).collect()
                } else {
                    vec![part.to_vec()]
                }
            });
            pieces.concat()
        };
        groups.into_iter().flat_map(split).collect()
    }

    fn lane(&self, me: usize, lane: usize, before: &[usize], after: &[usize]) -> Lane {
        let wrote = |events: &[usize]| events.iter().any(|event| self.events[*event].lane == lane);
        Lane {
            name: self.names[lane].clone(),
            prefix: self.prefix(lane),
            own: lane == me,
            before: wrote(before),
            after: wrote(after),
            forked: false,
        }
    }

    fn goes_on(&self, event: usize, after: &[usize]) -> bool {
        after
            .iter()
            .any(|child| self.events[*child].parents.contains(&event))
    }

    fn matches(&self, event: usize, query: &str) -> bool {
        let made = &self.events[event];
        match query.strip_prefix("author:") {
            Some(name) => self.names[made.lane] == name,
            None => made.text.contains(query) || self.label(event) == query,
        }
    }

    /// One step of a search, of at most `most` events.
    pub(crate) fn search(&self, me: usize, request: &SearchRequest, most: usize) -> Found {
        let mut order = self.order(me, request.order);
        if request.back {
            order.reverse();
        }
        let from = request.from.as_ref().map(|from| {
            let found = order.iter().position(|event| Self::uuid(*event) == *from);
            found.expect("the event is held")
        });
        let most_hits = usize::try_from(request.most.max(1)).unwrap();
        let rest = &order[from.map_or(0, |from| from + 1)..];
        let mut found = Found {
            total: order.len() as u64,
            first: rest.first().map(|event| Self::uuid(*event)),
            ..Found::default()
        };
        let lane = from.map(|from| self.events[order[from]].lane);
        for event in rest.iter().take(most) {
            found.looked += 1;
            found.last = Some(Self::uuid(*event));
            let is_hit = if request.same_author {
                Some(self.events[*event].lane) == lane
            } else {
                self.matches(*event, &request.query)
            };
            if is_hit {
                found.hits.push(Hit {
                    uuid: Self::uuid(*event),
                    height: self.events[*event].height,
                    arrival: *event as u64,
                });
                if found.hits.len() == most_hits {
                    break;
                }
            }
        }
        found.done = found.looked == rest.len() as u64;
        found
    }

    pub(crate) fn newest(&self, me: usize, rows: u32) -> Window {
        self.window(
            me,
            &WindowRequest {
                before: rows - 1,
                ..WindowRequest::default()
            },
        )
    }

    fn others(&self, me: usize) -> impl Iterator<Item = usize> {
        (0..self.names.len()).filter(move |other| *other != me)
    }

    pub(crate) fn now_ms(&self) -> u64 {
        START_MS + 62_000 + self.events.len() as u64 * 2_000
    }

    pub(crate) fn digest(&self, machine: usize) -> String {
        let sum = self.held[machine].iter().fold(7u64, |sum, event| {
            sum.wrapping_add((*event as u64 + 3).wrapping_mul(0x9E37_79B9_97F4_A7C1))
        });
        format!("{sum:016x}{sum:016x}{sum:016x}{sum:016x}")
    }

    pub(crate) fn peer(&self, me: usize, other: usize) -> PeerStatus {
        let here = self.held[other].difference(&self.held[me]).count() as u64;
        let there = self.held[me].difference(&self.held[other]).count() as u64;
        let state = match (here, there) {
            (0, 0) => PeerState::InStep,
            (0, _) => PeerState::Behind,
            (_, 0) => PeerState::Ahead,
            (_, _) => PeerState::Diverged,
        };
        PeerStatus {
            name: Some(self.names[other].clone()),
            key: format!("{}K7f3q9", self.names[other]),
            address: Some(([192, 168, 1, 20 + u8::try_from(other).unwrap_or(0)], 4433).into()),
            state,
            rtt_ms: Some(0.4 + 0.7 * f64::from(u32::try_from(other).unwrap())),
            missing_here: Some(here),
            missing_there: Some(there),
            in_bytes: Some(120_000),
            out_bytes: Some(48_000),
            in_bytes_s: Some(1_234 * other as u64),
            out_bytes_s: Some(320),
            since: START_MS,
            redial_s: None,
            why: None,
        }
    }

    pub(crate) fn away(&self, me: usize, other: usize, why: &str) -> PeerStatus {
        let since = self.now_ms() - 12_000;
        let state = PeerState::Unreachable;
        PeerStatus {
            state,
            rtt_ms: None,
            missing_here: None,
            missing_there: None,
            in_bytes: None,
            out_bytes: None,
            in_bytes_s: None,
            out_bytes_s: None,
            since,
            redial_s: Some(4),
            why: Some(why.into()),
            ..self.peer(me, other)
        }
    }

    pub(crate) fn status(&self, me: usize, peers: Vec<PeerStatus>) -> Status {
        let leaves = self.leaves(me);
        let connected: Vec<&PeerStatus> = peers
            .iter()
            .filter(|peer| peer.state.is_connected())
            .collect();
        let in_step = (!connected.is_empty())
            .then(|| connected.iter().all(|peer| peer.state == PeerState::InStep));
        let members = self.names.len() as u64;
        let heard = connected.len() as u64;
        Status {
            network: "lab-net".into(),
            root: Self::uuid(0),
            running: true,
            machine: MachineName {
                name: self.names[me].clone(),
                key: "5f2cK7f3q9".into(),
            },
            events: self.held[me].len() as u64,
            leaves: leaves
                .iter()
                .take(64)
                .map(|leaf| Self::uuid(*leaf))
                .collect(),
            leaves_total: leaves.len() as u64,
            height: self.held[me]
                .iter()
                .map(|event| self.events[*event].height)
                .max()
                .unwrap(),
            digest: self.digest(me),
            pending: 0,
            in_step,
            converged: in_step == Some(true) && heard + 1 == members,
            heard,
            members,
            listening: vec![([192, 168, 1, 20], 4433).into()],
            cut_off_s: (members > 1 && connected.is_empty()).then_some(12),
            peers,
            faults: BTreeMap::new(),
            received_bytes: 0,
            store: StoreStatus {
                bytes: 48_000,
                damaged: 0,
                lost: 0,
            },
            phase: MachinePhase::Live,
            progress: None,
            twins: false,
        }
    }

    pub(crate) fn view(&self, me: usize, event: usize) -> EventView {
        let made = &self.events[event];
        let text = serde_json::Value::from(made.text.clone());
        let parents: Vec<String> = made
            .parents
            .iter()
            .map(|parent| Self::uuid(*parent))
            .collect();
        let user = if made.text.starts_with('{') {
            made.text[1..made.text.len() - 1].to_owned()
        } else {
            format!("\"text\":{text}")
        };
        EventView {
            uuid: Self::uuid(event),
            label: self.label(event),
            author: self.names[made.lane].clone(),
            time_ms: made.time_ms,
            height: made.height,
            leaf: self.leaves(me).contains(&event),
            parents: made
                .parents
                .iter()
                .map(|parent| self.label(*parent))
                .collect(),
            json: format!(
                "{{\"uuid\":\"{}\",\"parents\":{},\"fedag\":{{\"machine\":\"hN3Cm1XoSg1PpsnHmTqrhn2Xb8mC3aYV0dYTu2nnzvc\",\"seq\":{},\"time\":\"2026-11-22T08:01:00.000Z\"}},{user}}}",
                Self::uuid(event),
                serde_json::to_string(&parents).unwrap(),
                made.seq,
            ),
            summary: made.text.clone(),
        }
    }

    pub(crate) fn views(&self, uuids: &[String]) -> Vec<EventView> {
        let is_asked = |event: &usize| uuids.contains(&Self::uuid(*event));
        let events = (0..self.events.len()).filter(is_asked);
        events.map(|event| self.view(0, event)).collect()
    }

    pub(crate) fn detail(&self, me: usize, event: usize) -> EventDetail {
        let made = &self.events[event];
        let name = |event: usize| EventName {
            uuid: Self::uuid(event),
            label: self.label(event),
        };
        let children = self.held[me]
            .iter()
            .copied()
            .filter(|child| self.events[*child].parents.contains(&event));
        EventDetail {
            event: self.view(me, event),
            parents: made.parents.iter().map(|parent| name(*parent)).collect(),
            children: children.map(name).collect(),
            author_key: "hN3Cm1XoSg1PpsnHmTqrhn2Xb8mC3aYV0dYTu2nnzvc".into(),
            seq: made.seq,
            arrival: event as u64,
            bytes: 312,
            signed: true,
            forked: false,
            height_max: self.held[me]
                .iter()
                .map(|event| self.events[*event].height)
                .max()
                .unwrap(),
            held_by: self
                .others(me)
                .map(|other| {
                    (
                        self.names[other].clone(),
                        Some(self.held[other].contains(&event)),
                    )
                })
                .collect(),
        }
    }

    /// `steps` events by random machines, which hear of each other now and then.
    pub(crate) fn live(&mut self, seed: u64, steps: usize) {
        const TEXTS: [&str; 10] = [
            "deploy v12",
            "{\"temp\":21.5,\"room\":\"lab\"}",
            "ok",
            "cpu 91% on cyd",
            "rollback?",
            "no, wait",
            "{\"kind\":\"order\",\"qty\":3}",
            "shift handover",
            "ack",
            "backup done, 48 GB",
        ];
        let mut state = seed | 1;
        let mut dice = |sides: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % sides
        };
        for _ in 0..steps {
            let (a, b, writer) = (
                dice(self.names.len()),
                dice(self.names.len()),
                dice(self.names.len()),
            );
            self.pull(a, b);
            self.pull(writer, a);
            self.write(writer, TEXTS[dice(TEXTS.len())]);
        }
    }

    /// Everybody gets everything.
    pub(crate) fn heal(&mut self) {
        let all: BTreeSet<usize> = (0..self.events.len()).collect();
        self.held = vec![all; self.names.len()];
    }
}

/// Where a text matches, in characters.
fn marks(text: &str, query: &str) -> Vec<(u32, u32)> {
    let chars = |bytes: usize| u32::try_from(text[..bytes].chars().count()).unwrap();
    text.match_indices(query)
        .map(|(at, part)| (chars(at), chars(at + part.len())))
        .collect()
}
