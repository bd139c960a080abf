//! What is measured: the system, and the ceiling beside it on the same Redis.

use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use dev::{Options, Part, System};
use domain::event::Stream;
use event_store::native::NativeRedis;
use event_store::{Redis, keys, read};
use load::{Connection, Target};
use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::sleep;

/// Projections and the streams that each of them reads.
const PROJECTIONS: [(&str, &[Stream]); 4] = [
    ("people", &[Stream::User]),
    ("directory", &[Stream::User]),
    ("activity", &[Stream::User, Stream::Friend]),
    ("stats", &[Stream::User, Stream::Friend]),
];
/// How long projections may take for what a measurement left them.
const CATCH_UP_LIMIT: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A server that the same calls are made to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Server {
    /// The system, through its runtime.
    Ours,
    /// The plain server, while the system's projections follow the log as they do for ours.
    Ceiling,
    /// The plain server, while the system is stopped: nothing but it and Redis runs.
    CeilingAlone,
}

pub struct Bed {
    pub system: System,
    pub ours: Target,
    pub worker: Target,
    pub redis: NativeRedis,
    ceiling: Target,
    // Killed when it is dropped.
    process: Child,
}

impl Bed {
    /// Puts the ceiling beside a running system.
    pub async fn beside(system: System) -> Result<Self> {
        let port = system.redis_port().context("the system has no Redis of its own")?;
        let redis_url = format!("redis://127.0.0.1:{port}");
        let mut process = Command::new(std::env::current_exe()?)
            .args(["ceiling", &redis_url])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start the ceiling")?;
        let mut lines = BufReader::new(process.stdout.take().context("the ceiling has no output")?).lines();
        let address = lines.next_line().await?.context("the ceiling ended at once")?;
        Ok(Self {
            ours: Target::find(&system.url()).await?,
            worker: Target::resolve(&system.worker_url()).await?,
            ceiling: Target::resolve(&format!("http://{address}")).await?,
            redis: NativeRedis::open(&redis_url).await?,
            system,
            process,
        })
    }

    pub fn target(&self, server: Server) -> &Target {
        match server {
            Server::Ours => &self.ours,
            Server::Ceiling | Server::CeilingAlone => &self.ceiling,
        }
    }

    /// The process that answers.
    pub fn pid(&self, server: Server) -> u32 {
        match server {
            Server::Ours => self.part(Part::Runtime),
            Server::Ceiling | Server::CeilingAlone => self.process.id().unwrap_or(0),
        }
    }

    pub fn part(&self, part: Part) -> u32 {
        self.system.pid(part).unwrap_or(0)
    }

    /// Stops the runtime and the worker where they are, or lets them go on.
    pub fn pause_system(&self, pause: bool) {
        let signal = if pause { Signal::STOP } else { Signal::CONT };
        self.system.signal(Part::Runtime, signal);
        self.system.signal(Part::Worker, signal);
    }

    pub async fn set_appendfsync(&self, value: &str) -> Result<()> {
        let words = ["SET", "appendfsync", value];
        self.redis.execute("CONFIG", words.iter().map(|word| word.as_bytes().to_vec()).collect()).await?;
        Ok(())
    }

    /// Waits until every projection and the worker have read all events. Returns how long that took.
    pub async fn settle(&self) -> Result<Duration> {
        let begun = Instant::now();
        for stream in [Stream::User, Stream::Friend] {
            let last = read::last(&self.redis, stream).await?.to_string();
            if last == "0-0" {
                continue;
            }
            for (name, _) in PROJECTIONS.iter().filter(|(_, streams)| streams.contains(&stream)) {
                while self.checkpoint(name, stream).await? != last {
                    self.patience(begun, name).await?;
                }
            }
            while !self.worker_is_at(stream, &last).await? {
                self.patience(begun, "the worker").await?;
            }
        }
        Ok(begun.elapsed())
    }

    async fn patience(&self, since: Instant, who: &str) -> Result<()> {
        if since.elapsed() > CATCH_UP_LIMIT {
            bail!("{who} has not read all events after {} s", CATCH_UP_LIMIT.as_secs());
        }
        sleep(LOOK_EVERY).await;
        Ok(())
    }

    async fn checkpoint(&self, projection: &str, stream: Stream) -> Result<String> {
        let key = keys::checkpoint(projection, "1");
        let reply = self.redis.execute("HGET", vec![key.into_bytes(), stream.name().as_bytes().to_vec()]).await?;
        let bytes = reply.first().and_then(event_store::Value::bytes).unwrap_or_default();
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    async fn worker_is_at(&self, stream: Stream, position: &str) -> Result<bool> {
        let mut request = Vec::new();
        self.worker.requests().get(&mut request, format_args!("/readyz"));
        let mut connection = Connection::open(self.worker.address).await?;
        let answer = connection.call(&request).await?;
        let body: serde_json::Value = serde_json::from_slice(answer.body)?;
        Ok(body[stream.name()]["position"] == position)
    }
}

/// A new system with an empty log, on free ports. Returns how long it took to start.
pub async fn start(change: impl FnOnce(&mut Options)) -> Result<(System, Duration)> {
    let mut options = Options::isolated()?;
    options.report = Arc::new(dev::report::Silent);
    change(&mut options);
    let begun = Instant::now();
    let system = System::start(options).await.map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok((system, begun.elapsed()))
}
