//! The screen: bare `fedag`, and what comes after `fedag join` on a terminal.

use std::path::Path;

use tokio::sync::watch;

use crate::cli::connect::{self, Reached};
use crate::cli::directory::{self, Wanted};
use crate::cli::host::Host;
use crate::cli::join;
use crate::cli::log_file::log_to_file;
use crate::cli::outcome::{Outcome, Refusal, advice};
use crate::node::home::{Error, Home};
use crate::tui::first::{Choice, Defaults, First, Progress};
use crate::tui::link::Node;
use crate::tui::look::Look;
use crate::tui::{self, Options, Screen, Shown, terminal};
use crate::wire::ticket::Ticket;

/// Name of a network that was given none.
const NETWORK: &str = "fedag";

/// `fedag` without a command: the screen of the node on `dir`, running or started here; without a network the first screen.
pub(super) async fn bare(dir: &Path, appearance: Look) -> anyhow::Result<Outcome> {
    if !terminal::is_there() {
        return Err(Refusal::usage("the screen needs a terminal on standard input and output")
            .advise("use `fedag run` for a node without a screen, `fedag add` and `fedag log` in pipes; `fedag --help` shows all")
            .into());
    }
    let home = match Home::open(dir) {
        Ok(home) => home,
        Err(Error::NoNetwork { .. }) => match begin(dir, appearance).await? {
            Some(home) => home,
            None => return Ok(Outcome::Done),
        },
        Err(error) => return Err(error.into()),
    };
    let lock = match connect::reach(&home, connect::Need::Any).await? {
        Reached::Node(client) => {
            let mut screen = Screen::open(options(false, appearance))?;
            let find = move || home.control_socket().map_err(std::io::Error::other);
            let ended = screen.run(Node::attached(client, Box::new(find))).await;
            drop(screen);
            return settle(ended?);
        }
        Reached::Lock(lock) => lock,
    };
    let guard = log_to_file(&home)?;
    let host = Host::online(&home, lock).await?;
    let outcome = show(&home, host, appearance).await;
    drop(guard);
    outcome
}

/// Shows the node in this process until the user quits, or the node ends; then stops it.
pub(super) async fn show(home: &Home, host: Host, look: Look) -> anyhow::Result<Outcome> {
    let guard = log_to_file(home)?;
    let outcome = show_node(&host, look).await;
    host.stop().await;
    drop(guard);
    outcome
}

async fn show_node(host: &Host, look: Look) -> anyhow::Result<Outcome> {
    let mut screen = Screen::open(options(true, look))?;
    let ended = tokio::select! {
        ended = screen.run(host.client()) => Ok(ended?),
        ended = host.ended() => ended.map(|()| tui::Outcome::Quit),
    };
    drop(screen);
    settle(ended?)
}

fn options(own_node: bool, look: Look) -> Options {
    Options {
        look,
        ..Options::from_environment(own_node)
    }
}

fn settle(ended: tui::Outcome) -> anyhow::Result<Outcome> {
    match ended {
        tui::Outcome::Quit | tui::Outcome::Signal(_) => Ok(Outcome::Done),
        tui::Outcome::Gone(why) => Err(anyhow::anyhow!("the node is gone: {why}")),
    }
}

/// The first screen: starts a network or joins one. None: the user did neither.
async fn begin(dir: &Path, look: Look) -> anyhow::Result<Option<Home>> {
    let mut screen = Screen::open(options(true, look))?;
    let defaults = Defaults {
        network: NETWORK.to_owned(),
        name: directory::machine_name(),
        directory: dir.display().to_string(),
        check_ticket: |text| {
            Ticket::parse(text)
                .map(drop)
                .map_err(|error| error.to_string())
        },
        check_name: |text| directory::parse_name(text).map(drop),
    };
    let mut first = First::new(defaults);
    loop {
        let tried = match screen.first(&mut first).await? {
            Choice::Quit => return Ok(None),
            Choice::Start { network, name } => start(dir, &network, name).map(Some),
            Choice::Join { ticket, name } => knock(&mut screen, dir, &ticket, name).await,
        };
        match tried {
            Ok(home) => return Ok(home),
            // What was written stays, to be corrected or tried again.
            Err(error) => first.refuse(&in_words(&error)),
        }
    }
}

fn start(dir: &Path, network: &str, name: String) -> anyhow::Result<Home> {
    let wanted = Wanted {
        name: Some(name),
        listen: None,
    };
    let prepared = directory::prepare(dir, wanted, directory::has_none)?;
    directory::found(&prepared, network)?;
    Ok(prepared.release())
}

/// What went wrong, and what to do about it.
fn in_words(error: &anyhow::Error) -> String {
    match advice(error) {
        Some(advice) => format!("{error:#}; {advice}"),
        None => format!("{error:#}"),
    }
}

/// Joins with a ticket while the screen says so; the UI then shows how far catching up is.
async fn knock(
    screen: &mut Screen,
    dir: &Path,
    ticket: &str,
    name: String,
) -> anyhow::Result<Option<Home>> {
    let ticket = Ticket::parse(ticket)?;
    join::refuse_long_expired(&ticket, directory::now().ms())?;
    let first = Progress {
        done: 0,
        of: 0,
        rate: 0,
        text: "asking the machines of the ticket to be let in".to_owned(),
    };
    let (progress, shown) = watch::channel(first);
    let wanted = Wanted {
        name: Some(name),
        listen: None,
    };
    let result = tokio::select! {
        entered = join::enter(dir, wanted, &ticket) => Some(entered),
        shown = screen.progress(shown) => match shown? {
            Shown::Quit | Shown::Signal(_) | Shown::Done => None,
        },
    };
    drop(progress);
    result.transpose()
}
