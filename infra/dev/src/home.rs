//! The data folder: one running system at a time, and what others may know about it.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Written beside the lock while a system runs. It holds no password.
#[derive(Debug, Serialize, Deserialize)]
pub struct Running {
    /// The process that started the system and stops it on SIGTERM.
    pub pid: u32,
    pub url: String,
    pub worker_url: String,
    /// Where the runtime's metrics are, if it serves them.
    #[serde(default)]
    pub metrics_url: Option<String>,
    /// The port of its own Redis, if it has one.
    pub redis_port: Option<u16>,
    /// Where the Redis of each context is, `user` at `host:port` and so on: a command that reads the data with other
    /// settings would look at other data.
    #[serde(default)]
    pub contexts: BTreeMap<String, String>,
}

impl Running {
    /// For someone who is about to start it a second time.
    pub(crate) fn advice(&self, folder: &Path) -> String {
        format!(
            "The system at {} (pid {}) runs from {}: `make down` stops it, and DATA_DIR=<folder> PORT=<port> make up starts another beside it",
            self.url,
            self.pid,
            folder.display()
        )
    }
}

/// A data folder that is ours until this is dropped, or until the process ends, however that ends.
pub struct Home {
    folder: PathBuf,
    _lock: File,
}

impl Home {
    /// Takes the folder, which is made if need be.
    pub fn take(folder: &Path) -> Result<Self> {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.into());
        let unusable = |error: std::io::Error| {
            Error::refused(format!("cannot write to the data folder {} (DATA_DIR): {error}", folder.display()))
        };
        fs::create_dir_all(&folder).map_err(unusable)?;
        let lock = File::create(lock_path(&folder)).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { folder, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Error::refused(in_use(&folder))),
            Err(TryLockError::Error(error)) => Err(unusable(error)),
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn announce(&self, running: &Running) -> Result<()> {
        let path = running_path(&self.folder);
        let write = || -> std::io::Result<()> {
            let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
            file.write_all(serde_json::to_string(running)?.as_bytes())
        };
        write().map_err(|error| Error::failed(format!("cannot write {}: {error}", path.display())))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_file(running_path(&self.folder));
    }
}

/// The system that runs from a data folder now. What one that was killed left behind does not count: its lock is free.
pub fn running(folder: &Path) -> Option<Running> {
    if !is_locked(folder) {
        return None;
    }
    let text = fs::read(running_path(folder)).ok()?;
    serde_json::from_slice(&text).ok()
}

pub fn is_locked(folder: &Path) -> bool {
    File::open(lock_path(folder)).is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
}

fn in_use(folder: &Path) -> String {
    match running(folder) {
        Some(running) => running.advice(folder),
        None => format!("another system is just starting or stopping in {}: try again in a moment", folder.display()),
    }
}

fn lock_path(folder: &Path) -> PathBuf {
    folder.join("lock")
}

fn running_path(folder: &Path) -> PathBuf {
    folder.join("running.json")
}
