//! What metrics cost: a system whose runtime counts and is scraped, beside one whose runtime counts nothing.
//!
//! Each round starts both anew, so that no pair of processes decides. They take many short turns, the one that has none
//! standing still, in an order in which whatever changes steadily on the machine changes both; a round's figure is the
//! median of its turns, which leaves out what was disturbed.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use load::{Connection, Target};
use serde::Serialize;
use tokio::time::sleep;

use crate::bed::{self, Bed, Server};
use crate::figures::{median, range, ratio};
use crate::load_phase::{Call, Material, Measured, measure};
use crate::report::{Results, whole};
use crate::run::{PEOPLE, create_people};
use crate::throughput::{MANY, say};

/// Prometheus's usual distance here (infra/observability/prometheus.yml).
const SCRAPE_EVERY: Duration = Duration::from_secs(5);
/// Which one has its turn; in every other round the other one.
const TURNS: [bool; 8] = [true, false, false, true, false, true, true, false];
/// All turns of one of them take as long as any other measurement.
const SHARE: f64 = 2.0 / TURNS.len() as f64;

/// How the figures came about, for the heading of the table.
pub const HOW: &str = "Metrics: a runtime that counts, scraped with its worker in each of many short turns (more often than \
                       every 5 s),\nbeside one that counts nothing; the worker counts in both. Medians of the rounds' own \
                       ratios.";

/// One line of the raw output.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Turn<'a> {
    metrics: bool,
    #[serde(flatten)]
    measured: &'a Measured,
}

/// One call in one round: with, and without.
struct Pair {
    call: Call,
    per_second: [f64; 2],
    runtime_us: [f64; 2],
}

pub async fn run(rounds: usize, seconds: f64, results: &mut Results) -> Result<()> {
    let mut pairs = Vec::new();
    for round in 0..rounds {
        let (with, without) = (Side::start(true).await?, Side::start(false).await?);
        for call in Call::ALL {
            let mut turns = [Vec::new(), Vec::new()];
            for metrics in TURNS.map(|metrics| metrics != (round % 2 == 1)) {
                let (side, other) = if metrics { (&with, &without) } else { (&without, &with) };
                other.bed.pause_system(true);
                let measured = side.turn(call, seconds * SHARE).await;
                other.bed.pause_system(false);
                let measured = measured?;
                eprint!("{} metrics  ", if metrics { "   with" } else { "without" });
                say(round, rounds, &measured);
                results.raw("metrics", round, &Turn { metrics, measured: &measured });
                if let Some(first) = &measured.first_wrong {
                    results.wrong(format!("{}, metrics {metrics}: first {first}", call.name()));
                }
                turns[usize::from(!metrics)].push(measured);
            }
            let medians = |of: fn(&Measured) -> f64| {
                turns.each_ref().map(|turns| median(&turns.iter().map(of).collect::<Vec<_>>()))
            };
            pairs.push(Pair { call, per_second: medians(|m| m.per_second), runtime_us: medians(|m| m.server_us) });
        }
        with.bed.system.stop_all().await;
        without.bed.system.stop_all().await;
    }
    summarize(&pairs, results);
    Ok(())
}

fn summarize(pairs: &[Pair], results: &mut Results) {
    for call in Call::ALL {
        let of: Vec<&Pair> = pairs.iter().filter(|pair| pair.call == call).collect();
        let fewer = per_cent(&of, |pair| 1.0 - ratio(pair.per_second[0], pair.per_second[1]));
        let [with, without] = [0, 1].map(|n| whole(middle(&of, |pair| pair.per_second[n])));
        results.figure(
            format!("metrics cost, {}, {MANY} connections", call.name()),
            format!("{fewer} of the requests/s: {with} with, {without} without"),
        );
        let more = per_cent(&of, |pair| ratio(pair.runtime_us[0], pair.runtime_us[1]) - 1.0);
        let [with, without] = [0, 1].map(|n| middle(&of, |pair| pair.runtime_us[n]));
        results.figure(
            "  by the runtime's processor time",
            format!("{more}: {with:.1} us a request with, {without:.1} without"),
        );
    }
}

fn middle(of: &[&Pair], value: impl Fn(&Pair) -> f64) -> f64 {
    median(&of.iter().map(|pair| value(pair)).collect::<Vec<_>>())
}

fn per_cent(of: &[&Pair], share: impl Fn(&Pair) -> f64) -> String {
    let shares: Vec<f64> = of.iter().map(|pair| 100.0 * share(pair)).collect();
    let (least, most) = range(&shares);
    format!("{:.1}% ({least:.1} to {most:.1})", median(&shares))
}

/// A system, and what is asked of it.
struct Side {
    bed: Bed,
    material: Material,
    /// Whose metrics are scraped.
    scraped: Vec<Target>,
}

impl Side {
    async fn start(metrics: bool) -> Result<Self> {
        let (system, _) = bed::start(|options| {
            if !metrics {
                options.metrics_port = None;
            }
        })
        .await?;
        let mut scraped = Vec::new();
        if let Some(url) = system.metrics_url() {
            for url in [url.trim_end_matches("/metrics"), &system.worker_url()] {
                scraped.push(Target::resolve(url).await?);
            }
        }
        let bed = Bed::beside(system).await?;
        create_people(&bed).await?;
        Ok(Self { bed, material: Material::new(PEOPLE), scraped })
    }

    async fn turn(&self, call: Call, seconds: f64) -> Result<Measured> {
        let measured = tokio::select! {
            measured = measure(&self.bed, &self.material, call, Server::Ours, MANY, seconds) => measured,
            error = self.scrape(Duration::from_secs_f64(seconds / 2.0)) => error.map(|never| match never {}),
        };
        // The next one must not pay for the events of this one.
        self.bed.settle().await?;
        measured
    }

    async fn scrape(&self, first: Duration) -> Result<Infallible> {
        sleep(first).await;
        let mut request = Vec::new();
        loop {
            for target in &self.scraped {
                target.requests().get(&mut request, format_args!("/metrics"));
                let mut connection = Connection::open(target.address).await?;
                let answer = connection.call(&request).await.context("a scrape was not answered")?;
                ensure!(answer.status == 200, "a scrape was answered {}", answer.status);
            }
            sleep(SCRAPE_EVERY).await;
        }
    }
}
