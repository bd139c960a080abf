//! infra/observability/README.md and what the parts really expose are the same, both ways.

use std::collections::{BTreeMap, BTreeSet};

use tests::exposition::Scrape;
use tests::patience::{eventually, holds};
use tests::running::Own;

use crate::exercise::{break_streams, exercise};
use crate::files;

#[derive(Debug, PartialEq, Eq)]
struct Metric {
    kind: String,
    labels: BTreeSet<String>,
}

/// The rows of the page's tables that describe a metric.
fn documented() -> BTreeMap<String, Metric> {
    let page = files::text("README.md");
    let mut metrics = BTreeMap::new();
    for line in page.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, kind, labels, _unit, meaning] = cells[..] else { continue };
        let Some(name) = name.strip_prefix('`').and_then(|name| name.strip_suffix('`')) else { continue };
        let labels = labels.split_whitespace().map(|label| label.trim_matches('`').to_owned()).collect();
        assert!(!meaning.is_empty() || name == "process_threads", "{name} means nothing");
        let twice = metrics.insert(name.to_owned(), Metric { kind: kind.to_owned(), labels });
        assert!(twice.is_none(), "{name} is there twice");
    }
    metrics
}

/// The metrics of a scrape by the name under which a person asks for them, with the labels of their samples.
fn exposed(scrape: &Scrape) -> BTreeMap<String, (Metric, bool)> {
    let name = |family: &str, kind: &str| match kind {
        "counter" => format!("{family}_total"),
        "info" => format!("{family}_info"),
        _ => family.to_owned(),
    };
    let mut all: BTreeMap<String, (Metric, bool)> = BTreeMap::new();
    for (family, kind) in &scrape.types {
        all.insert(name(family, kind), (Metric { kind: kind.clone(), labels: BTreeSet::new() }, false));
    }
    for sample in &scrape.samples {
        let family = scrape.family(&sample.name).expect("every sample has a family");
        let (metric, seen) = all.get_mut(&name(family, &scrape.types[family])).expect("every family is there");
        *seen = true;
        metric.labels.extend(sample.labels.keys().filter(|label| *label != "le").cloned());
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_metric_is_documented_and_every_documented_metric_is_there() {
    let own = Own::start().await;
    exercise(&own.api()).await;
    break_streams(&own).await;
    let urls = [own.metrics_url().expect("it serves them"), format!("{}/metrics", own.worker_url())];
    // Series of what happens by and by: the dead letters, and the worker's rings.
    let all = eventually("a sample of every metric", async || {
        let (runtime, worker) = (Scrape::of(&urls[0]).await, Scrape::of(&urls[1]).await);
        for (family, help) in runtime.help.iter().chain(&worker.help) {
            assert!(help.len() > 5, "{family} has no explanation");
        }
        let mut all = exposed(&runtime);
        all.extend(exposed(&worker));
        let silent: Vec<_> = all.iter().filter(|(_, (_, seen))| !seen).map(|(name, _)| name.clone()).collect();
        holds(silent.is_empty(), || format!("none of {silent:?}")).map(|()| all)
    })
    .await;
    let page = documented();
    for (name, (metric, _)) in &all {
        let written = page.get(name).unwrap_or_else(|| panic!("{name} is not documented"));
        assert_eq!(written, metric, "{name}: the page on the left");
    }
    for name in page.keys() {
        assert!(all.contains_key(name), "{name} is documented, and nobody exposes it");
    }
}

/// Names, types and labels as Prometheus and OpenMetrics want them.
#[test]
fn names_follow_the_scheme() {
    for (name, metric) in documented() {
        let parts = ["runtime_", "worker_", "process_"];
        assert!(parts.iter().any(|part| name.starts_with(part)), "{name} names no part");
        assert_eq!(metric.kind == "counter", name.ends_with("_total"), "{name} is a {}", metric.kind);
        assert_eq!(metric.kind == "info", name.ends_with("_info"), "{name} is a {}", metric.kind);
        if metric.kind == "histogram" {
            assert!(name.ends_with("_seconds"), "{name} has no unit");
        }
        for bad in ["milliseconds", "_ms", "kilobytes", "_percent", "_count", "_sum", "_bucket"] {
            assert!(!name.ends_with(bad), "{name}: base units");
        }
        for label in &metric.labels {
            assert!(!["le", "job", "instance", "id", "user"].contains(&label.as_str()), "{name}: {label}");
        }
    }
}
