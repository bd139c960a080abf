//! The friend service's commands and queries.

use anyhow::{Context, Result, ensure};
use contract::client::Client;
use tokio::time::Instant;

use crate::people::{names, together};
use crate::{PATIENCE, all_pages, befriend, expect, sign_up};

/// Nobody gets this far.
const NOBODY: u64 = 9_007_199_254_740_991;

fn command(name: &str, id: u64, friend: u64) -> String {
    format!("/friend/v1/users/{id}/commands/{name}?friendId={friend}")
}

pub async fn tell(client: &Client<'_>) -> Result<()> {
    let alan = sign_up(client, "Alan", "Turing").await?;
    let joan = sign_up(client, "Joan", "Clarke").await?;
    let max = sign_up(client, "Max", "Newman").await?;
    add(client, alan, joan).await.context("add")?;
    befriend(client, max, alan).await?;
    list(client, alan, joan, max).await.context("list")?;
    remove(client, alan, joan).await.context("remove")?;
    refuse(client, alan).await.context("refusals")?;
    race(client, alan, joan).await.context("at once")
}

async fn add(client: &Client<'_>, alan: u64, joan: u64) -> Result<()> {
    let keyed = |key: &str, id, friend| -> Result<_> {
        Ok(client.ask("POST", &command("addFriend", id, friend))?.header("Idempotency-Key", key).answer())
    };
    let first = keyed("contract-add", alan, joan)?.await?;
    ensure!(first.status == 201);
    let friendship = first.json()?;
    ensure!(friendship["userId"] == alan && friendship["friendId"] == joan);
    ensure!(first.headers["location"] == format!("/friend/v1/friends/{}", friendship["id"]).as_str());
    let again = keyed("contract-add", alan, joan)?.await?;
    ensure!(again.status == 201 && again.body == first.body);
    let reused = keyed("contract-add", joan, alan)?.await?;
    ensure!(reused.status == 422 && reused.problem()? == "idempotency-key-reused");
    let refused = keyed("contract-refused", joan, alan)?.await?;
    ensure!(refused.status == 409 && refused.problem()? == "already-friends");
    ensure!(keyed("contract-refused", joan, alan)?.await?.body == refused.body);
    ensure!(keyed("not a key", joan, alan)?.await?.status == 400);
    expect(client, 409, &[("POST", &command("addFriend", alan, joan)), ("POST", &command("addFriend", joan, alan))])
        .await?;
    let found = client.get(first.headers["location"].to_str()?).await?;
    ensure!(found.body == first.body);
    Ok(())
}

async fn list(client: &Client<'_>, alan: u64, joan: u64, max: u64) -> Result<()> {
    let of_alan = all_pages(client, &format!("/friend/v1/users/{alan}/friends?limit=1")).await?;
    let friends: Vec<_> = of_alan.iter().map(|friendship| friendship["friendId"].as_u64()).collect();
    ensure!(friends == [Some(joan), Some(max)], "{friends:?}");
    ensure!(of_alan.iter().all(|friendship| friendship["userId"] == alan));
    let alone = sign_up(client, "No", "Friends").await?;
    ensure!(all_pages(client, &format!("/friend/v1/users/{alone}/friends")).await?.is_empty());
    expect(client, 404, &[("GET", &format!("/friend/v1/users/{NOBODY}/friends")), ("GET", "/friend/v1/friends/4711")])
        .await?;
    let friends = format!("/friend/v1/users/{alan}/friends");
    expect(client, 400, &[("GET", &format!("{friends}?cursor=x")), ("GET", "/friend/v1/friends/x")]).await?;
    expect(client, 405, &[("POST", &friends), ("DELETE", "/friend/v1/friends/1")]).await
}

async fn remove(client: &Client<'_>, alan: u64, joan: u64) -> Result<()> {
    let keyed = |key: &str, id, friend| -> Result<_> {
        Ok(client.ask("POST", &command("removeFriend", id, friend))?.header("Idempotency-Key", key).answer())
    };
    let first = keyed("contract-remove", joan, alan)?.await?;
    ensure!(first.status == 204);
    let again = keyed("contract-remove", alan, joan)?.await?;
    ensure!(again.status == 204 && again.headers["last-event"] == first.headers["last-event"]);
    let reused = keyed("contract-remove", alan, alan + 100)?.await?;
    ensure!(reused.status == 422 && reused.problem()? == "idempotency-key-reused");
    expect(client, 404, &[("POST", &command("removeFriend", alan, joan))]).await
}

async fn refuse(client: &Client<'_>, alan: u64) -> Result<()> {
    for name in ["addFriend", "removeFriend"] {
        let missing = client.post(&format!("/friend/v1/users/{alan}/commands/{name}")).await?;
        ensure!(missing.status == 400 && names(&missing, "friendId")?);
        let oneself = client.post(&command(name, alan, alan)).await?;
        ensure!(oneself.status == 400 && names(&oneself, "friendId")?);
        expect(client, 404, &[("POST", &command(name, alan, NOBODY)), ("POST", &command(name, NOBODY, alan))]).await?;
        expect(client, 405, &[("GET", &command(name, alan, 1)), ("PUT", &command(name, alan, 1))]).await?;
    }
    Ok(())
}

/// Of any number of beginnings at once there is one. Of ends, one is told that there is a new beginning, if two other commands
/// come between its look and its append, which takes some tries.
async fn race(client: &Client<'_>, alan: u64, joan: u64) -> Result<()> {
    const AT_ONCE: usize = 20;
    let (add, remove) = (command("addFriend", alan, joan), command("removeFriend", alan, joan));
    let adding = together((0..AT_ONCE).map(|_| client.post(&add)).collect()).await?;
    ensure!(adding.iter().filter(|status| **status == 201).count() == 1, "{adding:?}");
    ensure!(adding.iter().filter(|status| **status == 409).count() == AT_ONCE - 1, "{adding:?}");
    let start = Instant::now();
    loop {
        let both = (0..AT_ONCE).map(|n| client.post(if n % 2 == 0 { &remove } else { &add }));
        together(both.collect()).await?;
        let removing = client.operations().iter().find(|operation| operation.id == "removeFriend");
        let documented = [(removing.context("removeFriend")?.id.clone(), 409)];
        if client.coverage().missing(&documented).is_empty() {
            return Ok(());
        }
        ensure!(start.elapsed() < PATIENCE, "no removeFriend met a new beginning");
    }
}
