//! A plain model of the network: who there is, and who are friends.

use std::collections::{BTreeMap, BTreeSet};

use domain::StreamPosition;
use redis::Commands;
use redis::streams::StreamRangeReply;
use serde_json::Value;

/// First name, last name, and time of creation.
pub type Details = (String, String, String);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// By id; nothing of those whom only a friendship names.
    pub people: BTreeMap<u64, Option<Details>>,
    /// The smaller id first.
    pub friendships: BTreeSet<(u64, u64)>,
}

impl Network {
    /// What the streams say up to these positions: a `Last-Event`.
    pub fn replay(redis: &mut redis::Connection, last_event: &str) -> Self {
        let mut network = Self::default();
        for part in last_event.split(',') {
            let (stream, last) = part.split_once(':').unwrap();
            let last: StreamPosition = last.parse().unwrap();
            let entries: StreamRangeReply = redis.xrange_all(format!("events:{stream}")).unwrap();
            for entry in entries.ids {
                if entry.id.parse::<StreamPosition>().unwrap() <= last {
                    let data: String = entry.get("data").unwrap();
                    network.apply(&entry.get::<String>("type").unwrap(), &serde_json::from_str(&data).unwrap());
                }
            }
        }
        network.name_friends();
        network
    }

    fn apply(&mut self, kind: &str, data: &Value) {
        let id = |field: &str| data[field].as_u64().unwrap();
        match kind {
            "FRIEND_ADDED" => drop(self.friendships.insert(pair(id("userId"), id("friendId")))),
            "FRIEND_REMOVED" => drop(self.friendships.remove(&pair(id("userId"), id("friendId")))),
            _ => drop(self.people.insert(id("id"), details(data))),
        }
    }

    /// Those whom only a friendship names are people as well.
    pub fn name_friends(&mut self) {
        for id in self.friendships.iter().flat_map(|&(a, b)| [a, b]) {
            self.people.entry(id).or_default();
        }
    }

    /// What an export as JSON says.
    pub fn from_json(text: &str) -> Self {
        let value: Value = serde_json::from_str(text).expect("JSON");
        let mut network = Self::default();
        for person in value["people"].as_array().unwrap() {
            let known = person["known"].as_bool().unwrap();
            assert_eq!(details(person).is_some(), known, "{person}");
            assert!(network.people.insert(person["id"].as_u64().unwrap(), details(person)).is_none(), "{person} twice");
        }
        for friendship in value["friendships"].as_array().unwrap() {
            let [a, b] = [0, 1].map(|end| friendship[end].as_u64().unwrap());
            assert!(a < b && network.friendships.insert((a, b)), "{friendship}: the smaller first, and not twice");
        }
        network
    }

    /// A person, everybody within so many steps, and all friendships among them.
    pub fn neighbourhood(&self, id: u64, steps: u8) -> Self {
        let mut members = BTreeSet::from([id]);
        for _ in 0..steps {
            let touched = self.friendships.iter().filter(|(a, b)| members.contains(a) || members.contains(b));
            let more: Vec<u64> = touched.flat_map(|&(a, b)| [a, b]).collect();
            members.extend(more);
        }
        let people = self.people.iter().filter(|(id, _)| members.contains(id));
        let inside = |(a, b): &&(u64, u64)| members.contains(a) && members.contains(b);
        Self {
            people: people.map(|(&id, details)| (id, details.clone())).collect(),
            friendships: self.friendships.iter().filter(inside).copied().collect(),
        }
    }
}

pub fn pair(a: u64, b: u64) -> (u64, u64) {
    (a.min(b), a.max(b))
}

fn details(data: &Value) -> Option<Details> {
    let field = |name: &str| data[name].as_str().map(str::to_owned);
    Some((field("firstName")?, field("lastName")?, field("createdAt")?))
}
