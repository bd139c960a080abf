//! `GET /recommendation/v1/users/{id}/commands/recommendFriends` and `…/findMutualFriends?friendId=`: the projection worker's
//! answers, handed on as they come, without a copy.

use domain::UserId;
use http_api::{Problem, Request, http_component, parse, raw, setting};
use spin_sdk::{
    http::Uri,
    wasip3::{
        http::{
            client,
            types::{Fields, Scheme},
        },
        wit_future,
    },
};

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
    let question = outbound(&worker, &path).map_err(away)?;
    let answer = client::send(question).await.map_err(|e| away(e.to_string()))?;
    understood(&answer).map_err(away)?;
    Ok(answer)
}

fn outbound(base: &str, path: &str) -> Result<raw::Request, String> {
    let base: Uri = base.parse().map_err(|e| format!("worker_url {base:?} is no URL: {e}"))?;
    let (_, no_trailers) = wit_future::new(|| Ok(None));
    let (request, _sent) = raw::Request::new(Fields::new(), None, no_trailers, None);
    let set = request.set_scheme(Some(&Scheme::Http)).is_ok()
        && request.set_authority(base.authority().map(|authority| authority.as_str())).is_ok()
        && request.set_path_with_query(Some(path)).is_ok();
    if set { Ok(request) } else { Err(format!("{base}{path} is no URL")) }
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
