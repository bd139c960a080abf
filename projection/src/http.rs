//! The worker's HTTP API. Not public: the recommendation function and whoever watches the worker are its clients.

mod parameters;
mod problem;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderName, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use tokio::time::timeout;

use crate::metrics::Metrics;
use crate::queries::{Answer, Queries};
use crate::tail::TailStatus;
use crate::view::{Positions, View};
use parameters::Parameters;
use problem::Problem;

/// How long a query waits for the events named by `after`.
const AFTER_PATIENCE: Duration = Duration::from_secs(1);
/// Names the newest event of each stream that an answer includes.
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event");
const JSON: &str = "application/json";

pub struct Api {
    pub view: Arc<View>,
    pub queries: Queries,
    pub metrics: Arc<Metrics>,
    /// By stream.
    pub statuses: [Arc<TailStatus>; 2],
}

type Shared = State<Arc<Api>>;
type Id = Result<Path<String>, PathRejection>;

pub fn router(api: Arc<Api>) -> Router {
    Router::new()
        .route("/v1/users/{id}/recommendations", get(recommendations))
        .route("/v1/users/{id}/mutual-friends", get(mutual_friends))
        .route("/healthz", get(watch::alive))
        .route("/readyz", get(watch::ready))
        .route("/metrics", get(watch::metrics))
        .fallback(|uri: Uri| async move { Problem::no_path(uri.path()) })
        .method_not_allowed_fallback(|| async { Problem::method() })
        .with_state(api)
}

async fn recommendations(State(api): Shared, id: Id, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let parameters = Parameters::parse(query.as_deref());
    let (id, limit, after) = parameters::all3(parameters::id(id), parameters.limit(), parameters.after())?;
    api.wait_for(after).await?;
    Ok(answer(api.queries.recommend(id, limit).await?))
}

async fn mutual_friends(State(api): Shared, id: Id, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let parameters = Parameters::parse(query.as_deref());
    let id = parameters::id(id);
    let friend = parameters.friend(id.as_ref().ok().copied());
    let (id, friend, after) = parameters::all3(id, friend, parameters.after())?;
    api.wait_for(after).await?;
    Ok(answer(api.queries.mutual_friends(id, friend).await?))
}

impl Api {
    /// Waits until the view is as new as the caller wants it; a view that never was complete answers nobody, for what
    /// it has not read yet would look unknown.
    async fn wait_for(&self, after: Positions) -> Result<(), Problem> {
        if !self.caught_up() {
            return Err(Problem::starting());
        }
        let reached = timeout(AFTER_PATIENCE, self.view.reached(&after)).await;
        reached.map_err(|_| Problem::behind(&self.view.positions()))
    }

    /// Whether everything has been applied that was in the streams at the start.
    fn caught_up(&self) -> bool {
        let [user, friend] = &self.statuses;
        let (Some(user), Some(friend)) = (user.target(), friend.target()) else {
            return false;
        };
        self.view.positions().include(&Positions { user, friend })
    }
}

fn answer<T: Serialize>(answer: Answer<T>) -> Response {
    match serde_json::to_vec(&answer.value) {
        Ok(body) => {
            let headers = [(header::CONTENT_TYPE, JSON.to_owned()), (LAST_EVENT, answer.positions.to_string())];
            (headers, body).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "an answer is no JSON");
            Problem::internal().into_response()
        }
    }
}
