//! What clients send, checked as functions/http checks it.

use std::time::SystemTime;

use domain::event::Event;
use domain::{InvalidId, Name, Timestamp, Version};
use event_store::{Entry, Idempotency};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use hyper::{Request, Uri};
use serde::Deserialize;
use serde_json::Value;
use serde_json::error::Category;
use uuid::Builder;

use super::problem::Problem;

const MAX_BODY: usize = 64 * 1024;
const MAX_KEY: usize = 128;

/// A command's envelope: its event's id, its time, its trace, and its Idempotency-Key.
pub struct Command {
    pub now: Timestamp,
    event_id: String,
    traceparent: Option<String>,
    key: Option<String>,
    request: String,
}

impl Command {
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let now: Timestamp = SystemTime::now().into();
        let random: [u8; 10] = std::array::from_fn(|_| fastrand::u8(..));
        let event_id = Builder::from_unix_timestamp_millis(now.as_millis(), &random).into_uuid().to_string();
        let key = text(headers, "idempotency-key").map(idempotency_key).transpose()?;
        let traceparent = text(headers, "traceparent").filter(|text| is_traceparent(text)).map(str::to_owned);
        Ok(Self { now, event_id, traceparent, key, request: String::new() })
    }

    pub fn asks(mut self, request: String) -> Self {
        self.request = request;
        self
    }

    pub fn entry<'a>(&'a self, expected: Version, event: &'a Event) -> Entry<'a> {
        Entry { id: &self.event_id, time: self.now, traceparent: self.traceparent.as_deref(), expected, event }
    }

    pub fn idempotency(&self) -> Option<Idempotency<'_>> {
        self.key.as_deref().map(|key| Idempotency { key, request: &self.request })
    }
}

pub fn id<T: std::str::FromStr<Err = InvalidId>>(name: &str, text: &str) -> Result<T, Problem> {
    text.parse().map_err(|e: InvalidId| Problem::bad_parameter(name, &e.to_string()))
}

pub fn id_parameter<T: std::str::FromStr<Err = InvalidId>>(uri: &Uri, name: &str) -> Result<T, Problem> {
    let query = uri.query().unwrap_or_default();
    let found = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
    let (_, text) = found.ok_or_else(|| Problem::bad_parameter(name, "is missing from the query"))?;
    id(name, &text)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PersonBody {
    first_name: Option<Value>,
    last_name: Option<Value>,
}

/// The body's first and last name.
pub async fn names(request: Request<Incoming>) -> Result<(Name, Name), Problem> {
    let media_type = text(request.headers(), CONTENT_TYPE.as_str()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Problem::unsupported_media_type());
    }
    let announced = text(request.headers(), CONTENT_LENGTH.as_str()).and_then(|length| length.parse::<usize>().ok());
    if announced.is_some_and(|length| length > MAX_BODY) {
        return Err(Problem::too_large());
    }
    let body = Limited::new(request.into_body(), MAX_BODY).collect().await.map_err(|_| Problem::too_large())?;
    let body = body.to_bytes();
    let body = std::str::from_utf8(&body).map_err(|_| Problem::malformed("the body is not UTF-8"))?;
    let body: PersonBody = serde_json::from_str(body).map_err(|e| match e.classify() {
        Category::Data => Problem::invalid(vec![("body", e.to_string())]),
        _ => Problem::malformed(&format!("the body is not JSON: {e}")),
    })?;
    let mut errors = Vec::new();
    let mut name = |field: &'static str, value: &Option<Value>| {
        let parsed = match value {
            None | Some(Value::Null) => Err("is missing".to_owned()),
            Some(Value::String(text)) => Name::parse(text).map_err(|e| e.to_string()),
            Some(_) => Err("must be a string".to_owned()),
        };
        parsed.map_err(|detail| errors.push((field, detail))).ok()
    };
    match (name("firstName", &body.first_name), name("lastName", &body.last_name)) {
        (Some(first), Some(last)) => Ok((first, last)),
        _ => Err(Problem::invalid(errors)),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn idempotency_key(key: &str) -> Result<String, Problem> {
    let visible = !key.is_empty() && key.len() <= MAX_KEY && key.bytes().all(|b| (0x21..=0x7e).contains(&b));
    if visible { Ok(key.to_owned()) } else { Err(Problem::bad_parameter("Idempotency-Key", "must be visible ASCII")) }
}

fn is_traceparent(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let set = |part: &str| part.bytes().any(|b| b != b'0');
    matches!(parts[..], [version, trace, parent, flags]
        if hex(version, 2) && version != "ff" && hex(trace, 32) && set(trace)
            && hex(parent, 16) && set(parent) && hex(flags, 2))
}
