//! What holds for all values.

use proptest::prelude::*;

use crate::event::canon::*;

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-c]{0,2}",
        prop::collection::vec(
            prop_oneof![
                Just('\u{e000}'),
                Just('\u{ffff}'),
                Just('\u{10000}'),
                Just('"'),
                any::<char>()
            ],
            0..4
        )
        .prop_map(String::from_iter),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    let finite = any::<u64>()
        .prop_map(f64::from_bits)
        .prop_filter("finite", |number| number.is_finite());
    // Negative zero has no spelling of its own.
    let number = prop_oneof![finite, (-1e9..1e9f64), any::<i32>().prop_map(f64::from)]
        .prop_map(|number| number + 0.0);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number.prop_map(Value::Number),
        any_text().prop_map(Value::Text)
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            any_object(inner)
        ]
    })
}

fn any_object(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop::collection::vec((any_text(), value), 0..6).prop_map(|mut members| {
        members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
        members.dedup_by(|a, b| a.0 == b.0);
        Value::Object(members)
    })
}

/// Another spelling: members the other way round, white space, every character an escape, numbers with an exponent.
fn respell(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let text = |name: &String| respell(&Value::Text(name.clone()));
            let parts = members
                .iter()
                .rev()
                .map(|(name, value)| text(name) + " :\t" + &respell(value));
            format!("{{ {}\r\n}}", parts.collect::<Vec<_>>().join(" ,"))
        }
        Value::Array(items) => {
            format!(
                "[ {} ]",
                items.iter().map(respell).collect::<Vec<_>>().join("\n,")
            )
        }
        Value::Text(text) => {
            let units = text.encode_utf16().map(|unit| format!("\\u{unit:04X}"));
            format!("\"{}\"", units.collect::<Vec<_>>().concat())
        }
        Value::Number(number) => format!("{number:E}"),
        Value::Null => "null ".to_owned(),
        Value::Bool(value) => value.to_string(),
    }
}

proptest! {
    #[test]
    fn every_spelling_has_one_canonical_form(value in any_object(any_value())) {
        let mut canonical = Vec::new();
        write_value(&value, &mut canonical);
        prop_assert!(is_canonical_object(&canonical, &[]));
        prop_assert_eq!(&read(&canonical, JSON_DEPTH_MAX), &Ok(value.clone()));
        let other = respell(&value);
        prop_assert_eq!(&read(other.as_bytes(), JSON_DEPTH_MAX), &Ok(value.clone()), "{}", other);
        // Another reader of JSON, which this one must agree with.
        let theirs: serde_json::Value = serde_json::from_slice(&canonical).unwrap();
        let again = read(serde_json::to_string_pretty(&theirs).unwrap().as_bytes(), JSON_DEPTH_MAX);
        prop_assert_eq!(again, Ok(value));
    }

    #[test]
    fn canonical_is_what_is_written_back_as_it_was(
        value in any_object(any_value()), at in any::<prop::sample::Index>(), byte in prop::sample::select(b"\"\\{}[]:, 0123456789eE.+-untrfalsb\0\x1f\x80\xe9".to_vec()),
        how in 0..3,
    ) {
        let mut bytes = Vec::new();
        write_value(&value, &mut bytes);
        let at = at.index(bytes.len());
        match how {
            0 => bytes[at] = byte,
            1 => bytes.insert(at, byte),
            _ => { bytes.remove(at); }
        }
        let mut again = Vec::new();
        if let Ok(value) = read(&bytes, JSON_DEPTH_MAX) {
            write_value(&value, &mut again);
        }
        prop_assert_eq!(is_canonical_object(&bytes, &[]), again == bytes && bytes.first() == Some(&b'{'), "{}", String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn utf_16_order_is_that_of_the_units(a in any_text(), b in any_text()) {
        prop_assert_eq!(cmp_utf16(a.as_bytes(), b.as_bytes()), a.encode_utf16().cmp(b.encode_utf16()));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let is_read = Properties::parse(&bytes).is_ok();
        prop_assert!(is_read || !is_canonical_object(&bytes, &RESERVED));
        prop_assert!(Members::of(&bytes).count() <= bytes.len());
    }

    #[test]
    fn a_literal_is_kept_iff_its_value_is(whole in 0..100_000u64, fraction in "[0-9]{0,20}", exponent in -30..30i32) {
        let literal = if fraction.is_empty() { format!("{whole}e{exponent}") } else { format!("{whole}.{fraction}e{exponent}") };
        let json = format!("{{\"n\":{literal}}}");
        let nearest: f64 = literal.parse().unwrap();
        // Exact arithmetic on both sides decides. Of two spellings as short and as near ES6 takes the even one, `{:e}` the larger.
        let mut spelling = Vec::new();
        write_value(&Value::Number(nearest + 0.0), &mut spelling);
        let mut spelling = String::from_utf8(spelling).unwrap();
        if !spelling.contains('e') {
            spelling.push_str("e0");
        }
        let is_exact = num::Wide::of(&literal) == num::Wide::of(&spelling);
        prop_assert_eq!(Properties::parse(json.as_bytes()).is_ok(), is_exact, "{}", literal);
    }
}

/// Decimal values as whole multiples of 10^-60, digit by digit: slow, and not the way of the code under test.
mod num {
    #[derive(Debug, PartialEq)]
    pub(super) struct Wide([u8; 128]);

    impl Wide {
        pub(super) fn of(literal: &str) -> Self {
            let (mantissa, exponent) = literal.split_once('e').unwrap();
            let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
            let exponent: i32 = exponent.parse().unwrap();
            let mut digits = [0; 128];
            let units = i32::try_from(whole.len()).unwrap() + exponent;
            for (at, digit) in (64 - (units - 1)..).zip(whole.bytes().chain(fraction.bytes())) {
                // Place 64 is that of the units.
                if digit != b'0' {
                    digits[usize::try_from(at).unwrap()] = digit - b'0';
                }
            }
            Self(digits)
        }
    }
}
