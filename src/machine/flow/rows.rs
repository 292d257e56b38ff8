//! The arrows of the four charts.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::machine::flow::{Does, On, Place, Row};

const fn row(
    from: Place,
    on: On,
    to: Place,
    must: &'static [Does],
    may: &'static [Does],
    when: &'static str,
) -> Row {
    Row {
        from,
        on,
        to,
        must,
        may,
        when,
    }
}

/// All arrows. What has no row changes no phase and asks for nothing.
#[rustfmt::skip] // a table: one arrow, one line
pub const ROWS: &[Row] = {
    use Does::{Addresses, Announce, Answer, Append, Dial, Hangup, Push, SendEnd, SendHello, SendLacks, SendOffer, SendVerdict, StopStream, Want};
    use Place::{CatchingUp, Comparing, Connected, Dialling, Held, Idle, Joining, Listening, Live, Offering, Pending, Streaming, Undecided, Unknown, Waiting, Walking, Wanted};
    &[
        // The machine.
        row(Joining, On::Create, Joining, &[Answer], &[], "refused: still joining"),
        row(Joining, On::Invite, Joining, &[Answer], &[], "refused: still joining"),
        row(Joining, On::Admit, Joining, &[Answer], &[], "refused: still joining"),
        row(Joining, On::OwnAdmission, Live, &[], &[], "no bulk comes in"),
        row(Joining, On::OwnAdmission, CatchingUp, &[], &[], "bulk comes in"),
        row(Live, On::Create, Live, &[Append, Answer], &[], "allowed"),
        row(Live, On::Create, Live, &[Answer], &[], "refused"),
        row(Live, On::Invite, Live, &[Append, Answer], &[], "allowed"),
        row(Live, On::Invite, Live, &[Answer], &[], "refused"),
        row(Live, On::Admit, Live, &[Append, Answer], &[], "the ticket is good"),
        row(Live, On::Admit, Live, &[Answer], &[], "refused, or a member already"),
        row(Live, On::BulkBegins, CatchingUp, &[], &[], ""),
        row(CatchingUp, On::Create, CatchingUp, &[Answer], &[Append], "allowed or refused"),
        row(CatchingUp, On::Invite, CatchingUp, &[Answer], &[Append], "allowed or refused"),
        row(CatchingUp, On::Admit, CatchingUp, &[Answer], &[Append], "allowed or refused"),
        row(CatchingUp, On::BulkEnds, Live, &[], &[], ""),
        // Contact with one machine.
        row(Waiting, On::Due, Dialling, &[Dial], &[], ""),
        row(Waiting, On::ConnectionUp, Connected, &[Addresses], &[], "it dialled"),
        row(Dialling, On::ConnectionUp, Connected, &[Addresses], &[], ""),
        row(Dialling, On::DialFailed, Waiting, &[], &[], "backs off"),
        row(Connected, On::Fault, Connected, &[Hangup], &[], ""),
        row(Connected, On::ConnectionLost, Waiting, &[], &[], "backs off"),
        // A session with one peer.
        row(Idle, On::Trigger, Comparing, &[SendHello], &[], "the bulk slot is free"),
        row(Idle, On::Hello, Idle, &[SendHello], &[], "digests equal: in step"),
        row(Idle, On::Hello, Walking, &[SendHello, SendVerdict], &[], "all its heads are held"),
        row(Idle, On::Hello, Undecided, &[SendHello, SendVerdict], &[], "some are not"),
        row(Idle, On::Hello, Listening, &[SendHello, SendVerdict, SendEnd], &[], "it gave no credit"),
        row(Comparing, On::Hello, Idle, &[], &[], "digests equal: in step"),
        row(Comparing, On::Hello, Walking, &[SendVerdict], &[], "all its heads are held"),
        row(Comparing, On::Hello, Undecided, &[SendVerdict], &[], "some are not"),
        row(Comparing, On::Hello, Listening, &[SendVerdict, SendEnd], &[], "it gave no credit"),
        row(Comparing, On::Hello, Idle, &[SendVerdict, SendEnd], &[], "it gave no credit, and its END overtook"),
        row(Comparing, On::Stalled, Idle, &[], &[], ""),
        row(Comparing, On::ConnectionLost, Idle, &[], &[], ""),
        row(Undecided, On::Verdict, Walking, &[], &[], "neither holds all of the other's"),
        row(Undecided, On::Verdict, Listening, &[SendEnd], &[], "it holds all of ours"),
        row(Undecided, On::Verdict, Idle, &[SendEnd], &[], "it holds all of ours, and its END is there"),
        row(Undecided, On::Offer, Undecided, &[SendLacks], &[], ""),
        row(Undecided, On::Anew, Idle, &[], &[], ""),
        row(Undecided, On::Stalled, Idle, &[SendEnd], &[], ""),
        row(Undecided, On::ConnectionLost, Idle, &[], &[], ""),
        row(Walking, On::WalkStep, Offering, &[SendOffer], &[], "it may hold some of what was found"),
        row(Walking, On::WalkStep, Streaming, &[Does::Stream], &[], "it lacks what was found"),
        row(Walking, On::WalkStep, Listening, &[SendEnd], &[], "it lacks none"),
        row(Walking, On::WalkStep, Idle, &[SendEnd], &[], "it lacks none, and its END is there"),
        row(Walking, On::Offer, Walking, &[SendLacks], &[], ""),
        row(Walking, On::Anew, Idle, &[], &[], ""),
        row(Walking, On::ConnectionLost, Idle, &[], &[], ""),
        row(Offering, On::Lacks, Offering, &[], &[SendOffer, Does::Stream], "more is to be asked"),
        row(Offering, On::Lacks, Streaming, &[Does::Stream], &[], "the last answer, or its credit ends here"),
        row(Offering, On::Lacks, Listening, &[SendEnd], &[], "the last answer, it lacks none of all"),
        row(Offering, On::Lacks, Idle, &[SendEnd], &[], "the last answer, it lacks none of all, and its END is there"),
        row(Offering, On::Streamed, Offering, &[], &[SendOffer], "more is to be asked"),
        row(Offering, On::Streamed, Streaming, &[Does::Stream], &[], "all was asked"),
        row(Offering, On::Offer, Offering, &[SendLacks], &[], ""),
        row(Offering, On::StreamFailed, Idle, &[StopStream, SendEnd], &[], ""),
        row(Offering, On::Anew, Idle, &[], &[StopStream], ""),
        row(Offering, On::Stalled, Idle, &[SendEnd], &[StopStream], ""),
        row(Offering, On::ConnectionLost, Idle, &[], &[StopStream], ""),
        row(Streaming, On::Streamed, Streaming, &[], &[Does::Stream], "more parts"),
        row(Streaming, On::Streamed, Listening, &[], &[], "the last part, its END is not there"),
        row(Streaming, On::Streamed, Idle, &[], &[], "the last part, its END is there"),
        row(Streaming, On::Offer, Streaming, &[SendLacks], &[], ""),
        row(Streaming, On::StreamFailed, Idle, &[StopStream, SendEnd], &[], ""),
        row(Streaming, On::Anew, Idle, &[StopStream], &[], ""),
        row(Streaming, On::Stalled, Idle, &[StopStream, SendEnd], &[], ""),
        row(Streaming, On::ConnectionLost, Idle, &[StopStream], &[], ""),
        row(Listening, On::Offer, Listening, &[SendLacks], &[], ""),
        row(Listening, On::End, Idle, &[], &[], ""),
        row(Listening, On::Anew, Idle, &[], &[], ""),
        row(Listening, On::Stalled, Idle, &[], &[], ""),
        row(Listening, On::ConnectionLost, Idle, &[], &[], ""),
        // An event.
        row(Unknown, On::Created, Held, &[Append], &[Push, Announce], ""),
        row(Unknown, On::Pushed, Held, &[Append], &[Push, Announce], "its dependencies are held"),
        row(Unknown, On::Pushed, Pending, &[], &[], "some are not, and no bulk comes in"),
        row(Unknown, On::Announced, Wanted, &[Want], &[], ""),
        row(Unknown, On::Bulk, Held, &[Append], &[], "its dependencies are held"),
        row(Unknown, On::Bulk, Pending, &[], &[], "some are not"),
        row(Wanted, On::Given, Held, &[Append], &[Push, Announce], "its dependencies are held"),
        row(Wanted, On::Given, Pending, &[], &[], "some are not"),
        row(Wanted, On::NotGiven, Unknown, &[], &[], "a session brings it"),
        row(Pending, On::Complete, Held, &[Append], &[Push, Announce], ""),
        row(Pending, On::Complete, Unknown, &[Hangup], &[], "its parent does not vouch for it"),
        row(Pending, On::SenderDone, Unknown, &[], &[], ""),
    ]
};
