use super::*;

fn id(n: u16) -> EventId {
    let mut id = [0; 16];
    id[..2].copy_from_slice(&n.to_be_bytes());
    EventId(id)
}

/// Leaves with these numbers, of a set named by `set`.
fn leaves(numbers: impl IntoIterator<Item = u16>, set: u8) -> Leaves {
    let all: Vec<EventId> = numbers.into_iter().map(id).collect();
    let mut told = all.clone();
    told.truncate(HEADS_TOLD_MAX);
    Leaves {
        heads: Heads {
            ids: told,
            total: u32::try_from(all.len()).unwrap(),
            count: 5_000 + u32::from(set),
            digest: DagDigest([set; 32]),
            bulk: false,
        },
        all: (all.len() <= HEADS_KNOWN_MAX).then(|| all.into()),
    }
}

/// What the hearer knows after it was told.
fn hear(known: Option<&Heads>, telling: Telling) -> Heads {
    match telling {
        Telling::Heads(heads) => heads.after(known),
        Telling::Changes(changes) => known.expect("changes come after heads").changed(&changes),
    }
}

#[test]
fn a_peer_that_knows_all_heads_goes_on_knowing_them_above_the_bound() {
    let few = leaves(0..60, 1);
    let (telling, told) = few.tell(None, false);
    let mut heard = hear(None, telling);
    let mut told = Some(told);
    for (set, range) in [(2, 0..100), (3, 30..300), (4, 200..290), (5, 280..290)] {
        let now = leaves(range.clone(), set);
        let (telling, next) = now.tell(told.as_ref(), false);
        let is_change = matches!(telling, Telling::Changes(_));
        assert_eq!(is_change, range.len() > HEADS_TOLD_MAX, "{range:?}");
        heard = hear(Some(&heard), telling);
        assert!(heard.is_complete());
        assert_eq!(heard.ids, range.map(id).collect::<Vec<_>>());
        told = Some(next);
    }
}

#[test]
fn who_missed_a_change_does_not_count_heads_as_complete_until_they_are_told_whole() {
    let (telling, told) = leaves(0..60, 1).tell(None, false);
    let heard = hear(None, telling);
    let (_missed, told) = leaves(0..80, 2).tell(Some(&told), false);
    let (telling, told) = leaves(0..81, 3).tell(Some(&told), false);
    let heard = hear(Some(&heard), telling);
    assert!(!heard.is_complete());
    assert_eq!(heard.ids, [id(80)]);
    assert_eq!(heard.digest, DagDigest([3; 32]));
    let (telling, told) = leaves(5..81, 4).tell(Some(&told), false);
    let heard = hear(Some(&heard), telling);
    assert!(!heard.is_complete() && !heard.ids.is_empty());
    let (telling, _) = leaves(70..81, 5).tell(Some(&told), false);
    assert!(hear(Some(&heard), telling).is_complete());
}

#[test]
fn too_many_heads_are_told_in_part_and_a_hello_does_not_undo_what_is_known() {
    let (telling, told) = leaves(0..10, 1).tell(None, false);
    let heard = hear(None, telling);
    let (telling, much) = leaves(0..1000, 2).tell(Some(&told), false);
    assert!(matches!(telling, Telling::Heads(_)), "too much changed");
    assert!(!hear(Some(&heard), telling).is_complete());
    assert_eq!(much.all, None);
    let now = leaves(0..90, 2);
    let (telling, told) = now.tell(Some(&told), false);
    let heard = hear(Some(&heard), telling);
    let hello = now.heads.clone();
    assert!(!hello.is_complete());
    assert_eq!(Told::by_hello(&hello, Some(&told)), told);
    assert!(hello.after(Some(&heard)).is_complete());
    let other = leaves(0..91, 3).heads;
    assert_eq!(Told::by_hello(&other, Some(&told)).all, None);
}
