//! A hash of all that happened: two runs are the same if and only if it is.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt::{self, Write};

use sha2::{Digest, Sha256};

use crate::event::Event;
use crate::machine::effect::{Effect, When};
use crate::machine::input::Input;
use crate::sim::links::Host;
use crate::time::Time;
use crate::wire::{Message, codec};

/// The hash, under way.
#[derive(Clone, Debug, Default)]
pub struct Trace(Sha256);

impl Write for Trace {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}

impl Trace {
    /// One input.
    pub(super) fn input(&mut self, now: Time, host: Host, input: &Input) {
        self.0.update(now.0.to_be_bytes());
        self.0.update((host as u64).to_be_bytes());
        match input {
            Input::Received { peer, message } => {
                self.0.update(peer.0);
                self.message(message);
            }
            Input::Create {
                request,
                wall,
                properties,
            } => {
                self.text(&(request, wall, properties.len()));
                for properties in properties {
                    self.0.update(properties.as_bytes());
                }
            }
            Input::Invite { .. }
            | Input::Admit { .. }
            | Input::Reachable { .. }
            | Input::Connected { .. }
            | Input::DialFailed { .. }
            | Input::Crowded
            | Input::Left { .. }
            | Input::Disconnected { .. }
            | Input::Faulted { .. }
            | Input::Measured { .. }
            | Input::Overflowed { .. }
            | Input::Drained { .. }
            | Input::Stored { .. }
            | Input::Streamed { .. }
            | Input::StreamFailed { .. }
            | Input::Damaged { .. }
            | Input::Repaired { .. }
            | Input::Wakeup => self.text(input),
        }
    }

    /// One effect.
    pub(super) fn effect(&mut self, when: When, effect: &Effect) {
        self.0.update([u8::from(when == When::Durable)]);
        match effect {
            Effect::Append(append) => self.0.update(append.row.id.0),
            Effect::Send { peer, message } => {
                self.0.update(peer.0);
                self.message(message);
            }
            Effect::Give { .. }
            | Effect::Stream { .. }
            | Effect::StopStream { .. }
            | Effect::Dial { .. }
            | Effect::Hangup { .. }
            | Effect::Answer { .. }
            | Effect::Remember(_)
            | Effect::Notify(_) => self.text(effect),
        }
    }

    /// The hash so far, in hex.
    pub fn hex(&self) -> String {
        let mut text = String::new();
        for byte in self.0.clone().finalize() {
            write!(text, "{byte:02x}").expect("a String takes everything");
        }
        text
    }

    /// An event's id stands for its bytes.
    fn message(&mut self, message: &Message) {
        let (kind, events) = parts(message);
        self.0.update([kind as u8]);
        if events.is_empty() {
            self.0.update(codec::encode(message));
        }
        for event in events {
            self.0.update(event.id().0);
        }
    }

    fn text(&mut self, what: &impl fmt::Debug) {
        write!(self, "{what:?}").expect("a hash takes everything");
    }
}

/// What may be done with a message when a send queue is full; and a message on a bulk stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Pushed or announced events.
    Push,
    /// An answer to a WANT.
    Given,
    /// On a stream of its own.
    Bulk,
    /// All others.
    Control,
}

/// What kind of message it is, and its events.
pub(super) fn parts(message: &Message) -> (Kind, &[Event]) {
    match message {
        Message::Push(events) => (Kind::Push, events),
        Message::Announce(_) => (Kind::Push, &[]),
        Message::Given { events, .. } => (Kind::Given, events),
        Message::Bulk { events, .. } => (Kind::Bulk, events),
        Message::Hello(_)
        | Message::Verdict(_)
        | Message::End(_)
        | Message::Offer(_)
        | Message::Lacks(_)
        | Message::Heads(_)
        | Message::Changes(_)
        | Message::Want(_)
        | Message::Addresses(_) => (Kind::Control, &[]),
    }
}

/// Bytes of a message on the wire, about: its frame, without the events' lengths in front of them.
pub(super) fn bytes(message: &Message) -> usize {
    let (_, events) = parts(message);
    if events.is_empty() {
        return codec::encode(message).len();
    }
    usize::try_from(message.event_bytes()).unwrap_or(usize::MAX)
}
