//! What a node needs besides its data: time, randomness, threads, sockets.
//!
//! All that makes one run differ from the next comes in here. A real node has the real ones; in virtual time each is somebody
//! else's, and the same seed does the same again.

use std::fmt::Debug;
use std::sync::Arc;

use crate::machine::effect::{Effect, When};
use crate::machine::input::Input;
use crate::net::patience::Patience;
use crate::net::sockets::Sockets;
use crate::net::workers::Workers;
use crate::node::clock::{Clock, Random};
use crate::time::Time;

/// What is around a node.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Started just now.
    pub clock: Clock,
    /// For keys, seeds and start numbers.
    pub random: Random,
    /// Where work that blocks runs, and the driver and the store.
    pub workers: Workers,
    /// The network's.
    pub sockets: Sockets,
    /// After how much silence a peer is gone.
    pub patience: Patience,
    /// Is told every step; None: nobody looks.
    pub recorder: Option<Arc<dyn Recorder>>,
}

impl Surroundings {
    /// The real ones.
    pub fn real() -> Self {
        Self {
            clock: Clock::start(),
            random: Random::system(),
            workers: Workers::Threads,
            sockets: Sockets::Udp,
            patience: Patience::default(),
            recorder: None,
        }
    }
}

/// Looks on while a machine runs.
pub trait Recorder: Debug + Send + Sync {
    /// The machine handled `input` at `now`, and asked for `effects`. Called by the driver, before it performs them.
    fn on_step(&self, now: Time, input: &Input, effects: &[(When, Effect)]);
}
