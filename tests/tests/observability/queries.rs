//! A real Prometheus with our configuration beside a real system: every query of every panel, rule and alert returns
//! data.
//!
//! An alert that does not fire returns nothing, so of an alert it is what is left of its comparison. And because
//! `or vector(0)` always returns something, every selector in every query is looked up for itself: its metric must be
//! there, with every label that it names, and, but for what only trouble brings, a series that it selects.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use dev::System;
use dev::log::Log;
use dev::ports::Port;
use dev::process::Process;
use dev::prometheus::{Prometheus, Targets};
use serde_json::Value;
use tests::patience::{eventually, holds};
use tests::promql::{self, Selector};
use tests::running::Own;
use tokio::time::{Instant, sleep};

use crate::exercise::{break_streams, exercise};
use crate::files::{self, dashboards, list, rules, words};

const INTERVAL: Duration = Duration::from_millis(500);
/// Prometheus needs two samples for a rate, and rules are evaluated after scrapes.
const LOAD: Duration = Duration::from_secs(6);
/// Selected only when something is wrong, which here nothing is: statuses and reasons that no request can cause.
const TROUBLE: [&str; 3] =
    ["status=~\"5..\"", "reason=~\"overloaded|too-many-streams|no-instance\"", "alertstate=\"firing\""];
/// Made by Prometheus, as long as an alert is pending or fires.
const SYNTHETIC: &str = "ALERTS";

/// A question to Prometheus, and who asks it.
#[derive(Debug)]
struct Query {
    of: String,
    expression: String,
    /// Labels that the answer has to have.
    labels: Vec<String>,
}

struct Watched {
    own: Own,
    url: String,
    _process: Process,
    _folder: tempfile::TempDir,
}

impl Watched {
    async fn start() -> Self {
        let own = Own::start().await;
        let folder = tempfile::tempdir().expect("a folder");
        let targets = Targets::of(own.metrics_url().as_deref(), &own.worker_url());
        let port = Port::Any.choose().expect("a port");
        let prometheus = Prometheus::prepare(&files::folder(), folder.path(), port, &targets, INTERVAL);
        let prometheus = prometheus.unwrap_or_else(|error| panic!("{error}: sh infra/dev/setup.sh observe"));
        let log = Log::open(folder.path(), "prometheus", "", Arc::default()).expect("a log");
        let process = prometheus.start(&Arc::new(log)).await.unwrap_or_else(|error| panic!("{error}"));
        Self { own, url: prometheus.url(), _process: process, _folder: folder }
    }

    async fn api(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value, String> {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let query: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let answer = client.get(format!("{}/api/v1/{path}?{}", self.url, query.join("&"))).send().await;
        let text = answer.map_err(|error| error.to_string())?.text().await.map_err(|error| error.to_string())?;
        let answer: Value = serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
        if answer["status"] == "success" { Ok(answer["data"].clone()) } else { Err(answer["error"].to_string()) }
    }

    /// The series that an expression gives now. An error that is no lack of data is one for good.
    async fn ask(&self, expression: &str) -> Vec<Value> {
        let data = self.api("query", &[("query", expression)]).await;
        let data = data.unwrap_or_else(|error| panic!("{expression}: {error}"));
        assert_eq!(data["resultType"], "vector", "{expression}");
        list(&data["result"]).to_vec()
    }
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// With Grafana's variables filled in.
fn filled_in(expression: &str) -> String {
    expression.replace("$__rate_interval", "1m").replace("$component", ".+")
}

fn panels() -> Vec<Query> {
    let mut all = Vec::new();
    for (name, board) in dashboards() {
        for panel in list(&board["panels"]) {
            for target in list(&panel["targets"]) {
                let legend = words(&target["legendFormat"]);
                let labels = legend.split("{{").skip(1).filter_map(|rest| rest.split("}}").next());
                let labels = labels.map(str::to_owned).collect();
                let of = format!("{name}, {}", words(&panel["title"]));
                all.push(Query { of, expression: filled_in(words(&target["expr"])), labels });
            }
        }
    }
    all
}

fn queries() -> Vec<Query> {
    let recorded = rules("rules/recording.yml").into_iter().map(|rule| {
        let of = words(&rule["record"]).to_owned();
        Query { of, expression: words(&rule["expr"]).to_owned(), labels: Vec::new() }
    });
    let alerts = rules("rules/alerts.yml").into_iter().map(|rule| {
        let compared = promql::compared(words(&rule["expr"])).expect("one comparison");
        let of = words(&rule["alert"]).to_owned();
        Query { of, expression: compared.to_owned(), labels: Vec::new() }
    });
    recorded.chain(alerts).chain(panels()).collect()
}

async fn load(system: &System, own: &Own) {
    break_streams(system).await;
    let start = Instant::now();
    while start.elapsed() < LOAD {
        exercise(&own.api()).await;
        sleep(INTERVAL / 5).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_of_every_panel_rule_and_alert_returns_data() {
    let watched = Watched::start().await;
    load(&watched.own, &watched.own).await;
    let queries = queries();
    assert!(queries.len() > 60, "{} queries", queries.len());
    eventually("data for every query", async || {
        // The rates are of the last minute: they need somebody who asks.
        exercise(&watched.own.api()).await;
        let mut silent = Vec::new();
        for query in &queries {
            let series = watched.ask(&query.expression).await;
            if series.is_empty() {
                silent.push(query);
            }
            for (label, series) in query.labels.iter().flat_map(|label| series.iter().map(move |s| (label, s))) {
                assert!(series["metric"][label].is_string(), "{query:?}: no {label} in {series}");
            }
        }
        holds(silent.is_empty(), || format!("{silent:#?}"))
    })
    .await;
    rules_are_healthy(&watched).await;
    every_selector_is_right(&watched, &queries).await;
}

async fn rules_are_healthy(watched: &Watched) {
    let data = watched.api("rules", &[]).await.unwrap_or_else(|error| panic!("{error}"));
    let groups = list(&data["groups"]).iter().flat_map(|group| list(&group["rules"]));
    let mut count = 0;
    for rule in groups {
        assert_eq!(rule["health"], "ok", "{rule}");
        count += 1;
    }
    assert_eq!(count, rules("rules/recording.yml").len() + rules("rules/alerts.yml").len());
    // Two entries that are no events were put into the streams, and nothing else is wrong.
    let firing: BTreeSet<String> = watched
        .ask("ALERTS{alertstate=\"firing\"}")
        .await
        .iter()
        .map(|series| words(&series["metric"]["alertname"]).to_owned())
        .collect();
    assert_eq!(firing, BTreeSet::from(["DeadLetters".to_owned()]));
}

async fn every_selector_is_right(watched: &Watched, queries: &[Query]) {
    let mut wanted: BTreeMap<String, (Selector, String)> = BTreeMap::new();
    for query in queries {
        for selector in promql::selectors(&query.expression) {
            wanted.entry(format!("{selector:?}")).or_insert((selector, query.of.clone()));
        }
    }
    for (selector, of) in wanted.values().filter(|(selector, _)| selector.metric != SYNTHETIC) {
        let metric = &selector.metric;
        let all = watched.ask(metric).await;
        assert!(!all.is_empty(), "{of}: there is no {metric}");
        for (label, ..) in &selector.matchers {
            assert!(all.iter().any(|series| series["metric"][label].is_string()), "{of}: {metric} has no {label}");
        }
        let matchers: Vec<String> =
            selector.matchers.iter().map(|(label, operator, value)| format!("{label}{operator}\"{value}\"")).collect();
        if !matchers.iter().any(|matcher| TROUBLE.contains(&matcher.as_str())) {
            let selected = watched.ask(&format!("{metric}{{{}}}", matchers.join(","))).await;
            assert!(!selected.is_empty(), "{of}: nothing is {metric}{matchers:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_fires_when_its_part_is_away() {
    let watched = Watched::start().await;
    exercise(&watched.own.api()).await;
    watched.own.kill(dev::Part::Worker).await;
    eventually("the alert", async || {
        let pending = watched.ask("ALERTS{alertname=\"WorkerDown\"}").await;
        holds(!pending.is_empty(), || "none".to_owned())
    })
    .await;
    let up = watched.ask("up").await;
    let down: Vec<&Value> = up.iter().filter(|series| series["value"][1] == "0").collect();
    assert!(down.len() == 1 && down[0]["metric"]["job"] == "worker", "{up:?}");
}
