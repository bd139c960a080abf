//! Instances that answer HTTP: made on demand, reused as Spin reuses them, and thrown away when they trap, take too
//! long or have done their share. wasmtime-wasi-http's `ProxyHandler` drives them; this says by which rules.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::Sleep;
use wasmtime::component::{Component, GuestTaskId, Linker};
use wasmtime::{Store, StoreContextMut};
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, Proxy, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::guest::{Guest, Runnable, Shared};
use crate::metrics::ComponentMetrics;

/// Requests that an instance answers in its life. Spin's default.
const MAX_REQUESTS: usize = 128;
/// Requests that an instance answers at a time. Spin's default.
const MAX_CONCURRENT: usize = 16;
/// How long an instance waits for its next request. Spin's default.
const IDLE_LIMIT: Duration = Duration::from_secs(1);
/// How long an answer may take to begin.
pub const REQUEST_LIMIT: Duration = Duration::from_secs(30);
/// A request that is late fails alone. Only a guest that does not even let that happen, because it computes, is
/// stopped, and with it all that it does.
const GRACE: Duration = Duration::from_secs(1);
/// How long a guest may go on after its last answer has ended.
const AFTERWARDS_LIMIT: Duration = Duration::from_secs(30);
/// How long an answer may go on once it has begun: a live tail is kept open for hours.
const STREAM_LIMIT: Duration = Duration::from_secs(24 * 60 * 60);

/// What is known of an instance outside of it.
pub struct Health {
    /// It trapped or was stopped: what its answers hold is not all of it.
    died: AtomicBool,
    /// Answers that still stream.
    streams: AtomicUsize,
    last_stream_ended: Mutex<Option<Instant>>,
}

impl Health {
    pub fn died(&self) -> bool {
        self.died.load(Ordering::Acquire)
    }

    pub fn stream_began(&self) {
        self.streams.fetch_add(1, Ordering::Relaxed);
    }

    pub fn stream_ended(&self) {
        self.streams.fetch_sub(1, Ordering::Relaxed);
        *self.ended() = Some(Instant::now());
    }

    fn ended(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        let ended = self.last_stream_ended.lock();
        ended.unwrap_or_else(PoisonError::into_inner)
    }
}

/// Filled in with the instance that takes the request.
pub type TakenBy = Arc<OnceLock<Arc<Health>>>;

/// Makes instances of one component on one thread.
pub struct Factory {
    runnable: Arc<Runnable>,
    pre: ServicePre<Guest>,
    shared: Shared,
}

impl Factory {
    pub fn new(runnable: Arc<Runnable>, pre: ServicePre<Guest>, shared: Shared) -> Self {
        Self { runnable, pre, shared }
    }

    pub fn component(&self) -> &str {
        &self.runnable.spec.id
    }

    /// Checks that `component` exports a handler and imports nothing that the host lacks.
    pub fn prepare(linker: &Linker<Guest>, component: &Component) -> wasmtime::Result<ServicePre<Guest>> {
        ServicePre::new(linker.instantiate_pre(component)?)
    }
}

impl HandlerState for Factory {
    type StoreData = Guest;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Guest, Expiration, Worker>> {
        let started = Instant::now();
        let mut store = self.runnable.store(&self.shared);
        let service = self.pre.instantiate_async(&mut store).await?;
        self.runnable.started(started);
        let health = Arc::new(Health {
            died: AtomicBool::new(false),
            streams: AtomicUsize::new(0),
            last_stream_ended: Mutex::new(None),
        });
        Ok(Instance {
            store,
            proxy: Proxy::P3(service),
            view: Guest::http,
            expiration: Expiration { alarm: Box::pin(tokio::time::sleep(IDLE_LIMIT)), health: health.clone() },
            state: Worker {
                health,
                component: self.runnable.clone(),
                metrics: self.shared.metrics.component(self.runnable.index).clone(),
                used: AtomicBool::new(false),
            },
        })
    }
}

/// How one instance is used.
pub struct Worker {
    health: Arc<Health>,
    component: Arc<Runnable>,
    metrics: Arc<ComponentMetrics>,
    used: AtomicBool,
}

impl WorkerState for Worker {
    type StoreData = Guest;
    type RequestData = TakenBy;

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        if total >= MAX_REQUESTS {
            ShouldAccept::Never
        } else if concurrent >= MAX_CONCURRENT {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _: StoreContextMut<'_, Guest>,
        taken_by: TakenBy,
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        // Fails only if it was set before, and a request is taken once.
        let _ = taken_by.set(self.health.clone());
        if self.used.swap(true, Ordering::Relaxed) {
            self.metrics.reused.inc();
        }
        Box::pin(tokio::time::sleep(REQUEST_LIMIT))
    }

    fn drop(&self, store: Store<Guest>, result: Result<(), wasmtime::Error>) {
        if let Err(error) = result {
            // Before the store goes, and with it the guest's ends of the answers that it was writing.
            self.health.died.store(true, Ordering::Release);
            self.metrics.traps.inc();
            tracing::error!(component = self.component.spec.id, "instance ended: {error:?}");
        }
        drop(store);
    }
}

/// When an instance has to go.
pub struct Expiration {
    /// Reset only when it rings or rings too late: most changes of state move the limit further away.
    alarm: Pin<Box<Sleep>>,
    health: Arc<Health>,
}

impl Expiration {
    fn deadline(&self, status: WorkerStatus, since: Instant) -> Instant {
        match status {
            WorkerStatus::Idle => since + IDLE_LIMIT,
            WorkerStatus::Requests => since + REQUEST_LIMIT + GRACE,
            WorkerStatus::PostReturn if self.health.streams.load(Ordering::Relaxed) > 0 => since + STREAM_LIMIT,
            WorkerStatus::PostReturn => {
                let ended = self.health.ended().unwrap_or(since);
                ended.max(since) + AFTERWARDS_LIMIT
            }
        }
    }
}

impl WorkerExpiration for Expiration {
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>, status: WorkerStatus, since: Instant) -> Poll<()> {
        let deadline = self.deadline(status, since);
        let now = Instant::now();
        if deadline <= now {
            return Poll::Ready(());
        }
        // The end of a stream wakes nobody: look again in time.
        let look = deadline.min(now + AFTERWARDS_LIMIT);
        if self.alarm.deadline().into_std() > look {
            self.alarm.as_mut().reset(look.into());
        }
        while self.alarm.as_mut().poll(context).is_ready() {
            self.alarm.as_mut().reset(look.into());
        }
        Poll::Pending
    }
}
