//! Appending: one atomic script a command.

use domain::{Current, Pair, Timestamp, UserId, Version, event::Event, event::Stream};
use serde::de::DeserializeOwned;

use crate::{
    Error, Redis, Value, keys,
    script::{APPEND_FRIENDSHIP, APPEND_USER, Again},
};

/// How long an answer is remembered under its Idempotency-Key: 24 hours. The scripts have the same figure.
const REMEMBER_MS: &str = "86400000";

/// Where the scripts are told how long ago they may have been sent before.
const RESENT: usize = 9;

/// An event about to be recorded. An unallocated id in it is allocated by the append.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// A UUIDv7, new for each attempt of a client: an append that is sent again over a new connection is known by it.
    pub id: &'a str,
    pub time: Timestamp,
    /// W3C trace context of the request, if it carried one.
    pub traceparent: Option<&'a str>,
    /// The version that the decision was made on.
    pub expected: Version,
    pub event: &'a Event,
}

/// A client's Idempotency-Key and the request, in one line, that it stands for.
#[derive(Debug, Clone, Copy)]
pub struct Idempotency<'a> {
    pub key: &'a str,
    pub request: &'a str,
}

/// What an append comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply<T> {
    Recorded(Current<T>),
    /// Nothing was written: the version is not the expected one, or the replica of people lacks some. Decide again.
    Refused {
        current: Current<T>,
        unknown: Vec<UserId>,
    },
    /// This key and request had an answer already.
    Answered(Outcome<T>),
    /// This key was used for another request.
    KeyReused,
}

/// The answer to a command, as an Idempotency-Key remembers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<T> {
    Done(Current<T>),
    /// The name of the refusal.
    Rejected(String),
}

/// Appends a user event. Errors: Redis away, or refusing.
pub async fn user(
    redis: &impl Redis,
    entry: Entry<'_>,
    idempotency: Option<Idempotency<'_>>,
) -> Result<Reply<domain::User>, Error> {
    let texts = Texts::new(Stream::User, entry, idempotency);
    reply(&APPEND_USER.run(redis, &texts.keys(), &texts.arguments(entry), Again::Saying(RESENT)).await?)
}

/// Appends a friendship event. `check` names the people whom the replica must know for it.
pub async fn friendship(
    redis: &impl Redis,
    pair: Pair,
    entry: Entry<'_>,
    check: &[UserId],
    idempotency: Option<Idempotency<'_>>,
) -> Result<Reply<domain::Friendship>, Error> {
    let texts = Texts::new(Stream::Friend, entry, idempotency);
    let (low, high) = (pair.low().to_string(), pair.high().to_string());
    let flag = |person| if check.contains(&person) { "1" } else { "0" };
    let mut arguments = texts.arguments(entry);
    arguments.extend([low.as_str(), high.as_str(), flag(pair.low()), flag(pair.high())]);
    reply(&APPEND_FRIENDSHIP.run(redis, &texts.keys(), &arguments, Again::Saying(RESENT)).await?)
}

/// Remembers a refusal under its Idempotency-Key, unless the key has an answer already.
pub async fn remember_rejection(
    redis: &impl Redis,
    stream: Stream,
    idempotency: Idempotency<'_>,
    rejection: &str,
) -> Result<(), Error> {
    let record = format!("{}\n-{rejection}", idempotency.request);
    let words = [&keys::idempotency(stream, idempotency.key), record.as_str(), "NX", "PX", REMEMBER_MS];
    redis.repeat("SET", words.iter().map(|word| word.as_bytes().to_vec()).collect()).await?;
    Ok(())
}

/// What an idempotency record says to this request: None where it is another request's.
pub(crate) fn answered<T: DeserializeOwned>(record: &str, request: &str) -> Result<Reply<T>, Error> {
    match record.split_once('\n') {
        Some((of, outcome)) if of == request => outcome_from(outcome).map(Reply::Answered),
        _ => Ok(Reply::KeyReused),
    }
}

/// The strings that an append sends, kept while they are borrowed.
struct Texts<'a> {
    stream: Stream,
    bell: String,
    memory: String,
    expected: String,
    subject: String,
    time: String,
    data: String,
    request: &'a str,
}

impl<'a> Texts<'a> {
    fn new(stream: Stream, entry: Entry<'_>, idempotency: Option<Idempotency<'a>>) -> Self {
        Self {
            stream,
            bell: keys::bell(stream),
            memory: idempotency.map(|i| keys::idempotency(stream, i.key)).unwrap_or_default(),
            expected: entry.expected.to_string(),
            subject: entry.event.subject(),
            time: entry.time.to_string(),
            data: entry.event.data(),
            request: idempotency.map_or("", |i| i.request),
        }
    }

    fn keys(&self) -> [&str; 3] {
        [self.stream.key(), &self.bell, &self.memory]
    }

    fn arguments<'b>(&'b self, entry: Entry<'b>) -> Vec<&'b str> {
        vec![
            &self.expected,
            entry.id,
            self.stream.source(),
            entry.event.kind(),
            &self.subject,
            &self.time,
            entry.traceparent.unwrap_or_default(),
            &self.data,
            self.request,
            "",
        ]
    }
}

fn reply<T: DeserializeOwned>(values: &[Value]) -> Result<Reply<T>, Error> {
    let text = |index: usize| values.get(index).map_or(Ok(""), Value::text);
    match text(0)? {
        "recorded" => Ok(Reply::Recorded(current(text(1)?)?)),
        "refused" => {
            let unknown = values
                .iter()
                .skip(2)
                .map(|id| id.text()?.parse().map_err(|_| Error::Reply(format!("{id:?} is no person id"))));
            Ok(Reply::Refused { current: current(text(1)?)?, unknown: unknown.collect::<Result<_, _>>()? })
        }
        "replayed" => outcome_from(text(1)?).map(Reply::Answered),
        "reused" => Ok(Reply::KeyReused),
        other => Err(Error::Reply(format!("append answered {other:?}"))),
    }
}

fn outcome_from<T: DeserializeOwned>(outcome: &str) -> Result<Outcome<T>, Error> {
    match outcome.split_at_checked(1) {
        Some(("+", state)) => Ok(Outcome::Done(current(state)?)),
        Some(("-", rejection)) => Ok(Outcome::Rejected(rejection.to_owned())),
        _ => Err(Error::Reply(format!("idempotency record {outcome:?}"))),
    }
}

/// Reads a stored state; an empty one is an aggregate without events.
pub(crate) fn current<T: DeserializeOwned>(json: &str) -> Result<Current<T>, Error> {
    if json.is_empty() {
        return Ok(Current::default());
    }
    serde_json::from_str(json).map_err(|e| Error::Reply(format!("state {json:?}: {e}")))
}
