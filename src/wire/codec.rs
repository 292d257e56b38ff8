//! Frames and events as bytes; the only file that names the encoder.
//!
//! Between `net` or the store and everything else. A frame is a 4-byte big-endian length and that many bytes: one byte
//! that names the message, then its fields. An event is one byte string: the same on disk and on the wire, and inside a
//! message it stands as a byte string, so that stored bytes become a frame without being decoded.
//!
//! Invariants:
//! - what is accepted is exactly the encoding of what it says: one byte string for one message and one event;
//! - a list is read only when the bytes that its items need at least are there, so that memory stays within about
//!   seven times the length of what is decoded, whatever lengths it claims;
//! - no recursion and no items of zero bytes.
//!
//! Source: docs/protocol.md has the layout; bincode 2.0.1 with its standard configuration (little endian, variable-length
//! integers).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::net::SocketAddr;

use bincode::config::{Configuration, Limit, standard};
use bincode::de::read::{Reader, SliceReader};
use bincode::de::{BorrowDecode, BorrowDecoder, DecoderImpl};
use bincode::enc::write::{SizeWriter, Writer};
use bincode::enc::{Encode, Encoder, EncoderImpl};
use bincode::error::{DecodeError, EncodeError};

use crate::event::id::{Commitment, DagDigest, EventId};
use crate::event::key::{MachineId, Signature};
use crate::event::{Event, Proof, Raw};
use crate::gossip::message::{Announced, Reachable};
use crate::limits::FRAME_BYTES_MAX;
use crate::sync::message::{End, HeadChanges, Heads, Hello, Lacks, Offer, SessionId, Verdict};
use crate::wire::fault::Fault;
use crate::wire::{Frame, Message, bounds};

/// The event's bytes, on the wire and on disk.
pub fn encode_event(event: &Event) -> Vec<u8> {
    encode_raw(event.raw())
}

/// The bytes of an event that was not checked. What [`decode_event`] reads back is equal to `raw`.
pub fn encode_raw(raw: &Raw) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length(raw));
    write(raw, &mut bytes);
    bytes
}

/// The number of those bytes. Cost: no allocation.
///
/// # Panics
/// When the event is 4 GiB or longer; a checked event is at most `limits::EVENT_BYTES_MAX`.
pub fn event_length(event: &Event) -> u32 {
    u32::try_from(length(event.raw())).expect("an event is far shorter than 4 GiB")
}

/// Reads one event; the bytes must be exactly the re-encoding of what they say.
///
/// Nothing else about the event is checked here; see [`Raw::check`].
///
/// # Errors
/// [`Fault::Malformed`].
pub fn decode_event(bytes: &[u8]) -> Result<Raw, Fault> {
    read(bytes)
}

/// Names of the messages on the wire: the first byte of a frame. Never reused.
mod tag {
    pub(super) const HELLO: u8 = 1;
    pub(super) const VERDICT: u8 = 2;
    pub(super) const END: u8 = 3;
    pub(super) const HEADS: u8 = 4;
    pub(super) const PUSH: u8 = 5;
    pub(super) const ANNOUNCE: u8 = 6;
    pub(super) const WANT: u8 = 7;
    pub(super) const GIVEN: u8 = 8;
    pub(super) const BULK: u8 = 9;
    pub(super) const ADDRESSES: u8 = 10;
    pub(super) const OFFER: u8 = 11;
    pub(super) const LACKS: u8 = 12;
    pub(super) const CHANGES: u8 = 13;
}

/// The message's bytes, without the length in front.
///
/// The sender keeps the bounds of docs/protocol.md; a message outside them is a fault at the receiver.
pub fn encode(message: &Message) -> Vec<u8> {
    match message {
        Message::Hello(hello) => frame(tag::HELLO, hello),
        Message::Verdict(verdict) => frame(tag::VERDICT, verdict),
        Message::End(end) => frame(tag::END, end),
        Message::Offer(offer) => frame(tag::OFFER, offer),
        Message::Lacks(lacks) => frame(tag::LACKS, lacks),
        Message::Heads(heads) => frame(tag::HEADS, heads),
        Message::Changes(changes) => frame(tag::CHANGES, changes),
        Message::Push(events) => frame(tag::PUSH, events),
        Message::Announce(announced) => frame(tag::ANNOUNCE, announced),
        Message::Want(ids) => frame(tag::WANT, ids),
        Message::Given { events, not_held } => frame(tag::GIVEN, &(events, not_held)),
        Message::Bulk { session, events } => frame(tag::BULK, &(session, events)),
        Message::Addresses(reachable) => frame(tag::ADDRESSES, reachable),
    }
}

/// The bytes of a [`Message::Push`] of encoded events, without the length in front.
///
/// `events`: at least one, each as [`encode_event`] makes it, at most `limits::PUSH_BYTES_MAX` bytes each.
pub fn encode_push(events: &[Vec<u8>]) -> Vec<u8> {
    frame(tag::PUSH, &events)
}

/// The bytes of a [`Message::Bulk`] of stored events, without the length in front.
///
/// `events`: at least one, each as [`encode_event`] makes it, none after `limits::BULK_FRAME_BYTES` bytes are full.
pub fn encode_bulk(session: SessionId, events: &[Vec<u8>]) -> Vec<u8> {
    frame(tag::BULK, &(session, events))
}

/// The bytes of a [`Message::Given`] of stored events, without the length in front.
///
/// `events`: each as [`encode_event`] makes it; together with `not_held` 1..=`limits::WANT_IDS_MAX`, and short enough for
/// a frame.
pub fn encode_given(events: &[Vec<u8>], not_held: &[EventId]) -> Vec<u8> {
    frame(tag::GIVEN, &(events, not_held))
}

/// Reads one message. Memory: at most about seven times the length of `bytes`.
///
/// # Errors
/// [`Fault::FrameLength`], [`Fault::Malformed`], or [`Fault::Bounds`].
pub fn decode(bytes: &[u8]) -> Result<Frame, Fault> {
    let Some((&tag, body)) = bytes
        .split_first()
        .filter(|_| bytes.len() <= FRAME_BYTES_MAX)
    else {
        return Err(Fault::FrameLength);
    };
    let (empty, lent) = match tag {
        tag::HELLO => (Message::Hello(read(body)?), Vec::new()),
        tag::VERDICT => (Message::Verdict(read(body)?), Vec::new()),
        tag::END => (Message::End(read(body)?), Vec::new()),
        tag::OFFER => (Message::Offer(read(body)?), Vec::new()),
        tag::LACKS => (Message::Lacks(read(body)?), Vec::new()),
        tag::HEADS => (Message::Heads(read(body)?), Vec::new()),
        tag::CHANGES => (Message::Changes(read(body)?), Vec::new()),
        tag::PUSH => (Message::Push(Vec::new()), read(body)?),
        tag::ANNOUNCE => (Message::Announce(read(body)?), Vec::new()),
        tag::WANT => (Message::Want(read(body)?), Vec::new()),
        tag::GIVEN => {
            let (lent, not_held) = read(body)?;
            (
                Message::Given {
                    events: Vec::new(),
                    not_held,
                },
                lent,
            )
        }
        tag::BULK => {
            let (session, lent) = read(body)?;
            (
                Message::Bulk {
                    session,
                    events: Vec::new(),
                },
                lent,
            )
        }
        tag::ADDRESSES => (Message::Addresses(read(body)?), Vec::new()),
        _ => return Err(Fault::Malformed),
    };
    if !bounds::hold(&empty, lent.iter().map(|event: &Lent<'_>| event.0.len())) {
        return Err(Fault::Bounds);
    }
    let raws: Result<_, Fault> = lent
        .iter()
        .map(|event| Ok((decode_event(event.0)?, event.0.len())))
        .collect();
    Ok(Frame { empty, raws: raws? })
}

/// The bytes of a greeting, a welcome or the inside of a ticket, without the length in front.
///
/// # Panics
/// When `plain` has a type that the encoder does not know; no type of ours has.
pub fn encode_plain<T: serde::Serialize>(plain: &T) -> Vec<u8> {
    bincode::serde::encode_to_vec(plain, CONFIG).expect("writing to memory does not fail")
}

/// Reads a greeting, a welcome or the inside of a ticket.
///
/// # Errors
/// [`Fault::FrameLength`] or [`Fault::Malformed`].
pub fn decode_plain<T: serde::de::DeserializeOwned + serde::Serialize>(
    bytes: &[u8],
) -> Result<T, Fault> {
    if bytes.is_empty() || bytes.len() > FRAME_BYTES_MAX {
        return Err(Fault::FrameLength);
    }
    let (plain, used) =
        bincode::serde::borrow_decode_from_slice(bytes, CONFIG).map_err(|_| Fault::Malformed)?;
    let mut same = Same(bytes);
    let is_same =
        bincode::serde::encode_into_writer(&plain, &mut same, CONFIG).is_ok() && same.0.is_empty();
    if used == bytes.len() && is_same {
        Ok(plain)
    } else {
        Err(Fault::Malformed)
    }
}

// ---- writing and reading -----------------------------------------------------------------------

/// The encoder counts the width of an integer, not its bytes, towards its limit, hence twice the frame. It is a second
/// fence: the first is that lists are read only when their bytes are there.
type Config = Configuration<
    bincode::config::LittleEndian,
    bincode::config::Varint,
    Limit<{ 2 * FRAME_BYTES_MAX }>,
>;
const CONFIG: Config = standard().with_limit();

/// What can be read.
trait Take<'a>: Sized {
    /// No encoding is shorter. Never 0.
    const BYTES_MIN: usize;

    fn take<D: BorrowDecoder<'a, Context = ()>>(from: &mut D) -> Result<Self, DecodeError>;
}

fn frame<T: Encode>(tag: u8, body: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + length(body));
    bytes.push(tag);
    write(body, &mut bytes);
    bytes
}

fn write<T: Encode>(value: &T, to: &mut Vec<u8>) {
    value
        .encode(&mut EncoderImpl::new(Memory(to), CONFIG))
        .expect("writing to memory does not fail");
}

fn length<T: Encode>(value: &T) -> usize {
    let mut encoder = EncoderImpl::new(SizeWriter::default(), CONFIG);
    value.encode(&mut encoder).expect("counting does not fail");
    encoder.into_writer().bytes_written
}

/// Reads a value that takes up all of `bytes` and has no other encoding.
fn read<'a, T: Take<'a> + Encode>(bytes: &'a [u8]) -> Result<T, Fault> {
    let mut decoder = DecoderImpl::new(SliceReader::new(bytes), CONFIG, ());
    let value = T::take(&mut decoder).map_err(|_| Fault::Malformed)?;
    let mut same = EncoderImpl::new(Same(bytes), CONFIG);
    if value.encode(&mut same).is_ok() && same.into_writer().0.is_empty() {
        Ok(value)
    } else {
        Err(Fault::Malformed)
    }
}

struct Memory<'v>(&'v mut Vec<u8>);

impl Writer for Memory<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// Fails at the first byte that differs from those that it was given; what is left of them was not written.
struct Same<'b>(&'b [u8]);

impl Writer for Same<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0 = self
            .0
            .strip_prefix(bytes)
            .ok_or(EncodeError::Other("not the same bytes"))?;
        Ok(())
    }
}

// ---- layouts -----------------------------------------------------------------------------------

macro_rules! native {
    ($($type:ty: $bytes_min:expr),* $(,)?) => {$(
        impl<'a> Take<'a> for $type {
            const BYTES_MIN: usize = $bytes_min;

            fn take<D: BorrowDecoder<'a, Context = ()>>(from: &mut D) -> Result<Self, DecodeError> {
                Self::borrow_decode(from)
            }
        }
    )*};
}

native! { bool: 1, u32: 1, u64: 1, SocketAddr: 6, [u8; 16]: 16, [u8; 32]: 32, [u8; 64]: 64 }

/// One struct: its fields in this order, nothing between them.
macro_rules! layout {
    ($type:ty { $($field:tt: $of:ty),* $(,)? }) => {
        impl Encode for $type {
            fn encode<E: Encoder>(&self, to: &mut E) -> Result<(), EncodeError> {
                $(self.$field.encode(to)?;)*
                Ok(())
            }
        }

        impl<'a> Take<'a> for $type {
            const BYTES_MIN: usize = 0 $(+ <$of as Take<'a>>::BYTES_MIN)*;

            fn take<D: BorrowDecoder<'a, Context = ()>>(from: &mut D) -> Result<Self, DecodeError> {
                Ok(Self { $($field: Take::take(from)?),* })
            }
        }
    };
}

layout!(EventId { 0: [u8; 16] });
layout!(DagDigest { 0: [u8; 32] });
layout!(Commitment { 0: [u8; 32] });
layout!(MachineId { 0: [u8; 32] });
layout!(Signature { 0: [u8; 64] });
layout!(SessionId { 0: u32 });
layout!(Raw {
    parents: Vec<EventId>,
    machine: MachineId,
    seq: u64,
    time_ms: u64,
    proof: Proof,
    control: Vec<u8>,
    properties: Vec<u8>,
});
layout!(Heads { ids: Vec<EventId>, total: u32, count: u32, digest: DagDigest, bulk: bool });
layout!(HeadChanges {
    since: DagDigest,
    added: Vec<EventId>,
    removed: Vec<EventId>,
    total: u32,
    count: u32,
    digest: DagDigest,
    bulk: bool,
});
layout!(Hello {
    session: SessionId,
    answers: Option<SessionId>,
    heads: Heads,
    head_parents: Vec<EventId>,
    locator: Vec<EventId>,
    take: u64,
});
layout!(Verdict {
    session: SessionId,
    holds_all: bool
});
layout!(End {
    session: SessionId,
    more: bool,
    heads: Heads
});
layout!(Offer { session: SessionId, number: u32, ids: Vec<EventId> });
layout!(Lacks { session: SessionId, number: u32, bits: Vec<u8> });
layout!(Announced {
    id: EventId,
    height: u32,
    length: u32
});
layout!(Reachable { machine: MachineId, addresses: Vec<SocketAddr> });

impl Encode for Proof {
    fn encode<E: Encoder>(&self, to: &mut E) -> Result<(), EncodeError> {
        match self {
            Self::Signed { sig } => {
                0u8.encode(to)?;
                sig.encode(to)?;
            }
            Self::Head { sig, next } => {
                1u8.encode(to)?;
                sig.encode(to)?;
                next.encode(to)?;
            }
            Self::Middle { next } => {
                2u8.encode(to)?;
                next.encode(to)?;
            }
            Self::Last => 3u8.encode(to)?,
        }
        Ok(())
    }
}

impl<'a> Take<'a> for Proof {
    const BYTES_MIN: usize = 1;

    fn take<D: BorrowDecoder<'a, Context = ()>>(from: &mut D) -> Result<Self, DecodeError> {
        Ok(match u8::borrow_decode(from)? {
            0 => Self::Signed {
                sig: Take::take(from)?,
            },
            1 => Self::Head {
                sig: Take::take(from)?,
                next: Take::take(from)?,
            },
            2 => Self::Middle {
                next: Take::take(from)?,
            },
            3 => Self::Last,
            _ => return Err(DecodeError::Other("no such proof")),
        })
    }
}

/// An event inside a frame, not yet looked at.
struct Lent<'a>(&'a [u8]);

impl Encode for Lent<'_> {
    fn encode<E: Encoder>(&self, to: &mut E) -> Result<(), EncodeError> {
        self.0.encode(to)
    }
}

impl<'a> Take<'a> for Lent<'a> {
    /// A length byte and the shortest event.
    const BYTES_MIN: usize = 1 + Raw::BYTES_MIN;

    fn take<D: BorrowDecoder<'a, Context = ()>>(from: &mut D) -> Result<Self, DecodeError> {
        <&[u8]>::borrow_decode(from).map(Self)
    }
}

/// As a byte string: its length, then its fields.
impl Encode for Event {
    fn encode<E: Encoder>(&self, to: &mut E) -> Result<(), EncodeError> {
        (length(self.raw()) as u64).encode(to)?;
        self.raw().encode(to)
    }
}

impl<'a> Take<'a> for Vec<u8> {
    const BYTES_MIN: usize = 1;

    fn take<D: BorrowDecoder<'a, Context = ()>>(from: &mut D) -> Result<Self, DecodeError> {
        <&[u8]>::borrow_decode(from).map(<[u8]>::to_vec)
    }
}

impl<'a, T: Take<'a>> Take<'a> for Vec<T> {
    const BYTES_MIN: usize = 1;

    fn take<D: BorrowDecoder<'a, Context = ()>>(from: &mut D) -> Result<Self, DecodeError> {
        const { assert!(T::BYTES_MIN > 0, "items of zero bytes have no bound") };
        let items = usize::borrow_decode(from)?;
        let bytes = items
            .checked_mul(T::BYTES_MIN)
            .ok_or(DecodeError::LimitExceeded)?;
        if from.reader().peek_read(bytes).is_none() {
            return Err(DecodeError::UnexpectedEnd { additional: bytes });
        }
        let mut list = Self::with_capacity(items);
        for _ in 0..items {
            list.push(T::take(from)?);
        }
        Ok(list)
    }
}

impl<'a, T: Take<'a>> Take<'a> for Option<T> {
    const BYTES_MIN: usize = 1;

    fn take<D: BorrowDecoder<'a, Context = ()>>(from: &mut D) -> Result<Self, DecodeError> {
        if bool::borrow_decode(from)? {
            T::take(from).map(Some)
        } else {
            Ok(None)
        }
    }
}

impl<'a, A: Take<'a>, B: Take<'a>> Take<'a> for (A, B) {
    const BYTES_MIN: usize = A::BYTES_MIN + B::BYTES_MIN;

    fn take<D: BorrowDecoder<'a, Context = ()>>(from: &mut D) -> Result<Self, DecodeError> {
        Ok((A::take(from)?, B::take(from)?))
    }
}

#[cfg(test)]
mod tests;
