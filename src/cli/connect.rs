//! From a data directory to a client of the control protocol.
//!
//! First the node that runs on the directory is tried. When none listens there, a node without a network is started in this process,
//! which takes the directory's lock for as long as the command needs it. When the lock is held but nobody listens (a node that starts or
//! stops, or another command), both are tried again for `limits::IN_USE_PATIENCE`.

use std::io;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;

use crate::cli::host::Host;
use crate::cli::outcome::Refusal;
use crate::control::client::{Client, ClientError};
use crate::control::view::Status;
use crate::control::{Reply, Request};
use crate::limits;
use crate::node::home::lock::Lock;
use crate::node::home::{Error, Home};

/// What a command needs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Need {
    /// The store is enough.
    Any,
    /// A running node; this command.
    Running(&'static str),
}

/// A connection to a node, running or in this process.
#[derive(Debug)]
pub(super) struct Session {
    client: Client,
    offline: Option<Host>,
}

impl Session {
    /// Connects to the node on `dir`, or opens the store.
    ///
    /// # Errors
    /// No network there, no running node where one is needed, or the directory stays in use.
    pub(super) async fn open(dir: &Path, need: Need) -> anyhow::Result<Self> {
        let home = Home::open(dir)?;
        let offline = match reach(&home, need).await? {
            Reached::Node(client) => {
                return Ok(Self {
                    client,
                    offline: None,
                });
            }
            Reached::Lock(lock) => Host::offline(&home, lock).await?,
        };
        Ok(Self {
            client: offline.client(),
            offline: Some(offline),
        })
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Returns whether the node is one without a network, in this process.
    pub(super) fn is_offline(&self) -> bool {
        self.offline.is_some()
    }

    /// Ends the session; the directory is free on return if it was taken for it.
    pub(super) async fn close(self) {
        drop(self.client);
        if let Some(host) = self.offline {
            host.stop().await;
        }
    }
}

/// What there is on a directory.
#[derive(Debug)]
pub(super) enum Reached {
    /// A running node.
    Node(Client),
    /// None, and nobody else works there: the directory's lock.
    Lock(Lock),
}

/// Connects to the node on the directory, or takes the lock; a node that starts or stops is waited for.
///
/// # Errors
/// No running node where one is needed, or the directory stays in use.
pub(super) async fn reach(home: &Home, need: Need) -> anyhow::Result<Reached> {
    let until = Instant::now() + limits::IN_USE_PATIENCE;
    loop {
        if let Some(client) = running(home).await? {
            return Ok(Reached::Node(client));
        }
        let in_use = match (home.lock(), need) {
            (Ok(lock), Need::Any) => return Ok(Reached::Lock(lock)),
            (Ok(_), Need::Running(command)) => return Err(needs_node(home, command)),
            (Err(error @ Error::InUse { .. }), _) => error,
            (Err(error), _) => return Err(error.into()),
        };
        if Instant::now() >= until {
            return Err(in_use.into());
        }
        tokio::time::sleep(limits::LOCK_POLL).await;
    }
}

/// The node that runs on the directory; None: nobody listens.
async fn running(home: &Home) -> anyhow::Result<Option<Client>> {
    let socket = home.control_socket()?;
    match Client::connect(&socket).await {
        Ok(client) => Ok(Some(client)),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            Ok(None)
        }
        // Without a node a path that is too long for a socket is no hindrance.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(None),
        Err(error) => {
            Err(error).with_context(|| format!("connecting to the node at {}", socket.display()))
        }
    }
}

/// Waits for a node that runs on `dir`, for ever.
///
/// # Errors
/// No network there, or its socket cannot be used.
pub(super) async fn wait_for_node(dir: &Path) -> anyhow::Result<Client> {
    let home = Home::open(dir)?;
    loop {
        if let Some(client) = running(&home).await? {
            return Ok(client);
        }
        tokio::time::sleep(limits::LOCK_POLL).await;
    }
}

/// Tells what is wrong with the directory before a command waits for anything else.
pub(super) fn check(dir: &Path) -> anyhow::Result<()> {
    Home::open(dir)?;
    Ok(())
}

/// Asks for one answer.
pub(super) async fn ask(dir: &Path, need: Need, request: Request) -> anyhow::Result<Reply> {
    let session = Session::open(dir, need).await?;
    let reply = session.client().ask(request).await;
    session.close().await;
    Ok(reply?)
}

/// Asks for the node's state.
pub(super) async fn status(dir: &Path, need: Need) -> anyhow::Result<Box<Status>> {
    let reply = ask(dir, need, Request::Status {}).await?;
    let Reply::Status(status) = reply else {
        return Err(unexpected(&reply));
    };
    Ok(status)
}

/// Ends the node that runs on `dir`, and waits until the directory is free.
pub(super) async fn stop(dir: &Path) -> anyhow::Result<()> {
    let session = Session::open(dir, Need::Running("stop")).await?;
    match session.client().ask(Request::Stop {}).await {
        // A node that is gone before its answer arrives has stopped too.
        Ok(Reply::Done {}) | Err(ClientError::Gone(_)) => {}
        Ok(other) => return Err(unexpected(&other)),
        Err(error) => return Err(error.into()),
    }
    let home = Home::open(dir)?;
    while is_locked(&home)? {
        tokio::time::sleep(limits::LOCK_POLL).await;
    }
    Ok(())
}

/// Takes the lock for a moment to see whether it is free; a node that starts just then waits that moment.
fn is_locked(home: &Home) -> anyhow::Result<bool> {
    match home.lock() {
        Ok(lock) => {
            drop(lock);
            Ok(false)
        }
        Err(Error::InUse { .. }) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

fn needs_node(home: &Home, command: &str) -> anyhow::Error {
    Refusal::failed(format!(
        "{command} needs a running node, and none runs on {}",
        home.path().display()
    ))
    .advise("start one with `fedag run`, or `fedag` for the screen")
    .into()
}

/// The node's answer does not fit the question.
pub(super) fn unexpected(reply: &Reply) -> anyhow::Error {
    let kind = match reply {
        Reply::Status(_) => "a status",
        Reply::Added(_) => "added events",
        Reply::Events(_) => "events",
        Reply::Event(_) => "an event",
        Reply::Ticket { .. } => "a ticket",
        Reply::Window(_) => "rows",
        Reply::Found(_) => "what a search found",
        Reply::Progress { .. } => "progress",
        Reply::Waiting { .. } => "that it waits",
        Reply::Verified(_) => "a report",
        Reply::Done {} => "done",
    };
    anyhow::anyhow!(
        "the node answered something else: {kind}; is it of another version of fedag than this program?"
    )
}
