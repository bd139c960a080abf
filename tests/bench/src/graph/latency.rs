//! How long queries take: for people drawn and for the best connected, on one thread and two, alone and beside writes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use domain::event::Stream;
use projection::view::View;
use serde::{Deserialize, Serialize};

use super::asking::{Asker, Holds, Kind};
use super::random::Random;
use super::source::Network;
use super::subject::friendship_entry;
use crate::figures::{median, percentile};

/// Writes a second, half of them removals.
const WRITES: f64 = 10_000.0;
/// As often the writer looks what is due.
const TICK: Duration = Duration::from_millis(1);
/// A friendship that was removed is added again after so many others: half a second.
const AWAY: usize = 2_500;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Who {
    Drawn,
    BestConnected,
}

/// One way of asking, all people and rounds together. Times are in microseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    pub kind: Kind,
    pub who: Who,
    pub threads: usize,
    pub writes: bool,
    pub rounds: usize,
    /// Over people, of each person's median over the rounds.
    pub p50: f64,
    pub p99: f64,
    /// Over all single queries.
    pub p99_single: f64,
    pub max_single: f64,
}

/// What the writer and the queries did to each other, in microseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contention {
    pub who: Who,
    pub threads: usize,
    pub writes_per_second: f64,
    /// From asking for the view to the first event applied.
    pub wait_p50: f64,
    pub wait_p99: f64,
    pub wait_max: f64,
    /// Of one step of a query, by the clock and at most in processor time.
    pub hold_p50: f64,
    pub hold_p99: f64,
    pub hold_max: f64,
    pub hold_max_cpu: f64,
}

pub struct Plan<'a> {
    pub view: &'a View,
    pub network: &'a Network,
    pub drawn: &'a [u32],
    pub best: &'a [u32],
    pub rounds: usize,
}

#[derive(Default)]
pub struct Latencies {
    pub latencies: Vec<Latency>,
    pub contention: Vec<Contention>,
}

pub fn measure(plan: &Plan<'_>) -> Latencies {
    let mut all = Latencies::default();
    for (who, people) in [(Who::Drawn, plan.drawn), (Who::BestConnected, plan.best)] {
        // These take seconds, and differ less.
        let rounds = if who == Who::BestConnected { plan.rounds.div_ceil(3) } else { plan.rounds };
        for threads in [1, 2] {
            for writes in [false, true] {
                let beside = if writes { ", 10,000 writes/s beside" } else { "" };
                eprintln!("  latency: {who:?}, {threads} threads{beside}");
                let part = Part { view: plan.view, people, who, threads, writes, rounds };
                if writes {
                    let (latencies, waits) = beside_a_writer(plan, || part.ask());
                    all.take(&part, latencies, Some(waits));
                } else {
                    all.take(&part, part.ask(), None);
                }
            }
        }
    }
    all
}

struct Part<'a> {
    view: &'a View,
    people: &'a [u32],
    who: Who,
    threads: usize,
    writes: bool,
    rounds: usize,
}

/// Of each kind, of each person, the time of each round.
type Times = Vec<Vec<Vec<f64>>>;

impl Part<'_> {
    /// Each thread asks about its share of the people.
    fn ask(&self) -> Vec<(Times, Holds)> {
        let share = self.people.len().div_ceil(self.threads);
        thread::scope(|scope| {
            let parts = self.people.chunks(share).map(|people| scope.spawn(move || self.ask_about(people)));
            let parts: Vec<_> = parts.collect();
            parts.into_iter().map(|part| part.join().expect("a thread that asks")).collect()
        })
    }

    fn ask_about(&self, people: &[u32]) -> (Times, Holds) {
        let mut asker = Asker::new(self.view, self.writes);
        let mut times = vec![vec![Vec::with_capacity(self.rounds); people.len()]; Kind::ALL.len()];
        for round in 0..=self.rounds {
            for (kind, times) in Kind::ALL.into_iter().zip(&mut times) {
                for (at, times) in times.iter_mut().enumerate() {
                    let took = asker.ask(kind, people[at], people[(at + 1) % people.len()]);
                    // The first round fills caches and finds room.
                    if round > 0 {
                        times.push(took.as_secs_f64() * 1e6);
                    }
                }
            }
        }
        (times, asker.holds.unwrap_or_default())
    }
}

impl Latencies {
    fn take(&mut self, part: &Part<'_>, parts: Vec<(Times, Holds)>, waits: Option<Waits>) {
        for (n, kind) in Kind::ALL.into_iter().enumerate() {
            let people: Vec<&Vec<f64>> = parts.iter().flat_map(|(times, _)| &times[n]).collect();
            let medians: Vec<f64> = people.iter().map(|times| median(times)).collect();
            let single: Vec<f64> = people.into_iter().flatten().copied().collect();
            self.latencies.push(Latency {
                kind,
                who: part.who,
                threads: part.threads,
                writes: part.writes,
                rounds: part.rounds,
                p50: percentile(&medians, 0.5),
                p99: percentile(&medians, 0.99),
                p99_single: percentile(&single, 0.99),
                max_single: percentile(&single, 1.0),
            });
        }
        let Some(waits) = waits else { return };
        let holds: Vec<f64> = parts.iter().flat_map(|(_, holds)| holds.all.iter().copied()).collect();
        let longest = parts.iter().map(|(_, holds)| holds.longest_cpu).max().unwrap_or_default();
        self.contention.push(Contention {
            who: part.who,
            threads: part.threads,
            writes_per_second: waits.per_second,
            wait_p50: percentile(&waits.all, 0.5),
            wait_p99: percentile(&waits.all, 0.99),
            wait_max: percentile(&waits.all, 1.0),
            hold_p50: percentile(&holds, 0.5),
            hold_p99: percentile(&holds, 0.99),
            hold_max: percentile(&holds, 1.0),
            hold_max_cpu: longest.as_secs_f64() * 1e6,
        });
    }
}

struct Waits {
    all: Vec<f64>,
    per_second: f64,
}

/// Does the work while friendships go and come back at a constant rate. Afterwards all are there again.
fn beside_a_writer<T>(plan: &Plan<'_>, work: impl FnOnce() -> T) -> (T, Waits) {
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let writer = scope.spawn(|| write(plan, &ended));
        let result = work();
        ended.store(true, Ordering::Relaxed);
        (result, writer.join().expect("the thread that writes"))
    })
}

/// The numbers of friendships to remove, each different from those that are away.
fn changes(network: &Network) -> impl Iterator<Item = ([u32; 2], bool)> {
    let all = network.friendships.len();
    let away = AWAY.min(all / 4);
    // All friendships in turn, from anywhere on: their order is random.
    let first = Random::new(11).below(all as u64) as usize;
    let at = move |n: usize| network.friendships[(first + n) % all];
    (0..).flat_map(move |n| {
        let back = (n >= away).then(|| (at(n - away), true));
        [Some((at(n), false)), back].into_iter().flatten()
    })
}

fn write(plan: &Plan<'_>, ended: &AtomicBool) -> Waits {
    let mut changes = changes(plan.network);
    let mut number = plan.view.positions().friend.millis;
    let (mut waits, mut away) = (Vec::new(), std::collections::HashSet::new());
    let (start, mut written) = (Instant::now(), 0);
    while !ended.load(Ordering::Relaxed) {
        thread::sleep(TICK);
        let due = (start.elapsed().as_secs_f64() * WRITES) as usize - written;
        written += due;
        let batch: Vec<_> = changes.by_ref().take(due).collect();
        for &(pair, added) in &batch {
            if added {
                away.remove(&pair)
            } else {
                away.insert(pair)
            };
        }
        let entries = batch.into_iter().map(|(pair, added)| {
            number += 1;
            friendship_entry(number, pair, added)
        });
        let entries: Vec<_> = entries.collect();
        let (asked, mut first) = (Instant::now(), None);
        plan.view.apply(Stream::Friend, &entries, |_| {
            first.get_or_insert_with(|| asked.elapsed());
        });
        waits.extend(first.map(|waited| waited.as_secs_f64() * 1e6));
    }
    let per_second = written as f64 / start.elapsed().as_secs_f64();
    let back: Vec<_> = away.into_iter().zip(number + 1..).map(|(pair, n)| friendship_entry(n, pair, true)).collect();
    plan.view.apply(Stream::Friend, &back, |_| {});
    Waits { all: waits, per_second }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_comes_back_and_goes_only_once_before() {
        let friendships: Vec<[u32; 2]> = (1..=100).map(|n| [n, n + 1]).collect();
        let network = Network { people: 101, friendships };
        let mut there: std::collections::HashSet<_> = network.friendships.iter().copied().collect();
        for (pair, added) in changes(&network).take(1_000) {
            assert!(if added { there.insert(pair) } else { there.remove(&pair) });
            assert!(there.len() >= 74);
        }
    }
}
