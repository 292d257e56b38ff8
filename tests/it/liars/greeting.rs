//! Greetings that lie: another network, keys and chains that are no member's.

use fedag::event::canon::Properties;
use fedag::event::control::{Admit, Control};
use fedag::event::id::EventId;
use fedag::event::key::Key;
use fedag::event::{Draft, Event};
use fedag::wire::codec;
use fedag::wire::greeting::Greeting;

use super::member::{bytes, forged, nobodys, wall};
use super::peer::{Opened, blobs};
use super::{Scene, faults};

fn greeting(root: EventId, credential: &[Vec<u8>]) -> Vec<u8> {
    codec::encode_plain(&Greeting::Member {
        root,
        start: 1,
        credential: blobs(credential),
    })
}

fn admission(root: EventId, by: &Key, of: &Key) -> Event {
    Draft {
        parents: vec![root],
        seq: 1,
        wall: wall(),
        control: Control::Admit(Admit {
            key: of.machine(),
            name: "forged".to_owned(),
            invite: nobodys(1),
        }),
        properties: Properties::none(),
    }
    .sign(by)
}

/// Who greets with another R is told so, and who is no member, whatever it shows.
#[test]
fn greetings_that_lie_are_refused_with_their_code() {
    let scene = Scene::new();
    let liar = scene.admit(104);
    let [stranger, other] = [97, 96].map(|number| Key::from_seed([number; 32]));
    let (root, own) = (scene.root(), liar.credential.clone());
    let by_itself = bytes(&[admission(root, &stranger, &stranger)]);
    let by_another = bytes(&[admission(root, &other, &stranger)]);
    let bent = forged(&admission(root, &liar.key, &stranger));
    let bent = [own.clone(), vec![bent]].concat();
    let long = vec![by_itself[0].clone(); 65];
    for (name, key, said, code) in [
        ("another R", &liar.key, greeting(nobodys(1), &[]), 2),
        ("no credential", &stranger, greeting(root, &[]), 3),
        ("somebody else's", &stranger, greeting(root, &own), 3),
        (
            "admitted by itself",
            &stranger,
            greeting(root, &by_itself),
            3,
        ),
        ("by nobody known", &stranger, greeting(root, &by_another), 3),
        ("a forged link", &stranger, greeting(root, &bent), 3),
        (
            "links of garbage",
            &stranger,
            greeting(root, &[vec![7; 300]]),
            3,
        ),
        ("too many links", &stranger, greeting(root, &long), 8),
        ("garbage", &stranger, vec![0xa5; 500], 8),
        ("an empty greeting", &stranger, Vec::new(), 8),
    ] {
        let mut opened = Opened::to(key, scene.door()).unwrap();
        assert_eq!(opened.ask(&said).err(), Some(code), "{name}");
        scene.converges();
    }
    assert_eq!(faults(&scene.ana), []);
    scene.ends_well();
}
