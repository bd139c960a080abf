//! `POST /friend/v1/users/{id}/commands/removeFriend?friendId={id}`: a friendship ends, whoever of the two says so.

use domain::{
    Current, Friendship, Pair, UserId,
    event::{Event, Stream},
    friendship,
};
use event_store::{Reply, append, read};
use http_api::{Command, Problem, Request, Response, conflict, done_or_rejected, http_component, parse, redis};

http_component!(&["POST"], remove);

async fn remove(request: Request) -> Result<Response, Problem> {
    let user_id: UserId = parse::id("id", request.segment(3))?;
    let friend_id: UserId = parse::id_parameter(&request, "friendId")?;
    let oneself = || Problem::bad_parameter("friendId", "must be somebody else");
    let pair = Pair::new(user_id, friend_id).ok_or_else(oneself)?;
    // Either may say it, and it is the same thing: the request is the pair's.
    let command = Command::of(&request)?.asks(format!("removeFriend {pair}"));

    let redis = redis("friend_redis_url").await?;
    let current = match read::friendship(&redis, pair, command.idempotency()).await? {
        Ok(current) => current,
        Err(reply) => return answer(reply, pair),
    };
    let removed = match friendship::decide(current.data.as_ref(), friendship::Command::Remove, command.now) {
        Ok(removed) => Event::Friendship(removed),
        Err(_) => {
            command.reject(&redis, Stream::Friend, "not-friends").await?;
            return Err(not_friends(pair));
        }
    };
    let entry = command.entry(current.version, &removed);
    answer(append::friendship(&redis, pair, entry, &[], command.idempotency()).await?, pair)
}

fn answer(reply: Reply<Friendship>, pair: Pair) -> Result<Response, Problem> {
    match reply {
        Reply::Recorded(current) => Ok(removed(&current)),
        Reply::Answered(outcome) => done_or_rejected(outcome).map(|c| removed(&c)).map_err(|_| not_friends(pair)),
        Reply::KeyReused => Err(Problem::key_reused()),
        // Another one ended it first, or even began it anew.
        Reply::Refused { current, .. } if current.data.is_none() => Err(not_friends(pair)),
        Reply::Refused { .. } => Err(conflict()),
    }
}

fn removed(current: &Current<Friendship>) -> Response {
    Response::new(204).last_event(Stream::Friend, current.last_event)
}

fn not_friends(pair: Pair) -> Problem {
    Problem::not_found(format!("{} and {} are not friends", pair.low(), pair.high()))
}
