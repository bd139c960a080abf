//! The service map while parts are away: it is answered in time, with status 200, and says what is down.

use std::time::{Duration, Instant};

use dev::options::Servers;
use dev::redis_url::RedisUrl;
use dev::{Options, Part};
use rustix::process::Signal;
use serde_json::{Value, json};
use tests::api::Api;
use tests::patience::{eventually, holds};
use tests::running::{Own, options};
use tests::second_redis::SecondRedis;
use tests::store::{Store, ask};

use crate::alone;

/// What is promised.
const AT_MOST: Duration = Duration::from_secs(2);

async fn map(api: &Api) -> Value {
    let start = Instant::now();
    let map = api.get("/services").await.is(200).json();
    assert!(start.elapsed() < AT_MOST, "{:?}: {map}", start.elapsed());
    map
}

fn component<'a>(map: &'a Value, id: &str) -> &'a Value {
    map["components"].as_array().into_iter().flatten().find(|component| component["id"] == id).expect("a component")
}

/// The status of each context's Redis.
fn redis(map: &Value) -> Vec<(&str, &str)> {
    let all = map["redis"].as_array().into_iter().flatten();
    all.map(|redis| (redis["context"].as_str().unwrap(), redis["status"].as_str().unwrap())).collect()
}

async fn becomes_up(api: &Api) {
    eventually("all up", async || {
        let map = map(api).await;
        holds(map["status"] == "UP", || map.to_string())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_away_or_hangs_is_shown_as_down() {
    let _alone = alone().await;
    let own = Own::start().await;
    let api = own.api();
    becomes_up(&api).await;
    for hangs in [false, true] {
        match hangs {
            false => drop(own.kill(Part::Worker).await),
            true => own.signal(Part::Worker, Signal::STOP),
        }
        let map = map(&api).await;
        assert_eq!((&map["status"], &map["workers"][0]["status"]), (&json!("DEGRADED"), &json!("DOWN")), "{map}");
        assert!(map["workers"][0]["detail"].is_string() && map["workers"][0].get("user").is_none(), "{map}");
        for (id, status) in [
            ("recommendation", "DOWN"),
            ("health", "DEGRADED"),
            ("services", "DEGRADED"),
            ("user", "UP"),
            ("not-found", "UP"),
        ] {
            assert_eq!(component(&map, id)["status"], status, "{id}: {map}");
        }
        match hangs {
            false => own.bring_back(Part::Worker).await,
            true => own.signal(Part::Worker, Signal::CONT),
        }
        becomes_up(&api).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_away_or_hangs_is_shown_as_down() {
    let _alone = alone().await;
    let own = Own::start().await;
    let api = own.api();
    becomes_up(&api).await;
    for hangs in [false, true] {
        match hangs {
            false => drop(own.kill(Part::Redis).await),
            true => own.signal(Part::Redis, Signal::STOP),
        }
        let map = map(&api).await;
        assert_eq!(redis(&map), [("user", "DOWN"), ("friend", "DOWN"), ("view", "DOWN")], "{map}");
        assert_eq!(component(&map, "create-user")["status"], "DOWN");
        match hangs {
            false => own.launch(Part::Redis).await.unwrap(),
            true => own.signal(Part::Redis, Signal::CONT),
        }
        // The first answer after it is back.
        let map = self::map(&api).await;
        assert_eq!(redis(&map), [("user", "UP"), ("friend", "UP"), ("view", "UP")], "{map}");
    }
    // All at once.
    own.kill(Part::Redis).await;
    own.kill(Part::Worker).await;
    assert_eq!(map(&api).await["status"], "DEGRADED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_context_has_its_own_state_and_no_password_is_shown() {
    let _alone = alone().await;
    let mut second = SecondRedis::start().await;
    let mut direct = tests::store::connect(&second.url.url()).await;
    let _: () = ask(&mut direct, "CONFIG SET requirepass hunter2").await;
    let url = RedisUrl::parse(&format!("redis://:hunter2@{}", second.url.address())).unwrap();
    let servers = Servers { user: Some(url), ..Servers::default() };
    let own = Own::start_with(Options { servers, ..options() }).await;
    let api = own.api();
    api.person().await;
    let seen = map(&api).await;
    assert_eq!((&seen["status"], seen["redis"][0]["events"].as_i64()), (&json!("UP"), Some(1)), "{seen}");
    assert_eq!(seen["redis"][0]["address"], format!("redis://{}", second.url.address()));
    let page = api.send(api.request(reqwest::Method::GET, "/services").header("accept", "text/html")).await;
    assert!(!seen.to_string().contains("hunter2") && !String::from_utf8_lossy(&page.body).contains("hunter2"));
    second.kill().await;
    let seen = map(&api).await;
    assert_eq!(redis(&seen), [("user", "DOWN"), ("friend", "UP"), ("view", "UP")], "{seen}");
    for (id, status) in [
        ("create-user", "DOWN"),
        ("events", "DEGRADED"),
        ("friends", "DEGRADED"),
        ("remove-friend", "UP"),
        ("stats", "UP"),
    ] {
        assert_eq!(component(&seen, id)["status"], status, "{id}: {seen}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_takes_no_writes_is_shown_as_down() {
    let _alone = alone().await;
    let own = Own::start().await;
    let api = own.api();
    let mut redis = Store::of(&own).await.user;
    let _: () = ask(&mut redis, "REPLICAOF 127.0.0.1 1").await;
    let seen = map(&api).await;
    let user = &seen["redis"][0];
    assert_eq!((&user["status"], &user["role"]), (&json!("DOWN"), &json!("replica")), "{user}");
    assert_eq!(user["detail"], "is a replica, and takes no writes");
    let _: () = ask(&mut redis, "REPLICAOF NO ONE").await;
    becomes_up(&api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_worker_is_shown_as_down() {
    let _alone = alone().await;
    let first = Own::start().await;
    // An HTTP server, but no worker: the other system's API.
    let environment = vec![(Part::Runtime, "SPIN_VARIABLE_WORKER_URL".to_owned(), first.url())];
    let own = Own::start_unhealthy(Options { environment, ..options() }).await;
    let api = own.api();
    eventually("what it answers", async || {
        let answer = api.try_send(api.request(reqwest::Method::GET, "/services")).await?;
        let worker = answer.json()["workers"][0].clone();
        let detail = worker["detail"].as_str().unwrap_or_default().to_owned();
        holds(worker["status"] == "DOWN" && detail == "answers 404, but not as a worker", || worker.to_string())
    })
    .await;
}
