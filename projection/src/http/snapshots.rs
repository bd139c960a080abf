//! A snapshot, now.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::Shared;
use super::problem::Problem;

#[derive(Serialize)]
struct Answer {
    name: String,
    bytes: u64,
    /// As in `Last-Event`.
    positions: String,
    people: u64,
    friendships: u64,
    seconds: f64,
}

pub async fn make(State(api): Shared) -> Result<Response, Problem> {
    let snapshots = api.snapshots.as_ref().ok_or_else(Problem::no_snapshots)?;
    let made = snapshots.make().await?;
    let answer = Answer {
        name: made.name,
        bytes: made.written.bytes,
        positions: made.written.positions.to_string(),
        people: made.written.people,
        friendships: made.written.friendships,
        seconds: made.took.as_secs_f64(),
    };
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}
