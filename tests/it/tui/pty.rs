//! The whole UI in a real terminal: this test binary runs itself in a pseudo-terminal, with a node that is none.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fedag::control::client::Client;
use fedag::tui::first::{First, Progress};
use fedag::tui::{self, Options, Outcome, Screen};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::{node, scenes};

pub(super) const DEADLINE: Duration = Duration::from_secs(30);
const SIZE: PtySize = PtySize {
    rows: 24,
    cols: 80,
    pixel_width: 0,
    pixel_height: 0,
};

/// The other side: runs the UI when it is started by a test below, else does nothing.
#[test]
fn child() {
    if std::env::var_os("FEDAG_TEST_UI").is_none() {
        return;
    }
    if std::env::var_os("FEDAG_TEST_UI").is_some_and(|mode| mode == "first") {
        return first();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let outcome = runtime.block_on(async {
        let told = Arc::new(tokio::sync::Notify::new());
        let (near, far) = tokio::io::duplex(64 << 10);
        let mut world = scenes::team();
        world.heal();
        tokio::spawn(node::serve(far, world, told.clone()));
        tokio::select! {
            outcome = tui::run(Client::new(near), Options::from_environment(true)) => outcome.unwrap(),
            // In the same task as the screen.
            () = told.notified() => panic!("told to panic"),
        }
    });
    std::process::exit(match outcome {
        Outcome::Quit => 0,
        Outcome::Gone(_) => 1,
        Outcome::Signal(signal) => 100 + signal,
    });
}

/// The first screen, then some progress; the choice is printed at the end.
fn first() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut screen = Screen::open(Options::from_environment(true)).unwrap();
        let mut first = First::new(scenes::defaults());
        let choice = screen.first(&mut first).await.unwrap();
        let progress = Progress {
            done: 30_000,
            of: 120_000,
            rate: 99_000,
            text: "Fetching lab-net from bob".into(),
        };
        let (sender, receiver) = tokio::sync::watch::channel(progress);
        let shown = screen.progress(receiver).await.unwrap();
        drop(sender);
        drop(screen);
        std::fs::write("/dev/tty", format!("{choice:?} {shown:?}\r\n")).unwrap();
    });
    std::process::exit(0);
}

pub(super) struct Terminal {
    parser: Arc<Mutex<vt100::Parser>>,
    raw: Arc<Mutex<Vec<u8>>>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
}

impl Terminal {
    fn start(variables: &[(&str, &str)]) -> Self {
        let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
        command.args(["--exact", "tui::pty::child", "--nocapture"]);
        command.env("FEDAG_TEST_UI", "1");
        command.env_remove("NO_COLOR");
        for (name, value) in variables {
            command.env(name, value);
        }
        let terminal = Self::run(command);
        let is_there =
            |text: &str| text.contains("deploy v12") || text.contains("No network is here yet");
        terminal.wait("the UI", |screen| {
            screen.alternate_screen() && is_there(&screen.contents())
        });
        terminal
    }

    /// Runs a command in a terminal of its own.
    pub(super) fn run(mut command: CommandBuilder) -> Self {
        let pair = native_pty_system().openpty(SIZE).unwrap();
        for (name, value) in [
            ("TERM", "xterm-256color"),
            ("LC_ALL", "C.UTF-8"),
            ("TZ", "UTC"),
            ("RUST_BACKTRACE", "0"),
        ] {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        let parser = Arc::new(Mutex::new(vt100::Parser::new(SIZE.rows, SIZE.cols, 0)));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let shown = parser.clone();
        let raw = Arc::new(Mutex::new(Vec::new()));
        let kept = raw.clone();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(n @ 1..) = reader.read(&mut bytes) {
                kept.lock().unwrap().extend_from_slice(&bytes[..n]);
                shown.lock().unwrap().process(&bytes[..n]);
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self {
            parser,
            raw,
            master: pair.master,
            keys,
            child,
        }
    }

    pub(super) fn wait(&self, what: &str, is_so: impl Fn(&vt100::Screen) -> bool) {
        let start = Instant::now();
        while !is_so(self.parser.lock().unwrap().screen()) {
            let shown = self.parser.lock().unwrap().screen().contents();
            assert!(
                start.elapsed() < DEADLINE,
                "waited for {what}; the screen is\n{shown}"
            );
            std::thread::yield_now();
        }
    }

    /// All bytes that it got.
    pub(super) fn raw(&self) -> Vec<u8> {
        self.raw.lock().unwrap().clone()
    }

    /// What it shows now, cell by cell.
    pub(super) fn screen(&self) -> vt100::Screen {
        self.parser.lock().unwrap().screen().clone()
    }

    /// Waits until nothing more is drawn for a while, four frames long.
    pub(super) fn settle(&self) {
        let start = Instant::now();
        let mut last = (0, Instant::now());
        while last.1.elapsed() < Duration::from_millis(200) && start.elapsed() < DEADLINE {
            let length = self.raw.lock().unwrap().len();
            if length != last.0 {
                last = (length, Instant::now());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until the command has ended and all that it wrote is here.
    pub(super) fn ended(&mut self) {
        let start = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < DEADLINE, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
        self.settle();
    }

    /// What stands on it now.
    pub(super) fn text(&self) -> String {
        self.parser.lock().unwrap().screen().contents()
    }

    pub(super) fn shows(&self, text: &str) {
        self.wait(text, |screen| screen.contents().contains(text));
    }

    pub(super) fn resize(&self, rows: u16, cols: u16) {
        let mut parser = self.parser.lock().unwrap();
        parser.screen_mut().set_size(rows, cols);
        let size = PtySize { rows, cols, ..SIZE };
        self.master.resize(size).unwrap();
    }

    pub(super) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits for the end; returns the exit code after looking at the terminal.
    pub(super) fn end(self) -> u32 {
        self.end_with("")
    }

    /// The same, and for the last words.
    fn end_with(mut self, words: &str) -> u32 {
        let start = Instant::now();
        let code = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status.exit_code();
            }
            if start.elapsed() > DEADLINE {
                self.child.kill().unwrap();
                panic!("it does not end; the screen is\n{}", self.text());
            }
            std::thread::yield_now();
        };
        self.is_given_back();
        self.shows(words);
        code
    }

    /// CPU time of the program so far, its own and the system's for it.
    pub(super) fn cpu(&self) -> Duration {
        let id = self.child.process_id().unwrap();
        let told = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
        // Behind the name, which may have spaces: fields 14 and 15, in hundredths of a second.
        let fields = told.rsplit_once(')').unwrap().1.split_whitespace();
        let ticks: u64 = fields
            .skip(11)
            .take(2)
            .map(|ticks| ticks.parse::<u64>().unwrap())
            .sum();
        Duration::from_millis(ticks * 10)
    }

    /// Waits until it shows the old screen, and takes lines and echoes them.
    pub(super) fn is_given_back(&self) {
        self.wait("the terminal that was taken", |screen| {
            let is_left = !screen.alternate_screen()
                && !screen.bracketed_paste()
                && !screen.hide_cursor()
                && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None;
            let flags = format!("{:?}", self.master.get_termios().unwrap().local_flags);
            let has = |name| flags.split([' ', '|', '(', ')']).any(|flag| flag == name);
            is_left && has("ICANON") && has("ECHO")
        });
    }

    pub(super) fn signal(&self, name: &str) {
        let id = self.child.process_id().unwrap().to_string();
        assert!(
            std::process::Command::new("kill")
                .args([name, &id])
                .status()
                .unwrap()
                .success()
        );
    }
}

#[test]
fn an_event_is_written_and_the_ui_quits() {
    let mut terminal = Terminal::start(&[]);
    terminal.press("hello there\r");
    terminal.shows("hello there");
    terminal.shows("◉");
    terminal.wait("an empty line", |screen| {
        !screen.contents_between(21, 0, 21, 80).contains("hello")
    });
    terminal.press("no\r");
    terminal.shows("not added: the disk is full");
    terminal.shows("│› no");
    terminal.press("\x03");
    terminal.press("\x03");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_pasted_line_is_checked_and_browsing_works() {
    let mut terminal = Terminal::start(&[]);
    terminal.press("\x1b[200~{\"a\":1,\n\"b\":[2]}\x1b[201~");
    terminal.shows("valid JSON");
    terminal.press("\r");
    terminal.shows("{\"a\":1, \"b\":[2]}");
    terminal.press("\x1b");
    terminal.shows("press i to write");
    terminal.press("g");
    terminal.shows("network lab-net begins");
    terminal.press("\r");
    terminal.shows("none: it is the root");
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn resizing_draws_anew() {
    let mut terminal = Terminal::start(&[]);
    for (rows, cols, text) in [
        (12, 60, "│ an bo cy de event"),
        (8, 40, "CONVERGED"),
        (40, 120, "3 Peers 3/3"),
    ] {
        terminal.resize(rows, cols);
        terminal.shows(text);
    }
    terminal.press("\x03");
    assert_eq!(terminal.end(), 0);
}

/// crossterm 0.29 misses one of the two when it waits with epoll, until the next of its kind.
#[test]
fn a_key_in_the_same_moment_as_a_resize_is_seen() {
    let mut terminal = Terminal::start(&[]);
    let mut typed = String::new();
    for round in 0..100_u16 {
        let letter = char::from(b'a' + u8::try_from(round % 26).unwrap());
        terminal.resize(24 - round % 2, 80);
        terminal.press(&letter.to_string());
        typed.push(letter);
        let shown = &typed[typed.len().saturating_sub(60)..];
        terminal.shows(shown);
    }
    terminal.press("\x03\x03");
    assert_eq!(terminal.end(), 0);
}

/// Nobody could continue the first process of a terminal.
#[test]
fn without_a_shell_it_stays() {
    let mut terminal = Terminal::start(&[]);
    terminal.press("\x1a");
    terminal.shows("not suspended");
    terminal.wait("the screen", vt100::Screen::alternate_screen);
    terminal.press("still here\r");
    terminal.shows("still here");
    terminal.press("\x03");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_panic_in_a_worker_gives_the_terminal_back_and_ends_the_process() {
    let mut terminal = Terminal::start(&[]);
    terminal.press("panic\r");
    assert_eq!(terminal.end_with("told to panic"), 101);
}

#[test]
fn signals_give_the_terminal_back() {
    for (name, number) in [("-TERM", 15), ("-HUP", 1)] {
        let terminal = Terminal::start(&[]);
        terminal.signal(name);
        assert_eq!(terminal.end(), 100 + number);
    }
}

#[test]
fn without_colour_the_selection_is_reversed_and_no_colour_is_sent() {
    let mut terminal = Terminal::start(&[("NO_COLOR", "1")]);
    terminal.press("\x1b");
    terminal.shows("press i to write");
    terminal.press("k");
    terminal.shows("G follows");
    let is_reversed =
        |screen: &vt100::Screen, y| screen.cell(y, 40).is_some_and(vt100::Cell::inverse);
    terminal.wait("a reversed row", |screen| {
        (2..20).any(|y| is_reversed(screen, y))
    });
    let screen = terminal.parser.lock().unwrap().screen().clone();
    let coloured = (0..24)
        .flat_map(|y| (0..80).map(move |x| (y, x)))
        .filter(|(y, x)| {
            screen.cell(*y, *x).is_some_and(|cell| {
                cell.fgcolor() != vt100::Color::Default || cell.bgcolor() != vt100::Color::Default
            })
        });
    assert_eq!(coloured.count(), 0);
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_pasted_ticket_is_chosen_and_joining_shows_its_progress() {
    let mut terminal = Terminal::start(&[("FEDAG_TEST_UI", "first")]);
    terminal.press("nonsense\r");
    terminal.shows("this is not a ticket");
    terminal.press("\x1b[200~fedag join fedag1ab\\\ncd\n\x1b[201~");
    terminal.shows("Enter joins the network");
    terminal.press("\r");
    terminal.shows("25%   30,000 of 120,000 events   99,000 a second");
    terminal.press("\x03");
    let words = "Join { ticket: \"fedag1abcd\", name: \"ana\" } Quit";
    assert_eq!(terminal.end_with(words), 0);
}
