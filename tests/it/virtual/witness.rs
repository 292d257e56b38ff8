//! What all machines of a run were given and asked for, as one hash; and the faults among it.

use std::fmt::{Debug, Write};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};

use fedag::machine::effect::{Effect, Notice, When};
use fedag::machine::input::Input;
use fedag::node::surroundings::Recorder;
use fedag::time::Time;
use fedag::wire::codec;

/// The steps of all machines in their order. Copies are the same one.
#[derive(Clone, Debug, Default)]
pub(super) struct Witness(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    hash: DefaultHasher,
    steps: u64,
    /// Faults and twins, in words.
    wrong: Vec<String>,
    /// Each step in words, when it is asked for.
    told: Option<Vec<String>>,
}

impl Witness {
    /// Keeps each step in words, too.
    pub(super) fn telling() -> Self {
        let witness = Self::default();
        witness.0.lock().unwrap().told = Some(Vec::new());
        witness
    }

    /// Who looks on at a host.
    pub(super) fn of(&self, host: usize) -> Arc<dyn Recorder> {
        let witness = self.clone();
        Arc::new(Eye { witness, host })
    }

    /// A hash of every step: host, time, input, effects. Without what TLS draws from the operating system's randomness.
    pub(super) fn trace(&self) -> u64 {
        self.0.lock().unwrap().hash.finish()
    }

    pub(super) fn steps(&self) -> u64 {
        self.0.lock().unwrap().steps
    }

    pub(super) fn wrong(&self) -> Vec<String> {
        self.0.lock().unwrap().wrong.clone()
    }

    pub(super) fn told(&self) -> Vec<String> {
        self.0.lock().unwrap().told.clone().unwrap_or_default()
    }
}

#[derive(Debug)]
struct Eye {
    witness: Witness,
    host: usize,
}

impl Recorder for Eye {
    fn on_step(&self, now: Time, input: &Input, effects: &[(When, Effect)]) {
        let mut seen = self.witness.0.lock().unwrap();
        let host = self.host;
        seen.note(&(host, now));
        seen.note_input(input);
        for (when, effect) in effects {
            seen.note(when);
            seen.note_effect(effect);
        }
        seen.steps += 1;
        if let Some(told) = &mut seen.told {
            let input = if let Input::Admit { join, .. } = input {
                format!("Admit {:?}", join.joiner)
            } else {
                format!("{input:?}")
            };
            told.push(format!("{host} {now:?} {input} {effects:?}"));
        }
        if let Input::Faulted { peer, fault } = input {
            let wrong = format!("host {host} at {now:?}: {peer:?}: {fault}");
            seen.wrong.push(wrong);
        }
        for (_, effect) in effects {
            if let Effect::Notify(notice @ (Notice::Twins { .. } | Notice::Fault { .. })) = effect {
                seen.wrong
                    .push(format!("host {host} at {now:?}: {notice:?}"));
            }
        }
    }
}

impl Seen {
    fn note(&mut self, part: &impl Debug) {
        write!(Hashing(&mut self.hash), "{part:?}").unwrap();
    }

    /// Messages as on the wire: that is all of them, and many times faster than in words.
    fn note_input(&mut self, input: &Input) {
        if let Input::Admit { request, join, .. } = input {
            // The exporter is TLS's, and the signature is over it.
            self.note(&(request, join.invite, join.joiner, &join.name));
        } else if let Input::Received { peer, message } = input {
            self.note(peer);
            codec::encode(message).hash(&mut self.hash);
        } else {
            self.note(input);
        }
    }

    fn note_effect(&mut self, effect: &Effect) {
        if let Effect::Append(append) = effect {
            self.note(&(append.arrival, &append.row, append.new_author));
            codec::encode_event(&append.event).hash(&mut self.hash);
        } else if let Effect::Send { peer, message } = effect {
            self.note(peer);
            codec::encode(message).hash(&mut self.hash);
        } else {
            self.note(effect);
        }
    }
}

struct Hashing<'a>(&'a mut DefaultHasher);

impl Write for Hashing<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}
