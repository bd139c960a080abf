//! Projections: a pure function from an event to writes, plus a checkpoint that moves with them.
//!
//! Whoever is rung reads the stream from the checkpoint until it is empty and applies each batch with one script that compares
//! the checkpoint, writes, and advances it. So a batch counts exactly once, whoever rings, however often, in how many replicas.
//! An event that cannot be applied goes to the dead letters and the rest goes on.
//!
//! A projection has generations. Queries read the live one; a rebuild fills another one beside it, from the first event on, and
//! is swapped in when it has caught up. Nobody ever reads half of it.

pub mod activity;
pub mod directory;
pub mod people;
pub mod stats;
mod write;

pub use write::Write;
use write::added_up;

use domain::{Recorded, StreamPosition, Timestamp, event::Stream};

use crate::{
    Error, Redis, Value, keys,
    read::{self, RawEntry},
    script::{APPLY, Again, SWAP},
};

/// Events a batch. Large enough that a round trip is cheap beside it, small enough that commands do not wait for long while
/// Redis applies it: an event of the directory takes about 20 us.
const BATCH: usize = 100;
/// How often an event is tried before it goes to the dead letters.
const TRIES: usize = 3;
/// Batches of a rebuild a ring, so that the doorbell of other projections is not held up for long.
const BUILD_BATCHES: usize = 100;
/// How often a ring begins again because the live generation was replaced under its feet: each time costs a whole rebuild
/// elsewhere, so more than one is rare already.
const ROUNDS: usize = 4;

/// A read model that follows the log.
pub trait Projection {
    const NAME: &'static str;

    /// What an event does to a generation of the read model. Pure.
    fn project(generation: &str, event: &Recorded) -> Vec<Write>;
}

/// Where a projection reads and writes.
pub struct Stores<'a, R> {
    /// The streams that it follows, and where each is.
    pub sources: &'a [(Stream, &'a R)],
    /// Where the read model is kept.
    pub target: &'a R,
}

/// Answers a ring: applies everything that is new, and goes on with a rebuild if there is one. Returns how many events were
/// applied. Errors: a Redis is away; the checkpoint says how far it came, and the next ring goes on there.
pub async fn catch_up<P: Projection, R: Redis>(stores: &Stores<'_, R>, now: Timestamp) -> Result<usize, Error> {
    // The bell is cleared before reading: whatever is appended after this rings again.
    for (stream, source) in stores.sources {
        source.repeat("DEL", vec![keys::bell(*stream).into_bytes()]).await?;
    }
    let mut applied = 0;
    for _ in 0..ROUNDS {
        let round = round::<P, R>(stores, now).await?;
        applied += round.applied;
        if !round.retired {
            break;
        }
    }
    Ok(applied)
}

/// Reads everything new into the live generation, then goes on with the one that is being built. Retired where the live
/// generation was replaced meanwhile: what is new may be missing in the one that is live now.
async fn round<P: Projection, R: Redis>(stores: &Stores<'_, R>, now: Timestamp) -> Result<Drained, Error> {
    let (live, building) = generations::<P>(stores.target).await?;
    let mut round = Drained::default();
    for (stream, source) in stores.sources {
        let drained = Follower::<P, R>::new(*stream, *source, stores.target, &live, now).drain(usize::MAX).await?;
        round.applied += drained.applied;
        round.retired |= drained.retired;
    }
    if let Some(building) = building {
        for (stream, source) in stores.sources {
            let follower = Follower::<P, R>::new(*stream, *source, stores.target, &building, now);
            round.applied += follower.drain(BUILD_BATCHES).await?.applied;
        }
        swap::<P>(stores.target, &live, &building).await?;
    }
    Ok(round)
}

/// What a follower has done.
#[derive(Debug, Default)]
struct Drained {
    applied: usize,
    /// Its generation is neither live nor being built (any more).
    retired: bool,
}

/// Which generation is live, and which is being built.
pub async fn generations<P: Projection>(target: &impl Redis) -> Result<(String, Option<String>), Error> {
    let words = [keys::projection(P::NAME), "live".to_owned(), "building".to_owned()];
    let reply = target.repeat("HMGET", words.into_iter().map(String::into_bytes).collect()).await?;
    let text = |index: usize| match reply.get(index) {
        Some(value @ Value::Bytes(_)) => value.text().map(|text| Some(text.to_owned())),
        _ => Ok(None),
    };
    Ok((text(0)?.unwrap_or_else(|| "1".to_owned()), text(1)?))
}

async fn swap<P: Projection>(target: &impl Redis, live: &str, building: &str) -> Result<bool, Error> {
    let keys = [keys::projection(P::NAME), keys::checkpoint(P::NAME, live), keys::checkpoint(P::NAME, building)];
    let reply = SWAP.run(target, &[&keys[0], &keys[1], &keys[2]], &[live, building], Again::Freely).await?;
    Ok(reply.first().map_or(Ok(0), Value::int)? == 1)
}

/// What became of a batch.
enum Applied {
    Yes,
    /// Another one was here first.
    Stale,
    /// The generation is neither live nor being built.
    Retired,
    Refused(String),
}

/// One stream's way into one generation of a projection.
struct Follower<'a, P, R> {
    stream: Stream,
    source: &'a R,
    target: &'a R,
    generation: &'a str,
    checkpoint: String,
    now: Timestamp,
    projection: std::marker::PhantomData<P>,
}

impl<'a, P: Projection, R: Redis> Follower<'a, P, R> {
    fn new(stream: Stream, source: &'a R, target: &'a R, generation: &'a str, now: Timestamp) -> Self {
        let checkpoint = keys::checkpoint(P::NAME, generation);
        Self { stream, source, target, generation, checkpoint, now, projection: std::marker::PhantomData }
    }

    async fn drain(&self, batches: usize) -> Result<Drained, Error> {
        let mut at = self.position().await?;
        let mut drained = Drained::default();
        for _ in 0..batches {
            let entries = read::entries(self.source, self.stream, at, BATCH).await?;
            if entries.is_empty() {
                break;
            }
            match self.apply(at, &entries, None).await? {
                Applied::Yes => {
                    (drained.applied, at) = (drained.applied + entries.len(), last(&entries));
                    // That was all: what has come since has rung again.
                    if entries.len() < BATCH {
                        break;
                    }
                }
                Applied::Stale => at = self.position().await?,
                Applied::Retired => {
                    drained.retired = true;
                    break;
                }
                Applied::Refused(_) => {
                    drained.applied += self.one_by_one(at, &entries).await?;
                    at = self.position().await?;
                }
            }
        }
        Ok(drained)
    }

    async fn position(&self) -> Result<StreamPosition, Error> {
        let words = vec![self.checkpoint.clone().into_bytes(), self.stream.name().as_bytes().to_vec()];
        match self.target.repeat("HGET", words).await?.first() {
            Some(value @ Value::Bytes(_)) => {
                let text = value.text()?;
                text.parse().map_err(|_| Error::Reply(format!("checkpoint {} is {text:?}", self.checkpoint)))
            }
            _ => Ok(StreamPosition::START),
        }
    }

    /// Finds the event that a batch was refused for: each is tried alone, and put aside when it is refused every time. Returns
    /// how many it did before somebody else came first. Errors: one can neither be applied nor be put aside.
    async fn one_by_one(&self, mut at: StreamPosition, entries: &[RawEntry]) -> Result<usize, Error> {
        for (done, entry) in entries.iter().enumerate() {
            let one = std::slice::from_ref(entry);
            let mut outcome = Applied::Stale;
            for _ in 0..TRIES {
                outcome = self.apply(at, one, None).await?;
                if !matches!(outcome, Applied::Refused(_)) {
                    break;
                }
            }
            if let Applied::Refused(reason) = outcome {
                outcome = self.apply(at, one, Some(&reason)).await?;
            }
            match outcome {
                Applied::Yes => at = entry.position,
                Applied::Stale | Applied::Retired => return Ok(done),
                Applied::Refused(detail) => return Err(Error::Refused { command: "a dead letter".to_owned(), detail }),
            }
        }
        Ok(entries.len())
    }

    /// Applies entries, or puts them aside for a reason. `at` is where the checkpoint must stand.
    async fn apply(&self, at: StreamPosition, entries: &[RawEntry], dead: Option<&str>) -> Result<Applied, Error> {
        let mut words = vec![
            self.generation.to_owned(),
            self.stream.name().to_owned(),
            at.to_string(),
            last(entries).to_string(),
            P::NAME.to_owned(),
        ];
        let writes = entries.iter().flat_map(|entry| match (dead, entry.decode()) {
            (None, Ok(event)) => P::project(self.generation, &event),
            (Some(reason), _) => vec![self.put_aside(entry, reason.to_owned())],
            (None, Err(reason)) => vec![self.put_aside(entry, reason.to_string())],
        });
        added_up(writes).into_iter().for_each(|write| write.into_words(&mut words));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let keys = [&keys::projection(P::NAME), self.checkpoint.as_str()];
        // Sent twice it is stale the second time: that is what the checkpoint is for.
        let reply = APPLY.run(self.target, &keys, &words, Again::Freely).await?;
        match reply.first().map_or(Ok(""), Value::text)? {
            "applied" => Ok(Applied::Yes),
            "stale" => Ok(Applied::Stale),
            "retired" => Ok(Applied::Retired),
            "refused" => Ok(Applied::Refused(reply.get(1).map_or(Ok(""), Value::text)?.to_owned())),
            other => Err(Error::Reply(format!("apply answered {other:?}"))),
        }
    }

    fn put_aside(&self, entry: &RawEntry, reason: String) -> Write {
        let kind = entry.field("type").unwrap_or_default().to_owned();
        Write::Dead { position: entry.position, kind, reason, time: self.now }
    }
}

fn last(entries: &[RawEntry]) -> StreamPosition {
    entries.last().map_or(StreamPosition::START, |entry| entry.position)
}
