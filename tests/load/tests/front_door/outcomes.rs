//! Runs that do not go well: exit code 1, with what was wanted and what was measured.

use dev::Part;
use rustix::process::Signal;
use tests::running::{Own, shared};
use tests::store;

use crate::generator::{Generator, operation};

const PEOPLE: &str = r#"
[network]
people = 10

[[phases]]
name = "people"
make = "people"
"#;

#[tokio::test]
async fn a_threshold_that_is_not_held_is_named() {
    let generator = Generator::new();
    let scenario = generator.write(&format!(
        "{PEOPLE}
[[phases]]
name = \"calls\"
mix = {{ getUser = 1, getStats = 1 }}
requests = 50
connections = 2

[[thresholds]]
phase = \"calls\"
operation = \"getUser\"
p50_ms = 0.001
p99_ms = 60000

[[thresholds]]
phase = \"people\"
rate = 1000000
"
    ));
    let ended = generator.go("run", &scenario, &shared().url(), &[]).await.is(1);
    let ended = ended.says(&[
        "load: calls, getUser: p50_ms wanted <= 0.001000, measured ",
        "load: people: rate wanted >= 1000000, measured ",
    ]);
    assert!(!ended.said.contains("p99_ms wanted"), "{}", ended.said);
    assert!(ended.out.contains("held    calls, getUser: p99_ms wanted <= 60000"), "{}", ended.out);
    let judged = ended.report["thresholds"].as_array().unwrap();
    let broken: Vec<&str> =
        judged.iter().filter(|one| one["held"] == false).map(|one| one["metric"].as_str().unwrap()).collect();
    assert_eq!(broken, ["rate", "p50_ms"]);
    assert_eq!((&ended.report["exitCode"], ended.report["failures"].as_array().unwrap().len()), (&1.into(), 2));
}

const RECOMMENDED: &str = r#"
[[phases]]
name = "calls"
mix = { recommendFriends = 1, getUser = 1 }
rate = 40
seconds = 8
"#;

#[tokio::test]
async fn calls_that_fail_are_counted_by_their_status() {
    let own = Own::start().await;
    let generator = Generator::new();
    let mut running = generator.start(&generator.write(&format!("{PEOPLE}{RECOMMENDED}")), &own.url());
    running.says("calls: ").await;
    own.kill(Part::Worker).await;
    let ended = running.end().await.is(1).says(&["load: calls: failed wanted <= 0, measured 0."]);
    let recommended = operation(ended.phase("calls"), "recommendFriends");
    let unavailable = recommended["statuses"]["503"].as_u64().unwrap();
    assert!(unavailable > 0 && recommended["failed"].as_u64() >= Some(unavailable), "{recommended}");
    assert!(recommended["firstFailures"]["503"].as_str().unwrap().contains("problems"), "{recommended}");
    assert_eq!(operation(ended.phase("calls"), "getUser")["failed"], 0);
}

#[tokio::test]
async fn a_share_of_failures_can_be_allowed() {
    let own = Own::start().await;
    let generator = Generator::new();
    let allowed = "[[thresholds]]\nphase = \"calls\"\nfailed = 1.0\n";
    let mut running = generator.start(&generator.write(&format!("{PEOPLE}{RECOMMENDED}{allowed}")), &own.url());
    running.says("calls: ").await;
    own.kill(Part::Worker).await;
    let ended = running.end().await.is(0);
    assert!(ended.phase("calls")["failed"].as_u64() > Some(0));
}

#[tokio::test]
async fn a_server_that_goes_away_leaves_results() {
    let own = Own::start().await;
    let generator = Generator::new();
    let mut running = generator.start(&generator.write(&format!("{PEOPLE}{RECOMMENDED}")), &own.url());
    running.says("calls: ").await;
    own.kill(Part::Runtime).await;
    let ended = running.end().await.is(1).says(&["load: nobody knows whether something was lost: "]);
    let user = operation(ended.phase("calls"), "getUser");
    assert!(user["unanswered"]["connection refused"].as_u64() > Some(0), "{user}");
    assert_eq!(generator.files(".svg").len(), 1);
}

#[tokio::test]
async fn a_loss_is_seen() {
    let own = Own::start().await;
    let generator = Generator::new();
    let calls = "[[phases]]\nname = \"calls\"\nmix = { createUser = 1 }\nrate = 20\nseconds = 600\n";
    let mut running = generator.start(&generator.write(&format!("{PEOPLE}{calls}")), &own.url());
    running.says("calls: ").await;
    // As if some of those who were acknowledged were not there: the system counts fewer.
    let mut view = own.store().await.view;
    let totals = store::keys(&mut view, "stats:*:totals").await;
    let left: i64 = store::ask(&mut view, &format!("HINCRBY {} users -7", totals[0])).await;
    assert!(left > 0, "{left}");
    running.signal(Signal::INT);
    let ended = running.end().await.is(130).says(&["load: users were lost: "]);
    let users = &ended.report["accounts"]["users"];
    assert_eq!(users["verdict"], "lost");
    assert_eq!(users["acknowledged"].as_i64().unwrap() - users["counted"].as_i64().unwrap(), 7);
}
