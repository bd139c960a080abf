//! Networks that grow and shrink through commands.

use domain::StreamPosition;
use futures_util::StreamExt;
use futures_util::stream;
use tests::api::{Api, Person};
use tests::network::{Network, ranked};
use tests::random::Random;
use tests::running::{Own, shared_api};

const SIDE_BY_SIDE: usize = 16;

struct Made {
    api: Api,
    ids: Vec<u64>,
    network: Network,
    last: String,
}

/// People, and friendships among them, that were added, and some of them removed and added again.
async fn make(api: Api, seed: u64, people: usize, friendships: usize) -> Made {
    let mut random = Random::new(seed);
    let created = stream::iter(0..people).map(|_| api.person()).buffered(SIDE_BY_SIDE).collect::<Vec<_>>().await;
    let mut ids: Vec<u64> = created.iter().map(|person| person.id).collect();
    ids.sort_unstable();
    let place =
        |person: &Person| person.answer.header("last-event")["user:".len()..].parse::<StreamPosition>().unwrap();
    let last_person = created.iter().map(place).max().unwrap();
    let mut network = Network::default();
    let mut pairs = Vec::new();
    while pairs.len() < friendships {
        // Some people are better connected than others.
        let a = ids[random.below(people).min(random.below(people))];
        let b = ids[random.below(people)];
        if a != b && network.add(a, b) {
            pairs.push((a, b));
        }
    }
    stream::iter(&pairs)
        .map(async |(a, b)| api.add_friend(*a, *b).await.is(201))
        .buffer_unordered(SIDE_BY_SIDE)
        .count()
        .await;
    let removed: Vec<(u64, u64)> = pairs.iter().copied().filter(|_| random.below(5) == 0).collect();
    stream::iter(&removed)
        .map(async |(a, b)| api.remove_friend(*b, *a).await.is(204))
        .buffer_unordered(SIDE_BY_SIDE)
        .count()
        .await;
    for (a, b) in &removed {
        network.remove(*a, *b);
    }
    let mut last = String::new();
    for (a, b) in removed.iter().filter(|_| random.below(2) == 0) {
        last = api.add_friend(*b, *a).await.is(201).header("last-event").to_owned();
        network.add(*a, *b);
    }
    Made { api, ids, network, last: format!("{last},user:{last_person}") }
}

impl Made {
    async fn compare(&self) {
        let after = format!("after={}", self.last);
        for (n, id) in self.ids.iter().enumerate() {
            let limit = [1000, 100, 10, 1][n % 4];
            let answer = self.api.recommendations(*id, &format!("limit={limit}&{after}")).await.is(200);
            assert_eq!(ranked(&answer.list()), self.network.recommend(*id, limit), "for {id}");
            let other = self.ids[(n * 7 + 1) % self.ids.len()];
            if other == *id {
                continue;
            }
            let answer = self.api.mutual_friends(*id, other, &after).await.is(200);
            let mutual: Vec<u64> = answer.list().iter().map(|user| user["id"].as_u64().unwrap()).collect();
            assert_eq!(mutual, self.network.mutual(*id, other), "of {id} and {other}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dense_network_is_answered_exactly() {
    make(shared_api(), 1, 60, 900).await.compare().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_of_a_few_hundred_is_answered_exactly() {
    make(shared_api(), 2, 300, 1500).await.compare().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sparse_network_is_answered_exactly() {
    make(shared_api(), 3, 200, 150).await.compare().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_starts_anew_answers_the_same() {
    let own = Own::start().await;
    let made = make(own.api(), 4, 80, 400).await;
    made.compare().await;
    own.restart(dev::Part::Worker).await.unwrap();
    made.compare().await;
    let of_the_log = Network::of_the_log(&mut own.store().await).await;
    assert_eq!(of_the_log.friendships(), made.network.friendships());
}
