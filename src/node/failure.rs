//! Why a client's request is not done, in the words that it is told.

use crate::control::{Failure, FailureCode};
use crate::machine::effect::Refused;

fn failure(code: FailureCode, message: impl Into<String>) -> Failure {
    Failure {
        code,
        message: message.into(),
    }
}

/// The line is no request, or one that contradicts itself.
pub(crate) fn bad_request(message: impl Into<String>) -> Failure {
    failure(FailureCode::BadRequest, message)
}

/// A request that this machine does not do; nothing was changed.
pub(crate) fn not_allowed(message: impl Into<String>) -> Failure {
    failure(FailureCode::Refused, message)
}

/// Nothing has that name.
pub(crate) fn not_found(message: impl Into<String>) -> Failure {
    failure(FailureCode::NotFound, message)
}

/// Several have that name.
pub(crate) fn ambiguous(message: impl Into<String>) -> Failure {
    failure(FailureCode::Ambiguous, message)
}

/// The world failed; with all its causes.
pub(crate) fn failed(error: &(dyn std::error::Error + 'static)) -> Failure {
    failure(FailureCode::Failed, in_words(error))
}

/// As [`failed`], in words of our own.
pub(crate) fn failed_because(message: impl Into<String>) -> Failure {
    failure(FailureCode::Failed, message)
}

/// The store cannot even be read just now.
pub(crate) fn outage(why: &str) -> Failure {
    failure(
        FailureCode::Outage,
        format!("the store failed: {why}; it is tried again"),
    )
}

/// It needs peers, and this is no running node.
pub(crate) fn needs_node(what: &str) -> Failure {
    failure(
        FailureCode::NeedsNode,
        format!("{what} needs a running node: start one with `fedag run`"),
    )
}

/// The node is going down.
pub(crate) fn stopping() -> Failure {
    failure(FailureCode::Stopping, "the node is stopping")
}

/// The machine does not allow it.
pub(crate) fn refused(why: &Refused) -> Failure {
    let code = if matches!(why, Refused::Store { .. }) {
        FailureCode::Failed
    } else {
        FailureCode::Refused
    };
    failure(code, why.to_string())
}

/// An error and all its causes in one line.
pub(crate) fn in_words(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    words
}
