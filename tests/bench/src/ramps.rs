//! `make bench-load`: the breaking point of each scenario of the load generator, each time on a new system.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use dev::System;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::figures::{median, range};
use crate::footprint::{self, Memory};
use crate::report::{self, whole};
use crate::{bed, processes};

/// Seconds of each rate in the short form.
const QUICK_SECONDS: &str = "0.5";

#[derive(Debug, Args)]
pub struct Settings {
    /// Which scenarios of tests/load/scenarios, by name [default: all that have a ramp]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    scenarios: Vec<String>,
    /// Rounds, in each of which every scenario has its turn
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: u16,
    /// One round of half a second a rate: to see that everything runs, not to compare
    #[arg(long)]
    quick: bool,
    /// Where the table and the raw output go [default: tests/bench/results]
    #[arg(long, value_name = "FOLDER")]
    results: Option<PathBuf>,
}

/// One ramp on a new system.
struct Ramped {
    scenario: String,
    round: usize,
    /// The most that each part took from its start to the end of the ramp.
    peak: Memory,
    ramp: Ramp,
    /// What the load generator wrote, whole.
    report: Value,
}

/// The part of it that the table is made of; tests/load/README.md says what each field means.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Ramp {
    p99_ms: f64,
    breaking_point: Option<f64>,
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    offered_per_second: f64,
    held: bool,
    why_not: Option<String>,
    latency_ms: Option<Latency>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
struct Latency {
    p50: f64,
    p99: f64,
}

impl Ramp {
    /// At the highest rate that was held.
    fn latency(&self) -> Option<Latency> {
        self.steps.iter().rev().find(|step| step.held)?.latency_ms
    }

    /// The rate that was not held, also when it was tried again. None: all were held.
    fn broke(&self) -> Option<&Step> {
        self.steps.last().filter(|step| !step.held)
    }
}

/// False: something was lost, or failed before the ramp.
pub fn run(settings: &Settings) -> Result<bool> {
    let folder = dev::options::folder_of(&dev::options::manifest()?).join("tests/load/scenarios");
    let scenarios = scenarios(&folder, &settings.scenarios)?;
    let rounds = if settings.quick { 1 } else { usize::from(settings.rounds) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut all = Vec::new();
    for round in 0..rounds {
        let mut turns = scenarios.clone();
        // No one always comes after the same other.
        if round % 2 == 1 {
            turns.reverse();
        }
        for scenario in turns {
            eprintln!("round {}/{rounds}  {scenario}", round + 1);
            let file = folder.join(format!("{scenario}.toml"));
            all.push(runtime.block_on(ramp(&scenario, &file, round, settings.quick))?);
        }
    }
    let page = page(&scenarios, &all, rounds);
    println!("{page}");
    let saved = save(&report::folder(settings.results.as_deref())?, &all, &page)?;
    println!("Kept as {0}.md, raw output as {0}.json", saved.display());
    Ok(all.iter().all(|one| failures(one).is_empty()))
}

/// The names of those that are wanted, in the order of the alphabet.
fn scenarios(folder: &Path, wanted: &[String]) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "toml")
            && fs::read_to_string(&path)?.lines().any(|line| line.trim_end() == "[ramp]")
        {
            names.push(path.file_stem().unwrap_or_default().to_string_lossy().into_owned());
        }
    }
    names.sort();
    if let Some(unknown) = wanted.iter().find(|name| !names.contains(name)) {
        bail!("--scenarios {unknown}: there are {}", names.join(", "));
    }
    names.retain(|name| wanted.is_empty() || wanted.contains(name));
    Ok(names)
}

async fn ramp(scenario: &str, file: &Path, round: usize, quick: bool) -> Result<Ramped> {
    let (system, _) = bed::start(|_| ()).await?;
    let report = put_under_load(&system, file, quick).await;
    let peak = footprint::peaks(&system);
    system.stop_all().await;
    let (report, peak) = (report?, peak?);
    let ramp = Ramp::deserialize(&report["ramp"]).with_context(|| format!("the ramp of {scenario}"))?;
    Ok(Ramped { scenario: scenario.to_owned(), round, peak, ramp, report })
}

/// Runs the load generator, and returns what it wrote.
async fn put_under_load(system: &System, file: &Path, quick: bool) -> Result<Value> {
    let results = tempfile::tempdir()?;
    let mut command = Command::new(dev::programs::folder().join("load"));
    command.arg("ramp").arg(file).args(["--url", &system.url(), "--results"]).arg(results.path());
    if quick {
        command.args(["--seconds", QUICK_SECONDS]);
    }
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true).status().await;
    let status = status.context("cannot start the load generator: `make programs` builds it")?;
    let mut files = fs::read_dir(results.path())?.filter_map(|entry| Some(entry.ok()?.path()));
    let written = files.find(|path| path.extension().is_some_and(|it| it == "json"));
    let written = written.with_context(|| format!("{}: no results, {status}", file.display()))?;
    let report: Value = serde_json::from_str(&fs::read_to_string(written)?)?;
    ensure!(report["interrupted"] == false, "ended by a signal");
    Ok(report)
}

fn failures(of: &Ramped) -> Vec<String> {
    let failures = of.report["failures"].as_array().into_iter().flatten();
    failures.map(|failure| failure.as_str().unwrap_or_default().to_owned()).collect()
}

fn page(scenarios: &[String], all: &[Ramped], rounds: usize) -> String {
    let mut page = format!(
        "# Breaking points, measured\n\n{}\n\nRounds: {rounds}, interleaved, each ramp on a new system; medians, and the \
         range of single rounds. Held: at least 95% of\nthe rate is answered, no call fails, and p99 is within the \
         scenario's limit; latencies from when a call was due, at the highest\nrate held. Memory: the most that each part \
         took, before and in the ramp. The client runs on the same processors.\n\n\
         | scenario | held, calls/s | p50 ms | p99 ms | limit of p99 ms | broke at, calls/s | memory MB: runtime | worker \
         | Redis |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        processes::machine(),
    );
    let mut reasons = String::new();
    for scenario in scenarios {
        let of: Vec<&Ramped> = all.iter().filter(|one| one.scenario == *scenario).collect();
        page += &row(scenario, &of);
        for one in of {
            let why = one.ramp.broke().map_or("held to the last rate", |step| step.why_not.as_deref().unwrap_or("?"));
            let at = one.ramp.broke().map_or(String::new(), |step| format!("at {} ", whole(step.offered_per_second)));
            reasons += &format!("* {scenario}, round {}: {at}{why}\n", one.round + 1);
            for failure in failures(one) {
                reasons += &format!("  * FAILED: {failure}\n");
            }
        }
    }
    format!("{page}\nWhy they broke:\n\n{reasons}")
}

fn row(scenario: &str, of: &[&Ramped]) -> String {
    let cell = |show: fn(f64) -> String, value: &dyn Fn(&Ramped) -> Option<f64>| {
        let values: Vec<f64> = of.iter().filter_map(|one| value(one)).collect();
        let (least, most) = range(&values);
        match values.len() {
            0 => "none".to_owned(),
            1 => show(values[0]),
            _ => format!("{} ({} to {})", show(median(&values)), show(least), show(most)),
        }
    };
    let ms = |ms: f64| format!("{ms:.1}");
    let cells = [
        cell(whole, &|one| one.ramp.breaking_point),
        cell(ms, &|one| Some(one.ramp.latency()?.p50)),
        cell(ms, &|one| Some(one.ramp.latency()?.p99)),
        of.first().map_or(String::new(), |one| whole(one.ramp.p99_ms)),
        cell(whole, &|one| Some(one.ramp.broke()?.offered_per_second)),
        cell(whole, &|one| Some(one.peak.runtime_mb)),
        cell(whole, &|one| Some(one.peak.worker_mb)),
        cell(whole, &|one| Some(one.peak.redis_mb)),
    ];
    format!("| {scenario} | {} |\n", cells.join(" | "))
}

/// Writes `load-<utc date>.md` and `.json`, a line for each ramp, and returns their common name.
fn save(folder: &Path, all: &[Ramped], page: &str) -> Result<PathBuf> {
    let path = folder.join(format!("load-{}", report::now()));
    let line = |one: &Ramped| {
        let Ramped { scenario, round, peak, report, .. } = one;
        json!({"kind": "ramp", "scenario": scenario, "round": round, "peak": peak, "report": report}).to_string() + "\n"
    };
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(path.with_extension("md"), page)?;
        fs::write(path.with_extension("json"), all.iter().map(line).collect::<String>())
    };
    write().with_context(|| format!("cannot write to {}", folder.display()))?;
    Ok(path)
}
