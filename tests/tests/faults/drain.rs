//! SIGTERM: what was accepted is answered, then the part ends, with exit code 0.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use dev::Part;
use domain::event::Stream;
use futures_util::future::join_all;
use rustix::process::Signal;
use serde_json::json;
use tests::answer::Answer;
use tests::patience::{eventually, holds};
use tests::running::Own;
use tests::store::ask;
use tests::wire::Wire;
use tests::{fold, log, views, writers};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::alone;

/// Clients that send one request after the other, each on a connection of its own.
const CLIENTS: usize = 24;
/// Of a part that nobody keeps.
const ENDS_WITHIN: Duration = Duration::from_secs(8);
/// Requests under way have 10 s.
const LIMIT: Duration = Duration::from_secs(10);
/// More than the handlers read before they are seen at work.
const BACKLOG: u64 = 10_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runtime_that_is_told_to_end_does_so_and_loses_nothing() {
    let _alone = alone().await;
    let own = Own::start().await;
    let writers = writers::Writers::start(&own.url(), 8);
    // A stream that has no end of its own must not hold it up.
    let api = own.api();
    let tail = api.open(api.request(reqwest::Method::GET, "/events/v1/user/live")).await;
    for _ in 0..2 {
        sleep(Duration::from_millis(700)).await;
        let ended = timeout(ENDS_WITHIN, own.stop(Part::Runtime)).await.expect("it drains and ends");
        assert_eq!(ended.and_then(|ended| ended.code()), Some(0));
        own.bring_back(Part::Runtime).await;
    }
    drop(tail);
    let acknowledged = writers.finish().await;
    let mut store = own.store().await;
    fold::check(&mut store).await;
    writers::check(&mut store, &acknowledged).await;
}

/// What a client sends: the request's line and its body.
type Request = (String, String);

fn creation(number: usize) -> Request {
    let body = json!({"firstName": "Ada", "lastName": format!("Number {number}")});
    ("POST /user/v1/users".to_owned(), body.to_string())
}

fn head(body: &str) -> String {
    format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len())
}

async fn send(wire: &mut Wire, (line, body): &Request) {
    wire.head(line, &head(body)).await;
    wire.bytes(body.as_bytes()).await;
}

/// Goes on until an answer says that it is the last on its connection. All are answered.
async fn client(port: u16, request: fn(usize) -> Request, answered: Arc<AtomicUsize>) -> Vec<Answer> {
    let (mut wire, mut answers) = (Wire::connect(port).await, Vec::new());
    loop {
        let (line, body) = request(answers.len());
        send(&mut wire, &(line.clone(), body)).await;
        let answer = wire.answer().await.unwrap_or_else(|| panic!("{line}: accepted, and never answered"));
        answered.fetch_add(1, Ordering::Relaxed);
        let last = is_last(&answer);
        answers.push(answer);
        if last {
            return answers;
        }
    }
}

fn is_last(answer: &Answer) -> bool {
    answer.optional("connection") == Some("close")
}

/// Puts a part under load, tells it to end, and sees it do so. Gives what the clients were answered.
async fn end_under_load(own: &Own, part: Part, port: u16, request: fn(usize) -> Request) -> Vec<Answer> {
    let answered = Arc::<AtomicUsize>::default();
    let clients: Vec<_> = (0..CLIENTS).map(|_| tokio::spawn(client(port, request, Arc::clone(&answered)))).collect();
    eventually("there is load", async || {
        let answered = answered.load(Ordering::Relaxed);
        holds(answered > 10 * CLIENTS, || format!("{answered} answers"))
    })
    .await;
    // While it is stopped, requests and connections pile up that it has not seen yet.
    own.signal(part, Signal::STOP);
    let mut unseen = Vec::new();
    for number in 0..CLIENTS {
        let mut wire = Wire::connect(port).await;
        // Two without waiting: when the first answer is the last on the connection, the second request was not accepted.
        send(&mut wire, &request(number)).await;
        send(&mut wire, &request(number)).await;
        unseen.push(wire);
    }
    own.signal(part, Signal::TERM);
    own.signal(part, Signal::CONT);
    ends(own, part).await;
    let mut answers = Vec::new();
    for mut wire in unseen {
        let answer = wire.answer().await.expect("it was accepted before the end");
        if !is_last(&answer) {
            answers.push(wire.answer().await.expect("it was accepted, too"));
        }
        answers.push(answer);
    }
    for client in join_all(clients).await {
        answers.extend(client.expect("all are answered, and told when to go"));
    }
    answers
}

async fn ends(own: &Own, part: Part) {
    let ended = timeout(ENDS_WITHIN, own.ended(part)).await.expect("it ends");
    assert_eq!(ended.and_then(|ended| ended.code()), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_the_runtime_answers_all_that_it_accepted() {
    let _alone = alone().await;
    let own = Own::start().await;
    let mut commands = 0;
    for _ in 0..3 {
        let answers = end_under_load(&own, Part::Runtime, own.addresses().port, creation).await;
        let mut store = own.store().await;
        commands += answers.len();
        assert_eq!(log::length(&mut store, Stream::User).await, commands);
        for answer in answers {
            let answer = answer.is(201);
            let entry = log::named(&mut store, answer.header("last-event")).await.expect("what was answered is there");
            assert_eq!(entry.data(), answer.json());
        }
        own.bring_back(Part::Runtime).await;
    }
    fold::check(&mut own.store().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_the_worker_answers_all_that_it_accepted_and_goes_on_from_its_snapshot() {
    let _alone = alone().await;
    let own = Own::start().await;
    let port = own.worker_url().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let query = |_| ("GET /v1/users/1/recommendations".to_owned(), String::new());
    for friend in 2..5 {
        let api = own.api();
        api.people(2).await;
        let last = api.add_friend(1, friend).await.is(201).header("last-event").to_owned();
        api.recommendations(1, &format!("after={last}")).await.is(200);
        for answer in end_under_load(&own, Part::Worker, port, query).await {
            assert_eq!(answer.is(200).header("last-event").split(',').count(), 2);
        }
        let said = own.log(Part::Worker);
        let after = said.rsplit_once("stopping").expect("it says so").1.to_owned();
        assert!(after.contains("snapshot written"), "{said}");
        own.bring_back(Part::Worker).await;
        assert!(own.log(Part::Worker)[said.len()..].contains("snapshot loaded"), "{}", own.log(Part::Worker));
    }
}

/// One that is seen to stop, and has not ended.
async fn told_to_stop(own: &Own) {
    let before = own.log(Part::Runtime).len();
    own.signal(Part::Runtime, Signal::TERM);
    eventually("it stops", async || {
        let said = own.log(Part::Runtime);
        holds(said[before..].contains("stopping"), || said)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_half_sent_may_be_ended_and_who_is_idle_goes() {
    let _alone = alone().await;
    let own = Own::start().await;
    let (port, metrics) = (own.addresses().port, own.metrics_url().expect("it has metrics"));
    let request = creation(1);
    let (line, (body, later)) = ("POST /user/v1/us", request.1.split_at(10));
    let mut half = Vec::new();
    for is_first in [true, false] {
        for sent in [line, body] {
            let mut wire = Wire::connect(port).await;
            if !is_first {
                send(&mut wire, &request).await;
                assert!(!is_last(&wire.answer().await.expect("it runs")));
            }
            if sent == body {
                wire.head(&request.0, &head(&request.1)).await;
            }
            wire.bytes(sent.as_bytes()).await;
            half.push((wire, sent));
        }
    }
    let (mut new, mut used) = (Wire::connect(port).await, Wire::connect(port).await);
    send(&mut used, &request).await;
    assert!(used.answer().await.is_some());
    told_to_stop(&own).await;
    for idle in [&mut new, &mut used] {
        assert!(idle.answer().await.is_none());
    }
    for (wire, _) in half.iter_mut().filter(|(_, sent)| *sent == body) {
        wire.bytes(later.as_bytes()).await;
    }
    eventually("nobody else is let in", async || {
        holds(TcpStream::connect(("127.0.0.1", port)).await.is_err(), || "it still listens".to_owned())
    })
    .await;
    assert_eq!(reqwest::get(&metrics).await.expect("it counts to the end").status(), 200);
    for (wire, _) in half.iter_mut().filter(|(_, sent)| *sent == line) {
        let rest = format!("ers HTTP/1.1\r\nHost: a\r\n{}\r\n{}", head(&request.1), request.1);
        wire.bytes(rest.as_bytes()).await;
    }
    ends(&own, Part::Runtime).await;
    assert!(reqwest::get(&metrics).await.is_err());
    // An answer that is read late is there all the same.
    for (mut wire, sent) in half {
        let answer = wire.answer().await.unwrap_or_else(|| panic!("not answered: {sent}"));
        // A body has 1.8 s: a busy machine may need longer.
        assert!(answer.status == 201 || sent == body && answer.status == 503, "{answer}");
        assert!(is_last(&answer), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_never_ends_has_its_time_and_a_second_signal_ends_it_at_once() {
    let _alone = alone().await;
    let own = Own::start().await;
    for again in [false, true] {
        let mut wire = Wire::connect(own.addresses().port).await;
        wire.bytes(b"POST /user/v1/us").await;
        let start = Instant::now();
        told_to_stop(&own).await;
        if again {
            own.signal(Part::Runtime, Signal::TERM);
        }
        let ended = own.ended(Part::Runtime).await;
        assert_eq!(ended.and_then(|ended| ended.code()), Some(0));
        assert_eq!(start.elapsed() < LIMIT, again, "{:?}", start.elapsed());
        assert!(start.elapsed() < LIMIT + Duration::from_secs(3), "{:?}", start.elapsed());
        own.bring_back(Part::Runtime).await;
    }
    let said = own.log(Part::Runtime);
    assert!(said.contains("did not end in time") && said.contains("once more"), "{said}");
    assert_eq!(log::length(&mut own.store().await, Stream::User).await, 0);
}

/// Nobody rings a second time: what the handlers have not applied at the end stays undone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handlers_that_were_rung_apply_what_they_found() {
    let _alone = alone().await;
    let own = Own::start().await;
    own.stop(Part::Worker).await;
    let mut store = own.store().await;
    let events: Vec<_> = (1..=BACKLOG).map(log::created).collect();
    let positions = log::append_all(&mut store.user, Stream::User, &events).await;
    let _: u32 = ask(&mut store.user, "PUBLISH events:user ring").await;
    let end = positions.last().cloned();
    eventually("a handler is at work", async || {
        let at: Option<String> = ask(&mut store.view, "HGET projection:stats:1:checkpoint user").await;
        holds(at.is_some(), || "no checkpoint".to_owned())
    })
    .await;
    own.signal(Part::Runtime, Signal::TERM);
    let at: Option<String> = ask(&mut store.view, "HGET projection:stats:1:checkpoint user").await;
    assert_ne!(at, end, "it was told too late");
    ends(&own, Part::Runtime).await;
    views::all_right(&mut store).await;
}
