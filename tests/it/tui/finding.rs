//! Search and filter, as keys and answers make them.

use fedag::control::view::Order;
use fedag::control::{Failure, FailureCode, Reply, Request};
use fedag::tui::app::App;
use fedag::tui::look::Look;
use fedag::tui::message::{Ask, Msg, Tag};
use fedag::tui::picture;
use fedag::tui::theme::Colours;
use jiff::tz::TimeZone;
use ratatui::style::Modifier;

use super::scenes::{answer, press, team};
use super::world::World;
use super::{same, text};

fn started(size: (u16, u16)) -> (App, World) {
    let mut world = team();
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

fn word(app: &App) -> &str {
    app.word.as_ref().map_or("", |word| word.text.as_str())
}

/// The events that say `part`, in causal order.
fn saying(world: &World, part: &str) -> Vec<String> {
    let order = world.order(0, Order::Causal);
    let fits = order
        .iter()
        .filter(|event| world.events[**event].text.contains(part));
    fits.map(|event| World::uuid(*event)).collect()
}

#[test]
fn a_search_goes_up_from_match_to_match_and_round() {
    let (mut app, world) = started((80, 24));
    let hits = saying(&world, "deploy");
    assert!(hits.len() > 3);
    type_keys(&mut app, &world, "<esc>/deploy<enter>");
    assert_eq!(app.selected(), hits.last().map(String::as_str));
    for hit in hits.iter().rev().skip(1) {
        assert_eq!(word(&app), "");
        type_keys(&mut app, &world, "n");
        assert_eq!(app.selected(), Some(hit.as_str()));
    }
    type_keys(&mut app, &world, "n");
    assert_eq!(app.selected(), hits.last().map(String::as_str));
    assert!(word(&app).contains("went round"), "{}", word(&app));
    type_keys(&mut app, &world, "N");
    assert_eq!(app.selected(), Some(hits[0].as_str()));
}

#[test]
fn the_only_match_is_found_again() {
    let (mut app, mut world) = started((80, 24));
    let event = world.write_on(2, vec![5], "needle");
    world.heal();
    type_keys(&mut app, &world, "<esc>kkk/needle<enter>");
    for _ in 0..2 {
        assert_eq!(app.selected(), Some(World::uuid(event).as_str()));
        type_keys(&mut app, &world, "n");
    }
    type_keys(&mut app, &world, "/no such thing<enter>");
    assert_eq!(word(&app), "no event matches");
    assert_eq!(app.selected(), Some(World::uuid(event).as_str()));
}

#[test]
fn a_long_search_says_so_and_can_be_stopped() {
    let (mut app, world) = started((80, 24));
    let asks = press(&mut app, "<esc>/no such thing<enter>");
    let step = asks.iter().find_map(|ask| match ask {
        Ask::Request(tag @ Tag::Search(_), Request::Search(request)) => Some((*tag, request)),
        _ => None,
    });
    let (tag, request) = step.expect("it begins");
    let found = || Reply::Found(Box::new(world.search(0, request, 20)));
    let asks = app.update(1, Msg::Answer(tag, Ok(found())));
    let is_step = |ask: &&Ask| matches!(ask, Ask::Request(Tag::Search(_), _));
    let next = asks.iter().find(is_step).expect("it goes on");
    let shown = text(&app);
    assert!(
        shown.contains("searching no such thing: 20 of 65 events (Esc stops)"),
        "{shown}"
    );
    press(&mut app, "<esc>");
    assert_eq!(word(&app), "the search was stopped");
    let Ask::Request(late, _) = next else {
        panic!()
    };
    let asks = app.update(2, Msg::Answer(*late, Ok(found())));
    assert_eq!(asks.iter().filter(is_step).count(), 0);
}

#[test]
fn a_refused_search_is_told() {
    let (mut app, _) = started((80, 24));
    for keys in ["<esc>/(<enter>", "<esc>&(<enter>"] {
        let asks = press(&mut app, keys);
        let tag = asks.iter().find_map(|ask| match ask {
            Ask::Request(tag @ Tag::Search(_), _) => Some(*tag),
            _ => None,
        });
        let failure = Failure {
            code: FailureCode::BadRequest,
            message: "this is no regular expression".into(),
        };
        let asks = app.update(app.now_ms + 9, Msg::Answer(tag.unwrap(), Err(failure)));
        assert!(
            !asks
                .iter()
                .any(|ask| matches!(ask, Ask::Request(Tag::Search(_), _)))
        );
        assert_eq!(word(&app), "this is no regular expression");
        assert_eq!((app.finder.query(), app.finder.filtering()), (None, None));
    }
}

#[test]
fn a_filter_shows_matching_events_only_and_new_ones_too() {
    let (mut app, mut world) = started((80, 24));
    type_keys(&mut app, &world, "<esc>kk&deploy<enter>");
    let shown = |app: &App| {
        let rows = &app.view.window().rows[app.view.visible()];
        rows.iter().map(|row| row.uuid.clone()).collect::<Vec<_>>()
    };
    let hits = saying(&world, "deploy");
    assert_eq!(shown(&app), hits);
    assert!(
        text(&app).contains(&format!("& deploy · {} hits, Esc ends ·", hits.len())),
        "{}",
        text(&app)
    );
    world.write(1, "deploy v14");
    world.write(2, "something else");
    world.heal();
    let status = Reply::Status(Box::new(world.status(0, vec![])));
    let asks = app.update(app.now_ms + 1, Msg::Answer(Tag::Watch, Ok(status)));
    answer(&mut app, &world, asks);
    assert_eq!(shown(&app), saying(&world, "deploy"));
    type_keys(&mut app, &world, "kk");
    let selected = app.selected().map(str::to_owned);
    type_keys(&mut app, &world, "o");
    assert_eq!(app.selected().map(str::to_owned), selected);
    // A search in what the filter shows passes over everything else.
    type_keys(&mut app, &world, "G/v12<enter>");
    assert_eq!(
        app.selected().map(str::to_owned),
        saying(&world, "deploy v12").pop()
    );
    type_keys(&mut app, &world, "<esc><esc>");
    assert_eq!(app.finder.filtering(), None);
    assert!(shown(&app).len() > hits.len());
    assert_eq!(
        app.selected().map(str::to_owned),
        saying(&world, "deploy v12").pop()
    );
}

#[test]
fn nothing_matches_a_filter() {
    let (mut app, world) = started((80, 24));
    type_keys(&mut app, &world, "<esc>&nothing says this<enter>");
    assert!(text(&app).contains("no event matches"), "{}", text(&app));
    type_keys(&mut app, &world, "jkgG/x<enter>n<esc><esc><esc>");
    assert!(app.view.window().rows.len() > 10);
}

#[test]
fn matches_are_marked_also_without_colour() {
    for colours in [Colours::True, Colours::None] {
        let (mut app, world) = started((80, 24));
        app.look.colours = colours;
        type_keys(&mut app, &world, "<esc>/deploy<enter>");
        let buffer = picture::buffer(&app);
        let marked = |cell: &&ratatui::buffer::Cell| cell.modifier.contains(Modifier::UNDERLINED);
        let text: String = buffer
            .content
            .iter()
            .filter(marked)
            .map(ratatui::buffer::Cell::symbol)
            .collect();
        assert!(text.starts_with("deploydeploy"), "{text}");
        assert_eq!(text.replace("deploy", ""), "");
    }
}

#[test]
fn the_prompt_takes_text_until_esc() {
    let (mut app, world) = started((80, 24));
    press(&mut app, "<esc>/qn");
    app.update(1, Msg::Paste("uiet\nmore".into()));
    assert!(
        text(&app).lines().last().unwrap().starts_with(" /qnuiet"),
        "{}",
        text(&app)
    );
    press(&mut app, "<ctrl-c>");
    assert!(app.finder.prompt().is_none());
    let asks = press(&mut app, "&<enter>");
    assert!(asks.is_empty() && app.finder.prompt().is_none());
    type_keys(&mut app, &world, "n");
    assert!(word(&app).contains("nothing was searched for"));
}

macro_rules! found {
    ($($test:ident: $size:expr, $keys:expr;)*) => {$(
        #[test]
        fn $test() {
            let (mut app, world) = started($size);
            type_keys(&mut app, &world, $keys);
            same(concat!("tests/it/tui/screens/", stringify!($test), ".txt"), &text(&app));
        }
    )*};
}

found! {
    search_80x24: (80, 24), "<esc>/deploy<enter>n";
    search_120x40: (120, 40), "<esc>/deploy<enter>n";
    prompt_80x24: (80, 24), "<esc>/";
    filter_80x24: (80, 24), "<esc>&deploy<enter>";
    filter_120x40: (120, 40), "<esc>&author:bob<enter>kk";
}
