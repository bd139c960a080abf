//! Errors as RFC 9457 problem details (<https://www.rfc-editor.org/rfc/rfc9457>).

use event_store::Error;
use serde::Serialize;

use crate::Response;

/// How long a client should wait before it tries again, in seconds.
const RETRY_AFTER: &str = "1";

/// An answer that is not what was asked for. The one place where an error becomes a status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    #[serde(skip)]
    headers: Vec<(&'static str, String)>,
}

/// What is wrong with one field of the body, parameter, or header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    pub field: String,
    pub detail: String,
}

impl Problem {
    fn new(status: u16, slug: &str, title: &'static str, detail: impl Into<String>) -> Self {
        let kind = format!("/problems/{slug}");
        Self { kind, title, status, detail: detail.into(), errors: Vec::new(), headers: Vec::new() }
    }

    /// 400: the request cannot be understood.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(400, "malformed-request", "The request is malformed", detail)
    }

    /// 400: this parameter, header or field of it cannot be understood.
    pub fn bad_parameter(name: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::malformed(format!("{name} {detail}")).with_error(name, detail)
    }

    /// 422: it is understood, but its values are not acceptable. Add them with [`Problem::with_error`].
    pub fn invalid() -> Self {
        Self::new(422, "invalid-fields", "Some fields are invalid", "the fields in errors must be corrected")
    }

    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(404, "not-found", "There is no such thing", detail)
    }

    pub fn method_not_allowed(allowed: &str) -> Self {
        Self::new(405, "method-not-allowed", "The method is not allowed", format!("allowed here: {allowed}"))
            .with_header("allow", allowed)
    }

    /// 409: it cannot be done in the present state of things.
    pub fn conflict(slug: &str, detail: impl Into<String>) -> Self {
        Self::new(409, slug, "The command conflicts with the present state", detail)
    }

    pub fn precondition_failed(detail: impl Into<String>) -> Self {
        Self::new(412, "precondition-failed", "It has changed since it was read", detail)
    }

    pub fn too_large(limit: usize) -> Self {
        Self::new(413, "too-large", "The body is too large", format!("at most {limit} bytes are taken"))
    }

    pub fn unsupported_media_type() -> Self {
        let detail = "send JSON, with the header Content-Type: application/json";
        Self::new(415, "unsupported-media-type", "The body's media type is not supported", detail)
    }

    pub fn key_reused() -> Self {
        let detail = "this Idempotency-Key was used for another request; take a new one for each request";
        Self::new(422, "idempotency-key-reused", "The Idempotency-Key was used before", detail)
            .with_error("Idempotency-Key", "was used for another request")
    }

    /// 503: something that this needs is away for the moment.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(503, "unavailable", "The service is not available at the moment", detail)
            .with_header("retry-after", RETRY_AFTER)
    }

    pub fn with_error(mut self, field: &str, detail: impl Into<String>) -> Self {
        self.errors.push(FieldError { field: field.to_owned(), detail: detail.into() });
        self
    }

    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).expect("strings and numbers are always JSON");
        let response = Response::new(self.status).header("content-type", "application/problem+json").body(body);
        self.headers.into_iter().fold(response, |response, (name, value)| response.header(name, value))
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.title, self.detail)
    }
}

/// The client learns that something is away; what exactly is wrong with it goes to the log.
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        eprintln!("{error}");
        match error {
            Error::Connection(_) => Self::unavailable("the store cannot be reached; try again in a moment"),
            Error::Refused { .. } | Error::Reply(_) => Self::unavailable("the store cannot take this at the moment"),
        }
    }
}
