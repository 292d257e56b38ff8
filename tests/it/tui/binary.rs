//! The program itself in two terminals, as in the README's first two minutes.

use std::path::Path;
use std::time::{Duration, Instant};

use fedag::wire::ticket::Ticket;
use portable_pty::CommandBuilder;

use super::pty::Terminal;
use crate::node::{Lab, add};
use crate::support::{Running, fedag, lines, numbered, ok, place, run, run_with, wait_for};

/// From Enter in one terminal to the other's screen; on an idle machine it is some 20 ms.
const WELL_UNDER: Duration = Duration::from_secs(1);

#[test]
fn two_terminals_form_a_network_and_show_each_others_events_and_one_digest() {
    let (_temp, dir) = place();
    let (ana, ben) = (dir.join("ana"), dir.join("ben"));
    let init = ["init", "--name", "ana", "--listen", "127.0.0.1:0"];
    ok(run(&ana, &init));
    let mut first = screen(&ana);
    first.shows("ALONE");
    first.press("\x1bOQ"); // F2
    first.shows("fedag join fedag1");
    first.wait("the whole ticket", |screen| {
        Ticket::parse(&ticket(&screen.contents())).is_ok()
    });
    let ticket = ticket(&first.text());
    first.press("\x1b");

    let mut second = screen(&ben);
    second.shows("No network is here yet");
    second.press(&format!("\x1b[200~{ticket}\x1b[201~"));
    second.shows("Enter joins the network");
    second.press("\r");
    second.shows("CONVERGED");
    first.shows("CONVERGED");

    appears(&mut second, "from ben", &first);
    appears(&mut first, "from ana", &second);
    first.wait("one digest on both", |screen| {
        let digest = converged(&screen.contents());
        digest.is_some() && digest == converged(&second.text())
    });

    second.press("\x03");
    assert_eq!(second.end(), 0);
    first.shows("CUT OFF");
    first.press("\x03");
    assert_eq!(first.end(), 0);
}

/// One that expired a moment ago is refused by the member who made it; the next one is good.
#[test]
fn a_ticket_that_is_not_taken_leaves_the_first_screen_with_the_reason() {
    let (_temp, dir) = place();
    let (ana, ben) = (dir.join("ana"), dir.join("ben"));
    ok(run(
        &ana,
        &["init", "--name", "ana", "--listen", "127.0.0.1:0"],
    ));
    let node = Running::start(&ana, &[]);
    let expired = lines(&ok(run(&ana, &["invite", "--expires", "1s"]))).remove(0);
    let good = lines(&ok(run(&ana, &["invite", "--expires", "2h"]))).remove(0);
    let made = Instant::now();
    wait_for("the ticket expires", || {
        made.elapsed() > Duration::from_millis(1_100)
    });
    let mut screen = screen(&ben);
    screen.shows("No network is here yet");
    screen.press(&format!("\x1b[200~{expired}\x1b[201~"));
    screen.shows("Enter joins the network");
    screen.press("\r");
    screen.shows("expired");
    screen.shows("No network is here yet");
    assert!(
        screen.text().contains(&expired[expired.len() - 20..]),
        "{}",
        screen.text()
    );
    screen.press(&format!("\x1b[200~{good}\x1b[201~"));
    screen.shows("Enter joins the network");
    screen.press("\r");
    screen.shows("CONVERGED");
    screen.press("\x03");
    assert_eq!(screen.end(), 0);
    drop(node);
}

#[test]
fn events_are_searched_filtered_turned_frozen_and_marked_in_the_program() {
    let (_temp, dir) = place();
    let init = ["init", "--name", "ana", "--listen", "127.0.0.1:0"];
    ok(run(&dir, &init));
    let what = |n: u32| if n % 10 == 3 { "needle" } else { "hay" };
    let texts = numbered(40, |n| format!("line {n}, {}", what(n)));
    ok(run_with(&dir, &["add", "-"], texts.as_bytes()));
    let mut shown = screen(&dir);
    shown.shows("line 39, hay");
    shown.press("\x1b");
    shown.shows("press i to write");

    shown.press("/needle\r");
    selects(&shown, "line 33, needle");
    shown.press("n");
    selects(&shown, "line 23, needle");
    shown.press("N");
    selects(&shown, "line 33, needle");
    shown.press("\x1b");
    shown.wait("the end of the search", |screen| {
        !screen.contents().contains("/ needle")
    });

    shown.press("&needle\r");
    shown.shows("4 hits");
    shown.wait("the hits alone", |screen| {
        !screen.contents().contains("hay")
    });
    shown.press("\x1b");
    shown.shows("all events are shown again");

    shown.press("O");
    shown.wait("the newest event on top", |screen| {
        screen
            .contents_between(3, 0, 3, 80)
            .contains("line 39, hay")
    });
    shown.press("v");
    shown.shows("git graph");
    shown.press("v");
    shown.shows("Events · list");
    shown.press("vp");
    shown.shows("FROZEN, 0 new");
    ok(run(&dir, &["add", "came later"]));
    shown.shows("FROZEN, 1 new");
    assert!(!shown.text().contains("came later"));
    shown.press("p");
    shown.shows("came later");
    shown.press(" ");
    shown.shows("1 marked");
    shown.press("y");
    shown.shows("given to the terminal's clipboard");
    shown.press("q");
    assert_eq!(shown.end(), 0);
}

/// Waits until the row with this text is the selected one.
fn selects(shown: &Terminal, text: &str) {
    shown.wait(text, |screen| {
        let contents = screen.contents();
        let mut rows = contents.lines().filter(|row| row.contains('›'));
        rows.any(|row| row.contains(text))
    });
}

/// The row of the events pane with this text.
fn row(screen: &vt100::Screen, text: &str) -> Option<String> {
    let shown = screen.contents();
    let mut rows = shown
        .lines()
        .map(|row| row.chars().take(120).collect::<String>());
    rows.find(|row| row.contains(text))
}

/// Waits until the row with this text has just these ticks.
fn held(screen: &Terminal, text: &str, ticks: &str) {
    screen.wait(&format!("{text} held {ticks:?}"), |screen| {
        let found = |row: String| row.chars().filter(|c| *c == '✓').collect::<String>();
        row(screen, text).map(found).as_deref() == Some(ticks)
    });
}

#[test]
fn a_cut_and_its_end_are_seen_as_they_happen() {
    let lab = Lab::new();
    let mut ana = screen(&lab.dir("ana"));
    ana.resize(60, 200);
    ana.shows("ALONE");
    let (ben, cyd) = (lab.newcomer("ben"), lab.newcomer("cyd"));
    ana.shows("3 Peers 2/2");
    add(&ben.dir, "by ben");
    held(&ana, "by ben", "✓✓");
    ana.shows("CONVERGED");
    ana.wait("bytes that go over", |screen| {
        let shown = screen.contents();
        let is_rate = |row: &str| row.contains("in step") && row.contains(" B");
        shown.contains("in/s   out/s") && shown.lines().any(is_rate)
    });

    cyd.stop();
    ana.shows("cyd went");
    ana.shows("IN STEP 1/2");
    add(&ben.dir, "without cyd");
    held(&ana, "without cyd", "✓");
    ben.stop();
    ana.shows("CUT OFF");
    ana.shows("ben went");
    ana.press("alone\r");
    held(&ana, "\"alone\"", "");
    let shown = ana.text();
    assert!(!shown.contains("IN STEP") && !shown.contains("CONVERGED"));

    let (ben, cyd) = (lab.start("ben"), lab.start("cyd"));
    ana.shows("CONVERGED");
    held(&ana, "\"alone\"", "✓✓");
    ana.press("\x03");
    assert_eq!(ana.end(), 0);
    drop((ben, cyd));
}

/// crossterm 0.29 wipes bold and reverse when it sees the variable: without them nobody sees what is selected.
#[test]
fn no_color_leaves_bold_and_reverse() {
    let (_temp, dir) = place();
    ok(run(
        &dir,
        &["init", "--name", "ana", "--listen", "127.0.0.1:0"],
    ));
    let mut terminal = screen_with(&dir, &[("NO_COLOR", "1")], &[]);
    terminal.shows("ALONE");
    terminal.press("\x1b");
    terminal.shows("press i to write");
    terminal.wait("the root selected", |screen| {
        (2..20).any(|y| (1..79).all(|x| is(screen, y, x, vt100::Cell::inverse)))
    });
    terminal.wait("a bold and reversed badge", |screen| {
        let badge = column(screen, "ALONE");
        is(screen, 0, badge, vt100::Cell::bold) && is(screen, 0, badge, vt100::Cell::inverse)
    });
    terminal.wait("no colour", |screen| colours(screen).is_empty());
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn options_say_how_the_screen_looks() {
    let (_temp, dir) = place();
    ok(run(
        &dir,
        &["init", "--name", "ana", "--listen", "127.0.0.1:0"],
    ));
    let true_colour = [("COLORTERM", "truecolor"), ("NO_COLOR", "1")];
    let mut terminal = screen_with(
        &dir,
        &true_colour,
        &["--color", "always", "--theme", "light"],
    );
    terminal.shows("ALONE");
    terminal.wait("the grey of light terminals", |screen| {
        colours(screen).contains(&vt100::Color::Rgb(0x63, 0x6b, 0x75))
    });
    terminal.press("\x03");
    assert_eq!(terminal.end(), 0);
    let mut terminal = screen_with(
        &dir,
        &[("FEDAG_THEME", "dark"), ("FEDAG_ASCII", "1")],
        &["--color", "never"],
    );
    terminal.shows("ALONE");
    terminal.wait("ASCII", |screen| screen.contents().is_ascii());
    terminal.wait("no colour", |screen| colours(screen).is_empty());
    terminal.press("\x03");
    assert_eq!(terminal.end(), 0);
}

fn column(screen: &vt100::Screen, word: &str) -> u16 {
    let contents = screen.contents();
    let top = contents.lines().next().unwrap_or_default();
    let at = top.find(word).map_or(0, |at| top[..at].chars().count());
    u16::try_from(at).unwrap()
}

fn is(screen: &vt100::Screen, y: u16, x: u16, mark: fn(&vt100::Cell) -> bool) -> bool {
    screen.cell(y, x).is_some_and(mark)
}

/// The colours that are on the screen.
fn colours(screen: &vt100::Screen) -> Vec<vt100::Color> {
    let cells = (0..24).flat_map(|y| (0..80).filter_map(move |x| screen.cell(y, x)));
    let all = cells.flat_map(|cell| [cell.fgcolor(), cell.bgcolor()]);
    all.filter(|colour| *colour != vt100::Color::Default)
        .collect()
}

/// `fedag` on a directory.
pub(super) fn screen(dir: &Path) -> Terminal {
    screen_with(dir, &[], &[])
}

fn screen_with(dir: &Path, variables: &[(&str, &str)], options: &[&str]) -> Terminal {
    let program = fedag(dir);
    let mut command = CommandBuilder::new(program.get_program());
    command.args(program.get_args());
    command.args(options);
    for name in [
        "FEDAG_DATA",
        "FEDAG_THEME",
        "FEDAG_ASCII",
        "NO_COLOR",
        "CLICOLOR",
        "COLORTERM",
        "COLORFGBG",
    ] {
        command.env_remove(name);
    }
    for (name, value) in variables {
        command.env(name, value);
    }
    Terminal::run(command)
}

/// The ticket on the screen, which is broken into lines with a backslash at the end.
fn ticket(text: &str) -> String {
    let begin = text.find("fedag1").expect("a ticket is shown");
    let lines = text[begin..].lines().map(str::trim);
    let lines = lines.take_while(|line| !line.is_empty());
    lines.map(|line| line.trim_end_matches('\\')).collect()
}

/// What is typed in one terminal is on the other's screen in well under a second.
fn appears(here: &mut Terminal, text: &str, there: &Terminal) {
    here.press(&format!("{text}\r"));
    let begin = Instant::now();
    there.shows(&format!("\"{text}\""));
    let took = begin.elapsed();
    assert!(took < WELL_UNDER, "{text}: {took:?}");
}

/// The digest beside CONVERGED.
fn converged(text: &str) -> Option<String> {
    let after = text.lines().next()?.split_once("CONVERGED ✓")?.1;
    after.split_whitespace().next().map(str::to_owned)
}
