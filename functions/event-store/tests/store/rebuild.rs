//! A generation is built beside the live one and takes its place when it has come as far. Nobody sees half of it.

use std::{
    collections::BTreeMap,
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering},
};

use event_store::{
    native::NativeRedis,
    project::{Projection, activity::Activity, directory::Directory, generations, people::People, stats::Stats},
    views,
};

use crate::{
    given::{at, befriend, create},
    history,
    model::{Model, Shown, ring},
    server::{Server, ask, number, texts},
};

/// More than one ring builds.
const MANY: usize = 12_000;

pub async fn build<P: Projection>(redis: &NativeRedis, generation: &str) {
    ask(redis, "HSET", &[&format!("projection:{}", P::NAME), "building", generation]).await;
}

/// People numbered from 1 on, written as fast as Redis can.
async fn crowd(redis: &NativeRedis, people: usize) {
    let fill = r#"for id = 1, ARGV[1] do
        redis.call('XADD', 'events:user', '*', 'id', 'x' .. id, 'source', '/user', 'type', 'USER_CREATED', 'subject',
            'user/' .. id, 'version', 1, 'time', '2026-11-22T01:27:43.007Z', 'data', '{"id":' .. id .. ',"firstName":"N' .. id ..
            '","lastName":"L","createdAt":"2026-11-22T01:27:43.007Z","updatedAt":"2026-11-22T01:27:43.007Z"}')
    end
    redis.call('SET', 'user:last-id', ARGV[1])"#;
    ask(redis, "EVAL", &[fill, "0", &people.to_string()]).await;
}

/// What a generation holds, by key without the generation.
pub async fn contents(redis: &NativeRedis, name: &str, generation: &str) -> BTreeMap<String, Vec<String>> {
    let prefix = format!("{name}:{generation}:");
    let mut all = BTreeMap::new();
    for key in texts(redis, "KEYS", &[&format!("{prefix}*")]).await {
        let kind = texts(redis, "TYPE", &[&key]).await.remove(0);
        let value = match kind.as_str() {
            "zset" => texts(redis, "ZRANGE", &[&key, "0", "-1", "WITHSCORES"]).await,
            "hash" => {
                let words = texts(redis, "HGETALL", &[&key]).await;
                let mut fields: Vec<String> = words.chunks(2).map(|field| field.join(" = ")).collect();
                fields.sort();
                fields
            }
            // The bits that are set, not how long the string is that has them.
            "string" => vec![number(redis, "BITCOUNT", &[&key]).await.to_string()],
            other => panic!("{key} is a {other}"),
        };
        all.insert(key[prefix.len()..].to_owned(), value);
    }
    all
}

async fn beside_the_live_one<P: Shown>() {
    let server = Server::start();
    let redis = server.connect().await;
    history::make(&redis, 5, 300).await;
    ring::<P>(&redis).await;
    let live = contents(&redis, P::NAME, "1").await;
    assert!(!live.is_empty());

    build::<P>(&redis, "2").await;
    assert_eq!(generations::<P>(&redis).await.unwrap(), ("1".to_owned(), Some("2".to_owned())));
    ring::<P>(&redis).await;
    assert_eq!(generations::<P>(&redis).await.unwrap(), ("2".to_owned(), None));
    assert_eq!(contents(&redis, P::NAME, "2").await, live);
    // The old one stays as it was, and what is new goes into the new one.
    history::make(&redis, 6, 50).await;
    ring::<P>(&redis).await;
    assert_eq!(contents(&redis, P::NAME, "1").await, live);
    P::agrees(&redis, &Model::of(&redis).await).await;
}

#[tokio::test]
async fn people_beside_the_live_ones() {
    beside_the_live_one::<People>().await;
}

#[tokio::test]
async fn directory_beside_the_live_one() {
    beside_the_live_one::<Directory>().await;
}

#[tokio::test]
async fn activity_beside_the_live_one() {
    beside_the_live_one::<Activity>().await;
}

#[tokio::test]
async fn stats_beside_the_live_ones() {
    beside_the_live_one::<Stats>().await;
}

#[tokio::test]
async fn a_long_rebuild_takes_some_rings_and_shows_nothing_until_it_is_done() {
    let server = Server::start();
    let redis = server.connect().await;
    crowd(&redis, MANY).await;
    befriend(&redis, 1, 2).await;
    ring::<Stats>(&redis).await;
    let before = views::stats(&redis, at(0), 5).await.unwrap();
    assert_eq!((before.users, before.friendships), (MANY as i64, 1));

    build::<Stats>(&redis, "2").await;
    ring::<Stats>(&redis).await;
    // Some is there already, and it is not swapped in, although the friend stream has been read to its end.
    assert_eq!(generations::<Stats>(&redis).await.unwrap().1.as_deref(), Some("2"));
    let built: usize = texts(&redis, "HGET", &["stats:2:totals", "users"]).await[0].parse().unwrap();
    assert!(0 < built && built < MANY, "{built}");
    assert_eq!(views::stats(&redis, at(0), 5).await.unwrap(), before);
    // What happens meanwhile is in both.
    create(&redis, "Ada", "Lovelace").await;
    let mut rings = 0;
    while generations::<Stats>(&redis).await.unwrap().1.is_some() {
        ring::<Stats>(&redis).await;
        rings += 1;
        assert!(rings < 10, "it is done some time");
    }
    let after = views::stats(&redis, at(0), 5).await.unwrap();
    assert_eq!((after.users, after.friendships), (MANY as i64 + 1, 1));
    assert_eq!(contents(&redis, "stats", "2").await, contents(&redis, "stats", "1").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_during_a_rebuild_sees_what_was_there_before_and_is_there_after() {
    let server = Server::start();
    let redis = server.connect().await;
    crowd(&redis, 3_000).await;
    ring::<Directory>(&redis).await;
    let wanted = views::directory(&redis, "n29", None, 1_000).await.unwrap();
    assert_eq!(wanted.items.len(), 111);
    let done = Arc::new(AtomicBool::new(false));
    let asking = tokio::spawn({
        let (redis, done, wanted) = (server.connect().await, done.clone(), wanted.clone());
        async move {
            let mut asked = 0;
            while !done.load(Ordering::Relaxed) {
                assert_eq!(views::directory(&redis, "n29", None, 1_000).await.unwrap(), wanted);
                asked += 1;
            }
            asked
        }
    });
    for generation in ["2", "3", "4"] {
        build::<Directory>(&redis, generation).await;
        ring::<Directory>(&redis).await;
        assert_eq!(generations::<Directory>(&redis).await.unwrap(), (generation.to_owned(), None));
    }
    done.store(true, Ordering::Relaxed);
    assert!(asking.await.unwrap() > 3);
}

#[tokio::test]
async fn a_rebuild_mends_what_was_damaged() {
    let server = Server::start();
    let redis = server.connect().await;
    history::make(&redis, 9, 200).await;
    ring::<Stats>(&redis).await;
    ring::<People>(&redis).await;
    ask(&redis, "HSET", &["stats:1:totals", "users", "5000", "friendships", "-3"]).await;
    ask(&redis, "DEL", &["people:1:0"]).await;
    build::<Stats>(&redis, "2").await;
    build::<People>(&redis, "2").await;
    ring::<Stats>(&redis).await;
    ring::<People>(&redis).await;
    let model = Model::of(&redis).await;
    Stats::agrees(&redis, &model).await;
    People::agrees(&redis, &model).await;
}
