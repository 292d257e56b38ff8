//! When the latest events came to be held by replication, for the flash on the screen.

use std::collections::VecDeque;
use std::time::Duration;

use crate::event::index::Arrival;
use crate::limits::RECENT_BATCHES;
use crate::time::Time;

/// Times of arrival, in batches.
#[derive(Debug)]
pub(crate) struct Recent {
    /// Events below were held when the machine was opened.
    opened: u32,
    /// With one past the last position of each batch; ascending in both.
    batches: VecDeque<(u32, Time)>,
}

impl Recent {
    /// Of a machine that holds `opened` events.
    pub(crate) fn new(opened: u32) -> Self {
        Self {
            opened,
            batches: VecDeque::new(),
        }
    }

    /// All events below `up_to` are held now. At `limits::RECENT_BATCHES` the oldest two batches become one.
    pub(crate) fn note(&mut self, up_to: u32, now: Time) {
        if self.batches.back().is_some_and(|(last, _)| *last >= up_to) || up_to <= self.opened {
            return;
        }
        if self.batches.len() == RECENT_BATCHES {
            self.batches.pop_front();
        }
        self.batches.push_back((up_to, now));
    }

    /// How long ago the event came to be held; None: before the machine was opened.
    pub(crate) fn age(&self, at: Arrival, now: Time) -> Option<Duration> {
        if at.0 < self.opened {
            return None;
        }
        let batch = self.batches.partition_point(|(up_to, _)| *up_to <= at.0);
        Some(
            self.batches
                .get(batch)
                .map_or(Duration::ZERO, |(_, time)| now.since(*time)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_has_the_age_of_its_batch() {
        let mut recent = Recent::new(10);
        recent.note(12, Time::from_ms(5));
        recent.note(20, Time::from_ms(9));
        let age = |at| {
            recent
                .age(Arrival(at), Time::from_ms(10))
                .map(|age| age.as_millis())
        };
        assert_eq!(
            [age(9), age(10), age(11), age(12), age(19)],
            [None, Some(5), Some(5), Some(1), Some(1)]
        );
    }
}
