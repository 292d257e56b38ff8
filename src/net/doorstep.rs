//! Who stands at the door: connections that are being greeted, by address, so that one address cannot fill all places.
//!
//! Invariant: no more than `limits::HALF_OPEN_ADDRESS_MAX` places for one address; none is kept with no place taken.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::limits::HALF_OPEN_ADDRESS_MAX;

/// Places taken, by address.
#[derive(Clone, Debug, Default)]
pub(super) struct Doorstep(Arc<Mutex<BTreeMap<u64, usize>>>);

/// A place; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Place {
    doorstep: Doorstep,
    address: u64,
}

impl Doorstep {
    /// Takes a place for an address that the other side has shown to be its own. None: it has as many as it may.
    pub(super) fn step_on(&self, address: IpAddr) -> Option<Place> {
        let address = block(address);
        let mut taken = self.taken();
        let count = taken.entry(address).or_default();
        if *count >= HALF_OPEN_ADDRESS_MAX {
            return None;
        }
        *count += 1;
        Some(Place {
            doorstep: self.clone(),
            address,
        })
    }

    fn taken(&self) -> MutexGuard<'_, BTreeMap<u64, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.doorstep.taken();
        if let Some(count) = taken.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

/// What one household has: an IPv4 address, or a /64 of IPv6. That two of them share a number does no harm worth a longer one.
fn block(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(four) => u32::from(four).into(),
        IpAddr::V6(six) => u64::try_from(u128::from(six) >> 64).expect("64 bits are left"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_so_many_places_and_gets_them_back() {
        let doorstep = Doorstep::default();
        let (one, two) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let places: Vec<_> = (0..HALF_OPEN_ADDRESS_MAX)
            .map(|_| doorstep.step_on(one).unwrap())
            .collect();
        assert!(doorstep.step_on(one).is_none());
        assert!(doorstep.step_on(two).is_some());
        drop(places);
        assert!(doorstep.taken().is_empty());
        assert!(doorstep.step_on(one).is_some());
    }

    #[test]
    fn a_64_of_ipv6_is_one_address_and_a_mapped_one_is_ipv4() {
        let six = |text: &str| block(text.parse().unwrap());
        assert_eq!(six("2001:db8::1"), six("2001:db8::ffff:2"));
        assert_ne!(six("2001:db8::1"), six("2001:db8:0:1::1"));
        assert_eq!(six("::ffff:10.0.0.1"), block([10, 0, 0, 1].into()));
    }
}
