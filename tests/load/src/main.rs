//! `load serial`: a small network, one call at a time. `load parallel`: a larger one, as parallel as the machine likes.

mod network;
mod progress;
mod report;
mod sample;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use load::Target;

use crate::network::{Friendships, Plan};

/// There is nothing to put under load: trying again is of no use.
const UNUSABLE: u8 = 2;
/// Ended by Ctrl-C, as shells report it.
const INTERRUPTED: u8 = 130;

/// Makes a social network through the HTTP API of a running system, and says how fast that went.
#[derive(Debug, Parser)]
#[command(version)]
struct Command {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Debug, Subcommand)]
enum Kind {
    /// 15 people, and 300 calls of addFriend between random two of them, one call at a time
    Serial(Common),
    /// 600 people and 2,000 friendships over many connections
    Parallel {
        #[command(flatten)]
        common: Common,
        /// Calls under way at the same time
        #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
        connections: u16,
    },
}

#[derive(Debug, Args)]
struct Common {
    /// The system's address
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9000")]
    url: String,
    /// The same seed makes the same people and friendships
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let (common, plan) = match Command::parse().kind {
        Kind::Serial(common) => {
            (common, Plan { people: 15, friendships: Friendships::Random(300), connections: 1, seed: 0 })
        }
        Kind::Parallel { common, connections } => {
            let connections = usize::from(connections);
            (common, Plan { people: 600, friendships: Friendships::Distinct(2_000), connections, seed: 0 })
        }
    };
    let target = match Target::find(&common.url).await {
        Ok(target) => target,
        Err(error) => {
            eprintln!("load: {error:#}");
            return ExitCode::from(UNUSABLE);
        }
    };
    let made = network::make(&target, Plan { seed: common.seed, ..plan }).await;
    report::print(&plan, &made);
    if made.interrupted {
        return ExitCode::from(INTERRUPTED);
    }
    let shown = sample::print(&target, &made).await;
    if let Err(error) = &shown {
        eprintln!("load: no recommendations: {error:#}");
    }
    if made.unexpected() > 0 || shown.is_err() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
