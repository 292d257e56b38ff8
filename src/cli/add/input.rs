//! Standard input as batches of events.
//!
//! A thread of its own reads, since reading may block for ever; it hands over what is there as soon as it is there. Both the channel
//! and the batches are bounded; at the bound the thread waits, and so does whoever writes into the pipe.

use std::io::{self, Read};

use serde_json::value::RawValue;
use tokio::sync::mpsc;

use crate::cli::lines::{Line, Splitter};
use crate::cli::properties;
use crate::limits;

/// Bytes read at a time: what a pipe holds.
const READ_BYTES: usize = 64 << 10;
/// Batches that wait to be sent.
const BATCHES_MAX: usize = 4;
/// With `--strict` an event above this size is sent alone: only its size can still be refused by the node, and then nothing after it
/// may have been added. Every network allows events of this size, see `limits::EVENT_BYTES_MIN`.
const STRICT_ALONE_BYTES: usize = 1024;

/// A line that is not empty.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// Its number in the input, from 1.
    pub(super) number: u64,
    /// An event, or why it is none.
    pub(super) event: Result<Box<RawValue>, String>,
}

/// How lines are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// Every line is text.
    pub(super) text: bool,
    /// Batches end where it must be known whether all before was added.
    pub(super) strict: bool,
}

/// Lines that go to the node together: at most `limits::ADD_EVENTS_MAX` and about `limits::ADD_REQUEST_BYTES`.
pub(super) type Batch = Vec<Item>;

/// Begins to read `input` on a thread of its own. The channel ends with the input, or after an error.
pub(super) fn start(
    input: impl Read + Send + 'static,
    reading: Reading,
) -> mpsc::Receiver<io::Result<Batch>> {
    let (batches, receiver) = mpsc::channel(BATCHES_MAX);
    std::thread::spawn(move || {
        if let Err(error) = read(input, reading, &batches) {
            // Nobody listens any more when the command ended early.
            drop(batches.blocking_send(Err(error)));
        }
    });
    receiver
}

fn read(
    mut input: impl Read,
    reading: Reading,
    batches: &mpsc::Sender<io::Result<Batch>>,
) -> io::Result<()> {
    let mut splitter = Splitter::default();
    let mut bytes = vec![0; READ_BYTES];
    loop {
        let mut lines = Vec::new();
        let length = match input.read(&mut bytes) {
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let ended = length == 0;
        splitter.push(&bytes[..length], &mut lines);
        if ended {
            lines.extend(std::mem::take(&mut splitter).finish());
        }
        for batch in cut(
            lines.into_iter().filter_map(|line| item(line, reading)),
            reading.strict,
        ) {
            if batches.blocking_send(Ok(batch)).is_err() {
                return Ok(());
            }
        }
        if ended {
            return Ok(());
        }
    }
}

/// None: the line is empty.
fn item(line: Line, reading: Reading) -> Option<Item> {
    let number = line.number;
    let bytes = match line.bytes {
        Ok(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => return None,
        Ok(bytes) => bytes,
        Err(error) => {
            return Some(Item {
                number,
                event: Err(error.to_string()),
            });
        }
    };
    let event = match String::from_utf8(bytes) {
        Ok(line) => event(line, reading),
        Err(error) => Err(format!(
            "not UTF-8 text at byte {}",
            error.utf8_error().valid_up_to() + 1
        )),
    };
    Some(Item { number, event })
}

fn event(line: String, reading: Reading) -> Result<Box<RawValue>, String> {
    let json = if !reading.text && line.trim_start().starts_with('{') {
        line
    } else {
        properties::from_text(&line)
    };
    if reading.strict {
        crate::event::canon::Properties::parse(json.as_bytes())
            .map_err(|error| error.to_string())?;
    }
    // The node reads it strictly; here it must only be JSON, so that a bad line does not spoil the request of the others.
    RawValue::from_string(json).map_err(|error| format!("not JSON: {error}"))
}

/// Cuts items into batches, in order.
fn cut(items: impl Iterator<Item = Item>, strict: bool) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    let mut bytes = 0;
    let mut alone = false;
    for item in items {
        let length = item.event.as_ref().map_or(0, |event| event.get().len() + 1);
        let large = strict && length > STRICT_ALONE_BYTES;
        let fits = bytes + length <= limits::ADD_REQUEST_BYTES && !large && !alone;
        match batches.last_mut() {
            Some(batch) if fits && batch.len() < limits::ADD_EVENTS_MAX => {
                bytes += length;
                batch.push(item);
            }
            Some(_) | None => {
                bytes = length;
                batches.push(vec![item]);
            }
        }
        alone = large;
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENIENT: Reading = Reading {
        text: false,
        strict: false,
    };

    fn read_all(input: &'static [u8], reading: Reading) -> Vec<(u64, String)> {
        let mut batches = start(input, reading);
        let mut items = Vec::new();
        while let Some(batch) = batches.blocking_recv() {
            for Item { number, event } in batch.unwrap() {
                items.push((
                    number,
                    event.map_or_else(|why| format!("bad: {why}"), |event| event.get().to_owned()),
                ));
            }
        }
        items
    }

    #[test]
    fn lines_are_json_or_text_and_bad_ones_are_told_with_their_number() {
        let input = b"hello\n\n{\"a\": 1}\r\n  \n{bad\nb\xff\n a=1";
        let items = read_all(input, LENIENT);
        assert_eq!(items.len(), 5, "{items:?}");
        assert_eq!(items[0], (1, r#"{"text":"hello"}"#.to_owned()));
        assert_eq!(items[1], (3, r#"{"a": 1}"#.to_owned()));
        assert_eq!(items[2].0, 5);
        assert!(items[2].1.starts_with("bad: not JSON"), "{items:?}");
        assert_eq!(items[3], (6, "bad: not UTF-8 text at byte 2".to_owned()));
        assert_eq!(items[4], (7, r#"{"text":" a=1"}"#.to_owned()));
    }

    #[test]
    fn as_text_every_line_is_text() {
        let items = read_all(
            b"{bad\n",
            Reading {
                text: true,
                strict: false,
            },
        );
        assert_eq!(items, [(1, r#"{"text":"{bad"}"#.to_owned())]);
    }

    fn items(lengths: &[usize]) -> impl Iterator<Item = Item> {
        let item = |(number, length): (u64, &usize)| {
            let json = properties::from_text(&"x".repeat(*length));
            Item {
                number,
                event: Ok(RawValue::from_string(json).unwrap()),
            }
        };
        (1..).zip(lengths).map(item)
    }

    fn sizes(lengths: &[usize], strict: bool) -> Vec<usize> {
        let batches = cut(items(lengths), strict);
        let numbers: Vec<u64> = batches.iter().flatten().map(|item| item.number).collect();
        assert!(numbers.is_sorted(), "{numbers:?}");
        batches.iter().map(Vec::len).collect()
    }

    #[test]
    fn batches_are_bounded_by_events_and_by_bytes() {
        assert!(sizes(&[], false).is_empty());
        assert_eq!(
            sizes(&vec![1; 2 * limits::ADD_EVENTS_MAX + 1], false),
            [limits::ADD_EVENTS_MAX, limits::ADD_EVENTS_MAX, 1]
        );
        let half = limits::ADD_REQUEST_BYTES / 2;
        assert_eq!(sizes(&[half, 1, half, 1], false), [2, 2]);
        assert_eq!(sizes(&[limits::ADD_LINE_BYTES_MAX, 1], false), [1, 1]);
    }

    #[test]
    fn strictly_a_large_event_is_alone() {
        assert_eq!(sizes(&[1, 1, 2000, 1, 1], true), [2, 1, 2]);
        assert_eq!(sizes(&[2000, 2000], true), [1, 1]);
        assert_eq!(sizes(&[1, 1, 2000, 1, 1], false), [5]);
    }
}
