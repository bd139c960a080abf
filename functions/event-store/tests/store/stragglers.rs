//! One is held in the midst of its work while others go on. What it does then must do no harm, and must not be lost.

use std::{sync::Arc, sync::atomic::AtomicUsize, sync::atomic::Ordering, time::Duration};

use domain::event::Stream;
use event_store::{
    Error, Redis, Value,
    native::NativeRedis,
    project::{Stores, catch_up, directory::Directory, generations, stats::Stats},
    views,
};
use tokio::{sync::Notify, time::timeout};

use crate::{
    given::{at, create},
    model::ring,
    rebuild::{build, contents},
    server::{Server, ask, number},
};

/// Waits before its `nth` script (from 0) until it is let go.
struct Held {
    redis: NativeRedis,
    nth: usize,
    scripts: AtomicUsize,
    waiting: Notify,
    go: Notify,
}

impl Held {
    fn new(redis: &NativeRedis, nth: usize) -> Arc<Self> {
        let (scripts, waiting, go) = Default::default();
        Arc::new(Self { redis: redis.clone(), nth, scripts, waiting, go })
    }
}

impl Redis for Held {
    async fn execute(&self, command: &'static str, arguments: Vec<Vec<u8>>) -> Result<Vec<Value>, Error> {
        if command == "EVALSHA" && self.scripts.fetch_add(1, Ordering::Relaxed) == self.nth {
            self.waiting.notify_one();
            self.go.notified().await;
        }
        self.redis.execute(command, arguments).await
    }

    fn give_up(&self) {}
}

/// One is held just before it applies to the live generation. Meanwhile another generation is built and takes its place.
/// It must not write into the old one, nor wait for ever, and what it was rung for must be in the new one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_straggler_leaves_the_old_generation_alone_and_goes_on_with_the_new_one() {
    let server = Server::start();
    let redis = server.connect().await;
    create(&redis, "Ada", "Lovelace").await;
    ring::<Stats>(&redis).await;
    create(&redis, "Grace", "Hopper").await;
    let old = contents(&redis, "stats", "1").await;

    let held = Held::new(&redis, 0);
    let straggler = tokio::spawn({
        let held = held.clone();
        async move {
            let sources = [(Stream::User, &*held), (Stream::Friend, &*held)];
            catch_up::<Stats, _>(&Stores { sources: &sources, target: &*held }, at(0)).await
        }
    });
    held.waiting.notified().await;
    // A generation that was built elsewhere up to the same point as the live one, and is put in its place.
    let copies = [
        ("stats:1:totals", "stats:2:totals"),
        ("stats:1:minutes:2026-11-22", "stats:2:minutes:2026-11-22"),
        ("projection:stats:1:checkpoint", "projection:stats:2:checkpoint"),
    ];
    for (from, to) in copies {
        assert_eq!(number(&redis, "COPY", &[from, to]).await, 1);
    }
    ask(&redis, "HSET", &["projection:stats", "live", "2"]).await;
    held.go.notify_one();

    let answer = timeout(Duration::from_secs(20), straggler).await.expect("it does not go round in circles");
    assert_eq!(answer.unwrap().unwrap(), 1);
    assert_eq!(contents(&redis, "stats", "1").await, old);
    assert_eq!(views::stats(&redis, at(0), 1).await.unwrap().users, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_straggler_does_not_apply_twice() {
    let server = Server::start();
    let redis = server.connect().await;
    create(&redis, "Ada", "Lovelace").await;
    let held = Held::new(&redis, 0);
    let straggler = tokio::spawn({
        let held = held.clone();
        async move { catch_up::<Stats, _>(&Stores { sources: &[(Stream::User, &*held)], target: &*held }, at(0)).await }
    });
    held.waiting.notified().await;
    assert_eq!(ring::<Stats>(&redis).await, 1);
    create(&redis, "Grace", "Hopper").await;
    held.go.notify_one();
    // Its batch is stale; it goes on from where the other one came to.
    assert_eq!(straggler.await.unwrap().unwrap(), 1);
    assert_eq!(views::stats(&redis, at(0), 1).await.unwrap().users, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_that_was_called_off_ends() {
    let server = Server::start();
    let redis = server.connect().await;
    create(&redis, "Ada", "Lovelace").await;
    ring::<Directory>(&redis).await;
    build::<Directory>(&redis, "2").await;
    let held = Held::new(&redis, 0);
    let builder = tokio::spawn({
        let held = held.clone();
        async move { catch_up::<Directory, _>(&Stores { sources: &[(Stream::User, &*held)], target: &*held }, at(0)).await }
    });
    held.waiting.notified().await;
    ask(&redis, "HDEL", &["projection:directory", "building"]).await;
    held.go.notify_one();
    assert_eq!(builder.await.unwrap().unwrap(), 0);
    assert!(contents(&redis, "directory", "2").await.is_empty());
    assert_eq!(generations::<Directory>(&redis).await.unwrap(), ("1".to_owned(), None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_generation_that_is_behind_is_not_swapped_in() {
    let server = Server::start();
    let redis = server.connect().await;
    create(&redis, "Ada", "Lovelace").await;
    ring::<Directory>(&redis).await;
    build::<Directory>(&redis, "2").await;
    // Held between the build's last batch and the swap, while the live generation goes on.
    let held = Held::new(&redis, 1);
    let builder = tokio::spawn({
        let held = held.clone();
        async move { catch_up::<Directory, _>(&Stores { sources: &[(Stream::User, &*held)], target: &*held }, at(0)).await }
    });
    held.waiting.notified().await;
    ask(&redis, "HDEL", &["projection:directory", "building"]).await;
    create(&redis, "Grace", "Hopper").await;
    ring::<Directory>(&redis).await;
    build::<Directory>(&redis, "2").await;
    held.go.notify_one();
    builder.await.unwrap().unwrap();
    assert_eq!(generations::<Directory>(&redis).await.unwrap(), ("1".to_owned(), Some("2".to_owned())));
    assert_eq!(views::directory(&redis, "grace", None, 10).await.unwrap().items.len(), 1);
    ring::<Directory>(&redis).await;
    assert_eq!(generations::<Directory>(&redis).await.unwrap(), ("2".to_owned(), None));
    assert_eq!(views::directory(&redis, "", None, 10).await.unwrap().items.len(), 2);
}
