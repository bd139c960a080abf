//! `GET /stats/v1`: how many people and friendships there are, and how many came in each of the last minutes.

use event_store::views;
use http_api::{Problem, Request, Response, http_component, now, parse, redis};

/// Minutes shown when nothing is said, and the most that can be asked for: a day.
const DEFAULT_MINUTES: usize = 60;
const MAX_MINUTES: usize = 24 * 60;

http_component!(&["GET"], stats);

async fn stats(request: Request) -> Result<Response, Problem> {
    let minutes = parse::number(&request, "minutes", DEFAULT_MINUTES, 1, MAX_MINUTES)?;
    let stats = views::stats(&redis("view_redis_url").await?, now(), minutes as u64).await?;
    let (user, friend) = stats.last_events;
    Ok(Response::json(&stats).header("last-event", format!("user:{user},friend:{friend}")))
}
