//! Answers to WANTs: bodies read from disk, in as many frames as they need.

use std::sync::Arc;

use tracing::{debug, warn};

use crate::event::id::EventId;
use crate::event::index::Arrival;
use crate::event::key::MachineId;
use crate::limits::BULK_FRAME_BYTES;
use crate::node::ask::Body;
use crate::node::driver::Driver;
use crate::wire::codec;

impl Driver {
    /// Reads bodies on a thread for blocking work and answers with them, `limits::BULK_FRAME_BYTES` at a time but at least one
    /// event. When a frame finds no room the rest is not read: the asker asks elsewhere.
    pub(crate) fn give(&self, peer: MachineId, events: &[Arrival], mut not_held: Vec<EventId>) {
        let (Some(net), Some(machine)) = (&self.net, &self.machine) else {
            return;
        };
        let Ok(permit) = Arc::clone(&self.gives).try_acquire_owned() else {
            debug!(
                ?peer,
                "too many answers are being read: this one is dropped"
            );
            return;
        };
        let body = |at: &Arrival| Body {
            at: *at,
            id: machine.dag().id(*at),
            event: self.ledger.unstored(*at).cloned(),
        };
        let bodies: Vec<_> = events.iter().map(body).collect();
        let (net, store) = (Arc::clone(net), Arc::clone(&self.shared.store));
        self.shared.workers.spawn(move || {
            let (mut events, mut bytes, mut has_room) = (Vec::new(), 0, true);
            for body in bodies {
                let read = body.event.map_or_else(
                    || store.read(body.at),
                    |event| Ok(codec::encode_event(&event)),
                );
                match read {
                    Ok(event) => {
                        if !events.is_empty() && bytes + event.len() > BULK_FRAME_BYTES {
                            has_room = net.give(peer, std::mem::take(&mut events), Vec::new());
                            bytes = 0;
                        }
                        bytes += event.len();
                        events.push(event);
                    }
                    Err(error) => {
                        warn!(event = %body.id, %error, "an event that a peer asked for cannot be read");
                        not_held.push(body.id);
                    }
                }
                if !has_room {
                    break;
                }
            }
            if has_room && !net.give(peer, events, not_held) {
                debug!(?peer, "it does not read the answers that it asked for");
            }
            drop((net, permit));
        });
    }
}
