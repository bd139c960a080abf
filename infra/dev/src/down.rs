//! `social down`: stops the system that runs from a data folder.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

use crate::error::{Error, Result};
use crate::home;
use crate::process::GRACE;
use crate::settings::DataDir;

/// Three parts, each with its grace, and some.
const BOUND: Duration = Duration::from_secs(45);
const _: () = assert!(BOUND.as_secs() > 3 * GRACE.as_secs());
const POLL: Duration = Duration::from_millis(20);

pub async fn run(settings: &DataDir) -> Result<()> {
    let folder = settings.folder()?;
    let Some(running) = home::running(&folder) else {
        println!("Nothing runs from {}", folder.display());
        return Ok(());
    };
    let pid = i32::try_from(running.pid).ok().and_then(Pid::from_raw);
    let told = pid.map(|pid| kill_process(pid, Signal::TERM));
    if let Some(Err(error)) = told {
        return Err(Error::failed(format!("cannot stop pid {}: {error}", running.pid)));
    }
    let deadline = Instant::now() + BOUND;
    while home::is_locked(&folder) {
        if Instant::now() > deadline {
            return Err(Error::failed(format!("pid {} still runs {} s after SIGTERM", running.pid, BOUND.as_secs())));
        }
        sleep(POLL).await;
    }
    println!("Stopped the system at {} (pid {})", running.url, running.pid);
    Ok(())
}
