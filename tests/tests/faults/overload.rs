//! More requests than places, while each of them hangs: all are answered, in time, and as problems.

use std::time::{Duration, Instant};

use dev::Part;
use futures_util::future::join_all;
use rustix::process::Signal;
use tests::exposition::Scrape;
use tests::running::Own;

use crate::alone;

/// The embedded host works on 256 a thread at a time.
const REQUESTS: usize = 700;
const ALL_WITHIN: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_requests_than_places_are_turned_away_in_time_and_as_problems() {
    let _alone = alone().await;
    let own = Own::start().await;
    let api = own.api().patient(ALL_WITHIN);
    let id = api.person().await.id;
    own.signal(Part::Redis, Signal::STOP);
    let start = Instant::now();
    let answers = join_all((0..REQUESTS).map(|_| api.user(id))).await;
    assert!(start.elapsed() < ALL_WITHIN, "{:?}", start.elapsed());
    assert!(answers.iter().all(|answer| answer.status == 503));
    // Those that got no place, and those that the hung Redis let wait.
    let seen = Scrape::of(&own.metrics_url().expect("it serves them")).await;
    let of = |reason| seen.sum("runtime_http_problems_total", &[("component", "user"), ("reason", reason)]);
    assert!(of("overloaded") > 0.0 && of("unavailable") > 0.0);
    let given_up = [("component", "user"), ("kind", "abandoned")];
    assert!(seen.sum("runtime_redis_command_errors_total", &given_up) > 0.0);
    own.signal(Part::Redis, Signal::CONT);
    let answers = join_all((0..REQUESTS).map(|_| api.user(id))).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{:?}", answers.iter().find(|a| a.status != 200));
}
