//! Draws the events pane: its title, its rows, and what to do next for a machine that is alone.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use unicode_width::UnicodeWidthStr;

use crate::control::view::{Order, WindowRow};
use crate::tui::alone;
use crate::tui::app::App;
use crate::tui::graph::{Rows, connected};
use crate::tui::input::Pane;
use crate::tui::look::{BUSY, FAINT, count, number};
use crate::tui::safe::clean;
use crate::tui::screen::{frame, put};
use crate::tui::views::View;

/// Draws the events pane.
pub fn draw(app: &App, area: Rect, buf: &mut Buffer) {
    let inner = frame(buf, area, &title(app), app.focus == Pane::Events, app.look);
    draw_badge(app, area, buf);
    if inner.height < 2 || inner.width < 20 {
        return;
    }
    let window = app.view.window();
    if window.rows.is_empty() {
        let text = match app.finder.filtering() {
            Some((_, _, true)) => "no event matches",
            Some((_, _, false)) => "searching",
            None => "waiting for the node",
        };
        put(buf, inner.x + 2, inner.y + 1, inner.right(), text, FAINT);
        return;
    }
    let visible = app.view.visible();
    let lit = |row: &WindowRow| app.flash_ends_ms(row.arrived_ms).is_some();
    Rows {
        look: app.look,
        window,
        visible: visible.clone(),
        lanes: app.view.columns(),
        view: app.view.view(),
        columns_max: app.view.cap(),
        newest_first: app.view.is_newest_first(),
        peers: app.status.as_ref().map_or(0, |status| connected(status)),
        selected: app.selected(),
        marked: &app.marked,
        focused: app.focus != Pane::Input,
        zone: Some(&app.zone),
        lit: &lit,
    }
    .draw(inner, buf);
    let used = u16::try_from(visible.len())
        .unwrap_or(u16::MAX)
        .saturating_add(1);
    alone::draw(
        app,
        Rect {
            y: inner.y + used.min(inner.height),
            height: inner.height.saturating_sub(used),
            ..inner
        },
        buf,
    );
}

/// Says on the border below how many events came since the picture does not follow.
fn draw_badge(app: &App, area: Rect, buf: &mut Buffer) {
    let held = app.status.as_ref().map_or(0, |status| status.events);
    let news = app.view.news(held);
    if news == 0 || app.view.frozen(held).is_some() {
        return;
    }
    let glyphs = app.look.glyphs();
    let way = if app.view.is_newest_first() {
        glyphs.up
    } else {
        glyphs.down
    };
    let text = format!(" {way} {} new ", count(news));
    let width = u16::try_from(text.width()).unwrap_or(u16::MAX);
    let x = area.right().saturating_sub(width.saturating_add(2));
    let style = BUSY.add_modifier(Modifier::BOLD);
    put(
        buf,
        x.max(area.x),
        area.bottom() - 1,
        area.right(),
        &text,
        style,
    );
}

fn title(app: &App) -> String {
    let glyphs = app.look.glyphs();
    let order = match app.view.order() {
        Order::Causal => "causal order",
        Order::Arrival => "order of arrival",
    };
    let held = app.status.as_ref().map_or(0, |status| status.events);
    let place = match (app.view.below(held), app.view.is_newest_first()) {
        (0, _) => "paused".to_owned(),
        (newer, false) => format!("{} {} below", glyphs.down, count(newer)),
        (newer, true) => format!("{} {} above", glyphs.up, count(newer)),
    };
    let place = if let Some(news) = app.view.frozen(held) {
        format!("FROZEN, {} new (p goes on)", count(news))
    } else if app.view.is_following() {
        "following".to_owned()
    } else {
        format!("{place} (G follows)")
    };
    let place = match app.marked.len() {
        0 => place,
        marked => format!("{marked} marked {} {place}", glyphs.dot),
    };
    let dot = glyphs.dot;
    let order = match app.view.view() {
        View::Lanes => order.to_owned(),
        view @ (View::Git | View::List) => format!("{} {dot} {order}", view.name()),
    };
    match app.finder.filtering() {
        Some((query, hits, is_done)) => {
            let hits = number(hits as u64, "hit", "hits");
            let so_far = match (app.finder.is_full(), is_done) {
                (true, _) => " or more",
                (false, true) => "",
                (false, false) => " so far",
            };
            format!(
                "1 Events {dot} & {} {dot} {hits}{so_far}, Esc ends {dot} {place}",
                clean(query)
            )
        }
        None => match app.finder.searched() {
            Some(query) => format!(
                "1 Events {dot} / {} {dot} n older, N newer, Esc ends",
                clean(query)
            ),
            None => format!("1 Events {dot} {order} {dot} {place}"),
        },
    }
}
