//! A data directory gets its network: what `init`, `join` and the first screen write.
//!
//! Invariant: the store is written last, and there is a network in a directory exactly when there is a store. So an interrupted
//! command leaves a directory that it can begin again with, with the same key.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::cli::clean;
use crate::event::control::is_name;
use crate::event::id::EventId;
use crate::event::key::Key;
use crate::event::wall::WallTime;
use crate::limits;
use crate::net::Admission;
use crate::node::clock::{self, Clock};
use crate::node::home::files::Config;
use crate::node::home::lock::Lock;
use crate::node::home::{Error, Home};
use crate::node::{self, Names};
use crate::wire::ticket::Ticket;

/// The data directory when none is named.
pub(super) fn default() -> anyhow::Result<PathBuf> {
    Ok(Home::default_path()?)
}

/// A directory that is ours, locked, with a key, and without a network or with one that may be set aside.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) home: Home,
    pub(super) key: Key,
    pub(super) config: Config,
    lock: Lock,
}

/// What the user asked for; what is missing comes from an earlier config, or is chosen.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    pub(super) name: Option<String>,
    pub(super) listen: Option<SocketAddr>,
}

/// Makes the directory ready for a network. What is in it stays as it is, until the network is there; `check` says, under
/// the lock, whether a network may come into it.
///
/// # Errors
/// As told by [`Home`] and `check`; an address that cannot be listened on.
pub(super) fn prepare(
    dir: &Path,
    wanted: Wanted,
    check: impl FnOnce(&Home) -> anyhow::Result<()>,
) -> anyhow::Result<Prepared> {
    let home = Home::create(dir)?;
    let lock = home.lock_within(limits::IN_USE_PATIENCE, &Clock::start())?;
    check(&home)?;
    let earlier = home.config()?;
    let config = match &earlier {
        Some(earlier) => Config {
            name: wanted.name.unwrap_or_else(|| earlier.name.clone()),
            listen: wanted.listen.unwrap_or(earlier.listen),
            addresses: earlier.addresses.clone(),
        },
        None => Config {
            name: wanted.name.unwrap_or_else(machine_name),
            listen: match wanted.listen {
                Some(listen) => listen,
                None => free_address()?,
            },
            addresses: Vec::new(),
        },
    };
    // Now, and not when a ticket is used up for it.
    let socket = UdpSocket::bind(config.listen);
    drop(socket.with_context(|| format!("cannot listen on udp {}", config.listen))?);
    let key = home.key_or_make(clock::random_seed())?;
    Ok(Prepared {
        home,
        key,
        config,
        lock,
    })
}

/// Refuses a directory that has a network.
pub(super) fn has_none(home: &Home) -> anyhow::Result<()> {
    if home.has_network() {
        let path = home.path().into();
        return Err(Error::HasNetwork { path }.into());
    }
    Ok(())
}

/// Makes R, and with it a network.
pub(super) fn found(prepared: &Prepared, network: &str) -> anyhow::Result<EventId> {
    prepared.home.write_config(&prepared.config)?;
    let names = Names {
        network: network.to_owned(),
        machine: prepared.config.name.clone(),
    };
    Ok(node::create_root(&prepared.home, names, &prepared.key, now())?.id())
}

/// Writes what a member handed over to this newcomer: where the others are, the credential, and last the store with R.
pub(super) fn adopt(
    prepared: &Prepared,
    ticket: &Ticket,
    admission: &Admission,
) -> anyhow::Result<()> {
    let home = &prepared.home;
    let mut book = home.book()?;
    // `keep` puts the newest first, and a ticket tells the likeliest first.
    for (machine, address) in ticket.addresses.iter().rev() {
        book.keep(*machine, *address);
    }
    home.write_book(&book)?;
    home.write_config(&prepared.config)?;
    node::create_joined(home, admission)?;
    Ok(())
}

impl Prepared {
    /// Gives the lock back, so that a node can start.
    pub(super) fn release(self) -> Home {
        drop(self.lock);
        self.home
    }
}

/// Now, by the clock of this machine.
pub(super) fn now() -> WallTime {
    Clock::start().wall()
}

/// Reads a name given as an option.
pub(super) fn parse_name(text: &str) -> Result<String, String> {
    let text = text.trim();
    if is_name(text) {
        Ok(text.to_owned())
    } else {
        Err("a name has 1 to 64 bytes without control characters".to_owned())
    }
}

/// Any interface, at a UDP port that is free now.
fn free_address() -> anyhow::Result<SocketAddr> {
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let socket = UdpSocket::bind(any).context("looking for a free UDP port")?;
    Ok(socket.local_addr()?)
}

/// The name of this computer, without its domain.
pub(super) fn machine_name() -> String {
    let told = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| {
            let output = std::process::Command::new("hostname").output().ok()?;
            String::from_utf8(output.stdout).ok()
        });
    name_of_host(&told.unwrap_or_default())
}

fn name_of_host(host: &str) -> String {
    let name = clean::line(host.trim())
        .split('.')
        .next()
        .unwrap_or_default()
        .to_owned();
    if is_name(&name) {
        name
    } else {
        "machine".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_computer_becomes_a_name() {
        assert_eq!(name_of_host("ana\n"), "ana");
        assert_eq!(name_of_host("ana.example.org"), "ana");
        for host in ["", "\n", ".x", &"x".repeat(65)] {
            assert_eq!(name_of_host(host), "machine", "{host}");
        }
    }

    #[test]
    fn names_are_checked() {
        assert_eq!(parse_name(" lab net "), Ok("lab net".to_owned()));
        for name in ["", " ", "a\nb", &"x".repeat(65)] {
            assert!(parse_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_free_address_has_a_port() {
        assert_ne!(free_address().unwrap().port(), 0);
    }
}
