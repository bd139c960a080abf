//! `allowed_outbound_hosts`: a component that may not reach what it needs answers 503, and the log says why.

use dev::{Options, Part};
use domain::event::Stream;
use reqwest::{Method, RequestBuilder};
use tests::api::Api;
use tests::manifest::{self, Copy};
use tests::patience::{eventually, holds};
use tests::running::{Own, options};
use tests::{log, store};

const REASON: &str = "allowed_outbound_hosts";

/// The system with another spin.toml. It may not become healthy.
async fn with_manifest(text: &str) -> (Own, Api, Copy) {
    let copy = Copy::of(text);
    let own = Own::start_unhealthy(Options { manifest: copy.path.clone(), ..options() }).await;
    let api = own.api();
    eventually("the runtime", async || api.try_send(api.request(Method::GET, "/nowhere")).await.map(drop)).await;
    (own, api, copy)
}

/// Its log says that this component was refused something, and why.
async fn refusal_is_logged(own: &Own, component: &str) {
    eventually(&format!("the refusal of {component}"), async || {
        let log = own.log(Part::Runtime);
        let said = log.lines().any(|line| line.contains(component) && line.contains(REASON));
        holds(said, || log.lines().rev().take(20).collect::<Vec<_>>().join("\n"))
    })
    .await;
}

/// For each component with a route what makes it reach out.
fn requests(api: &Api) -> Vec<(&'static str, RequestBuilder)> {
    let get = |path: &str| api.request(Method::GET, path);
    vec![
        ("create-user", api.creation("A", "B")),
        ("user", get("/user/v1/users/1")),
        ("add-friend", api.addition(1, 2)),
        ("remove-friend", api.removal(1, 2)),
        ("friends", get("/friend/v1/users/1/friends")),
        ("recommendation", get("/recommendation/v1/users/1/commands/recommendFriends")),
        ("directory", get("/user/v1/directory")),
        ("activity", get("/user/v1/users/1/activity")),
        ("stats", get("/stats/v1")),
        ("events", get("/events/v1/user")),
        ("health", get("/user/actuator/health")),
        ("health", get("/friend/actuator/health")),
        ("health", get("/recommendation/actuator/health")),
    ]
}

/// Shows what it may not reach as down, instead of failing.
const MAP: &str = "services";
const PROJECTIONS: [&str; 4] = ["project-people", "project-directory", "project-activity", "project-stats"];

#[test]
fn every_component_that_may_reach_something_is_tried() {
    let text = manifest::text();
    let api = Api::new("http://127.0.0.1:1");
    let tried: Vec<&str> =
        requests(&api).iter().map(|(component, _)| *component).chain(PROJECTIONS).chain([MAP]).collect();
    for component in manifest::components(&text) {
        let reaches_nothing = manifest::allowed_hosts(&text, &component) == "[]";
        assert_eq!(reaches_nothing, !tried.contains(&component.as_str()), "{component}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_with_no_allowed_hosts_is_refused_everything() {
    let text = manifest::text();
    let none = manifest::components(&text)
        .iter()
        .fold(text, |text, component| manifest::with_allowed_hosts(&text, component, "[]"));
    let (own, api, _copy) = with_manifest(&none).await;
    for (component, request) in requests(&api) {
        let answer = api.send(request).await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, "1"), "{component}: {answer}");
        refusal_is_logged(&own, component).await;
    }
    let mut redis = own.store().await;
    log::append_all(&mut redis.user, Stream::User, &[log::created(1)]).await;
    let _: usize = store::ask(&mut redis.user, "PUBLISH events:user x").await;
    for component in PROJECTIONS {
        refusal_is_logged(&own, component).await;
    }
    assert_eq!(log::lengths(&mut redis).await, (1, 0), "nothing else reached the log");
    all_is_down(&api).await;
    refusal_is_logged(&own, MAP).await;
    api.get("/nowhere").await.is(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_that_may_reach_others_only_is_refused_its_own() {
    let text = manifest::text();
    let elsewhere = r#"["redis://127.0.0.1:1", "redis://localhost:*", "http://127.0.0.1:1", "https://127.0.0.1:*"]"#;
    let changed = manifest::components(&text)
        .iter()
        .fold(text, |text, component| manifest::with_allowed_hosts(&text, component, elsewhere));
    let (own, api, _copy) = with_manifest(&changed).await;
    for (component, request) in requests(&api) {
        let answer = api.send(request).await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, "1"), "{component}: {answer}");
        refusal_is_logged(&own, component).await;
    }
    all_is_down(&api).await;
    refusal_is_logged(&own, MAP).await;
}

async fn all_is_down(api: &Api) {
    let map = api.get("/services").await.is(200).json();
    for part in map["redis"].as_array().into_iter().chain(map["workers"].as_array()).flatten() {
        assert_eq!(part["status"], "DOWN", "{map}");
    }
}

/// A denial of one of two: each entry of a list is needed for something.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_friend_service_cannot_ask_the_user_service_when_that_is_not_allowed() {
    let redis_only = r#"["redis://{{ friend_redis_host }}"]"#;
    let text = manifest::with_allowed_hosts(&manifest::text(), "add-friend", redis_only);
    let text = manifest::with_allowed_hosts(&text, "friends", redis_only);
    let text = manifest::with_allowed_hosts(&text, "events", r#"["redis://127.0.0.1:1"]"#);
    let (own, api, _copy) = with_manifest(&text).await;
    let (a, b) = (api.person().await, api.person().await);
    let last = b.answer.header("last-event").strip_prefix("user:").unwrap();
    tests::views::caught_up(&own.store().await, "people", Stream::User, last).await;
    // Whoever is in the replica needs nobody to be asked.
    api.add_friend(a.id, b.id).await.is(201);
    api.add_friend(a.id, 999).await.is(503);
    refusal_is_logged(&own, "add-friend").await;
    api.get("/friend/v1/users/999/friends").await.is(503);
    refusal_is_logged(&own, "friends").await;
    api.get("/events/v1/friend").await.is(503);
    refusal_is_logged(&own, "events").await;
}
