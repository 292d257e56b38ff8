//! Three machines in memory that do at once what they are told, in the place of the demo's real ones.

use std::fmt::Write;

use fedag::control::view::PeerStatus;
use fedag::demo::scene::{Act, Machine, Scene, Wire};
use fedag::demo::show::{Ask, Msg, Show};

use crate::tui::world::World;

/// How long it takes until a machine notices that nobody answers, as in `limits::DEMO_IDLE`.
const NOTICED_MS: u64 = 3_000;
const STEP_MS: u64 = 50;

pub(super) struct Toy {
    pub(super) world: World,
    /// What was done, in words.
    pub(super) acts: Vec<String>,
    pub(super) now_ms: u64,
    pub(super) has_quit: bool,
    is_up: [bool; 3],
    scene: Scene,
    /// When each wire was cut.
    cut_ms: [u64; 3],
    /// When each event was made.
    made_ms: Vec<u64>,
}

impl Toy {
    pub(super) fn new() -> Self {
        let mut toy = Self {
            world: World::new(&["ana", "bob", "cy"]),
            acts: Vec::new(),
            now_ms: 0,
            has_quit: false,
            is_up: [true; 3],
            scene: Scene::default(),
            cut_ms: [0; 3],
            made_ms: Vec::new(),
        };
        toy.spread();
        toy
    }

    /// The machines have found each other.
    pub(super) fn begin(&mut self, show: &mut Show) {
        let scene = self.scene();
        self.tell(show, Msg::Scene(scene));
    }

    /// Lets time go on until it is so, but no longer than this.
    pub(super) fn wait(&mut self, show: &mut Show, ms: u64, is_so: impl Fn(&Show) -> bool) {
        let end = self.now_ms + ms;
        while self.now_ms < end && !is_so(show) {
            self.now_ms += STEP_MS;
            let scene = self.scene();
            self.tell(show, Msg::Scene(scene));
        }
    }

    /// Tells the screen, and does what it asks for.
    pub(super) fn tell(&mut self, show: &mut Show, msg: Msg) {
        let mut asks = show.update(self.now_ms, msg);
        while !asks.is_empty() {
            let mut next = Vec::new();
            let has_acts = asks.iter().any(|ask| matches!(ask, Ask::Act(_)));
            for ask in asks {
                match ask {
                    Ask::Quit => self.has_quit = true,
                    Ask::Redraw => {}
                    Ask::Act(act) => self.act(act),
                    Ask::Window(machine, request) => {
                        let mut window = self.world.window(machine.index(), &request);
                        for row in &mut window.rows {
                            let event = self.event(&row.uuid);
                            let is_own = self.world.events[event].lane == machine.index();
                            let age_ms = self.now_ms - self.made_ms[event];
                            row.arrived_ms = (!is_own).then_some(age_ms);
                        }
                        let told = Msg::Window(machine, Some(Box::new(window)));
                        next.extend(show.update(self.now_ms, told));
                    }
                }
            }
            if has_acts {
                let scene = self.scene();
                next.extend(show.update(self.now_ms, Msg::Scene(scene)));
            }
            asks = next;
        }
    }

    fn event(&self, uuid: &str) -> usize {
        let mut events = 0..self.world.events.len();
        events.find(|event| World::uuid(*event) == uuid).unwrap()
    }

    fn act(&mut self, act: Act) {
        let mut words = String::new();
        match act {
            Act::Write(machine, text) => {
                write!(words, "write {} {text}", machine.name()).unwrap();
                self.world.write(machine.index(), &text);
                self.made_ms.resize(self.world.events.len(), self.now_ms);
            }
            Act::Cut(machine) => {
                write!(words, "cut {}", machine.name()).unwrap();
                for wire in Wire::of(machine) {
                    self.scene.wires[wire.index()].is_cut = true;
                    self.cut_ms[wire.index()] = self.now_ms;
                }
            }
            Act::Heal => {
                words.push_str("heal");
                for wire in &mut self.scene.wires {
                    wire.is_cut = false;
                }
            }
            Act::Slow(machine, is_slow) => {
                write!(words, "slow {} {is_slow}", machine.name()).unwrap();
                for wire in Wire::of(machine) {
                    self.scene.wires[wire.index()].is_slow = is_slow;
                }
            }
            Act::Kill(machine) => {
                write!(words, "kill {}", machine.name()).unwrap();
                self.is_up[machine.index()] = false;
            }
            Act::Start(machine) => {
                write!(words, "start {}", machine.name()).unwrap();
                self.is_up[machine.index()] = true;
            }
        }
        self.acts.push(words);
    }

    fn spread(&mut self) {
        for _ in 0..2 {
            for wire in Wire::ALL {
                let (a, b) = wire.ends();
                if !self.scene.wire(wire).is_cut && self.is_up[a.index()] && self.is_up[b.index()] {
                    self.world.pull(a.index(), b.index());
                    self.world.pull(b.index(), a.index());
                }
            }
        }
    }

    fn scene(&mut self) -> Scene {
        self.spread();
        self.made_ms.resize(self.world.events.len(), self.now_ms);
        for machine in Machine::ALL {
            let others = Machine::ALL.into_iter().filter(|other| *other != machine);
            let peers: Vec<_> = others.map(|other| self.peer(machine, other)).collect();
            let status = self.world.status(machine.index(), peers);
            let is_up = self.is_up[machine.index()];
            self.scene.machines[machine.index()] = is_up.then(|| Box::new(status));
        }
        for wire in &mut self.scene.wires {
            wire.traffic.packets = 400 + self.now_ms / 100;
            wire.traffic.lost = if wire.is_cut { 9 } else { 0 };
        }
        self.scene.clone()
    }

    fn peer(&self, machine: Machine, other: Machine) -> PeerStatus {
        let wire = Wire::between(machine, other).unwrap();
        let is_cut =
            self.scene.wire(wire).is_cut && self.now_ms >= self.cut_ms[wire.index()] + NOTICED_MS;
        let (me, other) = (machine.index(), other.index());
        if is_cut || !self.is_up[other] {
            return self.world.away(me, other, "it does not answer");
        }
        self.world.peer(me, other)
    }
}
