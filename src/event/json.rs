//! An event as JSON, for people and pipes; export and import give the same bytes back.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::event::canon::{RESERVED, Value, read, write_members};
use crate::event::contents::Contents;
use crate::event::control::RESERVED as CONTROL_RESERVED;
use crate::event::id::{Commitment, EventId};
use crate::event::key::{MachineId, Signature};
use crate::event::wall::WallTime;
use crate::event::{Event, Proof, Raw};
use crate::limits::JSON_DEPTH_MAX;

/// Why a line is no event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Its JSON is refused.
    #[error(transparent)]
    Json(#[from] crate::event::canon::Error),
    /// A reserved member is missing or has the wrong form.
    #[error("\"{member}\" is missing or ill-formed")]
    Member {
        /// Its path, as `fedag.seq`.
        member: &'static str,
    },
    /// The uuid is not that of the contents.
    #[error("the uuid is not that of the contents")]
    Id,
}

impl Event {
    /// One line: `uuid`, `parents`, `fedag`, then the user's members in canonical order.
    ///
    /// `fedag` is as in the canonical form, members of the control part included.
    pub fn to_json(&self) -> String {
        self.raw().to_json(self.id())
    }
}

impl Raw {
    /// As [`Event::to_json`], of a held event: its uuid `id` is known, and it needs no check.
    pub fn to_json(&self, id: EventId) -> String {
        let contents = Contents::of(self);
        let mut line = String::with_capacity(
            64 + self.parents.len() * 39 + contents.fedag().len() + self.properties.len(),
        );
        line.push_str("{\"uuid\":\"");
        line.push_str(&id.to_string());
        line.push_str("\",\"parents\":[");
        for (place, parent) in self.parents.iter().enumerate() {
            line.push_str(if place == 0 { "\"" } else { ",\"" });
            line.push_str(&parent.to_string());
            line.push('"');
        }
        line.push_str("],\"fedag\":");
        line.push_str(text(contents.fedag()));
        let members = &self.properties[1..self.properties.len() - 1];
        if !members.is_empty() {
            line.push(',');
            line.push_str(text(members));
        }
        line.push('}');
        line
    }

    /// Reads what [`Event::to_json`] wrote, in any spelling of JSON; the uuid must be that of the contents.
    ///
    /// Texts inside have one spelling: lower-case uuids, base64url without padding, times with milliseconds.
    /// The order of the parents counts.
    ///
    /// # Errors
    /// See [`Error`]. The signature is not checked here.
    pub fn from_json(line: &[u8]) -> Result<Self, Error> {
        // The control part may be nested to the bound by itself, and stands one level deeper here.
        let value = read(line, JSON_DEPTH_MAX + 1)?;
        let Value::Object(members) = &value else {
            return Err(crate::event::canon::Error::NotAnObject {
                found: value.kind(),
            }
            .into());
        };
        let wrong = |member| Error::Member { member };
        let uuid = text_of(members, "uuid")
            .and_then(EventId::parse)
            .ok_or_else(|| wrong("uuid"))?;
        let parents = find(members, "parents")
            .and_then(parse_parents)
            .ok_or_else(|| wrong("parents"))?;
        let Some(Value::Object(fedag)) = find(members, "fedag") else {
            return Err(wrong("fedag"));
        };
        let machine = text_of(fedag, "machine")
            .and_then(MachineId::parse)
            .ok_or_else(|| wrong("fedag.machine"))?;
        let seq = find(fedag, "seq")
            .and_then(Value::as_integer)
            .ok_or_else(|| wrong("fedag.seq"))?;
        let time = text_of(fedag, "time")
            .and_then(WallTime::parse)
            .ok_or_else(|| wrong("fedag.time"))?;
        let raw = Self {
            parents,
            machine,
            seq,
            time_ms: time.ms(),
            proof: parse_proof(fedag)?,
            control: further(fedag, &CONTROL_RESERVED).unwrap_or_default(),
            properties: further(members, &RESERVED).unwrap_or_else(|| b"{}".to_vec()),
        };
        if Contents::of(&raw).digest().id() == uuid {
            Ok(raw)
        } else {
            Err(Error::Id)
        }
    }
}

/// The proof that `sig` and `next` make, each of which may be missing.
fn parse_proof(fedag: &[(String, Value)]) -> Result<Proof, Error> {
    let sig = match find(fedag, "sig") {
        Some(sig) => Some(
            sig.as_text()
                .and_then(Signature::parse)
                .ok_or(Error::Member {
                    member: "fedag.sig",
                })?,
        ),
        None => None,
    };
    let next =
        match find(fedag, "next") {
            Some(next) => Some(next.as_text().and_then(Commitment::parse).ok_or(
                Error::Member {
                    member: "fedag.next",
                },
            )?),
            None => None,
        };
    Ok(match (sig, next) {
        (Some(sig), None) => Proof::Signed { sig },
        (Some(sig), Some(next)) => Proof::Head { sig, next },
        (None, Some(next)) => Proof::Middle { next },
        (None, None) => Proof::Last,
    })
}

fn parse_parents(value: &Value) -> Option<Vec<EventId>> {
    let Value::Array(parents) = value else {
        return None;
    };
    parents
        .iter()
        .map(|parent| EventId::parse(parent.as_text()?))
        .collect()
}

fn find<'a>(members: &'a [(String, Value)], name: &str) -> Option<&'a Value> {
    members
        .iter()
        .find(|(other, _)| other == name)
        .map(|(_, value)| value)
}

fn text_of<'a>(members: &'a [(String, Value)], name: &str) -> Option<&'a str> {
    find(members, name).and_then(Value::as_text)
}

/// The canonical object of the members that are not `reserved`. None: there are none.
fn further(members: &[(String, Value)], reserved: &[&str]) -> Option<Vec<u8>> {
    let is_further = |name: &str| !reserved.contains(&name);
    let mut further = members
        .iter()
        .map(|(name, value)| (name.as_str(), value))
        .filter(|(name, _)| is_further(name));
    let mut bytes = Vec::new();
    write_members(&mut further, &mut bytes);
    (bytes != b"{}").then_some(bytes)
}

/// A part of a canonical form as text.
fn text(canonical: &[u8]) -> &str {
    std::str::from_utf8(canonical).expect("canonical forms are UTF-8")
}
