//! `GET /user/v1/users/{id}/activity`: what happened to a person, newest first.

use domain::UserId;
use event_store::views;
use http_api::{Paging, Problem, Request, Response, http_component, parse, redis};
use serde_json::value::RawValue;

http_component!(&["GET"], list);

async fn list(request: Request) -> Result<Response, Problem> {
    let of: UserId = parse::id("id", request.segment(3))?;
    let paging = Paging::of(&request, "cursor", &[])?;
    if paging.cursor.as_deref().is_some_and(|cursor| !views::is_activity_cursor(cursor)) {
        return Err(Problem::bad_parameter("cursor", "must be one that a page of a timeline gave"));
    }
    let redis = redis("view_redis_url").await?;
    let page = views::activity(&redis, of, paging.cursor.as_deref(), paging.limit).await?;
    let page = page.ok_or_else(|| Problem::not_found(format!("there is no activity of a person {of} (yet)")))?;
    let lines = page.items.into_iter().map(RawValue::from_string).collect::<Result<Vec<_>, _>>();
    let lines = lines.map_err(|e| event_store::Error::Reply(format!("activity of {of}: {e}")))?;
    Ok(paging.respond(&lines, page.next.as_deref()))
}
