//! The log: as Redis holds it, as pages, and as a live tail.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use contract::client::Client;
use contract::document::Document;
use contract::events::{Messages, entry, stored};
use contract::{asyncapi, events};
use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use crate::people::TRACEPARENT;
use crate::{PATIENCE, POLL, all_pages, befriend, expect, items, sign_up};

const USER_EVENT: &str = "/components/schemas/UserEvent";
const FRIEND_EVENT: &str = "/components/schemas/FriendEvent";

pub async fn tell(client: &Client<'_>, asyncapi: &Document, redis: &mut MultiplexedConnection) -> Result<()> {
    for (stream, schema) in [("user", USER_EVENT), ("friend", FRIEND_EVENT)] {
        whole(client, asyncapi, redis, stream, schema).await.with_context(|| format!("the {stream} stream"))?;
        pages(client, stream).await.with_context(|| format!("pages of the {stream} stream"))?;
    }
    live(client, asyncapi).await.context("live")?;
    foreign(client, asyncapi, redis).await.context("what somebody else wrote")
}

/// Every event that was written is of the contract, and is shown as it is.
async fn whole(
    client: &Client<'_>,
    asyncapi: &Document,
    redis: &mut MultiplexedConnection,
    stream: &str,
    schema: &str,
) -> Result<()> {
    let written = stored(redis, &format!("events:{stream}")).await?;
    for fields in &written {
        asyncapi::check_event(asyncapi, &format!("events:{stream}"), fields)?;
    }
    let shown = all_pages(client, &format!("/events/v1/{stream}?limit=7")).await?;
    ensure!(shown.len() == written.len(), "{} events are shown, {} are there", shown.len(), written.len());
    for (shown, written) in shown.iter().zip(&written) {
        client.document().check(schema, shown)?;
        ensure!(same(&entry(shown)?, written)?, "{shown} is shown for {written:?}");
    }
    let kinds: std::collections::BTreeSet<_> = shown.iter().map(|event| event["type"].to_string()).collect();
    ensure!(kinds.len() == 2, "only {kinds:?} were written");
    let traced = shown.iter().any(|event| event["traceparent"] == TRACEPARENT);
    ensure!(traced || stream != "user", "no event carries the traceparent of its request");
    Ok(())
}

/// Whether two entries say the same: JSON may be written with its members in another order.
fn same(one: &asyncapi::Fields, other: &asyncapi::Fields) -> Result<bool> {
    let parsed = |fields: &asyncapi::Fields| -> Result<Vec<(String, Value)>> {
        let value = |(name, text): &(String, String)| {
            let value = if name == "data" { serde_json::from_str(text)? } else { text.as_str().into() };
            Ok((name.clone(), value))
        };
        fields.iter().map(value).collect()
    };
    Ok(parsed(one)? == parsed(other)?)
}

async fn pages(client: &Client<'_>, stream: &str) -> Result<()> {
    let path = format!("/events/v1/{stream}");
    let first = items(&client.get(&format!("{path}?limit=1")).await?);
    let position = first[0]["position"].as_str().context("an event without a position")?;
    for after in [position.to_owned(), format!("{stream}:{position}")] {
        let second = items(&client.get(&format!("{path}?limit=1&after={after}")).await?);
        ensure!(second.len() == 1 && second[0]["position"] != first[0]["position"]);
    }
    let other = if stream == "user" { "friend" } else { "user" };
    for after in ["x", "1", &format!("{other}:{position}")] {
        expect(client, 400, &[("GET", &format!("{path}?after={after}"))]).await?;
        expect(client, 400, &[("GET", &format!("{path}/live?after={after}"))]).await?;
    }
    expect(client, 404, &[("GET", "/events/v1/people"), ("GET", "/events/v1/people/live")]).await?;
    expect(client, 405, &[("POST", &path), ("DELETE", &format!("{path}/live"))]).await
}

async fn live(client: &Client<'_>, asyncapi: &Document) -> Result<()> {
    let follow = |path: &str| client.ask("GET", path);
    let mut users = Messages::new(follow("/events/v1/user/live")?.stream().await?);
    let mut friends = Messages::new(follow("/events/v1/friend/live")?.stream().await?);
    // A tail without a position begins where the log ended when it was asked for.
    let one = sign_up(client, "Live", "One\u{2028}é").await?;
    let other = sign_up(client, "Live", "Two").await?;
    befriend(client, one, other).await?;
    let first = message(client, asyncapi, &mut users, "user", USER_EVENT).await?;
    message(client, asyncapi, &mut users, "user", USER_EVENT).await?;
    message(client, asyncapi, &mut friends, "friend", FRIEND_EVENT).await?;
    ensure!(users.comments > 0, "the tail does not begin with a comment");

    // Whoever comes back misses nothing, and the header comes before the parameter.
    let again = follow("/events/v1/user/live?after=9999999999999-0")?.header("Last-Event-ID", first.id.clone());
    let mut again = Messages::new(again.stream().await?);
    let second = message(client, asyncapi, &mut again, "user", USER_EVENT).await?;
    ensure!(second.data.contains("\"Two\""), "{second:?}");
    let mut all = Messages::new(follow("/events/v1/user/live?after=0-0")?.stream().await?);
    message(client, asyncapi, &mut all, "user", USER_EVENT).await?;
    let bad = follow("/events/v1/user/live")?.header("Last-Event-ID", "x").answer().await?;
    ensure!(bad.status == 400);
    Ok(())
}

async fn message(
    client: &Client<'_>,
    asyncapi: &Document,
    messages: &mut Messages,
    stream: &str,
    schema: &str,
) -> Result<events::Message> {
    let message = timeout(PATIENCE, messages.next()).await.context("no message came")??;
    let event: Value = serde_json::from_str(&message.data)?;
    client.document().check(schema, &event)?;
    client.document().check("/components/schemas/Event", &event)?;
    asyncapi::check_event(asyncapi, &format!("events:{stream}"), &entry(&event)?)?;
    ensure!(event["position"] == message.id.as_str() && event["type"] == message.event.as_str(), "{message:?}");
    Ok(message)
}

/// What nobody knows how to apply is shown as it is, and put aside by every reader.
async fn foreign(client: &Client<'_>, asyncapi: &Document, redis: &mut MultiplexedConnection) -> Result<()> {
    let fields = [("type", "USER_RENAMED"), ("subject", "user/1"), ("version", "x"), ("colour", "blue"), ("data", "{")];
    let position: String = redis.xadd("events:user", "*", &fields).await?;
    // The next command rings the doorbell.
    sign_up(client, "Somebody", "Else").await?;
    let before = position.split_once('-').and_then(|(ms, _)| ms.parse::<u64>().ok()).context("a position")? - 1;
    let shown = items(&client.get(&format!("/events/v1/user?after={before}-99999&limit=2")).await?);
    let shown = shown.iter().find(|event| event["position"] == position.as_str()).context("it is not shown")?;
    client.document().check("/components/schemas/ForeignEntry", shown)?;
    ensure!(shown["type"] == "USER_RENAMED" && shown.get("version").is_none() && shown.get("data").is_none());

    let start = Instant::now();
    loop {
        let letters = stored(redis, "events:dead").await?;
        for letter in &letters {
            asyncapi::check_dead_letter(asyncapi, letter)?;
        }
        let of = |name: &str| letters.iter().any(|letter| letter.contains(&("projection".to_owned(), name.to_owned())));
        let missing: Vec<_> =
            ["people", "directory", "activity", "stats", "worker"].into_iter().filter(|name| !of(name)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        ensure!(start.elapsed() < PATIENCE, "no dead letter of {missing:?}");
        sleep(POLL).await;
    }
}
