//! Adds a client's events: read strictly off the driver, handed over in order, answered when durable.

use serde_json::value::RawValue;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tracing::debug;

use crate::control::{AddOutcome, Failure, Reply};
use crate::event::Event;
use crate::event::canon::Properties;
use crate::limits::{ADD_EVENTS_MAX, ADD_INLINE_BYTES, EVENT_OVERHEAD_BYTES};
use crate::machine::effect::Refused;
use crate::node::ask::{Desk, LocalRequest};
use crate::node::failure::{bad_request, failed_because, refused, stopping};
use crate::node::serve::Replies;

/// An `add` request.
#[derive(Debug)]
pub(crate) struct AddJob {
    pub(crate) events: Vec<Box<RawValue>>,
    pub(crate) replies: Replies,
    /// Of the client's requests in work.
    pub(crate) permit: OwnedSemaphorePermit,
}

/// Hands the jobs of one client to the driver in their order, without waiting for the disk in between: what comes while
/// one commit is under way shares the next.
pub(crate) async fn in_order(desk: Desk, mut jobs: mpsc::Receiver<AddJob>) {
    let mut answering = tokio::task::JoinSet::new();
    while let Some(AddJob {
        events,
        replies,
        permit,
    }) = jobs.recv().await
    {
        let handed = hand_over(&desk, events).await;
        answering.spawn(async move {
            let reply = match handed {
                Ok(handed) => handed.outcomes().await.map(Reply::Added),
                Err(failure) => Err(failure),
            };
            if replies.send(reply).await.is_err() {
                debug!("a client did not wait for its events");
            }
            drop(permit);
        });
        while answering.try_join_next().is_some() {}
    }
    while answering.join_next().await.is_some() {}
}

/// A request of which the driver has the good events.
struct Handed {
    /// Why not, of each event that is refused.
    refused: Vec<Option<String>>,
    answer: Answer,
}

type Answer = Option<tokio::sync::oneshot::Receiver<Result<Vec<Event>, Refused>>>;

async fn hand_over(desk: &Desk, events: Vec<Box<RawValue>>) -> Result<Handed, Failure> {
    if events.len() > ADD_EVENTS_MAX {
        return Err(bad_request(format!(
            "{} events in one request; at most {ADD_EVENTS_MAX} are allowed",
            events.len()
        )));
    }
    let bytes: usize = events.iter().map(|event| event.get().len()).sum();
    let mut parsed = if bytes <= ADD_INLINE_BYTES {
        parse(&events)
    } else {
        desk.blocking(move |_| Ok(parse(&events))).await?
    };
    refuse_large(desk, &mut parsed).await?;
    let refused = parsed
        .iter()
        .map(|event| event.as_ref().err().cloned())
        .collect();
    let properties: Vec<_> = parsed.into_iter().flatten().collect();
    let answer = if properties.is_empty() {
        None
    } else {
        Some(
            desk.request(|answer| LocalRequest::Create { properties, answer })
                .await?,
        )
    };
    Ok(Handed { refused, answer })
}

/// Each event, or why it is refused.
fn parse(events: &[Box<RawValue>]) -> Vec<Result<Properties, String>> {
    events
        .iter()
        .map(|event| Properties::parse(event.get().as_bytes()).map_err(|error| error.to_string()))
        .collect()
}

/// Refuses events that do not fit, so that they do not take the others with them. The machine has the last word.
async fn refuse_large(
    desk: &Desk,
    events: &mut [Result<Properties, String>],
) -> Result<(), Failure> {
    let rules = desk.shared.rules;
    let size = |event: &Properties, parents: usize| {
        event.as_bytes().len() + parents * 16 + EVENT_OVERHEAD_BYTES
    };
    let (bytes_max, parents_max) = (rules.event_bytes_max as usize, rules.parents_max as usize);
    if events
        .iter()
        .flatten()
        .all(|event| size(event, parents_max) <= bytes_max)
    {
        return Ok(());
    }
    let parents = desk
        .ask(move |seen| seen.dag.leaves().len().min(parents_max))
        .await?;
    for event in events {
        if let Ok(properties) = &event {
            let bytes = size(properties, parents);
            if bytes > bytes_max {
                *event = Err(format!(
                    "the event is too large: {bytes} bytes, this network allows {bytes_max}"
                ));
            }
        }
    }
    Ok(())
}

impl Handed {
    /// What became of each event, once the good ones are durable.
    async fn outcomes(self) -> Result<Vec<AddOutcome>, Failure> {
        let created = match self.answer {
            Some(answer) => answer.await.map_err(|_| stopping())?,
            None => Ok(Vec::new()),
        };
        let created = match created {
            Ok(created) => created,
            // The leaves became more meanwhile: nothing of the request was added, and all are told which one was too large.
            Err(why @ Refused::TooLarge { .. }) => {
                return Ok(self
                    .refused
                    .iter()
                    .map(|_| AddOutcome::Refused(why.to_string()))
                    .collect());
            }
            Err(why) => return Err(refused(&why)),
        };
        let mut created = created.iter();
        let mut outcome = |refused: Option<String>| match refused {
            Some(why) => Some(AddOutcome::Refused(why)),
            None => created.next().map(|event| AddOutcome::Added {
                uuid: event.id().to_string(),
                json: event.to_json(),
            }),
        };
        let all: Option<Vec<_>> = self.refused.into_iter().map(&mut outcome).collect();
        all.ok_or_else(|| {
            failed_because("the node lost track of the events that it added: see `fedag log`")
        })
    }
}
