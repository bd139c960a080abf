//! `spin:redis`: a component's `connection` is a handle of the thread's shared connection to that server.

use std::sync::Arc;

use redis::{Cmd, FromRedisValue};
use wasmtime::component::{Accessor, HasSelf, Resource};

use crate::bindings::imports::redis as wit;
use crate::guest::Guest;
use crate::metrics::{ComponentMetrics, Failure};
pub use crate::redis_connection::RedisPool;
use crate::redis_connection::{self, Redis};
use crate::redis_reply::{Flat, MAX_REPLY, too_large};

/// What a component holds.
#[derive(Clone)]
pub struct Connection {
    redis: Arc<Redis>,
    metrics: Arc<ComponentMetrics>,
}

/// Commands that change the state of a connection, or hold it up, for all who share it.
const NOT_SHAREABLE: [&str; 31] = [
    "SUBSCRIBE",
    "PSUBSCRIBE",
    "SSUBSCRIBE",
    "UNSUBSCRIBE",
    "PUNSUBSCRIBE",
    "SUNSUBSCRIBE",
    "MONITOR",
    "MULTI",
    "EXEC",
    "DISCARD",
    "WATCH",
    "UNWATCH",
    "SELECT",
    "AUTH",
    "HELLO",
    "CLIENT",
    "RESET",
    "QUIT",
    "BLPOP",
    "BRPOP",
    "BLMOVE",
    "BLMPOP",
    "BRPOPLPUSH",
    "BZPOPMIN",
    "BZPOPMAX",
    "BZMPOP",
    "WAIT",
    "WAITAOF",
    "SYNC",
    "PSYNC",
    "REPLCONF",
];

impl wit::Host for Guest {}

impl wit::HostConnection for Guest {
    fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

type Store<'a, T> = &'a Accessor<T, HasSelf<Guest>>;
type Handle = Resource<Connection>;

impl<T: Send> wit::HostConnectionWithStore<T> for HasSelf<Guest> {
    async fn open(store: Store<'_, T>, address: String) -> Result<Handle, wit::Error> {
        let connection = store.with(|mut access| admit(access.get(), address))?;
        connection.open().await.map_err(other)?;
        store.with(|mut access| {
            let pushed = access.get().table.push(connection);
            pushed.map_err(|_| wit::Error::TooManyConnections)
        })
    }

    async fn publish(store: Store<'_, T>, handle: Handle, channel: String, payload: Vec<u8>) -> Result<(), wit::Error> {
        send(store, handle, Cmd::new().arg("PUBLISH").arg(channel).arg(payload)).await
    }

    async fn get(store: Store<'_, T>, handle: Handle, key: String) -> Result<Option<Vec<u8>>, wit::Error> {
        let value: Option<Vec<u8>> = send(store, handle, Cmd::new().arg("GET").arg(key)).await?;
        if value.as_ref().is_some_and(|value| value.len() > MAX_REPLY) {
            return Err(other(too_large()));
        }
        Ok(value)
    }

    async fn set(store: Store<'_, T>, handle: Handle, key: String, value: Vec<u8>) -> Result<(), wit::Error> {
        send(store, handle, Cmd::new().arg("SET").arg(key).arg(value)).await
    }

    async fn incr(store: Store<'_, T>, handle: Handle, key: String) -> Result<i64, wit::Error> {
        send(store, handle, Cmd::new().arg("INCRBY").arg(key).arg(1)).await
    }

    async fn del(store: Store<'_, T>, handle: Handle, keys: Vec<String>) -> Result<u32, wit::Error> {
        send(store, handle, Cmd::new().arg("DEL").arg(keys)).await
    }

    async fn sadd(store: Store<'_, T>, handle: Handle, key: String, values: Vec<String>) -> Result<u32, wit::Error> {
        let connection = connection_of(store, &handle)?;
        let added = connection.command(Cmd::new().arg("SADD").arg(key).arg(values)).await;
        added.map_err(|error| match &error {
            redis_connection::Error::Redis(e) if e.kind() == redis::ErrorKind::UnexpectedReturnType => {
                wit::Error::TypeError
            }
            _ => other(error),
        })
    }

    async fn smembers(store: Store<'_, T>, handle: Handle, key: String) -> Result<Vec<String>, wit::Error> {
        send(store, handle, Cmd::new().arg("SMEMBERS").arg(key)).await
    }

    async fn srem(store: Store<'_, T>, handle: Handle, key: String, values: Vec<String>) -> Result<u32, wit::Error> {
        send(store, handle, Cmd::new().arg("SREM").arg(key).arg(values)).await
    }

    async fn execute(
        store: Store<'_, T>,
        handle: Handle,
        command: String,
        arguments: Vec<wit::RedisParameter>,
    ) -> Result<Vec<wit::RedisResult>, wit::Error> {
        if !is_shareable(&command, &arguments) {
            return Err(wit::Error::Other(format!("{command} is not available on a shared connection")));
        }
        let mut cmd = redis::cmd(&command);
        for argument in arguments {
            match argument {
                wit::RedisParameter::Int64(number) => cmd.arg(number),
                wit::RedisParameter::Binary(bytes) => cmd.arg(bytes),
            };
        }
        let reply: Flat = send(store, handle, &cmd).await?;
        if reply.size() > MAX_REPLY {
            return Err(other(too_large()));
        }
        Ok(reply.0)
    }
}

impl Connection {
    /// Makes sure that the server is reached. That alone is no command: only its failure counts.
    async fn open(&self) -> Result<(), redis_connection::Error> {
        let opened = self.redis.connect().await;
        if let Err(error) = &opened {
            self.metrics.redis.begin().end(Some(failure(error)));
        }
        opened
    }

    async fn command<R: FromRedisValue>(&self, command: &Cmd) -> Result<R, redis_connection::Error> {
        let call = self.metrics.redis.begin();
        let answer = self.redis.command(command).await;
        call.end(answer.as_ref().err().map(failure));
        answer
    }
}

fn failure(error: &redis_connection::Error) -> Failure {
    match error {
        redis_connection::Error::Redis(error) if error.is_timeout() => Failure::Timeout,
        // An answer that a component has no use for is one, too.
        redis_connection::Error::Redis(error) if !error.is_unrecoverable_error() => Failure::Error,
        redis_connection::Error::Redis(_) | redis_connection::Error::Connect(_) => Failure::Connection,
    }
}

/// The allow-list comes before everything else, and sees the address as it would be connected to.
fn admit(guest: &mut Guest, address: String) -> Result<Connection, wit::Error> {
    let allowed = |client: &redis::Client| {
        redis_connection::tcp_address(client)
            .is_some_and(|(host, port)| guest.spec.allowed_hosts.allows("redis", host, Some(port)))
    };
    let denied = || {
        tracing::warn!(component = guest.spec.id, "refused a Redis address: it is not in allowed_outbound_hosts");
        guest.metrics.redis.begin().end(Some(Failure::Denied));
        wit::Error::InvalidAddress
    };
    let connection = |redis| Connection { redis, metrics: guest.metrics.clone() };
    if let Some(redis) = guest.redis.get(&address) {
        // Another component may have used it: being in the pool allows nothing.
        return if allowed(redis.client()) { Ok(connection(redis)) } else { Err(denied()) };
    }
    let client = redis::Client::open(address.as_str()).map_err(|_| wit::Error::InvalidAddress)?;
    if !allowed(&client) {
        return Err(denied());
    }
    let inserted = guest.redis.insert(address, client);
    inserted.map(connection).ok_or(wit::Error::TooManyConnections)
}

fn connection_of<T>(store: Store<'_, T>, handle: &Handle) -> Result<Connection, wit::Error> {
    store.with(|mut access| access.get().table.get(handle).cloned().map_err(other))
}

async fn send<T, R: FromRedisValue>(store: Store<'_, T>, handle: Handle, command: &Cmd) -> Result<R, wit::Error> {
    connection_of(store, &handle)?.command(command).await.map_err(other)
}

fn other(error: impl std::fmt::Display) -> wit::Error {
    wit::Error::Other(error.to_string())
}

fn is_shareable(command: &str, arguments: &[wit::RedisParameter]) -> bool {
    let is = |name: &&str| command.eq_ignore_ascii_case(name);
    if NOT_SHAREABLE.iter().any(is) {
        return false;
    }
    if !["XREAD", "XREADGROUP"].iter().any(is) {
        return true;
    }
    let words = arguments.iter().map_while(|argument| match argument {
        wit::RedisParameter::Binary(bytes) if !bytes.eq_ignore_ascii_case(b"STREAMS") => Some(bytes.as_slice()),
        wit::RedisParameter::Int64(_) => Some(&b""[..]),
        wit::RedisParameter::Binary(_) => None,
    });
    !words.into_iter().any(|word| word.eq_ignore_ascii_case(b"BLOCK"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shareable(line: &str) -> bool {
        let mut words = line.split(' ');
        let command = words.next().expect("has a command");
        let argument = |word: &str| match word.parse() {
            Ok(number) => wit::RedisParameter::Int64(number),
            Err(_) => wit::RedisParameter::Binary(word.as_bytes().to_vec()),
        };
        is_shareable(command, &words.map(argument).collect::<Vec<_>>())
    }

    #[test]
    fn what_must_not_go_over_a_shared_connection_is_refused() {
        for line in [
            "SUBSCRIBE c",
            "subscribe c",
            "Multi",
            "SELECT 1",
            "CLIENT KILL x",
            "BLPOP k 0",
            "WAIT 1 0",
            "XREAD BLOCK 0 STREAMS s $",
            "XREAD COUNT 5 block 0 STREAMS s $",
            "XREADGROUP GROUP g c BLOCK 1 STREAMS s >",
        ] {
            assert!(!shareable(line), "{line}");
        }
        for line in ["GET k", "EVALSHA x 0", "XREAD COUNT 5 STREAMS block 0-0", "XRANGE s - +", "PUBLISH c BLOCK"] {
            assert!(shareable(line), "{line}");
        }
    }
}
