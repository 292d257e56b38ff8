//! What a member can write without a machine: events, good ones and altered ones.

use fedag::event::canon::Properties;
use fedag::event::control::Control;
use fedag::event::id::EventId;
use fedag::event::key::{Key, Signature};
use fedag::event::wall::WallTime;
use fedag::event::{Draft, Event, Proof, Raw, sign_run};
use fedag::wire::codec;

/// An admitted liar.
pub(super) struct Member {
    pub(super) key: Key,
    pub(super) root: EventId,
    /// Bytes of its admissions.
    pub(super) credential: Vec<Vec<u8>>,
}

impl Member {
    pub(super) fn new(key: Key, root: &Event, credential: Vec<Vec<u8>>) -> Self {
        Self {
            key,
            root: root.id(),
            credential,
        }
    }

    /// A good event.
    pub(super) fn event(&self, seq: u64, parents: Vec<EventId>, text: &str) -> Event {
        signed(&self.key, seq, parents, text)
    }

    /// A good one on R alone.
    pub(super) fn on_root(&self, seq: u64, text: &str) -> Event {
        self.event(seq, vec![self.root], text)
    }

    /// A good run on R.
    pub(super) fn run(&self, seq: u64, texts: &[&str]) -> Vec<Event> {
        let item = |text: &&str| (wall(), Properties::from_text(text));
        let items = texts.iter().map(item).collect();
        sign_run(vec![self.root], seq, items, &self.key)
    }
}

/// An event by anybody.
pub(super) fn signed(key: &Key, seq: u64, parents: Vec<EventId>, text: &str) -> Event {
    Draft {
        parents,
        seq,
        wall: wall(),
        control: Control::None,
        properties: Properties::from_text(text),
    }
    .sign(key)
}

pub(super) fn wall() -> WallTime {
    WallTime::from_ms(1_767_225_600_000).unwrap()
}

/// The bytes of an event that was altered after it was signed.
pub(super) fn altered(event: &Event, alter: impl FnOnce(&mut Raw)) -> Vec<u8> {
    let mut raw = event.raw().clone();
    alter(&mut raw);
    codec::encode_raw(&raw)
}

/// The same event with one bit of its signature changed.
pub(super) fn forged(event: &Event) -> Vec<u8> {
    let bent = |mut sig: Signature| {
        sig.0[40] ^= 1;
        sig
    };
    altered(event, |raw| {
        raw.proof = match raw.proof {
            Proof::Signed { sig } => Proof::Signed { sig: bent(sig) },
            Proof::Head { sig, next } => Proof::Head {
                sig: bent(sig),
                next,
            },
            Proof::Middle { .. } | Proof::Last => panic!("it has no signature"),
        };
    })
}

pub(super) fn bytes(events: &[Event]) -> Vec<Vec<u8>> {
    events.iter().map(codec::encode_event).collect()
}

/// An id that no event has.
pub(super) fn nobodys(number: u32) -> EventId {
    let mut id = [0xee; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    EventId(id)
}
