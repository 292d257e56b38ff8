use super::*;
use crate::control::view::{MachineName, StoreStatus};

fn peer(name: &str, state: PeerState) -> PeerStatus {
    PeerStatus {
        name: Some(name.to_owned()),
        key: "KEYKEYKEYKEY".to_owned(),
        address: Some("192.0.2.7:41641".parse().unwrap()),
        state,
        rtt_ms: Some(0.25),
        missing_here: Some(0),
        missing_there: None,
        in_bytes: None,
        out_bytes: None,
        in_bytes_s: None,
        out_bytes_s: None,
        since: 0,
        redial_s: None,
        why: None,
    }
}

fn status(peers: Vec<PeerStatus>, in_step: Option<bool>) -> View {
    View {
        network: "lab".to_owned(),
        root: "r".to_owned(),
        running: true,
        machine: MachineName {
            name: "ana".to_owned(),
            key: "KEY".to_owned(),
        },
        events: 7,
        leaves: ["l1", "l2", "l3", "l4"].map(str::to_owned).into(),
        leaves_total: 4,
        height: 3,
        digest: "d".to_owned(),
        pending: 0,
        in_step,
        converged: false,
        heard: peers.len() as u64,
        members: 4,
        listening: Vec::new(),
        peers,
        faults: std::collections::BTreeMap::from([("bad_signature".to_owned(), 2)]),
        received_bytes: 0,
        store: StoreStatus {
            bytes: 1,
            damaged: 0,
            lost: 0,
        },
        phase: MachinePhase::Live,
        progress: None,
        cut_off_s: None,
        twins: false,
    }
}

#[test]
fn in_step_means_every_connected_peer_and_enough_of_them() {
    use PeerState as S;
    for (states, in_step, peers, reached) in [
        (&[S::InStep][..], Some(true), 1, true),
        (&[S::InStep], Some(true), 2, false),
        (&[S::InStep, S::InStep], Some(true), 2, true),
        (&[S::InStep, S::Behind], Some(false), 1, false),
        (&[S::InStep, S::Diverged], Some(true), 1, false),
        (&[S::InStep, S::Unreachable], Some(true), 1, true),
        (&[S::InStep, S::Known], Some(true), 2, false),
        (&[S::InStep, S::Connecting], Some(true), 2, false),
        (&[S::InStep], Some(false), 1, false),
        (&[S::Unreachable], None, 1, false),
        (&[], None, 1, false),
        (&[], None, 0, true),
    ] {
        let peers_shown = states.iter().map(|state| peer("p", *state)).collect();
        assert_eq!(
            is_in_step(&status(peers_shown, in_step), peers),
            reached,
            "{states:?} {in_step:?} {peers}"
        );
    }
}

#[test]
fn a_machine_that_still_joins_is_not_in_step() {
    let mut joining = status(vec![peer("bob", PeerState::InStep)], Some(true));
    joining.phase = MachinePhase::Joining;
    assert!(!is_in_step(&joining, 1));
}

#[test]
fn the_summary_tells_what_matters() {
    let text: Vec<_> = human(&status(vec![peer("bob", PeerState::InStep)], Some(true)))
        .into_iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    for expected in [
        "network: lab (r)",
        "state: in step 1/3, 1 peer connected",
        "leaves: 4: l1 l2 l3 …",
        "fault: bad_signature ×2",
    ] {
        assert!(
            text.iter().any(|line| line == expected),
            "{expected} in {text:#?}"
        );
    }
    assert!(!text.iter().any(|line| line.contains("twins")));
}

#[test]
fn peers_stand_in_columns() {
    let mut gone = peer("a longer na\u{1b}me", PeerState::Unreachable);
    gone.rtt_ms = None;
    gone.why = Some("no answer".to_owned());
    gone.redial_s = Some(75);
    let lines = table(&[peer("bob", PeerState::InStep), gone]);
    assert_eq!(
        lines,
        [
            "peer            state        address          rtt     we lack  it lacks",
            "bob             in step      192.0.2.7:41641  0.2 ms  0        ?",
            "a longer na\u{fffd}me  unreachable  192.0.2.7:41641  -       0        ?         no answer; again in 1m 15s",
        ]
    );
    assert!(table(&[]).is_empty());
    let wide = table(&[
        peer("日本", PeerState::InStep),
        peer("bobo", PeerState::InStep),
    ]);
    let columns = |line: &str| line.split("in step").next().map(UnicodeWidthStr::width);
    assert_eq!(columns(&wide[1]), columns(&wide[2]));
}

#[test]
fn machines_that_are_only_known_stand_last_and_many_are_counted() {
    let known = |number: usize| {
        let mut peers = vec![peer("known", PeerState::Known); number];
        peers.push(peer("bob", PeerState::InStep));
        table(&peers)
    };
    let few = known(KNOWN_ROWS_MAX);
    assert_eq!(few.len(), 2 + KNOWN_ROWS_MAX);
    assert!(few[1].starts_with("bob") && few[2].starts_with("known"));
    let many = known(KNOWN_ROWS_MAX + 1);
    assert_eq!(many.len(), 3);
    assert!(many[2].starts_with("9 more machines are known"), "{many:?}");
}
