//! Tables and round trips of canonical JSON.

mod properties;

use super::*;

fn canonical(json: &str) -> Result<String, Error> {
    Properties::parse(json.as_bytes())
        .map(|properties| String::from_utf8(properties.into_bytes()).unwrap())
}

/// Checks that `json` is made `expected`, which is canonical and stays as it is.
fn check(json: &str, expected: &str) {
    assert_eq!(canonical(json).as_deref(), Ok(expected), "{json}");
    assert_eq!(canonical(expected).as_deref(), Ok(expected), "{expected}");
    assert!(
        is_canonical_object(expected.as_bytes(), &RESERVED),
        "{expected}"
    );
    assert_eq!(
        is_canonical_object(json.as_bytes(), &RESERVED),
        json == expected,
        "{json}"
    );
}

/// Checks that `json` is refused, with this message.
fn check_refused(json: &str, message: &str) {
    assert_eq!(
        canonical(json).map_err(|error| error.to_string()),
        Err(message.to_owned()),
        "{json}"
    );
    assert!(!is_canonical_object(json.as_bytes(), &RESERVED), "{json}");
}

#[test]
fn numbers_that_a_double_equals_are_spelled_as_es6_does() {
    for (literal, expected) in [
        ("0", "0"),
        ("-0", "0"),
        ("0.0", "0"),
        ("-0.0e5", "0"),
        ("0e99999999999999999999", "0"),
        ("1.0", "1"),
        ("1e0", "1"),
        ("1E+2", "100"),
        ("100", "100"),
        ("-12.50", "-12.5"),
        ("0.1", "0.1"),
        ("1e-1", "0.1"),
        ("1e-07", "1e-7"),
        ("0.0000001", "1e-7"),
        ("0.000001", "0.000001"),
        ("1e20", "100000000000000000000"),
        ("1e21", "1e+21"),
        ("1000000000000000000000", "1e+21"),
        ("9007199254740991", "9007199254740991"),
        ("9007199254740992", "9007199254740992"),
        ("9007199254740994", "9007199254740994"),
        ("999999999999999", "999999999999999"),
        ("1000000000000000", "1000000000000000"),
        ("18446744073709552000", "18446744073709552000"),
        ("5e-324", "5e-324"),
        ("50.0e-325", "5e-324"),
        // Two spellings are as short and as near: the even one.
        ("70369000000000.12", "70369000000000.12"),
        ("2.2250738585072014e-308", "2.2250738585072014e-308"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ("1797693134862315.7e+293", "1.7976931348623157e+308"),
    ] {
        check(
            &format!("{{\"n\":{literal}}}"),
            &format!("{{\"n\":{expected}}}"),
        );
    }
}

fn check_number_refused(literal: &str) {
    let message = format!(
        "{literal} cannot be kept exactly as a JSON number; send it as a string: \"{literal}\""
    );
    check_refused(&format!("{{\"n\":{literal}}}"), &message);
}

#[test]
fn numbers_that_no_double_equals_are_refused() {
    for literal in [
        "9007199254740993",
        "-9007199254740993",
        "18446744073709551616",
        "18446744073709551615",
        "1e400",
        "-1e400",
        "1e999999999",
        "1e99999999999999999999999999",
        "1e-999999999",
        "1e-99999999999999999999999999",
        "0.001e-99999999999999999999999999",
        "1000e-99999999999999999999999999",
        "2.4703282292062327e-324",
        "4.9406564584124654e-324",
        "0.10000000000000001",
        "70369000000000.13",
        "0.1000000000000000055511151231257827",
        "3.141592653589793238",
        // RFC 8785 rounds this one in its appendix.
        "333333333.33333329",
    ] {
        check_number_refused(literal);
    }
    let long = format!("0.{}1", "3".repeat(100));
    let shown = format!("0.{}…", "3".repeat(38));
    let expected = Error::Number { literal: shown };
    assert_eq!(canonical(&format!("{{\"n\":{long}}}")), Err(expected));
}

#[test]
fn members_sort_by_utf_16() {
    // From RFC 8785, section 3.2.3: U+1F600 sorts before U+FB33, as its first unit is 0xD83D.
    check(
        r#"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}"#,
        "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}",
    );
    check(
        r#"{"b":{"z":1,"a":2},"a":[]}"#,
        r#"{"a":[],"b":{"a":2,"z":1}}"#,
    );
    check(r#"{"ab":1,"a":2,"":3}"#, r#"{"":3,"a":2,"ab":1}"#);
    check(
        r#"{"\\":1,"]":2,"[":3,"\"":4,"!":5}"#,
        r#"{"!":5,"\"":4,"[":3,"\\":1,"]":2}"#,
    );
    check(
        "{\"\u{e000}\":1,\"\u{d7ff}\":2,\"\u{10ffff}\":3}",
        "{\"\u{d7ff}\":2,\"\u{10ffff}\":3,\"\u{e000}\":1}",
    );
}

#[test]
fn only_what_must_be_is_escaped() {
    check(
        r#"{"s":"\u0000\u0001\u001F\u007f\u0022\u005C\/\u002f\b\t\n\f\r\u0008\u000b\u2028\uD834\udd1e\u00e9"}"#,
        "{\"s\":\"\\u0000\\u0001\\u001f\u{7f}\\\"\\\\//\\b\\t\\n\\f\\r\\b\\u000b\u{2028}\u{1d11e}\u{e9}\"}",
    );
    for json in [
        r#"{"s":"\/"}"#,
        r#"{"s":"\u0041"}"#,
        r#"{"s":"\u001F"}"#,
        r#"{"s":"\u0009"}"#,
        r#"{"s":"\u007f"}"#,
        r#"{"s":"\u00e9"}"#,
        r#"{ "s":1}"#,
        r#"{"s" :1}"#,
        r#"{"s":1}"#.trim_end_matches('}'),
        "{\"s\":1}\n",
        r#"{"s":[1, 2]}"#,
        r#"{"s":01}"#,
        r#"{"s":-}"#,
        r#"{"s":}"#,
        r#"{"s":--1}"#,
        r#"{"s":+1}"#,
        r#"{"s":.5}"#,
        r#"{"s":1.}"#,
        r#"{"s":inf}"#,
        r#"{"s":1,}"#,
        r#"{"s":1,"s":1}"#,
        r#"{"t":1,"s":1}"#,
        "[]",
        "1",
        "",
        "{",
        "{\"s\":\"\u{1}\"}",
    ] {
        assert!(!is_canonical_object(json.as_bytes(), &[]), "{json}");
    }
    assert!(!is_canonical_object(b"{\"s\":\"\xff\"}", &[]));
    assert!(!is_canonical_object(b"{\"s\":\"\\", &[]));
    assert!(!is_canonical_object(b"{\"s\":\"\\u00", &[]));
}

#[test]
fn reserved_members_are_refused_at_the_top_only() {
    for member in RESERVED {
        let message = format!("\"{member}\" is reserved: fedag writes it itself; use another name");
        check_refused(&format!("{{\"a\":1,\"{member}\":2}}"), &message);
        check(
            &format!("{{\"a\":{{\"{member}\":2}}}}"),
            &format!("{{\"a\":{{\"{member}\":2}}}}"),
        );
    }
    check_refused(
        r#"{"uui\u0064":2}"#,
        "\"uuid\" is reserved: fedag writes it itself; use another name",
    );
}

/// What is no event, and what the user is told.
const REFUSED: &[(&str, &str)] = &[
    (
        "",
        "not JSON: it ends where a value should stand, at line 1, column 1",
    ),
    (
        "  \n ",
        "not JSON: it ends where a value should stand, at line 2, column 2",
    ),
    (
        "{",
        "not JSON: it ends where a member's name in double quotes should stand, at line 1, column 2",
    ),
    (
        "hello",
        "not JSON: expected a value, found 'h', at line 1, column 1",
    ),
    (
        "nul",
        "not JSON: expected a value, found 'n', at line 1, column 1",
    ),
    (
        "{'a':1}",
        "not JSON: expected a member's name in double quotes; strings stand in double quotes, at line 1, column 2",
    ),
    (
        "{\"a\":'b'}",
        "not JSON: expected a value; strings stand in double quotes, at line 1, column 6",
    ),
    (
        "{a:1}",
        "not JSON: expected a member's name in double quotes, found 'a', at line 1, column 2",
    ),
    (
        "{\"a\" 1}",
        "not JSON: expected ':', found '1', at line 1, column 6",
    ),
    (
        "{\"a\":1,}",
        "not JSON: a comma stands before the closing bracket, at line 1, column 8",
    ),
    (
        "{\"a\":[1,]}",
        "not JSON: a comma stands before the closing bracket, at line 1, column 9",
    ),
    (
        "{\"é\":1\n \"b\":2}",
        "not JSON: expected ',' or '}', found '\"', at line 2, column 2",
    ),
    (
        "{\"é\":1 2}",
        "not JSON: expected ',' or '}', found '2', at line 1, column 8",
    ),
    (
        "{} {}",
        "not JSON: something follows the value, at line 1, column 4",
    ),
    (
        "{\"a\":01}",
        "not JSON: a number does not begin with a needless 0, at line 1, column 6",
    ),
    (
        "{\"a\":-x}",
        "not JSON: expected a digit, found 'x', at line 1, column 7",
    ),
    (
        "{\"a\":1.}",
        "not JSON: expected a digit, found '}', at line 1, column 8",
    ),
    (
        "{\"a\":1e}",
        "not JSON: expected a digit, found '}', at line 1, column 8",
    ),
    (
        "{\"a\":NaN}",
        "not JSON: expected a value, found 'N', at line 1, column 6",
    ),
    (
        "{\"a\":\"b",
        "not JSON: a string has no closing quote, at line 1, column 8",
    ),
    (
        "{\"a\":\"\\x\"}",
        "not JSON: no such escape in a string, at line 1, column 8",
    ),
    (
        "{\"a\":\"\\u12\"}",
        "not JSON: \\u is followed by four hexadecimal digits, at line 1, column 8",
    ),
    (
        "{\"a\":\"\\u+123\"}",
        "not JSON: \\u is followed by four hexadecimal digits, at line 1, column 8",
    ),
    (
        "{\"a\":\"b\tc\"}",
        "not JSON: a control character in a string is written as an escape, as \\n is, at line 1, column 8",
    ),
    (
        "\u{feff}{}",
        "not JSON: it begins with a byte order mark, at line 1, column 1",
    ),
    (
        "[1]",
        "an event is a JSON object, as in {\"text\":\"hello\"}; this is an array",
    ),
    (
        "\"x\"",
        "an event is a JSON object, as in {\"text\":\"hello\"}; this is a string",
    ),
    (
        "17",
        "an event is a JSON object, as in {\"text\":\"hello\"}; this is a number",
    ),
    (
        "true",
        "an event is a JSON object, as in {\"text\":\"hello\"}; this is true or false",
    ),
    (
        "null",
        "an event is a JSON object, as in {\"text\":\"hello\"}; this is null",
    ),
    (
        "{\"a\":{\"b\":1,\"c\":2,\"b\":3}}",
        "\"b\" stands twice in one object",
    ),
    (
        "{\"a\":1,\"\\u0061\":2}",
        "\"a\" stands twice in one object",
    ),
    ("{\"a\":\"\\ud800\"}", "not Unicode text at byte 6"),
    ("{\"a\":\"x\\udc00\"}", "not Unicode text at byte 7"),
    ("{\"a\":\"\\ud800\\n\"}", "not Unicode text at byte 6"),
    ("{\"a\":\"\\ud800\\ud800\"}", "not Unicode text at byte 6"),
    ("{\"a\":\"\\udc00\\udc00\"}", "not Unicode text at byte 6"),
    ("{\"\\udfff\":1}", "not Unicode text at byte 2"),
];

#[test]
fn what_is_refused_is_told_with_its_place() {
    for (json, message) in REFUSED {
        check_refused(json, message);
    }
    assert_eq!(
        Properties::parse(b"{\"a\":\"\xc3\"}"),
        Err(Error::Unicode { byte: 6 })
    );
    assert_eq!(
        Properties::parse(b"{\"a\":\"\xed\xa0\x80\"}"),
        Err(Error::Unicode { byte: 6 })
    );
}

#[test]
fn nesting_has_a_bound() {
    let nested = |levels: usize| {
        format!(
            "{{\"a\":{}{}}}",
            "[".repeat(levels - 1),
            "]".repeat(levels - 1)
        )
    };
    let deepest = nested(JSON_DEPTH_MAX);
    check(&deepest, &deepest);
    check_refused(&nested(JSON_DEPTH_MAX + 1), "nested deeper than 128 levels");
    let objects = "{\"a\":".repeat(JSON_DEPTH_MAX) + "{}" + &"}".repeat(JSON_DEPTH_MAX);
    check_refused(&objects, "nested deeper than 128 levels");
    check_refused(
        &("{\"a\":".to_owned() + &"[".repeat(1_000_000)),
        "nested deeper than 128 levels",
    );
}

#[test]
fn a_line_of_text_becomes_a_member() {
    let text = "a \"line\"\n\u{1f600}\u{0}";
    let properties = Properties::from_text(text);
    assert!(is_canonical_object(properties.as_bytes(), &RESERVED));
    assert_eq!(
        read(properties.as_bytes(), 1),
        Ok(Value::Object(vec![(
            "text".to_owned(),
            Value::Text(text.to_owned())
        )]))
    );
    assert!(is_canonical_object(
        Properties::none().as_bytes(),
        &RESERVED
    ));
}

#[test]
fn members_are_found_without_reading_values() {
    let object = br#"{"":"}\",","\"":[{"a":[]},"]"],"a":{"b":"\\"},"z":-1}"#;
    assert!(is_canonical_object(object, &[]));
    let found: Vec<_> = Members::of(object)
        .map(|member| {
            (
                String::from_utf8(member.name.into_owned()).unwrap(),
                &object[member.range],
            )
        })
        .collect();
    let parts: [(&str, &[u8]); 4] = [
        ("", br#""":"}\",""#),
        ("\"", br#""\"":[{"a":[]},"]"]"#),
        ("a", br#""a":{"b":"\\"}"#),
        ("z", br#""z":-1"#),
    ];
    assert_eq!(found, parts.map(|(name, part)| (name.to_owned(), part)));
    assert_eq!(Members::of(b"{}").next(), None);
}
