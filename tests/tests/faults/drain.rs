//! SIGTERM: what was accepted is answered, then the runtime ends.

use std::time::Duration;

use dev::Part;
use tests::running::Own;
use tests::{fold, writers};
use tokio::time::{sleep, timeout};

use crate::alone;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runtime_that_is_told_to_end_does_so_and_loses_nothing() {
    let _alone = alone().await;
    let own = Own::start().await;
    let writers = writers::Writers::start(&own.url(), 8);
    // A stream that has no end of its own must not hold it up.
    let api = own.api();
    let tail = api.open(api.request(reqwest::Method::GET, "/events/v1/user/live")).await;
    for _ in 0..2 {
        sleep(Duration::from_millis(700)).await;
        let ended = timeout(Duration::from_secs(8), own.stop(Part::Runtime)).await.expect("it drains and ends");
        assert_eq!(ended.and_then(|ended| ended.code()), Some(0));
        own.bring_back(Part::Runtime).await;
    }
    drop(tail);
    let acknowledged = writers.finish().await;
    let mut store = own.store().await;
    fold::check(&mut store).await;
    writers::check(&mut store, &acknowledged).await;
}
