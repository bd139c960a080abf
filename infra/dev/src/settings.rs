//! The settings that people give, by the environment or by flags, and what the subcommands make of them.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use settings::values;

use crate::error::Result;
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

type Parsed<T> = std::result::Result<T, String>;

/// A setting that may be left empty, which is the same as not given.
#[derive(Clone, Debug)]
pub(crate) struct OrEmpty<T>(pub Option<T>);

/// Reads a value that may be empty.
pub(crate) fn or_empty<T>(text: &str, parse: impl Fn(&str) -> Parsed<T>) -> Parsed<OrEmpty<T>> {
    if text.is_empty() { Ok(OrEmpty(None)) } else { parse(text).map(|value| OrEmpty(Some(value))) }
}

/// Reads a value; an empty one is the default.
fn or<T: 'static>(default: &'static str, parse: fn(&str) -> Parsed<T>) -> impl Fn(&str) -> Parsed<T> + Clone {
    move |text| parse(if text.is_empty() { default } else { text })
}

fn given<T: Clone>(setting: &Option<OrEmpty<T>>) -> Option<T> {
    setting.as_ref().and_then(|OrEmpty(value)| value.clone())
}

fn redis_url(text: &str) -> Parsed<OrEmpty<RedisUrl>> {
    or_empty(text, RedisUrl::parse)
}

/// Which Redis holds the data: one of our own, or these.
#[derive(Args, Clone, Debug)]
pub struct RedisUrls {
    /// The Redis server of all contexts, redis://[[user]:password@]host[:port] [default: one of our own]
    #[arg(long, env = "REDIS_URL", hide_env_values = true, value_name = "URL", value_parser = redis_url)]
    redis_url: Option<OrEmpty<RedisUrl>>,
    /// The Redis server of the user service alone [default: REDIS_URL]
    #[arg(long, env = "USER_REDIS_URL", hide_env_values = true, value_name = "URL", value_parser = redis_url)]
    user_redis_url: Option<OrEmpty<RedisUrl>>,
    /// The Redis server of the friend service alone [default: REDIS_URL]
    #[arg(long, env = "FRIEND_REDIS_URL", hide_env_values = true, value_name = "URL", value_parser = redis_url)]
    friend_redis_url: Option<OrEmpty<RedisUrl>>,
    /// The Redis server of the read models alone [default: REDIS_URL]
    #[arg(long, env = "VIEW_REDIS_URL", hide_env_values = true, value_name = "URL", value_parser = redis_url)]
    view_redis_url: Option<OrEmpty<RedisUrl>>,
}

impl RedisUrls {
    pub fn servers(&self) -> Servers {
        let or_all = |own| given(own).or_else(|| given(&self.redis_url));
        Servers {
            user: or_all(&self.user_redis_url),
            friend: or_all(&self.friend_redis_url),
            view: or_all(&self.view_redis_url),
        }
    }
}

/// What is chosen when nothing is said.
const PORT: &str = "9000";
const RUNTIME: &str = "embedded";
const REDIS_WAIT: &str = "10";
const START_WAIT: &str = "60";

/// The settings of `social up`.
#[derive(Args, Clone, Debug)]
pub struct UpSettings {
    /// The port of the HTTP API
    #[arg(long, env = "PORT", default_value = PORT, value_parser = or(PORT, values::port))]
    port: u16,
    /// What runs the components: embedded or spin
    #[arg(long, env = "RUNTIME", default_value = RUNTIME, value_parser = or(RUNTIME, runtime))]
    runtime: Runtime,
    /// How many seconds a given Redis may be away at the start
    #[arg(long, env = "REDIS_WAIT", default_value = REDIS_WAIT, value_name = "SECONDS",
          value_parser = or(REDIS_WAIT, values::seconds))]
    redis_wait: Duration,
    /// How many seconds the parts may take until they are healthy
    #[arg(long, env = "START_WAIT", default_value = START_WAIT, value_name = "SECONDS",
          value_parser = or(START_WAIT, values::seconds))]
    start_wait: Duration,
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
        options.port = Port::Exactly(self.port);
        options.worker_port = Port::From(WORKER_PORT);
        options.redis_port = Port::From(REDIS_PORT);
        options.metrics_port = Some(Port::From(METRICS_PORT));
        options.runtime = self.runtime;
        options.servers = self.redis.servers();
        options.redis_wait = self.redis_wait;
        options.start_wait = self.start_wait;
        options.data = Data::In(self.data_dir.folder()?);
        Ok(options)
    }
}

fn runtime(text: &str) -> Parsed<Runtime> {
    match text {
        "embedded" => Ok(Runtime::Embedded),
        "spin" => Ok(Runtime::Spin),
        _ => Err("must be embedded or spin".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_chosen_is_what_the_tests_run_with() {
        assert_eq!(values::seconds(REDIS_WAIT), Ok(Options::REDIS_WAIT));
        assert_eq!(values::seconds(START_WAIT), Ok(Options::START_WAIT));
        assert_eq!((or(PORT, values::port)(""), or(PORT, values::port)("1")), (Ok(9000), Ok(1)));
    }
}
