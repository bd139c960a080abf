//! `POST /friend/v1/users/{id}/commands/addFriend?friendId={id}`: two people become friends.

use domain::{
    Current, Friendship, FriendshipId, Pair, UserId,
    event::{Event, Stream},
    friendship::{self, Rejection},
};
use event_store::{Reply, append, spin::SpinRedis};
use http_api::{
    Command, Problem, Request, Response, conflict, done_or_rejected, http_component, parse, person_exists, redis,
    unknown_person,
};

/// The first try takes them for strangers, which they mostly are. If they are not, or the replica of people lacks one of them,
/// its answer says so, and a second one decides on that.
const TRIES: usize = 2;

http_component!(&["POST"], add);

async fn add(request: Request) -> Result<Response, Problem> {
    let user_id: UserId = parse::id("id", request.segment(3))?;
    let friend_id: UserId = parse::id_parameter(&request, "friendId")?;
    let oneself = || Problem::bad_parameter("friendId", "must be somebody else: nobody can be their own friend");
    let pair = Pair::new(user_id, friend_id).ok_or_else(oneself)?;
    let command = Command::of(&request)?.asks(format!("addFriend {user_id} {friend_id}"));

    let redis = redis("friend_redis_url").await?;
    let mut current = Current::default();
    let mut check = vec![user_id, friend_id];
    for _ in 0..TRIES {
        let add = friendship::Command::Add { id: FriendshipId::UNALLOCATED, user_id, friend_id };
        let event = match friendship::decide(current.data.as_ref(), add, command.now) {
            Ok(added) => Event::Friendship(added),
            Err(rejection) => return Err(reject(&redis, &command, name(rejection)).await?),
        };
        let entry = command.entry(current.version, &event);
        match append::friendship(&redis, pair, entry, &check, command.idempotency()).await? {
            Reply::Recorded(current) => return answer(current),
            Reply::Answered(outcome) => return answer(done_or_rejected(outcome).map_err(|name| refused(&name))?),
            Reply::KeyReused => return Err(Problem::key_reused()),
            Reply::Refused { current: now, unknown } => {
                for id in unknown {
                    if now.data.is_none() && !person_exists(id).await? {
                        return Err(reject(&redis, &command, &format!("unknown-person {id}")).await?);
                    }
                }
                current = now;
                check.clear();
            }
        }
    }
    match current.data {
        Some(_) => Err(reject(&redis, &command, name(Rejection::AlreadyFriends)).await?),
        None => Err(conflict()),
    }
}

fn answer(current: Current<Friendship>) -> Result<Response, Problem> {
    let friendship = current.data.ok_or_else(conflict)?;
    Ok(Response::new(201)
        .header("location", format!("/friend/v1/friends/{}", friendship.id))
        .last_event(Stream::Friend, current.last_event)
        .json_body(&friendship))
}

async fn reject(redis: &SpinRedis, command: &Command, rejection: &str) -> Result<Problem, Problem> {
    command.reject(redis, Stream::Friend, rejection).await?;
    Ok(refused(rejection))
}

/// A refusal's name, as an Idempotency-Key remembers it.
fn name(rejection: Rejection) -> &'static str {
    match rejection {
        Rejection::Oneself => "oneself",
        Rejection::AlreadyFriends => "already-friends",
        Rejection::NotFriends => "not-friends",
    }
}

fn refused(rejection: &str) -> Problem {
    match rejection.split_once(' ').and_then(|(_, id)| id.parse().ok()) {
        Some(id) => unknown_person(id),
        None => Problem::conflict("already-friends", Rejection::AlreadyFriends.to_string()),
    }
}
