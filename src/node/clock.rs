//! The only reader of real time and of the operating system's randomness.
//!
//! At the edge of the loop: the driver takes from here what it hands to the machine. In virtual time both are somebody else's:
//! see [`crate::node::surroundings`].

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::TryRng;
use rand::rngs::SysRng;
use tokio::time::Instant;

use crate::event::wall::WallTime;
use crate::limits::TIME_MS_MAX;
use crate::time::Time;

/// A clock that counts from its own start. Copies count from the same start.
///
/// It goes with the runtime's time, which is the real one unless the runtime was made to pause it.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    wall: Wall,
}

/// What the wall clock says.
#[derive(Clone, Copy, Debug)]
enum Wall {
    /// What the operating system says.
    System,
    /// This at the start.
    Going(WallTime),
    /// This at all times.
    Standing(WallTime),
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Self {
        Self {
            start: Instant::now(),
            wall: Wall::System,
        }
    }

    /// A clock that starts now, with a wall clock of its own that says `wall` now.
    pub fn start_at(wall: WallTime) -> Self {
        Self {
            start: Instant::now(),
            wall: Wall::Going(wall),
        }
    }

    /// A clock that starts now, with a wall clock that stands still: events made again are the same events.
    pub fn standing_at(wall: WallTime) -> Self {
        Self {
            start: Instant::now(),
            wall: Wall::Standing(wall),
        }
    }

    /// Microseconds since the start; never goes backwards.
    pub fn now(&self) -> Time {
        Time(u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// The wall clock; a clock set before 1970 or after 9999 gives the nearest time that an event may have.
    pub fn wall(&self) -> WallTime {
        match self.wall {
            Wall::System => wall_time(SystemTime::now()),
            Wall::Standing(wall) => wall,
            Wall::Going(wall) => {
                wall_time(UNIX_EPOCH + Duration::from_millis(wall.ms()) + self.start.elapsed())
            }
        }
    }
}

/// Where a node's random bytes come from.
#[derive(Clone)]
pub struct Random(Arc<dyn Fn() -> [u8; 32] + Send + Sync>);

impl Random {
    /// The operating system's generator.
    pub fn system() -> Self {
        Self(Arc::new(random_seed))
    }

    /// Others, for a run that can be repeated. Whoever knows them knows the secrets that are made of them.
    pub fn of(bytes: impl Fn() -> [u8; 32] + Send + Sync + 'static) -> Self {
        Self(Arc::new(bytes))
    }

    /// 32 bytes, for a key.
    pub fn seed(&self) -> [u8; 32] {
        (self.0)()
    }

    /// A number, for a seed or a start number.
    pub fn number(&self) -> u64 {
        let eight = self.seed().into_iter().take(8);
        eight.fold(0, |number, byte| number << 8 | u64::from(byte))
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
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

/// A number from the operating system's generator, for a name that nobody guesses.
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

    #[tokio::test(start_paused = true)]
    async fn a_clock_goes_with_the_time_of_the_runtime() {
        let clock = Clock::start_at(WallTime::from_ms(5_000).unwrap());
        assert_eq!((clock.now(), clock.wall().ms()), (Time(0), 5_000));
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!((clock.now(), clock.wall().ms()), (Time(60_000_000), 65_000));
        let clock = Clock::standing_at(WallTime::from_ms(5_000).unwrap());
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!((clock.now(), clock.wall().ms()), (Time(60_000_000), 5_000));
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
        let random = Random::system();
        assert_ne!(random.seed(), random.seed());
        assert_ne!(random.number(), random.number());
    }
}
