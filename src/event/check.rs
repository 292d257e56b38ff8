//! What an event shows by itself, rule by rule; cheap rules first, the signature last.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::sync::Arc;

use crate::event::canon::{self, is_canonical_object};
use crate::event::contents::Contents;
use crate::event::control::{self, Control, Rules};
use crate::event::id::{EventDigest, EventId};
use crate::event::proof::Claim;
use crate::event::{Checked, Event, Invalid, Proof, Raw, Unproven};
use crate::limits::{EVENT_BYTES_MAX, SEQ_MAX, TIME_MS_MAX};

impl Raw {
    /// Checks everything about the event that it shows by itself, `bytes` being its length on the wire.
    ///
    /// An event without parents is checked as [`Event::check_root`] does, by its own rules; whether it is
    /// this network's R is for the caller to say. Cost: two hashes, and one signature verification if it
    /// is signed. For many use [`crate::event::check_all`].
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(self, rules: &Rules, bytes: usize) -> Result<Event, Invalid> {
        self.screen(rules, bytes)?.check()
    }

    /// Checks all but the signature. Cost: two or three hashes.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn screen(self, rules: &Rules, bytes: usize) -> Result<Unproven, Invalid> {
        if self.parents.is_empty() {
            return self.screen_root(bytes);
        }
        if bytes > rules.event_bytes_max as usize {
            return Err(Invalid::TooLarge);
        }
        if !self.parents.is_sorted_by(|a, b| a < b) {
            return Err(Invalid::Parents);
        }
        if self.parents.len() > rules.parents_max as usize {
            return Err(Invalid::TooManyParents);
        }
        if !self.proof.is_signed() && (self.parents.len() != 1 || !self.control.is_empty()) {
            return Err(Invalid::Unsigned);
        }
        self.check_parts()?;
        let control = Control::parse(&self.control, false);
        Ok(Unproven::new(self, control))
    }

    /// As [`Raw::screen`], of an event without parents.
    pub(super) fn screen_root(self, bytes: usize) -> Result<Unproven, Invalid> {
        if bytes > EVENT_BYTES_MAX as usize {
            return Err(Invalid::TooLarge);
        }
        match self.proof {
            Proof::Signed { .. } => {}
            Proof::Head { .. } => return Err(Invalid::Root),
            Proof::Middle { .. } | Proof::Last => return Err(Invalid::Unsigned),
        }
        self.check_parts()?;
        let Control::Root(root) = Control::parse(&self.control, true) else {
            return Err(Invalid::Root);
        };
        if bytes > root.rules.event_bytes_max as usize {
            return Err(Invalid::TooLarge);
        }
        Ok(Unproven::new(self, Control::Root(root)))
    }

    /// Checks each part by itself.
    fn check_parts(&self) -> Result<(), Invalid> {
        if !(1..=SEQ_MAX).contains(&self.seq) {
            return Err(Invalid::Seq);
        }
        if self.time_ms > TIME_MS_MAX {
            return Err(Invalid::Time);
        }
        if !is_canonical_object(&self.properties, &canon::RESERVED) {
            return Err(Invalid::Properties);
        }
        let is_control =
            || self.control != b"{}" && is_canonical_object(&self.control, &control::RESERVED);
        if !self.control.is_empty() && !is_control() {
            return Err(Invalid::Control);
        }
        if self.machine.has_small_order() {
            return Err(Invalid::Key);
        }
        Ok(())
    }
}

impl Unproven {
    /// `raw` passed all checks but that of its proof.
    fn new(raw: Raw, control: Control) -> Self {
        let contents = Contents::of(&raw);
        let digest = contents.digest();
        let claim = match &raw.proof {
            Proof::Signed { sig } | Proof::Head { sig, .. } => Some(Claim::new(
                raw.machine,
                *sig,
                &contents.signed_bytes(),
                digest,
            )),
            Proof::Middle { .. } | Proof::Last => None,
        };
        let commitment = claim.is_none().then(|| contents.commitment());
        Self {
            checked: Checked {
                raw,
                digest,
                commitment,
                control,
            },
            claim,
        }
    }

    /// Its name.
    pub fn id(&self) -> EventId {
        self.checked.digest.id()
    }

    /// SHA-256 of its canonical form.
    pub fn digest(&self) -> EventDigest {
        self.checked.digest
    }

    /// Checks the signature, and the key of an unsigned event. For many use [`crate::event::prove_all`].
    ///
    /// # Errors
    /// `Invalid::Key` or `Invalid::Signature`.
    pub fn check(self) -> Result<Event, Invalid> {
        let holds = self.claim.as_ref().is_none_or(Claim::holds);
        let is_usable = (self.claim.is_some() && holds) || self.checked.raw.machine.is_usable();
        self.judge(holds, is_usable)
    }

    pub(super) fn judge(self, holds: bool, is_usable: bool) -> Result<Event, Invalid> {
        match (is_usable, holds) {
            (false, _) => Err(Invalid::Key),
            (true, false) => Err(Invalid::Signature),
            (true, true) => Ok(Event(Arc::new(self.checked))),
        }
    }
}
