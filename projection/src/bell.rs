//! Rings again for projections that stay behind: a doorbell may be lost, an event never is.
//!
//! Every second each checkpoint is compared with the end of its stream. One that is behind and has not moved since the
//! last look makes its stream's bell ring, once for all that stay behind. This is also where lag is measured.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use domain::StreamPosition;
use domain::event::Stream;
use redis::{Cmd, RedisResult, Value};
use tokio::time::{MissedTickBehavior, interval};

use crate::log::info::{StreamInfo, first_position};
use crate::metrics::Metrics;
use crate::server::{Link, Server};
use crate::tail::TailStatus;
use crate::view::View;

/// How long a checkpoint may stand still before its bell rings: what a lost ring costs at most, and one look more.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The generation of a projection that was never rebuilt.
const FIRST_GENERATION: &str = "1";

/// A projection of the Wasm side.
struct Projection {
    name: &'static str,
    home: Home,
    streams: &'static [Stream],
}

/// Which Redis a read model lives in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Home {
    Friend,
    View,
}

const PROJECTIONS: [Projection; 4] = [
    Projection { name: "people", home: Home::Friend, streams: &[Stream::User] },
    Projection { name: "directory", home: Home::View, streams: &[Stream::User] },
    Projection { name: "activity", home: Home::View, streams: &Stream::ALL },
    Projection { name: "stats", home: Home::View, streams: &Stream::ALL },
];

type Checkpoint = (&'static str, String, Stream);

pub struct Bell {
    user: Link,
    friend: Link,
    views: Link,
    view: Arc<View>,
    statuses: [Arc<TailStatus>; 2],
    metrics: Arc<Metrics>,
    /// The checkpoints of the last look; with where they stood, if that was behind.
    seen: HashMap<Checkpoint, Option<StreamPosition>>,
}

impl Bell {
    pub fn new(
        [user, friend, views]: [Server; 3],
        view: Arc<View>,
        statuses: [Arc<TailStatus>; 2],
        metrics: Arc<Metrics>,
    ) -> Self {
        let (user, friend, views) = (Link::new(user), Link::new(friend), Link::new(views));
        Self { user, friend, views, view, statuses, metrics, seen: HashMap::new() }
    }

    /// Looks and rings for ever.
    pub async fn run(mut self) {
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let mut ends = HashMap::new();
            for stream in Stream::ALL {
                match self.end_of(stream).await {
                    Ok(end) => drop(ends.insert(stream, end)),
                    // The tails say at a higher level that Redis is away.
                    Err(error) => tracing::debug!(%stream, %error, "cannot see the end of the stream"),
                }
            }
            let mut stuck = HashSet::new();
            for projection in &PROJECTIONS {
                if let Err(error) = self.look_at(projection, &ends, &mut stuck).await {
                    tracing::debug!(projection = projection.name, %error, "cannot see the checkpoints");
                }
            }
            for stream in stuck {
                self.ring(stream).await;
            }
        }
    }

    fn log(&mut self, stream: Stream) -> &mut Link {
        match stream {
            Stream::User => &mut self.user,
            Stream::Friend => &mut self.friend,
        }
    }

    /// The position of the stream's last entry; notes how far this worker is behind it.
    async fn end_of(&mut self, stream: Stream) -> RedisResult<StreamPosition> {
        let applied = self.view.positions().of(stream);
        let reply = self.log(stream).query(redis::cmd("XINFO").arg("STREAM").arg(stream.key())).await;
        let info = StreamInfo::from_reply(reply)?;
        let end = info.last.unwrap_or_default();
        let status = &self.statuses[stream as usize];
        status.saw(info.added.unwrap_or(info.length));
        let events = status.lag();
        let age = self.age_after(stream, applied, end).await?;
        self.metrics.lag(stream, events, age);
        Ok(end)
    }

    async fn look_at(
        &mut self,
        projection: &Projection,
        ends: &HashMap<Stream, StreamPosition>,
        stuck: &mut HashSet<Stream>,
    ) -> RedisResult<()> {
        let generations = self.generations(projection).await?;
        self.forget_others(projection.name, &generations);
        for generation in generations {
            for &stream in projection.streams {
                let Some(&end) = ends.get(&stream) else {
                    continue;
                };
                let at = self.checkpoint(projection, &generation, stream).await?;
                let age = self.age_after(stream, at, end).await?;
                self.metrics.checkpoint_lag(projection.name, generation.clone(), stream, age);
                let key = (projection.name, generation.clone(), stream);
                let before = self.seen.insert(key, (at < end).then_some(at));
                if at < end && before == Some(Some(at)) {
                    stuck.insert(stream);
                    let (projection, age) = (projection.name, age.as_millis());
                    tracing::debug!(projection, generation, %stream, %at, %end, age, "stays behind");
                }
            }
        }
        Ok(())
    }

    /// Generations go when another one takes their place; so does what is known of them.
    fn forget_others(&mut self, projection: &'static str, generations: &[String]) {
        let metrics = &self.metrics;
        self.seen.retain(|(name, generation, stream), _| {
            let stays = *name != projection || generations.contains(generation);
            if !stays {
                metrics.no_checkpoint(name, generation.clone(), *stream);
            }
            stays
        });
    }

    /// The generation that is read, and the one that is being built, if any.
    async fn generations(&mut self, projection: &Projection) -> RedisResult<Vec<String>> {
        let key = format!("projection:{}", projection.name);
        let command = redis::cmd("HMGET").arg(key).arg("live").arg("building").to_owned();
        let (live, building): (Option<String>, Option<String>) = self.home(projection).query(&command).await?;
        let mut generations = vec![live.unwrap_or_else(|| FIRST_GENERATION.to_owned())];
        generations.extend(building.filter(|building| !building.is_empty() && *building != generations[0]));
        Ok(generations)
    }

    async fn checkpoint(
        &mut self,
        projection: &Projection,
        generation: &str,
        stream: Stream,
    ) -> RedisResult<StreamPosition> {
        let key = format!("projection:{}:{generation}:checkpoint", projection.name);
        let command: Cmd = redis::cmd("HGET").arg(key).arg(stream.name()).to_owned();
        let text: Option<String> = self.home(projection).query(&command).await?;
        Ok(text.and_then(|text| text.parse().ok()).unwrap_or_default())
    }

    fn home(&mut self, projection: &Projection) -> &mut Link {
        match projection.home {
            Home::Friend => &mut self.friend,
            Home::View => &mut self.views,
        }
    }

    /// How old the first entry after `at` is; zero if there is none before or at `end`.
    async fn age_after(&mut self, stream: Stream, at: StreamPosition, end: StreamPosition) -> RedisResult<Duration> {
        if at >= end {
            return Ok(Duration::ZERO);
        }
        let mut command = redis::cmd("XRANGE");
        command.arg(stream.key()).arg(format!("({at}")).arg("+").arg("COUNT").arg(1);
        let Some(first) = first_position(&self.log(stream).query::<Value>(&command).await?)? else {
            return Ok(Duration::ZERO);
        };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Ok(now.saturating_sub(Duration::from_millis(first.millis)))
    }

    async fn ring(&mut self, stream: Stream) {
        let command: Cmd = redis::cmd("PUBLISH").arg(stream.key()).arg(stream.name()).to_owned();
        match self.log(stream).query::<u64>(&command).await {
            Ok(heard) => {
                self.metrics.ring(stream);
                tracing::debug!(%stream, heard, "rang again");
            }
            Err(error) => tracing::debug!(%stream, %error, "cannot ring"),
        }
    }
}
