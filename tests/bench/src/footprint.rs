//! How large, how much memory, and how soon it is up.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use dev::{Part, System};
use serde::Serialize;

use crate::processes::resident_mb;
use crate::report::Results;

const COMPONENT_GOAL_KIB: f64 = 400.0;
const IDLE_GOAL_MB: f64 = 150.0;
const START_GOAL: Duration = Duration::from_secs(5);

#[derive(Serialize)]
struct Size<'a> {
    component: &'a str,
    bytes: u64,
}

/// The sizes of the components that the manifest names.
pub fn sizes(manifest: &Path, results: &mut Results) -> Result<()> {
    let text = std::fs::read_to_string(manifest).with_context(|| format!("cannot read {}", manifest.display()))?;
    let folder = manifest.parent().unwrap_or(Path::new("."));
    let mut largest = (0, String::new());
    let mut count = 0;
    for source in text.lines().filter_map(|line| line.strip_prefix("source = \"")?.strip_suffix('"')) {
        let path = folder.join(source);
        let bytes = std::fs::metadata(&path).with_context(|| format!("cannot read {}", path.display()))?.len();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        results.raw("component size", 0, &Size { component: &name, bytes });
        largest = largest.max((bytes, name));
        count += 1;
    }
    let kib = largest.0 as f64 / 1024.0;
    results.goal(
        format!("size of the {count} components"),
        format!("the largest is {}, {kib:.0} KiB", largest.1),
        &format!("< {COMPONENT_GOAL_KIB:.0} KiB each"),
        kib < COMPONENT_GOAL_KIB,
    );
    Ok(())
}

/// Resident memory of the system without Redis.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    runtime_mb: f64,
    worker_mb: f64,
}

pub fn memory(system: &System) -> Result<Memory> {
    let resident = |part| system.pid(part).and_then(resident_mb).with_context(|| format!("the {part:?} is gone"));
    Ok(Memory { runtime_mb: resident(Part::Runtime)?, worker_mb: resident(Part::Worker)? })
}

impl Memory {
    fn all(self) -> f64 {
        self.runtime_mb + self.worker_mb
    }

    fn words(self, when: &str, results: &mut Results) -> (String, String) {
        results.raw(&format!("memory {when}"), 0, &self);
        let figure = format!("{:.0} MB: runtime {:.0}, worker {:.0}", self.all(), self.runtime_mb, self.worker_mb);
        (format!("resident memory without Redis, {when}"), figure)
    }

    pub fn report(self, when: &str, results: &mut Results) {
        let (what, figure) = self.words(when, results);
        results.figure(what, figure);
    }

    /// The goal is for a system that has just been started.
    pub fn has_a_goal(self, when: &str, results: &mut Results) {
        let (what, figure) = self.words(when, results);
        results.goal(what, figure, &format!("< {IDLE_GOAL_MB:.0} MB"), self.all() < IDLE_GOAL_MB);
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Starts {
    cold_seconds: f64,
    warm_seconds: f64,
}

/// From nothing to three health routes that say UP, Redis included.
pub fn starts(cold: Duration, warm: Duration, results: &mut Results) {
    let (cold_seconds, warm_seconds) = (cold.as_secs_f64(), warm.as_secs_f64());
    results.raw("start", 0, &Starts { cold_seconds, warm_seconds });
    results.figure("start of the system, components compiled first", format!("{cold_seconds:.2} s"));
    let goal = format!("< {} s", START_GOAL.as_secs());
    results.goal("  with compiled components", format!("{warm_seconds:.2} s"), &goal, warm < START_GOAL);
}
