//! The Redis servers behind a system, looked at directly.

use std::collections::BTreeMap;

use dev::System;
use domain::event::Stream;
use redis::aio::MultiplexedConnection;
use redis::{Client, Cmd, FromRedisValue};

/// A connection to each context's server; often they are the same one.
#[derive(Clone)]
pub struct Store {
    pub user: MultiplexedConnection,
    pub friend: MultiplexedConnection,
    pub view: MultiplexedConnection,
}

impl Store {
    pub async fn of(system: &System) -> Self {
        let contexts = &system.addresses().contexts;
        Self {
            user: connect(&contexts.user.url()).await,
            friend: connect(&contexts.friend.url()).await,
            view: connect(&contexts.view.url()).await,
        }
    }

    /// Where a stream is.
    pub fn holding(&mut self, stream: Stream) -> &mut MultiplexedConnection {
        match stream {
            Stream::User => &mut self.user,
            Stream::Friend => &mut self.friend,
        }
    }
}

pub async fn connect(url: &str) -> MultiplexedConnection {
    let client = Client::open(url).expect("a URL");
    client.get_multiplexed_async_connection().await.unwrap_or_else(|error| panic!("{url}: {error}"))
}

/// A command in one line; words have no spaces.
pub async fn ask<T: FromRedisValue>(connection: &mut MultiplexedConnection, line: &str) -> T {
    let mut command = Cmd::new();
    for word in line.split(' ') {
        command.arg(word);
    }
    command.query_async(connection).await.unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// The keys of a pattern, with what `TYPE` says.
pub async fn keys(connection: &mut MultiplexedConnection, pattern: &str) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), 0_u64);
    loop {
        let (next, some): (u64, Vec<String>) =
            ask(connection, &format!("SCAN {cursor} MATCH {pattern} COUNT 1000")).await;
        found.extend(some);
        cursor = next;
        if cursor == 0 {
            found.sort();
            // SCAN may show a key twice.
            found.dedup();
            return found;
        }
    }
}

/// The strings under the keys of a pattern, but for those that `skip` names.
pub async fn strings(
    connection: &mut MultiplexedConnection,
    pattern: &str,
    skip: impl Fn(&str) -> bool,
) -> BTreeMap<String, String> {
    let keys: Vec<String> = keys(connection, pattern).await.into_iter().filter(|key| !skip(key)).collect();
    if keys.is_empty() {
        return BTreeMap::new();
    }
    let values: Vec<Option<String>> =
        redis::cmd("MGET").arg(&keys).query_async(connection).await.expect("strings under these keys");
    keys.into_iter().zip(values).filter_map(|(key, value)| Some((key, value?))).collect()
}
