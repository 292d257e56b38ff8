//! How far a long command is: a bar on a terminal, a line now and then elsewhere; on standard error.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::print;

/// Lines come at least this far apart, unless a tenth more is done.
const LINE_EVERY: Duration = Duration::from_secs(1);

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
            let bar =
                ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(10));
            let style = ProgressStyle::with_template(
                "{msg} [{wide_bar:.green}] {human_pos}/{human_len}, {per_sec}",
            )
            .expect("the template is well-formed");
            bar.set_style(style.progress_chars("=> "));
            bar.set_message(what);
            Shown::Bar(bar)
        } else {
            Shown::Lines(Steps::default())
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

/// Decides when a line is due: at the start, at each further tenth, and after a second with any change.
#[derive(Debug, Default)]
struct Steps {
    last: Option<(u64, u64, Instant)>,
}

impl Steps {
    fn is_due(&mut self, done: u64, of: u64, now: Instant) -> bool {
        let due = match self.last {
            None => true,
            Some((last, last_of, at)) => {
                let late = now.duration_since(at) >= LINE_EVERY;
                (last, last_of) != (done, of) && (late || tenths(done, of) > tenths(last, of))
            }
        };
        if due {
            self.last = Some((done, of, now));
        }
        due
    }
}

fn tenths(done: u64, of: u64) -> u64 {
    done.saturating_mul(10).checked_div(of).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_at_each_tenth_or_second_and_never_twice_the_same() {
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let mut steps = Steps::default();
        for (done, of, ms, due) in [
            (0, 100, 0, true),
            (0, 100, 5000, false),
            (9, 100, 500, false),
            (10, 100, 501, true),
            (11, 100, 502, false),
            (11, 100, 1501, true),
            (35, 100, 1502, true),
            (100, 100, 1503, true),
            (100, 100, 9999, false),
            (100, 0, 9999, true),
        ] {
            assert_eq!(
                steps.is_due(done, of, after(ms)),
                due,
                "{done}/{of} at {ms}"
            );
        }
    }
}
