//! The state of the screen, and what keys and answers do to it. Pure: no terminal, no node, no clock.
//!
//! `(App, time, Msg) -> Asks`; `screen::draw` shows an [`App`]; the loop in `tui` does what is asked. The same loop as the
//! machine's, one level up.
//!
//! Invariants:
//! - of each kind of request to the node at most one is open, but for events to be added;
//! - a line that the node refuses goes back into the input line, unless something is written there already.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::control::view::{EventDetail, EventView, PeerStatus, Status, Window};
use crate::control::{AddOutcome, Failure, Reply, Request};
use crate::tui::clock::span;
use crate::tui::find::Finder;
use crate::tui::input::Pane;
use crate::tui::layout::Areas;
use crate::tui::line::Line;
use crate::tui::look::{Look, number};
use crate::tui::message::{Ask, Gone, Msg, Popup, Tag, Ticket, Word};
use crate::tui::peers::changes;
use crate::tui::safe::clean;
use crate::tui::viewport::Viewport;

/// How long a word at the bottom stays, in milliseconds.
const WORD_MS: u64 = 6_000;
/// How long a row is lit after its event arrived, in milliseconds.
pub const FLASH_MS: u64 = 300;
/// Seconds of the small chart of events a second.
pub const CHART_SECONDS: usize = 12;

/// The screen.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a mark of its own, not a phase"
)]
pub struct App {
    /// What the terminal can show.
    pub look: Look,
    /// Time zone of the times on the screen.
    pub zone: TimeZone,
    /// The node ends with the UI.
    pub own_node: bool,
    /// Milliseconds since 1970.
    pub now_ms: u64,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// The node's state, once it was told.
    pub status: Option<Box<Status>>,
    /// When it was told.
    pub status_ms: u64,
    /// The events.
    pub view: Viewport,
    /// When they were told.
    pub window_ms: u64,
    /// The selected event, as far as it is here.
    pub detail: Option<Box<EventDetail>>,
    /// The leaves, as far as they are here.
    pub leaves: Vec<EventView>,
    /// Which pane the keys go to.
    pub focus: Pane,
    /// What is over the panes.
    pub popup: Option<Popup>,
    /// First row of the detail pane.
    pub detail_scroll: u16,
    /// First row of the peers.
    pub peers_scroll: u16,
    /// Steps by which the events have more of the screen than usual; fewer when below 0.
    pub share: i16,
    /// The focused pane has the room of all.
    pub is_whole: bool,
    /// The screen has the mouse.
    pub has_mouse: bool,
    /// The selected leaf.
    pub leaf: usize,
    /// Search and filter.
    pub finder: Finder,
    /// Uuids of the marked events, in the order in which they were marked.
    pub marked: Vec<String>,
    /// The event gone to last by a parent or child key, and the one it was gone from.
    pub(super) step_back: Option<(String, String)>,
    /// Text for the clipboard that came with an answer.
    pub(super) to_copy: Option<String>,
    /// The input line.
    pub line: Line,
    /// A word at the bottom.
    pub word: Option<Word>,
    /// The node is gone: what is shown is old.
    pub gone: Option<Gone>,
    /// Events that came in each second, the newest last: (second since 1970, events).
    pub rates: VecDeque<(u64, u64)>,
    /// Requests without an answer yet; with a line to be added, its text.
    pub(super) open: BTreeMap<Tag, String>,
    /// Lines that were sent.
    pub(super) adds: u64,
    /// The event that was asked for last.
    detail_for: Option<String>,
    detail_stale: bool,
    leaves_stale: bool,
    pub(super) changed: bool,
}

impl App {
    /// A screen of this size that knows nothing yet.
    pub fn new(look: Look, zone: TimeZone, own_node: bool, size: (u16, u16)) -> Self {
        let mut app = Self {
            look,
            zone,
            own_node,
            now_ms: 0,
            size,
            status: None,
            status_ms: 0,
            view: Viewport::default(),
            window_ms: 0,
            detail: None,
            leaves: Vec::new(),
            focus: Pane::Input,
            popup: None,
            detail_scroll: 0,
            peers_scroll: 0,
            share: 0,
            is_whole: false,
            has_mouse: false,
            leaf: 0,
            finder: Finder::default(),
            marked: Vec::new(),
            step_back: None,
            to_copy: None,
            line: Line::default(),
            word: None,
            gone: None,
            rates: VecDeque::new(),
            open: BTreeMap::new(),
            adds: 0,
            detail_for: None,
            detail_stale: true,
            leaves_stale: true,
            changed: true,
        };
        app.fit();
        app
    }

    /// What to ask for at the start.
    pub fn start(&mut self) -> Vec<Ask> {
        let mut asks = vec![Ask::Request(Tag::Watch, Request::Watch {})];
        self.ask_more(&mut asks);
        asks
    }

    /// Takes in what happened at `now_ms`, milliseconds since 1970, and returns what to do.
    pub fn update(&mut self, now_ms: u64, msg: Msg) -> Vec<Ask> {
        self.now_ms = self.now_ms.max(now_ms);
        self.word.take_if(|word| word.until_ms <= now_ms);
        let mut asks = Vec::new();
        match msg {
            Msg::Key(key) => self.on_key(key, &mut asks),
            Msg::Mouse(event) => self.on_mouse(event, &mut asks),
            Msg::Paste(text) => self.on_paste(&text),
            Msg::Edited(text) => self.on_edited(text),
            Msg::Failed(why) => self.say(&why, true),
            Msg::Resize(width, height) => {
                self.size = (width, height);
                self.changed = true;
            }
            Msg::Answer(tag, answer) => self.on_answer(tag, answer),
            Msg::Gone { why, again } => self.on_gone(&why, again),
            Msg::Back => asks.push(Ask::Request(Tag::Watch, Request::Watch {})),
            Msg::Tick => self.changed = true,
        }
        self.fit();
        self.ask_more(&mut asks);
        asks
    }

    /// Returns whether the picture changed since the last call.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// When the picture changes although nothing happens; milliseconds since 1970.
    pub fn next_tick_ms(&self) -> Option<u64> {
        let second = (self.now_ms / 1000 + 1) * 1000;
        let counts = self.status.as_ref().is_some_and(|status| {
            status.cut_off_s.is_some() || status.peers.iter().any(|peer| peer.redial_s.is_some())
        });
        let charted = self
            .rates
            .back()
            .is_some_and(|(at, _)| at + CHART_SECONDS as u64 > self.now_ms / 1000);
        let flash = self
            .view
            .window()
            .rows
            .iter()
            .filter_map(|row| self.flash_ends_ms(row.arrived_ms))
            .min();
        let word = self.word.as_ref().map(|word| word.until_ms);
        let counts = counts || self.gone.is_some();
        [(counts || charted).then_some(second), flash, word]
            .into_iter()
            .flatten()
            .min()
    }

    /// When a row that arrived so long before the window was told is lit no more; None: it is not lit.
    pub fn flash_ends_ms(&self, arrived_ms: Option<u64>) -> Option<u64> {
        let age = arrived_ms.filter(|age| *age < FLASH_MS && self.look.motion)?;
        let ends = self.window_ms.saturating_add(FLASH_MS - age);
        (ends > self.now_ms).then_some(ends)
    }

    /// Uuid of the selected event.
    pub fn selected(&self) -> Option<&str> {
        self.view.selected_uuid()
    }

    fn fit(&mut self) {
        let areas = Areas::of(self);
        let members = self.status.as_ref().map_or(1, |status| status.members);
        self.view.set_company(members > 1);
        if self.view.resize(areas.event_rows, areas.lanes_max) {
            self.changed = true;
        }
    }

    fn ask_more(&mut self, asks: &mut Vec<Ask>) {
        asks.extend(self.to_copy.take().map(Ask::Copy));
        if self.gone.is_some() {
            return;
        }
        if let Some(request) = self.view.ask() {
            asks.push(Ask::Request(Tag::Window, Request::Window(request)));
        }
        for (number, request) in self.finder.ask() {
            asks.push(Ask::Request(Tag::Search(number), Request::Search(request)));
        }
        let areas = Areas::of(self);
        if let Some(uuid) = self.selected().map(str::to_owned) {
            let is_other = self.detail_for.as_ref() != Some(&uuid);
            if areas.shows_detail
                && (is_other || self.detail_stale)
                && !self.open.contains_key(&Tag::Detail)
            {
                self.detail_stale = false;
                self.detail_for = Some(uuid.clone());
                self.open.insert(Tag::Detail, uuid.clone());
                asks.push(Ask::Request(Tag::Detail, Request::Show { name: uuid }));
            }
        }
        if areas.shows_leaves && self.leaves_stale && !self.open.contains_key(&Tag::Leaves) {
            self.leaves_stale = false;
            self.open.insert(Tag::Leaves, String::new());
            asks.push(Ask::Request(Tag::Leaves, Request::Leaves {}));
        }
    }

    fn on_answer(&mut self, tag: Tag, answer: Result<Reply, Failure>) {
        self.changed |= tag != Tag::Watch;
        let asked = self.open.remove(&tag);
        match (tag, answer) {
            (Tag::Watch, Ok(Reply::Status(status))) => self.on_status(status),
            (Tag::Window, Ok(Reply::Window(window))) => self.on_window(*window),
            (Tag::Detail, Ok(Reply::Event(detail))) => self.on_detail(detail),
            (Tag::Leaves, Ok(Reply::Events(leaves))) => self.on_leaves(leaves),
            (Tag::Watch, Err(failure)) => self.on_gone(&failure.message, None),
            (Tag::Ticket, answer) => self.on_ticket(answer),
            (Tag::Copy, Ok(Reply::Events(events))) => self.on_copied(&events),
            (Tag::Search(number), Ok(Reply::Found(found))) => self.on_found(number, *found),
            (Tag::Search(number), Err(failure)) => self.on_no_search(number, &failure.message),
            (Tag::Search(number), Ok(_)) => {
                self.on_no_search(number, "the node did not answer with hits");
            }
            (Tag::Command, Ok(Reply::Done {})) => self.say(&asked.unwrap_or_default(), false),
            (Tag::Add(_), Ok(Reply::Added(outcomes))) => match outcomes.into_iter().next() {
                Some(AddOutcome::Added { uuid, .. }) => self.view.reveal(uuid),
                Some(AddOutcome::Refused(why)) => self.on_refused(asked, &why),
                None => self.on_refused(asked, "the node did not say what became of the event"),
            },
            (Tag::Add(_), Err(failure)) => self.on_refused(asked, &failure.message),
            (Tag::Window, Err(failure)) => {
                self.view.refused();
                self.say(&failure.message, true);
            }
            (_, Err(failure)) => self.say(&failure.message, true),
            (Tag::Window, Ok(_)) => self.view.refused(),
            (
                Tag::Watch | Tag::Detail | Tag::Leaves | Tag::Copy | Tag::Command | Tag::Add(_),
                Ok(_),
            ) => {
                self.say(
                    "the node gave an answer that does not belong to the question",
                    true,
                );
            }
        }
    }

    fn on_status(&mut self, status: Box<Status>) {
        if let Some(gone) = self.gone.take() {
            self.on_back(&gone);
        } else if self.status.as_ref() == Some(&status) {
            return;
        }
        let before = self.status.as_ref().map_or(status.events, |old| old.events);
        self.count(status.events.saturating_sub(before));
        if self
            .status
            .as_ref()
            .is_none_or(|old| changes_rows(old, &status))
        {
            self.outdate();
        }
        if let Some((text, bad)) = self.status.as_ref().and_then(|old| changes(old, &status)) {
            self.tell_of_peers(&text, bad);
        }
        self.status = Some(status);
        self.status_ms = self.now_ms;
        self.changed = true;
    }

    /// The rows, the selected event and the leaves may be others now.
    fn outdate(&mut self) {
        self.view.invalidate();
        self.finder.invalidate();
        self.detail_stale = true;
        self.leaves_stale = true;
    }

    /// The node went, or was not found again: nothing that was asked will be answered.
    fn on_gone(&mut self, why: &str, again: Option<Duration>) {
        let again_ms = again.map(|wait| {
            self.now_ms
                .saturating_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX))
        });
        let since_ms = self.gone.as_ref().map_or(self.now_ms, |gone| gone.since_ms);
        self.gone = Some(Gone {
            why: clean(why),
            since_ms,
            again_ms,
        });
        self.changed = true;
        self.view.unanswered();
        self.finder.unanswered();
        if let Some(Popup::Ticket(ticket @ Ticket::Asked, _)) = &mut self.popup {
            *ticket = Ticket::Refused("the node is gone".into());
        }
        let open = std::mem::take(&mut self.open);
        let mut unsure = open
            .into_iter()
            .filter(|(tag, _)| matches!(tag, Tag::Add(_)));
        if let Some((_, text)) = unsure.next_back() {
            let lines = 1 + unsure.count();
            if self.line.text().is_empty() {
                self.line.set(text);
            }
            let what = number(lines as u64, "line was", "lines were");
            self.say(
                &format!("whether {what} added is not known: look before you send again"),
                true,
            );
        }
    }

    /// The node answers again: nothing of what was here counts any more.
    fn on_back(&mut self, gone: &Gone) {
        self.status = None;
        self.rates.clear();
        self.outdate();
        let away = self.now_ms.saturating_sub(gone.since_ms) / 1000;
        self.say(&format!("the node is back, after {}", span(away)), false);
    }

    /// The time that the picture is of: now or, without a node, when it went.
    pub fn picture_ms(&self) -> u64 {
        self.gone.as_ref().map_or(self.now_ms, |gone| gone.since_ms)
    }

    /// Counts events for the chart.
    fn count(&mut self, events: u64) {
        if events == 0 {
            return;
        }
        let second = self.now_ms / 1000;
        match self.rates.back_mut() {
            Some((at, n)) if *at == second => *n += events,
            Some(_) | None => self.rates.push_back((second, events)),
        }
        if self.rates.len() > CHART_SECONDS {
            self.rates.pop_front();
        }
    }

    fn on_window(&mut self, window: Window) {
        self.view.answer(window);
        self.window_ms = self.now_ms;
    }

    fn on_detail(&mut self, detail: Box<EventDetail>) {
        if self.detail.as_ref().map(|old| &old.event.uuid) != Some(&detail.event.uuid) {
            self.detail_scroll = 0;
        }
        self.detail = Some(detail);
    }

    fn on_ticket(&mut self, answer: Result<Reply, Failure>) {
        let Some(Popup::Ticket(ticket, _)) = &mut self.popup else {
            return;
        };
        *ticket = match answer {
            Ok(Reply::Ticket {
                text,
                expires_ms,
                uses,
                addresses,
            }) => Ticket::Ready {
                text,
                expires_ms,
                uses,
                addresses,
            },
            Ok(_) => Ticket::Refused("the node did not answer with a ticket".into()),
            Err(failure) => Ticket::Refused(failure.message),
        };
    }

    fn on_refused(&mut self, sent: Option<String>, why: &str) {
        if let Some(sent) = sent.filter(|_| self.line.text().is_empty()) {
            self.line.set(sent);
        }
        self.say(&format!("not added: {why}"), true);
    }

    /// Shows a word at the bottom for a while.
    pub(super) fn say(&mut self, text: &str, bad: bool) {
        self.word = Some(Word {
            text: clean(text),
            bad,
            of_peers: false,
            until_ms: self.now_ms + WORD_MS,
        });
        self.changed = true;
    }

    /// Says who went or came, unless there is another word that matters.
    fn tell_of_peers(&mut self, text: &str, bad: bool) {
        if self
            .word
            .as_ref()
            .is_none_or(|word| word.of_peers || !word.bad)
        {
            self.say(text, bad);
            if let Some(word) = &mut self.word {
                word.of_peers = true;
            }
        }
    }

    /// Lines on their way to the node.
    pub fn sending(&self) -> usize {
        self.open
            .keys()
            .filter(|tag| matches!(tag, Tag::Add(_)))
            .count()
    }
}

/// Returns whether other events are held, or held by others, than before; round trips and seconds change nothing of that.
pub fn changes_rows(old: &Status, new: &Status) -> bool {
    let holds = |status: &Status| {
        let of = |peer: &PeerStatus| {
            (
                peer.key.clone(),
                peer.state,
                peer.missing_here,
                peer.missing_there,
            )
        };
        status.peers.iter().map(of).collect::<Vec<_>>()
    };
    (old.events, &old.digest, old.members) != (new.events, &new.digest, new.members)
        || holds(old) != holds(new)
}
