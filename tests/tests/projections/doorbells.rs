//! A lost ring costs latency, never data.

use dev::Part;
use domain::event::Stream;
use tests::log;
use tests::running::Own;
use tests::store::ask;
use tests::views;

/// People and friendships that nobody was told of.
async fn append_silently(own: &Own, from: u64, count: u64) {
    let mut store = own.store().await;
    let people: Vec<_> = (from..from + count).map(log::created).collect();
    log::append_all(&mut store.user, Stream::User, &people).await;
    let friendships: Vec<_> = (from..from + count - 1).map(|n| log::befriended(n, n, n + 1, 1, false)).collect();
    log::append_all(&mut store.friend, Stream::Friend, &friendships).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_nobody_rang_for_are_projected_all_the_same() {
    let own = Own::start().await;
    append_silently(&own, 1, 700).await;
    views::all_right(&mut own.store().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_came_while_the_runtime_was_away_are_projected_when_it_is_back() {
    let own = Own::start().await;
    own.kill(Part::Runtime).await;
    append_silently(&own, 1, 700).await;
    own.bring_back(Part::Runtime).await;
    views::all_right(&mut own.store().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_worker_the_runtime_catches_up_by_itself() {
    let own = Own::start().await;
    own.kill(Part::Worker).await;
    own.kill(Part::Runtime).await;
    append_silently(&own, 1, 100).await;
    own.launch(Part::Runtime).await.unwrap();
    views::all_right(&mut own.store().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ring_that_is_outstanding_for_ever_does_not_silence_the_bell() {
    let own = Own::start().await;
    let (api, mut store) = (own.api(), own.store().await);
    for bell in ["events:user:bell", "events:friend:bell"] {
        // It was set, and then its ring was lost.
        let _: String = ask(&mut store.user, &format!("SET {bell} 1 PX 1000")).await;
    }
    let (a, b) = (api.person().await.id, api.person().await.id);
    api.add_friend(a, b).await.is(201);
    views::all_right(&mut store).await;
    let _: usize = ask(&mut store.user, "DEL events:user:bell events:friend:bell").await;
    api.add_friend(a, api.person().await.id).await.is(201);
    views::all_right(&mut store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_runtime_hears_again_after_redis_was_away() {
    let own = Own::start().await;
    let api = own.api();
    for _ in 0..2 {
        api.person().await;
        own.kill(Part::Redis).await;
        own.launch(Part::Redis).await.unwrap();
        let (a, b) = (api.person().await.id, api.person().await.id);
        api.add_friend(a, b).await.is(201);
        views::all_right(&mut own.store().await).await;
    }
}
