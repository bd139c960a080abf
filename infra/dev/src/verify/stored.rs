//! What is stored, held against the fold.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Current, Friendship, event::Stream};
use event_store::{Value, native::NativeRedis, read};
use serde::{Serialize, de::DeserializeOwned};

use super::{Differences, fold::Folded};
use crate::{
    error::Result,
    rebuild::{command, failed, scan},
};

/// Keys read at a time.
const BATCH: usize = 1_000;

/// Compares each aggregate's stored state with its fold, and looks for states that no event accounts for.
pub async fn compare_states<T: Serialize + DeserializeOwned>(
    redis: &NativeRedis,
    folded: &Folded<T>,
    pattern: &str,
    differences: &mut Differences,
) -> Result<()> {
    let mut keys: BTreeSet<String> = scan(redis, pattern).await?.into_iter().collect();
    keys.extend(folded.states.keys().cloned());
    let keys: Vec<String> = keys.into_iter().collect();
    for keys in keys.chunks(BATCH) {
        let stored = command(redis, "MGET", keys.to_vec()).await?;
        for (key, stored) in keys.iter().zip(&stored) {
            let stored = stored.bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
            if stored.as_deref().is_some_and(|stored| is_newer::<T>(stored, folded)) {
                continue;
            }
            let expected = folded.states.get(key).map(|state| serde_json::to_string(state).expect("a state is JSON"));
            if stored != expected {
                let (stored, expected) = (stored.unwrap_or_default(), expected.unwrap_or_default());
                differences.add(format!("{key}\n    stored: {stored}\n    log:    {expected}"));
            }
        }
    }
    Ok(())
}

fn is_newer<T: DeserializeOwned>(stored: &str, folded: &Folded<T>) -> bool {
    serde_json::from_str::<Current<T>>(stored).is_ok_and(|stored| stored.last_event > folded.end)
}

/// Compares the friend lists and the numbers of friendships with the friendships that there are.
pub async fn compare_friend_lists(
    redis: &NativeRedis,
    folded: &Folded<Friendship>,
    differences: &mut Differences,
) -> Result<()> {
    let mut lists: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut numbers: BTreeMap<String, String> = BTreeMap::new();
    for (key, state) in &folded.states {
        let Some(friendship) = &state.data else { continue };
        let (user, friend, id) = (friendship.user_id, friendship.friend_id, friendship.id.to_string());
        lists.entry(format!("friends:{user}")).or_default().insert(friend.to_string(), id.clone());
        lists.entry(format!("friends:{friend}")).or_default().insert(user.to_string(), id.clone());
        numbers.insert(format!("friendship:id:{id}"), key.replacen("friendship:", "", 1));
    }

    let mut keys: BTreeSet<String> = scan(redis, "friends:*").await?.into_iter().collect();
    keys.extend(lists.keys().cloned());
    for key in keys {
        let stored = command(redis, "ZRANGE", [&key, "0", "-1", "WITHSCORES"].map(str::to_owned).to_vec()).await?;
        let text = |value: &Value| value.text().unwrap_or("?").to_owned();
        let stored: BTreeMap<String, String> =
            stored.as_chunks::<2>().0.iter().map(|[friend, id]| (text(friend), text(id))).collect();
        let expected = lists.get(&key).cloned().unwrap_or_default();
        for friend in stored.keys().chain(expected.keys()).collect::<BTreeSet<_>>() {
            let (stored, expected) = (stored.get(friend), expected.get(friend));
            if stored != expected && !changed_since(redis, &key, friend, folded).await? {
                differences.add(format!("{key} {friend}\n    stored: {stored:?}\n    log:    {expected:?}"));
            }
        }
    }

    let mut keys: BTreeSet<String> = scan(redis, "friendship:id:*").await?.into_iter().collect();
    keys.extend(numbers.keys().cloned());
    for key in keys {
        let stored = command(redis, "GET", vec![key.clone()]).await?;
        let stored = stored.first().and_then(Value::bytes).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let expected = numbers.get(&key);
        let pair = stored.as_ref().or(expected).and_then(|pair| pair.split_once('-'));
        let newer = match pair {
            Some((low, high)) => changed_since(redis, &format!("friends:{low}"), high, folded).await?,
            None => false,
        };
        if stored.as_ref() != expected && !newer {
            differences.add(format!("{key}\n    stored: {stored:?}\n    log:    {expected:?}"));
        }
    }
    Ok(())
}

/// Whether this friendship has had an event after the fold ended.
async fn changed_since(redis: &NativeRedis, list: &str, friend: &str, folded: &Folded<Friendship>) -> Result<bool> {
    let owner = list.trim_start_matches("friends:");
    let pair = match (owner.parse::<u64>(), friend.parse::<u64>()) {
        (Ok(a), Ok(b)) => format!("friendship:{}-{}", a.min(b), a.max(b)),
        _ => return Ok(false),
    };
    let stored = command(redis, "GET", vec![pair]).await?;
    let stored = stored.first().and_then(Value::bytes).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    Ok(stored.is_some_and(|stored| is_newer(&stored, folded)))
}

/// Compares the last allocated id with the largest one in the log: they move together.
pub async fn compare_counter<T>(
    redis: &NativeRedis,
    stream: Stream,
    key: &str,
    folded: &Folded<T>,
    differences: &mut Differences,
) -> Result<()> {
    let stored = command(redis, "GET", vec![key.to_owned()]).await?;
    let stored = stored.first().and_then(Value::bytes).and_then(|bytes| std::str::from_utf8(bytes).ok()?.parse().ok());
    let (stored, expected): (u64, u64) = (stored.unwrap_or(0), folded.largest_id.unwrap_or(0));
    let grown = read::last(redis, stream).await.map_err(failed)? > folded.end;
    if stored < expected || (stored > expected && !grown) {
        differences.add(format!("{key}\n    stored: {stored}\n    log:    {expected}"));
    }
    Ok(())
}
