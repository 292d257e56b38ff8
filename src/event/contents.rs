//! The canonical form of an event, spliced from its canonical parts.
//!
//! `properties` and `control` are canonical objects already; the members that the program writes itself
//! are put between theirs where they sort. Nothing is parsed, so that hashing stays cheap beside a
//! signature.
//!
//! Invariant: the bytes are the RFC 8785 form of the event without `uuid`.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::io::Write;
use std::ops::Range;

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};

use crate::event::canon::Members;
use crate::event::id::{Commitment, EventDigest};
use crate::event::wall::WallTime;
use crate::event::{Proof, Raw};

/// What a signature is over begins with this.
const EVENT_DOMAIN: &[u8] = b"fedag event v1\n";
/// What a commitment is of begins with this.
const RUN_DOMAIN: &[u8] = b"fedag run v1\n";

/// The canonical form of one event, and where its parts stand.
pub(super) struct Contents {
    bytes: Vec<u8>,
    /// The value of `fedag`.
    fedag: Range<usize>,
    /// The member `sig` with the comma before it; empty when there is none.
    sig: Range<usize>,
    /// The member `parents` with the comma before it.
    parents: Range<usize>,
}

impl Contents {
    /// The canonical form of `raw`, whose properties and control part are canonical and whose time is in range.
    pub(super) fn of(raw: &Raw) -> Self {
        let properties = raw.properties.as_slice();
        let cuts = cuts(properties, ["fedag", "parents"]);
        let mut bytes =
            Vec::with_capacity(320 + raw.parents.len() * 39 + raw.control.len() + properties.len());
        bytes.extend_from_slice(&properties[..cuts[0]]);
        comma(&mut bytes);
        bytes.extend_from_slice(b"\"fedag\":");
        let start = bytes.len();
        let sig = write_fedag(raw, &mut bytes);
        let fedag = start..bytes.len();
        push_members(&properties[cuts[0]..cuts[1]], &mut bytes);
        let parents = write_parents(raw, &mut bytes);
        push_members(&properties[cuts[1]..properties.len() - 1], &mut bytes);
        bytes.push(b'}');
        Self {
            bytes,
            fedag,
            sig,
            parents,
        }
    }

    /// SHA-256 of the canonical form.
    pub(super) fn digest(&self) -> EventDigest {
        EventDigest(Sha256::digest(&self.bytes).into())
    }

    /// What the event's predecessor in a run tells of it.
    pub(super) fn commitment(&self) -> Commitment {
        let hash = Sha256::new().chain_update(RUN_DOMAIN);
        let hash = hash.chain_update(&self.bytes[..self.parents.start]);
        Commitment(
            hash.chain_update(&self.bytes[self.parents.end..])
                .finalize()
                .into(),
        )
    }

    /// The bytes that the event's signature is over.
    pub(super) fn signed_bytes(&self) -> Vec<u8> {
        self.without(EVENT_DOMAIN, &self.sig)
    }

    /// The bytes that the event's commitment is the hash of.
    pub(super) fn committed_bytes(&self) -> Vec<u8> {
        self.without(RUN_DOMAIN, &self.parents)
    }

    /// The value of `fedag`.
    pub(super) fn fedag(&self) -> &[u8] {
        &self.bytes[self.fedag.clone()]
    }

    /// All of it.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn without(&self, domain: &[u8], part: &Range<usize>) -> Vec<u8> {
        [domain, &self.bytes[..part.start], &self.bytes[part.end..]].concat()
    }
}

/// Where members named `names` (ascending, of ASCII, not in `object`) sort: each at the end of what comes before it.
fn cuts<const N: usize>(object: &[u8], names: [&str; N]) -> [usize; N] {
    let mut cuts = [1; N];
    for member in Members::of(object) {
        let mut is_past_all = true;
        for (cut, name) in cuts.iter_mut().zip(names) {
            // The first difference to an ASCII name sorts the same by bytes and by UTF-16.
            if *member.name < *name.as_bytes() {
                *cut = member.range.end;
                is_past_all = false;
            }
        }
        if is_past_all {
            break;
        }
    }
    cuts
}

/// Appends members that may begin with a comma of their own.
fn push_members(members: &[u8], out: &mut Vec<u8>) {
    let members = members.strip_prefix(b",").unwrap_or(members);
    if !members.is_empty() {
        comma(out);
        out.extend_from_slice(members);
    }
}

/// Appends a comma unless an object begins here.
fn comma(out: &mut Vec<u8>) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
}

/// Appends the value of `fedag`; returns where its `sig` stands.
fn write_fedag(raw: &Raw, out: &mut Vec<u8>) -> Range<usize> {
    let (sig, next) = match &raw.proof {
        Proof::Signed { sig } => (Some(sig), None),
        Proof::Head { sig, next } => (Some(sig), Some(next)),
        Proof::Middle { next } => (None, Some(next)),
        Proof::Last => (None, None),
    };
    let control = raw.control.as_slice();
    let [machine_at, next_at, seq_at, sig_at, time_at] = if control.is_empty() {
        [0; 5]
    } else {
        cuts(control, ["machine", "next", "seq", "sig", "time"])
    };
    let between = |from: usize, to: usize| control.get(from..to).unwrap_or_default();
    out.push(b'{');
    push_members(between(1, machine_at), out);
    comma(out);
    out.extend_from_slice(b"\"machine\":");
    write_base64url(&raw.machine.0, out);
    push_members(between(machine_at, next_at), out);
    if let Some(next) = next {
        out.extend_from_slice(b",\"next\":");
        write_base64url(&next.0, out);
    }
    push_members(between(next_at, seq_at), out);
    write!(out, ",\"seq\":{}", raw.seq).expect("a Vec takes all bytes");
    push_members(between(seq_at, sig_at), out);
    let start = out.len();
    if let Some(sig) = sig {
        out.extend_from_slice(b",\"sig\":");
        write_base64url(&sig.0, out);
    }
    let end = out.len();
    push_members(between(sig_at, time_at), out);
    out.extend_from_slice(b",\"time\":\"");
    out.extend_from_slice(
        &WallTime::from_ms(raw.time_ms)
            .expect("its time is checked")
            .to_ascii(),
    );
    out.push(b'"');
    push_members(between(time_at, control.len().saturating_sub(1)), out);
    out.push(b'}');
    start..end
}

/// Appends the member `parents`; returns where it stands.
fn write_parents(raw: &Raw, out: &mut Vec<u8>) -> Range<usize> {
    let start = out.len();
    out.extend_from_slice(b",\"parents\":[");
    for (place, parent) in raw.parents.iter().enumerate() {
        out.extend_from_slice(if place == 0 { b"\"" } else { b",\"" });
        out.extend_from_slice(&parent.to_ascii());
        out.push(b'"');
    }
    out.push(b']');
    start..out.len()
}

/// Appends a string of base64url without padding.
fn write_base64url(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let start = out.len();
    out.resize(start + BASE64URL_NOPAD.encode_len(bytes.len()), 0);
    BASE64URL_NOPAD.encode_mut(bytes, &mut out[start..]);
    out.push(b'"');
}
