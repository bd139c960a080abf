//! Redis is away: 503 in under 2 s on every route that rests on it; and the first request after it is back succeeds.

use dev::Part;
use futures_util::future::join_all;
use reqwest::{Method, RequestBuilder};
use rustix::process::Signal;
use serde_json::json;
use tests::answer::Answer;
use tests::api::Api;
use tests::random::word;
use tests::running::Own;
use tests::{fold, patience};

use crate::alone;

/// Of each route that needs Redis one request, and what it gets when all is well.
fn requests(api: &Api, a: u64, b: u64) -> Vec<(RequestBuilder, u16)> {
    let get = |path: String| api.request(Method::GET, &path);
    let body = json!({"firstName": word(), "lastName": word()});
    vec![
        (api.creation(&word(), &word()), 201),
        (get(format!("/user/v1/users/{a}")), 200),
        (api.with_json(Method::PUT, &format!("/user/v1/users/{a}"), &body), 200),
        (get(format!("/user/v1/users/{a}/activity")), 200),
        (get("/user/v1/directory".into()), 200),
        (api.addition(a, b), 201),
        (api.removal(a, b), 204),
        (get(format!("/friend/v1/users/{a}/friends")), 200),
        (get("/friend/v1/friends/9999".into()), 404),
        (get("/events/v1/user".into()), 200),
        (get("/events/v1/friend".into()), 200),
        (get("/stats/v1".into()), 200),
        (get("/user/actuator/health".into()), 200),
        (get("/friend/actuator/health".into()), 200),
    ]
}

/// One after the other, in the order above: removing needs what adding made.
async fn in_turn(api: &Api, requests: Vec<(RequestBuilder, u16)>) -> Vec<(Answer, u16)> {
    let mut answers = Vec::new();
    for (request, expected) in requests {
        answers.push((api.send(request).await, expected));
    }
    answers
}

#[track_caller]
fn all_unavailable(answers: &[Answer]) {
    for answer in answers {
        // That it came in time is checked where it was asked for.
        assert_eq!((answer.status, answer.header("retry-after")), (503, "1"), "{answer}");
    }
}

/// The system, a client, two people who are known everywhere, and every route in use already.
async fn in_use() -> (Own, Api, u64, u64) {
    let own = Own::start().await;
    let api = own.api();
    let (a, b) = (api.person().await.id, api.person().await.id);
    api.add_friend(a, b).await.is(201);
    api.remove_friend(a, b).await.is(204);
    patience::eventually("the timeline", async || {
        let answer = api.get(&format!("/user/v1/users/{a}/activity")).await;
        patience::holds(answer.status == 200, || answer.to_string())
    })
    .await;
    for (answer, expected) in in_turn(&api, requests(&api, a, b)).await {
        answer.is(expected);
    }
    (own, api, a, b)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_dead_all_is_503_and_the_first_request_after_it_succeeds() {
    let _alone = alone().await;
    let (own, api, a, b) = in_use().await;
    for round in 0..3 {
        own.kill(Part::Redis).await;
        for _ in 0..2 {
            let all = requests(&api, a, b).into_iter().map(|(request, _)| api.send(request));
            all_unavailable(&join_all(all).await);
        }
        let health = api.get("/user/actuator/health").await.is(503).json();
        assert_eq!((&health["status"], &health["components"]["redis"]["status"]), (&json!("DOWN"), &json!("DOWN")));
        // The graph is in the worker's memory.
        api.recommendations(a, "").await.is(200);
        own.launch(Part::Redis).await.unwrap();
        for (answer, expected) in in_turn(&api, requests(&api, a, b)).await {
            assert_eq!(answer.status, expected, "round {round}: {answer}");
        }
    }
    fold::check(&mut own.store().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_hangs_all_is_503_and_the_first_request_after_it_succeeds() {
    let _alone = alone().await;
    let (own, api, a, b) = in_use().await;
    own.signal(Part::Redis, Signal::STOP);
    // Nothing that could be done later: what a hung server has read it does when it wakes up.
    let reads = requests(&api, a, b).into_iter().filter(|(request, _)| {
        let request = request.try_clone().unwrap().build().unwrap();
        request.method() == Method::GET
    });
    let answers = join_all(reads.map(|(request, _)| api.send(request))).await;
    all_unavailable(&answers);
    for service in ["user", "friend"] {
        let health = api.get(&format!("/{service}/actuator/health")).await.is(503).json();
        assert_eq!((&health["status"], &health["components"]["redis"]["status"]), (&json!("DOWN"), &json!("DOWN")));
    }
    let key = word();
    let creation = || api.creation("Ada", &key).header("idempotency-key", &key);
    all_unavailable(&[api.send(creation()).await]);
    own.signal(Part::Redis, Signal::CONT);
    api.send(creation()).await.is(201);
    for (answer, expected) in in_turn(&api, requests(&api, a, b)).await {
        answer.is(expected);
    }
    let mut store = own.store().await;
    fold::check(&mut store).await;
    let made = tests::log::all(&mut store, domain::event::Stream::User).await;
    assert_eq!(made.iter().filter(|event| event.data()["lastName"] == key.as_str()).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_redis_was_told_before_it_died_is_recommended_when_it_is_back() {
    let _alone = alone().await;
    let (own, api, a, b) = in_use().await;
    let c = api.person().await.id;
    api.add_friend(a, b).await.is(201);
    own.kill(Part::Redis).await;
    own.launch(Part::Redis).await.unwrap();
    let last = api.add_friend(b, c).await.is(201).header("last-event").to_owned();
    let list = patience::eventually("the worker reads on", async || {
        let answer = api.recommendations(a, &format!("after={last}")).await;
        patience::holds(answer.status == 200, || answer.to_string())?;
        Ok(answer.list())
    })
    .await;
    assert_eq!(tests::network::ranked(&list), [(c, 1)]);
}
