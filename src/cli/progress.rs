//! How far a long command is: a bar on a terminal, a line now and then elsewhere; on standard error.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::cli::print;

/// Lines come at least this far apart, the first one this long after the start: what is done sooner needs none.
const LINE_EVERY: Duration = Duration::from_secs(1);

/// A bar is drawn at most so often: 100,000 events come in about a second, and are to be seen coming.
const BARS_PER_SECOND: u8 = 60;

/// After so long a line comes also when less than a tenth more is done.
const LINE_LATEST: Duration = Duration::from_secs(10);

/// Shows how much of something is done.
#[derive(Debug)]
pub(super) struct Progress {
    what: &'static str,
    shown: Shown,
}

#[derive(Debug)]
enum Shown {
    Bar(ProgressBar),
    Lines(Steps),
}

impl Progress {
    /// Begins; `what` is what is counted, as `events received`.
    pub(super) fn new(what: &'static str) -> Self {
        let shown = if std::io::stderr().is_terminal() {
            let bar = ProgressBar::with_draw_target(
                Some(0),
                ProgressDrawTarget::stderr_with_hz(BARS_PER_SECOND),
            );
            let style = ProgressStyle::with_template(
                "{msg} [{wide_bar:.green}] {human_pos}/{human_len}, {rate}",
            )
            .expect("the template is well-formed")
            .with_key(
                "rate",
                |state: &ProgressState, to: &mut dyn std::fmt::Write| {
                    // A bar that cannot be written is not worth a failure.
                    let _written = write!(to, "{}/s", HumanCount(whole(state.per_sec())));
                },
            );
            bar.set_style(style.progress_chars("=> "));
            bar.set_message(what);
            Shown::Bar(bar)
        } else {
            Shown::Lines(Steps::new(Instant::now()))
        };
        Self { what, shown }
    }

    /// Shows that `done` of `of` are done; `of` may grow.
    pub(super) fn set(&mut self, done: u64, of: u64) {
        match &mut self.shown {
            Shown::Bar(bar) => {
                bar.set_length(of);
                bar.set_position(done.min(of));
            }
            Shown::Lines(steps) => {
                if steps.is_due(done, of, Instant::now()) {
                    print::tell(format_args!("{}: {done} of {of}", self.what));
                }
            }
        }
    }

    /// Takes the bar away, so that something else can be written.
    pub(super) fn clear(self) {
        match self.shown {
            Shown::Bar(bar) => bar.finish_and_clear(),
            Shown::Lines(_) => {}
        }
    }
}

/// Decides when a line is due: at each further tenth, and after ten seconds with any change.
#[derive(Debug)]
struct Steps {
    done: u64,
    of: u64,
    at: Instant,
}

impl Steps {
    fn new(now: Instant) -> Self {
        Self {
            done: 0,
            of: 0,
            at: now,
        }
    }

    fn is_due(&mut self, done: u64, of: u64, now: Instant) -> bool {
        let waited = now.duration_since(self.at);
        let due = (self.done, self.of) != (done, of)
            && waited >= LINE_EVERY
            && (waited >= LINE_LATEST || tenths(done, of) > tenths(self.done, of));
        if due {
            *self = Self { done, of, at: now };
        }
        due
    }
}

/// The whole part of a rate, which is never negative.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is neither negative nor that large; casts saturate"
)]
fn whole(rate: f64) -> u64 {
    rate as u64
}

fn tenths(done: u64, of: u64) -> u64 {
    done.saturating_mul(10).checked_div(of).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_at_each_tenth_or_ten_seconds_and_none_for_what_is_done_at_once() {
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let mut steps = Steps::new(start);
        for (done, of, ms, due) in [
            (0, 100, 0, false),
            (100, 100, 999, false),
            (9, 100, 1500, false),
            (10, 100, 1501, true),
            (35, 100, 1502, false),
            (35, 100, 2501, true),
            (36, 100, 3600, false),
            (36, 100, 12_501, true),
            (36, 100, 99_000, false),
            (100, 100, 99_001, true),
            (100, 0, 199_001, true),
        ] {
            assert_eq!(
                steps.is_due(done, of, after(ms)),
                due,
                "{done}/{of} at {ms}"
            );
        }
    }
}
