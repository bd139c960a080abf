//! `GET /friend/v1/users/{id}/friends`: a person's friendships, oldest first. `GET /friend/v1/friends/{friendshipId}`: one.

use domain::{FriendshipId, UserId};
use event_store::read;
use http_api::{Paging, Problem, Request, Response, http_component, parse, person_exists, redis, unknown_person};

http_component!(&["GET"], answer);

async fn answer(request: Request) -> Result<Response, Problem> {
    match request.segment(2) {
        "friends" => one(&request).await,
        _ => list(&request).await,
    }
}

async fn one(request: &Request) -> Result<Response, Problem> {
    let id: FriendshipId = parse::id("friendshipId", request.segment(3))?;
    let found = read::friendship_by_id(&redis("friend_redis_url").await?, id).await?;
    found.map(|friendship| Response::json(&friendship)).ok_or_else(|| Problem::not_found(format!("no friendship {id}")))
}

async fn list(request: &Request) -> Result<Response, Problem> {
    let of: UserId = parse::id("id", request.segment(3))?;
    let paging = Paging::of(request, "cursor", &[])?;
    let after = paging.cursor.as_deref().map(|cursor| parse::id::<FriendshipId>("cursor", cursor)).transpose()?;

    let redis = redis("friend_redis_url").await?;
    let (friends, next) = read::friends(&redis, of, after, paging.limit).await?;
    let nobody = friends.is_empty() && after.is_none();
    if nobody && !read::knows_person(&redis, of).await? && !person_exists(of).await? {
        return Err(unknown_person(of));
    }
    Ok(paging.respond(&friends, next.map(|id| id.to_string()).as_deref()))
}
