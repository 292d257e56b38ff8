//! Finding and filtering: the prompt, the search that goes on step by step, and what a filter let through. Pure.
//!
//! Between keys and the node: a step is a request of its own, so that a search in a million events can be stopped between two of
//! them and the screen never waits.
//!
//! Invariants:
//! - at most one step of the search and one of the filter is under way; an answer to one that was stopped is dropped;
//! - a search looks at each event once, and ends where it began;
//! - a filter keeps at most `limits::FILTER_HITS_MAX` hits, those it came upon first, the newest before older ones.

use std::collections::BTreeMap;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::Input;

use crate::control::search::{Found, Hit, SearchRequest};
use crate::control::view::Order;
use crate::limits;
use crate::tui::editing::request;

/// What is written into the prompt at the bottom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What to go to.
    Find,
    /// What to show alone.
    Filter,
}

/// The prompt at the bottom.
#[derive(Debug)]
pub struct Prompt {
    /// What it is for.
    pub kind: Kind,
    /// The text.
    pub input: Input,
}

/// What a key did to the prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// It is still open.
    On,
    /// It was closed.
    Closed,
    /// This is to be searched for.
    Entered(Kind, String),
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing to show: it goes on, or nobody wants it any more.
    On,
    /// This event matches.
    Hit {
        /// Its uuid.
        uuid: String,
        /// The search went past the end of the order.
        wrapped: bool,
    },
    /// No event matches.
    NoHit {
        /// It was looked for another event by one author.
        same_author: bool,
    },
    /// The filter has other hits than before.
    Filtered,
}

/// A search under way.
#[derive(Debug)]
struct Search {
    request: SearchRequest,
    open: Option<u64>,
    /// At the end of the order it goes on at the other one.
    wraps: bool,
    wrapped: bool,
    looked: u64,
    total: u64,
}

/// A filter, and what it let through so far.
#[derive(Debug)]
struct Filter {
    query: String,
    /// By position.
    hits: BTreeMap<u64, Hit>,
    open: Option<(u64, Side)>,
    oldest: Option<String>,
    newest: Option<String>,
    looked: u64,
    total: u64,
    /// All older events were looked at.
    is_whole: bool,
    /// Events came that were not looked at.
    is_stale: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Older,
    Newer,
}

/// Prompt, search and filter.
#[derive(Debug, Default)]
pub struct Finder {
    prompt: Option<Prompt>,
    /// What was searched for last.
    query: Option<String>,
    search: Option<Search>,
    filter: Option<Filter>,
    steps: u64,
}

impl Finder {
    /// The prompt, while it is open.
    pub fn prompt(&self) -> Option<&Prompt> {
        self.prompt.as_ref()
    }

    /// Opens the prompt with what was searched for last.
    pub fn open(&mut self, kind: Kind) {
        self.prompt = Some(Prompt {
            kind,
            input: Input::default(),
        });
    }

    /// A key for the open prompt.
    pub fn on_key(&mut self, key: KeyEvent) -> Typed {
        let Some(prompt) = &mut self.prompt else {
            return Typed::Closed;
        };
        let is_ctrl_c =
            key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
        let is_empty = prompt.input.value().is_empty();
        if key.code == KeyCode::Enter {
            let (kind, text) = (prompt.kind, prompt.input.value().to_owned());
            self.prompt = None;
            return if is_empty {
                Typed::Closed
            } else {
                Typed::Entered(kind, text)
            };
        }
        if key.code == KeyCode::Esc || is_ctrl_c || (key.code == KeyCode::Backspace && is_empty) {
            self.prompt = None;
            return Typed::Closed;
        }
        if let Some(request) = request(key) {
            let adds = matches!(request, tui_input::InputRequest::InsertChar(_));
            let chars = prompt.input.value().chars().count();
            if !(adds && chars >= limits::SEARCH_CHARS_MAX) {
                prompt.input.handle(request);
            }
        }
        Typed::On
    }

    /// Puts pasted text into the prompt; false if it is not open.
    pub fn paste(&mut self, text: &str) -> bool {
        let Some(prompt) = &mut self.prompt else {
            return false;
        };
        let line = text.lines().next().unwrap_or("");
        let value = prompt.input.value().to_owned() + line;
        let value = value.chars().take(limits::SEARCH_CHARS_MAX).collect();
        prompt.input = Input::new(value);
        true
    }

    /// What is marked on the screen.
    pub fn query(&self) -> Option<&str> {
        let filter = self.filter.as_ref().map(|filter| filter.query.as_str());
        self.query.as_deref().or(filter)
    }

    /// What was searched for last.
    pub fn searched(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Begins to search for `query` in `order`, from the event `from` towards older ones; None: from the newest on.
    pub fn find(&mut self, query: String, order: Order, from: Option<String>) {
        self.query = Some(query);
        self.again(true, order, from);
    }

    /// Searches on for the same; false if nothing was searched for.
    pub fn again(&mut self, back: bool, order: Order, from: Option<String>) -> bool {
        let Some(query) = self.query.clone() else {
            return false;
        };
        let request = SearchRequest {
            query,
            order,
            from,
            back,
            most: self.most(),
            ..SearchRequest::default()
        };
        self.begin(request, true);
        true
    }

    /// Looks for the event before this one by the same author, or after it.
    pub fn same_author(&mut self, back: bool, order: Order, from: String) {
        let request = SearchRequest {
            same_author: true,
            order,
            from: Some(from),
            back,
            most: self.most(),
            ..SearchRequest::default()
        };
        self.begin(request, false);
    }

    fn begin(&mut self, request: SearchRequest, wraps: bool) {
        self.search = Some(Search {
            request,
            open: None,
            wraps,
            wrapped: false,
            looked: 0,
            total: 0,
        });
    }

    /// With a filter, hits that it does not let through are passed over, so there is more than one to a step.
    fn most(&self) -> u32 {
        if self.filter.is_some() {
            u32::try_from(limits::SEARCH_STEP_HITS).unwrap_or(u32::MAX)
        } else {
            1
        }
    }

    /// Begins to show only what matches.
    pub fn filter(&mut self, query: String) {
        self.search = None;
        self.query = None;
        self.filter = Some(Filter {
            query,
            hits: BTreeMap::new(),
            open: None,
            oldest: None,
            newest: None,
            looked: 0,
            total: 0,
            is_whole: false,
            is_stale: false,
        });
    }

    /// Ends one thing, the youngest first: the search that is under way, the filter, the marks. What it was; None: there was nothing.
    pub fn back(&mut self) -> Option<&'static str> {
        if self.search.take().is_some() {
            return Some("the search was stopped");
        }
        if self.query.take().is_some() {
            return Some("");
        }
        self.filter.take().map(|_| "all events are shown again")
    }

    /// The search is under way: events looked at, and of how many.
    pub fn searching(&self) -> Option<(u64, u64)> {
        self.search
            .as_ref()
            .map(|search| (search.looked, search.total))
    }

    /// The filter: its query, the number of hits so far, and whether all events were looked at.
    pub fn filtering(&self) -> Option<(&str, usize, bool)> {
        let filter = self.filter.as_ref()?;
        Some((&filter.query, filter.hits.len(), !filter.is_busy()))
    }

    /// How far the filter is, while it looks: events looked at, and of how many.
    pub fn filtering_at(&self) -> Option<(u64, u64)> {
        let filter = self.filter.as_ref().filter(|filter| filter.is_busy())?;
        Some((filter.looked, filter.total))
    }

    /// The filter stopped at its bound.
    pub fn is_full(&self) -> bool {
        self.filter.as_ref().is_some_and(Filter::is_full)
    }

    /// Uuids of the filter's hits in `order`, oldest first; None: there is no filter.
    pub fn shown(&self, order: Order) -> Option<Vec<String>> {
        let filter = self.filter.as_ref()?;
        let mut hits: Vec<&Hit> = filter.hits.values().collect();
        if order == Order::Causal {
            hits.sort_by(|a, b| (a.height, &a.uuid).cmp(&(b.height, &b.uuid)));
        }
        Some(hits.into_iter().map(|hit| hit.uuid.clone()).collect())
    }

    /// The node holds other events than before.
    pub fn invalidate(&mut self) {
        if let Some(filter) = &mut self.filter {
            filter.is_stale = true;
        }
    }

    /// What was asked will not be answered: a search ends, and a filter begins anew, as the node may be another one when it is back.
    pub fn unanswered(&mut self) {
        self.search = None;
        if let Some(filter) = self.filter.take() {
            let marked = self.query.take();
            self.filter(filter.query);
            self.query = marked;
        }
    }

    /// The next steps, with their numbers.
    pub fn ask(&mut self) -> Vec<(u64, SearchRequest)> {
        let mut asks = Vec::new();
        if let Some(search) = self.search.as_mut().filter(|search| search.open.is_none()) {
            self.steps += 1;
            search.open = Some(self.steps);
            asks.push((self.steps, search.request.clone()));
        }
        if let Some(filter) = &mut self.filter
            && let Some((side, request)) = filter.next()
        {
            self.steps += 1;
            filter.open = Some((self.steps, side));
            asks.push((self.steps, request));
        }
        asks
    }

    /// Takes in what step `number` found.
    pub fn answer(&mut self, number: u64, found: Found) -> Outcome {
        if let Some(filter) = &mut self.filter
            && filter.open.is_some_and(|(open, _)| open == number)
        {
            return filter.answer(found);
        }
        let kept = self.filter.as_ref().map(|filter| &filter.hits);
        let Some(search) = self
            .search
            .as_mut()
            .filter(|search| search.open == Some(number))
        else {
            return Outcome::On;
        };
        search.open = None;
        search.looked += found.looked;
        search.total = found.total;
        let is_shown = |hit: &Hit| kept.is_none_or(|kept| kept.contains_key(&hit.arrival));
        if let Some(hit) = found.hits.into_iter().find(is_shown) {
            let wrapped = search.wrapped;
            self.search = None;
            return Outcome::Hit {
                uuid: hit.uuid,
                wrapped,
            };
        }
        let is_over = found.done && (search.wrapped || !search.wraps);
        if search.looked >= search.total || is_over {
            let same_author = search.request.same_author;
            self.search = None;
            return Outcome::NoHit { same_author };
        }
        search.wrapped |= found.done;
        search.request.from = found.last.filter(|_| !found.done);
        Outcome::On
    }

    /// Step `number` failed; returns whether anybody waited for it.
    pub fn failed(&mut self, number: u64) -> bool {
        let is_it = |search: &mut Search| search.open == Some(number);
        if let Some(search) = self.search.take_if(is_it) {
            if !search.request.same_author {
                self.query = None;
            }
            return true;
        }
        let is_open = |filter: &mut Filter| filter.open.is_some_and(|(open, _)| open == number);
        self.filter.take_if(is_open).is_some()
    }
}

impl Filter {
    fn is_full(&self) -> bool {
        self.hits.len() >= limits::FILTER_HITS_MAX && !self.is_whole
    }

    fn is_busy(&self) -> bool {
        !self.is_whole && !self.is_full()
    }

    /// Newer events first: they are few.
    fn next(&mut self) -> Option<(Side, SearchRequest)> {
        if self.open.is_some() {
            return None;
        }
        let request = |from: &Option<String>, back| SearchRequest {
            query: self.query.clone(),
            order: Order::Arrival,
            from: from.clone(),
            back,
            most: u32::try_from(limits::SEARCH_STEP_HITS).unwrap_or(u32::MAX),
            ..SearchRequest::default()
        };
        if self.is_stale && self.newest.is_some() {
            let request = request(&self.newest, false);
            self.is_stale = false;
            return Some((Side::Newer, request));
        }
        self.is_busy()
            .then(|| (Side::Older, request(&self.oldest, true)))
    }

    fn answer(&mut self, found: Found) -> Outcome {
        let Some((_, side)) = self.open.take() else {
            return Outcome::On;
        };
        self.total = found.total;
        self.looked += found.looked;
        match side {
            Side::Older => {
                self.is_whole = found.done;
                self.newest = self.newest.take().or(found.first);
                self.oldest = found.last.or_else(|| self.oldest.take());
            }
            Side::Newer => {
                self.is_stale |= !found.done;
                self.newest = found.last.or_else(|| self.newest.take());
            }
        }
        let before = self.hits.len();
        for hit in found.hits {
            if self.hits.len() >= limits::FILTER_HITS_MAX && side == Side::Newer {
                self.hits.pop_first(); // The oldest makes room.
                self.is_whole = false;
            }
            self.hits.insert(hit.arrival, hit);
        }
        if self.hits.len() == before && side == Side::Older && self.is_busy() {
            return Outcome::On;
        }
        Outcome::Filtered
    }
}
