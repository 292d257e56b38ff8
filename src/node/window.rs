//! Rows for the screen: a part of one of the two orders, with lanes.
//!
//! Cost on the driver's thread: O(log n + rows + `limits::LOOK_BACK_ROWS`), whatever the size of the DAG.
//!
//! Bound: whether a parent is the newest event of its lane above a row is known from the rows of the window and
//! `LOOK_BACK_ROWS` before it, and, for a lane without any event in those, from its author's last event. A parent
//! further back whose author went on after the window counts as not the newest, so a tie is never drawn as solid
//! when it is not.

use std::collections::{BTreeMap, BTreeSet};

use crate::control::Failure;
use crate::control::view::{Fold, Lane, Window, WindowParent, WindowRequest, WindowRow};
use crate::event::id::EventId;
use crate::event::index::{Arrival, Author};
use crate::limits::{LOOK_BACK_ROWS, WINDOW_ASKS_MAX, WINDOW_PARENTS_MAX, WINDOW_ROWS_MAX};
use crate::machine::PeerView;
use crate::node::ask::{Desk, Seen};
use crate::node::fold::Folding;
use crate::node::names::machine_name;
use crate::node::order::Ordered;
use crate::node::search::{Query, Verdict};
use crate::node::summary::{clean, summary};
use crate::node::view::{is_connected, read_all};

/// Answers a window request.
pub(crate) async fn window(desk: &Desk, request: WindowRequest) -> Result<Window, Failure> {
    let query = request
        .query
        .as_deref()
        .and_then(|query| Query::parse(query).ok());
    let asked = query.clone();
    let (mut window, bodies, verdicts) = desk
        .ask(move |seen| {
            let (window, events) = frame(seen, &request)?;
            let verdicts = asked.map(|query| verdicts(seen, &query, &events));
            let bodies: Vec<_> = events.iter().map(|at| seen.body(*at)).collect();
            Ok::<_, Failure>((window, bodies, verdicts))
        })
        .await??;
    desk.blocking(move |shared| {
        let raws = read_all(shared, bodies.iter());
        for (place, (row, raw)) in window.rows.iter_mut().zip(raws).enumerate() {
            let verdict = verdicts.as_ref().map_or(Verdict::Fails, |all| all[place]);
            let fits = match &raw {
                Ok(raw) => {
                    row.time_ms = raw.time_ms;
                    row.summary = summary(raw);
                    let decides = |query: &Query| query.fits_text(raw);
                    verdict == Verdict::Text && query.as_ref().is_some_and(decides)
                }
                Err(failure) => {
                    row.summary = clean(&failure.message);
                    false
                }
            };
            if fits || verdict == Verdict::Fits {
                row.hits = query.as_ref().map(|query| query.marks(&row.summary));
            }
        }
        Ok(window)
    })
    .await
}

fn verdicts(seen: &Seen<'_>, query: &Query, events: &[Arrival]) -> Vec<Verdict> {
    match query.by(seen) {
        Ok(by) => events
            .iter()
            .map(|at| query.verdict(seen, by, *at))
            .collect(),
        Err(_) => vec![Verdict::Fails; events.len()],
    }
}

/// All of the window but what stands in bodies.
fn frame(seen: &mut Seen<'_>, request: &WindowRequest) -> Result<(Window, Vec<Arrival>), Failure> {
    let only = request.only.as_ref().map(|names| only(seen, names));
    let anchor = match &request.at {
        Some(name) => Some(seen.names.find_event(seen.dag, name)?),
        None => None,
    };
    let causal = std::mem::take(seen.causal);
    let mut causal = causal;
    let order = Ordered::new(seen.dag, &mut causal, request.order);
    let (part, pieces) = if let Some(mut events) = only {
        events.sort_unstable_by_key(|at| order.rank(*at));
        events.dedup();
        (
            Part::Only,
            events
                .iter()
                .map(|at| order.rank(*at))
                .map(|rank| rank..rank + 1)
                .collect(),
        )
    } else {
        let rows_max = |asked: u32| (asked as usize).min(WINDOW_ROWS_MAX);
        let folding = Folding {
            min: request.fold as usize,
            unfolded: self::only(seen, &request.unfolded).into_iter().collect(),
            at: anchor.map_or(order.len() - 1, |anchor| order.rank(anchor)),
            is_selected: anchor.is_some(),
        };
        let around = (rows_max(request.before), rows_max(request.after));
        let pieces = folding.pieces(seen.dag, &order, around);
        let first = pieces.first().map_or(0, |piece| piece.start);
        let end = pieces.last().map_or(0, |piece| piece.end);
        (Part::Ranks { first, end }, pieces)
    };
    let events: Vec<_> = pieces.iter().map(|piece| order.at(piece.end - 1)).collect();
    let firsts: Vec<_> = pieces.iter().map(|piece| order.at(piece.start)).collect();
    let mut window = rows_of(seen, &order, part, (&firsts, &events));
    let folded = window.rows.iter_mut().zip(&pieces);
    for (row, piece) in folded.filter(|(_, piece)| piece.len() > 1) {
        row.fold = Some(Fold {
            events: u32::try_from(piece.len()).expect("a window has few events"),
            first: seen.label(order.at(piece.start)),
        });
    }
    if let (true, Part::Ranks { end, .. }) = (request.ahead, part) {
        mark_more(seen, &order, end, (&events, &mut window.rows));
    }
    *seen.causal = causal;
    Ok((window, events))
}

/// Marks the rows that have children after the window.
fn mark_more(
    seen: &Seen<'_>,
    order: &Ordered<'_>,
    end: usize,
    (events, rows): (&[Arrival], &mut [WindowRow]),
) {
    let places: BTreeMap<_, _> = events.iter().zip(0..).collect();
    for rank in end..order.len().min(end + LOOK_BACK_ROWS) {
        for parent in seen.dag.parents(order.at(rank)) {
            if let Some(place) = places.get(parent) {
                let place: usize = *place;
                rows[place].more = true;
            }
        }
    }
}

/// The held ones of these events.
fn only(seen: &Seen<'_>, names: &[String]) -> Vec<Arrival> {
    let ids = names.iter().take(WINDOW_ROWS_MAX);
    ids.filter_map(|name| seen.dag.find(EventId::parse(name)?))
        .collect()
}

/// Which part of the order a window is.
#[derive(Clone, Copy, Debug)]
enum Part {
    /// These ranks, without a gap.
    Ranks { first: usize, end: usize },
    /// Single events: what is between them is not told of.
    Only,
}

/// The rows; each is of the last one of its events, with the parents of the first one.
fn rows_of(
    seen: &Seen<'_>,
    order: &Ordered<'_>,
    part: Part,
    (firsts, events): (&[Arrival], &[Arrival]),
) -> Window {
    let mut lanes = Lanes::new(seen, order, part, (firsts, events));
    let peers: Vec<_> = seen
        .machine
        .peers()
        .into_iter()
        .filter(is_connected)
        .collect();
    let held_by = held_by(seen, &peers, events);
    let row = |(first, at): (&Arrival, &Arrival)| {
        let told = parents(seen, &lanes, *first);
        lanes.latest.insert(seen.dag.author(*at), *at);
        let count = seen.dag.parents(*first).len();
        let mut row = row(seen, lanes.numbers[&seen.dag.author(*at)], held_by[at], *at);
        row.parents = told;
        row.parents_total = u32::try_from(count).expect("an event has few parents");
        row
    };
    Window {
        rows: firsts.iter().zip(events).map(row).collect(),
        lanes: lanes.told,
        first: match part {
            Part::Ranks { first, .. } => first as u64,
            Part::Only => 0,
        },
        total: order.len() as u64,
    }
}

/// How many connected machines hold each event, as far as known.
///
/// Who holds an event holds its ancestors: so only events without a child here that is held are asked for, the newest first, and
/// of each machine at most `limits::WINDOW_ASKS_MAX`.
fn held_by(seen: &Seen<'_>, peers: &[PeerView], events: &[Arrival]) -> BTreeMap<Arrival, u32> {
    let mut counts: BTreeMap<_, _> = events.iter().map(|at| (*at, 0)).collect();
    for peer in peers {
        let mut held = BTreeSet::new();
        let mut asked = 0;
        // Descending positions: children before their parents, in both orders.
        for (at, count) in counts.iter_mut().rev() {
            let is_held = held.contains(at) || {
                asked += 1;
                asked <= WINDOW_ASKS_MAX && seen.machine.peer_holds(peer.machine, *at) == Some(true)
            };
            if is_held {
                *count += 1;
                held.extend(seen.dag.parents(*at).iter().copied());
            }
        }
    }
    counts
}

fn parents(seen: &Seen<'_>, lanes: &Lanes, at: Arrival) -> Vec<WindowParent> {
    let dag = seen.dag;
    let told = dag
        .parents(at)
        .iter()
        .take(WINDOW_PARENTS_MAX)
        .map(|parent| {
            let author = dag.author(*parent);
            let newest = match lanes.latest.get(&author) {
                Some(latest) => latest == parent,
                None if lanes.is_sparse => false,
                None => {
                    dag.last_of(dag.author_key(author)) == Some(*parent)
                        && !dag.is_forked(dag.author_key(author))
                }
            };
            WindowParent {
                label: seen.label(*parent),
                lane: lanes.numbers[&author],
                newest,
            }
        });
    told.collect()
}

/// A row without its parents and what stands in its body.
fn row(seen: &Seen<'_>, lane: u32, held_by: u32, at: Arrival) -> WindowRow {
    let dag = seen.dag;
    let author = dag.author(at);
    let own = dag.author_key(author) == seen.machine.machine();
    let age = if own {
        None
    } else {
        seen.recent.age(at, seen.shared.clock.now())
    };
    WindowRow {
        uuid: dag.id(at).to_string(),
        label: seen.label(at),
        lane,
        time_ms: 0,
        leaf: dag.is_leaf(at),
        parents: Vec::new(),
        parents_total: 0,
        summary: String::new(),
        held_by,
        arrived_ms: age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX)),
        fold: None,
        more: false,
        hits: None,
    }
}

/// The lanes of a window.
struct Lanes {
    numbers: BTreeMap<Author, u32>,
    told: Vec<Lane>,
    /// The last event of each lane before the row that is laid out, as far as was looked.
    latest: BTreeMap<Author, Arrival>,
    /// The rows are not neighbours in the order.
    is_sparse: bool,
}

impl Lanes {
    fn new(
        seen: &Seen<'_>,
        order: &Ordered<'_>,
        part: Part,
        (firsts, events): (&[Arrival], &[Arrival]),
    ) -> Self {
        // Of single events nothing is before and nothing after.
        let (first, end) = match part {
            Part::Ranks { first, end } => (first, end),
            Part::Only => (0, order.len()),
        };
        let dag = seen.dag;
        let own = seen.machine.machine();
        let parents = |at: &Arrival| {
            dag.parents(*at)
                .iter()
                .take(WINDOW_PARENTS_MAX)
                .map(|parent| dag.author(*parent))
        };
        let mut authors: Vec<_> = firsts
            .iter()
            .flat_map(|at| parents(at).chain([dag.author(*at)]))
            .collect();
        authors.extend(dag.last_of(own).map(|at| dag.author(at)));
        authors.sort_unstable();
        authors.dedup();

        let latest = latest_before(seen, order, first, &authors);
        let newest = |author: &Author| dag.last_of(dag.author_key(*author));
        authors.sort_by_key(|author| {
            std::cmp::Reverse((dag.author_key(*author) == own, newest(author)))
        });
        let mut counters = BTreeMap::new();
        for at in events {
            let least = counters.entry(dag.author(*at)).or_insert(u64::MAX);
            *least = dag.seq(*at).min(*least);
        }
        let lane = |author: &Author| {
            let key = dag.author_key(*author);
            let place = newest(author).map(|at| order.rank(at));
            // What is further back than was looked shows in the counters: an event after the author's first has others before
            // it.
            let far = || match counters.get(author) {
                Some(seq) => *seq > 1,
                None => {
                    place.is_some_and(|place| place < first)
                        || newest(author).is_some_and(|at| dag.seq(at) > 1)
                }
            };
            Lane {
                name: machine_name(dag, key),
                prefix: seen.names.prefix(key),
                own: key == own,
                before: first > 0 && (latest.contains_key(author) || far()),
                after: place.is_some_and(|place| place >= end),
                forked: dag.is_forked(key),
            }
        };
        let mut told: Vec<_> = authors.iter().map(lane).collect();
        if dag.last_of(own).is_none() {
            // It has written nothing yet, and so has no number among the authors.
            let (name, prefix) = (seen.own_name(), seen.names.prefix(own));
            told.insert(
                0,
                Lane {
                    name,
                    prefix,
                    own: true,
                    before: false,
                    after: false,
                    forked: false,
                },
            );
        }
        let skipped = u32::try_from(told.len() - authors.len()).expect("one lane at most");
        Self {
            numbers: authors.iter().copied().zip(skipped..).collect(),
            told,
            latest,
            is_sparse: matches!(part, Part::Only),
        }
    }
}

/// The last event of each author before the window: back until all are found, or to the bound. `authors` is sorted.
fn latest_before(
    seen: &Seen<'_>,
    order: &Ordered<'_>,
    first: usize,
    authors: &[Author],
) -> BTreeMap<Author, Arrival> {
    let mut latest = BTreeMap::new();
    for rank in (first.saturating_sub(LOOK_BACK_ROWS)..first).rev() {
        if latest.len() == authors.len() {
            break;
        }
        let at = order.at(rank);
        let author = seen.dag.author(at);
        if authors.binary_search(&author).is_ok() {
            latest.entry(author).or_insert(at);
        }
    }
    latest
}
