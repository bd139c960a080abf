//! The Redis servers of a system, for the commands that read or repair its data: of the running one, of one that
//! was given, or, when nothing runs, of our own Redis, started for as long as the command takes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::error::{Error, Result};
use crate::home::{self, Home, Running};
use crate::log::Log;
use crate::options::{Options, Part, Servers};
use crate::ports::Port;
use crate::process::Process;
use crate::redis_ready;
use crate::redis_server::RedisServer;
use crate::redis_url::{Contexts, RedisUrl};
use crate::report::Report;
use crate::settings::{DataDir, RedisUrls};

/// While this lives, the servers are there.
pub struct Stores {
    pub contexts: Contexts,
    own: Option<(Process, Home)>,
}

impl Stores {
    pub async fn open(data: &DataDir, urls: &RedisUrls, report: &dyn Report) -> Result<Self> {
        let servers = urls.servers();
        let folder = data.folder()?;
        let running = home::running(&folder);
        if let Some(running) = &running {
            same_servers(running, &servers)?;
        }
        for url in servers.given() {
            redis_ready::wait(url, Options::REDIS_WAIT, report).await?;
        }
        if !servers.needs_own() {
            return Ok(Self { contexts: servers.with_own(0), own: None });
        }
        match running {
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
        let own = RedisUrl::local(port);
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

/// Beside a running system, a command reads what that system writes: another server's data would look well, or empty.
fn same_servers(running: &Running, servers: &Servers) -> Result<()> {
    // Without a Redis of its own, no address is at port 0, so what was not given differs.
    let ours = servers.with_own(running.redis_port.unwrap_or(0));
    for (name, url) in ours.named() {
        let context = name.to_lowercase();
        let Some(theirs) = running.contexts.get(&context).filter(|theirs| **theirs != url.address()) else {
            continue;
        };
        let own = running.redis_port.map(|port| RedisUrl::local(port).address());
        let what_to_do = if own.as_ref() == Some(theirs) {
            format!("leave {name}_REDIS_URL and REDIS_URL away here")
        } else if running.contexts.values().all(|address| address == theirs) {
            format!("give {name}_REDIS_URL here too, or REDIS_URL, for all contexts are there")
        } else {
            format!("give {name}_REDIS_URL here too")
        };
        return Err(Error::refused(format!("the running system's {context} context is at {theirs}: {what_to_do}")));
    }
    Ok(())
}
