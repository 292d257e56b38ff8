use std::fmt::Write;

use super::*;
use crate::event::canon::Properties;
use crate::event::control::{Control, Root, Rules};
use crate::event::key::Key;
use crate::event::wall::WallTime;
use crate::event::{Draft, Invalid, sign_run};
use crate::limits::*;
use crate::wire::fuzz::encode_frame;
use crate::wire::greeting::{Blob, Greeting, Welcome};

mod any;
mod refused;

const RULES: Rules = Rules {
    event_bytes_max: EVENT_BYTES_DEFAULT,
    parents_max: PARENTS_DEFAULT,
};

fn id(first: u8) -> EventId {
    let mut bytes = [0; 16];
    bytes[0] = first;
    EventId(bytes)
}

fn ids(range: std::ops::Range<usize>) -> Vec<EventId> {
    range.map(|n| EventId((n as u128).to_be_bytes())).collect()
}

fn wall(ms: u64) -> WallTime {
    WallTime::from_ms(ms).unwrap()
}

fn root() -> Event {
    let root = Root {
        network: "harbour".to_owned(),
        name: "amy".to_owned(),
        rules: RULES,
    };
    let control = Control::Root(root);
    let properties = Properties::none();
    Draft {
        parents: Vec::new(),
        seq: 1,
        wall: wall(1_795_334_400_000),
        control,
        properties,
    }
    .sign(&Key::from_seed([1; 32]))
}

/// A run of three and a single event: every kind of proof.
fn events() -> Vec<Event> {
    let key = Key::from_seed([2; 32]);
    let items =
        ["one", "two", "three"].map(|text| (wall(1_795_334_400_123), Properties::from_text(text)));
    let mut events = sign_run(vec![id(9), id(3)], 7, items.into(), &key);
    let properties = Properties::parse(br#"{"n":1.5,"text":"deploy v12"}"#).unwrap();
    let parents = vec![events[2].id()];
    events.push(
        Draft {
            parents,
            seq: 10,
            wall: wall(0),
            control: Control::None,
            properties,
        }
        .sign(&key),
    );
    events
}

fn heads() -> Heads {
    Heads {
        ids: vec![id(1), id(2)],
        total: 2,
        count: 300,
        digest: DagDigest([0xdd; 32]),
        bulk: true,
    }
}

fn hello() -> Hello {
    let (head_parents, locator) = (vec![id(4)], vec![id(5), id(6)]);
    let answers = Some(SessionId(251));
    Hello {
        session: SessionId(7),
        answers,
        heads: heads(),
        head_parents,
        locator,
        take: TAKE_BYTES_MAX,
    }
}

fn reachable(machines: usize, addresses: usize) -> Vec<Reachable> {
    let address: Vec<SocketAddr> = vec![
        "192.0.2.7:4433".parse().unwrap(),
        "[2001:db8::7]:80".parse().unwrap(),
    ];
    let addresses: Vec<SocketAddr> = address.into_iter().cycle().take(addresses).collect();
    vec![
        Reachable {
            machine: MachineId([0x4d; 32]),
            addresses
        };
        machines
    ]
}

/// One of each, by name.
/// Messages of a session besides its begin and end, and of heads that are many.
fn asking() -> Vec<(&'static str, Message)> {
    vec![
        (
            "offer",
            Message::Offer(Offer {
                session: SessionId(7),
                number: 3,
                ids: vec![id(9), id(2)],
            }),
        ),
        (
            "lacks",
            Message::Lacks(Lacks {
                session: SessionId(8),
                number: 3,
                bits: vec![0b10],
            }),
        ),
        (
            "changes",
            Message::Changes(HeadChanges {
                since: DagDigest([0xd0; 32]),
                added: vec![id(3), id(4)],
                removed: vec![id(1)],
                total: 70,
                count: 300,
                digest: DagDigest([0xd1; 32]),
                bulk: true,
            }),
        ),
    ]
}

fn messages() -> Vec<(&'static str, Message)> {
    let announced = Announced {
        id: id(8),
        height: 70_000,
        length: 65_536,
    };
    vec![
        ("hello", Message::Hello(hello())),
        (
            "hello_opens",
            Message::Hello(Hello {
                answers: None,
                take: 0,
                ..hello()
            }),
        ),
        (
            "verdict",
            Message::Verdict(Verdict {
                session: SessionId(7),
                holds_all: false,
            }),
        ),
        (
            "end",
            Message::End(End {
                session: SessionId(7),
                more: true,
                heads: heads(),
            }),
        ),
        (
            "heads",
            Message::Heads(Heads {
                bulk: false,
                ..heads()
            }),
        ),
        ("push", Message::Push(events())),
        ("announce", Message::Announce(vec![announced])),
        ("want", Message::Want(vec![id(8), id(1)])),
        (
            "given",
            Message::Given {
                events: events()[3..].to_vec(),
                not_held: vec![id(1)],
            },
        ),
        (
            "bulk",
            Message::Bulk {
                session: SessionId(7),
                events: events()[..2].to_vec(),
            },
        ),
        ("addresses", Message::Addresses(reachable(1, 2))),
    ]
}

fn greetings() -> Vec<(&'static str, Vec<u8>)> {
    let credential = vec![Blob(vec![0xc1; 3]), Blob(vec![0xc2; 2])];
    let member = Greeting::Member {
        root: id(0xa0),
        start: 1 << 40,
        credential: credential.clone(),
    };
    let name = "bob".to_owned();
    let joiner = Greeting::Joiner {
        root: id(0xa0),
        invite: id(0x11),
        name,
        signature: Blob(vec![0x51; 64]),
    };
    let welcome = Welcome::Member {
        start: 5,
        credential: credential.clone(),
    };
    let admitted = Welcome::Joined {
        root: Blob(vec![0xa0; 4]),
        credential,
    };
    vec![
        ("greeting_member", encode_plain(&member)),
        ("greeting_joiner", encode_plain(&joiner)),
        ("welcome_member", encode_plain(&welcome)),
        ("welcome_joined", encode_plain(&admitted)),
    ]
}

fn vectors() -> Vec<(&'static str, Vec<u8>)> {
    let mut all = vec![("event_root", encode_event(&root()))];
    let kinds = ["event_head", "event_middle", "event_last", "event_signed"];
    all.extend(kinds.into_iter().zip(events().iter().map(encode_event)));
    all.extend(
        messages()
            .iter()
            .chain(&asking())
            .map(|(name, message)| (*name, encode(message))),
    );
    all.extend(greetings());
    all
}

#[test]
fn golden_bytes() {
    let mut text = String::new();
    for (name, bytes) in vectors() {
        writeln!(text, "{name} {}", data_encoding::HEXLOWER.encode(&bytes)).unwrap();
    }
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/frames.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    for (expected, found) in golden.lines().zip(text.lines()) {
        assert_eq!(expected, found);
    }
    assert_eq!(golden, text, "a line more or fewer");
}

#[test]
fn the_layout_of_an_event_is_that_of_the_document() {
    let key = MachineId([7; 32]);
    let (control, properties) = (b"{}".to_vec(), b"{\"a\":1}".to_vec());
    let proof = Proof::Middle {
        next: Commitment([9; 32]),
    };
    let raw = Raw {
        parents: vec![id(5)],
        machine: key,
        seq: 250,
        time_ms: 251,
        proof,
        control,
        properties,
    };
    let mut bytes = vec![1, 5];
    bytes.extend([0; 15]);
    bytes.extend([7; 32]);
    bytes.extend([250, 251, 251, 0, 2]);
    bytes.extend([9; 32]);
    bytes.extend(*b"\x02{}\x07{\"a\":1}");
    assert_eq!(encode_raw(&raw), bytes);
    assert_eq!(decode_event(&bytes), Ok(raw));
}

#[test]
fn the_length_of_an_event_is_told_without_encoding_it() {
    for event in events() {
        assert_eq!(event_length(&event) as usize, encode_event(&event).len());
    }
}

#[test]
fn messages_come_back_as_they_were() {
    for (name, message) in messages().into_iter().chain(asking()) {
        let frame = decode(&encode(&message)).unwrap();
        assert_eq!(encode_frame(&frame), encode(&message), "{name}");
        assert_eq!(frame.check(&RULES), Ok(message), "{name}");
    }
}

#[test]
fn frames_of_stored_bytes_are_those_of_the_events() {
    let (events, bytes) = (
        events(),
        events().iter().map(encode_event).collect::<Vec<_>>(),
    );
    let bulk = Message::Bulk {
        session: SessionId(9),
        events: events.clone(),
    };
    assert_eq!(encode_bulk(SessionId(9), &bytes), encode(&bulk));
    let given = Message::Given {
        events,
        not_held: vec![id(1)],
    };
    assert_eq!(encode_given(&bytes, &[id(1)]), encode(&given));
}

#[test]
fn one_invalid_event_spoils_its_frame() {
    let mut raws: Vec<Raw> = events().iter().map(|event| event.raw().clone()).collect();
    raws[3].properties = b"{}".to_vec();
    let bytes: Vec<Vec<u8>> = raws.iter().map(encode_raw).collect();
    let frame = decode(&encode_bulk(SessionId(1), &bytes)).unwrap();
    assert_eq!(frame.events(), 4);
    assert_eq!(frame.check(&RULES), Err(Fault::Event(Invalid::Signature)));
    let rules = Rules {
        event_bytes_max: event_length(&events()[0]) - 1,
        ..RULES
    };
    let frame = decode(&encode(&Message::Push(events()))).unwrap();
    assert_eq!(frame.check(&rules), Err(Fault::Event(Invalid::TooLarge)));
}
