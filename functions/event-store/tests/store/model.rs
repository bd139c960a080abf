//! What the read models must hold: the log, folded in memory by other means than the store's.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Recorded, StreamPosition, Timestamp, User, UserId, event::Event, event::Stream, friendship, user};
use event_store::{
    native::NativeRedis,
    project::{Projection, Stores, catch_up},
    read, views,
};

use crate::given::{AT, at, person};

/// More than any test writes, for one page.
const EVERYTHING: usize = 100_000;

/// Everything readable in both streams.
#[derive(Debug, Default, PartialEq)]
pub struct Model {
    pub users: BTreeMap<UserId, User>,
    pub friendships: i64,
    /// New users and new friendships, by the minute's beginning.
    pub minutes: BTreeMap<u64, (i64, i64)>,
    /// What concerns a person, oldest first: in the same millisecond people come before friendships.
    pub activity: BTreeMap<UserId, BTreeSet<Line>>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    millis: u64,
    stream: Stream,
    seq: u64,
    kind: &'static str,
}

impl Line {
    /// As a timeline has it: `user:<position>`, and the type.
    pub fn event_and_type(&self) -> (String, String) {
        (format!("{}:{}-{}", self.stream, self.millis, self.seq), self.kind.to_owned())
    }
}

impl Model {
    /// Of what the log holds now.
    pub async fn of(redis: &NativeRedis) -> Self {
        let mut model = Self::default();
        for stream in Stream::ALL {
            for entry in read::entries(redis, stream, StreamPosition::START, EVERYTHING).await.unwrap() {
                if let Ok(event) = entry.decode() {
                    model.add(&event);
                }
            }
        }
        model
    }

    pub fn add(&mut self, event: &Recorded) {
        let millis = event.time.as_millis();
        let minute = self.minutes.entry(millis - millis % 60_000).or_default();
        match &event.event {
            Event::User(user::Event::Created(_)) => minute.0 += 1,
            Event::User(user::Event::Updated(_)) => {}
            Event::Friendship(friendship::Event::Added(_)) => {
                (minute.1, self.friendships) = (minute.1 + 1, self.friendships + 1)
            }
            Event::Friendship(friendship::Event::Removed(_)) => self.friendships -= 1,
        }
        match &event.event {
            Event::User(changed) => {
                self.users.insert(changed.user().id, changed.user().clone());
                self.concerns(changed.user().id, event);
            }
            Event::Friendship(changed) => {
                self.concerns(changed.friendship().user_id, event);
                self.concerns(changed.friendship().friend_id, event);
            }
        }
    }

    fn concerns(&mut self, id: UserId, event: &Recorded) {
        let domain::StreamPosition { millis, seq } = event.position;
        let line = Line { millis, stream: event.stream, seq, kind: event.event.kind() };
        self.activity.entry(id).or_default().insert(line);
    }
}

/// A projection, and whether what queries see of it is what the model says.
pub trait Shown: Projection + Send + Sync + 'static {
    const STREAMS: &'static [Stream];

    fn agrees(redis: &NativeRedis, model: &Model) -> impl Future<Output = ()> + Send;
}

/// Answers a ring.
pub async fn ring<P: Shown>(redis: &NativeRedis) -> usize {
    let sources: Vec<_> = P::STREAMS.iter().map(|stream| (*stream, redis)).collect();
    catch_up::<P, _>(&Stores { sources: &sources, target: redis }, at(0)).await.expect("Redis is there")
}

impl Shown for event_store::project::people::People {
    const STREAMS: &'static [Stream] = &[Stream::User];

    async fn agrees(redis: &NativeRedis, model: &Model) {
        let last = model.users.keys().next_back().map_or(0, |id| id.get());
        for id in 1..=last + 3 {
            let known = read::knows_person(redis, person(id)).await.unwrap();
            assert_eq!(known, model.users.contains_key(&person(id)), "person {id}");
        }
    }
}

impl Shown for event_store::project::directory::Directory {
    const STREAMS: &'static [Stream] = &[Stream::User];

    async fn agrees(redis: &NativeRedis, model: &Model) {
        let page = views::directory(redis, "", None, EVERYTHING).await.unwrap();
        assert_eq!(page.items.len(), model.users.len());
        let shown: BTreeMap<UserId, User> = page.items.into_iter().map(|user| (user.id, user)).collect();
        assert_eq!(shown, model.users);
    }
}

impl Shown for event_store::project::activity::Activity {
    const STREAMS: &'static [Stream] = &Stream::ALL;

    async fn agrees(redis: &NativeRedis, model: &Model) {
        for (id, entries) in &model.activity {
            let page = views::activity(redis, *id, None, EVERYTHING).await.unwrap().expect("they are known");
            let shown: Vec<(String, String)> = page.items.iter().map(|line| event_and_type(line)).collect();
            let wanted: Vec<_> = entries.iter().rev().map(Line::event_and_type).collect();
            assert_eq!(shown, wanted, "person {id}");
        }
        let nobody = model.users.keys().next_back().map_or(1, |id| id.get() + 1_000);
        assert_eq!(views::activity(redis, person(nobody), None, 10).await.unwrap(), None);
    }
}

/// Of a line of a timeline.
pub fn event_and_type(line: &str) -> (String, String) {
    let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
    let text = |name: &str| line[name].as_str().expect("a text").to_owned();
    (text("event"), text("type"))
}

impl Shown for event_store::project::stats::Stats {
    const STREAMS: &'static [Stream] = &Stream::ALL;

    async fn agrees(redis: &NativeRedis, model: &Model) {
        // All of a day around the events.
        let stats = views::stats(redis, Timestamp::from_millis(AT + 82_800_000), 1440).await.unwrap();
        assert_eq!(stats.users, model.users.len() as i64);
        assert_eq!(stats.friendships, model.friendships);
        let shown = stats.per_minute.iter().filter(|minute| (minute.new_users, minute.new_friendships) != (0, 0));
        let shown: Vec<_> =
            shown.map(|minute| (minute.minute.as_millis(), (minute.new_users, minute.new_friendships))).collect();
        let wanted = model.minutes.iter().filter(|(_, counts)| **counts != (0, 0));
        assert_eq!(shown, wanted.map(|(minute, counts)| (*minute, *counts)).collect::<Vec<_>>());
        let last = (read::last(redis, Stream::User).await.unwrap(), read::last(redis, Stream::Friend).await.unwrap());
        assert_eq!(stats.last_events, last);
    }
}
