//! `make bench-graph`: the graph of the projection worker, beside a plain baseline and the work bound.
//!
//! Each graph is measured in a process of its own, so that none finds memory that another has left. Reading order:
//! [`source`] (the graphs), [`subject`] (loading), [`asking`] and [`latency`] (queries), [`bound`], [`plain`] and [`cost`]
//! (what they are compared with), [`snapshots`], [`http_path`] and [`replay`] (around the graph), [`table`] and [`plot`] (how it went).

mod asking;
mod bound;
mod cost;
mod http_path;
mod latency;
mod plain;
mod plot;
mod random;
mod replay;
mod snapshots;
mod source;
mod subject;
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{processes, report};
use random::Random;
use source::Source;

/// People asked about, and those with the most friends.
const DRAWN: usize = 1_000;
const BEST: usize = 100;
/// Of the largest replay that is worth waiting for.
const REPLAYED: usize = 2_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Latencies, alone and beside writes
    Latency,
    /// Cost against work, beside the bound and the baseline
    Cost,
    /// Snapshots, written and read
    Snapshots,
    /// The recommendation route through the runtime
    Http,
    /// Replay of a stream
    Replay,
}

#[derive(Debug, Args)]
pub struct Settings {
    /// Which graphs, by name [default: all]
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = str::parse::<Source>)]
    graphs: Vec<Source>,
    /// What is measured; loading always is [default: all]
    #[arg(long, value_name = "PART", value_delimiter = ',')]
    parts: Vec<Part>,
    /// Rounds, in each of which everything has its turn
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: u16,
    /// Small graphs and few rounds: to see that everything runs, not to compare
    #[arg(long)]
    quick: bool,
    /// Where the tables, the plots and the raw output go [default: tests/bench/results]
    #[arg(long, value_name = "FOLDER")]
    results: Option<PathBuf>,
    /// Prints the figures of one graph, as JSON: what this program asks of another process
    #[arg(long, hide = true)]
    one: bool,
}

impl Settings {
    fn has(&self, part: Part) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }

    fn rounds(&self) -> usize {
        if self.quick { 2 } else { usize::from(self.rounds) }
    }

    fn graphs(&self) -> Vec<Source> {
        let all = Source::all().into_iter().filter(|source| !self.quick || source.name == "rmat-10k");
        if self.graphs.is_empty() { all.collect() } else { self.graphs.clone() }
    }
}

/// All figures of one graph.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Figures {
    graph: String,
    people: u32,
    friendships: usize,
    degrees: source::Degrees,
    loaded: subject::Loaded,
    latencies: Vec<latency::Latency>,
    contention: Vec<latency::Contention>,
    costs: Option<cost::Costs>,
    snapshots: Option<snapshots::Snapshots>,
}

/// All that was measured.
#[derive(Default)]
struct All {
    graphs: Vec<Figures>,
    http: Option<http_path::HttpPath>,
    replay: Option<String>,
    skipped: Vec<String>,
}

pub fn run(settings: &Settings) -> Result<()> {
    if settings.one {
        let source = settings.graphs.first().context("--one needs --graphs NAME")?;
        println!("{}", serde_json::to_string(&one(source, settings)?)?);
        return Ok(());
    }
    let load_before = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let mut all = All::default();
    for source in settings.graphs() {
        if let Some(path) = source.missing() {
            let skipped = format!("{}: skipped, there is no {}", source.name, path.display());
            eprintln!("{skipped}");
            all.skipped.push(skipped);
            continue;
        }
        all.graphs.push(in_a_process(&source, settings)?);
    }
    // Systems and replays of --quick would take longer than all the rest of it.
    if settings.has(Part::Http) && (!settings.quick || !settings.parts.is_empty()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let seconds = if settings.quick { 0.5 } else { 3.0 };
        all.http = Some(runtime.block_on(http_path::measure(settings.rounds(), seconds, settings.quick))?);
    }
    if settings.has(Part::Replay) && (!settings.quick || !settings.parts.is_empty()) {
        let events = if settings.quick { REPLAYED / 20 } else { REPLAYED };
        match replay::measure(events, settings.rounds()) {
            Ok(text) => all.replay = Some(text),
            Err(reason) => all.skipped.push(format!("replay: skipped, {reason}")),
        }
    }
    let heading = format!(
        "{}\n\nLoad average before: {}. {} rounds; `bench graph --help` says what can be chosen.",
        processes::machine(),
        load_before.trim(),
        settings.rounds()
    );
    let table = table::table(&heading, &all);
    println!("{table}");
    let folder = report::folder(settings.results.as_deref())?;
    let saved = save(&folder, &all, &table).with_context(|| format!("cannot write to {}", folder.display()))?;
    println!("Kept as {0}.md and {0}.svg, raw output as {0}.json", saved.display());
    Ok(())
}

fn in_a_process(source: &Source, settings: &Settings) -> Result<Figures> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["graph", "--one", "--graphs", &source.name, "--rounds", &settings.rounds().to_string()]);
    // As `make up` starts the worker.
    let (name, value) = dev::parts::LARGE_PAGES;
    command.env(name, value);
    if settings.quick {
        command.arg("--quick");
    }
    for part in settings.parts.iter().filter_map(ValueEnum::to_possible_value) {
        command.args(["--parts", part.get_name()]);
    }
    let output = command.stderr(Stdio::inherit()).output().context("cannot start the process of a graph")?;
    if !output.status.success() {
        bail!("{}: the process that measured it ended: {}", source.name, output.status);
    }
    serde_json::from_slice(&output.stdout).with_context(|| format!("the figures of {}", source.name))
}

fn one(source: &Source, settings: &Settings) -> Result<Figures> {
    eprintln!("{}: generating or reading", source.name);
    let network = source.network()?;
    let degrees = network.degrees();
    let (people, friendships) = (network.people, network.friendships.len());
    eprintln!("  {people} people, {friendships} friendships; loading");
    let (view, loaded) = subject::load(&network)?;
    let mut random = Random::new(5);
    let (drawn, best) = match settings.quick {
        true => (DRAWN / 5, BEST / 10),
        false => (DRAWN, BEST),
    };
    let (drawn, best) = (network.draw(drawn, &mut random), network.best_connected(best));
    let rounds = settings.rounds();
    let snapshots = match settings.has(Part::Snapshots) {
        true => Some(snapshots::measure(&view, rounds)?),
        false => None,
    };
    let latencies = match settings.has(Part::Latency) {
        true => latency::measure(&latency::Plan { view: &view, network: &network, drawn: &drawn, best: &best, rounds }),
        false => latency::Latencies::default(),
    };
    let costs = match settings.has(Part::Cost) {
        true => Some(cost::measure(&view, &network, &drawn, &best, rounds)?),
        false => None,
    };
    Ok(Figures {
        graph: source.name.clone(),
        people,
        friendships,
        degrees,
        loaded,
        latencies: latencies.latencies,
        contention: latencies.contention,
        costs,
        snapshots,
    })
}

/// Returns what the files are called without their endings.
fn save(folder: &Path, all: &All, table: &str) -> Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let path = folder.join(format!("graph-{}", report::now()));
    let mut raw: Vec<String> = all.graphs.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
    raw.push(json!({"httpPath": all.http, "replay": all.replay, "skipped": all.skipped}).to_string());
    fs::write(path.with_extension("json"), raw.join("\n") + "\n")?;
    fs::write(path.with_extension("md"), table)?;
    // Of the largest graph.
    if let Some((figures, costs)) = all.graphs.iter().filter_map(|one| Some((one, one.costs.as_ref()?))).next_back() {
        let people = report::whole(figures.people.into());
        let friendships = report::whole(figures.friendships as f64);
        let title = format!("Whom may I know? {people} people, {friendships} friendships, one thread");
        fs::write(path.with_extension("svg"), plot::draw(&title, &costs.points))?;
    }
    Ok(path)
}
