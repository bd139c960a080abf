//! The whole system: prepared, brought up, looked after, stopped.

mod diagnosis;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::error::{Error, Result};
use crate::health;
use crate::home::{self, Home, Running};
use crate::log::Log;
use crate::options::{Data, Options, Part, Runtime};
use crate::parts::{Addresses, Programs};
use crate::ports::Port;
use crate::process::{Ended, Process, Spec};
use crate::redis_ready;
use crate::redis_server::RedisServer;
use crate::redis_url::RedisUrl;

const POLL: Duration = Duration::from_millis(25);
/// A system on this machine. What still runs when it is dropped is killed.
pub struct System {
    options: Options,
    addresses: Addresses,
    redis: Option<(RedisServer, RedisUrl)>,
    worker: Spec,
    runtime: Spec,
    processes: Mutex<BTreeMap<Part, Arc<Process>>>,
    logs: BTreeMap<Part, Arc<Log>>,
    shown: Arc<AtomicBool>,
    // Dropped last: the lock on the data folder, and the folder if it is temporary.
    home: Home,
    _temporary: Option<TempDir>,
}

impl System {
    /// How often it is tried, because another process may take a port between our looking and our part's listening.
    pub const STARTS: usize = 3;

    /// Starts a system and waits until it is healthy. Whatever fails, nothing is left running.
    pub async fn start(options: Options) -> Result<Self> {
        let mut left = Self::STARTS;
        loop {
            left -= 1;
            let system = Self::prepare(options.clone())?;
            match system.bring_up().await {
                Ok(()) => return Ok(system),
                Err(error) => {
                    let taken = system.lost_a_port();
                    system.stop_all().await;
                    if left == 0 || !taken {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Checks all that can be checked without starting anything, and decides on the addresses.
    pub fn prepare(options: Options) -> Result<Self> {
        let programs = Programs::find(options.runtime)?;
        let (folder, temporary) = folder(&options.data)?;
        let port = options.port.choose().map_err(|error| {
            // Most often it is the same system, started twice.
            let what_to_do = match home::running(&folder) {
                Some(running) => running.advice(&folder),
                None => "Stop it, or choose another port: PORT=<port> make up".into(),
            };
            Error::refused(format!("{error}. {what_to_do}"))
        })?;
        let home = Home::take(&folder)?;
        let folder = home.folder().to_path_buf();
        let worker_port = options.worker_port.choose()?;
        let metrics_port = match options.runtime {
            Runtime::Embedded => options.metrics_port.map(Port::choose).transpose()?,
            Runtime::Spin => None,
        };
        let redis = match options.servers.needs_own() {
            true => {
                let port = options.redis_port.choose()?;
                let server = RedisServer::prepare(&folder.join("redis"), port)?;
                Some((server, RedisUrl::local(port)))
            }
            false => None,
        };
        let own = redis.as_ref().map_or(0, |(_, url)| url.port());
        let addresses = Addresses { port, worker_port, metrics_port, contexts: options.servers.with_own(own) };
        let shown = Arc::new(AtomicBool::new(false));
        let logs_folder = folder.join("logs");
        let mut logs = BTreeMap::new();
        for part in Part::ALL {
            let log = Log::open(&logs_folder, part.name(), part.colour(), shown.clone());
            let log =
                log.map_err(|error| Error::refused(format!("cannot write to {}: {error}", logs_folder.display())))?;
            logs.insert(part, Arc::new(log));
        }
        Ok(Self {
            worker: programs.worker(&options, &addresses, &folder.join("worker")),
            runtime: programs.runtime(&options, &addresses, &logs_folder),
            options,
            addresses,
            redis,
            processes: Mutex::default(),
            logs,
            shown,
            home,
            _temporary: temporary,
        })
    }

    /// Starts every part and waits until the three health routes say UP.
    pub async fn bring_up(&self) -> Result<()> {
        self.home.announce(&Running {
            pid: std::process::id(),
            url: self.url(),
            worker_url: self.worker_url(),
            metrics_url: self.metrics_url(),
            redis_port: self.redis_port(),
            contexts: self.addresses.contexts.addresses(),
        })?;
        for url in self.options.servers.given() {
            redis_ready::wait(url, self.options.redis_wait, &*self.options.report).await?;
        }
        for part in Part::ALL {
            self.launch(part).await?;
        }
        self.wait_until_healthy(self.options.start_wait).await
    }

    /// Waits until the three health routes say UP, or a part has ended, or `bound` is over.
    pub async fn wait_until_healthy(&self, bound: Duration) -> Result<()> {
        let start = Instant::now();
        loop {
            let health = health::ask(self.addresses.port).await;
            if let Some((part, ended)) = self.first_ended() {
                return Err(self.failure(part, &ended.to_string()));
            }
            if health.is_up() {
                return self.stranger().map_or(Ok(()), |stranger| Err(Error::failed(stranger)));
            }
            if start.elapsed() > bound {
                // The recommendation service rests on the worker, the others on Redis through the runtime.
                let part = match health.0[..2].iter().all(|h| *h == health::Health::Up) {
                    true => Part::Worker,
                    false => Part::Runtime,
                };
                let what = format!("is not healthy after {} s: {health}", bound.as_secs());
                return Err(self.failure(part, &what));
            }
            self.options.report.waiting(&format!("Waiting for health: {health}"));
            sleep(POLL).await;
        }
    }

    pub fn url(&self) -> String {
        self.addresses.url()
    }

    pub fn worker_url(&self) -> String {
        self.addresses.worker_url()
    }

    /// Where the runtime's metrics are, if it serves them.
    pub fn metrics_url(&self) -> Option<String> {
        self.addresses.metrics_url()
    }

    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Of our own Redis, if there is one.
    pub fn redis_port(&self) -> Option<u16> {
        self.redis.as_ref().map(|(_, url)| url.port())
    }

    /// Whether there is a Redis that is not ours to stop.
    pub(crate) fn has_given(&self) -> bool {
        self.options.servers.given().next().is_some()
    }

    pub fn data_folder(&self) -> &Path {
        self.home.folder()
    }

    /// From now on every line that a part prints is shown.
    pub fn follow_logs(&self) {
        self.shown.store(true, Ordering::Relaxed);
    }

    /// All that a part has printed, through its restarts.
    pub fn log(&self, part: Part) -> String {
        self.logs[&part].text()
    }

    /// The process number of a part that has been started.
    pub fn pid(&self, part: Part) -> Option<u32> {
        self.process(part).map(|process| process.pid())
    }

    /// SIGTERM, and waits for the end.
    pub async fn stop(&self, part: Part) -> Option<Ended> {
        Some(self.process(part)?.stop().await)
    }

    /// SIGKILL, and waits for the end.
    pub async fn kill(&self, part: Part) -> Option<Ended> {
        Some(self.process(part)?.kill().await)
    }

    /// Waits for the end of a part that has been told to end.
    pub async fn ended(&self, part: Part) -> Option<Ended> {
        Some(self.process(part)?.wait().await)
    }

    /// Any signal. STOP and CONT make a part hang and go on; that nothing of it runs any more is waited for.
    pub fn signal(&self, part: Part, signal: Signal) {
        let Some(process) = self.process(part) else { return };
        process.signal(signal);
        if signal == Signal::STOP {
            process.stands_still();
        }
    }

    /// Starts a part (again), where it was. Redis is waited for; for the rest see [`System::wait_until_healthy`].
    pub async fn launch(&self, part: Part) -> Result<()> {
        let log = &self.logs[&part];
        let process = match part {
            Part::Redis => match &self.redis {
                Some((server, _)) => server.start(log).await?,
                None => return Ok(()),
            },
            Part::Worker => Process::start(&self.worker, log, None)?,
            Part::Runtime => Process::start(&self.runtime, log, None)?,
        };
        let process = Arc::new(process);
        self.processes.lock().unwrap().insert(part, process.clone());
        let (Part::Redis, Some((_, url))) = (part, &self.redis) else {
            return Ok(());
        };
        tokio::select! {
            ready = redis_ready::wait(url, Options::REDIS_WAIT, &*self.options.report) => ready,
            ended = process.wait() => Err(self.failure(part, &ended.to_string())),
        }
    }

    /// Stops a part if it runs, starts it, and waits until all is healthy.
    pub async fn restart(&self, part: Part) -> Result<()> {
        self.stop(part).await;
        self.launch(part).await?;
        self.wait_until_healthy(self.options.start_wait).await
    }

    /// Waits until any part ends.
    pub async fn any_ended(&self) -> (Part, Ended) {
        loop {
            if let Some(ended) = self.first_ended() {
                return ended;
            }
            sleep(POLL).await;
        }
    }

    /// Stops everything, in the reverse of the order of starting: the runtime drains its requests while the worker
    /// and Redis are still there, and Redis, last, has nothing left to write but what it has acknowledged.
    pub async fn stop_all(&self) {
        for part in Part::ALL.iter().rev() {
            self.stop(*part).await;
        }
    }

    /// Does not wait for requests that are still served. Redis is always given its time.
    pub fn hurry(&self) {
        self.signal(Part::Runtime, Signal::KILL);
        self.signal(Part::Worker, Signal::KILL);
    }

    pub(crate) fn process(&self, part: Part) -> Option<Arc<Process>> {
        self.processes.lock().unwrap().get(&part).cloned()
    }

    pub(crate) fn first_ended(&self) -> Option<(Part, Ended)> {
        let processes = self.processes.lock().unwrap();
        processes.iter().find_map(|(part, process)| Some((*part, process.ended()?)))
    }
}

fn folder(data: &Data) -> Result<(PathBuf, Option<TempDir>)> {
    match data {
        Data::In(folder) => Ok((folder.clone(), None)),
        Data::Temporary => {
            let temporary = tempfile::Builder::new().prefix("social-").tempdir();
            let temporary = temporary.map_err(|error| Error::refused(format!("no temporary folder: {error}")))?;
            Ok((temporary.path().to_path_buf(), Some(temporary)))
        }
    }
}
