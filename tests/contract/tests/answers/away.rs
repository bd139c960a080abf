//! What everybody is told while Redis and the worker are away, and that it is over afterwards; and what nobody documents.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use contract::client::Client;
use dev::{Options, Part, System};

use crate::expect;

/// What clients are promised.
const AT_MOST: Duration = Duration::from_secs(2);
const ADA: &str = r#"{"firstName":"Ada","lastName":"Away"}"#;
const ASKED: [(&str, &str); 17] = [
    ("POST", "/user/v1/users"),
    ("GET", "/user/v1/users/1"),
    ("PUT", "/user/v1/users/1"),
    ("GET", "/user/v1/users/1/activity"),
    ("GET", "/user/v1/directory"),
    ("POST", "/friend/v1/users/1/commands/addFriend?friendId=2"),
    ("POST", "/friend/v1/users/1/commands/removeFriend?friendId=2"),
    ("GET", "/friend/v1/users/1/friends"),
    ("GET", "/friend/v1/friends/1"),
    ("GET", "/recommendation/v1/users/1/commands/recommendFriends"),
    ("GET", "/recommendation/v1/users/1/commands/findMutualFriends?friendId=2"),
    ("GET", "/events/v1/user"),
    ("GET", "/events/v1/friend/live"),
    ("GET", "/stats/v1"),
    ("GET", "/user/actuator/health"),
    ("GET", "/friend/actuator/health"),
    ("GET", "/recommendation/actuator/health"),
];

pub async fn tell(client: &Client<'_>, system: &System) -> Result<()> {
    no_route(client).await.context("a path without a route")?;
    system.kill(Part::Worker).await;
    system.kill(Part::Redis).await;
    for (method, target) in ASKED {
        let start = Instant::now();
        let answer = client.ask(method, target)?.json(ADA).answer().await?;
        ensure!(answer.status == 503, "{method} {target}: {}", answer.status);
        ensure!(start.elapsed() < AT_MOST, "{method} {target} took {:?}", start.elapsed());
    }
    let start = Instant::now();
    let map = client.get("/services").await?;
    ensure!(map.status == 200 && map.json()?["status"] == "DEGRADED", "the map is {:?}", map.body);
    ensure!(start.elapsed() < AT_MOST, "the map took {:?}", start.elapsed());
    system.launch(Part::Redis).await?;
    system.launch(Part::Worker).await?;
    system.wait_until_healthy(Options::START_WAIT).await?;
    expect(client, 200, &[("GET", "/user/v1/users/1"), ("GET", "/stats/v1"), ("GET", "/events/v1/user")]).await
}

/// Every other path is a problem like any other.
async fn no_route(client: &Client<'_>) -> Result<()> {
    for (method, target) in [("GET", "/"), ("POST", "/user/v1"), ("DELETE", "/user/v1/users/1/friends")] {
        let answer = client.ask(method, target)?.unchecked().await?;
        ensure!(answer.status == 404 && answer.header("content-type") == Some("application/problem+json"));
        client
            .document()
            .check("/components/responses/NotFound/content/application~1problem+json/schema", &answer.json()?)?;
    }
    Ok(())
}
