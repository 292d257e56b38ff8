//! The data directory: what lies where, its modes, its lock.
//!
//! Below the node and the commands: everything that is kept besides the events themselves is a small file here.
//!
//! | file | what |
//! |---|---|
//! | `events.redb` | the store; there is a network in the directory when it is there |
//! | `acknowledged` | how many events were acknowledged as held, and the own counter |
//! | `key` | the machine's secret, made once, never overwritten |
//! | `config.toml` | for people: where to listen, own addresses, the name |
//! | `credential` | the admissions from R's author to this machine, as received when it joined |
//! | `peers.json`, `bans.json` | the address book, the local bans |
//! | `invites.json` | secrets of the own tickets |
//! | `lock` | held by the one process that works here; its number is in it |
//! | `control.sock`, `control.path` | the control socket, or where it is when that path is too long |
//! | `fedag.log`, `fedag.log.1` | the log under the terminal UI, and the one before; 4 MiB each at most |
//!
//! Invariants:
//! - the directory has mode 0700, files with secrets 0600;
//! - a file is replaced whole (written beside, synced, renamed) or not at all;
//! - a directory without a store that has other files than ours in it is never touched.

pub(crate) mod acknowledged;
pub mod book;
pub mod files;
pub mod lock;
pub mod socket;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use tracing::warn;

/// All that is ever in a directory of ours, but for endings of files that are being written or were set aside.
const OUR_FILES: [&str; 12] = [
    "acknowledged",
    "events.redb",
    "key",
    "config.toml",
    "credential",
    "peers.json",
    "bans.json",
    "invites.json",
    "lock",
    "control.sock",
    "control.path",
    "fedag.log",
];

/// What belongs to one network, and is set aside with its store.
const FILES_OF_A_NETWORK: [&str; 6] = [
    "acknowledged",
    "credential",
    "peers.json",
    "bans.json",
    "invites.json",
    "events.redb",
];

/// What is wrong with the data directory. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The path is a file.
    #[error("{} is a file, and the data directory must be a directory; name another with --data", path.display())]
    IsAFile {
        /// The path.
        path: PathBuf,
    },
    /// A part of the path is a file.
    #[error("{} cannot be a directory, since {} is a file; name another with --data", path.display(), file.display())]
    FileInPath {
        /// The path.
        path: PathBuf,
        /// The part that is a file.
        file: PathBuf,
    },
    /// The file system does not let us write there.
    #[error("{} cannot be written; check whom it belongs to, or name another with --data", path.display())]
    NotWritable {
        /// The directory.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// No store, and other files than ours.
    #[error("{} is not a data directory of fedag, and has other files in it ({found}); name an empty or a new directory with --data", path.display())]
    NotOurs {
        /// The directory.
        path: PathBuf,
        /// One of those files.
        found: String,
    },
    /// No store in it, or no directory.
    #[error("there is no network in {} yet; start one with `fedag init` or join one with `fedag join TICKET`", path.display())]
    NoNetwork {
        /// The directory.
        path: PathBuf,
    },
    /// There is a store in it, and a new one was asked for.
    #[error("there is a network in {} already; name another directory with --data", path.display())]
    HasNetwork {
        /// The directory.
        path: PathBuf,
    },
    /// Another process holds the lock.
    #[error("{} is in use by another fedag{}; stop it with `fedag stop`, or name another with --data", path.display(), holder(*pid))]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The process, if it could be read.
        pid: Option<u32>,
    },
    /// One of our files cannot be understood.
    #[error("{} is damaged: {why}; {advice}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// What to do.
        advice: &'static str,
    },
    /// Too many or too large contents for one of our files.
    #[error("{} would be larger than it may be: {why}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What is too many or too large.
        why: String,
    },
    /// The home directory is not known.
    #[error(
        "there is no home directory to keep data in; name a directory with --data or FEDAG_DATA"
    )]
    NoDefault,
    /// The disk or file system refused.
    #[error("{} could not be {doing}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// `read`, `written`.
        doing: &'static str,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})"))
        .unwrap_or_default()
}

/// A data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    directory: PathBuf,
}

impl Home {
    /// `$XDG_DATA_HOME/fedag/default`, or what stands for it on this system.
    ///
    /// # Errors
    /// [`Error::NoDefault`].
    pub fn default_path() -> Result<PathBuf, Error> {
        let strategy = etcetera::choose_base_strategy().map_err(|_| Error::NoDefault)?;
        Ok(strategy.data_dir().join("fedag").join("default"))
    }

    /// Opens the directory for a new network or for one that is there, and makes it (mode 0700) if there is none.
    ///
    /// An existing directory must be empty or ours; it gets mode 0700. To refuse one with a network, ask
    /// [`Home::has_network`].
    ///
    /// # Errors
    /// [`Error::IsAFile`], [`Error::FileInPath`], [`Error::NotOurs`], [`Error::NotWritable`], [`Error::Io`].
    pub fn create(path: &Path) -> Result<Self, Error> {
        let directory = absolute(path)?;
        match fs::metadata(&directory) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return Err(Error::IsAFile { path: directory }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make_directory(&directory).map_err(|source| not_made(&directory, source))?;
            }
            Err(source) => return Err(not_made(&directory, source)),
        }
        let home = Self { directory };
        home.check_ours()?;
        home.check_writable()?;
        home.close_to_others();
        Ok(home)
    }

    /// Opens a directory that has a network in it.
    ///
    /// # Errors
    /// [`Error::NoNetwork`], also when there is no directory; else as [`Home::create`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let directory = absolute(path)?;
        match fs::metadata(&directory) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return Err(Error::IsAFile { path: directory }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::NoNetwork { path: directory });
            }
            Err(source) => return Err(not_made(&directory, source)),
        }
        let home = Self { directory };
        home.check_ours()?;
        if !home.has_network() {
            return Err(Error::NoNetwork {
                path: home.directory,
            });
        }
        home.check_writable()?;
        home.close_to_others();
        Ok(home)
    }

    /// The directory, an absolute path.
    pub fn path(&self) -> &Path {
        &self.directory
    }

    /// Returns whether there is a store in it.
    pub fn has_network(&self) -> bool {
        self.store_path().symlink_metadata().is_ok()
    }

    /// The store's file.
    pub fn store_path(&self) -> PathBuf {
        self.directory.join("events.redb")
    }

    /// The log's file.
    pub fn log_path(&self) -> PathBuf {
        self.directory.join("fedag.log")
    }

    /// Sets the network in it aside, so that another can be joined: its files get the ending `.aside-N`, the store last.
    ///
    /// The key, the config and the log stay. The caller holds the lock and knows that the store holds an own R alone; nothing is
    /// removed. Returns where the store is now. After a crash half-way the network is still there, and can be set aside again.
    ///
    /// # Errors
    /// [`Error::NoNetwork`], [`Error::Io`].
    pub fn set_aside(&self) -> Result<PathBuf, Error> {
        if !self.has_network() {
            return Err(Error::NoNetwork {
                path: self.directory.clone(),
            });
        }
        let aside = |file: &str, n: u32| self.directory.join(format!("{file}.aside-{n}"));
        let is_free = |n: &u32| {
            FILES_OF_A_NETWORK
                .iter()
                .all(|file| aside(file, *n).symlink_metadata().is_err())
        };
        let n = (1..u32::MAX).find(is_free).unwrap_or(u32::MAX);
        for file in FILES_OF_A_NETWORK {
            let from = self.directory.join(file);
            match fs::rename(&from, aside(file, n)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(io_error(&from, "set aside", error));
                }
                Ok(()) | Err(_) => {}
            }
        }
        files::sync_directory(&self.directory)
            .map_err(|error| io_error(&self.directory, "written", error))?;
        Ok(aside("events.redb", n))
    }

    fn check_ours(&self) -> Result<(), Error> {
        if self.has_network() {
            return Ok(());
        }
        let failed = |source| not_made(&self.directory, source);
        for entry in fs::read_dir(&self.directory).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let name = name.to_string_lossy();
            if !OUR_FILES.iter().any(|ours| is_named(&name, ours)) {
                return Err(Error::NotOurs {
                    path: self.directory.clone(),
                    found: name.escape_debug().to_string(),
                });
            }
        }
        Ok(())
    }

    /// Opens the lock's file without taking the lock; that shows a read-only file system and a foreign owner.
    fn check_writable(&self) -> Result<(), Error> {
        files::open_private(&self.lock_path())
            .map(drop)
            .map_err(|source| not_made(&self.directory, source))
    }

    fn lock_path(&self) -> PathBuf {
        self.directory.join("lock")
    }

    #[cfg(unix)]
    fn close_to_others(&self) {
        use std::os::unix::fs::PermissionsExt;
        let Ok(metadata) = fs::metadata(&self.directory) else {
            return;
        };
        if metadata.permissions().mode().trailing_zeros() >= 6 {
            return;
        }
        if let Err(error) = fs::set_permissions(&self.directory, fs::Permissions::from_mode(0o700))
        {
            warn!(directory = %self.directory.display(), %error, "others may look into the data directory");
        }
    }

    #[cfg(not(unix))]
    fn close_to_others(&self) {}
}

/// Returns whether `name` is `ours`, perhaps with an ending as of a log of another day, a new or a set-aside file.
fn is_named(name: &str, ours: &str) -> bool {
    name.strip_prefix(ours)
        .is_some_and(|ending| ending.is_empty() || ending.starts_with('.'))
}

fn absolute(path: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(path).map_err(|error| io_error(path, "read", error))
}

/// Makes a directory and what is missing above it, each mode 0700.
fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Why `path` could not be made or used as the data directory.
fn not_made(path: &Path, source: io::Error) -> Error {
    if let Some(file) = path.ancestors().skip(1).find(|above| above.is_file()) {
        return Error::FileInPath {
            path: path.into(),
            file: file.into(),
        };
    }
    if matches!(
        source.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    ) {
        return Error::NotWritable {
            path: path.into(),
            source,
        };
    }
    io_error(path, "opened", source)
}

fn io_error(path: &Path, doing: &'static str, source: io::Error) -> Error {
    Error::Io {
        path: path.into(),
        doing,
        source,
    }
}

#[cfg(test)]
mod tests;
