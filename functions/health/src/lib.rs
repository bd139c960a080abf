//! `GET /{user,friend,recommendation}/actuator/health`: whether what the service rests on answers.

use std::{future::Future, time::Duration};

use http_api::{Problem, Request, Response, get, http_component, redis, setting, within};
use serde_json::json;

/// What does not answer within this is down. Shorter than a request's own limit, so that there is time to say so.
const PATIENCE: Duration = Duration::from_millis(1_500);

http_component!(&["GET"], health);

async fn health(request: Request) -> Result<Response, Problem> {
    let (part, state) = match request.segment(0) {
        "user" => ("redis", answers(ping("user_redis_url")).await),
        "friend" => ("redis", answers(ping("friend_redis_url")).await),
        "recommendation" => ("worker", answers(ready()).await),
        other => return Err(Problem::not_found(format!("there is no service {other:?}"))),
    };
    Ok(match state {
        Ok(()) => Response::json(&json!({"status": "UP", "components": {part: {"status": "UP"}}})),
        Err(detail) => {
            let parts = json!({part: {"status": "DOWN", "detail": detail}});
            Response::new(503).header("retry-after", "1").json_body(&json!({"status": "DOWN", "components": parts}))
        }
    })
}

async fn answers(check: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    within(PATIENCE, check).await.unwrap_or_else(|| Err("does not answer in time".to_owned()))
}

async fn ping(url: &'static str) -> Result<(), String> {
    let away = |problem: String| {
        eprintln!("{problem}");
        "does not answer".to_owned()
    };
    let redis = redis(url).await.map_err(|_| "is not configured".to_owned())?;
    event_store::read::ping(&redis).await.map_err(|e| away(e.to_string()))
}

async fn ready() -> Result<(), String> {
    let url = setting("worker_url").await.map_err(|_| "is not configured".to_owned())?;
    match get(&url, "/readyz").await.map(|answer| answer.get_status_code()) {
        Ok(200) => Ok(()),
        Ok(status) => Err(format!("is not ready: status {status}")),
        Err(error) => {
            eprintln!("worker at {url}: {error}");
            Err("does not answer".to_owned())
        }
    }
}
