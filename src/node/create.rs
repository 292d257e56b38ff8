//! Makes a store: of a new network, or of one that was joined.

use crate::event::canon::Properties;
use crate::event::control::{Control, Root, Rules, is_name};
use crate::event::index::{Append, Arrival, Index};
use crate::event::key::Key;
use crate::event::wall::WallTime;
use crate::event::{Draft, Event};
use crate::limits::{EVENT_BYTES_DEFAULT, PARENTS_DEFAULT};
use crate::net::Admission;
use crate::node::Error;
use crate::node::home::Home;
use crate::store::Record;
use crate::store::disk::DiskStore;
use crate::wire::codec;

/// Names of a new network and its first machine.
#[derive(Clone, Debug)]
pub struct Names {
    /// The network's, 1-64 bytes without control characters.
    pub network: String,
    /// The machine's, likewise.
    pub machine: String,
}

/// Makes R and a store that holds it alone, written beside its place and renamed. The caller holds the directory's lock.
///
/// # Errors
/// [`Error::Name`]; [`Error::Store`]. Nothing was changed.
pub fn create_root(home: &Home, names: Names, key: &Key, wall: WallTime) -> Result<Event, Error> {
    create(home, root_record(names, key, wall)?)
}

/// Makes a store that holds R alone, and keeps the credential, of a network that let this machine in. The caller holds the
/// directory's lock; `net::join` has checked what it brought.
///
/// # Errors
/// [`Error::Admission`], [`Error::Home`], [`Error::Store`]. There is no store then.
pub fn create_joined(home: &Home, admission: &Admission) -> Result<Event, Error> {
    let record = joined_record(admission)?;
    home.write_credential(&admission.credential)?;
    create(home, record)
}

fn create(home: &Home, record: Record) -> Result<Event, Error> {
    DiskStore::create(&home.store_path(), &record).map_err(Error::Store)?;
    Ok(record.append.event)
}

/// The first record of a new network's store: R, made now.
///
/// # Errors
/// [`Error::Name`].
pub fn root_record(names: Names, key: &Key, wall: WallTime) -> Result<Record, Error> {
    for name in [&names.network, &names.machine] {
        if !is_name(name) {
            return Err(Error::Name {
                name: crate::node::summary::clean(name),
            });
        }
    }
    Ok(record(&root(names, key, wall)))
}

/// The first record of a joined network's store: R, as received.
///
/// # Errors
/// [`Error::Admission`].
pub fn joined_record(admission: &Admission) -> Result<Record, Error> {
    let bytes = &admission.root;
    let root = codec::decode_event(bytes)
        .map_err(|fault| Error::Admission {
            why: fault.to_string(),
        })
        .and_then(|raw| {
            Event::check_root(raw, bytes.len()).map_err(|invalid| Error::Admission {
                why: invalid.to_string(),
            })
        })?;
    Ok(record(&root))
}

/// R of a new network, with the usual rules.
pub(crate) fn root(names: Names, key: &Key, wall: WallTime) -> Event {
    let rules = Rules {
        event_bytes_max: EVENT_BYTES_DEFAULT,
        parents_max: PARENTS_DEFAULT,
    };
    let control = Control::Root(Root {
        network: names.network,
        name: names.machine,
        rules,
    });
    Draft {
        parents: Vec::new(),
        seq: 1,
        wall,
        control,
        properties: Properties::none(),
    }
    .sign(key)
}

/// The first record of a store.
pub(crate) fn record(root: &Event) -> Record {
    let bytes = codec::encode_event(root);
    let mut index = Index::of_root(root.clone(), codec::event_length(root));
    let row = index.rows.pop().expect("the index of R has one row");
    let append = Append {
        arrival: Arrival(0),
        row,
        event: root.clone(),
        new_author: Some(root.raw().machine),
    };
    Record { append, bytes }
}
