//! SIGKILL at a random moment while clients write, again and again. Each client sends its command until it is
//! acknowledged, with an Idempotency-Key: so in the end there is exactly one event a command.

use std::time::Duration;

use dev::Part;
use tests::patience::{eventually, holds};
use tests::random::Random;
use tests::running::Own;
use tests::{fold, views, writers};
use tokio::time::sleep;

use crate::alone;

const CLIENTS: usize = 8;
const KILLS: usize = 4;

async fn kill_under_writes(part: Part) {
    let _alone = alone().await;
    let own = Own::start().await;
    let writers = writers::Writers::start(&own.url(), CLIENTS);
    let mut random = Random::new(part.name().len() as u64);
    for _ in 0..KILLS {
        let before = writers.written();
        eventually("writes go on", async || {
            let written = writers.written();
            holds(written >= before + 100, || format!("{} since the last kill", written - before))
        })
        .await;
        sleep(Duration::from_millis(random.below(300) as u64)).await;
        own.kill(part).await;
        sleep(Duration::from_millis(random.below(300) as u64)).await;
        own.bring_back(part).await;
    }
    let before = writers.written();
    eventually("writes go on", async || holds(writers.written() >= before + 100, || "they do not".into())).await;
    let acknowledged = writers.finish().await;
    let mut store = own.store().await;
    fold::check(&mut store).await;
    writers::check(&mut store, &acknowledged).await;
    views::all_right(&mut store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_killed_and_no_acknowledged_write_is_lost_nor_done_twice() {
    kill_under_writes(Part::Redis).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_runtime_is_killed_and_no_acknowledged_write_is_lost_nor_done_twice() {
    kill_under_writes(Part::Runtime).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_worker_is_killed_and_commands_do_not_notice() {
    kill_under_writes(Part::Worker).await;
}
