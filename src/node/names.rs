//! How people name events and machines: labels, prefixes of uuids and keys.
//!
//! Invariants:
//! - a label is a function of the held set alone, so converged machines show the same ones;
//! - no two held events have one label;
//! - a label's letters never end in a digit, so that where its number begins is never in doubt.

use std::collections::{BTreeMap, BTreeSet};

use crate::control::Failure;
use crate::dag::Dag;
use crate::event::index::{Arrival, Author};
use crate::event::key::MachineId;
use crate::limits::{LABEL_MEMBERS_MAX, NAME_PREFIX_MIN};
use crate::node::failure::{ambiguous, not_found};
use crate::node::summary::clean;

/// Prefixes of labels, and what must be known of forked authors to number their branches.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Number of members when the prefixes were made.
    members: usize,
    prefixes: BTreeMap<MachineId, String>,
    machines: BTreeMap<String, MachineId>,
    forks: Forks,
}

impl Names {
    /// Takes in what came to be held since the last call. Cheap when no member and no event of a forked author came.
    pub(crate) fn catch_up(&mut self, dag: &Dag) {
        if dag.members().len() != self.members {
            self.members = dag.members().len();
            self.prefixes = prefixes(
                dag.members()
                    .map(|(key, member)| (key, member.name.as_str())),
            );
            self.machines = self
                .prefixes
                .iter()
                .map(|(key, prefix)| (prefix.clone(), *key))
                .collect();
        }
        self.forks.catch_up(dag);
    }

    /// The letters in front of the number in `machine`'s labels.
    pub(crate) fn prefix(&self, machine: MachineId) -> String {
        self.prefixes
            .get(&machine)
            .cloned()
            .unwrap_or_else(|| with_key("", machine, KEY_CHARS))
    }

    /// The label of a held event, as `b14`; `R` for R; with a `'` for each branch of a fork before its own.
    pub(crate) fn label(&self, dag: &Dag, at: Arrival) -> String {
        if at.0 == 0 {
            return "R".to_owned();
        }
        let author = dag.author(at);
        let branch = self.forks.branch(dag, author, at);
        format!(
            "{}{}{}",
            self.prefix(dag.author_key(author)),
            dag.seq(at),
            "'".repeat(branch)
        )
    }

    /// The held event of a uuid, a unique prefix of one (4 characters or more) or a label. A label wins over a prefix.
    ///
    /// Cost: a scan, unless it is a whole uuid.
    pub(crate) fn find_event(&self, dag: &Dag, name: &str) -> Result<Arrival, Failure> {
        let name = name.trim();
        if name.eq_ignore_ascii_case("r") {
            return Ok(Arrival(0));
        }
        if let Some(at) = self.find_label(dag, name) {
            return Ok(at);
        }
        let prefix = name.to_ascii_lowercase();
        if !prefix.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') || prefix.is_empty() {
            let min = NAME_PREFIX_MIN;
            return Err(not_found(format!(
                "no event here is named {}: give a uuid, the first {min} or more characters of one, or a label such as b14",
                clean(name)
            )));
        }
        if prefix.len() < NAME_PREFIX_MIN {
            let min = NAME_PREFIX_MIN;
            return Err(not_found(format!(
                "{prefix} is no label here, and too short for a uuid: give {min} characters or more"
            )));
        }
        match dag.find_prefix(&prefix, 3).as_slice() {
            [] => Err(not_found(format!(
                "no event held here has a uuid that begins with {prefix}"
            ))),
            [at] => Ok(*at),
            several => {
                let some: Vec<_> = several.iter().map(|at| dag.id(*at).to_string()).collect();
                Err(ambiguous(format!(
                    "several events begin with {prefix}, {} among them: give more characters",
                    some.join(" and ")
                )))
            }
        }
    }

    fn find_label(&self, dag: &Dag, label: &str) -> Option<Arrival> {
        let plain = label.trim_end_matches('\'');
        let branch = label.len() - plain.len();
        let letters = plain.trim_end_matches(|c: char| c.is_ascii_digit());
        let seq: u64 = plain[letters.len()..].parse().ok()?;
        let machine = self
            .machines
            .get(letters)
            .or_else(|| self.machines.get(&letters.to_lowercase()))?;
        let author = dag.author(dag.last_of(*machine)?);
        let mut found: Vec<_> = (0..dag.len())
            .map(Arrival)
            .filter(|at| dag.seq(*at) == seq && dag.author(*at) == author)
            .collect();
        found.sort_unstable_by_key(|at| dag.causal_key(*at));
        found.get(branch).copied()
    }
}

/// The machine of a member's name, a whole key, or a unique prefix of a member's key.
///
/// Cost: a walk over the members.
pub(crate) fn find_machine(dag: &Dag, text: &str) -> Result<MachineId, Failure> {
    let text = text.trim();
    if let Some(machine) = MachineId::parse(text) {
        return Ok(machine);
    }
    let named = |same: &dyn Fn(&str) -> bool| {
        dag.members()
            .filter(|(_, member)| same(&member.name))
            .map(|(key, _)| key)
            .take(3)
            .collect::<Vec<_>>()
    };
    let mut found = named(&|name| name == text);
    if found.is_empty() {
        found = named(&|name| name.to_lowercase() == text.to_lowercase());
    }
    if found.is_empty() && text.len() >= NAME_PREFIX_MIN {
        found = dag
            .members()
            .map(|(key, _)| key)
            .filter(|key| key.to_string().starts_with(text))
            .take(3)
            .collect();
    }
    match found.as_slice() {
        [] => Err(not_found(format!(
            "no member is named {}, and no member's key begins so; `fedag peers` shows names",
            clean(text)
        ))),
        [machine] => Ok(*machine),
        several => {
            let keys: Vec<_> = several.iter().map(ToString::to_string).collect();
            Err(ambiguous(format!(
                "several members fit {}: {}; give a key",
                clean(text),
                keys.join(", ")
            )))
        }
    }
}

/// The name of a member, cleaned; of others the start of the key.
pub(crate) fn machine_name(dag: &Dag, machine: MachineId) -> String {
    match dag.member(machine) {
        Some(member) => clean(&member.name),
        None => machine.to_string()[..KEY_CHARS].to_owned(),
    }
}

/// Characters of a key that tell machines apart where nothing better does.
const KEY_CHARS: usize = 8;

/// The shortest letters that tell each member's labels from all others'.
fn prefixes<'a>(
    members: impl Iterator<Item = (MachineId, &'a str)>,
) -> BTreeMap<MachineId, String> {
    let bases: Vec<_> = members.map(|(key, name)| (base(name), key)).collect();
    if bases.len() > LABEL_MEMBERS_MAX {
        let short = |base: &str| base.chars().take(KEY_CHARS).collect::<String>();
        return bases
            .iter()
            .map(|(base, key)| (*key, with_key(&short(base), *key, KEY_CHARS)))
            .collect();
    }
    let mut by_base: BTreeMap<&str, Vec<MachineId>> = BTreeMap::new();
    for (base, key) in &bases {
        by_base.entry(base).or_default().push(*key);
    }
    let names: Vec<&str> = by_base.keys().copied().collect();
    let mut prefixes = BTreeMap::new();
    for (place, (base, keys)) in by_base.iter().enumerate() {
        match keys.as_slice() {
            [key] if !base.is_empty() => {
                // In sorted order the names that share most with this one are its neighbours.
                let before = place
                    .checked_sub(1)
                    .map_or(0, |place| shared(names[place], base));
                let after = names.get(place + 1).map_or(0, |next| shared(next, base));
                prefixes.insert(
                    *key,
                    ended(base.chars().take(before.max(after) + 1).collect()),
                );
            }
            same => {
                let mut chars = 1;
                while chars < KEY_CHARS && !all_differ(same, chars) {
                    chars += 1;
                }
                prefixes.extend(same.iter().map(|key| (*key, with_key(base, *key, chars))));
            }
        }
    }
    prefixes
}

/// Letters and digits of a name, in lower case.
fn base(name: &str) -> String {
    name.to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric())
        .collect()
}

/// Characters that two names begin with alike.
fn shared(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count()
}

fn all_differ(keys: &[MachineId], chars: usize) -> bool {
    let mut starts: Vec<_> = keys
        .iter()
        .map(|key| key.to_string()[..chars].to_owned())
        .collect();
    starts.sort_unstable();
    starts.is_sorted_by(|a, b| a < b)
}

fn with_key(base: &str, key: MachineId, chars: usize) -> String {
    ended(format!("{base}~{}", &key.to_string()[..chars]))
}

/// A hyphen after a last digit keeps the number that follows apart.
fn ended(mut prefix: String) -> String {
    if prefix.ends_with(|c: char| c.is_ascii_digit()) {
        prefix.push('-');
    }
    prefix
}

/// For each forked author its events by counter.
///
/// Invariant: each list is sorted and holds every event of its author below `seen`.
#[derive(Debug, Default)]
struct Forks {
    seen: u32,
    authors: BTreeMap<Author, Vec<(u64, Arrival)>>,
}

impl Forks {
    /// Cost: O(new * log authors), and a scan of everything for each author that turns out to be forked.
    fn catch_up(&mut self, dag: &Dag) {
        let active: BTreeSet<_> = (self.seen..dag.len())
            .map(|at| dag.author(Arrival(at)))
            .collect();
        for author in active {
            let known = self.authors.contains_key(&author);
            if !known && !dag.is_forked(dag.author_key(author)) {
                continue;
            }
            let from = if known { self.seen } else { 0 };
            let own = (from..dag.len())
                .map(Arrival)
                .filter(|at| dag.author(*at) == author);
            let events = self.authors.entry(author).or_default();
            events.extend(own.map(|at| (dag.seq(at), at)));
            events.sort_unstable(); // Nearly sorted, as counters go up.
        }
        self.seen = dag.len();
    }

    /// How many events of the author with the same counter come before this one in causal order.
    fn branch(&self, dag: &Dag, author: Author, at: Arrival) -> usize {
        let Some(events) = self.authors.get(&author) else {
            return 0;
        };
        let seq = dag.seq(at);
        let first = events.partition_point(|(other, _)| *other < seq);
        let same = events[first..]
            .iter()
            .take_while(|(other, _)| *other == seq);
        same.filter(|(_, other)| dag.causal_key(*other) < dag.causal_key(at))
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::key::Key;

    fn labels(names: &[&str]) -> Vec<String> {
        let keys: Vec<_> = (0..names.len())
            .map(|n| Key::from_seed([u8::try_from(n).unwrap(); 32]).machine())
            .collect();
        let prefixes = prefixes(keys.iter().copied().zip(names.iter().copied()));
        keys.iter().map(|key| prefixes[key].clone()).collect()
    }

    #[test]
    fn the_shortest_start_of_a_name_that_tells_it_apart() {
        assert_eq!(labels(&["ana", "bob", "cy"]), ["a", "b", "c"]);
        assert_eq!(labels(&["ana", "anton", "Ben"]), ["ana", "ant", "b"]);
        assert_eq!(labels(&["an", "ana"]), ["an", "ana"]);
        assert_eq!(labels(&["École 3", "ecole"]), ["é", "e"]);
    }

    #[test]
    fn a_prefix_never_ends_in_a_digit() {
        assert_eq!(
            labels(&["node1", "node12", "node2"]),
            ["node1-", "node12-", "node2-"]
        );
    }

    #[test]
    fn equal_and_empty_names_are_told_apart_by_keys() {
        let found = labels(&["bob", "bob", "☃", "ben"]);
        assert!(
            found[0].starts_with("bob~") && found[1].starts_with("bob~") && found[0] != found[1],
            "{found:?}"
        );
        assert!(found[2].starts_with('~'), "{found:?}");
        assert_eq!(found[3], "be");
    }
}
