//! What the machine lets this program do.

use anyhow::{Result, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are open beside the connections: the standard ones, the event queue, the timer, what is read and written.
const OTHERS: u64 = 32;

/// Makes room for so many connections. Many systems allow 1,024 open files, until they are asked for more.
pub fn allow_connections(count: usize) -> Result<()> {
    let needed = count as u64 + OTHERS;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    if limit.maximum.is_some_and(|most| most < needed)
        || setrlimit(Resource::Nofile, Rlimit { current: Some(needed), ..limit }).is_err()
    {
        let allowed = limit.maximum.unwrap_or_default();
        bail!(
            "{count} connections need {needed} open files, and {allowed} are allowed: raise `ulimit -n`, or take fewer"
        );
    }
    Ok(())
}
