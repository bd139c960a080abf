//! How a stream is recognised as the one that a snapshot was made from: an entry of it, by position and content.
//!
//! Positions alone do not tell. A log that was deleted and begun anew may have grown beyond the old position, and a
//! backup that was restored has other events after some moment than the log from before. Entries are never changed, so
//! the same content at the same place means the same history up to there.

use domain::StreamPosition;
use domain::event::Stream;
use redis::aio::ConnectionLike;
use redis::{Cmd, RedisResult, Value};
use xxhash_rust::xxh3::Xxh3;

/// An entry that was in the stream. The default, at the beginning, says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Witness {
    pub position: StreamPosition,
    /// XXH3 of the entry.
    pub fingerprint: u64,
}

impl Witness {
    /// Asks for the entry at a position.
    pub fn command(stream: Stream, position: StreamPosition) -> Cmd {
        let mut command = redis::cmd("XRANGE");
        command.arg(stream.key()).arg(position.to_string()).arg(position.to_string());
        command
    }

    /// The witness from the reply, if the entry is there. The beginning needs none.
    pub fn of(position: StreamPosition, reply: &Value) -> Option<Self> {
        match reply {
            _ if position == StreamPosition::START => Some(Self::default()),
            Value::Array(entries) => entries.first().map(|entry| Self { position, fingerprint: fingerprint(entry) }),
            _ => None,
        }
    }

    /// Whether the stream is the one that the witness was taken from, as far as can be told: of one that was trimmed
    /// beyond it nothing can be.
    pub async fn recognises(&self, connection: &mut impl ConnectionLike, stream: Stream) -> RedisResult<bool> {
        let reply = Self::command(stream, self.position).query_async(connection).await?;
        match Self::of(self.position, &reply) {
            Some(there) => Ok(there == *self),
            None => trimmed_after(connection, stream, self.position).await,
        }
    }
}

/// Whether the stream begins after a position because what was before has been trimmed.
async fn trimmed_after(
    connection: &mut impl ConnectionLike,
    stream: Stream,
    position: StreamPosition,
) -> RedisResult<bool> {
    let mut command = redis::cmd("XRANGE");
    command.arg(stream.key()).arg("-").arg(position.to_string()).arg("COUNT").arg(1);
    let Value::Array(before) = command.query_async(connection).await? else {
        return Ok(false);
    };
    if !before.is_empty() {
        return Ok(false);
    }
    let exists: bool = redis::cmd("EXISTS").arg(stream.key()).query_async(connection).await?;
    if !exists {
        return Ok(false);
    }
    let info: Value = redis::cmd("XINFO").arg("STREAM").arg(stream.key()).query_async(connection).await?;
    Ok(number(&info, b"entries-added") > number(&info, b"length"))
}

fn number(info: &Value, name: &[u8]) -> Option<i64> {
    let Value::Array(fields) = info else {
        return None;
    };
    let (pairs, _) = fields.as_chunks::<2>();
    pairs.iter().find_map(|pair| match pair {
        [Value::BulkString(field), Value::Int(number)] if field == name => Some(*number),
        _ => None,
    })
}

fn fingerprint(entry: &Value) -> u64 {
    fn add(value: &Value, hash: &mut Xxh3) {
        match value {
            Value::BulkString(bytes) => {
                hash.update(&(bytes.len() as u64).to_le_bytes());
                hash.update(bytes);
            }
            Value::Array(values) => values.iter().for_each(|value| add(value, hash)),
            // Redis sends entries as strings in arrays.
            _ => {}
        }
    }
    let mut hash = Xxh3::new();
    add(entry, &mut hash);
    hash.digest()
}
