//! What the screen costs: CPU a frame, and the node's answer to a request for rows. `cargo bench --bench screen`; with
//! `-- --quick` without the million.
//!
//! A frame is what the loop does when the node tells of new events: it takes in the state and the rows, draws 200x60, and writes
//! what differs as a terminal gets it. The limit in the same run is what ratatui alone needs for a screen of which every cell
//! differs. CPU is this thread's, from /proc, so that other work on the computer does not count; without /proc it is the clock.
//!
//! The screen holds rows, never the DAG: its events are a number here. That the node answers as fast among a million is the second
//! table, from the program itself on a directory with so many events, over its control socket.

#![expect(clippy::print_stdout, reason = "a bench tells its figures")]

use std::io::{self, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fedag::control::client::Client;
use fedag::control::view::{Lane, Status, Window, WindowParent, WindowRequest, WindowRow};
use fedag::control::{Reply, Request};
use fedag::tui::app::App;
use fedag::tui::look::Look;
use fedag::tui::message::{Msg, Tag};
use fedag::tui::screen;
use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::TerminalOptions;
use ratatui::Viewport;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

const SIZE: (u16, u16) = (200, 60);
const FRAMES: usize = 400;
const REQUESTS: usize = 300;
/// Rows that the screen asks for at this size.
const ROWS: u32 = 120;

type Screen = Terminal<CrosstermBackend<Page>>;

/// What a terminal is sent in one frame.
#[derive(Default)]
struct Page(Vec<u8>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.clear();
        Ok(())
    }
}

fn main() {
    let is_quick = std::env::args().any(|argument| argument == "--quick");
    let sizes: &[u64] = if is_quick {
        &[1_000, 100_000]
    } else {
        &[1_000, 100_000, 1_000_000]
    };
    let place = tempfile::tempdir().expect("a temporary directory");
    let status = answers(place.path(), sizes);
    frames(&status, sizes);
}

/// CPU time of this thread.
fn cpu() -> Duration {
    static BEGIN: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    // The kernel counts when it looks at the thread, as it does here.
    std::thread::yield_now();
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = told.split_whitespace().next().and_then(|n| n.parse().ok());
    nanoseconds.map_or_else(|| BEGIN.elapsed(), Duration::from_nanos)
}

/// What each of so many runs of `work` costs, sorted.
fn each(runs: usize, mut work: impl FnMut(usize)) -> Vec<Duration> {
    let mut costs: Vec<Duration> = (0..runs)
        .map(|run| {
            let before = cpu();
            work(run);
            cpu().saturating_sub(before)
        })
        .collect();
    costs.sort_unstable();
    costs
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}

fn terminal() -> Screen {
    let area = Rect::new(0, 0, SIZE.0, SIZE.1);
    let options = TerminalOptions {
        viewport: Viewport::Fixed(area),
    };
    Terminal::with_options(CrosstermBackend::new(Page::default()), options).expect("memory")
}

fn frames(status: &Status, sizes: &[u64]) {
    let mut full = terminal();
    let limit = each(FRAMES, |run| {
        let letter = if run % 2 == 0 { "x" } else { "y" };
        let row = letter.repeat(usize::from(SIZE.0));
        full.draw(|frame| {
            for y in 0..SIZE.1 {
                let style = Style::new().fg(Color::Indexed(u8::try_from(y).unwrap_or(0)));
                frame.buffer_mut().set_string(0, y, &row, style);
            }
        })
        .expect("memory");
    });
    let limit_median = percentile(&limit, 50);
    println!("\nCPU a frame at {}x{}:\n", SIZE.0, SIZE.1);
    println!("| events | machines | p50 | p99 | p50 / limit |");
    println!("|---|---|---|---|---|");
    println!(
        "| limit: every cell differs | | {} | {} | 1 |",
        ms(limit_median),
        ms(percentile(&limit, 99))
    );
    for events in sizes {
        for machines in [4, 16, 64] {
            let costs = frame_costs(status, *events, machines);
            let median = percentile(&costs, 50);
            println!(
                "| {events} | {machines} | {} | {} | {:.2} |",
                ms(median),
                ms(percentile(&costs, 99)),
                median.as_secs_f64() / limit_median.as_secs_f64(),
            );
        }
    }
}

fn frame_costs(status: &Status, events: u64, machines: u64) -> Vec<Duration> {
    let mut app = App::new(Look::FULL, TimeZone::UTC, false, SIZE);
    let mut terminal = terminal();
    let mut told: Vec<(Status, Window)> = (0..FRAMES as u64)
        .rev()
        .map(|run| {
            let held = events + run;
            let status = Status {
                events: held,
                digest: format!("{:016x}", held.wrapping_mul(0x9E37_79B9_97F4_A7C1)).repeat(4),
                members: machines,
                ..status.clone()
            };
            (status, window(held, machines))
        })
        .collect();
    each(FRAMES, |run| {
        let now = 1_795_334_400_000 + run as u64 * 50;
        let (status, window) = told.pop().expect("one for each frame");
        for (tag, reply) in [
            (Tag::Watch, Reply::Status(Box::new(status))),
            (Tag::Window, Reply::Window(Box::new(window))),
        ] {
            drop(app.update(now, Msg::Answer(tag, Ok(reply))));
        }
        terminal
            .draw(|frame| screen::draw(&app, frame))
            .expect("memory");
    })
}

/// The newest rows of `held` events: every machine writes in turn, each third event merges two lanes.
fn window(held: u64, machines: u64) -> Window {
    let lane = |event: u64| u32::try_from(event * 7 % machines).unwrap_or(0);
    let label = |event: u64| format!("m{}-{}", lane(event), event / machines);
    let first = held.saturating_sub(u64::from(ROWS));
    let row = |event: u64| {
        let parents: Vec<WindowParent> = (1..=1 + u64::from(event.is_multiple_of(3)))
            .filter_map(|back| event.checked_sub(back))
            .map(|parent| WindowParent {
                label: label(parent),
                lane: lane(parent),
                newest: true,
            })
            .collect();
        WindowRow {
            uuid: format!("{event:08x}-0000-8000-8000-{event:012x}"),
            label: label(event),
            lane: lane(event),
            time_ms: 1_795_334_400_000 + event * 20,
            leaf: event + 1 == held,
            parents_total: u32::try_from(parents.len()).unwrap_or(0),
            parents,
            summary: format!("{{\"kind\":\"order\",\"qty\":{event},\"room\":\"lab\"}}"),
            held_by: 1,
            arrived_ms: Some(held - event),
            fold: None,
            more: false,
            hits: None,
        }
    };
    let lane = |at: u64| Lane {
        name: format!("machine-{at:02}"),
        prefix: format!("m{at}-"),
        own: at == 0,
        before: true,
        after: false,
        forked: false,
    };
    Window {
        rows: (first..held).map(row).collect(),
        lanes: (0..machines).map(lane).collect(),
        first,
        total: held,
    }
}

/// A node that is ended with the bench.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn fedag(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fedag"));
    command.env_remove("FEDAG_DATA").arg("--data").arg(dir);
    command
}

/// The table of a node's answers; returns its last state.
fn answers(place: &Path, sizes: &[u64]) -> Status {
    println!("A request for {ROWS} rows, answered by a node of one machine:\n");
    println!("| events | newest rows, p50 | p99 | a page up, p50 | p99 |");
    println!("|---|---|---|---|---|");
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let mut last = None;
    for events in sizes {
        let dir = place.join(events.to_string());
        let init = fedag(&dir)
            .args(["init", "--name", "ana", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::null())
            .status();
        assert!(init.expect("fedag runs").success());
        fill(&dir, *events);
        let node = fedag(&dir)
            .arg("run")
            .stderr(Stdio::null())
            .spawn()
            .expect("fedag runs");
        let _node = Running(node);
        last = Some(runtime.block_on(ask(&dir, *events)));
    }
    last.expect("at least one size")
}

fn fill(dir: &Path, events: u64) {
    let mut add = fedag(dir)
        .args(["add", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("fedag runs");
    let mut lines = io::BufWriter::new(add.stdin.take().expect("it is piped"));
    for event in 0..events {
        writeln!(lines, "{{\"kind\":\"order\",\"qty\":{event}}}").expect("it reads");
    }
    drop(lines);
    assert!(add.wait().expect("fedag ends").success());
}

async fn ask(dir: &Path, events: u64) -> Status {
    let until = Instant::now() + Duration::from_secs(60);
    let client = loop {
        match Client::connect(&dir.join("control.sock")).await {
            Ok(client) => break client,
            Err(error) => assert!(Instant::now() < until, "no node: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let (mut newest, mut pages) = (Vec::new(), Vec::new());
    let mut at = None;
    for _ in 0..REQUESTS {
        let (took, window) = rows(&client, None).await;
        newest.push(took);
        assert_eq!(window.rows.len() as u64, u64::from(ROWS).min(window.total));
        let (took, window) = rows(&client, at.take()).await;
        pages.push(took);
        at = window.rows.first().map(|row| row.uuid.clone());
    }
    newest.sort_unstable();
    pages.sort_unstable();
    println!(
        "| {events} | {} | {} | {} | {} |",
        ms(percentile(&newest, 50)),
        ms(percentile(&newest, 99)),
        ms(percentile(&pages, 50)),
        ms(percentile(&pages, 99)),
    );
    match client.ask(Request::Status {}).await {
        Ok(Reply::Status(status)) => *status,
        other => panic!("no state: {other:?}"),
    }
}

async fn rows(client: &Client, at: Option<String>) -> (Duration, Window) {
    let begin = Instant::now();
    let request = WindowRequest {
        at,
        before: ROWS - 1,
        ..WindowRequest::default()
    };
    match client.ask(Request::Window(request)).await {
        Ok(Reply::Window(window)) => (begin.elapsed(), *window),
        other => panic!("no rows: {other:?}"),
    }
}
