//! Lists events in either order, in batches, and goes on with new ones.
//!
//! A listing is of the events that were durable when it began. Each batch is one short question to the driver and one read of
//! the store by the asker. Between batches the DAG may grow: a place in it is kept as an event, whose rank is found anew.

use crate::control::view::Order;
use crate::control::{Failure, FailureCode, LogRequest, Reply};
use crate::event::index::Arrival;
use crate::event::key::MachineId;
use crate::limits::{LOG_EVENTS_MAX, LOG_STEP_EVENTS, REPLY_BYTES};
use crate::node::ask::{Desk, Seen};
use crate::node::failure::{bad_request, needs_node, stopping};
use crate::node::names::find_machine;
use crate::node::order::Ordered;
use crate::node::serve::{Gone, Replies};
use crate::node::view::{Meta, views};

/// What is listed.
#[derive(Clone, Copy, Debug)]
struct Query {
    order: Order,
    by: Option<MachineId>,
    /// Events from here on came too late.
    end: Arrival,
}

/// A place between two events of an order.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// Before all events.
    Start,
    /// Just before this one.
    Before(Arrival),
    /// Just after this one.
    After(Arrival),
    /// After all events.
    End,
}

impl Place {
    fn rank(self, order: &Ordered<'_>) -> usize {
        match self {
            Self::Start => 0,
            Self::Before(at) => order.rank(at),
            Self::After(at) => order.rank(at) + 1,
            Self::End => order.len(),
        }
    }
}

impl Query {
    fn takes(&self, seen: &Seen<'_>, at: Arrival) -> bool {
        let dag = seen.dag;
        at < self.end
            && self
                .by
                .is_none_or(|by| dag.author_key(dag.author(at)) == by)
    }
}

/// Answers a `log` request; a `follow` ends with the client or the node.
pub(crate) async fn log(desk: &Desk, request: LogRequest, replies: &Replies) -> Result<(), Gone> {
    match list(desk, request, replies).await {
        Ok(()) => replies.send(Ok(Reply::Done {})).await,
        Err(Ended::Failed(failure)) => replies.send(Err(failure)).await,
        Err(Ended::Gone) => Err(Gone),
    }
}

/// Why a listing ended early.
enum Ended {
    Failed(Failure),
    Gone,
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Gone> for Ended {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

async fn list(desk: &Desk, request: LogRequest, replies: &Replies) -> Result<(), Ended> {
    if request.follow && desk.shared.listening.is_none() {
        return Err(needs_node("`log -f`").into());
    }
    if request.follow && request.order != Order::Arrival {
        return Err(bad_request("to follow needs arrival order").into());
    }
    let mut listing = Listing {
        request,
        so_far: None,
    };
    if !listing.request.follow {
        return listing.go_on(desk, replies).await;
    }
    let mut progress = desk.progress.clone();
    let mut told_at = None;
    loop {
        progress.borrow_and_update();
        let outage = match listing.go_on(desk, replies).await {
            Err(Ended::Failed(failure)) if failure.code == FailureCode::Outage => failure,
            ended => return ended,
        };
        let place = listing.so_far.map(|(query, _)| query.end);
        if told_at != Some(place) {
            told_at = Some(place);
            let why = outage.message;
            replies.send(Ok(Reply::Waiting { why })).await?;
        }
        tokio::select! {
            biased;
            changed = progress.changed() => if changed.is_err() {
                return Err(stopping().into());
            },
            () = replies.gone() => return Err(Ended::Gone),
        }
    }
}

/// A listing, and how far it is; after a failure it goes on there.
struct Listing {
    request: LogRequest,
    so_far: Option<(Query, Place)>,
}

impl Listing {
    /// Sends what is to be sent; a `follow` does not end by itself.
    async fn go_on(&mut self, desk: &Desk, replies: &Replies) -> Result<(), Ended> {
        let (mut query, mut place) = match self.so_far {
            Some(so_far) => so_far,
            None => self.begin(desk).await?,
        };
        let mut progress = desk.progress.clone();
        loop {
            while !matches!(place, Place::End) {
                self.so_far = Some((query, place));
                place = send_batch(desk, query, place, replies).await?;
            }
            self.so_far = Some((query, place));
            if !self.request.follow {
                return Ok(());
            }
            let end = query.end;
            tokio::select! {
                biased;
                told = progress.wait_for(|progress| progress.durable > end.0) => match told {
                    Ok(told) => query.end = Arrival(told.durable),
                    Err(_) => return Err(stopping().into()),
                },
                () = replies.gone() => return Err(Ended::Gone),
            }
            // In arrival order the new ones come after all that were there.
            place = Place::After(Arrival(end.0 - 1));
        }
    }

    async fn begin(&self, desk: &Desk) -> Result<(Query, Place), Failure> {
        let request = self.request.clone();
        let (query, after) = desk.ask(move |seen| resolve(seen, &request)).await??;
        let place = after.map_or(Place::Start, Place::After);
        let place = match self.request.last {
            Some(last) => last_ones(desk, query, place, last).await?,
            None => place,
        };
        Ok((query, place))
    }
}

fn resolve(seen: &mut Seen<'_>, request: &LogRequest) -> Result<(Query, Option<Arrival>), Failure> {
    let by = request
        .by
        .as_ref()
        .map(|by| find_machine(seen.dag, by))
        .transpose()?;
    let after = request
        .after
        .as_ref()
        .map(|name| seen.names.find_event(seen.dag, name))
        .transpose()?;
    Ok((
        Query {
            order: request.order,
            by,
            end: Arrival(seen.ledger.durable()),
        },
        after,
    ))
}

/// The place before the last `last` events of the query that come after `lowest`. Walks back in steps.
async fn last_ones(desk: &Desk, query: Query, lowest: Place, last: u64) -> Result<Place, Failure> {
    let (mut upper, mut left) = (Place::End, last);
    while left > 0 {
        let step = move |seen: &mut Seen<'_>| {
            let mut causal = std::mem::take(seen.causal);
            let order = Ordered::new(seen.dag, &mut causal, query.order);
            let (low, high) = (lowest.rank(&order), upper.rank(&order));
            let from = high.saturating_sub(LOG_STEP_EVENTS).max(low);
            let mut found = Step {
                left,
                first: None,
                is_done: from >= high || from == low,
            };
            for rank in (from..high).rev() {
                let at = order.at(rank);
                if found.left > 0 && query.takes(seen, at) {
                    found.left -= 1;
                    found.first = Some(at);
                }
            }
            let next = if from < high {
                Some(order.at(from))
            } else {
                None
            };
            *seen.causal = causal;
            (found, next)
        };
        let (found, next) = desk.ask(step).await?;
        left = found.left;
        if let (0, Some(first)) = (left, found.first) {
            return Ok(Place::Before(first));
        }
        match next {
            Some(next) if !found.is_done => upper = Place::Before(next),
            Some(_) | None => return Ok(lowest),
        }
    }
    Ok(Place::End)
}

/// What one step back found.
struct Step {
    left: u64,
    first: Option<Arrival>,
    is_done: bool,
}

/// Sends the next events after `place`, and returns the place after them.
async fn send_batch(
    desk: &Desk,
    query: Query,
    place: Place,
    replies: &Replies,
) -> Result<Place, Ended> {
    let (metas, next) = desk.ask(move |seen| batch(seen, query, place)).await?;
    if !metas.is_empty() {
        let events = views(desk, metas).await?;
        replies.send(Ok(Reply::Events(events))).await?;
    }
    Ok(next)
}

/// The next events of the query: at most `limits::LOG_EVENTS_MAX`, and about `REPLY_BYTES` but at least one, among the next
/// `LOG_STEP_EVENTS`; and the place after them.
fn batch(seen: &mut Seen<'_>, query: Query, from: Place) -> (Vec<Meta>, Place) {
    let mut causal = std::mem::take(seen.causal);
    let order = Ordered::new(seen.dag, &mut causal, query.order);
    let len = match query.order {
        Order::Arrival => order.len().min(query.end.0 as usize),
        Order::Causal => order.len(),
    };
    let start = from.rank(&order);
    let (mut metas, mut bytes, mut next) = (Vec::new(), 0, Place::End);
    for rank in start..len {
        let at = order.at(rank);
        if rank - start == LOG_STEP_EVENTS {
            next = Place::Before(at);
            break;
        }
        if !query.takes(seen, at) {
            continue;
        }
        bytes += seen.dag.length(at) as usize;
        if metas.len() == LOG_EVENTS_MAX || (bytes > REPLY_BYTES && !metas.is_empty()) {
            next = Place::Before(at);
            break;
        }
        metas.push(seen.meta(at));
    }
    *seen.causal = causal;
    (metas, next)
}
