//! What is to happen, in order of virtual time; of equal times, in the order in which it was planned.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::sim::links::Host;
use crate::sync::message::SessionId;
use crate::time::Time;
use crate::wire::Message;

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) at: Time,
    pub(super) number: u64,
    pub(super) what: What,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.number) == (other.at, other.number)
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

#[derive(Debug)]
pub(super) enum What {
    Deliver {
        from: Host,
        to: Host,
        connection: u64,
        message: Message,
    },
    Streamed {
        from: Host,
        to: Host,
        connection: u64,
        session: SessionId,
    },
    Commit {
        host: Host,
        life: u32,
    },
    Dial {
        from: Host,
        to: Host,
    },
    Wakeup {
        host: Host,
    },
}
