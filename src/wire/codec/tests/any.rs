//! Whatever can be written comes back.

use proptest::prelude::*;

use super::*;
use crate::wire::fuzz::decode_anything;

prop_compose! {
    fn any_raw()(
        parents in prop::collection::vec(any::<[u8; 16]>().prop_map(EventId), 0..70),
        machine in any::<[u8; 32]>().prop_map(MachineId),
        (seq, time_ms) in any::<(u64, u64)>(),
        proof in any::<(u8, [u8; 32], [u8; 32], [u8; 32])>(),
        control in prop::collection::vec(any::<u8>(), 0..300),
        properties in prop::collection::vec(any::<u8>(), 0..300),
    ) -> Raw {
        let (kind, next, r, s) = proof;
        let next = Commitment(next);
        let sig = Signature([r, s].concat().try_into().unwrap());
        let proof = match kind % 4 {
            0 => Proof::Signed { sig },
            1 => Proof::Head { sig, next },
            2 => Proof::Middle { next },
            _ => Proof::Last,
        };
        Raw { parents, machine, seq, time_ms, proof, control, properties }
    }
}

prop_compose! {
    fn any_heads()(
        ids in prop::collection::btree_set(any::<[u8; 16]>().prop_map(EventId), 1..=HEADS_TOLD_MAX),
        more in 0_u32..9, count in any::<u32>(), digest in any::<[u8; 32]>().prop_map(DagDigest), bulk in any::<bool>(),
    ) -> Heads {
        let total = u32::try_from(ids.len()).unwrap() + more;
        Heads { ids: ids.into_iter().collect(), total, count, digest, bulk }
    }
}

fn any_ids(most: usize) -> impl Strategy<Value = Vec<EventId>> {
    prop::collection::vec(any::<[u8; 16]>().prop_map(EventId), 1..=most)
}

fn any_changes() -> impl Strategy<Value = HeadChanges> {
    let some =
        || prop::collection::btree_set(any::<[u8; 16]>().prop_map(EventId), 0..=HEADS_CHANGED_MAX);
    (some(), some(), any_heads(), any::<[u8; 32]>()).prop_map(|(added, removed, heads, since)| {
        HeadChanges {
            since: DagDigest(since),
            added: added.into_iter().collect(),
            removed: removed.into_iter().collect(),
            total: heads.total.max(65),
            count: heads.count,
            digest: heads.digest,
            bulk: heads.bulk,
        }
    })
}

fn any_reachable() -> impl Strategy<Value = Reachable> {
    let address = any::<(std::net::IpAddr, u16)>().prop_map(SocketAddr::from);
    (
        any::<[u8; 32]>(),
        prop::collection::vec(address, 0..=BOOK_ADDRESSES_MAX),
    )
        .prop_map(|(machine, addresses)| Reachable {
            machine: MachineId(machine),
            addresses,
        })
}

fn any_message() -> impl Strategy<Value = Message> {
    let session = any::<u32>().prop_map(SessionId);
    let answers = any::<Option<u32>>().prop_map(|answers| answers.map(SessionId));
    let hello = (
        session.clone(),
        answers,
        any_heads(),
        any_ids(HEAD_PARENTS_MAX),
        any_ids(LOCATOR_IDS_MAX),
        any::<u64>(),
    )
        .prop_map(|(session, answers, heads, head_parents, locator, take)| {
            Message::Hello(Hello {
                session,
                answers,
                heads,
                head_parents,
                locator,
                take,
            })
        });
    let announced = any::<([u8; 16], u32, u32)>().prop_map(|(id, height, length)| Announced {
        id: EventId(id),
        height,
        length,
    });
    prop_oneof![
        hello,
        (session.clone(), any::<bool>())
            .prop_map(|(session, holds_all)| Message::Verdict(Verdict { session, holds_all })),
        (session, any::<bool>(), any_heads()).prop_map(|(session, more, heads)| Message::End(
            End {
                session,
                more,
                heads
            }
        )),
        any_heads().prop_map(Message::Heads),
        (
            any::<(u32, u32)>(),
            prop::collection::vec(any::<[u8; 16]>().prop_map(EventId), 1..=OFFER_IDS_MAX / 8)
        )
            .prop_map(|((session, number), ids)| Message::Offer(Offer {
                session: SessionId(session),
                number,
                ids
            })),
        (
            any::<(u32, u32)>(),
            prop::collection::vec(any::<u8>(), 1..=OFFER_IDS_MAX / 8)
        )
            .prop_map(|((session, number), bits)| Message::Lacks(Lacks {
                session: SessionId(session),
                number,
                bits
            })),
        any_changes().prop_map(Message::Changes),
        prop::collection::vec(announced, 1..=WANT_IDS_MAX).prop_map(Message::Announce),
        any_ids(WANT_IDS_MAX).prop_map(Message::Want),
        prop::collection::vec(any_reachable(), 0..9).prop_map(Message::Addresses),
    ]
}

proptest! {
    #[test]
    fn any_event_comes_back_as_it_was(raw in any_raw()) {
        prop_assert_eq!(decode_event(&encode_raw(&raw)), Ok(raw));
    }

    #[test]
    fn any_message_comes_back_as_it_was(message in any_message()) {
        let frame = decode(&encode(&message)).unwrap();
        prop_assert_eq!(frame.check(&RULES), Ok(message));
    }

    #[test]
    fn any_events_in_a_frame_come_back_as_they_were(
        raws in prop::collection::vec(any_raw(), 1..20), not_held in any_ids(9), session in any::<u32>(),
    ) {
        let bytes: Vec<Vec<u8>> = raws.iter().map(encode_raw).collect();
        let lengths: Vec<usize> = bytes.iter().map(Vec::len).collect();
        for encoded in [encode_given(&bytes, &not_held), encode_bulk(SessionId(session), &bytes)] {
            let frame = decode(&encoded).unwrap();
            prop_assert_eq!(frame.raws.iter().map(|(raw, _)| raw).collect::<Vec<_>>(), raws.iter().collect::<Vec<_>>());
            prop_assert_eq!(frame.raws.iter().map(|(_, length)| *length).collect::<Vec<_>>(), lengths.clone());
        }
    }

    #[test]
    fn any_bytes_are_refused_or_their_own_encoding(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        decode_anything(&bytes);
    }
}
