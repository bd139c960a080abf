//! How large, how much memory, and how soon it is up.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use dev::{Part, System};
use serde::Serialize;

use crate::figures::{median, range};
use crate::processes;
use crate::report::Results;

const COMPONENT_GOAL_KIB: f64 = 400.0;
const IDLE_GOAL_MB: f64 = 150.0;
const START_GOAL: Duration = Duration::from_secs(5);
/// The static worker, where it was built here. The container image has one that is optimised as a whole, and smaller.
const STATIC_WORKER: &str = "-unknown-linux-musl/native/projection-worker";

#[derive(Serialize)]
struct Size<'a> {
    component: &'a str,
    bytes: u64,
}

/// The sizes of the components that the manifest names, and of the native programs.
pub fn sizes(manifest: &Path, results: &mut Results) -> Result<()> {
    let text = std::fs::read_to_string(manifest).with_context(|| format!("cannot read {}", manifest.display()))?;
    let folder = dev::options::folder_of(manifest);
    let mut largest = (0, String::new());
    let (mut count, mut all) = (0, 0);
    for source in text.lines().filter_map(|line| line.strip_prefix("source = \"")?.strip_suffix('"')) {
        let path = folder.join(source);
        let bytes = length(&path)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        results.raw("component size", 0, &Size { component: &name, bytes });
        largest = largest.max((bytes, name));
        count += 1;
        all += bytes;
    }
    let (kib, all) = (largest.0 as f64 / 1024.0, all as f64 / 1024.0);
    results.goal(
        format!("size of the {count} components"),
        format!("{all:.0} KiB together; the largest is {}, {kib:.0} KiB", largest.1),
        &format!("< {COMPONENT_GOAL_KIB:.0} KiB each"),
        kib < COMPONENT_GOAL_KIB,
    );
    program("host", &dev::programs::host()?, results)?;
    program("projection-worker", &dev::programs::worker()?, results)?;
    let musl = folder.join(format!("target/{}{STATIC_WORKER}", std::env::consts::ARCH));
    if musl.is_file() {
        program("projection-worker, static, as last built", &musl, results)?;
    }
    Ok(())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProgramSize<'a> {
    program: &'a str,
    bytes: u64,
    /// None where there is no `strip`.
    stripped_bytes: Option<u64>,
}

/// Programs keep the names of their functions for backtraces, which code and data do not need.
fn program(name: &str, path: &Path, results: &mut Results) -> Result<()> {
    let bytes = length(path)?;
    let stripped_bytes = stripped(path)?;
    results.raw("program size", 0, &ProgramSize { program: name, bytes, stripped_bytes });
    let mb = |bytes: u64| bytes as f64 / 1e6;
    let stripped = stripped_bytes.map(|bytes| format!(", stripped {:.1}", mb(bytes))).unwrap_or_default();
    results.figure(format!("size of {name}"), format!("{:.1} MB{stripped}", mb(bytes)));
    Ok(())
}

fn stripped(path: &Path) -> Result<Option<u64>> {
    let folder = tempfile::tempdir()?;
    let copy: PathBuf = folder.path().join("stripped");
    let done = Command::new("strip").arg("-o").arg(&copy).arg(path).output();
    match done {
        Ok(done) if done.status.success() => Ok(Some(length(&copy)?)),
        _ => Ok(None),
    }
}

fn length(path: &Path) -> Result<u64> {
    Ok(std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?.len())
}

/// Resident memory of each part.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    pub runtime_mb: f64,
    pub worker_mb: f64,
    pub redis_mb: f64,
}

/// At this moment.
pub fn memory(system: &System) -> Result<Memory> {
    each(system, processes::resident_mb)
}

/// The most since [`forget_peaks`], or since the start.
pub fn peaks(system: &System) -> Result<Memory> {
    each(system, processes::peak_mb)
}

pub fn forget_peaks(system: &System) {
    Part::ALL.into_iter().filter_map(|part| system.pid(part)).for_each(processes::forget_peak);
}

fn each(system: &System, of: impl Fn(u32) -> Option<f64>) -> Result<Memory> {
    let of = |part| system.pid(part).and_then(&of).with_context(|| format!("the {part:?} is gone"));
    Ok(Memory { runtime_mb: of(Part::Runtime)?, worker_mb: of(Part::Worker)?, redis_mb: of(Part::Redis)? })
}

impl Memory {
    fn ours(self) -> f64 {
        self.runtime_mb + self.worker_mb
    }

    fn words(self, when: &str, results: &mut Results) -> (String, String) {
        results.raw(&format!("memory {when}"), 0, &self);
        let Self { runtime_mb, worker_mb, redis_mb } = self;
        let figure =
            format!("{:.0} MB: runtime {runtime_mb:.0}, worker {worker_mb:.0}; Redis {redis_mb:.0}", self.ours());
        (format!("resident memory without Redis, {when}"), figure)
    }

    pub fn report(self, when: &str, results: &mut Results) {
        let (what, figure) = self.words(when, results);
        results.figure(what, figure);
    }

    /// The goal is for a system that has just been started.
    pub fn has_a_goal(self, when: &str, results: &mut Results) {
        let (what, figure) = self.words(when, results);
        results.goal(what, figure, &format!("< {IDLE_GOAL_MB:.0} MB"), self.ours() < IDLE_GOAL_MB);
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Starts {
    cold_seconds: Vec<f64>,
    warm_seconds: Vec<f64>,
}

/// From nothing to three health routes that say UP, Redis included.
pub fn starts(cold: &[Duration], warm: &[Duration], results: &mut Results) {
    let [cold_seconds, warm_seconds] =
        [cold, warm].map(|all| all.iter().map(Duration::as_secs_f64).collect::<Vec<_>>());
    let text = |seconds: &[f64]| {
        let (least, most) = range(seconds);
        format!("{:.2} s ({least:.2} to {most:.2})", median(seconds))
    };
    results.figure("start of the system, components compiled first", text(&cold_seconds));
    let goal = format!("< {} s", START_GOAL.as_secs());
    let reached = median(&warm_seconds) < START_GOAL.as_secs_f64();
    results.goal("  with compiled components", text(&warm_seconds), &goal, reached);
    results.raw("start", 0, &Starts { cold_seconds, warm_seconds });
}
