//! `fedag sim`: figures as JSON, the line that repeats a run, wrong usage. Needs no data directory, and makes none.

use super::*;

/// A plan with everything in it; small.
const STORM: &[&str] = &[
    "sim",
    "--seed",
    "11",
    "--machines",
    "8",
    "--events",
    "150",
    "--writers",
    "3",
    "--loss",
    "0.05",
    "--crash",
    "0.1",
    "--cut",
    "0.2",
    "--mode",
    "quic",
];

fn json_of(dir: &Path, arguments: &[&str]) -> Value {
    let mut arguments = arguments.to_vec();
    arguments.push("--json");
    let lines = lines(&ok(run(dir, &arguments)));
    assert_eq!(lines.len(), 1, "one object a run: {lines:?}");
    serde_json::from_str(&lines[0]).unwrap()
}

#[test]
fn a_simulation_tells_its_figures_as_json() {
    let (_temp, dir) = place();
    let told = json_of(
        &dir,
        &["sim", "--machines", "8", "--events", "60", "--seed", "3"],
    );
    let is = |name: &str, value: Value| assert_eq!(told[name], value, "{name} of {told}");
    is("machines", json!(8));
    is("events", json!(60));
    is("seed", json!(3));
    is("converged", json!(true));
    assert_eq!(told["digest"].as_str().unwrap().len(), 64);
    assert_eq!(told["trace_hash"].as_str().unwrap().len(), 64);
    let at_least = |name: &str, least: f64| {
        assert!(told[name].as_f64().unwrap() >= least, "{name} of {told}");
    };
    at_least("held", 61.0);
    at_least("copies_per_machine", 1.0);
    at_least("hops_max", 1.0);
    at_least("last_delivery_ms", 1.0);
    at_least("bytes_per_machine", 60.0 * 100.0);
    at_least("memory_per_machine", 60.0 * 32.0);
    at_least("wall_seconds", 0.0);
    assert!(!dir.exists(), "nothing is written");
}

#[test]
fn the_line_that_repeats_a_run_repeats_it() {
    let (_temp, dir) = place();
    let first = json_of(&dir, STORM);
    let repeat = first["repeat"].as_str().unwrap().to_owned();
    let words: Vec<&str> = repeat.split(' ').collect();
    assert_eq!(words[0], "fedag");
    let again = json_of(&dir, &words[1..]);
    assert_eq!(first["trace_hash"], again["trace_hash"]);
    assert_eq!(first["digest"], again["digest"]);
    let other: Vec<&str> = words[1..]
        .iter()
        .map(|word| if *word == "11" { "12" } else { word })
        .collect();
    assert_ne!(json_of(&dir, &other)["trace_hash"], first["trace_hash"]);
}

#[test]
fn several_seeds_are_several_runs_and_a_summary() {
    let (_temp, dir) = place();
    let output = run(
        &dir,
        &[
            "sim",
            "--machines",
            "4",
            "--events",
            "30",
            "--seed",
            "5",
            "--seeds",
            "3",
            "--cut",
            "0.3",
        ],
    );
    let told = lines(&ok(output.clone()));
    assert_eq!(told.len(), 3);
    for seed in 5..8 {
        let begin = format!("seed {seed}: 4 machines hold the same ");
        assert_eq!(
            told.iter().filter(|line| line.starts_with(&begin)).count(),
            1,
            "{told:?}"
        );
    }
    assert!(
        stderr(&output).contains("3 runs, 0 broken"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn what_cannot_be_simulated_is_wrong_usage() {
    let (_temp, dir) = place();
    for wrong in [
        &["sim", "--machines", "1"][..],
        &["sim", "--machines", "100000"],
        &["sim", "--loss", "1.5"],
        &["sim", "--crash", "-0.1"],
        &["sim", "--cut", "NaN"],
        &["sim", "--writers", "0"],
        &["sim", "--seeds", "0"],
        &["sim", "--mode", "tcp"],
    ] {
        let output = run(&dir, wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
    }
}
