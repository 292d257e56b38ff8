//! Any DAG on any screen: nothing panics, each visible event stands there once, ties are true.

use std::collections::{BTreeMap, BTreeSet};

use fedag::control::view::{Order, WindowRequest};
use fedag::tui::app::App;
use fedag::tui::git;
use fedag::tui::lanes::{Cells, Columns, Mark, lay_out};
use fedag::tui::layout::Areas;
use fedag::tui::look::Look;
use fedag::tui::message::{Ask, Tag};
use fedag::tui::picture;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::scenes;
use super::world::World;

/// A DAG by `machines` machines: each event on parents chosen at random, also ones that no honest machine would take.
fn world(machines: usize, steps: &[(usize, u64)]) -> World {
    let names: Vec<String> = (0..machines).map(|at| format!("m{at}")).collect();
    let mut world = World::new(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for (at, (writer, seed)) in steps.iter().enumerate() {
        let writer = writer % machines;
        let mut parents: Vec<usize> = (0..=at)
            .filter(|event| seed.rotate_left(u32::try_from(event * 7 % 64).unwrap()) % 11 == 0)
            .collect();
        if parents.is_empty() {
            parents.push(usize::try_from(*seed).unwrap_or(0) % (at + 1));
        }
        world.write_on(writer, parents, "an event");
    }
    world.heal();
    world
}

fn check_rows(world: &World, request: &WindowRequest, cap: usize) -> Result<(), TestCaseError> {
    let window = world.window(0, request);
    let mut columns = Columns::default();
    columns.assign(&window.lanes, cap);
    prop_assert!(columns.shown() <= cap);
    let rows = lay_out(&window, 0..window.rows.len(), &columns);
    prop_assert_eq!(rows.len(), window.rows.len());
    let order = world.order(0, request.order);
    let first = usize::try_from(window.first).unwrap();
    let shown = |event: usize| {
        window
            .lanes
            .iter()
            .find(|lane| lane.name == world.names[world.events[event].lane])
    };
    let column_of = |event: usize| shown(event).and_then(|lane| columns.of(&lane.prefix));
    let mut last: BTreeMap<usize, usize> = BTreeMap::new();
    for event in &order[..first] {
        last.extend(column_of(*event).map(|column| (column, *event)));
    }
    for (row, event) in rows.iter().zip(&order[first..]) {
        prop_assert_eq!(
            row.cells.iter().filter(|cell| cell.mark.is_event()).count(),
            1
        );
        prop_assert!(row.cells[row.column].mark.is_event());
        prop_assert_eq!(
            row.column,
            column_of(*event).unwrap_or_else(|| columns.shown())
        );
        for (column, cell) in row.cells.iter().enumerate() {
            if cell.mark.is_solid_tie() {
                let parent = last.get(&column);
                prop_assert!(
                    parent.is_some_and(|parent| world.events[*event].parents.contains(parent)),
                    "{:?}",
                    row
                );
            }
        }
        let parents = world.events[*event].parents.iter().take(64);
        let columns: BTreeSet<usize> = parents
            .map(|parent| column_of(*parent).unwrap_or_else(|| columns.shown()))
            .filter(|column| *column != row.column)
            .collect();
        let is_tie = |mark: Mark| mark.is_solid_tie() || mark == Mark::Older;
        let tied: BTreeSet<usize> = (0..row.cells.len())
            .filter(|column| is_tie(row.cells[*column].mark))
            .collect();
        prop_assert!(tied.is_subset(&columns), "{:?}", row);
        prop_assert_eq!(tied.len(), columns.len().min(4), "{:?}", row);
        last.extend(column_of(*event).map(|column| (column, *event)));
    }
    Ok(())
}

/// The row of the event to which one comes when going up from a row in a column.
fn up(rows: &[Cells], from: usize, column: usize) -> Option<usize> {
    for at in (0..from).rev() {
        let mark = rows[at].cells.get(column)?.mark;
        if mark.is_event() {
            return Some(at);
        }
        if !goes_down(mark) {
            return None;
        }
    }
    None
}

fn goes_down(mark: Mark) -> bool {
    mark == Mark::Lane || mark.is_solid_tie() && !mark.is_last_tie()
}

/// Reads the parents off the picture, and compares them with those of the DAG.
fn check_strands(world: &World, request: &WindowRequest, cap: usize) -> Result<(), TestCaseError> {
    let window = world.window(0, request);
    let picture = git::lay_out(&window, 0..window.rows.len(), cap);
    prop_assert!(picture.shown <= cap && picture.total <= picture.shown + 1);
    let first = usize::try_from(window.first).unwrap();
    let order = &world.order(0, request.order)[first..];
    let place = |event: &usize| order.iter().position(|other| other == event);
    for (at, row) in picture.rows.iter().enumerate() {
        let parents = &world.events[order[at]].parents;
        let held: BTreeSet<usize> = parents
            .iter()
            .filter_map(place)
            .filter(|parent| *parent < at)
            .collect();
        let mut drawn: BTreeSet<usize> = up(&picture.rows, at, row.column).into_iter().collect();
        if row.column == picture.shown {
            drawn.clear(); // The shared column ties nothing.
        }
        let mut is_dashed = row.column == picture.shown;
        for (column, cell) in row.cells.iter().enumerate() {
            prop_assert!(cell.mark.is_event() == (column == row.column));
            if cell.mark.is_solid_tie() {
                let parent = up(&picture.rows, at, column);
                prop_assert!(
                    parent.is_some(),
                    "a tie to nothing in row {}: {:?}",
                    at,
                    row
                );
                drawn.extend(parent);
            }
            is_dashed |= cell.mark == Mark::Older;
            if cell.mark.is_solid_tie() || cell.mark == Mark::Older {
                let between = column.min(row.column)..column.max(row.column);
                prop_assert!(row.cells[between].iter().all(|cell| cell.tail), "{:?}", row);
            }
        }
        prop_assert!(
            drawn.is_subset(&held),
            "row {}: {:?} of {:?}",
            at,
            drawn,
            held
        );
        if drawn.len() < parents.len() {
            prop_assert!(
                is_dashed,
                "row {}: {:?} of {:?}, {:?}",
                at,
                drawn,
                parents,
                row
            );
        }
        for parent in held.difference(&drawn) {
            prop_assert!(
                picture.rows[*parent].column == picture.shown,
                "row {} and {}",
                at,
                parent
            );
        }
        if window.rows[at].more && row.column < picture.shown {
            let mut below = picture.rows[at + 1..].iter();
            prop_assert!(below.all(|row| goes_down(row.cells[picture.rows[at].column].mark)));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ties_are_true(
        machines in 1usize..12,
        steps in prop::collection::vec((any::<usize>(), any::<u64>()), 0..60),
        before in 0u32..40,
        cap in 1usize..10,
        arrival: bool,
    ) {
        let world = world(machines, &steps);
        let order = if arrival { Order::Arrival } else { Order::Causal };
        check_rows(&world, &WindowRequest { order, before, ..WindowRequest::default() }, cap)?;
        let at = Some(World::uuid(steps.len() / 2));
        check_rows(&world, &WindowRequest { order, at, before, after: 7, ..WindowRequest::default() }, cap)?;
    }

    #[test]
    fn strands_lead_to_the_parents(
        machines in 1usize..12,
        steps in prop::collection::vec((any::<usize>(), any::<u64>()), 0..60),
        before in 0u32..40,
        cap in 1usize..10,
        arrival: bool,
    ) {
        let world = world(machines, &steps);
        let order = if arrival { Order::Arrival } else { Order::Causal };
        let rows = |at, before, after| WindowRequest { order, at, before, after, ahead: true, ..WindowRequest::default() };
        check_strands(&world, &rows(None, before, 0), cap)?;
        check_strands(&world, &rows(None, 99, 0), 24)?;
        check_strands(&world, &rows(Some(World::uuid(steps.len() / 2)), before, 7), cap)?;
    }

    #[test]
    fn any_screen_is_drawn(
        machines in 1usize..40,
        steps in prop::collection::vec((any::<usize>(), any::<u64>()), 0..80),
        width in 1u16..=250,
        height in 1u16..=80,
        keys in "[a-zA-Z?{\"1-4 /&<>\\[\\]]{0,12}",
        unicode: bool,
    ) {
        let world = world(machines, &steps);
        let keys = keys.replace('<', "< "); // Not a key's name.
        let look = Look { unicode, ..Look::FULL };
        let mut app = App::new(look, TimeZone::UTC, false, (width, height));
        let asks = app.start();
        scenes::answer(&mut app, &world, asks);
        picture::buffer(&app);
        for key in ["<esc>", "v", keys.as_str(), "<esc>", "v", "<up>", "/an<enter>", "&e<enter>", "v", "k", "2", "3", "4", "<f2>", "<esc>", "<f1>"] {
            let asks = scenes::press(&mut app, key);
            let asks = asks.into_iter().filter(|ask| matches!(ask, Ask::Request(tag, _) if *tag <= Tag::Leaves || matches!(tag, Tag::Search(_)))).collect();
            scenes::answer(&mut app, &world, asks);
            picture::buffer(&app);
        }
    }

    #[test]
    fn each_visible_event_stands_once(
        machines in 1usize..9,
        steps in prop::collection::vec((any::<usize>(), any::<u64>()), 1..60),
        width in 60u16..=250,
        height in 12u16..=80,
        view in 0..3,
        newest_first: bool,
    ) {
        let world = world(machines, &steps);
        let mut app = App::new(Look::FULL, TimeZone::UTC, false, (width, height));
        let asks = app.start();
        scenes::answer(&mut app, &world, asks);
        let buffer = picture::buffer(&app);
        for _ in 0..view {
            let asks = scenes::press(&mut app, "<esc>v");
            scenes::answer(&mut app, &world, asks);
        }
        if newest_first {
            scenes::press(&mut app, "<esc>O");
        }
        let buffer = if view == 0 && !newest_first { buffer } else { picture::buffer(&app) };
        let rows: Vec<String> =
            (1..height).map(|y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>()).collect();
        for row in &app.view.window().rows[app.view.visible()] {
            let glyphs = ["●", "◆", "◉", "R"];
            let stands = rows.iter().filter(|text| {
                let text: String = text.chars().take(usize::from(Areas::of(&app).events.width)).collect();
                let Some((before, _)) = text.split_once("an e") else { return false };
                let words: Vec<&str> = before.split_whitespace().rev().collect();
                words.get(usize::from(view > 0)) == Some(&row.label.as_str()) && glyphs.iter().any(|glyph| before.contains(glyph))
            });
            let wanted = usize::from(row.parents_total > 0);
            prop_assert_eq!(stands.count(), wanted, "{}\n{}", row.label, rows.join("\n"));
        }
    }
}
