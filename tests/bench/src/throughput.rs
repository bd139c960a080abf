//! Requests a second and latency, ours beside the ceiling's, interleaved: what disturbs the machine disturbs both.

use anyhow::Result;

use crate::bed::{Bed, Server};
use crate::figures::{median, range, ratio};
use crate::load_phase::{Call, Material, Measured, measure};
use crate::report::{Results, whole};

/// As many as the goals are stated for.
pub const MANY: usize = 64;
/// A measurement over one connection is about latency, and needs less time.
const ONE_TAKES: f64 = 1.0 / 3.0;
/// 99 of 100 answers come within so many times the ceiling's.
const P99_GOAL: f64 = 4.0;
/// Per cent of the processors that other programs may take before throughput says more about them than about us.
const QUIET: f64 = 10.0;

impl Call {
    /// The share of the ceiling's throughput that has to be reached.
    fn goal(self) -> f64 {
        if self == Call::GetUser { 0.2 } else { 0.3 }
    }
}

pub async fn run(bed: &Bed, material: &Material, rounds: usize, seconds: f64, results: &mut Results) -> Result<()> {
    let mut all = Vec::new();
    for round in 0..rounds {
        for call in Call::ALL {
            let mut turns: Vec<(Server, usize)> =
                [MANY, 1].into_iter().flat_map(|n| [(Server::Ours, n), (Server::Ceiling, n)]).collect();
            // Without events there is nothing for the rest of the system to do: stopping it would change nothing.
            if call.is_command() {
                turns.push((Server::CeilingAlone, MANY));
            }
            // No one always comes after the same other.
            if round % 2 == 1 {
                turns.reverse();
            }
            for (server, connections) in turns {
                let seconds = if connections == 1 { seconds * ONE_TAKES } else { seconds };
                let measured = turn(bed, material, call, server, connections, seconds).await?;
                results.raw("throughput", round, &measured);
                say(round, rounds, &measured);
                if let Some(first) = &measured.first_wrong {
                    results.wrong(format!("{} {server:?}: {} of them, first {first}", call.name(), measured.wrong));
                }
                all.push(measured);
            }
        }
    }
    summarize(&all, results);
    Ok(())
}

async fn turn(
    bed: &Bed,
    material: &Material,
    call: Call,
    server: Server,
    connections: usize,
    seconds: f64,
) -> Result<Measured> {
    let alone = server == Server::CeilingAlone;
    if alone {
        bed.pause_system(true);
    }
    let measured = measure(bed, material, call, server, connections, seconds).await;
    if alone {
        bed.pause_system(false);
    }
    // The next one must not pay for the events of this one.
    bed.settle().await?;
    measured
}

/// What goes on, while it goes on.
pub fn say(round: usize, rounds: usize, m: &Measured) {
    eprintln!(
        "round {}/{rounds}  {:<10} {:<12} {:>2} connections: {:>7}/s  p50 {:.2} ms  p99 {:.2} ms  us a request: server \
         {:.0}, redis {:.0}, worker {:.0}, client {:.0}  others {:.0}%",
        round + 1,
        m.call.name(),
        format!("{:?}", m.server),
        m.connections,
        whole(m.per_second),
        m.p50_ms,
        m.p99_ms,
        m.server_us,
        m.redis_us,
        m.worker_us,
        m.client_us,
        100.0 * m.others_share,
    );
}

fn summarize(all: &[Measured], results: &mut Results) {
    for call in Call::ALL {
        let of = |server, connections| {
            let is = move |m: &&Measured| (m.call, m.server, m.connections) == (call, server, connections);
            all.iter().filter(is).cloned().collect::<Vec<_>>()
        };
        let (ours, ceiling, alone) =
            (of(Server::Ours, MANY), of(Server::Ceiling, MANY), of(Server::CeilingAlone, MANY));
        let name = format!("{}, {MANY} connections", call.name());
        against(&format!("{name}: of the ceiling"), call, &ours, &ceiling, results);
        if !alone.is_empty() {
            against(&format!("{name}: of the ceiling alone"), call, &ours, &alone, results);
        }
        by_processor_time(&name, &ours, &ceiling, results);
        let (ours, ceiling) = (of(Server::Ours, 1), of(Server::Ceiling, 1));
        results.figure(
            format!("{}, 1 connection: p50 p99", call.name()),
            format!(
                "ours {:.2} {:.2} ms, ceiling {:.2} {:.2} ms",
                middle(&ours, |m| m.p50_ms),
                middle(&ours, |m| m.p99_ms),
                middle(&ceiling, |m| m.p50_ms),
                middle(&ceiling, |m| m.p99_ms)
            ),
        );
    }
    let busy: Vec<&Measured> = all.iter().filter(|m| m.connections == MANY).collect();
    let share = |server| {
        let of: Vec<f64> = busy.iter().filter(|m| m.server == server).map(|m| 100.0 * m.client_share).collect();
        median(&of)
    };
    let others: Vec<f64> = busy.iter().map(|m| 100.0 * m.others_share).collect();
    results.figure(
        "the client's share of the processor time",
        format!("{:.0}% with ours, {:.0}% with the ceiling", share(Server::Ours), share(Server::Ceiling)),
    );
    let (others, quiet) = (median(&others), format!("< {QUIET:.0}%: else trust processor time, not throughput"));
    results.goal("taken by everything else on the machine", format!("{others:.0}%"), &quiet, others < QUIET);
}

fn against(what: &str, call: Call, ours: &[Measured], ceiling: &[Measured], results: &mut Results) {
    let share = ratio(middle(ours, |m| m.per_second), middle(ceiling, |m| m.per_second));
    let by_round: Vec<f64> = ours.iter().zip(ceiling).map(|(o, c)| 100.0 * ratio(o.per_second, c.per_second)).collect();
    let (least, most) = range(&by_round);
    let figure = format!(
        "{:.0}% ({least:.0} to {most:.0}): {} of {} /s",
        100.0 * share,
        whole(middle(ours, |m| m.per_second)),
        whole(middle(ceiling, |m| m.per_second)),
    );
    results.goal(what, figure, &format!(">= {:.0}% (after: 50%)", 100.0 * call.goal()), share >= call.goal());
    let (p99, to) = (middle(ours, |m| m.p99_ms), middle(ceiling, |m| m.p99_ms));
    let figure = format!(
        "{:.1}x: {p99:.1} to {to:.1} ms (p50 {:.1} to {:.1})",
        ratio(p99, to),
        middle(ours, |m| m.p50_ms),
        middle(ceiling, |m| m.p50_ms)
    );
    let goal = format!("<= {P99_GOAL:.0}x");
    results.goal(format!("{what}: p99"), figure, &goal, to > 0.0 && p99 <= P99_GOAL * to);
}

/// What the ratio is where the processors are the limit and nothing else runs: unlike throughput, it hardly depends on
/// what else the machine does meanwhile.
fn by_processor_time(name: &str, ours: &[Measured], ceiling: &[Measured], results: &mut Results) {
    let all = (middle(ours, Measured::all_us), middle(ceiling, Measured::all_us));
    results.figure(
        format!("{name}: by processor time"),
        format!("{:.0}%: {:.0} to {:.0} us a request", 100.0 * ratio(all.1, all.0), all.0, all.1),
    );
    let parts = |of: &[Measured]| {
        let (redis, worker) = (middle(of, |m| m.redis_us), middle(of, |m| m.worker_us));
        format!("redis {redis:.0}, worker {worker:.0}, client {:.0}", middle(of, |m| m.client_us))
    };
    results.figure("  ours", format!("runtime {:.0}, {}", middle(ours, |m| m.server_us), parts(ours)));
    let (server, beside) = (middle(ceiling, |m| m.server_us), middle(ceiling, |m| m.beside_us));
    results.figure("  the ceiling", format!("server {server:.0}, {}, projections {beside:.0}", parts(ceiling)));
}

fn middle(of: &[Measured], value: impl Fn(&Measured) -> f64) -> f64 {
    median(&of.iter().map(value).collect::<Vec<_>>())
}

/// What a sync before each answer costs, against one a second, which may lose a second.
pub async fn durability(
    bed: &Bed,
    material: &Material,
    rounds: usize,
    seconds: f64,
    results: &mut Results,
) -> Result<()> {
    let mut rates = [Vec::new(), Vec::new()];
    for round in 0..rounds {
        for (n, value) in ["always", "everysec"].into_iter().enumerate() {
            bed.set_appendfsync(value).await?;
            let measured = turn(bed, material, Call::CreateUser, Server::Ours, MANY, seconds).await;
            bed.set_appendfsync("always").await?;
            let measured = measured?;
            results.raw(&format!("appendfsync {value}"), round, &measured);
            say(round, rounds, &measured);
            rates[n].push(measured.per_second);
        }
    }
    let [always, everysec] = rates.map(|rates| median(&rates));
    results.figure(
        "createUser with appendfsync always, of everysec",
        format!("{:.0}%: {} of {} /s", 100.0 * ratio(always, everysec), whole(always), whole(everysec)),
    );
    Ok(())
}
