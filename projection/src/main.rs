//! `projection-worker`: reads the settings, sets up the log, runs the worker until it is asked to stop. With `export`, it
//! exports a snapshot instead.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use projection::export::offline;
use projection::server::StartError;
use projection::settings::Settings;
use projection::worker;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Starting again may help.
const FAILED: u8 = 1;
/// Starting again will not help: the settings are wrong.
const MISCONFIGURED: u8 = 2;

#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct CommandLine {
    #[command(subcommand)]
    instead: Option<Instead>,
    #[command(flatten)]
    settings: Settings,
}

/// What the program can do instead of running the worker.
#[derive(Subcommand)]
enum Instead {
    /// Write everybody in a snapshot to standard output, without Redis
    Export(offline::Arguments),
}

fn main() -> ExitCode {
    let CommandLine { instead, settings } = CommandLine::parse();
    let ended = match instead {
        None => start(settings),
        Some(Instead::Export(arguments)) => offline::export(&arguments),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("projection-worker: {error}");
            ExitCode::from(match error {
                StartError::Configuration(_) => MISCONFIGURED,
                StartError::Unavailable(_) => FAILED,
            })
        }
    }
}

fn start(settings: Settings) -> Result<(), StartError> {
    let filter = EnvFilter::try_new(settings.filter())
        .map_err(|error| StartError::Configuration(format!("--log or RUST_LOG is no filter: {error}")))?;
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(projection::progress::log).with_ansi(colours).init();
    let runtime = tokio::runtime::Runtime::new().map_err(system)?;
    let result = runtime.block_on(async {
        let (first, second) = (Signals::listen()?, Signals::listen()?);
        tokio::select! {
            ended = worker::run(settings, first.come(1)) => ended,
            () = second.come(2) => {
                tracing::warn!("asked to stop once more: not waiting for answers, nor for a last snapshot");
                Ok(())
            }
        }
    });
    // A query that nobody waits for any more is not waited for either.
    runtime.shutdown_background();
    result
}

fn system(error: std::io::Error) -> StartError {
    StartError::Unavailable(format!("the system refuses what the worker needs: {error}"))
}

/// What asks the worker to stop.
struct Signals(Signal, Signal);

impl Signals {
    fn listen() -> Result<Self, StartError> {
        Ok(Self(signal(SignalKind::terminate()).map_err(system)?, signal(SignalKind::interrupt()).map_err(system)?))
    }

    /// Waits until so many have come.
    async fn come(mut self, times: usize) {
        for _ in 0..times {
            tokio::select! {
                _ = self.0.recv() => {}
                _ = self.1.recv() => {}
            }
        }
    }
}
