//! Between the loop and the client of the control protocol: requests with tags out, answers with tags back.
//!
//! Invariants:
//! - requests reach the node in the order in which they were made, so that events are added as they were typed;
//! - the loop never waits here: a full queue is an answer, too;
//! - when the loop is gone, so are the tasks.

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::control::client::{Client, ClientError};
use crate::control::{Failure, FailureCode, Request};
use crate::limits;
use crate::tui::message::{Msg, Tag};

/// The loop's end.
#[derive(Debug)]
pub struct Link {
    requests: mpsc::Sender<(Tag, Request)>,
    answers: mpsc::Receiver<Msg>,
}

impl Link {
    /// Starts the tasks on `client`. Must be called in a tokio runtime.
    pub fn new(client: Client) -> Self {
        let (requests, asked) = mpsc::channel(limits::UI_QUEUE);
        let (answer, answers) = mpsc::channel(limits::UI_QUEUE);
        tokio::spawn(pass_on(client, asked, answer));
        Self { requests, answers }
    }

    /// Sends a request; returns what happened if it cannot be sent.
    pub fn send(&self, tag: Tag, request: Request) -> Option<Msg> {
        match self.requests.try_send((tag, request)) {
            Ok(()) => None,
            Err(mpsc::error::TrySendError::Full(_)) => {
                let message = "the node is busy: try again in a moment".to_owned();
                Some(Msg::Answer(
                    tag,
                    Err(Failure {
                        code: FailureCode::Refused,
                        message,
                    }),
                ))
            }
            Err(mpsc::error::TrySendError::Closed(_)) => {
                Some(Msg::Gone("the connection is closed".into()))
            }
        }
    }

    /// Waits for the next answer. Loses nothing when dropped before it is ready.
    pub async fn next(&mut self) -> Msg {
        match self.answers.recv().await {
            Some(msg) => msg,
            None => std::future::pending().await, // Gone was told
        }
    }

    /// An answer that is here already.
    pub fn ready(&mut self) -> Option<Msg> {
        self.answers.try_recv().ok()
    }
}

async fn pass_on(
    client: Client,
    mut asked: mpsc::Receiver<(Tag, Request)>,
    answer: mpsc::Sender<Msg>,
) {
    let mut tasks = JoinSet::new();
    loop {
        let next = tokio::select! {
            next = asked.recv() => next,
            Some(_) = tasks.join_next(), if !tasks.is_empty() => continue,
        };
        let Some((tag, request)) = next else { return };
        if tag == Tag::Watch {
            tasks.spawn(watch(client.clone(), request, answer.clone()));
            continue;
        }
        match client.begin(request).await {
            Ok(pending) => {
                let answer = answer.clone();
                tasks.spawn(async move {
                    let msg = told(tag, pending.answer().await);
                    // The loop may have ended meanwhile; then nobody wants it.
                    answer.send(msg).await.ok();
                });
            }
            Err(error) => {
                if answer.send(told(tag, Err(error))).await.is_err() {
                    return;
                }
            }
        }
    }
}

async fn watch(client: Client, request: Request, answer: mpsc::Sender<Msg>) {
    let mut replies = client.stream(request);
    while let Some(reply) = replies.next().await {
        if answer.send(told(Tag::Watch, reply)).await.is_err() {
            return;
        }
    }
}

fn told(tag: Tag, reply: Result<crate::control::Reply, ClientError>) -> Msg {
    match reply {
        Ok(reply) => Msg::Answer(tag, Ok(reply)),
        Err(ClientError::Failure(failure)) => Msg::Answer(tag, Err(failure)),
        Err(ClientError::Gone(why)) => Msg::Gone(why.to_string()),
    }
}
