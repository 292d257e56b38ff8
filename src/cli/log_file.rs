//! The log under the terminal UI: `fedag.log` in the data directory, at most twice `limits::LOG_BYTES_MAX` with the one before.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tracing_appender::non_blocking::WorkerGuard;

use crate::cli::run::filter;
use crate::limits::LOG_BYTES_MAX;
use crate::node::home::Home;

/// Logs there while the screen is up, until the guard is dropped.
///
/// # Errors
/// As told by the system.
pub(super) fn log_to_file(home: &Home) -> anyhow::Result<WorkerGuard> {
    let path = home.log_path();
    let file = LogFile::open(path.clone(), LOG_BYTES_MAX)
        .with_context(|| format!("opening the log at {}", path.display()))?;
    let (writer, guard) = tracing_appender::non_blocking(file);
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter())
        .with_writer(writer)
        .with_ansi(false);
    // A second call in one process, as after a join, finds the first one at work.
    drop(subscriber.with_target(false).try_init());
    Ok(guard)
}

/// A log of bounded length: full, it becomes the one before, and a new one begins.
#[derive(Debug)]
struct LogFile {
    path: PathBuf,
    file: File,
    bytes: u64,
    bytes_max: u64,
}

impl LogFile {
    /// Goes on at the end of the log that is there.
    fn open(path: PathBuf, bytes_max: u64) -> io::Result<Self> {
        let file = append_to(&path)?;
        let bytes = file.metadata()?.len();
        Ok(Self {
            path,
            file,
            bytes,
            bytes_max,
        })
    }

    fn turn_over(&mut self) -> io::Result<()> {
        let mut before = self.path.clone().into_os_string();
        before.push(".1");
        std::fs::rename(&self.path, before)?;
        self.file = append_to(&self.path)?;
        self.bytes = 0;
        Ok(())
    }
}

impl Write for LogFile {
    /// Writes a line whole; one that does not fit any more begins a new log.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let length = line.len() as u64;
        if self.bytes > 0 && self.bytes + length > self.bytes_max {
            self.turn_over()?;
        }
        self.file.write_all(line)?;
        self.bytes += length;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Opens a log to write at its end; a new one has mode 0600.
fn append_to(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.create(true).append(true).mode(0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_log_is_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = append_to(&dir.path().join("fedag.log")).unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn the_log_does_not_grow_without_bound() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fedag.log");
        let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
        for start in [0, 50] {
            // Started anew, it goes on with what is there.
            let mut log = LogFile::open(path.clone(), 100).unwrap();
            for n in start..start + 50 {
                writeln!(log, "line number {n:03}").unwrap();
            }
        }
        assert_eq!(read("fedag.log").lines().last(), Some("line number 099"));
        let (now, before) = (read("fedag.log"), read("fedag.log.1"));
        assert!(now.len() <= 100 && before.len() <= 100);
        let all: Vec<_> = before.lines().chain(now.lines()).collect();
        assert!(all.len() > 6, "{all:?}");
        assert!(all.is_sorted() && all.iter().all(|line| line.len() == 15));
        let files = std::fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(files, 2);
    }

    #[test]
    fn a_line_longer_than_the_bound_is_written_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fedag.log");
        let mut log = LogFile::open(path.clone(), 10).unwrap();
        for _ in 0..3 {
            log.write_all(&[b'x'; 50]).unwrap();
        }
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 50);
    }
}
