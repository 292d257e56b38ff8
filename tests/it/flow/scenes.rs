//! The scenes that walk every arrow of the chart.

use std::collections::BTreeSet;
use std::time::Duration;

use fedag::event::Draft;
use fedag::event::canon::Properties;
use fedag::event::control::{Control, Rules};
use fedag::event::id::{DagDigest, EventId};
use fedag::event::key::MachineId;
use fedag::limits::{
    COMPARE_EVERY, EVENT_BYTES_DEFAULT, EVENT_BYTES_MIN, PARENTS_MAX, PEERS_WANTED, SESSION_IDLE,
};
use fedag::machine::Phase;
use fedag::machine::flow::Step;
use fedag::machine::input::{Input, JoinRequest, RequestId};
use fedag::sim::{Setup, Sim};
use fedag::sync::message::{Heads, SessionId, Verdict};
use fedag::wire::Message;
use fedag::wire::fault::Fault;

use crate::flow::offers::offers;
use crate::flow::script::{Script, wall};

pub(super) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Everything that the scenarios below walk.
pub(super) fn walked() -> BTreeSet<Step> {
    let mut steps = BTreeSet::new();
    steps.extend(live());
    steps.extend(more_than_peers());
    steps.extend(late());
    steps.extend(requests());
    steps.extend(crowded());
    steps.extend(large_events());
    steps.extend(out_of_order());
    steps.extend(scripted());
    steps
}

/// Three machines write, are cut, and heal.
fn live() -> Vec<Step> {
    let mut sim = Sim::new(Setup::default());
    sim.join(0);
    sim.join(0);
    assert!(sim.run_until_equal(ms(5_000)).is_some());
    for (round, cut) in [false, true, false].into_iter().enumerate() {
        for host in 0..2 {
            if cut {
                sim.cut(host, 2);
            } else {
                sim.heal(host, 2);
            }
        }
        for n in 0..60 {
            sim.create(n % 3, &[&format!("{round} {n}")]);
            sim.run_for(ms(4));
        }
        sim.run_for(ms(40_000));
    }
    assert!(sim.is_equal());
    sim.steps().to_vec()
}

/// More machines than one has peers: after a while each visits another.
fn more_than_peers() -> Vec<Step> {
    let mut sim = Sim::new(Setup::default());
    for _ in 0..2 * PEERS_WANTED {
        sim.join(0);
    }
    sim.run_for(2 * COMPARE_EVERY);
    assert!(sim.is_equal());
    sim.steps().to_vec()
}

/// A newcomer joins a network with a long past, and writes while it catches up; another whose admission comes by bulk.
fn late() -> Vec<Step> {
    let mut sim = Sim::new(Setup {
        bytes_per_second: 1_000_000,
        ..Setup::default()
    });
    let early = sim.admit(0);
    let texts: Vec<String> = (0..1000)
        .map(|n| format!("event {n} {}", "x".repeat(300)))
        .collect();
    for texts in texts.chunks(500) {
        sim.create(0, &texts.iter().map(String::as_str).collect::<Vec<_>>());
        sim.run_for(ms(20));
    }
    let late = sim.admit(0);
    sim.create(late, &["still joining"]);
    invite_and_admit(&mut sim, late);
    sim.introduce(early, 0);
    sim.introduce(late, 0);
    for _ in 0..400 {
        sim.run_for(ms(2));
        sim.create(early, &["while it catches up"]);
        if sim.machine(early).phase() == Phase::CatchingUp {
            invite_and_admit(&mut sim, early);
        }
    }
    assert!(sim.run_until_equal(ms(60_000)).is_some());
    sim.run_for(ms(1_000));
    sim.steps().to_vec()
}

/// Asks for an invite, and for an admission by a ticket that nobody made.
fn invite_and_admit(sim: &mut Sim, host: usize) {
    let key = sim.machine(host).machine();
    let request = RequestId(0);
    let invite = Input::Invite {
        request,
        wall: wall(),
        key,
        expires_ms: 0,
        uses: 1,
    };
    sim.give(host, invite);
    let join = unknown_ticket(key);
    let admit = Input::Admit {
        request,
        wall: wall(),
        join,
    };
    sim.give(host, admit);
}

fn unknown_ticket(joiner: MachineId) -> JoinRequest {
    JoinRequest {
        invite: EventId([9; 16]),
        joiner,
        name: "x".into(),
        exporter: [0; 32],
        signature: fedag::event::key::Signature([0; 64]),
    }
}

/// Each local request, allowed and refused.
fn requests() -> Vec<Step> {
    let mut sim = Sim::new(Setup::default());
    sim.join(0);
    let nothing = Input::Create {
        request: RequestId(0),
        wall: wall(),
        properties: Vec::new(),
    };
    assert!(sim.ask(0, nothing).is_err());
    let join = unknown_ticket(sim.machine(1).machine());
    assert!(
        sim.ask(
            0,
            Input::Admit {
                request: RequestId(0),
                wall: wall(),
                join
            }
        )
        .is_err()
    );
    sim.steps().to_vec()
}

/// So many leaves that an event on all of them is larger than R allows.
fn crowded() -> Vec<Step> {
    let rules = Rules {
        event_bytes_max: EVENT_BYTES_MIN,
        parents_max: PARENTS_MAX,
    };
    let mut sim = Sim::new(Setup {
        rules,
        ..Setup::default()
    });
    sim.join(0);
    assert!(sim.run_until_equal(ms(5_000)).is_some());
    let peer = sim.machine(1).machine();
    let draft = |seq| Draft {
        parents: vec![sim.machine(0).dag().root()],
        seq,
        wall: wall(),
        control: Control::None,
        properties: Properties::from_text("a leaf"),
    };
    let leaves = (1..260).map(|seq| draft(seq).sign(sim.host(1).key()));
    let message = Message::Push(leaves.collect());
    sim.give(0, Input::Received { peer, message });
    assert!(sim.machine(0).dag().leaves().len() > 256);
    invite_and_admit(&mut sim, 0);
    sim.steps().to_vec()
}

/// Events above the size that is pushed are announced, wanted and given; or not.
fn large_events() -> Vec<Step> {
    let mut sim = Sim::new(Setup::default());
    sim.join(0);
    sim.join(0);
    assert!(sim.run_until_equal(ms(5_000)).is_some());
    let large = "x".repeat(EVENT_BYTES_DEFAULT as usize / 2);
    for host in [0, 1, 2, 0] {
        sim.create(host, &[&large]);
        sim.run_for(ms(1));
    }
    assert!(sim.run_until_equal(ms(10_000)).is_some());
    let peer = sim.machine(1).machine();
    let id = EventId([7; 16]);
    let announced = vec![fedag::gossip::message::Announced {
        id,
        height: 1,
        length: 50_000,
    }];
    sim.give(
        0,
        Input::Received {
            peer,
            message: Message::Announce(announced),
        },
    );
    sim.give(
        0,
        Input::Received {
            peer,
            message: Message::Given {
                events: Vec::new(),
                not_held: vec![id],
            },
        },
    );
    sim.steps().to_vec()
}

/// A live event overtakes its parent; a wanted one is given before its parent; bulk comes with a gap; a pending one turns
/// out to be vouched for by nobody, another's sender goes.
fn out_of_order() -> Vec<Step> {
    let mut script = Script::new();
    let [first, second, third] = Script::events_of_other(&["first", "second", "third"]);
    let peer = script.other();
    script.connect();
    script.receive(Message::Push(vec![second.clone()]));
    script.receive(Message::Push(vec![first.clone()]));
    let announced = fedag::gossip::message::Announced {
        id: EventId([5; 16]),
        height: 9,
        length: 20_000,
    };
    script.receive(Message::Announce(vec![announced]));
    let mut all = script.take_steps();

    let mut script = Script::new();
    script.connect();
    let announced = fedag::gossip::message::Announced {
        id: second.id(),
        height: 9,
        length: 20_000,
    };
    script.receive(Message::Announce(vec![announced]));
    script.receive(Message::Given {
        events: vec![second.clone()],
        not_held: Vec::new(),
    });
    script.give(Input::Disconnected { peer });
    all.extend(script.take_steps());

    let mut script = Script::new();
    script.connect();
    let hello = Script::hello(1, Some(1), 0, Script::unheld());
    script.receive(Message::Hello(hello));
    script.receive(Message::Bulk {
        session: SessionId(1),
        events: vec![third],
    });
    script.receive(Message::Bulk {
        session: SessionId(1),
        events: vec![first.clone()],
    });
    all.extend(script.take_steps());

    let mut script = Script::new();
    script.connect();
    let [parent, child] = script.unvouched();
    script.receive(Message::Push(vec![child]));
    script.receive(Message::Push(vec![parent]));
    all.extend(script.take_steps());
    all
}

/// The rare turns of a session, each by a peer that says just that.
#[expect(
    clippy::too_many_lines,
    reason = "a list of short scenes, one a rare turn"
)]
fn scripted() -> Vec<Step> {
    let mut all = Vec::new();
    let mut run = |scene: &dyn Fn(&mut Script)| {
        let mut script = Script::new();
        script.connect();
        scene(&mut script);
        all.extend(script.take_steps());
    };
    let opening = |script: &mut Script, take, heads| {
        // Answers the HELLO that was sent on connecting.
        let hello = Script::hello(1, Some(1), take, heads);
        script.receive(Message::Hello(hello));
    };
    let anew = |script: &mut Script| {
        let hello = Script::hello(9, None, 1 << 20, Script::unheld());
        script.receive(Message::Hello(hello));
    };
    let stall = |script: &mut Script| script.wait(SESSION_IDLE + ms(1));
    let gone = |script: &mut Script| {
        script.give(Input::Disconnected {
            peer: script.other(),
        });
    };
    let failed = |script: &mut Script| {
        script.give(Input::StreamFailed {
            peer: script.other(),
            session: SessionId(1),
        });
    };
    let end = |script: &mut Script| script.receive(Message::End(script.end(1)));

    run(&|script| stall(script));
    run(&|script| gone(script));
    // The peer gave no credit; its END before and after its HELLO.
    run(&|script| {
        opening(script, 0, Script::unheld());
        end(script);
    });
    run(&|script| {
        end(script);
        opening(script, 0, Script::unheld());
    });
    for after in [&anew as &dyn Fn(&mut Script), &stall, &gone] {
        run(&|script| {
            opening(script, 1 << 20, Script::unheld());
            after(script);
        });
        run(&|script| {
            opening(script, 0, Script::unheld());
            after(script);
        });
    }
    // It holds all of ours; its END before and after its verdict.
    for ended in [true, false] {
        run(&|script| {
            opening(script, 1 << 20, Script::unheld());
            if ended {
                end(script);
            }
            script.receive(Message::Verdict(Verdict {
                session: SessionId(1),
                holds_all: true,
            }));
        });
    }
    // All its heads are held: a walk, a stream, and its ends.
    let walking = |script: &mut Script| {
        let behind = script.behind();
        opening(script, 1 << 20, behind);
    };
    run(&|script| {
        walking(script);
        anew(script);
    });
    run(&|script| {
        walking(script);
        gone(script);
    });
    let streaming = |script: &mut Script| {
        walking(script);
        script.wait(ms(1));
    };
    for after in [&anew as &dyn Fn(&mut Script), &stall, &gone, &failed] {
        run(&|script| {
            streaming(script);
            after(script);
        });
    }
    for ended in [true, false] {
        run(&|script| {
            streaming(script);
            if ended {
                end(script);
            }
            script.give(Input::Streamed {
                peer: script.other(),
                session: SessionId(1),
            });
        });
        // A walk that finds nothing: our heads, told with another digest.
        run(&|script| {
            let heads = Heads {
                digest: DagDigest([1; 32]),
                ..script.own_heads()
            };
            opening(script, 1 << 20, heads);
            if ended {
                end(script);
            }
            script.wait(ms(1));
        });
    }
    offers(&mut run);
    // The peer opens, in each of the four ways.
    for (take, heads) in [
        (1 << 20, Script::unheld as fn() -> Heads),
        (0, Script::unheld),
    ] {
        run(&|script| {
            stall(script);
            let hello = Script::hello(5, None, take, heads());
            script.receive(Message::Hello(hello));
        });
    }
    run(&|script| {
        stall(script);
        let (own, behind) = (script.own_heads(), script.behind());
        let hello = Script::hello(5, None, 1 << 20, own);
        script.receive(Message::Hello(hello));
        let hello = Script::hello(6, None, 1 << 20, behind);
        script.receive(Message::Hello(hello));
    });
    run(&|script| {
        script.give(Input::Faulted {
            peer: script.other(),
            fault: Fault::Malformed,
        });
    });
    all
}
