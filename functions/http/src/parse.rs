//! What clients send, parsed once at the edge.

use domain::{InvalidId, Name, StreamPosition, event::Stream};
use serde::Deserialize;
use serde_json::Value;

use crate::{Problem, Request};

/// The longest Idempotency-Key.
const MAX_KEY: usize = 128;

/// An id in the path or the query.
pub fn id<T: std::str::FromStr<Err = InvalidId>>(name: &str, text: &str) -> Result<T, Problem> {
    text.parse().map_err(|e: InvalidId| Problem::bad_parameter(name, e.to_string()))
}

/// A query parameter that must be there and be an id.
pub fn id_parameter<T: std::str::FromStr<Err = InvalidId>>(request: &Request, name: &str) -> Result<T, Problem> {
    let text = request.query(name)?.ok_or_else(|| Problem::bad_parameter(name, "is missing from the query"))?;
    id(name, &text)
}

/// A number in the query, from `min` to `max`.
pub fn number(request: &Request, name: &str, default: usize, min: usize, max: usize) -> Result<usize, Problem> {
    let Some(text) = request.query(name)? else { return Ok(default) };
    let number = text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    number
        .filter(|n| (min..=max).contains(n))
        .ok_or_else(|| Problem::bad_parameter(name, format!("must be a number from {min} to {max}")))
}

/// A place in a stream: `1795310863007-0`, or with the stream's name before it, as `Last-Event` has it.
pub fn position(name: &str, stream: Stream, text: &str) -> Result<StreamPosition, Problem> {
    let text = match text.split_once(':') {
        Some((of, position)) if of == stream.name() => position,
        Some(_) => return Err(Problem::bad_parameter(name, format!("must be a position in the {stream} stream"))),
        None => text,
    };
    text.parse().map_err(|e: domain::InvalidPosition| Problem::bad_parameter(name, e.to_string()))
}

/// `Idempotency-Key`, if there is one.
pub fn idempotency_key(request: &Request) -> Result<Option<String>, Problem> {
    const NAME: &str = "Idempotency-Key";
    if !request.has_header("idempotency-key") {
        return Ok(None);
    }
    let key = request.header("idempotency-key").unwrap_or_default();
    let visible = !key.is_empty() && key.len() <= MAX_KEY && key.bytes().all(|b| (0x21..=0x7e).contains(&b));
    if visible {
        Ok(Some(key))
    } else {
        Err(Problem::bad_parameter(NAME, format!("must be 1 to {MAX_KEY} visible ASCII characters")))
    }
}

/// `traceparent`, if it is a valid one (<https://www.w3.org/TR/trace-context/>): an invalid one is as good as none.
pub fn traceparent(request: &Request) -> Option<String> {
    request.header("traceparent").filter(|text| is_traceparent(text))
}

fn is_traceparent(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let set = |part: &str| part.bytes().any(|b| b != b'0');
    matches!(parts[..], [version, trace, parent, flags]
        if hex(version, 2) && version != "ff" && hex(trace, 32) && set(trace) && hex(parent, 16) && set(parent) && hex(flags, 2))
}

/// A person as clients send one. Other fields are ignored, so that what was read can be sent back changed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PersonBody {
    pub id: Option<Value>,
    first_name: Option<Value>,
    last_name: Option<Value>,
}

impl PersonBody {
    /// First and last name. Errors: 422 that names each wrong field.
    pub fn names(&self) -> Result<(Name, Name), Problem> {
        let mut problem = Problem::invalid();
        let mut name = |field: &str, value: &Option<Value>| {
            let parsed = match value {
                None | Some(Value::Null) => Err("is missing".to_owned()),
                Some(Value::String(text)) => Name::parse(text).map_err(|e| e.to_string()),
                Some(_) => Err("must be a string".to_owned()),
            };
            parsed.map_err(|detail| problem = problem.clone().with_error(field, detail)).ok()
        };
        match (name("firstName", &self.first_name), name("lastName", &self.last_name)) {
            (Some(first), Some(last)) => Ok((first, last)),
            _ => Err(problem),
        }
    }
}
