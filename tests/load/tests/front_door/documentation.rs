//! `tests/load/README.md` says everything that there is.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tests::running::shared;

use crate::generator::{Generator, shipped};

fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

/// The program itself lists them, to whoever writes another one.
#[tokio::test]
async fn every_key_of_a_scenario_is_documented() {
    let page = page();
    for table in ["", "[network]\n", "[[phases]]\n", "[[thresholds]]\n", "[ramp]\n", "[phases.mix]\n"] {
        let generator = Generator::new();
        let text = match table {
            "[phases.mix]\n" => "[[phases]]\nname = \"a\"\n[phases.mix]\nnonsense = 1".to_owned(),
            "" => "nonsense = 1".to_owned(),
            table => format!("{table}nonsense = 1"),
        };
        let said = generator.call(&["check", &generator.write(&text)]).await.is(2).said;
        let allowed = said.split("expected one of ").nth(1).unwrap_or_else(|| panic!("{said}"));
        let keys: Vec<&str> = allowed.lines().next().unwrap().split(", ").map(|key| key.trim_matches('`')).collect();
        assert!(keys.len() > 4, "{keys:?}");
        for key in keys {
            assert!(page.contains(&format!("`{key}`")), "{table} {key} is not in the page");
        }
    }
}

#[tokio::test]
async fn every_field_of_a_result_is_documented() {
    let page = page();
    let mut fields = BTreeSet::new();
    for (verb, more) in [("run", &[][..]), ("ramp", &["--from", "5", "--to", "5", "--seconds", "0.5"])] {
        let generator = Generator::new();
        let report = generator.go(verb, &shipped("serial"), &shared().url(), more).await.report;
        collect(&report, &mut fields);
    }
    assert!(fields.len() > 50, "{fields:?}");
    for field in fields {
        assert!(page.contains(&format!("`{field}`")), "{field} is not in the page");
    }
}

/// Names of fields, but for those of maps, which are statuses and reasons.
fn collect(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        Value::Object(fields) => {
            for (name, field) in fields {
                into.insert(name.clone());
                if !matches!(name.as_str(), "statuses" | "unanswered" | "firstFailures") {
                    collect(field, into);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn every_scenario_that_is_there_is_in_the_page() {
    let page = page();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(page.contains(&name), "{name} is not in the page");
    }
}
