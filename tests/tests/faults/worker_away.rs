//! The worker is away, or something else is where it should be: recommendations are not available, all else is.

use dev::{Options, Part};
use serde_json::json;
use tests::api::Api;
use tests::network::ranked;
use tests::patience::{eventually, holds};
use tests::running::{Own, options};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::alone;

async fn only_recommendations_are_unavailable(api: &Api) {
    let (a, b) = (api.person().await, api.person().await);
    let body = json!({"firstName": "Ada", "lastName": "L"});
    api.put_json(&format!("/user/v1/users/{}", a.id), &body).await.is(200);
    api.add_friend(a.id, b.id).await.is(201);
    assert_eq!(api.friend_ids(b.id).await, [a.id]);
    for query in ["", "limit=5", "after=user:0-0"] {
        api.recommendations(a.id, query).await.is(503);
        api.mutual_friends(a.id, b.id, query).await.is(503);
    }
    let health = api.get("/recommendation/actuator/health").await.is(503);
    assert_eq!((&health.json()["status"], health.header("retry-after")), (&json!("DOWN"), "1"));
    assert_eq!(health.json()["components"]["worker"]["status"], "DOWN");
    for path in ["/user/actuator/health", "/friend/actuator/health", "/events/v1/user", "/stats/v1"] {
        api.get(path).await.is(200);
    }
    api.remove_friend(b.id, a.id).await.is(204);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_worker_only_recommendations_are_unavailable() {
    let _alone = alone().await;
    let own = Own::start().await;
    let api = own.api();
    let (a, b, c) = (api.person().await.id, api.person().await.id, api.person().await.id);
    api.add_friend(a, b).await.is(201);
    let last = api.add_friend(b, c).await.is(201).header("last-event").to_owned();
    let after = format!("after={last}");
    assert_eq!(ranked(&api.recommendations(a, &after).await.is(200).list()), [(c, 1)]);
    for _ in 0..2 {
        own.kill(Part::Worker).await;
        only_recommendations_are_unavailable(&api).await;
        own.bring_back(Part::Worker).await;
        // The first one after it is back.
        assert_eq!(ranked(&api.recommendations(a, &after).await.is(200).list()), [(c, 1)]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hung_worker_is_given_up_in_time() {
    let _alone = alone().await;
    let own = Own::start().await;
    let api = own.api();
    own.signal(Part::Worker, rustix::process::Signal::STOP);
    only_recommendations_are_unavailable(&api).await;
    own.signal(Part::Worker, rustix::process::Signal::CONT);
    let person = api.person().await;
    eventually("the worker answers", async || {
        let answer = api.recommendations(person.id, "").await;
        holds(answer.status == 200, || answer.to_string())
    })
    .await;
}

/// Answers every connection with these bytes, and closes it.
async fn nonsense(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(bytes).await;
            });
        }
    });
    url
}

async fn with_worker_url(url: &str) -> (Own, Api) {
    let environment = vec![(Part::Runtime, "SPIN_VARIABLE_WORKER_URL".to_owned(), url.to_owned())];
    let own = Own::start_unhealthy(Options { environment, ..options() }).await;
    let api = own.api();
    eventually("the runtime", async || {
        let asked = api.try_send(api.request(reqwest::Method::GET, "/user/actuator/health")).await?;
        holds(asked.status == 200, || asked.to_string())
    })
    .await;
    (own, api)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_url_that_answers_nonsense_is_as_good_as_none() {
    let _alone = alone().await;
    let answers: [&[u8]; 9] = [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 500 Oops\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<h1>",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 3\r\n\r\n404",
        b"\x00\xff\x13garbage\r\n\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"",
    ];
    // One after the other behind one address: a system each would take much longer.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let current = std::sync::Arc::new(std::sync::Mutex::new(answers[0]));
    let shown = current.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let bytes = *shown.lock().unwrap();
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(bytes).await;
            });
        }
    });
    let (_own, api) = with_worker_url(&url).await;
    let (a, b) = (api.person().await.id, api.person().await.id);
    for answer in answers {
        *current.lock().unwrap() = answer;
        let shown = String::from_utf8_lossy(answer);
        for asked in [api.recommendations(a, "").await, api.mutual_friends(a, b, "").await] {
            assert_eq!((asked.status, asked.header("retry-after")), (503, "1"), "{shown}: {asked}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_of_the_worker_s_that_breaks_off_is_no_answer() {
    let _alone = alone().await;
    let cut = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLast-Event: user:0-0,friend:0-0\r\nContent-Length: 500\r\n\r\n[{";
    let (_own, api) = with_worker_url(&nonsense(cut).await).await;
    let a = api.person().await.id;
    let path = format!("/recommendation/v1/users/{a}/commands/recommendFriends");
    // Its head may have gone out already: then the connection is cut, and the client sees that there is less.
    match api.open(api.request(reqwest::Method::GET, &path)).await {
        answer if answer.status() == 200 => assert!(answer.bytes().await.is_err(), "it looks whole"),
        answer => assert!([502, 503].contains(&answer.status().as_u16()), "{answer:?}"),
    }
    api.person().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_url_that_never_answers_is_given_up_in_time() {
    let _alone = alone().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (_own, api) = with_worker_url(&format!("http://{}", listener.local_addr().unwrap())).await;
    only_recommendations_are_unavailable(&api).await;
}
