//! What the components rest on, asked now: the three Redis, the user service, the worker.

use std::{collections::HashMap, future::Future, time::Duration};

use domain::event::Stream;
use event_store::{Redis as _, keys, spin::SpinRedis};
use futures_util::future::join5;
use http_api::{body_of, get, redis, setting, within};
use serde::{Deserialize, Serialize};

/// What does not answer within this is down. The same as of the health routes, which are asked here, too; shorter than a
/// request's own limit, so that there is time to say so.
pub const PATIENCE: Duration = Duration::from_millis(1_500);
/// What the worker says of itself is a few hundred bytes.
const MAX_READINESS: usize = 16 * 1024;

/// What a component may reach. build.rs knows their templates in spin.toml.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    UserRedis,
    FriendRedis,
    ViewRedis,
    UserService,
    Worker,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    Up,
    /// Something that it may reach is down, and something is not.
    Degraded,
    Down,
}

/// A part, and what it said.
#[derive(Debug, Clone, Serialize)]
pub struct Asked<T> {
    pub address: String,
    pub status: Status,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    #[serde(flatten)]
    pub said: Option<T>,
}

pub struct Parts {
    pub user: Asked<RedisState>,
    pub friend: Asked<RedisState>,
    pub view: Asked<RedisState>,
    pub user_service: Asked<()>,
    pub worker: Asked<WorkerState>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RedisState {
    version: String,
    role: &'static str,
    replicas: u64,
    persistence: Persistence,
    memory_bytes: u64,
    uptime_seconds: u64,
    /// Of the stream that it holds, if it holds one.
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<i64>,
    dead_letters: i64,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Persistence {
    /// Whether every write is logged.
    append_only: bool,
    last_write: String,
    last_snapshot: String,
}

/// What the worker's /readyz says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkerState {
    #[serde(skip_serializing)]
    status: String,
    pub caught_up: bool,
    pub user: Following,
    pub friend: Following,
}

/// How a worker follows a stream.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Following {
    status: String,
    pub position: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag_events: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl Parts {
    /// Asks all at the same time.
    pub async fn ask() -> Self {
        let (user, friend, view, user_service, worker) = join5(
            redis_part("user_redis_host", "user_redis_url", Some(Stream::User)),
            redis_part("friend_redis_host", "friend_redis_url", Some(Stream::Friend)),
            redis_part("view_redis_host", "view_redis_url", None),
            part("user_service_url", user_service()),
            part("worker_url", worker()),
        )
        .await;
        Self { user, friend, view, user_service, worker }
    }
}

/// What was asked, and the reason why it is not up, if it is not.
type Answer<T> = Result<(T, Option<String>), String>;

async fn part<T>(address: &'static str, question: impl Future<Output = Answer<T>>) -> Asked<T> {
    let address = setting(address).await.unwrap_or_default();
    let answer = within(PATIENCE, question).await.unwrap_or_else(|| Err("does not answer in time".to_owned()));
    let (said, detail) = match answer {
        Ok((said, detail)) => (Some(said), detail),
        Err(detail) => (None, Some(detail)),
    };
    let status = if detail.is_none() { Status::Up } else { Status::Down };
    Asked { address, status, detail, said }
}

/// The address is shown without the password that its URL may hold.
async fn redis_part(host: &'static str, url: &'static str, holds: Option<Stream>) -> Asked<RedisState> {
    let mut asked = part(host, redis_state(url, holds)).await;
    asked.address = format!("redis://{}", asked.address);
    asked
}

async fn redis_state(url: &'static str, holds: Option<Stream>) -> Answer<RedisState> {
    let redis = redis(url).await.map_err(|_| "is not configured".to_owned())?;
    let sections = ["server", "replication", "persistence", "memory"].map(|section| section.as_bytes().to_vec());
    let reply = redis.repeat("INFO", sections.into()).await.map_err(|e| away(&e))?;
    let text = reply.first().and_then(|value| value.text().ok()).unwrap_or_default().to_owned();
    let info = Info::parse(&text);
    let events = match holds {
        Some(stream) if !info.is("loading", "1") => Some(length(&redis, stream.key()).await?),
        _ => None,
    };
    let dead_letters = if info.is("loading", "1") { 0 } else { length(&redis, keys::DEAD).await? };
    let detail = info.trouble();
    let state = RedisState {
        version: info.text("redis_version"),
        role: if info.is("role", "master") { "primary" } else { "replica" },
        replicas: info.number("connected_slaves"),
        persistence: Persistence {
            append_only: info.is("aof_enabled", "1"),
            last_write: info.text("aof_last_write_status"),
            last_snapshot: info.text("rdb_last_bgsave_status"),
        },
        memory_bytes: info.number("used_memory"),
        uptime_seconds: info.number("uptime_in_seconds"),
        events,
        dead_letters,
    };
    Ok((state, detail))
}

async fn length(redis: &SpinRedis, key: &str) -> Result<i64, String> {
    let reply = redis.repeat("XLEN", vec![key.as_bytes().to_vec()]).await.map_err(|e| away(&e))?;
    reply.first().and_then(|value| value.int().ok()).ok_or_else(|| "answers, but not as a Redis".to_owned())
}

/// What exactly is wrong goes to the log.
fn away(error: &event_store::Error) -> String {
    eprintln!("{error}");
    match error {
        event_store::Error::Connection(_) => "does not answer",
        event_store::Error::Refused { .. } => "refuses to answer",
        event_store::Error::Reply(_) => "answers, but not as a Redis",
    }
    .to_owned()
}

/// What INFO says: lines of `name:value`.
struct Info<'a>(HashMap<&'a str, &'a str>);

impl<'a> Info<'a> {
    fn parse(text: &'a str) -> Self {
        Self(text.lines().filter_map(|line| line.trim_end().split_once(':')).collect())
    }

    fn text(&self, name: &str) -> String {
        self.0.get(name).copied().unwrap_or("unknown").to_owned()
    }

    fn number(&self, name: &str) -> u64 {
        self.0.get(name).and_then(|value| value.parse().ok()).unwrap_or_default()
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.0.get(name) == Some(&value)
    }

    /// It answers, and yet nothing can be written to it.
    fn trouble(&self) -> Option<String> {
        let detail = if !self.0.contains_key("redis_version") {
            "answers, but not as a Redis"
        } else if self.is("loading", "1") {
            "reads its log"
        } else if self.is("role", "slave") {
            "is a replica, and takes no writes"
        } else if self.is("aof_last_write_status", "err") {
            "cannot write its log"
        } else {
            return None;
        };
        Some(detail.to_owned())
    }
}

async fn user_service() -> Answer<()> {
    let url = setting("user_service_url").await.map_err(|_| "is not configured".to_owned())?;
    let answer = get(&url, "/user/actuator/health").await.map_err(|e| silent(&url, &e))?;
    match answer.get_status_code() {
        200 => Ok(((), None)),
        503 => Ok(((), Some("says that it is down".to_owned()))),
        other => Err(format!("answers with status {other}")),
    }
}

async fn worker() -> Answer<WorkerState> {
    let url = setting("worker_url").await.map_err(|_| "is not configured".to_owned())?;
    let answer = get(&url, "/readyz").await.map_err(|e| silent(&url, &e))?;
    let status = answer.get_status_code();
    let body = body_of(answer, MAX_READINESS).await.map_err(|e| silent(&url, &e))?;
    let state: WorkerState =
        serde_json::from_slice(&body).map_err(|_| format!("answers {status}, but not as a worker"))?;
    let detail = match (state.status.as_str(), state.caught_up) {
        ("UP", _) if status == 200 => None,
        (_, false) => Some("has not caught up yet".to_owned()),
        _ => Some("says that it is down".to_owned()),
    };
    Ok((state, detail))
}

fn silent(url: &str, error: &str) -> String {
    eprintln!("{url}: {error}");
    "does not answer".to_owned()
}
