//! Where work that blocks or takes long runs.
//!
//! The one place that starts threads for the network and a running node. In virtual time no thread may work: the clock would
//! not wait for it, and what it does would come in another order in every run. There the same work runs inline, as a task
//! of the runtime. Only the small files of a data directory are on threads in any case: a node in virtual time has none.
//!
//! Invariant: work that panics is told to who waits for it, either way, and ends nobody else.

use std::future::Future;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Where work that blocks or takes long runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Workers {
    /// On threads, beside the runtime's own.
    #[default]
    Threads,
    /// In tasks of the runtime, which must have one thread alone: for virtual time.
    Inline,
}

impl Workers {
    /// How much of such work makes sense at a time.
    pub fn count(self) -> usize {
        match self {
            Self::Threads => std::thread::available_parallelism().map_or(1, usize::from),
            Self::Inline => 1,
        }
    }

    /// Begins a piece of work. Must be called in a tokio runtime.
    pub fn spawn<T, F>(self, work: F) -> JoinHandle<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        match self {
            Self::Threads => tokio::task::spawn_blocking(work),
            Self::Inline => tokio::spawn(async move { work() }),
        }
    }

    /// Begins to send what `next` gives, one ahead of who takes it, until it gives nothing or nobody listens. Must be called
    /// in a tokio runtime.
    pub fn feed<T, F>(self, to: mpsc::Sender<T>, mut next: F)
    where
        T: Send + 'static,
        F: FnMut() -> Option<T> + Send + 'static,
    {
        match self {
            Self::Threads => drop(tokio::task::spawn_blocking(move || {
                while let Some(item) = next() {
                    if to.blocking_send(item).is_err() {
                        return;
                    }
                }
            })),
            Self::Inline => drop(tokio::spawn(async move {
                while let Some(item) = next() {
                    if to.send(item).await.is_err() {
                        return;
                    }
                }
            })),
        }
    }

    /// Begins what goes on for as long as a node does, and may block in between. Must be called in a tokio runtime.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn begin<F>(self, name: &str, work: F) -> std::io::Result<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        match self {
            Self::Threads => {
                let runtime = Handle::current();
                std::thread::Builder::new()
                    .name(name.to_owned())
                    .spawn(move || runtime.block_on(work))?;
            }
            Self::Inline => drop(tokio::spawn(work)),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[tokio::test]
    async fn inline_work_stays_on_the_thread_of_the_runtime() {
        let here = thread::current().id();
        let there = |workers: Workers| workers.spawn(|| thread::current().id());
        assert_eq!(there(Workers::Inline).await.unwrap(), here);
        assert_ne!(there(Workers::Threads).await.unwrap(), here);
        for workers in [Workers::Inline, Workers::Threads] {
            let (tell, told) = tokio::sync::oneshot::channel();
            let work = async move { tell.send(thread::current().id()).unwrap() };
            workers.begin("fedag-test", work).unwrap();
            assert_eq!(told.await.unwrap() == here, workers == Workers::Inline);
        }
    }

    #[tokio::test]
    async fn what_is_fed_comes_in_order_and_ends() {
        for workers in [Workers::Inline, Workers::Threads] {
            let (to, mut from) = mpsc::channel(1);
            let mut numbers = 0..5;
            workers.feed(to, move || numbers.next());
            let mut taken = Vec::new();
            while let Some(number) = from.recv().await {
                taken.push(number);
            }
            assert_eq!(taken, [0, 1, 2, 3, 4]);
        }
    }

    #[tokio::test]
    async fn a_panic_is_told_to_who_waits() {
        for workers in [Workers::Inline, Workers::Threads] {
            let outcome = workers.spawn(move || assert!(workers.count() == 0)).await;
            assert!(outcome.unwrap_err().is_panic());
        }
    }
}
