//! Waiting for what comes by itself.

use std::time::{Duration, Instant};

use tokio::time::sleep;

/// Two busy cores may make anything late, but nothing this late.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(25);

/// Looks until what is looked for is there; panics with the last reason why not.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Result<T, String>) -> T {
    let start = Instant::now();
    loop {
        match look().await {
            Ok(found) => return found,
            Err(why) if start.elapsed() > PATIENCE => panic!("{what}: not after {PATIENCE:?}: {why}"),
            Err(_) => sleep(POLL).await,
        }
    }
}

/// `Ok` where it holds, else the words.
pub fn holds(it: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if it { Ok(()) } else { Err(otherwise()) }
}
