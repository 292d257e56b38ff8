//! Any DAG on any screen: nothing panics, each visible event stands there once, ties are true.

use std::collections::BTreeMap;

use fedag::control::view::{Order, WindowRequest};
use fedag::tui::app::App;
use fedag::tui::lanes::{Columns, Mark, lay_out};
use fedag::tui::look::Look;
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
        for parent in world.events[*event].parents.iter().take(64) {
            let column = column_of(*parent).unwrap_or_else(|| columns.shown());
            let mark = row.cells[column].mark;
            prop_assert!(
                column == row.column || mark.is_solid_tie() || mark == Mark::Older,
                "{:?}",
                row
            );
        }
        last.extend(column_of(*event).map(|column| (column, *event)));
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
    fn any_screen_is_drawn(
        machines in 1usize..40,
        steps in prop::collection::vec((any::<usize>(), any::<u64>()), 0..80),
        width in 1u16..=250,
        height in 1u16..=80,
        keys in "[a-zA-Z?{\"1-4 ]{0,12}",
        unicode: bool,
    ) {
        let world = world(machines, &steps);
        let look = Look { unicode, ..Look::FULL };
        let mut app = App::new(look, TimeZone::UTC, false, (width, height));
        let asks = app.start();
        scenes::answer(&mut app, &world, asks);
        picture::buffer(&app);
        for key in ["<esc>", keys.as_str(), "<esc>", "<up>", "2", "3", "4", "<f2>", "<esc>", "<f1>"] {
            let asks = scenes::press(&mut app, key);
            let asks = asks.into_iter().filter(|ask| matches!(ask, fedag::tui::message::Ask::Request(tag, _) if *tag <= fedag::tui::message::Tag::Leaves)).collect();
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
    ) {
        let world = world(machines, &steps);
        let mut app = App::new(Look::FULL, TimeZone::UTC, false, (width, height));
        let asks = app.start();
        scenes::answer(&mut app, &world, asks);
        let buffer = picture::buffer(&app);
        let rows: Vec<String> =
            (1..height).map(|y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>()).collect();
        for row in &app.view.window().rows[app.view.visible()] {
            let label = format!(" {}", row.label);
            let glyphs = ["●", "◆", "◉", "R"];
            let stands = rows.iter().filter(|text| {
                let text: String = text.chars().take(usize::from(width).min(66)).collect();
                let before = text.split_once("an event").map(|(before, _)| before.trim_end());
                before.is_some_and(|before| before.ends_with(&label) && glyphs.iter().any(|glyph| before.contains(glyph)))
            });
            let wanted = usize::from(row.parents_total > 0);
            prop_assert_eq!(stands.count(), wanted, "{}\n{}", label, rows.join("\n"));
        }
    }
}
