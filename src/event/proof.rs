//! Signatures of many events at once.
//!
//! Invariant: whether a claim holds never depends on the claims beside it. ZIP 215 accepts the same set
//! singly and in batches; when a batch does not hold, smaller ones and at last each claim by itself are
//! tried.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::convert::Infallible;

use ed25519_zebra::VerificationKeyBytes;
use ed25519_zebra::batch::{Item, Verifier};
use rand::{TryCryptoRng, TryRng};
use sha2::{Digest, Sha256};

use crate::event::id::EventDigest;
use crate::event::key::{MachineId, Signature};
use crate::limits::{VERIFY_BATCH, VERIFY_GROUP};

/// A signature that claims to hold over a message, the message already hashed.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    item: Item,
    /// Names key, message and signature.
    digest: EventDigest,
}

impl Claim {
    /// `digest` is that of the event, which contains `machine`, `sig` and the rest of `message`.
    pub(super) fn new(
        machine: MachineId,
        sig: Signature,
        message: &[u8],
        digest: EventDigest,
    ) -> Self {
        let signature = ed25519_zebra::Signature::from(sig.0);
        Self {
            item: Item::from((VerificationKeyBytes::from(machine.0), signature, message)),
            digest,
        }
    }

    /// Returns whether it holds. Cost: about 38 us.
    pub(super) fn holds(&self) -> bool {
        self.item.clone().verify_single().is_ok()
    }
}

/// Returns of each claim whether it holds. Cost: 8-10 us a claim in full batches that hold.
pub(super) fn holding(claims: &[&Claim]) -> Vec<bool> {
    let mut holding = Vec::with_capacity(claims.len());
    for batch in claims.chunks(VERIFY_BATCH) {
        if all_hold(batch) {
            holding.extend(batch.iter().map(|_| true));
            continue;
        }
        for group in batch.chunks(VERIFY_GROUP) {
            let is_good = batch.len() > group.len() && all_hold(group);
            holding.extend(group.iter().map(|claim| is_good || claim.holds()));
        }
    }
    holding
}

/// Returns whether all claims hold.
fn all_hold(claims: &[&Claim]) -> bool {
    if let [claim] = claims {
        return claim.holds();
    }
    let mut verifier = Verifier::new();
    for claim in claims {
        verifier.queue(claim.item.clone());
    }
    verifier.verify(Coefficients::of(claims)).is_ok()
}

/// The factors by which a batch is added up: who makes the signatures must not know them before.
///
/// They are SHA-256 of all that is in the batch (and a counter), so a liar who chooses the batch can
/// only try one set of factors for each batch, out of 2^128, and the outcome can be repeated without a
/// source of randomness. As in Fiat and Shamir (1986).
struct Coefficients {
    seed: Sha256,
    counter: u64,
}

impl Coefficients {
    fn of(claims: &[&Claim]) -> Self {
        let mut hash = Sha256::new().chain_update(b"fedag batch v1\n");
        for claim in claims {
            hash.update(claim.digest.0);
        }
        Self {
            seed: Sha256::new().chain_update(hash.finalize()),
            counter: 0,
        }
    }
}

impl TryRng for Coefficients {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for part in out.chunks_mut(32) {
            let block = self
                .seed
                .clone()
                .chain_update(self.counter.to_le_bytes())
                .finalize();
            self.counter += 1;
            part.copy_from_slice(&block[..part.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for Coefficients {}
