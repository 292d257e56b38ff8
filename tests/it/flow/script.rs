//! One machine and a peer that says what the scene wants.

use std::time::Duration;

use fedag::event::id::{DagDigest, EventId};
use fedag::event::key::MachineId;
use fedag::limits::RUN_EVENTS_MAX;
use fedag::machine::flow::Step;
use fedag::machine::input::{Input, Link};
use fedag::sim::{Setup, Sim};
use fedag::sync::message::{End, Heads, Hello, SessionId};
use fedag::wire::Message;

use crate::flow::scenes::ms;

/// One machine and a peer that says what the scene wants.
pub(super) struct Script {
    pub(super) sim: Sim,
    pub(super) steps: usize,
}

impl Script {
    /// Host 0 is under test and wrote a little; host 1 is a member whose words are made up.
    pub(super) fn new() -> Self {
        let mut sim = Sim::new(Setup::default());
        sim.admit(0);
        sim.create(0, &["one", "two", "three"]);
        sim.run_for(ms(10));
        Self {
            steps: sim.steps().len(),
            sim,
        }
    }

    pub(super) fn other(&self) -> MachineId {
        self.sim.machine(1).machine()
    }

    pub(super) fn connect(&mut self) {
        let link = Link {
            rtt: ms(1),
            address: "10.0.0.1:4433".parse().unwrap(),
            dialled: false,
        };
        self.give(Input::Connected {
            peer: self.other(),
            link,
        });
    }

    pub(super) fn give(&mut self, input: Input) {
        self.sim.give(0, input);
    }

    pub(super) fn receive(&mut self, message: Message) {
        let peer = self.other();
        self.give(Input::Received { peer, message });
    }

    pub(super) fn wait(&mut self, duration: Duration) {
        self.sim.run_for(duration);
    }

    /// Events of host 0, durable.
    pub(super) fn write(&mut self, events: usize) {
        let texts = vec!["one of many"; events];
        for texts in texts.chunks(RUN_EVENTS_MAX) {
            self.sim.create(0, texts);
        }
        self.sim.run_for(ms(10));
    }

    /// How many events host 0 holds.
    pub(super) fn held(&self) -> usize {
        self.sim.machine(0).dag().len() as usize
    }

    pub(super) fn take_steps(&self) -> Vec<Step> {
        self.sim.steps()[self.steps..].to_vec()
    }

    pub(super) fn hello(session: u32, answers: Option<u32>, take: u64, heads: Heads) -> Hello {
        let answers = answers.map(SessionId);
        Hello {
            session: SessionId(session),
            answers,
            heads,
            head_parents: Vec::new(),
            locator: Vec::new(),
            take,
        }
    }

    pub(super) fn end(&self, session: u32) -> End {
        End {
            session: SessionId(session),
            more: false,
            heads: self.own_heads(),
        }
    }

    pub(super) fn own_heads(&self) -> Heads {
        fedag::sync::locate::heads(self.sim.machine(0).dag(), false)
    }

    /// Heads of a machine that holds R alone.
    pub(super) fn behind(&self) -> Heads {
        fedag::sync::locate::heads(self.sim.machine(1).dag(), false)
    }

    /// Heads that nobody holds.
    pub(super) fn unheld() -> Heads {
        Heads {
            ids: vec![EventId([3; 16])],
            total: 1,
            count: 90_000, // so many that what is sent is offered first
            digest: DagDigest([3; 32]),
            bulk: false,
        }
    }

    /// A chain of events by the other machine, as it would write them on R alone; of a network of the same seed.
    pub(super) fn events_of_other<const N: usize>(texts: &[&str; N]) -> [fedag::event::Event; N] {
        let mut sim = Sim::new(Setup::default());
        sim.join(0);
        assert!(sim.run_until_equal(ms(5_000)).is_some());
        texts.map(|text| {
            sim.created(1, text);
            sim.host(1).log.last().unwrap().event.clone()
        })
    }

    /// A signed event by the other machine and an unsigned one after it, of which the first says nothing.
    pub(super) fn unvouched(&self) -> [fedag::event::Event; 2] {
        let key = self.sim.host(1).key();
        let parents = vec![self.sim.machine(0).dag().root()];
        let item = |text| (wall(), fedag::event::canon::Properties::from_text(text));
        let run = fedag::event::sign_run(parents.clone(), 1, vec![item("a"), item("b")], key);
        let other = fedag::event::sign_run(parents, 1, vec![item("c")], key);
        let mut raw = run[1].raw().clone();
        raw.parents = vec![other[0].id()];
        let rules = *self.sim.machine(0).dag().rules();
        let child = raw.check(&rules, 200).unwrap();
        [other[0].clone(), child]
    }
}

pub(super) fn wall() -> fedag::event::wall::WallTime {
    fedag::event::wall::WallTime::from_ms(1_767_225_600_000).unwrap()
}
