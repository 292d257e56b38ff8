//! Searching: what a step finds, and where it ends.

use super::{World, raw, soon, world};
use crate::control::search::{Found, SearchRequest};
use crate::control::view::{Order, WindowRequest};
use crate::control::{FailureCode, Reply, Request};
use crate::limits::{SEARCH_CHARS_MAX, SEARCH_STEP_EVENTS, SEARCH_STEP_HITS};

fn wanted(query: &str) -> SearchRequest {
    SearchRequest {
        query: query.into(),
        most: 99,
        ..SearchRequest::default()
    }
}

impl World {
    async fn search(&self, request: SearchRequest) -> Found {
        let Reply::Found(found) = self.ask(Request::Search(request)).await else {
            panic!()
        };
        *found
    }

    /// Positions of the hits in one step.
    async fn hits(&self, query: &str) -> Vec<u64> {
        let found = self.search(wanted(query)).await;
        assert!(found.done);
        found.hits.iter().map(|hit| hit.arrival).collect()
    }
}

async fn some() -> (World, Vec<String>) {
    let world = world();
    let mut ids = world.add(&["deploy v12", "Rollback?", "ok"]).await;
    let json = raw(r#"{"kind":"order","note":"deploy \"x\"","qty":3}"#);
    let add = Request::Add { events: vec![json] };
    let Reply::Added(outcomes) = soon(world.client.ask(add)).await.unwrap() else {
        panic!()
    };
    assert_eq!(outcomes.len(), 1);
    ids.extend(world.add(&["deploy v13"]).await);
    (world, ids)
}

#[tokio::test]
async fn a_search_looks_at_text_label_uuid_and_author() {
    let (world, ids) = some().await;
    assert_eq!(world.hits("deploy").await, [1, 4, 5]);
    assert_eq!(world.hits("^deploy v1[0-3]$").await, [1, 5]);
    assert_eq!(world.hits("rollback").await, [2]);
    assert_eq!(world.hits("Rollback").await, [2]);
    assert_eq!(world.hits("ROLLBACK").await, [0; 0]);
    assert_eq!(world.hits(r#""qty":3"#).await, [4]);
    assert_eq!(world.hits("a4").await, [3]);
    assert_eq!(world.hits("A4").await, [3]);
    assert_eq!(world.hits(&ids[1][..9]).await, [2]);
    assert_eq!(world.hits("author:ANA").await, [0, 1, 2, 3, 4, 5]);
    assert_eq!(world.hits("author:ana v1").await, [1, 5]);
    assert_eq!(world.hits("root of network").await, [0]);
}

#[tokio::test]
async fn a_search_goes_both_ways_from_an_event() {
    let (world, ids) = some().await;
    for order in [Order::Causal, Order::Arrival] {
        let step = |from: &str, back| SearchRequest {
            order,
            from: Some(from.to_owned()),
            back,
            most: 1,
            ..wanted("deploy")
        };
        let down = world.search(step(&ids[0], false)).await;
        let place = |found: &Found| {
            (
                found.hits.first().map(|hit| hit.arrival),
                found.looked,
                found.done,
            )
        };
        assert_eq!(place(&down), (Some(4), 3, false));
        assert_eq!(down.first, Some(ids[1].clone()));
        assert_eq!(down.last, Some(down.hits[0].uuid.clone()));
        let up = world.search(step(&down.hits[0].uuid, true)).await;
        assert_eq!(place(&up), (Some(1), 3, false));
        let end = world.search(step(&up.hits[0].uuid, true)).await;
        assert_eq!(place(&end), (None, 1, true));
        let past = world.search(step(&ids[3], false)).await;
        assert_eq!(
            (past.looked, past.done, past.last, past.total),
            (0, true, None, 6)
        );
    }
}

#[tokio::test]
async fn a_long_search_takes_several_steps_and_each_has_its_bounds() {
    let world = world();
    let many: Vec<_> = (0..1000).map(|_| "x").collect();
    for _ in 0..9 {
        world.add(&many).await;
    }
    let last = world.add(&["y"]).await;
    let step = |query: &str, from: Option<String>| SearchRequest {
        from,
        most: u32::MAX,
        ..wanted(query)
    };
    let first = world.search(step("y", None)).await;
    assert_eq!(
        (first.looked, first.done),
        (SEARCH_STEP_EVENTS as u64, false)
    );
    assert!(first.hits.is_empty());
    let second = world.search(step("y", first.last)).await;
    assert_eq!(
        (second.looked, second.done),
        (9002 - SEARCH_STEP_EVENTS as u64, true)
    );
    assert_eq!(second.hits[0].uuid, last[0]);
    let full = world.search(step("x", None)).await;
    assert_eq!((full.hits.len(), full.done), (SEARCH_STEP_HITS, false));
    let next = world.search(step("x", full.last)).await;
    assert_eq!(
        next.hits[0].arrival,
        full.hits[SEARCH_STEP_HITS - 1].arrival + 1
    );
}

#[tokio::test]
async fn what_cannot_be_searched_for_is_refused_with_a_word() {
    let world = world();
    let long = "x".repeat(SEARCH_CHARS_MAX + 1);
    let large = "(\\w{500}){500}";
    for (query, word) in [
        ("(", "no regular expression"),
        (large, "no regular expression"),
        ("  ", "nothing to search for"),
        (long.as_str(), "at most 512 characters"),
    ] {
        let (code, message) = world.refused(Request::Search(wanted(query))).await;
        assert_eq!(code, FailureCode::BadRequest);
        assert!(
            message.contains(word) && !message.contains('\n'),
            "{message}"
        );
    }
    let (code, _) = world
        .refused(Request::Search(wanted("author:nobody")))
        .await;
    assert_eq!(code, FailureCode::NotFound);
}

#[tokio::test]
async fn rows_say_where_they_match_and_can_be_single_events() {
    let (world, ids) = some().await;
    let rows = |only: Option<Vec<String>>, query: &str| WindowRequest {
        before: 9,
        only,
        query: Some(query.into()),
        ..WindowRequest::default()
    };
    let window = world.window(rows(None, "deploy|3")).await;
    let hits: Vec<_> = window.rows.iter().map(|row| row.hits.clone()).collect();
    assert_eq!(hits[1..4], [Some(vec![(1, 7)]), None, None]);
    let json = &window.rows[4];
    let (from, to) = json.hits.as_ref().unwrap()[0];
    assert_eq!(&json.summary[from as usize..to as usize], "deploy");
    assert_eq!(hits[5], Some(vec![(1, 7), (10, 11)]));

    let only = vec![
        ids[3].clone(),
        ids[0].clone(),
        ids[0].clone(),
        "nothing".into(),
    ];
    let window = world.window(rows(Some(only), "(")).await;
    let told: Vec<_> = window
        .rows
        .iter()
        .map(|row| {
            (
                row.label.as_str(),
                row.parents[0].newest,
                row.hits.is_some(),
            )
        })
        .collect();
    assert_eq!(told, [("a2", false, false), ("a6", false, false)]);
    let neighbours = vec![ids[0].clone(), ids[1].clone()];
    let window = world.window(rows(Some(neighbours), "v12")).await;
    assert!(window.rows[1].parents[0].newest && window.rows[0].hits.is_some());
}

#[tokio::test]
async fn rows_say_whether_they_have_children_below() {
    let (world, ids) = some().await;
    let rows = |ahead| WindowRequest {
        at: Some(ids[1].clone()),
        before: 1,
        ahead,
        ..WindowRequest::default()
    };
    let more = |window: crate::control::view::Window| {
        let more = window.rows.iter().map(|row| row.more);
        more.collect::<Vec<_>>()
    };
    assert_eq!(more(world.window(rows(true)).await), [false, true]);
    assert_eq!(more(world.window(rows(false)).await), [false, false]);
}

#[tokio::test]
async fn an_authors_events_and_events_by_name() {
    let (world, ids) = some().await;
    let step = |back| SearchRequest {
        same_author: true,
        from: Some(ids[1].clone()),
        back,
        most: 1,
        ..SearchRequest::default()
    };
    for (back, place) in [(true, 0), (false, 2)] {
        assert_eq!(world.search(step(back)).await.hits[0].uuid, ids[place]);
    }
    let uuids = vec![ids[2].clone(), "a2".into()];
    let Reply::Events(events) = world.ask(Request::Events { uuids }).await else {
        panic!()
    };
    let labels: Vec<_> = events.iter().map(|event| event.label.as_str()).collect();
    assert_eq!(labels, ["a4", "a2"]);
    let uuids = vec!["b9".into()];
    assert_eq!(
        world.refused(Request::Events { uuids }).await.0,
        FailureCode::NotFound
    );
}

#[tokio::test]
async fn a_quiet_run_is_one_row() {
    let world = world();
    let ids = world.add(&["x"; 30]).await;
    let rows = |fold, unfolded: &[&String]| WindowRequest {
        before: 99,
        fold,
        unfolded: unfolded.iter().map(|uuid| (*uuid).clone()).collect(),
        ..WindowRequest::default()
    };
    let window = world.window(rows(8, &[])).await;
    let told: Vec<_> = window
        .rows
        .iter()
        .map(|row| {
            (
                row.label.as_str(),
                row.fold.as_ref().map_or(1, |fold| fold.events),
            )
        })
        .collect();
    assert_eq!(told, [("R", 1), ("a30", 29), ("a31", 1)]);
    let fold = &window.rows[1];
    assert_eq!(fold.fold.as_ref().unwrap().first, "a2");
    assert_eq!(
        (fold.parents[0].label.as_str(), fold.parents[0].newest),
        ("R", true)
    );
    assert!(window.rows[2].parents[0].newest);
    assert_eq!(world.window(rows(29, &[])).await.rows.len(), 31);
    assert_eq!(world.window(rows(8, &[&ids[7]])).await.rows.len(), 31);
}
