//! `GET /events/v1/{user|friend}`: the log, in pages. `…/live`: its tail, as server-sent events.

mod live;
mod shown;

use domain::{StreamPosition, event::Stream};
use event_store::{read, spin::SpinRedis};
use http_api::{Paging, Problem, Request, Response, http_component, parse, raw, redis};

http_component!(&["GET"], answer);

async fn answer(request: Request) -> Result<raw::Response, Problem> {
    let name = request.segment(2);
    let stream = Stream::from_name(name);
    let stream =
        stream.ok_or_else(|| Problem::not_found(format!("there is no stream {name:?}: take user or friend")))?;
    let redis = store(stream).await?;
    match request.segment(3) {
        "live" => live::tail(&request, stream, redis).await,
        _ => page(&request, stream, redis).await.map(Response::into_raw),
    }
}

async fn page(request: &Request, stream: Stream, redis: SpinRedis) -> Result<Response, Problem> {
    let paging = Paging::of(request, "after", &[])?;
    let after = paging.cursor.as_deref().map(|after| parse::position("after", stream, after)).transpose()?;
    let entries = read::entries(&redis, stream, after.unwrap_or(StreamPosition::START), paging.limit).await?;
    let shown: Vec<_> = entries.iter().map(shown::Shown::from).collect();
    let next = entries.get(paging.limit - 1).map(|last| last.position.to_string());
    Ok(paging.respond(&shown, next.as_deref()))
}

async fn store(stream: Stream) -> Result<SpinRedis, Problem> {
    match stream {
        Stream::User => redis("user_redis_url").await,
        Stream::Friend => redis("friend_redis_url").await,
    }
}
