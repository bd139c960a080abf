//! A little of everything that is counted.

use dev::System;
use reqwest::Method;
use serde_json::json;
use tests::api::Api;
use tests::exposition::Scrape;
use tests::patience::{eventually, holds};
use tests::random::word;
use tests::store::Store;

/// An entry that is no event.
const BROKEN: [&str; 3] = ["*", "type", "NOTHING_OF_OURS"];

/// Some people and friendships, every query, and a refusal of each kind that a client can cause.
pub async fn exercise(api: &Api) {
    let people = api.people(4).await;
    let (a, b, c) = (people[0].id, people[1].id, people[2].id);
    let path = format!("/user/v1/users/{a}");
    let body = json!({"firstName": word(), "lastName": word()});
    api.put_json(&path, &body).await.is(200);
    api.send(api.with_json(Method::PUT, &path, &body).header("if-match", "\"1\"")).await.is(412);
    api.post_json("/user/v1/users", &json!({})).await.is(422);
    api.add_friend(a, b).await.is(201);
    api.add_friend(b, c).await.is(201);
    api.add_friend(a, b).await.is(409);
    api.remove_friend(b, c).await.is(204);
    for path in [
        path.as_str(),
        "/user/v1/directory",
        "/stats/v1",
        "/events/v1/user",
        "/events/v1/friend",
        &format!("/friend/v1/users/{a}/friends"),
        "/user/actuator/health",
    ] {
        api.get(path).await.is(200);
    }
    api.get(&format!("{path}/activity")).await;
    api.recommendations(a, "").await.is(200);
    api.mutual_friends(a, c, "").await.is(200);
    api.get("/nowhere").await.is(404);
}

/// Entries that nobody can read, and that no doorbell rings for: dead letters, and rings by the worker.
pub async fn break_streams(system: &System) {
    let mut store = Store::of(system).await;
    eventually("a ring of the worker's", async || {
        let seen = Scrape::of(&format!("{}/metrics", system.worker_url())).await;
        let silent = seen.matching("worker_rings_total", &[]).is_empty();
        if silent {
            // Again and again: the first may be found by a ring that was on its way for what came before.
            for (redis, key) in [(&mut store.user, "events:user"), (&mut store.friend, "events:friend")] {
                let _: String = redis::cmd("XADD").arg(key).arg(&BROKEN).query_async(redis).await.expect("an entry");
            }
        }
        holds(!silent, || "none".to_owned())
    })
    .await;
}
