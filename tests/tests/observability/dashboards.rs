//! The dashboards, as far as they can be judged without Grafana: they are what Grafana expects, refer only to what is
//! there, and lie as they should.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::files::{dashboards, list, words, yaml};

/// The width of a dashboard, in Grafana's units.
const WIDTH: u64 = 24;
/// The units that ours use, by Grafana's names.
const UNITS: [&str; 6] = ["short", "cps", "reqps", "s", "bytes", "percentunit"];

fn provisioned_source() -> (String, String) {
    let source = yaml("provisioning/datasources/prometheus.yml")["datasources"][0].clone();
    (words(&source["type"]).to_owned(), words(&source["uid"]).to_owned())
}

#[track_caller]
fn check_source(value: &Value, at: &str) {
    let (kind, uid) = provisioned_source();
    assert_eq!((value["type"].as_str(), value["uid"].as_str()), (Some(&*kind), Some(&*uid)), "{at}");
}

#[test]
fn the_two_dashboards_are_there() {
    let all = dashboards();
    let titles: Vec<&str> = all.iter().map(|(_, board)| words(&board["title"])).collect();
    assert_eq!(titles, ["Domain data", "Runtime"]);
    let uids: BTreeSet<&str> = all.iter().map(|(_, board)| words(&board["uid"])).collect();
    assert_eq!(uids.len(), 2);
    for (name, board) in &all {
        // A dashboard with an id is one of a certain Grafana; a uid has at most 40 characters.
        assert!(board.get("id").is_none() && words(&board["uid"]).len() <= 40, "{name}");
        assert!(board["schemaVersion"].as_u64() >= Some(36), "{name}");
        assert!(board["time"]["from"].is_string() && board["templating"]["list"].is_array(), "{name}");
    }
}

#[test]
fn what_grafana_provisions_is_valid() {
    for name in ["provisioning/datasources/prometheus.yml", "provisioning/dashboards/social-network.yml"] {
        assert_eq!(yaml(name)["apiVersion"], 1, "{name}");
    }
    let provider = yaml("provisioning/dashboards/social-network.yml")["providers"][0].clone();
    assert_eq!(
        (words(&provider["type"]), words(&provider["options"]["path"])),
        ("file", "/var/lib/grafana/dashboards")
    );
}

#[test]
fn every_panel_is_whole() {
    for (name, board) in dashboards() {
        let mut ids = BTreeSet::new();
        for panel in list(&board["panels"]) {
            let at = format!("{name}: {}", panel["title"]);
            assert!(ids.insert(panel["id"].as_u64()) && panel["id"].is_u64(), "{at}: its id");
            assert!(!words(&panel["title"]).is_empty());
            if panel["type"] == "row" {
                continue;
            }
            assert!(["timeseries", "stat"].contains(&words(&panel["type"])), "{at}");
            assert!(!words(&panel["description"]).is_empty(), "{at} explains nothing");
            assert!(UNITS.contains(&words(&panel["fieldConfig"]["defaults"]["unit"])), "{at}: its unit");
            check_source(&panel["datasource"], &at);
            let targets = list(&panel["targets"]);
            let references: BTreeSet<&str> = targets.iter().map(|target| words(&target["refId"])).collect();
            assert!(!targets.is_empty() && references.len() == targets.len(), "{at}: its queries");
            for target in targets {
                check_source(&target["datasource"], &at);
                assert!(!words(&target["expr"]).is_empty() && !words(&target["legendFormat"]).is_empty(), "{at}");
            }
        }
    }
}

#[test]
fn every_variable_is_declared_and_used() {
    for (name, board) in dashboards() {
        let declared: BTreeSet<&str> = list(&board["templating"]["list"]).iter().map(|v| words(&v["name"])).collect();
        let mut used = BTreeSet::new();
        let panels = list(&board["panels"]).iter().flat_map(|panel| list(&panel["targets"]));
        let expressions: Vec<&str> = panels.map(|target| words(&target["expr"])).collect();
        for variable in expressions.iter().flat_map(|expression| expression.split('$').skip(1)) {
            let end = variable.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(variable.len());
            // Those with two underscores are Grafana's own.
            if !variable.starts_with("__") {
                used.insert(&variable[..end]);
            }
        }
        assert_eq!(declared, used, "{name}: declared on the left");
        for variable in list(&board["templating"]["list"]) {
            check_source(&variable["datasource"], &name);
        }
    }
}

#[test]
fn no_panel_covers_another() {
    for (name, board) in dashboards() {
        let mut taken = BTreeSet::new();
        let mut bottom = 0;
        for panel in list(&board["panels"]) {
            let of = |key: &str| panel["gridPos"][key].as_u64().unwrap_or_else(|| panic!("{name}: {panel}"));
            let (x, y, w, h) = (of("x"), of("y"), of("w"), of("h"));
            assert!(w > 0 && h > 0 && x + w <= WIDTH, "{name}: {}", panel["title"]);
            assert!(y >= bottom || panel["type"] != "row", "{name}: the row {} is not below", panel["title"]);
            bottom = bottom.max(y + h);
            for place in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                assert!(taken.insert(place), "{name}: {} covers another at {place:?}", panel["title"]);
            }
        }
        // No holes from top to bottom.
        assert!((0..bottom).all(|y| taken.contains(&(0, y))), "{name}");
    }
}
