//! `load`: puts a running system under load, as a scenario says, and reports what it did.
//!
//! Reading order: [`scenario`] is what is wanted, [`run`] the order of things, [`phase`] makes the calls, [`population`]
//! knows what they are about, [`record`] what came of them, [`ramp`] raises the rate, [`report`] says it all.

mod accounts;
mod arguments;
mod ask;
mod ceiling;
mod interrupt;
mod limits;
mod machine;
mod network;
mod phase;
mod population;
mod processor;
mod progress;
mod ramp;
mod record;
mod report;
mod run;
mod sample;
mod scenario;
mod thresholds;

use std::process::ExitCode;

use clap::Parser;

/// A wrong scenario, a wrong setting, or nothing to put under load: trying again is of no use.
const UNUSABLE: u8 = 2;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match arguments::Command::parse().execute().await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("load: {error:#}");
            ExitCode::from(UNUSABLE)
        }
    }
}
