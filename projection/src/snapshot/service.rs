//! When snapshots are written: after so many events or so much time, on SIGUSR1, on request, and at the end.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use domain::event::Stream;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

use super::figures::Figures;
use super::sink::BUFFER_BYTES;
use super::store::{Loaded, Store};
use super::witness::Witness;
use super::writer::{Failure, Written};
use crate::server::{Link, Server};
use crate::view::{Positions, View};

/// How often it is looked whether a snapshot is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A moment that is lost so often is lost again at the next try.
const TRIES: usize = 3;
/// The signal of a file that grows beyond `ulimit -f`. Without a handler it would end the worker; with one the write
/// fails as on a full disk.
const SIGXFSZ: i32 = 25;

/// When a snapshot is due.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    pub events: u64,
    pub time: Duration,
}

/// Why there is no snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// One is being written.
    Busy,
    Failed(String),
}

/// A snapshot that was written on request.
#[derive(Clone, Debug)]
pub struct Made {
    pub name: String,
    pub written: Written,
    pub took: Duration,
}

/// What the last try was about.
struct Last {
    at: Instant,
    /// Entries that were applied.
    entries: u64,
    /// What the newest snapshot includes, if there is one.
    included: Option<Positions>,
    /// When that was written.
    created: SystemTime,
    failed: bool,
}

pub struct Snapshots {
    store: Mutex<Store>,
    view: Arc<View>,
    figures: Figures,
    due: Due,
    last: Mutex<Last>,
    logs: Mutex<Logs>,
    runtime: Handle,
}

/// Where witnesses are taken from, and the last ones: Redis may be away when they are needed.
struct Logs {
    links: [Link; 2],
    witnesses: [Witness; 2],
}

impl Logs {
    fn witnesses(&mut self, runtime: &Handle, positions: Positions) -> [Witness; 2] {
        for stream in Stream::ALL {
            let position = positions.of(stream);
            let witness = &mut self.witnesses[stream as usize];
            match runtime.block_on(self.links[stream as usize].witness(stream, position)) {
                Ok(Some(taken)) => *witness = taken,
                Ok(None) => tracing::warn!(%stream, %position, "the newest applied event is not in the stream"),
                Err(error) => tracing::debug!(%stream, %error, "a snapshot without its newest witness"),
            }
            if witness.position > position {
                // The stream has been begun anew.
                *witness = Witness::default();
            }
        }
        self.witnesses
    }
}

impl Snapshots {
    /// To be called within the runtime.
    pub fn new(store: Store, view: Arc<View>, figures: Figures, due: Due, [user, friend]: [&Server; 2]) -> Self {
        let now = SystemTime::now();
        let last = Last { at: Instant::now(), entries: 0, included: None, created: now, failed: false };
        let logs = Logs { links: [Link::new(user.clone()), Link::new(friend.clone())], witnesses: Default::default() };
        let runtime = Handle::current();
        let (store, last, logs) = (Mutex::new(store), Mutex::new(last), Mutex::new(logs));
        Self { store, view, figures, due, last, logs, runtime }
    }

    /// Notes that the view was loaded.
    pub fn loaded(&self, loaded: &Loaded) {
        let header = &loaded.header;
        self.figures.bytes.set(header.length as i64);
        self.logs.lock().witnesses = header.streams.map(|stream| stream.witness);
        let mut last = self.last.lock();
        last.entries = header.streams.iter().map(|stream| stream.entries).sum();
        last.included = Some(header.positions());
        last.created = SystemTime::UNIX_EPOCH + Duration::from_millis(header.created);
    }

    /// Writes one now. Takes as long as the disk does.
    pub fn write(&self) -> Result<Made, Refused> {
        let mut store = self.store.try_lock().ok_or(Refused::Busy)?;
        let start = Instant::now();
        {
            let mut last = self.last.lock();
            (last.at, last.entries) = (start, self.view.read().entries.iter().sum());
        }
        self.figures.memory.store(BUFFER_BYTES, Ordering::Relaxed);
        let written = self.try_to_write(&mut store);
        self.figures.memory.store(0, Ordering::Relaxed);
        let mut last = self.last.lock();
        match written {
            Ok((name, written)) => {
                let took = start.elapsed();
                (last.included, last.created, last.failed) = (Some(written.positions), SystemTime::now(), false);
                self.figures.written(written.bytes, took);
                let Written { bytes, positions, longest_hold, .. } = written;
                tracing::info!(name, bytes, ?took, %positions, ?longest_hold, "snapshot written");
                Ok(Made { name, written, took })
            }
            Err(why) => {
                self.figures.failures.inc();
                let folder = store.folder().display();
                if last.failed {
                    tracing::debug!(%folder, why, "no snapshot again");
                } else {
                    tracing::error!(%folder, why, "cannot write a snapshot; the last ones stay, the next try comes");
                }
                last.failed = true;
                Err(Refused::Failed(why))
            }
        }
    }

    fn try_to_write(&self, store: &mut Store) -> Result<(String, Written), String> {
        for _ in 0..TRIES {
            let witnesses = |positions| self.logs.lock().witnesses(&self.runtime, positions);
            match store.write(&self.view, witnesses) {
                Ok((path, written)) => return Ok((name(&path), written)),
                Err(Failure::Disk(error)) => return Err(error.to_string()),
                Err(Failure::Lost) => tracing::debug!("the view was begun anew while it was written: once more"),
            }
        }
        Err(format!("the view changed faster than it can be written, {TRIES} times"))
    }

    /// Writes one, beside everything else.
    pub async fn make(self: &Arc<Self>) -> Result<Made, Refused> {
        let this = Arc::clone(self);
        let broke = |_| Err(Refused::Failed("the writer broke, see the log".to_owned()));
        tokio::task::spawn_blocking(move || this.write()).await.unwrap_or_else(broke)
    }

    /// Writes one when it is due, for ever.
    pub async fn follow(self: Arc<Self>) {
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut asked, _too_large) = (on(SignalKind::user_defined1()), on(SignalKind::from_raw(SIGXFSZ)));
        loop {
            let due = tokio::select! {
                _ = ticks.tick() => self.is_due(),
                () = next(&mut asked) => true,
            };
            if due {
                // What went wrong is in the log.
                let _ = self.make().await;
            }
            let age = self.last.lock().created.elapsed().unwrap_or_default();
            self.figures.age.set(age.as_secs_f64());
        }
    }

    fn is_due(&self) -> bool {
        let (entries, changed) = (self.view.read().entries.iter().sum::<u64>(), self.has_changed());
        let last = self.last.lock();
        changed && (entries.abs_diff(last.entries) >= self.due.events || last.at.elapsed() >= self.due.time)
    }

    /// Whether anything was applied since the newest snapshot.
    fn has_changed(&self) -> bool {
        let positions = self.view.positions();
        self.last.lock().included.unwrap_or_default() != positions
    }

    /// Writes the last one, if anything has changed.
    pub async fn finish(self: &Arc<Self>) {
        let this = Arc::clone(self);
        // One that is being written is waited for.
        let waited = tokio::task::spawn_blocking(move || drop(this.store.lock())).await;
        if waited.is_ok() && self.has_changed() {
            let _ = self.make().await;
        }
    }
}

/// Without snapshots, a request for one is no reason to end.
pub async fn refuse_signals() {
    let mut asked = on(SignalKind::user_defined1());
    loop {
        next(&mut asked).await;
        tracing::warn!("SIGUSR1 asks for a snapshot, but there is no --snapshot-dir");
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn on(kind: SignalKind) -> Option<Signal> {
    signal(kind).inspect_err(|error| tracing::warn!(?kind, %error, "cannot listen to a signal")).ok()
}

async fn next(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}
