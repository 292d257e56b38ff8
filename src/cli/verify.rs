//! `fedag verify`: everything computed anew.

use std::path::Path;

use clap::Args;

use crate::cli::Timeout;
use crate::cli::clean;
use crate::cli::connect::{self, Need, Session};
use crate::cli::outcome::{Outcome, within};
use crate::cli::print::Out;
use crate::cli::progress::Progress;
use crate::control::view::Report;
use crate::control::{Reply, Request};

/// `fedag verify`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Reads every event of the store and checks its checksum, id, signature, parents and author, then the leaves and the digest.
Nothing is changed. Exit code 1 if anything is wrong; what is wrong is listed.

Examples:
  fedag verify
  fedag verify --timeout 60 || echo 'damaged, or not done within a minute'")]
pub(super) struct Verify {
    #[command(flatten)]
    timeout: Timeout,
}

impl Verify {
    pub(super) async fn run(self, dir: &Path) -> anyhow::Result<Outcome> {
        let report = within(self.timeout.timeout, "not verified", verify(dir)).await?;
        let mut out = Out::new();
        for wrong in &report.wrong {
            out.line(clean::line(wrong))?;
        }
        if report.wrong.is_empty() {
            out.line(format_args!(
                "{} events, all hold, digest {}",
                report.events, report.digest
            ))?;
        } else {
            out.line(format_args!(
                "{} events checked, {} faults, digest {}",
                report.events,
                report.wrong.len(),
                report.digest
            ))?;
        }
        out.flush()?;
        Ok(if report.wrong.is_empty() {
            Outcome::Done
        } else {
            Outcome::Failed
        })
    }
}

async fn verify(dir: &Path) -> anyhow::Result<Report> {
    let session = Session::open(dir, Need::Any).await?;
    let mut replies = session.client().stream(Request::Verify {});
    let mut progress = Progress::new("events verified");
    while let Some(reply) = replies.next().await {
        let reply = reply?;
        if let Reply::Progress { done, of } = reply {
            progress.set(done, of);
            continue;
        }
        let Reply::Verified(report) = reply else {
            return Err(connect::unexpected(&reply));
        };
        progress.clear();
        session.close().await;
        return Ok(report);
    }
    Err(anyhow::anyhow!(
        "the node ended the verification without a result"
    ))
}
