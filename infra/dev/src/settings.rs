//! The settings that people give, by the environment or by flags, and what the subcommands make of them.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::error::{Error, Result};
use crate::options::{Data, Options, Runtime, Servers, folder_of, manifest};
use crate::ports::Port;
use crate::redis_url::RedisUrl;

/// The folder of the running system's data and logs.
#[derive(Args, Clone, Debug)]
pub struct DataDir {
    /// Where the data and the logs are kept [default: .local beside spin.toml]
    #[arg(long, env = "DATA_DIR", value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

impl DataDir {
    pub fn folder(&self) -> Result<PathBuf> {
        match &self.data_dir {
            Some(folder) if !folder.as_os_str().is_empty() => Ok(folder.clone()),
            _ => Ok(folder_of(&manifest()?).join(".local")),
        }
    }
}

/// Which Redis holds the data: one of our own, or these.
#[derive(Args, Clone, Debug)]
pub struct RedisUrls {
    /// The Redis server of all contexts, redis://[[user]:password@]host[:port] [default: one of our own]
    #[arg(long, env = "REDIS_URL", hide_env_values = true, value_name = "URL")]
    redis_url: Option<String>,
    /// The Redis server of the user service alone
    #[arg(long, env = "USER_REDIS_URL", hide_env_values = true, value_name = "URL")]
    user_redis_url: Option<String>,
    /// The Redis server of the friend service alone
    #[arg(long, env = "FRIEND_REDIS_URL", hide_env_values = true, value_name = "URL")]
    friend_redis_url: Option<String>,
    /// The Redis server of the read models alone
    #[arg(long, env = "VIEW_REDIS_URL", hide_env_values = true, value_name = "URL")]
    view_redis_url: Option<String>,
}

impl RedisUrls {
    pub fn servers(&self) -> Result<Servers> {
        let all = parse("REDIS_URL", &self.redis_url)?;
        let or_all = |name, text| Ok(parse(name, text)?.or_else(|| all.clone()));
        Ok(Servers {
            user: or_all("USER_REDIS_URL", &self.user_redis_url)?,
            friend: or_all("FRIEND_REDIS_URL", &self.friend_redis_url)?,
            view: or_all("VIEW_REDIS_URL", &self.view_redis_url)?,
        })
    }
}

/// Empty is the same as not given.
fn parse(name: &str, text: &Option<String>) -> Result<Option<RedisUrl>> {
    match text.as_deref() {
        None | Some("") => Ok(None),
        Some(text) => RedisUrl::parse(name, text).map(Some),
    }
}

const DEFAULT_PORT: &str = "9000";

/// The settings of `social up`.
#[derive(Args, Clone, Debug)]
pub struct UpSettings {
    /// The port of the HTTP API
    #[arg(long, env = "PORT", default_value = DEFAULT_PORT, value_name = "PORT")]
    port: String,
    /// What runs the components: embedded or spin
    #[arg(long, env = "RUNTIME", default_value = "embedded")]
    runtime: String,
    /// How many seconds a given Redis may be away at the start
    #[arg(long, env = "REDIS_WAIT", default_value_t = Options::REDIS_WAIT.as_secs_f32(), value_name = "SECONDS")]
    redis_wait: f32,
    /// How many seconds the parts may take until they are healthy
    #[arg(long, env = "START_WAIT", default_value_t = Options::START_WAIT.as_secs_f32(), value_name = "SECONDS")]
    start_wait: f32,
    #[command(flatten)]
    data_dir: DataDir,
    #[command(flatten)]
    redis: RedisUrls,
}

/// The worker's and our Redis's first choice; both are for this machine only, so the next free one does as well.
const WORKER_PORT: u16 = 9100;
const REDIS_PORT: u16 = 6390;
/// As above, and out of reach of the worker's next ones.
const METRICS_PORT: u16 = 9190;

impl UpSettings {
    pub fn options(&self) -> Result<Options> {
        let mut options = Options::isolated()?;
        let number = if self.port.is_empty() { DEFAULT_PORT } else { &self.port };
        options.port = Port::Exactly(port("PORT", number)?);
        options.worker_port = Port::From(WORKER_PORT);
        options.redis_port = Port::From(REDIS_PORT);
        options.metrics_port = Port::From(METRICS_PORT);
        options.runtime = runtime(&self.runtime)?;
        options.servers = self.redis.servers()?;
        options.redis_wait = seconds("REDIS_WAIT", self.redis_wait)?;
        options.start_wait = seconds("START_WAIT", self.start_wait)?;
        options.data = Data::In(self.data_dir.folder()?);
        Ok(options)
    }
}

pub(crate) fn port(name: &str, text: &str) -> Result<u16> {
    match text.parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(Error::refused(format!("{name}={text}: a port is a number from 1 to 65535"))),
    }
}

fn runtime(text: &str) -> Result<Runtime> {
    match text {
        "" | "embedded" => Ok(Runtime::Embedded),
        "spin" => Ok(Runtime::Spin),
        _ => Err(Error::refused(format!("RUNTIME={text}: it is embedded or spin"))),
    }
}

fn seconds(name: &str, value: f32) -> Result<Duration> {
    Duration::try_from_secs_f32(value).map_err(|error| Error::refused(format!("{name}={value}: {error}")))
}
