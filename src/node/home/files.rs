//! The key, the config and the credential; and how files are read and replaced.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER_PERMISSIVE;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::event::control::is_name;
use crate::event::key::Key;
use crate::limits::{CREDENTIAL_BYTES_MAX, CREDENTIAL_LINKS_MAX, HOME_FILE_BYTES_MAX};
use crate::node::home::{Error, Home, io_error};

/// First bytes of the credential's file; the number is its version.
const CREDENTIAL_MAGIC: &[u8] = b"fedag credential 1\n";

/// What `config.toml` says. People may change it; it is read at the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The machine's name, as told to the network; 1-64 bytes without control characters.
    pub name: String,
    /// Where the node listens.
    pub listen: SocketAddr,
    /// Addresses of this machine besides those of its interfaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<SocketAddr>,
}

impl Home {
    /// The machine's key; None: it has none yet.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn key(&self) -> Result<Option<Key>, Error> {
        let path = self.path().join("key");
        let Some(text) = read_bounded(&path)?.map(Zeroizing::new) else {
            return Ok(None);
        };
        let line = text.strip_suffix(b"\n").unwrap_or(&text);
        let damaged = |why: &str| Error::Damaged {
            path: path.clone(),
            why: why.into(),
            advice: "put a copy of it back; without it this machine must join anew from another directory",
        };
        if line.len() != 64 {
            return Err(damaged(&format!(
                "it must be one line of 64 hexadecimal digits, and has {} bytes",
                line.len()
            )));
        }
        let mut seed = Zeroizing::new([0; 32]);
        match HEXLOWER_PERMISSIVE.decode_mut(line, seed.as_mut()) {
            Ok(_) => Ok(Some(Key::from_seed(*seed))),
            Err(_) => Err(damaged("it must be one line of 64 hexadecimal digits")),
        }
    }

    /// The machine's key; when there is none yet, that of `seed` is written first. The caller holds the lock.
    ///
    /// # Errors
    /// [`Error::Damaged`], when there is one that cannot be read: it is never overwritten; [`Error::Io`].
    pub fn key_or_make(&self, seed: [u8; 32]) -> Result<Key, Error> {
        let seed = Zeroizing::new(seed);
        if let Some(key) = self.key()? {
            return Ok(key);
        }
        let mut line = Zeroizing::new(HEXLOWER_PERMISSIVE.encode(seed.as_ref()));
        line.push('\n');
        replace(&self.path().join("key"), line.as_bytes())?;
        Ok(Key::from_seed(*seed))
    }

    /// What the config says; None: there is none yet.
    ///
    /// # Errors
    /// [`Error::Damaged`], with line and column; [`Error::Io`].
    pub fn config(&self) -> Result<Option<Config>, Error> {
        let path = self.path().join("config.toml");
        let Some(bytes) = read_bounded(&path)? else {
            return Ok(None);
        };
        let damaged = |why: String| Error::Damaged {
            path: path.clone(),
            why,
            advice: "correct it in an editor",
        };
        let text = std::str::from_utf8(&bytes).map_err(|error| damaged(error.to_string()))?;
        let config: Config = toml::from_str(text)
            .map_err(|error| damaged(error.to_string().trim_end().to_string()))?;
        if !is_name(&config.name) {
            return Err(damaged(
                "name must have 1 to 64 bytes without control characters".into(),
            ));
        }
        Ok(Some(config))
    }

    /// Writes the config in place of an earlier one; comments in that are lost.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_config(&self, config: &Config) -> Result<(), Error> {
        let path = self.path().join("config.toml");
        let values = toml::to_string(config)
            .map_err(|error| io_error(&path, "written", io::Error::other(error)))?;
        let text = format!(
            "# Where this machine listens and what it is called. Read when fedag starts.\n{values}"
        );
        replace(&path, text.as_bytes())
    }

    /// The admissions from R's author to this machine, as received on joining; none when it made R.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn credential(&self) -> Result<Vec<Vec<u8>>, Error> {
        let path = self.path().join("credential");
        let Some(bytes) = read_bounded(&path)? else {
            return Ok(Vec::new());
        };
        read_credential(&bytes).ok_or_else(|| Error::Damaged {
            path,
            why: "it is not a list of events".into(),
            advice: "remove it; members who hold this machine's admission let it in without it",
        })
    }

    /// Writes the credential in place of an earlier one.
    ///
    /// # Errors
    /// [`Error::TooLarge`] above `limits::CREDENTIAL_LINKS_MAX` events or `limits::CREDENTIAL_BYTES_MAX` bytes; [`Error::Io`].
    pub fn write_credential(&self, links: &[Vec<u8>]) -> Result<(), Error> {
        let path = self.path().join("credential");
        let bytes: usize = links.iter().map(Vec::len).sum();
        if links.len() > CREDENTIAL_LINKS_MAX || bytes > CREDENTIAL_BYTES_MAX {
            return Err(Error::TooLarge {
                path,
                why: format!("{} admissions of {bytes} bytes", links.len()),
            });
        }
        let mut file = CREDENTIAL_MAGIC.to_vec();
        for link in links {
            file.extend(u32::try_from(link.len()).unwrap_or(u32::MAX).to_le_bytes());
            file.extend(link);
        }
        file.extend(crc32fast::hash(&file).to_le_bytes());
        replace(&path, &file)
    }
}

/// Magic, then length (4 bytes, little-endian) and bytes of each event, then a CRC-32 of all that.
fn read_credential(file: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (contents, end) = file.split_last_chunk::<4>()?;
    if crc32fast::hash(contents) != u32::from_le_bytes(*end) {
        return None;
    }
    let mut rest = contents.strip_prefix(CREDENTIAL_MAGIC)?;
    let mut links = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (link, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        links.push(link.to_vec());
        rest = after;
    }
    rest.is_empty().then_some(links)
}

/// The whole file; None: there is none. One larger than `limits::HOME_FILE_BYTES_MAX` is damaged.
pub(super) fn read_bounded(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error(path, "read", error)),
    };
    let mut bytes = Vec::new();
    file.take(HOME_FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| io_error(path, "read", error))?;
    if bytes.len() as u64 > HOME_FILE_BYTES_MAX {
        let why = format!("it has more than {HOME_FILE_BYTES_MAX} bytes");
        return Err(Error::Damaged {
            path: path.into(),
            why,
            advice: "this is no file of fedag's: move it away",
        });
    }
    Ok(Some(bytes))
}

/// Replaces a file whole: a new one (mode 0600) beside it is synced and renamed, then the directory is synced.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let failed = |error| io_error(path, "written", error);
    let written = (|| {
        let mut file = open_private(&new)?;
        file.set_len(0)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)
    })();
    if let Err(error) = written {
        // The write's error is told; a leftover is replaced by the next try.
        drop(fs::remove_file(&new));
        return Err(failed(error));
    }
    sync_directory(path.parent().expect("a file stands in a directory")).map_err(failed)
}

/// Opens a file for reading and writing, made with mode 0600 if there is none.
pub(super) fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes renames in the directory durable.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(path)?.sync_all()
    } else {
        Ok(())
    }
}
