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

use crate::view::View;

/// From a tenth of a millisecond to a second: between a hash lookup and what nobody waits for.
const LATENCIES: [f64; 13] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0];

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
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Recommendations => "recommendations",
            Kind::MutualFriends => "mutual-friends",
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
    graph_bytes: Gauge,
    people_bytes: Gauge,
    queries: Family<KindLabel, Histogram>,
    heavy: Counter,
    refused: Counter,
    checkpoint_lag: Family<CheckpointLabel, Seconds>,
    rings: Family<StreamLabel, Counter>,
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
            graph_bytes: Gauge::default(),
            people_bytes: Gauge::default(),
            queries: Family::new_with_constructor(|| Histogram::new(LATENCIES)),
            heavy: Counter::default(),
            refused: Counter::default(),
            checkpoint_lag: Family::default(),
            rings: Family::default(),
        };
        metrics.register();
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
        let bytes = "Memory of the graph: lists of neighbours and tables of people";
        registry.register_with_unit("graph", bytes, Unit::Bytes, self.graph_bytes.clone());
        let bytes = "Memory of people's names and times";
        registry.register_with_unit("records", bytes, Unit::Bytes, self.people_bytes.clone());
        let took = "Time to answer a query, its waiting for a thread included";
        registry.register_with_unit("query", took, Unit::Seconds, self.queries.clone());
        registry.register("queries_heavy", "Queries moved to the lane of the heavy ones", self.heavy.clone());
        registry.register("queries_refused", "Queries turned away because too many were waiting", self.refused.clone());
        let behind = "Age of the oldest event that a projection has not applied yet";
        registry.register_with_unit("projection_lag", behind, Unit::Seconds, self.checkpoint_lag.clone());
        registry.register("rings", "Doorbells rung for a projection that stayed behind", self.rings.clone());
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
        self.graph_bytes.set((footprint.friendships + footprint.people + footprint.changes) as i64);
        self.people_bytes.set(state.record_bytes() as i64);
        for stream in Stream::ALL {
            let millis = state.positions.of(stream).millis;
            self.positions.get_or_create(&StreamLabel { stream: stream.name() }).set(millis as f64 / 1e3);
        }
    }
}
