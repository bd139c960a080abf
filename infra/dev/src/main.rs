//! `social`: everything that a person does with the system on one machine. Each subcommand is a module of the library.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use dev::dead_letters::DeadLetterSettings;
use dev::observe::ObserveSettings;
use dev::rebuild::RebuildSettings;
use dev::settings::{DataDir, UpSettings};
use dev::verify::VerifySettings;

#[derive(Parser)]
#[command(name = "social", about = "Runs the social network on this machine", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start everything, follow the logs, stop everything on Ctrl-C
    Up(UpSettings),
    /// Stop the system that was started from this data folder
    Down(DataDir),
    /// Watch the running system with a Prometheus, until Ctrl-C or its end
    Observe(ObserveSettings),
    /// Fold the log again and compare with what is stored
    Verify(VerifySettings),
    /// Show the events that a projection could not apply
    DeadLetters(DeadLetterSettings),
    /// Have them applied again
    Replay(DeadLetterSettings),
    /// Rebuild a read model from the log, beside the live one
    Rebuild(RebuildSettings),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(settings::parse::<Cli>().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("social: {error:#}");
            ExitCode::from(dev::error::exit_code(&error))
        }
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Up(settings) => dev::up::run(&settings).await?,
        Command::Down(settings) => dev::down::run(&settings).await?,
        Command::Observe(settings) => dev::observe::run(&settings).await?,
        Command::Verify(settings) => dev::verify::run(&settings).await?,
        Command::DeadLetters(settings) => dev::dead_letters::show(&settings).await?,
        Command::Replay(settings) => dev::dead_letters::replay(&settings).await?,
        Command::Rebuild(settings) => dev::rebuild::run(&settings).await?,
    }
    Ok(())
}
