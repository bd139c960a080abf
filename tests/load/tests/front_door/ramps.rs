//! Looking for the breaking point.

use serde_json::Value;
use tests::running::shared;

use crate::generator::{Ended, Generator};

fn scenario(p99_ms: &str, more: &str) -> String {
    format!(
        r#"
[network]
people = 10
friendships = 20

[[phases]]
name = "people"
make = "people"

# A ramp does without it, but takes its mix.
[[phases]]
name = "calls"
mix = {{ getUser = 1, listFriends = 1 }}
seconds = 600

[ramp]
from = 20
step = 20
to = 60
seconds = 0.5
p99_ms = {p99_ms}
{more}
"#
    )
}

async fn ramp(p99_ms: &str, more: &str, arguments: &[&str]) -> Ended {
    let generator = Generator::new();
    let ended = generator.go("ramp", &generator.write(&scenario(p99_ms, more)), &shared().url(), arguments).await;
    let kept = generator.files(".svg");
    assert!(kept.len() == 1 && kept[0].to_str().unwrap().contains("ramp-scenario"), "{kept:?}");
    assert_eq!(ended.report["phases"].as_array().unwrap().len(), 1, "it needs people, and no other phase");
    ended
}

fn rates(ended: &Ended) -> Vec<f64> {
    let steps = ended.report["ramp"]["steps"].as_array().unwrap();
    steps.iter().map(|step| step["offeredPerSecond"].as_f64().unwrap()).collect()
}

/// A busy machine may not hold even these rates at the first try, but nothing is measured that was not offered.
#[tokio::test]
async fn what_is_held_to_the_end_has_no_breaking_point() {
    let ended = ramp("60000", "", &["--step", "15", "--to", "50"]).await.is(0);
    let ramp = &ended.report["ramp"];
    let mut offered = rates(&ended);
    offered.dedup();
    assert_eq!(offered, [20.0, 35.0, 50.0]);
    assert_eq!((&ramp["openEnd"], &ramp["breakingPoint"]), (&true.into(), &Value::from(50.0)));
    for step in ramp["steps"].as_array().unwrap() {
        let count = step["offeredPerSecond"].as_f64().unwrap() * 0.5;
        assert_eq!(step["requests"].as_u64(), Some(count.round() as u64), "{step}");
    }
    assert!(ended.out.contains("Breaking point: not reached, 50 calls/s were held"), "{}", ended.out);
}

#[tokio::test]
async fn a_rate_that_is_not_held_is_tried_again_and_is_the_last() {
    let ended = ramp("0.001", "", &[]).await.is(1).says(&["the ramp's first rate was not held"]);
    assert_eq!(rates(&ended), [20.0, 20.0]);
    assert_eq!(ended.report["ramp"]["breakingPoint"], Value::Null);
    for (step, attempt) in ended.report["ramp"]["steps"].as_array().unwrap().iter().zip(1..) {
        assert_eq!((&step["held"], &step["attempt"]), (&false.into(), &Value::from(attempt)));
        assert!(step["whyNot"].as_str().is_some_and(|why| !why.is_empty()), "{step}");
    }
}

#[tokio::test]
async fn a_breaking_point_can_be_asked_for() {
    let ended = ramp("60000", "at_least = 1_000", &[]).await.is(1);
    let ended = ended.says(&["breaking point: wanted >= 1000/s, measured 60/s"]);
    assert_eq!(ended.report["ramp"]["atLeast"], 1000.0);
}
