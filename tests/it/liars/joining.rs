//! Newcomers that lie.

use fedag::event::id::EventId;
use fedag::event::key::Key;
use fedag::wire::codec;
use fedag::wire::greeting::{Blob, Greeting, Welcome, join_message};
use fedag::wire::ticket::Ticket;

use super::member::nobodys;
use super::peer::Opened;
use super::{Scene, faults, held};
use crate::support::{status, wait_for};

/// What a newcomer shows.
struct Knock<'a> {
    key: &'a Key,
    invite: EventId,
    /// Signs in the ticket's name.
    secret: &'a Key,
    name: &'a str,
    /// Signs the exporter of this connection instead of its own.
    exporter: Option<[u8; 32]>,
}

impl Knock<'_> {
    fn at(&self, scene: &Scene) -> Result<Welcome, u64> {
        let mut opened = Opened::to(self.key, scene.door()).unwrap();
        let exporter = self.exporter.unwrap_or_else(|| opened.exporter());
        let message = join_message(&exporter, scene.root(), self.key.machine());
        let greeting = Greeting::Joiner {
            root: scene.root(),
            invite: self.invite,
            name: self.name.to_owned(),
            signature: Blob(self.secret.sign(&message).0.to_vec()),
        };
        opened.ask(&codec::encode_plain(&greeting))
    }
}

#[test]
fn stolen_expired_and_used_up_tickets_let_nobody_in() {
    let scene = Scene::new();
    let ticket = |arguments: &[&str]| Ticket::parse(&scene.lab.ticket("ana", arguments)).unwrap();
    let good = ticket(&[]);
    let expired = ticket(&["--expires", "1s"]);
    let [first, thief, honest] = [111, 112, 113].map(|number| Key::from_seed([number; 32]));
    let knock = |key, ticket| by(key, ticket, "newcomer");
    let wrong = Key::from_seed([5; 32]);
    // Relayed from another connection: its exporter is not this one's.
    let other = Opened::to(&thief, scene.door()).unwrap();
    let relayed = Some(other.exporter());
    let used = ticket(&["--uses", "1"]);
    assert!(knock(&first, &used).at(&scene).is_ok());
    let made = std::time::Instant::now();
    wait_for("it expires", || made.elapsed().as_millis() > 1500);
    let (members, events) = (status(&scene.ana.dir)["members"].clone(), held(&scene.ana));
    for (name, knock, code) in [
        ("a ticket that is used up", knock(&thief, &used), 12),
        ("a ticket that has expired", knock(&thief, &expired), 11),
        (
            "an invite that nobody made",
            Knock {
                invite: nobodys(1),
                ..knock(&thief, &good)
            },
            10,
        ),
        (
            "R in place of an invite",
            Knock {
                invite: scene.root(),
                ..knock(&thief, &good)
            },
            10,
        ),
        (
            "a ticket without its secret",
            Knock {
                secret: &wrong,
                ..knock(&thief, &good)
            },
            13,
        ),
        (
            "a signature that was made for another connection",
            Knock {
                exporter: relayed,
                ..knock(&thief, &good)
            },
            13,
        ),
        (
            "a name that no machine may have",
            Knock {
                name: "a\u{1b}[2Jb",
                ..knock(&thief, &good)
            },
            8,
        ),
    ] {
        assert_eq!(knock.at(&scene).err(), Some(code), "{name}");
        scene.converges();
    }
    assert_eq!(status(&scene.ana.dir)["members"], members);
    assert!(held(&scene.ana) >= events);
    assert_eq!(faults(&scene.ana), []);
    assert!(knock(&honest, &good).at(&scene).is_ok(), "it is still good");
    drop(other);
    scene.ends_well();
}

fn by<'a>(key: &'a Key, ticket: &'a Ticket, name: &'a str) -> Knock<'a> {
    Knock {
        key,
        invite: ticket.invite,
        secret: &ticket.secret,
        name,
        exporter: None,
    }
}
