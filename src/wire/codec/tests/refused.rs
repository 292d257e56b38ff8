//! What is refused: other encodings, claims, messages beyond their bounds, damaged bytes.

use super::*;
use crate::wire::fuzz::decode_anything;

#[test]
fn bytes_that_are_not_the_shortest_encoding_are_refused() {
    // 5 as one byte, and the same 5 in three bytes.
    let verdict = encode(&Message::Verdict(Verdict {
        session: SessionId(5),
        holds_all: true,
    }));
    assert_eq!(verdict, [tag::VERDICT, 5, 1]);
    assert!(decode(&verdict).is_ok());
    assert_eq!(decode(&[tag::VERDICT, 251, 5, 0, 1]), Err(Fault::Malformed));
    assert_eq!(decode(&[tag::VERDICT, 5, 2]), Err(Fault::Malformed));
    let event = encode_event(&events()[3]);
    let mut longer = vec![251, event[0], 0];
    longer.extend(&event[1..]);
    assert_eq!(decode_event(&longer), Err(Fault::Malformed));
    let greeting = encode_plain(&Greeting::Member {
        root: id(1),
        start: 3,
        credential: Vec::new(),
    });
    let mut longer = greeting[..17].to_vec();
    longer.extend([251, 3, 0, 0]);
    assert!(decode_plain::<Greeting>(&greeting).is_ok());
    assert_eq!(decode_plain::<Greeting>(&longer), Err(Fault::Malformed));
}

#[test]
fn claims_of_endless_lists_are_refused() {
    let gib64 = [253, 0, 0, 0, 0, 16, 0, 0, 0];
    let all_ones = [253, 255, 255, 255, 255, 255, 255, 255, 255];
    for claim in [&gib64[..], &all_ones, &[252, 0, 0, 32, 0], &[251, 255, 255]] {
        assert!(decode_event(claim).is_err());
        for tag in 0..=255 {
            for before in [&[][..], &[1], &[1, 0], &[1, 1, 1], &[0; 50]] {
                let bomb = [&[tag], before, claim].concat();
                assert_eq!(decode(&bomb), Err(Fault::Malformed), "{bomb:?}");
            }
        }
        let mut greeting = encode_plain(&Greeting::Member {
            root: id(1),
            start: 3,
            credential: Vec::new(),
        });
        greeting.pop();
        greeting.extend(claim);
        assert_eq!(decode_plain::<Greeting>(&greeting), Err(Fault::Malformed));
        let joined = [&[1], claim].concat();
        assert_eq!(decode_plain::<Welcome>(&joined), Err(Fault::Malformed));
    }
    assert_eq!(decode(&[]), Err(Fault::FrameLength));
    assert_eq!(
        decode(&vec![tag::WANT; FRAME_BYTES_MAX + 1]),
        Err(Fault::FrameLength)
    );
}

#[track_caller]
fn ends_between(within: &Message, beyond: &Message) {
    assert_eq!(decode(&encode(within)).map(|_| ()), Ok(()));
    assert_eq!(decode(&encode(beyond)), Err(Fault::Bounds));
}

#[test]
fn bounds_of_heads_are_where_the_document_says() {
    let told = |ids: Vec<EventId>, total| Heads {
        ids,
        total,
        ..heads()
    };
    let many = |n: usize| told(ids(0..n), 1000);
    let rows = [
        (many(HEADS_TOLD_MAX), many(HEADS_TOLD_MAX + 1)),
        (many(1), many(0)),
        (told(ids(0..2), 2), told(ids(0..2), 1)),
        (heads(), told(vec![id(2), id(1)], 2)),
        (heads(), told(vec![id(2), id(2)], 2)),
    ];
    let session = SessionId(1);
    let more = false;
    for (within, beyond) in rows {
        let end = |heads| {
            Message::End(End {
                session,
                more,
                heads,
            })
        };
        let open = |heads| Message::Hello(Hello { heads, ..hello() });
        ends_between(&end(within.clone()), &end(beyond.clone()));
        ends_between(&open(within.clone()), &open(beyond.clone()));
        ends_between(&Message::Heads(within), &Message::Heads(beyond));
    }
}

#[test]
fn bounds_of_ids_and_addresses_are_where_the_document_says() {
    let at = |parents, back| {
        let (head_parents, locator) = (ids(0..parents), ids(0..back));
        Message::Hello(Hello {
            head_parents,
            locator,
            ..hello()
        })
    };
    ends_between(&at(HEAD_PARENTS_MAX, 0), &at(HEAD_PARENTS_MAX + 1, 0));
    ends_between(&at(0, LOCATOR_IDS_MAX), &at(0, LOCATOR_IDS_MAX + 1));

    let (id, height, length) = (id(1), 1, 1);
    let announce = |n| Message::Announce(vec![Announced { id, height, length }; n]);
    ends_between(&announce(WANT_IDS_MAX), &announce(WANT_IDS_MAX + 1));
    ends_between(&announce(1), &announce(0));

    let want = |n| Message::Want(ids(0..n));
    ends_between(&want(WANT_IDS_MAX), &want(WANT_IDS_MAX + 1));
    ends_between(&want(1), &want(0));

    let told = |machines, addresses| Message::Addresses(reachable(machines, addresses));
    ends_between(&told(BOOK_MACHINES_MAX, 1), &told(BOOK_MACHINES_MAX + 1, 1));
    ends_between(
        &told(1, BOOK_ADDRESSES_MAX),
        &told(1, BOOK_ADDRESSES_MAX + 1),
    );
    ends_between(&told(0, 0), &told(2, BOOK_ADDRESSES_MAX + 1));
}

#[test]
fn bounds_of_events_are_where_the_document_says() {
    let push = |bytes| Message::Push(vec![events_of(0), events_of(bytes)]);
    ends_between(&push(PUSH_BYTES_MAX), &push(PUSH_BYTES_MAX + 1));
    let push = |n| Message::Push(vec![events_of(0); n]);
    ends_between(&push(FRAME_EVENTS_MAX), &push(FRAME_EVENTS_MAX + 1));
    ends_between(&push(1), &push(0));

    let given = |n: usize, lacking| {
        let (events, not_held) = (vec![events_of(0); n], ids(0..lacking));
        Message::Given { events, not_held }
    };
    ends_between(&given(WANT_IDS_MAX, 0), &given(WANT_IDS_MAX, 1));
    ends_between(&given(0, 1), &given(0, 0));

    let session = SessionId(1);
    let bulk = |lengths: &[usize]| {
        let events = lengths.iter().map(|length| events_of(*length)).collect();
        Message::Bulk { session, events }
    };
    let most = BULK_FRAME_BYTES;
    ends_between(
        &bulk(&[most - 1000, 1000, 0]),
        &bulk(&[most - 1000, 1001, 0]),
    );
    ends_between(&bulk(&[most + 1]), &bulk(&[most + 1, 0]));
    ends_between(&bulk(&[0]), &bulk(&[]));
}

/// A signed event of `bytes` bytes on the wire, or of the fewest that there can be.
fn events_of(bytes: usize) -> Event {
    let draft = |properties| {
        let parents = vec![id(1)];
        Draft {
            parents,
            seq: 1,
            wall: wall(0),
            control: Control::None,
            properties,
        }
        .sign(&Key::from_seed([3; 32]))
    };
    let shortest = draft(Properties::none());
    if event_length(&shortest) as usize >= bytes {
        return shortest;
    }
    let texts =
        (bytes - 150..bytes).map(|length| draft(Properties::from_text(&"x".repeat(length))));
    texts
        .into_iter()
        .find(|event| event_length(event) as usize == bytes)
        .expect("one of them is that long")
}

#[test]
fn greetings_keep_their_bounds() {
    let member = |links, bytes| {
        let credential = vec![Blob(vec![1; bytes]); links];
        decode_plain::<Greeting>(&encode_plain(&Greeting::Member {
            root: id(1),
            start: 1,
            credential,
        }))
    };
    assert!(
        member(
            CREDENTIAL_LINKS_MAX,
            CREDENTIAL_BYTES_MAX / CREDENTIAL_LINKS_MAX
        )
        .is_ok()
    );
    assert_eq!(member(CREDENTIAL_LINKS_MAX + 1, 1), Err(Fault::Malformed));
    assert_eq!(member(1, CREDENTIAL_BYTES_MAX + 1), Err(Fault::Malformed));
    let joiner = |name: &str| {
        let (name, signature) = (name.to_owned(), Blob(vec![0; 64]));
        let joiner = Greeting::Joiner {
            root: id(1),
            invite: id(2),
            name,
            signature,
        };
        decode_plain::<Greeting>(&encode_plain(&joiner)).map(|found| assert_eq!(found, joiner))
    };
    assert_eq!(joiner(&"n".repeat(NAME_BYTES_MAX)), Ok(()));
    for name in ["", "a\u{1b}[2J", &"n".repeat(NAME_BYTES_MAX + 1)] {
        assert_eq!(joiner(name), Err(Fault::Malformed), "{name:?}");
    }
}

/// What `bytes` are accepted as: a frame, an event, a greeting, a welcome.
fn kinds(bytes: &[u8]) -> [bool; 4] {
    let (frame, event) = (decode(bytes).is_ok(), decode_event(bytes).is_ok());
    [
        frame,
        event,
        decode_plain::<Greeting>(bytes).is_ok(),
        decode_plain::<Welcome>(bytes).is_ok(),
    ]
}

#[test]
fn every_cut_and_every_flipped_bit_is_refused_or_means_something_else() {
    for (name, bytes) in vectors() {
        let whole = kinds(&bytes);
        assert!(whole.contains(&true), "{name}");
        let cuts = (0..bytes.len()).map(|end| bytes[..end].to_vec());
        for other in cuts.chain([[&bytes[..], &[0]].concat()]) {
            let both = kinds(&other)
                .iter()
                .zip(whole)
                .any(|(other, whole)| *other && whole);
            assert!(
                !both,
                "{} bytes of {name}, which has {}",
                other.len(),
                bytes.len()
            );
            decode_anything(&other);
        }
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                decode_anything(&flipped);
            }
        }
    }
}

/// About a second of random changes to valid bytes; the seed is fixed, so a failure repeats.
#[test]
fn random_changes_never_panic_and_never_give_a_second_encoding() {
    let vectors = vectors();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draw = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((state >> 33) % below as u64).unwrap()
    };
    let interesting = [0, 1, 2, 3, 63, 64, 127, 128, 250, 251, 252, 253, 254, 255];
    let mut accepted = 0_u32;
    for _ in 0..300_000 {
        let mut bytes = vectors[draw(vectors.len())].1.clone();
        for _ in 0..=draw(4) {
            let at = draw(bytes.len());
            match draw(5) {
                0 => bytes[at] = u8::try_from(draw(256)).unwrap(),
                1 => bytes[at] = interesting[draw(interesting.len())],
                2 => bytes.truncate(at + 1),
                3 => bytes.insert(at, interesting[draw(interesting.len())]),
                _ => drop(bytes.remove(at)),
            }
            if bytes.is_empty() {
                bytes.push(0);
            }
        }
        accepted += u32::from(decode_anything(&bytes));
    }
    assert!(
        accepted > 1000,
        "only {accepted} were accepted: the changes are too wild to test anything"
    );
}
