//! A small network of which the programs speak, and programs that are not mutated yet.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeSet;
use std::sync::OnceLock;

use crate::dag::{Dag, Inserted};
use crate::event::canon::Properties;
use crate::event::control::{Admit, Control, Invite, Root, Rules};
use crate::event::id::{DagDigest, EventId};
use crate::event::index::Index;
use crate::event::key::{Key, MachineId};
use crate::event::wall::WallTime;
use crate::event::{Draft, Event, sign_run};
use crate::gossip::message::{Announced, Reachable};
use crate::limits::{EVENT_BYTES_DEFAULT, PARENTS_DEFAULT, TAKE_BYTES_MAX};
use crate::machine::fuzz::op;
use crate::sync::message::{End, HeadChanges, Heads, Hello, Lacks, Offer, SessionId, Verdict};
use crate::wire::{Message, codec};

/// Who may be connected to the machine.
pub(super) const PEERS: usize = 4;

/// R, members, and events of them in every relation that there is.
pub(super) struct World {
    /// R alone.
    pub(super) index: Index,
    pub(super) own: Key,
    /// Members, all but the last.
    pub(super) peers: [MachineId; PEERS],
    /// Dependencies first; those of R are admissions.
    pub(super) events: Vec<Event>,
    /// What somebody who holds all of them tells.
    heads: Heads,
    /// What stands in the programs before they are mutated.
    pub(super) frames: BTreeSet<Vec<u8>>,
}

/// It is the same each time.
pub(super) fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(make)
}

/// The wall clock of all.
pub(super) fn wall() -> WallTime {
    WallTime::from_ms(1_795_334_580_123).expect("it is before the year 9999")
}

fn key(number: u8) -> Key {
    Key::from_seed([number; 32])
}

/// The machine is 1, R's author; the peers are 2 to 5.
fn make() -> World {
    let own = key(1);
    let rules = Rules {
        event_bytes_max: EVENT_BYTES_DEFAULT,
        parents_max: PARENTS_DEFAULT,
    };
    let control = Control::Root(Root {
        network: "net".into(),
        name: "first".into(),
        rules,
    });
    let root = signed(1, 1, Vec::new(), control, "");
    let length = codec::event_length(&root);
    let index = Index::of_root(root.clone(), length);
    let mut events = Vec::new();
    for number in 2..5 {
        let admit = Admit {
            key: key(number).machine(),
            name: format!("machine {number}"),
            invite: EventId([0; 16]),
        };
        let seq = u64::from(number);
        events.push(signed(1, seq, vec![root.id()], Control::Admit(admit), ""));
    }
    let invite = Invite {
        key: key(9).machine(),
        expires_ms: 5,
        uses: 1,
    };
    events.push(signed(2, 1, vec![root.id()], Control::Invite(invite), ""));
    for number in 0..40_u8 {
        let last = events.len() - 1;
        let back = |by: usize| events[last.saturating_sub(by % 7)].id();
        let mut parents = vec![back(number.into()), back(usize::from(number) * 5 + 1)];
        parents.sort_unstable();
        parents.dedup();
        let text = format!("event {number}");
        events.push(signed(
            2 + number % 3,
            2 + u64::from(number / 2),
            parents,
            Control::None,
            &text,
        ));
    }
    let item = |text: &str| (wall(), Properties::from_text(text));
    let parents = vec![root.id()];
    events.extend(sign_run(
        parents,
        90,
        ["a", "b", "c"].map(item).into(),
        &key(3),
    ));
    let whole = held(&index, &events);
    // By nobody's member, of another network, and never vouched for: these are held by none.
    events.push(signed(5, 1, vec![root.id()], Control::None, "a stranger's"));
    events.push(signed(4, 1, Vec::new(), root.control().clone(), "other"));
    let mut world = World {
        index,
        own,
        peers: [2, 3, 4, 5].map(|number| key(number).machine()),
        events,
        heads: heads(&whole),
        frames: BTreeSet::new(),
    };
    world.frames = messages(&world).iter().map(codec::encode).collect();
    world
}

fn signed(by: u8, seq: u64, parents: Vec<EventId>, control: Control, text: &str) -> Event {
    let properties = if text.is_empty() {
        Properties::none()
    } else {
        Properties::from_text(text)
    };
    Draft {
        parents,
        seq,
        wall: wall(),
        control,
        properties,
    }
    .sign(&key(by))
}

fn held(index: &Index, events: &[Event]) -> Dag {
    let mut dag = Dag::open(index.clone());
    for event in events {
        let inserted = dag.insert(event, codec::event_length(event));
        assert!(matches!(inserted, Inserted::New(_)), "{inserted:?}");
    }
    dag
}

fn heads(dag: &Dag) -> Heads {
    let ids: Vec<EventId> = dag.leaves().collect();
    Heads {
        total: u32::try_from(ids.len()).expect("there are few"),
        ids,
        count: dag.len(),
        digest: dag.digest(),
        bulk: false,
    }
}

/// Programs that do what honest peers do, and with each kind of message; all to be mutated.
///
/// # Panics
/// Never: the frames are short.
pub fn programs() -> Vec<Vec<u8>> {
    let world = world();
    let numbers: Vec<u8> = (0..=u8::MAX).take(world.events.len()).collect();
    let every = messages(world);
    let mut programs = vec![catch_up(world, &numbers), live(&numbers), late(&numbers)];
    for message in &every {
        let mut program = vec![op::CONNECT, 0, op::CONNECT, 1];
        frame(&mut program, 0, message);
        program.extend([op::WAIT, 0, 1, 0]);
        frame(&mut program, 1, message);
        programs.push(program);
    }
    let mut all = vec![op::CONNECT, 0, op::CONNECT, 1, op::CREATE, 0];
    for message in &every {
        frame(&mut all, 0, message);
        frame(&mut all, 1, message);
        all.extend([op::WAIT, 0, 40, 0, op::STREAMED, 0, 1]);
    }
    programs.push(all);
    programs
}

fn frame(program: &mut Vec<u8>, peer: u8, message: &Message) {
    let bytes = codec::encode(message);
    let length = u16::try_from(bytes.len()).expect("the messages are short");
    program.extend([op::FRAME, peer]);
    program.extend(length.to_be_bytes());
    program.extend(bytes);
}

/// Somebody who has everything brings it in a session.
fn catch_up(world: &World, numbers: &[u8]) -> Vec<u8> {
    let mut program = vec![op::CONNECT, 0, op::WAIT, 0, 0, 1];
    frame(&mut program, 0, &hello(world, Some(1)));
    let verdict = Verdict {
        session: SessionId(1),
        holds_all: true,
    };
    frame(&mut program, 0, &Message::Verdict(verdict));
    let held = &numbers[..numbers.len() - 2];
    let count = u8::try_from(held.len()).expect("they are few");
    program.extend([op::BULK, 0, 1, count]);
    program.extend(held);
    frame(&mut program, 0, &end(world));
    program.extend([op::WAIT, 0, 255, 255]);
    program
}

/// Events come one by one from two peers, the dependencies first.
fn live(numbers: &[u8]) -> Vec<u8> {
    let mut program = vec![op::CONNECT, 0, op::CONNECT, 1];
    for number in numbers {
        program.extend([op::PUSH, number % 2, 1, *number, op::WAIT, 0, 0, 3]);
    }
    program
}

/// The other way round: all but the first ones wait.
fn late(numbers: &[u8]) -> Vec<u8> {
    let mut program = vec![op::CONNECT, 0, op::CONNECT, 1];
    for number in numbers.iter().rev() {
        program.extend([op::PUSH, number % 2, 1, *number]);
    }
    program.extend([op::WAIT, 0, 4, 0, op::DISCONNECT, 0, op::WAIT, 0, 60, 0]);
    program
}

fn hello(world: &World, answers: Option<u32>) -> Message {
    let named = |from: usize| world.events[from..from + 9].iter().map(Event::id).collect();
    Message::Hello(Hello {
        session: SessionId(1),
        answers: answers.map(SessionId),
        heads: world.heads.clone(),
        head_parents: named(20),
        locator: named(0),
        take: TAKE_BYTES_MAX,
    })
}

fn end(world: &World) -> Message {
    Message::End(End {
        session: SessionId(1),
        more: false,
        heads: world.heads.clone(),
    })
}

/// One of each kind.
fn messages(world: &World) -> Vec<Message> {
    let ids: Vec<EventId> = world.events.iter().map(Event::id).collect();
    let unheld = Heads {
        ids: vec![EventId([3; 16]), EventId([7; 16])],
        total: 70,
        count: 1_000_000,
        digest: DagDigest([5; 32]),
        bulk: true,
    };
    let announced = |id: &EventId| Announced {
        id: *id,
        height: 7,
        length: 40_000,
    };
    let reachable = |number: u8| Reachable {
        machine: key(number).machine(),
        addresses: vec![([127, 0, 0, 1], number.into()).into()],
    };
    let holds_all = Verdict {
        session: SessionId(1),
        holds_all: true,
    };
    vec![
        hello(world, None),
        hello(world, Some(1)),
        Message::Verdict(Verdict {
            holds_all: false,
            ..holds_all
        }),
        Message::Verdict(holds_all),
        end(world),
        Message::Offer(Offer {
            session: SessionId(1),
            number: 0,
            ids: ids.clone(),
        }),
        Message::Lacks(Lacks {
            session: SessionId(1),
            number: 0,
            bits: vec![0x0f],
        }),
        Message::Changes(HeadChanges {
            since: world.heads.digest,
            added: unheld.ids.clone(),
            removed: world.heads.ids.clone(),
            total: 70,
            count: 9,
            digest: unheld.digest,
            bulk: false,
        }),
        Message::Heads(world.heads.clone()),
        Message::Heads(unheld),
        Message::Push(world.events[..8].to_vec()),
        Message::Announce(ids[10..].iter().map(announced).collect()),
        Message::Want(ids.clone()),
        Message::Given {
            events: world.events[4..7].to_vec(),
            not_held: ids[30..].to_vec(),
        },
        Message::Bulk {
            session: SessionId(1),
            events: world.events[..9].to_vec(),
        },
        Message::Addresses((10..30).map(reachable).collect()),
    ]
}
