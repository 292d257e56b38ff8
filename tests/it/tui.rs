//! The terminal UI: screens as text, with fixed size and time.
//!
//! `BLESS=1 cargo test --test it tui` renews the expected screens and the pictures in `assets`; read the difference before it is
//! committed.

#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic, and cares for few variants"
)]

mod attach;
mod behaviour;
mod binary;
mod demo;
mod finding;
mod folding;
mod hostile;
mod input;
mod looks;
mod marks;
mod mouse;
mod node;
mod peers;
mod popups;
mod pty;
mod random;
mod scenes;
mod shell;
mod sizes;
mod speed;
mod views;
pub(crate) mod world;

use std::fmt::Write;

use fedag::tui::message::Msg;
use fedag::tui::picture;
use fedag::tui::theme::Background;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

/// The screen of `app` as a terminal of its size shows it.
fn text(app: &fedag::tui::app::App) -> String {
    let mut terminal = Terminal::new(TestBackend::new(app.size.0, app.size.1)).unwrap();
    terminal
        .draw(|frame| fedag::tui::screen::draw(app, frame))
        .unwrap();
    let mut out = String::new();
    let buffer = terminal.backend().buffer();
    for y in 0..buffer.area.height {
        let row: String = (0..buffer.area.width)
            .map(|x| buffer[(x, y)].symbol())
            .collect();
        writeln!(out, "{}", row.trim_end()).unwrap();
    }
    out
}

/// Compares with a file of this crate; with `BLESS=1` writes it.
fn same(file: &str, shown: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, shown).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = expected
        .lines()
        .zip(shown.lines())
        .position(|(a, b)| a != b);
    assert!(
        expected == shown,
        "{file} differs, first in line {differs:?}; it is now\n{shown}\nit was\n{expected}"
    );
}

macro_rules! screens {
    ($($test:ident: $scene:expr;)*) => {$(
        #[test]
        fn $test() {
            let app = picture::app(&$scene);
            same(concat!("tests/it/tui/screens/", stringify!($test), ".txt"), &text(&app));
        }
    )*};
}

screens! {
    alone_60x12: scenes::alone((60, 12));
    alone_80x24: scenes::alone((80, 24));
    alone_120x40: scenes::alone((120, 40));
    syncing_80x24: scenes::syncing((80, 24));
    catching_up_60x12: scenes::catching_up((60, 12));
    catching_up_80x24: scenes::catching_up((80, 24));
    catching_up_120x40: scenes::catching_up((120, 40));
    converged_60x12: scenes::converged((60, 12));
    converged_80x24: scenes::converged((80, 24));
    converged_120x40: scenes::converged((120, 40));
    converged_200x60: scenes::converged((200, 60));
    cut_off_80x24: scenes::cut_off((80, 24));
    cut_off_120x40: scenes::cut_off((120, 40));
    seventy_lanes_60x12: scenes::seventy_lanes((60, 12));
    seventy_lanes_80x24: scenes::seventy_lanes((80, 24));
    seventy_lanes_120x40: scenes::seventy_lanes((120, 40));
    seventy_lanes_200x60: scenes::seventy_lanes((200, 60));
    sixty_parents_60x12: scenes::sixty_parents((60, 12));
    sixty_parents_80x24: scenes::sixty_parents((80, 24));
    sixty_parents_120x40: scenes::sixty_parents((120, 40));
    sixty_parents_200x60: scenes::sixty_parents((200, 60));
    ten_thousand_leaves_120x40: scenes::ten_thousand_leaves((120, 40));
    ten_thousand_leaves_200x60: scenes::ten_thousand_leaves((200, 60));
    ascii_80x24: scenes::ascii((80, 24));
    tiny_59x11: scenes::converged((59, 11));
    readme: scenes::readme();
}

#[test]
fn readme_pictures_are_the_screen() {
    let backgrounds = [(Background::Dark, "dark"), (Background::Light, "light")];
    for (background, name) in backgrounds {
        let mut scene = scenes::readme();
        scene.look.background = background;
        let svg = picture::picture(&scene);
        same(&format!("assets/screen-{name}.svg"), &svg);
    }
}

#[test]
fn the_keys_are_documented() {
    same("docs/keys.md", &fedag::tui::help::markdown());
}

#[test]
fn first_screen() {
    for size in [(60, 12), (80, 24)] {
        let shown = scenes::first(size);
        same(
            &format!("tests/it/tui/screens/first_{}x{}.txt", size.0, size.1),
            &shown,
        );
    }
}

macro_rules! after {
    ($($test:ident: $scene:expr, $keys:expr;)*) => {$(
        #[test]
        fn $test() {
            let mut app = picture::app(&$scene);
            scenes::press(&mut app, $keys);
            same(concat!("tests/it/tui/screens/", stringify!($test), ".txt"), &text(&app));
        }
    )*};
}

after! {
    help_80x24: scenes::converged((80, 24)), "?";
    help_60x12: scenes::converged((60, 12)), "?";
    detail_80x24: scenes::converged((80, 24)), "<esc><enter>";
    detail_60x12: scenes::converged((60, 12)), "<esc><enter>";
    peers_80x24: scenes::cut_off((80, 24)), "<esc>3";
    ten_thousand_leaves_60x12: scenes::ten_thousand_leaves((60, 12)), "<esc>4";
    ten_thousand_leaves_80x24: scenes::ten_thousand_leaves((80, 24)), "<esc>4";
    sixty_parents_detail_120x40: scenes::sixty_parents((120, 40)), "<esc><enter>";
    leaves_80x24: scenes::syncing((80, 24)), "<esc>4";
    ticket_80x24: scenes::alone((80, 24)), "<f2>";
    code_120x40: scenes::alone((120, 40)), "<f3>";
    code_80x24: scenes::alone((80, 24)), "<f2>t";
    palette_80x24: scenes::converged((80, 24)), ":tick<down>";
    palette_60x12: scenes::converged((60, 12)), "<esc>:";
    connect_80x24: scenes::converged((80, 24)), ":connect bob<enter>";
    help_search_80x24: scenes::converged((80, 24)), "?/copy<enter>";
    help_browse_80x24: scenes::converged((80, 24)), "<esc>?";
    ticket_60x12: scenes::alone((60, 12)), "<f2>";
    scrolled_80x24: scenes::converged((80, 24)), "<esc>kkkkk";
    wrong_json_80x24: scenes::converged((80, 24)), "{\"kind\":\"order\",qty:3}";
    reserved_80x24: scenes::converged((80, 24)), "{\"uuid\":\"mine\"}";
    rows_80x24: scenes::syncing((80, 24)), "{<alt-enter>  \"kind\": \"order\",<ctrl-j>  \"qty\": 3,<alt-enter>}<up>";
    rows_60x12: scenes::syncing((60, 12)), "one<alt-enter>two<alt-enter>three<alt-enter>four and no more";
    wrong_json_60x12: scenes::syncing((60, 12)), "{\"kind\":\"order\",qty:3,\"and a\":\"longer text\"}";
    json_80x24: scenes::syncing((80, 24)), "{\"kind\":\"order\",\"qty\":3}";
}

#[test]
fn gone() {
    for (width, height) in [(59, 11), (60, 12), (80, 24), (120, 40)] {
        let mut app = picture::app(&scenes::converged((width, height)));
        scenes::press(&mut app, "half a li");
        let why = "the node closed the connection".into();
        let again = Some(std::time::Duration::from_secs(2));
        let now = app.now_ms;
        app.update(now, Msg::Gone { why, again });
        app.update(now + 1_000, Msg::Tick);
        let file = format!("tests/it/tui/screens/gone_{width}x{height}.txt");
        same(&file, &text(&app));
    }
}
