//! What a machine's disk does to it: the program killed, the power lost, bytes that rot, no room left.
//!
//! After each: what was acknowledged is held or its loss is told by name, and never is a wrong event given. Each part prints what
//! it did (`cargo test --test it crash -- --nocapture`). The environment makes a part longer:
//!
//! | variable | counts | without it |
//! |---|---|---|
//! | `FEDAG_KILLS` | `kill -9` of a node that is written to | 30 |
//! | `FEDAG_POWER_LOSSES` | simulated losses of power | 1000 |
//! | `FEDAG_CRASH_SEED` | the seed of both | 1 |

mod disks;
mod full;
mod heal;
mod kill;
mod power;
mod rot;

use std::str::FromStr;

use fedag::dag::{Dag, Inserted};
use fedag::event::canon::Properties;
use fedag::event::control::{Control, Root, Rules};
use fedag::event::index::{Append, Arrival, Index};
use fedag::event::key::Key;
use fedag::event::wall::WallTime;
use fedag::event::{Draft, Event};
use fedag::limits::{BULK_FRAME_BYTES, EVENT_BYTES_DEFAULT, PARENTS_DEFAULT};
use fedag::store::{Error, Record, Store};
use fedag::wire::codec;

/// A number from the environment.
fn asked<T: FromStr>(name: &str, otherwise: T) -> T {
    let Ok(text) = std::env::var(name) else {
        return otherwise;
    };
    let number = text.parse().ok();
    number.unwrap_or_else(|| panic!("{name}={text} is no number"))
}

fn seed() -> u64 {
    asked("FEDAG_CRASH_SEED", 1)
}

#[expect(clippy::print_stderr, reason = "what was done, for people")]
fn told(done: &str) {
    eprintln!("{done}");
}

/// R and `count` further events of one machine, as records of its store; some long, a few with a control part.
fn records(count: u64) -> Vec<Record> {
    let key = Key::from_seed([1; 32]);
    let wall = |ms| WallTime::from_ms(ms).unwrap();
    let rules = Rules {
        event_bytes_max: EVENT_BYTES_DEFAULT,
        parents_max: PARENTS_DEFAULT,
    };
    let (network, name) = ("lab".to_owned(), "ana".to_owned());
    let draft = |parents, seq, control, properties| Draft {
        parents,
        seq,
        wall: wall(seq),
        control,
        properties,
    };
    let control = Control::Root(Root {
        network,
        name,
        rules,
    });
    let root = draft(Vec::new(), 1, control, Properties::none()).sign(&key);
    let index = Index::of_root(root.clone(), codec::event_length(&root));
    let mut records = vec![record(Append {
        arrival: Arrival(0),
        row: index.rows[0].clone(),
        event: root.clone(),
        new_author: Some(key.machine()),
    })];
    let mut dag = Dag::open(index);
    for seq in 2..=count + 1 {
        let long = if seq % 17 == 0 { 3000 } else { 40 };
        let text = format!("event {seq} {}", "x".repeat(long));
        let control = match seq % 23 {
            0 => Control::Invite(fedag::event::control::Invite {
                key: key.machine(),
                expires_ms: seq,
                uses: 0,
            }),
            _ => Control::None,
        };
        let parents = dag.leaves().collect();
        let event: Event = draft(parents, seq, control, Properties::from_text(&text)).sign(&key);
        let Inserted::New(append) = dag.insert(&event, codec::event_length(&event)) else {
            panic!("an event on the leaves is held");
        };
        records.push(record(append));
    }
    records
}

fn record(append: Append) -> Record {
    let bytes = codec::encode_event(&append.event);
    Record { append, bytes }
}

/// What a look at all of a store found. Panics when anything that it gives is not what was written.
#[derive(Clone, Copy, Debug, Default)]
struct Looked {
    /// Events that the index tells of.
    held: usize,
    /// Of those, events that cannot be read, each named.
    damaged: usize,
}

/// Reads the index and every event, alone and with its neighbours, and compares with what was written.
fn look(store: &dyn Store, written: &[Record]) -> Result<Looked, Error> {
    let index = store.index()?;
    let held = index.rows.len();
    assert!(
        (1..=written.len()).contains(&held),
        "{held} events of {}",
        written.len()
    );
    for (row, record) in index.rows.iter().zip(written) {
        assert_eq!(*row, record.append.row);
    }
    assert_eq!(index.root.id(), written[0].append.row.id);
    let controls = written[..held]
        .iter()
        .filter(|record| !record.append.event.raw().control.is_empty())
        .map(|record| {
            (
                record.append.arrival,
                record.append.event.raw().control.clone(),
            )
        });
    assert_eq!(index.controls, controls.collect::<Vec<_>>());
    let mut damaged = 0;
    let end = Arrival(u32::try_from(held).unwrap());
    let mut from = 0;
    while from < held {
        let at = Arrival(u32::try_from(from).unwrap());
        match store.read_range(at, end, BULK_FRAME_BYTES) {
            Ok(read) => {
                assert!(!read.is_empty() && read.len() <= held - from);
                for bytes in read {
                    assert!(bytes == written[from].bytes, "a wrong event at {from}");
                    from += 1;
                }
            }
            Err(Error::Damaged { at: named }) => {
                assert_eq!(named, at);
                assert!(matches!(store.read(at), Err(Error::Damaged { at: named }) if named == at));
                damaged += 1;
                from += 1;
            }
            Err(error) => return Err(error),
        }
    }
    for record in written[..held].iter().step_by(7) {
        match store.read(record.append.arrival) {
            Ok(bytes) => assert!(bytes == record.bytes, "a wrong event"),
            Err(Error::Damaged { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Looked { held, damaged })
}
