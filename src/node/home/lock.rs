//! The lock of the data directory: one process works there.
//!
//! It is a lock of the operating system on the file `lock`, so it goes with the process, however that ends. The number of the process
//! in the file is only for people.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::time::Duration;

use crate::limits::LOCK_POLL;
use crate::node::clock::Clock;
use crate::node::home::{Error, Home, files, io_error};

/// Holds the lock; dropping it, or the end of the process, gives it back.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Home {
    /// Takes the lock, or tells who has it.
    ///
    /// # Errors
    /// [`Error::InUse`], [`Error::Io`].
    pub fn lock(&self) -> Result<Lock, Error> {
        let path = self.lock_path();
        let failed = |source| io_error(&path, "locked", source);
        let mut file = files::open_private(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // The number is only for people; without it the error is told all the same.
                let read = (&mut file).take(16).read_to_string(&mut text);
                let pid = read.ok().and_then(|_| text.trim().parse().ok());
                return Err(Error::InUse {
                    path: self.path().into(),
                    pid,
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(Lock { _file: file })
    }

    /// Takes the lock as soon as it is free, within `wait`. Blocks the thread, and looks every `limits::LOCK_POLL`.
    ///
    /// # Errors
    /// [`Error::InUse`] when it was never free, [`Error::Io`].
    pub fn lock_within(&self, wait: Duration, clock: &Clock) -> Result<Lock, Error> {
        let until = clock.now() + wait;
        loop {
            let left = until.since(clock.now());
            match self.lock() {
                Err(Error::InUse { .. }) if !left.is_zero() => {
                    std::thread::sleep(LOCK_POLL.min(left));
                }
                result => return result,
            }
        }
    }
}
