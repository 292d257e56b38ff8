//! Who may talk: the first words on a connection, on both sides.
//!
//! TLS has proved the keys. Here each side shows that its key is a member's, or a newcomer shows a ticket; nothing but a
//! close code is said to anybody else. Only after this a connection gets a seat, and the node hears of it.
//!
//! Source: design by argument in docs/protocol.md.

use std::sync::Arc;

use quinn::{Connection, Incoming, SendStream};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::timeout;

use crate::event::check_all;
use crate::event::control::{Control, Rules};
use crate::event::id::EventId;
use crate::event::key::{MachineId, Signature};
use crate::limits::{
    CREDENTIAL_BYTES_MAX, CREDENTIAL_LINKS_MAX, FAREWELL, GREETING_BYTES_MAX, HALF_OPEN_MAX,
    HALF_OPEN_RETRY, HANDSHAKE,
};
use crate::net::doorstep::Place;
use crate::net::frame::{Frames, framed};
use crate::net::table::{Candidate, Dialling, Seat};
use crate::net::{Happening, JoinAsked, Refusal, Shared, close, peer, tls};
use crate::wire::codec;
use crate::wire::greeting::{Blob, Greeting, Welcome};

/// Why a dial got no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unanswered {
    /// In words.
    pub(super) why: String,
    /// The refusal, by either side; another address of the same machine would say the same.
    pub(super) refusal: Option<Refusal>,
}

/// A connection that was let in, and its control stream.
pub(super) struct Greeted {
    pub(super) seat: Seat,
    pub(super) send: SendStream,
    pub(super) frames: Frames,
}

/// Takes connections until the endpoint is closed.
pub(super) async fn accept(shared: Arc<Shared>) {
    while let Some(incoming) = shared.endpoint.accept().await {
        let Ok(permit) = shared.half_open.clone().try_acquire_owned() else {
            incoming.refuse();
            continue;
        };
        let half_open = HALF_OPEN_MAX - shared.half_open.available_permits();
        let is_validated = incoming.remote_address_validated();
        if half_open > HALF_OPEN_RETRY && !is_validated {
            // It may always be told to retry while its address is not validated.
            incoming.retry().ok();
            continue;
        }
        // Addresses that are not validated may be somebody else's, and so are not counted.
        let place = is_validated.then(|| shared.doorstep.step_on(incoming.remote_address().ip()));
        let Some(place) = place.map_or(Some(None), |place| place.map(Some)) else {
            incoming.refuse();
            continue;
        };
        tokio::spawn(listen(shared.clone(), incoming, (permit, place)));
    }
}

/// Serves one connection that somebody else dialled.
async fn listen(
    shared: Arc<Shared>,
    incoming: Incoming,
    permit: (OwnedSemaphorePermit, Option<Place>),
) {
    let Ok(connecting) = incoming.accept() else {
        return;
    };
    let Ok(Ok(connection)) = timeout(HANDSHAKE, connecting).await else {
        return;
    };
    let heard = match timeout(HANDSHAKE, hear(&shared, &connection)).await {
        Ok(heard) => heard,
        Err(_) => Err(Refusal::TooSlow),
    };
    let greeted = match heard {
        Ok((machine, greeting, send, frames)) => {
            let greeter = Greeter {
                machine,
                send,
                frames,
            };
            answer(&shared, &connection, greeter, greeting).await
        }
        Err(refusal) => Err(refusal),
    };
    drop(permit);
    match greeted {
        Ok(Some(greeted)) => peer::run(shared, greeted.seat, greeted.send, greeted.frames).await,
        Ok(None) => {}
        Err(refusal) => {
            tracing::info!(from = %connection.remote_address(), why = refusal.said_here(), "refused a connection");
            refusal.close(&connection);
        }
    }
}

/// Who dialled us, and its control stream.
struct Greeter {
    machine: MachineId,
    send: SendStream,
    frames: Frames,
}

/// Waits for a greeting of this network by a machine that is not banned.
async fn hear(
    shared: &Shared,
    connection: &Connection,
) -> Result<(MachineId, Greeting, SendStream, Frames), Refusal> {
    let machine = tls::machine_of(connection).ok_or(Refusal::Fault)?;
    if shared.known.borrow().banned.contains(&machine) {
        return Err(Refusal::Banned);
    }
    if machine == shared.me {
        return Err(Refusal::KeyInUse);
    }
    let (send, receive) = connection.accept_bi().await.map_err(|_| Refusal::Fault)?;
    let mut frames = Frames::new(receive, GREETING_BYTES_MAX);
    let frame = frames.next().await.map_err(|_| Refusal::Fault)?;
    let greeting: Greeting = codec::decode_plain(&frame).map_err(|_| Refusal::Fault)?;
    let root = match &greeting {
        Greeting::Member { root, .. } | Greeting::Joiner { root, .. } => *root,
    };
    if root != shared.known.borrow().root {
        return Err(Refusal::OtherNetwork);
    }
    Ok((machine, greeting, send, frames))
}

/// Answers a greeting; None: a newcomer got its answer, and that was all.
async fn answer(
    shared: &Arc<Shared>,
    connection: &Connection,
    greeter: Greeter,
    greeting: Greeting,
) -> Result<Option<Greeted>, Refusal> {
    let Greeter {
        machine,
        mut send,
        frames,
    } = greeter;
    match greeting {
        Greeting::Member {
            start, credential, ..
        } => {
            if !is_member(shared, machine, credential).await {
                return Err(Refusal::NotAMember);
            }
            let candidate = Candidate {
                connection: connection.clone(),
                peer: machine,
                start,
                dial: None,
            };
            let seat = match shared.seat(candidate).await {
                Ok(seat) => seat,
                Err(refusal) => {
                    if refusal == Refusal::Full {
                        shared.tell(Happening::Crowded).await;
                    }
                    return Err(refusal);
                }
            };
            if let Err(refusal) = welcome(shared, &mut send).await {
                give_up(shared, seat).await;
                return Err(refusal);
            }
            Ok(Some(Greeted { seat, send, frames }))
        }
        Greeting::Joiner {
            root: _,
            invite,
            name,
            signature,
        } => {
            let joiner = Joiner {
                machine,
                invite,
                name,
                signature,
            };
            admit(shared, connection, joiner, send).await?;
            Ok(None)
        }
    }
}

/// Tells a member that it is let in.
async fn welcome(shared: &Shared, send: &mut SendStream) -> Result<(), Refusal> {
    let welcome = Welcome::Member {
        start: shared.start,
        credential: credential_of(shared),
    };
    let welcome = framed(&codec::encode_plain(&welcome));
    let written = timeout(HANDSHAKE, send.write_all(&welcome)).await;
    written
        .map_err(|_| Refusal::TooSlow)?
        .map_err(|_| Refusal::Fault)
}

/// Gives up a seat of which nothing was told; a dial may rely on it.
async fn give_up(shared: &Shared, seat: Seat) {
    let link = seat.link.clone();
    // From here on no dial relies on it any more.
    drop(seat);
    if link.owes_to_dial() {
        let why = "it dialled this machine and went away".to_owned();
        shared
            .tell(Happening::DialFailed {
                peer: link.peer,
                why,
            })
            .await;
    }
}

/// What a newcomer showed.
struct Joiner {
    machine: MachineId,
    invite: EventId,
    name: String,
    signature: Blob,
}

/// Asks the node whether a newcomer is let in, and tells it.
async fn admit(
    shared: &Shared,
    connection: &Connection,
    shown: Joiner,
    mut send: SendStream,
) -> Result<(), Refusal> {
    let _permit = shared.joins.try_acquire().map_err(|_| Refusal::NotNow)?;
    let signature = Signature(
        shown
            .signature
            .0
            .try_into()
            .map_err(|_| Refusal::InviteSignature)?,
    );
    let exporter = tls::exporter(connection).ok_or(Refusal::NotNow)?;
    let Joiner {
        machine: joiner,
        invite,
        name,
        ..
    } = shown;
    let (answer, answered) = oneshot::channel();
    let asked = JoinAsked {
        invite,
        joiner,
        name,
        exporter,
        signature,
        answer,
    };
    let wait = async {
        shared.tell(Happening::JoinAsked(Box::new(asked))).await;
        answered.await
    };
    let answer = tokio::select! {
        biased;
        _ = connection.closed() => return Ok(()),
        answer = timeout(HANDSHAKE, wait) => answer,
    };
    let admission = answer
        .map_err(|_| Refusal::NotNow)?
        .map_err(|_| Refusal::NotNow)??;
    let credential = admission.credential.into_iter().map(Blob).collect();
    let welcome = framed(&codec::encode_plain(&Welcome::Joined {
        root: Blob(admission.root),
        credential,
    }));
    let farewell = async {
        send.write_all(&welcome).await?;
        // It was not finished before.
        send.finish().ok();
        connection.closed().await;
        Ok::<_, quinn::WriteError>(())
    };
    // It has the answer, or comes again: either way this connection is over.
    timeout(FAREWELL, farewell).await.ok();
    connection.close(close::DONE, b"");
    Ok(())
}

/// Greets the machine that a dial reached, and takes a seat.
pub(super) async fn greet(
    shared: &Arc<Shared>,
    connection: &Connection,
    dialling: &Dialling,
    machine: MachineId,
) -> Result<Greeted, Unanswered> {
    let refuse = |refusal: Refusal| {
        refusal.close(connection);
        Unanswered {
            why: refusal.said_here().to_owned(),
            refusal: Some(refusal),
        }
    };
    if !dialling.greets() {
        return Err(refuse(Refusal::Duplicate));
    }
    let root = shared.known.borrow().root;
    let greeting = Greeting::Member {
        root,
        start: shared.start,
        credential: credential_of(shared),
    };
    let asked = timeout(HANDSHAKE, ask(connection, &greeting))
        .await
        .map_err(|_| refuse(Refusal::TooSlow))?;
    let (welcome, send, frames) = asked?;
    let Welcome::Member { start, credential } = welcome else {
        return Err(refuse(Refusal::Fault));
    };
    if !is_member(shared, machine, credential).await {
        return Err(refuse(Refusal::NotAMember));
    }
    let dial = Some(dialling.number);
    let candidate = Candidate {
        connection: connection.clone(),
        peer: machine,
        start,
        dial,
    };
    let seat = shared.seat(candidate).await.map_err(refuse)?;
    Ok(Greeted { seat, send, frames })
}

/// Why there is no answer: the word with which the connection is closed, which may come after the end of the stream.
async fn unanswered(connection: &Connection) -> Unanswered {
    match timeout(FAREWELL, connection.closed()).await {
        Ok(reason) => Unanswered {
            why: close::words(&reason),
            refusal: close::refusal(&reason),
        },
        Err(_) => Unanswered {
            why: "the machine there ended the greeting".to_owned(),
            refusal: None,
        },
    }
}

/// Sends a greeting and waits for the welcome.
pub(super) async fn ask(
    connection: &Connection,
    greeting: &Greeting,
) -> Result<(Welcome, SendStream, Frames), Unanswered> {
    let Ok((mut send, receive)) = connection.open_bi().await else {
        return Err(unanswered(connection).await);
    };
    let greeting = framed(&codec::encode_plain(greeting));
    if send.write_all(&greeting).await.is_err() {
        return Err(unanswered(connection).await);
    }
    let mut frames = Frames::new(receive, GREETING_BYTES_MAX);
    let Ok(frame) = frames.next().await else {
        return Err(unanswered(connection).await);
    };
    match codec::decode_plain(&frame) {
        Ok(welcome) => Ok((welcome, send, frames)),
        Err(fault) => {
            Refusal::Fault.close(connection);
            Err(Unanswered {
                why: format!("the machine there sent no welcome but {fault}"),
                refusal: Some(Refusal::Fault),
            })
        }
    }
}

/// Our own credential, within the bounds of a greeting.
fn credential_of(shared: &Shared) -> Vec<Blob> {
    let credential = shared.known.borrow().credential.clone();
    let is_short = credential.len() <= CREDENTIAL_LINKS_MAX
        && credential.iter().map(Vec::len).sum::<usize>() <= CREDENTIAL_BYTES_MAX;
    if !is_short {
        tracing::warn!(
            "the credential is too long to be shown: machines that lag will not know this one"
        );
        return Vec::new();
    }
    credential.iter().cloned().map(Blob).collect()
}

/// Returns whether a key is a member's: known here, or by its credential.
async fn is_member(shared: &Shared, machine: MachineId, credential: Vec<Blob>) -> bool {
    let (root_author, rules) = {
        let known = shared.known.borrow();
        if known.members.contains(&machine) {
            return true;
        }
        (known.root_author, known.rules)
    };
    let check = move || leads_to(&credential, root_author, machine, rules);
    shared.pool.run(check).await.unwrap_or(false)
}

/// Returns whether `credential` is a chain of admissions from `root_author` to `machine`, by signatures alone.
///
/// No admissions lead from R's author to itself. Cost: one signature a link.
pub(super) fn leads_to(
    credential: &[Blob],
    root_author: MachineId,
    machine: MachineId,
    rules: Rules,
) -> bool {
    let bytes: usize = credential.iter().map(|link| link.0.len()).sum();
    if credential.len() > CREDENTIAL_LINKS_MAX || bytes > CREDENTIAL_BYTES_MAX {
        return false;
    }
    let raws: Result<Vec<_>, _> = credential
        .iter()
        .map(|link| codec::decode_event(&link.0).map(|raw| (raw, link.0.len())))
        .collect();
    let Ok(raws) = raws else { return false };
    let mut last = root_author;
    for event in check_all(raws, &rules) {
        let Ok(event) = event else { return false };
        let Control::Admit(admit) = event.control() else {
            return false;
        };
        if event.raw().machine != last {
            return false;
        }
        last = admit.key;
    }
    last == machine
}
