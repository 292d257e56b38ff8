//! Answers the requests of the control protocol.

use tokio::time::{Instant, sleep_until};
use tracing::debug;

use crate::control::{Failure, FailureCode, Reply, Request};
use crate::event::index::Arrival;
use crate::limits::{LEAVES_SHOWN_MAX, REPLY_BYTES, WATCH_EVERY};
use crate::node::ask::{Desk, LocalRequest, Run, Seen};
use crate::node::failure::{needs_node, not_allowed, stopping};
use crate::node::invites::{self, Terms};
use crate::node::names::find_machine;
use crate::node::serve::{Gone, Replies};
use crate::node::{log, search, verify, view, window};

/// Answers one request; [`Gone`] when the client did not wait.
pub(crate) async fn handle(desk: &Desk, request: Request, replies: &Replies) -> Result<(), Gone> {
    let reply = match request {
        Request::Status {} => view::status(desk)
            .await
            .map(|status| Reply::Status(Box::new(status))),
        Request::Watch {} => return watch(desk, replies).await,
        Request::Add { .. } => unreachable!("events are added in order, by a task of their own"),
        Request::Log(request) => return log::log(desk, request, replies).await,
        Request::Show { name } => show(desk, name).await,
        Request::Leaves {} => leaves(desk).await,
        Request::Events { uuids } => events(desk, uuids).await,
        Request::Invite {
            expires_s,
            uses,
            reuse,
        } => {
            invites::invite(
                desk,
                Terms {
                    expires_s,
                    uses,
                    reuse,
                },
            )
            .await
        }
        Request::Connect { machine, address } => connect(desk, machine, address).await,
        Request::Window(request) => window::window(desk, request)
            .await
            .map(|window| Reply::Window(Box::new(window))),
        Request::Search(request) => search::search(desk, request)
            .await
            .map(|found| Reply::Found(Box::new(found))),
        Request::Verify {} => verify::verify(desk, replies).await,
        Request::Stop {} => {
            replies.send(Ok(Reply::Done {})).await?;
            desk.run.send_if_modified(|run| {
                let goes_on = *run == Run::On;
                if goes_on {
                    *run = Run::Asked;
                }
                goes_on
            });
            return Ok(());
        }
    };
    replies.send(reply).await
}

/// The status at once and after every change, at most every `limits::WATCH_EVERY`.
async fn watch(desk: &Desk, replies: &Replies) -> Result<(), Gone> {
    let mut progress = desk.progress.clone();
    let mut told = None;
    loop {
        progress.borrow_and_update();
        let earliest = Instant::now() + WATCH_EVERY;
        match view::status(desk).await {
            Ok(status) if told.as_ref() == Some(&status) => {}
            Ok(status) => {
                let reply = Reply::Status(Box::new(status.clone()));
                replies.send(Ok(reply)).await?;
                told = Some(status);
            }
            Err(failure) if failure.code == FailureCode::Stopping => {
                return replies.send(Err(failure)).await;
            }
            // The store failed and cannot be read just now; there is a change when it can.
            Err(failure) => debug!(failure.message, "who watches is told nothing"),
        }
        sleep_until(earliest).await;
        tokio::select! {
            biased;
            changed = progress.changed() => if changed.is_err() {
                return replies.send(Err(stopping())).await;
            },
            () = replies.gone() => return Err(Gone),
        }
    }
}

async fn show(desk: &Desk, name: String) -> Result<Reply, Failure> {
    let found = desk
        .ask(move |seen| {
            seen.names
                .find_event(seen.dag, &name)
                .map(|at| seen.detail(at))
        })
        .await??;
    Ok(Reply::Event(Box::new(view::whole(desk, found).await?)))
}

async fn events(desk: &Desk, uuids: Vec<String>) -> Result<Reply, Failure> {
    let found = desk
        .ask(move |seen| {
            let mut bytes = 0;
            let mut metas = Vec::new();
            for uuid in &uuids {
                let at = seen.names.find_event(seen.dag, uuid)?;
                bytes += seen.dag.length(at) as usize;
                if bytes > REPLY_BYTES && !metas.is_empty() {
                    return Err(not_allowed(format!(
                        "these events come to more than {REPLY_BYTES} bytes: ask for fewer"
                    )));
                }
                metas.push(seen.meta(at));
            }
            Ok(metas)
        })
        .await??;
    Ok(Reply::Events(view::views(desk, found).await?))
}

/// The leaves in causal order; when they do not fit into one reply, the newest.
async fn leaves(desk: &Desk) -> Result<Reply, Failure> {
    let leaves = |seen: &mut Seen<'_>| {
        let mut leaves: Vec<_> = seen
            .dag
            .leaves()
            .filter_map(|id| seen.dag.find(id))
            .collect();
        leaves.sort_unstable_by_key(|at| seen.dag.causal_key(*at));
        let mut bytes = 0;
        let fits = |at: &&Arrival| {
            bytes += seen.dag.length(**at) as usize;
            bytes <= REPLY_BYTES
        };
        let newest = leaves
            .iter()
            .rev()
            .take(LEAVES_SHOWN_MAX)
            .take_while(fits)
            .count()
            .max(1);
        leaves.drain(..leaves.len() - newest);
        leaves
            .into_iter()
            .map(|at| seen.meta(at))
            .collect::<Vec<_>>()
    };
    let metas = desk.ask(leaves).await?;
    Ok(Reply::Events(view::views(desk, metas).await?))
}

async fn connect(
    desk: &Desk,
    machine: String,
    address: std::net::SocketAddr,
) -> Result<Reply, Failure> {
    if desk.shared.listening.is_none() {
        return Err(needs_node("`connect`"));
    }
    let peer = desk
        .ask(move |seen| find_machine(seen.dag, &machine))
        .await??;
    if peer == desk.shared.key.machine() {
        return Err(not_allowed("that is this machine itself"));
    }
    let answer = desk
        .request(|answer| LocalRequest::Reachable {
            peer,
            addresses: vec![address],
            answer,
        })
        .await?;
    answer.await.map_err(|_| stopping())?;
    Ok(Reply::Done {})
}
