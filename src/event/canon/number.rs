//! Numbers: a literal is accepted iff its decimal value equals that of the ES6 spelling of its double.
//!
//! So nothing that a user writes is ever rounded: `1.0`, `-0` and `1e-07` become `1`, `0` and `1e-7`;
//! 9007199254740993, 1e400 and 0.1000000000000000055 are refused.
//!
//! Source: RFC 8785, section 3.2.2.3 (the spelling). The comparison is exact and takes memory for the
//! digits as written only, whatever the exponent says.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// Exponents beyond this, either way, count as this: no literal is long enough to make up for it.
const EXPONENT_MAX: i64 = 1 << 60;

/// Reads a literal of JSON's grammar. None: no double has its value.
pub(super) fn exact(literal: &str) -> Option<f64> {
    let number: f64 = literal.parse().ok()?;
    if !number.is_finite() {
        return None;
    }
    let mut buffer = ryu_js::Buffer::new();
    let spelling = buffer.format_finite(number);
    (spelling == literal || Decimal::of(spelling) == Decimal::of(literal)).then_some(number)
}

/// Returns whether `literal` is the ES6 spelling of a finite double.
pub(super) fn is_canonical(literal: &str) -> bool {
    let digits = literal.strip_prefix('-').unwrap_or(literal);
    if let [b'1'..=b'9', rest @ ..] = digits.as_bytes()
        && rest.len() < 15
        && rest.iter().all(u8::is_ascii_digit)
    {
        return true; // Below 10^15: every such integer is a double, and is spelled as it is.
    }
    let Ok(number) = literal.parse::<f64>() else {
        return false;
    };
    number.is_finite() && ryu_js::Buffer::new().format_finite(number) == literal
}

/// Appends the ES6 spelling of a finite double.
pub(super) fn write(number: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(ryu_js::Buffer::new().format_finite(number).as_bytes());
}

/// A decimal value in one form: ±0.DIGITS times ten to the power of `point`, no zero at either end of the digits.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    is_negative: bool,
    digits: Vec<u8>,
    point: i64,
}

impl Decimal {
    /// The value of a literal of JSON's grammar. Zero has no digits, no sign and no power.
    fn of(literal: &str) -> Self {
        let (is_negative, unsigned) = match literal.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, literal),
        };
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        let Some(first) = all.iter().position(|&digit| digit != b'0') else {
            return Self {
                is_negative: false,
                digits: Vec::new(),
                point: 0,
            };
        };
        let end = all
            .iter()
            .rposition(|&digit| digit != b'0')
            .map_or(first, |last| last + 1);
        let shift = i64::try_from(whole.len()).unwrap_or(EXPONENT_MAX)
            - i64::try_from(first).unwrap_or(EXPONENT_MAX);
        Self {
            is_negative,
            digits: all[first..end].to_vec(),
            point: power(exponent) + shift,
        }
    }
}

/// The value of an exponent, a sign and digits, cut off at [`EXPONENT_MAX`].
fn power(exponent: &str) -> i64 {
    let digits = exponent.trim_start_matches(['+', '-']);
    let size = digits.bytes().fold(0i64, |size, digit| {
        size.saturating_mul(10)
            .saturating_add(i64::from(digit.wrapping_sub(b'0')))
            .min(EXPONENT_MAX)
    });
    if exponent.starts_with('-') {
        -size
    } else {
        size
    }
}
