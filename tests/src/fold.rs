//! Folds both logs with the domain's own `apply` and compares the outcome with every key that a command writes:
//! no event without its state, no state without its event, to the byte.

use std::collections::{BTreeMap, BTreeSet};

use domain::event::{Event, Stream};
use domain::{Current, Friendship, Pair, User};

use crate::log;
use crate::store::{Store, ask, keys, strings};

/// Panics with the differences, if there are any.
pub async fn check(store: &mut Store) {
    ids_are_unique(store).await;
    check_users(store).await;
    check_friendships(store).await;
}

/// Every event's id is a UUIDv7 of its own, and every position is newer than the one before.
async fn ids_are_unique(store: &mut Store) {
    let mut ids = BTreeSet::new();
    for stream in Stream::ALL {
        for entry in log::all(store, stream).await {
            let id = entry.decode().id;
            assert!(is_uuid_v7(&id), "{id}");
            assert!(ids.insert(id), "twice: {entry:?}");
        }
    }
}

pub fn is_uuid_v7(id: &str) -> bool {
    let parts: Vec<&str> = id.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let hex = id.bytes().all(|b| b == b'-' || b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    lengths == [8, 4, 4, 4, 12] && hex && parts[2].starts_with('7') && parts[3].starts_with(['8', '9', 'a', 'b'])
}

async fn check_users(store: &mut Store) {
    let mut users: BTreeMap<u64, Current<User>> = BTreeMap::new();
    let mut last_id = 0;
    for entry in log::all(store, Stream::User).await {
        let recorded = entry.decode();
        let Event::User(event) = &recorded.event else { panic!("{entry:?}") };
        let id = event.user().id.get();
        let before = users.remove(&id).unwrap_or_default();
        if before.data.is_none() {
            assert_eq!((entry.field("type"), id), ("USER_CREATED", last_id + 1), "ids go up by one: {entry:?}");
            last_id = id;
        } else {
            assert_eq!(entry.field("type"), "USER_UPDATED", "created twice: {entry:?}");
        }
        let now = before.then(recorded.position, event);
        assert_eq!(now.version, recorded.version, "versions go up by one: {entry:?}");
        users.insert(id, now);
    }
    let folded = users.iter().map(|(id, current)| (format!("user:{id}"), json(current))).collect();
    let stored =
        strings(&mut store.user, "user:*", |key| key == "user:last-id" || key.starts_with("user:idempotency:"));
    same("users", &folded, &stored.await);
    let counter: Option<u64> = ask(&mut store.user, "GET user:last-id").await;
    assert_eq!(counter.unwrap_or(0), last_id, "user:last-id");
}

async fn check_friendships(store: &mut Store) {
    let mut friendships: BTreeMap<Pair, Current<Friendship>> = BTreeMap::new();
    let mut last_id = 0;
    for entry in log::all(store, Stream::Friend).await {
        let recorded = entry.decode();
        let Event::Friendship(event) = &recorded.event else { panic!("{entry:?}") };
        let friendship = event.friendship();
        let pair = Pair::new(friendship.user_id, friendship.friend_id).expect("two people");
        let before = friendships.remove(&pair).unwrap_or_default();
        match &before.data {
            None => {
                let expected = ("FRIEND_ADDED", last_id + 1);
                assert_eq!((entry.field("type"), friendship.id.get()), expected, "ids go up by one: {entry:?}");
                last_id = friendship.id.get();
            }
            Some(current) => {
                assert_eq!(entry.field("type"), "FRIEND_REMOVED", "added twice: {entry:?}");
                assert_eq!(current.id, friendship.id, "another friendship was removed: {entry:?}");
            }
        }
        let now = before.then(recorded.position, event);
        assert_eq!(now.version, recorded.version, "versions go up by one: {entry:?}");
        friendships.insert(pair, now);
    }
    let mut folded: BTreeMap<String, String> = BTreeMap::new();
    let mut lists: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for (pair, current) in &friendships {
        folded.insert(format!("friendship:{pair}"), json(current));
        let Some(friendship) = &current.data else { continue };
        folded.insert(format!("friendship:id:{}", friendship.id), pair.to_string());
        for (of, friend) in [(pair.low(), pair.high()), (pair.high(), pair.low())] {
            let list = lists.entry(format!("friends:{of}")).or_default();
            list.insert(friend.to_string(), friendship.id.to_string());
        }
    }
    let stored = strings(&mut store.friend, "friendship:*", |key| key == "friendship:last-id").await;
    same("friendships", &folded, &stored);
    same("lists of friends", &lists, &stored_lists(store).await);
    let counter: Option<u64> = ask(&mut store.friend, "GET friendship:last-id").await;
    assert_eq!(counter.unwrap_or(0), last_id, "friendship:last-id");
}

async fn stored_lists(store: &mut Store) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut lists = BTreeMap::new();
    for key in keys(&mut store.friend, "friends:*").await {
        let words: Vec<String> = ask(&mut store.friend, &format!("ZRANGE {key} 0 -1 WITHSCORES")).await;
        let list = words.as_chunks::<2>().0.iter().map(|[friend, id]| (friend.clone(), id.clone())).collect();
        lists.insert(key, list);
    }
    lists
}

fn json(current: &impl serde::Serialize) -> String {
    serde_json::to_string(current).expect("states are JSON")
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, folded: &BTreeMap<String, T>, stored: &BTreeMap<String, T>) {
    let keys: BTreeSet<&String> = folded.keys().chain(stored.keys()).collect();
    let differences: Vec<String> = keys
        .into_iter()
        .filter(|key| folded.get(*key) != stored.get(*key))
        .map(|key| format!("{key}: the log folds to {:?}, stored is {:?}", folded.get(key), stored.get(key)))
        .collect();
    assert!(differences.is_empty(), "{what}: {differences:#?}");
}
