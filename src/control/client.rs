//! The client side of the control protocol.
//!
//! Between a command or the terminal UI and the node: turns requests into lines, and lines into answers. One task writes,
//! one reads; any number of requests are under way at a time, told apart by their ids.
//!
//! Invariants:
//! - requests are written in the order in which they were begun;
//! - a request is known to the reading task before its line is written, so no answer finds nobody;
//! - all channels are bounded: a full request queue makes the asker wait, and a stream that is not read makes the reading
//!   task wait, and with it every other answer on this connection. So a caller that may stop reading a stream for long takes a
//!   connection of its own for it;
//! - when the connection is gone, every open request and every later one is told so, with the cause.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::{mpsc, oneshot};

use crate::control::{Failure, FailureCode, Reply, ReplyLine, Request, RequestLine};
use crate::limits;

/// Bytes read from the connection at a time.
const READ_BYTES: usize = 64 << 10;

/// A connection to a node. Clones share it; it ends when the last clone, [`Pending`] and [`Replies`] is dropped.
#[derive(Clone, Debug)]
pub struct Client {
    commands: mpsc::Sender<Command>,
    next_id: Arc<AtomicU64>,
    cause: Cause,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The node says why not. Whether something was changed is said by the code: nothing by `Refused`.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// The connection is gone; whether the request was done is not known.
    #[error("the connection to the node is gone")]
    Gone(#[source] io::Error),
}

/// A request that is on its way; see [`Client::begin`].
#[derive(Debug)]
pub struct Pending {
    answer: oneshot::Receiver<Result<Reply, Failure>>,
    client: Client,
}

/// The answers to one request, as they come; see [`Client::stream`].
#[derive(Debug)]
pub struct Replies {
    unsent: Option<Result<Command, Failure>>,
    answers: mpsc::Receiver<Result<Reply, Failure>>,
    ended: bool,
    client: Client,
}

impl Client {
    /// Speaks the control protocol over `pipe`. Must be called in a tokio runtime; starts two tasks there.
    pub fn new<P>(pipe: P) -> Self
    where
        P: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (reader, writer) = tokio::io::split(pipe);
        let (commands, queue) = mpsc::channel(limits::CONTROL_REQUESTS_MAX);
        let (open, opened) = mpsc::channel(limits::CONTROL_REQUESTS_MAX);
        let cause = Cause::default();
        tokio::spawn(write(writer, queue, open, cause.clone()));
        tokio::spawn(read(reader, opened, cause.clone()));
        Self {
            commands,
            next_id: Arc::new(AtomicU64::new(1)),
            cause,
        }
    }

    /// Connects to the socket at `path`.
    ///
    /// # Errors
    /// As told by the system: `NotFound` and `ConnectionRefused` mean that no node listens there.
    pub async fn connect(path: &Path) -> io::Result<Self> {
        Ok(Self::new(tokio::net::UnixStream::connect(path).await?))
    }

    /// Asks and waits for the one answer.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn ask(&self, request: Request) -> Result<Reply, ClientError> {
        self.begin(request).await?.answer().await
    }

    /// Queues a request, after those begun before, without waiting for its answer. Waits while the queue is full.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn begin(&self, request: Request) -> Result<Pending, ClientError> {
        let (asker, answer) = oneshot::channel();
        let command = self.command(request, Asker::One(asker))?;
        if self.commands.send(command).await.is_err() {
            return Err(self.cause.gone());
        }
        Ok(Pending {
            answer,
            client: self.clone(),
        })
    }

    /// Asks a question with many answers (`log`, `watch`, `verify`). The request is sent with the first `next`.
    ///
    /// When the answers are not taken, the reading task waits, and so does every other answer of this connection. After
    /// the stream is dropped, further answers are dropped too; the node stops only when the connection ends.
    pub fn stream(&self, request: Request) -> Replies {
        let (asker, answers) = mpsc::channel(limits::CLIENT_REPLIES);
        let unsent = Some(self.command(request, Asker::Many(asker)));
        Replies {
            unsent,
            answers,
            ended: false,
            client: self.clone(),
        }
    }

    fn command(&self, request: Request, asker: Asker) -> Result<Command, Failure> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let mut line = serde_json::to_vec(&RequestLine { id, request })
            .map_err(|error| bad_request(&error.to_string()))?;
        if line.len() >= limits::CONTROL_LINE_BYTES {
            return Err(bad_request(
                "it is longer than a line of the control protocol may be",
            ));
        }
        // Events are passed on as they were written, and JSON may have line ends between its parts, never in them.
        for byte in &mut line {
            if *byte == b'\n' {
                *byte = b' ';
            }
        }
        line.push(b'\n');
        Ok(Command { id, line, asker })
    }
}

fn bad_request(why: &str) -> Failure {
    Failure {
        code: FailureCode::BadRequest,
        message: format!("this request cannot be sent: {why}"),
    }
}

impl Pending {
    /// Waits for the answer.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn answer(self) -> Result<Reply, ClientError> {
        match self.answer.await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(self.client.cause.gone()),
        }
    }
}

impl Replies {
    /// Waits for the next answer. None after the last one: `Done`, `Verified` or an error. Nothing is lost when the
    /// future is dropped before it is ready.
    pub async fn next(&mut self) -> Option<Result<Reply, ClientError>> {
        if self.ended {
            return None;
        }
        let answer = match self.begun().await {
            Ok(()) => match self.answers.recv().await {
                Some(answer) => answer.map_err(ClientError::from),
                None => Err(self.client.cause.gone()),
            },
            Err(error) => Err(error),
        };
        self.ended = answer.as_ref().map_or(true, is_last);
        Some(answer)
    }

    /// Sends the request, if that was not done yet.
    async fn begun(&mut self) -> Result<(), ClientError> {
        if self.unsent.is_none() {
            return Ok(());
        }
        let permit = self
            .client
            .commands
            .reserve()
            .await
            .map_err(|_| self.client.cause.gone())?;
        if let Some(command) = self.unsent.take() {
            permit.send(command?);
        }
        Ok(())
    }
}

/// Returns whether nothing follows `reply` in a stream.
fn is_last(reply: &Reply) -> bool {
    match reply {
        Reply::Done {} | Reply::Verified(_) => true,
        Reply::Status(_)
        | Reply::Added(_)
        | Reply::Events(_)
        | Reply::Event(_)
        | Reply::Ticket { .. }
        | Reply::Window(_)
        | Reply::Found(_)
        | Reply::Waiting { .. }
        | Reply::Progress { .. } => false,
    }
}

/// A line to be written, and who waits for the answers.
#[derive(Debug)]
struct Command {
    id: u64,
    line: Vec<u8>,
    asker: Asker,
}

#[derive(Debug)]
enum Asker {
    One(oneshot::Sender<Result<Reply, Failure>>),
    Many(mpsc::Sender<Result<Reply, Failure>>),
}

/// Why the connection ended; the first cause stays.
#[derive(Clone, Debug, Default)]
struct Cause(Arc<OnceLock<(io::ErrorKind, String)>>);

impl Cause {
    fn set(&self, error: &io::Error) {
        self.0.get_or_init(|| (error.kind(), error.to_string()));
    }

    fn gone(&self) -> ClientError {
        ClientError::Gone(match self.0.get() {
            Some((kind, why)) => io::Error::new(*kind, why.clone()),
            None => io::Error::new(io::ErrorKind::NotConnected, "the connection was closed"),
        })
    }
}

async fn write<W>(
    mut writer: W,
    mut queue: mpsc::Receiver<Command>,
    open: mpsc::Sender<(u64, Asker)>,
    cause: Cause,
) where
    W: AsyncWrite + Unpin,
{
    while let Some(Command { id, line, asker }) = queue.recv().await {
        if open.send((id, asker)).await.is_err() {
            break;
        }
        let written = async {
            writer.write_all(&line).await?;
            writer.flush().await
        };
        if let Err(error) = written.await {
            cause.set(&error);
            break;
        }
    }
    // The other side may be gone already, and then there is nobody to tell.
    drop(writer.shutdown().await);
}

/// Reads answers until the connection or all clients are gone; dropping the askers tells those who still wait.
async fn read<R>(reader: R, mut opened: mpsc::Receiver<(u64, Asker)>, cause: Cause)
where
    R: AsyncRead + Unpin,
{
    let mut lines = Lines {
        reader: BufReader::with_capacity(READ_BYTES, reader),
        line: Vec::new(),
    };
    let mut askers = BTreeMap::new();
    loop {
        let line = tokio::select! {
            biased;
            next = opened.recv() => match next {
                Some((id, asker)) => {
                    askers.insert(id, asker);
                    continue;
                }
                None => break,
            },
            line = lines.next() => line,
        };
        let reply = match line.and_then(|line| Ok(serde_json::from_slice::<ReplyLine>(&line)?)) {
            Ok(reply) => reply,
            Err(error) => {
                cause.set(&error);
                break;
            }
        };
        if let (0, Some(failure)) = (reply.id, &reply.error) {
            // It is about the connection: requests count from 1.
            cause.set(&io::Error::other(failure.message.clone()));
            break;
        }
        // Its request was told here before it was written, but perhaps not taken from the channel yet.
        while let Ok((id, asker)) = opened.try_recv() {
            askers.insert(id, asker);
        }
        hand_over(&mut askers, reply).await;
    }
}

/// Gives an answer to who asked; one that nobody waits for any more is dropped.
async fn hand_over(askers: &mut BTreeMap<u64, Asker>, line: ReplyLine) {
    let answer = match (line.reply, line.error) {
        (_, Some(failure)) => Err(failure),
        (Some(reply), None) => Ok(reply),
        (None, None) => Err(Failure {
            code: FailureCode::Failed,
            message: "the node sent an empty answer".to_owned(),
        }),
    };
    match askers.remove(&line.id) {
        None => {}
        // An asker that stopped waiting is not told.
        Some(Asker::One(asker)) => drop(asker.send(answer)),
        Some(Asker::Many(asker)) => {
            let last = answer.as_ref().map_or(true, is_last);
            if asker.send(answer).await.is_ok() && !last {
                askers.insert(line.id, Asker::Many(asker));
            }
        }
    }
}

/// Lines of at most `limits::CONTROL_LINE_BYTES`.
struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Reads a line, without its end. Dropping the future loses nothing.
    async fn next(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let bytes = self.reader.fill_buf().await?;
            if bytes.is_empty() {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the node closed the connection",
                ));
            }
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let taken = end.unwrap_or(bytes.len());
            if self.line.len() + taken > limits::CONTROL_LINE_BYTES {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the node sent a line that is too long",
                ));
            }
            self.line.extend_from_slice(&bytes[..taken]);
            self.reader.consume(taken + usize::from(end.is_some()));
            if end.is_some() {
                return Ok(std::mem::take(&mut self.line));
            }
        }
    }
}

#[cfg(test)]
mod tests;
