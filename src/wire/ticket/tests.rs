use super::*;

fn ticket() -> Ticket {
    Ticket {
        root: EventDigest([0x11; 32]),
        invite: EventId([0x22; 16]),
        secret: Key::from_seed([0x33; 32]),
        expires_ms: 1_795_334_400_000,
        addresses: vec![
            (MachineId([0x44; 32]), "192.0.2.7:4433".parse().unwrap()),
            (
                MachineId([0x55; 32]),
                "[2001:db8::7]:65535".parse().unwrap(),
            ),
        ],
    }
}

fn same(a: &Ticket, b: &Ticket) -> bool {
    (
        a.root,
        a.invite,
        a.secret.machine(),
        a.expires_ms,
        &a.addresses,
    ) == (
        b.root,
        b.invite,
        b.secret.machine(),
        b.expires_ms,
        &b.addresses,
    )
}

#[test]
fn the_golden_ticket_is_written_and_read() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/ticket.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(
            &path,
            format!(
                "{}
",
                ticket()
            ),
        )
        .unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    assert_eq!(ticket().to_string(), golden.trim());
    assert!(same(&Ticket::parse(&golden).unwrap(), &ticket()));
}

#[test]
fn white_space_and_case_do_not_matter() {
    let text = ticket().to_string();
    assert!(same(
        &Ticket::parse(&text.to_uppercase()).unwrap(),
        &ticket()
    ));
    let folded: Vec<&str> = (0..text.len())
        .step_by(60)
        .map(|at| &text[at..(at + 60).min(text.len())])
        .collect();
    let mailed = format!(
        "\n  {}\r\n\t",
        folded.join("\r\n > ").replace('>', "\u{a0}")
    );
    assert!(same(&Ticket::parse(&mailed).unwrap(), &ticket()));
}

#[test]
fn every_wrong_character_is_noticed() {
    let text = ticket().to_string();
    for at in 6..text.len() {
        for other in ["a", "7", "1", "!", "é", ""] {
            let wrong = format!("{}{other}{}", &text[..at], &text[at + 1..]);
            if wrong != text {
                assert_eq!(
                    Ticket::parse(&wrong).unwrap_err(),
                    Error::Damaged,
                    "{other:?} at {at}"
                );
            }
        }
    }
}

#[test]
fn every_shorter_text_is_noticed() {
    let text = ticket().to_string();
    for end in 6..text.len() {
        assert_eq!(
            Ticket::parse(&text[..end]).unwrap_err(),
            Error::Damaged,
            "the first {end}"
        );
    }
    assert_eq!(
        Ticket::parse(&format!("{text}a")).unwrap_err(),
        Error::Damaged
    );
    assert_eq!(
        Ticket::parse(&format!("{text}{text}")).unwrap_err(),
        Error::Damaged
    );
}

#[test]
fn other_text_is_told_apart_from_later_and_damaged_tickets() {
    for text in ["", " ", "fedag", "hello", "fedagabc", "{\"text\":1}", "é1"] {
        assert_eq!(Ticket::parse(text).unwrap_err(), Error::Prefix, "{text:?}");
    }
    assert_eq!(Ticket::parse("fedag2abcdef").unwrap_err(), Error::Version);
    let mut later = vec![VERSION + 1, 9, 9];
    later.extend_from_slice(&checksum(&later.clone()));
    let text = format!("fedag1{}", BASE32_NOPAD.encode(&later));
    assert_eq!(Ticket::parse(&text).unwrap_err(), Error::Version);
    let endless = format!("fedag1{}", "a".repeat(TICKET_CHARS_MAX));
    assert_eq!(Ticket::parse(&endless).unwrap_err(), Error::Damaged);
}

#[test]
fn a_ticket_without_an_address_is_damaged() {
    let none = Ticket {
        addresses: Vec::new(),
        ..ticket()
    };
    assert_eq!(
        Ticket::parse(&none.to_string()).unwrap_err(),
        Error::Damaged
    );
}

#[test]
fn the_longest_ticket_can_be_read() {
    let address = (MachineId([0xff; 32]), "[ffff::1]:65535".parse().unwrap());
    let longest = Ticket {
        expires_ms: u64::MAX,
        addresses: vec![address; TICKET_ADDRESSES_MAX + 1],
        ..ticket()
    };
    let text = longest.to_string();
    assert!(text.len() <= TICKET_CHARS_MAX);
    assert_eq!(
        Ticket::parse(&text).unwrap().addresses.len(),
        TICKET_ADDRESSES_MAX
    );
}
