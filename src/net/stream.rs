//! One outgoing bulk stream: what a source gives, and the END after it.
//!
//! A worker thread pulls from the source and encodes, one frame ahead of the network.

use std::sync::Arc;

use quinn::SendStream;
use tokio::sync::{Notify, mpsc};

use crate::net::frame::framed;
use crate::net::peer::Link;
use crate::net::{Happening, Shared, Source, close};
use crate::sync::message::SessionId;
use crate::wire::{Message, codec};

/// A stream to be sent.
pub(super) struct Outgoing {
    pub(super) session: SessionId,
    pub(super) source: Box<dyn Source>,
    /// Last on the stream.
    pub(super) end: Message,
}

/// Begins to send it in the background; how that ended is told, unless it is stopped. Nothing when the connection takes no
/// streams any more.
pub(super) fn begin(shared: Arc<Shared>, link: Arc<Link>, outgoing: Outgoing) {
    if let Some((token, stop)) = link.begin_stream(outgoing.session) {
        let runtime = shared.runtime.clone();
        runtime.spawn(async move {
            let _token = token;
            run(&shared, &link, outgoing, stop).await;
        });
    }
}

async fn run(shared: &Shared, link: &Link, outgoing: Outgoing, stop: Arc<Notify>) {
    let (session, peer) = (outgoing.session, link.peer);
    let sent = tokio::select! {
        biased;
        () = stop.notified() => None,
        opened = link.connection.open_uni() => match opened {
            Err(error) => Some(Err(close::words(&error))),
            Ok(mut stream) => {
                let sent = tokio::select! {
                    biased;
                    () = stop.notified() => None,
                    sent = send(&mut stream, outgoing) => Some(sent),
                };
                if !matches!(sent, Some(Ok(()))) {
                    // An error means that it is over already.
                    stream.reset(close::STREAM_STOPPED).ok();
                }
                sent
            }
        },
    };
    link.end_stream(session, &stop);
    match sent {
        None => {}
        Some(Ok(())) => shared.tell(Happening::Streamed { peer, session }).await,
        Some(Err(why)) => {
            tracing::info!(?peer, session = session.0, why, "a bulk stream failed");
            shared.tell(Happening::StreamFailed { peer, session }).await;
        }
    }
}

/// A worker's step.
enum Step {
    Frame(Vec<u8>),
    Done,
    Failed(String),
}

async fn send(stream: &mut SendStream, outgoing: Outgoing) -> Result<(), String> {
    let Outgoing {
        session,
        mut source,
        end,
    } = outgoing;
    let (given, mut steps) = mpsc::channel(1);
    // It ends by itself when nobody listens; its panics show as a channel that is closed too early.
    drop(tokio::task::spawn_blocking(move || {
        loop {
            let step = match source.next() {
                Ok(Some(events)) if events.is_empty() => continue,
                Ok(Some(events)) => Step::Frame(framed(&codec::encode_bulk(session, &events))),
                Ok(None) => Step::Done,
                Err(why) => Step::Failed(why),
            };
            let is_last = matches!(step, Step::Done | Step::Failed(_));
            if given.blocking_send(step).is_err() || is_last {
                return;
            }
        }
    }));
    loop {
        match steps.recv().await {
            Some(Step::Frame(frame)) => stream
                .write_all(&frame)
                .await
                .map_err(|error| error.to_string())?,
            Some(Step::Done) => break,
            Some(Step::Failed(why)) => return Err(why),
            None => return Err("reading stopped half-way".to_owned()),
        }
    }
    stream
        .write_all(&framed(&codec::encode(&end)))
        .await
        .map_err(|error| error.to_string())?;
    stream.finish().map_err(|error| error.to_string())
}
