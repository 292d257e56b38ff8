//! Two events of one uuid. Nobody can make them but while uuids are shortened, on this thread alone; so here two machines meet
//! without a network.

use std::collections::BTreeMap;

use fedag::event::Event;
use fedag::event::id::short::ShortIds;
use fedag::event::index::Index;
use fedag::event::key::{Key, MachineId};
use fedag::limits::TAKE_BYTES_MAX;
use fedag::machine::effect::{Effect, Effects, Notice};
use fedag::machine::input::{Input, Link};
use fedag::machine::{Config, Machine};
use fedag::sync::outflow::Asking;
use fedag::time::Time;
use fedag::wire::{Message, codec};

use super::member::signed;

/// Two machines with one connection, and what each asked for but messages.
struct Pair {
    machines: [Machine; 2],
    bodies: [BTreeMap<u32, Event>; 2],
    now: Time,
    told: [Vec<Effect>; 2],
}

fn key(number: u8) -> Key {
    Key::from_seed([number; 32])
}

/// The machines are 1, R's author, and 2.
fn founder() -> (Event, Event) {
    use fedag::event::Draft;
    use fedag::event::canon::Properties;
    use fedag::event::control::{Admit, Control, Root};
    use fedag::event::id::EventId;
    let draft = |parents, seq, control| Draft {
        parents,
        seq,
        wall: super::member::wall(),
        control,
        properties: Properties::none(),
    };
    let root = Root {
        network: "net".to_owned(),
        name: "one".to_owned(),
        rules: super::RULES,
    };
    let root = draft(Vec::new(), 1, Control::Root(root)).sign(&key(1));
    let admit = Admit {
        key: key(2).machine(),
        name: "two".to_owned(),
        invite: EventId([0; 16]),
    };
    let admission = draft(vec![root.id()], 2, Control::Admit(admit)).sign(&key(1));
    (root, admission)
}

/// Two events by 1 of one uuid, on `parent`.
fn twins(parent: &Event) -> (Event, Event) {
    let mut made = BTreeMap::new();
    for n in 0.. {
        let event = signed(&key(1), 3, vec![parent.id()], &format!("twin {n}"));
        if let Some(other) = made.insert(event.id(), event.clone()) {
            return (other, event);
        }
    }
    unreachable!("short uuids are few")
}

impl Pair {
    /// Both hold R and the admission.
    fn new() -> (Self, Event) {
        let (root, admission) = founder();
        let index = Index::of_root(root.clone(), codec::event_length(&root));
        let open = |number: u8| {
            let config = Config {
                key: key(number),
                addresses: Vec::new(),
                take_bytes: TAKE_BYTES_MAX,
                asking: Asking::default(),
                seq_after: 0,
            };
            Machine::open(index.clone(), config, number.into())
        };
        let mut pair = Self {
            machines: [open(1), open(2)],
            bodies: [BTreeMap::new(), BTreeMap::new()],
            now: Time(1),
            told: [Vec::new(), Vec::new()],
        };
        for at in [0, 1] {
            pair.receives_alone(at, &admission);
        }
        (pair, admission)
    }

    /// From somebody who comes and goes.
    fn receives_alone(&mut self, at: usize, event: &Event) {
        let peer = key(9).machine();
        let link = Link {
            rtt: std::time::Duration::ZERO,
            address: ([127, 0, 0, 1], 1).into(),
            dialled: false,
        };
        self.happens(at, Input::Connected { peer, link });
        let message = Message::Push(vec![event.clone()]);
        self.happens(at, Input::Received { peer, message });
        self.happens(at, Input::Disconnected { peer });
    }

    fn id(&self, at: usize) -> MachineId {
        self.machines[at].machine()
    }

    fn connect(&mut self) {
        let connected = [1, 0].map(|at| {
            let peer = self.id(1 - at);
            let link = Link {
                rtt: std::time::Duration::from_millis(1),
                address: ([127, 0, 0, 1], 1).into(),
                dialled: at == 0,
            };
            (at, Input::Connected { peer, link })
        });
        self.all_happens(connected.into());
    }

    fn happens(&mut self, at: usize, input: Input) {
        self.all_happens(vec![(at, input)]);
    }

    /// Inputs, the last first, and all that follows from them at both.
    fn all_happens(&mut self, mut inputs: Vec<(usize, Input)>) {
        while let Some((at, input)) = inputs.pop() {
            let mut out = Effects::default();
            self.machines[at].handle(self.now, input, &mut out);
            let other = self.id(1 - at);
            let effects: Vec<_> = out.drain().map(|(_, effect)| effect).collect();
            for effect in effects {
                if let Effect::Append(append) = effect {
                    self.bodies[at].insert(append.arrival.0, append.event);
                    continue;
                }
                let told = effect.clone();
                let sent = if let Effect::Send { peer, message } = effect {
                    (peer == other).then_some(message)
                } else {
                    None
                };
                if let Some(message) = sent {
                    let peer = self.id(at);
                    inputs.insert(0, (1 - at, Input::Received { peer, message }));
                } else {
                    self.told[at].push(told);
                }
            }
        }
    }

    fn runs_for(&mut self, seconds: u64) {
        let until = Time(self.now.0 + seconds * 1_000_000);
        while self.now < until {
            self.now = Time(self.now.0 + 10_000);
            for at in [0, 1] {
                self.happens(at, Input::Wakeup);
            }
        }
    }

    /// How often each reported the other as holding a twin, and hung up on it.
    fn reports(&self, at: usize) -> (usize, usize) {
        let peer = self.id(1 - at);
        let of = |is_it: &dyn Fn(&Effect) -> bool| {
            self.told[at].iter().filter(|effect| is_it(effect)).count()
        };
        (
            of(&|effect| *effect == Effect::Notify(Notice::Twins { peer })),
            of(&|effect| matches!(effect, Effect::Hangup { .. })),
        )
    }
}

#[test]
fn both_machines_report_twins_when_each_holds_one_of_them() {
    let _short = ShortIds::of_bytes(2);
    let (mut pair, admission) = Pair::new();
    let (one, two) = twins(&admission);
    pair.receives_alone(0, &one);
    pair.receives_alone(1, &two);
    let leaves = |machine: &Machine| machine.dag().leaves().collect::<Vec<_>>();
    assert_eq!(leaves(&pair.machines[0]), leaves(&pair.machines[1]));
    assert_ne!(
        pair.machines[0].dag().digest(),
        pair.machines[1].dag().digest()
    );
    pair.connect();
    pair.runs_for(5);
    for at in [0, 1] {
        let (twins, hangups) = pair.reports(at);
        assert!(twins >= 1, "{at} says nothing");
        assert_eq!(hangups, 0);
        assert!(pair.machines[at].has_twins());
        pair.machines[at].dag().check().unwrap();
    }
}

#[test]
fn a_twin_that_is_sent_is_reported_at_once_and_passed_to_nobody() {
    let _short = ShortIds::of_bytes(2);
    let (mut pair, admission) = Pair::new();
    let (one, two) = twins(&admission);
    pair.connect();
    pair.runs_for(1);
    let peer = pair.id(1);
    let push = |event: &Event| Input::Received {
        peer,
        message: Message::Push(vec![event.clone()]),
    };
    pair.happens(0, push(&one));
    assert_eq!(pair.reports(0), (0, 0));
    let digest = pair.machines[0].dag().digest();
    pair.happens(0, push(&two));
    assert_eq!(pair.reports(0), (1, 0));
    assert_eq!(pair.machines[0].faults().get("twins"), Some(&1));
    assert_eq!(pair.machines[0].dag().digest(), digest);
    let passed_on = |effect: &Effect| matches!(effect, Effect::Send { message: Message::Push(events), .. } if events.contains(&two));
    assert!(!pair.told[0].iter().any(passed_on));
    // Bulk and answers are looked at in the same way.
    pair.happens(
        0,
        Input::Received {
            peer,
            message: Message::Given {
                events: vec![two.clone()],
                not_held: Vec::new(),
            },
        },
    );
    assert_eq!(pair.reports(0), (2, 0));
}
