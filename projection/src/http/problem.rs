//! Errors as RFC 9457 problem details.

use std::borrow::Cow;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::queries::QueryError;
use crate::rebuild::Refused;
use crate::snapshot;
use crate::view::Positions;

/// After this many seconds the same request is worth another try.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// What is wrong with one field of a request.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub struct FieldError {
    pub field: &'static str,
    pub detail: Cow<'static, str>,
}

#[derive(Debug, Serialize)]
struct Body<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    errors: Vec<FieldError>,
}

impl Problem {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), errors: Vec::new() }
    }

    pub fn fields(errors: Vec<FieldError>) -> Self {
        let names: Vec<&str> = errors.iter().map(|error| error.field).collect();
        let detail = format!("The request is not valid: {}.", names.join(", "));
        Self { status: StatusCode::BAD_REQUEST, detail, errors }
    }

    pub fn no_path(path: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("There is nothing at {path}."))
    }

    pub fn method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "The method is not allowed here; Allow says which are.")
    }

    pub fn no_snapshots() -> Self {
        Self::new(StatusCode::NOT_FOUND, "This worker keeps no snapshots: start it with --snapshot-dir.")
    }

    pub fn starting() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "The worker is still reading the events. Try again soon.")
    }

    pub fn behind(positions: &Positions) -> Self {
        let detail = format!("The events named by after have not been applied yet; the newest are {positions}.");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }

    pub fn exporting() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Too many exports are running. Try again when one is done.")
    }

    pub fn no_room() -> Self {
        let detail = "There is no room for an export's temporary files. The worker's log says where.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }

    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong. The worker's log says what.")
    }
}

impl From<snapshot::Refused> for Problem {
    fn from(refused: snapshot::Refused) -> Self {
        match refused {
            snapshot::Refused::Busy => {
                Self::new(StatusCode::CONFLICT, "A snapshot is being written. Ask again when it is done.")
            }
            snapshot::Refused::Failed(why) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, format!("The snapshot could not be written: {why}."))
            }
        }
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Unknown(id) => Self::new(StatusCode::NOT_FOUND, format!("There is no user {id}.")),
            QueryError::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, "Too many queries are waiting."),
            QueryError::Broken => Self::internal(),
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Running => Self::new(StatusCode::CONFLICT, "A rebuild is under way already."),
            Refused::Budget => {
                Self::new(StatusCode::CONFLICT, "The memory budget has no room for a second view beside the first.")
            }
        }
    }
}

/// The type and the title: those that the components use, which hand these answers on.
fn name(status: StatusCode) -> (&'static str, &'static str) {
    match status {
        StatusCode::BAD_REQUEST => ("/problems/malformed-request", "The request is malformed"),
        StatusCode::NOT_FOUND => ("/problems/not-found", "There is no such thing"),
        StatusCode::CONFLICT => ("/problems/conflict", "The request conflicts with the present state"),
        StatusCode::METHOD_NOT_ALLOWED => ("/problems/method-not-allowed", "The method is not allowed"),
        StatusCode::SERVICE_UNAVAILABLE => ("/problems/unavailable", "The service is not available at the moment"),
        _ => ("about:blank", "Internal Server Error"),
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (kind, title) = name(self.status);
        let (status, detail, errors) = (self.status.as_u16(), &self.detail[..], &self.errors[..]);
        let body = serde_json::to_vec(&Body { r#type: kind, title, status, detail, errors });
        let media_type: (HeaderName, HeaderValue) =
            (header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        let mut response = (self.status, [media_type], body.unwrap_or_default()).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        response
    }
}
