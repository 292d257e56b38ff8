//! What is over the panes: the palette, the ticket, the help.

use fedag::control::{Failure, FailureCode, Reply, Request};
use fedag::tui::app::App;
use fedag::tui::message::{Ask, Form, Msg, Popup, Tag, Ticket};
use fedag::tui::picture;

use super::scenes::{ascii, converged, press};
use super::text;

fn app() -> App {
    picture::app(&converged((80, 24)))
}

fn requests(asks: Vec<Ask>) -> Vec<(Tag, Request)> {
    let request = |ask| match ask {
        Ask::Request(tag, request) => Some((tag, request)),
        _ => None,
    };
    asks.into_iter().filter_map(request).collect()
}

fn word(app: &App) -> (&str, bool) {
    let word = app.word.as_ref().expect("a word is said");
    (&word.text, word.bad)
}

#[test]
fn the_palette_does_what_a_key_does() {
    let mut app = app();
    press(&mut app, ":causal");
    assert!(text(&app).contains("causal order, or order of arrival"));
    press(&mut app, "<enter>");
    assert!(app.popup.is_none());
    assert!(text(&app).contains("order of arrival"));
    let asks = press(&mut app, "<esc>:quit<enter>");
    assert!(asks.iter().any(|ask| matches!(ask, Ask::Quit)));
}

#[test]
fn a_colon_within_a_line_is_text() {
    let mut app = app();
    press(&mut app, "a:?/");
    assert_eq!((app.line.text(), app.popup.is_none()), ("a:?/", true));
}

#[test]
fn the_palette_tells_the_node_of_a_machine() {
    let mut app = app();
    let asks = requests(press(&mut app, ":connect bob@192.168.1.20:4433<enter>"));
    let [(Tag::Command, Request::Connect { machine, address })] = asks.as_slice() else {
        panic!("{asks:?}");
    };
    assert_eq!(
        (machine.as_str(), address.to_string().as_str()),
        ("bob", "192.168.1.20:4433")
    );
    let answer =
        |app: &mut App, answer| drop(app.update(app.now_ms, Msg::Answer(Tag::Command, answer)));
    answer(&mut app, Ok(Reply::Done {}));
    assert_eq!(
        word(&app),
        ("the node was told that bob is at 192.168.1.20:4433", false)
    );
    press(&mut app, ":connect eve@192.168.1.20:4433<enter>");
    answer(
        &mut app,
        Err(Failure {
            code: FailureCode::NotFound,
            message: "no machine is called eve".into(),
        }),
    );
    assert_eq!(word(&app), ("no machine is called eve", true));
}

#[test]
fn the_palette_makes_a_ticket_for_a_time() {
    let mut app = app();
    let asks = requests(press(&mut app, ":invite 7d<enter>"));
    let [
        (
            Tag::Ticket,
            Request::Invite {
                expires_s: 604_800,
                uses: 1,
                reuse: false,
            },
        ),
    ] = asks.as_slice()
    else {
        panic!("{asks:?}");
    };
    assert!(matches!(
        app.popup,
        Some(Popup::Ticket(Ticket::Ready { .. }, Form::Text))
    ));
}

#[test]
fn pasted_text_goes_into_the_palette() {
    let mut app = app();
    press(&mut app, ":connect ");
    app.update(app.now_ms, Msg::Paste("bob@[fd00::1]:4433\n".into()));
    let asks = requests(press(&mut app, "<enter>"));
    assert!(
        matches!(asks.as_slice(), [(Tag::Command, Request::Connect { .. })]),
        "{asks:?}"
    );
    assert_eq!(app.line.text(), "");
}

#[test]
fn the_ticket_turns_into_a_code_and_back() {
    let mut app = picture::app(&converged((120, 40)));
    press(&mut app, "<esc>t");
    assert!(text(&app).contains("fedag join fedag1"));
    press(&mut app, "t");
    assert!(text(&app).contains("▀"));
    let asks = press(&mut app, "y");
    assert!(
        asks.iter()
            .any(|ask| matches!(ask, Ask::Copy(text) if text.starts_with("fedag1")))
    );
    press(&mut app, "<f3>");
    assert!(text(&app).contains("fedag join fedag1"));
    press(&mut app, "<esc>");
    assert!(app.popup.is_none());
}

/// The size that is told is the size that is enough.
#[test]
fn a_screen_too_small_for_the_code_says_what_is_enough() {
    let mut small = app();
    press(&mut small, "<f3>");
    let shown = text(&small);
    let size = shown
        .split("needs a terminal of ")
        .nth(1)
        .expect("it says so");
    let (width, height) = size.split(';').next().unwrap().split_once('x').unwrap();
    let (width, height) = (width.parse().unwrap(), height.parse().unwrap());
    let mut needs = |width, height| {
        small.update(small.now_ms, Msg::Resize(width, height));
        text(&small).contains("needs a terminal")
    };
    assert!(!needs(width, height), "{size}");
    assert!(needs(width, height - 1), "{size}");
    needs(width - 1, height);
    assert!(!text(&small).contains('▄'), "{size}");
}

#[test]
fn without_unicode_there_is_the_text_alone() {
    let mut app = picture::app(&ascii((120, 40)));
    press(&mut app, "<f3>");
    assert!(text(&app).contains("this terminal has only ASCII"));
    assert!(text(&app).is_ascii());
    press(&mut app, "t");
    assert!(text(&app).contains("fedag join fedag1"));
}

#[test]
fn the_help_is_searched() {
    let mut app = app();
    press(&mut app, "?/UUID");
    let shown = text(&app);
    assert!(
        shown.contains("copy the uuid, or those") && !shown.contains("Alt-Enter"),
        "{shown}"
    );
    press(&mut app, "<enter><down>");
    assert!(text(&app).contains("copy the uuid, or those"));
    press(&mut app, "<esc>");
    assert!(text(&app).contains("Alt-Enter"), "first all is shown again");
    press(&mut app, "<esc>");
    assert!(app.popup.is_none());
    press(&mut app, "?/zzz");
    assert!(text(&app).contains("no key does that"));
}

#[test]
fn pasted_text_goes_into_the_search_of_the_help() {
    let mut app = app();
    press(&mut app, "?/");
    app.update(app.now_ms, Msg::Paste("uuid\n".into()));
    assert!(text(&app).contains("Keys with: uuid"));
    assert_eq!(app.line.text(), "");
    press(&mut app, "<enter>");
    app.update(app.now_ms, Msg::Paste("an event".into()));
    assert_eq!((app.line.text(), app.popup.is_none()), ("an event", true));
}

#[test]
fn ctrl_c_closes_what_is_over_the_panes_before_it_quits() {
    let mut app = app();
    for keys in ["?", ":conn", "<f2>", "<f3>"] {
        press(&mut app, keys);
        assert!(app.popup.is_some(), "{keys}");
        let asks = press(&mut app, "<ctrl-c>");
        assert!(app.popup.is_none(), "{keys}");
        assert!(!asks.iter().any(|ask| matches!(ask, Ask::Quit)), "{keys}");
    }
    let asks = press(&mut app, "<ctrl-c>");
    assert!(asks.iter().any(|ask| matches!(ask, Ask::Quit)));
}

/// At the least width with panes.
#[test]
fn no_row_of_the_help_is_cut() {
    let width = usize::from(fedag::tui::layout::WIDTH_MIN);
    let height = 200;
    for keys in ["?", "<esc>?"] {
        let mut app = picture::app(&converged((60, height)));
        press(&mut app, keys);
        let shown = text(&app);
        assert!(shown.contains("Signs"), "{shown}");
        for row in shown.lines().filter(|row| row.starts_with("│  ")) {
            assert_eq!(row.chars().nth(width - 2), Some(' '), "{row}");
        }
    }
}

#[test]
fn a_long_text_shows_its_end_with_the_cursor() {
    let mut app = app();
    press(&mut app, ":");
    app.update(app.now_ms, Msg::Paste("漢字 ".repeat(10_000) + "end"));
    assert!(text(&app).contains(" end "));
    press(&mut app, "<home>");
    assert!(text(&app).contains("│:漢 字  漢 字 "), "{}", text(&app));
    press(&mut app, "<esc>?/");
    press(&mut app, &("z".repeat(100) + "end"));
    assert!(text(&app).contains("zend"));
}

#[test]
fn the_help_begins_with_the_focused_pane() {
    let mut app = app();
    let at = |app: &App, title: &str| text(app).find(title);
    press(&mut app, "?");
    assert!(at(&app, "In the input line") < at(&app, "In the other panes"));
    press(&mut app, "<esc><esc>?");
    assert!(at(&app, "In the other panes").is_some());
    assert!(at(&app, "In the input line").is_none(), "it is below");
}

#[test]
fn everything_is_drawn_at_every_size() {
    for keys in [
        "<f1>",
        "?/copy",
        "<f2>",
        "<f3>",
        ":",
        ":connect <enter>",
        "{<alt-enter>qty: 漢字<alt-enter><alt-enter><alt-enter>e\u{301}",
        "<esc>3++++++++++++",
        "<esc>4e",
        "<esc>2____________",
    ] {
        let mut app = picture::app(&converged((80, 24)));
        press(&mut app, keys);
        for width in (1..130).step_by(7).chain([59, 60, 109, 110, 250]) {
            for height in (1..45).step_by(4).chain([11, 12, 15, 16, 80]) {
                app.update(app.now_ms, Msg::Resize(width, height));
                assert_eq!(text(&app).lines().count(), usize::from(height), "{keys}");
            }
        }
    }
}
