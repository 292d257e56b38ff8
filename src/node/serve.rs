//! Serves the control protocol: over the socket in the data directory, and over pipes in memory.
//!
//! Each client has a task that reads lines, one that writes replies, one that adds events in order, and one for each other
//! request. Bounds: `limits::CONTROL_CLIENTS_MAX` clients of the socket; `CONTROL_REQUESTS_MAX` requests of one client in work, at
//! which its lines are not read; `CONTROL_REPLIES_MAX` lines to be written, at which its requests wait. A client that does not
//! read holds up nobody but itself.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, split};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tracing::{debug, warn};

use crate::control::{Failure, Reply, ReplyLine, Request, RequestLine};
use crate::limits::{
    CONTROL_CLIENTS_MAX, CONTROL_LINE_BYTES, CONTROL_REPLIES_MAX, CONTROL_REQUESTS_MAX,
};
use crate::node::add::{self, AddJob};
use crate::node::ask::{Desk, Run};
use crate::node::control;
use crate::node::failure::{bad_request, failed_because, stopping};
use crate::node::lines::{Line, next_line};

/// Where the answers to one request go.
#[derive(Clone, Debug)]
pub(crate) struct Replies {
    id: u64,
    lines: mpsc::Sender<Vec<u8>>,
}

/// The client is gone; nobody wants to know more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gone;

impl Replies {
    /// Sends one reply; waits while the client does not read.
    pub(crate) async fn send(&self, reply: Result<Reply, Failure>) -> Result<(), Gone> {
        let (reply, error) = match reply {
            Ok(reply) => (Some(reply), None),
            Err(failure) => (None, Some(failure)),
        };
        let line = ReplyLine {
            id: self.id,
            reply,
            error,
        };
        let mut bytes = serde_json::to_vec(&line).expect("a reply has only string keys");
        bytes.push(b'\n');
        self.lines.send(bytes).await.map_err(|_| Gone)
    }

    /// Waits until the client is gone.
    pub(crate) async fn gone(&self) {
        self.lines.closed().await;
    }
}

/// Opens the control socket, mode 0600. The caller holds the directory's lock, so a socket that is there is a stale one.
///
/// # Errors
/// As told by the system.
pub(crate) fn listen(path: &Path) -> std::io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(path)?; // The directory's mode is 0700, so nobody gets in before the next line.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Accepts clients until the node ends; each holds `alive` while it is served.
pub(crate) async fn accept(desk: Desk, listener: UnixListener, alive: mpsc::Sender<()>) {
    let clients = Arc::new(Semaphore::new(CONTROL_CLIENTS_MAX));
    let mut run = desk.run.subscribe();
    loop {
        let accepted = tokio::select! {
            biased;
            () = over(&mut run) => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => match Arc::clone(&clients).try_acquire_owned() {
                Ok(permit) => {
                    let (desk, alive) = (desk.clone(), alive.clone());
                    tokio::spawn(async move {
                        serve(desk, stream).await;
                        drop((permit, alive));
                    });
                }
                Err(_) => drop(tokio::spawn(turn_away(stream))),
            },
            Err(error) => {
                warn!(%error, "a client of the control socket could not be accepted");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}

/// Waits until the node ends.
async fn over(run: &mut watch::Receiver<Run>) {
    // An error says the same: nobody is there to end it.
    drop(run.wait_for(|run| *run == Run::Over).await);
}

async fn turn_away(mut stream: UnixStream) {
    let failure = failed_because(format!(
        "{CONTROL_CLIENTS_MAX} clients are connected to this node: close one first"
    ));
    let line = ReplyLine {
        id: 0,
        reply: None,
        error: Some(failure),
    };
    let mut bytes = serde_json::to_vec(&line).expect("a reply has only string keys");
    bytes.push(b'\n');
    let told =
        tokio::time::timeout(std::time::Duration::from_secs(1), stream.write_all(&bytes)).await;
    debug!(?told, "a client was turned away");
}

/// Serves one client until it goes or the node ends.
pub(crate) async fn serve<S>(desk: Desk, stream: S)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (reader, writer) = split(stream);
    let (lines, to_write) = mpsc::channel(CONTROL_REPLIES_MAX);
    let mut run = desk.run.subscribe();
    let mut writing = tokio::spawn(write(writer, to_write));
    let mut client = Client::new(desk, lines);
    let to_its_end = async {
        if let Err(error) = client.read(BufReader::new(reader)).await {
            debug!(%error, "a client is gone");
        }
        client.finish().await;
    };
    tokio::select! {
        biased;
        () = to_its_end => {}
        () = over(&mut run) => client.finish_soon().await,
        _gone = &mut writing => return, // Nobody reads; its requests end with the client.
    }
    drop(client);
    let flushed = tokio::time::timeout(std::time::Duration::from_secs(1), &mut writing).await;
    if flushed.is_err() {
        writing.abort();
    }
}

async fn write<W: AsyncWrite + Unpin>(mut to: W, mut lines: mpsc::Receiver<Vec<u8>>) {
    let mut waiting = Vec::with_capacity(CONTROL_REPLIES_MAX);
    while lines.recv_many(&mut waiting, CONTROL_REPLIES_MAX).await > 0 {
        for line in waiting.drain(..) {
            if to.write_all(&line).await.is_err() {
                return;
            }
        }
        if to.flush().await.is_err() {
            return;
        }
    }
}

/// One client's requests.
#[derive(Debug)]
struct Client {
    desk: Desk,
    lines: mpsc::Sender<Vec<u8>>,
    adds: mpsc::Sender<AddJob>,
    /// Those that end by themselves.
    short: JoinSet<()>,
    /// Those that go on until the client goes or the node ends.
    endless: JoinSet<()>,
    in_work: Arc<Semaphore>,
}

impl Client {
    fn new(desk: Desk, lines: mpsc::Sender<Vec<u8>>) -> Self {
        let (adds, queue) = mpsc::channel(CONTROL_REQUESTS_MAX);
        let mut short = JoinSet::new();
        short.spawn(add::in_order(desk.clone(), queue));
        Self {
            desk,
            lines,
            adds,
            short,
            endless: JoinSet::new(),
            in_work: Arc::new(Semaphore::new(CONTROL_REQUESTS_MAX)),
        }
    }

    /// Reads requests until the client ends its side.
    async fn read<R>(&mut self, mut reader: BufReader<R>) -> std::io::Result<()>
    where
        R: AsyncRead + Unpin,
    {
        let mut line = Vec::new();
        loop {
            let permit = Arc::clone(&self.in_work)
                .acquire_owned()
                .await
                .expect("the semaphore is never closed");
            let read = next_line(&mut reader, &mut line, CONTROL_LINE_BYTES).await?;
            let parsed = match read {
                Line::End => return Ok(()),
                Line::TooLong => Err(bad_request(format!(
                    "a line has at most {CONTROL_LINE_BYTES} bytes"
                ))),
                Line::Whole if line.iter().all(u8::is_ascii_whitespace) => continue,
                Line::Whole => serde_json::from_slice::<RequestLine>(&line)
                    .map_err(|error| bad_request(format!("no request: {error}"))),
            };
            match parsed {
                Ok(RequestLine { id, request }) => self.begin(id, request, permit).await,
                Err(failure) => {
                    let replies = Replies {
                        id: id_of(&line, read == Line::Whole),
                        lines: self.lines.clone(),
                    };
                    if replies.send(Err(failure)).await.is_err() {
                        return Ok(());
                    }
                }
            }
            if line.capacity() > 1 << 20 {
                line = Vec::new();
            }
            while self.short.try_join_next().is_some() {}
            while self.endless.try_join_next().is_some() {}
        }
    }

    async fn begin(&mut self, id: u64, request: Request, permit: OwnedSemaphorePermit) {
        let replies = Replies {
            id,
            lines: self.lines.clone(),
        };
        let is_endless = match &request {
            Request::Watch {} => true,
            Request::Log(log) => log.follow,
            Request::Add { .. }
            | Request::Status {}
            | Request::Show { .. }
            | Request::Leaves {}
            | Request::Events { .. }
            | Request::Invite { .. }
            | Request::Connect { .. }
            | Request::Window(_)
            | Request::Search(_)
            | Request::Verify {}
            | Request::Stop {} => false,
        };
        if let Request::Add { events } = request {
            let job = AddJob {
                events,
                replies,
                permit,
            };
            if self.adds.send(job).await.is_err() {
                debug!("the task that adds events is gone");
            }
            return;
        }
        let desk = self.desk.clone();
        let mut run = desk.run.subscribe();
        let work = async move {
            let answered = tokio::select! {
                biased;
                answered = control::handle(&desk, request, &replies) => answered,
                () = over(&mut run), if is_endless => replies.send(Err(stopping())).await,
            };
            if answered.is_err() {
                debug!(id, "a client did not wait for its answer");
            }
            drop(permit);
        };
        if is_endless {
            self.endless.spawn(work)
        } else {
            self.short.spawn(work)
        };
    }

    /// The client asks for nothing more: what it asked for is answered, what has no end is ended.
    async fn finish(&mut self) {
        self.endless.shutdown().await;
        self.adds = mpsc::channel(1).0; // Ends the task that adds.
        while self.short.join_next().await.is_some() {}
    }

    /// The node ends: who asked for what has no end is told so, and the rest is answered, all within a second.
    async fn finish_soon(&mut self) {
        let finished = async {
            while self.endless.join_next().await.is_some() {}
            self.finish().await;
        };
        if tokio::time::timeout(std::time::Duration::from_secs(1), finished)
            .await
            .is_err()
        {
            self.endless.shutdown().await;
            self.short.shutdown().await;
        }
    }
}

/// The number of a line that is no request, if it has one; 0 else.
fn id_of(line: &[u8], is_whole: bool) -> u64 {
    #[derive(serde::Deserialize)]
    struct Id {
        id: u64,
    }
    if is_whole {
        serde_json::from_slice::<Id>(line).map_or(0, |line| line.id)
    } else {
        0
    }
}
