//! Events as the log holds them: stream entries whose fields are CloudEvents 1.0 attributes
//! (<https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md>).
//!
//! A reader skips fields that it does not know and refuses a type that it does not know. The shape of `data` has a version of
//! its own, `dataschema` (absent: 1). Events are never rewritten: when a shape changes, [`decode`] gets one more arm that
//! lifts the old shape to the new one (upcasting), and a golden file in `tests/golden` keeps the old one readable for ever.

use std::fmt;

use serde::de::DeserializeOwned;

use crate::{Friendship, Pair, StreamPosition, Timestamp, User, Version, canonical, friendship, user};

/// The two logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    User,
    Friend,
}

impl Stream {
    pub const ALL: [Stream; 2] = [Stream::User, Stream::Friend];

    /// As clients name it, in paths and in `Last-Event`.
    pub fn name(self) -> &'static str {
        match self {
            Stream::User => "user",
            Stream::Friend => "friend",
        }
    }

    /// Its key in Redis, and the channel of its doorbell. `XRANGE events:user - + COUNT 3`
    pub fn key(self) -> &'static str {
        match self {
            Stream::User => "events:user",
            Stream::Friend => "events:friend",
        }
    }

    /// The CloudEvents `source` of its events.
    pub fn source(self) -> &'static str {
        match self {
            Stream::User => "/user",
            Stream::Friend => "/friend",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stream| stream.name() == name)
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something that has happened, of either kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    User(user::Event),
    Friendship(friendship::Event),
}

/// An event with its place in the log and what else its entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    pub stream: Stream,
    pub position: StreamPosition,
    /// A UUIDv7.
    pub id: String,
    pub version: Version,
    pub time: Timestamp,
    pub traceparent: Option<String>,
    pub event: Event,
}

/// The same, with texts that lie in the entry: for who reads millions and keeps few. Only names are copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedRef<'a> {
    pub stream: Stream,
    pub position: StreamPosition,
    pub id: &'a str,
    pub version: Version,
    pub time: Timestamp,
    pub traceparent: Option<&'a str>,
    pub event: Event,
}

/// Why an entry is no event that we know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undecodable {
    #[error("field {0} is missing")]
    Missing(&'static str),
    #[error("field {0} is not readable: {1}")]
    Field(&'static str, String),
    #[error("type {0:?} is not known on stream {1}")]
    Type(String, Stream),
    #[error("data of schema {0:?} is not known, only 1 is")]
    Schema(String),
    #[error("data is not readable: {0}")]
    Data(String),
    #[error("subject {0:?} is not the one of the data, {1:?}")]
    Subject(String, String),
    #[error("somebody is their own friend: {0}")]
    Oneself(u64),
}

/// Reads `data` of an event `kind` (the `type` attribute) whose shape is `schema` (`dataschema`; absent: 1).
pub fn decode(stream: Stream, kind: &str, schema: Option<&str>, data: &[u8]) -> Result<Event, Undecodable> {
    if schema.is_some_and(|schema| schema != "1") {
        return Err(Undecodable::Schema(schema.unwrap_or_default().to_owned()));
    }
    match (stream, kind) {
        (Stream::User, "USER_CREATED") => Ok(Event::User(user::Event::Created(person(data)?))),
        (Stream::User, "USER_UPDATED") => Ok(Event::User(user::Event::Updated(person(data)?))),
        (Stream::Friend, "FRIEND_ADDED") => Ok(Event::Friendship(friendship::Event::Added(friends(data)?))),
        (Stream::Friend, "FRIEND_REMOVED") => Ok(Event::Friendship(friendship::Event::Removed(friends(data)?))),
        _ => Err(Undecodable::Type(kind.to_owned(), stream)),
    }
}

fn parse<T: DeserializeOwned>(data: &[u8]) -> Result<T, Undecodable> {
    serde_json::from_slice(data).map_err(|e| Undecodable::Data(e.to_string()))
}

fn person(data: &[u8]) -> Result<User, Undecodable> {
    canonical::user(data).map_or_else(|| parse(data), Ok)
}

fn friends(data: &[u8]) -> Result<Friendship, Undecodable> {
    let friendship: Friendship = canonical::friendship(data).map_or_else(|| parse(data), Ok)?;
    match Pair::new(friendship.user_id, friendship.friend_id) {
        Some(_) => Ok(friendship),
        None => Err(Undecodable::Oneself(friendship.user_id.get())),
    }
}

impl Event {
    pub fn stream(&self) -> Stream {
        match self {
            Event::User(_) => Stream::User,
            Event::Friendship(_) => Stream::Friend,
        }
    }

    /// The CloudEvents `type`.
    pub fn kind(&self) -> &'static str {
        match self {
            Event::User(user::Event::Created(_)) => "USER_CREATED",
            Event::User(user::Event::Updated(_)) => "USER_UPDATED",
            Event::Friendship(friendship::Event::Added(_)) => "FRIEND_ADDED",
            Event::Friendship(friendship::Event::Removed(_)) => "FRIEND_REMOVED",
        }
    }

    /// The CloudEvents `subject`: which aggregate. Meaningless while a user's id is unallocated.
    pub fn subject(&self) -> String {
        let mut subject = String::new();
        self.write_subject(&mut subject).expect("a string takes everything");
        subject
    }

    fn write_subject(&self, out: &mut impl fmt::Write) -> fmt::Result {
        match self {
            Event::User(event) => write!(out, "user/{}", event.user().id),
            Event::Friendship(event) => {
                let Friendship { user_id, friend_id, .. } = event.friendship();
                write!(out, "friendship/{}-{}", user_id.min(friend_id), user_id.max(friend_id))
            }
        }
    }

    /// The `data` attribute, as JSON.
    pub fn data(&self) -> String {
        let json = match self {
            Event::User(event) => serde_json::to_string::<User>(event.user()),
            Event::Friendship(event) => serde_json::to_string::<Friendship>(event.friendship()),
        };
        json.expect("ids, names and times are always JSON")
    }
}

impl Recorded {
    /// Reads a stream entry. Unknown fields are skipped; of a repeated field the last one counts.
    pub fn from_fields<'a>(
        stream: Stream,
        position: StreamPosition,
        fields: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Result<Self, Undecodable> {
        RecordedRef::from_fields(stream, position, fields).map(Self::from)
    }
}

impl From<RecordedRef<'_>> for Recorded {
    fn from(read: RecordedRef<'_>) -> Self {
        let RecordedRef { stream, position, id, version, time, traceparent, event } = read;
        let (id, traceparent) = (id.to_owned(), traceparent.map(str::to_owned));
        Self { stream, position, id, version, time, traceparent, event }
    }
}

impl<'a> RecordedRef<'a> {
    /// As [`Recorded::from_fields`].
    pub fn from_fields(
        stream: Stream,
        position: StreamPosition,
        fields: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Result<Self, Undecodable> {
        let mut entry = Entry::default();
        for (name, value) in fields {
            match name {
                b"id" => entry.id = Some(value),
                b"type" => entry.kind = Some(value),
                b"subject" => entry.subject = Some(value),
                b"version" => entry.version = Some(value),
                b"time" => entry.time = Some(value),
                b"traceparent" => entry.traceparent = Some(value),
                b"dataschema" => entry.schema = Some(value),
                b"data" => entry.data = Some(value),
                _ => {}
            }
        }
        entry.read(stream, position)
    }
}

#[derive(Default)]
struct Entry<'a> {
    id: Option<&'a [u8]>,
    kind: Option<&'a [u8]>,
    subject: Option<&'a [u8]>,
    version: Option<&'a [u8]>,
    time: Option<&'a [u8]>,
    traceparent: Option<&'a [u8]>,
    schema: Option<&'a [u8]>,
    data: Option<&'a [u8]>,
}

impl<'a> Entry<'a> {
    fn read(self, stream: Stream, position: StreamPosition) -> Result<RecordedRef<'a>, Undecodable> {
        let kind = text("type", self.kind)?;
        let schema = self.schema.map(|schema| text("dataschema", Some(schema))).transpose()?;
        let data = self.data.ok_or(Undecodable::Missing("data"))?;
        let event = decode(stream, kind, schema, data)?;
        let subject = text("subject", self.subject)?;
        if !Unsaid::all_of(subject, &event) {
            return Err(Undecodable::Subject(subject.to_owned(), event.subject()));
        }
        let version = text("version", self.version)?;
        let time = text("time", self.time)?;
        Ok(RecordedRef {
            stream,
            position,
            id: text("id", self.id)?,
            version: Version(version.parse().map_err(|_| Undecodable::Field("version", version.to_owned()))?),
            time: time.parse().map_err(|_| Undecodable::Field("time", time.to_owned()))?,
            traceparent: self.traceparent.and_then(|t| std::str::from_utf8(t).ok()),
            event,
        })
    }
}

/// What of a text has not been written to it yet: compares without writing anything down.
struct Unsaid<'a>(&'a str);

impl Unsaid<'_> {
    fn all_of(subject: &str, event: &Event) -> bool {
        let mut unsaid = Unsaid(subject);
        event.write_subject(&mut unsaid).is_ok() && unsaid.0.is_empty()
    }
}

impl fmt::Write for Unsaid<'_> {
    fn write_str(&mut self, said: &str) -> fmt::Result {
        self.0 = self.0.strip_prefix(said).ok_or(fmt::Error)?;
        Ok(())
    }
}

fn text<'a>(name: &'static str, value: Option<&'a [u8]>) -> Result<&'a str, Undecodable> {
    std::str::from_utf8(value.ok_or(Undecodable::Missing(name))?)
        .map_err(|_| Undecodable::Field(name, "not UTF-8".to_owned()))
}
