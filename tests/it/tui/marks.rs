//! Marking, copying, freezing, and going along an author's events.

use fedag::control::view::Order;
use fedag::control::{Reply, Request};
use fedag::limits::MARKED_MAX;
use fedag::tui::app::App;
use fedag::tui::look::Look;
use fedag::tui::message::{Ask, Msg, Tag};
use jiff::tz::TimeZone;

use super::scenes::{self, answer, press};
use super::world::World;
use super::{same, text};

fn started(size: (u16, u16)) -> (App, World) {
    let mut world = scenes::team();
    world.heal();
    let mut app = App::new(Look::FULL, TimeZone::UTC, false, size);
    let asks = app.start();
    answer(&mut app, &world, asks);
    (app, world)
}

fn type_keys(app: &mut App, world: &World, keys: &str) {
    let asks = press(app, keys);
    answer(app, world, asks);
}

fn tell(app: &mut App, world: &World) {
    let status = Reply::Status(Box::new(world.status(0, vec![])));
    let asks = app.update(app.now_ms + 1, Msg::Answer(Tag::Watch, Ok(status)));
    answer(app, world, asks);
}

fn word(app: &App) -> &str {
    app.word.as_ref().map_or("", |word| word.text.as_str())
}

fn shown(app: &App) -> Vec<String> {
    let rows = &app.view.window().rows[app.view.visible()];
    rows.iter().map(|row| row.label.clone()).collect()
}

#[test]
fn frozen_the_picture_stands_still_and_says_how_many_came() {
    let (mut app, mut world) = started((80, 24));
    type_keys(&mut app, &world, "<esc>p");
    let before = shown(&app);
    for text in ["one", "two", "three"] {
        world.write(1, text);
    }
    world.heal();
    tell(&mut app, &world);
    assert_eq!(shown(&app), before);
    assert!(
        text(&app).contains("FROZEN, 3 new (p goes on)"),
        "{}",
        text(&app)
    );
    type_keys(&mut app, &world, "kkkjj");
    assert_eq!(shown(&app), before);
    for _ in 0..100 {
        type_keys(&mut app, &world, "k");
    }
    assert!(word(&app).contains("p lets it go on"), "{}", word(&app));
    type_keys(&mut app, &world, "p");
    assert!(!text(&app).contains("FROZEN"));
    type_keys(&mut app, &world, "pG");
    let newest = *world.order(0, Order::Causal).last().unwrap();
    assert_eq!(app.selected(), Some(World::uuid(newest).as_str()));
    assert!(!text(&app).contains("FROZEN"));
}

#[test]
fn an_answer_that_was_on_its_way_does_not_move_a_frozen_picture() {
    let (mut app, mut world) = started((80, 24));
    press(&mut app, "<esc>");
    world.write(1, "one");
    world.heal();
    let status = Reply::Status(Box::new(world.status(0, vec![])));
    let asks = app.update(5, Msg::Answer(Tag::Watch, Ok(status)));
    let before = shown(&app);
    press(&mut app, "p");
    answer(&mut app, &world, asks);
    assert_eq!(shown(&app), before);
    type_keys(&mut app, &world, "p");
    assert_ne!(shown(&app), before);
}

#[test]
fn marked_events_are_copied_together() {
    let (mut app, world) = started((80, 24));
    type_keys(&mut app, &world, "<esc> kk k");
    assert_eq!(app.marked.len(), 2);
    assert!(text(&app).contains("2 marked"), "{}", text(&app));
    let copied = |asks: Vec<Ask>| {
        asks.into_iter().find_map(|ask| match ask {
            Ask::Copy(text) => Some(text),
            _ => None,
        })
    };
    assert_eq!(copied(press(&mut app, "y")), Some(app.marked.join("\n")));
    let mut asks = press(&mut app, "Y");
    let Some(Ask::Request(tag, Request::Events { uuids })) = asks.pop() else {
        panic!("{asks:?}");
    };
    assert_eq!(uuids, app.marked);
    let asks = app.update(9, Msg::Answer(tag, Ok(Reply::Events(world.views(&uuids)))));
    let json = copied(asks).unwrap();
    assert_eq!(json.lines().count(), 2);
    assert!(json.lines().all(|line| line.starts_with("{\"uuid\":")));
    assert_eq!(
        word(&app),
        "2 events were given to the terminal's clipboard"
    );
    let first = app.marked[0].clone();
    type_keys(&mut app, &world, "jjj ");
    assert!(!app.marked.contains(&first) && app.marked.len() == 1);
    type_keys(&mut app, &world, "G");
    for _ in 0..MARKED_MAX + 2 {
        type_keys(&mut app, &world, " k");
    }
    assert!(app.marked.len() <= MARKED_MAX);
}

#[test]
fn esc_takes_the_marks_away_before_it_goes_to_the_newest_event() {
    let (mut app, world) = started((80, 24));
    type_keys(&mut app, &world, "<esc> kk k");
    let selected = app.selected().map(str::to_owned);
    type_keys(&mut app, &world, "<esc>");
    assert_eq!(app.marked.len(), 0);
    assert_eq!(word(&app), "2 events are no longer marked");
    assert_eq!(app.selected().map(str::to_owned), selected);
    type_keys(&mut app, &world, "<esc>");
    assert!(app.view.is_following());
}

#[test]
fn marks_have_a_bound() {
    let (mut app, mut world) = started((80, 24));
    for _ in 0..30 {
        world.write(0, "more");
    }
    world.heal();
    tell(&mut app, &world);
    type_keys(&mut app, &world, "<esc>");
    for _ in 0..=MARKED_MAX {
        type_keys(&mut app, &world, " k");
    }
    assert_eq!(app.marked.len(), MARKED_MAX);
    assert!(word(&app).contains("no more can be"), "{}", word(&app));
}

#[test]
fn an_authors_events_are_one_key_apart() {
    let (mut app, world) = started((80, 24));
    let order = world.order(0, Order::Causal);
    let newest = *order.last().unwrap();
    let lane = world.events[newest].lane;
    let own: Vec<usize> = order
        .into_iter()
        .filter(|event| world.events[*event].lane == lane)
        .collect();
    type_keys(&mut app, &world, "<esc>");
    for event in own.iter().rev().skip(1) {
        type_keys(&mut app, &world, "[");
        assert_eq!(app.selected(), Some(World::uuid(*event).as_str()));
    }
    type_keys(&mut app, &world, "[");
    assert!(word(&app).contains("no further event"), "{}", word(&app));
    for event in &own[1..3] {
        type_keys(&mut app, &world, "]");
        assert_eq!(app.selected(), Some(World::uuid(*event).as_str()));
    }
    assert_eq!(app.finder.query(), None);
}

#[test]
fn from_a_parent_one_comes_back_to_the_child_one_came_from() {
    let (mut app, mut world) = started((120, 40));
    let parent = world.write_on(2, vec![3], "a parent");
    let first = world.write_on(1, vec![parent], "its first child");
    let merge = world.write_on(3, vec![parent, first], "a merge");
    world.heal();
    tell(&mut app, &world);
    let at = |app: &App, event| app.selected() == Some(World::uuid(event).as_str());
    type_keys(&mut app, &world, "<esc>/a merge<enter>");
    assert!(at(&app, merge));
    type_keys(&mut app, &world, "h");
    assert!(at(&app, parent));
    type_keys(&mut app, &world, "l");
    assert!(at(&app, merge));
    type_keys(&mut app, &world, "h");
    type_keys(&mut app, &world, "h");
    assert_eq!(app.selected(), Some(World::uuid(3).as_str()));
}

#[test]
fn frozen_and_marked_80x24() {
    let (mut app, mut world) = started((80, 24));
    type_keys(&mut app, &world, "<esc>k kk kp");
    world.write(1, "one");
    world.heal();
    tell(&mut app, &world);
    app.word = None;
    same(
        "tests/it/tui/screens/frozen_and_marked_80x24.txt",
        &text(&app),
    );
}

#[test]
fn the_newest_leaf_is_first_and_the_selected_one_stays() {
    let (mut app, mut world) = started((120, 40));
    type_keys(&mut app, &world, "<esc>4j");
    let selected = app.leaves[1].uuid.clone();
    assert!(app.leaves.is_sorted_by(|a, b| a.time_ms >= b.time_ms));
    world.write_on(3, vec![2], "a new leaf");
    world.heal();
    tell(&mut app, &world);
    assert_eq!(app.leaves[0].summary, "a new leaf");
    assert_eq!(app.leaves[app.leaf].uuid, selected);
}
