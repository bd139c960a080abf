//! A Prometheus of our own, which watches one running system.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::error::{Error, Result};
use crate::log::Log;
use crate::process::{Process, Spec};
use crate::programs;

/// What infra/observability/prometheus.yml has where a system that runs elsewhere differs.
const RUNTIME: &str = "targets: [\"127.0.0.1:9190\"]";
const WORKER: &str = "targets: [\"127.0.0.1:9100\"]";
const RULES: &str = "- rules/*.yml";
const SCRAPES: &str = "scrape_interval: 5s";
const EVALUATIONS: &str = "evaluation_interval: 5s";
/// It reads back what it had written last time.
const START: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);
const ANSWER: Duration = Duration::from_secs(2);

/// What is watched, as host:port.
#[derive(Clone, Debug)]
pub struct Targets {
    /// None: Spin, which serves none.
    pub runtime: Option<String>,
    pub worker: String,
}

impl Targets {
    /// From the URLs of a running system.
    pub fn of(metrics_url: Option<&str>, worker_url: &str) -> Self {
        let address = |url: &str| {
            let url = url.strip_prefix("http://").unwrap_or(url);
            url.split('/').next().unwrap_or_default().to_string()
        };
        Self { runtime: metrics_url.map(address), worker: address(worker_url) }
    }
}

/// What it takes to start it.
pub struct Prometheus {
    spec: Spec,
    port: u16,
    lock: PathBuf,
}

impl Prometheus {
    /// `observability` is the folder of prometheus.yml and the rules; the data is kept in `folder`.
    pub fn prepare(
        observability: &Path,
        folder: &Path,
        port: u16,
        targets: &Targets,
        interval: Duration,
    ) -> Result<Self> {
        let program = programs::prometheus()?;
        let config = folder.join("prometheus.yml");
        let template = observability.join("prometheus.yml");
        let text = fs::read_to_string(&template)
            .map_err(|error| Error::refused(format!("cannot read {}: {error}", template.display())))?;
        let text = adapted(&text, observability, targets, interval)
            .map_err(|missing| Error::refused(format!("{} has no line {missing:?}", template.display())))?;
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&config, text))
            .map_err(|error| Error::refused(format!("cannot write {}: {error}", config.display())))?;
        let path = |name: &str| folder.join(name).display().to_string();
        let args = [
            format!("--config.file={}", path("prometheus.yml")),
            format!("--storage.tsdb.path={}", path("data")),
            format!("--web.listen-address=127.0.0.1:{port}"),
        ];
        Ok(Self {
            spec: Spec {
                program,
                args: args.into_iter().map(Into::into).collect(),
                env: Vec::new(),
                folder: folder.to_path_buf(),
            },
            port,
            lock: folder.join("lock"),
        })
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Starts it, and waits until it answers. Never beside another one on the same data.
    pub async fn start(&self, log: &Arc<Log>) -> Result<Process> {
        let lock = File::create(&self.lock)
            .map_err(|error| Error::refused(format!("cannot lock {}: {error}", self.lock.display())))?;
        if lock.try_lock().is_err() {
            return Err(Error::refused(format!(
                "another Prometheus keeps its data in {}: `make observe` runs already, stop it first",
                self.spec.folder.display()
            )));
        }
        let process = Process::start(&self.spec, log, Some(lock))?;
        let start = Instant::now();
        while !self.is_ready().await {
            if let Some(ended) = process.ended() {
                return Err(Error::failed(format!("Prometheus {ended}:\n  {}", log.recent().join("\n  "))));
            }
            if start.elapsed() > START {
                return Err(Error::failed(format!(
                    "Prometheus is not ready after {} s. Its log: {}",
                    START.as_secs(),
                    log.path().display()
                )));
            }
            sleep(POLL).await;
        }
        Ok(process)
    }

    async fn is_ready(&self) -> bool {
        matches!(timeout(ANSWER, ready(self.port)).await, Ok(Ok(true)))
    }
}

async fn ready(port: u16) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(b"GET /-/ready HTTP/1.0\r\n\r\n").await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer.starts_with(b"HTTP/1.0 200"))
}

/// The configuration for these targets; an error names what it should have had.
fn adapted(
    text: &str,
    observability: &Path,
    targets: &Targets,
    interval: Duration,
) -> std::result::Result<String, &'static str> {
    let runtime = targets.runtime.as_ref().map_or("targets: []".to_string(), |address| of_target(address));
    let rules = std::path::absolute(observability.join("rules")).unwrap_or_else(|_| observability.join("rules"));
    let interval = format!("{}ms", interval.as_millis());
    let replacements = [
        (RUNTIME, runtime),
        (WORKER, of_target(&targets.worker)),
        (RULES, format!("- {}/*.yml", rules.display())),
        (SCRAPES, format!("scrape_interval: {interval}")),
        (EVALUATIONS, format!("evaluation_interval: {interval}")),
    ];
    let mut text = text.to_string();
    for (old, new) in replacements {
        if text.matches(old).count() != 1 {
            return Err(old);
        }
        text = text.replace(old, &new);
    }
    Ok(text)
}

fn of_target(address: &str) -> String {
    format!("targets: [\"{address}\"]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_gets_the_addresses_of_the_system() {
        let text = format!("{SCRAPES}\n{EVALUATIONS}\n{RULES}\n{RUNTIME}\n{WORKER}\n");
        let adapt = |text: &str, metrics| {
            let targets = Targets::of(metrics, "http://127.0.0.1:2");
            adapted(text, Path::new("/o"), &targets, Duration::from_secs(1))
        };
        let adapted = adapt(&text, Some("http://127.0.0.1:1/metrics")).unwrap();
        let lines = "scrape_interval: 1000ms\nevaluation_interval: 1000ms\n- /o/rules/*.yml\n\
                     targets: [\"127.0.0.1:1\"]\ntargets: [\"127.0.0.1:2\"]\n";
        assert_eq!(adapted, lines);
        assert!(adapt(&text, None).unwrap().contains("targets: []"));
        assert_eq!(adapt(&text.replace(WORKER, ""), None), Err(WORKER));
    }
}
