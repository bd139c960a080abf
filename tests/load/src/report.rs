//! What a run gave, as data: `tests/load/README.md` says what each field means. The text and the plot are made of it.

pub mod files;
pub mod plot;
pub mod text;

use std::collections::BTreeMap;

use load::{Operation, Tally};
use serde::Serialize;

use crate::accounts::Accounts;
use crate::machine::Machine;
use crate::phase::Measured;
use crate::ramp::Ramped;
use crate::record::{Calls, Point};
use crate::scenario::{Model, Ramp, Scenario};
use crate::thresholds::Judged;

/// Changes when a field changes its meaning or goes away.
const FORMAT: u32 = 1;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub format: u32,
    pub scenario: About,
    pub target: String,
    pub machine: Machine,
    pub started_at: String,
    pub ended_at: String,
    pub interrupted: bool,
    pub exit_code: u8,
    pub phases: Vec<PhaseReport>,
    pub ramp: Option<RampReport>,
    pub thresholds: Vec<Judged>,
    /// None where the system could not be asked: why, is in `accounts_missing`.
    pub accounts: Option<Accounts>,
    pub accounts_missing: Option<String>,
    /// What makes the exit code 1.
    pub failures: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    pub name: String,
    pub file: String,
    pub description: String,
    pub seed: u64,
    pub people: usize,
    pub friendships: usize,
    pub text: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PhaseReport {
    pub name: String,
    #[serde(flatten)]
    pub model: Model,
    /// While calls began.
    pub seconds: f64,
    pub requests: u64,
    /// Answers within these seconds, a second.
    pub answered_per_second: f64,
    pub failed: u64,
    pub not_begun: u64,
    pub latency_ms: Option<Latency>,
    pub operations: Vec<OperationReport>,
    pub generator: GeneratorReport,
    pub timeline: Vec<Point>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OperationReport {
    pub operation: Operation,
    pub requests: u64,
    pub answered_per_second: f64,
    pub refused: u64,
    pub failed: u64,
    pub statuses: BTreeMap<u16, u64>,
    pub unanswered: BTreeMap<String, u64>,
    pub abandoned: u64,
    pub first_failures: BTreeMap<String, String>,
    pub latency_ms: Option<Latency>,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub struct Latency {
    pub min: f64,
    pub mean: f64,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GeneratorReport {
    pub processor_share: f64,
    pub late_ms: Option<Latency>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RampReport {
    pub p99_ms: f64,
    pub at_least: Option<f64>,
    pub breaking_point: Option<f64>,
    pub open_end: bool,
    pub steps: Vec<StepReport>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepReport {
    pub offered_per_second: f64,
    pub attempt: usize,
    pub held: bool,
    pub why_not: Option<String>,
    #[serde(flatten)]
    pub phase: PhaseReport,
}

impl Latency {
    fn of(tally: &Tally) -> Option<Self> {
        (tally.answers() > 0).then(|| Self {
            min: tally.least_ms(),
            mean: tally.mean_ms(),
            p50: tally.ms(0.5),
            p90: tally.ms(0.9),
            p99: tally.ms(0.99),
            p999: tally.ms(0.999),
            max: tally.ms(1.0),
        })
    }
}

impl PhaseReport {
    pub fn of(measured: &Measured) -> Self {
        let generator = &measured.generator;
        Self {
            name: measured.name.clone(),
            model: measured.model,
            seconds: measured.window.as_secs_f64(),
            requests: measured.requests(),
            answered_per_second: measured.per_second(),
            failed: measured.failed(),
            not_begun: measured.not_begun,
            latency_ms: Latency::of(&measured.total),
            operations: measured
                .calls
                .iter()
                .map(|(operation, calls)| of_operation(*operation, calls, measured))
                .collect(),
            generator: GeneratorReport {
                processor_share: generator.processor_share,
                late_ms: generator.lateness.as_ref().and_then(Latency::of),
            },
            timeline: measured.points.clone(),
        }
    }
}

fn of_operation(operation: Operation, calls: &Calls, measured: &Measured) -> OperationReport {
    OperationReport {
        operation,
        requests: calls.sent,
        answered_per_second: calls.tally.answers() as f64 / measured.window.as_secs_f64(),
        refused: calls.refused,
        failed: calls.failures(),
        statuses: calls.tally.statuses.clone(),
        unanswered: calls.tally.unanswered.clone(),
        abandoned: calls.abandoned(),
        first_failures: calls.first_failures.clone(),
        latency_ms: Latency::of(&calls.tally),
    }
}

impl RampReport {
    pub fn of(ramp: &Ramp, ramped: &Ramped) -> Self {
        let steps = ramped.steps.iter().map(|step| StepReport {
            offered_per_second: step.rate,
            attempt: step.attempt,
            held: step.broke.is_none(),
            why_not: step.broke.clone(),
            phase: PhaseReport::of(&step.measured),
        });
        Self {
            p99_ms: ramp.p99_ms,
            at_least: ramp.at_least,
            breaking_point: ramped.breaking_point,
            open_end: ramped.open_end,
            steps: steps.collect(),
        }
    }
}

impl About {
    pub fn of(scenario: &Scenario) -> Self {
        Self {
            name: scenario.name.clone(),
            file: scenario.file.display().to_string(),
            description: scenario.description.clone(),
            seed: scenario.seed,
            people: scenario.network.people(),
            friendships: scenario.network.friendships(),
            text: scenario.text.clone(),
        }
    }
}

impl Report {
    pub const FORMAT: u32 = FORMAT;

    /// What the files are called: `ramp-` is before the name where there was one.
    pub fn kind(&self) -> &'static str {
        if self.ramp.is_some() { "ramp-" } else { "" }
    }
}
