//! `GET /recommendation/v1/users/{id}/commands/recommendFriends` and `…/findMutualFriends?friendId=`: the projection worker's
//! answers, handed on as they come, without a copy.

use domain::UserId;
use http_api::{Problem, Request, get, http_component, parse, raw, setting};

/// What the worker answers when it has understood the question.
const EXPECTED: [u16; 4] = [200, 400, 404, 503];

http_component!(&["GET"], ask);

async fn ask(request: Request) -> Result<raw::Response, Problem> {
    let id: UserId = parse::id("id", request.segment(3))?;
    let question = match request.segment(5) {
        "findMutualFriends" => "mutual-friends",
        _ => "recommendations",
    };
    let worker = setting("worker_url").await?;
    let away = |detail: String| {
        eprintln!("worker at {worker}: {detail}");
        Problem::unavailable("recommendations are not available at the moment; everything else is")
    };
    let path = format!("/v1/users/{id}/{question}?{}", request.query_string());
    let answer = get(&worker, &path).await.map_err(away)?;
    understood(&answer).map_err(away)?;
    Ok(answer)
}

/// Whether this is an answer of the worker's: anything else that listens there is as good as nobody.
fn understood(answer: &raw::Response) -> Result<(), String> {
    let (status, headers) = (answer.get_status_code(), answer.get_headers());
    let json = headers.get("content-type").iter().any(|value| value.ends_with(b"json"));
    let placed = status != 200 || headers.has("last-event");
    if EXPECTED.contains(&status) && json && placed {
        Ok(())
    } else {
        Err(format!("answered {status}, not as a worker does"))
    }
}
