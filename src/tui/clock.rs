//! Times and lengths of time as text.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A time of day on this machine's clock: `12:01:16`.
pub fn clock(ms: u64, zone: &TimeZone) -> String {
    local(ms, zone, "%H:%M:%S")
}

/// A time in this machine's zone, written as `strftime` does.
pub fn local(ms: u64, zone: &TimeZone, form: &str) -> String {
    let time = i64::try_from(ms)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok());
    time.map_or_else(
        || "?".to_owned(),
        |time| time.to_zoned(zone.clone()).strftime(form).to_string(),
    )
}

/// A length of time for people: `12 s`, `3 min`, `2 h`, `4 d`.
pub fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3600),
        172_800.. => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_readable() {
        assert_eq!(clock(1_795_334_401_000, &TimeZone::UTC), "08:00:01");
        assert_eq!(clock(u64::MAX, &TimeZone::UTC), "?");
        assert_eq!(
            ["119 s", "2 min", "2 h", "2 d"],
            [119, 120, 7_200, 172_800]
                .map(span)
                .each_ref()
                .map(String::as_str)
        );
    }
}
