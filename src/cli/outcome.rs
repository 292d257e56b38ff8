//! How a command ends: exit codes, and errors with what to do about them.
//!
//! 0 done, 1 failed, 2 wrong usage, 3 not within the time given. Standard output that nobody reads any more is no failure.

use std::fmt;
use std::process::ExitCode;
use std::time::Duration;

use crate::cli::print::{self, Closed};
use crate::control::client::ClientError;
use crate::control::{Failure, FailureCode};
use crate::node;
use crate::store;

/// What a command that went through answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is done.
    Done,
    /// Part of it failed; what, was told already.
    Failed,
    /// Wrong usage; how, was told already.
    Usage,
    /// It is not so within the time given; that was told already.
    NotInTime,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Done => 0,
            Outcome::Failed => 1,
            Outcome::Usage => 2,
            Outcome::NotInTime => 3,
        })
    }
}

/// A refusal in words: what is wrong, and on a line of its own what to do.
#[derive(Debug)]
pub(super) struct Refusal {
    outcome: Outcome,
    what: String,
    advice: Option<String>,
}

impl Refusal {
    /// It failed; nothing was changed.
    pub(super) fn failed(what: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Failed,
            what: what.into(),
            advice: None,
        }
    }

    /// The command cannot be meant like that; nothing was changed.
    pub(super) fn usage(what: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Usage,
            what: what.into(),
            advice: None,
        }
    }

    /// Not within the time given.
    pub(super) fn not_in_time(what: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::NotInTime,
            what: what.into(),
            advice: None,
        }
    }

    /// Adds what to do.
    pub(super) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Refusal {}

/// Tells an error, if it is one to tell, and says how the command ended.
pub(super) fn settle(result: anyhow::Result<Outcome>) -> Outcome {
    let error = match result {
        Ok(outcome) => return outcome,
        Err(error) if error.downcast_ref::<Closed>().is_some() => return Outcome::Done,
        Err(error) => error,
    };
    print::tell(format_args!("fedag: {error:#}"));
    if let Some(advice) = advice(&error) {
        print::tell(format_args!("  {advice}"));
    }
    refusal(&error).map_or(Outcome::Failed, |refusal| refusal.outcome)
}

fn refusal(error: &anyhow::Error) -> Option<&Refusal> {
    error.chain().find_map(|cause| cause.downcast_ref())
}

/// What to do about an error, if there is anything.
pub(super) fn advice(error: &anyhow::Error) -> Option<String> {
    refusal(error)
        .and_then(|refusal| refusal.advice.clone())
        .or_else(|| node_advice(error))
}

/// What to do about a store that cannot be used; docs/trade-offs.md says more.
const REBUILD: &str = "the other machines hold its events: move it away and run `fedag join TICKET` in this directory with a ticket of \
                       any member; the key stays, and with it the machine";

/// What to do about a failure of the node, where the node does not say it itself.
fn node_advice(error: &anyhow::Error) -> Option<String> {
    if error.chain().any(is_broken_store) {
        return Some(REBUILD.to_owned());
    }
    let client = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<ClientError>())?;
    let advice = match client {
        ClientError::Failure(Failure { code, .. }) => match code {
            FailureCode::NeedsNode => {
                "start a node on the directory: `fedag run`, or `fedag` for the screen"
            }
            FailureCode::Stopping => "the node is stopping: try again in a moment",
            FailureCode::BadRequest => "is the node of another version of fedag than this program?",
            // These say it themselves.
            FailureCode::NotFound
            | FailureCode::Ambiguous
            | FailureCode::Refused
            | FailureCode::Failed
            | FailureCode::Outage => return None,
        },
        ClientError::Gone(_) => {
            "the node was stopped or killed; its log tells more; nothing that was acknowledged is lost"
        }
    };
    Some(advice.to_owned())
}

fn is_broken_store(error: &(dyn std::error::Error + 'static)) -> bool {
    let store = match error.downcast_ref::<node::Error>() {
        Some(node::Error::Store(store)) => Some(store),
        Some(_) | None => error.downcast_ref::<store::Error>(),
    };
    matches!(
        store,
        Some(store::Error::Broken { .. } | store::Error::Index { .. })
    )
}

/// Runs `work`, at most for `timeout`; `what` says what is not done then.
pub(super) async fn within<T>(
    timeout: Option<Duration>,
    what: &str,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let Some(timeout) = timeout else {
        return work.await;
    };
    if let Ok(result) = tokio::time::timeout(timeout, work).await {
        return result;
    }
    let what = format!("{what} within {} s", timeout.as_secs_f64());
    Err(Refusal::not_in_time(what)
        .advise("give more time with --timeout SECONDS")
        .into())
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn the_outcome_of_a_refusal_is_found_below_its_context() {
        let refused = |refusal: Refusal| settle(Err(refusal).context("adding the event"));
        assert_eq!(refused(Refusal::failed("x")), Outcome::Failed);
        assert_eq!(refused(Refusal::usage("x").advise("y")), Outcome::Usage);
        assert_eq!(refused(Refusal::not_in_time("x")), Outcome::NotInTime);
        assert_eq!(settle(Err(anyhow::anyhow!("x"))), Outcome::Failed);
    }

    #[test]
    fn output_that_nobody_reads_is_no_failure() {
        assert_eq!(settle(Err(Closed).context("printing")), Outcome::Done);
    }

    #[tokio::test]
    async fn what_takes_too_long_is_not_in_time() {
        let forever = std::future::pending::<anyhow::Result<()>>();
        let error = within(Some(Duration::ZERO), "no answer", forever)
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), "no answer within 0 s");
        assert_eq!(settle(Err(error)), Outcome::NotInTime);
        assert_eq!(within(None, "", async { Ok(1) }).await.unwrap(), 1);
    }
}
