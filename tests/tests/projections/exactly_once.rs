//! Whoever rings, however often: each event counts once.

use std::time::Duration;

use dev::Part;
use futures_util::future::join_all;
use tests::running::Own;
use tests::store::ask;
use tests::{views, writers};
use tokio::time::sleep;

const RINGERS: usize = 4;
const RINGS: usize = 150;

/// Rings as fast as it goes, of both bells.
async fn storm(own: &Own) {
    let ringers = (0..RINGERS).map(async |_| {
        let mut store = own.store().await;
        for _ in 0..RINGS {
            let _: usize = ask(&mut store.user, "PUBLISH events:user storm").await;
            let _: usize = ask(&mut store.friend, "PUBLISH events:friend storm").await;
        }
    });
    join_all(ringers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_rings_counts_nothing_twice() {
    let own = Own::start().await;
    let writers = writers::Writers::start(&own.url(), 4);
    storm(&own).await;
    let acknowledged = writers.finish().await;
    storm(&own).await;
    let mut store = own.store().await;
    writers::check(&mut store, &acknowledged).await;
    views::all_right(&mut store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_runtimes_project_side_by_side_and_count_nothing_twice() {
    let own = Own::start().await;
    // A second one on the same Redis, as another replica would be.
    let second = dev::process::Process::start(&second_runtime(&own), &second_log(&own), None).unwrap();
    let writers = writers::Writers::start(&own.url(), 4);
    sleep(Duration::from_secs(1)).await;
    storm(&own).await;
    own.kill(Part::Runtime).await;
    own.launch(Part::Runtime).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    let acknowledged = writers.finish().await;
    let mut store = own.store().await;
    writers::check(&mut store, &acknowledged).await;
    views::all_right(&mut store).await;
    second.kill().await;
}

fn second_runtime(own: &Own) -> dev::process::Spec {
    let options = tests::running::options();
    let mut addresses = own.addresses().clone();
    addresses.port = dev::ports::Port::Any.choose().unwrap();
    let programs = dev::parts::Programs::find(options.runtime).unwrap();
    programs.runtime(&options, &addresses, &own.data_folder().join("second"))
}

fn second_log(own: &Own) -> std::sync::Arc<dev::log::Log> {
    let folder = own.data_folder().join("second");
    dev::log::Log::open(&folder, "second", "", Default::default()).unwrap().into()
}
