//! Which parents a new event gets: all leaves, or, above the network's cap, a mix that never starves a leaf.
//!
//! Newest-only lets old leaves pile up for thousands of events; random-only lets more leaves stand than there are
//! writers when delays are heavy-tailed; half and half does neither.
//!
//! Source: design by measurement; see docs/trade-offs.md.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::cmp::Reverse;

use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;
use sha2::{Digest, Sha256};

use crate::dag::Dag;
use crate::event::id::EventId;
use crate::event::key::MachineId;
use crate::mutant::{self, Mutant};

impl Dag {
    /// Parents for the event `seq` of `machine`: all leaves while there are at most `parents_max`. Above: the machine's own
    /// last event (leaf or not), then the newest leaves by height up to half, the rest drawn by a PCG generator
    /// seeded with (machine, seq). Sorted, unique. Cost: O(leaves).
    pub fn parents_for(&self, machine: MachineId, seq: u64) -> Vec<EventId> {
        let cap = self.rules().parents_max as usize;
        if self.leaves.len() <= cap {
            let all = if mutant::is(Mutant::OneParent) {
                1
            } else {
                cap
            };
            return self.leaves().take(all).collect();
        }
        let own_last = self
            .last_of(machine)
            .filter(|_| !mutant::is(Mutant::CapWithoutOwn));
        let others = self.leaves.iter().filter(|(_, at)| Some(**at) != own_last);
        let mut others: Vec<_> = others.map(|(id, at)| (self.height(*at), *id)).collect();
        let mut parents: Vec<_> = own_last.map(|at| self.id(at)).into_iter().collect();

        let newest = (cap / 2).saturating_sub(parents.len());
        if newest > 0 {
            others.select_nth_unstable_by_key(newest - 1, |leaf| Reverse(*leaf));
        }
        parents.extend(others.drain(..newest).map(|(_, id)| id));

        // The partition left them in no order that is promised.
        others.sort_unstable();
        let mut random = generator(machine, seq);
        let drawn = cap - parents.len();
        for at in 0..drawn {
            let left = others.len() - at;
            others.swap(at, at + below(&mut random, left));
        }
        parents.extend(others.drain(..drawn).map(|(_, id)| id));
        parents.sort_unstable();
        parents
    }
}

/// The generator for the event `seq` of `machine`.
fn generator(machine: MachineId, seq: u64) -> Pcg64Mcg {
    let mut hash = Sha256::new();
    hash.update(b"fedag parents v1");
    hash.update(machine.0);
    hash.update(seq.to_be_bytes());
    let hash: [u8; 32] = hash.finalize().into();
    let mut seed = [0; 16];
    seed.copy_from_slice(&hash[..16]);
    Pcg64Mcg::from_seed(seed)
}

/// A number below `end`, the same on every platform. The bias is below `end` / 2^64.
fn below(random: &mut Pcg64Mcg, end: usize) -> usize {
    let wide = u128::from(random.next_u64()) * (end as u128);
    usize::try_from(wide >> 64).expect("it is below `end`")
}

#[cfg(test)]
mod tests;
