//! The only place where commands start a node in this process.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::Context;

use crate::control::client::Client;
use crate::limits;
use crate::node::home::lock::Lock;
use crate::node::home::{Error, Home};
use crate::node::{self, Mode, Node, Options, Stopped};

/// A node in this process.
#[derive(Debug)]
pub(super) struct Host {
    node: Node,
}

impl Host {
    /// Starts one without a network: nobody else sees it. The lock is given back when it stops.
    pub(super) async fn offline(home: &Home, lock: Lock) -> anyhow::Result<Self> {
        Self::begin(home, lock, Mode::Offline).await
    }

    /// Starts one with a network and a control socket, as soon as the directory is free, within `limits::IN_USE_PATIENCE`.
    pub(super) async fn start(
        home: &Home,
        listen: Option<SocketAddr>,
        addresses: Vec<SocketAddr>,
    ) -> anyhow::Result<Self> {
        let lock = patient_lock(home).await?;
        Self::begin(home, lock, Mode::Online { listen, addresses }).await
    }

    /// As [`Host::start`], as the config says, with the lock that the caller took.
    pub(super) async fn online(home: &Home, lock: Lock) -> anyhow::Result<Self> {
        let mode = Mode::Online {
            listen: None,
            addresses: Vec::new(),
        };
        Self::begin(home, lock, mode).await
    }

    async fn begin(home: &Home, lock: Lock, mode: Mode) -> anyhow::Result<Self> {
        let node = node::start_locked(home, lock, Options { mode })
            .await
            .context("starting the node")?;
        Ok(Self { node })
    }

    /// A control client of it, over a pipe in memory.
    pub(super) fn client(&self) -> Client {
        Client::new(self.node.pipe())
    }

    /// Waits until it wants to end: asked by `fedag stop`, or since it cannot go on, which is an error.
    pub(super) async fn ended(&self) -> anyhow::Result<()> {
        match self.node.stopped().await {
            Stopped::Asked => Ok(()),
            Stopped::Failed { why } => Err(anyhow::anyhow!("the node cannot go on: {why}")),
        }
    }

    /// Ends it; what was acknowledged is durable, and the directory is free on return.
    pub(super) async fn stop(self) {
        self.node.stop().await;
    }
}

/// Takes the lock as soon as it is free: a command that works on the store keeps it only for a moment.
async fn patient_lock(home: &Home) -> Result<Lock, Error> {
    let until = Instant::now() + limits::IN_USE_PATIENCE;
    loop {
        match home.lock() {
            Err(Error::InUse { .. }) if Instant::now() < until => {
                tokio::time::sleep(limits::LOCK_POLL).await;
            }
            result => return result,
        }
    }
}
