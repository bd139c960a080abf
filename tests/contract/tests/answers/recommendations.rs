//! The aggregate service's queries.

use anyhow::{Context, Result, ensure};
use contract::client::Client;
use serde_json::json;

use crate::people::names;
use crate::{befriend, expect, items, sign_up};

const NOBODY: &str = "9007199254740991";

pub async fn tell(client: &Client<'_>) -> Result<()> {
    // A square with one corner more: the two that are not friends have two friends in common.
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(sign_up(client, "Corner", &n.to_string()).await?);
    }
    let mut last = String::new();
    for (one, other) in [(0, 1), (1, 2), (2, 3), (3, 0), (3, 4)] {
        last = befriend(client, ids[one], ids[other]).await?;
    }
    recommend(client, &ids, &last).await.context("recommend")?;
    mutual(client, &ids, &last).await.context("mutual friends")
}

fn question(id: impl std::fmt::Display, name: &str, query: &str) -> String {
    format!("/recommendation/v1/users/{id}/commands/{name}?{query}")
}

async fn recommend(client: &Client<'_>, ids: &[u64], last: &str) -> Result<()> {
    let ask = |query: String| question(ids[0], "recommendFriends", &query);
    let answer = client.get(&ask(format!("after={last}"))).await?;
    let found: Vec<_> = items(&answer).iter().map(|one| json!([one["user"]["id"], one["weight"]])).collect();
    ensure!(found == [json!([ids[2], 2]), json!([ids[4], 1])], "{found:?}");
    let newest = answer.header("last-event").context("no Last-Event")?;
    ensure!(newest.contains(last), "{newest} lacks {last}");
    let first = client.get(&ask(format!("limit=1&after={newest}"))).await?;
    let next = first.header("link").context("no Link")?.to_owned();
    ensure!(items(&first).len() == 1 && next.starts_with("<?cursor="), "{next}");
    for rank in ["mutual", "adamic-adar", "jaccard"] {
        ensure!(items(&client.get(&ask(format!("rank={rank}"))).await?).len() == 2, "{rank}");
    }
    ensure!(client.get(&ask("after=friend:9999999999999-0".to_owned())).await?.status == 503);
    for query in [
        "after=x",
        "after=user:1",
        "after=1-0",
        "after=user:1-0,user:2-0",
        "limit=x",
        "limit=",
        "limit=0",
        "rank=x",
        "cursor=x",
    ] {
        let answer = client.get(&ask(query.to_owned())).await?;
        ensure!(answer.status == 400 && names(&answer, query.split('=').next().unwrap_or_default())?, "{query}");
    }
    expect(client, 404, &[("GET", &question(NOBODY, "recommendFriends", ""))]).await?;
    expect(client, 400, &[("GET", &question("x", "recommendFriends", ""))]).await?;
    expect(client, 405, &[("POST", &ask(String::new()))]).await
}

async fn mutual(client: &Client<'_>, ids: &[u64], last: &str) -> Result<()> {
    let ask = |query: String| question(ids[0], "findMutualFriends", &query);
    let answer = client.get(&ask(format!("friendId={}&after={last}", ids[2]))).await?;
    let found: Vec<_> = items(&answer).iter().map(|one| one["id"].as_u64()).collect();
    ensure!(found == [Some(ids[1]), Some(ids[3])], "{found:?}");
    for query in ["".to_owned(), "friendId=x".to_owned(), format!("friendId={}", ids[0])] {
        let answer = client.get(&ask(query.clone())).await?;
        ensure!(answer.status == 400 && names(&answer, "friendId")?, "{query}");
    }
    ensure!(client.get(&ask("friendId=1&after=friend:9999999999999-0".to_owned())).await?.status == 503);
    expect(client, 404, &[("GET", &ask(format!("friendId={NOBODY}")))]).await?;
    expect(client, 405, &[("DELETE", &ask("friendId=1".to_owned()))]).await
}
