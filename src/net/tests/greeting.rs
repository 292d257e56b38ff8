//! Who may talk.

use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicClientConfig;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use tokio::time::timeout;

use crate::limits::HANDSHAKE;
use crate::net::greet::leads_to;
use crate::net::tests::kit::{
    Machine, RULES, Rogue, admission, blobs, connect, key, known, machine, pair, refusal, root,
};
use crate::net::{Known, Refusal, tls};
use crate::wire::Message;
use crate::wire::greeting::{Blob, Greeting};

#[tokio::test(flavor = "multi_thread")]
async fn members_connect_exchange_messages_and_part() {
    let (mut one, mut two) = pair().await;
    let want = Message::Want(vec![root(1).id()]);
    one.net.send(two.id, &want);
    assert_eq!(two.received().await, want);
    two.net.send(one.id, &Message::Addresses(Vec::new()));
    two.net.give(
        one.id,
        vec![crate::wire::codec::encode_event(&root(1))],
        vec![elsewhere()],
    );
    assert_eq!(one.received().await, Message::Addresses(Vec::new()));
    let given = Message::Given {
        events: vec![root(1)],
        not_held: vec![elsewhere()],
    };
    assert_eq!(one.received().await, given);
    one.net.hangup(two.id, Refusal::Full);
    let taken = "this machine has as many peers as it takes".to_owned();
    assert_eq!(one.parted().await, (taken, false));
    assert_eq!(two.parted().await, (Refusal::Full.to_string(), true));
    // And again, by the other.
    two.dial(&one);
    assert_eq!(one.connected().await, (two.id, false));
    assert_eq!(two.connected().await, (one.id, true));
    two.net.close().await;
    assert_eq!(one.parted().await, (Refusal::Stopping.to_string(), false));
}

fn elsewhere() -> crate::event::id::EventId {
    crate::event::id::EventId([9; 16])
}

/// What the dialler, the machine of seed 2, is told when it dials the machine of seed 1.
async fn dial(from: Known, to: Known) -> String {
    let mut one = Machine::start(1, to);
    let mut two = Machine::start(2, from);
    two.dial(&one);
    let began = std::time::Instant::now();
    let why = two.dial_failed().await;
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    // The side that is refused last may have let the other in already.
    assert!(one.so_far().is_empty() || why.ends_with(Refusal::NotAMember.said_here()));
    why.split_once(": ")
        .map_or_else(|| why.clone(), |(_, words)| words.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_told_that_it_is_no_member() {
    assert_eq!(
        dial(known(&[1, 2], &[]), known(&[1], &[])).await,
        Refusal::NotAMember.to_string()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dialler_refuses_who_is_no_member() {
    let mut elsewhere = known(&[2], &[]);
    elsewhere.root_author = machine(3);
    assert_eq!(
        dial(elsewhere, known(&[1, 2], &[])).await,
        Refusal::NotAMember.said_here()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_network_is_told_apart() {
    let mut other = known(&[1, 2], &[]);
    other.root = root(2).id();
    assert_eq!(
        dial(other, known(&[1, 2], &[])).await,
        Refusal::OtherNetwork.to_string()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_banned_are_refused_on_both_sides() {
    let mut bans_two = known(&[1, 2], &[]);
    bans_two.banned = Arc::new([machine(2)].into());
    assert_eq!(
        dial(known(&[1, 2], &[]), bans_two).await,
        Refusal::Banned.to_string()
    );
    let mut bans_one = known(&[1, 2], &[]);
    bans_one.banned = Arc::new([machine(1)].into());
    assert_eq!(
        dial(bans_one, known(&[1, 2], &[])).await,
        Refusal::Banned.said_here()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ban_ends_a_live_connection() {
    let (mut one, mut two) = pair().await;
    one.known
        .send_modify(|known| known.banned = Arc::new([machine(2)].into()));
    assert_eq!(one.disconnected().await, Refusal::Banned.said_here());
    assert_eq!(two.disconnected().await, Refusal::Banned.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_with_another_key_is_not_talked_to() {
    let mut one = Machine::start(1, known(&[1, 2, 3], &[]));
    let mut two = Machine::start(2, known(&[1, 2, 3], &[]));
    two.net.dial(machine(3), vec![one.net.listening()]);
    let why = two.dial_failed().await;
    assert!(
        why.ends_with("another machine answers there: its key is not the expected one"),
        "{why}"
    );
    two.net.dial(machine(2), vec![one.net.listening()]);
    assert_eq!(two.dial_failed().await, "this is the machine's own key");
    two.net.dial(machine(3), Vec::new());
    assert_eq!(two.dial_failed().await, "no address is known");
    assert!(one.so_far().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_address_is_tried_when_one_leads_elsewhere() {
    let (mut one, two) = (
        Machine::start(1, known(&[1, 2, 3], &[])),
        Machine::start(2, known(&[1, 2, 3], &[])),
    );
    let three = Machine::start(3, known(&[1, 2, 3], &[]));
    one.net
        .dial(two.id, vec![three.net.listening(), two.net.listening()]);
    assert_eq!(one.connected().await, (two.id, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_lets_in_whom_the_other_side_does_not_know() {
    // 1 admitted 3, 3 admitted 2; 1 lags and knows neither. In the other direction, 2 knows R's author.
    let chain = [admission(1, machine(3)), admission(3, machine(2))];
    let mut one = Machine::start(1, known(&[], &[]));
    let mut two = Machine::start(2, known(&[], &chain));
    two.dial(&one);
    assert_eq!(two.connected().await, (one.id, true));
    assert_eq!(one.connected().await, (two.id, false));
    two.net.hangup(one.id, Refusal::Full);
    one.disconnected().await;
    two.disconnected().await;
    one.dial(&two);
    assert_eq!(two.connected().await, (one.id, false));
    assert_eq!(one.connected().await, (two.id, true));
}

#[test]
fn a_chain_leads_from_the_root_to_the_machine_or_is_worth_nothing() {
    let (one, two, three) = (machine(1), machine(2), machine(3));
    let leads = |chain: &[_], to| leads_to(&blobs(chain), one, to, RULES);
    assert!(leads(&[], one));
    assert!(!leads(&[], two));
    assert!(leads(&[admission(1, two)], two));
    assert!(!leads(&[admission(1, two)], three));
    assert!(!leads(&[admission(2, two)], two));
    assert!(leads(&[admission(1, two), admission(2, three)], three));
    assert!(!leads(&[admission(2, three), admission(1, two)], three));
    assert!(!leads(&[admission(1, two), admission(3, three)], three));
    assert!(!leads(&[root(1), admission(1, two)], two));
    let long: Vec<_> = (0..65).map(|_| admission(1, one)).collect();
    assert!(leads(&long[..64], one));
    assert!(!leads(&long, one));
    // Somebody else's name under it: the signature does not hold.
    let mut forged = admission(2, two).raw().clone();
    forged.machine = one;
    assert!(!leads_to(
        &[Blob(crate::wire::codec::encode_raw(&forged))],
        one,
        two,
        RULES
    ));
    assert!(!leads_to(&[Blob(vec![1, 2, 3])], one, two, RULES));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_chain_is_refused() {
    let chain = [admission(3, machine(2))];
    assert_eq!(
        dial(known(&[1, 2], &chain), known(&[1], &[])).await,
        Refusal::NotAMember.to_string()
    );
}

/// What a client gets that shows no key of the right kind.
async fn wrong_client(resolver: Option<Arc<dyn ResolvesClientCert>>) -> String {
    let one = Machine::start(1, known(&[1, 2], &[]));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(tls::pinned_key());
    let mut config = match resolver {
        Some(resolver) => builder.with_client_cert_resolver(resolver),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![tls::ALPN.to_vec()];
    let config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(config).unwrap()));
    match connect(config, &one).await {
        Err(error) => error.to_string(),
        Ok((_endpoint, connection)) => {
            let greeting = Greeting::Member {
                root: root(1).id(),
                start: 1,
                credential: Vec::new(),
            };
            assert!(
                crate::net::greet::ask(&connection, &greeting)
                    .await
                    .is_err()
            );
            connection.close_reason().unwrap().to_string()
        }
    }
}

/// Shows a key as if it were a certificate.
#[derive(Debug)]
struct Certificate(Arc<CertifiedKey>);

impl ResolvesClientCert for Certificate {
    fn resolve(&self, _: &[&[u8]], _: &[rustls::SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_and_certificates_are_refused_by_tls() {
    let none = wrong_client(None).await;
    assert!(none.contains("cryptographic handshake failed"), "{none}");
    let certificate = wrong_client(Some(Arc::new(Certificate(tls::certified(&key(2)))))).await;
    assert!(
        certificate.contains("cryptographic handshake failed"),
        "{certificate}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_of_the_protocol_is_told_apart() {
    let one = Machine::start(1, known(&[1, 2], &[]));
    let client = tls::client_speaking(&key(2), b"fedag/0").unwrap();
    let error = connect(client, &one).await.map(drop).unwrap_err();
    assert_eq!(
        crate::net::close::words(&error),
        "the machine there speaks another version of the protocol"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_or_garbage_is_closed() {
    let mut one = Machine::start(1, known(&[1, 2], &[]));
    let (_endpoint, silent) = connect(tls::client(&key(2)).unwrap(), &one).await.unwrap();
    let (_endpoint, garbage) = connect(tls::client(&key(2)).unwrap(), &one).await.unwrap();
    let (mut send, _receive) = garbage.open_bi().await.unwrap();
    send.write_all(&[0, 0, 0, 3, 1, 2, 3]).await.unwrap();
    assert_eq!(refusal(&garbage).await, Some(Refusal::Fault));
    assert!(silent.close_reason().is_none());
    let waited = timeout(HANDSHAKE * 2, refusal(&silent)).await;
    assert_eq!(waited.unwrap(), Some(Refusal::TooSlow));
    assert!(one.so_far().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_can_be_sent_in_bulk_before_the_greeting() {
    let mut one = Machine::start(1, known(&[1, 2], &[]));
    let (_endpoint, early) = connect(tls::client(&key(2)).unwrap(), &one).await.unwrap();
    assert!(
        timeout(Duration::from_millis(200), early.open_uni())
            .await
            .is_err()
    );
    let late = Rogue::greet(2, 5, &one).await;
    timeout(Duration::from_secs(5), late.connection.open_uni())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(one.connected().await, (machine(2), false));
}
