//! One outgoing bulk stream: what the sources of its parts give, and the END after the last.
//!
//! A worker thread pulls from a source and encodes, one frame ahead of the network.

use std::sync::Arc;

use quinn::SendStream;
use tokio::sync::mpsc;

use crate::net::frame::framed;
use crate::net::peer::{Begun, Link};
use crate::net::workers::Workers;
use crate::net::{Happening, Shared, Source, close};
use crate::sync::message::SessionId;
use crate::wire::{Message, codec};

/// A part of a bulk stream.
pub struct Part {
    /// Counts from 0.
    pub number: u32,
    /// The events; it may give none.
    pub source: Box<dyn Source>,
    /// An encoded message, last on the stream; none: more parts follow.
    pub end: Option<Message>,
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Part")
            .field("number", &self.number)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

/// Takes a part; part 0 begins the stream in the background. How each part ended is told, unless the stream is stopped.
/// Nothing when the connection takes no streams any more.
pub(super) fn take(shared: &Arc<Shared>, link: &Arc<Link>, session: SessionId, part: Part) {
    if let Some(begun) = link.take_part(session, part) {
        let (shared, link) = (shared.clone(), link.clone());
        let runtime = shared.runtime.clone();
        runtime.spawn(async move { run(&shared, &link, session, begun).await });
    }
}

async fn run(shared: &Shared, link: &Link, session: SessionId, begun: Begun) {
    let Begun {
        token: _token,
        stop,
        mut parts,
    } = begun;
    let peer = link.peer;
    let mut stream = None;
    let sent = tokio::select! {
        biased;
        () = stop.notified() => None,
        sent = send_all(shared, link, session, &mut stream, &mut parts) => Some(sent),
    };
    if !matches!(sent, Some(Ok(())))
        && let Some(stream) = &mut stream
    {
        // An error means that it is over already.
        stream.reset(close::STREAM_STOPPED).ok();
    }
    link.end_stream(session, &stop);
    match sent {
        None | Some(Ok(())) => {}
        Some(Err(why)) => {
            tracing::info!(?peer, session = session.0, why, "a bulk stream failed");
            shared.tell(Happening::StreamFailed { peer, session }).await;
        }
    }
}

/// Sends part after part, until one has an END.
async fn send_all(
    shared: &Shared,
    link: &Link,
    session: SessionId,
    stream: &mut Option<SendStream>,
    parts: &mut mpsc::Receiver<Part>,
) -> Result<(), String> {
    let opened = link.connection.open_uni().await;
    let stream = stream.insert(opened.map_err(|error| close::words(&error))?);
    let peer = link.peer;
    while let Some(Part { source, end, .. }) = parts.recv().await {
        send(shared.workers, link, stream, session, source).await?;
        if let Some(end) = &end {
            write(link, stream, &framed(&codec::encode(end))).await?;
            stream.finish().map_err(|error| error.to_string())?;
            arrived(stream).await?;
        }
        shared.tell(Happening::Streamed { peer, session }).await;
        if end.is_some() {
            return Ok(());
        }
    }
    // The connection is over.
    Ok(())
}

async fn write(link: &Link, stream: &mut SendStream, frame: &[u8]) -> Result<(), String> {
    let written = stream.write_all(frame).await;
    link.traffic.on_sent(frame.len());
    written.map_err(|error| error.to_string())
}

/// Waits until the peer's QUIC has all of a finished stream.
///
/// What our QUIC took may wait in it for many seconds. Were the session over by then, the next one's HELLO would overtake the
/// stream, and the peer would throw it away.
async fn arrived(stream: &SendStream) -> Result<(), String> {
    match stream.stopped().await {
        Ok(None) => Ok(()),
        Ok(Some(_)) => Err("the peer does not take it".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// A worker's step.
enum Step {
    Frame(Vec<u8>),
    Done,
    Failed(String),
}

async fn send(
    workers: Workers,
    link: &Link,
    stream: &mut SendStream,
    session: SessionId,
    mut source: Box<dyn Source>,
) -> Result<(), String> {
    let (given, mut steps) = mpsc::channel(1);
    let mut is_over = false;
    // Its panics show as a channel that is closed too early.
    workers.feed(given, move || {
        while !is_over {
            let step = match source.next() {
                Ok(Some(events)) if events.is_empty() => continue,
                Ok(Some(events)) => Step::Frame(framed(&codec::encode_bulk(session, &events))),
                Ok(None) => Step::Done,
                Err(why) => Step::Failed(why),
            };
            is_over = matches!(step, Step::Done | Step::Failed(_));
            return Some(step);
        }
        None
    });
    loop {
        match steps.recv().await {
            Some(Step::Frame(frame)) => write(link, stream, &frame).await?,
            Some(Step::Done) => return Ok(()),
            Some(Step::Failed(why)) => return Err(why),
            None => return Err("reading stopped half-way".to_owned()),
        }
    }
}
