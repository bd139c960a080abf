//! The logs of events, read and written without the system.

use domain::event::Stream;
use domain::{Recorded, StreamPosition};
use redis::Value;
use redis::aio::MultiplexedConnection;

use crate::random::Random;
use crate::store::Store;

/// Entries a read.
const PAGE: usize = 1000;

/// A stream entry with its fields in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub stream: Stream,
    pub position: String,
    pub fields: Vec<(String, String)>,
}

impl Entry {
    #[track_caller]
    pub fn field(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(field, _)| field == name);
        &found.unwrap_or_else(|| panic!("no field {name} in {self:?}")).1
    }

    pub fn place(&self) -> StreamPosition {
        self.position.parse().expect("a position")
    }

    pub fn data(&self) -> serde_json::Value {
        serde_json::from_str(self.field("data")).expect("JSON")
    }

    #[track_caller]
    pub fn decode(&self) -> Recorded {
        let fields = self.fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        Recorded::from_fields(self.stream, self.place(), fields).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// How many events there are.
pub async fn length(store: &mut Store, stream: Stream) -> usize {
    redis::cmd("XLEN").arg(stream.key()).query_async(store.holding(stream)).await.expect("XLEN")
}

/// Of both streams: what does not change while nothing happens.
pub async fn lengths(store: &mut Store) -> (usize, usize) {
    (length(store, Stream::User).await, length(store, Stream::Friend).await)
}

pub async fn all(store: &mut Store, stream: Stream) -> Vec<Entry> {
    after(store, stream, "0-0").await
}

pub async fn after(store: &mut Store, stream: Stream, position: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let from = entries.last().map_or(position, |entry| &entry.position);
        let mut command = redis::cmd("XRANGE");
        command.arg(stream.key()).arg(format!("({from}")).arg("+").arg("COUNT").arg(PAGE);
        let page: Vec<(String, Vec<String>)> =
            command.query_async(store.holding(stream)).await.expect("entries of text");
        let count = page.len();
        for (position, words) in page {
            let fields = words.as_chunks::<2>().0.iter().map(|[name, value]| (name.clone(), value.clone())).collect();
            entries.push(Entry { stream, position, fields });
        }
        if count < PAGE {
            return entries;
        }
    }
}

/// The entry that `Last-Event` names.
pub async fn named(store: &mut Store, last_event: &str) -> Option<Entry> {
    let (name, position) = last_event.split_once(':').expect("<stream>:<position>");
    let stream = Stream::from_name(name).expect("a stream");
    let mut command = redis::cmd("XRANGE");
    command.arg(stream.key()).arg(position).arg(position);
    let found: Vec<(String, Vec<String>)> = command.query_async(store.holding(stream)).await.expect("an entry");
    let (position, words) = found.into_iter().next()?;
    let fields = words.as_chunks::<2>().0.iter().map(|[name, value]| (name.clone(), value.clone())).collect();
    Some(Entry { stream, position, fields })
}

/// Those of one aggregate.
pub async fn about(store: &mut Store, stream: Stream, subject: &str) -> Vec<Entry> {
    let mut entries = all(store, stream).await;
    entries.retain(|entry| entry.field("subject") == subject);
    entries
}

/// Appends an entry as it is, without anybody being told. Its position is in the answer.
pub async fn append(connection: &mut MultiplexedConnection, stream: Stream, fields: &[(&str, &str)]) -> String {
    let mut command = redis::cmd("XADD");
    command.arg(stream.key()).arg("*");
    for (name, value) in fields {
        command.arg(*name).arg(*value);
    }
    command.query_async(connection).await.expect("XADD")
}

const AT: &str = "2026-11-22T01:27:43.123Z";

/// A person's first event, as the system writes it.
pub fn created(id: u64) -> Vec<(&'static str, String)> {
    let data =
        format!(r#"{{"id":{id},"firstName":"First{id}","lastName":"Last{id}","createdAt":"{AT}","updatedAt":"{AT}"}}"#);
    event("/user", "USER_CREATED", format!("user/{id}"), 1, data)
}

/// A friendship's event number `version`.
pub fn befriended(friendship: u64, of: u64, friend: u64, version: u64, removed: bool) -> Vec<(&'static str, String)> {
    let data =
        format!(r#"{{"id":{friendship},"userId":{of},"friendId":{friend},"createdAt":"{AT}","updatedAt":"{AT}"}}"#);
    let kind = if removed { "FRIEND_REMOVED" } else { "FRIEND_ADDED" };
    event("/friend", kind, format!("friendship/{}-{}", of.min(friend), of.max(friend)), version, data)
}

fn event(source: &str, kind: &str, subject: String, version: u64, data: String) -> Vec<(&'static str, String)> {
    let random = Random::new(version ^ data.len() as u64 ^ u64::from(subject.as_bytes()[subject.len() - 1])).number();
    let id = format!("019aa000-0000-7000-8000-{:012x}", random & 0xffff_ffff_ffff);
    vec![
        ("id", id),
        ("source", source.to_owned()),
        ("type", kind.to_owned()),
        ("subject", subject),
        ("version", version.to_string()),
        ("time", AT.to_owned()),
        ("data", data),
    ]
}

/// Appends many at once, in one pipeline a thousand.
pub async fn append_all(
    connection: &mut MultiplexedConnection,
    stream: Stream,
    events: &[Vec<(&'static str, String)>],
) -> Vec<String> {
    let mut positions = Vec::with_capacity(events.len());
    for some in events.chunks(PAGE) {
        let mut pipeline = redis::pipe();
        for event in some {
            let command = pipeline.cmd("XADD").arg(stream.key()).arg("*");
            for (name, value) in event {
                command.arg(*name).arg(value);
            }
        }
        let answers: Vec<Value> = pipeline.query_async(connection).await.expect("XADD");
        positions.extend(answers.into_iter().map(|value| redis::from_redis_value::<String>(value).expect("an id")));
    }
    positions
}
