//! Reads a stream from its beginning to its end and then waits for more, for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use domain::event::{Recorded, Stream};
use domain::{StreamPosition, Undecodable};
use redis::aio::MultiplexedConnection;
use redis::{RedisResult, Value};
use tokio::sync::mpsc;

use crate::dead_letters::{DeadLetter, DeadLetters};
use crate::entries::{RawEntry, read_entries};
use crate::server::{Backoff, SAY_EVERY, Server};
use crate::snapshot::{StreamPart, Witness};
use crate::view::Entry;

/// Entries of one XREAD: about 400 kB, and a few milliseconds of work.
const READ_COUNT: usize = 1000;
/// How long XREAD waits for an event. Only how soon a dead connection is noticed depends on it.
const BLOCK: Duration = Duration::from_secs(2);

/// What a tail hands to the writer.
#[derive(Debug)]
pub enum Batch {
    Entries(Stream, Vec<Entry>),
    /// The stream is another one than before.
    StartAgain(Stream),
}

/// How a tail is doing, for others to see.
#[derive(Debug, Default)]
pub struct TailStatus {
    connected: AtomicBool,
    /// Entries read, of all that are in the stream.
    entries: AtomicU64,
    /// Whether the tail knows where the stream ended when it began.
    aimed: AtomicBool,
    target: parking_lot::Mutex<StreamPosition>,
}

impl TailStatus {
    pub fn connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    pub fn entries(&self) -> u64 {
        self.entries.load(Ordering::Relaxed)
    }

    /// Where the stream ended when the tail first saw it, if it has.
    pub fn target(&self) -> Option<StreamPosition> {
        self.aimed.load(Ordering::Acquire).then(|| *self.target.lock())
    }
}

pub struct Tail {
    pub stream: Stream,
    pub server: Server,
    pub status: Arc<TailStatus>,
    pub dead_letters: DeadLetters,
    pub batches: mpsc::Sender<Batch>,
    position: StreamPosition,
    /// An entry that was in the stream when the snapshot was written that this began with.
    witness: Witness,
    /// When it was last said that Redis is away, if it is.
    said: Option<Instant>,
}

/// The writer is gone: the worker stops.
struct Stopped;

impl Tail {
    pub fn new(
        stream: Stream,
        server: Server,
        status: Arc<TailStatus>,
        dead_letters: DeadLetters,
        batches: mpsc::Sender<Batch>,
    ) -> Self {
        Self {
            stream,
            server,
            status,
            dead_letters,
            batches,
            position: StreamPosition::START,
            witness: Witness::default(),
            said: None,
        }
    }

    /// Goes on from where a snapshot ends.
    pub fn from(mut self, part: &StreamPart) -> Self {
        (self.position, self.witness) = (part.position, part.witness);
        self.status.entries.store(part.entries, Ordering::Relaxed);
        self
    }

    /// Follows the stream until the writer is gone. Redis may come and go.
    pub async fn run(mut self) {
        let mut backoff = Backoff::default();
        loop {
            match self.open().await {
                Ok(mut connection) => {
                    self.changed(true, None);
                    let since = Instant::now();
                    match self.follow(&mut connection).await {
                        Ok(Stopped) => return,
                        Err(error) => self.changed(false, Some(&error)),
                    }
                    if since.elapsed() > BLOCK {
                        backoff.reset();
                    }
                }
                Err(error) => self.changed(false, Some(&error)),
            }
            backoff.wait().await;
        }
    }

    /// Connects, and looks where the stream ends.
    async fn open(&mut self) -> RedisResult<MultiplexedConnection> {
        let mut connection = self.server.connect(BLOCK).await?;
        let newest = newest(&mut connection, self.stream).await?;
        if newest < self.position {
            tracing::error!(
                stream = %self.stream, applied = %self.position, %newest,
                "the stream ends before what was applied: Redis has lost events; reading it again from its beginning"
            );
            self.start_again().await;
        } else if !self.witness.recognises(&mut connection, self.stream).await? {
            tracing::error!(
                stream = %self.stream, applied = %self.position, witness = %self.witness.position,
                "the stream is another one than that of the snapshot: reading it from its beginning"
            );
            self.start_again().await;
        }
        if !self.status.aimed.load(Ordering::Acquire) {
            *self.status.target.lock() = newest;
            self.status.aimed.store(true, Ordering::Release);
        }
        Ok(connection)
    }

    async fn start_again(&mut self) {
        (self.position, self.witness) = (StreamPosition::START, Witness::default());
        self.status.entries.store(0, Ordering::Relaxed);
        self.status.aimed.store(false, Ordering::Release);
        // A writer that is gone is noticed at the next batch.
        let _ = self.batches.send(Batch::StartAgain(self.stream)).await;
    }

    /// Reads on while what was read before is decoded and handed over: Redis and this task work at the same time.
    async fn follow(&mut self, connection: &mut MultiplexedConnection) -> RedisResult<Stopped> {
        let mut reply = read(connection, self.stream, self.position).await?;
        loop {
            let entries = read_entries(&reply)?;
            let position = entries.last().map_or(self.position, |last| last.position);
            let next = read(connection, self.stream, position);
            // The next read is polled first, so Redis is asked before the decoding begins.
            let (next, handed_over) = tokio::join!(next, self.hand_over(entries, position));
            if handed_over.is_err() {
                return Ok(Stopped);
            }
            reply = next?;
        }
    }

    /// Decodes entries for the writer, up to and including `last`.
    async fn hand_over(&mut self, entries: Vec<RawEntry<'_>>, last: StreamPosition) -> Result<(), Stopped> {
        if entries.is_empty() {
            return Ok(());
        }
        let count = entries.len() as u64;
        let mut batch = Vec::with_capacity(entries.len());
        for raw in entries {
            batch.push(self.decode(&raw).await);
        }
        self.position = last;
        self.status.entries.fetch_add(count, Ordering::Relaxed);
        self.batches.send(Batch::Entries(self.stream, batch)).await.map_err(|_| Stopped)
    }

    /// Reads an entry; what cannot be read becomes a dead letter, and is in Redis before the position moves on.
    async fn decode(&mut self, raw: &RawEntry<'_>) -> Entry {
        let fields = raw.fields.iter().copied();
        match Recorded::from_fields(self.stream, raw.position, fields) {
            Ok(recorded) => Entry { position: raw.position, event: Some(recorded.event) },
            Err(reason) => {
                self.bury(raw, &reason).await;
                Entry { position: raw.position, event: None }
            }
        }
    }

    async fn bury(&mut self, raw: &RawEntry<'_>, reason: &Undecodable) {
        let letter = DeadLetter {
            stream: self.stream,
            position: raw.position,
            kind: String::from_utf8_lossy(raw.field(b"type").unwrap_or_default()).into_owned(),
            reason: reason.to_string(),
        };
        self.dead_letters.write(&letter).await;
    }

    /// Notes that Redis came or went, and says so; of one that stays away, or reads its log back, again and again.
    fn changed(&mut self, connected: bool, error: Option<&redis::RedisError>) {
        self.status.connected.store(connected, Ordering::Relaxed);
        let redis = self.server.address();
        match error {
            None => {
                tracing::info!(stream = %self.stream, redis, position = %self.position, "following");
                self.said = None;
            }
            Some(error) if self.said.is_none_or(|said| said.elapsed() >= SAY_EVERY) => {
                tracing::warn!(stream = %self.stream, redis, %error, "without Redis, trying again");
                self.said = Some(Instant::now());
            }
            Some(error) => tracing::debug!(stream = %self.stream, redis, %error, "still without Redis"),
        }
    }
}

async fn read(connection: &mut MultiplexedConnection, stream: Stream, after: StreamPosition) -> RedisResult<Value> {
    let mut command = redis::cmd("XREAD");
    command.arg("COUNT").arg(READ_COUNT).arg("BLOCK").arg(BLOCK.as_millis() as u64);
    command.arg("STREAMS").arg(stream.key()).arg(after.to_string());
    command.query_async(connection).await
}

/// The position of the last entry, the beginning if there is none.
pub async fn newest(connection: &mut MultiplexedConnection, stream: Stream) -> RedisResult<StreamPosition> {
    let mut command = redis::cmd("XREVRANGE");
    command.arg(stream.key()).arg("+").arg("-").arg("COUNT").arg(1);
    let reply: Value = command.query_async(connection).await?;
    crate::entries::first_position(&reply)
}
