//! A Redis server: how it is reached, and what is asked of it at the start.

use std::fmt;
use std::time::Duration;

use domain::StreamPosition;
use domain::event::Stream;
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, ErrorKind, FromRedisValue, RedisError, RedisResult,
    ServerErrorKind,
};
use tokio::time::{Instant, sleep};

use crate::snapshot::Witness;

/// How long a server may be missing at the start, so that everything can be started at once in any order.
const START_PATIENCE: Duration = Duration::from_secs(10);
const START_RETRY: Duration = Duration::from_millis(200);
/// A server that reads its log back and therefore refuses us is well; a large log takes minutes. Redis itself answers
/// `INFO` meanwhile: the worker starts, and its tails wait. What stands between may not.
const LOADING_PATIENCE: Duration = Duration::from_secs(15 * 60);
/// How often it is said again that a server is waited for.
pub const SAY_EVERY: Duration = Duration::from_secs(10);
/// A connection or an answer that takes longer than this will not come.
pub const TIMEOUT: Duration = Duration::from_secs(2);
/// Streams as we read them need `XRANGE` with exclusive starts and functions of scripts settled by 7.0.
const LEAST_VERSION: u32 = 7;

/// Why the worker cannot start. The text says what to do.
#[derive(Debug, PartialEq, Eq)]
pub enum StartError {
    /// Trying again will not help.
    Configuration(String),
    /// Trying again may help.
    Unavailable(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Configuration(text) | Self::Unavailable(text)) = self;
        f.write_str(text)
    }
}

impl std::error::Error for StartError {}

#[derive(Clone, Debug)]
pub struct Server {
    client: Client,
    /// The setting that names it.
    setting: &'static str,
    /// Host and port: what may be logged of its URL.
    address: String,
}

impl Server {
    pub fn new(setting: &'static str, url: &str) -> Result<Self, StartError> {
        let client = Client::open(url).map_err(|error| {
            // The URL may hold a password, so it is not repeated.
            StartError::Configuration(format!(
                "--{setting} is not a Redis URL ({}): write redis://host:port or redis://user:password@host:port",
                error.category()
            ))
        })?;
        let address = client.get_connection_info().addr().to_string();
        Ok(Self { client, setting, address })
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// Where it is, and how one logs in.
    pub fn info(&self) -> &ConnectionInfo {
        self.client.get_connection_info()
    }

    /// A connection of its own.
    pub async fn connect(&self) -> RedisResult<MultiplexedConnection> {
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(TIMEOUT)).set_response_timeout(Some(TIMEOUT));
        self.client.get_multiplexed_async_connection_with_config(&config).await
    }

    /// Waits until the server answers, and makes sure that it is one we can use.
    pub async fn check(&self) -> Result<(), StartError> {
        let start = Instant::now();
        let mut last_sign = start;
        // What was said, and when.
        let mut said: Option<(bool, Instant)> = None;
        loop {
            let error = match self.version().await {
                Ok(version) => return self.check_version(&version),
                Err(error) if self.is_refusal(&error) => return Err(self.refused(&error)),
                Err(error) => error,
            };
            let now = Instant::now();
            let loading = error.kind() == ErrorKind::Server(ServerErrorKind::BusyLoading);
            if loading {
                last_sign = now;
            }
            let (since, patience) = if loading { (start, LOADING_PATIENCE) } else { (last_sign, START_PATIENCE) };
            if now - since >= patience {
                return Err(self.missing(loading, &error));
            }
            if said.is_none_or(|(what, when)| what != loading || now - when >= SAY_EVERY) {
                let why = if loading { ", which reads its log" } else { "" };
                tracing::warn!(redis = self.address, %error, "waiting for Redis{why}, up to {patience:?}");
                said = Some((loading, now));
            }
            sleep(START_RETRY).await;
        }
    }

    fn missing(&self, loading: bool, error: &RedisError) -> StartError {
        let Self { setting, address, .. } = self;
        StartError::Unavailable(if loading {
            format!(
                "Redis at {address} is still reading its log after {LOADING_PATIENCE:?} ({error}): start the worker \
                 again when it is done, or name another one with --{setting}"
            )
        } else {
            format!("Redis at {address} does not answer: {error}. Start it, or name another one with --{setting}")
        })
    }

    async fn version(&self) -> RedisResult<String> {
        let mut connection = self.connect().await?;
        let info: String = redis::cmd("INFO").arg("server").query_async(&mut connection).await?;
        let version = info.lines().find_map(|line| line.strip_prefix("redis_version:"));
        Ok(version.unwrap_or("unknown").trim().to_owned())
    }

    fn check_version(&self, version: &str) -> Result<(), StartError> {
        let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        if major.is_some_and(|major| major >= LEAST_VERSION) {
            return Ok(());
        }
        let Self { setting, address, .. } = self;
        Err(StartError::Configuration(format!(
            "Redis at {address} is version {version}, at least {LEAST_VERSION}.0 is needed: upgrade it, or name another \
             one with --{setting}"
        )))
    }

    /// Whether the server answers, but not to us.
    fn is_refusal(&self, error: &RedisError) -> bool {
        error.kind() == ErrorKind::AuthenticationFailed
            || matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM" | "DENIED"))
    }

    fn refused(&self, error: &RedisError) -> StartError {
        let Self { setting, address, .. } = self;
        StartError::Configuration(format!(
            "Redis at {address} refuses us ({error}): check user and password in --{setting}, \
             redis://user:password@host:port"
        ))
    }
}

/// A connection that is opened when it is needed, and again after it broke.
pub struct Link {
    server: Server,
    connection: Option<MultiplexedConnection>,
}

impl Link {
    pub fn new(server: Server) -> Self {
        Self { server, connection: None }
    }

    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The entry at a position of a stream, to recognise the stream by.
    pub async fn witness(&mut self, stream: Stream, position: StreamPosition) -> RedisResult<Option<Witness>> {
        let entry = self.query(&Witness::command(stream, position)).await?;
        Ok(Witness::of(position, &entry))
    }

    /// Sends a command once. An error that is not an answer of the server drops the connection.
    pub async fn query<T: FromRedisValue>(&mut self, command: &Cmd) -> RedisResult<T> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(self.server.connect().await?),
        };
        let answer = command.query_async(connection).await;
        if let Err(error) = &answer
            && error.code().is_none()
        {
            self.connection = None;
        }
        answer
    }
}

/// Waits longer after each failure in a row, so that a server that comes back is not met by a storm.
pub struct Backoff(Duration);

impl Backoff {
    const FIRST: Duration = Duration::from_millis(50);
    /// How late the worker may notice that a server is back.
    const LONGEST: Duration = Duration::from_secs(1);

    pub fn reset(&mut self) {
        self.0 = Self::FIRST;
    }

    pub async fn wait(&mut self) {
        sleep(self.0).await;
        self.0 = (self.0 * 2).min(Self::LONGEST);
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self(Self::FIRST)
    }
}
