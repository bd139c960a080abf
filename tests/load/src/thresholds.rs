//! Whether what was measured is as good as was wanted.

use load::{Operation, Tally};
use serde::Serialize;

use crate::phase::Measured;
use crate::scenario::{Metric, Threshold};

/// A threshold and what was measured for it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Judged {
    pub phase: String,
    /// None: all of the phase's together.
    pub operation: Option<Operation>,
    pub metric: Metric,
    pub wanted: f64,
    /// None where no call was answered.
    pub measured: Option<f64>,
    pub held: bool,
}

/// All thresholds of all phases that were begun.
pub fn judge(thresholds: &[Threshold], phases: &[Measured]) -> Vec<Judged> {
    phases.iter().flat_map(|phase| of_phase(thresholds, phase)).collect()
}

fn of_phase(thresholds: &[Threshold], phase: &Measured) -> Vec<Judged> {
    let meant = |threshold: &&Threshold| threshold.phase.as_ref().is_none_or(|name| *name == phase.name);
    let mut judged = Vec::new();
    for threshold in thresholds.iter().filter(meant) {
        // Without a phase's name it is about those phases that do it.
        if threshold.operation.is_some_and(|operation| !phase.calls.contains_key(&operation))
            && threshold.phase.is_none()
        {
            continue;
        }
        for (metric, wanted) in &threshold.limits {
            judged.push(one(phase, threshold.operation, *metric, *wanted));
        }
    }
    // Where nobody says how many calls may fail, none may.
    if !judged.iter().any(|one| one.operation.is_none() && one.metric == Metric::Failed) {
        judged.push(one(phase, None, Metric::Failed, 0.0));
    }
    judged
}

fn one(phase: &Measured, operation: Option<Operation>, metric: Metric, wanted: f64) -> Judged {
    let measured = measure(phase, operation, metric);
    let held =
        measured.is_some_and(|measured| if metric == Metric::Rate { measured >= wanted } else { measured <= wanted });
    Judged { phase: phase.name.clone(), operation, metric, wanted, measured, held }
}

fn measure(phase: &Measured, operation: Option<Operation>, metric: Metric) -> Option<f64> {
    let calls = operation.map(|operation| phase.calls.get(&operation));
    let tally = match calls {
        Some(calls) => &calls?.tally,
        None => &phase.total,
    };
    let ms = |tally: &Tally, share: f64| (tally.answers() > 0).then(|| tally.ms(share));
    match metric {
        Metric::P50Ms => ms(tally, 0.5),
        Metric::P90Ms => ms(tally, 0.9),
        Metric::P99Ms => ms(tally, 0.99),
        Metric::P999Ms => ms(tally, 0.999),
        Metric::MaxMs => ms(tally, 1.0),
        Metric::Failed => Some(match calls {
            Some(calls) => calls.map_or(0.0, |calls| calls.failures() as f64 / calls.sent.max(1) as f64),
            None => phase.failed_share(),
        }),
        Metric::Rate => Some(match calls {
            Some(_) => tally.answers() as f64 / phase.window.as_secs_f64(),
            None => phase.per_second(),
        }),
    }
}

impl Metric {
    pub fn name(self) -> &'static str {
        match self {
            Metric::P50Ms => "p50_ms",
            Metric::P90Ms => "p90_ms",
            Metric::P99Ms => "p99_ms",
            Metric::P999Ms => "p999_ms",
            Metric::MaxMs => "max_ms",
            Metric::Failed => "failed",
            Metric::Rate => "rate",
        }
    }
}

impl Judged {
    /// `everyday, addFriend: p99_ms wanted <= 20, measured 31.4`.
    pub fn text(&self) -> String {
        let operation = self.operation.map_or(String::new(), |operation| format!(", {}", operation.name()));
        let sign = if self.metric == Metric::Rate { ">=" } else { "<=" };
        let measured = self.measured.map_or("nothing, for no call was answered".to_owned(), shown);
        let (phase, metric) = (&self.phase, self.metric.name());
        format!("{phase}{operation}: {metric} wanted {sign} {}, measured {measured}", shown(self.wanted))
    }
}

/// As many digits as say something.
fn shown(value: f64) -> String {
    match value {
        value if value == value.trunc() && value < 1e9 => format!("{value:.0}"),
        value if value >= 100.0 => format!("{value:.1}"),
        value if value >= 0.1 => format!("{value:.2}"),
        value => format!("{value:.6}"),
    }
}
