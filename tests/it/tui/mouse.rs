//! The mouse, and the sizes of panes.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use fedag::tui::app::App;
use fedag::tui::input::Pane;
use fedag::tui::layout::Areas;
use fedag::tui::message::{Ask, Msg};
use fedag::tui::picture;

use super::scenes::{converged, press, syncing};
use super::text;

fn mouse(app: &mut App, kind: MouseEventKind, column: u16, row: u16) {
    let modifiers = KeyModifiers::NONE;
    let event = MouseEvent {
        kind,
        column,
        row,
        modifiers,
    };
    app.update(app.now_ms, Msg::Mouse(event));
}

const CLICK: MouseEventKind = MouseEventKind::Down(MouseButton::Left);

#[test]
fn the_mouse_is_taken_and_given_back() {
    let mut app = picture::app(&converged((80, 24)));
    let taken = |asks: Vec<Ask>| {
        asks.iter().find_map(|ask| match ask {
            Ask::Mouse(on) => Some(*on),
            _ => None,
        })
    };
    assert_eq!(taken(press(&mut app, "<esc>m")), Some(true));
    assert_eq!(taken(press(&mut app, "m")), Some(false));
}

#[test]
fn a_click_selects_the_row_under_it() {
    for keys in ["", "<esc>O"] {
        let mut app = picture::app(&converged((120, 40)));
        press(&mut app, keys);
        for (row, line) in text(&app).lines().enumerate().skip(3).take(20) {
            let label = line.split_whitespace().find(|word| {
                word.len() > 1
                    && word.starts_with(['a', 'b', 'c', 'd'])
                    && word[1..].parse::<u32>().is_ok()
            });
            let label = label.unwrap_or_else(|| panic!("{line}")).to_owned();
            mouse(&mut app, CLICK, 12, u16::try_from(row).unwrap());
            assert_eq!(
                app.view.selected().map(|row| row.label.as_str()),
                Some(label.as_str())
            );
            assert_eq!(app.focus, Pane::Events);
        }
    }
}

#[test]
fn a_click_goes_to_its_pane_and_leaf() {
    let mut app = picture::app(&syncing((120, 40)));
    let areas = Areas::of(&app);
    let leaves = areas.leaves;
    mouse(&mut app, CLICK, leaves.x + 3, leaves.y + 2);
    assert_eq!((app.focus, app.leaf), (Pane::Leaves, 1));
    mouse(&mut app, CLICK, leaves.x + 3, leaves.bottom() - 1);
    assert_eq!(
        (app.focus, app.leaf),
        (Pane::Leaves, 1),
        "the border is no leaf"
    );
    mouse(&mut app, CLICK, areas.peers.x + 1, areas.peers.y);
    assert_eq!(app.focus, Pane::Peers);
    mouse(&mut app, CLICK, 5, areas.input.y + 1);
    assert_eq!(app.focus, Pane::Input);
}

#[test]
fn the_wheel_scrolls_what_is_under_it() {
    let mut app = picture::app(&converged((120, 24)));
    let areas = Areas::of(&app);
    let newest = app.selected().map(str::to_owned);
    mouse(
        &mut app,
        MouseEventKind::ScrollDown,
        areas.detail.x + 2,
        areas.detail.y + 2,
    );
    assert_eq!(app.detail_scroll, 3);
    assert_eq!(app.selected().map(str::to_owned), newest);
    mouse(
        &mut app,
        MouseEventKind::ScrollUp,
        areas.detail.x + 2,
        areas.detail.y + 2,
    );
    assert_eq!((app.detail_scroll, app.focus), (0, Pane::Input));
    mouse(&mut app, MouseEventKind::ScrollUp, 5, 5);
    assert_ne!(app.selected().map(str::to_owned), newest);
    press(&mut app, "<f1>");
    mouse(&mut app, MouseEventKind::ScrollDown, 5, 5);
    assert!(
        !text(&app).contains("In the input line"),
        "the help is scrolled"
    );
}

#[test]
fn panes_get_bigger_and_smaller_within_bounds() {
    let mut app = picture::app(&converged((120, 40)));
    let events = |app: &App| Areas::of(app).events.width;
    let usual = events(&app);
    press(&mut app, "<esc>+");
    assert!(events(&app) > usual);
    press(&mut app, "_");
    assert_eq!(events(&app), usual);
    press(&mut app, "3+");
    assert!(events(&app) < usual);
    for key in ["+", "_"] {
        press(&mut app, &key.repeat(50));
        let areas = Areas::of(&app);
        assert!(
            areas.events.width >= 50 && areas.peers.width >= 30,
            "{areas:?}"
        );
        assert_eq!(areas.events.width + areas.peers.width, 120);
    }
    press(&mut app, "e");
    assert_eq!(Areas::of(&app).peers.width, 120);
    press(&mut app, "e");
    assert!(Areas::of(&app).peers.width < 120);
}

#[test]
fn on_a_narrow_screen_the_height_is_shared() {
    let mut app = picture::app(&converged((80, 24)));
    press(&mut app, "<esc><enter>");
    let height = |app: &App| Areas::of(app).detail.height;
    let usual = height(&app);
    press(&mut app, "+");
    assert_eq!(height(&app), usual + 1);
    press(&mut app, &"+".repeat(50));
    assert!(Areas::of(&app).events.height >= 5);
    press(&mut app, "e");
    assert_eq!(height(&app), 19);
}
