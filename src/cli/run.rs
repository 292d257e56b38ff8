//! `fedag run`: the node without a screen.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;
use clap::{Args, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::cli::host::Host;
use crate::cli::outcome::Outcome;
use crate::node::home::Home;

/// `fedag run`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Runs until SIGTERM, SIGINT or `fedag stop`, and logs to standard error; RUST_LOG=fedag=debug tells more. Other commands on the
same data directory talk to it.

Examples:
  fedag run
  fedag run --listen 0.0.0.0:41641 --address 203.0.113.5:41641
  fedag --data /srv/fedag run --log-format json 2>> fedag.log")]
pub(super) struct Run {
    /// Where to listen, this time [default: as in config.toml].
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// An address where others reach this machine, as behind a forwarded port; goes into tickets. May be repeated.
    #[arg(long = "address", value_name = "ADDR")]
    addresses: Vec<SocketAddr>,
    /// How log lines are written.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Run {
    pub(super) async fn run(self, dir: &Path) -> anyhow::Result<Outcome> {
        log_to_stderr(self.log_format);
        let home = Home::open(dir)?;
        let mut stops = Stops::new()?;
        let host = tokio::select! {
            host = Host::start(&home, self.listen, self.addresses) => host?,
            signal = stops.next() => {
                tracing::info!(signal, "stopped before it was started");
                return Ok(Outcome::Done);
            }
        };
        let ended = tokio::select! {
            ended = host.ended() => ended,
            signal = stops.next() => {
                tracing::info!(signal, "stopping");
                Ok(())
            }
        };
        host.stop().await;
        ended?;
        Ok(Outcome::Done)
    }
}

/// The signals that end a node in good order.
pub(super) struct Stops {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Stops {
    pub(super) fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("listening for signals");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Waits for one, and says which.
    pub(super) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// What is logged unless `RUST_LOG` says otherwise.
pub(super) fn filter() -> EnvFilter {
    EnvFilter::builder()
        .with_default_directive(tracing::Level::INFO.into())
        .from_env_lossy()
}

fn log_to_stderr(format: LogFormat) {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter())
        .with_writer(std::io::stderr)
        .with_target(false);
    match format {
        LogFormat::Text => builder
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .init(),
        LogFormat::Json => builder.json().init(),
    }
}
