//! What can be asked for on the command line.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use clap::{Args, Parser, Subcommand};
use load::Target;

use crate::ask::Asker;
use crate::interrupt::Interrupt;
use crate::population::Population;
use crate::report::{files, text};
use crate::run::Run;
use crate::scenario::{Ramp, Scenario};
use crate::{ceiling, limits, sample};

/// The results could not be had or kept, though the system was there.
const FAILED: u8 = 1;

/// Puts a running system under load, as a scenario says. tests/load/README.md says what may be in a scenario.
///
/// Exit code: 0 all thresholds held; 1 one did not, or calls failed; 2 a wrong scenario or setting, or no system there;
/// 130 ended by Ctrl-C, with results.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Command {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Debug, Subcommand)]
enum Kind {
    /// Run the phases of a scenario
    Run(Common),
    /// Make the scenario's network, then raise the rate until the system does not hold it
    Ramp {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        rates: Rates,
    },
    /// Read a scenario, say what is wrong in it, and do nothing
    Check { scenario: PathBuf },
    /// Measure what the generator itself reaches, against a server that does nothing
    Ceiling,
}

#[derive(Debug, Args)]
struct Common {
    /// A TOML file, such as tests/load/scenarios/parallel.toml
    scenario: PathBuf,
    /// The system's address
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9000")]
    url: String,
    /// In place of the scenario's: the same seed makes the same network and the same calls
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Where the results go, as JSON, text and SVG
    #[arg(long, value_name = "FOLDER", default_value = ".local/load")]
    results: PathBuf,
}

/// In place of the scenario's.
#[derive(Debug, Args)]
struct Rates {
    /// The first rate, in calls a second
    #[arg(long, value_name = "RATE", value_parser = rate, allow_negative_numbers = true)]
    from: Option<f64>,
    /// How much each rate is above the one before
    #[arg(long, value_name = "RATE", value_parser = rate, allow_negative_numbers = true)]
    step: Option<f64>,
    /// The last rate
    #[arg(long, value_name = "RATE", value_parser = rate, allow_negative_numbers = true)]
    to: Option<f64>,
    /// How long each rate is offered
    #[arg(long, value_parser = seconds, allow_negative_numbers = true)]
    seconds: Option<f64>,
}

fn rate(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|rate| (1.0..=1e6).contains(rate)).ok_or_else(|| "from 1 to 1000000".to_owned())
}

fn seconds(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|s| (0.1..=86_400.0).contains(s)).ok_or_else(|| "from 0.1 to 86400".to_owned())
}

impl Rates {
    fn over(&self, ramp: &mut Ramp) -> Result<()> {
        ramp.from = self.from.unwrap_or(ramp.from);
        ramp.step = self.step.unwrap_or(ramp.step);
        ramp.to = self.to.unwrap_or(ramp.to);
        ramp.seconds = self.seconds.unwrap_or(ramp.seconds);
        let right = ramp.from <= ramp.to;
        right.then_some(()).ok_or_else(|| anyhow!("--from {} is above --to {}", ramp.from, ramp.to))
    }
}

impl Command {
    /// The exit code. Err: a wrong scenario or setting, or no system there.
    pub async fn execute(self) -> Result<u8> {
        match self.kind {
            Kind::Check { scenario } => {
                println!("{}", Scenario::read(&scenario)?.summary());
                Ok(0)
            }
            Kind::Ceiling => ceiling::measure().await.map(|()| 0),
            Kind::Run(common) => {
                let scenario = common.scenario()?;
                execute(&common, &scenario, None).await
            }
            Kind::Ramp { common, rates } => {
                let mut scenario = common.scenario()?;
                let file = scenario.file.display().to_string();
                let mut ramp = scenario.ramp.take().ok_or_else(|| anyhow!("{file} has no [ramp]"))?;
                rates.over(&mut ramp)?;
                execute(&common, &scenario, Some(&ramp)).await
            }
        }
    }
}

impl Common {
    fn scenario(&self) -> Result<Scenario> {
        let mut scenario = Scenario::read(&self.scenario)?;
        scenario.seed = self.seed.unwrap_or(scenario.seed);
        Ok(scenario)
    }
}

async fn execute(common: &Common, scenario: &Scenario, ramp: Option<&Ramp>) -> Result<u8> {
    files::prepare(&common.results)?;
    limits::allow_connections(scenario.most_connections(ramp))?;
    let target = Target::find(&common.url).await?;
    let run = Run {
        scenario,
        target: &target,
        ramp,
        population: Population::new(&scenario.network, scenario.seed).into(),
        interrupt: Interrupt::listen()?,
    };
    let report = match run.run().await {
        Ok(report) => report,
        Err(error) => {
            eprintln!("load: the run ended without results: {error:#}");
            return Ok(run.interrupt.code().unwrap_or(FAILED));
        }
    };
    let text = text::text(&report);
    println!("\n{text}");
    let shown = show(&run, scenario.show).await;
    match files::save(&report, &text, &common.results) {
        Ok(path) => println!("Kept as {}", kept(&path)),
        Err(error) => {
            eprintln!("load: {error:#}");
            return Ok(FAILED.max(report.exit_code));
        }
    }
    for failure in &report.failures {
        eprintln!("load: {failure}");
    }
    Ok(if shown { report.exit_code } else { FAILED.max(report.exit_code) })
}

/// False: the system does not answer as it should.
async fn show(run: &Run<'_>, count: usize) -> bool {
    if count == 0 || run.ramp.is_some() || run.interrupt.code().is_some() {
        return true;
    }
    let people: Vec<u64> = run.population.borrow().people().collect();
    let newest = run.population.borrow().newest();
    match sample::text(&mut Asker::of(run.target), &people, &newest, count).await {
        Ok(text) => {
            println!("{text}");
            true
        }
        Err(error) => {
            eprintln!("load: no recommendations: {error:#}");
            false
        }
    }
}

fn kept(path: &Path) -> String {
    ["json", "txt", "svg"].map(|ending| path.with_extension(ending).display().to_string()).join(", ")
}
