//! A real network, where its data are there: LastFM's users in Asia, 27,806 friendships, as events in the log.

use std::path::PathBuf;

use domain::event::Stream;
use tests::network::{Network, ranked};
use tests::patience::{eventually, holds};
use tests::random::Random;
use tests::running::Own;
use tests::{log, views};

const ASKED: usize = 100;

/// `../shared/data` beside the repository.
fn data() -> Option<PathBuf> {
    let manifest = dev::options::manifest().expect("the repository");
    let file = manifest.parent()?.parent()?.join("shared/data/lastfm-asia.edges");
    file.is_file().then_some(file)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recommendations_on_a_real_network_are_exact() {
    let Some(file) = data() else {
        eprintln!("SKIPPED: ../shared/data/lastfm-asia.edges is not there, so no real network was tried");
        return;
    };
    let text = std::fs::read_to_string(file).unwrap();
    let number = |text: &str| text.parse::<u64>().expect("an id");
    let pairs = text.lines().filter_map(|line| line.split_once(' ')).map(|(a, b)| (number(a), number(b)));
    let pairs: Vec<(u64, u64)> = pairs.collect();
    let mut network = Network::default();
    assert!(pairs.iter().all(|(a, b)| network.add(*a, *b)));
    let people = pairs.iter().map(|(a, b)| *a.max(b)).max().expect("people");

    let own = Own::start().await;
    let (api, mut store) = (own.api(), own.store().await);
    let created: Vec<_> = (1..=people).map(log::created).collect();
    let users = log::append_all(&mut store.user, Stream::User, &created).await;
    let added = pairs.iter().zip(1..).map(|((a, b), n)| log::befriended(n, *a, *b, 1, false));
    let friends = log::append_all(&mut store.friend, Stream::Friend, &added.collect::<Vec<_>>()).await;
    let after = format!("after=user:{},friend:{}", users.last().unwrap(), friends.last().unwrap());
    eventually("the worker reads", async || {
        let answer = api.recommendations(1, &after).await;
        holds(answer.status == 200, || answer.to_string())
    })
    .await;

    let mut random = Random::new(1);
    for n in 0..ASKED {
        // Half of them drawn by their friendships, so that the best connected are among them.
        let id = if n % 2 == 0 { 1 + random.below(people as usize) as u64 } else { random.pick(&pairs).0 };
        let limit = if n % 3 == 0 { 10 } else { 1000 };
        let answer = api.recommendations(id, &format!("limit={limit}&{after}")).await.is(200);
        assert_eq!(ranked(&answer.list()), network.recommend(id, limit), "for {id}");
        let (a, b) = *random.pick(&pairs);
        let answer = api.mutual_friends(a, b, &after).await.is(200);
        let mutual: Vec<u64> = answer.list().iter().map(|user| user["id"].as_u64().unwrap()).collect();
        assert_eq!(mutual, network.mutual(a, b), "of {a} and {b}");
    }
    views::all_right(&mut store).await;
    let stats = api.get("/stats/v1").await.is(200).json();
    assert_eq!((stats["users"].as_u64(), stats["friendships"].as_u64()), (Some(people), Some(pairs.len() as u64)));
}
