//! Quiet runs, folded into one row.

use fedag::control::view::Order;
use fedag::limits::FOLD_RUN_MIN;
use fedag::tui::app::App;
use fedag::tui::input::Pane;
use fedag::tui::look::Look;
use jiff::tz::TimeZone;

use super::scenes::{answer, press};
use super::world::World;
use super::{same, text};

/// Two machines that wrote in turn, then one alone for long, then both.
fn world() -> World {
    let mut world = World::new(&["ana", "bob"]);
    for at in 0..6 {
        world.write(at % 2, "in turn");
        world.heal();
    }
    for at in 0..40 {
        world.write(1, &format!("line {at}"));
        world.heal();
    }
    for at in 0..4 {
        world.write(at % 2, "in turn again");
        world.heal();
    }
    world
}

fn started(world: &World, size: (u16, u16)) -> App {
    let mut app = App::new(Look::FULL, TimeZone::UTC, false, size);
    let asks = app.start();
    answer(&mut app, world, asks);
    app
}

fn type_keys(app: &mut App, world: &World, keys: &str) {
    let asks = press(app, keys);
    answer(app, world, asks);
}

/// The events that the rows stand for, in their order.
fn shown(app: &App) -> Vec<(String, u32)> {
    let rows = &app.view.window().rows[app.view.visible()];
    let events =
        |row: &fedag::control::view::WindowRow| row.fold.as_ref().map_or(1, |fold| fold.events);
    rows.iter()
        .map(|row| (row.label.clone(), events(row)))
        .collect()
}

fn folds(app: &App) -> Vec<u32> {
    shown(app)
        .into_iter()
        .map(|(_, events)| events)
        .filter(|events| *events > 1)
        .collect()
}

#[test]
fn each_event_is_shown_once_or_by_its_fold() {
    let world = world();
    let app = started(&world, (80, 24));
    let order = world.order(0, Order::Causal);
    let rows = shown(&app);
    assert_eq!(folds(&app).len(), 1, "{rows:?}");
    assert!(folds(&app)[0] > FOLD_RUN_MIN);
    let total: u32 = rows.iter().map(|(_, events)| *events).sum();
    let mut rest = order[order.len() - total as usize..].iter();
    for (label, events) in rows {
        let last = rest.by_ref().take(events as usize).last().unwrap();
        assert_eq!(world.label(*last), label);
    }
    assert_eq!(app.view.below(order.len() as u64), 0);
}

#[test]
fn enter_unfolds_and_z_folds_again() {
    let world = world();
    let mut app = started(&world, (80, 24));
    type_keys(&mut app, &world, "<esc>");
    while app.view.selected().unwrap().fold.is_none() {
        type_keys(&mut app, &world, "k");
    }
    assert_eq!(folds(&app).len(), 1);
    let selected = app.selected().map(str::to_owned);
    type_keys(&mut app, &world, "<enter>");
    assert_eq!((folds(&app).len(), app.focus), (0, Pane::Events));
    assert_eq!(app.selected().map(str::to_owned), selected);
    type_keys(&mut app, &world, "<enter>");
    assert_eq!(app.focus, Pane::Detail);
    type_keys(&mut app, &world, "<esc>z");
    assert_eq!(folds(&app).len(), 1);
    assert_eq!(app.selected().map(str::to_owned), selected);
    type_keys(&mut app, &world, "z");
    assert_eq!(folds(&app).len(), 0);
    type_keys(&mut app, &world, "zvv");
    assert_eq!(folds(&app).len(), 0, "a list folds nothing");
}

#[test]
fn what_is_searched_for_is_not_hidden_in_a_fold() {
    let world = world();
    let mut app = started(&world, (80, 24));
    type_keys(&mut app, &world, "<esc>/line 17<enter>");
    let row = app.view.selected().unwrap();
    assert_eq!(
        (row.summary.as_str(), row.fold.is_none()),
        ("line 17", true)
    );
    assert_eq!(folds(&app).len(), 0);
}

#[test]
fn a_machine_that_is_alone_folds_nothing() {
    let mut world = World::new(&["ana"]);
    for _ in 0..30 {
        world.write(0, "to myself");
    }
    assert_eq!(folds(&started(&world, (80, 24))).len(), 0);
}

macro_rules! folded {
    ($($test:ident: $size:expr, $keys:expr;)*) => {$(
        #[test]
        fn $test() {
            let world = world();
            let mut app = started(&world, $size);
            type_keys(&mut app, &world, $keys);
            same(concat!("tests/it/tui/screens/", stringify!($test), ".txt"), &text(&app));
        }
    )*};
}

folded! {
    folded_80x24: (80, 24), "<esc>kkkkk";
    folded_120x40: (120, 40), "<esc>";
    folded_git_80x24: (80, 24), "<esc>v";
}
