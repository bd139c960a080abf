//! Reads a stream from where it starts to its end and then waits for more, for ever.
//!
//! It reads in large replies, and asks for the next one before it decodes what it has: Redis, the decoding, and the
//! writer work at the same time. What Redis says of the stream with each reply shows that nothing was taken from
//! under it; where events are missing, the tail stays before them.

mod decode;
mod gaps;
mod status;

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::StreamPosition;
use domain::event::Stream;
use redis::{ErrorKind, RedisError};
use tokio::sync::mpsc;

pub use decode::{Decoded, decode};
pub use status::TailStatus;

use crate::dead_letters::{DeadLetter, DeadLetters};
use crate::log::connection::Connection;
use crate::log::reply::{ReadError, Reply};
use crate::log::resp::MAX_REPLY;
use crate::log::standing::{Reached, Standing};
use crate::server::{Backoff, SAY_EVERY, Server};
use crate::snapshot::{StreamPart, Witness};
use crate::view::Entry;

/// A reply is asked for so that it has about this size. Half and twice of it are as fast, an eighth and eight times are
/// slower by a quarter and more; and Redis, which does nothing else while it collects one, is busy for a millisecond.
const REPLY_SIZE: usize = 512 << 10;
/// The first reply has so many entries; each one has at most twice as many as the one before, for nobody knows how large
/// they are.
const FIRST_COUNT: usize = 256;
/// No reply has more: small entries cost Redis and the tail more than their bytes.
const MAX_COUNT: usize = 10_000;
/// So many entries are decoded where they were received; more are worth a thread.
const INLINE: usize = 64;
/// How long XREAD waits for an event. How soon a dead connection or a missing event is noticed depends on it.
const BLOCK: Duration = Duration::from_secs(2);

/// What a tail hands to the writer.
#[derive(Debug)]
pub enum Batch {
    /// Entries, and how many of the stream have been read with them.
    Entries(Stream, Vec<Entry>, u64),
    /// The stream is another one than before.
    StartAgain(Stream),
}

pub struct Tail {
    stream: Stream,
    server: Server,
    status: Arc<TailStatus>,
    dead_letters: DeadLetters,
    batches: mpsc::Sender<Batch>,
    reached: Reached,
    /// An entry that was in the stream when the snapshot was written that this began with.
    witness: Witness,
    /// How many entries the next reply may have.
    count: usize,
    /// When it was last said that Redis is away, or that events are missing, if they are.
    said: Option<Instant>,
    /// Whether it was said that the stream has lost what was applied.
    said_removed: bool,
}

/// Why reading ended.
enum Ended {
    /// The writer is gone: the worker stops.
    Stopped,
    /// Something is wrong with the stream.
    Doubt,
}

impl Tail {
    /// One that reads what comes after `start`: the beginning, or where a snapshot ends.
    pub fn new(
        stream: Stream,
        server: Server,
        status: Arc<TailStatus>,
        dead_letters: DeadLetters,
        batches: mpsc::Sender<Batch>,
        start: StreamPart,
    ) -> Self {
        let (count, said, said_removed) = (FIRST_COUNT, None, false);
        let reached = Reached { position: start.position, entries: start.entries };
        let witness = start.witness;
        Self { stream, server, status, dead_letters, batches, reached, witness, count, said, said_removed }
    }

    /// Follows the stream until the writer is gone. Redis may come and go.
    pub async fn run(mut self) {
        let mut backoff = Backoff::default();
        loop {
            let since = Instant::now();
            match self.follow().await {
                Ok(()) => return,
                Err(ReadError::Redis(error)) => self.lost(&error),
                Err(ReadError::TooLarge { entry, first }) => self.pass_over(entry.filter(|_| first)).await,
            }
            if since.elapsed() > BLOCK {
                backoff.reset();
            }
            backoff.wait().await;
        }
    }

    /// Connects, and reads for as long as that works.
    async fn follow(&mut self) -> Result<(), ReadError> {
        let mut log = Connection::open(self.server.info()).await?;
        self.recognise(&mut log).await?;
        loop {
            self.settle(&mut log).await?;
            if let Ended::Stopped = self.read_on(&mut log).await? {
                return Ok(());
            }
        }
    }

    /// Reads on while what was read before is decoded and handed over.
    async fn read_on(&mut self, log: &mut Connection) -> Result<Ended, ReadError> {
        let (mut reply, mut spare) = (Reply::default(), Reply::default());
        log.ask(self.stream, self.reached.position, self.count, BLOCK).await?;
        log.receive(&mut reply).await?;
        loop {
            match self.standing(&reply) {
                Standing::Whole => self.whole(reply.info()).await,
                Standing::Gap(_) => return Ok(Ended::Doubt),
                Standing::Another(why) => {
                    self.start_again(why, reply.info()).await;
                    return Ok(Ended::Doubt);
                }
            }
            let next = Reached {
                position: reply.last().unwrap_or(self.reached.position),
                entries: self.reached.entries + reply.len() as u64,
            };
            self.pace(&reply);
            log.ask(self.stream, next.position, self.count, BLOCK).await?;
            // The socket is polled first, so that what Redis sends meanwhile finds room.
            let (received, handed_over) = tokio::join!(log.receive(&mut spare), self.hand_over(reply, next));
            let Some(done) = handed_over else {
                return Ok(Ended::Stopped);
            };
            reply = std::mem::replace(&mut spare, done);
            received?;
        }
    }

    /// How many entries to ask for next.
    fn pace(&mut self, reply: &Reply) {
        if !reply.is_empty() {
            let fit = REPLY_SIZE / (reply.size() / reply.len()).max(1);
            self.count = fit.clamp(1, MAX_COUNT).min(self.count * 2);
        }
    }

    /// Decodes a reply for the writer. What cannot be read becomes a dead letter, and is in Redis before what was
    /// reached moves on. Gives the reply back, to be used again; none: the writer is gone.
    async fn hand_over(&mut self, reply: Reply, next: Reached) -> Option<Reply> {
        if reply.is_empty() {
            return Some(reply);
        }
        let stream = self.stream;
        let (reply, decoded) = if reply.len() <= INLINE {
            let decoded = decode(stream, &reply);
            (reply, decoded)
        } else {
            let decoding = tokio::task::spawn_blocking(move || {
                let decoded = decode(stream, &reply);
                (reply, decoded)
            });
            decoding.await.inspect_err(|error| tracing::error!(%stream, %error, "decoding broke")).ok()?
        };
        for letter in &decoded.letters {
            self.dead_letters.write(letter).await;
        }
        self.reached = next;
        self.batches.send(Batch::Entries(stream, decoded.entries, next.entries)).await.ok()?;
        Some(reply)
    }

    /// After a reply that was too large: asks for one entry at a time, and makes a dead letter of one that is too large
    /// by itself.
    async fn pass_over(&mut self, entry: Option<StreamPosition>) {
        let alone = std::mem::replace(&mut self.count, 1) == 1;
        let Some(position) = entry.filter(|_| alone) else {
            let what = format!("more than {MAX_REPLY} bytes: asking for less");
            return self.lost(&RedisError::from((ErrorKind::Parse, "a reply is too large", what)));
        };
        let reason = format!("the entry has more than {MAX_REPLY} bytes");
        self.dead_letters.write(&DeadLetter { stream: self.stream, position, kind: String::new(), reason }).await;
        self.reached = Reached { position, entries: self.reached.entries + 1 };
        let entry = Entry { position, event: None };
        // A writer that is gone is noticed at the next batch.
        let _ = self.batches.send(Batch::Entries(self.stream, vec![entry], self.reached.entries)).await;
    }

    fn found(&mut self) {
        self.status.set_connected(true);
        let redis = self.server.address();
        tracing::info!(stream = %self.stream, redis, position = %self.reached.position, "following");
        self.said = None;
    }

    /// Redis is away, and says so; of one that stays away, or reads its log back, again and again.
    fn lost(&mut self, error: &RedisError) {
        self.status.set_connected(false);
        let redis = self.server.address();
        if self.said.is_none_or(|said| said.elapsed() >= SAY_EVERY) {
            tracing::warn!(stream = %self.stream, redis, %error, "without Redis, trying again");
            self.said = Some(Instant::now());
        } else {
            tracing::debug!(stream = %self.stream, redis, %error, "still without Redis");
        }
    }
}
