//! The demo's screen: its play on machines in memory, what keys do, pictures, and the program itself in a terminal.

mod toy;

use crossterm::event::{KeyCode, KeyEvent};
use fedag::demo::picture;
use fedag::demo::scene::Machine;
use fedag::demo::script::STEPS;
use fedag::demo::show::{Msg, Show};
use fedag::tui::look::Look;
use fedag::tui::theme::Colours;
use portable_pty::CommandBuilder;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;

use super::pty::Terminal;
use super::same;
use crate::support::place;
use toy::Toy;

/// Longer than anything in the play takes.
const LONG_MS: u64 = 60_000;

fn buffer(show: &Show) -> Buffer {
    let area = Rect::new(0, 0, show.size.0, show.size.1);
    let mut buffer = Buffer::empty(area);
    picture::paint(show, area, &mut buffer);
    buffer
}

fn text(show: &Show) -> String {
    let buffer = buffer(show);
    let row = |y| {
        let symbols = (0..buffer.area.width).map(|x| buffer[(x, y)].symbol());
        symbols.collect::<String>().trim_end().to_owned() + "\n"
    };
    (0..buffer.area.height).map(row).collect()
}

fn key(c: char) -> Msg {
    Msg::Key(KeyEvent::from(match c {
        '\n' => KeyCode::Enter,
        '\x1b' => KeyCode::Esc,
        c => KeyCode::Char(c),
    }))
}

/// A toy and a screen that autoplay has brought to the end of a step.
fn played(steps: usize, size: (u16, u16), look: Look) -> (Toy, Show) {
    let (mut toy, mut show) = (Toy::new(), Show::new(look, size));
    toy.begin(&mut show);
    toy.wait(&mut show, LONG_MS, |show| {
        show.script.done() == steps && !show.script.is_playing()
    });
    toy.wait(&mut show, 1_500, |_| false); // nothing is lit any more
    assert_eq!(show.script.done(), steps);
    (toy, show)
}

#[test]
fn autoplay_tells_the_whole_story_in_about_half_a_minute() {
    let (mut toy, mut show) = (Toy::new(), Show::new(Look::FULL, (140, 24)));
    toy.begin(&mut show);
    toy.wait(&mut show, LONG_MS, |show| show.script.is_over());
    assert!((20_000..35_000).contains(&toy.now_ms), "{}", toy.now_ms);
    let mut expected = vec![
        "write ana lunch?",
        "write bob yes!",
        "write cy hungry!",
        "write ana where to?",
    ];
    expected.extend([
        "cut cy",
        "write bob sushi!",
        "write cy pizza!",
        "write ana sushi it is",
    ]);
    expected.extend([
        "write cy hello?",
        "write cy anyone?",
        "heal",
        "write bob both!",
    ]);
    assert_eq!(toy.acts, expected);
    assert!(show.scene.as_ref().unwrap().has_converged());
}

#[test]
fn the_words_about_what_was_missing_are_right() {
    let (toy, _) = played(3, (140, 24), Look::FULL);
    let missing = |here: usize, there: usize| {
        toy.world.held[there]
            .difference(&toy.world.held[here])
            .count()
    };
    let words = STEPS[3].done;
    assert!(
        words.contains(&format!("{} events to cy", missing(2, 0))),
        "{words}"
    );
    assert!(
        words.contains(&format!("{} from it", missing(0, 2))),
        "{words}"
    );
}

#[test]
fn every_step_can_be_played_by_hand() {
    let (mut toy, mut show) = (Toy::new(), Show::new(Look::FULL, (140, 24)));
    toy.begin(&mut show);
    for step in 1..=STEPS.len() {
        toy.tell(&mut show, key('n'));
        toy.wait(&mut show, 20_000, |show| show.script.done() == step);
        assert_eq!(show.script.done(), step);
        let acts = toy.acts.len();
        toy.wait(&mut show, LONG_MS, |_| false);
        assert_eq!(toy.acts.len(), acts, "it waits for the next n");
    }
    assert!(text(&show).contains("Now with two real terminals"));
}

#[test]
fn what_was_done_by_hand_is_put_right_for_the_next_step() {
    let (mut toy, mut show) = played(1, (140, 24), Look::FULL);
    for c in ['1', 'p', '2', 'k'] {
        toy.tell(&mut show, key(c));
    }
    assert_eq!(toy.acts[toy.acts.len() - 2..], ["cut ana", "kill bob"]);
    assert!(!show.script.is_auto());
    assert!(text(&show).contains("KILLED"));
    toy.tell(&mut show, key('n'));
    toy.wait(&mut show, LONG_MS, |show| show.script.done() == 2);
    assert_eq!(
        toy.acts[toy.acts.len() - 3..],
        ["start bob", "heal", "cut cy"]
    );
    assert_eq!(show.script.done(), 2);
}

#[test]
fn a_step_that_waits_is_put_right_by_the_next_step_key() {
    let (mut toy, mut show) = (Toy::new(), Show::new(Look::FULL, (140, 24)));
    toy.begin(&mut show);
    toy.tell(&mut show, key('n'));
    toy.tell(&mut show, key('p'));
    toy.wait(&mut show, LONG_MS, |_| false);
    assert_eq!(show.script.done(), 0, "cy is cut, so it waits");
    toy.tell(&mut show, key('n'));
    toy.wait(&mut show, 5_000, |show| show.script.done() == 1);
    assert_eq!(show.script.done(), 1);
}

#[test]
fn keys_write_kill_slow_and_pause() {
    let (mut toy, mut show) = played(1, (140, 24), Look::FULL);
    toy.tell(&mut show, key('a'));
    assert!(!show.script.is_auto());
    for c in "2\nq h\n".chars() {
        toy.tell(&mut show, key(c));
    }
    assert_eq!(toy.acts.last().unwrap(), "write bob q h");
    for c in "\nleft\x1b".chars() {
        toy.tell(&mut show, key(c));
    }
    assert_eq!(toy.acts.last().unwrap(), "write bob q h");
    toy.tell(&mut show, key('l'));
    assert_eq!(toy.acts.last().unwrap(), "slow bob true");
    assert!(text(&show).contains("slow"), "{}", text(&show));
    toy.tell(&mut show, key('l'));
    assert_eq!(toy.acts.last().unwrap(), "slow bob false");
    toy.tell(&mut show, key('k'));
    toy.tell(&mut show, key(' '));
    let last: Vec<_> = toy.acts.iter().rev().take(2).map(|act| &act[..9]).collect();
    assert_eq!(last, ["write cy ", "write ana"], "bob is down");
    toy.tell(&mut show, key('k'));
    assert_eq!(toy.acts.last().unwrap(), "start bob");
    toy.tell(&mut show, key('a'));
    assert!(show.script.is_auto());
    assert!(!toy.has_quit);
    toy.tell(&mut show, key('q'));
    assert!(toy.has_quit);
}

#[test]
fn converged_panes_are_the_same_picture() {
    let (_, show) = played(5, (141, 40), Look::FULL);
    let text = text(&show);
    let rows = text.lines().filter(|line| line.contains("✓✓"));
    let mut seen = 0;
    for row in rows {
        let cells: Vec<char> = row.chars().collect();
        let pane = |at: usize| {
            let inner = cells[at * 47 + 1..].iter().take(45);
            inner.collect::<String>()
        };
        assert_eq!(pane(0), pane(1), "{text}");
        assert_eq!(pane(0), pane(2), "{text}");
        seen += 1;
    }
    assert!(seen >= 8, "{text}");
}

#[test]
fn an_event_that_arrived_is_lit_for_a_moment_unless_nothing_may_move() {
    for (motion, expected) in [(true, true), (false, false)] {
        let look = Look {
            motion,
            ..Look::FULL
        };
        let (mut toy, mut show) = (Toy::new(), Show::new(look, (140, 24)));
        toy.begin(&mut show);
        toy.wait(&mut show, LONG_MS, |show| {
            show.script.is_playing()
                && show
                    .scene
                    .as_ref()
                    .unwrap()
                    .status(Machine::Bob)
                    .unwrap()
                    .events
                    > 1
        });
        let lit = |show: &Show| {
            let rows = &show.panes[1].view.window().rows;
            rows.iter().any(|row| show.is_lit(Machine::Bob, row))
        };
        assert_eq!(lit(&show), expected);
        toy.wait(&mut show, 780, |_| false);
        show.update(toy.now_ms + 2_000, Msg::Tick);
        assert!(!lit(&show));
    }
}

macro_rules! screens {
    ($($test:ident: $steps:expr, $size:expr, $look:expr, $keys:expr;)*) => {$(
        #[test]
        fn $test() {
            let (mut toy, mut show) = played($steps, $size, $look);
            for c in $keys.chars() {
                toy.tell(&mut show, key(c));
            }
            same(concat!("tests/it/tui/screens/", stringify!($test), ".txt"), &text(&show));
        }
    )*};
}

const ASCII: Look = Look {
    unicode: false,
    ..Look::FULL
};

screens! {
    demo_written_140x24: 1, (140, 24), Look::FULL, "";
    demo_apart_140x24: 3, (140, 24), Look::FULL, "";
    demo_joined_140x24: 5, (140, 24), Look::FULL, "";
    demo_apart_100x30: 3, (100, 30), Look::FULL, "";
    demo_apart_80x24: 3, (80, 24), Look::FULL, "";
    demo_joined_80x24: 5, (80, 24), Look::FULL, "1";
    demo_apart_60x12: 3, (60, 12), Look::FULL, "";
    demo_joined_200x60: 5, (200, 60), Look::FULL, "";
    demo_apart_ascii_120x30: 3, (120, 30), ASCII, "";
    demo_killed_120x30: 4, (120, 30), Look::FULL, "2lk";
    demo_writing_80x24: 3, (80, 24), Look::FULL, "2\nnoodles?";
    demo_help_80x24: 3, (80, 24), Look::FULL, "?";
    demo_tiny_59x11: 3, (59, 11), Look::FULL, "";
}

#[test]
fn the_first_picture_says_what_comes() {
    let show = Show::new(Look::FULL, (100, 24));
    same(
        "tests/it/tui/screens/demo_starting_100x24.txt",
        &text(&show),
    );
}

#[test]
fn ascii_is_ascii_and_no_colour_is_none() {
    for steps in [1, 3, 5] {
        for size in [(140, 24), (80, 24), (60, 12)] {
            let (mut toy, mut show) = played(steps, size, ASCII);
            for c in ["", "l", "k", "?"] {
                c.chars().for_each(|c| toy.tell(&mut show, key(c)));
                assert!(text(&show).is_ascii(), "{}", text(&show));
            }
            let look = Look {
                colours: Colours::None,
                ..Look::FULL
            };
            let (_, plain) = played(steps, size, look);
            let buffer = buffer(&plain);
            assert!(
                buffer
                    .content
                    .iter()
                    .all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset)
            );
        }
    }
}

#[test]
fn every_size_is_drawn() {
    let (mut toy, mut show) = played(3, (140, 24), Look::FULL);
    for (width, height) in (1..=160)
        .step_by(7)
        .flat_map(|width| (1..=40).step_by(3).map(move |height| (width, height)))
    {
        toy.tell(&mut show, Msg::Resize(width, height));
        for keys in ["", "?", "x", "1\nabc", "\x1b3"] {
            keys.chars().for_each(|c| toy.tell(&mut show, key(c)));
            buffer(&show);
        }
    }
}

fn demo(temp: &std::path::Path) -> CommandBuilder {
    let mut command = CommandBuilder::new(assert_cmd::cargo::cargo_bin!("fedag"));
    command.args(["demo", "--seed", "7"]);
    command.env("TMPDIR", temp);
    command.env_remove("NO_COLOR");
    command
}

fn is_empty(temp: &std::path::Path) -> bool {
    std::fs::read_dir(temp).unwrap().next().is_none()
}

#[test]
fn the_program_cuts_writes_heals_and_leaves_the_terminal_and_the_disk_as_they_were() {
    let (temp, _) = place();
    let mut terminal = Terminal::run(demo(temp.path()));
    terminal.shows("CONVERGED");
    terminal.press("p");
    terminal.shows("✂ CUT");
    terminal.press(" ");
    terminal.shows("2 DIFFERENT DIGESTS");
    terminal.shows("CUT OFF");
    terminal.press("h");
    terminal.shows("CONVERGED ✓  all three");
    terminal.press("1k");
    terminal.shows("KILLED");
    terminal.press("2\rwhile you were away\r");
    terminal.press("1k");
    terminal.shows("while you were away");
    terminal.shows("CONVERGED ✓  all three");
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
    assert!(is_empty(temp.path()));
}

#[test]
fn a_signal_ends_the_demo_and_its_directory() {
    let (temp, _) = place();
    let terminal = Terminal::run(demo(temp.path()));
    terminal.shows("CONVERGED");
    assert!(!is_empty(temp.path()));
    terminal.signal("-TERM");
    assert_eq!(terminal.end(), 0);
    assert!(is_empty(temp.path()));
}
