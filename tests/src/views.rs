//! The read models, compared with what the logs say they must hold.

use std::collections::BTreeMap;

use domain::event::{Event, Stream};
use domain::{friendship, user};
use redis::aio::MultiplexedConnection;

use crate::log::{self, Entry};
use crate::patience::{eventually, holds};
use crate::store::{Store, ask};

/// Waits until all four projections hold exactly what both logs say.
pub async fn all_right(store: &mut Store) {
    let users = log::all(store, Stream::User).await;
    let friends = log::all(store, Stream::Friend).await;
    let expected = Expected::of(users.iter().chain(&friends));
    let ends = [&users, &friends].map(|entries| entries.last().map(|entry| entry.position.clone()));
    for (name, streams) in [("people", 1), ("directory", 1), ("activity", 2), ("stats", 2)] {
        for (stream, end) in Stream::ALL.iter().zip(&ends).take(streams) {
            let Some(end) = end else { continue };
            caught_up(store, name, *stream, end).await;
        }
    }
    expected.check(store).await;
}

/// Waits until a projection has read as far as this.
pub async fn caught_up(store: &Store, name: &str, stream: Stream, end: &str) {
    let mut target = if name == "people" { store.friend.clone() } else { store.view.clone() };
    let command = format!("HGET projection:{name}:1:checkpoint {stream}");
    eventually(&format!("{name} reads {stream}"), async || {
        let at: Option<String> = ask(&mut target, &command).await;
        holds(at.as_deref() == Some(end), || format!("it is at {at:?}, the end is {end}"))
    })
    .await;
}

#[derive(Default)]
struct Expected {
    people: BTreeMap<u64, String>,
    timelines: BTreeMap<u64, usize>,
    friendships: i64,
    minutes: BTreeMap<(String, String), i64>,
}

impl Expected {
    fn of<'a>(entries: impl Iterator<Item = &'a Entry>) -> Self {
        let mut expected = Self::default();
        for entry in entries {
            // What cannot be read is among the dead letters, and counts nowhere.
            let fields = entry.fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
            if let Ok(recorded) = domain::Recorded::from_fields(entry.stream, entry.place(), fields) {
                expected.count(entry, &recorded.event);
            }
        }
        expected
    }

    fn count(&mut self, entry: &Entry, event: &Event) {
        let time = entry.field("time");
        let mut minute = |what: &str| {
            let day = format!("stats:1:minutes:{}", &time[..10]);
            *self.minutes.entry((day, format!("{} {what}", &time[11..16]))).or_default() += 1;
        };
        match event {
            Event::User(event) => {
                let id = event.user().id.get();
                if matches!(event, user::Event::Created(_)) {
                    minute("users");
                }
                self.people.insert(id, entry.field("data").to_owned());
                *self.timelines.entry(id).or_default() += 1;
            }
            Event::Friendship(event) => {
                match event {
                    friendship::Event::Added(_) => {
                        minute("friendships");
                        self.friendships += 1;
                    }
                    friendship::Event::Removed(_) => self.friendships -= 1,
                }
                for id in [event.friendship().user_id, event.friendship().friend_id] {
                    *self.timelines.entry(id.get()).or_default() += 1;
                }
            }
        }
    }

    async fn check(&self, store: &mut Store) {
        let totals: BTreeMap<String, i64> = ask(&mut store.view, "HGETALL stats:1:totals").await;
        let total = |name: &str| totals.get(name).copied().unwrap_or(0);
        assert_eq!(total("users"), self.people.len() as i64, "people in stats");
        assert_eq!(total("friendships"), self.friendships, "friendships in stats");
        for ((day, field), expected) in &self.minutes {
            let count: i64 =
                redis::cmd("HGET").arg(day).arg(field).query_async(&mut store.view).await.unwrap_or_default();
            assert_eq!(count, *expected, "{day} {field}");
        }
        let directory: BTreeMap<u64, String> = ask(&mut store.view, "HGETALL directory:1:people").await;
        assert_eq!(directory, self.people, "people in the directory");
        let index: usize = ask(&mut store.view, "ZCARD directory:1:index").await;
        assert_eq!(index, 2 * self.people.len(), "entries in the directory");
        for (id, expected) in &self.timelines {
            let count: usize = ask(&mut store.view, &format!("ZCARD activity:1:of:{id}")).await;
            assert_eq!(count, *expected, "timeline of {id}");
        }
        assert_eq!(people_known(&mut store.friend).await, self.people.len(), "people in the friend service's replica");
        for id in self.people.keys() {
            let bit: u8 = ask(&mut store.friend, &format!("GETBIT people:1:{} {}", id / 65536, id % 65536)).await;
            assert_eq!(bit, 1, "person {id} in the replica");
        }
    }
}

async fn people_known(friend: &mut MultiplexedConnection) -> usize {
    let mut known = 0;
    for key in crate::store::keys(friend, "people:1:*").await {
        known += ask::<usize>(friend, &format!("BITCOUNT {key}")).await;
    }
    known
}
