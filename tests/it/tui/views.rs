//! The pictures of the events: lanes, git graph and list.

use fedag::control::Reply;
use fedag::tui::app::App;
use fedag::tui::look::Look;
use fedag::tui::message::{Msg, Tag};
use fedag::tui::picture;
use fedag::tui::views::View;
use jiff::tz::TimeZone;

use super::scenes::{self, answer, press};
use super::world::World;
use super::{same, text};

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

fn team() -> World {
    let mut world = scenes::team();
    world.heal();
    world
}

/// Sixty machines that wrote apart, and one event on all that they wrote.
fn sixty() -> World {
    let names: Vec<String> = (0..60).map(|at| format!("m{at:02}")).collect();
    let mut world = World::new(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for machine in 0..60 {
        world.write(machine, "alone on my side");
    }
    world.heal();
    world.write(0, "together again");
    world.write(7, "after it");
    world.heal();
    world
}

fn seventy() -> World {
    let names: Vec<String> = (0..70).map(|at| format!("host-{at:02}")).collect();
    let mut world = World::new(&names.iter().map(String::as_str).collect::<Vec<_>>());
    world.live(11, 200);
    world.heal();
    world
}

#[test]
fn a_view_keeps_the_selection_and_its_place() {
    let world = team();
    let mut app = started(&world, (80, 24));
    type_keys(&mut app, &world, "<esc>kkkkk");
    let selected = app.selected().map(str::to_owned);
    for view in [View::Git, View::List, View::Lanes] {
        type_keys(&mut app, &world, "v");
        assert_eq!(app.view.view(), view);
        assert_eq!(app.selected().map(str::to_owned), selected);
        let rows = &app.view.window().rows[app.view.visible()];
        assert!(rows.iter().any(|row| Some(&row.uuid) == selected.as_ref()));
    }
}

#[test]
fn without_unicode_every_view_is_ascii() {
    let world = team();
    let mut app = started(&world, (80, 24));
    app.look.unicode = false;
    for _ in 0..3 {
        type_keys(&mut app, &world, "<esc>v");
        let buffer = picture::buffer(&app);
        assert!(buffer.content.iter().all(|cell| cell.symbol().is_ascii()));
    }
}

fn word(app: &App) -> &str {
    app.word.as_ref().map_or("", |word| word.text.as_str())
}

#[test]
fn lanes_scroll_and_an_author_keeps_a_column() {
    let world = seventy();
    let mut app = started(&world, (80, 24));
    type_keys(&mut app, &world, "<esc>");
    let shown = |app: &App| {
        let list = app.view.columns().list().iter();
        list.map(|column| column.name.clone()).collect::<Vec<_>>()
    };
    let before = shown(&app);
    assert_eq!(before.len(), 8);
    type_keys(&mut app, &world, ">");
    let scrolled = shown(&app);
    assert_eq!(scrolled[0], before[0]);
    assert!(scrolled[1..].is_sorted() && scrolled != before);
    assert!(word(&app).contains("lanes by name"), "{}", word(&app));
    let author = world.names[65].clone();
    assert!(!scrolled.contains(&author));
    type_keys(&mut app, &world, "L");
    assert_eq!(word(&app), "host-65 keeps a column");
    type_keys(&mut app, &world, ">>>>>>");
    assert!(shown(&app).contains(&author));
    type_keys(&mut app, &world, "L<<<<<<<<<<<<<<<<<<<<<<<<<");
    assert_eq!(word(&app), "the most recently active lanes");
    assert_eq!(app.view.columns().skipped(), 0);
    let mut small = started(&team(), (80, 24));
    press(&mut small, "<esc>>");
    assert_eq!(word(&small), "every lane has a column");
}

/// Labels on the screen from top to bottom.
fn labels(app: &App) -> Vec<String> {
    let mut rows: Vec<&str> = app.view.window().rows[app.view.visible()]
        .iter()
        .map(|row| row.label.as_str())
        .collect();
    if app.view.is_newest_first() {
        rows.reverse();
    }
    let shown = text(app);
    for (label, line) in rows.iter().zip(shown.lines().skip(3)) {
        assert!(line.contains(&format!(" {label} ")), "{rows:?}\n{shown}");
    }
    rows.into_iter().map(str::to_owned).collect()
}

#[test]
fn the_newest_event_stands_on_top_when_asked_for() {
    let mut world = team();
    let mut app = started(&world, (80, 24));
    type_keys(&mut app, &world, "<esc>");
    let mut expected = labels(&app);
    type_keys(&mut app, &world, "O");
    assert_eq!(word(&app), "the newest event is on top");
    expected.reverse();
    assert_eq!(labels(&app), expected);
    // The keys go the way that the arrows show.
    let newest = app.selected().map(str::to_owned);
    type_keys(&mut app, &world, "<down><down>");
    let row = app.view.selected().unwrap();
    assert_eq!(row.label, expected[2]);
    // What is read stays where it is while events come, and the badge tells their number.
    let before = labels(&app);
    for at in 0..3 {
        world.write(1, &format!("later {at}"));
    }
    world.heal();
    let status = Reply::Status(Box::new(world.status(0, vec![])));
    let asks = app.update(app.now_ms + 1, Msg::Answer(Tag::Watch, Ok(status)));
    answer(&mut app, &world, asks);
    assert_eq!(labels(&app)[2..], before[2..]);
    assert!(text(&app).contains(" ↑ 3 new "), "{}", text(&app));
    // Up to the top, and it follows again.
    type_keys(&mut app, &world, "<up><up><up><up><up><up>");
    assert!(app.view.is_following());
    assert_ne!(app.selected().map(str::to_owned), newest);
    assert_eq!(app.view.selected().unwrap().summary, "later 2");
    assert!(!text(&app).contains(" new "), "{}", text(&app));
    type_keys(&mut app, &world, "O");
    assert_eq!(word(&app), "the newest event is at the bottom");
    labels(&app);
}

macro_rules! views {
    ($($test:ident: $world:expr, $size:expr, $keys:expr;)*) => {$(
        #[test]
        fn $test() {
            let world = $world;
            let mut app = started(&world, $size);
            type_keys(&mut app, &world, $keys);
            same(concat!("tests/it/tui/screens/", stringify!($test), ".txt"), &text(&app));
        }
    )*};
}

views! {
    git_80x24: team(), (80, 24), "<esc>v";
    git_120x40: team(), (120, 40), "<esc>vkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk";
    git_sixty_parents_80x24: sixty(), (80, 24), "<esc>v";
    git_seventy_lanes_120x40: seventy(), (120, 40), "<esc>v";
    newest_first_80x24: team(), (80, 24), "<esc>O<down><down>";
    newest_first_git_80x24: team(), (80, 24), "<esc>Ov";
    scrolled_lanes_80x24: seventy(), (80, 24), "<esc>>L>";
    list_80x24: team(), (80, 24), "<esc>vv";
    list_120x40: seventy(), (120, 40), "<esc>vv";
}
