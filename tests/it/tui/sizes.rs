//! Every size: from 60x12 up the screen is whole, below one line tells the badge and the count.

use fedag::tui::app::App;
use fedag::tui::first::{self, First, Progress};
use fedag::tui::layout::{Areas, HEIGHT_MIN, WIDTH_MIN};
use fedag::tui::look::Look;
use fedag::tui::message::Msg;
use fedag::tui::picture;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{scenes, text};

const WIDEST: u16 = 300;
const HIGHEST: u16 = 100;

/// Every width and every height, and all the small ones together.
fn sizes() -> impl Iterator<Item = (u16, u16)> {
    let wide =
        (1..=WIDEST).flat_map(|width| [1, 12, 24, 40, HIGHEST].map(|height| (width, height)));
    let high =
        (1..=HIGHEST).flat_map(|height| [1, 60, 80, 110, WIDEST].map(|width| (width, height)));
    let small = (1..=24).flat_map(|width| (1..=16).map(move |height| (width, height)));
    wide.chain(high).chain(small)
}

fn resized(app: &mut App, (width, height): (u16, u16)) -> Buffer {
    drop(app.update(app.now_ms, Msg::Resize(width, height)));
    picture::buffer(app)
}

#[test]
fn every_size_is_drawn_and_from_60x12_on_whole() {
    for keys in ["", "<esc>3"] {
        let mut app = picture::app(&scenes::converged((80, 24)));
        scenes::press(&mut app, keys);
        for (width, height) in sizes() {
            let buffer = resized(&mut app, (width, height));
            let top: String = (0..width).map(|x| buffer[(x, 0)].symbol()).collect();
            if width >= 16 {
                assert!(top.contains("CONVERGED"), "{width}x{height}: {top}");
            }
            if width >= 32 {
                assert!(top.contains("66 events"), "{width}x{height}: {top}");
            }
            if width < WIDTH_MIN || height < HEIGHT_MIN {
                let is_empty = |y| (0..width).all(|x| buffer[(x, y)].symbol() == " ");
                assert!((1..height).all(is_empty), "{width}x{height}");
                continue;
            }
            let areas = Areas::of(&app);
            let panes = [areas.events, areas.peers, areas.leaves, areas.detail];
            for pane in panes.into_iter().filter(|pane| !pane.is_empty()) {
                assert!(
                    is_closed(&buffer, pane),
                    "{width}x{height}:\n{}",
                    text(&app)
                );
            }
            let bottom: String = (0..width)
                .map(|x| buffer[(x, height - 1)].symbol())
                .collect();
            for word in ["help", "quit"] {
                assert!(bottom.contains(word), "{width}x{height}: {bottom}");
            }
        }
    }
}

/// A pane's four corners and both sides are there, and its lower edge runs through.
fn is_closed(buffer: &Buffer, pane: Rect) -> bool {
    let at = |x, y| buffer[(x, y)].symbol();
    let (right, bottom) = (pane.right() - 1, pane.bottom() - 1);
    let corners = [
        at(pane.x, pane.y),
        at(right, pane.y),
        at(pane.x, bottom),
        at(right, bottom),
    ];
    let has_sides = (pane.y + 1..bottom).all(|y| at(pane.x, y) == "│" && at(right, y) == "│");
    let has_edge = (pane.x + 1..right).all(|x| at(x, bottom) != " ")
        || (pane.x + 1..right).any(|x| at(x, bottom).chars().all(char::is_alphanumeric));
    corners == ["╭", "╮", "╰", "╯"] && has_sides && has_edge
}

#[test]
fn what_stands_over_the_panes_is_drawn_at_every_size() {
    for (scene, keys) in [
        (scenes::converged((80, 24)), "?"),
        (scenes::alone((80, 24)), "<f2>"),
        (scenes::seventy_lanes((80, 24)), "<esc>2"),
        (scenes::sixty_parents((80, 24)), "<esc>4"),
    ] {
        let mut app = picture::app(&scene);
        scenes::press(&mut app, keys);
        for size in sizes() {
            resized(&mut app, size);
        }
    }
}

#[test]
fn the_first_screen_and_joining_are_drawn_at_every_size() {
    let first = First::new(scenes::defaults());
    let progress = Progress {
        done: 30_000,
        of: 120_000,
        rate: 99_000,
        text: "Fetching lab-net from bob".into(),
    };
    for (width, height) in sizes() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        first::draw(&first, Look::FULL, &mut buffer);
        buffer.reset();
        first::draw_progress(&progress, Look::FULL, &mut buffer);
    }
}
