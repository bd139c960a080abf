//! Every key, with the redis-cli line that shows it. Streams are named in [`domain::event::Stream::key`].
//!
//! | where | key | look at it |
//! | --- | --- | --- |
//! | user | `events:user` | `XRANGE events:user - + COUNT 3` |
//! | user | a user's current state | `GET user:42` |
//! | user | the last allocated id | `GET user:last-id` |
//! | user | the answer to an Idempotency-Key | `GET user:idempotency:<key>` |
//! | friend | `events:friend` | `XREVRANGE events:friend + - COUNT 3` |
//! | user, friend | a ring of the doorbell is outstanding | `PTTL events:user:bell` |
//! | friend | the last allocated number | `GET friendship:last-id` |
//! | friend | the answer to an Idempotency-Key | `GET friend:idempotency:<key>` |
//! | friend | a friendship's current state | `GET friendship:1-42` |
//! | friend | a person's friends, by friendship | `ZRANGE friends:42 0 -1 WITHSCORES` |
//! | friend | whose friendship a number is | `GET friendship:id:7` |
//! | friend | the replica of who exists, a bit a person | `GETBIT people:1:0 42` |
//! | view | people by name | `ZRANGE directory:1:index 0 10` |
//! | view | their records, and what the index holds of each | `HGET directory:1:people 42`, `HGET directory:1:entries 42` |
//! | view | a timeline | `ZRANGE activity:1:of:42 0 -1` |
//! | view | totals | `HGETALL stats:1:totals` |
//! | view | what each minute of a day brought | `HGETALL stats:1:minutes:2026-11-22` |
//! | target | which generation of a projection is live | `HGETALL projection:directory` |
//! | target | how far it has read | `HGETALL projection:directory:1:checkpoint` |
//! | target | what could not be applied | `XRANGE events:dead - +` |
//! | target | which dead letters have been written | `SMEMBERS events:dead:index` |

use domain::{FriendshipId, Pair, UserId, event::Stream};

/// A user's current state. `GET user:42`
pub fn user(id: UserId) -> String {
    format!("user:{id}")
}

/// A friendship's current state. `GET friendship:1-42`
pub fn friendship(pair: Pair) -> String {
    format!("friendship:{pair}")
}

/// Whose friendship a number is; gone when the friendship has ended. `GET friendship:id:7`
pub fn friendship_id(id: FriendshipId) -> String {
    format!("friendship:id:{id}")
}

/// A person's friends, scored by friendship id. `ZRANGE friends:42 0 -1 WITHSCORES`
pub fn friends(id: UserId) -> String {
    format!("friends:{id}")
}

/// Set while a ring of this stream's doorbell is outstanding. `PTTL events:user:bell`
pub fn bell(stream: Stream) -> String {
    format!("{}:bell", stream.key())
}

/// What an Idempotency-Key was answered with. `GET user:idempotency:<key>`
pub fn idempotency(stream: Stream, key: &str) -> String {
    format!("{stream}:idempotency:{key}")
}

/// Which generation of a projection is live, and which is being built. `HGETALL projection:directory`
pub fn projection(name: &str) -> String {
    format!("projection:{name}")
}

/// How far a generation has read, by stream. `HGETALL projection:directory:1:checkpoint`
pub fn checkpoint(name: &str, generation: &str) -> String {
    format!("projection:{name}:{generation}:checkpoint")
}

/// What could not be applied, and why. `XRANGE events:dead - +`
pub const DEAD: &str = "events:dead";

/// Which dead letters have been written, so that none is written twice. `SMEMBERS events:dead:index`
pub const DEAD_INDEX: &str = "events:dead:index";
