//! The only reader of real time and of the operating system's randomness.
//!
//! At the edge of the loop: the driver takes from here what it hands to the machine.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rand::TryRng;
use rand::rngs::SysRng;

use crate::event::wall::WallTime;
use crate::limits::TIME_MS_MAX;
use crate::time::Time;

/// A clock that counts from its own start. Copies count from the same start.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// Microseconds since the start; never goes backwards.
    pub fn now(&self) -> Time {
        Time(u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// The wall clock; a clock set before 1970 or after 9999 gives the nearest time that an event may have.
    pub fn wall(&self) -> WallTime {
        wall_time(SystemTime::now())
    }
}

/// 32 bytes from the operating system's generator, for a key.
///
/// # Panics
/// When the generator fails: a key must not be made of anything else.
pub fn random_seed() -> [u8; 32] {
    let mut seed = [0; 32];
    SysRng
        .try_fill_bytes(&mut seed)
        .expect("the operating system's random generator works");
    seed
}

/// A number from the operating system's generator, for a seed or a start number.
///
/// # Panics
/// When the generator fails.
pub fn random_u64() -> u64 {
    SysRng
        .try_next_u64()
        .expect("the operating system's random generator works")
}

fn wall_time(now: SystemTime) -> WallTime {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let ms = u64::try_from(since.as_millis())
        .unwrap_or(u64::MAX)
        .min(TIME_MS_MAX);
    WallTime::from_ms(ms).expect("it is not after the bound")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_clock_never_goes_backwards() {
        let clock = Clock::start();
        let mut last = clock.now();
        for _ in 0..1000 {
            let now = clock.now();
            assert!(now >= last);
            last = now;
        }
    }

    #[test]
    fn a_wall_clock_out_of_range_gives_the_nearest_time() {
        assert_eq!(
            wall_time(UNIX_EPOCH + Duration::from_millis(1234)).ms(),
            1234
        );
        assert_eq!(wall_time(UNIX_EPOCH - Duration::from_secs(9)).ms(), 0);
        assert_eq!(
            wall_time(UNIX_EPOCH + Duration::from_secs(400_000_000_000)).ms(),
            TIME_MS_MAX
        );
    }

    #[test]
    fn two_seeds_differ() {
        assert_ne!(random_seed(), random_seed());
        assert_ne!(random_u64(), random_u64());
    }
}
