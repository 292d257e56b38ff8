use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf};

use super::*;
use crate::control::LogRequest;
use crate::control::view::Report;

/// The node's end of a pipe: reads requests, writes whatever lines the test says.
struct FakeNode {
    reader: BufReader<ReadHalf<DuplexStream>>,
    writer: WriteHalf<DuplexStream>,
}

impl FakeNode {
    async fn request(&mut self) -> Option<RequestLine> {
        let mut line = String::new();
        match self.reader.read_line(&mut line).await.unwrap() {
            0 => None,
            _ => Some(serde_json::from_str(&line).unwrap()),
        }
    }

    async fn say(&mut self, line: &str) {
        self.writer.write_all(line.as_bytes()).await.unwrap();
        self.writer.write_all(b"\n").await.unwrap();
    }

    async fn reply(&mut self, id: u64, reply: Reply) {
        let line = serde_json::to_string(&ReplyLine {
            id,
            reply: Some(reply),
            error: None,
        })
        .unwrap();
        self.say(&line).await;
    }
}

fn pair(buffer: usize) -> (Client, FakeNode) {
    let (here, there) = tokio::io::duplex(buffer);
    let (reader, writer) = tokio::io::split(there);
    (
        Client::new(here),
        FakeNode {
            reader: BufReader::new(reader),
            writer,
        },
    )
}

fn ticket(text: &str) -> Reply {
    Reply::Ticket {
        text: text.to_owned(),
        expires_ms: 0,
        uses: 1,
        addresses: Vec::new(),
    }
}

fn text_of(reply: Reply) -> String {
    let Reply::Ticket { text, .. } = reply else {
        panic!("not a ticket: {reply:?}")
    };
    text
}

#[tokio::test]
async fn answers_in_another_order_reach_who_asked() {
    let (client, mut node) = pair(1 << 16);
    let first = client.begin(Request::Status {}).await.unwrap();
    let second = client.begin(Request::Leaves {}).await.unwrap();
    let one = node.request().await.unwrap();
    let two = node.request().await.unwrap();
    assert!(matches!(one.request, Request::Status {}));
    assert!(matches!(two.request, Request::Leaves {}));
    node.reply(two.id, ticket("two")).await;
    node.reply(one.id, ticket("one")).await;
    assert_eq!(text_of(second.answer().await.unwrap()), "two");
    assert_eq!(text_of(first.answer().await.unwrap()), "one");
}

#[tokio::test]
async fn many_requests_over_a_narrow_pipe_are_all_answered() {
    let (client, mut node) = pair(16);
    let server = tokio::spawn(async move {
        let mut answered = 0;
        while let Some(line) = node.request().await {
            node.reply(line.id, ticket(&line.id.to_string())).await;
            answered += 1;
        }
        answered
    });
    let mut open = Vec::new();
    for _ in 0..300 {
        open.push(client.begin(Request::Status {}).await.unwrap());
    }
    for (index, pending) in open.into_iter().enumerate() {
        assert_eq!(
            text_of(pending.answer().await.unwrap()),
            (index + 1).to_string()
        );
    }
    drop(client);
    assert_eq!(server.await.unwrap(), 300);
}

#[tokio::test]
async fn a_stream_ends_after_its_last_answer_and_others_go_on() {
    let (client, mut node) = pair(1 << 16);
    let mut log = client.stream(Request::Log(LogRequest::default()));
    let (first, line) = tokio::join!(log.next(), async {
        let line = node.request().await.unwrap();
        node.reply(line.id, Reply::Events(Vec::new())).await;
        line
    });
    assert!(matches!(first, Some(Ok(Reply::Events(_)))));
    node.reply(line.id, Reply::Events(Vec::new())).await;
    node.reply(line.id, Reply::Done {}).await;
    assert!(matches!(log.next().await, Some(Ok(Reply::Events(_)))));
    assert!(matches!(log.next().await, Some(Ok(Reply::Done {}))));
    assert!(log.next().await.is_none());

    let pending = client.begin(Request::Status {}).await.unwrap();
    let line = node.request().await.unwrap();
    node.reply(line.id, ticket("still here")).await;
    assert_eq!(text_of(pending.answer().await.unwrap()), "still here");
}

#[tokio::test]
async fn verify_ends_with_its_report() {
    let (client, mut node) = pair(1 << 16);
    let mut verify = client.stream(Request::Verify {});
    let server = tokio::spawn(async move {
        let line = node.request().await.unwrap();
        node.reply(line.id, Reply::Progress { done: 1, of: 2 })
            .await;
        node.reply(line.id, Reply::Verified(Report::default()))
            .await;
        node
    });
    assert!(matches!(
        verify.next().await,
        Some(Ok(Reply::Progress { done: 1, of: 2 }))
    ));
    assert!(matches!(verify.next().await, Some(Ok(Reply::Verified(_)))));
    assert!(verify.next().await.is_none());
    drop(server.await.unwrap());
}

#[tokio::test]
async fn a_failure_is_told_as_the_node_said_it() {
    let (client, mut node) = pair(1 << 16);
    let pending = client
        .begin(Request::Show {
            name: "b14".to_owned(),
        })
        .await
        .unwrap();
    let line = node.request().await.unwrap();
    node.say(&format!(
        r#"{{"id":{},"error":{{"code":"not_found","message":"no event is named b14"}}}}"#,
        line.id
    ))
    .await;
    match pending.answer().await {
        Err(ClientError::Failure(failure)) => {
            assert_eq!(failure.code, FailureCode::NotFound);
            assert_eq!(failure.to_string(), "no event is named b14");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn when_the_node_goes_every_open_and_later_request_is_told() {
    let (client, mut node) = pair(1 << 16);
    let pending = client.begin(Request::Status {}).await.unwrap();
    let mut watch = client.stream(Request::Watch {});
    let (gone, ()) = tokio::join!(watch.next(), async {
        node.request().await.unwrap();
        node.request().await.unwrap();
        drop(node);
    });
    assert!(
        matches!(gone, Some(Err(ClientError::Gone(error))) if error.kind() == io::ErrorKind::UnexpectedEof)
    );
    assert!(watch.next().await.is_none());
    assert!(matches!(pending.answer().await, Err(ClientError::Gone(_))));
    assert!(matches!(
        client.ask(Request::Status {}).await,
        Err(ClientError::Gone(_))
    ));
    assert!(matches!(
        client.stream(Request::Verify {}).next().await,
        Some(Err(ClientError::Gone(_)))
    ));
}

#[tokio::test]
async fn a_line_that_is_no_answer_ends_the_connection_with_the_cause() {
    for line in ["what?", "{}", r#"{"id":1,"reply":{"unheard_of":{}}}"#] {
        let (client, mut node) = pair(1 << 16);
        let pending = client.begin(Request::Status {}).await.unwrap();
        node.request().await.unwrap();
        node.say(line).await;
        match pending.answer().await {
            Err(ClientError::Gone(error)) => {
                assert_ne!(error.kind(), io::ErrorKind::UnexpectedEof, "{line}");
            }
            other => panic!("{line}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_line_longer_than_the_bound_is_not_kept() {
    let (client, mut node) = pair(1 << 16);
    let pending = client.begin(Request::Status {}).await.unwrap();
    node.request().await.unwrap();
    let endless = tokio::spawn(async move {
        let chunk = vec![b'x'; 1 << 20];
        let mut sent = 0;
        while sent <= limits::CONTROL_LINE_BYTES && node.writer.write_all(&chunk).await.is_ok() {
            sent += chunk.len();
        }
    });
    match pending.answer().await {
        Err(ClientError::Gone(error)) => assert_eq!(error.kind(), io::ErrorKind::InvalidData),
        other => panic!("{other:?}"),
    }
    endless.abort();
}

#[tokio::test]
async fn a_request_longer_than_the_bound_is_refused_before_it_is_sent() {
    let (client, mut node) = pair(1 << 16);
    let name = "x".repeat(limits::CONTROL_LINE_BYTES);
    match client.ask(Request::Show { name: name.clone() }).await {
        Err(ClientError::Failure(failure)) => assert_eq!(failure.code, FailureCode::BadRequest),
        other => panic!("{other:?}"),
    }
    let mut stream = client.stream(Request::Show { name });
    assert!(matches!(
        stream.next().await,
        Some(Err(ClientError::Failure(_)))
    ));
    assert!(stream.next().await.is_none());
    drop((client, stream));
    assert!(node.request().await.is_none());
}

#[tokio::test]
async fn a_slow_reader_of_a_stream_makes_the_node_wait() {
    let (client, mut node) = pair(64);
    let mut watch = client.stream(Request::Watch {});
    let first = tokio::spawn(async move {
        let answer = watch.next().await;
        (answer, watch)
    });
    let id = node.request().await.unwrap().id;
    let endless = async {
        for _ in 0..1000 {
            node.reply(id, Reply::Progress { done: 0, of: 0 }).await;
        }
        panic!("nobody reads, and still all was taken");
    };
    // All tasks of this test share one thread, so after enough turns whatever can move has moved.
    let quiet = async {
        for _ in 0..10_000 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = endless => {}
        () = quiet => {}
    }
    let (answer, mut watch) = first.await.unwrap();
    assert!(matches!(answer, Some(Ok(Reply::Progress { .. }))));
    assert!(matches!(
        watch.next().await,
        Some(Ok(Reply::Progress { .. }))
    ));
}

#[tokio::test]
async fn an_answer_to_a_dropped_stream_disturbs_nobody() {
    let (client, mut node) = pair(1 << 16);
    let mut watch = client.stream(Request::Watch {});
    let (answer, id) = tokio::join!(watch.next(), async {
        let id = node.request().await.unwrap().id;
        node.reply(id, Reply::Progress { done: 0, of: 1 }).await;
        id
    });
    assert!(matches!(answer, Some(Ok(_))));
    drop(watch);
    for _ in 0..200 {
        node.reply(id, Reply::Progress { done: 1, of: 1 }).await;
    }
    let pending = client.begin(Request::Status {}).await.unwrap();
    let line = node.request().await.unwrap();
    node.reply(line.id, ticket("fine")).await;
    assert_eq!(text_of(pending.answer().await.unwrap()), "fine");
}

#[tokio::test]
async fn an_event_written_over_several_lines_is_one_request_line() {
    let (client, mut node) = pair(1 << 16);
    let event =
        serde_json::value::RawValue::from_string("{\n \"a\":\r\n \"x\\ny\"\n}".to_owned()).unwrap();
    let _pending = client
        .begin(Request::Add {
            events: vec![event],
        })
        .await
        .unwrap();
    let Request::Add { events } = node.request().await.unwrap().request else {
        panic!("not an add")
    };
    let value: serde_json::Value = serde_json::from_str(events[0].get()).unwrap();
    assert_eq!(value, serde_json::json!({"a": "x\ny"}));
}

#[tokio::test]
async fn a_client_that_is_turned_away_hears_why() {
    let (client, mut node) = pair(1 << 16);
    let pending = client.begin(Request::Status {}).await.unwrap();
    node.say(r#"{"id":0,"error":{"code":"failed","message":"64 clients are connected"}}"#)
        .await;
    match pending.answer().await {
        Err(ClientError::Gone(error)) => assert_eq!(error.to_string(), "64 clients are connected"),
        other => panic!("{other:?}"),
    }
}
