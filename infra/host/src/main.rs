//! The embedded host: runs a Spin application's components where no Spin is installed. It keeps Spin's contract
//! and adds nothing to it, so that what works here works there.
//!
//! Reading order: `manifest`, `app` (it, checked), `engine`, `compiled`, `guest`, `loaded` (ready to run), `server`,
//! `connection`, `http_trigger` with `instances`, `redis_trigger`, the ways out: `outbound_http`, `outbound_redis`; and `metrics`.

mod allowed_hosts;
mod app;
mod args;
mod bindings;
mod compiled;
mod connection;
mod drain;
mod engine;
mod guest;
mod http_trigger;
mod instances;
mod loaded;
mod logs;
mod manifest;
mod metrics;
mod outbound_http;
mod outbound_redis;
mod redis_connection;
mod redis_reply;
mod redis_trigger;
mod response_body;
mod routes;
mod server;
mod spin_headers;
mod variables;

use std::process::ExitCode;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The application or the command line has to be changed; trying again is of no use.
const UNUSABLE: u8 = settings::MISCONFIGURED;
const FAILED: u8 = 1;

fn main() -> ExitCode {
    let started = Instant::now();
    metrics::start_seconds();
    let args: args::Args = settings::parse();
    if let Err(error) = args::start_logging() {
        return fail(&error, UNUSABLE);
    }
    if args.compile_only {
        return match server::compile(&args) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error, UNUSABLE),
        };
    }
    let (loaded, listeners) = match server::prepare(&args) {
        Ok(prepared) => prepared,
        Err(error) => return fail(&error, UNUSABLE),
    };
    match server::run(loaded, listeners, args.threads(), started) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, FAILED),
    }
}

fn fail(error: &anyhow::Error, code: u8) -> ExitCode {
    eprintln!("host: {error:#}");
    ExitCode::from(code)
}
