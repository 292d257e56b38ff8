//! The state of the demo's screen, and what keys do to it. Pure: `(Show, time, Msg) -> Asks`; `picture` draws it.
//!
//! Invariants:
//! - what is done by hand ends autoplay, and the words at the bottom are about it until the play goes on;
//! - of each machine at most one request for rows is open.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::control::view::{Window, WindowRequest, WindowRow};
use crate::demo::keys::{Action, action};
use crate::demo::picture::Areas;
use crate::demo::scene::{Act, Machine, Scene, Wire};
use crate::demo::script::{Pace, STEPS, Script};
use crate::tui::app::changes_rows;
use crate::tui::lanes::Columns;
use crate::tui::line::Line;
use crate::tui::look::Look;
use crate::tui::safe::clean;
use crate::tui::viewport::Viewport;

/// How long a row is lit after its event arrived, in milliseconds.
const LIT_MS: u64 = 900;
/// How long a word of refusal stays, in milliseconds.
const WORD_MS: u64 = 5_000;
/// What machines write when everyone is told to.
const TEXTS: [&str; 9] = [
    "coffee?",
    "on my way",
    "who else?",
    "me too",
    "five minutes",
    "ok",
    "running late",
    "no rush",
    "see you",
];

/// The screen.
#[derive(Debug)]
pub struct Show {
    /// What the terminal can show.
    pub look: Look,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// Milliseconds since the beginning.
    pub now_ms: u64,
    /// The machines and wires; None: they are being made.
    pub scene: Option<Scene>,
    /// How far the play is.
    pub script: Script,
    /// The machines' panes.
    pub panes: [Pane; Machine::ALL.len()],
    /// The machine that keys are about.
    pub picked: Machine,
    /// What is being written for it.
    pub line: Option<Line>,
    /// The keys are shown.
    pub is_help: bool,
    /// What was done by hand last; None: the play went on since.
    pub by_hand: Option<String>,
    /// Something was not done, and until when that is shown.
    pub refused: Option<(String, u64)>,
    written: usize,
    has_changed: bool,
}

/// A machine's pane.
#[derive(Debug, Default)]
pub struct Pane {
    /// Its rows.
    pub view: Viewport,
    /// The columns of the lanes, the same on all machines.
    pub columns: Columns,
    /// When the rows were told.
    window_ms: u64,
}

/// Something that happens to the screen.
#[derive(Debug)]
pub enum Msg {
    /// A key.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has so many columns and rows.
    Resize(u16, u16),
    /// The machines and wires as they are now.
    Scene(Scene),
    /// Rows of a machine; None: it did not answer.
    Window(Machine, Option<Box<Window>>),
    /// Something was not done, and why.
    Refused(String),
    /// Time went on.
    Tick,
}

/// Something to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Do this.
    Act(Act),
    /// Ask a machine for rows.
    Window(Machine, WindowRequest),
    /// Draw everything, also what did not change.
    Redraw,
    /// End.
    Quit,
}

impl Show {
    /// A screen of this size, before there are machines.
    pub fn new(look: Look, size: (u16, u16)) -> Self {
        Self {
            look,
            size,
            now_ms: 0,
            scene: None,
            script: Script::new(Pace::SEEN, true, 0),
            panes: Default::default(),
            picked: Machine::Cy,
            line: None,
            is_help: false,
            by_hand: None,
            refused: None,
            written: 0,
            has_changed: true,
        }
    }

    /// Takes in what happened at `now_ms`, and returns what to do.
    pub fn update(&mut self, now_ms: u64, msg: Msg) -> Vec<Ask> {
        self.now_ms = self.now_ms.max(now_ms);
        let mut asks = Vec::new();
        self.has_changed |= self
            .refused
            .take_if(|(_, until)| *until <= now_ms)
            .is_some();
        match msg {
            Msg::Key(key) => {
                self.has_changed = true;
                self.on_key(key, &mut asks);
            }
            Msg::Paste(text) => {
                if let Some(line) = &mut self.line {
                    line.paste(&text);
                    self.has_changed = true;
                }
            }
            Msg::Resize(width, height) => {
                self.size = (width, height);
                self.has_changed = true;
            }
            Msg::Scene(scene) => self.on_scene(scene),
            Msg::Window(machine, window) => self.on_window(machine, window),
            Msg::Refused(why) => {
                self.refused = Some((clean(&why), now_ms + WORD_MS));
                self.has_changed = true;
            }
            Msg::Tick => self.has_changed = true,
        }
        self.play(&mut asks);
        self.ask_rows(&mut asks);
        asks
    }

    /// Returns whether the picture changed since the last call.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.has_changed)
    }

    /// Returns whether the picture changed, and was not taken yet.
    pub fn is_stale(&self) -> bool {
        self.has_changed
    }

    /// When something changes although nothing happens.
    pub fn wakeup_ms(&self) -> Option<u64> {
        let lit = Machine::ALL
            .into_iter()
            .flat_map(|machine| self.lit_until_ms(machine))
            .min();
        let refused = self.refused.as_ref().map(|(_, until)| *until);
        let script = self.scene.as_ref().and_then(|_| self.script.wakeup_ms());
        let script = script.map(|at| at.max(self.now_ms + 20));
        [lit, refused, script].into_iter().flatten().min()
    }

    /// A row of a machine has just arrived from another.
    pub fn is_lit(&self, machine: Machine, row: &WindowRow) -> bool {
        let pane = &self.panes[machine.index()];
        self.look.motion
            && row
                .arrived_ms
                .is_some_and(|age| pane.window_ms + LIT_MS.saturating_sub(age) > self.now_ms)
    }

    fn lit_until_ms(&self, machine: Machine) -> impl Iterator<Item = u64> {
        let pane = &self.panes[machine.index()];
        let ends = |row: &WindowRow| Some(pane.window_ms + LIT_MS.checked_sub(row.arrived_ms?)?);
        let (now_ms, motion) = (self.now_ms, self.look.motion);
        let rows = pane.view.window().rows.iter().filter_map(ends);
        rows.filter(move |ends| motion && *ends > now_ms)
    }

    fn on_scene(&mut self, scene: Scene) {
        if self.scene.is_none() {
            self.script = Script::new(Pace::SEEN, true, self.now_ms);
        }
        for machine in Machine::ALL {
            let old = self.scene.as_ref().and_then(|old| old.status(machine));
            let is_other = match (old, scene.status(machine)) {
                (Some(old), Some(new)) => changes_rows(old, new),
                (None, Some(_)) => true,
                (_, None) => false,
            };
            if is_other {
                self.panes[machine.index()].view.invalidate();
            }
        }
        self.scene = Some(scene);
        self.has_changed = true;
    }

    fn on_window(&mut self, machine: Machine, window: Option<Box<Window>>) {
        let pane = &mut self.panes[machine.index()];
        match window {
            Some(window) => {
                pane.view.answer(*window);
                pane.columns = Columns::by_name(&pane.view.window().lanes);
                pane.window_ms = self.now_ms;
            }
            None => pane.view.refused(),
        }
        self.has_changed = true;
    }

    /// Lets the play go on.
    fn play(&mut self, asks: &mut Vec<Ask>) {
        let Some(scene) = &self.scene else { return };
        let before = (self.script.done(), self.script.is_playing());
        let acts = self.script.update(self.now_ms, scene);
        asks.extend(acts.into_iter().map(Ask::Act));
        if before != (self.script.done(), self.script.is_playing()) {
            self.by_hand = None;
            self.has_changed = true;
        }
    }

    fn ask_rows(&mut self, asks: &mut Vec<Ask>) {
        let areas = Areas::of(self);
        let Some(scene) = &self.scene else { return };
        for machine in Machine::ALL {
            let pane = &mut self.panes[machine.index()];
            pane.view.resize(areas.rows(machine), Machine::ALL.len());
            if scene.status(machine).is_none() {
                continue;
            }
            if let Some(request) = pane.view.ask() {
                asks.push(Ask::Window(machine, request));
            }
        }
    }

    fn on_key(&mut self, key: KeyEvent, asks: &mut Vec<Ask>) {
        let is_stop =
            key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c');
        if is_stop {
            asks.push(Ask::Quit);
        } else if self.line.is_some() {
            self.on_line_key(key, asks);
        } else if std::mem::take(&mut self.is_help) {
            // Any key takes the help away.
        } else if let Some(action) = action(key) {
            self.on_action(action, asks);
        }
    }

    fn on_line_key(&mut self, key: KeyEvent, asks: &mut Vec<Ask>) {
        let Some(line) = &mut self.line else { return };
        if key.code == KeyCode::Esc {
            self.line = None;
        } else if key.code == KeyCode::Enter {
            let text = clean(line.text().trim());
            self.line = None;
            if !text.is_empty() {
                asks.push(Ask::Act(Act::Write(self.picked, text)));
                let name = self.picked.name();
                self.say(format!(
                    "You wrote on {name}. It goes to every machine that {name} can reach."
                ));
            }
        } else {
            line.edit(key);
        }
    }

    fn on_action(&mut self, action: Action, asks: &mut Vec<Ask>) {
        match action {
            Action::Pick(machine) => self.picked = machine,
            Action::Quit => asks.push(Ask::Quit),
            Action::Redraw => asks.push(Ask::Redraw),
            Action::Help => self.is_help = true,
            Action::Auto => self.turn_auto(),
            Action::Next => {
                self.script.set_auto(false);
                if let Some(scene) = &self.scene {
                    let acts = self.script.next(self.now_ms, scene);
                    asks.extend(acts.into_iter().map(Ask::Act));
                    self.by_hand = None;
                }
            }
            Action::Write => {
                self.script.set_auto(false);
                self.line = Some(Line::default());
            }
            Action::All | Action::Cut | Action::Heal | Action::Slow | Action::Kill => {
                if self.scene.is_some() {
                    self.script.set_auto(false);
                    self.by_hand(action, asks);
                }
            }
        }
    }

    fn turn_auto(&mut self) {
        if self.script.is_over() {
            self.script.restart(self.now_ms);
            self.script.set_auto(true);
        } else {
            self.script.set_auto(!self.script.is_auto());
        }
        self.by_hand = None;
    }

    /// What changes machines and wires.
    fn by_hand(&mut self, action: Action, asks: &mut Vec<Ask>) {
        let Some(scene) = &self.scene else { return };
        let (machine, name) = (self.picked, self.picked.name());
        let is_up = scene.status(machine).is_some();
        let is_slow = Wire::of(machine).all(|wire| scene.wire(wire).is_slow);
        let word = match action {
            Action::All => {
                for machine in Machine::ALL {
                    if scene.status(machine).is_some() {
                        let text = TEXTS[self.written % TEXTS.len()];
                        self.written += 1;
                        asks.push(Ask::Act(Act::Write(machine, text.to_owned())));
                    }
                }
                "Every machine that runs wrote an event, at the same moment.".to_owned()
            }
            Action::Cut => {
                asks.push(Ask::Act(Act::Cut(machine)));
                format!(
                    "You cut the wires of {name}. Write on both sides (Space, or 1 2 3 and Enter), then h mends them."
                )
            }
            Action::Heal => {
                asks.push(Ask::Act(Act::Heal));
                "All wires are whole. The machines find each other and make up what is missing."
                    .to_owned()
            }
            Action::Slow if is_slow => {
                asks.push(Ask::Act(Act::Slow(machine, false)));
                format!("The wires of {name} are fast again.")
            }
            Action::Slow => {
                asks.push(Ask::Act(Act::Slow(machine, true)));
                format!(
                    "Each packet to and from {name} takes 150 ms now, a round trip 300. Write, and see when the ticks come."
                )
            }
            Action::Kill if is_up => {
                asks.push(Ask::Act(Act::Kill(machine)));
                format!(
                    "You killed {name}, without a word to anybody. Write on the others, then k starts it from its store."
                )
            }
            Action::Kill => {
                asks.push(Ask::Act(Act::Start(machine)));
                format!("{name} starts from its store, and fetches what it missed.")
            }
            Action::Pick(_)
            | Action::Quit
            | Action::Redraw
            | Action::Help
            | Action::Auto
            | Action::Next
            | Action::Write => return,
        };
        self.say(word);
    }

    fn say(&mut self, word: String) {
        self.by_hand = Some(word);
        self.has_changed = true;
    }

    /// The words about what happens, and about what comes next.
    pub fn caption(&self) -> (String, String) {
        let what = match (&self.by_hand, self.script.step()) {
            (Some(word), _) => word.clone(),
            (None, Some(step)) if self.script.is_playing() => step.doing.to_owned(),
            (None, Some(step)) => step.done.to_owned(),
            (None, None) if self.scene.is_none() => {
                "Three nodes are started: ana makes a network, bob and cy join it with a ticket.".to_owned()
            }
            (None, None) => {
                "Three machines, each with a store of its own. bob and cy joined with a ticket from ana; nobody is a server.".to_owned()
            }
        };
        (what, self.next_words())
    }

    fn next_words(&self) -> String {
        if self.scene.is_none() {
            return String::new();
        }
        if self.script.is_over() {
            return "Now with two real terminals:  fedag  and  fedag --data /tmp/second join TICKET  (F2 shows the ticket)"
                .to_owned();
        }
        if self.script.is_playing() && self.by_hand.is_none() {
            return String::new();
        }
        let next = STEPS.get(self.script.done()).map_or("", |step| step.title);
        if self.script.is_auto() {
            format!("Next: {next}. a pauses, n does not wait.")
        } else {
            format!("n plays the next step: {next}. a plays all by itself.")
        }
    }
}
