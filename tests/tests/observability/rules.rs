//! The rules: valid, tested one by one, and explained.

use std::collections::BTreeSet;
use std::process::Command;

use tests::promql;

use crate::files::{folder, list, rules, text, words, yaml};

#[track_caller]
fn promtool(arguments: &[&str]) {
    let output = Command::new("promtool").args(arguments).current_dir(folder()).output();
    let output = output.expect("promtool is installed: sh infra/dev/setup.sh observe");
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    assert!(output.status.success(), "promtool {arguments:?}: {}", String::from_utf8_lossy(&said));
}

#[test]
fn the_configuration_and_the_rules_are_valid() {
    promtool(&["check", "config", "prometheus.yml"]);
    promtool(&["check", "rules", "rules/recording.yml", "rules/alerts.yml"]);
}

#[test]
fn the_rules_do_what_their_tests_say() {
    promtool(&["test", "rules", "rules/tests/recording.yml", "rules/tests/alerts.yml"]);
}

#[test]
fn every_alert_is_tested_firing_and_not_firing() {
    let tests = yaml("rules/tests/alerts.yml");
    let (mut fires, mut silent) = (BTreeSet::new(), BTreeSet::new());
    for test in list(&tests["tests"]) {
        for expected in list(&test["alert_rule_test"]) {
            let of = if list(&expected["exp_alerts"]).is_empty() { &mut silent } else { &mut fires };
            of.insert(words(&expected["alertname"]).to_owned());
        }
    }
    let alerts: BTreeSet<String> =
        rules("rules/alerts.yml").iter().map(|rule| words(&rule["alert"]).to_owned()).collect();
    assert_eq!(fires, alerts, "tests that expect it on the left");
    assert_eq!(silent, alerts, "tests that expect silence on the left");
}

#[test]
fn every_alert_says_what_it_compares_and_what_to_do() {
    for rule in rules("rules/alerts.yml") {
        let (name, expression) = (words(&rule["alert"]), words(&rule["expr"]));
        assert!(promql::compared(expression).is_some(), "{name}: {expression} has not one outermost comparison");
        assert!(["page", "ticket"].contains(&words(&rule["labels"]["severity"])), "{name}");
        for annotation in ["summary", "description"] {
            assert!(words(&rule["annotations"][annotation]).len() > 10, "{name} has no {annotation}");
        }
    }
}

/// Both ways: nothing undocumented, nothing documented that is not there.
#[test]
fn every_rule_is_on_the_page() {
    let page = text("README.md");
    let quoted: BTreeSet<&str> = page.split('`').skip(1).step_by(2).collect();
    let alerts = rules("rules/alerts.yml");
    let recorded = rules("rules/recording.yml");
    let alerts: BTreeSet<&str> = alerts.iter().map(|rule| words(&rule["alert"])).collect();
    let recorded: BTreeSet<&str> = recorded.iter().map(|rule| words(&rule["record"])).collect();
    let section = |title: &str| page.split(title).nth(1).unwrap_or_else(|| panic!("no {title}")).split("\n## ").next();
    let in_first_cells = |text: &str| -> BTreeSet<String> {
        let rows = text.lines().filter(|line| line.starts_with("| `"));
        let cells = rows.filter_map(|row| row.split('|').nth(1).map(str::to_owned));
        cells.flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()).collect()
    };
    let owned = |names: &BTreeSet<&str>| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<String>>();
    assert_eq!(in_first_cells(section("## Alerts").expect("a section")), owned(&alerts), "the page on the left");
    assert_eq!(in_first_cells(section("### Recorded").expect("a section")), owned(&recorded), "the page on the left");
    assert!(alerts.union(&recorded).all(|name| quoted.contains(name)));
    // The severity, too.
    for rule in rules("rules/alerts.yml") {
        let row = page.lines().find(|line| line.starts_with("| ") && line.contains(words(&rule["alert"])));
        let severity = row.and_then(|row| row.split('|').nth(2)).map(str::trim);
        assert_eq!(severity, rule["labels"]["severity"].as_str(), "{}", rule["alert"]);
    }
}
