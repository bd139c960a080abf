//! Errors as problem details, as the components answer them.

use domain::UserId;
use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;
use hyper::header::CONTENT_TYPE;
use serde_json::json;

use super::Answer;

#[derive(Debug)]
pub struct Problem {
    status: u16,
    slug: String,
    detail: String,
    errors: Vec<(String, String)>,
}

impl Problem {
    fn new(status: u16, slug: &str, detail: &str) -> Self {
        Self { status, slug: slug.to_owned(), detail: detail.to_owned(), errors: Vec::new() }
    }

    pub fn malformed(detail: &str) -> Self {
        Self::new(400, "malformed-request", detail)
    }

    pub fn bad_parameter(name: &str, detail: &str) -> Self {
        let errors = vec![(name.to_owned(), detail.to_owned())];
        Self { errors, ..Self::malformed(&format!("{name} {detail}")) }
    }

    pub fn not_found(detail: &str) -> Self {
        Self::new(404, "not-found", detail)
    }

    pub fn unknown_person(id: UserId) -> Self {
        Self::not_found(&format!("there is no person {id}"))
    }

    pub fn conflict(slug: &str, detail: &str) -> Self {
        Self::new(409, slug, detail)
    }

    pub fn changed() -> Self {
        Self::conflict("concurrent-change", "another command changed this at the same moment")
    }

    pub fn too_large() -> Self {
        Self::new(413, "too-large", "the body is too large")
    }

    pub fn unsupported_media_type() -> Self {
        Self::new(415, "unsupported-media-type", "send JSON")
    }

    pub fn invalid(errors: Vec<(&str, String)>) -> Self {
        let errors = errors.into_iter().map(|(field, detail)| (field.to_owned(), detail)).collect();
        Self { errors, ..Self::new(422, "invalid-fields", "the fields in errors must be corrected") }
    }

    pub fn key_reused() -> Self {
        Self::new(422, "idempotency-key-reused", "this Idempotency-Key was used for another request")
    }

    pub fn unavailable(detail: &str) -> Self {
        Self::new(503, "unavailable", detail)
    }

    pub fn into_answer(self) -> Answer {
        let errors = self.errors.iter().map(|(field, detail)| json!({"field": field, "detail": detail}));
        let body = json!({
            "type": format!("/problems/{}", self.slug),
            "status": self.status,
            "detail": self.detail,
            "errors": errors.collect::<Vec<_>>(),
        });
        let head = Response::builder().status(self.status).header(CONTENT_TYPE, "application/problem+json");
        head.body(Full::new(Bytes::from(body.to_string()))).expect("our header names and values are valid")
    }
}

impl From<event_store::Error> for Problem {
    fn from(error: event_store::Error) -> Self {
        eprintln!("ceiling: {error}");
        Self::unavailable("the store cannot be reached")
    }
}
