//! `GET /user/v1/users/{id}`: a person as they are now. `PUT`: their name changes.

mod update;

use domain::{Current, User, UserId};
use event_store::read;
use http_api::{Problem, Request, Response, http_component, parse, redis, unknown_person};
use spin_sdk::wasip3::http::types::Method;

http_component!(&["GET", "PUT"], answer);

async fn answer(request: Request) -> Result<Response, Problem> {
    let id: UserId = parse::id("id", request.segment(3))?;
    match request.method() {
        Method::Put => update::update(id, request).await,
        _ => read(id).await,
    }
}

async fn read(id: UserId) -> Result<Response, Problem> {
    let current = read::user(&redis("user_redis_url").await?, id).await?;
    shown(id, &current)
}

fn shown(id: UserId, current: &Current<User>) -> Result<Response, Problem> {
    let user = current.data.as_ref().ok_or_else(|| unknown_person(id))?;
    Ok(Response::new(200).header("etag", etag(current)).json_body(user))
}

/// The version, quoted.
fn etag(current: &Current<User>) -> String {
    format!("\"{}\"", current.version)
}
