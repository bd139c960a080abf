//! `social observe`: a Prometheus beside the system that runs, for as long as it runs.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::Args;
use settings::values;
use tokio::time::sleep;

use crate::error::{Error, Result};
use crate::home;
use crate::log::Log;
use crate::options::{folder_of, manifest};
use crate::ports::Port;
use crate::prometheus::{Prometheus, Targets};
use crate::settings::{DataDir, OrEmpty, or_empty};
use crate::signals::Signals;

/// The first choice; the next free one does as well.
const PROMETHEUS_PORT: u16 = 9090;
/// As in prometheus.yml.
const INTERVAL: Duration = Duration::from_secs(5);
/// How soon the end of the system is noticed.
const POLL: Duration = Duration::from_millis(200);

/// The settings of `social observe`.
#[derive(Args, Clone, Debug)]
pub struct ObserveSettings {
    /// The port of Prometheus [default: the first free one from 9090]
    #[arg(long, env = "PROMETHEUS_PORT", value_name = "PORT", value_parser = prometheus_port)]
    prometheus_port: Option<OrEmpty<u16>>,
    #[command(flatten)]
    data_dir: DataDir,
}

fn prometheus_port(text: &str) -> std::result::Result<OrEmpty<u16>, String> {
    or_empty(text, values::port)
}

/// Runs until a signal comes or the system ends (then it is well), or Prometheus ends by itself (then it is an error).
pub async fn run(settings: &ObserveSettings) -> Result<()> {
    let mut signals = Signals::listen()?;
    let folder = settings.data_dir.folder()?;
    let Some(running) = home::running(&folder) else {
        return Err(Error::refused(format!(
            "nothing runs from {}: `make up` in another terminal, then `make observe` again",
            folder.display()
        )));
    };
    let port = match settings.prometheus_port {
        Some(OrEmpty(Some(port))) => Port::Exactly(port),
        _ => Port::From(PROMETHEUS_PORT),
    };
    let targets = Targets::of(running.metrics_url.as_deref(), &running.worker_url);
    let observability = folder_of(&manifest()?).join("infra/observability");
    let data = std::path::absolute(folder.join("prometheus")).unwrap_or_else(|_| folder.join("prometheus"));
    let prometheus = Prometheus::prepare(&observability, &data, port.choose()?, &targets, INTERVAL)?;
    let logs = folder.join("logs");
    let log = Log::open(&logs, "prometheus", "", Arc::new(AtomicBool::new(false)));
    let log = log.map_err(|error| Error::refused(format!("cannot write to {}: {error}", logs.display())))?;
    let process = prometheus.start(&Arc::new(log)).await?;
    println!("{}", next_steps(&prometheus.url(), &targets, &data));
    let outcome = tokio::select! {
        ended = process.wait() => Err(Error::failed(format!("Prometheus {ended}. Its log: {}/prometheus.log", logs.display()))),
        () = end_of(&folder) => {
            println!("The system has ended, and Prometheus with it");
            Ok(())
        }
        () = signals.next() => Ok(()),
    };
    process.stop().await;
    outcome
}

async fn end_of(folder: &Path) {
    while home::is_locked(folder) {
        sleep(POLL).await;
    }
}

fn next_steps(url: &str, targets: &Targets, data: &Path) -> String {
    let runtime = match &targets.runtime {
        Some(address) => format!("http://{address}/metrics"),
        None => "nothing of the runtime: Spin sends its metrics by OpenTelemetry".to_string(),
    };
    format!(
        "Prometheus is at {url}

  it watches   {runtime}
               http://{worker}/metrics
  its data     {data}
  alerts       {url}/alerts
  new users    {url}/graph?g0.expr=type%3Aworker_events%3Arate1m&g0.tab=0&g0.range_input=15m

For Grafana: infra/observability/README.md. Ctrl-C stops it; the system runs on.",
        worker = targets.worker,
        data = data.display(),
    )
}
