//! What a stall of the server does to the latencies: the whole system stands still for a second.

use std::time::Duration;

use dev::Part;
use rustix::process::Signal;
use tests::running::Own;
use tokio::time::sleep;

use crate::generator::{Generator, operation};

const STALL: Duration = Duration::from_secs(1);

/// One connection: during the stall a single request is under way, and 100 others are due.
const SCENARIO: &str = r#"
[network]
people = 10

[[phases]]
name = "people"
make = "people"

[[phases]]
name = "calls"
mix = { getUser = 1 }
rate = 100
connections = 1
seconds = 8
"#;

/// Only from below: a busy machine makes everything slower.
#[tokio::test]
async fn a_stall_counts_for_every_call_that_it_delayed() {
    let own = Own::start().await;
    let generator = Generator::new();
    let mut running = generator.start(&generator.write(SCENARIO), &own.url());
    running.says("calls: ").await;
    own.signal(Part::Runtime, Signal::STOP);
    sleep(STALL).await;
    own.signal(Part::Runtime, Signal::CONT);
    let ended = running.end().await.is(0);
    let phase = ended.phase("calls");
    assert_eq!((phase["requests"].as_u64(), phase["failed"].as_u64()), (Some(800), Some(0)));
    let latency = &operation(phase, "getUser")["latencyMs"];
    let ms = |key: &str| latency[key].as_f64().unwrap();
    assert!(ms("max") > 900.0, "{latency}");
    // Of 800 calls 100 were due in that second. Had only the one been counted, p99 would not know of it.
    assert!(ms("p99") > 700.0 && ms("p90") > 100.0, "{latency}");
}
