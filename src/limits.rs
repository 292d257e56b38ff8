//! Every bound of the program, with its unit and its reason.
//!
//! What happens at a bound is written where the bound is enforced and, in one line, here.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::time::Duration;

// ---- events ------------------------------------------------------------------------------------

/// Largest `seq`: 2^53 - 1, the largest integer that every JSON reader keeps. A larger one is refused.
pub const SEQ_MAX: u64 = (1 << 53) - 1;
/// Last millisecond of the year 9999 since 1970; a later `time` is refused (RFC 3339 has four digits).
pub const TIME_MS_MAX: u64 = 253_402_300_799_999;
/// Deepest nesting of a user's JSON, objects and arrays together. Deeper is refused.
pub const JSON_DEPTH_MAX: usize = 128;
/// Bytes of one event on the wire, as written into R by `init`.
pub const EVENT_BYTES_DEFAULT: u32 = 65_536;
/// The most that an R may allow; an R with more is refused.
pub const EVENT_BYTES_MAX: u32 = 1 << 20;
/// The least that an R may allow, so that every control event fits.
pub const EVENT_BYTES_MIN: u32 = 4096;
/// Parents of one event, as written into R by `init`.
pub const PARENTS_DEFAULT: u32 = 64;
/// The most that an R may allow; an R with more is refused.
pub const PARENTS_MAX: u32 = 1024;
/// The least that an R may allow: the own last event and one other.
pub const PARENTS_MIN: u32 = 2;
/// Bytes of a machine's or a network's name.
pub const NAME_BYTES_MAX: usize = 64;
/// Bytes of an event on the wire besides its parents and properties, at most; the writer counts with it.
pub const EVENT_OVERHEAD_BYTES: usize = 192;
/// Events that share one signature; the writer's limit. Longer batches start a new run.
pub const RUN_EVENTS_MAX: usize = 1024;
/// Signatures verified together: 8-10 us an event at this size, 38 us alone.
pub const VERIFY_BATCH: usize = 1024;
/// When a batch does not hold, this many are tried together before each by itself, so that one bad
/// signature costs about 20 ms and not 40; a guess.
pub const VERIFY_GROUP: usize = 64;

// ---- sessions ----------------------------------------------------------------------------------

/// Heads told whole; of more, this many and their number.
pub const HEADS_TOLD_MAX: usize = 64;
/// Parents of heads in a HELLO.
pub const HEAD_PARENTS_MAX: usize = 20;
/// Ids in a HELLO's locator: 2^35 events back at doubling distances.
pub const LOCATOR_IDS_MAX: usize = 36;
/// Credit of one session: bytes of bulk that a machine accepts from one peer before it looks round.
pub const TAKE_BYTES_MAX: u64 = 64 << 20;
/// Ancestors visited in one step of the machine; the walk goes on at the next wakeup.
pub const WALK_STEP_EVENTS: usize = 65_536;
/// A session without progress on either side for this long ends.
pub const SESSION_IDLE: Duration = Duration::from_secs(10);
/// The inbound bulk slot is lost below this many bytes of newly held events in `SESSION_IDLE`.
pub const BULK_BYTES_MIN: u64 = 160 << 10;
/// A told head that is not held after this long, and two round trips, starts a session.
pub const HEAD_PATIENCE: Duration = Duration::from_secs(2);
/// A session with one random peer, for ever.
pub const COMPARE_EVERY: Duration = Duration::from_secs(60);
/// Both sides quiet for this long and digests differ: a session.
pub const QUIET: Duration = Duration::from_secs(2);
/// Longest distance between sessions with a peer that gain neither side anything.
pub const FRUITLESS_MAX: Duration = Duration::from_secs(60);

// ---- live --------------------------------------------------------------------------------------

/// Events up to this size are pushed in full; larger ones are announced and pulled.
pub const PUSH_BYTES_MAX: usize = 16 << 10;
/// Events that are asked for at a time, of all peers. At the bound announcements are passed over; sessions bring the events.
pub const WANTED_MAX: usize = 1024;
/// Ids in one WANT.
pub const WANT_IDS_MAX: usize = 256;
/// Wait for a missing dependency, or a pulled event, before asking the next peer or for a session.
pub const GRAFT: Duration = Duration::from_millis(300);
/// Heads are told at most this often to one peer.
pub const HEADS_EVERY: Duration = Duration::from_millis(20);
/// Events that wait for a dependency, a peer. At the bound the newest is refused; sessions bring it again.
pub const PENDING_EVENTS_MAX: usize = 256;
/// Bytes of those, a peer.
pub const PENDING_BYTES_MAX: usize = 1 << 20;

// ---- peers -------------------------------------------------------------------------------------

/// Peers that a machine chooses itself: it dials no more while it has so many.
pub const PEERS_DIALLED_MAX: usize = 8;
/// Peers of one machine, those that dialled it included. More are refused. A network of more than this has no full mesh.
pub const PEERS_MAX: usize = 32;
/// Machines in the address book. At the bound the one not heard of for longest goes; those of a ticket stay.
pub const BOOK_MACHINES_MAX: usize = 256;
/// Addresses of one machine in the book or on the wire. Further ones are dropped.
pub const BOOK_ADDRESSES_MAX: usize = 8;
/// First distance between two dials of one machine.
pub const REDIAL_MIN: Duration = Duration::from_millis(250);
/// Longest distance between two dials of one machine; dialling never ends.
pub const REDIAL_MAX: Duration = Duration::from_secs(30);

// ---- wire and connections ----------------------------------------------------------------------

/// Bytes of one frame on the control stream. A longer one is a fault.
pub const FRAME_BYTES_MAX: usize = 2 << 20;
/// Bytes of events in one frame of a bulk stream, but at least one event.
pub const BULK_FRAME_BYTES: usize = 256 << 10;
/// Events in one frame; above what `BULK_FRAME_BYTES` bytes of the shortest events (38 bytes) come to. More are a fault.
pub const FRAME_EVENTS_MAX: usize = 8192;
/// Messages that wait to be sent to one peer.
pub const SEND_QUEUE_MESSAGES: usize = 1024;
/// Bytes of them. At the bound queued event pushes are dropped, never control messages; a session catches up.
pub const SEND_QUEUE_BYTES: usize = 1 << 20;
/// Links in a credential, from a machine back to R's author.
pub const CREDENTIAL_LINKS_MAX: usize = 64;
/// Bytes of a credential.
pub const CREDENTIAL_BYTES_MAX: usize = 256 << 10;
/// From the first packet to a HELLO, or the connection is closed.
pub const HANDSHAKE: Duration = Duration::from_secs(5);
/// Addresses in a ticket.
pub const TICKET_ADDRESSES_MAX: usize = 16;
/// Characters of a ticket's text; longer text is no ticket.
pub const TICKET_CHARS_MAX: usize = 4096;

// ---- node --------------------------------------------------------------------------------------

/// Inputs that wait for the machine; at the bound the senders wait, and so do their peers.
pub const INPUT_QUEUE: usize = 1024;
/// Inputs handled before effects are performed.
pub const INPUT_BATCH: usize = 256;
/// Bytes of events that wait for the disk; above it bulk and local requests are not read.
pub const APPEND_QUEUE_BYTES: usize = 16 << 20;
/// Bytes of the cache of event bodies.
pub const BODY_CACHE_BYTES: usize = 16 << 20;
/// Batches up to this many events go into that cache when they are written; longer ones are bulk and go past it. A guess.
pub const CACHED_BATCH_EVENTS: usize = 64;
/// Events copied in one transaction out of a damaged store; as many damaged ones are named in the log.
pub const SALVAGE_BATCH_EVENTS: u32 = 4096;
/// Bytes of the database's own cache of pages; with 128 MiB appends are not faster (measured).
pub const DATABASE_CACHE_BYTES: usize = 32 << 20;
/// Bytes of a small file in the data directory; a larger one is not ours.
pub const HOME_FILE_BYTES_MAX: u64 = 1 << 20;
/// Secrets of own tickets that are kept. At the bound no further invite is made until one expires.
pub const INVITES_KEPT_MAX: usize = 1024;
/// Local bans. At the bound a further one is refused.
pub const BANS_MAX: usize = 4096;
/// Longest path of a socket: 104 bytes with a zero at the end on macOS, 108 on Linux.
pub const SOCKET_PATH_BYTES_MAX: usize = 103;
/// A process that waits for the lock of the data directory looks this often.
pub const LOCK_POLL: Duration = Duration::from_millis(20);
/// Longest line of the control protocol, in bytes.
pub const CONTROL_LINE_BYTES: usize = 4 << 20;
/// Clients of the control socket at a time. Further ones are told so and closed.
pub const CONTROL_CLIENTS_MAX: usize = 64;
/// Requests of one client in work at a time; at the bound its lines are not read.
pub const CONTROL_REQUESTS_MAX: usize = 64;
/// Events in one `add` request.
pub const ADD_EVENTS_MAX: usize = 1024;
/// Events in one reply to `log`.
pub const LOG_EVENTS_MAX: usize = 256;
/// Events visited to find out whether a peer holds one event; beyond, it is not known.
pub const HOLDER_WALK_EVENTS: usize = 4096;
/// Rows in one window of the screen.
pub const WINDOW_ROWS_MAX: usize = 512;
/// A watcher is told of changes at most this often.
pub const WATCH_EVERY: Duration = Duration::from_millis(50);

const _: () = {
    assert!(EVENT_BYTES_DEFAULT <= EVENT_BYTES_MAX && EVENT_BYTES_MIN <= EVENT_BYTES_DEFAULT);
    assert!(PARENTS_DEFAULT <= PARENTS_MAX && PARENTS_MIN <= PARENTS_DEFAULT);
    assert!(FRAME_BYTES_MAX > EVENT_BYTES_MAX as usize);
    assert!(1 < VERIFY_GROUP && VERIFY_GROUP <= VERIFY_BATCH);
    assert!(BULK_FRAME_BYTES / 38 <= FRAME_EVENTS_MAX);
    assert!(CREDENTIAL_BYTES_MAX < FRAME_BYTES_MAX);
    assert!(TAKE_BYTES_MAX > EVENT_BYTES_MAX as u64);
    assert!(PUSH_BYTES_MAX <= SEND_QUEUE_BYTES);
    assert!(HEADS_TOLD_MAX >= 1 && WANT_IDS_MAX >= HEADS_TOLD_MAX);
    assert!(HOME_FILE_BYTES_MAX > 2 * CREDENTIAL_BYTES_MAX as u64);
};
