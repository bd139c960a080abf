//! One connection to a Redis, shared by all instances of a thread and renewed when it breaks.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, ConnectionAddr, FromRedisValue, RedisError};
use tokio::net::TcpStream;

/// To connect and to log in. A Redis that is away must not hold up an answer for longer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// A Redis that keeps silent for longer is taken as gone.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);
/// Commands of one thread that may wait to be written.
const PIPELINE_BUFFER: usize = 512;

/// Addresses that a thread keeps. An application uses a few; a guest that makes up users or database numbers is
/// stopped here.
const MAX_ADDRESSES: usize = 64;

/// The connections of one thread, by address.
#[derive(Default)]
pub struct RedisPool(Mutex<HashMap<String, Arc<Redis>>>);

/// A Redis server as the components of one thread see it.
pub struct Redis {
    client: redis::Client,
    live: Mutex<Option<Live>>,
    /// Held while connecting, so that many requests at once make one attempt.
    connecting: tokio::sync::Mutex<Option<Failure>>,
}

struct Live {
    connection: MultiplexedConnection,
    broken: Arc<AtomicBool>,
}

/// The last failed attempt to connect: those who waited for it fail with it, instead of trying one after another.
struct Failure {
    at: Instant,
    message: String,
}

/// A command that failed, in the words of the redis crate, as Spin gives them.
#[derive(Debug)]
pub enum Error {
    Redis(RedisError),
    /// Another request's attempt to connect.
    Connect(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redis(error) => error.fmt(f),
            Self::Connect(message) => f.write_str(message),
        }
    }
}

impl From<RedisError> for Error {
    fn from(error: RedisError) -> Self {
        Self::Redis(error)
    }
}

/// The host and port that a connection to `client` would go to; `None` for what the host does not support.
pub fn tcp_address(client: &redis::Client) -> Option<(&str, u16)> {
    match client.get_connection_info().addr() {
        ConnectionAddr::Tcp(host, port) => Some((host, *port)),
        _ => None,
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl RedisPool {
    /// The shared server of `address`, if it was used before.
    pub fn get(&self, address: &str) -> Option<Arc<Redis>> {
        locked(&self.0).get(address).cloned()
    }

    /// The host and port of every server that was used, and whether there is a connection to it now.
    pub fn servers(&self) -> Vec<(String, bool)> {
        let all = locked(&self.0);
        let name = |redis: &Redis| {
            tcp_address(&redis.client).map_or_else(String::new, |(host, port)| format!("{host}:{port}"))
        };
        all.values().map(|redis| (name(redis), redis.live().is_some())).collect()
    }

    /// `None` when there are too many.
    pub fn insert(&self, address: String, client: redis::Client) -> Option<Arc<Redis>> {
        let mut known = locked(&self.0);
        if known.len() >= MAX_ADDRESSES {
            return None;
        }
        let redis = Arc::new(Redis { client, live: Mutex::new(None), connecting: tokio::sync::Mutex::new(None) });
        known.insert(address, redis.clone());
        Some(redis)
    }
}

impl Redis {
    pub fn client(&self) -> &redis::Client {
        &self.client
    }

    /// Sends a command, once. What may have reached Redis is never sent again.
    pub async fn command<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Error> {
        let (mut connection, broken) = self.connection().await?;
        let result = command.query_async(&mut connection).await;
        if let Err(error) = &result
            && (error.is_timeout() || error.is_unrecoverable_error())
        {
            broken.store(true, Ordering::Relaxed);
        }
        Ok(result?)
    }

    /// Makes sure that there is a connection.
    pub async fn connect(&self) -> Result<(), Error> {
        self.connection().await.map(drop)
    }

    async fn connection(&self) -> Result<(MultiplexedConnection, Arc<AtomicBool>), Error> {
        if let Some(live) = self.live() {
            return Ok(live);
        }
        let asked = Instant::now();
        let mut last_failure = self.connecting.lock().await;
        if let Some(live) = self.live() {
            return Ok(live);
        }
        if let Some(failure) = &*last_failure
            && failure.at > asked
        {
            return Err(Error::Connect(failure.message.clone()));
        }
        match tokio::time::timeout(CONNECT_TIMEOUT, self.open()).await {
            Ok(Ok(live)) => {
                let found = (live.connection.clone(), live.broken.clone());
                *locked(&self.live) = Some(live);
                Ok(found)
            }
            Ok(Err(error)) => {
                *last_failure = Some(Failure { at: Instant::now(), message: error.to_string() });
                Err(error.into())
            }
            Err(_) => {
                let message = format!("no connection after {} ms", CONNECT_TIMEOUT.as_millis());
                *last_failure = Some(Failure { at: Instant::now(), message: message.clone() });
                Err(Error::Connect(message))
            }
        }
    }

    fn live(&self) -> Option<(MultiplexedConnection, Arc<AtomicBool>)> {
        let live = locked(&self.live);
        let live = live.as_ref()?;
        (!live.broken.load(Ordering::Relaxed)).then(|| (live.connection.clone(), live.broken.clone()))
    }

    async fn open(&self) -> Result<Live, RedisError> {
        let address = tcp_address(&self.client).expect("only TCP addresses are admitted");
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(Some(RESPONSE_TIMEOUT))
            .set_pipeline_buffer_size(PIPELINE_BUFFER);
        let settings = self.client.get_connection_info().redis_settings();
        let (connection, driver) = MultiplexedConnection::new_with_config(settings, stream, config).await?;
        let broken = Arc::new(AtomicBool::new(false));
        // The driver ends as soon as Redis hangs up, so that the next command finds out before it is sent.
        let ended = broken.clone();
        tokio::spawn(async move {
            driver.await;
            ended.store(true, Ordering::Relaxed);
        });
        Ok(Live { connection, broken })
    }
}
