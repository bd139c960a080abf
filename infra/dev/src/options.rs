//! What a system is started with.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;

use crate::error::{Error, Result};
use crate::ports::Port;
use crate::redis_url::{Contexts, RedisUrl};
use crate::report::{Report, Silent};

/// The three processes of a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Redis,
    Worker,
    Runtime,
}

impl Part {
    /// In the order in which they start; they stop in the reverse.
    pub const ALL: [Part; 3] = [Part::Redis, Part::Worker, Part::Runtime];

    pub fn name(self) -> &'static str {
        match self {
            Part::Redis => "redis",
            Part::Worker => "worker",
            Part::Runtime => "runtime",
        }
    }

    pub(crate) fn colour(self) -> &'static str {
        match self {
            Part::Redis => "\x1b[35m",
            Part::Worker => "\x1b[36m",
            Part::Runtime => "\x1b[32m",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Runtime {
    /// The host in infra/host.
    Embedded,
    /// The Spin CLI.
    Spin,
}

/// Where the data and the logs are kept.
#[derive(Clone, Debug)]
pub enum Data {
    In(PathBuf),
    /// In a folder that is removed with the system.
    Temporary,
}

/// The Redis server of each context; those left out share one of our own.
#[derive(Clone, Debug, Default)]
pub struct Servers {
    pub user: Option<RedisUrl>,
    pub friend: Option<RedisUrl>,
    pub view: Option<RedisUrl>,
}

impl Servers {
    pub(crate) fn needs_own(&self) -> bool {
        [&self.user, &self.friend, &self.view].iter().any(|url| url.is_none())
    }

    pub(crate) fn given(&self) -> impl Iterator<Item = &RedisUrl> {
        [&self.user, &self.friend, &self.view].into_iter().flatten()
    }

    pub(crate) fn with_own(&self, port: u16) -> Contexts {
        let or_own = |url: &Option<RedisUrl>| url.clone().unwrap_or(RedisUrl::local(port));
        Contexts { user: or_own(&self.user), friend: or_own(&self.friend), view: or_own(&self.view) }
    }
}

#[derive(Clone)]
pub struct Options {
    pub manifest: PathBuf,
    pub data: Data,
    pub runtime: Runtime,
    pub servers: Servers,
    /// Of the HTTP API.
    pub port: Port,
    pub worker_port: Port,
    /// Of the embedded runtime's metrics. None: nowhere, and it counts nothing.
    pub metrics_port: Option<Port>,
    /// Of our own Redis.
    pub redis_port: Port,
    /// How long a Redis server that was given may be away at the start.
    pub redis_wait: Duration,
    /// How long all may take from the start of the runtime until the health routes say UP.
    pub start_wait: Duration,
    /// Further environment of a part: fault points, log levels, other variables of spin.toml.
    pub environment: Vec<(Part, String, String)>,
    pub report: Arc<dyn Report>,
}

impl Options {
    pub const REDIS_WAIT: Duration = Duration::from_secs(10);
    /// The first start compiles every component, which takes most of it on a small machine.
    pub const START_WAIT: Duration = Duration::from_secs(60);

    /// A system of its own: free ports, a temporary folder, no output.
    pub fn isolated() -> Result<Self> {
        Ok(Self {
            manifest: manifest()?,
            data: Data::Temporary,
            runtime: Runtime::Embedded,
            servers: Servers::default(),
            port: Port::Any,
            worker_port: Port::Any,
            metrics_port: Some(Port::Any),
            redis_port: Port::Any,
            redis_wait: Self::REDIS_WAIT,
            // Tests start several systems at once on few cores.
            start_wait: 3 * Self::START_WAIT,
            environment: Vec::new(),
            report: Arc::new(Silent),
        })
    }
}

/// spin.toml, here or in a folder above: tests and people start in any folder of the repository.
pub fn manifest() -> Result<PathBuf> {
    let here = std::env::current_dir().unwrap_or_default();
    here.ancestors().map(|folder| folder.join("spin.toml")).find(|manifest| manifest.is_file()).ok_or_else(|| {
        Error::refused(format!("no spin.toml in {} or a folder above it: start this in the repository", here.display()))
    })
}

/// The folder of a manifest, in which the runtimes run.
pub fn folder_of(manifest: &Path) -> PathBuf {
    let manifest = std::path::absolute(manifest).unwrap_or_else(|_| manifest.into());
    manifest.parent().unwrap_or(Path::new("/")).to_path_buf()
}
