//! Themes, no colour and ASCII: what the cells look like, and that nothing is told by colour alone.

use std::collections::BTreeMap;
use std::fmt::Write;

use fedag::tui::look::Look;
use fedag::tui::picture::{self, Scene};
use fedag::tui::theme::{Background, Colours};
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use super::{same, scenes, text};

const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];

const DARK: Look = Look::FULL;
const LIGHT: Look = Look {
    background: Background::Light,
    ..Look::FULL
};
/// What most terminals are: 256 colours, on nobody knows what.
const UNKNOWN: Look = Look {
    colours: Colours::Indexed,
    background: Background::Unknown,
    ..Look::FULL
};
const NO_COLOUR: Look = Look {
    colours: Colours::None,
    background: Background::Unknown,
    ..Look::FULL
};
const ASCII: Look = Look {
    unicode: false,
    ..NO_COLOUR
};

/// A screen with most of the marks: browsing back, one machine away, events held by some.
fn browsing(look: Look, size: (u16, u16)) -> fedag::tui::app::App {
    let mut app = picture::app(&Scene {
        look,
        line: String::new(),
        size,
        ..scenes::readme()
    });
    scenes::press(&mut app, "<esc>kk");
    app
}

/// The styles of the cells: a letter for each, and what the letters mean.
fn styles(buffer: &Buffer) -> String {
    let mut letters: BTreeMap<String, char> = BTreeMap::new();
    let mut names = ('a'..='z').chain('A'..='Z').chain('0'..='9');
    let mut out = String::new();
    for y in 0..buffer.area.height {
        let row: String = (0..buffer.area.width)
            .map(|x| match style(&buffer[(x, y)]) {
                None => '.',
                Some(style) => *letters
                    .entry(style)
                    .or_insert_with(|| names.next().expect("few styles are on a screen")),
            })
            .collect();
        writeln!(out, "{}", row.trim_end_matches('.')).unwrap();
    }
    let mut legend: Vec<(char, String)> = letters
        .into_iter()
        .map(|(style, letter)| (letter, style))
        .collect();
    legend.sort_by_key(|(letter, _)| names_rank(*letter));
    for (letter, style) in legend {
        writeln!(out, "{letter} {style}").unwrap();
    }
    out
}

fn names_rank(letter: char) -> (bool, bool, char) {
    (letter.is_ascii_digit(), letter.is_ascii_uppercase(), letter)
}

fn style(cell: &Cell) -> Option<String> {
    let mut words = Vec::new();
    if cell.fg != Color::Reset && cell.symbol() != " " {
        words.push(cell.fg.to_string());
    }
    if cell.bg != Color::Reset {
        words.push(format!("on {}", cell.bg));
    }
    let is_seen = cell.symbol() != " " || cell.modifier.contains(Modifier::REVERSED);
    if is_seen && !cell.modifier.is_empty() {
        words.push(format!("{:?}", cell.modifier));
    }
    (!words.is_empty()).then(|| words.join(" "))
}

#[test]
fn each_look_is_as_expected() {
    let looks = [
        ("dark", DARK),
        ("light", LIGHT),
        ("unknown", UNKNOWN),
        ("no_color", NO_COLOUR),
        ("ascii_no_color", ASCII),
    ];
    for (name, look) in looks {
        for (width, height) in SIZES {
            let app = browsing(look, (width, height));
            let file = |kind: &str| format!("tests/it/tui/screens/{name}_{width}x{height}.{kind}");
            // The text of all that have colour and Unicode is the same.
            if !look.has_colour() || look == DARK {
                same(&file("txt"), &text(&app));
            } else {
                assert_eq!(text(&app), text(&browsing(DARK, (width, height))), "{name}");
            }
            same(&file("styles"), &styles(&picture::buffer(&app)));
        }
    }
}

/// Every scene there is, and some keys on it.
fn all(look: Look) -> Vec<Buffer> {
    let size = (120, 40);
    let scenes = [
        scenes::alone(size),
        scenes::syncing(size),
        scenes::catching_up(size),
        scenes::converged(size),
        scenes::cut_off(size),
        scenes::seventy_lanes(size),
        scenes::sixty_parents(size),
        scenes::readme(),
    ];
    let keys = [
        "",
        "<esc>k",
        "<esc>2",
        "<esc>3",
        "<esc>4",
        "<f1>",
        "{\"a\":1,}",
    ];
    let mut buffers = Vec::new();
    for scene in scenes {
        for keys in keys {
            let mut app = picture::app(&Scene {
                look,
                line: String::new(),
                ..scene.clone()
            });
            scenes::press(&mut app, keys);
            buffers.push(picture::buffer(&app));
        }
    }
    buffers
}

#[test]
fn without_colour_no_cell_has_one_and_the_selection_is_seen() {
    for buffer in all(NO_COLOUR) {
        let is_plain = |cell: &Cell| cell.fg == Color::Reset && cell.bg == Color::Reset;
        assert!(buffer.content.iter().all(is_plain));
    }
    for look in [NO_COLOUR, UNKNOWN, ASCII] {
        let buffer = picture::buffer(&browsing(look, (80, 24)));
        let is_selected = |y: u16| {
            (1..79).all(|x| {
                let cell = &buffer[(x, y)];
                let is_solid = cell.fg == Color::Reset && cell.bg == Color::Reset;
                is_solid && cell.modifier.contains(Modifier::REVERSED)
            })
        };
        assert_eq!((0..24).filter(|y| is_selected(*y)).count(), 1, "{look:?}");
    }
}

/// Without colour the same text stands there, but for the border of the pane that has the focus: it has a form of its own.
#[test]
fn without_colour_the_same_is_said_in_words_and_signs() {
    let thin = |symbol: &str| match symbol {
        "┏" => "╭".to_owned(),
        "┓" => "╮".to_owned(),
        "┗" => "╰".to_owned(),
        "┛" => "╯".to_owned(),
        "━" => "─".to_owned(),
        "┃" => "│".to_owned(),
        other => other.to_owned(),
    };
    for (plain, full) in all(NO_COLOUR).iter().zip(all(DARK)) {
        for (plain, full) in plain.content.iter().zip(&full.content) {
            assert_eq!(thin(plain.symbol()), full.symbol());
        }
    }
}

/// Words and signs in the colours of good, busy and bad: each has one colour, so that who sees no colour loses nothing.
#[test]
fn nothing_is_told_by_colour_alone() {
    // With the terminal's own colours nothing is replaced: the names of the styles are still there.
    let own = Look {
        colours: Colours::Own,
        background: Background::Unknown,
        ..Look::FULL
    };
    let mut seen: BTreeMap<String, Color> = BTreeMap::new();
    for buffer in all(own) {
        for (words, colour) in told_by_colour(&buffer) {
            let first = *seen.entry(words.clone()).or_insert(colour);
            assert_eq!(first, colour, "{words:?} stands there in two colours");
        }
    }
    for words in ["● in step", "○ unreachable", "CONVERGED ✓", "CUT OFF 12 s"] {
        let is_seen = seen.keys().any(|seen| seen.contains(words));
        assert!(is_seen, "{words} in {:?}", seen.keys());
    }
}

/// Runs of cells in a colour that means something: badges, and text in green, yellow or red that is not a lane's.
fn told_by_colour(buffer: &Buffer) -> Vec<(String, Color)> {
    let means = |cell: &Cell| {
        if cell.bg != Color::Reset {
            return Some(cell.bg);
        }
        let is_state = matches!(cell.fg, Color::Green | Color::Yellow | Color::Red);
        (is_state && !cell.modifier.contains(Modifier::BOLD)).then_some(cell.fg)
    };
    let mut runs = Vec::new();
    for y in 0..buffer.area.height {
        let mut x = 0;
        while x < buffer.area.width {
            let colour = means(&buffer[(x, y)]);
            let start = x;
            // A sign and the word behind it stand together.
            let is_space = |x: u16| buffer[(x, y)].symbol() == " ";
            let goes_on = |x: u16| means(&buffer[(x, y)]) == colour;
            let last = buffer.area.width - 1;
            while x <= last && (goes_on(x) || is_space(x) && x < last && goes_on(x + 1)) {
                x += 1;
            }
            let words: String = (start..x).map(|x| buffer[(x, y)].symbol()).collect();
            let is_drawn = |c: char| "│├┤┼╎─┊ ".contains(c);
            let is_lane = words.chars().all(is_drawn) || is_name(&words);
            if let Some(colour) = colour.filter(|_| !is_lane) {
                runs.push((words, colour));
            }
        }
    }
    runs
}

/// A machine's name or an event's label: its lane's colour repeats where it stands.
fn is_name(words: &str) -> bool {
    let words = words.trim_start_matches(['◉', ' ']).trim();
    let names = ["ana", "bob", "cyd", "dee"];
    let is_label = words.chars().any(|c| c.is_ascii_digit())
        && words.len() <= 8
        && words.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    names.contains(&words) || is_label || words.starts_with("host-") || words.is_empty()
}

#[test]
fn without_unicode_every_cell_is_ascii() {
    let mut app = picture::app(&scenes::ascii((120, 40)));
    for keys in ["", "<f1>", "<esc><esc>3", "4", "i{\"a\":1,}"] {
        scenes::press(&mut app, keys);
        assert!(text(&app).is_ascii(), "{}", text(&app));
    }
    for buffer in all(ASCII) {
        assert!(buffer.content.iter().all(|cell| cell.symbol().is_ascii()));
    }
}
