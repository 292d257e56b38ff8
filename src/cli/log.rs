//! `fedag log` and `fedag leaves`: events in lines.

use std::path::Path;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::Timeout;
use crate::cli::clean;
use crate::cli::connect::{self, Need, Session};
use crate::cli::outcome::{Outcome, Refusal, within};
use crate::cli::print::{self, Out};
use crate::control::client::{ClientError, Replies};
use crate::control::view::{self, EventView};
use crate::control::{FailureCode, LogRequest, Reply, Request};

/// Events that a terminal gets unless asked for more.
const LAST_ON_TERMINAL: u64 = 50;

/// `fedag log`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  fedag log                        the last 50 on a terminal, all in a pipe
  fedag log -n 10 --by ana         the last 10 by the machine ana
  fedag log -f                     go on with new events (needs a running node)
  fedag log --json | jq .text      one JSON object a line
  fedag log --json --order arrival --after b14   what came after b14")]
pub(super) struct Log {
    /// Go on with new events, in the order of arrival, until interrupted.
    #[arg(short, long)]
    follow: bool,
    /// Only the last N events.
    #[arg(short = 'n', long = "last", value_name = "N")]
    last: Option<u64>,
    /// Whole events, one JSON object a line.
    #[arg(long)]
    json: bool,
    /// Only what comes after this event (uuid, prefix or label) in the order asked for.
    #[arg(long, value_name = "EVENT")]
    after: Option<String>,
    /// causal: the same on every machine, parents first; arrival: as they came to be held here. [default: causal, with -f arrival]
    #[arg(long, value_enum, value_name = "ORDER", hide_possible_values = true)]
    order: Option<Order>,
    /// Only events by this machine (name, or prefix of its key).
    #[arg(long, value_name = "MACHINE")]
    by: Option<String>,
    #[command(flatten)]
    timeout: Timeout,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Order {
    Causal,
    Arrival,
}

impl Log {
    pub(super) async fn run(self, dir: &Path) -> anyhow::Result<Outcome> {
        let mut out = Out::new();
        let request = self.request(out.is_terminal())?;
        let need = if self.follow {
            Need::Running("log -f")
        } else {
            Need::Any
        };
        let work = async {
            let session = Session::open(dir, need).await?;
            let events = session.client().stream(Request::Log(request));
            print(events, self.json, &mut out).await?;
            session.close().await;
            Ok(Outcome::Done)
        };
        within(self.timeout.timeout, "not all events were printed", work).await
    }

    fn request(&self, terminal: bool) -> anyhow::Result<LogRequest> {
        let order = match (self.order, self.follow) {
            (Some(Order::Causal), true) => {
                return Err(Refusal::usage("log -f goes in the order of arrival: an event that comes late may belong far back in causal order")
                    .advise("leave --order away, or the -f")
                    .into());
            }
            (Some(Order::Causal), false) | (None, false) => view::Order::Causal,
            (Some(Order::Arrival), _) | (None, true) => view::Order::Arrival,
        };
        let unasked = terminal && self.after.is_none();
        Ok(LogRequest {
            follow: self.follow,
            last: if unasked {
                self.last.or(Some(LAST_ON_TERMINAL))
            } else {
                self.last
            },
            after: self.after.clone(),
            order,
            by: self.by.clone(),
        })
    }
}

async fn print(mut events: Replies, json: bool, out: &mut Out) -> anyhow::Result<()> {
    let lines = Lines::new(out.is_terminal(), json);
    let mut last = None;
    while let Some(reply) = events.next().await {
        let reply = reply.map_err(|error| or_stopped(error, last.as_deref()))?;
        if let Reply::Events(events) = &reply {
            for event in events {
                lines.print(event, out)?;
            }
            out.flush()?;
            last = events.last().map(|event| event.uuid.clone()).or(last);
        } else if let Reply::Waiting { why } = &reply {
            print::tell(format_args!(
                "fedag: {}: going on when it works again",
                clean::line(why)
            ));
        } else if !matches!(reply, Reply::Done {}) {
            return Err(connect::unexpected(&reply));
        }
    }
    Ok(())
}

/// What to say to an error; when the node ends in good order, where to go on.
fn or_stopped(error: ClientError, last: Option<&str>) -> anyhow::Error {
    match (error, last) {
        (ClientError::Failure(failure), Some(last)) if failure.code == FailureCode::Stopping => {
            Refusal::failed("the node was stopped")
                .advise(format!(
                    "once it runs again, `fedag log -f --after {last}` goes on from here"
                ))
                .into()
        }
        (error, _) => error.into(),
    }
}

/// `fedag leaves`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  fedag leaves
  fedag leaves --json | jq -r .uuid")]
pub(super) struct Leaves {
    /// Whole events, one JSON object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    timeout: Timeout,
}

impl Leaves {
    pub(super) async fn run(self, dir: &Path) -> anyhow::Result<Outcome> {
        let ask = connect::ask(dir, Need::Any, Request::Leaves {});
        let reply = within(self.timeout.timeout, "no answer", ask).await?;
        let Reply::Events(events) = reply else {
            return Err(connect::unexpected(&reply));
        };
        let mut out = Out::new();
        let lines = Lines::new(out.is_terminal(), self.json);
        for event in &events {
            lines.print(event, &mut out)?;
        }
        out.flush()?;
        Ok(Outcome::Done)
    }
}

/// How events are written as lines.
struct Lines {
    json: bool,
    /// Times are those of this zone, without it RFC 3339 in UTC.
    zone: Option<TimeZone>,
}

impl Lines {
    fn new(terminal: bool, json: bool) -> Self {
        Self {
            json,
            zone: terminal.then(TimeZone::system),
        }
    }

    fn print(&self, event: &EventView, out: &mut Out) -> anyhow::Result<()> {
        if self.json {
            out.json(&event.json)
        } else {
            out.line(self.human(event))
        }
    }

    /// Time, label, author, summary, and a mark if it is a leaf.
    fn human(&self, event: &EventView) -> String {
        let time = time(event.time_ms, self.zone.as_ref());
        let (label, author) = (clean::line(&event.label), clean::line(&event.author));
        let leaf = if event.leaf { "  (leaf)" } else { "" };
        format!(
            "{time}  {label:<6}  {author:<10}  {}{leaf}",
            clean::line(&event.summary)
        )
    }
}

/// A point in time for people: `2026-11-22 09:03:00` in `zone`, or RFC 3339 in UTC with milliseconds.
pub(super) fn time(ms: u64, zone: Option<&TimeZone>) -> String {
    let Some(at) = i64::try_from(ms)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok())
    else {
        return "(no time)".to_owned();
    };
    match zone {
        Some(zone) => at
            .to_zoned(zone.clone())
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string(),
        None => at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> Log {
        Log {
            follow: false,
            last: None,
            json: false,
            after: None,
            order: None,
            by: None,
            timeout: Timeout { timeout: None },
        }
    }

    #[test]
    fn a_terminal_gets_the_last_events_and_a_pipe_all() {
        assert_eq!(log().request(true).unwrap().last, Some(LAST_ON_TERMINAL));
        assert_eq!(log().request(false).unwrap().last, None);
        assert_eq!(
            Log {
                last: Some(3),
                ..log()
            }
            .request(true)
            .unwrap()
            .last,
            Some(3)
        );
        assert_eq!(
            Log {
                after: Some("b14".to_owned()),
                ..log()
            }
            .request(true)
            .unwrap()
            .last,
            None
        );
    }

    #[test]
    fn following_goes_in_the_order_of_arrival() {
        assert_eq!(log().request(false).unwrap().order, view::Order::Causal);
        assert_eq!(
            Log {
                follow: true,
                ..log()
            }
            .request(false)
            .unwrap()
            .order,
            view::Order::Arrival
        );
        assert!(
            Log {
                follow: true,
                order: Some(Order::Causal),
                ..log()
            }
            .request(false)
            .is_err()
        );
    }

    #[test]
    fn an_event_is_a_line_of_clean_text() {
        let lines = Lines {
            json: false,
            zone: Some(TimeZone::fixed(jiff::tz::offset(1))),
        };
        let mut event = EventView {
            uuid: String::new(),
            label: "b14".to_owned(),
            author: "bob".to_owned(),
            time_ms: 1_795_334_580_123,
            height: 3,
            leaf: true,
            parents: Vec::new(),
            json: "{}".to_owned(),
            summary: "deploy\u{1b}[2J v12".to_owned(),
        };
        assert_eq!(
            lines.human(&event),
            "2026-11-22 09:03:00  b14     bob         deploy\u{fffd}[2J v12  (leaf)"
        );
        event.leaf = false;
        let lines = Lines {
            json: false,
            zone: None,
        };
        assert_eq!(
            lines.human(&event),
            "2026-11-22T08:03:00.123Z  b14     bob         deploy\u{fffd}[2J v12"
        );
        assert_eq!(time(u64::MAX, None), "(no time)");
    }
}
