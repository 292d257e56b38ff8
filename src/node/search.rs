//! Searches events, one bounded step a request.
//!
//! A step is one short question to the driver, which knows ids, labels and authors, and one read of the store by the asker for
//! those events whose text must be looked at. Regular expressions take time linear in the text, and their compiled form has a
//! bound. An event that is damaged on disk is passed over: its text cannot be known.
//!
//! Bounds: `limits::SEARCH_STEP_EVENTS`, `SEARCH_STEP_BYTES` and `SEARCH_STEP_HITS` a step.

use regex::{Regex, RegexBuilder};

use crate::control::Failure;
use crate::control::search::{Found, Hit, SearchRequest};
use crate::dag::prefix::Prefix;
use crate::event::Raw;
use crate::event::id::EventId;
use crate::event::index::Arrival;
use crate::event::key::MachineId;
use crate::limits::{
    NAME_PREFIX_MIN, SEARCH_CHARS_MAX, SEARCH_COMPILED_BYTES, SEARCH_MARKS_MAX, SEARCH_STEP_BYTES,
    SEARCH_STEP_EVENTS, SEARCH_STEP_HITS,
};
use crate::node::ask::{Body, Desk, Seen, Shared};
use crate::node::failure::bad_request;
use crate::node::names::find_machine;
use crate::node::order::Ordered;
use crate::node::summary::searched;
use crate::node::view::read_all;

/// Does one step of a search.
pub(crate) async fn search(desk: &Desk, request: SearchRequest) -> Result<Found, Failure> {
    let query = if request.same_author {
        Query::default()
    } else {
        Query::parse(&request.query)?
    };
    let asked = query.clone();
    let most = (request.most as usize).clamp(1, SEARCH_STEP_HITS);
    let step = desk
        .ask(move |seen| look(seen, &asked, &request, most))
        .await??;
    desk.blocking(move |shared| Ok(step.finish(shared, &query, most)))
        .await
}

/// What is searched for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    author: Option<String>,
    term: Option<Term>,
}

/// A query but for the author; one of these must fit.
#[derive(Clone, Debug)]
struct Term {
    label: String,
    /// The counter in the label, if it can be one.
    seq: Option<u64>,
    id: Option<Prefix>,
    text: Regex,
}

/// What is known of an event without its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is a hit.
    Fits,
    /// It is none.
    Fails,
    /// Its text decides.
    Text,
}

impl Query {
    /// Reads a query.
    pub(crate) fn parse(query: &str) -> Result<Self, Failure> {
        if query.chars().count() > SEARCH_CHARS_MAX {
            return Err(bad_request(format!(
                "what is searched for has at most {SEARCH_CHARS_MAX} characters"
            )));
        }
        let (mut author, mut rest) = (None, Vec::new());
        for word in query.split(' ') {
            match word.strip_prefix("author:") {
                Some(name) if !name.is_empty() => author = Some(name.to_owned()),
                Some(_) | None => rest.push(word),
            }
        }
        let rest = rest.join(" ");
        let term = match rest.trim() {
            "" => None,
            trimmed => Some(Term::parse(if author.is_some() { trimmed } else { &rest })?),
        };
        if term.is_none() && author.is_none() {
            return Err(bad_request("there is nothing to search for"));
        }
        Ok(Self { author, term })
    }

    /// The machine that is named as the author.
    pub(crate) fn by(&self, seen: &Seen<'_>) -> Result<Option<MachineId>, Failure> {
        let author = self.author.as_ref();
        author.map(|name| find_machine(seen.dag, name)).transpose()
    }

    /// What can be said of an event without its body.
    pub(crate) fn verdict(&self, seen: &Seen<'_>, by: Option<MachineId>, at: Arrival) -> Verdict {
        let dag = seen.dag;
        if by.is_some_and(|by| dag.author_key(dag.author(at)) != by) {
            return Verdict::Fails;
        }
        let Some(term) = &self.term else {
            return Verdict::Fits;
        };
        let is_named = || {
            let may_be = at.0 == 0 || term.seq == Some(dag.seq(at));
            may_be && seen.label(at).to_lowercase() == term.label
        };
        if term.id.is_some_and(|prefix| prefix.fits(dag.id(at))) || is_named() {
            Verdict::Fits
        } else {
            Verdict::Text
        }
    }

    /// Returns whether the text of an event is a hit.
    pub(crate) fn fits_text(&self, raw: &Raw) -> bool {
        self.term
            .as_ref()
            .is_some_and(|term| term.text.is_match(&searched(raw)))
    }

    /// Where a summary matches, as pairs of characters from and to.
    pub(crate) fn marks(&self, summary: &str) -> Vec<(u32, u32)> {
        let Some(term) = &self.term else {
            return Vec::new();
        };
        let quoted = summary
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        let (inner, before) = quoted.map_or((summary, 0), |inner| (inner, 1));
        let chars = |bytes: usize| {
            before + u32::try_from(inner[..bytes].chars().count()).expect("a summary is short")
        };
        term.text
            .find_iter(inner)
            .filter(|found| !found.is_empty())
            .take(SEARCH_MARKS_MAX)
            .map(|found| (chars(found.start()), chars(found.end())))
            .collect()
    }
}

impl Term {
    fn parse(text: &str) -> Result<Self, Failure> {
        let label = text.trim().to_lowercase();
        let plain = label.trim_end_matches('\'');
        let letters = plain.trim_end_matches(|c: char| c.is_ascii_digit());
        let is_long = label.len() >= NAME_PREFIX_MIN;
        let regex = RegexBuilder::new(text)
            .case_insensitive(!text.chars().any(char::is_uppercase))
            .size_limit(SEARCH_COMPILED_BYTES)
            .dfa_size_limit(SEARCH_COMPILED_BYTES)
            .build();
        Ok(Self {
            seq: plain[letters.len()..].parse().ok(),
            id: Prefix::parse(&label).filter(|_| is_long),
            label,
            text: regex.map_err(|error| bad_request(in_a_line(&error)))?,
        })
    }
}

/// Why a regular expression is refused, in one line.
fn in_a_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let why = text.lines().last().unwrap_or("it cannot be read");
    let why = why.trim().trim_start_matches("error: ");
    format!("this is no regular expression: {why}")
}

/// The events of one step, in the order in which they are come upon.
struct Step {
    events: Vec<Looked>,
    first: Option<EventId>,
    last: Option<EventId>,
    done: bool,
    looked: u64,
    total: u64,
}

/// An event that is a hit, or may be one.
struct Looked {
    id: EventId,
    height: u32,
    at: Arrival,
    /// Events looked at up to this one.
    count: u64,
    /// None: it is a hit.
    body: Option<Body>,
}

/// Looks at what needs no bodies.
fn look(
    seen: &mut Seen<'_>,
    query: &Query,
    request: &SearchRequest,
    most: usize,
) -> Result<Step, Failure> {
    let from = match &request.from {
        Some(name) => Some(
            match EventId::parse(name).and_then(|id| seen.dag.find(id)) {
                Some(at) => at,
                None => seen.names.find_event(seen.dag, name)?,
            },
        ),
        None => None,
    };
    let by = match from {
        Some(from) if request.same_author => Some(seen.dag.author_key(seen.dag.author(from))),
        Some(_) | None => query.by(seen)?,
    };
    let mut causal = std::mem::take(seen.causal);
    let order = Ordered::new(seen.dag, &mut causal, request.order);
    let step = if request.back {
        let end = from.map_or(order.len(), |from| order.rank(from));
        let ranks = (0..end).rev().map(|rank| order.at(rank));
        gather(seen, query, by, ranks, most)
    } else {
        let start = from.map_or(0, |from| order.rank(from) + 1);
        let ranks = (start..order.len()).map(|rank| order.at(rank));
        gather(seen, query, by, ranks, most)
    };
    *seen.causal = causal;
    Ok(step)
}

fn gather(
    seen: &Seen<'_>,
    query: &Query,
    by: Option<MachineId>,
    mut events: impl Iterator<Item = Arrival>,
    most: usize,
) -> Step {
    let dag = seen.dag;
    let mut step = Step {
        events: Vec::new(),
        first: None,
        last: None,
        done: true,
        looked: 0,
        total: dag.len().into(),
    };
    let (mut bytes, mut hits) = (0, 0);
    for at in events.by_ref() {
        step.looked += 1;
        step.first.get_or_insert_with(|| dag.id(at));
        step.last = Some(dag.id(at));
        let body = match query.verdict(seen, by, at) {
            Verdict::Fails => None,
            Verdict::Fits => {
                hits += 1;
                Some(None)
            }
            Verdict::Text => {
                bytes += dag.length(at) as usize;
                Some(Some(seen.body(at)))
            }
        };
        step.events.extend(body.map(|body| Looked {
            id: dag.id(at),
            height: dag.height(at),
            at,
            count: step.looked,
            body,
        }));
        let is_full = step.looked == SEARCH_STEP_EVENTS as u64 || bytes >= SEARCH_STEP_BYTES;
        if is_full || hits == most {
            break;
        }
    }
    step.done = events.next().is_none();
    step
}

impl Step {
    /// Reads what must be read, and says what was found.
    fn finish(self, shared: &Shared, query: &Query, most: usize) -> Found {
        let mut fits: Vec<bool> = self
            .events
            .iter()
            .map(|event| event.body.is_none())
            .collect();
        // Neighbours on disk are read at once, whatever the order of the search.
        let mut unread: Vec<usize> = (0..fits.len()).filter(|place| !fits[*place]).collect();
        unread.sort_unstable_by_key(|place| self.events[*place].at);
        let bodies = unread
            .iter()
            .filter_map(|place| self.events[*place].body.as_ref());
        for (place, raw) in unread.iter().zip(read_all(shared, bodies)) {
            fits[*place] = raw.is_ok_and(|raw| query.fits_text(&raw));
        }
        let found = self.events.iter().zip(fits).filter(|(_, fits)| *fits);
        let found: Vec<&Looked> = found.map(|(event, _)| event).take(most).collect();
        let cut = found
            .last()
            .filter(|last| found.len() == most && last.count < self.looked);
        let hit = |event: &&Looked| Hit {
            uuid: event.id.to_string(),
            height: event.height.into(),
            arrival: event.at.0.into(),
        };
        Found {
            hits: found.iter().map(hit).collect(),
            first: self.first.map(|id| id.to_string()),
            last: cut
                .map_or(self.last, |cut| Some(cut.id))
                .map(|id| id.to_string()),
            done: self.done && cut.is_none(),
            looked: cut.map_or(self.looked, |cut| cut.count),
            total: self.total,
        }
    }
}
