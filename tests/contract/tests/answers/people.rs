//! The user service's commands and queries.

use anyhow::{Context, Result, ensure};
use contract::client::{Answer, Client};
use tokio::time::Instant;

use crate::{PATIENCE, expect, sign_up};

const PATH: &str = "/user/v1/users";
const ADA: &str = r#"{"firstName":"Ada","lastName":"Lovelace"}"#;
pub const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// One more than is taken.
const TOO_LARGE: usize = 64 * 1024 + 1;

pub async fn tell(client: &Client<'_>) -> Result<()> {
    create(client).await.context("create")?;
    refuse_bodies(client, "POST", PATH).await.context("create")?;
    let id = sign_up(client, " Grace\t", "Hopper").await?;
    let path = format!("{PATH}/{id}");
    read(client, &path).await.context("read")?;
    update(client, &path, id).await.context("update")?;
    refuse_bodies(client, "PUT", &path).await.context("update")?;
    race(client, &path).await.context("updates at once")
}

async fn create(client: &Client<'_>) -> Result<()> {
    let ask = |body: &str| -> Result<_> {
        let ask = client.ask("POST", PATH)?.header("traceparent", TRACEPARENT).header("Idempotency-Key", "contract-1");
        Ok(ask.json(body).answer())
    };
    let first = ask(ADA)?.await?;
    ensure!(first.status == 201);
    let location = first.header("location").context("no Location")?;
    ensure!(location == format!("{PATH}/{}", first.json()?["id"]));
    let second = ask(ADA)?.await?;
    ensure!(
        second.status == 201
            && second.body == first.body
            && second.headers["last-event"] == first.headers["last-event"]
    );
    let other = ask(r#"{"firstName":"Charles","lastName":"Babbage"}"#)?.await?;
    ensure!(other.status == 422 && other.problem()? == "idempotency-key-reused");

    for key in [" ", "two words", "\u{e9}", &"k".repeat(129)] {
        let answer = client.ask("POST", PATH)?.header("Idempotency-Key", key).json(ADA).answer().await?;
        ensure!(answer.status == 400 && names(&answer, "Idempotency-Key")?, "the key {key:?}");
    }
    let longest = client.ask("POST", PATH)?.header("Idempotency-Key", "k".repeat(128)).json(ADA).answer().await?;
    ensure!(longest.status == 201);
    expect(client, 405, &[("GET", PATH), ("DELETE", PATH), ("PATCH", PATH)]).await
}

/// What is no person is refused alike by both commands.
async fn refuse_bodies(client: &Client<'_>, method: &str, path: &str) -> Result<()> {
    let json = |body: Vec<u8>| Ok::<_, anyhow::Error>(client.ask(method, path)?.json(body).answer());
    let malformed: [&[u8]; 4] = [b"", b"{", b"{\"firstName\":\"Ada\"", b"{\"firstName\":\"\xff\",\"lastName\":\"x\"}"];
    for body in malformed {
        ensure!(json(body.to_vec())?.await?.status == 400, "{body:?}");
    }
    let long = format!(r#"{{"firstName":"{}","lastName":"x"}}"#, "x".repeat(101));
    let invalid = [
        (r#"{"firstName":"Ada"}"#, "lastName"),
        (r#"{"firstName":7,"lastName":"x"}"#, "firstName"),
        (r#"{"firstName":"Ada","lastName":" "}"#, "lastName"),
        (r#"{"firstName":"A\u0007da","lastName":"x"}"#, "firstName"),
        (&long, "firstName"),
        ("[]", "body"),
        ("\"Ada\"", "body"),
    ];
    for (body, field) in invalid {
        let answer = json(body.as_bytes().to_vec())?.await?;
        ensure!(answer.status == 422 && names(&answer, field)?, "{body}: {} {:?}", answer.status, answer.body);
    }
    for media_type in [None, Some("text/plain"), Some("application/jsonp")] {
        let mut ask = client.ask(method, path)?.body(ADA);
        if let Some(media_type) = media_type {
            ask = ask.header("content-type", media_type);
        }
        ensure!(ask.answer().await?.status == 415, "{media_type:?}");
    }
    ensure!(json(vec![b' '; TOO_LARGE])?.await?.status == 413);
    Ok(())
}

async fn read(client: &Client<'_>, path: &str) -> Result<()> {
    let answer = client.get(path).await?;
    let person = answer.json()?;
    ensure!(person["firstName"] == "Grace" && person["lastName"] == "Hopper" && answer.headers["etag"] == "\"1\"");
    let head = client.ask("HEAD", path)?.unchecked().await?;
    ensure!(head.status == 200 && head.body.is_empty() && head.headers["etag"] == "\"1\"");
    expect(client, 404, &[("GET", "/user/v1/users/9007199254740991")]).await?;
    expect(client, 400, &[("GET", "/user/v1/users/0"), ("GET", "/user/v1/users/01"), ("GET", "/user/v1/users/me")])
        .await?;
    expect(client, 405, &[("POST", path), ("DELETE", path)]).await
}

async fn update(client: &Client<'_>, path: &str, id: u64) -> Result<()> {
    let put = |body: String, tag: Option<&str>| -> Result<_> {
        let ask = client.ask("PUT", path)?.header("traceparent", TRACEPARENT).json(body);
        Ok(match tag {
            Some(tag) => ask.header("if-match", tag).answer(),
            None => ask.answer(),
        })
    };
    let murray = format!(r#"{{"id":{id},"firstName":"Grace","lastName":"Murray","createdAt":"whenever"}}"#);
    let answer = put(murray.clone(), Some("\"1\""))?.await?;
    ensure!(answer.status == 200 && answer.headers["etag"] == "\"2\"" && answer.json()?["lastName"] == "Murray");
    let again = put(murray.clone(), None)?.await?;
    ensure!(again.status == 200 && again.headers["etag"] == "\"2\"" && again.body == answer.body);
    ensure!(put(murray.clone(), Some("*"))?.await?.status == 200);
    ensure!(put(murray.clone(), Some("\"7\", \"2\""))?.await?.status == 200);
    ensure!(put(murray.clone(), Some("\"1\""))?.await?.status == 412);
    let other = put(murray.replace(&id.to_string(), "77"), None)?.await?;
    ensure!(other.status == 400 && names(&other, "id")?);
    let nobody = client.ask("PUT", "/user/v1/users/9007199254740991")?.json(ADA).answer().await?;
    ensure!(nobody.status == 404);
    ensure!(client.ask("PUT", "/user/v1/users/x")?.json(ADA).answer().await?.status == 400);
    Ok(())
}

/// Of several changes at the very same moment, those that come too late are told so.
async fn race(client: &Client<'_>, path: &str) -> Result<()> {
    const AT_ONCE: usize = 16;
    let start = Instant::now();
    for round in 0.. {
        let changes = (0..AT_ONCE).map(|n| {
            let body = format!(r#"{{"firstName":"Grace","lastName":"H{round}x{n}"}}"#);
            Ok(client.ask("PUT", path)?.json(body).answer())
        });
        let statuses = together(changes.collect::<Result<Vec<_>>>()?).await?;
        ensure!(statuses.contains(&200), "nobody won: {statuses:?}");
        if statuses.contains(&409) {
            break;
        }
        ensure!(start.elapsed() < PATIENCE, "nobody ever lost");
    }
    Ok(())
}

/// Sends requests at once, and waits for all.
pub async fn together(asked: Vec<impl Future<Output = Result<Answer>>>) -> Result<Vec<u16>> {
    let answers = futures::future::join_all(asked).await;
    answers.into_iter().map(|answer| Ok(answer?.status)).collect()
}

/// Whether a problem names this field.
pub fn names(answer: &Answer, field: &str) -> Result<bool> {
    let problem = answer.json()?;
    Ok(problem["errors"].as_array().is_some_and(|errors| errors.iter().any(|error| error["field"] == field)))
}
