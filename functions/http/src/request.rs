//! Requests. Nothing is fetched from the runtime before it is asked for: each look is a call out of the sandbox.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;
use spin_sdk::wasip3::{
    http::types::{Headers, Method, Request as RawRequest},
    wit_bindgen::StreamResult,
    wit_future,
};

use crate::Problem;

/// The largest body that is taken, in bytes.
pub const MAX_BODY: usize = 64 * 1024;
/// Bytes asked for at a time. Commands are a few hundred bytes: one read takes them whole.
const CHUNK: usize = 4 * 1024;

pub struct Request {
    raw: RawRequest,
    headers: Headers,
    target: String,
}

impl Request {
    pub fn new(raw: RawRequest) -> Self {
        let target = raw.get_path_with_query().unwrap_or_default();
        let headers = raw.get_headers();
        Self { raw, headers, target }
    }

    pub fn method(&self) -> Method {
        self.raw.get_method()
    }

    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// What stands behind the question mark, as it came.
    pub fn query_string(&self) -> &str {
        self.target.split_once('?').map(|(_, query)| query).unwrap_or_default()
    }

    /// A segment of the path, counted from 0; empty where there is none.
    pub fn segment(&self, index: usize) -> &str {
        // Routes are matched without regard to slashes at the ends of a path.
        self.path().trim_start_matches('/').split('/').nth(index).unwrap_or_default()
    }

    /// A query parameter, percent-decoded. Errors: 400 where it is there twice: neither can be taken for what was meant.
    pub fn query(&self, name: &str) -> Result<Option<String>, Problem> {
        let mut values = form_urlencoded::parse(self.query_string().as_bytes()).filter(|(key, _)| key == name);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(Problem::bad_parameter(name, "must not be given twice")),
            (value, None) => Ok(value.map(|(_, value)| value.into_owned())),
        }
    }

    /// A header, where it is there once and is text.
    pub fn header(&self, name: &str) -> Option<String> {
        let mut values = self.headers.get(name).into_iter();
        match (values.next(), values.next()) {
            (Some(value), None) => String::from_utf8(value).ok(),
            _ => None,
        }
    }

    /// A header whose value is a list, which may come in several lines. What is no text in it is replaced.
    pub fn header_list(&self, name: &str) -> Option<String> {
        let lines = self.headers.get(name);
        (!lines.is_empty()).then(|| String::from_utf8_lossy(&lines.join(&b", "[..])).into_owned())
    }

    pub fn has_header(&self, name: &str) -> bool {
        self.headers.has(name)
    }

    /// The JSON body. Errors: 415 where it is not said to be JSON, 413, 400 where it is not JSON, 422 where it has another shape.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T, Problem> {
        let media_type = self.header("content-type").unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            return Err(Problem::unsupported_media_type());
        }
        let body = self.body().await?;
        let text = std::str::from_utf8(&body).map_err(|_| Problem::malformed("the body is not UTF-8"))?;
        // A struct could also be read from an array of its members' values, in an order that no client was told; and of anything
        // else the error would name our types.
        if !text.trim_ascii_start().starts_with('{') {
            return Err(match serde_json::from_str::<IgnoredAny>(text) {
                Ok(_) => Problem::invalid().with_error("body", "must be a JSON object"),
                Err(e) => Problem::malformed(format!("the body is not JSON: {e}")),
            });
        }
        serde_json::from_str(text).map_err(|e| match e.classify() {
            Category::Data => Problem::invalid().with_error("body", e.to_string()),
            Category::Syntax | Category::Eof | Category::Io => Problem::malformed(format!("the body is not JSON: {e}")),
        })
    }

    /// The whole body, unless it is larger than [`MAX_BODY`]: then the rest is not read.
    async fn body(self) -> Result<Vec<u8>, Problem> {
        let announced = self.header("content-length").and_then(|length| length.parse::<u64>().ok());
        if announced.is_some_and(|length| length > MAX_BODY as u64) {
            return Err(Problem::too_large(MAX_BODY));
        }
        let (_done, result) = wit_future::new(|| Ok(()));
        let (mut stream, _trailers) = RawRequest::consume_body(self.raw, result);
        let mut body = Vec::with_capacity(CHUNK);
        loop {
            let (result, filled) = stream.read(body).await;
            body = filled;
            if body.len() > MAX_BODY {
                return Err(Problem::too_large(MAX_BODY));
            }
            // A body of announced length is complete with its last byte: asking for more would cost another call.
            if announced == Some(body.len() as u64) || !matches!(result, StreamResult::Complete(_)) {
                return Ok(body);
            }
            body.reserve(CHUNK);
        }
    }
}
