//! The Redis servers of a system, for the commands that read or repair its data: of the running one, of one that
//! was given, or, when nothing runs, of our own Redis, started for as long as the command takes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::error::{Error, Result};
use crate::home::{self, Home};
use crate::log::Log;
use crate::options::{Options, Part, Servers};
use crate::ports::Port;
use crate::process::Process;
use crate::redis_ready;
use crate::redis_server::RedisServer;
use crate::redis_url::Contexts;
use crate::report::Report;
use crate::settings::{DataDir, RedisUrls};

/// While this lives, the servers are there.
pub struct Stores {
    pub contexts: Contexts,
    own: Option<(Process, Home)>,
}

impl Stores {
    pub async fn open(data: &DataDir, urls: &RedisUrls, report: &dyn Report) -> Result<Self> {
        let servers = urls.servers()?;
        let folder = data.folder()?;
        for url in servers.given() {
            redis_ready::wait(url, Options::REDIS_WAIT, report).await?;
        }
        if !servers.needs_own() {
            return Ok(Self { contexts: servers.with_own(0), own: None });
        }
        match home::running(&folder) {
            Some(running) => match running.redis_port {
                Some(port) => Ok(Self { contexts: servers.with_own(port), own: None }),
                None => Err(Error::refused(format!(
                    "the system at {} uses a Redis that was given: give it here too (REDIS_URL)",
                    running.url
                ))),
            },
            None => Self::start_own(&folder, &servers, report).await,
        }
    }

    async fn start_own(folder: &Path, servers: &Servers, report: &dyn Report) -> Result<Self> {
        // Without the log there is nothing to read, and a mistyped folder must not look like an empty system.
        if !folder.join("redis/appendonlydir").exists() {
            return Err(Error::refused(format!(
                "nothing runs from {0} and there is no data in {0}/redis: `make up` first, or give REDIS_URL",
                folder.display()
            )));
        }
        let home = Home::take(folder)?;
        let port = Port::Any.choose()?;
        let contexts = servers.with_own(port);
        let server = RedisServer::prepare(&home.folder().join("redis"), port)?;
        let logs = home.folder().join("logs");
        let log = Log::open(&logs, Part::Redis.name(), "", Arc::new(AtomicBool::new(false)))
            .map_err(|error| Error::refused(format!("cannot write to {}: {error}", logs.display())))?;
        let process = server.start(&Arc::new(log)).await?;
        let own = crate::redis_url::RedisUrl::local(port);
        redis_ready::wait(&own, Options::REDIS_WAIT, report).await?;
        Ok(Self { contexts, own: Some((process, home)) })
    }

    /// Stops what was started for this command.
    pub async fn close(self) {
        if let Some((process, _home)) = self.own {
            process.stop().await;
        }
    }
}
