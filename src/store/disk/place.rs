//! Where a store's database is, and what is done to its file as a file.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use redb::{Database, DatabaseError, StorageBackend};

/// First bytes of every redb file (redb, docs/design.md, "magic number").
const MAGIC: &[u8] = b"redb\x1a\x0a\xa9\x0d\x0a";

/// Opens the database, or begins it where there is nothing.
type OpenDatabase = dyn Fn(&redb::Builder) -> Result<Database, DatabaseError> + Send + Sync;

/// Where the database is.
pub(crate) struct Place {
    /// Opens it, or begins it where there is nothing.
    pub(crate) open: Box<OpenDatabase>,
    /// Its bytes.
    pub(crate) size: Box<dyn Fn() -> io::Result<u64> + Send + Sync>,
}

impl Place {
    /// A file with a database in it.
    pub(crate) fn file(path: &Path) -> Self {
        let (opened, measured): (PathBuf, PathBuf) = (path.into(), path.into());
        Self {
            open: Box::new(move |builder| builder.open(&opened)),
            size: Box::new(move || Ok(measured.metadata()?.len())),
        }
    }

    /// An empty file.
    pub(crate) fn empty_file(path: &Path) -> Self {
        let created: PathBuf = path.into();
        Self {
            open: Box::new(move |builder| builder.create(&created)),
            ..Self::file(path)
        }
    }

    /// Any storage; `open` is called each time the database is opened.
    pub(crate) fn backend<B: StorageBackend>(
        open: impl Fn() -> io::Result<B> + Send + Sync + 'static,
    ) -> Self {
        let open = std::sync::Arc::new(open);
        let measured = std::sync::Arc::clone(&open);
        Self {
            open: Box::new(move |builder| builder.create_with_backend(open()?)),
            size: Box::new(move || measured()?.len()),
        }
    }
}

/// `path` with `ending` behind its name.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Makes an empty file with mode 0600; there must be none.
pub(crate) fn new_file(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.sync_all()
}

/// Makes a rename to `of` durable.
pub(crate) fn sync_directory(of: &Path) -> io::Result<()> {
    match of.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => File::open(directory)?.sync_all(),
        Some(_) | None => File::open(".")?.sync_all(),
    }
}

/// Looks at the first bytes. Err(Ok): why it is no store, with a leading separator; Err(Err): it cannot be read.
pub(crate) fn check_magic(path: &Path) -> Result<(), Result<&'static str, io::Error>> {
    let file = File::open(path).map_err(Err)?;
    if file.metadata().map_err(Err)?.is_dir() {
        return Err(Ok(": it is a directory"));
    }
    let mut first = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, MAGIC.len() as u64), &mut first)
        .map_err(Err)?;
    match first.as_slice() {
        MAGIC => Ok(()),
        [] => Err(Ok(": it is empty")),
        _ => Err(Ok(": it does not begin like one")),
    }
}
