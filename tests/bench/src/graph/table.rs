//! What was measured, as a page of Markdown: figures, goals, and whether they were reached.

use std::fmt::Write;

use super::asking::Kind;
use super::cost::{Costs, Point};
use super::http_path::{HttpPath, Way};
use super::latency::{Latency, Who};
use super::{All, Figures};
use crate::figures::median;
use crate::report::whole;

/// The goals are stated for this graph.
const STATED_FOR: &str = "rmat-1m";
const RECOMMEND_P50: f64 = 100.0;
const RECOMMEND_P99: f64 = 3_000.0;
const MUTUAL_FRIENDS_P99: f64 = 20.0;
const EDGE_BYTES: f64 = 8.0;
/// Of a batch for the view, in processor time of whoever holds it: "a few hundred microseconds".
const HOLD: f64 = 500.0;
const WRITTEN_MB: f64 = 300.0;
const READ_SECONDS: f64 = 2.0;
const BULK_RATE: f64 = 1e6;
const HTTP_RATIO: f64 = 3.0;

pub fn table(heading: &str, all: &All) -> String {
    let mut page = format!("# The graph of the projection worker, measured\n\n{heading}\n");
    for skipped in &all.skipped {
        let _ = writeln!(page, "\n{skipped}");
    }
    for figures in &all.graphs {
        graph(&mut page, figures);
    }
    if let Some(http) = &all.http {
        http_path(&mut page, http);
    }
    if let Some(replay) = &all.replay {
        let _ = write!(page, "\n## Replay of a stream\n\n```\n{}\n```\n", replay.trim_end());
    }
    page
}

fn met(reached: bool) -> &'static str {
    if reached { "PASS" } else { "MISS" }
}

fn graph(page: &mut String, figures: &Figures) {
    let (people, friendships) = (whole(figures.people.into()), whole(figures.friendships as f64));
    let degrees = &figures.degrees;
    let _ = write!(
        page,
        "\n## {}: {people} people, {friendships} friendships\n\nFriends of a person: mean {:.1}, median {}, p99 {}, most \
         {}; {} have none.\n",
        figures.graph,
        degrees.mean,
        degrees.median,
        whole(degrees.p99.into()),
        whole(degrees.max.into()),
        whole(degrees.alone.into())
    );
    goals(page, figures);
    loaded(page, figures);
    if let Some(snapshots) = &figures.snapshots {
        let _ = writeln!(
            page,
            "| snapshot | {:.1} MB, written in {:.2} s ({:.0} MB/s), read in {:.2} s, longest hold {:.2} ms |",
            snapshots.bytes as f64 / 1e6,
            median(&snapshots.write_seconds),
            snapshots.written_mb_per_second(),
            median(&snapshots.read_seconds),
            snapshots.longest_hold_ms
        );
    }
    latencies(page, &figures.latencies);
    contention(page, figures);
    if let Some(costs) = &figures.costs {
        cost(page, costs);
    }
}

fn goals(page: &mut String, figures: &Figures) {
    if figures.graph != STATED_FOR {
        return;
    }
    page.push_str("\n| goal | measured | |\n| --- | --- | --- |\n");
    let mut goal = |what: String, figure: String, reached| {
        let _ = writeln!(page, "| {what} | {figure} | {} |", met(reached));
    };
    let bytes = figures.loaded.resident_bytes;
    goal(format!("at most {EDGE_BYTES} bytes a directed edge"), format!("{bytes:.2}, resident"), bytes <= EDGE_BYTES);
    let alone = |kind| {
        let is = |l: &&Latency| (l.kind, l.who, l.threads, l.writes) == (kind, Who::Drawn, 1, false);
        figures.latencies.iter().find(is)
    };
    if let Some(top) = alone(Kind::Mutual) {
        let [p50, p99] = [top.p50, top.p99].map(|us| format!("{:.3} ms", us / 1e3));
        goal("recommend top 10, median at most 0.10 ms".into(), p50, top.p50 <= RECOMMEND_P50);
        goal("recommend top 10, p99 at most 3 ms".into(), p99, top.p99 <= RECOMMEND_P99);
    }
    if let Some(mutual) = alone(Kind::MutualFriends) {
        let p99 = format!("{:.1} µs", mutual.p99);
        goal("mutual friends, p99 under 20 µs".into(), p99, mutual.p99 < MUTUAL_FRIENDS_P99);
    }
    let longest = figures.contention.iter().map(|one| one.hold_max_cpu).reduce(f64::max);
    if let Some(longest) = longest {
        let figure = format!("{longest:.0} µs of processor time");
        goal("no query holds the view for over a few hundred µs".into(), figure, longest <= HOLD);
    }
    if let Some(snapshots) = &figures.snapshots {
        let (rate, read) = (snapshots.written_mb_per_second(), median(&snapshots.read_seconds));
        goal("a snapshot is written at over 300 MB/s".into(), format!("{rate:.0} MB/s"), rate > WRITTEN_MB);
        goal("a snapshot is loaded in under 2 s".into(), format!("{read:.2} s"), read < READ_SECONDS);
        let rate = figures.friendships as f64 / read;
        let figure = format!("{} friendships/s", whole(rate));
        goal("rebuild from a file at over 1M friendships/s".into(), figure, rate > BULK_RATE);
    }
    if let Some(costs) = &figures.costs {
        let ratio = heavy_ratio(costs, |point| point.ratio);
        let figure = format!("{ratio:.2} times the bound");
        goal("heavy queries at most the work bound, median".into(), figure, ratio <= 1.0);
    }
}

/// Heavy: the tenth of the people drawn that has the most two-hop edges.
fn heavy_ratio(costs: &Costs, of: fn(&Point) -> f64) -> f64 {
    let deciles = costs.deciles();
    deciles.last().map_or(0.0, |heavy| median(&heavy.iter().map(|point| of(point)).collect::<Vec<_>>()))
}

fn loaded(page: &mut String, figures: &Figures) {
    let loaded = &figures.loaded;
    let rate = |seconds: f64| whole(figures.friendships as f64 / seconds.max(1e-9));
    let _ = write!(
        page,
        "\n| loading | |\n| --- | --- |\n\
         | people, event by event | {:.2} s |\n\
         | friendships, event by event | {:.2} s, {} /s |\n\
         | all, from lists that are there | {:.2} s, {} friendships/s |\n\
         | resident | {:.1} MB: {:.2} bytes a directed edge without names, and {:.0} a person for names and times |\n\
         | by its own count | {:.2} bytes a directed edge for the lists, {:.2} with the tables of people |\n",
        loaded.people_seconds,
        loaded.friendships_seconds,
        rate(loaded.friendships_seconds),
        loaded.bulk_seconds,
        rate(loaded.bulk_seconds),
        loaded.resident_mb,
        loaded.resident_bytes,
        loaded.record_bytes,
        loaded.lists_bytes,
        loaded.lists_and_tables_bytes,
    );
}

fn latencies(page: &mut String, latencies: &[Latency]) {
    for who in [Who::Drawn, Who::BestConnected] {
        let of: Vec<&Latency> = latencies.iter().filter(|one| one.who == who).collect();
        if of.is_empty() {
            continue;
        }
        let whom = match who {
            Who::Drawn => "People drawn, half of them uniformly, half by their friends",
            Who::BestConnected => "The best connected",
        };
        let _ = write!(
            page,
            "\n{whom}; ms; p50 and p99 over the people, of each one's median; p99 and max of single queries.\n\n\
             | query | threads | writes beside | p50 | p99 | p99, single | max, single |\n\
             | --- | --- | --- | --- | --- | --- | --- |\n"
        );
        for kind in Kind::ALL {
            for one in of.iter().filter(|one| one.kind == kind) {
                let [p50, p99, single, max] =
                    [one.p50, one.p99, one.p99_single, one.max_single].map(|us| format!("{:.4}", us / 1e3));
                let writes = if one.writes { "10,000/s" } else { "none" };
                let (name, threads) = (kind.name(), one.threads);
                let _ = writeln!(page, "| {name} | {threads} | {writes} | {p50} | {p99} | {single} | {max} |");
            }
        }
    }
}

fn contention(page: &mut String, figures: &Figures) {
    if figures.contention.is_empty() {
        return;
    }
    page.push_str(
        "\nHow long a batch of writes waits for the view, and how long a step of a query holds it; µs by the clock, and at \
         most in processor time, which nobody takes away.\n\n\
         | queries about | threads | writes/s | wait p50 | p99 | max | hold p50 | p99 | max | max, processor time |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for one in &figures.contention {
        let who = if one.who == Who::Drawn { "people drawn" } else { "the best connected" };
        let times =
            [one.wait_p50, one.wait_p99, one.wait_max, one.hold_p50, one.hold_p99, one.hold_max, one.hold_max_cpu]
                .map(|us| format!("{us:.0}"));
        let _ =
            writeln!(page, "| {who} | {} | {} | {} |", one.threads, whole(one.writes_per_second), times.join(" | "));
    }
}

fn cost(page: &mut String, costs: &Costs) {
    page.push_str(
        "\nRecommend top 10 against the work: ten groups of the people drawn by their two-hop edges; medians, ns a two-hop \
         edge, in processor time. The bound is one increment of a four-byte counter at a random place, measured in turn.\n\n\
         | two-hop edges | ours | bound | ratio | bound of one byte | hash maps |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    let mut row = |of: &[&Point]| {
        let (Some(first), Some(last)) = (of.first(), of.last()) else { return };
        let middle = |value: &dyn Fn(&Point) -> Option<f64>| {
            median(&of.iter().filter_map(|point| value(point)).collect::<Vec<_>>())
        };
        let each = |us: f64, point: &Point| Some(1e3 * us / point.edges as f64);
        let _ = writeln!(
            page,
            "| {} to {} | {:.2} | {:.2} | {:.2} | {:.2} | {:.1} |",
            whole(first.edges as f64),
            whole(last.edges as f64),
            middle(&|point| each(point.ours, point)),
            middle(&|point| each(point.bound, point)),
            middle(&|point| Some(point.ratio)),
            middle(&|point| each(point.bound_bytes, point)),
            middle(&|point| point.plain.and_then(|plain| each(plain, point))),
        );
    };
    costs.deciles().iter().for_each(|decile| row(decile));
    let mut best: Vec<&Point> = costs.points.iter().filter(|point| !point.drawn).collect();
    best.sort_by_key(|point| point.edges);
    row(&best);
    let _ = write!(
        page,
        "\nHeavy, the last tenth of those drawn: {:.2} times the bound ({:.2} times that of one byte). The last line is the \
         best connected. The hash maps were built in {:.1} s, their mutual friends take {:.1} µs (p99 {:.0}). {} answers \
         compared, all equal.\n",
        heavy_ratio(costs, |point| point.ratio),
        heavy_ratio(costs, |point| point.ratio_bytes),
        costs.plain_seconds,
        costs.plain_mutual_friends_p50,
        costs.plain_mutual_friends_p99,
        whole(costs.compared as f64),
    );
}

fn http_path(page: &mut String, http: &HttpPath) {
    let _ = write!(
        page,
        "\n## The HTTP path: {} people, {} friendships, 64 connections\n\n\
         | way | answers/s | p50 ms | p99 ms |\n| --- | --- | --- | --- |\n",
        whole(http.people as f64),
        whole(http.friendships as f64)
    );
    for (name, way) in [("through the runtime", Way::Runtime), ("the worker's own route", Way::Worker)] {
        let middle = |of: fn(&super::http_path::Turn) -> f64| http.median(way, of);
        let _ = writeln!(
            page,
            "| {name} | {} | {:.2} | {:.2} |",
            whole(middle(|turn| turn.per_second)),
            middle(|turn| turn.p50_ms),
            middle(|turn| turn.p99_ms)
        );
    }
    let ratio = http.ratio();
    let _ = writeln!(
        page,
        "\nThe runtime's way within {HTTP_RATIO} times: {ratio:.2} times, {}.",
        met(ratio <= HTTP_RATIO)
    );
}
