//! The plainest possible network of friends, to compare answers with.

use std::collections::{BTreeMap, BTreeSet};

use domain::event::{Event, Stream};
use domain::friendship;
use serde_json::Value;

use crate::log;
use crate::store::Store;

#[derive(Default)]
pub struct Network {
    friends: BTreeMap<u64, BTreeSet<u64>>,
}

impl Network {
    pub fn add(&mut self, a: u64, b: u64) -> bool {
        self.friends.entry(b).or_default().insert(a);
        self.friends.entry(a).or_default().insert(b)
    }

    pub fn remove(&mut self, a: u64, b: u64) -> bool {
        self.friends.entry(b).or_default().remove(&a);
        self.friends.entry(a).or_default().remove(&b)
    }

    /// What the log of friendships says.
    pub async fn of_the_log(store: &mut Store) -> Self {
        let mut network = Self::default();
        for entry in log::all(store, Stream::Friend).await {
            let Event::Friendship(event) = entry.decode().event else { panic!("{entry:?}") };
            let (a, b) = (event.friendship().user_id.get(), event.friendship().friend_id.get());
            match event {
                friendship::Event::Added(_) => assert!(network.add(a, b), "friends already: {entry:?}"),
                friendship::Event::Removed(_) => assert!(network.remove(a, b), "no friends: {entry:?}"),
            }
        }
        network
    }

    pub fn of(&self, person: u64) -> BTreeSet<u64> {
        self.friends.get(&person).cloned().unwrap_or_default()
    }

    pub fn friendships(&self) -> usize {
        self.friends.values().map(BTreeSet::len).sum::<usize>() / 2
    }

    pub fn mutual(&self, a: u64, b: u64) -> Vec<u64> {
        self.of(a).intersection(&self.of(b)).copied().collect()
    }

    /// Friends of friends who are neither, by mutual friends descending, then by id.
    pub fn recommend(&self, person: u64, limit: usize) -> Vec<(u64, u64)> {
        let own = self.of(person);
        let mut weights: BTreeMap<u64, u64> = BTreeMap::new();
        for other in own.iter().flat_map(|friend| self.of(*friend)) {
            if other != person && !own.contains(&other) {
                *weights.entry(other).or_default() += 1;
            }
        }
        let mut ranked: Vec<(u64, u64)> = weights.into_iter().collect();
        ranked.sort_by_key(|(id, weight)| (std::cmp::Reverse(*weight), *id));
        ranked.truncate(limit);
        ranked
    }
}

/// `[{"user":{"id":7,…},"weight":3}]` as id and weight.
pub fn ranked(list: &[Value]) -> Vec<(u64, u64)> {
    let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("no number: {list:?}"));
    list.iter().map(|one| (number(&one["user"]["id"]), number(&one["weight"]))).collect()
}
