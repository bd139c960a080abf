//! Whether a Redis server can be used: there, letting us in, new enough, and the kind that we can work with.

use std::time::Duration;

use redis::{Client, InfoDict, RedisError};
use tokio::time::{Instant, sleep, timeout};

use crate::error::{Error, Result};
use crate::redis_url::RedisUrl;
use crate::report::Report;

const FIRST_VERSION: (u32, u32) = (7, 0);
const ONE_TRY: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(50);
/// The first tries are quiet: a server that is just being started answers within that.
const QUIET: Duration = Duration::from_millis(500);
/// A server that reads its log back answers LOADING: it is well, and a large log takes minutes.
const LOADING: Duration = Duration::from_secs(15 * 60);

/// What one try came to.
enum Try {
    Info(InfoDict),
    /// Nobody there, or not yet.
    Away(String),
    Loading,
    /// Waiting will not help.
    Never(Error),
}

/// Waits until the server can be used, at most `bound` while it does not answer.
pub async fn wait(url: &RedisUrl, bound: Duration, report: &dyn Report) -> Result<()> {
    let start = Instant::now();
    let mut told = false;
    let mut loading = false;
    loop {
        let (limit, message) = match once(url).await {
            Try::Info(info) => return judge(url, &info, report),
            Try::Never(error) => return Err(error),
            Try::Loading => {
                loading = true;
                (LOADING, format!("{url} is reading its log"))
            }
            Try::Away(why) if start.elapsed() < bound || loading => {
                (bound, format!("{url} does not answer yet: {why}"))
            }
            Try::Away(why) => {
                return Err(Error::failed(format!(
                    "no Redis at {url} after {} s: {why}. Start it, or correct REDIS_URL, or leave REDIS_URL away to use one of our own",
                    bound.as_secs_f32()
                )));
            }
        };
        if start.elapsed() >= limit {
            return Err(Error::failed(format!("{message}, after {} s", limit.as_secs())));
        }
        if !told && start.elapsed() > QUIET {
            told = true;
            report.step(&format!("{message}; waiting up to {} s", limit.as_secs()));
        }
        sleep(PAUSE).await;
    }
}

async fn once(url: &RedisUrl) -> Try {
    match timeout(ONE_TRY, info(url)).await {
        Err(_) => Try::Away(format!("no answer within {} s", ONE_TRY.as_secs())),
        Ok(Ok(info)) => Try::Info(info),
        Ok(Err(error)) => classify(url, &error),
    }
}

async fn info(url: &RedisUrl) -> std::result::Result<InfoDict, RedisError> {
    let client = Client::open(url.url())?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    redis::cmd("INFO").query_async(&mut connection).await
}

fn classify(url: &RedisUrl, error: &RedisError) -> Try {
    let code = error.code().unwrap_or_default();
    if code == "LOADING" {
        return Try::Loading;
    }
    if error.kind() == redis::ErrorKind::AuthenticationFailed || ["NOAUTH", "WRONGPASS"].contains(&code) {
        let what = if url.credentials().is_empty() {
            "asks for a password: write it into the URL, as redis://:password@host:port"
        } else {
            "does not accept this user and password"
        };
        return Try::Never(Error::refused(format!("{url} {what} ({error})")));
    }
    if error.is_io_error() || error.is_connection_dropped() || error.is_timeout() {
        return Try::Away(error.to_string());
    }
    Try::Never(Error::refused(format!("{url} answers, but not as a Redis server that we may use: {error}")))
}

fn judge(url: &RedisUrl, info: &InfoDict, report: &dyn Report) -> Result<()> {
    let field = |name: &str| info.get::<String>(name).unwrap_or_default();
    let version = field("redis_version");
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found < FIRST_VERSION {
        return Err(Error::refused(format!(
            "{url} is Redis {version}; 7.0 or later is needed. Upgrade it, or leave REDIS_URL away to use one of our own"
        )));
    }
    if field("cluster_enabled") == "1" {
        return Err(Error::refused(format!(
            "{url} is a Redis Cluster, whose redirections Spin's client does not follow: use a single server for each context (USER_REDIS_URL, FRIEND_REDIS_URL, VIEW_REDIS_URL)"
        )));
    }
    if field("role") == "slave" {
        return Err(Error::refused(format!(
            "{url} is a replica and takes no writes: use its primary, {}:{}",
            field("master_host"),
            field("master_port")
        )));
    }
    if field("aof_enabled") == "0" {
        report.step(&format!(
            "warning: {url} keeps no append-only log, so a crash of it loses acknowledged writes (CONFIG SET appendonly yes, appendfsync always)"
        ));
    }
    if !["", "noeviction"].contains(&field("maxmemory_policy").as_str()) {
        report.step(&format!(
            "warning: {url} forgets data when its memory is full (CONFIG SET maxmemory-policy noeviction)"
        ));
    }
    Ok(())
}
