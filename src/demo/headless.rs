//! The play without a screen: a check that the program does here what the demo shows.

use crate::demo::scene::Machine;
use crate::demo::script::{Pace, STEPS, Script};
use crate::demo::stage::{Happened, Stage};
use crate::demo::{Error, Loss, Options};
use crate::limits::DEMO_STEP;

/// What came of it.
#[derive(Debug)]
pub enum Verdict {
    /// All machines hold the same, and every acknowledged event.
    Holds,
    /// Something is missing.
    Lost(Vec<Loss>),
    /// A step did not come to its end within `limits::DEMO_STEP`.
    Stuck {
        /// The step.
        title: &'static str,
        /// What each machine said last.
        said: Vec<String>,
    },
}

/// Plays all steps, tells each when it is done, and looks whether everything is everywhere. Must be called in a tokio runtime.
///
/// # Errors
/// See [`Error`].
pub async fn run(options: Options, mut tell: impl FnMut(String)) -> Result<Verdict, Error> {
    let mut stage = Box::pin(Stage::open(options.seed)).await?;
    let verdict = play(&mut stage, &options, &mut tell).await;
    stage.close().await;
    verdict
}

async fn play(
    stage: &mut Stage,
    options: &Options,
    tell: &mut impl FnMut(String),
) -> Result<Verdict, Error> {
    let mut script = Script::new(Pace::FAST, true, stage.now_ms());
    let mut begun_ms = stage.now_ms();
    let mut told = 0;
    while !script.is_over() {
        for act in script.update(stage.now_ms(), stage.scene()) {
            stage.act(act);
        }
        if script.done() > told {
            told = script.done();
            tell(line(stage, told, stage.now_ms() - begun_ms));
            begun_ms = stage.now_ms();
            sabotage(stage, options, told).await?;
            continue;
        }
        if u128::from(script.playing_for_ms(stage.now_ms())) > DEMO_STEP.as_millis() {
            return Ok(Verdict::Stuck {
                title: script.step().map_or("", |step| step.title),
                said: Machine::ALL.map(|machine| said(stage, machine)).into(),
            });
        }
        if let Happened::Refused(why) = stage.happened(script.wakeup_ms()).await? {
            tell(why);
        }
    }
    let losses = stage.examine().await?;
    Ok(if losses.is_empty() {
        Verdict::Holds
    } else {
        Verdict::Lost(losses)
    })
}

/// Loses what cy alone holds, when that was asked for.
#[cfg(feature = "mutants")]
async fn sabotage(stage: &mut Stage, options: &Options, done: usize) -> Result<(), Error> {
    if options.lose && done == 3 {
        stage.lose(Machine::Cy).await?;
    }
    Ok(())
}

#[cfg(not(feature = "mutants"))]
#[expect(clippy::unused_async, reason = "it has the form of the other one")]
async fn sabotage(_: &mut Stage, _: &Options, _: usize) -> Result<(), Error> {
    Ok(())
}

/// `3 both sides go on writing   ana bob 41c0d2f1 9 events   cy e92d0a77 10 events   3.1 s`
fn line(stage: &Stage, done: usize, took_ms: u64) -> String {
    let title = STEPS[done - 1].title;
    let mut groups: Vec<(String, Vec<&str>, u64)> = Vec::new();
    for machine in Machine::ALL {
        let Some(status) = stage.scene().status(machine) else {
            continue;
        };
        let digest: String = status.digest.chars().take(8).collect();
        match groups.iter_mut().find(|group| group.0 == digest) {
            Some(group) => group.1.push(machine.name()),
            None => groups.push((digest, vec![machine.name()], status.events)),
        }
    }
    let held: Vec<String> = groups
        .iter()
        .map(|(digest, names, events)| format!("{} {digest} {events} events", names.join(" = ")))
        .collect();
    let seconds = f64::from(u32::try_from(took_ms).unwrap_or(u32::MAX)) / 1000.0;
    format!(
        "{done} {title:<27}  {:<47}  {seconds:.1} s",
        held.join("   ")
    )
}

fn said(stage: &Stage, machine: Machine) -> String {
    let name = machine.name();
    match stage.scene().status(machine) {
        None => format!("{name} does not run"),
        Some(status) => format!(
            "{name} says {}: {} events, digest {}, {} of {} members heard",
            status.badge(),
            status.events,
            status.digest.chars().take(8).collect::<String>(),
            status.heard,
            status.members.saturating_sub(1),
        ),
    }
}
