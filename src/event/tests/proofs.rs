//! Signatures singly and in batches: the same answers.

use crate::event::tests::{BYTES, RULES, draft, key};
use crate::event::*;

#[test]
fn batches_and_single_claims_agree() {
    let message = b"message";
    let digest = |place: usize| EventDigest([u8::try_from(place).unwrap(); 32]);
    let good = key(1).sign(message);
    let mut other_s = good;
    other_s.0[63] |= 0x80; // s is above the group's order.
    // Points of small order: the neutral one, -1, and the neutral one in its second encoding.
    let [neutral, order_2, neutral_again] = [(1, 0, 0), (0xec, 0xff, 0x7f), (0xee, 0xff, 0x7f)]
        .map(|(first, middle, last)| {
            let mut y = [middle; 32];
            (y[0], y[31]) = (first, last);
            y
        });
    let signature = |r: [u8; 32]| {
        let mut sig = [0; 64];
        sig[..32].copy_from_slice(&r);
        Signature(sig)
    };
    let no_point = (2..=u8::MAX)
        .map(|y| [y; 32])
        .find(|key| !MachineId(*key).is_usable())
        .unwrap();
    // Claims that single verification by equation without the cofactor, or by strict encodings, would judge otherwise.
    let table = [
        (key(1).machine(), good, true),
        (key(1).machine(), other_s, false),
        (key(2).machine(), good, false),
        (MachineId(neutral), signature(neutral), true),
        (MachineId(neutral), signature(order_2), true),
        (MachineId(order_2), signature(neutral), true),
        (MachineId(order_2), signature(neutral_again), true),
        (MachineId(neutral_again), signature(order_2), true),
        (MachineId(neutral), signature(no_point), false),
        (MachineId(no_point), signature(neutral), false),
        (key(1).machine(), signature(neutral), false),
    ];
    let claims: Vec<_> = table
        .iter()
        .enumerate()
        .map(|(at, (key, sig, _))| Claim::new(*key, *sig, message, digest(at)))
        .collect();
    let expected: Vec<_> = table.iter().map(|(_, _, holds)| *holds).collect();
    assert_eq!(
        claims.iter().map(Claim::holds).collect::<Vec<_>>(),
        expected
    );
    assert_eq!(proof::holding(&claims.iter().collect::<Vec<_>>()), expected);
    // Each pair by itself, and the good ones many times over so that the first batch holds.
    for a in 0..claims.len() {
        for b in 0..claims.len() {
            assert_eq!(
                proof::holding(&[&claims[a], &claims[b]]),
                [expected[a], expected[b]]
            );
        }
    }
    let only_good: Vec<_> = claims
        .iter()
        .zip(&expected)
        .filter(|(_, holds)| **holds)
        .map(|(claim, _)| claim)
        .collect();
    let many: Vec<_> = only_good.iter().copied().cycle().take(200).collect();
    assert_eq!(proof::holding(&many), vec![true; 200]);
    let mut one_bad = many;
    one_bad[150] = &claims[1];
    let holding = proof::holding(&one_bad);
    assert_eq!(holding.iter().filter(|holds| !**holds).count(), 1);
    assert!(!holding[150]);
}

#[test]
fn a_batch_finds_each_bad_event() {
    let mut raws: Vec<_> = (0..150)
        .map(|place| {
            let event = Draft {
                seq: place + 1,
                ..draft("{}")
            }
            .sign(&key(u8::try_from(place % 3).unwrap()));
            (event.raw().clone(), BYTES)
        })
        .collect();
    let bad = [0, 70, 71, 149];
    for at in bad {
        raws[at].0.properties = b"{\"changed\":1}".to_vec();
    }
    raws[10].0.seq = 0;
    raws[20].0.proof = Proof::Signed {
        sig: Signature([0xff; 64]),
    };
    let alone: Vec<_> = raws
        .iter()
        .map(|(raw, bytes)| raw.clone().check(&RULES, *bytes))
        .collect();
    let together = check_all(raws, &RULES);
    assert_eq!(together, alone);
    for (at, result) in together.iter().enumerate() {
        let expected = match at {
            10 => Some(Invalid::Seq),
            0 | 20 | 70 | 71 | 149 => Some(Invalid::Signature),
            _ => None,
        };
        assert_eq!(result.as_ref().err().copied(), expected, "{at}");
    }
}
