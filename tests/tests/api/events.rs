//! The log over HTTP, page by page.

use serde_json::Value;
use tests::api::Api;
use tests::log;
use tests::running::{shared_api, shared_store};

/// The event that a command's answer names, as the log shows it over HTTP.
async fn shown(api: &Api, last_event: &str) -> Value {
    let (stream, position) = last_event.split_once(':').unwrap();
    let (millis, seq) = position.split_once('-').unwrap();
    let before = match seq.parse::<u64>().unwrap() {
        0 => format!("{}-18446744073709551615", millis.parse::<u64>().unwrap() - 1),
        seq => format!("{millis}-{}", seq - 1),
    };
    let page = api.get(&format!("/events/v1/{stream}?after={before}&limit=1")).await.is(200);
    assert_eq!(page.header("content-type"), "application/json");
    page.list()[0].clone()
}

#[tokio::test]
async fn an_event_is_shown_as_it_stands_in_the_log() {
    let (api, mut store) = (shared_api(), shared_store().await);
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let request = api.creation("Ada", "Lovelace").header("traceparent", traceparent);
    let created = api.send(request).await.is(201);
    let event = shown(&api, created.header("last-event")).await;
    let entry = log::named(&mut store, created.header("last-event")).await.unwrap();
    assert_eq!(event["specversion"], "1.0");
    for (name, value) in &entry.fields {
        match name.as_str() {
            "version" => assert_eq!(event["version"].to_string(), *value),
            "data" => assert_eq!(event["data"], entry.data()),
            name => assert_eq!(event[name], value.as_str(), "{name}"),
        }
    }
    assert_eq!(event["position"], entry.position.as_str());
    let a = created.json()["id"].as_u64().unwrap();
    let added = api.add_friend(a, api.person().await.id).await.is(201);
    let event = shown(&api, added.header("last-event")).await;
    assert_eq!((&event["type"], &event["data"]), (&"FRIEND_ADDED".into(), &added.json()));
    assert!(event.get("traceparent").is_none());
}

#[tokio::test]
async fn pages_lead_through_the_whole_log_without_gap_or_repetition() {
    let (api, mut store) = (shared_api(), shared_store().await);
    let people = api.people(12).await;
    for pair in people.windows(2) {
        api.add_friend(pair[0].id, pair[1].id).await.is(201);
    }
    for stream in domain::event::Stream::ALL {
        let known = log::all(&mut store, stream).await;
        let first = known[known.len().saturating_sub(11)..].to_vec();
        // Both forms of a position are taken: `Last-Event` has the stream's name before it.
        let mut next = Some(format!("/events/v1/{stream}?after={stream}:{}&limit=3", first[0].position));
        let mut found = Vec::new();
        while let Some(path) = next {
            let page = api.get(&path).await.is(200);
            found.extend(page.list().iter().map(|event| event["position"].as_str().unwrap().to_owned()));
            next = page.next_page();
        }
        let expected: Vec<&str> = first[1..].iter().map(|entry| entry.position.as_str()).collect();
        assert!(found.len() >= expected.len());
        assert_eq!(found[..expected.len()], expected, "{stream}");
    }
}

#[tokio::test]
async fn the_end_of_the_log_is_an_empty_page() {
    let api = shared_api();
    let answer = api.get("/events/v1/friend?after=99999999999999-0").await.is(200);
    assert!(answer.list().is_empty() && answer.next_page().is_none());
}

#[tokio::test]
async fn there_are_two_streams() {
    let api = shared_api();
    for name in ["users", "dead", "%20", "User"] {
        api.get(&format!("/events/v1/{name}")).await.is(404);
        api.get(&format!("/events/v1/{name}/live")).await.is(404);
    }
    for bad in ["x", "1", "1-", "-1", "friend:1-0", "1-0,2-0", "0x1-0", ""] {
        api.get(&format!("/events/v1/user?after={bad}")).await.refuses(400, &["after"]);
        api.get(&format!("/events/v1/user/live?after={bad}")).await.refuses(400, &["after"]);
    }
}
