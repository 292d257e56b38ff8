//! Mutated frames, events, lines and programs for a machine: nothing panics, and all bounds hold.
//!
//! The targets are plain functions of the library; `fuzz/` hands the same ones to a fuzzer. Here they run for 30 seconds of one
//! processor, or for `FEDAG_FUZZ_SECONDS` on each of two, or for `FEDAG_FUZZ_INPUTS` inputs each. What fails is printed in
//! hexadecimal digits. With `FEDAG_FUZZ_CORPUS` what they begin with is written there instead, a folder for each target.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use fedag::control::fuzz::read_line;
use fedag::event::fuzz::read_json;
use fedag::machine::fuzz::{Reached, programs, run};
use fedag::wire::fuzz::decode_anything;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// A target and what its inputs are made from.
struct Target {
    name: &'static str,
    seeds: Vec<Vec<u8>>,
    run: fn(&[u8]) -> Reached,
}

/// What one thread saw.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    inputs: u64,
    accepted: u64,
    reached: Reached,
}

/// One machine's programs, and everything that is decoded.
fn targets() -> [Vec<Target>; 2] {
    let machine = Target {
        name: "machine",
        seeds: programs(),
        run,
    };
    let wire = Target {
        name: "wire",
        seeds: frames(),
        run: |bytes| accepted(decode_anything(bytes)),
    };
    let json = Target {
        name: "json",
        seeds: json_lines(),
        run: |bytes| accepted(read_json(bytes)),
    };
    let control = Target {
        name: "control",
        seeds: control_lines(),
        run: |bytes| accepted(read_line(bytes)),
    };
    [vec![machine], vec![wire, json, control]]
}

fn accepted(is_accepted: bool) -> Reached {
    Reached {
        taken: u64::from(is_accepted),
        ..Reached::default()
    }
}

/// The golden frames, greetings and the ticket.
fn frames() -> Vec<Vec<u8>> {
    let hex = |line: &str| {
        let word = line.split_whitespace().last()?;
        HEXLOWER
            .decode(word.as_bytes())
            .ok()
            .filter(|bytes| !bytes.is_empty())
    };
    let mut seeds: Vec<_> = include_str!("../data/frames.txt")
        .lines()
        .filter_map(hex)
        .collect();
    assert!(seeds.len() > 10, "the golden frames are read");
    seeds.push(include_bytes!("../data/ticket.txt").to_vec());
    seeds
}

/// The golden events as they are exported, and properties.
fn json_lines() -> Vec<Vec<u8>> {
    let rows: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("../data/events.json")).unwrap();
    let exported = rows.iter().map(|row| row["json"].as_str().unwrap());
    let properties = [
        r#"{"a":[1,2.5e3,"\u00e9\n",null,true],"b":{"":{}}}"#,
        r#" { "text" : "a longer text, in which a changed byte changes nothing else" } "#,
        r#"{"n":[0,-1,1.5,1e21,9007199254740991,123456789],"deep":[[[[[[{}]]]]]]}"#,
    ];
    let all = exported.chain(properties).chain(properties);
    all.map(|line| line.as_bytes().to_vec()).collect()
}

fn control_lines() -> Vec<Vec<u8>> {
    [
        r#"{"id":1,"request":{"status":{}}}"#,
        r#"{"id":2,"request":{"watch":{}}}"#,
        r#"{"id":3,"request":{"add":{"events":[{"text":"x"},{"n":1}]}}}"#,
        r#"{"id":4,"error":{"code":"refused","message":"no"}}"#,
    ]
    .map(|line| line.as_bytes().to_vec())
    .into()
}

/// A seed with some changes; most keep its length, so that what follows keeps its meaning.
fn mutated(random: &mut Pcg64Mcg, seeds: &[Vec<u8>]) -> Vec<u8> {
    let below = |random: &mut Pcg64Mcg, end: usize| random.random_range(0..end.max(1));
    let mut input = seeds[below(random, seeds.len())].clone();
    for _ in 0..=below(random, 6) {
        if input.is_empty() {
            break;
        }
        let at = below(random, input.len());
        let other = &seeds[below(random, seeds.len())];
        let from = below(random, other.len());
        let piece = other[from..].iter().take(1 + below(random, 64)).copied();
        match below(random, 16) {
            0..6 => input[at] ^= 1 << below(random, 8),
            6..9 => input[at] = [0, 1, 0x7f, 0x80, 0xfa, 0xfb, 0xfc, 0xfd, 0xff][below(random, 9)],
            9..12 => {
                for (byte, new) in input[at..].iter_mut().zip(piece) {
                    *byte = new;
                }
            }
            12 => input.truncate(at),
            13 => {
                input.remove(at);
            }
            14 => {
                let piece: Vec<u8> = piece.collect();
                input.splice(at..at, piece);
            }
            _ => input.extend_from_slice(other),
        }
    }
    input
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs the targets in turn until the time or the number of inputs is reached.
fn hammer(targets: &[Target], seed: u64) -> Vec<Seen> {
    let inputs = setting("FEDAG_FUZZ_INPUTS");
    let seconds = setting("FEDAG_FUZZ_SECONDS").unwrap_or(15);
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let mut all = vec![Seen::default(); targets.len()];
    for round in 0_u64.. {
        let is_over = inputs.map_or_else(|| Instant::now() >= until, |inputs| round >= inputs);
        if is_over {
            break;
        }
        for (target, seen) in targets.iter().zip(&mut all) {
            let input = mutated(&mut random, &target.seeds);
            let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(&input)));
            let Ok(one) = outcome else {
                panic!(
                    "{} of seed {seed}, round {round}, fails on {}",
                    target.name,
                    HEXLOWER.encode(&input)
                );
            };
            seen.inputs += 1;
            seen.accepted += u64::from(one.taken > 0);
            seen.reached = sum(seen.reached, one);
        }
    }
    all
}

fn sum(all: Reached, one: Reached) -> Reached {
    Reached {
        frames: all.frames + one.frames,
        taken: all.taken + one.taken,
        changed: all.changed + one.changed,
        changed_taken: all.changed_taken + one.changed_taken,
        pending: all.pending.max(one.pending),
        wanted: all.wanted.max(one.wanted),
        book: all.book.max(one.book),
        held: all.held.max(one.held),
    }
}

/// A fuzzer begins with the same inputs.
fn write_corpus(corpus: &Path) {
    for target in targets().into_iter().flatten() {
        let dir = corpus.join(target.name);
        std::fs::create_dir_all(&dir).unwrap();
        for (n, seed) in target.seeds.iter().enumerate() {
            std::fs::write(dir.join(format!("{n:03}")), seed).unwrap();
        }
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "how much was tried is asked for")]
fn nothing_panics_whatever_comes_and_all_bounds_hold() {
    if let Some(corpus) = std::env::var_os("FEDAG_FUZZ_CORPUS") {
        return write_corpus(Path::new(&corpus));
    }
    let threads = [1, 2].map(|seed| {
        std::thread::spawn(move || {
            let [machine, decoders] = targets();
            let targets = if seed == 1 { machine } else { decoders };
            let seen = hammer(&targets, seed);
            let names = targets.iter().map(|target| target.name);
            names.zip(seen).collect::<Vec<_>>()
        })
    });
    let all: Vec<_> = threads
        .into_iter()
        .flat_map(|thread| thread.join().expect("nothing fails"))
        .collect();
    for (name, seen) in &all {
        let share = |part: u64, of: u64| 100 * part / of.max(1);
        let accepted = share(seen.accepted, seen.inputs);
        println!("{name}: {} inputs, {accepted}% accepted", seen.inputs);
        assert!(seen.accepted > 0, "{name}: nothing gets anywhere");
        if *name == "machine" {
            let Reached {
                frames,
                taken,
                changed,
                changed_taken,
                pending,
                wanted,
                book,
                held,
            } = seen.reached;
            let (whole, reached) = (share(taken, frames), share(changed_taken, changed));
            println!("  of {frames} frames in mutated programs {whole}% reached the machine");
            println!("  of {changed} that are mutated themselves {reached}%");
            println!(
                "  at most {pending} pending, {wanted} wanted, {book} in the book, {held} held"
            );
            assert!(
                reached >= 10,
                "only {reached}% of the mutated frames reach the machine"
            );
        }
    }
}
