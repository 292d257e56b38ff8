//! What the screen costs, with bounds that only break when something is wrong; `benches/screen.rs` has the figures.
//! `cargo test --test it tui::speed -- --nocapture` prints those that are measured here.
#![expect(clippy::print_stdout, reason = "figures for people, with --nocapture")]

use std::cell::Cell;
use std::io::{self, Write};
use std::path::Path;
use std::process::{ChildStdin, Stdio};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fedag::tui::picture::{self, Scene};
use fedag::tui::screen;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};

use super::binary::screen as ui;
use super::pty;
use super::scenes;
use crate::support::{fedag, ok, place, run};

/// The goal is 4 ms with optimisation; this is without, beside other work.
const FRAME_MAX: Duration = Duration::from_millis(40);
/// The goal is 1%.
const IDLE_PERCENT_MAX: u128 = 1;
const IDLE: Duration = Duration::from_secs(10);
/// The goal is 50 ms; a loaded computer of two processors is given more.
const KEY_MAX: Duration = Duration::from_millis(500);
/// Every 50 ms so many: 5,000 a second.
const BATCH: usize = 250;
const BATCH_EVERY: Duration = Duration::from_millis(50);

/// CPU time of this thread; the kernel counts when it looks at the thread, as it does when it yields.
fn cpu() -> Duration {
    std::thread::yield_now();
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(told.split_whitespace().next().unwrap().parse().unwrap())
}

/// Counts what a terminal is sent.
#[derive(Clone, Default)]
struct Written(Rc<Cell<usize>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.set(self.0.get() + bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_frame_is_cheap_and_one_without_change_writes_nothing() {
    for scene in [
        scenes::converged((200, 60)),
        scenes::seventy_lanes((200, 60)),
        scenes::sixty_parents((200, 60)),
    ] {
        let app = picture::app(&Scene { ..scene });
        let viewport = Viewport::Fixed(Rect::new(0, 0, 200, 60));
        let written = Written::default();
        let mut terminal = Terminal::with_options(
            CrosstermBackend::new(written.clone()),
            TerminalOptions { viewport },
        )
        .unwrap();
        let mut costs = Vec::new();
        for frame in 0..50 {
            written.0.set(0);
            let before = cpu();
            terminal.draw(|frame| screen::draw(&app, frame)).unwrap();
            costs.push(cpu().saturating_sub(before));
            let bytes = written.0.get();
            assert!(frame == 0 || bytes < 64, "{bytes} bytes"); // the cursor alone
        }
        costs.sort_unstable();
        println!("a frame: {:?}", costs[25]);
        assert!(costs[25] < FRAME_MAX, "{costs:?}");
    }
}

#[test]
fn idle_it_needs_next_to_nothing() {
    let (_temp, dir) = place();
    init(&dir);
    let mut terminal = ui(&dir);
    terminal.shows("ALONE");
    let before = terminal.cpu();
    let begin = Instant::now();
    // What is measured is what happens while nothing happens.
    std::thread::sleep(IDLE);
    let (used, took) = (terminal.cpu().saturating_sub(before), begin.elapsed());
    println!("idle: {used:?} of CPU in {took:?}");
    assert!(used.as_micros() * 100 <= took.as_micros() * IDLE_PERCENT_MAX);
    terminal.press("\x03");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn keys_are_answered_while_5000_events_a_second_arrive() {
    let (_temp, dir) = place();
    init(&dir);
    let mut terminal = ui(&dir);
    terminal.shows("ALONE");
    let mut add = fedag(&dir)
        .args(["add", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let lines = add.stdin.take().unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let feeder = {
        let is_over = is_over.clone();
        std::thread::spawn(move || feed(lines, &is_over))
    };
    terminal.wait("events", |screen| held(&screen.contents()) > 1_000);
    let (first, begin) = (held(&terminal.text()), Instant::now());
    let mut took: Vec<Duration> = (1..=40).map(|typed| key(&mut terminal, typed)).collect();
    let (arrived, elapsed) = (held(&terminal.text()) - first, begin.elapsed());
    is_over.store(true, Ordering::Relaxed);
    feeder.join().unwrap();
    assert!(add.wait().unwrap().success());
    took.sort_unstable();
    println!(
        "keys: p50 {:?}, p90 {:?}, longest {:?}; {arrived} events were shown to arrive in {elapsed:?}",
        took[20], took[36], took[39]
    );
    assert!(took[20] < KEY_MAX, "{took:?}");
    assert!(arrived > 1_000, "{arrived}");
    terminal.press("\x03\x03");
    assert_eq!(terminal.end(), 0);
}

fn init(dir: &Path) {
    ok(run(
        dir,
        &["init", "--name", "ana", "--listen", "127.0.0.1:0"],
    ));
}

/// 5,000 lines a second, in equal steps.
fn feed(mut lines: ChildStdin, is_over: &AtomicBool) {
    let begin = Instant::now();
    for step in 1u32.. {
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        let batch = "a line as a log has it\n".repeat(BATCH);
        lines.write_all(batch.as_bytes()).unwrap();
        std::thread::sleep((BATCH_EVERY * step).saturating_sub(begin.elapsed()));
    }
}

/// The number of events that the top line tells.
fn held(text: &str) -> u64 {
    let top = text.lines().next().unwrap_or_default();
    let words: Vec<&str> = top.split_whitespace().collect();
    let at = words.iter().position(|word| word.starts_with("event"));
    at.and_then(|at| words.get(at - 1))
        .map_or(0, |count| count.replace(',', "").parse().unwrap_or(0))
}

/// Presses a key, and says how long it took to be on the screen.
fn key(terminal: &mut pty::Terminal, typed: usize) -> Duration {
    let line = format!("› {}", "z".repeat(typed));
    let begin = Instant::now();
    terminal.press("z");
    terminal.shows(&line);
    let took = begin.elapsed();
    // Not in time with the frames.
    std::thread::sleep(Duration::from_millis(20 + 7 * (typed as u64 % 9)));
    took
}
