//! The store of a running node, which tells when it is closed.
//!
//! The count of an `Arc` falls to none before what it holds is dropped, and dropping a database takes its time. Who ends the
//! node must wait for that: another process may open the file only then.
//!
//! Invariant: the sender is dropped after the store.

use std::convert::Infallible;

use tokio::sync::mpsc;

use crate::event::index::{Arrival, Index};
use crate::store::{Error, Record, Store};

/// A store, and what is dropped just after it.
#[derive(Debug)]
pub(crate) struct Closing<S> {
    store: S,
    _open: mpsc::Sender<Infallible>,
}

impl<S> Closing<S> {
    /// Of a store that nobody else holds; and where it shows when it is closed: the channel ends.
    pub(crate) fn new(store: S) -> (Self, mpsc::Receiver<Infallible>) {
        let (open, closed) = mpsc::channel(1);
        let closing = Self { store, _open: open };
        (closing, closed)
    }
}

impl<S: Store> Store for Closing<S> {
    fn index(&self) -> Result<Index, Error> {
        self.store.index()
    }

    fn append(&self, batch: &[Record]) -> Result<(), Error> {
        self.store.append(batch)
    }

    fn read(&self, at: Arrival) -> Result<Vec<u8>, Error> {
        self.store.read(at)
    }

    fn read_range(
        &self,
        from: Arrival,
        up_to: Arrival,
        bytes_max: usize,
    ) -> Result<Vec<Vec<u8>>, Error> {
        self.store.read_range(from, up_to, bytes_max)
    }

    fn repair(&self, at: Arrival, bytes: &[u8]) -> Result<(), Error> {
        self.store.repair(at, bytes)
    }

    fn size_bytes(&self) -> u64 {
        self.store.size_bytes()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    /// Takes its time to close.
    struct Slow(Arc<AtomicBool>);

    impl Drop for Slow {
        fn drop(&mut self) {
            for _ in 0..10_000 {
                std::thread::yield_now();
            }
            self.0.store(true, Ordering::SeqCst);
        }
    }

    #[test]
    fn it_is_told_after_the_store_is_closed() {
        let is_closed = Arc::new(AtomicBool::new(false));
        let (closing, mut closed) = Closing::new(Slow(Arc::clone(&is_closed)));
        let dropping = std::thread::spawn(move || drop(closing));
        assert!(closed.blocking_recv().is_none());
        assert!(is_closed.load(Ordering::SeqCst));
        dropping.join().unwrap();
    }
}
