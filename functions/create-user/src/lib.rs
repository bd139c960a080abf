//! `POST /user/v1/users`: a person signs up.

use domain::{
    Current, User, UserId, Version,
    event::{Event, Stream},
    user,
};
use event_store::{Reply, append};
use http_api::{
    Command, Problem, Request, Response, conflict, done_or_rejected, http_component, parse::PersonBody, redis,
};

http_component!(&["POST"], create);

async fn create(request: Request) -> Result<Response, Problem> {
    let command = Command::of(&request)?;
    let (first_name, last_name) = request.json::<PersonBody>().await?.names()?;
    let command = command.asks(format!("createUser {first_name:?} {last_name:?}"));

    let create = user::Command::Create { id: UserId::UNALLOCATED, first_name, last_name };
    let created = user::decide(None, create, command.now).ok().flatten().ok_or_else(conflict)?;

    let redis = redis("user_redis_url").await?;
    let event = Event::User(created);
    match append::user(&redis, command.entry(Version::NONE, &event), command.idempotency()).await? {
        Reply::Recorded(current) => answer(current),
        Reply::Answered(outcome) => answer(done_or_rejected(outcome).map_err(|_| conflict())?),
        Reply::KeyReused => Err(Problem::key_reused()),
        Reply::Refused { .. } => Err(conflict()),
    }
}

fn answer(current: Current<User>) -> Result<Response, Problem> {
    let user = current.data.ok_or_else(conflict)?;
    Ok(Response::new(201)
        .header("location", format!("/user/v1/users/{}", user.id))
        .header("etag", format!("\"{}\"", current.version))
        .last_event(Stream::User, current.last_event)
        .json_body(&user))
}
