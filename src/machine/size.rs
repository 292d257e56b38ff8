//! How much a machine keeps. Reads only.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::dag::Dag;
use crate::event::id::EventId;
use crate::event::key::MachineId;
use crate::gossip::view::Entry;
use crate::machine::Machine;
use crate::machine::peers::Peer;

/// An event that was asked for, in three trees.
const WANTED_BYTES: usize =
    2 * size_of::<EventId>() + 2 * size_of::<MachineId>() + 3 * size_of::<EventId>();

/// Counts of what a machine keeps, each bounded in `limits`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Connected peers.
    pub peers: usize,
    /// Machines in the address book.
    pub book: usize,
    /// Events that were asked for.
    pub wanted: usize,
    /// Events that wait for a dependency.
    pub pending: usize,
    /// Bytes of memory, about: the machine itself, its DAG, peers with the heads that they told, book, and what it asked for. Tree
    /// nodes are taken as half full. Not counted: pending events, which are zero when nothing is missing, a session under way (a
    /// HELLO, and while it looks for what to send one bit an event), heads told as changes, and what an allocator adds.
    pub bytes: usize,
}

impl Machine {
    /// How much it keeps. Cost: O(peers + book).
    pub fn size(&self) -> Size {
        let (peers, wanted) = (self.peers.len(), self.wanted.len());
        let heads = self.peers.values().filter_map(|peer| peer.heard.as_ref());
        let heads: usize = heads.map(|heads| heads.ids.capacity()).sum();
        let addresses = self.book.entries();
        let addresses: usize = addresses.map(|(_, entry)| entry.addresses().len()).sum();
        let book = self.book.entries().count();
        let of_peers = peers * 2 * size_of::<(MachineId, Peer)>() + heads * size_of::<EventId>();
        let of_book = book * 2 * size_of::<(MachineId, Entry)>()
            + addresses * size_of::<std::net::SocketAddr>();
        let of_wanted = wanted * 2 * WANTED_BYTES;
        let own = size_of::<Self>() - size_of::<Dag>();
        Size {
            peers,
            book,
            wanted,
            pending: self.pending.len(),
            bytes: own + self.dag.memory_bytes() + of_peers + of_book + of_wanted,
        }
    }
}
