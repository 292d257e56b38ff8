//! Where the control socket is.
//!
//! `DIR/control.sock`, unless that path is too long for a socket's address. Then it is in a directory of its own in the
//! runtime directory, with a random name, and the file `control.path` says where: the socket on the first line, the data directory on the
//! second, so that a copied data directory does not lead to another's socket.

use std::fs;
use std::path::{Path, PathBuf};

use tracing::debug;

use crate::limits::SOCKET_PATH_BYTES_MAX;
use crate::node::clock;
use crate::node::home::{Error, Home, files, io_error};

impl Home {
    /// The socket that clients connect to; there may be no node at it.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn control_socket(&self) -> Result<PathBuf, Error> {
        let near = self.path().join("control.sock");
        if fits(&near) {
            return Ok(near);
        }
        Ok(self.told_socket()?.unwrap_or(near))
    }

    /// The socket that the node listens on. Where `DIR/control.sock` is too long, makes the directory for a short one (mode 0700)
    /// and writes `control.path`. The caller holds the lock, and removes a socket that is there already.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn make_control_socket(&self) -> Result<PathBuf, Error> {
        let near = self.path().join("control.sock");
        if fits(&near) {
            return Ok(near);
        }
        if let Some(told) = self.told_socket()?
            && told
                .parent()
                .is_some_and(|directory| is_private(directory, self.path()))
        {
            return Ok(told);
        }
        let runtime = runtime_directory().unwrap_or_else(|| "/tmp".into());
        let directory = runtime.join(format!("fedag-{:016x}", clock::random_u64()));
        make_private_directory(&directory).map_err(|error| io_error(&directory, "made", error))?;
        let socket = directory.join("control.sock");
        debug!(socket = %socket.display(), "the data directory's path is too long for a socket");
        let text = format!("{}\n{}\n", socket.display(), self.path().display());
        files::replace(&self.path().join("control.path"), text.as_bytes())?;
        Ok(socket)
    }

    fn told_socket(&self) -> Result<Option<PathBuf>, Error> {
        let Some(bytes) = files::read_bounded(&self.path().join("control.path"))? else {
            return Ok(None);
        };
        let text = String::from_utf8_lossy(&bytes);
        let mut lines = text.lines();
        let (Some(socket), Some(directory)) = (lines.next(), lines.next()) else {
            return Ok(None);
        };
        let is_of_this = directory == self.path().display().to_string() && fits(Path::new(socket));
        Ok(is_of_this.then(|| socket.into()))
    }
}

/// Makes a directory with mode 0700; anything that is there already, by whomever, is an error.
fn make_private_directory(path: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Returns whether a socket's address holds the path.
fn fits(path: &Path) -> bool {
    path.as_os_str().len() <= SOCKET_PATH_BYTES_MAX
}

/// The first of `$XDG_RUNTIME_DIR` and the directory for temporary files where a socket's path fits.
fn runtime_directory() -> Option<PathBuf> {
    let told = std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute() && path.is_dir());
    let room = "/fedag-0123456789abcdef/control.sock".len();
    told.into_iter()
        .chain([std::env::temp_dir()])
        .find(|path| path.as_os_str().len() + room <= SOCKET_PATH_BYTES_MAX)
}

/// Returns whether `directory` is a real one, of the owner of `like`, and closed to others.
#[cfg(unix)]
fn is_private(directory: &Path, like: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(found), Ok(like)) = (fs::symlink_metadata(directory), fs::metadata(like)) else {
        return false;
    };
    found.is_dir() && found.uid() == like.uid() && found.mode().trailing_zeros() >= 6
}

#[cfg(not(unix))]
fn is_private(directory: &Path, _like: &Path) -> bool {
    directory.is_dir()
}
