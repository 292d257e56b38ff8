//! A replicated event log without a server.
//!
//! Every machine holds the whole DAG of events from a common root R. Any machine creates events at
//! any time, alone or cut off; events replicate to all others; when the world stops and
//! replication finishes, every machine holds the identical DAG, and the program proves it with a
//! digest.
//!
//! The crate is one loop around one pure state machine:
//!
//! ```text
//! bytes --wire--> Input --machine--> Effects --node--> store, net, tui
//!                 ^                                     |
//!                 +------------- results ---------------+
//! ```
//!
//! Start reading at [`machine::Machine`], then [`event`], [`dag`] and [`sync`]. The shell that does
//! what the machine asks for is [`node`]; `ARCHITECTURE.md` has the map.

pub mod caught;
pub mod cli;
pub mod control;
pub mod dag;
pub mod demo;
pub mod event;
pub mod gossip;
pub mod limits;
pub mod machine;
pub mod mutant;
pub mod net;
pub mod node;
pub mod sim;
pub mod store;
pub mod sync;
pub mod time;
pub mod tui;
pub mod wire;
