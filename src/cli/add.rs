//! `fedag add`: events from arguments or standard input.

use std::path::Path;

use clap::Args;
use serde_json::value::RawValue;

use crate::cli::Timeout;
use crate::cli::connect::{self, Need};
use crate::cli::outcome::{Outcome, Refusal, within};
use crate::cli::print::{Closed, Out};
use crate::cli::properties::{self, Given};
use crate::control::{AddOutcome, Reply, Request};
use crate::event::canon::Properties;

mod feed;
mod input;

/// `fedag add`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
An argument that starts with { is a JSON object; arguments that are all key=value (text) or key:=json are its members; anything
else is text and becomes {\"text\": …}. The names uuid, parents and fedag are reserved. A key of key=value has letters, digits,
`_`, `-` and `.`; for others write JSON. Prints the uuid once the event is durable.

With - every line of standard input becomes an event, in order: lines that start with { are JSON, others text; empty lines are
skipped. A bad line is told with its number and skipped, and the exit code is then 1. When nobody reads the uuids any more, the
rest is added all the same.

Examples:
  fedag add \"deploy v12\"
  fedag add kind=order qty:=3 tags:='[\"a\",\"b\"]'
  fedag add '{\"temp\": 21.5, \"unit\": \"C\"}'
  fedag add --text '{not json}'
  tail -f app.log | fedag add - > uuids
  fedag add - --strict < events.jsonl")]
pub(super) struct Add {
    /// Text, properties, a JSON object, or - for standard input.
    #[arg(value_name = "TEXT|KEY=VALUE|KEY:=JSON|-", required = true)]
    arguments: Vec<String>,
    /// Take arguments or lines as text, whatever they look like.
    #[arg(long)]
    text: bool,
    /// Print whole events instead of uuids, one JSON object a line.
    #[arg(long)]
    json: bool,
    /// With -: stop at the first bad line.
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    timeout: Timeout,
}

impl Add {
    pub(super) async fn run(self, dir: &Path) -> anyhow::Result<Outcome> {
        let given = properties::given(&self.arguments, self.text);
        match given.map_err(|why| Refusal::usage(format!("nothing was added: {why}")))? {
            Given::Lines => {
                let feed = feed::Feed {
                    text: self.text,
                    strict: self.strict,
                    json: self.json,
                };
                within(
                    self.timeout.timeout,
                    "not all lines were added",
                    feed.run(dir),
                )
                .await
            }
            Given::Object(json) => {
                within(
                    self.timeout.timeout,
                    "whether it was added is not known: no answer",
                    self.one(dir, &json),
                )
                .await
            }
        }
    }

    async fn one(&self, dir: &Path, json: &str) -> anyhow::Result<Outcome> {
        let properties = Properties::parse(json.as_bytes()).map_err(|error| {
            Refusal::usage(format!("nothing was added: {error}"))
                .advise("to add it as text, give --text")
        })?;
        let canonical = String::from_utf8(properties.as_bytes().to_vec())?;
        let events = vec![RawValue::from_string(canonical)?];
        let reply = connect::ask(dir, Need::Any, Request::Add { events }).await?;
        let Reply::Added(outcomes) = reply else {
            return Err(connect::unexpected(&reply));
        };
        let mut printer = Printer::new(self.json);
        for outcome in outcomes {
            match outcome {
                AddOutcome::Added { uuid, json } => printer.added(&uuid, &json)?,
                AddOutcome::Refused(why) => {
                    return Err(Refusal::failed(format!("not added: {why}")).into());
                }
            }
        }
        printer.flush()?;
        Ok(Outcome::Done)
    }
}

/// Prints what was added, until nobody reads it.
struct Printer {
    out: Option<Out>,
    json: bool,
}

impl Printer {
    fn new(json: bool) -> Self {
        Self {
            out: Some(Out::new()),
            json,
        }
    }

    /// One whose reader is gone already.
    #[cfg(test)]
    fn silent() -> Self {
        Self {
            out: None,
            json: false,
        }
    }

    fn added(&mut self, uuid: &str, json: &str) -> anyhow::Result<()> {
        let whole = self.json;
        self.write(|out| {
            if whole {
                out.json(json)
            } else {
                out.line(uuid)
            }
        })
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        self.write(Out::flush)
    }

    fn write(&mut self, write: impl FnOnce(&mut Out) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let Some(out) = &mut self.out else {
            return Ok(());
        };
        match write(out) {
            Err(error) if error.downcast_ref::<Closed>().is_some() => {
                self.out = None;
                Ok(())
            }
            result => result,
        }
    }
}
