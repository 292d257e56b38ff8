//! Says whether bytes are canonical, in one pass over them.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::event::canon::write::short_escape;
use crate::event::canon::{cmp_utf16, number, unescape};
use crate::limits::JSON_DEPTH_MAX;

/// A position in bytes that are canonical so far. Each step returns None where they stop being so.
pub(super) struct Checker<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Checker<'a> {
    /// Returns whether `bytes` are a canonical object without the top-level members `reserved`.
    pub(super) fn is_object(bytes: &'a [u8], reserved: &[&str]) -> bool {
        if std::str::from_utf8(bytes).is_err() || bytes.first() != Some(&b'{') {
            return false;
        }
        let mut checker = Self { bytes, at: 0 };
        checker.object(1, reserved).is_some() && checker.at == bytes.len()
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(|_| ()),
            b'{' => self.object(depth + 1, &[]),
            b'[' => self.array(depth + 1),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number(),
        }
    }

    /// An object at nesting `depth`, its members ascending by UTF-16 and none of them in `reserved`.
    fn object(&mut self, depth: usize, reserved: &[&str]) -> Option<()> {
        self.expect(b'{')?;
        if depth > JSON_DEPTH_MAX {
            return None;
        }
        if self.peek()? == b'}' {
            return self.expect(b'}');
        }
        let mut last: Option<Cow<'a, [u8]>> = None;
        loop {
            let name = self.string().and_then(unescape)?;
            let is_after = last.is_none_or(|last| cmp_utf16(&last, &name) == Ordering::Less);
            if !is_after
                || reserved
                    .iter()
                    .any(|reserved| reserved.as_bytes() == name.as_ref())
            {
                return None;
            }
            last = Some(name);
            self.expect(b':')?;
            self.value(depth)?;
            if self.peek()? == b'}' {
                return self.expect(b'}');
            }
            self.expect(b',')?;
        }
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.expect(b'[')?;
        if depth > JSON_DEPTH_MAX {
            return None;
        }
        if self.peek()? == b']' {
            return self.expect(b']');
        }
        loop {
            self.value(depth)?;
            if self.peek()? == b']' {
                return self.expect(b']');
            }
            self.expect(b',')?;
        }
    }

    /// A string; returns it with its quotes.
    fn string(&mut self) -> Option<&'a [u8]> {
        let start = self.at;
        self.expect(b'"')?;
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(&self.bytes[start..self.at]);
                }
                b'\\' => self.escape()?,
                0..0x20 => return None,
                _ => self.at += 1,
            }
        }
    }

    /// An escape that has no shorter spelling.
    fn escape(&mut self) -> Option<()> {
        let rest = &self.bytes[self.at + 1..];
        match *rest.first()? {
            b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 2,
            b'u' => {
                let &[b'0', b'0', high @ (b'0' | b'1'), low] = rest.get(1..5)? else {
                    return None;
                };
                let low = match low {
                    b'0'..=b'9' => low - b'0',
                    b'a'..=b'f' => low - b'a' + 10,
                    _ => return None,
                };
                if short_escape((high - b'0') << 4 | low).is_some() {
                    return None;
                }
                self.at += 6;
            }
            _ => return None,
        }
        Some(())
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.bytes[self.at..]
            .starts_with(word)
            .then(|| self.at += word.len())
    }

    /// A number; its grammar is checked by its spelling being the one that is written.
    fn number(&mut self) -> Option<()> {
        let rest = &self.bytes[self.at..];
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e');
        let end = rest
            .iter()
            .position(|byte| !is_part(byte))
            .unwrap_or(rest.len());
        let literal = std::str::from_utf8(&rest[..end]).ok()?;
        number::is_canonical(literal).then(|| self.at += end)
    }
}
