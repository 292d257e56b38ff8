//! A node that is none: it answers the control protocol from a canned DAG.

use std::sync::{Arc, Mutex};

use fedag::control::view::PeerStatus;
use fedag::control::{AddOutcome, Failure, FailureCode, Reply, ReplyLine, Request, RequestLine};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::Notify;

use super::scenes;
use super::world::World;

/// Serves `world` as machine 0 holds it, until the client goes. It panics when told to add the text `panic`, and passes on
/// `panic in the UI`.
pub(crate) async fn serve(
    pipe: impl AsyncRead + AsyncWrite + Send + 'static,
    world: World,
    panic: Arc<Notify>,
) {
    let world = Arc::new(Mutex::new(world));
    let (reader, mut writer) = tokio::io::split(pipe);
    let mut lines = BufReader::new(reader).lines();
    let mut watcher = None;
    while let Ok(Some(line)) = lines.next_line().await {
        let RequestLine { id, request } =
            serde_json::from_str(&line).expect("the client writes requests");
        let mut out = Vec::new();
        let is_add = matches!(request, Request::Add { .. });
        if line.contains("panic in the UI") {
            panic.notify_one();
        }
        if matches!(request, Request::Watch {}) {
            watcher = Some(id);
        } else {
            out.push(match answer(&mut world.lock().unwrap(), request) {
                Ok(reply) => ReplyLine {
                    id,
                    reply: Some(reply),
                    error: None,
                },
                Err(failure) => ReplyLine {
                    id,
                    reply: None,
                    error: Some(failure),
                },
            });
        }
        if let Some(id) = watcher.filter(|watcher| is_add || *watcher == id) {
            out.push(ReplyLine {
                id,
                reply: Some(status(&world.lock().unwrap())),
                error: None,
            });
        }
        for line in out {
            let line = serde_json::to_string(&line).unwrap() + "\n";
            if writer.write_all(line.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

fn status(world: &World) -> Reply {
    let peers: Vec<PeerStatus> = (1..world.names.len())
        .map(|other| world.peer(0, other))
        .collect();
    Reply::Status(Box::new(world.status(0, peers)))
}

fn answer(world: &mut World, request: Request) -> Result<Reply, Failure> {
    Ok(match request {
        Request::Status {} => status(world),
        Request::Window(request) => Reply::Window(Box::new(world.window(0, &request))),
        Request::Search(request) => Reply::Found(Box::new(world.search(0, &request, 20))),
        Request::Events { uuids } => Reply::Events(world.views(&uuids)),
        Request::Leaves {} => Reply::Events(
            world
                .leaves(0)
                .iter()
                .map(|leaf| world.view(0, *leaf))
                .collect(),
        ),
        Request::Show { name } => {
            match (0..world.events.len()).find(|event| World::uuid(*event) == name) {
                Some(event) => Reply::Event(Box::new(world.detail(0, event))),
                None => {
                    return Err(Failure {
                        code: FailureCode::NotFound,
                        message: format!("no event {name}"),
                    });
                }
            }
        }
        Request::Add { events } => {
            Reply::Added(events.iter().map(|event| add(world, event.get())).collect())
        }
        Request::Invite { .. } => scenes::ticket(world.now_ms()),
        other @ (Request::Watch {}
        | Request::Log(_)
        | Request::Connect { .. }
        | Request::Verify {}
        | Request::Stop {}) => {
            return Err(Failure {
                code: FailureCode::BadRequest,
                message: format!("{other:?} is not known here"),
            });
        }
    })
}

fn add(world: &mut World, json: &str) -> AddOutcome {
    let value: serde_json::Value = serde_json::from_str(json).expect("the screen sends JSON");
    let text = value["text"].as_str().unwrap_or(json);
    assert!(text != "panic", "told to panic");
    if text == "no" {
        return AddOutcome::Refused("the disk is full: free some space".into());
    }
    let event = world.write(0, text);
    AddOutcome::Added {
        uuid: World::uuid(event),
        json: json.into(),
    }
}
