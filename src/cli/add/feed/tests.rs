use std::io;

use serde_json::value::RawValue;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};

use super::*;
use crate::control::{ReplyLine, RequestLine};

fn item(number: u64) -> Item {
    Item {
        number,
        event: Ok(RawValue::from_string(format!("{{\"n\":{number}}}")).unwrap()),
    }
}

fn bad(number: u64) -> Item {
    Item {
        number,
        event: Err("bad".to_owned()),
    }
}

fn work(batches: Vec<Batch>, strict: bool) -> Work {
    let (sender, input) = mpsc::channel(batches.len() + 1);
    for batch in batches {
        sender.try_send(Ok(batch)).unwrap();
    }
    Work {
        input,
        waiting: VecDeque::new(),
        ended: false,
        strict,
        printer: Printer::silent(),
        added: 0,
        bad: 0,
    }
}

/// A node that adds everything, but refuses events with `refuse` in them, and stops after so many requests.
async fn node(pipe: DuplexStream, stop_after: usize) -> Vec<String> {
    let (reader, mut writer) = tokio::io::split(pipe);
    let mut lines = BufReader::new(reader).lines();
    let (mut added, mut requests) = (Vec::new(), 0);
    while let Ok(Some(line)) = lines.next_line().await {
        let RequestLine { id, request } = serde_json::from_str(&line).unwrap();
        let Request::Add { events } = request else {
            panic!("not an add")
        };
        requests += 1;
        let reply = if requests > stop_after {
            let failure = Failure {
                code: FailureCode::Stopping,
                message: "stopping".to_owned(),
            };
            ReplyLine {
                id,
                reply: None,
                error: Some(failure),
            }
        } else {
            let mut outcome = |event: &RawValue| match event.get() {
                json if json.contains("refuse") => AddOutcome::Refused("no".to_owned()),
                json => {
                    added.push(json.to_owned());
                    AddOutcome::Added {
                        uuid: String::new(),
                        json: String::new(),
                    }
                }
            };
            ReplyLine {
                id,
                reply: Some(Reply::Added(
                    events.iter().map(|event| outcome(event)).collect(),
                )),
                error: None,
            }
        };
        let line = serde_json::to_string(&reply).unwrap();
        writer
            .write_all(format!("{line}\n").as_bytes())
            .await
            .unwrap();
    }
    added
}

/// One turn with a running node; returns what the node added.
async fn turn(work: &mut Work, stop_after: usize) -> anyhow::Result<Vec<String>> {
    let (here, there) = tokio::io::duplex(1 << 16);
    let server = tokio::spawn(node(there, stop_after));
    let client = Client::new(here);
    work.turn(&client, None).await?;
    drop(client);
    Ok(server.await?)
}

fn expected(numbers: impl Iterator<Item = u64>) -> Vec<String> {
    numbers
        .map(|number| format!("{{\"n\":{number}}}"))
        .collect()
}

#[tokio::test]
async fn many_batches_are_added_in_order() {
    let batches = (0..100)
        .map(|batch| (1..=10).map(|n| item(batch * 10 + n)).collect())
        .collect();
    let mut work = work(batches, false);
    assert_eq!(
        turn(&mut work, usize::MAX).await.unwrap(),
        expected(1..=1000)
    );
    assert_eq!((work.added, work.bad, work.ended), (1000, 0, true));
    assert!(!work.has_more().await.unwrap());
}

#[tokio::test]
async fn bad_lines_are_counted_and_the_others_added() {
    let mut refused = item(4);
    refused.event = Ok(RawValue::from_string("{\"n\":\"refuse\"}".to_owned()).unwrap());
    let mut work = work(
        vec![vec![item(1), bad(2)], vec![bad(3)], vec![refused, item(5)]],
        false,
    );
    assert_eq!(
        turn(&mut work, usize::MAX).await.unwrap(),
        expected([1, 5].into_iter())
    );
    assert_eq!((work.added, work.bad), (2, 3));
}

#[tokio::test]
async fn strictly_nothing_is_added_from_the_first_bad_line_on() {
    let mut work = work(
        vec![vec![item(1)], vec![item(2), bad(3), item(4)], vec![item(5)]],
        true,
    );
    assert_eq!(
        turn(&mut work, usize::MAX).await.unwrap(),
        expected([1, 2].into_iter())
    );
    assert_eq!((work.added, work.bad), (2, 1));
    assert!(!work.has_more().await.unwrap());
}

#[tokio::test]
async fn strictly_nothing_is_added_after_what_the_node_refused() {
    let mut refused = item(2);
    refused.event = Ok(RawValue::from_string("{\"n\":\"refuse\"}".to_owned()).unwrap());
    let mut work = work(
        vec![vec![item(1)], vec![refused], vec![item(3)], vec![item(4)]],
        true,
    );
    assert_eq!(
        turn(&mut work, usize::MAX).await.unwrap(),
        expected([1].into_iter())
    );
    assert_eq!((work.added, work.bad), (1, 1));
    assert!(!work.has_more().await.unwrap());
}

#[tokio::test]
async fn what_a_stopping_node_refused_goes_to_the_next_one_in_order() {
    let mut work = work((1..=20).map(|n| vec![item(n)]).collect(), false);
    let mut added = turn(&mut work, 5).await.unwrap();
    assert_eq!(added, expected(1..=5));
    assert!(work.has_more().await.unwrap());
    added.extend(turn(&mut work, usize::MAX).await.unwrap());
    assert_eq!(added, expected(1..=20));
    assert_eq!(work.added, 20);
}

#[tokio::test]
async fn a_node_that_is_gone_is_an_error_that_tells_the_lines() {
    let mut work = work(vec![vec![item(1)], vec![item(2), item(3)]], false);
    let (here, there) = tokio::io::duplex(1 << 16);
    drop(there);
    let error = work.turn(&Client::new(here), None).await.unwrap_err();
    assert!(
        format!("{error:#}").contains("lines 1 and after were not acknowledged"),
        "{error:#}"
    );
}

#[tokio::test]
async fn a_store_that_was_opened_for_it_is_let_go_in_time() {
    let (sender, input) = mpsc::channel::<io::Result<Batch>>(1);
    let mut work = work(Vec::new(), false);
    work.input = input;
    let (here, there) = tokio::io::duplex(1 << 16);
    let server = tokio::spawn(node(there, usize::MAX));
    let client = Client::new(here);
    sender.send(Ok(vec![item(1)])).await.unwrap();
    // No further line comes, though the input is not at its end: the turn ends by itself, long before its time.
    work.turn(&client, Some(Instant::now() + Duration::from_secs(3600)))
        .await
        .unwrap();
    assert_eq!((work.added, work.ended), (1, false));
    // After its time nothing more is taken, though there is something.
    sender.send(Ok(vec![item(2)])).await.unwrap();
    work.turn(&client, Some(Instant::now())).await.unwrap();
    assert_eq!(work.added, 1);
    drop(client);
    assert_eq!(server.await.unwrap(), expected([1].into_iter()));
}
