//! An author's clock: shown, never used for order or validity.
//!
//! Source: RFC 3339 for the form; days and dates by counting years from 1 March, so that the leap day comes last.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt;

use crate::limits::TIME_MS_MAX;

/// Characters of the form `2026-11-22T08:03:00.123Z`.
const LENGTH: usize = 24;
/// Days of 400 years, after which the calendar repeats.
const ERA_DAYS: u64 = 146_097;
/// Days from 1 March of the year 0 to 1 January 1970.
const EPOCH_DAYS: u64 = 719_468;
/// Milliseconds of a day.
const DAY_MS: u64 = 86_400_000;

/// Milliseconds since 1970, at most `limits::TIME_MS_MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallTime(u64);

impl WallTime {
    /// None: after the year 9999.
    pub fn from_ms(ms: u64) -> Option<Self> {
        (ms <= TIME_MS_MAX).then_some(Self(ms))
    }

    /// Milliseconds since 1970.
    pub fn ms(self) -> u64 {
        self.0
    }

    /// Reads the one form that [`fmt::Display`] writes; anything else is None.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: &[u8; LENGTH] = text.as_bytes().try_into().ok()?;
        let number = |from: usize, length: usize| {
            bytes[from..from + length]
                .iter()
                .try_fold(0u64, |number, byte| {
                    byte.is_ascii_digit()
                        .then(|| number * 10 + u64::from(byte - b'0'))
                })
        };
        let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
        let (hour, minute, second, milli) = (
            number(11, 2)?,
            number(14, 2)?,
            number(17, 2)?,
            number(20, 3)?,
        );
        if !(1..=12).contains(&month) || day == 0 {
            return None;
        }
        let days = days_of(year, month, day).checked_sub(EPOCH_DAYS)?;
        let time =
            Self::from_ms(days * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000 + milli)?;
        // What is out of range (30 February, 24:00) or wrongly punctuated is not what is written back.
        (time.to_ascii() == *bytes).then_some(time)
    }

    /// The form that [`fmt::Display`] writes.
    pub(crate) fn to_ascii(self) -> [u8; LENGTH] {
        let (year, month, day) = date_of(self.0 / DAY_MS + EPOCH_DAYS);
        let ms = self.0 % DAY_MS;
        let mut out = *b"0000-00-00T00:00:00.000Z";
        put(&mut out[0..4], year);
        put(&mut out[5..7], month);
        put(&mut out[8..10], day);
        put(&mut out[11..13], ms / 3_600_000);
        put(&mut out[14..16], ms / 60_000 % 60);
        put(&mut out[17..19], ms / 1000 % 60);
        put(&mut out[20..23], ms % 1000);
        out
    }
}

impl fmt::Display for WallTime {
    /// RFC 3339, UTC, milliseconds: `2026-11-22T08:03:00.123Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.to_ascii()).expect("digits and punctuation are ASCII"))
    }
}

/// Writes the last digits of `number` over `digits`.
fn put(digits: &mut [u8], mut number: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).expect("a digit is below 10");
        number /= 10;
    }
}

/// Days from 1 March of the year 0 to a date; January and February belong to the year before.
fn days_of(year: u64, month: u64, day: u64) -> u64 {
    let march_year = if month < 3 {
        year.saturating_sub(1)
    } else {
        year
    };
    let leap_days = march_year / 4 - march_year / 100 + march_year / 400;
    march_year * 365 + leap_days + days_before((month + 9) % 12) + day - 1
}

/// Days before the month `from_march` (0: March), in a year that begins with March.
fn days_before(from_march: u64) -> u64 {
    // 31, 30, 31, 30, 31 and again: 153 days in five months.
    (153 * from_march + 2) / 5
}

/// Year, month and day, so many days after 1 March of the year 0.
fn date_of(days: u64) -> (u64, u64, u64) {
    let (era, in_era) = (days / ERA_DAYS, days % ERA_DAYS);
    let year_in_era = (in_era - in_era / 1460 + in_era / 36_524 - in_era / (ERA_DAYS - 1)) / 365;
    let in_year = in_era - (year_in_era * 365 + year_in_era / 4 - year_in_era / 100);
    let from_march = (5 * in_year + 2) / 153;
    let day = in_year - days_before(from_march) + 1;
    let month = (from_march + 2) % 12 + 1;
    let year = era * 400 + year_in_era + u64::from(month < 3);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times_have_their_form() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_795_334_580_123, "2026-11-22T08:03:00.123Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (TIME_MS_MAX, "9999-12-31T23:59:59.999Z"),
        ] {
            let time = WallTime::from_ms(ms).unwrap();
            assert_eq!(time.to_string(), text);
            assert_eq!(WallTime::parse(text), Some(time), "{text}");
        }
        assert_eq!(WallTime::from_ms(TIME_MS_MAX + 1), None);
    }

    #[test]
    fn every_day_follows_the_day_before() {
        let mut last = (1969, 12, 31);
        for day in 0..=TIME_MS_MAX / DAY_MS {
            let time = WallTime::from_ms(day * DAY_MS + day % DAY_MS).unwrap();
            let date @ (year, month, in_month) = date_of(day + EPOCH_DAYS);
            let is_next = match date {
                (_, 1, 1) => last == (year - 1, 12, 31),
                (_, _, 1) => (last.0, last.1 + 1) == (year, month) && (28..=31).contains(&last.2),
                _ => last == (year, month, in_month - 1),
            };
            assert!(is_next, "{last:?} {date:?}");
            assert_eq!(WallTime::parse(&time.to_string()), Some(time));
            last = date;
        }
        assert_eq!(last, (9999, 12, 31));
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "",
            "2026-11-22T08:03:00Z",
            "2026-11-22T08:03:00.12Z",
            "2026-11-22t08:03:00.123z",
            "2026-11-22 08:03:00.123Z",
            "2026-11-22T08:03:00.123+00:00",
            "2026-02-29T00:00:00.000Z",
            "2026-04-31T00:00:00.000Z",
            "2026-00-01T00:00:00.000Z",
            "2026-13-01T00:00:00.000Z",
            "2026-01-00T00:00:00.000Z",
            "2026-01-01T24:00:00.000Z",
            "2026-01-01T00:60:00.000Z",
            "2016-12-31T23:59:60.000Z",
            "1969-12-31T23:59:59.999Z",
            "0000-01-01T00:00:00.000Z",
            "+026-11-22T08:03:00.123Z",
            "2026-11-22T08:03:00,123Z",
        ] {
            assert_eq!(WallTime::parse(text), None, "{text}");
        }
    }
}
