//! `fedag status` and `fedag peers`: what the node knows of itself and of others.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use clap::Args;
use unicode_width::UnicodeWidthStr;

use crate::cli::Timeout;
use crate::cli::clean;
use crate::cli::connect::{self, Need, Session};
use crate::cli::duration;
use crate::cli::outcome::{Outcome, Refusal, within};
use crate::cli::print::{self, Out};
use crate::control::view::{MachinePhase, PeerState, PeerStatus, Status as View};
use crate::control::{Reply, Request};

/// `fedag status`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Without a running node it shows what the store holds. --wait needs a running node, with --timeout also one that is started
meanwhile, and answers 0 once this machine holds the same set as every connected peer; it says nothing about machines that are
not connected.

Examples:
  fedag status
  fedag status --json | jq -r .digest
  fedag status --wait --timeout 30              in step with every connected peer, one or more
  fedag status --wait --peers 2 --timeout 30    two or more")]
pub(super) struct Status {
    /// One JSON object.
    #[arg(long)]
    json: bool,
    /// Wait until in step with every connected peer, then print; exit code 3 if not in time.
    #[arg(long)]
    wait: bool,
    /// With --wait: at least so many peers [default: 1].
    #[arg(long, value_name = "N", requires = "wait")]
    peers: Option<u64>,
    #[command(flatten)]
    timeout: Timeout,
}

impl Status {
    pub(super) async fn run(self, dir: &Path) -> anyhow::Result<Outcome> {
        if self.wait {
            return self.wait(dir).await;
        }
        let status = within(
            self.timeout.timeout,
            "no answer",
            connect::status(dir, Need::Any),
        )
        .await?;
        print_status(&status, self.json)?;
        Ok(Outcome::Done)
    }

    async fn wait(&self, dir: &Path) -> anyhow::Result<Outcome> {
        let peers = self.peers.unwrap_or(1);
        let mut last = None;
        let reached = within(
            self.timeout.timeout,
            "not in step",
            until_in_step(dir, peers, self.timeout.timeout, &mut last),
        )
        .await;
        if let Some(status) = &last {
            print_status(status, self.json)?;
        }
        match (reached, last) {
            (Ok(()), _) => Ok(Outcome::Done),
            (Err(error), Some(status)) => {
                Err(error.context(format!("{}, {peers} or more wanted", standing(&status))))
            }
            (Err(error), None) if self.timeout.timeout.is_some() => {
                Err(error.context("no node answered"))
            }
            (Err(error), None) => Err(error),
        }
    }
}

/// Leaves the newest status in `last`, also when the caller stops waiting. With a timeout the node may come within it.
async fn until_in_step(
    dir: &Path,
    peers: u64,
    timeout: Option<Duration>,
    last: &mut Option<Box<View>>,
) -> anyhow::Result<()> {
    let client = if timeout.is_some() {
        connect::wait_for_node(dir).await?
    } else {
        let session = Session::open(dir, Need::Running("status --wait")).await?;
        session.client().clone()
    };
    let mut replies = client.stream(Request::Watch {});
    while let Some(reply) = replies.next().await {
        let reply = reply?;
        let Reply::Status(status) = reply else {
            return Err(connect::unexpected(&reply));
        };
        let reached = is_in_step(&status, peers);
        *last = Some(status);
        if reached {
            return Ok(());
        }
    }
    Err(Refusal::failed("the node ended the watch").into())
}

/// In step with every connected peer, `peers` or more. A machine that still joins or catches up is not.
fn is_in_step(status: &View, peers: u64) -> bool {
    let connected = connected(status);
    let all = status
        .peers
        .iter()
        .filter(|peer| peer.state.is_connected())
        .all(|peer| match peer.state {
            PeerState::InStep => true,
            PeerState::Behind
            | PeerState::Ahead
            | PeerState::Diverged
            | PeerState::Connecting
            | PeerState::Unreachable
            | PeerState::Known => false,
        });
    // Without peers `in_step` is None, which is enough for who asks for none.
    let digests = status.in_step.unwrap_or(connected == 0);
    connected >= peers && all && digests && status.phase != MachinePhase::Joining
}

fn connected(status: &View) -> u64 {
    status
        .peers
        .iter()
        .map(|peer| u64::from(peer.state.is_connected()))
        .sum()
}

/// Where it stands, in a few words.
fn standing(status: &View) -> String {
    if !status.running {
        return "compared with nobody while no node runs; `fedag run` or `fedag` starts one"
            .to_owned();
    }
    let peers = match connected(status) {
        0 => "no peer connected".to_owned(),
        1 => "1 peer connected".to_owned(),
        n => format!("{n} peers connected"),
    };
    format!("{}, {peers}", status.badge().to_string().to_lowercase())
}

fn print_status(status: &View, json: bool) -> anyhow::Result<()> {
    let mut out = Out::new();
    if json {
        out.json(&serde_json::to_string(status)?)?;
    } else {
        for (name, value) in human(status) {
            out.line(format_args!("{name:<9}  {value}"))?;
        }
        for line in table(&status.peers) {
            out.line(format_args!("  {line}"))?;
        }
    }
    out.flush()
}

/// The lines of the summary: what, and its value.
fn human(status: &View) -> Vec<(&'static str, String)> {
    let mut lines = vec![
        (
            "network",
            format!("{} ({})", clean::line(&status.network), status.root),
        ),
        (
            "machine",
            format!(
                "{} ({})",
                clean::line(&status.machine.name),
                status.machine.key
            ),
        ),
        ("node", node(status)),
        ("events", status.events.to_string()),
        ("leaves", leaves(status)),
        ("height", status.height.to_string()),
        ("digest", status.digest.clone()),
        (
            "members",
            format!("{}, {} heard", status.members, status.heard),
        ),
        ("state", standing(status)),
    ];
    match status.phase {
        MachinePhase::Joining => lines.push((
            "phase",
            "joining: its own admission has not arrived yet".to_owned(),
        )),
        MachinePhase::CatchingUp => {
            let progress = status
                .progress
                .map_or(String::new(), |p| format!(": {} of {}", p.held, p.of));
            lines.push(("phase", format!("catching up{progress}")));
        }
        MachinePhase::Live => {}
    }
    if status.pending > 0 {
        lines.push((
            "pending",
            format!("{} events wait for others", status.pending),
        ));
    }
    if let Some(seconds) = status.cut_off_s {
        lines.push(("cut off", format!("for {}", duration::show(seconds))));
    }
    if status.twins {
        lines.push(("TWINS", "two different events have the same uuid: machines may differ for ever, see docs/trade-offs.md".to_owned()));
    }
    lines.push(("store", format!("{} bytes", status.store.bytes)));
    if status.store.damaged > 0 {
        let damaged = format!(
            "{} events on disk, asked for again of every peer; see docs/trade-offs.md",
            status.store.damaged
        );
        lines.push(("DAMAGED", damaged));
    }
    if status.store.lost > 0 {
        let lost = format!(
            "{} events that were acknowledged are gone from this disk; see docs/trade-offs.md",
            status.store.lost
        );
        lines.push(("LOST", lost));
    }
    for (name, count) in &status.faults {
        lines.push(("fault", format!("{} ×{count}", clean::line(name))));
    }
    lines
}

fn node(status: &View) -> String {
    if !status.running {
        return "not running".to_owned();
    }
    let addresses: Vec<_> = status.listening.iter().map(ToString::to_string).collect();
    format!("running, listens on udp {}", addresses.join(", "))
}

fn leaves(status: &View) -> String {
    let shown = 3;
    let mut text = format!(
        "{}: {}",
        status.leaves_total,
        status
            .leaves
            .iter()
            .take(shown)
            .cloned()
            .collect::<Vec<_>>()
            .join(" ")
    );
    if status.leaves_total > shown as u64 {
        text.push_str(" …");
    }
    text
}

/// Machines that are known, but not peers, with a line of their own; more are counted.
const KNOWN_ROWS_MAX: usize = 8;

/// `fedag peers`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
in step: it holds what this machine holds; behind: it lacks events of ours; ahead: we lack events of its; diverged: both, or
not known yet; unreachable: the last dial failed; known: it is not dialled, since there are peers enough. \"we lack\" counts the
events that it holds and we do not (missing_here in JSON), \"it lacks\" those that we hold and it does not (missing_there).

Examples:
  fedag peers
  fedag peers --json | jq -r 'select(.state == \"unreachable\") | .name'")]
pub(super) struct Peers {
    /// One JSON object a line, as in `status --json`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    timeout: Timeout,
}

impl Peers {
    pub(super) async fn run(self, dir: &Path) -> anyhow::Result<Outcome> {
        let status = within(
            self.timeout.timeout,
            "no answer",
            connect::status(dir, Need::Running("peers")),
        )
        .await?;
        let mut out = Out::new();
        if self.json {
            for peer in &status.peers {
                out.json(&serde_json::to_string(peer)?)?;
            }
        } else {
            for line in table(&status.peers) {
                out.line(line)?;
            }
            if status.peers.is_empty() {
                print::hint("no peers yet: `fedag invite` prints a ticket for another machine");
            }
        }
        out.flush()?;
        Ok(Outcome::Done)
    }
}

/// The peers in columns, with a heading, and those last that are only known; no lines without peers.
fn table(peers: &[PeerStatus]) -> Vec<String> {
    if peers.is_empty() {
        return Vec::new();
    }
    let number =
        |value: Option<u64>| value.map_or_else(|| "?".to_owned(), |value| value.to_string());
    let mut rows =
        vec![["peer", "state", "address", "rtt", "we lack", "it lacks", ""].map(str::to_owned)];
    let is_known = |peer: &&PeerStatus| peer.state == PeerState::Known;
    let (known, sought): (Vec<_>, Vec<_>) = peers.iter().partition(is_known);
    let shown = if known.len() > KNOWN_ROWS_MAX {
        &[][..]
    } else {
        &known
    };
    for peer in sought.iter().chain(shown) {
        let name = peer.name.as_deref().map_or_else(
            || peer.key.chars().take(8).collect(),
            |name| clean::line(name).into_owned(),
        );
        let address = peer
            .address
            .map_or_else(|| "-".to_owned(), |address| address.to_string());
        let rtt = peer
            .rtt_ms
            .map_or_else(|| "-".to_owned(), |rtt| format!("{rtt:.1} ms"));
        let why = why(peer);
        rows.push([
            name,
            state(peer.state).to_owned(),
            address,
            rtt,
            number(peer.missing_here),
            number(peer.missing_there),
            why,
        ]);
    }
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].width())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    let line = |row: &[String; 7]| {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let fill = width - cell.width() + 2;
            write!(line, "{cell}{:fill$}", "").expect("a String takes everything");
        }
        line.trim_end().to_owned()
    };
    let mut lines: Vec<String> = rows.iter().map(line).collect();
    if shown.len() < known.len() {
        lines.push(format!(
            "{} more machines are known and not dialled, since there are peers enough; `fedag peers --json` has them",
            known.len()
        ));
    }
    lines
}

fn state(state: PeerState) -> &'static str {
    match state {
        PeerState::InStep => "in step",
        PeerState::Behind => "behind",
        PeerState::Ahead => "ahead",
        PeerState::Diverged => "diverged",
        PeerState::Connecting => "connecting",
        PeerState::Unreachable => "unreachable",
        PeerState::Known => "known",
    }
}

/// Why there is no connection, and when the next dial is.
fn why(peer: &PeerStatus) -> String {
    let why = peer.why.as_deref().map(clean::line).unwrap_or_default();
    match peer.redial_s {
        Some(seconds) if why.is_empty() => format!("again in {}", duration::show(seconds)),
        Some(seconds) => format!("{why}; again in {}", duration::show(seconds)),
        None => why.into_owned(),
    }
}

#[cfg(test)]
mod tests;
