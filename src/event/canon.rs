//! Canonical JSON: the bytes that are hashed and signed, and the strict reader of users' JSON.
//!
//! `read` takes any spelling and gives a value, `write` gives its one spelling, `check` says whether
//! bytes are that spelling already (without building a value: it runs on every event that comes in).
//!
//! Invariant: the same JSON value has one spelling here, and every value that has none (a number that
//! no double equals, a duplicate key, a lone surrogate) is refused, never rounded. `check` accepts
//! exactly what `write` writes.
//!
//! Source: RFC 8785 (canonical form), RFC 8259 (grammar).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod check;
mod number;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;

use crate::event::canon::check::Checker;
pub(crate) use crate::event::canon::read::{Value, read};
pub(crate) use crate::event::canon::write::{write_members, write_string, write_value};
use crate::limits::JSON_DEPTH_MAX;

/// The top-level members of an event that the program writes itself.
pub(crate) const RESERVED: [&str; 3] = ["uuid", "parents", "fedag"];

/// The canonical JSON object of a user's members: no `uuid`, `parents` or `fedag` at the top level.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Properties(Vec<u8>);

/// Why a user's JSON is refused. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not JSON.
    #[error("not JSON: {why}, at line {line}, column {column}")]
    Syntax {
        /// What is wrong there.
        why: String,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
    },
    /// JSON, but no object.
    #[error("an event is a JSON object, as in {{\"text\":\"hello\"}}; this is {found}")]
    NotAnObject {
        /// The kind of value it is.
        found: &'static str,
    },
    /// The top level has `uuid`, `parents` or `fedag`.
    #[error("\"{member}\" is reserved: fedag writes it itself; use another name")]
    Reserved {
        /// The member.
        member: String,
    },
    /// A member stands twice in one object.
    #[error("\"{member}\" stands twice in one object")]
    Duplicate {
        /// The member, at most 40 characters of it.
        member: String,
    },
    /// No double has this decimal value.
    #[error(
        "{literal} cannot be kept exactly as a JSON number; send it as a string: \"{literal}\""
    )]
    Number {
        /// The number as it was written, at most 40 characters of it.
        literal: String,
    },
    /// Deeper than `limits::JSON_DEPTH_MAX`.
    #[error("nested deeper than {max} levels")]
    Depth {
        /// The bound.
        max: usize,
    },
    /// Half of a surrogate pair, or bytes that are no UTF-8.
    #[error("not Unicode text at byte {byte}")]
    Unicode {
        /// Where, from 0.
        byte: usize,
    },
}

impl Properties {
    /// Reads a user's JSON object, in any spelling, and makes it canonical.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn parse(json: &[u8]) -> Result<Self, Error> {
        let value = read(json, JSON_DEPTH_MAX)?;
        let Value::Object(members) = &value else {
            return Err(Error::NotAnObject {
                found: value.kind(),
            });
        };
        if let Some((member, _)) = members
            .iter()
            .find(|(name, _)| RESERVED.contains(&name.as_str()))
        {
            return Err(Error::Reserved {
                member: member.clone(),
            });
        }
        let mut bytes = Vec::with_capacity(json.len());
        write_value(&value, &mut bytes);
        Ok(Self(bytes))
    }

    /// The properties of a line of text: `{"text": text}`.
    pub fn from_text(text: &str) -> Self {
        let mut bytes = Vec::with_capacity(text.len() + 11);
        bytes.extend_from_slice(b"{\"text\":");
        write_string(text, &mut bytes);
        bytes.push(b'}');
        Self(bytes)
    }

    /// No properties: `{}`.
    pub fn none() -> Self {
        Self(b"{}".to_vec())
    }

    /// The canonical bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The canonical bytes, without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// Returns whether `bytes` are a canonical JSON object without the top-level members `reserved`.
///
/// Nested at most `limits::JSON_DEPTH_MAX` levels. Cost: one pass, no allocation for plain members.
pub fn is_canonical_object(bytes: &[u8], reserved: &[&str]) -> bool {
    Checker::is_object(bytes, reserved)
}

/// One top-level member of a canonical object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member<'a> {
    /// Its name in UTF-8, escapes resolved.
    pub(crate) name: Cow<'a, [u8]>,
    /// Where name, colon and value stand in the object's bytes.
    pub(crate) range: Range<usize>,
}

/// The top-level members of a canonical object, in their order; nothing more of bytes that are none.
#[derive(Clone, Debug)]
pub(crate) struct Members<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Members<'a> {
    /// Begins at the first member. `object` must be canonical.
    pub(crate) fn of(object: &'a [u8]) -> Self {
        Self {
            bytes: object,
            at: 1,
        }
    }

    /// Where the string that begins at `at` ends, its closing quote included.
    fn string_end(&self, at: usize) -> Option<usize> {
        let mut at = at + 1;
        loop {
            match *self.bytes.get(at)? {
                b'"' => return Some(at + 1),
                b'\\' => at += 2,
                _ => at += 1,
            }
        }
    }

    /// Where the value that begins at `at` ends.
    fn value_end(&self, mut at: usize) -> Option<usize> {
        let mut depth = 0usize;
        loop {
            match *self.bytes.get(at)? {
                b'"' => at = self.string_end(at)?,
                b'{' | b'[' => (depth, at) = (depth + 1, at + 1),
                b'}' | b']' | b',' if depth == 0 => return Some(at),
                b'}' | b']' => (depth, at) = (depth - 1, at + 1),
                _ => at += 1,
            }
        }
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;

    fn next(&mut self) -> Option<Member<'a>> {
        let start = self.at;
        if self.bytes.get(start) != Some(&b'"') {
            return None;
        }
        let name_end = self.string_end(start)?;
        let end = self.value_end(name_end + 1)?;
        self.at = end + 1;
        let name = unescape(&self.bytes[start..name_end])?;
        Some(Member {
            name,
            range: start..end,
        })
    }
}

/// Resolves the escapes of a string with its quotes; borrows when there are none. None: it is no JSON string.
fn unescape(quoted: &[u8]) -> Option<Cow<'_, [u8]>> {
    let inner = quoted.get(1..quoted.len() - 1)?;
    if inner.contains(&b'\\') {
        read::unquote(quoted).map(|name| Cow::Owned(name.into_bytes()))
    } else {
        Some(Cow::Borrowed(inner))
    }
}

/// Compares two strings, given in UTF-8, by their UTF-16 code units, as RFC 8785 sorts members (section 3.2.3).
///
/// UTF-8 sorts by code points. The two differ only between U+E000..=U+FFFF, which UTF-16 puts last, and
/// the characters above them; both show in the first byte that differs.
fn cmp_utf16(a: &[u8], b: &[u8]) -> Ordering {
    const fn rank(byte: u8) -> u8 {
        match byte {
            0xee | 0xef => byte + 0x10,
            _ => byte,
        }
    }
    let mut pairs = a.iter().copied().zip(b.iter().copied());
    match pairs.find(|(x, y)| x != y) {
        Some((x, y)) => rank(x).cmp(&rank(y)),
        None => a.len().cmp(&b.len()),
    }
}
