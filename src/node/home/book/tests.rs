use std::fs;

use super::*;
use crate::node::home::tests::{home, key, wall, write};

fn reachable(n: u8, ports: u16) -> Reachable {
    let addresses = (0..ports)
        .map(|port| ([192, 0, 2, n], port + 1).into())
        .collect();
    Reachable {
        machine: key(n).machine(),
        addresses,
    }
}

#[test]
fn the_book_comes_back_and_a_damaged_one_is_empty() {
    let (_parent, home) = home();
    assert_eq!(home.book().unwrap(), Book::default());
    let book = Book {
        kept: vec![reachable(1, 2)],
        known: vec![reachable(2, 1), reachable(3, 3)],
    };
    home.write_book(&book).unwrap();
    assert_eq!(home.book().unwrap(), book);
    for text in ["", "[]", "{\"kept\":1}", &"x".repeat(2 << 20)] {
        write(&home, "peers.json", text);
        assert_eq!(home.book().unwrap(), Book::default());
    }
}

#[test]
fn the_book_is_bounded() {
    let (_parent, home) = home();
    let many: Vec<_> = (0..=BOOK_MACHINES_MAX)
        .map(|n| {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&n.to_le_bytes());
            Reachable {
                machine: MachineId(key),
                addresses: reachable(1, 20).addresses,
            }
        })
        .collect();
    home.write_book(&Book {
        kept: many.clone(),
        known: many.clone(),
    })
    .unwrap();
    let book = home.book().unwrap();
    assert_eq!(
        (book.kept.len(), book.known.len()),
        (BOOK_MACHINES_MAX, BOOK_MACHINES_MAX)
    );
    assert_eq!(
        book.kept[0].addresses,
        many[0].addresses[..BOOK_ADDRESSES_MAX]
    );
}

#[test]
fn an_address_that_is_kept_goes_first() {
    let mut book = Book::default();
    let address = |port| ([192, 0, 2, 1], port).into();
    for port in [1, 2, 1, 3] {
        book.keep(key(1).machine(), address(port));
    }
    book.keep(key(2).machine(), address(1));
    assert_eq!(book.kept[1].addresses, [address(3), address(1), address(2)]);
    for port in 10..40 {
        book.keep(key(1).machine(), address(port));
    }
    assert_eq!(
        (book.kept[0].addresses.len(), book.kept[0].addresses[0]),
        (BOOK_ADDRESSES_MAX, address(39))
    );
    assert_eq!(book.kept.len(), 2);
}

#[test]
fn bans_come_back_and_damaged_ones_are_an_error() {
    let (_parent, home) = home();
    assert!(home.bans().unwrap().is_empty());
    let bans = [key(1).machine(), key(2).machine()];
    home.write_bans(&bans).unwrap();
    assert_eq!(home.bans().unwrap(), bans);
    assert!(matches!(
        home.write_bans(&vec![bans[0]; BANS_MAX + 1]),
        Err(Error::TooLarge { .. })
    ));
    for text in ["", "[\"short\"]", "[1]"] {
        write(&home, "bans.json", text);
        assert!(matches!(home.bans(), Err(Error::Damaged { .. })), "{text}");
    }
}

#[test]
fn invites_come_back_until_they_expire() {
    let (_parent, home) = home();
    assert!(home.invites(wall(0)).unwrap().is_empty());
    let invite = |n: u8| OwnInvite {
        invite: EventId([n; 16]),
        secret: key(n),
        expires: wall(u64::from(n) * 10),
        uses: 3,
    };
    home.add_invite(invite(1), wall(0)).unwrap();
    home.add_invite(invite(2), wall(0)).unwrap();
    let found = home.invites(wall(9)).unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(found[1].invite, EventId([2; 16]));
    assert_eq!(found[1].secret.machine(), key(2).machine());
    assert_eq!((found[1].expires, found[1].uses), (wall(20), 3));
    assert_eq!(home.invites(wall(10)).unwrap().len(), 1);
    assert_eq!(
        home.invites(wall(0)).unwrap().len(),
        1,
        "an expired one is removed from the file"
    );
    write(&home, "invites.json", "[{}]");
    assert!(matches!(home.invites(wall(0)), Err(Error::Damaged { .. })));
    assert!(matches!(
        home.add_invite(invite(3), wall(0)),
        Err(Error::Damaged { .. })
    ));
}

#[test]
fn invites_are_bounded() {
    let (_parent, home) = home();
    let invite = OwnInvite {
        invite: EventId([1; 16]),
        secret: key(1),
        expires: wall(9),
        uses: 0,
    };
    home.add_invite(invite.clone(), wall(0)).unwrap();
    let text = fs::read_to_string(home.path().join("invites.json")).unwrap();
    let entry = text
        .trim()
        .strip_prefix('[')
        .unwrap()
        .strip_suffix(']')
        .unwrap();
    write(
        &home,
        "invites.json",
        &format!("[{}]", vec![entry; INVITES_KEPT_MAX].join(",")),
    );
    assert!(matches!(
        home.add_invite(invite.clone(), wall(0)),
        Err(Error::TooLarge { .. })
    ));
    home.add_invite(invite, wall(9)).unwrap();
}
