//! `social rebuild <projection>`: fills a new generation of a read model beside the live one, from the first event on, and
//! swaps it in. The running system does the work; this starts it, rings the doorbell, shows how far it is, and clears the old
//! generation away.

use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use domain::{StreamPosition, event::Stream};
use event_store::{Redis, Value, keys, native::NativeRedis, read};

use crate::{
    error::{Error, Result},
    report::{Console, Report},
    settings::{DataDir, RedisUrls},
    stores::Stores,
};

/// Between two rings. A ring builds at most 10,000 events.
const RING_EVERY: Duration = Duration::from_millis(50);
/// Between two reports of how far it is.
const REPORT_EVERY: Duration = Duration::from_secs(1);
/// So long without a step forward, and nobody seems to be answering the rings.
const PATIENCE: Duration = Duration::from_secs(10);
/// Keys looked at in one step while an old generation is cleared away.
const SCAN_COUNT: &str = "1000";

/// The read models that projections of the Spin application keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Projection {
    People,
    Directory,
    Activity,
    Stats,
}

impl Projection {
    pub fn name(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::Directory => "directory",
            Self::Activity => "activity",
            Self::Stats => "stats",
        }
    }

    fn streams(self) -> &'static [Stream] {
        match self {
            Self::People | Self::Directory => &[Stream::User],
            Self::Activity | Self::Stats => &Stream::ALL,
        }
    }
}

#[derive(Args, Clone, Debug)]
pub struct RebuildSettings {
    /// Which read model
    projection: Projection,
    #[command(flatten)]
    data_dir: DataDir,
    #[command(flatten)]
    redis: RedisUrls,
}

pub async fn run(settings: &RebuildSettings) -> Result<()> {
    let report = Console::new();
    let stores = Stores::open(&settings.data_dir, &settings.redis, &report).await?;
    let outcome = match Servers::connect(&stores).await {
        Ok(servers) => rebuild(&servers, settings.projection, &report).await,
        Err(error) => Err(error),
    };
    stores.close().await;
    outcome
}

/// A connection to each context's server.
pub struct Servers {
    pub user: NativeRedis,
    pub friend: NativeRedis,
    pub view: NativeRedis,
}

impl Servers {
    pub async fn connect(stores: &Stores) -> Result<Self> {
        let open = async |url: String| NativeRedis::open(&url).await.map_err(failed);
        Ok(Self {
            user: open(stores.contexts.user.url()).await?,
            friend: open(stores.contexts.friend.url()).await?,
            view: open(stores.contexts.view.url()).await?,
        })
    }

    fn source(&self, stream: Stream) -> &NativeRedis {
        match stream {
            Stream::User => &self.user,
            Stream::Friend => &self.friend,
        }
    }

    /// Where a projection keeps its read model.
    pub fn target(&self, projection: Projection) -> &NativeRedis {
        match projection {
            Projection::People => &self.friend,
            Projection::Directory | Projection::Activity | Projection::Stats => &self.view,
        }
    }
}

pub fn failed(error: event_store::Error) -> Error {
    Error::failed(error.to_string())
}

/// Rebuilds one projection. Errors: nobody answers the doorbell; a Redis is away.
pub async fn rebuild(servers: &Servers, projection: Projection, report: &dyn Report) -> Result<()> {
    let (name, target) = (projection.name(), servers.target(projection));
    let (live, building) = generations(target, projection).await?;
    let (old, new) = (live, building.unwrap_or(live + 1));
    let building = vec![keys::projection(name), "building".to_owned(), new.to_string()];
    command(target, "HSET", building).await?;

    let mut seen = (Instant::now(), Vec::new());
    let mut reported: Option<Instant> = None;
    while generations(target, projection).await?.0 != new {
        let mut positions = Vec::new();
        for stream in projection.streams() {
            let source = servers.source(*stream);
            command(source, "PUBLISH", vec![stream.key().to_owned(), stream.key().to_owned()]).await?;
            positions.push((*stream, position(target, name, new, *stream).await?));
        }
        if reported.is_none_or(|at| at.elapsed() > REPORT_EVERY) {
            report.waiting(&format!("{name}: {}", progress(servers, &positions).await?));
            reported = Some(Instant::now());
        }
        if seen.1 != positions {
            seen = (Instant::now(), positions);
        } else if seen.0.elapsed() > PATIENCE {
            return Err(Error::failed(format!(
                "the rebuild of {name} does not move: is the system running (`make up`)? It goes on when somebody answers"
            )));
        }
        tokio::time::sleep(RING_EVERY).await;
    }
    let cleared = clear(target, name, old).await?;
    report.step(&format!("{name}: generation {new} is live; {cleared} keys of generation {old} are gone"));
    Ok(())
}

async fn progress(servers: &Servers, positions: &[(Stream, StreamPosition)]) -> Result<String> {
    let mut parts = Vec::new();
    for (stream, at) in positions {
        let end = read::last(servers.source(*stream), *stream).await.map_err(failed)?;
        parts.push(format!("{stream} events up to {at} of {end}"));
    }
    Ok(parts.join(", "))
}

async fn generations(target: &NativeRedis, projection: Projection) -> Result<(u64, Option<u64>)> {
    let words = vec![keys::projection(projection.name()), "live".to_owned(), "building".to_owned()];
    let reply = command(target, "HMGET", words).await?;
    let number =
        |index: usize| reply.get(index).and_then(Value::bytes).and_then(|b| std::str::from_utf8(b).ok()?.parse().ok());
    Ok((number(0).unwrap_or(1), number(1)))
}

async fn position(target: &NativeRedis, name: &str, generation: u64, stream: Stream) -> Result<StreamPosition> {
    let words = vec![keys::checkpoint(name, &generation.to_string()), stream.name().to_owned()];
    let reply = command(target, "HGET", words).await?;
    let text = reply.first().and_then(Value::bytes).and_then(|bytes| std::str::from_utf8(bytes).ok());
    Ok(text.and_then(|text| text.parse().ok()).unwrap_or(StreamPosition::START))
}

/// Removes what an old generation holds. Nobody reads it any more.
async fn clear(target: &NativeRedis, name: &str, generation: u64) -> Result<usize> {
    let mut cleared = 0;
    for pattern in [format!("{name}:{generation}:*"), keys::checkpoint(name, &generation.to_string())] {
        for key in scan(target, &pattern).await? {
            command(target, "UNLINK", vec![key]).await?;
            cleared += 1;
        }
    }
    Ok(cleared)
}

/// Every key that matches a pattern.
pub async fn scan(redis: &NativeRedis, pattern: &str) -> Result<Vec<String>> {
    let mut cursor = "0".to_owned();
    let mut found = std::collections::BTreeSet::new();
    loop {
        let words = [cursor.as_str(), "MATCH", pattern, "COUNT", SCAN_COUNT].map(str::to_owned).to_vec();
        let reply = command(redis, "SCAN", words).await?;
        let (next, keys) = reply.split_first().ok_or_else(|| Error::failed("Redis answered nothing to SCAN"))?;
        for key in keys {
            found.insert(key.text().map_err(failed)?.to_owned());
        }
        cursor = next.text().map_err(failed)?.to_owned();
        if cursor == "0" {
            return Ok(found.into_iter().collect());
        }
    }
}

pub async fn command(redis: &NativeRedis, name: &'static str, words: Vec<String>) -> Result<Vec<Value>> {
    redis.repeat(name, words.into_iter().map(String::into_bytes).collect()).await.map_err(failed)
}
