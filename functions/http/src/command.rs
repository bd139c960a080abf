//! What every command needs beside its decision.

use domain::{Current, Timestamp, Version, event::Event, event::Stream};
use event_store::{Entry, Idempotency, Outcome};
use spin_sdk::wasip3::random::random::get_random_bytes;
use uuid::Builder;

use crate::{Problem, Request, now, parse};

/// A command's envelope: its event's id, its time, its trace, and its Idempotency-Key.
pub struct Command {
    pub now: Timestamp,
    event_id: String,
    traceparent: Option<String>,
    key: Option<String>,
    request: String,
}

impl Command {
    /// Reads the envelope. Errors: 400 for a key that is none.
    pub fn of(request: &Request) -> Result<Self, Problem> {
        let now = now();
        let random = get_random_bytes(10).try_into().expect("ten bytes were asked for");
        let event_id = Builder::from_unix_timestamp_millis(now.as_millis(), &random).into_uuid().to_string();
        let key = parse::idempotency_key(request)?;
        Ok(Self { now, event_id, traceparent: parse::traceparent(request), key, request: String::new() })
    }

    /// Says what is asked for, in one line that is the same whenever the same is asked for.
    pub fn asks(mut self, request: String) -> Self {
        self.request = request;
        self
    }

    pub fn entry<'a>(&'a self, expected: Version, event: &'a Event) -> Entry<'a> {
        let traceparent = self.traceparent.as_deref();
        Entry { id: &self.event_id, time: self.now, traceparent, expected, event }
    }

    pub fn idempotency(&self) -> Option<Idempotency<'_>> {
        self.key.as_deref().map(|key| Idempotency { key, request: &self.request })
    }

    /// Remembers a refusal under the Idempotency-Key, if there is one, so that the same request is refused again.
    pub async fn reject(
        &self,
        redis: &impl event_store::Redis,
        stream: Stream,
        rejection: &str,
    ) -> Result<(), Problem> {
        match self.idempotency() {
            Some(idempotency) => {
                Ok(event_store::append::remember_rejection(redis, stream, idempotency, rejection).await?)
            }
            None => Ok(()),
        }
    }
}

/// What a remembered outcome is: the state that the command led to, or the name of the refusal.
pub fn done_or_rejected<T>(outcome: Outcome<T>) -> Result<Current<T>, String> {
    match outcome {
        Outcome::Done(current) => Ok(current),
        Outcome::Rejected(rejection) => Err(rejection),
    }
}

/// 409: somebody else's command came first.
pub fn conflict() -> Problem {
    Problem::conflict("concurrent-change", "another command changed this at the same moment; read it and try again")
}
