//! The chart in docs/flow.md, the table in the code and what the machine does are one thing.

mod offers;
mod scenes;
mod script;

use fedag::machine::effect::{Effect, When};
use fedag::machine::flow::{self, DoesSet, Place, ROWS, Row, Step};
use fedag::machine::input::{Input, RequestId};
use fedag::wire::Message;

use crate::flow::scenes::walked;
use crate::flow::script::{Script, wall};
use crate::support::check_written;

#[test]
fn the_chart_in_the_docs_is_the_table() {
    check_written("docs/flow.md", &flow::markdown());
}

#[test]
fn the_chart_in_the_readme_is_the_table() {
    let (begin, end) = (
        "<!-- flow: written by `BLESS=1 cargo test flow` -->\n",
        "<!-- end of flow -->",
    );
    let readme = include_str!("../../README.md");
    let (before, rest) = readme.split_once(begin).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    let want = format!("{before}{begin}{}\n{end}{after}", flow::charts("###"));
    check_written("README.md", &want);
}

#[test]
fn every_row_is_walked() {
    let steps = walked();
    let dead: Vec<&Row> = ROWS
        .iter()
        .filter(|row| !steps.iter().any(|step| row.declares(step)))
        .collect();
    assert!(dead.is_empty(), "rows never walked: {dead:#?}");
}

#[test]
fn no_row_can_be_left_out_or_changed() {
    let steps = walked();
    let taken: Vec<Step> = steps
        .iter()
        .copied()
        .filter(|step| step.from != step.to || step.does != DoesSet::default())
        .collect();
    assert!(
        taken
            .iter()
            .all(|step| ROWS.iter().any(|row| row.declares(step)))
    );
    for index in 0..ROWS.len() {
        let without: Vec<Row> = ROWS
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != index)
            .map(|(_, row)| *row)
            .collect();
        let is_missed = |rows: &[Row]| {
            taken
                .iter()
                .any(|step| !rows.iter().any(|row| row.declares(step)))
        };
        assert!(
            is_missed(&without),
            "deleting this row goes unnoticed: {:?}",
            ROWS[index]
        );
        for to in Place::ALL {
            if *to != ROWS[index].to {
                let mut redirected = ROWS.to_vec();
                redirected[index].to = *to;
                assert!(
                    is_missed(&redirected),
                    "redirecting this row goes unnoticed: {:?}",
                    ROWS[index]
                );
            }
        }
    }
}

#[test]
fn rows_stay_within_their_chart() {
    assert!(ROWS.iter().all(|row| row.from.chart() == row.to.chart()));
}

/// Own events wait for the disk, relayed ones do not.
#[test]
fn what_is_acknowledged_or_told_waits_for_the_disk() {
    let mut script = Script::new();
    script.connect();
    let mut machine = script.sim.machine(0).clone();
    let mut effects = fedag::machine::effect::Effects::default();
    let properties = vec![fedag::event::canon::Properties::from_text("own")];
    machine.handle(
        script.sim.now(),
        Input::Create {
            request: RequestId(7),
            wall: wall(),
            properties,
        },
        &mut effects,
    );
    for (when, effect) in effects.as_slice() {
        let must_wait = match effect {
            Effect::Answer { .. }
            | Effect::Send {
                message: Message::Push(_) | Message::Heads(_),
                ..
            } => true,
            Effect::Append(_) | Effect::Notify(_) => false,
            other @ (Effect::Send { .. }
            | Effect::Give { .. }
            | Effect::Stream { .. }
            | Effect::StopStream { .. }
            | Effect::Dial { .. }
            | Effect::Hangup { .. }
            | Effect::Remember(_)) => panic!("not asked for: {other:?}"),
        };
        assert_eq!(*when == When::Durable, must_wait, "{effect:?}");
    }
    assert!(
        effects
            .as_slice()
            .iter()
            .any(|(_, effect)| matches!(effect, Effect::Answer { answer: Ok(_), .. }))
    );
    assert!(
        effects
            .as_slice()
            .iter()
            .any(|(_, effect)| matches!(effect, Effect::Send { .. }))
    );
}
