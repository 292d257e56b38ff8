//! Small DAGs from text, for the tests of this module.
//!
//! `"R -> +x -> Ax -> Bx; R -> Cy"`: each arrow goes from a parent to a child, `;` begins a new chain. An event is made once
//! all its parents are. The last small letter of a name is its author (`Ax` is by x, whose key's seed is that letter);
//! `+x` is an admission of x by r, R's author, and `+yx` one of y by x; `?x` is an invite by x; `Ax@3` has the `seq` 3
//! instead of its author's next one. A `:word` at the end makes further names.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::dag::pending::{Pending, Put, Released};
use crate::dag::{Dag, Inserted};
use crate::event::canon::Properties;
use crate::event::control::{Admit, Control, Invite, Root, Rules};
use crate::event::id::{DigestSum, EventId};
use crate::event::index::{Append, Arrival, Index};
use crate::event::key::Key;
use crate::event::wall::WallTime;
use crate::event::{Draft, Event, Raw};
use crate::limits::{EVENT_BYTES_DEFAULT, PARENTS_DEFAULT, PENDING_BYTES_MAX};
use crate::time::Time;

/// What every event of a test is said to take.
pub(crate) const LENGTH: u32 = 200;

/// A DAG with the events it was made of, by name.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) dag: Dag,
    /// In order of arrival, without R.
    pub(crate) appends: Vec<Append>,
    names: BTreeMap<String, Event>,
    seqs: BTreeMap<char, u64>,
}

pub(crate) fn key(author: char) -> Key {
    Key::from_seed([u8::try_from(author).unwrap(); 32])
}

pub(crate) fn wall() -> WallTime {
    WallTime::from_ms(1_795_334_580_123).unwrap()
}

pub(crate) fn root() -> Event {
    let rules = Rules {
        event_bytes_max: EVENT_BYTES_DEFAULT,
        parents_max: PARENTS_DEFAULT,
    };
    root_with(rules)
}

pub(crate) fn root_with(rules: Rules) -> Event {
    let control = Control::Root(Root {
        network: "net".into(),
        name: "first".into(),
        rules,
    });
    Draft {
        parents: vec![],
        seq: 1,
        wall: wall(),
        control,
        properties: Properties::none(),
    }
    .sign(&key('r'))
}

/// Properties for a run, one event a text.
pub(crate) fn texts<const N: usize>(of: [&str; N]) -> Vec<(WallTime, Properties)> {
    of.map(|text| (wall(), Properties::from_text(text))).into()
}

/// `raw` as somebody else could have made it; its signature, if it has one, must hold.
pub(crate) fn checked(raw: Raw) -> Event {
    raw.check(empty().rules(), 500).unwrap()
}

/// A DAG that holds R alone.
pub(crate) fn empty() -> Dag {
    Dag::open(Index::of_root(root(), LENGTH))
}

impl World {
    pub(crate) fn new(text: &str) -> Self {
        Self::on(root(), text)
    }

    pub(crate) fn on(root: Event, text: &str) -> Self {
        let mut world = Self {
            dag: Dag::open(Index::of_root(root.clone(), LENGTH)),
            appends: Vec::new(),
            names: BTreeMap::from([("R".into(), root)]),
            seqs: BTreeMap::from([('r', 1)]),
        };
        world.extend(text);
        world
    }

    /// Makes the events that are not there yet, and inserts them.
    pub(crate) fn extend(&mut self, text: &str) {
        let mut order = Vec::new();
        let mut parents = BTreeMap::<&str, Vec<&str>>::new();
        for chain in text.split(';') {
            let nodes: Vec<_> = chain.split("->").map(str::trim).collect();
            order.extend(nodes.iter().copied());
            for edge in nodes.windows(2) {
                parents.entry(edge[1]).or_default().push(edge[0]);
            }
        }
        order.retain(|name| !self.names.contains_key(*name));
        while let Some(at) = order
            .iter()
            .position(|name| parents[name].iter().all(|of| self.names.contains_key(*of)))
        {
            let name = order[at];
            let ids = parents[name]
                .iter()
                .map(|parent| self.names[*parent].id())
                .collect();
            let event = self.make(name, ids);
            self.add(name, event);
            order.retain(|other| *other != name);
        }
        assert_eq!(
            order,
            Vec::<&str>::new(),
            "these have parents that are nowhere made"
        );
    }

    /// Inserts an event made elsewhere under a name.
    pub(crate) fn add(&mut self, name: &str, event: Event) {
        match self.dag.insert(&event, LENGTH) {
            Inserted::New(append) => self.appends.push(append),
            other @ (Inserted::Held(_)
            | Inserted::Twin(_)
            | Inserted::Missing(_)
            | Inserted::Unvouched
            | Inserted::ForeignRoot) => panic!("{name}: {other:?}"),
        }
        self.names.insert(name.into(), event);
    }

    /// Signs the event that a name stands for, without inserting it.
    pub(crate) fn make(&mut self, name: &str, parents: Vec<EventId>) -> Event {
        let (front, seq) = match name.split_once('@') {
            Some((front, seq)) => (front, Some(seq.parse().unwrap())),
            None => (name, None),
        };
        let front = front.split(':').next().unwrap();
        let author = match front.strip_prefix('+') {
            Some(admission) => admission.chars().nth(1).unwrap_or('r'),
            None => front.chars().last().unwrap(),
        };
        let control = match (front.as_bytes()[0], front.chars().nth(1)) {
            (b'+', Some(of)) => Self::admit(of, &name[1..], EventId([0; 16])),
            (b'?', _) => Control::Invite(Invite {
                key: key('?').machine(),
                expires_ms: 5,
                uses: 1,
            }),
            _ => Control::None,
        };
        let seq = seq.unwrap_or_else(|| self.next_seq(author));
        Draft {
            parents,
            seq,
            wall: wall(),
            control,
            properties: Properties::from_text(name),
        }
        .sign(&key(author))
    }

    pub(crate) fn admit(of: char, name: &str, invite: EventId) -> Control {
        Control::Admit(Admit {
            key: key(of).machine(),
            name: name.into(),
            invite,
        })
    }

    pub(crate) fn next_seq(&mut self, author: char) -> u64 {
        let seq = self.seqs.entry(author).or_default();
        *seq += 1;
        *seq
    }

    pub(crate) fn event(&self, name: &str) -> &Event {
        &self.names[name]
    }

    pub(crate) fn at(&self, name: &str) -> Arrival {
        self.dag.find(self.names[name].id()).unwrap()
    }

    pub(crate) fn name(&self, id: EventId) -> &str {
        self.names
            .iter()
            .find(|(_, event)| event.id() == id)
            .map_or("-", |(name, _)| name)
    }

    pub(crate) fn names(&self, ids: impl IntoIterator<Item = EventId>) -> String {
        let mut names: Vec<_> = ids.into_iter().map(|id| self.name(id)).collect();
        names.sort_unstable();
        names.join(" ")
    }

    /// Each event with its height and parents, by arrival; then the leaves.
    pub(crate) fn picture(&self) -> String {
        let dag = &self.dag;
        let line = |at| {
            let parents = self.names(dag.parents(at).iter().map(|parent| dag.id(*parent)));
            format!("{} {} <- {parents}", dag.height(at), self.name(dag.id(at)))
                .trim_end()
                .to_owned()
                + "\n"
        };
        let events: String = (0..dag.len()).map(Arrival).map(line).collect();
        format!("{events}leaves: {}\n", self.names(dag.leaves()))
    }

    /// What a store would have of this DAG.
    pub(crate) fn index(&self) -> Index {
        index(self.names["R"].clone(), &self.appends)
    }

    /// The events without R, in order of arrival.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.appends
            .iter()
            .map(|append| append.event.clone())
            .collect()
    }
}

/// What a store has after these were appended to R.
pub(crate) fn index(root: Event, appends: &[Append]) -> Index {
    let mut index = Index::of_root(root, LENGTH);
    let mut sum = DigestSum::default();
    sum.add(index.root.digest());
    for append in appends {
        assert_eq!(append.arrival.0 as usize, index.rows.len());
        sum.add(append.event.digest());
        if !append.event.raw().control.is_empty() {
            index
                .controls
                .push((append.arrival, append.event.raw().control.clone()));
        }
        index.authors.extend(append.new_author);
        index.rows.push(append.row.clone());
    }
    index.sum = sum;
    index
}

/// What arrived somewhere in some order, held as far as it can be.
#[derive(Debug)]
pub(crate) struct Delivered {
    pub(crate) dag: Dag,
    pub(crate) appends: Vec<Append>,
    /// Refused for ever, sorted.
    pub(crate) unvouched: Vec<EventId>,
    /// Still without a dependency.
    pub(crate) missing: usize,
}

/// Delivers `events` to a machine that holds R, in their order from the peers in turn, again and again until nothing changes.
/// Three events fill a peer's pending share.
pub(crate) fn deliver(root: Event, events: &[Event]) -> Delivered {
    let length = u32::try_from(PENDING_BYTES_MAX / 3).unwrap();
    let peers = ['p', 'q'].map(|peer| key(peer).machine());
    let mut dag = Dag::open(Index::of_root(root, LENGTH));
    let (mut pending, mut appends, mut unvouched, mut now) =
        (Pending::default(), Vec::new(), Vec::new(), Time(0));
    loop {
        let before = (dag.len(), unvouched.len());
        let mut missing = 0;
        for (event, peer) in events.iter().zip(peers.iter().cycle()) {
            now = Time(now.0 + 1);
            match dag.insert(event, length) {
                Inserted::New(append) => {
                    let released = pending.release(&mut dag, &append);
                    appends.push(append);
                    for event in released {
                        match event {
                            Released::Held(_, append) => appends.push(append),
                            Released::Unvouched(_, id) => unvouched.push(id),
                            Released::Twin(_, id) => panic!("{id} has a twin"),
                        }
                    }
                }
                Inserted::Missing(lacks) => {
                    missing += 1;
                    let put = pending.put(now, *peer, event.clone(), length, lacks);
                    assert!(put == Put::Full || pending.contains(event.id()));
                }
                Inserted::Unvouched => unvouched.push(event.id()),
                Inserted::Held(_) => {}
                Inserted::Twin(at) => panic!("{at:?} has a twin"),
                Inserted::ForeignRoot => panic!("a second root"),
            }
            assert!(pending.len() <= 2 * 3);
        }
        unvouched.sort_unstable();
        unvouched.dedup();
        if (dag.len(), unvouched.len()) == before {
            return Delivered {
                dag,
                appends,
                unvouched,
                missing,
            };
        }
    }
}

/// R and `len - 1` events by its author, each with 1 to 3 parents among those before.
pub(crate) fn random_dag(seed: u64, len: u32) -> Dag {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let mut world = World::new("R");
    for n in 1..len {
        let mut parents: Vec<_> = (0..=random.next_u32() % 3)
            .map(|_| world.dag.id(Arrival(n - 1 - random.next_u32() % n.min(20))))
            .collect();
        parents.sort_unstable();
        parents.dedup();
        let name = format!("E{n}r");
        let event = world.make(&name, parents);
        world.add(&name, event);
    }
    world.dag
}
