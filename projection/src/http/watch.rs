//! For those who watch the worker: alive, ready, and the figures.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::StreamPosition;
use domain::event::Stream;
use serde::Serialize;

use super::problem::Problem;
use super::{Api, Shared};

/// OpenMetrics, which Prometheus understands as well as its own.
const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Serialize)]
struct Readiness {
    status: &'static str,
    /// Everything that was in the streams at the start has been applied.
    #[serde(rename = "caughtUp")]
    caught_up: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
    user: StreamReadiness,
    friend: StreamReadiness,
}

#[derive(Serialize)]
struct StreamReadiness {
    status: &'static str,
    position: StreamPosition,
    /// Events in the stream that have not been applied.
    #[serde(rename = "lagEvents")]
    lag_events: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

fn up(up: bool) -> &'static str {
    if up { "UP" } else { "DOWN" }
}

pub async fn alive() -> Response {
    ([(header::CONTENT_TYPE, super::JSON)], r#"{"status":"UP"}"#).into_response()
}

fn readiness(api: &Api) -> Readiness {
    let positions = api.view.positions();
    let of = |stream: Stream| {
        let status = &api.statuses[stream as usize];
        let detail = status.trouble();
        let position = positions.of(stream);
        StreamReadiness { status: up(detail.is_none()), position, lag_events: status.lag(), detail }
    };
    let (user, friend, caught_up) = (of(Stream::User), of(Stream::Friend), api.caught_up());
    let detail = api.budget.is_exceeded().then_some("the memory budget is used up, and events wait");
    let is_up = caught_up && user.detail.is_none() && friend.detail.is_none() && detail.is_none();
    Readiness { status: up(is_up), caught_up, detail, user, friend }
}

pub async fn ready(State(api): Shared) -> Response {
    let readiness = readiness(&api);
    let is_up = readiness.status == up(true);
    match serde_json::to_vec(&readiness) {
        Ok(body) => {
            let status = if is_up { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            let mut response = (status, [(header::CONTENT_TYPE, super::JSON)], body).into_response();
            if !is_up {
                response.headers_mut().insert(header::RETRY_AFTER, 1.into());
            }
            response
        }
        Err(_) => Problem::internal().into_response(),
    }
}

pub async fn metrics(State(api): Shared) -> Response {
    api.metrics.ready(readiness(&api).status == up(true));
    api.metrics.memory("counters", api.queries.counter_bytes());
    let text = api.metrics.text(&api.view, |stream| api.statuses[stream as usize].connected());
    ([(header::CONTENT_TYPE, METRICS)], text).into_response()
}
