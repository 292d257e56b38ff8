//! Whom a machine knows and dials: the address book and its back-off.
//!
//! Invariants:
//! - at most `limits::BOOK_MACHINES_MAX` machines with `BOOK_ADDRESSES_MAX` addresses each; at the bound the machine heard of
//!   least recently goes, never one that a ticket or the user named, never a connected one;
//! - never this machine itself;
//! - dialling never ends: the distance doubles from `limits::REDIAL_MIN` to `REDIAL_MAX`, jittered.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use crate::event::key::MachineId;
use crate::gossip::message::Reachable;
use crate::limits::{BOOK_ADDRESSES_MAX, BOOK_MACHINES_MAX, REDIAL_MAX, REDIAL_MIN};
use crate::mutant::{self, Mutant};
use crate::time::Time;

/// The address book.
#[derive(Clone, Debug)]
pub struct Book {
    own: MachineId,
    entries: BTreeMap<MachineId, Entry>,
    has_changed: bool,
}

/// One machine in the book.
#[derive(Clone, Debug)]
pub struct Entry {
    addresses: Vec<SocketAddr>,
    is_kept: bool,
    heard: Time,
    state: Contact,
    failures: u32,
    is_unreached: bool,
}

/// How a machine in the book stands to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contact {
    /// Not connected; to be dialled when there is room, not before this time.
    Waiting(Time),
    /// A dial is under way, since this time.
    Dialling(Time),
    /// Connected.
    Connected,
}

impl Entry {
    /// Where it may be reached, the likeliest first; at least one.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// How it stands to us.
    pub fn contact(&self) -> Contact {
        self.state
    }

    /// Dials that failed since it was last connected.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// The last dial of it failed, at all addresses that are known.
    pub fn is_unreached(&self) -> bool {
        self.is_unreached
    }
}

impl Book {
    /// An empty book of the machine `own`.
    pub fn new(own: MachineId) -> Self {
        Self {
            own,
            entries: BTreeMap::new(),
            has_changed: false,
        }
    }

    /// All machines in it, by key.
    pub fn entries(&self) -> impl Iterator<Item = (MachineId, &Entry)> + '_ {
        self.entries
            .iter()
            .map(|(machine, entry)| (*machine, entry))
    }

    /// The entry of one machine.
    pub fn get(&self, machine: MachineId) -> Option<&Entry> {
        self.entries.get(&machine)
    }

    /// Learns addresses of a machine, the likeliest first; true when one is new. `is_kept`: by a ticket or the user; then it is
    /// dialled at once.
    pub fn learn(
        &mut self,
        now: Time,
        machine: MachineId,
        addresses: &[SocketAddr],
        is_kept: bool,
    ) -> bool {
        if machine == self.own || addresses.is_empty() {
            return false;
        }
        let is_new_machine = !self.entries.contains_key(&machine);
        if is_new_machine {
            self.make_room();
        }
        let entry = self.entries.entry(machine).or_insert_with(|| Entry {
            addresses: Vec::new(),
            is_kept,
            heard: now,
            state: Contact::Waiting(now),
            failures: 0,
            is_unreached: false,
        });
        entry.heard = now;
        let mut has_changed = is_kept && !entry.is_kept;
        entry.is_kept |= is_kept;
        // The newest word comes first; what falls off the end is the oldest.
        let before = entry.addresses.clone();
        let mut list: Vec<SocketAddr> = Vec::with_capacity(BOOK_ADDRESSES_MAX);
        for address in addresses.iter().chain(&before) {
            if list.len() < BOOK_ADDRESSES_MAX && !list.contains(address) && is_dialable(address) {
                list.push(*address);
            }
        }
        if list.is_empty() {
            if is_new_machine {
                self.entries.remove(&machine);
            }
            return false;
        }
        let is_new_address = list.iter().any(|address| !before.contains(address));
        has_changed |= is_new_address;
        entry.addresses = list;
        let is_hastened = is_new_address || is_kept;
        if is_hastened && matches!(entry.state, Contact::Waiting(_)) {
            (entry.state, entry.failures) = (Contact::Waiting(now), 0);
            entry.is_unreached = false;
        }
        self.has_changed |= has_changed;
        is_new_address
    }

    /// Hears of a machine's addresses from another one: they come behind those that are known, while there is room, and hasten no
    /// dial; true when one is new.
    pub fn hear_of(&mut self, now: Time, machine: MachineId, addresses: &[SocketAddr]) -> bool {
        let Some(entry) = self.entries.get_mut(&machine) else {
            return self.learn(now, machine, addresses, false);
        };
        let before = entry.addresses.len();
        for address in addresses {
            let has_room = entry.addresses.len() < BOOK_ADDRESSES_MAX;
            if has_room && !entry.addresses.contains(address) && is_dialable(address) {
                entry.addresses.push(*address);
            }
        }
        let is_new = entry.addresses.len() > before;
        self.has_changed |= is_new;
        is_new
    }

    /// Chooses a machine to dial now. None: nobody is due.
    /// Of those due, one of those with the fewest failures, at random.
    pub fn next_due_at(&self, now: Time, rng: &mut Pcg64Mcg) -> Option<MachineId> {
        let due = |entry: &Entry| matches!(entry.state, Contact::Waiting(at) if at <= now);
        let few = self
            .entries
            .values()
            .filter(|entry| due(entry))
            .map(|entry| entry.failures)
            .min()?;
        let fit: Vec<MachineId> = self
            .entries
            .iter()
            .filter(|(_, entry)| due(entry) && entry.failures == few)
            .map(|(machine, _)| *machine)
            .collect();
        Some(fit[rng.random_range(0..fit.len())])
    }

    /// The machines that are neither connected nor dialled and need not be waited for any more, by key.
    pub fn due(&self, now: Time) -> impl Iterator<Item = MachineId> + '_ {
        let is_due = move |entry: &Entry| matches!(entry.state, Contact::Waiting(at) if at <= now);
        let due = self.entries.iter().filter(move |(_, entry)| is_due(entry));
        due.map(|(machine, _)| *machine)
    }

    /// Notes that a machine is being dialled from now on; where it is. None: it does not wait.
    pub fn begin_dial(&mut self, now: Time, machine: MachineId) -> Option<Vec<SocketAddr>> {
        let entry = self.entries.get_mut(&machine)?;
        if !matches!(entry.state, Contact::Waiting(_)) {
            return None;
        }
        entry.state = Contact::Dialling(now);
        Some(entry.addresses.clone())
    }

    /// A connection stands; `address` is where the peer is.
    pub fn on_connected(&mut self, now: Time, machine: MachineId, address: SocketAddr) {
        self.learn(now, machine, &[address], false);
        if let Some(entry) = self.entries.get_mut(&machine) {
            (entry.state, entry.failures, entry.heard) = (Contact::Connected, 0, now);
            entry.is_unreached = false;
        }
    }

    /// A dial failed: it is dialled again after a back-off.
    pub fn on_dial_failed(&mut self, now: Time, machine: MachineId, rng: &mut Pcg64Mcg) {
        self.on_gone(now, machine, rng);
        if let Some(entry) = self.entries.get_mut(&machine) {
            entry.is_unreached = true;
        }
    }

    /// A connection is gone: it is dialled again after a back-off.
    pub fn on_gone(&mut self, now: Time, machine: MachineId, rng: &mut Pcg64Mcg) {
        let Some(entry) = self.entries.get_mut(&machine) else {
            return;
        };
        let wait = REDIAL_MIN
            .saturating_mul(1 << entry.failures.min(16))
            .min(REDIAL_MAX);
        let is_given_up = mutant::is(Mutant::RedialGivenUp) && entry.failures > 0;
        let wait = if is_given_up { NEVER } else { wait };
        entry.failures = entry.failures.saturating_add(1);
        entry.state = Contact::Waiting(now + jittered(wait, rng));
    }

    /// We took leave of a machine, or it of us; it did nothing wrong, and others come first for a while.
    pub fn on_left(&mut self, now: Time, machine: MachineId, rng: &mut Pcg64Mcg) {
        if let Some(entry) = self.entries.get_mut(&machine) {
            entry.state = Contact::Waiting(now + jittered(REDIAL_MAX, rng));
        }
    }

    /// The machine broke the rules: once it is gone, it is dialled again only after the longest back-off.
    pub fn on_fault(&mut self, machine: MachineId) {
        if let Some(entry) = self.entries.get_mut(&machine) {
            entry.failures = 16;
        }
    }

    /// Connections and dials.
    pub fn busy(&self) -> usize {
        self.entries
            .values()
            .filter(|entry| !matches!(entry.state, Contact::Waiting(_)))
            .count()
    }

    /// When the next machine is due to be dialled.
    pub fn next_due(&self) -> Option<Time> {
        self.entries
            .values()
            .filter_map(|entry| match entry.state {
                Contact::Waiting(at) => Some(at),
                Contact::Dialling(_) | Contact::Connected => None,
            })
            .min()
    }

    /// The book for the disk, if it changed since it was last taken.
    pub fn take_changed(&mut self) -> Option<Vec<Reachable>> {
        let has_changed = std::mem::take(&mut self.has_changed);
        has_changed.then(|| {
            self.entries
                .iter()
                .map(|(machine, entry)| Reachable {
                    machine: *machine,
                    addresses: entry.addresses.clone(),
                })
                .collect()
        })
    }

    fn make_room(&mut self) {
        if self.entries.len() < BOOK_MACHINES_MAX {
            return;
        }
        let oldest = self
            .entries
            .iter()
            .filter(|(_, entry)| !entry.is_kept && matches!(entry.state, Contact::Waiting(_)))
            .min_by_key(|(machine, entry)| (entry.heard, **machine))
            .map(|(machine, _)| *machine);
        if let Some(machine) = oldest {
            self.entries.remove(&machine);
        }
    }
}

/// Longer than any run, for `Mutant::RedialGivenUp`.
const NEVER: Duration = Duration::from_secs(1 << 32);

/// From half of `wait` to all of it, so that not all dial at once.
fn jittered(wait: Duration, rng: &mut Pcg64Mcg) -> Duration {
    let jittered = wait.mul_f64(rng.random_range(0.5..1.0));
    jittered.max(Duration::from_millis(1))
}

/// Returns whether an address can be dialled at all.
fn is_dialable(address: &SocketAddr) -> bool {
    address.port() != 0 && !address.ip().is_unspecified() && !address.ip().is_multicast()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn machine(n: u16) -> MachineId {
        let mut key = [0; 32];
        key[..2].copy_from_slice(&n.to_be_bytes());
        MachineId(key)
    }

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    #[test]
    fn a_machine_that_the_user_names_is_dialled_at_once() {
        let (mut book, mut rng) = (Book::new(machine(0)), Pcg64Mcg::seed_from_u64(7));
        book.learn(Time(0), machine(1), &[address(1)], true);
        for _ in 0..9 {
            book.begin_dial(Time(0), machine(1));
            book.on_gone(Time(0), machine(1), &mut rng);
        }
        assert!(book.next_due() > Some(Time(0) + REDIAL_MAX / 3));
        book.learn(Time(5), machine(1), &[address(1)], false);
        assert!(
            book.next_due() > Some(Time(0) + REDIAL_MAX / 3),
            "told of by a peer"
        );
        book.learn(Time(5), machine(1), &[address(1)], true);
        assert_eq!(book.next_due(), Some(Time(5)));
    }

    #[test]
    fn dialling_never_ends_and_backs_off_to_the_bound() {
        let (mut book, mut rng) = (Book::new(machine(0)), Pcg64Mcg::seed_from_u64(7));
        book.learn(Time(0), machine(1), &[address(1)], true);
        let (mut now, mut waits) = (Time(0), Vec::new());
        for _ in 0..40 {
            let due = book.next_due().expect("an entry that waits");
            waits.push(due.since(now));
            now = due;
            assert_eq!(book.next_due_at(now, &mut rng), Some(machine(1)));
            assert_eq!(book.begin_dial(now, machine(1)), Some(vec![address(1)]));
            assert_eq!(book.next_due_at(now, &mut rng), None);
            assert_eq!(book.begin_dial(now, machine(1)), None);
            book.on_dial_failed(now, machine(1), &mut rng);
        }
        assert!(waits.iter().all(|wait| *wait <= REDIAL_MAX));
        assert!(waits[30..].iter().all(|wait| *wait >= REDIAL_MAX / 2));
        assert!(waits[1] <= REDIAL_MIN);
    }

    #[test]
    fn the_bound_evicts_the_oldest_but_never_a_kept_or_connected_one() {
        let mut book = Book::new(machine(0));
        book.learn(Time(1), machine(1), &[address(1)], true);
        book.learn(Time(2), machine(2), &[address(2)], false);
        book.on_connected(Time(2), machine(2), address(2));
        book.learn(Time(3), machine(3), &[address(3)], false);
        for n in 4..=u16::try_from(BOOK_MACHINES_MAX).unwrap() + 1 {
            book.learn(Time(10), machine(n), &[address(n)], false);
        }
        assert_eq!(book.entries().count(), BOOK_MACHINES_MAX);
        assert!(book.get(machine(1)).is_some());
        assert!(book.get(machine(2)).is_some());
        assert!(book.get(machine(3)).is_none());
    }

    #[test]
    fn what_others_say_takes_no_place_of_what_is_known() {
        let mut book = Book::new(machine(0));
        book.learn(Time(0), machine(1), &[address(1)], true);
        let told: Vec<SocketAddr> = (10..30).map(address).collect();
        assert!(book.hear_of(Time(1), machine(1), &told));
        let known = book.get(machine(1)).unwrap().addresses();
        assert_eq!((known.len(), known[0]), (BOOK_ADDRESSES_MAX, address(1)));
        assert!(!book.hear_of(Time(1), machine(1), &[address(40)]));
        assert!(book.hear_of(Time(1), machine(2), &[address(2)]));
    }

    #[test]
    fn useless_addresses_and_the_own_key_are_not_learned() {
        let mut book = Book::new(machine(0));
        assert!(!book.learn(Time(0), machine(0), &[address(1)], true));
        assert!(!book.learn(
            Time(0),
            machine(1),
            &["0.0.0.0:7".parse().unwrap(), address(0)],
            true
        ));
        assert_eq!(book.entries().count(), 0);
        assert!(book.take_changed().is_none());
        assert!(book.learn(Time(0), machine(1), &[address(9)], false));
        assert!(!book.learn(Time(1), machine(1), &[address(9)], false));
        assert_eq!(book.take_changed().map(|book| book.len()), Some(1));
        assert!(book.take_changed().is_none());
    }
}
