//! A Redis server of our own, as durable as the design asks for.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::{Error, Result};
use crate::log::Log;
use crate::process::{Process, Spec};
use crate::programs;

/// An earlier server on the same data, told to end, has this long to finish writing.
const EARLIER_SERVER: Duration = Duration::from_secs(10);

/// What it takes to start the server, again and again.
#[derive(Clone, Debug)]
pub struct RedisServer {
    spec: Spec,
    lock: PathBuf,
}

impl RedisServer {
    /// On loopback, with its data in `folder`.
    pub fn prepare(folder: &Path, port: u16) -> Result<Self> {
        let program = programs::redis_server()?;
        fs::create_dir_all(folder)
            .map_err(|error| Error::refused(format!("cannot create {}: {error}", folder.display())))?;
        let port = port.to_string();
        let args = [
            ("--port", port.as_str()),
            ("--bind", "127.0.0.1"),
            // Every acknowledged write is on the disk: append-only log, synced before each reply.
            ("--appendonly", "yes"),
            ("--appendfsync", "always"),
            ("--save", ""),
            // The log is the system of record: a full memory refuses writes, it does not forget.
            ("--maxmemory-policy", "noeviction"),
        ];
        Ok(Self {
            spec: Spec {
                program,
                args: args.iter().flat_map(|(k, v)| [(*k).into(), (*v).into()]).collect(),
                env: Vec::new(),
                // Redis writes where it is started.
                folder: folder.to_path_buf(),
            },
            lock: folder.join("lock"),
        })
    }

    /// Never beside another server on the same data: the server inherits a lock, which lives exactly as long as it.
    pub async fn start(&self, log: &Arc<Log>) -> Result<Process> {
        let lock = File::create(&self.lock).map_err(|error| self.unusable(&error))?;
        let deadline = Instant::now() + EARLIER_SERVER;
        loop {
            match lock.try_lock() {
                Ok(()) => return Process::start(&self.spec, log, Some(lock)),
                Err(fs::TryLockError::WouldBlock) if Instant::now() < deadline => {
                    sleep(Duration::from_millis(20)).await;
                }
                Err(fs::TryLockError::WouldBlock) => {
                    return Err(Error::refused(format!(
                        "another Redis server still runs on the data in {}: stop it first (`make down`)",
                        self.spec.folder.display()
                    )));
                }
                Err(fs::TryLockError::Error(error)) => return Err(self.unusable(&error)),
            }
        }
    }

    fn unusable(&self, error: &io::Error) -> Error {
        Error::refused(format!("cannot lock {}: {error}", self.lock.display()))
    }
}
