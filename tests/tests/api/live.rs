//! The live tail: server-sent events.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::Value;
use tests::api::Api;
use tests::running::shared_api;
use tokio::time::timeout;

/// The tail asks every 200 ms; the rest is for busy machines.
const SEEN: Duration = Duration::from_secs(10);

/// One event as it came.
#[derive(Debug, PartialEq)]
struct Sent {
    id: String,
    event: String,
    data: Value,
}

struct Tail {
    response: Response,
    text: String,
}

impl Tail {
    async fn open(api: &Api, stream: &str, last_event_id: Option<&str>, query: &str) -> Self {
        let mut request = api.request(Method::GET, &format!("/events/v1/{stream}/live{query}"));
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let response = api.open(request.timeout(Duration::from_secs(120))).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let mut tail = Self { response, text: String::new() };
        // A comment comes at once: from here on nothing is missed.
        assert!(tail.block().await.starts_with(':'));
        tail
    }

    /// Up to the next empty line.
    async fn block(&mut self) -> String {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return block;
            }
            let piece = timeout(SEEN, self.response.chunk()).await.expect("an event within its time");
            let piece = piece.expect("the stream goes on").expect("the stream has no end");
            self.text.push_str(std::str::from_utf8(&piece).expect("UTF-8"));
        }
    }

    async fn next(&mut self) -> Sent {
        loop {
            let block = self.block().await;
            if block.starts_with(':') {
                continue;
            }
            let field = |name: &str| {
                let line = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                line.unwrap_or_else(|| panic!("no {name} in {block:?}")).to_owned()
            };
            let data = serde_json::from_str(&field("data")).expect("JSON");
            return Sent { id: field("id"), event: field("event"), data };
        }
    }

    /// The next one about this subject: other tests make events as well.
    async fn about(&mut self, subject: &str) -> Sent {
        loop {
            let sent = self.next().await;
            if sent.data["subject"] == subject {
                return sent;
            }
        }
    }
}

#[tokio::test]
async fn what_happens_is_seen_as_it_happens() {
    let api = shared_api();
    let mut tail = Tail::open(&api, "user", None, "").await;
    let person = api.person().await;
    let sent = tail.about(&format!("user/{}", person.id)).await;
    assert_eq!(sent.event, "USER_CREATED");
    assert_eq!(format!("user:{}", sent.id), person.answer.header("last-event"));
    assert_eq!((&sent.data["data"], &sent.data["position"]), (&person.answer.json(), &sent.id.as_str().into()));
}

#[tokio::test]
async fn a_client_that_comes_back_gets_exactly_what_it_missed() {
    let api = shared_api();
    let mut tail = Tail::open(&api, "user", None, "").await;
    let first = api.person().await;
    let seen = tail.about(&format!("user/{}", first.id)).await;
    drop(tail);
    let missed = api.people(3).await;
    for (header, query) in [(Some(seen.id.as_str()), ""), (None, &*format!("?after={}", seen.id))] {
        let mut tail = Tail::open(&api, "user", header, query).await;
        let mut at = seen.id.clone();
        for person in &missed {
            let sent = tail.about(&format!("user/{}", person.id)).await;
            assert_eq!(sent.data["data"], person.answer.json());
            let order = |id: &str| id.parse::<domain::StreamPosition>().unwrap();
            assert!(order(&sent.id) > order(&at));
            at = sent.id;
        }
    }
    // The header is the browser's, and newer than the address that it keeps.
    let last = missed[1].answer.header("last-event");
    let mut tail = Tail::open(&api, "user", Some(last), &format!("?after={}", seen.id)).await;
    let next = tail.next().await;
    let order = |id: &str| id.parse::<domain::StreamPosition>().unwrap();
    assert!(order(&next.id) > order(&last["user:".len()..]), "{next:?}");
}

#[tokio::test]
async fn the_tail_of_friendships_shows_those() {
    let api = shared_api();
    let (a, b) = (api.person().await.id, api.person().await.id);
    let mut tail = Tail::open(&api, "friend", None, "").await;
    let added = api.add_friend(a, b).await.is(201).json();
    let sent = tail.about(&format!("friendship/{a}-{b}")).await;
    assert_eq!((sent.event.as_str(), &sent.data["data"]), ("FRIEND_ADDED", &added));
    api.remove_friend(a, b).await.is(204);
    assert_eq!(tail.about(&format!("friendship/{a}-{b}")).await.event, "FRIEND_REMOVED");
}

#[tokio::test]
async fn many_may_watch_and_go_and_commands_go_on() {
    let api = shared_api();
    let mut tails = Vec::new();
    for _ in 0..40 {
        tails.push(Tail::open(&api, "user", None, "").await);
    }
    let person = api.person().await;
    for tail in &mut tails {
        tail.about(&format!("user/{}", person.id)).await;
    }
    drop(tails);
    api.person().await;
}

#[tokio::test]
async fn a_bad_last_event_id_is_refused() {
    let api = shared_api();
    for bad in ["x", "1", "friend:1-0", "-"] {
        let request = api.request(Method::GET, "/events/v1/user/live").header("last-event-id", bad);
        api.send(request).await.refuses(400, &["Last-Event-ID"]);
    }
}
