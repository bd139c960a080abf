//! The worker's HTTP API. Not public: the recommendation function and whoever watches the worker are its clients.

mod answers;
mod control;
mod export;
mod parameters;
mod problem;
mod snapshots;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::routing::{get, post};
use tokio::time::timeout;

use crate::budget::Budget;
use crate::export::Exports;
use crate::metrics::Metrics;
use crate::queries::{Queries, QueryError};
use crate::rebuild::Rebuilds;
use crate::snapshot::Snapshots;
use crate::tail::TailStatus;
use crate::view::{Positions, View};
use problem::Problem;

/// How long a query waits for the events named by `after`.
const AFTER_PATIENCE: Duration = Duration::from_secs(1);
const JSON: &str = "application/json";

pub struct Api {
    pub view: Arc<View>,
    pub queries: Queries,
    pub rebuilds: Arc<Rebuilds>,
    pub budget: Arc<Budget>,
    pub exports: Exports,
    pub metrics: Arc<Metrics>,
    /// By stream.
    pub statuses: [Arc<TailStatus>; 2],
    pub snapshots: Option<Arc<Snapshots>>,
}

type Shared = State<Arc<Api>>;
type Id = Result<Path<String>, PathRejection>;

pub fn router(api: Arc<Api>) -> Router {
    Router::new()
        .route("/v1/users/{id}/recommendations", get(answers::recommendations))
        .route("/v1/users/{id}/mutual-friends", get(answers::mutual_friends))
        .route("/v1/rebuild", post(control::rebuild))
        .route("/v1/users/{id}/neighbourhood", get(export::neighbourhood))
        .route("/v1/export", get(export::everybody))
        .route("/v1/snapshot", post(snapshots::make))
        .route("/healthz", get(watch::alive))
        .route("/readyz", get(watch::ready))
        .route("/metrics", get(watch::metrics))
        .fallback(|uri: Uri| async move { Problem::no_path(uri.path()) })
        .method_not_allowed_fallback(|| async { Problem::method() })
        .with_state(api)
}

impl Api {
    /// Waits until the view is as new as the caller wants it.
    async fn wait_for(&self, after: Positions) -> Result<(), Problem> {
        let reached = timeout(AFTER_PATIENCE, self.view.reached(&after)).await;
        reached.map_err(|_| Problem::behind(&self.view.positions()))
    }

    /// What a query that failed is answered. Somebody whose event has not been read yet is not unknown.
    fn problem(&self, error: QueryError) -> Problem {
        match error {
            QueryError::Unknown(_) if !self.caught_up() => Problem::starting(),
            error => error.into(),
        }
    }

    /// Whether everything has been applied that was in the streams at the start.
    pub fn caught_up(&self) -> bool {
        let [user, friend] = &self.statuses;
        let (Some(user), Some(friend)) = (user.target(), friend.target()) else {
            return false;
        };
        self.view.positions().include(&Positions { user, friend })
    }
}
