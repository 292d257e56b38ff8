//! Lines out of a stream of bytes, with a bound.
//!
//! Pure: whoever reads hands the bytes in as they come. A line longer than `limits::ADD_LINE_BYTES_MAX` is told by its number alone
//! and never kept whole.

use crate::limits;

/// A line of the input; `number` counts from 1.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) bytes: Result<Vec<u8>, TooLong>,
}

/// The line has more bytes than a line may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("longer than {} bytes", limits::ADD_LINE_BYTES_MAX)]
pub(super) struct TooLong;

/// Cuts bytes into lines. Invariant: `rest` has at most `limits::ADD_LINE_BYTES_MAX` bytes.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    complete: u64,
    rest: Vec<u8>,
    too_long: bool,
}

impl Splitter {
    /// Takes the next bytes and appends the lines that they complete, without their ends (`\n` or `\r\n`).
    pub(super) fn push(&mut self, bytes: &[u8], lines: &mut Vec<Line>) {
        let mut pieces = bytes.split(|byte| *byte == b'\n');
        let mut piece = pieces.next().unwrap_or_default();
        for next in pieces {
            self.extend(piece);
            lines.push(self.complete());
            piece = next;
        }
        self.extend(piece);
    }

    /// The last line, if it has no end.
    pub(super) fn finish(mut self) -> Option<Line> {
        (self.too_long || !self.rest.is_empty()).then(|| self.complete())
    }

    fn extend(&mut self, piece: &[u8]) {
        if self.too_long {
            return;
        }
        if self.rest.len() + piece.len() > limits::ADD_LINE_BYTES_MAX {
            self.too_long = true;
            self.rest = Vec::new();
        } else {
            self.rest.extend_from_slice(piece);
        }
    }

    fn complete(&mut self) -> Line {
        self.complete += 1;
        let mut bytes = std::mem::take(&mut self.rest);
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        let bytes = if std::mem::take(&mut self.too_long) {
            Err(TooLong)
        } else {
            Ok(bytes)
        };
        Line {
            number: self.complete,
            bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(pieces: &[&[u8]]) -> Vec<Line> {
        let mut splitter = Splitter::default();
        let mut lines = Vec::new();
        for piece in pieces {
            splitter.push(piece, &mut lines);
            assert!(splitter.rest.len() <= limits::ADD_LINE_BYTES_MAX);
        }
        lines.extend(splitter.finish());
        lines
    }

    fn texts(pieces: &[&[u8]]) -> Vec<(u64, String)> {
        let text = |line: Line| (line.number, String::from_utf8(line.bytes.unwrap()).unwrap());
        split(pieces).into_iter().map(text).collect()
    }

    #[test]
    fn lines_are_the_same_however_the_bytes_come() {
        let input = b"a\r\n\nbc\nd";
        let expected: Vec<_> = [(1, "a"), (2, ""), (3, "bc"), (4, "d")]
            .map(|(n, text): (u64, &str)| (n, text.to_owned()))
            .into();
        assert_eq!(texts(&[input]), expected);
        for at in 0..=input.len() {
            assert_eq!(
                texts(&[&input[..at], &input[at..]]),
                expected,
                "cut at {at}"
            );
        }
        let single: Vec<&[u8]> = input.chunks(1).collect();
        assert_eq!(texts(&single), expected);
    }

    #[test]
    fn an_end_at_the_end_makes_no_further_line() {
        assert_eq!(texts(&[b"a\n"]).len(), 1);
        assert!(texts(&[b""]).is_empty());
        assert_eq!(texts(&[b"\n"]), [(1, String::new())]);
    }

    #[test]
    fn a_line_above_the_bound_is_told_and_the_next_one_is_whole() {
        let most = vec![b'x'; limits::ADD_LINE_BYTES_MAX];
        let lines = split(&[&most, b"\n", &most, b"y", &most, b"\nz\n", &most, b"x"]);
        assert_eq!(lines.len(), 4);
        assert_eq!(
            lines[0].bytes.as_ref().map(Vec::len),
            Ok(limits::ADD_LINE_BYTES_MAX)
        );
        assert_eq!(
            lines[1],
            Line {
                number: 2,
                bytes: Err(TooLong)
            }
        );
        assert_eq!(
            lines[2],
            Line {
                number: 3,
                bytes: Ok(b"z".to_vec())
            }
        );
        assert_eq!(
            lines[3],
            Line {
                number: 4,
                bytes: Err(TooLong)
            }
        );
    }
}
