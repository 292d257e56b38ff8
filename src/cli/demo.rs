//! `fedag demo`: see it work, on this computer alone.

use clap::Args;

use crate::cli::outcome::{Outcome, Refusal};
use crate::cli::print::{self, Out};
use crate::cli::run::Stops;
use crate::demo::headless::{self, Verdict};
use crate::demo::{Options, screen};
use crate::tui::terminal;

/// `fedag demo`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Three real nodes in this process, each with a key and a store of its own, over real QUIC on 127.0.0.1. It plays by itself: everyone
writes, a wire is cut, both sides go on, the wire is mended, and all hold the same again. Every key is on the screen, `?` explains them.
The stores are in a directory among the temporary files, which is removed at the end.

--headless plays the same without a screen and prints a line a step. It fails unless all three machines end with the same digest and
each holds every event that any of them acknowledged.

Examples:
  fedag demo
  fedag demo --headless
  fedag demo --seed 7            the same keys and events again, as for pictures; never for a network of your own")]
pub(super) struct Demo {
    /// Play without a screen, and check what comes of it.
    #[arg(long)]
    headless: bool,
    /// Make the same keys and events again.
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// A machine loses what it alone holds, so that the check must fail.
    #[cfg(feature = "mutants")]
    #[arg(long, hide = true)]
    lose: bool,
}

impl Demo {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let options = Options {
            seed: self.seed,
            #[cfg(feature = "mutants")]
            lose: self.lose,
        };
        if !self.headless {
            return shown(options).await;
        }
        let mut stops = Stops::new()?;
        tokio::select! {
            outcome = headless(options) => outcome,
            signal = stops.next() => Err(anyhow::anyhow!("stopped by {signal}")),
        }
    }
}

async fn shown(options: Options) -> anyhow::Result<Outcome> {
    if !terminal::is_there() {
        return Err(
            Refusal::usage("the demo needs a terminal on standard input and output")
                .advise("`fedag demo --headless` plays it without one")
                .into(),
        );
    }
    match Box::pin(screen::run(options)).await? {
        screen::Outcome::Quit => {
            let mut out = Out::new();
            out.line("Now with two real terminals:")?;
            out.line("  fedag                                            F2 shows a ticket")?;
            out.line("  fedag --data /tmp/second join TICKET --name second")?;
            out.flush()?;
        }
        screen::Outcome::Signal(_) => {}
    }
    Ok(Outcome::Done)
}

async fn headless(options: Options) -> anyhow::Result<Outcome> {
    let mut out = Out::new();
    let mut written = Ok(());
    let verdict = headless::run(options, |line| {
        if written.is_ok() {
            written = out.line(line).and_then(|()| out.flush());
        }
    })
    .await?;
    written?;
    Ok(match verdict {
        Verdict::Holds => {
            out.line("every acknowledged event is on every machine, and all digests are equal")?;
            out.flush()?;
            Outcome::Done
        }
        Verdict::Lost(losses) => {
            for loss in losses {
                print::tell(format_args!("fedag: {loss}"));
            }
            Outcome::Failed
        }
        Verdict::Stuck { title, said } => {
            print::tell(format_args!(
                "fedag: the step \"{title}\" did not come to its end"
            ));
            for said in said {
                print::tell(format_args!("  {said}"));
            }
            Outcome::Failed
        }
    })
}
