//! What a component instance takes to come into being: as the host logs it, and as a client feels it.

use std::time::{Duration, Instant};

use anyhow::Result;
use dev::{Part, System};
use load::{Connection, Target};
use serde::Serialize;

use crate::figures::{median, percentile};
use crate::report::Results;

/// What the host logs of each instance it makes.
const LOGGED: &str = "new instance in ";
/// An instance that is idle for a second ends.
const IDLE: Duration = Duration::from_millis(1_300);
/// Requests right after one another, to compare with.
const WARM: usize = 20;
const GOAL_MS: f64 = 1.0;

/// The log level at which the host says how long each instance took.
pub fn environment() -> Vec<(Part, String, String)> {
    vec![(Part::Runtime, "RUST_LOG".to_owned(), "info,host=debug".to_owned())]
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    what: &'static str,
    samples: Vec<f64>,
}

/// Takes a system with the log level of [`environment`], and asks each time for what no living instance can answer.
pub async fn run(system: &System, samples: usize, results: &mut Results) -> Result<()> {
    let target = Target::find(&system.url()).await?;
    let mut connection = Connection::open(target.address).await?;
    let mut request = Vec::new();
    // A path that takes no Redis: nothing but the instance comes new.
    target.requests().get(&mut request, format_args!("/none"));
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    let before = logged(system).len();
    for _ in 0..samples {
        tokio::time::sleep(IDLE).await;
        cold.push(ask(&mut connection, &request).await?);
        for _ in 0..WARM {
            warm.push(ask(&mut connection, &request).await?);
        }
    }
    let logged = logged(system).split_off(before);
    for (what, samples) in [("logged", &logged), ("cold", &cold), ("warm", &warm)] {
        results.raw("cold start", 0, &Line { what, samples: samples.clone() });
    }
    let (p50, most) = (median(&logged), percentile(&logged, 1.0));
    results.goal(
        "cold start of an instance, as the host logs it",
        format!("p50 {p50:.3} ms, max {most:.3} ms ({} instances)", logged.len()),
        &format!("< {GOAL_MS:.0} ms"),
        !logged.is_empty() && p50 < GOAL_MS,
    );
    results.figure(
        "  as a client feels it: first request after 1.3 s, and warm",
        format!("p50 {:.2} ms and {:.2} ms ({samples} and {} requests)", median(&cold), median(&warm), warm.len()),
    );
    Ok(())
}

/// The times of all instances so far, in milliseconds.
fn logged(system: &System) -> Vec<f64> {
    times(&system.log(Part::Runtime))
}

fn times(log: &str) -> Vec<f64> {
    let micros = log.split(LOGGED).skip(1).filter_map(|rest| rest.split(' ').next()?.parse::<f64>().ok());
    micros.map(|micros| micros / 1e3).collect()
}

async fn ask(connection: &mut Connection, request: &[u8]) -> Result<f64> {
    let begun = Instant::now();
    let answer = connection.call(request).await?;
    anyhow::ensure!(answer.status == 404, "GET /none answered {}", answer.status);
    Ok(begun.elapsed().as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    #[test]
    fn times_are_read_from_the_log() {
        let log = "DEBUG new instance in 250 us component=\"user\"\nINFO x\nDEBUG new instance in 1500 us component=..";
        assert_eq!(super::times(log), [0.25, 1.5]);
    }
}
