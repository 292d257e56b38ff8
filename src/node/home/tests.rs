use std::time::Duration;

use tempfile::TempDir;

use super::book::{Book, OwnInvite};
use super::files::Config;
use super::*;
use crate::event::id::EventId;
use crate::event::key::Key;
use crate::event::wall::WallTime;
use crate::limits::SOCKET_PATH_BYTES_MAX;
use crate::node::clock::Clock;

pub(super) fn home() -> (TempDir, Home) {
    let parent = tempfile::tempdir().unwrap();
    let home = Home::create(&parent.path().join("data")).unwrap();
    (parent, home)
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    std::os::unix::fs::MetadataExt::mode(&path.metadata().unwrap()) & 0o777
}

pub(super) fn key(n: u8) -> Key {
    Key::from_seed([n; 32])
}

pub(super) fn wall(ms: u64) -> WallTime {
    WallTime::from_ms(ms).unwrap()
}

pub(super) fn write(home: &Home, file: &str, text: &str) {
    fs::write(home.path().join(file), text).unwrap();
}

#[cfg(unix)]
#[test]
fn what_is_made_is_for_its_owner_alone() {
    let parent = tempfile::tempdir().unwrap();
    let home = Home::create(&parent.path().join("a/b")).unwrap();
    assert_eq!(mode(home.path()), 0o700);
    assert_eq!(mode(&parent.path().join("a")), 0o700);
    home.key_or_make([1; 32]).unwrap();
    home.add_invite(
        OwnInvite {
            invite: EventId([1; 16]),
            secret: key(2),
            expires: wall(9),
            uses: 1,
        },
        wall(1),
    )
    .unwrap();
    home.write_book(&Book::default()).unwrap();
    home.write_credential(&[]).unwrap();
    let _lock = home.lock().unwrap();
    for file in ["key", "invites.json", "peers.json", "credential", "lock"] {
        assert_eq!(mode(&home.path().join(file)), 0o600, "{file}");
    }
}

#[cfg(unix)]
#[test]
fn a_directory_that_others_may_read_is_closed_to_them() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("d");
    fs::create_dir(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    Home::create(&path).unwrap();
    assert_eq!(mode(&path), 0o700);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
    fs::write(path.join("events.redb"), "").unwrap();
    Home::open(&path).unwrap();
    assert_eq!(mode(&path), 0o700);
}

#[test]
fn a_path_that_is_or_crosses_a_file_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "").unwrap();
    for refused in [Home::create(&file), Home::open(&file)] {
        assert!(
            matches!(&refused, Err(Error::IsAFile { path }) if *path == file),
            "{refused:?}"
        );
    }
    for refused in [
        Home::create(&file.join("a/b")),
        Home::open(&file.join("a/b")),
    ] {
        assert!(
            matches!(&refused, Err(Error::FileInPath { file: found, .. }) if *found == file),
            "{refused:?}"
        );
    }
}

#[test]
fn a_directory_of_other_files_is_refused_and_not_touched() {
    for names in [
        &["thesis.txt"][..],
        &["key", "config.toml", "main.rs"],
        &["keys"],
    ] {
        let other = tempfile::tempdir().unwrap();
        for name in names {
            fs::write(other.path().join(name), "").unwrap();
        }
        for refused in [Home::create(other.path()), Home::open(other.path())] {
            let Err(error @ Error::NotOurs { .. }) = refused else {
                panic!("{refused:?}")
            };
            assert!(error.to_string().contains(names.last().unwrap()), "{error}");
        }
        assert_eq!(other.path().read_dir().unwrap().count(), names.len());
    }
}

#[test]
fn a_store_makes_any_directory_ours() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("events.redb"), "").unwrap();
    fs::write(directory.path().join("notes.txt"), "").unwrap();
    assert!(Home::open(directory.path()).unwrap().has_network());
}

#[test]
fn opening_without_a_network_says_how_to_begin() {
    let parent = tempfile::tempdir().unwrap();
    for path in [
        parent.path().to_path_buf(),
        parent.path().join("none/at/all"),
    ] {
        let Err(error @ Error::NoNetwork { .. }) = Home::open(&path) else {
            panic!()
        };
        assert!(error.to_string().contains("fedag init"), "{error}");
        assert!(error.to_string().contains("fedag join"), "{error}");
    }
    assert_eq!(parent.path().read_dir().unwrap().count(), 0);
}

#[test]
fn a_place_without_permission_is_named_so() {
    for kind in [
        io::ErrorKind::PermissionDenied,
        io::ErrorKind::ReadOnlyFilesystem,
    ] {
        assert!(matches!(
            not_made(Path::new("/no/where"), kind.into()),
            Error::NotWritable { .. }
        ));
    }
    assert!(matches!(
        not_made(Path::new("/no/where"), io::ErrorKind::OutOfMemory.into()),
        Error::Io { .. }
    ));
}

#[cfg(unix)]
#[test]
fn a_directory_that_cannot_be_written_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("d");
    fs::create_dir(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o500)).unwrap();
    let is_superuser = fs::write(path.join("lock"), "").is_ok();
    let created = Home::create(&path);
    assert!(
        is_superuser || matches!(created, Err(Error::NotWritable { .. })),
        "{created:?}"
    );
}

#[test]
fn the_default_is_below_the_users_data() {
    assert!(Home::default_path().unwrap().ends_with("fedag/default"));
}

#[test]
fn one_process_works_in_a_directory_and_the_other_is_told_its_number() {
    let (_parent, home) = home();
    let lock = home.lock().unwrap();
    let Err(error @ Error::InUse { .. }) = home.lock() else {
        panic!()
    };
    assert!(
        error
            .to_string()
            .contains(&format!("process {}", std::process::id())),
        "{error}"
    );
    let clock = Clock::start();
    assert!(matches!(
        home.lock_within(Duration::from_millis(50), &clock),
        Err(Error::InUse { .. })
    ));
    assert!(clock.now().0 >= 50_000);
    let waiting = home.clone();
    let taken = std::thread::spawn(move || {
        waiting
            .lock_within(Duration::from_secs(60), &clock)
            .map(drop)
    });
    drop(lock);
    taken.join().unwrap().unwrap();
    home.lock().unwrap();
}

#[test]
fn the_key_is_made_once() {
    let (_parent, home) = home();
    assert!(home.key().unwrap().is_none());
    let made = home.key_or_make([1; 32]).unwrap();
    assert_eq!(made.machine(), key(1).machine());
    assert_eq!(home.key_or_make([2; 32]).unwrap().machine(), made.machine());
    assert_eq!(
        Home::create(home.path())
            .unwrap()
            .key()
            .unwrap()
            .unwrap()
            .machine(),
        made.machine()
    );
}

#[test]
fn a_damaged_key_is_told_and_never_overwritten() {
    let (_parent, home) = home();
    let long = format!("{}\n\n", "0".repeat(64));
    for text in ["", "\n", "0123", &"g".repeat(64), &long, &"é".repeat(32)] {
        write(&home, "key", text);
        for refused in [home.key().map(drop), home.key_or_make([1; 32]).map(drop)] {
            assert!(matches!(refused, Err(Error::Damaged { .. })), "{text:?}");
        }
        assert_eq!(fs::read_to_string(home.path().join("key")).unwrap(), text);
    }
    write(&home, "key", &format!("{}\n", "0A".repeat(32)));
    assert_eq!(home.key().unwrap().unwrap().machine(), key(10).machine());
}

#[test]
fn the_config_comes_back_and_its_faults_are_told_with_their_line() {
    let (_parent, home) = home();
    assert_eq!(home.config().unwrap(), None);
    let mut config = Config {
        name: "b\"ö".into(),
        listen: "[::]:4711".parse().unwrap(),
        addresses: vec![],
    };
    home.write_config(&config).unwrap();
    assert_eq!(home.config().unwrap(), Some(config.clone()));
    config.addresses = vec!["192.0.2.1:9".parse().unwrap()];
    home.write_config(&config).unwrap();
    assert_eq!(home.config().unwrap(), Some(config));
    for (text, words) in [
        ("name = \"a\"\nlisten = \"nowhere\"", "line 2"),
        ("name = \"a\"\nlisten = \"[::]:1\"\nlisen = 3", "lisen"),
        ("listen = \"[::]:1\"", "name"),
        ("name = \"\"\nlisten = \"[::]:1\"", "1 to 64 bytes"),
        ("name =", "line 1"),
    ] {
        write(&home, "config.toml", text);
        let Err(error @ Error::Damaged { .. }) = home.config() else {
            panic!("{text}")
        };
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn the_credential_comes_back_and_damage_is_seen() {
    let (_parent, home) = home();
    assert!(home.credential().unwrap().is_empty());
    let links = vec![vec![1; 300], vec![], vec![2]];
    home.write_credential(&links).unwrap();
    assert_eq!(home.credential().unwrap(), links);
    let path = home.path().join("credential");
    let file = fs::read(&path).unwrap();
    for at in 0..file.len() {
        let mut damaged = file.clone();
        damaged[at] ^= 1;
        fs::write(&path, damaged).unwrap();
        assert!(
            matches!(home.credential(), Err(Error::Damaged { .. })),
            "{at}"
        );
        fs::write(&path, &file[..at]).unwrap();
        assert!(
            matches!(home.credential(), Err(Error::Damaged { .. })),
            "{at}"
        );
    }
    assert!(matches!(
        home.write_credential(&vec![vec![]; 65]),
        Err(Error::TooLarge { .. })
    ));
    assert!(matches!(
        home.write_credential(&[vec![0; 300_000]]),
        Err(Error::TooLarge { .. })
    ));
}

#[test]
fn a_network_set_aside_leaves_the_key_and_can_be_found_again() {
    let (_parent, home) = home();
    assert!(matches!(home.set_aside(), Err(Error::NoNetwork { .. })));
    home.key_or_make([1; 32]).unwrap();
    for n in 1..=2 {
        write(&home, "events.redb", &format!("store {n}"));
        write(&home, "invites.json", "[]");
        let aside = home.set_aside().unwrap();
        assert_eq!(aside, home.path().join(format!("events.redb.aside-{n}")));
        assert_eq!(fs::read_to_string(aside).unwrap(), format!("store {n}"));
        assert!(!home.has_network());
        assert!(!home.path().join("invites.json").exists());
    }
    assert_eq!(
        Home::create(home.path())
            .unwrap()
            .key()
            .unwrap()
            .unwrap()
            .machine(),
        key(1).machine()
    );
}

#[test]
fn a_short_path_has_its_socket_in_it() {
    let (_parent, home) = home();
    let near = home.path().join("control.sock");
    assert_eq!(home.control_socket().unwrap(), near);
    assert_eq!(home.make_control_socket().unwrap(), near);
    assert!(!home.path().join("control.path").exists());
}

#[cfg(unix)]
#[test]
fn a_path_too_long_for_a_socket_has_it_elsewhere() {
    let parent = tempfile::tempdir().unwrap();
    let long = parent.path().join("long".repeat(30));
    let home = Home::create(&long).unwrap();
    let socket = home.make_control_socket().unwrap();
    assert!(socket.as_os_str().len() <= SOCKET_PATH_BYTES_MAX);
    let directory = socket.parent().unwrap();
    assert_eq!(mode(directory), 0o700);
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    assert_eq!(home.control_socket().unwrap(), socket);
    assert_eq!(home.make_control_socket().unwrap(), socket);

    let copied = Home::create(&parent.path().join("copy".repeat(30))).unwrap();
    fs::copy(
        long.join("control.path"),
        copied.path().join("control.path"),
    )
    .unwrap();
    assert_eq!(
        copied.control_socket().unwrap(),
        copied.path().join("control.sock")
    );

    fs::remove_dir_all(directory).unwrap();
    let again = home.make_control_socket().unwrap();
    assert_ne!(again, socket);
    fs::remove_dir_all(again.parent().unwrap()).unwrap();
}
