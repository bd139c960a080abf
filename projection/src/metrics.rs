//! What Prometheus sees at `/metrics`.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use domain::event::{Event, Stream};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::snapshot::Figures;
use crate::view::View;

/// From a few microseconds to a second: between a look into a table and what nobody waits for.
const LATENCIES: [f64; 15] =
    [0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0];

type Seconds = Gauge<f64, AtomicU64>;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TypeLabel {
    r#type: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StreamLabel {
    stream: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PartLabel {
    part: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CheckpointLabel {
    projection: &'static str,
    generation: String,
    stream: &'static str,
}

/// What a query is about.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Recommendations,
    MutualFriends,
    Export,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Recommendations => "recommendations",
            Kind::MutualFriends => "mutual-friends",
            Kind::Export => "export",
        }
    }
}

pub struct Metrics {
    registry: Registry,
    events: Family<TypeLabel, Counter>,
    dead_letters: Family<StreamLabel, Counter>,
    positions: Family<StreamLabel, Seconds>,
    lag_events: Family<StreamLabel, Gauge>,
    lag_seconds: Family<StreamLabel, Seconds>,
    connected: Family<StreamLabel, Gauge>,
    people: Gauge,
    friendships: Gauge,
    known: Gauge,
    memory: Family<PartLabel, Gauge>,
    budget: Gauge,
    over_budget: Gauge,
    ready: Gauge,
    progress: Seconds,
    rebuilds: Counter,
    queries: Family<KindLabel, Histogram>,
    heavy: Counter,
    refused: Counter,
    checkpoint_lag: Family<CheckpointLabel, Seconds>,
    rings: Family<StreamLabel, Counter>,
    pub snapshots: Figures,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("worker"),
            events: Family::default(),
            dead_letters: Family::default(),
            positions: Family::default(),
            lag_events: Family::default(),
            lag_seconds: Family::default(),
            connected: Family::default(),
            people: Gauge::default(),
            friendships: Gauge::default(),
            known: Gauge::default(),
            memory: Family::default(),
            budget: Gauge::default(),
            over_budget: Gauge::default(),
            ready: Gauge::default(),
            progress: Gauge::default(),
            rebuilds: Counter::default(),
            queries: Family::new_with_constructor(|| Histogram::new(LATENCIES)),
            heavy: Counter::default(),
            refused: Counter::default(),
            checkpoint_lag: Family::default(),
            rings: Family::default(),
            snapshots: Figures::default(),
        };
        metrics.register();
        metrics.progress(1.0);
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let Self { registry, .. } = self;
        registry.register("events", "Events applied, by type", self.events.clone());
        registry.register("dead_letters", "Events that could not be read, by stream", self.dead_letters.clone());
        let at = "Time at which the newest applied event was recorded, by stream";
        registry.register_with_unit("position", at, Unit::Seconds, self.positions.clone());
        registry.register("lag_events", "Events in the stream not applied yet", self.lag_events.clone());
        let lag = "Age of the oldest event not applied yet, by stream";
        registry.register_with_unit("lag", lag, Unit::Seconds, self.lag_seconds.clone());
        registry.register("connected", "Whether the stream's Redis is reached (1) or not (0)", self.connected.clone());
        registry.register("people", "People in the graph, known or named by a friendship", self.people.clone());
        registry.register("friendships", "Friendships in the graph", self.friendships.clone());
        registry.register("people_known", "People whose own event has been seen", self.known.clone());
        let bytes = "Memory of the view, by part";
        registry.register_with_unit("memory", bytes, Unit::Bytes, self.memory.clone());
        let bytes = "Most bytes that the view may take, 0 if there is no limit";
        registry.register_with_unit("memory_budget", bytes, Unit::Bytes, self.budget.clone());
        let over = "Whether the view has reached its budget (1), and events wait";
        registry.register("over_budget", over, self.over_budget.clone());
        registry.register("ready", "Whether the worker is ready (1), as /readyz has it", self.ready.clone());
        let ratio = "How much of the streams a rebuild, or the start, has read; 1 when none is under way";
        registry.register("rebuild_progress_ratio", ratio, self.progress.clone());
        registry.register("rebuilds", "Rebuilds that took the place of the view", self.rebuilds.clone());
        let took = "Time to answer a query, its waiting for a thread included";
        registry.register_with_unit("query", took, Unit::Seconds, self.queries.clone());
        registry.register("queries_heavy", "Queries moved to the lane of the heavy ones", self.heavy.clone());
        registry.register("queries_refused", "Queries turned away because too many were waiting", self.refused.clone());
        let behind = "Age of the oldest event that a projection has not applied yet";
        registry.register_with_unit("projection_lag", behind, Unit::Seconds, self.checkpoint_lag.clone());
        registry.register("rings", "Doorbells rung for a projection that stayed behind", self.rings.clone());
        self.snapshots.register(registry);
    }

    pub fn applied(&self, event: &Event) {
        self.events.get_or_create(&TypeLabel { r#type: event.kind() }).inc();
    }

    pub fn dead_letter(&self, stream: Stream) {
        self.dead_letters.get_or_create(&StreamLabel { stream: stream.name() }).inc();
    }

    pub fn query(&self, kind: Kind, took: Duration) {
        self.queries.get_or_create(&KindLabel { kind: kind.name() }).observe(took.as_secs_f64());
    }

    pub fn heavy(&self) {
        self.heavy.inc();
    }

    pub fn refused(&self) {
        self.refused.inc();
    }

    pub fn ring(&self, stream: Stream) {
        self.rings.get_or_create(&StreamLabel { stream: stream.name() }).inc();
    }

    pub fn rebuilt(&self) {
        self.rebuilds.inc();
    }

    /// How much of the streams has been read, from 0 to 1.
    pub fn progress(&self, ratio: f64) {
        self.progress.set(ratio);
    }

    pub fn budget(&self, bytes: usize) {
        self.budget.set(bytes as i64);
    }

    pub fn over_budget(&self, over: bool) {
        self.over_budget.set(over.into());
    }

    pub fn ready(&self, ready: bool) {
        self.ready.set(ready.into());
    }

    /// Bytes of a part of the worker.
    pub fn memory(&self, part: &'static str, bytes: usize) {
        self.memory.get_or_create(&PartLabel { part }).set(bytes as i64);
    }

    /// How far this worker is behind a stream's end.
    pub fn lag(&self, stream: Stream, events: u64, age: Duration) {
        let label = StreamLabel { stream: stream.name() };
        self.lag_events.get_or_create(&label).set(events as i64);
        self.lag_seconds.get_or_create(&label).set(age.as_secs_f64());
    }

    pub fn checkpoint_lag(&self, projection: &'static str, generation: String, stream: Stream, age: Duration) {
        let label = CheckpointLabel { projection, generation, stream: stream.name() };
        self.checkpoint_lag.get_or_create(&label).set(age.as_secs_f64());
    }

    pub fn no_checkpoint(&self, projection: &'static str, generation: String, stream: Stream) {
        self.checkpoint_lag.remove(&CheckpointLabel { projection, generation, stream: stream.name() });
    }

    /// Everything as text, the view and the connections as they are now.
    pub fn text(&self, view: &View, connected: impl Fn(Stream) -> bool) -> String {
        self.observe(view);
        for stream in Stream::ALL {
            let label = StreamLabel { stream: stream.name() };
            self.connected.get_or_create(&label).set(connected(stream).into());
        }
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a string does not fail");
        text
    }

    fn observe(&self, view: &View) {
        let state = view.read();
        let footprint = state.graph.footprint();
        self.people.set(state.graph.people() as i64);
        self.friendships.set(state.graph.friendships() as i64);
        self.known.set(state.graph.known() as i64);
        self.memory("friendships", footprint.friendships);
        self.memory("people", footprint.people);
        self.memory("changes", footprint.changes);
        self.memory("records", state.record_bytes());
        self.memory("snapshot", self.snapshots.memory());
        for stream in Stream::ALL {
            let millis = state.positions.of(stream).millis;
            self.positions.get_or_create(&StreamLabel { stream: stream.name() }).set(millis as f64 / 1e3);
        }
    }
}
