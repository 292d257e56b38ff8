//! Recomputes everything: reads each event from the store, checks it as if a stranger had sent it, builds a second DAG of them
//! and compares that with the one the machine works on.
//!
//! The work is done off the driver, a batch at a time. Memory: that of a second DAG.

use crate::control::view::Report;
use crate::control::{Failure, Reply};
use crate::dag::{Dag, Inserted};
use crate::event::check_all;
use crate::event::id::{DagDigest, DigestRest, EventId};
use crate::event::index::{Arrival, Index};
use crate::event::key::MachineId;
use crate::limits::{BULK_FRAME_BYTES, VERIFY_BATCH, VERIFY_LINES_MAX};
use crate::node::ask::{Desk, Seen, Shared};
use crate::node::serve::Replies;
use crate::wire::codec;

/// What the machine's DAG says of an event.
#[derive(Debug)]
struct Told {
    id: EventId,
    author: MachineId,
    seq: u64,
    height: u32,
    length: u32,
    rest: DigestRest,
    parents: Vec<EventId>,
}

/// The second DAG and what was found wrong.
#[derive(Debug)]
struct Checked {
    dag: Dag,
    report: Report,
    /// Events that could not be looked at, since one that they depend on is not good.
    dependents: u64,
}

/// Answers a `verify` request; tells of progress at least ten times, or after each event.
pub(crate) async fn verify(desk: &Desk, replies: &Replies) -> Result<Reply, Failure> {
    let (len, digest) = snapshot(desk).await?;
    let root = desk.shared.root.clone();
    let length = codec::event_length(&root);
    let mut checked = Checked {
        dag: Dag::open(Index::of_root(root, length)),
        report: Report::default(),
        dependents: 0,
    };
    let step = (len / 10).clamp(1, u32::try_from(VERIFY_BATCH).expect("a small constant"));
    let mut from = 0;
    while from < len {
        let up_to = (from + step).min(len);
        let told = desk
            .ask(move |seen| {
                (from..up_to)
                    .map(|at| told(seen, Arrival(at)))
                    .collect::<Vec<_>>()
            })
            .await?;
        checked = desk
            .blocking(move |shared| {
                checked.batch(shared, from, told);
                Ok(checked)
            })
            .await?;
        from = up_to;
        let progress = Reply::Progress {
            done: from.into(),
            of: len.into(),
        };
        if replies.send(Ok(progress)).await.is_err() {
            break; // Nobody waits for the report.
        }
    }
    let lost = desk.ask(|seen| seen.lost).await?;
    desk.blocking(move |shared| {
        checked.index(shared, len);
        Ok(Reply::Verified(checked.finish(len, digest, lost)))
    })
    .await
}

/// The number of durable events, and the digest when there are no others. Waits a little for such a moment.
async fn snapshot(desk: &Desk) -> Result<(u32, Option<DagDigest>), Failure> {
    let mut progress = desk.progress.clone();
    for _ in 0..100 {
        progress.borrow_and_update();
        let look = |seen: &mut Seen<'_>| {
            (seen.ledger.durable() == seen.dag.len()).then(|| (seen.dag.len(), seen.dag.digest()))
        };
        if let Some((len, digest)) = desk.ask(look).await? {
            return Ok((len, Some(digest)));
        }
        let changed =
            tokio::time::timeout(std::time::Duration::from_millis(20), progress.changed()).await;
        if matches!(changed, Ok(Err(_))) {
            break;
        }
    }
    Ok((desk.ask(|seen| seen.ledger.durable()).await?, None))
}

fn told(seen: &Seen<'_>, at: Arrival) -> Told {
    let dag = seen.dag;
    Told {
        id: dag.id(at),
        author: dag.author_key(dag.author(at)),
        seq: dag.seq(at),
        height: dag.height(at),
        length: dag.length(at),
        rest: dag.rest(at),
        parents: dag
            .parents(at)
            .iter()
            .map(|parent| dag.id(*parent))
            .collect(),
    }
}

impl Checked {
    fn wrong(&mut self, line: String) {
        if self.report.wrong.len() < VERIFY_LINES_MAX {
            self.report.wrong.push(line);
        }
    }

    /// Checks the events at `from` and after it, of which the machine says `told`.
    fn batch(&mut self, shared: &Shared, from: u32, told: Vec<Told>) {
        let bytes = self.read(shared, from, &told);
        let mut raws = Vec::with_capacity(bytes.len());
        let mut of = Vec::with_capacity(bytes.len());
        for (told, bytes) in told.into_iter().zip(bytes) {
            let Some(bytes) = bytes else { continue };
            if bytes.len() != told.length as usize {
                self.wrong(format!(
                    "event {}: {} bytes on disk, the index says {}",
                    told.id,
                    bytes.len(),
                    told.length
                ));
            }
            match codec::decode_event(&bytes) {
                Ok(raw) => {
                    raws.push((raw, bytes.len()));
                    of.push(told);
                }
                Err(fault) => self.wrong(format!("event {}: {fault}", told.id)),
            }
        }
        for (told, event) in of.into_iter().zip(check_all(raws, &shared.rules)) {
            match event {
                Ok(event) => self.insert(&event, &told),
                Err(invalid) => self.wrong(format!("event {}: {invalid}", told.id)),
            }
        }
    }

    /// The bytes of each event; none of those that cannot be read.
    fn read(&mut self, shared: &Shared, from: u32, told: &[Told]) -> Vec<Option<Vec<u8>>> {
        let up_to = Arrival(from + u32::try_from(told.len()).expect("arrivals are u32"));
        let mut all = Vec::with_capacity(told.len());
        while let Some(next) = told.get(all.len()) {
            let at = Arrival(from + u32::try_from(all.len()).expect("arrivals are u32"));
            match shared.store.read_range(at, up_to, BULK_FRAME_BYTES) {
                Ok(read) if !read.is_empty() => {
                    all.extend(read.into_iter().take(told.len() - all.len()).map(Some));
                }
                Ok(_) => {
                    self.wrong(format!("event {}: it is not in the store", next.id));
                    all.push(None);
                }
                Err(error) => {
                    self.wrong(format!(
                        "event {}: {}",
                        next.id,
                        crate::node::failure::in_words(&error)
                    ));
                    all.push(None);
                }
            }
        }
        all
    }

    fn insert(&mut self, event: &crate::event::Event, told: &Told) {
        self.report.events += 1;
        if event.id() != told.id {
            self.wrong(format!(
                "event {}: on disk in its place is {}",
                told.id,
                event.id()
            ));
        }
        let raw = event.raw();
        if (raw.machine, raw.seq) != (told.author, told.seq) || raw.parents != told.parents {
            self.wrong(format!(
                "event {}: author, counter or parents are not those of the index",
                told.id
            ));
        }
        let is_root = raw.parents.is_empty();
        match self.dag.insert(event, codec::event_length(event)) {
            Inserted::New(append) if append.row.height != told.height => {
                self.wrong(format!(
                    "event {}: height {}, the index says {}",
                    told.id, append.row.height, told.height
                ));
            }
            Inserted::New(append) if append.row.rest != told.rest => self.wrong(format!(
                "event {}: its digest is not that of the index",
                told.id
            )),
            Inserted::New(_) => {}
            Inserted::Held(Arrival(0)) if is_root => {}
            Inserted::Held(_) | Inserted::Twin(_) => {
                self.wrong(format!("event {}: it is held twice", told.id));
            }
            Inserted::Missing(_) => self.dependents += 1,
            Inserted::Unvouched => self.wrong(format!(
                "event {}: it is unsigned and its parent does not vouch for it",
                told.id
            )),
            Inserted::ForeignRoot => self.wrong(format!(
                "event {}: it has no parents and is not this network's root",
                told.id
            )),
        }
    }

    /// Reads the index from the disk once more: what opens the next machine must tell of the same events.
    fn index(&mut self, shared: &Shared, len: u32) {
        let index = match shared.store.index() {
            Ok(index) => index,
            Err(error) => return self.wrong(crate::node::failure::in_words(&error)),
        };
        let is_same = |at: u32| {
            (index.rows.get(at as usize)).is_some_and(|row| row.id == self.dag.id(Arrival(at)))
        };
        if self.dag.len() == len && !(0..len).all(is_same) {
            self.wrong("the index on disk tells of other events than the machine holds".into());
        }
    }

    fn finish(mut self, len: u32, digest: Option<DagDigest>, lost: u32) -> Report {
        if lost > 0 {
            self.wrong(format!(
                "{lost} events that were acknowledged are gone from this disk; peers that hold them bring them back"
            ));
        }
        if let Err(why) = self.dag.check() {
            self.wrong(format!("the DAG contradicts itself: {why}"));
        }
        if self.dependents > 0 {
            let events = self.dependents;
            self.wrong(format!("{events} events could not be checked to the end, since an event that they depend on is not good"));
        }
        if self.dag.len() != len {
            let good = self.dag.len();
            self.wrong(format!("{good} of {len} events are good"));
        }
        let own = self.dag.digest();
        if digest.is_some_and(|digest| digest != own) {
            self.wrong(format!(
                "the digest computed anew, {own}, is not that of the machine"
            ));
        }
        self.report.digest = own.to_string();
        self.report
    }
}
