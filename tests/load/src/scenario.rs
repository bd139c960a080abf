//! What is done to the system: read from a small TOML file, which `tests/load/README.md` documents.
//!
//! [`keys`] are what may stand in the file, with their [`ranges`]; [`check`] looks at what no key can know by itself;
//! [`mistake`] says where in the file something is wrong.

mod check;
mod keys;
mod mistake;
mod ranges;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use load::Operation;
use serde::{Deserialize, Serialize};

pub use keys::{Limits, Metric};
use mistake::Fault;
pub use mistake::Mistake;
pub use ranges::{MOST_FRIENDSHIPS, MOST_PEOPLE};

use crate::network::Network;

#[derive(Debug)]
pub struct Scenario {
    /// The file's name without its ending.
    pub name: String,
    pub file: PathBuf,
    /// The file as it is, to be kept with the results.
    pub text: String,
    pub description: String,
    pub seed: u64,
    /// People whose recommendations are shown at the end.
    pub show: usize,
    pub network: Network,
    pub phases: Vec<Phase>,
    pub ramp: Option<Ramp>,
    pub thresholds: Vec<Threshold>,
}

/// A part of the run in which the same is done all the time.
#[derive(Debug, Clone)]
pub struct Phase {
    pub name: String,
    pub what: What,
    pub model: Model,
    pub end: End,
}

#[derive(Debug, Clone)]
pub enum What {
    /// Everybody in the network signs up.
    MakePeople,
    /// Every friendship of the network is made.
    MakeFriendships,
    Mix(Mix),
}

/// Operations, each with how often it comes relative to the others.
#[derive(Debug, Clone)]
pub struct Mix {
    pub weights: BTreeMap<Operation, f64>,
    pub whom: Whom,
}

/// Whom calls are about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whom {
    #[default]
    Anyone,
    /// Each as often as they have friends in the network.
    Popular,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", tag = "model")]
pub enum Model {
    /// Each connection makes its next call when the last one is answered.
    Closed { connections: usize },
    /// So many calls a second, whether or not the ones before are answered.
    #[serde(rename_all = "camelCase")]
    Open { per_second: f64, connections: usize },
}

impl Model {
    pub fn connections(self) -> usize {
        match self {
            Model::Closed { connections } | Model::Open { connections, .. } => connections,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum End {
    /// When the network has all of them.
    Made,
    Seconds(f64),
    Requests(u64),
}

/// The rate is raised from step to step until the system does not hold it.
#[derive(Debug, Clone)]
pub struct Ramp {
    pub mix: Mix,
    pub from: f64,
    pub step: f64,
    pub to: f64,
    /// Of each step.
    pub seconds: f64,
    pub connections: usize,
    pub p99_ms: f64,
    /// The breaking point that is asked for.
    pub at_least: Option<f64>,
}

#[derive(Debug)]
pub struct Threshold {
    /// None: each.
    pub phase: Option<String>,
    /// None: all together.
    pub operation: Option<Operation>,
    pub limits: Limits,
}

impl Scenario {
    pub fn read(file: &Path) -> Result<Self, Mistake> {
        let text = mistake::read(file)?;
        let checked = toml::from_str(&text).map_err(Fault::from).and_then(|keys| check::check(keys, file, &text));
        checked.map_err(|fault| fault.within(file, &text))
    }

    /// The most that are open at a time.
    pub fn most_connections(&self, ramp: Option<&Ramp>) -> usize {
        let phases = self.phases.iter().map(|phase| phase.model.connections());
        phases.chain(ramp.map(|ramp| ramp.connections)).max().unwrap_or_default()
    }

    /// What it would do, a line for each phase.
    pub fn summary(&self) -> String {
        let mut text = format!(
            "{}: {}
",
            self.name,
            self.description.trim()
        );
        text += &format!(
            "{} people, {} friendships, seed {}",
            self.network.people(),
            self.network.friendships(),
            self.seed
        );
        for phase in &self.phases {
            let what = match &phase.what {
                What::MakePeople => "makes the people".to_owned(),
                What::MakeFriendships => "makes the friendships".to_owned(),
                What::Mix(mix) => mix.text(),
            };
            let how = match phase.model {
                Model::Closed { connections } => format!("{connections} at a time"),
                Model::Open { per_second, connections } => format!("{per_second}/s, at most {connections} at a time"),
            };
            let end = match phase.end {
                End::Made => String::new(),
                End::Seconds(seconds) => format!(", {seconds} s"),
                End::Requests(requests) => format!(", {requests} calls"),
            };
            text += &format!("\n{}: {what}; {how}{end}", phase.name);
        }
        if let Some(ramp) = &self.ramp {
            let (from, to, step) = (ramp.from, ramp.to, ramp.step);
            text += &format!("\nramp: {}; {from}/s to {to}/s by {step}, {} s each", ramp.mix.text(), ramp.seconds);
        }
        text
    }
}

impl Mix {
    fn text(&self) -> String {
        let all: f64 = self.weights.values().sum();
        let share =
            |(operation, weight): (&Operation, &f64)| format!("{} {:.0}%", operation.name(), 100.0 * weight / all);
        self.weights.iter().map(share).collect::<Vec<_>>().join(", ")
    }
}
