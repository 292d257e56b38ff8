//! What `fedag add` was given, as JSON.
//!
//! Pure: decides whether arguments are JSON, properties or text, and writes the JSON object that they mean. Whether a value can be
//! kept exactly is decided by the strict reader behind it, on the literals as they were written.

use std::collections::BTreeSet;

use serde_json::value::RawValue;

/// What the arguments of one `add` mean.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// A line of standard input each.
    Lines,
    /// One event, as a JSON object in any spelling.
    Object(String),
}

/// Reads the arguments. `text` takes them as text, whatever they look like; a single `-` means the lines of standard input.
///
/// # Errors
/// In words: no argument, a property that stands twice, a value that is no JSON.
pub(super) fn given(arguments: &[String], text: bool) -> Result<Given, String> {
    let [first, others @ ..] = arguments else {
        return Err("there is nothing to add".to_owned());
    };
    if others.is_empty() && first == "-" {
        return Ok(Given::Lines);
    }
    if text {
        return Ok(Given::Object(from_text(&arguments.join(" "))));
    }
    if others.is_empty() && first.trim_start().starts_with('{') {
        return Ok(Given::Object(first.clone()));
    }
    let properties: Option<Vec<_>> = arguments
        .iter()
        .map(|argument| property(argument))
        .collect();
    match properties {
        Some(properties) => Ok(Given::Object(object(&properties)?)),
        None if arguments.iter().all(|argument| argument.trim().is_empty()) => {
            Err("the text is empty (--text adds it all the same)".to_owned())
        }
        None => Ok(Given::Object(from_text(&arguments.join(" ")))),
    }
}

/// The object of a line of text: `{"text":…}`.
pub(super) fn from_text(text: &str) -> String {
    format!("{{\"text\":{}}}", quoted(text))
}

/// One `key=value` or `key:=json`.
struct Property<'a> {
    key: &'a str,
    value: Value<'a>,
}

enum Value<'a> {
    Text(&'a str),
    Json(&'a str),
}

/// None: it is text. A key is letters, digits, `_`, `-` and `.`, so that most sentences and addresses with a `=` stay text.
fn property(argument: &str) -> Option<Property<'_>> {
    let (key, value) = argument.split_once('=')?;
    let (key, value) = match key.strip_suffix(':') {
        Some(key) => (key, Value::Json(value)),
        None => (key, Value::Text(value)),
    };
    let is_key = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    is_key.then_some(Property { key, value })
}

fn object(properties: &[Property<'_>]) -> Result<String, String> {
    let mut keys = BTreeSet::new();
    let mut members = Vec::with_capacity(properties.len());
    for Property { key, value } in properties {
        if !keys.insert(*key) {
            return Err(format!("the property {key} is given twice"));
        }
        let value = match value {
            Value::Text(text) => quoted(text),
            Value::Json(json) => match serde_json::from_str::<&RawValue>(json) {
                Ok(json) => json.get().to_owned(),
                Err(error) => {
                    return Err(format!(
                        "{key}:={json} is not JSON: {error} (for text write {key}={json})"
                    ));
                }
            },
        };
        members.push(format!("{}:{value}", quoted(key)));
    }
    Ok(format!("{{{}}}", members.join(",")))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<String, String> {
        let arguments: Vec<String> = arguments
            .iter()
            .map(|argument| (*argument).to_owned())
            .collect();
        given(&arguments, false).map(|given| match given {
            Given::Lines => "-".to_owned(),
            Given::Object(json) => json,
        })
    }

    #[test]
    fn arguments_are_json_properties_or_text() {
        for (arguments, json) in [
            (&["-"][..], "-"),
            (&["hello"], r#"{"text":"hello"}"#),
            (&["hello", "world"], r#"{"text":"hello world"}"#),
            (&["-", "-"], r#"{"text":"- -"}"#),
            (&["say \"hi\"\n"], r#"{"text":"say \"hi\"\n"}"#),
            (&["kind=order"], r#"{"kind":"order"}"#),
            (&["kind=order", "qty:=3"], r#"{"kind":"order","qty":3}"#),
            (&["n:=9007199254740993"], r#"{"n":9007199254740993}"#),
            (&["n:=1.0"], r#"{"n":1.0}"#),
            (&["a:=[1, 2]", "b:=null"], r#"{"a":[1, 2],"b":null}"#),
            (&["a="], r#"{"a":""}"#),
            (&["a=b=c"], r#"{"a":"b=c"}"#),
            (&["a=:=1"], r#"{"a":":=1"}"#),
            (&["größe=1"], r#"{"größe":"1"}"#),
            (
                &["kind=order", "and more"],
                r#"{"text":"kind=order and more"}"#,
            ),
            (&["1+1=2"], r#"{"text":"1+1=2"}"#),
            (&["a b=c"], r#"{"text":"a b=c"}"#),
            (&["=c"], r#"{"text":"=c"}"#),
            (&["http://x/?q=1"], r#"{"text":"http://x/?q=1"}"#),
            (&["{\"a\": 1}"], "{\"a\": 1}"),
            (&[" {\"a\": 1}"], " {\"a\": 1}"),
            (&["{not json"], "{not json"),
            (&["{a}", "b"], r#"{"text":"{a} b"}"#),
        ] {
            assert_eq!(read(arguments).as_deref(), Ok(json), "{arguments:?}");
        }
    }

    #[test]
    fn what_means_nothing_is_refused_with_the_reason() {
        for (arguments, why) in [
            (&[][..], "nothing to add"),
            (&[""], "empty"),
            (&["  "], "empty"),
            (&["a=1", "a=2"], "twice"),
            (&["a=1", "a:=2"], "twice"),
            (&["a:=x"], "not JSON"),
            (&["a:="], "not JSON"),
            (&["a:=1 2"], "not JSON"),
            (&["a:=1,\"b\":2"], "not JSON"),
        ] {
            let error = read(arguments).unwrap_err();
            assert!(error.contains(why), "{arguments:?}: {error}");
        }
    }

    #[test]
    fn text_is_text_when_asked_for() {
        for text in ["", "a=1", "{\"a\":1}"] {
            assert_eq!(
                given(&[text.to_owned()], true),
                Ok(Given::Object(from_text(text)))
            );
        }
        assert_eq!(given(&["-".to_owned()], true), Ok(Given::Lines));
    }
}
