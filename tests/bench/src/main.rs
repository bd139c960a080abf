//! `make bench`: what the system reaches, beside what a plain native server reaches in the same run;
//! `make bench-graph`: what the graph of the projection worker reaches, see [`graph`]; and `make bench-load`: where each
//! scenario of the load generator breaks it, see [`ramps`].
//!
//! Reading order: [`run`] is the order of things; [`throughput`], [`visible`], [`cold_start`], [`footprint`] and
//! [`metrics_cost`] measure; [`report`] says how it went; [`ceiling`] is the plain server, [`bed`] the system and it, side by side.

mod bed;
mod ceiling;
mod cold_start;
mod figures;
mod footprint;
mod graph;
mod load_phase;
mod metrics_cost;
mod processes;
mod ramps;
mod report;
mod run;
mod throughput;
mod visible;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(version, about = "Measures the whole system on this machine", args_conflicts_with_subcommands = true)]
struct Command {
    #[command(subcommand)]
    kind: Option<Kind>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Subcommand)]
enum Kind {
    /// The plain server that the system is compared with, until its standard input ends
    Ceiling { redis_url: String },
    /// The graph of the projection worker: loading, memory, queries, beside a baseline and a bound
    Graph(graph::Settings),
    /// The breaking point of each scenario of the load generator
    Load(ramps::Settings),
}

#[derive(Debug, Args)]
pub struct Settings {
    /// Rounds, in each of which every measurement has its turn
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: u16,
    /// Seconds of a measurement
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0, value_parser = seconds)]
    seconds: f64,
    /// Two short rounds: to see that everything runs, not to compare
    #[arg(long)]
    quick: bool,
    /// Where the table and the raw output go [default: tests/bench/results]
    #[arg(long, value_name = "FOLDER")]
    results: Option<PathBuf>,
}

fn seconds(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|s| (0.1..=60.0).contains(s)).ok_or_else(|| "from 0.1 to 60".to_owned())
}

fn main() -> ExitCode {
    let command = Command::parse();
    let done = match command.kind {
        Some(Kind::Ceiling { redis_url }) => ceiling::run(&redis_url).map(|()| true),
        Some(Kind::Graph(settings)) => graph::run(&settings).map(|()| true),
        Some(Kind::Load(settings)) => ramps::run(&settings),
        None => run::run(command.settings),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}
