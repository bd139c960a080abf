//! Every event counts exactly once, whoever rings, however often, whatever breaks.

use std::{
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering},
};

use domain::event::Stream;
use event_store::{
    Error,
    native::NativeRedis,
    project::{Stores, activity::Activity, catch_up, directory::Directory, people::People, stats::Stats},
};
use tokio::task::JoinSet;

use crate::{
    broken::{Break, Breaking},
    given::{at, befriend, create, part, rename},
    history,
    model::{Model, Shown, ring},
    random::Random,
    server::{Server, everything, number},
};

/// Writes 500 events: people and their renamings, or friendships and their ends.
async fn write(redis: NativeRedis, writer: u64) {
    for n in 0..250 {
        if writer < 2 {
            let user = create(&redis, &format!("W{writer}"), &format!("N{n}")).await;
            rename(&redis, &user, "Renamed", &format!("N{n}")).await;
        } else {
            let friends = befriend(&redis, 1 + n, 1_000 * writer + n).await;
            part(&redis, &friends).await;
        }
    }
}

/// Eight ring all the time while four write 2,000 events.
async fn exactly_once<P: Shown>() {
    let server = Server::start();
    let done = Arc::new(AtomicBool::new(false));
    let mut ringing = JoinSet::new();
    for _ in 0..8 {
        let (redis, done) = (server.connect().await, done.clone());
        ringing.spawn(async move {
            let mut applied = 0;
            while !done.load(Ordering::Relaxed) {
                applied += ring::<P>(&redis).await;
                tokio::task::yield_now().await;
            }
            applied
        });
    }
    let mut writing = JoinSet::new();
    for writer in 0..4 {
        writing.spawn(write(server.connect().await, writer));
    }
    writing.join_all().await;
    done.store(true, Ordering::Relaxed);
    let mut applied: usize = ringing.join_all().await.into_iter().sum();

    let redis = server.connect().await;
    applied += ring::<P>(&redis).await;
    let mut written = 0;
    for stream in P::STREAMS {
        written += number(&redis, "XLEN", &[stream.key()]).await;
    }
    assert_eq!(written, 1_000 * P::STREAMS.len() as i64);
    assert_eq!(applied as i64, written);
    P::agrees(&redis, &Model::of(&redis).await).await;
    assert_eq!(ring::<P>(&redis).await, 0);
    assert_eq!(number(&redis, "EXISTS", &["events:dead"]).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_exactly_once() {
    exactly_once::<People>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn directory_exactly_once() {
    exactly_once::<Directory>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn activity_exactly_once() {
    exactly_once::<Activity>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stats_exactly_once() {
    exactly_once::<Stats>().await;
}

/// Connections break before and after the apply, once or twice in a row, until everything is applied all the same.
async fn through_broken_connections<P: Shown>() {
    let server = Server::start();
    let redis = server.connect().await;
    let mut random = Random::new(7);
    let plan: Vec<Option<Break>> = (0..400)
        .map(|_| *random.pick(&[&None, &Some(Break::Before), &Some(Break::After), &Some(Break::After)]))
        .collect();
    let broken = Breaking::new(&redis, |script| plan.get(script).copied().flatten());
    let sources: Vec<_> = P::STREAMS.iter().map(|stream| (*stream, &broken)).collect();
    let stores = Stores { sources: &sources, target: &broken };
    let (mut failures, mut rounds) = (0, 0);
    for seed in 0..40 {
        history::make(&redis, seed, 10).await;
        while let Err(error) = catch_up::<P, _>(&stores, at(0)).await {
            assert!(matches!(error, Error::Connection(_)), "{error}");
            failures += 1;
        }
        rounds += 1;
    }
    assert!(failures > 5 && rounds == 40, "{failures} failures are too few to prove anything");
    P::agrees(&redis, &Model::of(&redis).await).await;
    let before = everything(&redis).await;
    assert_eq!(ring::<P>(&redis).await, 0);
    assert_eq!(everything(&redis).await, before);
}

#[tokio::test]
async fn people_through_broken_connections() {
    through_broken_connections::<People>().await;
}

#[tokio::test]
async fn directory_through_broken_connections() {
    through_broken_connections::<Directory>().await;
}

#[tokio::test]
async fn activity_through_broken_connections() {
    through_broken_connections::<Activity>().await;
}

#[tokio::test]
async fn stats_through_broken_connections() {
    through_broken_connections::<Stats>().await;
}

#[tokio::test]
async fn the_bell_is_cleared_before_the_log_is_read() {
    let server = Server::start();
    let redis = server.connect().await;
    create(&redis, "Ada", "Lovelace").await;
    // Everything breaks after the bell: what is appended then must ring again.
    let broken = Breaking::new(&redis, |_| Some(Break::Before));
    let stores = Stores { sources: &[(Stream::User, &broken)], target: &broken };
    catch_up::<People, _>(&stores, at(0)).await.unwrap_err();
    assert_eq!(broken.sent()[0], "DEL");
    assert_eq!(number(&redis, "EXISTS", &["events:user:bell"]).await, 0);
}
