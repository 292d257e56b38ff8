//! Between the loop and the client of the control protocol: requests with tags out, answers with tags back.
//!
//! Invariants:
//! - requests reach the node in the order in which they were made, so that events are added as they were typed;
//! - the loop never waits here: a full queue is an answer, too;
//! - a node of another process that goes is looked for again, for ever, at growing distances up to `limits::REATTACH_MAX`;
//! - after `Msg::Gone` no answer of that connection follows, and no request made before it reaches the next one: what
//!   became of an event is known or asked of the user, and no event is added twice;
//! - when the loop is gone, so are the tasks.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::control::client::{Client, ClientError};
use crate::control::{Failure, FailureCode, Request};
use crate::limits;
use crate::tui::message::{Msg, Tag};

/// Says where the socket of the node's directory is.
pub type Find = Box<dyn Fn() -> io::Result<PathBuf> + Send + Sync>;

/// The node that is shown.
pub struct Node {
    client: Client,
    find: Option<Find>,
}

impl Node {
    /// A node of another process, with a connection to it; it lives on without the UI, and may come back when it went.
    pub fn attached(client: Client, find: Find) -> Self {
        Self {
            client,
            find: Some(find),
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("client", &self.client)
            .field("is_attached", &self.find.is_some())
            .finish()
    }
}

impl From<Client> for Node {
    /// A node that, once gone, is gone for good: that of this process.
    fn from(client: Client) -> Self {
        Self { client, find: None }
    }
}

/// The loop's end.
#[derive(Debug)]
pub struct Link {
    requests: mpsc::Sender<(u64, Tag, Request)>,
    answers: mpsc::Receiver<Msg>,
    /// Connections that the loop heard of after the first.
    connection: u64,
    is_gone: bool,
}

impl Link {
    /// Starts the tasks. Must be called in a tokio runtime.
    pub fn new(node: Node) -> Self {
        let (requests, asked) = mpsc::channel(limits::UI_QUEUE);
        let (answer, answers) = mpsc::channel(limits::UI_QUEUE);
        tokio::spawn(pass_on(node, asked, answer));
        Self {
            requests,
            answers,
            connection: 0,
            is_gone: false,
        }
    }

    /// Sends a request; returns what happened if it cannot be sent.
    pub fn send(&self, tag: Tag, request: Request) -> Option<Msg> {
        let sent = if self.is_gone {
            Err("the node is gone")
        } else {
            let sent = self.requests.try_send((self.connection, tag, request));
            sent.map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => "the node is busy: try again in a moment",
                mpsc::error::TrySendError::Closed(_) => "the node is gone",
            })
        };
        let failure = |message: &str| Failure {
            code: FailureCode::Refused,
            message: message.to_owned(),
        };
        sent.err()
            .map(|message| Msg::Answer(tag, Err(failure(message))))
    }

    /// Waits for the next answer. Loses nothing when dropped before it is ready.
    pub async fn next(&mut self) -> Msg {
        match self.answers.recv().await {
            Some(msg) => self.noted(msg),
            None => std::future::pending().await, // Gone was told
        }
    }

    /// An answer that is here already.
    pub fn ready(&mut self) -> Option<Msg> {
        let msg = self.answers.try_recv().ok()?;
        Some(self.noted(msg))
    }

    fn noted(&mut self, msg: Msg) -> Msg {
        match msg {
            Msg::Gone { .. } => self.is_gone = true,
            Msg::Back => {
                self.is_gone = false;
                self.connection += 1;
            }
            Msg::Key(_)
            | Msg::Mouse(_)
            | Msg::Paste(_)
            | Msg::Edited(_)
            | Msg::Failed(_)
            | Msg::Resize(..)
            | Msg::Answer(..)
            | Msg::Tick => {}
        }
        msg
    }
}

/// Serves one connection after the other, until the loop or the node is gone for good.
async fn pass_on(
    node: Node,
    mut asked: mpsc::Receiver<(u64, Tag, Request)>,
    answer: mpsc::Sender<Msg>,
) {
    let Node { mut client, find } = node;
    let mut connection = 0;
    loop {
        let Some(why) = serve(client, connection, &mut asked, &answer).await else {
            return;
        };
        let Some(find) = &find else {
            let again = None;
            answer.send(Msg::Gone { why, again }).await.ok(); // The loop may have ended meanwhile.
            return;
        };
        match look_for(find, why, &answer).await {
            Some(found) => client = found,
            None => return,
        }
        connection += 1;
        if answer.send(Msg::Back).await.is_err() {
            return;
        }
    }
}

/// Serves a connection until it is gone; returns why it is. None: the loop is gone.
async fn serve(
    client: Client,
    connection: u64,
    asked: &mut mpsc::Receiver<(u64, Tag, Request)>,
    answer: &mpsc::Sender<Msg>,
) -> Option<String> {
    let mut tasks: JoinSet<Option<String>> = JoinSet::new();
    let why = loop {
        let (made_for, tag, request) = tokio::select! {
            biased;
            Some(ended) = tasks.join_next(), if !tasks.is_empty() => match ended {
                Ok(Some(why)) => break why,
                Ok(None) | Err(_) => continue,
            },
            next = asked.recv() => next?,
        };
        if made_for != connection {
            continue; // Its asker was told that the node is gone.
        }
        if tag == Tag::Watch {
            tasks.spawn(watch(client.clone(), request, answer.clone()));
            continue;
        }
        match client.begin(request).await {
            Ok(pending) => {
                let answer = answer.clone();
                tasks.spawn(async move { pass_back(tag, pending.answer().await, &answer).await });
            }
            Err(error) => {
                if let Some(why) = pass_back(tag, Err(error), answer).await {
                    break why;
                }
            }
        }
    };
    drop(client);
    // What was answered before the end is still told.
    let rest = async { while tasks.join_next().await.is_some() {} };
    timeout(limits::REATTACH_ANSWER, rest).await.ok();
    tasks.shutdown().await;
    Some(why)
}

/// Tells the loop an answer; returns why the connection is gone, if that is the answer.
async fn pass_back(
    tag: Tag,
    reply: Result<crate::control::Reply, ClientError>,
    answer: &mpsc::Sender<Msg>,
) -> Option<String> {
    let reply = match reply {
        Ok(reply) => Ok(reply),
        Err(ClientError::Failure(failure)) => Err(failure),
        Err(ClientError::Gone(why)) => return Some(why.to_string()),
    };
    // The loop may have ended meanwhile; then nobody wants it.
    answer.send(Msg::Answer(tag, reply)).await.ok();
    None
}

/// Tells the loop of the node's state until the connection is gone; returns why it is.
async fn watch(client: Client, request: Request, answer: mpsc::Sender<Msg>) -> Option<String> {
    let mut replies = client.stream(request);
    loop {
        match replies.next().await {
            // A node that tells no more is stopping.
            Some(Err(ClientError::Failure(failure))) => return Some(failure.message),
            Some(reply) => match pass_back(Tag::Watch, reply, &answer).await {
                Some(why) => return Some(why),
                None if answer.is_closed() => return None,
                None => {}
            },
            None => return Some("the node ended the watch".to_owned()),
        }
    }
}

/// Looks for the node until it answers, and tells the loop of each attempt. None: the loop is gone.
async fn look_for(find: &Find, mut why: String, answer: &mpsc::Sender<Msg>) -> Option<Client> {
    let mut wait = limits::REATTACH_MIN;
    loop {
        let gone = Msg::Gone {
            why: why.clone(),
            again: Some(wait),
        };
        answer.send(gone).await.ok()?;
        tokio::select! {
            () = answer.closed() => return None,
            () = sleep(wait) => {}
        }
        match attach(find).await {
            Ok(client) => return Some(client),
            Err(Absent::NoNode) => {}
            Err(Absent::NoAnswer(now)) => why = now,
        }
        wait = (wait * 2).min(limits::REATTACH_MAX);
    }
}

/// Why there is no connection.
enum Absent {
    /// Nobody listens.
    NoNode,
    /// Somebody may, but there is no answer, and why.
    NoAnswer(String),
}

/// Connects to the node, and sees that it answers.
async fn attach(find: &Find) -> Result<Client, Absent> {
    let failed = |error: io::Error| {
        let none = [io::ErrorKind::NotFound, io::ErrorKind::ConnectionRefused];
        if none.contains(&error.kind()) {
            Absent::NoNode
        } else {
            Absent::NoAnswer(error.to_string())
        }
    };
    let socket = find().map_err(failed)?;
    let asked = async {
        let client = Client::connect(&socket).await.map_err(failed)?;
        match client.ask(Request::Status {}).await {
            Ok(_) => Ok(client),
            Err(ClientError::Failure(failure)) => Err(Absent::NoAnswer(failure.message)),
            Err(ClientError::Gone(why)) => Err(Absent::NoAnswer(why.to_string())),
        }
    };
    match timeout(limits::REATTACH_ANSWER, asked).await {
        Ok(result) => result,
        Err(_) => Err(Absent::NoAnswer(format!(
            "it does not answer within {} s",
            Duration::as_secs(&limits::REATTACH_ANSWER)
        ))),
    }
}
