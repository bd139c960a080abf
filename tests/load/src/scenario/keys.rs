//! The keys of a scenario's file, as they are written there.

use std::collections::BTreeMap;
use std::path::PathBuf;

use load::Operation;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::Whom;
use super::ranges::{
    Connections, Exponent, Friendships, In, Milliseconds, People, Rate, Requests, Seconds, Seed, Share, Show, Weight,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    #[serde(default)]
    pub description: String,
    pub seed: Option<In<Seed>>,
    pub show: Option<In<Show>>,
    pub network: Option<Spanned<NetworkKeys>>,
    pub phases: Spanned<Vec<Spanned<PhaseKeys>>>,
    pub ramp: Option<Spanned<RampKeys>>,
    #[serde(default)]
    pub thresholds: Vec<Spanned<ThresholdKeys>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkKeys {
    pub people: Option<Spanned<In<People>>>,
    pub friendships: Option<Spanned<In<Friendships>>>,
    pub degrees: Option<Spanned<Degrees>>,
    pub exponent: Option<Spanned<In<Exponent>>>,
    pub edges: Option<Spanned<PathBuf>>,
}

/// How many friends people have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Degrees {
    /// Any two people are as likely to be friends as any other two.
    #[default]
    Uniform,
    /// Most have a few, and a few have very many.
    PowerLaw,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhaseKeys {
    pub name: Spanned<String>,
    pub make: Option<Spanned<Make>>,
    pub mix: Option<Spanned<Weights>>,
    pub whom: Option<Spanned<Whom>>,
    pub rate: Option<In<Rate>>,
    pub connections: Option<In<Connections>>,
    pub seconds: Option<Spanned<In<Seconds>>>,
    pub requests: Option<Spanned<In<Requests>>>,
}

pub type Weights = BTreeMap<Operation, In<Weight>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Make {
    People,
    Friendships,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RampKeys {
    pub mix: Option<Spanned<Weights>>,
    pub whom: Option<Spanned<Whom>>,
    pub from: In<Rate>,
    pub step: In<Rate>,
    pub to: Spanned<In<Rate>>,
    pub seconds: In<Seconds>,
    pub connections: Option<In<Connections>>,
    pub p99_ms: In<Milliseconds>,
    pub at_least: Option<In<Rate>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThresholdKeys {
    pub phase: Option<Spanned<String>>,
    pub operation: Option<Spanned<Operation>>,
    pub p50_ms: Option<In<Milliseconds>>,
    pub p90_ms: Option<In<Milliseconds>>,
    pub p99_ms: Option<In<Milliseconds>>,
    pub p999_ms: Option<In<Milliseconds>>,
    pub max_ms: Option<In<Milliseconds>>,
    pub failed: Option<In<Share>>,
    pub rate: Option<In<Rate>>,
}

/// What a threshold is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    P50Ms,
    P90Ms,
    P99Ms,
    P999Ms,
    MaxMs,
    Failed,
    Rate,
}

pub type Limits = BTreeMap<Metric, f64>;

impl ThresholdKeys {
    pub fn limits(&self) -> Limits {
        let ms = |value: Option<In<Milliseconds>>| value.map(In::get);
        let all = [
            (Metric::P50Ms, ms(self.p50_ms)),
            (Metric::P90Ms, ms(self.p90_ms)),
            (Metric::P99Ms, ms(self.p99_ms)),
            (Metric::P999Ms, ms(self.p999_ms)),
            (Metric::MaxMs, ms(self.max_ms)),
            (Metric::Failed, self.failed.map(In::get)),
            (Metric::Rate, self.rate.map(In::get)),
        ];
        all.into_iter().filter_map(|(metric, limit)| Some((metric, limit?))).collect()
    }
}
