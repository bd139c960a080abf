//! The read models: directory, activity and statistics; health, and the service map.

use anyhow::{Context, Result, ensure};
use contract::client::Client;

use crate::people::names;
use crate::{all_pages, befriend, expect, items, sign_up, until};

pub async fn tell(client: &Client<'_>) -> Result<()> {
    let tim = sign_up(client, "Tim", "Berners-Lee").await?;
    let vint = sign_up(client, "Vint", "Cerf").await?;
    befriend(client, tim, vint).await?;
    client
        .ask("PUT", &format!("/user/v1/users/{tim}"))?
        .json(r#"{"firstName":"Tim","lastName":"BL"}"#)
        .answer()
        .await?;
    client.post(&format!("/friend/v1/users/{vint}/commands/removeFriend?friendId={tim}")).await?;
    activity(client, tim).await.context("activity")?;
    directory(client).await.context("directory")?;
    stats(client).await.context("stats")?;
    for service in ["user", "friend", "recommendation"] {
        let path = format!("/{service}/actuator/health");
        expect(client, 200, &[("GET", &path)]).await?;
        expect(client, 405, &[("POST", &path)]).await?;
    }
    services(client).await.context("services")
}

async fn services(client: &Client<'_>) -> Result<()> {
    const PATH: &str = "/services";
    let map = client.get(PATH).await?;
    ensure!(map.status == 200 && map.json()?["status"] == "UP");
    let page = client.ask("GET", PATH)?.header("accept", "text/html, */*;q=0.1").answer().await?;
    ensure!(page.header("content-type") == Some("text/html; charset=utf-8"));
    ensure!(page.header("content-security-policy").is_some());
    expect(client, 405, &[("POST", PATH), ("DELETE", PATH)]).await
}

async fn activity(client: &Client<'_>, of: u64) -> Result<()> {
    let path = format!("/user/v1/users/{of}/activity");
    until(client, &path, |answer| items(answer).len() == 4).await?;
    let lines = all_pages(client, &format!("{path}?limit=1")).await?;
    let mut kinds: Vec<_> = lines.iter().filter_map(|line| line["type"].as_str()).collect();
    // The two streams have no common order within a millisecond.
    kinds.sort_unstable();
    ensure!(kinds == ["FRIEND_ADDED", "FRIEND_REMOVED", "USER_CREATED", "USER_UPDATED"], "{kinds:?}");
    expect(client, 404, &[("GET", "/user/v1/users/9007199254740991/activity")]).await?;
    expect(client, 400, &[("GET", &format!("{path}?limit=x")), ("GET", &format!("{path}?cursor=x"))]).await?;
    expect(client, 405, &[("PUT", &path)]).await
}

async fn directory(client: &Client<'_>) -> Result<()> {
    const PATH: &str = "/user/v1/directory";
    let corners = |first: &str| format!("{PATH}?name={first}");
    until(client, &corners("tim%20b"), |answer| items(answer).len() == 1).await?;
    let people = all_pages(client, &format!("{}&limit=2", corners("CORNER"))).await?;
    ensure!(people.len() == 5, "{} corners", people.len());
    let everybody = all_pages(client, &format!("{PATH}?limit=3")).await?;
    ensure!(everybody.len() > people.len());
    for name in ["%00", "a%7F", &"x".repeat(202)] {
        let answer = client.get(&corners(name)).await?;
        ensure!(answer.status == 400 && names(&answer, "name")?, "{name}");
    }
    ensure!(items(&client.get(&corners(&"x".repeat(201))).await?).is_empty());
    expect(client, 400, &[("GET", &format!("{PATH}?cursor=x"))]).await?;
    expect(client, 405, &[("POST", PATH)]).await
}

async fn stats(client: &Client<'_>) -> Result<()> {
    let counted = |answer: &contract::client::Answer| {
        let stats = answer.json().unwrap_or_default();
        stats["users"].as_u64() >= Some(10) && stats["friendships"].as_u64() >= Some(5)
    };
    let answer = until(client, "/stats/v1", counted).await?.json()?;
    ensure!(answer["perMinute"].as_array().map(Vec::len) == Some(60));
    let day = client.get("/stats/v1?minutes=1440").await?.json()?;
    ensure!(day["perMinute"].as_array().map(Vec::len) == Some(1440));
    expect(client, 400, &[("GET", "/stats/v1?minutes=0"), ("GET", "/stats/v1?minutes=x")]).await?;
    expect(client, 405, &[("POST", "/stats/v1")]).await
}
