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
/// Heads of one peer that are kept when it tells changes; of more only some are known.
pub const HEADS_KNOWN_MAX: usize = 1024;
/// Heads added, and heads removed, in one telling of changes; when more changed, some are told.
pub const HEADS_CHANGED_MAX: usize = 256;
/// Parents of heads in a HELLO.
pub const HEAD_PARENTS_MAX: usize = 20;
/// Ids in a HELLO's locator, R among them; as close together as so many reach back to R.
pub const LOCATOR_IDS_MAX: usize = 36;
/// Credit of one session: bytes of bulk that a machine accepts from one peer before it looks round.
pub const TAKE_BYTES_MAX: u64 = 64 << 20;
/// Ancestors visited in one step of the machine; the walk goes on at the next wakeup.
pub const WALK_STEP_EVENTS: usize = 65_536;
/// Candidates of up to this many bytes are streamed at once, and so are more when the peer may hold no more than this of them; else
/// they are offered first.
pub const OFFER_ABOVE_BYTES: u64 = 64 << 10;
/// Ids in one offer: 64 KiB.
pub const OFFER_IDS_MAX: usize = 4096;
/// Offers of one session that may be neither answered nor streamed at its beginning: one is being streamed, two are under way.
pub const OFFERS_AHEAD_FIRST: usize = 3;
/// And at most, after many that were answered soon; at the bound no further one is made. They fit the send queue beside
/// pushes.
pub const OFFERS_AHEAD_MAX: usize = 15;
/// An offer answered within this lets one more be under way, one answered later half as many. A guess.
pub const OFFER_ANSWERED_SOON: Duration = Duration::from_secs(1);
/// Ids offered in one session; then it ends, and the next one goes on. A peer that offers more breaks the rules.
pub const OFFERED_IDS_MAX: usize = 64 * OFFER_IDS_MAX;
/// What an offered id is worth against `BULK_BYTES_MIN`: 4096 ids a second keep the bulk slot, so that offers end within
/// about a minute whoever makes them. A guess.
pub const OFFERED_ID_BYTES: u64 = 4;
/// Events of one part of a stream: what one step of the machine looks at.
pub const PART_EVENTS: usize = 8192;
/// Parts handed to the node that it has not sent; at the bound no further one is made.
pub const PARTS_AHEAD: u32 = 2;
/// Parts of one stream that `net` keeps; a machine never hands over more.
pub const STREAM_PARTS: usize = OFFERS_AHEAD_MAX + 1;
/// Sessions of a peer whose bulk is taken while its HELLO is waited for: a late one and the one that is meant. Bulk of further ones is
/// dropped, so that credit cannot be counted anew for ever.
pub const BULK_SESSIONS_EARLY: u8 = 2;
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
/// Announced events that one peer is asked for at a time. At the bound its announcements are passed over; sessions bring the events.
pub const WANTED_EVENTS_MAX: usize = 256;
/// Ids in one WANT.
pub const WANT_IDS_MAX: usize = 256;
/// Wait for a missing dependency, or a pulled event, before a session with who sent or announced it.
pub const GRAFT: Duration = Duration::from_millis(300);
/// Heads are told at most this often to one peer.
pub const HEADS_EVERY: Duration = Duration::from_millis(20);
/// Events that wait for a dependency, a peer. At the bound the newest is refused; sessions bring it again.
pub const PENDING_EVENTS_MAX: usize = 256;
/// Bytes of those, a peer.
pub const PENDING_BYTES_MAX: usize = 1 << 20;

// ---- peers -------------------------------------------------------------------------------------

/// Peers that a machine wants: it dials no more while it has so many, but for one visit at a time.
pub const PEERS_WANTED: usize = 8;
/// Peers of its own choice that it wants however many dialled it, so that others do not decide whom it hears; the oldest so many of
/// them never go for a visit.
pub const PEERS_CHOSEN_MIN: usize = 3;
/// Peers of one machine, those that dialled it included. More are refused. A network of more than this has no full mesh.
pub const PEERS_MAX: usize = 32;
/// A machine that refuses a member for want of room takes leave of a peer at most this often.
pub const SPARE_EVERY: Duration = Duration::from_secs(1);
/// A visit ends after this at the latest: enough for sessions with those that come before it.
pub const VISIT_MAX: Duration = Duration::from_secs(60);
/// Machines in the address book. At the bound the one not heard of for longest goes; those of a ticket stay.
pub const BOOK_MACHINES_MAX: usize = 256;
/// Machines in the book that are not known as members here, told of by peers: a newcomer's admission may come after its address.
/// At the bound further ones are not learned.
pub const BOOK_STRANGERS_MAX: usize = 32;
/// A peer's own addresses are passed on to the others at most this often; who connects later is told them anyway.
pub const PASS_ON_EVERY: Duration = Duration::from_secs(10);
/// Addresses of one machine in the book or on the wire. Further ones are dropped.
pub const BOOK_ADDRESSES_MAX: usize = 8;
/// First distance between two dials of one machine.
pub const REDIAL_MIN: Duration = Duration::from_millis(250);
/// Longest distance between two dials of one machine; dialling never ends.
pub const REDIAL_MAX: Duration = Duration::from_secs(30);

// ---- simulation --------------------------------------------------------------------------------

/// Wakeups of one machine in one second of virtual time; more are an endless loop. Deadlines are 20 ms apart at the least, with some
/// for each of 32 peers; a guess above that.
pub const WAKEUPS_SIMULATED_MAX: u32 = 5_000;
/// Machines of one simulated network; each link is simulated, so that memory and time grow with it. A guess.
pub const MACHINES_SIMULATED_MAX: usize = 4096;
/// Virtual time from the end of all faults until all machines hold the same set: six times `REDIAL_MAX`, since each machine on the way may
/// have to be dialled after that long, and sessions that were fruitless wait as long as `FRUITLESS_MAX`.
pub const CONVERGE_SIMULATED_MAX: Duration = Duration::from_secs(180);
/// From then until every connected peer is shown as in step, everywhere at once: connections come and go, and heads are told late.
pub const SHOWN_SIMULATED_MAX: Duration = Duration::from_secs(30);

// ---- wire and connections ----------------------------------------------------------------------

/// Bytes of one frame on the control stream. A longer one is a fault.
pub const FRAME_BYTES_MAX: usize = 2 << 20;
/// Bytes of events in one frame of a bulk stream, but at least one event. A frame counts when it is there as a whole, so that
/// several must fit `BULK_BYTES_MIN`: else a slow link would never get one in time.
pub const BULK_FRAME_BYTES: usize = 64 << 10;
/// Events in one frame; above what `BULK_FRAME_BYTES` bytes of the shortest events (38 bytes) come to. More are a fault.
pub const FRAME_EVENTS_MAX: usize = 8192;
/// Bytes of events in one `add` request of a command, but at least one event; their answer, escaped, stays a control line.
pub const ADD_REQUEST_BYTES: usize = 512 << 10;
/// `add` requests of a command under way at a time; at the bound standard input is not read.
pub const ADD_REQUESTS_MAX: usize = 8;
/// Longest line that `add -` takes, in bytes; a longer one is skipped and told by its number.
pub const ADD_LINE_BYTES_MAX: usize = 1 << 20;
/// `add -` without a node keeps the store for this long at most, then lets it go, so that a node may start.
pub const ADD_TURN: Duration = Duration::from_secs(1);
/// For how long it lets it go; a node that waits for the store looks more often than that.
pub const ADD_GAP: Duration = Duration::from_millis(60);
/// A command waits this long for a node that starts or stops, and a node for a command, before it says that the directory is in use.
pub const IN_USE_PATIENCE: Duration = Duration::from_secs(5);
/// `join` asks with a ticket that expired by the local clock, unless by more than this: clocks of two computers may differ.
pub const CLOCKS_APART: Duration = Duration::from_secs(3600);
/// Answers of one stream that wait to be taken by a client; at the bound the client reads no further lines.
pub const CLIENT_REPLIES: usize = 16;
/// Messages that wait to be sent to one peer.
pub const SEND_QUEUE_MESSAGES: usize = 1024;
/// Bytes of them. At the bound queued event pushes are dropped, never control messages; a session catches up.
pub const SEND_QUEUE_BYTES: usize = 1 << 20;
/// Links in a credential, from a machine back to R's author.
pub const CREDENTIAL_LINKS_MAX: usize = 64;
/// Bytes of a credential.
pub const CREDENTIAL_BYTES_MAX: usize = 256 << 10;
/// Round trip that a new connection assumes: a lost first packet is sent again after three times that. QUIC's own third of a second
/// (RFC 9002, section 6.2.2) makes dials slow right after a network was cut, when they matter most.
pub const FIRST_RTT: Duration = Duration::from_millis(100);
/// From the first packet to a HELLO, or the connection is closed.
pub const HANDSHAKE: Duration = Duration::from_secs(5);
/// Addresses in a ticket.
pub const TICKET_ADDRESSES_MAX: usize = 16;
/// Characters of a ticket's text; longer text is no ticket.
pub const TICKET_CHARS_MAX: usize = 4096;
/// Bytes of a greeting or a welcome: a credential and some names. A longer one is not read.
pub const GREETING_BYTES_MAX: usize = CREDENTIAL_BYTES_MAX + (128 << 10);
/// Bytes that a connection may send before it is let in: a greeting, so that strangers cannot fill the memory.
pub const STRANGER_WINDOW_BYTES: u32 = 512 << 10;
/// Bytes of one stream that QUIC takes before they are read.
pub const STREAM_WINDOW_BYTES: u32 = 4 << 20;
/// Bytes of one connection that QUIC takes before they are read: all bulk streams of a peer, and some for control.
pub const CONNECTION_WINDOW_BYTES: u32 = 10 << 20;
/// Bytes of one connection that QUIC holds until the peer acknowledges them.
pub const SEND_WINDOW_BYTES: u64 = 8 << 20;
/// Streams of bulk from one peer at a time; QUIC does not let it open more.
pub const INBOUND_STREAMS_MAX: u32 = 2;
/// A connection without any packet for this long is gone.
pub const CONNECTION_IDLE: Duration = Duration::from_secs(10);
/// A packet at least this often, so that an idle connection stays.
pub const KEEP_ALIVE: Duration = Duration::from_secs(2);
/// Connections that are being greeted. Further ones are refused.
pub const HALF_OPEN_MAX: usize = 64;
/// From this many on, who dials must first show that it receives at its address.
pub const HALF_OPEN_RETRY: usize = 16;
/// Of them, those that one address (or one /64 of IPv6) has shown to be its own. Further ones are refused, so that others get in.
pub const HALF_OPEN_ADDRESS_MAX: usize = 16;
/// Packets' bytes kept of one connection that is not accepted yet, and of all together.
pub const INCOMING_BYTES_MAX: (u64, u64) = (64 << 10, 1 << 20);
/// Newcomers that wait for an answer. Further ones are told to try elsewhere.
pub const NEWCOMERS_MAX: usize = 4;
/// A peer that leaves a probe unanswered for this long is gone, when there is another connection in its place.
pub const PROBE: Duration = Duration::from_secs(1);
/// Of two crossed dials the larger key's waits this long for the other to get an answer at all.
pub const CROSSED_WAIT: Duration = Duration::from_secs(1);
/// Frames of one stream whose events are being checked, in order, while further ones arrive.
pub const CHECKS_AHEAD: usize = 4;
/// Events whose signatures are not checked again when they come from another peer; the oldest half goes at once.
pub const PASSED_EVENTS_MAX: usize = 16_384;
/// Bytes of them on the wire.
pub const PASSED_BYTES_MAX: usize = 8 << 20;
/// Bytes put together for one write.
pub const WRITE_BYTES: usize = 64 << 10;
/// Above this many times `SEND_QUEUE_MESSAGES` or `SEND_QUEUE_BYTES` answers to a WANT are dropped; the asker asks again.
pub const SEND_QUEUE_GIVEN: usize = 3;
/// Above this many times `SEND_QUEUE_MESSAGES` or `SEND_QUEUE_BYTES` the peer does not read at all: the connection is closed.
pub const SEND_QUEUE_HARD: usize = 4;
/// What one peer may say at once without being asked, in bytes: what an honest one has on its way at most, its send queue at the
/// hard bound and a full stream window. At the bound its streams are not read, and nobody is hung up on.
pub const BUCKET_BYTES: u64 = 8 << 20;
/// And how much more each second: of the shortest signed events about 30,000, which one processor verifies. A guess.
pub const BUCKET_BYTES_A_SECOND: u64 = 4 << 20;
/// The least that a frame costs of it, so that many short ones are bounded too.
pub const FRAME_COST_MIN: u64 = 1024;
/// What a HELLO costs besides its bytes: it makes the receiver look at some thousand events. A guess.
pub const HELLO_COST: u64 = 16 << 10;
/// How many times its bytes a WANT costs: about 1 KiB for each id, since an answer is longer than the question.
pub const WANT_COST_TIMES: u64 = 64;
/// Frames of answers that a peer may owe; further ones would cost it as if nobody had asked.
pub const ANSWERS_OWED_MAX: usize = 4 * WANT_IDS_MAX;
/// From the answer to a newcomer to the end of its connection.
pub const FAREWELL: Duration = Duration::from_secs(2);
/// For telling the peers that the node stops.
pub const CLOSING: Duration = Duration::from_secs(1);
/// A round trip time is told at most this often.
pub const MEASURE_EVERY: Duration = Duration::from_secs(1);

// ---- node --------------------------------------------------------------------------------------

/// Inputs that wait for the machine; at the bound the senders wait, and so do their peers.
pub const INPUT_QUEUE: usize = 1024;
/// Inputs handled before effects are performed.
pub const INPUT_BATCH: usize = 256;
/// Events that these may add, but one input in any case; so that in bulk commits begin early and questions are answered. A guess.
pub const INPUT_BATCH_EVENTS: u32 = 4096;
/// Bytes of events that wait for the disk; above it bulk and local requests are not read.
pub const APPEND_QUEUE_BYTES: usize = 16 << 20;
/// Bytes of the cache of event bodies.
pub const BODY_CACHE_BYTES: usize = 16 << 20;
/// Batches up to this many events go into that cache when they are written; longer ones are bulk and go past it. A guess.
pub const CACHED_BATCH_EVENTS: usize = 64;
/// Events copied in one transaction out of a damaged store; as many damaged ones are named in the log.
pub const SALVAGE_BATCH_EVENTS: u32 = 4096;
/// Shortest time between two frames: 20 frames a second.
pub const FRAME_EVERY: Duration = Duration::from_millis(50);
/// Answers of the node that wait to be taken by the UI, and requests that wait to be written. At the bound the reader waits;
/// a request is refused with a word.
pub const UI_QUEUE: usize = 256;
/// First wait before the UI looks again for a node of another process that went; it doubles.
pub const REATTACH_MIN: Duration = Duration::from_millis(100);
/// Longest wait before it looks again; it does so for ever.
pub const REATTACH_MAX: Duration = Duration::from_secs(2);
/// Longest wait for such a node's first answer, and for the last ones of one that goes.
pub const REATTACH_ANSWER: Duration = Duration::from_secs(5);
/// How long a stop of the own process group takes at most. If it is not stopped then, nobody is there who could continue it.
pub const STOP_WITHIN: Duration = Duration::from_millis(200);
/// Lines that the input line remembers; the oldest goes.
pub const INPUT_HISTORY_LINES: usize = 200;
/// Characters of the input line, as many as an event may have bytes; further ones are not taken.
pub const INPUT_CHARS_MAX: usize = EVENT_BYTES_DEFAULT as usize;
/// Lanes with a column of their own on the widest screen; the rest share one.
pub const LANES_MAX: usize = 24;
/// Quiet runs of more inner events than this are folded into one row. A guess: what is seen at a glance.
pub const FOLD_RUN_MIN: u32 = 8;
/// Events looked at to fold the rows of one window; at the bound it has fewer rows than were asked for.
pub const FOLD_LOOK_EVENTS: usize = 16_384;
/// Runs that stay unfolded; at the bound the one unfolded first is folded again.
pub const UNFOLDED_MAX: usize = 32;
/// Events that are marked at a time; at the bound a further one is refused with a word.
pub const MARKED_MAX: usize = 64;
/// Lanes that are picked to have a column in any case; further ones are refused with a word.
pub const LANES_PICKED_MAX: usize = 7;
/// Bytes of the database's own cache of pages; with 128 MiB appends are not faster (measured).
pub const DATABASE_CACHE_BYTES: usize = 32 << 20;
/// Bytes of the log under the terminal UI; at the bound it becomes `fedag.log.1`, in place of the one before.
pub const LOG_BYTES_MAX: u64 = 4 << 20;
/// Bytes of a small file in the data directory; a larger one is not ours.
pub const HOME_FILE_BYTES_MAX: u64 = 1 << 20;
/// Secrets of own tickets that are kept. At the bound no further invite is made until one expires.
pub const INVITES_KEPT_MAX: usize = 1024;
/// Lines about what is wrong in the report of `verify`.
pub const VERIFY_LINES_MAX: usize = 100;
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
pub const WATCH_EVERY: Duration = Duration::from_millis(20);
/// Questions about the DAG that wait for the driver; at the bound the askers wait.
pub const ASK_QUEUE: usize = 256;
/// Questions answered between two batches of inputs, so that clients cannot hold up replication.
pub const ASK_BATCH: usize = 64;
/// Effects that wait for a commit; above it no inputs but the disk's are read.
pub const DURABLE_EFFECTS_MAX: usize = 65_536;
/// Answers to WANTs that are read from disk at a time. Further ones are dropped: the peer asks again.
pub const GIVES_MAX: usize = 64;
/// Newcomers in work at a time. Further ones are told to try elsewhere.
pub const JOINS_MAX: usize = 64;
/// First wait before a failed store is written again.
pub const STORE_RETRY_MIN: Duration = Duration::from_secs(1);
/// Longest wait before a failed store is written again; it is tried for ever.
pub const STORE_RETRY_MAX: Duration = Duration::from_secs(30);
/// Lines that wait to be written to one client; at the bound its requests wait.
pub const CONTROL_REPLIES_MAX: usize = 64;
/// Bytes in a pipe in memory, each way.
pub const PIPE_BYTES: usize = 256 << 10;
/// An `add` of up to this many bytes is read at once, a longer one on a thread of its own.
pub const ADD_INLINE_BYTES: usize = 16 << 10;
/// Characters of an event's summary; a longer one ends in an ellipsis.
pub const SUMMARY_CHARS_MAX: usize = 256;
/// Members up to which labels have the shortest unique prefix; above, each has a part of its key.
pub const LABEL_MEMBERS_MAX: usize = 4096;
/// Characters of a uuid's or key's prefix.
pub const NAME_PREFIX_MIN: usize = 4;
/// Rows before a window in which the last event of each lane is looked for; older ones count as not the newest.
pub const LOOK_BACK_ROWS: usize = 4096;
/// Arrivals by replication whose time is remembered, in batches; those before count as long ago.
pub const RECENT_BATCHES: usize = 4096;
/// Children told of one event.
pub const CHILDREN_SHOWN_MAX: usize = 1000;
/// From the order to stop until everything is closed; the node ends then in any case.
pub const CLOSING_PATIENCE: Duration = Duration::from_secs(8);
/// Damaged events that are waited for to be given again; further ones are noted when somebody comes upon them anew.
pub const DAMAGED_MAX: usize = 1024;
/// Pause between two reads of the search for damaged events, each of about `BULK_FRAME_BYTES`: 12 MB a second at most. A guess.
pub const SEARCH_PAUSE: Duration = Duration::from_millis(20);
/// Leaves told in one reply, the newest; how many there are is in the status.
pub const LEAVES_SHOWN_MAX: usize = 1000;
/// Bytes of events in one reply, but at least one event; as JSON in JSON they come to about twice as much.
pub const REPLY_BYTES: usize = 1 << 20;
/// Events of one window of which it is worked out whether one machine holds them; further ones count as not known.
pub const WINDOW_ASKS_MAX: usize = 64;
/// Parents told in one row of a window; more are counted.
pub const WINDOW_PARENTS_MAX: usize = 64;
/// Positions searched in one step of `log`, so that the driver is free in between.
pub const LOG_STEP_EVENTS: usize = 65_536;
/// Positions that one step of a search looks at.
pub const SEARCH_STEP_EVENTS: usize = 8192;
/// Bytes of events that one step of a search reads, but at least one event.
pub const SEARCH_STEP_BYTES: usize = 4 << 20;
/// Hits told by one step of a search; at the bound the step ends there.
pub const SEARCH_STEP_HITS: usize = 1024;
/// Characters of what is searched for; a longer one is refused.
pub const SEARCH_CHARS_MAX: usize = 512;
/// Bytes of a regular expression in its compiled form; a larger one is refused.
pub const SEARCH_COMPILED_BYTES: usize = 1 << 20;
/// Parts of one summary that are marked as matching; further ones are not.
pub const SEARCH_MARKS_MAX: usize = 32;
/// Events that a filter shows, those found first; then it stops looking for older ones and says so.
pub const FILTER_HITS_MAX: usize = 10_000;
/// Addresses of other machines in a ticket.
pub const TICKET_PEERS_MAX: usize = 4;
/// The ban list is looked at this often.
pub const BANS_EVERY: Duration = Duration::from_secs(2);

// ---- demo --------------------------------------------------------------------------------------

/// After so much silence a peer of the demo is gone; shorter than elsewhere, so that nobody has to wait. A guess that a busy computer
/// keeps.
pub const DEMO_IDLE: Duration = Duration::from_secs(3);
/// And a packet at least this often.
pub const DEMO_KEEP_ALIVE: Duration = Duration::from_millis(750);
/// What a packet on a slow wire takes, one way.
pub const DEMO_SLOW: Duration = Duration::from_millis(150);
/// Packets on their way over slow wires; further ones are lost.
pub const DEMO_LATE_PACKETS: usize = 4096;
/// Requests to the demo's nodes that are open, and statuses that wait to be taken; at the bound it waits or refuses.
pub const DEMO_ASKS: usize = 256;
/// The demo looks at the wires' counters this often.
pub const DEMO_WIRES_EVERY: Duration = Duration::from_millis(200);
/// The demo's machines have found each other within this.
pub const DEMO_START: Duration = Duration::from_secs(30);
/// A step of the demo without a screen takes no longer, or it has failed. The whole takes about 6 s on an idle computer.
pub const DEMO_STEP: Duration = Duration::from_secs(15);

const _: () = {
    assert!(EVENT_BYTES_DEFAULT <= EVENT_BYTES_MAX && EVENT_BYTES_MIN <= EVENT_BYTES_DEFAULT);
    assert!(PARENTS_DEFAULT <= PARENTS_MAX && PARENTS_MIN <= PARENTS_DEFAULT);
    assert!(FRAME_BYTES_MAX > EVENT_BYTES_MAX as usize);
    assert!(1 < VERIFY_GROUP && VERIFY_GROUP <= VERIFY_BATCH);
    assert!(2 * BULK_FRAME_BYTES as u64 <= BULK_BYTES_MIN);
    assert!(BULK_FRAME_BYTES / 38 <= FRAME_EVENTS_MAX);
    assert!(CREDENTIAL_BYTES_MAX < FRAME_BYTES_MAX);
    assert!(TAKE_BYTES_MAX > EVENT_BYTES_MAX as u64);
    assert!(PUSH_BYTES_MAX <= SEND_QUEUE_BYTES && SEND_QUEUE_GIVEN < SEND_QUEUE_HARD);
    assert!(PEERS_CHOSEN_MIN < PEERS_WANTED && 2 * PEERS_WANTED < PEERS_MAX);
    assert!(OFFERS_AHEAD_FIRST <= OFFERS_AHEAD_MAX);
    assert!((OFFERS_AHEAD_MAX + 1) * OFFER_IDS_MAX * 16 <= SEND_QUEUE_BYTES);
    assert!(HEADS_TOLD_MAX >= 1 && WANT_IDS_MAX >= HEADS_TOLD_MAX);
    assert!(HOME_FILE_BYTES_MAX > 2 * CREDENTIAL_BYTES_MAX as u64);
    assert!(PASSED_BYTES_MAX / 2 >= EVENT_BYTES_MAX as usize);
    assert!(GREETING_BYTES_MAX < STRANGER_WINDOW_BYTES as usize);
    assert!(STREAM_WINDOW_BYTES * INBOUND_STREAMS_MAX < CONNECTION_WINDOW_BYTES);
    assert!(
        BUCKET_BYTES >= STREAM_WINDOW_BYTES as u64 + (SEND_QUEUE_HARD * SEND_QUEUE_BYTES) as u64
    );
    assert!(HALF_OPEN_RETRY + HALF_OPEN_ADDRESS_MAX < HALF_OPEN_MAX);
    assert!(HALF_OPEN_RETRY < HALF_OPEN_MAX && NEWCOMERS_MAX < HALF_OPEN_MAX);
};
