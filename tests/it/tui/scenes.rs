//! What the screens show.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use fedag::control::view::{MachinePhase, Progress};
use fedag::control::{Reply, Request};
use fedag::tui::app::App;
use fedag::tui::first::{self, Defaults, First};
use fedag::tui::look::Look;
use fedag::tui::message::{Ask, Msg, Tag};
use fedag::tui::picture::Scene;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::world::World;

/// Rows that the node would answer with for a following screen of this height.
const ROWS: u32 = 120;

fn scene(world: &World, size: (u16, u16), peers: Vec<fedag::control::view::PeerStatus>) -> Scene {
    let newest = *world
        .order(0, fedag::control::view::Order::Causal)
        .last()
        .unwrap();
    Scene {
        status: world.status(0, peers),
        window: world.newest(0, ROWS),
        detail: Some(world.detail(0, newest)),
        leaves: world
            .leaves(0)
            .iter()
            .map(|leaf| world.view(0, *leaf))
            .collect(),
        line: String::new(),
        now_ms: world.now_ms(),
        size,
        look: Look::FULL,
    }
}

pub(crate) fn team() -> World {
    let mut world = World::new(&["ana", "bob", "cyd", "dee"]);
    world.live(7, 64);
    world
}

pub(crate) fn alone(size: (u16, u16)) -> Scene {
    scene(&World::new(&["ana"]), size, vec![])
}

pub(crate) fn converged(size: (u16, u16)) -> Scene {
    let mut world = team();
    world.heal();
    world.write(1, "deploy v13");
    world.heal();
    let peers = (1..4).map(|other| world.peer(0, other)).collect();
    scene(&world, size, peers)
}

pub(crate) fn syncing(size: (u16, u16)) -> Scene {
    let mut world = team();
    world.heal();
    world.write(0, "{\"temp\":22,\"room\":\"lab\"}");
    world.write(2, "cpu 12% on cyd");
    world.write(3, "all quiet");
    world.pull(0, 3);
    let peers = (1..4).map(|other| world.peer(0, other)).collect();
    scene(&world, size, peers)
}

/// The picture in the README.
pub(crate) fn readme() -> Scene {
    let mut world = team();
    world.heal();
    world.write(0, "{\"temp\":22,\"room\":\"lab\"}");
    world.write(3, "all quiet");
    world.pull(0, 3);
    world.pull(1, 0);
    let peers = vec![
        world.peer(0, 1),
        world.peer(0, 3),
        world.away(0, 2, "no answer within 5 s"),
    ];
    let mut scene = scene(&world, (120, 34), peers);
    let held_by = scene
        .detail
        .iter_mut()
        .flat_map(|detail| &mut detail.held_by);
    held_by
        .filter(|(name, _)| name == "cyd")
        .for_each(|(_, holds)| *holds = None);
    scene.line = "{\"kind\":\"order\",\"qty\":3}".into();
    scene
}

pub(crate) fn catching_up(size: (u16, u16)) -> Scene {
    let mut scene = syncing(size);
    scene.status.phase = MachinePhase::CatchingUp;
    scene.status.progress = Some(Progress {
        held: 412_000,
        of: 1_000_000,
    });
    scene
}

pub(crate) fn cut_off(size: (u16, u16)) -> Scene {
    let mut world = team();
    world.heal();
    world.write(0, "is anybody there?");
    let peers = vec![
        world.away(0, 1, "no answer within 5 s"),
        world.away(0, 2, "connection refused"),
        world.away(0, 3, "network is unreachable"),
    ];
    scene(&world, size, peers)
}

pub(crate) fn seventy_lanes(size: (u16, u16)) -> Scene {
    let names: Vec<String> = (0..70).map(|at| format!("host-{at:02}")).collect();
    let mut world = World::new(&names.iter().map(String::as_str).collect::<Vec<_>>());
    world.live(11, 200);
    world.heal();
    let peers = (1..9).map(|other| world.peer(0, other)).collect();
    scene(&world, size, peers)
}

pub(crate) fn sixty_parents(size: (u16, u16)) -> Scene {
    let names: Vec<String> = (0..60).map(|at| format!("m{at:02}")).collect();
    let mut world = World::new(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for machine in 0..60 {
        world.write(machine, "alone on my side");
    }
    world.heal();
    world.write(0, "together again");
    let peers = (1..4).map(|other| world.peer(0, other)).collect();
    scene(&world, size, peers)
}

pub(crate) fn ten_thousand_leaves(size: (u16, u16)) -> Scene {
    let mut world = World::new(&["ana", "bob", "cyd", "dee"]);
    for at in 0..1000 {
        world.write_on(at % 4, vec![0], "on the root");
    }
    world.heal();
    let peers = (1..4).map(|other| world.peer(0, other)).collect();
    let mut scene = scene(&world, size, peers);
    scene.status.events = 10_001;
    scene.status.leaves_total = 10_000;
    scene
}

pub(crate) fn ascii(size: (u16, u16)) -> Scene {
    let mut scene = syncing(size);
    scene.look = Look {
        unicode: false,
        ..Look::FULL
    };
    scene.window.rows.last_mut().unwrap().summary = "schön, and \u{1b}[31mred\u{202e}".into();
    scene
}

pub(crate) fn defaults() -> Defaults {
    Defaults {
        network: "ana-net".into(),
        name: "ana".into(),
        directory: "~/.local/share/fedag/default".into(),
        check_ticket: |text| {
            if text.starts_with("fedag1") {
                Ok(())
            } else {
                Err("this is not a ticket".into())
            }
        },
        check_name: |_| Ok(()),
    }
}

pub(crate) fn first(size: (u16, u16)) -> String {
    let first = First::new(defaults());
    let mut buffer = Buffer::empty(Rect::new(0, 0, size.0, size.1));
    first::draw(&first, Look::FULL, &mut buffer);
    let row = |y| {
        (0..size.0)
            .map(|x| buffer[(x, y)].symbol())
            .collect::<String>()
            .trim_end()
            .to_owned()
            + "\n"
    };
    (0..size.1).map(row).collect()
}

/// Presses keys; `<esc>` and the like are names. What the screen asks the node is answered as far as the tests need.
pub(crate) fn press(app: &mut App, keys: &str) -> Vec<Ask> {
    let mut rest = keys;
    let mut asked = Vec::new();
    while let Some(c) = rest.chars().next() {
        let is_name = c == '<' && rest[1..].starts_with(|next: char| next.is_ascii_lowercase());
        let (code, length) = match rest.find('>').filter(|_| is_name) {
            Some(end) => (named(&rest[1..end]), end + 1),
            None => (KeyEvent::from(KeyCode::Char(c)), c.len_utf8()),
        };
        rest = &rest[length..];
        let now = app.now_ms;
        for ask in app.update(now, Msg::Key(code)) {
            if let Ask::Request(tag @ Tag::Ticket, Request::Invite { .. }) = &ask {
                app.update(now, Msg::Answer(*tag, Ok(ticket(now))));
            }
            asked.push(ask);
        }
    }
    asked
}

pub(crate) fn ticket(now_ms: u64) -> Reply {
    Reply::Ticket {
        text: format!("fedag1{}", "qvk3m7x2tzp5n4wj".repeat(14)),
        expires_ms: now_ms + 86_400_000,
        uses: 1,
        addresses: vec![
            ([192, 168, 1, 20], 4433).into(),
            ([10, 0, 0, 4], 4433).into(),
        ],
    }
}

fn named(name: &str) -> KeyEvent {
    let code = match name {
        "esc" => KeyCode::Esc,
        "enter" => KeyCode::Enter,
        "tab" => KeyCode::Tab,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "f1" => KeyCode::F(1),
        "f2" => KeyCode::F(2),
        "f3" => KeyCode::F(3),
        "home" => KeyCode::Home,
        "left" => KeyCode::Left,
        "end" => KeyCode::End,
        "backspace" => KeyCode::Backspace,
        alt if alt.starts_with("alt-") && alt.len() == 5 => {
            let c = alt.chars().last().unwrap();
            return KeyEvent::new(KeyCode::Char(c), KeyModifiers::ALT);
        }
        "alt-enter" => return KeyEvent::new(KeyCode::Enter, KeyModifiers::ALT),
        control if control.starts_with("ctrl-") => {
            let c = control.chars().last().unwrap();
            return KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
        }
        other => panic!("no key {other}"),
    };
    KeyEvent::from(code)
}

/// Answers what a screen asked, from `world` as machine 0 holds it, until it asks no more.
pub(crate) fn answer(app: &mut App, world: &World, asks: Vec<Ask>) {
    let mut open = asks;
    for _ in 0..60 {
        let Some(Ask::Request(tag, request)) = open.pop() else {
            return;
        };
        let reply = match (&tag, request) {
            (Tag::Window, Request::Window(request)) => {
                Reply::Window(Box::new(world.window(0, &request)))
            }
            (Tag::Search(_), Request::Search(request)) => {
                Reply::Found(Box::new(world.search(0, &request, 20)))
            }
            (Tag::Copy, Request::Events { uuids }) => Reply::Events(world.views(&uuids)),
            (Tag::Watch, _) => Reply::Status(Box::new(world.status(0, vec![]))),
            (Tag::Leaves, _) => Reply::Events(
                world
                    .leaves(0)
                    .iter()
                    .map(|leaf| world.view(0, *leaf))
                    .collect(),
            ),
            (Tag::Detail, Request::Show { name }) => {
                let event = (0..world.events.len())
                    .find(|event| World::uuid(*event) == name)
                    .expect("it is held");
                Reply::Event(Box::new(world.detail(0, event)))
            }
            (tag, request) => panic!("{tag:?} {request:?}"),
        };
        let now = app.now_ms + 1;
        open.extend(app.update(now, Msg::Answer(tag, Ok(reply))));
    }
}
