//! `fedag invite`: a ticket for another machine.

use std::path::Path;
use std::time::Duration;

use clap::Args;

use crate::cli::connect::{self, Need};
use crate::cli::log::time;
use crate::cli::outcome::{Outcome, within};
use crate::cli::print::{self, Out};
use crate::cli::{Timeout, duration};
use crate::control::{Reply, Request};

/// `fedag invite`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Prints a ticket, alone on standard output. Whoever has it can join until it expires or is used up, so treat it like a
password. A machine of this network must be running and reachable for the other to join.

Examples:
  fedag invite                                 for one machine, within 24 hours
  fedag invite --expires 7d --uses 5           for five machines within a week
  fedag invite | ssh bob fedag join -          straight to the other machine")]
pub(super) struct Invite {
    /// For how long it is good: 30m, 24h, 7d.
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = duration::parse)]
    expires: Duration,
    /// How many machines it lets in; 0: no limit.
    #[arg(long, value_name = "N", default_value_t = 1)]
    uses: u64,
    #[command(flatten)]
    timeout: Timeout,
}

impl Invite {
    pub(super) async fn run(self, dir: &Path) -> anyhow::Result<Outcome> {
        let request = Request::Invite {
            expires_s: self.expires.as_secs(),
            uses: self.uses,
            reuse: false,
        };
        let ask = connect::ask(dir, Need::Any, request);
        let reply = within(self.timeout.timeout, "no ticket", ask).await?;
        let Reply::Ticket {
            text,
            expires_ms,
            uses,
            addresses,
        } = reply
        else {
            return Err(connect::unexpected(&reply));
        };
        let mut out = Out::new();
        out.line(&text)?;
        out.flush()?;
        let uses = match uses {
            0 => "any number of machines".to_owned(),
            1 => "one machine".to_owned(),
            uses => format!("{uses} machines"),
        };
        let until = time(expires_ms, Some(&jiff::tz::TimeZone::system()));
        print::hint(format_args!(
            "good for {uses} until {until}; on the other machine: fedag join TICKET"
        ));
        let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        print::hint(format_args!(
            "it tells to knock at udp {}",
            addresses.join(", ")
        ));
        Ok(Outcome::Done)
    }
}
