//! Reads JSON strictly: nothing is dropped, rounded or repaired.
//!
//! A recursive descent, at most the given number of levels deep. Refused beside what the grammar
//! refuses: duplicate members, lone surrogates, bytes that are no UTF-8, numbers that no double equals.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::event::canon::{Error, cmp_utf16, number};

/// Characters of a number or a member that an error shows.
const SHOWN_CHARS_MAX: usize = 40;

/// A JSON value that has a canonical form.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Finite.
    Number(f64),
    /// A string.
    Text(String),
    /// An array.
    Array(Vec<Self>),
    /// Members ascending by UTF-16, each once.
    Object(Vec<(String, Self)>),
}

impl Value {
    /// What it is, in words.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }

    /// The string that it is.
    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self {
            Some(text)
        } else {
            None
        }
    }

    /// The integer 0..=2^53-1 that it is.
    pub(crate) fn as_integer(&self) -> Option<u64> {
        const PAST: f64 = 9_007_199_254_740_992.0;
        let &Self::Number(number) = self else {
            return None;
        };
        if !(0.0..PAST).contains(&number) || number.fract() != 0.0 {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an integer in range, as just tested"
        )]
        Some(number as u64)
    }
}

/// Reads one JSON value with nothing but white space around it, nested at most `depth_max` levels.
///
/// # Errors
/// All of [`Error`] but `NotAnObject` and `Reserved`.
pub(crate) fn read(json: &[u8], depth_max: usize) -> Result<Value, Error> {
    let text = std::str::from_utf8(json).map_err(|error| Error::Unicode {
        byte: error.valid_up_to(),
    })?;
    let mut reader = Reader {
        text,
        at: 0,
        depth_max,
    };
    let value = reader.value(0)?;
    reader.skip_space();
    if reader.at < text.len() {
        return Err(reader.wrong("something follows the value"));
    }
    Ok(value)
}

/// Resolves the escapes of one string with its quotes. None: it is no JSON string.
pub(super) fn unquote(quoted: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(quoted).ok()?;
    Reader {
        text,
        at: 0,
        depth_max: 0,
    }
    .string()
    .ok()
}

/// A place in a text that is JSON up to there.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth_max: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// The error `why`, here.
    fn wrong(&self, why: &str) -> Error {
        let before = &self.text[..self.at];
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .map_or(0, |last| last.chars().count())
            + 1;
        Error::Syntax {
            why: why.to_owned(),
            line,
            column,
        }
    }

    /// The error that something else than `wanted` stands here.
    fn expected(&self, wanted: &str) -> Error {
        match self.text[self.at..].chars().next() {
            None => self.wrong(&format!("it ends where {wanted} should stand")),
            Some('\'') => self.wrong(&format!(
                "expected {wanted}; strings stand in double quotes"
            )),
            Some('\u{feff}') => self.wrong("it begins with a byte order mark"),
            Some(found) => self.wrong(&format!("expected {wanted}, found {found:?}")),
        }
    }

    /// A value inside `depth` objects and arrays.
    fn value(&mut self, depth: usize) -> Result<Value, Error> {
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.array(depth + 1),
            Some(b'"') => Ok(Value::Text(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            _ => Err(self.expected("a value")),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, Error> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.expected("a value"));
        }
        self.at += word.len();
        Ok(value)
    }

    /// Steps over an opening bracket at nesting `depth`.
    fn open(&mut self, depth: usize) -> Result<(), Error> {
        if depth > self.depth_max {
            return Err(Error::Depth {
                max: self.depth_max,
            });
        }
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    /// After an item: true at another one, false past the closing bracket.
    fn goes_on(&mut self, close: u8, wanted: &str) -> Result<bool, Error> {
        self.skip_space();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.skip_space();
                if self.peek() == Some(close) {
                    return Err(self.wrong("a comma stands before the closing bracket"));
                }
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            _ => Err(self.expected(wanted)),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, Error> {
        self.open(depth)?;
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value(depth)?);
            if !self.goes_on(b']', "',' or ']'")? {
                return Ok(Value::Array(items));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, Error> {
        self.open(depth)?;
        let mut members = Vec::new();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(members));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.expected("a member's name in double quotes"));
            }
            let name = self.string()?;
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(self.expected("':'"));
            }
            self.at += 1;
            members.push((name, self.value(depth)?));
            if !self.goes_on(b'}', "',' or '}'")? {
                return sorted(members);
            }
        }
    }

    /// A number of the grammar that a double equals.
    fn number(&mut self) -> Result<Value, Error> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let is_zero_first = self.peek() == Some(b'0');
        if self.digits()? > 1 && is_zero_first {
            self.at = start;
            return Err(self.wrong("a number does not begin with a needless 0"));
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        let literal = &self.text[start..self.at];
        match number::exact(literal) {
            Some(number) => Ok(Value::Number(number)),
            None => Err(Error::Number {
                literal: shown(literal),
            }),
        }
    }

    /// Steps over one or more digits; returns how many.
    fn digits(&mut self) -> Result<usize, Error> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            Err(self.expected("a digit"))
        } else {
            Ok(self.at - start)
        }
    }

    /// A string, of which the opening quote stands here.
    fn string(&mut self) -> Result<String, Error> {
        self.at += 1;
        let mut string = String::new();
        loop {
            let plain = self.at;
            while !matches!(self.peek(), None | Some(b'"' | b'\\' | 0..0x20)) {
                self.at += 1;
            }
            string.push_str(&self.text[plain..self.at]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(string);
                }
                Some(b'\\') => string.push(self.escape()?),
                Some(_) => {
                    return Err(self.wrong(
                        "a control character in a string is written as an escape, as \\n is",
                    ));
                }
                None => return Err(self.wrong("a string has no closing quote")),
            }
        }
    }

    /// The character of an escape, of which the backslash stands here.
    fn escape(&mut self) -> Result<char, Error> {
        let start = self.at;
        self.at += 1;
        let character = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let lone = Error::Unicode { byte: start };
                let first = self.unit()?;
                if !(0xd800..0xe000).contains(&first) {
                    return char::from_u32(first).ok_or(lone);
                }
                if first >= 0xdc00 || !self.text[self.at..].starts_with("\\u") {
                    return Err(lone);
                }
                self.at += 1;
                let second = self.unit()?;
                if !(0xdc00..0xe000).contains(&second) {
                    return Err(lone);
                }
                return char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00))
                    .ok_or(lone);
            }
            _ => return Err(self.wrong("no such escape in a string")),
        };
        self.at += 1;
        Ok(character)
    }

    /// The code unit of `uXXXX`, which stands here.
    fn unit(&mut self) -> Result<u32, Error> {
        let digits = self.text.as_bytes().get(self.at + 1..self.at + 5);
        let unit = digits.and_then(|digits| {
            let digits = std::str::from_utf8(digits).ok()?;
            let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            if is_hex {
                u32::from_str_radix(digits, 16).ok()
            } else {
                None
            }
        });
        let unit = unit.ok_or_else(|| self.wrong("\\u is followed by four hexadecimal digits"))?;
        self.at += 5;
        Ok(unit)
    }
}

/// The object of `members`, unless a name stands twice.
fn sorted(mut members: Vec<(String, Value)>) -> Result<Value, Error> {
    members.sort_by(|(a, _), (b, _)| cmp_utf16(a.as_bytes(), b.as_bytes()));
    match members.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => Err(Error::Duplicate {
            member: shown(&pair[0].0),
        }),
        None => Ok(Value::Object(members)),
    }
}

/// The first characters of `text`.
fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
