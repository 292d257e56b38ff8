//! Newcomers.

use crate::event::id::EventId;
use crate::event::key::MachineId;
use crate::net::join::Error;
use crate::net::tests::kit::{Machine, admission, key, known, machine, root};
use crate::net::{Admission, Happening, JoinAsked, Refusal, join};
use crate::wire::codec::encode_event;
use crate::wire::greeting::join_message;
use crate::wire::ticket::Ticket;

const INVITE: EventId = EventId([5; 16]);

/// A ticket to machine 1; its secret is that of seed 50.
fn ticket(doors: &[(MachineId, &Machine)]) -> Ticket {
    Ticket {
        root: root(1).digest(),
        invite: INVITE,
        secret: key(50),
        expires_ms: 0,
        addresses: doors
            .iter()
            .map(|(id, door)| (*id, door.net.listening()))
            .collect(),
    }
}

async fn asked(machine: &mut Machine) -> Box<JoinAsked> {
    match machine.next().await {
        Happening::JoinAsked(asked) => asked,
        other => panic!("{other:?}"),
    }
}

/// What machine 2 hears that knocks at machine 1.
async fn knock(answer: Option<Result<Admission, Refusal>>) -> Result<Admission, Error> {
    let mut one = Machine::start(1, known(&[1], &[]));
    let ticket = ticket(&[(one.id, &one)]);
    let admit = async {
        let asked = asked(&mut one).await;
        assert_eq!(asked.invite, INVITE);
        assert_eq!(asked.joiner, machine(2));
        assert_eq!(asked.name, "two");
        let message = join_message(&asked.exporter, root(1).id(), machine(2));
        assert!(machine(50).verifies(&message, &asked.signature));
        if let Some(answer) = answer {
            asked.answer.send(answer).unwrap();
        }
    };
    let two = key(2);
    let (joined, ()) = tokio::join!(join(&two, &ticket, "two"), admit);
    assert!(one.so_far().is_empty());
    joined
}

fn good() -> Admission {
    Admission {
        root: encode_event(&root(1)),
        credential: vec![encode_event(&admission(1, machine(2)))],
    }
}

/// What is said of the only address.
fn words(joined: Result<Admission, Error>) -> String {
    match joined {
        Err(Error::NotLetIn { tried }) => tried[0].1.clone(),
        Err(Error::BadAnswer { why, .. }) => format!("bad answer: {why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_gets_the_root_and_its_admissions() {
    let joined = knock(Some(Ok(good()))).await.unwrap();
    assert_eq!(
        (joined.root, joined.credential),
        (good().root, good().credential)
    );
    // By way of another member.
    let chain = vec![
        encode_event(&admission(1, machine(3))),
        encode_event(&admission(3, machine(2))),
    ];
    let longer = Admission {
        credential: chain.clone(),
        ..good()
    };
    assert_eq!(knock(Some(Ok(longer))).await.unwrap().credential, chain);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_in_words() {
    for refusal in [
        Refusal::InviteUnknown,
        Refusal::InviteExpired,
        Refusal::InviteUsedUp,
        Refusal::InviteSignature,
        Refusal::Form,
        Refusal::NotNow,
    ] {
        assert_eq!(words(knock(Some(Err(refusal))).await), refusal.to_string());
    }
    assert_eq!(words(knock(None).await), Refusal::NotNow.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_believed_only_as_far_as_the_ticket_goes() {
    let other_root = Admission {
        root: encode_event(&root(2)),
        ..good()
    };
    assert_eq!(
        words(knock(Some(Ok(other_root))).await),
        "bad answer: its root is not the one of the ticket"
    );
    let no_root = Admission {
        root: encode_event(&admission(1, machine(2))),
        ..good()
    };
    assert_eq!(
        words(knock(Some(Ok(no_root))).await),
        "bad answer: its root is not valid"
    );
    let garbage = Admission {
        root: vec![1, 2, 3],
        ..good()
    };
    assert_eq!(
        words(knock(Some(Ok(garbage))).await),
        "bad answer: its root does not decode"
    );
    for chain in [
        vec![],
        vec![encode_event(&admission(1, machine(3)))],
        vec![encode_event(&admission(3, machine(2)))],
    ] {
        let admission = Admission {
            credential: chain,
            ..good()
        };
        let why = words(knock(Some(Ok(admission))).await);
        assert_eq!(
            why,
            "bad answer: its admissions do not lead from the root to this machine"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_address_of_a_ticket_is_tried_and_told() {
    let mut one = Machine::start(1, known(&[1], &[]));
    let mut elsewhere = known(&[1, 3], &[]);
    elsewhere.root = root(3).id();
    let three = Machine::start(3, elsewhere);
    let two = key(2);
    let shut = ticket(&[(machine(4), &one), (three.id, &three)]);
    let error = join(&two, &shut, "two").await.unwrap_err().to_string();
    let lines: Vec<_> = error.lines().collect();
    assert_eq!(lines.len(), 3, "{error}");
    assert!(
        lines[1].ends_with("another machine answers there: its key is not the expected one"),
        "{error}"
    );
    assert!(
        lines[2].starts_with(&format!("  {}: ", three.net.listening())),
        "{error}"
    );
    assert!(
        lines[2].ends_with(&Refusal::OtherNetwork.to_string()),
        "{error}"
    );
    let open = ticket(&[(three.id, &three), (one.id, &one)]);
    let admit = async {
        asked(&mut one).await.answer.send(Ok(good())).unwrap();
    };
    let (joined, ()) = tokio::join!(join(&two, &open, "two"), admit);
    assert_eq!(joined.unwrap().root, good().root);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_banned_cannot_join() {
    let mut bans = known(&[1], &[]);
    bans.banned = std::sync::Arc::new([machine(2)].into());
    let one = Machine::start(1, bans);
    let two = key(2);
    assert_eq!(
        words(join(&two, &ticket(&[(one.id, &one)]), "two").await),
        Refusal::Banned.to_string()
    );
}
