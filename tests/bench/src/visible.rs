//! From the answer to a command until the recommendations include it, at a constant rate of commands.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use anyhow::Result;
use futures_util::future::join_all;
use load::{Connection, Tally, Target};
use serde::Serialize;
use tokio::time::sleep_until;

use crate::bed::Bed;
use crate::load_phase::Material;
use crate::report::Results;

/// Commands a second, sent when they are due, whatever became of the ones before.
const RATE: u64 = 500;
/// Enough that none waits for another at this rate.
const CONNECTIONS: u64 = 64;
/// One of so many commands is followed: first by way of the runtime, the next one at the worker's own door, and so on.
const FOLLOWED: u64 = 5;
/// Before it, connections are opened.
const AHEAD: Duration = Duration::from_millis(200);
/// 99 of 100 are visible within this time.
const GOAL_MS: f64 = 25.0;

#[derive(Default)]
struct Seen {
    /// From when the command was due until it was answered.
    ack: RefCell<Tally>,
    by_runtime: RefCell<Tally>,
    by_worker: RefCell<Tally>,
    /// Times that the system asked to be asked again.
    again: Cell<u64>,
    wrong: RefCell<Option<String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    what: &'static str,
    rate: u64,
    answers: u64,
    p50_ms: f64,
    p90_ms: f64,
    p99_ms: f64,
    max_ms: f64,
    asked_again: u64,
}

pub async fn run(bed: &Bed, material: &Material, seconds: f64, results: &mut Results) -> Result<()> {
    let seen = Seen::default();
    let start = Instant::now() + AHEAD;
    let count = (seconds * RATE as f64) as u64;
    let all = join_all((0..CONNECTIONS).map(|n| one(bed, material, start, n, count, &seen))).await;
    all.into_iter().collect::<Result<Vec<()>>>()?;
    if let Some(wrong) = seen.wrong.into_inner() {
        results.wrong(format!("addFriend at {RATE}/s: {wrong}"));
    }
    let tallies =
        [("ack", &seen.ack), ("visible by the runtime", &seen.by_runtime), ("at the worker", &seen.by_worker)];
    for (what, tally) in tallies {
        let tally = tally.borrow();
        let line = Line {
            what,
            rate: RATE,
            answers: tally.answers(),
            p50_ms: tally.ms(0.5),
            p90_ms: tally.ms(0.9),
            p99_ms: tally.ms(0.99),
            max_ms: tally.ms(1.0),
            asked_again: seen.again.get(),
        };
        results.raw("visible", 0, &line);
    }
    let text = |tally: &Tally| {
        let (p50, p99, max) = (tally.ms(0.5), tally.ms(0.99), tally.ms(1.0));
        format!("p50 {p50:.1} ms, p99 {p99:.1} ms, max {max:.1} ms ({} samples)", tally.answers())
    };
    let by_runtime = seen.by_runtime.borrow();
    let reached = by_runtime.answers() > 0 && by_runtime.ms(0.99) < GOAL_MS;
    results.goal(
        format!("ack to visible in recommendations, {RATE} commands/s"),
        text(&by_runtime),
        &format!("p99 < {GOAL_MS:.0} ms"),
        reached,
    );
    results.figure("  the same, asking the worker itself", text(&seen.by_worker.borrow()));
    results.figure("  the commands themselves, from when each was due", text(&seen.ack.borrow()));
    Ok(())
}

/// Sends every so many-th command, and follows some of them before its next one is due.
async fn one(bed: &Bed, material: &Material, start: Instant, n: u64, count: u64, seen: &Seen) -> Result<()> {
    let mut commands = Connection::open(bed.ours.address).await?;
    let mut runtime = Connection::open(bed.ours.address).await?;
    let mut worker = Connection::open(bed.worker.address).await?;
    let requests = bed.ours.requests();
    let mut request = Vec::new();
    for tick in (n..count).step_by(CONNECTIONS as usize) {
        let due = start + Duration::from_nanos(1_000_000_000 / RATE * tick);
        let (one, other) = material.fresh_pair();
        requests.add_friend(&mut request, one, other);
        sleep_until(due.into()).await;
        let answer = commands.call(&request).await?;
        let acknowledged = Instant::now();
        let Some(last_event) = answer.header("last-event").filter(|_| answer.status == 201) else {
            let said = || format!("{}: {}", answer.status, String::from_utf8_lossy(answer.body));
            seen.wrong.borrow_mut().get_or_insert_with(said);
            continue;
        };
        seen.ack.borrow_mut().answered(answer.status, acknowledged - due);
        if tick % FOLLOWED != 0 {
            continue;
        }
        let last_event = last_event.to_owned();
        if (tick / FOLLOWED).is_multiple_of(2) {
            requests.recommendations(&mut request, one, 10, &last_event);
            until_visible(&mut runtime, &request, acknowledged, &seen.by_runtime, seen).await?;
        } else {
            ask_worker(&bed.worker, &mut request, one, &last_event);
            until_visible(&mut worker, &request, acknowledged, &seen.by_worker, seen).await?;
        }
    }
    Ok(())
}

fn ask_worker(worker: &Target, request: &mut Vec<u8>, id: u64, after: &str) {
    let path = format_args!("/v1/users/{id}/recommendations?limit=10&after={after}");
    worker.requests().get(request, path);
}

async fn until_visible(
    connection: &mut Connection,
    request: &[u8],
    acknowledged: Instant,
    tally: &RefCell<Tally>,
    seen: &Seen,
) -> Result<()> {
    loop {
        let answer = connection.call(request).await?;
        match answer.status {
            200 => {
                tally.borrow_mut().answered(200, acknowledged.elapsed());
                return Ok(());
            }
            503 => seen.again.set(seen.again.get() + 1),
            status => {
                let said = || format!("recommendations: {status}: {}", String::from_utf8_lossy(answer.body));
                seen.wrong.borrow_mut().get_or_insert_with(said);
                return Ok(());
            }
        }
    }
}
