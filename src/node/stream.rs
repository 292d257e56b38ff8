//! Gives the bytes of a bulk stream from the store, a frame's worth at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::event::index::Arrival;
use crate::limits::BULK_FRAME_BYTES;
use crate::net::Source;
use crate::node::failure::in_words;
use crate::store::Store;

/// Events of some ranges, in order. Called on a worker thread of the network.
#[derive(Debug)]
pub(crate) struct StoreSource {
    store: Arc<dyn Store>,
    ranges: VecDeque<(Arrival, Arrival)>,
    /// Read, but did not fit into the last frame.
    carried: Vec<Vec<u8>>,
}

impl StoreSource {
    /// `ranges` are durable. Ends with an error at a damaged event, of which the store tells.
    pub(crate) fn new(store: Arc<dyn Store>, ranges: Vec<(Arrival, Arrival)>) -> Self {
        Self {
            store,
            ranges: ranges.into(),
            carried: Vec::new(),
        }
    }

    /// The next consecutive events, at most `bytes_max` bytes of them but at least one; none when all were read.
    fn read(&mut self, bytes_max: usize) -> Result<Vec<Vec<u8>>, String> {
        let Some((from, up_to)) = self.ranges.pop_front() else {
            return Ok(Vec::new());
        };
        let events = self
            .store
            .read_range(from, up_to, bytes_max)
            .map_err(|error| in_words(&error))?;
        let next = Arrival(from.0 + u32::try_from(events.len()).expect("arrivals are u32"));
        if next == from {
            return Err(format!("the store gave nothing at {}", from.0));
        }
        if next < up_to {
            self.ranges.push_front((next, up_to));
        }
        Ok(events)
    }
}

impl Source for StoreSource {
    fn next(&mut self) -> Result<Option<Vec<Vec<u8>>>, String> {
        let mut frame = std::mem::take(&mut self.carried);
        let mut bytes: usize = frame.iter().map(Vec::len).sum();
        while bytes < BULK_FRAME_BYTES {
            let read = self.read(BULK_FRAME_BYTES - bytes)?;
            if read.is_empty() {
                break;
            }
            let more: usize = read.iter().map(Vec::len).sum();
            if !frame.is_empty() && bytes + more > BULK_FRAME_BYTES {
                self.carried = read;
                break;
            }
            bytes += more;
            frame.extend(read);
        }
        Ok((!frame.is_empty()).then_some(frame))
    }
}
