//! `fedag init`: a new network.

use std::net::SocketAddr;
use std::path::Path;

use clap::Args;

use crate::cli::directory::{self, Wanted};
use crate::cli::outcome::Outcome;
use crate::cli::print::{self, Out};

/// `fedag init`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Makes the root R, which names the network; its uuid is printed. Other machines join with a ticket of `fedag invite`. A directory
with a network in it is refused, and nothing is changed.

Examples:
  fedag init
  fedag init --network lab --name ana
  fedag --data /srv/fedag init --listen 0.0.0.0:41641")]
pub(super) struct Init {
    /// The network's name, for people.
    #[arg(long, value_name = "NAME", default_value = "fedag", value_parser = directory::parse_name)]
    network: String,
    /// This machine's name, for people [default: the name of this computer].
    #[arg(long, value_name = "MACHINE", value_parser = directory::parse_name)]
    name: Option<String>,
    /// Where the node will listen [default: any interface, a free UDP port]; kept in config.toml.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

impl Init {
    pub(super) fn run(self, dir: &Path) -> anyhow::Result<Outcome> {
        let wanted = Wanted {
            name: self.name,
            listen: self.listen,
        };
        let prepared = directory::prepare(dir, wanted, directory::has_none)?;
        let root = directory::found(&prepared, &self.network)?;
        let (name, listen) = (&prepared.config.name, prepared.config.listen);
        let mut out = Out::new();
        out.line(root)?;
        out.flush()?;
        print::hint(format_args!(
            "network {} in {}: this machine is {name}, its node will listen on udp {listen}",
            self.network,
            dir.display()
        ));
        print::hint(
            "next: `fedag` for the screen, `fedag add TEXT`, or `fedag invite` and on the other machine `fedag join TICKET`",
        );
        Ok(Outcome::Done)
    }
}
