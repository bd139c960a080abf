//! Where the programs are that make up the system.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Result};

/// The first Spin with WASI 0.3.0, which the components are built on.
const FIRST_SPIN: (u32, u32) = (4, 1);

/// The embedded runtime. `HOST_PROGRAM` names another one.
pub fn host() -> Result<PathBuf> {
    ours("host", "HOST_PROGRAM")
}

/// The projection worker. `WORKER_PROGRAM` names another one.
pub fn worker() -> Result<PathBuf> {
    ours("projection-worker", "WORKER_PROGRAM")
}

/// Redis, from the PATH or `REDIS_SERVER_PROGRAM`.
pub fn redis_server() -> Result<PathBuf> {
    named("REDIS_SERVER_PROGRAM")?.or_else(|| in_path("redis-server")).ok_or_else(|| {
        Error::refused("redis-server is not installed: `make setup`, or give REDIS_URL a server that runs elsewhere")
    })
}

/// Prometheus, from the PATH or `PROMETHEUS_PROGRAM`.
pub fn prometheus() -> Result<PathBuf> {
    named("PROMETHEUS_PROGRAM")?.or_else(|| in_path("prometheus")).ok_or_else(|| {
        Error::refused("prometheus is not installed: `make observe` installs it, or put it and promtool into the PATH")
    })
}

/// The Spin CLI, from the PATH or `SPIN_PROGRAM`, in a version that can run the components.
pub fn spin() -> Result<PathBuf> {
    const WHERE: &str = "install Spin 4.1 or later (https://spinframework.dev/install), or leave RUNTIME away to use the embedded runtime";
    let program = named("SPIN_PROGRAM")?
        .or_else(|| in_path("spin"))
        .ok_or_else(|| Error::refused(format!("RUNTIME=spin, but spin is not in the PATH: {WHERE}")))?;
    let said = Command::new(&program)
        .arg("--version")
        .output()
        .map_err(|error| Error::refused(format!("cannot run {}: {error}", program.display())))?;
    let said = String::from_utf8_lossy(&said.stdout);
    match spin_version(&said) {
        Some(version) if version >= FIRST_SPIN => Ok(program),
        // Another program of that name exists: a model checker.
        None => Err(Error::refused(format!(
            "{} is not the Spin CLI (it says {:?}): {WHERE}",
            program.display(),
            said.trim()
        ))),
        Some((major, minor)) => Err(Error::refused(format!(
            "{} is Spin {major}.{minor}, which lacks WASI 0.3.0: {WHERE}",
            program.display()
        ))),
    }
}

/// From `spin 4.1.0-pre0 (fa4b1d1 2026-01-08)`.
fn spin_version(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.strip_prefix("spin ")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// The folder of this program: target/<profile>, also for a test, which is in its `deps`.
pub fn folder() -> PathBuf {
    let program = env::current_exe().unwrap_or_default();
    let folder = program.parent().unwrap_or(Path::new("."));
    match folder.file_name() {
        Some(name) if name == "deps" => folder.parent().unwrap_or(folder).to_path_buf(),
        _ => folder.to_path_buf(),
    }
}

fn ours(name: &str, setting: &str) -> Result<PathBuf> {
    if let Some(program) = named(setting)? {
        return Ok(program);
    }
    let program = folder().join(name);
    if program.is_file() {
        return Ok(program);
    }
    Err(Error::refused(format!("{} is not built: `make build`", program.display())))
}

/// A program that a setting names has to be there.
fn named(setting: &str) -> Result<Option<PathBuf>> {
    match env::var_os(setting).filter(|value| !value.is_empty()) {
        None => Ok(None),
        // Absolute, because the parts are started in other folders.
        Some(value) => match std::path::absolute(&value) {
            Ok(program) if program.is_file() => Ok(Some(program)),
            _ => Err(Error::refused(format!("{setting} names {}, which is no file", value.display()))),
        },
    }
}

fn in_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(name)).find(|program| program.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_spin_s_version() {
        assert_eq!(spin_version("spin 4.1.0-pre0 (fa4b1d1 2026-01-08)"), Some((4, 1)));
        assert_eq!(spin_version("spin 3.6.0 (x)"), Some((3, 6)));
        assert_eq!(spin_version("Spin Version 6.5.2 -- 6 December 2019"), None);
    }
}
