//! Properties with a scene of their own: what a few simulated machines must do.

use std::collections::BTreeSet;
use std::time::Duration;

use fedag::dag::Dag;
use fedag::event::canon::Properties;
use fedag::event::control::{Control, Rules};
use fedag::event::id::EventId;
use fedag::event::index::Arrival;
use fedag::event::key::{Key, MachineId};
use fedag::event::wall::WallTime;
use fedag::event::{Draft, Event, Proof, Raw};
use fedag::limits::{EVENT_BYTES_DEFAULT, OFFER_ABOVE_BYTES, PEERS_MAX, PEERS_WANTED};
use fedag::machine::effect::{Effect, Effects};
use fedag::machine::input::{Input, Link};
use fedag::sim::{Setup, Sim};
use fedag::sync::locate;
use fedag::time::Time;
use fedag::wire::Message;

/// A property's name, and whether it holds.
type Scene = (&'static str, fn() -> bool);

/// By name: whether the property holds.
pub(super) const SCENES: &[Scene] = &[
    ("what is kept of the DAG is right", index_agrees),
    (
        "an event descends from its author's last",
        own_events_descend,
    ),
    ("no event of a stranger is held", strangers_are_not_held),
    (
        "a member's event is held whatever its parents",
        members_are_held,
    ),
    (
        "an unsigned event needs its parent's word",
        unsigned_is_not_held,
    ),
    (
        "what a pushed event lacks is made up within a second",
        lacking_is_made_up,
    ),
    ("two that diverged far become equal", diverged_become_equal),
    ("nobody sends more than the credit", credit_is_kept),
    (
        "after a long cut machines find each other",
        cut_machines_meet,
    ),
    (
        "who has peers enough meets others now and then",
        another_is_met,
    ),
    (
        "a machine that all know keeps room for newcomers",
        newcomers_find_room,
    ),
];

/// Leaves, heights, authors and the digest, worked out anew, are those that are kept.
fn index_agrees() -> bool {
    let mut sim = Sim::new(Setup::default());
    (0..5).all(|_| {
        sim.created(0, "one after the other");
        sim.machine(0).dag().check().is_ok()
    })
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn wall() -> WallTime {
    WallTime::from_ms(1_767_225_600_000).unwrap()
}

/// Machines in step.
fn machines(number: usize, setup: Setup) -> Sim {
    let mut sim = Sim::new(setup);
    for _ in 1..number {
        sim.join(0);
    }
    // Those that find no room at once come again within half a minute.
    assert!(sim.run_until_equal(seconds(180)).is_some());
    sim.run_for(seconds(1));
    sim
}

fn id_of(sim: &Sim, host: usize) -> MachineId {
    sim.machine(host).machine()
}

/// Lets host 1 push `event` to host 0; whether that holds it then.
fn is_taken(sim: &mut Sim, event: Event) -> bool {
    let (peer, id) = (id_of(sim, 1), event.id());
    let message = Message::Push(vec![event]);
    sim.give(0, Input::Received { peer, message });
    sim.machine(0).dag().holds(id)
}

fn event_by(key: &Key, seq: u64, parents: Vec<EventId>) -> Event {
    let (control, properties) = (Control::None, Properties::from_text("made up"));
    Draft {
        parents,
        seq,
        wall: wall(),
        control,
        properties,
    }
    .sign(key)
}

/// Five machines, each alone, make five leaves, where two parents are allowed; then all go on writing.
fn own_events_descend() -> bool {
    let rules = Rules {
        event_bytes_max: EVENT_BYTES_DEFAULT,
        parents_max: 2,
    };
    let mut sim = machines(
        5,
        Setup {
            rules,
            ..Setup::default()
        },
    );
    let pairs = || (0..5).flat_map(|a| (0..a).map(move |b| (a, b)));
    for (a, b) in pairs() {
        sim.cut(a, b);
    }
    for host in 0..5 {
        sim.created(host, "alone");
    }
    for (a, b) in pairs() {
        sim.heal(a, b);
    }
    assert!(sim.run_until_equal(seconds(120)).is_some());
    for host in (0..5).cycle().take(20) {
        sim.created(host, "together");
    }
    (0..5).all(|host| is_chain(sim.machine(host).dag(), id_of(&sim, host)))
}

/// Each event of `machine` has the one before among its ancestors.
fn is_chain(dag: &Dag, machine: MachineId) -> bool {
    let is_own = |at: &Arrival| dag.author_key(dag.author(*at)) == machine;
    let own: Vec<Arrival> = (0..dag.len()).map(Arrival).filter(is_own).collect();
    own.windows(2)
        .all(|two| ancestors(dag, two[1]).contains(&two[0]))
}

fn ancestors(dag: &Dag, of: Arrival) -> BTreeSet<Arrival> {
    let (mut seen, mut open) = (BTreeSet::new(), vec![of]);
    while let Some(at) = open.pop() {
        open.extend(
            dag.parents(at)
                .iter()
                .filter(|parent| seen.insert(**parent)),
        );
    }
    seen
}

fn strangers_are_not_held() -> bool {
    let mut sim = machines(2, Setup::default());
    let leaves = sim.machine(0).dag().leaves().collect();
    let event = event_by(&Key::from_seed([9; 32]), 1, leaves);
    !is_taken(&mut sim, event)
}

fn members_are_held() -> bool {
    let mut sim = machines(2, Setup::default());
    let event = event_by(sim.host(1).key(), 1, vec![sim.machine(0).dag().root()]);
    is_taken(&mut sim, event)
}

fn unsigned_is_not_held() -> bool {
    let mut sim = machines(2, Setup::default());
    let parent = sim.created(1, "signed, without a next");
    assert!(sim.run_until_equal(seconds(5)).is_some());
    let dag = sim.machine(0).dag();
    let raw = Raw {
        parents: vec![parent],
        machine: id_of(&sim, 1),
        seq: dag.seq(dag.find(parent).unwrap()) + 1,
        time_ms: wall().ms(),
        proof: Proof::Last,
        control: Vec::new(),
        properties: Properties::from_text("by whom?").into_bytes(),
    };
    let event = raw.check(dag.rules(), 200).unwrap();
    !is_taken(&mut sim, event)
}

/// The first of two events is not pushed, since the queue to host 0 ran over.
fn lacking_is_made_up() -> bool {
    let mut sim = machines(2, Setup::default());
    let peer = id_of(&sim, 0);
    sim.give(1, Input::Overflowed { peer });
    sim.created(1, "not pushed");
    sim.give(1, Input::Drained { peer });
    sim.created(1, "pushed");
    sim.run_until_equal(seconds(1)).is_some()
}

/// Two machines that were cut off from each other, each with `number` events of 1 KB more.
fn apart(setup: Setup, number: usize) -> Sim {
    let mut sim = machines(2, setup);
    sim.cut(0, 1);
    let text = "x".repeat(1000);
    for host in [0, 1] {
        for _ in 0..number {
            sim.created(host, &text);
        }
    }
    sim.heal(0, 1);
    sim
}

fn diverged_become_equal() -> bool {
    let number = usize::try_from(OFFER_ABOVE_BYTES / 1000).unwrap() + 10;
    apart(Setup::default(), number)
        .run_until_equal(seconds(300))
        .is_some()
}

fn credit_is_kept() -> bool {
    let mut sim = apart(
        Setup {
            take_bytes: 2000,
            ..Setup::default()
        },
        100,
    );
    sim.run_for(seconds(120));
    (0..2).all(|host| sim.machine(host).faults().is_empty())
}

fn cut_machines_meet() -> bool {
    let mut sim = machines(2, Setup::default());
    sim.cut(0, 1);
    sim.created(0, "cut off");
    sim.run_for(seconds(60));
    sim.heal(0, 1);
    sim.run_until_equal(seconds(60)).is_some()
}

/// Peers of its own choice that are in step, as many as it wants, and one more machine that it knows.
fn another_is_met() -> bool {
    let mut machine = machines(1, Setup::default()).machine(0).clone();
    let (mut effects, start) = (Effects::default(), Time(60_000_000));
    let heads = locate::heads(machine.dag(), false);
    for number in 1..=u8::try_from(PEERS_WANTED + 1).unwrap() {
        let peer = Key::from_seed([number; 32]).machine();
        let address = ([10, 1, 1, number], 4433).into();
        if usize::from(number) <= PEERS_WANTED {
            let link = Link {
                rtt: Duration::from_millis(20),
                address,
                dialled: true,
            };
            machine.handle(start, Input::Connected { peer, link }, &mut effects);
            let message = Message::Heads(heads.clone());
            machine.handle(start, Input::Received { peer, message }, &mut effects);
        } else {
            let addresses = vec![address];
            let keep = false;
            let known = Input::Reachable {
                peer,
                addresses,
                keep,
            };
            machine.handle(start, known, &mut effects);
        }
    }
    effects.drain().for_each(drop);
    while let Some(due) = machine
        .next_wakeup()
        .filter(|due| *due < start + seconds(1200))
    {
        machine.handle(due, Input::Wakeup, &mut effects);
    }
    let is_dial = |effect: &Effect| matches!(effect, Effect::Dial { .. });
    effects.as_slice().iter().any(|(_, effect)| is_dial(effect))
}

fn newcomers_find_room() -> bool {
    let mut sim = Sim::new(Setup::default());
    for _ in 0..2 * PEERS_MAX {
        sim.join(0);
    }
    sim.run_until_equal(seconds(180)).is_some()
}
