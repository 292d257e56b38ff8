//! What the demo plays: [`STEPS`], and how far it is. Pure: `(Script, time, Scene) -> Acts`.
//!
//! Autoplay, the next step by hand, and `--headless` all go through [`Script::update`]; only the [`Pace`] differs.
//!
//! Invariants:
//! - a step begins with the wires and machines that it needs: what was changed by hand is put right first;
//! - the next round of a step begins when what was written before is acknowledged and has reached all that can be reached, so
//!   that a seed gives the same events again.

use crate::demo::scene::{Act, Machine, Scene};

use Machine::{Ana, Bob, Cy};

/// A step of the play.
#[derive(Debug)]
pub struct Step {
    /// In a few words.
    pub title: &'static str,
    /// In which state the wires are put first.
    pub wires: Wires,
    /// What is written, in rounds; what is in one round is written at once.
    pub rounds: &'static [&'static [(Machine, &'static str)]],
    /// What must be so at the end, besides that all that can be reached holds the same.
    pub until: Until,
    /// What happens, while it does.
    pub doing: &'static str,
    /// What happened, once it did.
    pub done: &'static str,
    /// How long this is left to be read in autoplay, in milliseconds.
    pub read_ms: u64,
}

/// A state of the wires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wires {
    /// None is cut, and all machines run.
    Whole,
    /// Those of cy are cut, and all machines run.
    CyCut,
}

/// What must be so at the end of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Nothing more.
    Calm,
    /// cy holds other events than ana and bob, and each side has found out that it cannot reach the other.
    Apart,
    /// All have converged, on one leaf.
    OneLeaf,
}

/// The play.
pub const STEPS: &[Step] = &[
    Step {
        title: "everyone writes",
        wires: Wires::Whole,
        rounds: &[
            &[(Ana, "lunch?")],
            &[(Bob, "yes!"), (Cy, "hungry!")],
            &[(Ana, "where to?")],
        ],
        until: Until::OneLeaf,
        doing: "Each machine writes to its own disk first, then tells the others. There is no server in between.",
        done: "All three hold the same events: their digests are equal, and so are the three pictures.",
        read_ms: 3_500,
    },
    Step {
        title: "the wire to cy is cut",
        wires: Wires::CyCut,
        rounds: &[],
        until: Until::Calm,
        doing: "Cutting the wires of cy.",
        done: "No packet gets to cy or away from it. The machines do not know yet: they notice by the silence.",
        read_ms: 3_000,
    },
    Step {
        title: "both sides go on writing",
        wires: Wires::CyCut,
        rounds: &[
            &[(Bob, "sushi!"), (Cy, "pizza!")],
            &[(Ana, "sushi it is"), (Cy, "hello?")],
            &[(Cy, "anyone?")],
        ],
        until: Until::Apart,
        doing: "cy cannot reach the others, and both sides go on writing: nobody needs permission.",
        done: "Two digests, two histories with one root. cy has noticed and says CUT OFF; all it wrote is safe on its disk.",
        read_ms: 3_500,
    },
    Step {
        title: "the wire is mended",
        wires: Wires::Whole,
        rounds: &[],
        until: Until::Calm,
        doing: "The wires are whole. The machines find each other again and compare what they hold.",
        done: "Only what was missing was sent: 2 events to cy, 3 from it. Equal digests again, and nothing is lost.",
        read_ms: 4_000,
    },
    Step {
        title: "the next event joins both",
        wires: Wires::Whole,
        rounds: &[&[(Bob, "both!")]],
        until: Until::OneLeaf,
        doing: "bob writes once more.",
        done: "bob's event names both leaves as its parents: two histories are one, the same one on every machine.",
        read_ms: 4_000,
    },
];

/// How fast it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The least from one round to the next, in milliseconds.
    pub round_ms: u64,
    /// What happened is left to be read before the next step.
    pub is_read: bool,
}

impl Pace {
    /// For people.
    pub const SEEN: Self = Self {
        round_ms: 800,
        is_read: true,
    };
    /// For nobody.
    pub const FAST: Self = Self {
        round_ms: 0,
        is_read: false,
    };
}

/// How far the play is.
#[derive(Debug)]
pub struct Script {
    pace: Pace,
    is_auto: bool,
    /// Steps that are done.
    done: usize,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing is under way, since then.
    Rest { since_ms: u64 },
    /// The next step has begun: so many of its rounds were given, the last one then.
    Playing {
        rounds: usize,
        round_ms: u64,
        begun_ms: u64,
    },
}

/// How long the first words are left to be read, in milliseconds.
const FIRST_READ_MS: u64 = 2_500;

impl Script {
    /// The beginning of the play.
    pub fn new(pace: Pace, is_auto: bool, now_ms: u64) -> Self {
        Self {
            pace,
            is_auto,
            done: 0,
            phase: Phase::Rest { since_ms: now_ms },
        }
    }

    /// Steps that are done.
    pub fn done(&self) -> usize {
        self.done
    }

    /// All steps are.
    pub fn is_over(&self) -> bool {
        self.done == STEPS.len()
    }

    /// It goes on by itself.
    pub fn is_auto(&self) -> bool {
        self.is_auto && !self.is_over()
    }

    /// A step is under way.
    pub fn is_playing(&self) -> bool {
        match self.phase {
            Phase::Rest { .. } => false,
            Phase::Playing { .. } => true,
        }
    }

    /// The step that is under way or was done last; None: none has begun.
    pub fn step(&self) -> Option<&'static Step> {
        match self.phase {
            Phase::Rest { .. } => self.done.checked_sub(1).and_then(|at| STEPS.get(at)),
            Phase::Playing { .. } => STEPS.get(self.done),
        }
    }

    /// For how long the step that is under way has been, in milliseconds.
    pub fn playing_for_ms(&self, now_ms: u64) -> u64 {
        match self.phase {
            Phase::Rest { .. } => 0,
            Phase::Playing { begun_ms, .. } => now_ms.saturating_sub(begun_ms),
        }
    }

    /// Goes on by itself, or no longer.
    pub fn set_auto(&mut self, is_auto: bool) {
        self.is_auto = is_auto;
    }

    /// Plays it from the beginning; what was written stays.
    pub fn restart(&mut self, now_ms: u64) {
        self.done = 0;
        self.phase = Phase::Rest { since_ms: now_ms };
    }

    /// Begins the next step; puts the wires and machines right for the one that is under way.
    pub fn next(&mut self, now_ms: u64, scene: &Scene) -> Vec<Act> {
        let Some(step) = STEPS.get(self.done) else {
            return Vec::new();
        };
        if let Phase::Rest { .. } = self.phase {
            self.phase = Phase::Playing {
                rounds: 0,
                round_ms: 0,
                begun_ms: now_ms,
            };
        }
        prepare(step.wires, scene)
    }

    /// When it goes on although nothing happened.
    pub fn wakeup_ms(&self) -> Option<u64> {
        match self.phase {
            Phase::Rest { since_ms } => self.is_auto().then(|| since_ms + self.read_ms()),
            Phase::Playing { round_ms, .. } => Some(round_ms + self.pace.round_ms),
        }
    }

    fn read_ms(&self) -> u64 {
        if !self.pace.is_read {
            return 0;
        }
        self.step().map_or(FIRST_READ_MS, |step| step.read_ms)
    }

    /// Goes on as far as it can; returns what is to be done now.
    pub fn update(&mut self, now_ms: u64, scene: &Scene) -> Vec<Act> {
        match self.phase {
            Phase::Rest { since_ms } => {
                if self.is_auto() && now_ms >= since_ms + self.read_ms() {
                    return self.next(now_ms, scene);
                }
                Vec::new()
            }
            Phase::Playing {
                rounds,
                round_ms,
                begun_ms,
            } => {
                let Some(step) = STEPS.get(self.done) else {
                    return Vec::new();
                };
                let is_due = now_ms >= round_ms + self.pace.round_ms;
                if !is_due || !is_calm(step.wires, scene) {
                    return Vec::new();
                }
                if let Some(round) = step.rounds.get(rounds) {
                    self.phase = Phase::Playing {
                        rounds: rounds + 1,
                        round_ms: now_ms,
                        begun_ms,
                    };
                    let write =
                        |(machine, text): &(Machine, &str)| Act::Write(*machine, (*text).into());
                    return round.iter().map(write).collect();
                }
                if is_so(step.until, scene) {
                    self.done += 1;
                    self.phase = Phase::Rest { since_ms: now_ms };
                }
                Vec::new()
            }
        }
    }
}

/// What puts the wires and machines right.
fn prepare(wires: Wires, scene: &Scene) -> Vec<Act> {
    let cut = match wires {
        Wires::Whole => None,
        Wires::CyCut => Some(Cy),
    };
    let mut acts = Vec::new();
    let down = |machine: &Machine| scene.status(*machine).is_none();
    acts.extend(Machine::ALL.into_iter().filter(down).map(Act::Start));
    if !scene.is_cut_only(cut) {
        acts.extend((!scene.is_cut_only(None)).then_some(Act::Heal));
        acts.extend(cut.map(Act::Cut));
    }
    acts
}

/// Nothing is on its way to who can be reached.
fn is_calm(wires: Wires, scene: &Scene) -> bool {
    if scene.writing > 0 {
        return false;
    }
    match wires {
        Wires::Whole => scene.is_cut_only(None) && scene.has_converged(),
        Wires::CyCut => {
            scene.is_cut_only(Some(Cy)) && scene.are_equal(Ana, Bob) && scene.status(Cy).is_some()
        }
    }
}

fn is_so(until: Until, scene: &Scene) -> bool {
    match until {
        Until::Calm => true,
        Until::Apart => {
            let nobody_reaches_cy = !scene.is_connected(Ana, Cy) && !scene.is_connected(Bob, Cy);
            !scene.are_equal(Ana, Cy) && scene.says_cut_off(Cy) && nobody_reaches_cy
        }
        Until::OneLeaf => scene
            .status(Ana)
            .is_some_and(|status| status.leaves_total == 1),
    }
}
