//! The three routes, step by step as the components take them.

use domain::event::{Event, Stream};
use domain::{Current, Friendship, Pair, User, UserId, Version, friendship, user as person};
use event_store::native::NativeRedis;
use event_store::{Outcome, Reply, append, read};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, header};
use serde::Serialize;

use super::Answer;
use super::problem::Problem;
use super::request::{self, Command};

/// As in add-friend: the first try takes them for strangers.
const TRIES: usize = 2;

pub async fn create_user(request: Request<Incoming>, redis: &NativeRedis) -> Result<Answer, Problem> {
    let command = Command::of(request.headers())?;
    let (first_name, last_name) = request::names(request).await?;
    let command = command.asks(format!("createUser {first_name:?} {last_name:?}"));
    let create = person::Command::Create { id: UserId::UNALLOCATED, first_name, last_name };
    let created = person::decide(None, create, command.now).ok().flatten().ok_or_else(Problem::changed)?;
    let event = Event::User(created);
    let current = match append::user(redis, command.entry(Version::NONE, &event), command.idempotency()).await? {
        Reply::Recorded(current) | Reply::Answered(Outcome::Done(current)) => current,
        Reply::KeyReused => return Err(Problem::key_reused()),
        Reply::Refused { .. } | Reply::Answered(Outcome::Rejected(_)) => return Err(Problem::changed()),
    };
    let user = current.data.as_ref().ok_or_else(Problem::changed)?;
    let head = Response::builder()
        .status(201)
        .header(header::LOCATION, format!("/user/v1/users/{}", user.id))
        .header(header::ETAG, format!("\"{}\"", current.version))
        .header("last-event", format!("{}:{}", Stream::User, current.last_event));
    Ok(json(head, user))
}

pub async fn user(id: &str, redis: &NativeRedis) -> Result<Answer, Problem> {
    let id: UserId = request::id("id", id)?;
    let current: Current<User> = read::user(redis, id).await?;
    let user = current.data.as_ref().ok_or_else(|| Problem::unknown_person(id))?;
    Ok(json(Response::builder().header(header::ETAG, format!("\"{}\"", current.version)), user))
}

pub async fn add_friend(id: &str, request: &Request<Incoming>, redis: &NativeRedis) -> Result<Answer, Problem> {
    let user_id: UserId = request::id("id", id)?;
    let friend_id: UserId = request::id_parameter(request.uri(), "friendId")?;
    let pair = Pair::new(user_id, friend_id).ok_or_else(|| Problem::bad_parameter("friendId", "must be another"))?;
    let command = Command::of(request.headers())?.asks(format!("addFriend {user_id} {friend_id}"));
    let mut current: Current<Friendship> = Current::default();
    let mut check = vec![user_id, friend_id];
    for _ in 0..TRIES {
        let id = domain::FriendshipId::UNALLOCATED;
        let add = friendship::Command::Add { id, user_id, friend_id };
        let event = match friendship::decide(current.data.as_ref(), add, command.now) {
            Ok(added) => Event::Friendship(added),
            Err(rejection) => return Err(Problem::conflict("already-friends", &rejection.to_string())),
        };
        let entry = command.entry(current.version, &event);
        match append::friendship(redis, pair, entry, &check, command.idempotency()).await? {
            Reply::Recorded(current) | Reply::Answered(Outcome::Done(current)) => return added(&current),
            Reply::Answered(Outcome::Rejected(name)) => return Err(Problem::conflict("already-friends", &name)),
            Reply::KeyReused => return Err(Problem::key_reused()),
            Reply::Refused { current: now, unknown } => {
                for id in unknown {
                    if now.data.is_none() && read::user(redis, id).await?.data.is_none() {
                        return Err(Problem::unknown_person(id));
                    }
                }
                current = now;
                check.clear();
            }
        }
    }
    Err(Problem::changed())
}

fn added(current: &Current<Friendship>) -> Result<Answer, Problem> {
    let friendship = current.data.as_ref().ok_or_else(Problem::changed)?;
    let head = Response::builder()
        .status(201)
        .header(header::LOCATION, format!("/friend/v1/friends/{}", friendship.id))
        .header("last-event", format!("{}:{}", Stream::Friend, current.last_event));
    Ok(json(head, friendship))
}

fn json(head: hyper::http::response::Builder, value: &impl Serialize) -> Answer {
    let body = serde_json::to_vec(value).expect("what is answered is always JSON");
    let head = head.header(header::CONTENT_TYPE, "application/json");
    head.body(Full::new(Bytes::from(body))).expect("our header names and values are valid")
}
