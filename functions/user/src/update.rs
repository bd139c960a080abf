//! The command behind `PUT /user/v1/users/{id}`.

use domain::{
    Current, User, UserId,
    event::{Event, Stream},
    user,
};
use event_store::{Reply, append, read};
use http_api::{Command, Problem, Request, Response, conflict, parse::PersonBody, redis, unknown_person};

pub async fn update(id: UserId, request: Request) -> Result<Response, Problem> {
    let command = Command::of(&request)?;
    let precondition = request.header_list("if-match");
    let body = request.json::<PersonBody>().await?;
    if body.id.as_ref().is_some_and(|given| given.as_u64() != Some(id.get())) {
        return Err(Problem::bad_parameter("id", "must be the one in the path"));
    }
    let (first_name, last_name) = body.names()?;

    let redis = redis("user_redis_url").await?;
    let current = read::user(&redis, id).await?;
    if current.data.is_some() {
        check(precondition.as_deref(), &current)?;
    }
    let update = user::Command::Update { first_name, last_name };
    let decided = user::decide(current.data.as_ref(), update, command.now).map_err(|_| unknown_person(id))?;
    let Some(updated) = decided else { return answer(id, &current) };

    let event = Event::User(updated);
    match append::user(&redis, command.entry(current.version, &event), None).await? {
        Reply::Recorded(current) => answer(id, &current),
        // Somebody else was faster: what the client saw is not current any more.
        Reply::Refused { .. } if precondition.is_some() => Err(changed()),
        Reply::Refused { .. } | Reply::Answered(_) | Reply::KeyReused => Err(conflict()),
    }
}

/// `If-Match`: one of the entity tags, or `*` for whatever there is.
fn check(precondition: Option<&str>, current: &Current<User>) -> Result<(), Problem> {
    let tag = super::etag(current);
    match precondition {
        Some(tags) if !tags.split(',').any(|one| one.trim() == "*" || one.trim() == tag) => Err(changed()),
        _ => Ok(()),
    }
}

fn changed() -> Problem {
    Problem::precondition_failed("If-Match does not name the current ETag; read the user again")
}

fn answer(id: UserId, current: &Current<User>) -> Result<Response, Problem> {
    Ok(super::shown(id, current)?.last_event(Stream::User, current.last_event))
}
