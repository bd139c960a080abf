//! A random history of commands; then everything that is stored is the fold of the log, byte for byte.

use std::collections::BTreeMap;

use domain::{
    Current, Friendship, FriendshipId, Pair, StreamPosition, User, UserId, Version,
    event::{Event, Stream},
    friendship, user,
};
use event_store::{Entry, Reply, append, native::NativeRedis, read};

use crate::{
    given::{at, event_id, name, person},
    random::Random,
    server::{Server, everything, get, texts},
};

/// Commands as handlers do them, at random: read, decide, append. Errors and refusals leave nothing behind, so they are no concern.
pub async fn make(redis: &NativeRedis, seed: u64, commands: u64) {
    let mut random = Random::new(seed);
    for n in 0..commands {
        // Clocks differ: time sometimes goes backwards.
        let now = at(n * 500 + random.below(90_000));
        let people: u64 = get(redis, "user:last-id").await.map_or(0, |last| last.parse().unwrap());
        match random.below(10) {
            0..3 => change(redis, &mut random, UserId::UNALLOCATED, now).await,
            3..5 if people > 0 => {
                let id = person(1 + random.below(people));
                change(redis, &mut random, id, now).await;
            }
            _ if people > 1 => befriend_or_part(redis, &mut random, people.min(12), now).await,
            _ => {}
        }
    }
}

async fn change(redis: &NativeRedis, random: &mut Random, id: UserId, now: domain::Timestamp) {
    const NAMES: [&str; 8] = ["Ada", "ada", "Łukasz", "\"quoted\"", "back\\slash", "名前", "O'Brien", "😀"];
    let (first_name, last_name) = (name(random.pick(&NAMES)), name(random.pick(&NAMES)));
    let new = id == UserId::UNALLOCATED;
    let current = if new { Current::default() } else { read::user(redis, id).await.unwrap() };
    let command = if new {
        user::Command::Create { id, first_name, last_name }
    } else {
        user::Command::Update { first_name, last_name }
    };
    let Ok(Some(event)) = user::decide(current.data.as_ref(), command, now) else { return };
    let event = Event::User(event);
    // Sometimes on a version that is out of date.
    let stale = if new { 0 } else { random.below(6) / 5 };
    let expected = Version(current.version.0 + stale);
    let entry = Entry { id: &event_id(), time: now, traceparent: None, expected, event: &event };
    let reply = append::user(redis, entry, None).await.unwrap();
    assert_eq!(matches!(reply, Reply::Recorded(_)), stale == 0, "{reply:?}");
}

async fn befriend_or_part(redis: &NativeRedis, random: &mut Random, people: u64, now: domain::Timestamp) {
    let (user_id, friend_id) = (person(1 + random.below(people)), person(1 + random.below(people)));
    let Some(pair) = Pair::new(user_id, friend_id) else { return };
    let current = read::friendship(redis, pair, None).await.unwrap().unwrap();
    let command = match random.below(3) {
        0 => friendship::Command::Remove,
        _ => friendship::Command::Add { id: FriendshipId::UNALLOCATED, user_id, friend_id },
    };
    let Ok(event) = friendship::decide(current.data.as_ref(), command, now) else { return };
    let event = Event::Friendship(event);
    let entry = Entry { id: &event_id(), time: now, traceparent: None, expected: current.version, event: &event };
    let reply = append::friendship(redis, pair, entry, &[], None).await.unwrap();
    assert!(matches!(reply, Reply::Recorded(_)), "{reply:?}");
}

/// The state of every aggregate, by key, as the domain folds the log.
async fn folded(redis: &NativeRedis) -> BTreeMap<String, String> {
    let mut users: BTreeMap<String, Current<User>> = BTreeMap::new();
    let mut friendships: BTreeMap<String, Current<Friendship>> = BTreeMap::new();
    for stream in Stream::ALL {
        for entry in read::entries(redis, stream, StreamPosition::START, 10_000).await.unwrap() {
            let event = entry.decode().unwrap();
            let subject = event.event.subject().replace('/', ":");
            match &event.event {
                Event::User(changed) => {
                    let state = users.entry(subject).or_default();
                    *state = std::mem::take(state).then(event.position, changed);
                    assert_eq!(state.version, event.version);
                }
                Event::Friendship(changed) => {
                    let state = friendships.entry(subject).or_default();
                    *state = std::mem::take(state).then(event.position, changed);
                    assert_eq!(state.version, event.version);
                }
            }
        }
    }
    let users = users.into_iter().map(|(key, state)| (key, serde_json::to_string(&state).unwrap()));
    let friendships = friendships.into_iter().map(|(key, state)| (key, serde_json::to_string(&state).unwrap()));
    users.chain(friendships).collect()
}

#[tokio::test]
async fn what_is_stored_is_the_fold_of_the_log() {
    for seed in [1, 2, 3] {
        let server = Server::start();
        let redis = server.connect().await;
        make(&redis, seed, 400).await;

        let states = folded(&redis).await;
        // What goes with a friendship as long as it lasts: its number, and both lists.
        let mut wanted = states.clone();
        let mut lists: BTreeMap<String, Vec<(u64, String)>> = BTreeMap::new();
        for (key, state) in states.iter().filter(|(key, _)| key.starts_with("friendship:")) {
            let Some(friendship) = serde_json::from_str::<Current<Friendship>>(state).unwrap().data else { continue };
            let number = friendship.id.get();
            wanted.insert(format!("friendship:id:{number}"), key["friendship:".len()..].to_owned());
            let (one, other) = (friendship.user_id, friendship.friend_id);
            lists.entry(format!("friends:{one}")).or_default().push((number, other.to_string()));
            lists.entry(format!("friends:{other}")).or_default().push((number, one.to_string()));
        }
        assert!(wanted.len() > 150 && lists.len() == 12, "the history is rich enough to prove something");

        for key in everything(&redis).await.into_keys() {
            if key.starts_with("friends:") {
                let mut list = lists.remove(&key).unwrap_or_else(|| panic!("seed {seed}: {key} has no friendship"));
                list.sort();
                let list: Vec<String> =
                    list.into_iter().flat_map(|(number, friend)| [friend, number.to_string()]).collect();
                assert_eq!(texts(&redis, "ZRANGE", &[&key, "0", "-1", "WITHSCORES"]).await, list, "seed {seed}: {key}");
            } else if !key.starts_with("events:") && !key.ends_with(":last-id") {
                assert_eq!(get(&redis, &key).await, wanted.remove(&key), "seed {seed}: {key}");
            }
        }
        assert!(lists.is_empty() && wanted.is_empty(), "seed {seed}: missing {lists:?} {wanted:?}");
    }
}
