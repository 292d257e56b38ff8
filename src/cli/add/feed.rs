//! `fedag add -`: lines into events, many requests under way at a time.
//!
//! With a running node all goes to it. Without one the store is opened here, for as long as lines are there but at most
//! `limits::ADD_TURN`, and then let go, so that a node may start meanwhile; the next lines go to that node.
//!
//! Invariant: events are added, and their uuids printed, in the order of the lines.

use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use tokio::sync::mpsc;

use crate::cli::add::Printer;
use crate::cli::add::input::{self, Batch, Item, Reading};
use crate::cli::clean;
use crate::cli::connect::{self, Need, Session};
use crate::cli::outcome::Outcome;
use crate::cli::print;
use crate::control::client::{Client, ClientError, Pending};
use crate::control::{AddOutcome, Failure, FailureCode, Reply, Request};
use crate::limits;

/// Without a node the store is let go when no line came for this long.
const LINGER: Duration = Duration::from_millis(20);

/// Where lines go, and how they are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Feed {
    pub(super) text: bool,
    pub(super) strict: bool,
    pub(super) json: bool,
}

impl Feed {
    /// Adds every line of standard input.
    pub(super) async fn run(self, dir: &Path) -> anyhow::Result<Outcome> {
        connect::check(dir)?;
        let reading = Reading {
            text: self.text,
            strict: self.strict,
        };
        let mut work = Work {
            input: input::start(std::io::stdin(), reading),
            waiting: VecDeque::new(),
            ended: false,
            strict: self.strict,
            printer: Printer::new(self.json),
            added: 0,
            bad: 0,
        };
        while work.has_more().await? {
            let session = Session::open(dir, Need::Any).await?;
            let until = session
                .is_offline()
                .then(|| Instant::now() + limits::ADD_TURN);
            let result = work.turn(session.client(), until).await;
            session.close().await;
            result?;
            if until.is_some() && !work.ended {
                tokio::time::sleep(limits::ADD_GAP).await;
            }
        }
        if work.bad == 0 {
            return Ok(Outcome::Done);
        }
        let stopped = if self.strict { "; stopped there" } else { "" };
        print::tell(format_args!(
            "fedag: lines added: {}, not added: {}{stopped}",
            work.added, work.bad
        ));
        Ok(Outcome::Failed)
    }
}

struct Work {
    input: mpsc::Receiver<std::io::Result<Batch>>,
    /// Batches that must be sent before anything else is read.
    waiting: VecDeque<Batch>,
    /// Nothing more will be read.
    ended: bool,
    strict: bool,
    printer: Printer,
    added: u64,
    bad: u64,
}

impl Work {
    /// Waits for something to send; false when all is done.
    async fn has_more(&mut self) -> anyhow::Result<bool> {
        if self.waiting.is_empty() && !self.ended {
            match self.input.recv().await {
                Some(batch) => self.take(batch)?,
                None => self.ended = true,
            }
        }
        Ok(!self.waiting.is_empty())
    }

    /// Takes what was read; with `--strict` nothing from the first bad line on.
    fn take(&mut self, batch: std::io::Result<Batch>) -> anyhow::Result<()> {
        let mut batch = batch.context("reading standard input")?;
        if self.strict
            && let Some(bad) = batch.iter().position(|item| item.event.is_err())
        {
            batch.truncate(bad + 1);
            self.ended = true;
        }
        self.waiting.push_back(batch);
        Ok(())
    }

    /// Sends and takes answers until there is nothing more to do with this connection: the input ended, the node stops, or it is
    /// after `until`, or there is a time `until` and no line came for a while.
    async fn turn(&mut self, client: &Client, until: Option<Instant>) -> anyhow::Result<()> {
        let under_way_max = if self.strict {
            1
        } else {
            limits::ADD_REQUESTS_MAX
        };
        let mut under_way = FuturesOrdered::new();
        loop {
            let over = until.is_some_and(|until| Instant::now() >= until);
            let room = under_way.len() < under_way_max;
            if room
                && !over
                && let Some(batch) = self.waiting.pop_front()
            {
                under_way.push_back(answered(begin(client, &batch).await, batch));
                continue;
            }
            if under_way.is_empty() && (over || self.ended) {
                return Ok(());
            }
            tokio::select! {
                batch = self.input.recv(), if room && !over && !self.ended => match batch {
                    Some(batch) => self.take(batch)?,
                    None => self.ended = true,
                },
                Some((answer, batch)) = under_way.next() => {
                    if let Err(failure) = self.settle(answer, &batch)? {
                        self.again(failure, batch, under_way).await;
                        return Ok(());
                    }
                }
                () = tokio::time::sleep(LINGER), if until.is_some() && under_way.is_empty() => return Ok(()),
            }
        }
    }

    /// Prints what became of a batch. The inner error: the node stops, and nothing of it was added.
    fn settle(
        &mut self,
        answer: Result<Reply, ClientError>,
        batch: &Batch,
    ) -> anyhow::Result<Result<(), Failure>> {
        let outcomes = match answer {
            Ok(Reply::Added(outcomes)) => outcomes,
            Ok(other) => return Err(connect::unexpected(&other)),
            Err(ClientError::Failure(failure)) if failure.code == FailureCode::Stopping => {
                return Ok(Err(failure));
            }
            Err(error) => return Err(anyhow::Error::new(error).context(lost(batch))),
        };
        let events = batch.iter().filter(|item| item.event.is_ok()).count();
        anyhow::ensure!(
            outcomes.len() == events,
            "the node answered {} of {events} events",
            outcomes.len()
        );
        let mut outcomes = outcomes.into_iter();
        for Item { number, event } in batch {
            let outcome = match event {
                Ok(_) => outcomes.next().expect("there is one for each event"),
                Err(why) => AddOutcome::Refused(why.clone()),
            };
            match outcome {
                AddOutcome::Added { uuid, json } => {
                    self.added += 1;
                    self.printer.added(&uuid, &json)?;
                }
                AddOutcome::Refused(why) => {
                    self.bad += 1;
                    print::tell(format_args!(
                        "fedag: line {number} was not added: {}",
                        clean::line(&why)
                    ));
                    if self.strict {
                        self.ended = true;
                        self.waiting.clear();
                    }
                }
            }
        }
        self.printer.flush()?;
        Ok(Ok(()))
    }

    /// Puts back what a stopping node did not add: this batch and all after it, which it refused for the same reason.
    async fn again<F>(&mut self, _stopping: Failure, batch: Batch, mut under_way: FuturesOrdered<F>)
    where
        F: Future<Output = (Result<Reply, ClientError>, Batch)>,
    {
        let mut refused = VecDeque::from([batch]);
        while let Some((_, batch)) = under_way.next().await {
            refused.push_back(batch);
        }
        refused.append(&mut self.waiting);
        self.waiting = refused;
    }
}

/// None: no line of the batch is an event, so there is nothing to ask.
async fn begin(client: &Client, batch: &Batch) -> Result<Option<Pending>, ClientError> {
    let events: Vec<_> = batch
        .iter()
        .filter_map(|item| item.event.as_ref().ok().cloned())
        .collect();
    if events.is_empty() {
        Ok(None)
    } else {
        client.begin(Request::Add { events }).await.map(Some)
    }
}

async fn answered(
    begun: Result<Option<Pending>, ClientError>,
    batch: Batch,
) -> (Result<Reply, ClientError>, Batch) {
    let answer = match begun {
        Ok(Some(pending)) => pending.answer().await,
        Ok(None) => Ok(Reply::Added(Vec::new())),
        Err(error) => Err(error),
    };
    (answer, batch)
}

/// Which lines were not acknowledged.
fn lost(batch: &Batch) -> String {
    let number = |item: Option<&Item>| item.map_or(0, |item| item.number);
    format!(
        "lines {} and after were not acknowledged",
        number(batch.first())
    )
}

#[cfg(test)]
mod tests;
