//! What Prometheus sees of snapshots.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

#[derive(Clone, Default)]
pub struct Figures {
    pub(super) age: Gauge<f64, AtomicU64>,
    pub(super) bytes: Gauge,
    pub(super) duration: Gauge<f64, AtomicU64>,
    pub(super) writes: Counter,
    pub(super) failures: Counter,
    /// Bytes held while one is written.
    pub(super) memory: Arc<AtomicUsize>,
}

impl Figures {
    pub fn register(&self, registry: &mut Registry) {
        let age = "Age of the newest snapshot, or of the worker if there is none";
        registry.register_with_unit("snapshot_age", age, Unit::Seconds, self.age.clone());
        registry.register_with_unit("snapshot", "Size of the newest snapshot", Unit::Bytes, self.bytes.clone());
        let took = "Time that the newest snapshot took to write";
        registry.register_with_unit("snapshot_duration", took, Unit::Seconds, self.duration.clone());
        registry.register("snapshot_writes", "Snapshots written", self.writes.clone());
        registry.register("snapshot_failures", "Snapshots that could not be written", self.failures.clone());
    }

    /// Bytes held by a snapshot that is being written.
    pub fn memory(&self) -> usize {
        self.memory.load(Ordering::Relaxed)
    }

    pub(super) fn written(&self, bytes: u64, took: Duration) {
        self.bytes.set(bytes as i64);
        self.duration.set(took.as_secs_f64());
        self.writes.inc();
        self.age.set(0.0);
    }
}
