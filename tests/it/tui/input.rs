//! Writing: rows, the check, the history.

use fedag::limits;
use fedag::tui::app::App;
use fedag::tui::line::{Check, Line};
use fedag::tui::message::Msg;
use fedag::tui::picture;

use super::scenes::{converged, press};

fn app() -> App {
    picture::app(&converged((80, 24)))
}

#[test]
fn text_has_rows_and_is_sent_as_it_was_written() {
    let mut app = app();
    press(&mut app, "one<alt-enter>two<ctrl-j><ctrl-j>four");
    assert_eq!(app.line.text(), "one\ntwo\n\nfour");
    let asks = format!("{:?}", press(&mut app, "<enter>"));
    assert!(asks.contains(r#"{"text":"one\ntwo\n\nfour"}"#), "{asks}");
}

#[test]
fn json_of_several_rows_is_one_line_for_the_node() {
    let mut line = Line::default();
    line.paste("{\r\n\t\"a\": 1,\r\n\t\"b\": \"x\"\r\n}\r\n");
    assert_eq!(line.check(), &Check::Json);
    let (text, json) = line.take().unwrap();
    assert_eq!(text, "{\n\t\"a\": 1,\n\t\"b\": \"x\"\n}");
    assert!(!json.get().contains('\n'));
    let value: serde_json::Value = serde_json::from_str(json.get()).unwrap();
    assert_eq!(value, serde_json::json!({"a": 1, "b": "x"}));
}

#[test]
fn up_and_down_move_in_the_text_and_beyond_it_through_the_history() {
    let mut app = app();
    press(&mut app, "first<enter>é12345<alt-enter>ab<alt-enter>漢字x");
    let at = |app: &App| app.line.spot(app.line.input().cursor());
    assert_eq!(at(&app), (2, 3));
    press(&mut app, "<up>");
    assert_eq!(at(&app), (1, 2), "a shorter row: at its end");
    press(&mut app, "<up>");
    assert_eq!(at(&app), (0, 2));
    press(&mut app, "<down><down>");
    assert_eq!(at(&app), (2, 1), "two columns are one wide character");
    press(&mut app, "<down>");
    assert_eq!(
        app.line.text(),
        "é12345\nab\n漢字x",
        "there is nothing newer"
    );
    press(&mut app, "<up><up><up>");
    assert_eq!(app.line.text(), "first");
    press(&mut app, "<down>");
    assert_eq!(app.line.text(), "é12345\nab\n漢字x");
}

#[test]
fn home_end_and_their_deletions_stay_in_the_row() {
    let mut app = app();
    press(&mut app, "one<alt-enter>two<alt-enter>three<up>");
    press(&mut app, "<home>(<end>)");
    assert_eq!(app.line.text(), "one\n(two)\nthree");
    press(&mut app, "<left><ctrl-k>");
    assert_eq!(app.line.text(), "one\n(two\nthree");
    press(&mut app, "<ctrl-u>");
    assert_eq!(app.line.text(), "one\n\nthree");
    press(&mut app, "<backspace><backspace>");
    assert_eq!(app.line.text(), "on\nthree");
    press(&mut app, "<ctrl-y>");
    assert_eq!(app.line.text(), "on(two)\nthree", "what was cut comes back");
}

#[test]
fn a_fault_is_told_with_line_and_column() {
    let mut line = Line::default();
    line.paste("\n{\"ä\": 1,\n  \"b\": tru,\n}");
    let Check::Wrong { why, at } = line.check() else {
        panic!("{:?}", line.check());
    };
    assert!(why.ends_with("at line 3, column 8"), "{why}");
    assert_eq!(line.spot(at.unwrap()), (2, 7));
    line.set("{\n\"a\":1,\n\"uuid\":2}".into());
    let Check::Wrong { why, .. } = line.check() else {
        panic!("{:?}", line.check());
    };
    assert!(why.ends_with("at line 3, column 1"), "{why}");
}

#[test]
fn the_fault_stands_under_its_character() {
    let mut app = app();
    press(&mut app, "{<alt-enter>  qty:3}");
    let screen = super::text(&app);
    let rows: Vec<&str> = screen.lines().collect();
    let column = |row: &str, c: char| row.chars().position(|other| other == c);
    assert_eq!(column(rows[21], 'q'), column(rows[22], '✗'), "{screen}");
}

#[test]
fn the_line_grows_and_then_scrolls() {
    let mut app = app();
    for row in 0..9 {
        press(&mut app, &format!("row {row}<alt-enter>"));
    }
    press(&mut app, "the last");
    let screen = super::text(&app);
    assert!(screen.contains("row 10 of 10"), "{screen}");
    assert!(
        screen.contains("row 7") && screen.contains("the last"),
        "{screen}"
    );
    assert!(!screen.contains("row 5"), "{screen}");
    press(&mut app, "<up><up><up><up><up><up><up><up><up>");
    assert!(super::text(&app).contains("› row 0"));
}

#[test]
fn what_is_too_much_is_left_out_with_a_word() {
    let mut app = app();
    press(&mut app, "ab");
    let text = "x".repeat(limits::INPUT_CHARS_MAX);
    app.update(app.now_ms, Msg::Paste(text));
    assert_eq!(app.line.text().len(), limits::INPUT_CHARS_MAX);
    let word = app.word.as_ref().expect("a word is said");
    assert!(
        word.bad && word.text.contains("last 2 were left out"),
        "{}",
        word.text
    );
    press(&mut app, "<ctrl-w><ctrl-y><ctrl-y>y<alt-enter>");
    assert_eq!(app.line.text().len(), limits::INPUT_CHARS_MAX);
}

#[test]
fn words_are_passed_and_deleted() {
    let mut app = app();
    press(&mut app, "one two three<alt-b><alt-b>2");
    assert_eq!(app.line.text(), "one 2two three");
    press(&mut app, "<alt-f>3");
    assert_eq!(app.line.text(), "one 2two 3three");
    press(&mut app, "<ctrl-w>");
    assert_eq!(app.line.text(), "one 2two three");
    press(&mut app, "<ctrl-a><alt-d>");
    assert_eq!(app.line.text(), "2two three");
    press(&mut app, "<end><ctrl-h><ctrl-u>");
    assert_eq!(app.line.text(), "");
}
