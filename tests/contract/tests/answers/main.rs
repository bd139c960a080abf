//! The contracts against a running system: every operation is asked for every documented answer, each answer is compared with
//! `wit/openapi.yaml`, and then everything that was written to the log with `wit/asyncapi.yaml`.

mod away;
mod bounds;
mod friendships;
mod log;
mod people;
mod recommendations;
mod views;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use contract::client::{Answer, Client};
use contract::document::Document;
use contract::openapi;
use dev::{Options, System};
use redis::aio::MultiplexedConnection;
use serde_json::Value;

/// How long a read model may take to follow the log on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

#[tokio::test]
async fn what_the_system_answers_and_writes_is_what_the_contracts_say() -> Result<()> {
    let (openapi, asyncapi) = (Document::openapi()?, Document::asyncapi()?);
    let system = System::start(Options::isolated()?).await?;
    let client = Client::new(&openapi, &system.url())?;
    let told = tell(&system, &client, &asyncapi).await;
    system.stop_all().await;
    told?;
    let missing = client.coverage().missing(&openapi::statuses(&openapi)?);
    ensure!(missing.is_empty(), "documented, and not seen: {}", missing.join(", "));
    Ok(())
}

async fn tell(system: &System, client: &Client<'_>, asyncapi: &Document) -> Result<()> {
    let mut redis = redis(system).await?;
    people::tell(client).await.context("people")?;
    friendships::tell(client).await.context("friendships")?;
    recommendations::tell(client).await.context("recommendations")?;
    views::tell(client).await.context("views")?;
    bounds::tell(client).await.context("bounds")?;
    log::tell(client, asyncapi, &mut redis).await.context("log")?;
    away::tell(client, system).await.context("away")
}

async fn redis(system: &System) -> Result<MultiplexedConnection> {
    let port = system.redis_port().context("the system has no Redis of its own")?;
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}"))?;
    Ok(client.get_multiplexed_async_connection().await?)
}

/// A person of this name, by their id.
async fn sign_up(client: &Client<'_>, first_name: &str, last_name: &str) -> Result<u64> {
    let body = serde_json::json!({ "firstName": first_name, "lastName": last_name });
    let answer = client.ask("POST", "/user/v1/users")?.json(body.to_string()).answer().await?;
    ensure!(answer.status == 201, "{first_name} {last_name}: {}", answer.status);
    answer.json()?["id"].as_u64().context("a person without an id")
}

/// Makes two people friends, and says which event that was.
async fn befriend(client: &Client<'_>, one: u64, other: u64) -> Result<String> {
    let answer = client.post(&format!("/friend/v1/users/{one}/commands/addFriend?friendId={other}")).await?;
    ensure!(answer.status == 201, "{one} and {other}: {}", answer.status);
    Ok(answer.header("last-event").context("no Last-Event")?.to_owned())
}

/// Asks with each of these methods and targets, and expects the same status every time.
async fn expect(client: &Client<'_>, status: u16, asked: &[(&str, &str)]) -> Result<()> {
    for (method, target) in asked {
        let answer = client.ask(method, target)?.answer().await?;
        ensure!(answer.status == status, "{method} {target}: {} instead of {status}", answer.status);
    }
    Ok(())
}

/// Asks until the answer is one to go on with: read models follow the log by and by.
async fn until(client: &Client<'_>, target: &str, enough: impl Fn(&Answer) -> bool) -> Result<Answer> {
    let start = Instant::now();
    loop {
        let answer = client.get(target).await?;
        if enough(&answer) {
            return Ok(answer);
        }
        ensure!(start.elapsed() < PATIENCE, "{target} still is {} {:?}", answer.status, answer.body);
        tokio::time::sleep(POLL).await;
    }
}

/// The items of an answer that is a list.
fn items(answer: &Answer) -> Vec<Value> {
    match answer.json() {
        Ok(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

/// Follows the links from page to page, and gathers the items of all.
async fn all_pages(client: &Client<'_>, first: &str) -> Result<Vec<Value>> {
    let (mut target, mut all) = (first.to_owned(), Vec::new());
    loop {
        let page = client.get(&target).await?;
        ensure!(page.status == 200, "{target}: {}", page.status);
        all.extend(items(&page));
        let Some(link) = page.header("link") else { return Ok(all) };
        let next = link.strip_prefix('<').and_then(|link| link.split_once('>')).context("a link that is none")?.0;
        target = next.to_owned();
    }
}
