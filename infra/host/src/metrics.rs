//! What the host counts, for Prometheus. infra/observability/README.md says what each figure means.
//!
//! Every thread counts in cells of its own, which it finds by the index of the component or the route: no lock, no
//! allocation, no cache line that another thread writes. A scrape adds the threads up. Where metrics are not served,
//! nothing is counted, see [`count_nothing`].

mod cells;
mod exposition;
mod process;
mod requests;
mod rings;
mod server;

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

pub use cells::{Calls, Count, Durations, Failure, Level, count_nothing, now};
pub use process::start_seconds;
pub use requests::{Asked, Reason, Requests};
pub use rings::{ChannelRings, HandlerRings, SubscriptionRings};
pub use server::serve;

use crate::app::App;
use crate::redis_connection::RedisPool;

/// Upper bounds of buckets, in microseconds. Answers: from what a component says at once to the host's time limit.
const ANSWER_BOUNDS: &[u64] = &[
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 30_000_000,
];
/// Redis commands and requests to other services: from a round trip on one machine to what components give up at.
const CALL_BOUNDS: &[u64] =
    &[50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 500_000, 2_000_000];
/// Handlers of rings: from one that finds nothing new to a step of a rebuild.
const RING_BOUNDS: &[u64] = &[1_000, 5_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000, 30_000_000];

/// Everything that is counted.
pub struct Metrics {
    application: String,
    /// By index, as are the routes, each with the index of its component.
    components: Vec<String>,
    routes: Vec<(String, usize)>,
    threads: Mutex<Vec<Arc<ThreadMetrics>>>,
    subscriptions: Mutex<Vec<Arc<SubscriptionRings>>>,
    /// Open connections of clients, by thread; set once when the threads have started.
    connections: OnceLock<Vec<Arc<AtomicUsize>>>,
}

/// What one thread counts.
pub struct ThreadMetrics {
    pub requests: Requests,
    components: Vec<Arc<ComponentMetrics>>,
    redis: Arc<RedisPool>,
}

/// What one thread counts of one component.
pub struct ComponentMetrics {
    /// From a request's head to its answer's.
    pub answers: Durations,
    pub instances: Level,
    pub created: Count,
    /// Requests that an instance took which had answered others before.
    pub reused: Count,
    pub traps: Count,
    pub timeouts: Count,
    /// Linear memory of the instances, in bytes.
    pub memory: Level,
    pub redis: Calls,
    pub http: Calls,
}

impl Default for ComponentMetrics {
    fn default() -> Self {
        Self {
            answers: Durations::new(ANSWER_BOUNDS),
            instances: Level::default(),
            created: Count::default(),
            reused: Count::default(),
            traps: Count::default(),
            timeouts: Count::default(),
            memory: Level::default(),
            redis: Calls::new(CALL_BOUNDS),
            http: Calls::new(CALL_BOUNDS),
        }
    }
}

impl ThreadMetrics {
    pub fn component(&self, index: usize) -> &Arc<ComponentMetrics> {
        &self.components[index]
    }
}

impl Metrics {
    pub fn new(app: &App) -> Arc<Self> {
        Arc::new(Self {
            application: app.name.clone(),
            components: app.components.iter().map(|component| component.id.clone()).collect(),
            routes: app.routes.clone(),
            threads: Mutex::default(),
            subscriptions: Mutex::default(),
            connections: OnceLock::new(),
        })
    }

    /// The cells of another thread, whose connections to Redis these are.
    pub fn thread(&self, redis: Arc<RedisPool>) -> Arc<ThreadMetrics> {
        let components = self.components.iter().map(|_| Arc::default()).collect();
        let thread = Arc::new(ThreadMetrics { requests: Requests::new(self.routes.len()), components, redis });
        locked(&self.threads).push(thread.clone());
        thread
    }

    pub fn subscription(&self, rings: SubscriptionRings) -> Arc<SubscriptionRings> {
        let rings = Arc::new(rings);
        locked(&self.subscriptions).push(rings.clone());
        rings
    }

    pub fn connections(&self, of_threads: Vec<Arc<AtomicUsize>>) {
        // It is called once.
        let _ = self.connections.set(of_threads);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
