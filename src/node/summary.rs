//! What a person reads of an event in one line, safe for a terminal.
//!
//! Invariant: no control, C1, bidi or zero-width characters, one line, at most `limits::SUMMARY_CHARS_MAX` characters.

use std::borrow::Cow;

use crate::event::Raw;
use crate::event::control::Control;
use crate::event::wall::WallTime;
use crate::limits::SUMMARY_CHARS_MAX;

/// The summary of a held event: its text in quotes, its properties as JSON, or what it does to the network in words.
pub(crate) fn summary(raw: &Raw) -> String {
    match Control::parse(&raw.control, raw.parents.is_empty()) {
        Control::Root(root) => clean(&format!("root of network {}", root.network)),
        Control::Admit(admit) => clean(&format!("admits {}", admit.name)),
        Control::Invite(invite) => {
            let uses = match invite.uses {
                0 => "no limit of uses".to_owned(),
                1 => "1 use".to_owned(),
                n => format!("{n} uses"),
            };
            let until = WallTime::from_ms(invite.expires_ms).map_or_else(
                || "for ever".to_owned(),
                |time| format!("until {}", minutes(time)),
            );
            clean(&format!("opens an invite, {uses}, {until}"))
        }
        Control::None => properties(&raw.properties),
    }
}

/// `2026-11-22 08:03 UTC`.
fn minutes(time: WallTime) -> String {
    let text = time.to_string();
    let (date, clock) = text.split_once('T').unwrap_or((&text, ""));
    format!("{date} {} UTC", clock.get(..5).unwrap_or(clock))
}

/// What a search looks at: as the summary, but whole, and a text without its quotes.
pub(crate) fn searched(raw: &Raw) -> Cow<'_, str> {
    match Control::parse(&raw.control, raw.parents.is_empty()) {
        Control::Root(_) | Control::Admit(_) | Control::Invite(_) => Cow::Owned(summary(raw)),
        Control::None => match text_alone(&raw.properties) {
            Some(text) => Cow::Owned(text),
            None => String::from_utf8_lossy(&raw.properties),
        },
    }
}

/// The text of an event that has nothing else.
fn text_alone(json: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Text {
        text: String,
    }
    // Canonical JSON has no blanks, and most events with other properties end here.
    if !json.starts_with(b"{\"text\":") {
        return None;
    }
    serde_json::from_slice::<Text>(json)
        .ok()
        .map(|only| only.text)
}

fn properties(json: &[u8]) -> String {
    if let Some(text) = text_alone(json) {
        return format!("\"{}\"", clean_to(&text, SUMMARY_CHARS_MAX - 2));
    }
    // Only the start is shown, so only the start is looked at.
    let start = &json[..json.len().min(SUMMARY_CHARS_MAX * 8)];
    clean(&String::from_utf8_lossy(start))
}

/// Takes out what must not reach a terminal and makes one line of it, of bounded length.
pub(crate) fn clean(text: &str) -> String {
    clean_to(text, SUMMARY_CHARS_MAX)
}

fn clean_to(text: &str, chars_max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(chars_max * 4));
    let mut chars = text.chars().filter_map(shown);
    for _ in 0..chars_max {
        match chars.next() {
            Some(c) => out.push(c),
            None => return out,
        }
    }
    if chars.next().is_some() {
        out.pop();
        out.push('…');
    }
    out
}

/// White space becomes a space; what has no place on a terminal is dropped.
fn shown(c: char) -> Option<char> {
    match c {
        '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(' '),
        c if c.is_control() => None,
        // Marks and embeddings of direction, zero-width characters, the byte order mark, invisible operators, annotations,
        // tags, the soft hyphen and the Arabic and Mongolian marks.
        '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => None,
        c => Some(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::canon::Properties;
    use crate::event::key::Key;

    fn of(json: &str) -> String {
        properties(Properties::parse(json.as_bytes()).unwrap().as_bytes())
    }

    #[test]
    fn a_text_alone_is_quoted_and_other_properties_are_json() {
        assert_eq!(of(r#"{"text":"deploy \"v12\""}"#), r#""deploy "v12"""#);
        assert_eq!(
            of(r#"{"qty":3, "kind":"order"}"#),
            r#"{"kind":"order","qty":3}"#
        );
        assert_eq!(
            of(r#"{"text":"a","text2":"b"}"#),
            r#"{"text":"a","text2":"b"}"#
        );
        assert_eq!(of(r#"{"text":3}"#), r#"{"text":3}"#);
        assert_eq!(of("{}"), "{}");
    }

    #[test]
    fn what_steers_a_terminal_is_taken_out() {
        assert_eq!(
            clean("a\u{1b}[31mb\nc\td\u{202e}e\u{9b}f\u{200b}g"),
            "a[31mb c defg"
        );
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        let long = of(&format!(r#"{{"text":"{}"}}"#, "é".repeat(10_000)));
        assert_eq!(long.chars().count(), SUMMARY_CHARS_MAX);
        assert!(long.ends_with("…\""), "{long}");
        let more = of(&format!(r#"{{"text":"{}","z":1}}"#, "x".repeat(10_000)));
        assert!(more.starts_with(r#"{"text":"xxx"#), "{more}");
    }

    #[test]
    fn control_events_are_told_in_words() {
        use crate::event::control::Invite;
        let key = Key::from_seed([1; 32]).machine();
        let raw = |control: Control| Raw {
            parents: vec![crate::event::id::EventId([1; 16])],
            machine: key,
            seq: 2,
            time_ms: 0,
            proof: crate::event::Proof::Last,
            control: control.to_bytes(),
            properties: b"{}".to_vec(),
        };
        let invite = Control::Invite(Invite {
            key,
            expires_ms: 1_795_334_580_000,
            uses: 1,
        });
        assert_eq!(
            summary(&raw(invite)),
            "opens an invite, 1 use, until 2026-11-22 08:03 UTC"
        );
    }
}
