//! `fedag show`: one event, whole.

use std::path::Path;

use clap::Args;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::cli::Timeout;
use crate::cli::clean;
use crate::cli::connect::{self, Need};
use crate::cli::log::time;
use crate::cli::outcome::{Outcome, within};
use crate::cli::print::Out;
use crate::control::view::{EventDetail, EventName};
use crate::control::{Reply, Request};

/// `fedag show`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
An event is named by its uuid, by the first 4 or more characters of it, or by its label: b14 is event 14 of the machine
whose letter is b, b14' the one on the other branch when that machine's key was used twice.

Examples:
  fedag show b14
  fedag show 7c0e3f52
  fedag show b14 --json | jq .event.text")]
pub(super) struct Show {
    /// uuid, prefix of it, or label.
    #[arg(value_name = "EVENT")]
    name: String,
    /// One JSON object: the event, its labels, parents and children.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    timeout: Timeout,
}

impl Show {
    pub(super) async fn run(self, dir: &Path) -> anyhow::Result<Outcome> {
        let ask = connect::ask(dir, Need::Any, Request::Show { name: self.name });
        let reply = within(self.timeout.timeout, "no answer", ask).await?;
        let Reply::Event(detail) = reply else {
            return Err(connect::unexpected(&reply));
        };
        let mut out = Out::new();
        if self.json {
            out.json(&json(&detail)?)?;
        } else {
            let zone = out.is_terminal().then(TimeZone::system);
            for (name, value) in human(&detail, zone.as_ref()) {
                out.line(format_args!("{name:<9}  {value}"))?;
            }
            out.line("")?;
            out.json(&detail.event.json)?;
        }
        out.flush()?;
        Ok(Outcome::Done)
    }
}

/// The lines above the event's JSON: what, and its value.
fn human(detail: &EventDetail, zone: Option<&TimeZone>) -> Vec<(&'static str, String)> {
    let event = &detail.event;
    let mut lines = vec![
        ("uuid", event.uuid.clone()),
        ("label", event.label.clone()),
        (
            "author",
            format!(
                "{} ({}), its event {}",
                clean::line(&event.author),
                detail.author_key,
                detail.seq
            ),
        ),
        ("time", time(event.time_ms, zone)),
        (
            "height",
            format!("{} of {}", event.height, detail.height_max),
        ),
        (
            "position",
            format!("{} in the order of arrival here", detail.arrival),
        ),
        ("bytes", detail.bytes.to_string()),
    ];
    let signed = if detail.signed {
        "by itself"
    } else {
        "together with its run: one signature for several events"
    };
    lines.push(("signed", signed.to_owned()));
    if detail.forked {
        lines.push((
            "forked",
            "another event of this author has the same number: its key was used twice".to_owned(),
        ));
    }
    lines.push((
        "parents",
        names(&detail.parents, "none: this is the root R"),
    ));
    lines.push(("children", names(&detail.children, "none: this is a leaf")));
    for (name, held) in &detail.held_by {
        let held = match held {
            Some(true) => "held",
            Some(false) => "not held",
            None => "not known",
        };
        lines.push(("at", format!("{}: {held}", clean::line(name))));
    }
    lines.push(("summary", clean::line(&event.summary).into_owned()));
    lines
}

fn names(names: &[EventName], none: &str) -> String {
    if names.is_empty() {
        return none.to_owned();
    }
    let names: Vec<_> = names
        .iter()
        .map(|name| format!("{} {}", name.label, name.uuid))
        .collect();
    names.join("\n           ")
}

/// What `show --json` prints.
#[derive(Serialize)]
struct Detail<'a> {
    event: &'a RawValue,
    label: &'a str,
    author: &'a str,
    author_key: &'a str,
    seq: u64,
    height: u64,
    height_max: u64,
    arrival: u64,
    bytes: u64,
    leaf: bool,
    signed: bool,
    forked: bool,
    parents: &'a [EventName],
    children: &'a [EventName],
    held_by: Vec<HeldBy<'a>>,
}

#[derive(Serialize)]
struct HeldBy<'a> {
    name: &'a str,
    held: Option<bool>,
}

fn json(detail: &EventDetail) -> serde_json::Result<String> {
    serde_json::to_string(&Detail {
        event: serde_json::from_str(&detail.event.json)?,
        label: &detail.event.label,
        author: &detail.event.author,
        author_key: &detail.author_key,
        seq: detail.seq,
        height: detail.event.height,
        height_max: detail.height_max,
        arrival: detail.arrival,
        bytes: detail.bytes,
        leaf: detail.event.leaf,
        signed: detail.signed,
        forked: detail.forked,
        parents: &detail.parents,
        children: &detail.children,
        held_by: detail
            .held_by
            .iter()
            .map(|(name, held)| HeldBy { name, held: *held })
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::view::EventView;

    fn detail() -> EventDetail {
        EventDetail {
            event: EventView {
                uuid: "u1".to_owned(),
                label: "b14".to_owned(),
                author: "bob\u{1b}".to_owned(),
                time_ms: 0,
                height: 2,
                leaf: true,
                parents: vec!["R".to_owned()],
                json: r#"{"uuid":"u1","n":1.0}"#.to_owned(),
                summary: "hello".to_owned(),
            },
            parents: vec![EventName {
                uuid: "u0".to_owned(),
                label: "R".to_owned(),
            }],
            children: Vec::new(),
            author_key: "KEY".to_owned(),
            seq: 14,
            arrival: 1,
            bytes: 99,
            signed: true,
            forked: false,
            height_max: 2,
            held_by: vec![("ana".to_owned(), None)],
        }
    }

    #[test]
    fn a_person_reads_clean_lines() {
        let text: Vec<_> = human(&detail(), None)
            .into_iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        for expected in [
            "label: b14",
            "author: bob\u{fffd} (KEY), its event 14",
            "parents: R u0",
            "children: none: this is a leaf",
            "at: ana: not known",
        ] {
            assert!(
                text.iter().any(|line| line == expected),
                "{expected} in {text:#?}"
            );
        }
    }

    #[test]
    fn a_program_reads_the_event_as_it_is() {
        let json = json(&detail()).unwrap();
        assert!(
            json.starts_with(r#"{"event":{"uuid":"u1","n":1.0},"label":"b14""#),
            "{json}"
        );
        assert!(
            json.contains(r#""held_by":[{"name":"ana","held":null}]"#),
            "{json}"
        );
    }
}
