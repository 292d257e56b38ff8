//! What is over the panes: the keys, a ticket, the palette. Which of their keys do what, and how they are drawn.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::control::Request;
use crate::tui::app::App;
use crate::tui::help;
use crate::tui::input::{Action, Place, action};
use crate::tui::message::{Ask, Form, Popup, Tag, Ticket};
use crate::tui::palette::{self, Chosen};
use crate::tui::panes::Pieces;
use crate::tui::screen::put;
use crate::tui::ticket;

impl App {
    /// Takes a key for what is over the panes; returns whether it is used up.
    pub(super) fn on_popup_key(&mut self, key: KeyEvent, asks: &mut Vec<Ask>) -> bool {
        let action = action(key, Place::Browse);
        match action {
            Some(Action::Redraw | Action::Suspend) => return false,
            Some(Action::ClearOrQuit) if self.popup.take().is_some() => return true,
            Some(_) | None => {}
        }
        let (look, focus, (width, height)) = (self.look, self.focus, self.size);
        match &mut self.popup {
            None => return false,
            Some(Popup::Help(help)) => {
                let count = |filter: &str| help::count(look, focus, width, filter);
                if !help.on_key(key, help::room(height), count) {
                    self.popup = None;
                }
            }
            Some(Popup::Ticket(ticket, form)) => match (ticket, action) {
                (_, Some(Action::Ticket | Action::Code)) => *form = form.other(),
                (Ticket::Ready { text, .. }, Some(Action::CopyUuid | Action::CopyJson)) => {
                    asks.push(Ask::Copy(text.clone()));
                    self.say("the ticket was given to the terminal's clipboard", false);
                }
                (_, _) => self.popup = None,
            },
            Some(Popup::Palette(_)) => self.on_palette_key(key, asks),
        }
        true
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "of many keys few are used here"
    )]
    fn on_palette_key(&mut self, key: KeyEvent, asks: &mut Vec<Ask>) {
        let Some(Popup::Palette(palette)) = &mut self.popup else {
            return;
        };
        match key.code {
            KeyCode::Esc => self.popup = None,
            KeyCode::Up => palette.step(-1),
            KeyCode::Down | KeyCode::Tab => palette.step(1),
            KeyCode::Enter => {
                if let Some(chosen) = palette.choose() {
                    self.popup = None;
                    self.on_chosen(chosen, asks);
                }
            }
            _ => palette.edit(key),
        }
    }

    fn on_chosen(&mut self, chosen: Chosen, asks: &mut Vec<Ask>) {
        match chosen {
            Chosen::Action(action) => self.act(action, asks),
            Chosen::Connect { machine, address } => {
                let told = format!("the node was told that {machine} is at {address}");
                if self.open.insert(Tag::Command, told).is_some() {
                    return self.say("the node still works on the command before", true);
                }
                let request = Request::Connect { machine, address };
                asks.push(Ask::Request(Tag::Command, request));
            }
            Chosen::Invite(expires_s) => self.ask_ticket(Form::Text, Some(expires_s), asks),
            Chosen::Complete(_) => {}
        }
    }
}

/// Draws `popup` within `area`; returns where the cursor stands if text is written there.
pub fn draw(app: &App, popup: &Popup, area: Rect, buf: &mut Buffer) -> Option<Position> {
    match popup {
        Popup::Help(open) => help::draw(app, open, area, buf),
        Popup::Ticket(open, form) => {
            ticket::draw(app, open, *form, area, buf);
            None
        }
        Popup::Palette(open) => Some(palette::draw(app, open, area, buf)),
    }
}

/// A rectangle of at most this size in the middle of `area`.
pub fn middle(area: Rect, width: u16, height: u16) -> Rect {
    let width = width.min(area.width);
    let height = height.min(area.height);
    Rect::new(
        area.x + (area.width - width) / 2,
        area.y + (area.height - height) / 2,
        width,
        height,
    )
}

/// Draws one line below another, as many as `area` has room for.
pub fn draw_lines(lines: &[Pieces], area: Rect, buf: &mut Buffer) {
    for (line, y) in lines.iter().zip(area.y..area.bottom()) {
        let mut x = area.x;
        for (text, style) in line {
            x = put(buf, x, y, area.right(), text, *style);
        }
    }
}
