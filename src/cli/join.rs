//! `fedag join`: into a network, with a ticket.
//!
//! Order: the directory is prepared (key, config), the member is asked, then the credential and the addresses are written, and last
//! the store with R. A crash before that leaves a directory without a network, where the same ticket works again with the same key: a
//! member gives an admitted key its credential again. After it the node goes on by itself with what is missing.

use std::io::{IsTerminal, Read};
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;
use clap::Args;

use crate::cli::connect;
use crate::cli::directory::{self, Wanted};
use crate::cli::host::Host;
use crate::cli::log::time;
use crate::cli::outcome::{Outcome, Refusal, within};
use crate::cli::print;
use crate::cli::progress::Progress;
use crate::cli::{Timeout, clean, duration, screen};
use crate::control::client::Client;
use crate::control::view::{MachinePhase, Status};
use crate::control::{Reply, Request};
use crate::limits;
use crate::net;
use crate::node::home::Home;
use crate::node::home::files::Config;
use crate::store::Store;
use crate::store::disk::DiskStore;
use crate::tui::look::Look;
use crate::wire::ticket::Ticket;

/// `fedag join`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
A member prints the ticket with `fedag invite`. Fetches everything, then shows the screen if standard output is a terminal, else
exits 0; `fedag run` or `fedag` goes on from there. A join that was interrupted is repeated with the same ticket. A directory
with events of another network is refused, one that holds only an own root is set aside.

Examples:
  fedag join fedag1…
  fedag join ticket.txt --name bob
  fedag join - --timeout 60 < ticket.txt")]
pub(super) struct Join {
    /// The ticket, a file that holds it, or - for standard input.
    #[arg(value_name = "TICKET|FILE|-")]
    ticket: String,
    /// This machine's name, for people [default: the name of this computer].
    #[arg(long, value_name = "MACHINE", value_parser = directory::parse_name)]
    name: Option<String>,
    /// Where the node will listen [default: any interface, a free UDP port]; kept in config.toml.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    #[command(flatten)]
    timeout: Timeout,
}

impl Join {
    pub(super) async fn run(self, dir: &Path, look: Look) -> anyhow::Result<Outcome> {
        let ticket = read_ticket(&self.ticket)?;
        check_expiry(&ticket, directory::now().ms())?;
        let wanted = Wanted {
            name: self.name,
            listen: self.listen,
        };
        let work = async {
            let home = enter(dir, wanted, &ticket).await?;
            let host = Host::start(&home, None, Vec::new()).await?;
            match catch_up(&host.client()).await {
                Ok(status) => Ok((home, host, status)),
                Err(error) => {
                    host.stop().await;
                    Err(error)
                }
            }
        };
        let (home, host, status) =
            within(self.timeout.timeout, "not joined and caught up", work).await?;
        print::tell(format_args!(
            "joined the network {}: {} events, digest {}",
            clean::line(&status.network),
            status.events,
            status.digest
        ));
        if std::io::stdout().is_terminal() && std::io::stdin().is_terminal() {
            return screen::show(&home, host, look).await;
        }
        host.stop().await;
        print::hint("next: `fedag run`, or `fedag` for the screen");
        Ok(Outcome::Done)
    }
}

/// Reads the ticket from the argument, a file of that name, or standard input.
fn read_ticket(argument: &str) -> anyhow::Result<Ticket> {
    let text = if argument == "-" {
        read_text(std::io::stdin().lock()).context("reading the ticket from standard input")?
    } else if argument.trim_start().to_lowercase().starts_with("fedag1")
        && !Path::new(argument).is_file()
    {
        argument.to_owned()
    } else {
        match std::fs::File::open(argument) {
            Ok(file) => {
                read_text(file).with_context(|| format!("reading the ticket from {argument}"))?
            }
            Err(_) => argument.to_owned(),
        }
    };
    let parsed = Ticket::parse(text.trim());
    parsed.map_err(|error| {
        Refusal::usage(error.to_string())
            .advise("`fedag invite` on a member prints one; - reads it from standard input")
            .into()
    })
}

/// At most a bit more than a ticket may have, so that a file of another kind is not read whole.
fn read_text(input: impl Read) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    input
        .take(2 * limits::TICKET_CHARS_MAX as u64)
        .read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The time in a ticket is only a hint; but a clock a day ahead of the ticket's end needs no knocking to know.
fn check_expiry(ticket: &Ticket, now_ms: u64) -> anyhow::Result<()> {
    refuse_long_expired(ticket, now_ms)?;
    if let Some(expired) = expired(ticket, now_ms) {
        print::tell(format_args!(
            "by this computer's clock the ticket {expired}; asking all the same"
        ));
    }
    Ok(())
}

/// Refuses a ticket whose end is longer ago than clocks may differ.
pub(super) fn refuse_long_expired(ticket: &Ticket, now_ms: u64) -> anyhow::Result<()> {
    let late_ms = now_ms.saturating_sub(ticket.expires_ms);
    match expired(ticket, now_ms) {
        Some(expired) if late_ms > 1000 * limits::CLOCKS_APART.as_secs() => Err(Refusal::failed(
            format!("the ticket {expired}"),
        )
        .advise(
            "ask for a new one: `fedag invite` on a member (or is this computer's clock wrong?)",
        )
        .into()),
        Some(_) | None => Ok(()),
    }
}

/// How long ago it expired, and when, in words; None: it did not.
fn expired(ticket: &Ticket, now_ms: u64) -> Option<String> {
    let late_ms = now_ms.saturating_sub(ticket.expires_ms);
    let at = time(ticket.expires_ms, Some(&jiff::tz::TimeZone::system()));
    (late_ms > 0).then(|| format!("expired {} ago, at {at}", duration::show(late_ms / 1000)))
}

/// Makes the directory one of the ticket's network. One that is of that network already is left as it is.
pub(super) async fn enter(dir: &Path, wanted: Wanted, ticket: &Ticket) -> anyhow::Result<Home> {
    if let Some(home) = already_in(dir, ticket)? {
        print::tell("this directory belongs to the ticket's network already: going on from there");
        if let (Some(listen), Some(config)) = (wanted.listen, home.config()?) {
            home.write_config(&Config { listen, ..config })?;
        }
        return Ok(home);
    }
    let prepared = directory::prepare(dir, wanted, may_be_set_aside)?;
    let admission = net::join(&prepared.key, ticket, &prepared.config.name)
        .await
        .context("joining")?;
    set_aside(&prepared.home)?;
    directory::adopt(&prepared, ticket, &admission)?;
    Ok(prepared.release())
}

/// The directory, if the network of the ticket is in it: an interrupted join, or one given twice.
fn already_in(dir: &Path, ticket: &Ticket) -> anyhow::Result<Option<Home>> {
    let Ok(home) = Home::open(dir) else {
        return Ok(None);
    };
    let lock = home.lock()?;
    let index = DiskStore::open(&home.store_path())?.index()?;
    drop(lock);
    if index.root.digest() != ticket.root {
        return Ok(None);
    }
    if home
        .key()?
        .is_some_and(|key| key.machine() == index.root.raw().machine)
    {
        return Err(Refusal::failed(
            "this directory is that of the machine that started the ticket's network",
        )
        .advise("join on another machine, or from another directory: fedag --data DIR join TICKET")
        .into());
    }
    Ok(Some(home))
}

/// A network that this machine started and in which nothing happened may be moved away; any other is refused.
fn may_be_set_aside(home: &Home) -> anyhow::Result<()> {
    if !home.has_network() {
        return Ok(());
    }
    let own = home.key()?.map(|key| key.machine());
    let index = DiskStore::open(&home.store_path())?.index()?;
    let only_root = index.rows.len() == 1 && own == Some(index.root.raw().machine);
    if !only_root {
        let events = index.rows.len();
        return Err(Refusal::failed(format!(
            "{} holds {events} events of another network",
            home.path().display()
        ))
        .advise("join from another directory: fedag --data DIR join TICKET")
        .into());
    }
    Ok(())
}

/// Moves such a network away, now that another takes its place.
fn set_aside(home: &Home) -> anyhow::Result<()> {
    if !home.has_network() {
        return Ok(());
    }
    let aside = home.set_aside()?;
    print::tell(format_args!(
        "the network in {} had no events yet; it is set aside as {}",
        home.path().display(),
        aside.display()
    ));
    Ok(())
}

/// Shows progress until this machine holds its own admission and what its peers told of.
async fn catch_up(client: &Client) -> anyhow::Result<Box<Status>> {
    let mut replies = client.stream(Request::Watch {});
    let mut progress = Progress::new("events received");
    while let Some(reply) = replies.next().await {
        let reply = reply?;
        let Reply::Status(status) = reply else {
            return Err(connect::unexpected(&reply));
        };
        let of = status
            .progress
            .map_or(status.events, |progress| progress.of);
        progress.set(status.events, of.max(status.events));
        if has_caught_up(&status) {
            progress.clear();
            return Ok(status);
        }
    }
    Err(Refusal::failed("the node ended before it had caught up").into())
}

/// In step with somebody, or nothing is known to be missing from any connected peer.
fn has_caught_up(status: &Status) -> bool {
    let live = match status.phase {
        MachinePhase::Live => true,
        MachinePhase::Joining | MachinePhase::CatchingUp => false,
    };
    let mut connected = status.peers.iter().filter(|peer| peer.state.is_connected());
    live && (status.in_step == Some(true) || connected.any(|peer| peer.missing_here == Some(0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::id::{EventDigest, EventId};
    use crate::event::key::Key;

    fn ticket(expires_ms: u64) -> Ticket {
        Ticket {
            root: EventDigest([1; 32]),
            invite: EventId([2; 16]),
            secret: Key::from_seed([3; 32]),
            expires_ms,
            addresses: vec![(
                Key::from_seed([4; 32]).machine(),
                "192.0.2.7:41641".parse().unwrap(),
            )],
        }
    }

    #[test]
    fn a_ticket_is_read_from_the_argument_or_a_file() {
        let text = ticket(5).to_string();
        assert_eq!(read_ticket(&text).unwrap().expires_ms, 5);
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("fedag1-ticket");
        std::fs::write(&file, format!("{text}\n")).unwrap();
        assert_eq!(read_ticket(file.to_str().unwrap()).unwrap().expires_ms, 5);
    }

    #[test]
    fn what_is_no_ticket_is_wrong_usage() {
        for text in ["", "no-such-file", "fedag1", "fedag1abc", "fedag9abc"] {
            let error = read_ticket(text).unwrap_err();
            assert!(
                error.downcast_ref::<Refusal>().is_some(),
                "{text}: {error:#}"
            );
        }
    }

    #[test]
    fn a_ticket_long_expired_is_refused_here() {
        let day = 86_400_000;
        assert!(check_expiry(&ticket(10 * day), 9 * day).is_ok());
        assert!(check_expiry(&ticket(10 * day), 10 * day + 1000).is_ok());
        let error = check_expiry(&ticket(10 * day), 12 * day).unwrap_err();
        assert!(error.to_string().contains("expired 2d ago"), "{error}");
    }
}
