//! `fedag stop` and `fedag connect`: telling the running node what to do.

use std::net::SocketAddr;
use std::path::Path;

use clap::Args;

use crate::cli::Timeout;
use crate::cli::connect::{self, Need};
use crate::cli::outcome::{Outcome, within};
use crate::cli::print;
use crate::control::{Reply, Request};

/// `fedag stop`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Ends the node that runs on the data directory, whether it has a screen or not, and waits until it let the directory go.

Examples:
  fedag stop
  fedag --data /srv/fedag stop --timeout 10")]
pub(super) struct Stop {
    #[command(flatten)]
    timeout: Timeout,
}

impl Stop {
    pub(super) async fn run(self, dir: &Path) -> anyhow::Result<Outcome> {
        within(
            self.timeout.timeout,
            "the node has not stopped",
            connect::stop(dir),
        )
        .await?;
        print::hint("the node has stopped");
        Ok(Outcome::Done)
    }
}

/// `fedag connect`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
For when a machine has a new address, or when neither finds the other. The machine must be a member; `fedag peers` shows
whether the connection came about.

Examples:
  fedag connect bob@192.0.2.7:41641
  fedag connect 'ana@[2001:db8::1]:41641'")]
pub(super) struct Connect {
    /// Name, key or prefix of the key of the machine, `@`, IP address and UDP port.
    #[arg(value_name = "MACHINE@ADDR", value_parser = parse_target)]
    target: Target,
    #[command(flatten)]
    timeout: Timeout,
}

/// A machine and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    machine: String,
    address: SocketAddr,
}

/// Names may contain an `@`, addresses not, so the last one counts.
fn parse_target(text: &str) -> Result<Target, String> {
    let wrong = "write it as bob@192.0.2.7:41641 or 'ana@[2001:db8::1]:41641'";
    let (machine, address) = text.rsplit_once('@').ok_or(wrong)?;
    let address: SocketAddr = address.parse().map_err(|_| wrong)?;
    if machine.is_empty() || address.port() == 0 {
        return Err(wrong.to_owned());
    }
    Ok(Target {
        machine: machine.to_owned(),
        address,
    })
}

impl Connect {
    pub(super) async fn run(self, dir: &Path) -> anyhow::Result<Outcome> {
        let Target { machine, address } = self.target;
        let ask = connect::ask(
            dir,
            Need::Running("connect"),
            Request::Connect { machine, address },
        );
        let reply = within(self.timeout.timeout, "no answer", ask).await?;
        if matches!(reply, Reply::Done {}) {
            Ok(Outcome::Done)
        } else {
            Err(connect::unexpected(&reply))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_machine_and_an_address() {
        let read =
            |text| parse_target(text).map(|target| (target.machine, target.address.to_string()));
        let owned = |machine: &str, address: &str| Ok((machine.to_owned(), address.to_owned()));
        assert_eq!(read("bob@192.0.2.7:41641"), owned("bob", "192.0.2.7:41641"));
        assert_eq!(read("a@b@[2001:db8::1]:1"), owned("a@b", "[2001:db8::1]:1"));
        for text in [
            "bob",
            "bob@",
            "@192.0.2.7:1",
            "bob@192.0.2.7",
            "bob@example.org:1",
            "bob@192.0.2.7:0",
            "bob@2001:db8::1",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
