//! What can be set, by flag or environment.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use clap::builder::TypedValueParser;

use crate::snapshot::Due;

/// The projection worker: tails the event streams, keeps the graph of friendships in memory, and answers who may
/// know whom.
///
/// It owns nothing: stop it, delete it, start it again, and it rebuilds itself from the streams.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub struct Settings {
    /// Where to listen. The API has no authentication: keep it on loopback or a private network
    #[arg(long, env = "WORKER_LISTEN", default_value = "127.0.0.1:9100", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,

    /// Redis of the user service: events:user. redis://[user][:password]@host:port
    #[arg(long, env = "USER_REDIS_URL", default_value = "redis://127.0.0.1:6379", hide_env_values = true)]
    pub user_redis_url: String,

    /// Redis of the friend service: events:friend, the read model people, and this worker's dead letters
    #[arg(long, env = "FRIEND_REDIS_URL", default_value = "redis://127.0.0.1:6379", hide_env_values = true)]
    pub friend_redis_url: String,

    /// Redis of the read models directory, activity and stats
    #[arg(long, env = "VIEW_REDIS_URL", default_value = "redis://127.0.0.1:6379", hide_env_values = true)]
    pub view_redis_url: String,

    /// Queries that are computed at the same time [default: one for each processor]
    #[arg(long, env = "WORKER_QUERY_THREADS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub query_threads: Option<u16>,

    /// Queries that may wait for their turn before others are turned away (503)
    #[arg(long, env = "WORKER_QUERY_QUEUE", value_name = "N", default_value_t = 1024)]
    pub query_queue: u16,

    /// Ready when at most so many events of each stream have not been applied; not ready any more at ten times as many
    #[arg(long, env = "WORKER_READY_LAG_EVENTS", value_name = "N", default_value_t = 10_000)]
    pub ready_lag_events: u64,

    /// Most bytes that the view may take: events beyond it wait in Redis. A suffix K, M or G counts in powers of 1024
    #[arg(long, env = "WORKER_MEMORY_BUDGET", value_name = "BYTES", value_parser = bytes)]
    pub memory_budget: Option<usize>,

    /// Where to keep snapshots of the view, to start from: a folder for this worker alone [default: no snapshots]
    #[arg(long, env = "WORKER_SNAPSHOT_DIR", value_name = "FOLDER", value_parser = clap::builder::NonEmptyStringValueParser::new().map(PathBuf::from))]
    pub snapshot_dir: Option<PathBuf>,

    /// Write a snapshot after so many events
    #[arg(long, env = "WORKER_SNAPSHOT_EVENTS", value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub snapshot_events: u64,

    /// ... or after so many seconds, if there was an event
    #[arg(long, env = "WORKER_SNAPSHOT_SECONDS", value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    pub snapshot_seconds: u32,

    /// What to log to standard error: a level, or a filter such as `info,projection=debug`. RUST_LOG works as well
    #[arg(long, env = "WORKER_LOG", value_name = "FILTER")]
    pub log: Option<String>,
}

impl Settings {
    pub fn threads(&self) -> usize {
        let processors = || std::thread::available_parallelism().map_or(1, usize::from);
        self.query_threads.map_or_else(processors, usize::from)
    }

    pub fn due(&self) -> Due {
        Due { events: self.snapshot_events, time: Duration::from_secs(self.snapshot_seconds.into()) }
    }

    /// The log filter: the flag, else RUST_LOG, else `info`.
    pub fn filter(&self) -> String {
        let fallback = || std::env::var("RUST_LOG").ok().filter(|filter| !filter.is_empty());
        self.log.clone().or_else(fallback).unwrap_or_else(|| "info".to_owned())
    }
}

fn bytes(text: &str) -> Result<usize, String> {
    let (digits, unit) = match text.as_bytes().last() {
        Some(b'K' | b'k') => (&text[..text.len() - 1], 1 << 10),
        Some(b'M' | b'm') => (&text[..text.len() - 1], 1 << 20),
        Some(b'G' | b'g') => (&text[..text.len() - 1], 1 << 30),
        _ => (text, 1_usize),
    };
    let number = digits.parse::<usize>().ok().and_then(|number| number.checked_mul(unit));
    number
        .filter(|&bytes| bytes > 0)
        .ok_or_else(|| "must be a number of bytes such as 2000000000, 2G or 512M".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_numbers_of_bytes() {
        for (text, expected) in [("1", 1), ("2000", 2000), ("3K", 3 << 10), ("512M", 512 << 20), ("2g", 2 << 30)] {
            assert_eq!(bytes(text), Ok(expected));
        }
        for bad in ["", "0", "-1", "G", "1.5G", "2GB", "99999999999999999999", "99999999999999999G", "é"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }
}
