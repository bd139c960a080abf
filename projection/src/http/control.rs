//! For those who run the worker: what it is told to do.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use super::{JSON, Shared};

/// Begins to build the view anew beside the one that answers. `/metrics` and the log say how far it is.
pub async fn rebuild(State(api): Shared) -> Result<Response, Problem> {
    api.rebuilds.start()?;
    Ok((StatusCode::ACCEPTED, [(header::CONTENT_TYPE, JSON)], r#"{"status":"REBUILDING"}"#).into_response())
}
