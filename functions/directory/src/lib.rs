//! `GET /user/v1/directory?name=`: people whose first or last name begins so, in the order of the names.

use event_store::views;
use http_api::{Paging, Problem, Request, Response, http_component, redis};

/// The longest prefix, in characters: two names and the space between them.
const MAX_PREFIX: usize = 2 * domain::MAX_NAME_CHARS + 1;

http_component!(&["GET"], list);

async fn list(request: Request) -> Result<Response, Problem> {
    let prefix = request.query("name")?.unwrap_or_default();
    let prefix = prefix.trim_start();
    if prefix.chars().any(char::is_control) || prefix.chars().count() > MAX_PREFIX {
        let detail = format!("must be at most {MAX_PREFIX} characters, none of them a control character");
        return Err(Problem::bad_parameter("name", detail));
    }
    let paging = Paging::of(&request, "cursor", &["name"])?;
    if paging.cursor.as_deref().is_some_and(|cursor| !views::is_directory_cursor(cursor, prefix)) {
        return Err(Problem::bad_parameter("cursor", "must be one that a page of this name gave"));
    }
    let redis = redis("view_redis_url").await?;
    let page = views::directory(&redis, prefix, paging.cursor.as_deref(), paging.limit).await?;
    Ok(paging.respond(&page.items, page.next.as_deref()))
}
