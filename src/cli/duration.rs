//! Lengths of time as people write them on the command line.

use std::fmt::Write;
use std::time::Duration;

/// The longest time that an option takes: 100 years.
const SECONDS_MAX: u64 = 36_525 * 86_400;

/// Reads `90s`, `30m`, `24h`, `7d`, `2w` and sums of them as `1h30m`; at least a second, at most 100 years.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || "write it as 30m, 24h, 7d or 1h30m".to_owned();
    let mut seconds = 0_u64;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let mut letters = tail.chars();
        let unit = match letters.next() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            Some('d') => 86_400,
            Some('w') => 7 * 86_400,
            Some(_) => return Err(wrong()),
            None => return Err("the unit is missing: s, m, h, d or w, as in 24h".to_owned()),
        };
        let number: u64 = number.parse().map_err(|_| wrong())?;
        seconds = seconds.saturating_add(number.saturating_mul(unit));
        rest = letters.as_str();
    }
    match seconds {
        0 => Err("it is no time at all".to_owned()),
        1..=SECONDS_MAX => Ok(Duration::from_secs(seconds)),
        _ => Err("it is longer than 100 years".to_owned()),
    }
}

/// Reads the value of `--timeout`: a number of seconds, fractions allowed, or what [`parse`] reads.
pub(super) fn parse_timeout(text: &str) -> Result<Duration, String> {
    let Ok(seconds) = text.trim().parse::<f64>() else {
        return parse(text);
    };
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if duration.as_secs() <= SECONDS_MAX => Ok(duration),
        Ok(_) | Err(_) => Err("it is a number of seconds, from 0 to 100 years".to_owned()),
    }
}

/// Writes a length of time in at most two units: `45s`, `3m 20s`, `2h 5m`, `7d`.
pub(super) fn show(seconds: u64) -> String {
    let parts = [(86_400, 'd'), (3600, 'h'), (60, 'm'), (1, 's')];
    let Some(first) = parts.iter().position(|(unit, _)| seconds >= *unit) else {
        return "0s".to_owned();
    };
    let (unit, letter) = parts[first];
    let mut text = format!("{}{letter}", seconds / unit);
    if let Some((smaller, letter)) = parts.get(first + 1) {
        let more = seconds % unit / smaller;
        if more > 0 {
            write!(text, " {more}{letter}").expect("a String takes everything");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_shown() {
        for (text, seconds, shown) in [
            ("90s", 90, "1m 30s"),
            ("30m", 1800, "30m"),
            ("24h", 86_400, "1d"),
            (" 7d ", 604_800, "7d"),
            ("2w", 1_209_600, "14d"),
            ("1h30m", 5400, "1h 30m"),
            ("1d2h3m4s", 93_784, "1d 2h"),
            ("36525d", SECONDS_MAX, "36525d"),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
            assert_eq!(show(seconds), shown);
        }
        assert_eq!(show(0), "0s");
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "",
            " ",
            "24",
            "h",
            "-1h",
            "1.5h",
            "1h 30m",
            "24H",
            "0s",
            "0h0m",
            "99999999999999999999h",
            "36526d",
            "1µ",
            "1é",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_timeout_is_seconds_or_a_duration() {
        assert_eq!(parse_timeout("0"), Ok(Duration::ZERO));
        assert_eq!(parse_timeout("2.5"), Ok(Duration::from_millis(2500)));
        assert_eq!(parse_timeout("1m"), Ok(Duration::from_secs(60)));
        for text in ["-1", "nan", "inf", "1e300", "soon", ""] {
            assert!(parse_timeout(text).is_err(), "{text}");
        }
    }
}
