//! Events that could not be read. `XRANGE events:dead - +` on the friend service's Redis shows them.

use std::sync::Arc;
use std::time::SystemTime;

use domain::event::Stream;
use domain::{StreamPosition, Timestamp};
use redis::Cmd;

use crate::metrics::Metrics;
use crate::server::{Backoff, Link, Server};

/// The name under which the worker's dead letters are written.
pub const PROJECTION: &str = "worker";
/// `XRANGE events:dead - +`
const LETTERS: &str = "events:dead";
/// `SMEMBERS events:dead:index`
const INDEX: &str = "events:dead:index";
/// Writes a letter unless it is there already: the worker reads every event again at each start. The index comes last,
/// for a script that fails half-way is not rolled back.
const WRITE: &str = "if redis.call('SISMEMBER', KEYS[1], ARGV[1]) == 1 then return 0 end \
                     redis.call('XADD', KEYS[2], '*', unpack(ARGV, 2)) \
                     return redis.call('SADD', KEYS[1], ARGV[1])";
/// A reason may quote what it refuses; more than this says no more.
const MAX_TEXT: usize = 500;

#[derive(Debug)]
pub struct DeadLetter {
    pub stream: Stream,
    pub position: StreamPosition,
    /// The event's type, if it has one.
    pub kind: String,
    pub reason: String,
}

pub struct DeadLetters {
    link: Link,
    metrics: Arc<Metrics>,
}

impl DeadLetters {
    pub fn new(server: Server, metrics: Arc<Metrics>) -> Self {
        Self { link: Link::new(server), metrics }
    }

    /// Writes a letter, however long it takes: an event that is neither applied nor noted would be lost.
    pub async fn write(&mut self, letter: &DeadLetter) {
        let command = command(letter);
        let mut backoff = Backoff::default();
        let mut announced = false;
        loop {
            match self.link.query::<bool>(&command).await {
                Ok(new) => {
                    self.metrics.dead_letter(letter.stream);
                    let DeadLetter { stream, position, reason, .. } = letter;
                    tracing::warn!(%stream, %position, %reason, new, "an event could not be read: dead letter");
                    return;
                }
                Err(error) if !announced => {
                    let redis = self.link.server().address();
                    tracing::error!(redis, %error, stream = %letter.stream, "cannot write a dead letter, the stream waits");
                    announced = true;
                }
                Err(_) => {}
            }
            backoff.wait().await;
        }
    }
}

fn command(letter: &DeadLetter) -> Cmd {
    let DeadLetter { stream, position, .. } = letter;
    let now = Timestamp::from(SystemTime::now());
    let mut command = redis::cmd("EVAL");
    command.arg(WRITE).arg(2).arg(INDEX).arg(LETTERS);
    command.arg(format!("{PROJECTION}/{stream}/{position}"));
    command.arg("projection").arg(PROJECTION).arg("stream").arg(stream.name());
    command.arg("position").arg(position.to_string()).arg("type").arg(shortened(&letter.kind));
    command.arg("reason").arg(shortened(&letter.reason)).arg("time").arg(now.to_string());
    command
}

fn shortened(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}
