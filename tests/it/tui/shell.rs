//! The program itself, started from a shell with job control in a terminal: whatever ends or stops it, the shell gets the terminal
//! as it was.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Instant;

use portable_pty::CommandBuilder;
use tempfile::TempDir;

use super::pty::{DEADLINE, Terminal};
use crate::support::{fedag, ok, place, run};

/// A shell in a terminal, and a directory for the test.
struct Shell {
    terminal: Terminal,
    dir: PathBuf,
    /// How often the settings were asked for.
    asked: u32,
    _temp: TempDir,
}

/// A process that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Shell {
    fn start() -> Self {
        let (temp, dir) = place();
        fs::create_dir(&dir).unwrap();
        let mut command = CommandBuilder::new("sh");
        command.arg("-i");
        command.cwd(&dir);
        command.env("PS1", "ready> ");
        for name in ["ENV", "NO_COLOR", "FEDAG_DATA", "VISUAL", "EDITOR"] {
            command.env_remove(name);
        }
        let terminal = Terminal::run(command);
        terminal.shows("ready> ");
        let mut shell = Self {
            terminal,
            dir,
            asked: 0,
            _temp: temp,
        };
        shell.settings();
        shell
    }

    /// With a network in the directory, and the screen of its node.
    fn with_screen(variables: &str) -> Self {
        let mut shell = Self::start();
        let data = shell.dir.join("data");
        ok(run(
            &data,
            &["init", "--name", "ana", "--listen", "127.0.0.1:0"],
        ));
        let program = fedag(&data);
        let arguments = program.get_args().map(|text| text.to_str().unwrap());
        let arguments: Vec<&str> = arguments.collect();
        let program = program.get_program().to_str().unwrap();
        // The process writes its own number down before it becomes fedag.
        let line = format!(
            "{variables} sh -c 'echo $$ >number; exec {program} {}'",
            arguments.join(" ")
        );
        shell.types(&line);
        shell.shows_screen();
        shell
    }

    fn types(&mut self, line: &str) {
        self.terminal.press(&format!("{line}\r"));
    }

    fn shows_screen(&self) {
        self.terminal.wait("the screen", |screen| {
            screen.alternate_screen() && screen.contents().contains("ALONE")
        });
    }

    /// Waits until the shell has the terminal and asks for a line, and answers.
    fn answers(&mut self, code: &str) {
        self.terminal.is_given_back();
        self.terminal.wait("the prompt", |screen| {
            let (row, column) = screen.cursor_position();
            let before = screen.contents_between(row, 0, row, column);
            column == 7 && before.starts_with("ready>")
        });
        self.types("echo \"code $? of it\"");
        self.terminal.shows(&format!("code {code} of it"));
    }

    /// Writes the terminal's settings down and returns them.
    fn settings(&mut self) -> String {
        let name = format!("settings-{}", self.asked);
        self.asked += 1;
        self.types(&format!("stty -a >{name}; echo {name} are 'there'"));
        self.terminal.shows(&format!("{name} are there"));
        fs::read_to_string(self.dir.join(name)).unwrap()
    }

    fn is_as_before(&mut self) {
        let before = fs::read_to_string(self.dir.join("settings-0")).unwrap();
        assert!(before.contains(" icanon"), "{before}");
        assert_eq!(self.settings(), before);
    }

    fn ends(mut self) {
        self.is_as_before();
        self.types("exit 7");
        assert_eq!(self.terminal.end(), 7);
    }

    fn signal(&self, name: &str) {
        let number = fs::read_to_string(self.dir.join("number")).unwrap();
        let kill = Command::new("kill").args([name, number.trim()]).status();
        assert!(kill.unwrap().success());
    }
}

fn has_mouse(screen: &vt100::Screen) -> bool {
    screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None
}

#[test]
fn typing_resizing_and_quitting_leave_the_shell_as_it_was() {
    let mut shell = Shell::with_screen("");
    shell.types("hello there");
    shell.terminal.shows("\"hello there\"");
    shell.terminal.resize(3, 10);
    shell.terminal.wait("one line", |screen| {
        screen
            .contents()
            .lines()
            .filter(|line| !line.is_empty())
            .count()
            == 1
    });
    shell.terminal.resize(24, 80);
    shell.terminal.shows("\"hello there\"");
    shell.types("again");
    shell.terminal.shows("\"again\"");
    shell.terminal.press("\x03");
    shell.answers("0");
    shell.ends();
}

#[test]
fn suspended_it_gives_the_shell_its_terminal_and_comes_back_whole() {
    let mut shell = Shell::with_screen("");
    for round in 0..3 {
        shell.terminal.press(&format!("half {round}"));
        shell.terminal.shows(&format!("› half {round}"));
        shell.terminal.press("\x1a");
        shell.terminal.is_given_back();
        shell.terminal.shows("Stopped");
        shell.is_as_before();
        // What stood on the alternate screen is gone; all of it must be drawn.
        shell.types("clear; printf '\\033[?1049h\\033[2J\\033[?1049l'");
        shell.types("fg");
        shell.shows_screen();
        shell.terminal.shows(&format!("› half {round}"));
        shell.types(" and whole");
        shell.terminal.shows(&format!("\"half {round} and whole\""));
    }
    shell.terminal.press("\x03");
    shell.answers("0");
    shell.ends();
}

#[test]
fn the_first_screen_is_suspended_and_left() {
    let mut shell = Shell::start();
    let program = fedag(&shell.dir.join("data"));
    let arguments = program.get_args().map(|text| text.to_str().unwrap());
    let arguments = arguments.collect::<Vec<_>>().join(" ");
    shell.types(&format!(
        "{} {arguments}",
        program.get_program().to_str().unwrap()
    ));
    let is_shown = |screen: &vt100::Screen| {
        screen.alternate_screen() && screen.contents().contains("No network is here yet")
    };
    shell.terminal.wait("the first screen", is_shown);
    shell.terminal.press("\x1a");
    shell.terminal.is_given_back();
    shell.terminal.shows("Stopped");
    shell.is_as_before();
    shell.types("clear; fg");
    shell.terminal.wait("the first screen", is_shown);
    shell.terminal.press("\x03");
    shell.answers("0");
    shell.ends();
}

#[test]
fn the_mouse_is_given_back_to_the_shell_and_the_last_screen_stays() {
    let mut shell = Shell::with_screen("");
    shell.types("to be kept");
    shell.terminal.shows("\"to be kept\"");
    shell.terminal.press("\x1b");
    shell.terminal.shows("press i to write");
    shell.terminal.press("m");
    shell.terminal.wait("the mouse", has_mouse);
    // A wheel's step over the events.
    shell.terminal.press("\x1b[<64;10;5M");
    shell.terminal.shows("G follows");
    shell.terminal.press("\x1a");
    shell.terminal.is_given_back();
    shell.terminal.shows("Stopped");
    shell.types("fg");
    shell.terminal.wait("the mouse", has_mouse);
    shell.terminal.press("Q");
    shell.answers("0");
    assert!(shell.terminal.text().contains("\"to be kept\""));
    shell.ends();
}

#[test]
fn stopped_from_outside_it_takes_the_terminal_again() {
    let mut shell = Shell::with_screen("");
    shell.signal("-STOP");
    shell.terminal.shows("Stopped");
    // It could not give the terminal back: until the shell has mended it, Enter ends no line.
    shell.terminal.press("stty sane; echo sane 'again'\n");
    shell.terminal.shows("sane again");
    shell.types("clear; echo 'all' is gone");
    shell.terminal.wait("an empty screen", |screen| {
        let text = screen.contents();
        text.contains("all is gone") && !text.contains("ALONE")
    });
    shell.types("fg");
    shell.shows_screen();
    shell.types("still here");
    shell.terminal.shows("\"still here\"");
    shell.terminal.press("\x03");
    shell.answers("0");
    shell.ends();
}

#[test]
fn signals_leave_the_shell_as_it_was() {
    for name in ["-TERM", "-HUP", "-INT", "-QUIT"] {
        let mut shell = Shell::with_screen("");
        shell.terminal.press("\x1b");
        shell.terminal.shows("press i to write");
        shell.terminal.press("m");
        shell.terminal.wait("the mouse", has_mouse);
        shell.signal(name);
        shell.answers("0");
        shell.ends();
    }
}

/// As when its window is closed: the kernel hangs up, and nobody reads what is drawn.
#[test]
fn without_its_terminal_it_ends() {
    let mut shell = Shell::with_screen("");
    shell.types("the last line");
    shell.terminal.shows("\"the last line\"");
    shell.terminal.signal("-KILL");
    let data = shell.dir.join("data");
    let status = || String::from_utf8(run(&data, &["status", "--json"]).stdout).unwrap();
    let start = Instant::now();
    while !status().contains("\"running\":false") {
        assert!(start.elapsed() < DEADLINE, "its node still runs");
    }
    let log = ok(run(&data, &["log"])).stdout;
    assert!(String::from_utf8(log).unwrap().contains("the last line"));
}

#[test]
fn panics_leave_the_shell_as_it_was() {
    for panic in ["panic", "panic in the UI"] {
        let mut shell = Shell::start();
        let program = std::env::current_exe().unwrap();
        shell.types(&format!(
            "FEDAG_TEST_UI=1 {} --exact tui::pty::child --nocapture",
            program.display()
        ));
        shell.terminal.shows("deploy v12");
        shell.types(panic);
        shell.terminal.shows("told to panic");
        shell.answers("101");
        shell.ends();
    }
}

#[test]
fn a_peer_that_is_killed_leaves_the_shell_as_it_was() {
    let mut shell = Shell::with_screen("");
    let (data, other) = (shell.dir.join("data"), shell.dir.join("other"));
    let ticket = ok(run(&data, &["invite"])).stdout;
    let ticket = String::from_utf8(ticket).unwrap();
    ok(run(
        &other,
        &[
            "join",
            ticket.trim(),
            "--name",
            "ben",
            "--listen",
            "127.0.0.1:0",
        ],
    ));
    let peer = Running(fedag(&other).arg("run").spawn().unwrap());
    shell.terminal.shows("CONVERGED");
    drop(peer);
    shell.terminal.shows("CUT OFF");
    shell.types("alone now");
    shell.terminal.shows("\"alone now\"");
    shell.terminal.press("\x03");
    shell.answers("0");
    shell.ends();
}

#[test]
fn the_editor_gets_the_text_and_the_terminal() {
    let mut shell = Shell::with_screen("EDITOR='sh \"$HERE/editor\"' HERE=.");
    fs::write(
        shell.dir.join("editor"),
        "stty -a >in-editor\necho the editor is here\nls -l \"$1\" >file\ncat \"$1\" >was\necho 'and more' >>\"$1\"\nread line\n",
    )
    .unwrap();
    shell.terminal.press("one\x1b\rtwo");
    shell.terminal.shows("row 2 of 2");
    shell.terminal.press("\x05");
    shell.terminal.is_given_back();
    shell.terminal.shows("the editor is here");
    // A key that interrupts is the editor's business; a line for it is read by it alone.
    shell.types("this is for the editor");
    shell.shows_screen();
    shell.terminal.shows("row 2 of 2");
    shell.terminal.shows("twoand more");
    let file = |name: &str| fs::read_to_string(shell.dir.join(name)).unwrap();
    assert_eq!(file("was"), "one\ntwo");
    assert!(file("in-editor").contains(" icanon"));
    let listed = file("file");
    assert!(listed.starts_with("-rw-------"), "{listed}");
    let path = listed.split_whitespace().last().unwrap();
    assert!(!Path::new(path).exists(), "{path}");
    assert!(!shell.terminal.text().contains("for the editor"));
    shell.terminal.press("\x03\x03");
    shell.answers("0");
    shell.ends();
}

#[test]
fn an_editor_that_fails_changes_nothing() {
    for (variables, word) in [
        ("VISUAL=false", "the editor false failed (exit status: 1)"),
        (
            "EDITOR=no-such-editor",
            "the editor no-such-editor was not found",
        ),
        ("", "no editor is set"),
    ] {
        let mut shell = Shell::with_screen(variables);
        shell.terminal.press("as it was");
        shell.terminal.shows("› as it was");
        shell.terminal.press("\x05");
        shell.terminal.shows(word);
        shell.shows_screen();
        shell.terminal.shows("› as it was");
        shell.terminal.press("\x03\x03");
        shell.answers("0");
        shell.ends();
    }
}
