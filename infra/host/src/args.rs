//! The command line.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use clap::Parser;
use settings::values;
use tracing_subscriber::EnvFilter;

/// Nobody has more cores.
const MAX_THREADS: usize = 1024;

/// Runs the components of a spin.toml where no Spin is installed.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Args {
    /// The manifest
    #[arg(long, value_name = "FILE", default_value = "spin.toml")]
    pub from: PathBuf,
    /// Where to listen for HTTP
    #[arg(long, value_name = "IP:PORT", env = "SPIN_HTTP_LISTEN_ADDR", default_value = "127.0.0.1:9000", value_parser = values::address)]
    pub listen: SocketAddr,
    /// Where to serve metrics for Prometheus, at /metrics; if nowhere, nothing is counted [default: nowhere]
    #[arg(long, value_name = "IP:PORT", env = "RUNTIME_METRICS_LISTEN", value_parser = values::address)]
    pub metrics_listen: Option<SocketAddr>,
    /// Sets an application variable; SPIN_VARIABLE_<NAME> does too, and is the place for secrets
    #[arg(long = "variable", value_name = "NAME=VALUE", value_parser = values::name_and_value)]
    pub variables: Vec<(String, String)>,
    /// Keeps compiled components here. `make up` names a folder of its own: component-cache, beside the host
    #[arg(long, value_name = "DIR", default_value = ".local/cache/components")]
    pub cache_dir: PathBuf,
    /// Keeps what components print here [default: .spin/logs beside the manifest]
    #[arg(long, value_name = "DIR")]
    pub log_dir: Option<PathBuf>,
    /// Leaves what components print to the files
    #[arg(long)]
    pub quiet: bool,
    /// Threads that serve HTTP [default: one a core]
    #[arg(long, value_name = "N", value_parser = |text: &str| values::count(text, MAX_THREADS))]
    pub threads: Option<usize>,
    /// Compiles what the cache lacks, and ends: what the host starts itself with, see `compiled`
    #[arg(long, hide = true)]
    pub compile_only: bool,
}

impl Args {
    pub fn log_dir(&self) -> PathBuf {
        let beside = || {
            let folder = self.from.parent().unwrap_or(Path::new("."));
            folder.join(".spin").join("logs")
        };
        self.log_dir.clone().unwrap_or_else(beside)
    }

    pub fn threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.unwrap_or_else(cores)
    }
}

/// RUST_LOG chooses what is logged: `host=debug` tells of every new instance.
pub fn start_logging() -> Result<()> {
    let filter = std::env::var(EnvFilter::DEFAULT_ENV).ok().filter(|filter| !filter.is_empty());
    let filter = EnvFilter::try_new(filter.as_deref().unwrap_or("info")).map_err(|error| {
        let filter = filter.as_deref().unwrap_or_default();
        anyhow!(
            "RUST_LOG={filter} (environment) must be a level, such as info, or levels of parts, such as \
             info,host=debug: {error}"
        )
    })?;
    let stderr = std::io::stderr;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .with_target(false)
        .init();
    Ok(())
}
