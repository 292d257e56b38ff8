//! The address book, the bans, and the secrets of own tickets: small JSON files.
//!
//! Invariants: bounded (`limits::BOOK_*`, `limits::INVITES_KEPT_MAX`, `limits::BANS_MAX`). A damaged book is a warning and empty, since
//! the network tells addresses again; damaged bans or invites are an error, since nobody else has them.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use tracing::warn;
use zeroize::{Zeroize, Zeroizing};

use crate::event::id::EventId;
use crate::event::key::{Key, MachineId};
use crate::event::wall::WallTime;
use crate::gossip::message::Reachable;
use crate::limits::{BANS_MAX, BOOK_ADDRESSES_MAX, BOOK_MACHINES_MAX, INVITES_KEPT_MAX};
use crate::node::home::{Error, Home, files};

/// Where machines may be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    /// Told by a ticket or the user: never evicted for others.
    pub kept: Vec<Reachable>,
    /// Told by peers, as the machine last asked to remember.
    pub known: Vec<Reachable>,
}

impl Book {
    /// Adds an address to those that stay, first among them; the earlier ones of that machine come after it.
    ///
    /// At `limits::BOOK_ADDRESSES_MAX` the last one of the machine goes, at `limits::BOOK_MACHINES_MAX` the last machine.
    pub fn keep(&mut self, machine: MachineId, address: SocketAddr) {
        let mut addresses = vec![address];
        if let Some(at) = self.kept.iter().position(|kept| kept.machine == machine) {
            addresses.extend(
                self.kept
                    .remove(at)
                    .addresses
                    .into_iter()
                    .filter(|other| *other != address),
            );
        }
        addresses.truncate(BOOK_ADDRESSES_MAX);
        self.kept.insert(0, Reachable { machine, addresses });
        self.kept.truncate(BOOK_MACHINES_MAX);
    }
}

/// The secret of an own ticket; the invite itself is an event.
#[derive(Clone, Debug)]
pub struct OwnInvite {
    /// The invite event.
    pub invite: EventId,
    /// The ticket's secret.
    pub secret: Key,
    /// When it ends.
    pub expires: WallTime,
    /// How many machines it lets in; 0: no limit.
    pub uses: u64,
}

#[derive(Default, Serialize, Deserialize)]
struct BookFile {
    kept: Vec<BookEntry>,
    known: Vec<BookEntry>,
}

#[derive(Serialize, Deserialize)]
struct BookEntry {
    machine: String,
    addresses: Vec<SocketAddr>,
}

#[derive(Serialize, Deserialize)]
struct InviteEntry {
    invite: String,
    secret: String,
    expires: String,
    uses: u64,
}

impl Home {
    /// The address book; a damaged one is logged and empty.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn book(&self) -> Result<Book, Error> {
        let path = self.path().join("peers.json");
        let read = files::read_bounded(&path).and_then(|bytes| {
            let file: BookFile =
                bytes.map_or_else(|| Ok(BookFile::default()), |bytes| from_json(&path, &bytes))?;
            Ok(Book {
                kept: reachable(file.kept),
                known: reachable(file.known),
            })
        });
        match read {
            Err(error @ Error::Damaged { .. }) => {
                warn!(%error, "the address book begins anew");
                Ok(Book::default())
            }
            read => read,
        }
    }

    /// Writes the address book in place of the earlier one; of too many machines or addresses the first are kept.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_book(&self, book: &Book) -> Result<(), Error> {
        let file = BookFile {
            kept: entries(&book.kept),
            known: entries(&book.known),
        };
        self.write_json("peers.json", &file)
    }

    /// Keys that this machine refuses.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn bans(&self) -> Result<Vec<MachineId>, Error> {
        let path = self.path().join("bans.json");
        let Some(bytes) = files::read_bounded(&path)? else {
            return Ok(Vec::new());
        };
        let texts: Vec<String> = from_json(&path, &bytes)?;
        let bans: Option<Vec<MachineId>> =
            texts.iter().map(|text| MachineId::parse(text)).collect();
        bans.ok_or_else(|| {
            damaged(
                &path,
                "a key in it is not 43 characters of base64url".into(),
            )
        })
    }

    /// Writes the bans in place of the earlier ones.
    ///
    /// # Errors
    /// [`Error::TooLarge`] above `limits::BANS_MAX`; [`Error::Io`].
    pub fn write_bans(&self, bans: &[MachineId]) -> Result<(), Error> {
        if bans.len() > BANS_MAX {
            return Err(Error::TooLarge {
                path: self.path().join("bans.json"),
                why: format!("more than {BANS_MAX} bans"),
            });
        }
        self.write_json(
            "bans.json",
            &bans.iter().map(ToString::to_string).collect::<Vec<_>>(),
        )
    }

    /// The secrets of own tickets that have not expired at `now`, the oldest first. Expired ones are removed from the file.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn invites(&self, now: WallTime) -> Result<Vec<OwnInvite>, Error> {
        let path = self.path().join("invites.json");
        let Some(bytes) = files::read_bounded(&path)?.map(Zeroizing::new) else {
            return Ok(Vec::new());
        };
        let entries: Vec<InviteEntry> = from_json(&path, &bytes)?;
        let all: Option<Vec<OwnInvite>> = entries.iter().map(InviteEntry::read).collect();
        let mut all =
            all.ok_or_else(|| damaged(&path, "an invite in it has a wrong form".into()))?;
        let before = all.len();
        all.retain(|invite| invite.expires > now);
        if all.len() < before {
            self.write_invites(&all)?;
        }
        Ok(all)
    }

    /// Adds the secret of a ticket, and removes those expired at `now`.
    ///
    /// # Errors
    /// [`Error::TooLarge`] above `limits::INVITES_KEPT_MAX`; [`Error::Damaged`], [`Error::Io`].
    pub fn add_invite(&self, invite: OwnInvite, now: WallTime) -> Result<(), Error> {
        let mut all = self.invites(now)?;
        if all.len() >= INVITES_KEPT_MAX {
            let path = self.path().join("invites.json");
            return Err(Error::TooLarge {
                path,
                why: format!("{INVITES_KEPT_MAX} tickets are open; wait until one expires"),
            });
        }
        all.push(invite);
        self.write_invites(&all)
    }

    fn write_invites(&self, invites: &[OwnInvite]) -> Result<(), Error> {
        self.write_json(
            "invites.json",
            &invites.iter().map(InviteEntry::of).collect::<Vec<_>>(),
        )
    }

    fn write_json(&self, file: &str, value: &impl Serialize) -> Result<(), Error> {
        let mut text = Zeroizing::new(
            serde_json::to_string_pretty(value).expect("texts and numbers can be written as JSON"),
        );
        text.push('\n');
        files::replace(&self.path().join(file), text.as_bytes())
    }
}

impl InviteEntry {
    fn of(invite: &OwnInvite) -> Self {
        Self {
            invite: invite.invite.to_string(),
            secret: data_encoding::HEXLOWER.encode(invite.secret.seed().as_ref()),
            expires: invite.expires.to_string(),
            uses: invite.uses,
        }
    }

    fn read(&self) -> Option<OwnInvite> {
        let seed = Zeroizing::new(
            data_encoding::HEXLOWER
                .decode(self.secret.as_bytes())
                .ok()?,
        );
        Some(OwnInvite {
            invite: EventId::parse(&self.invite)?,
            secret: Key::from_seed(seed.as_slice().try_into().ok()?),
            expires: WallTime::parse(&self.expires)?,
            uses: self.uses,
        })
    }
}

impl Drop for InviteEntry {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

fn entries(machines: &[Reachable]) -> Vec<BookEntry> {
    let entry = |reachable: &Reachable| BookEntry {
        machine: reachable.machine.to_string(),
        addresses: reachable
            .addresses
            .iter()
            .take(BOOK_ADDRESSES_MAX)
            .copied()
            .collect(),
    };
    machines.iter().take(BOOK_MACHINES_MAX).map(entry).collect()
}

/// What can be understood of the entries, within the bounds.
fn reachable(entries: Vec<BookEntry>) -> Vec<Reachable> {
    let read = |mut entry: BookEntry| {
        entry.addresses.truncate(BOOK_ADDRESSES_MAX);
        Some(Reachable {
            machine: MachineId::parse(&entry.machine)?,
            addresses: entry.addresses,
        })
    };
    entries
        .into_iter()
        .filter_map(read)
        .take(BOOK_MACHINES_MAX)
        .collect()
}

fn from_json<T: serde::de::DeserializeOwned>(
    path: &std::path::Path,
    bytes: &[u8],
) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| damaged(path, error.to_string()))
}

fn damaged(path: &std::path::Path, why: String) -> Error {
    Error::Damaged {
        path: path.into(),
        why,
        advice: "correct it in an editor, or move it away to begin anew",
    }
}

#[cfg(test)]
mod tests;
