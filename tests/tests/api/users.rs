//! Creating, reading and changing people.

use domain::Timestamp;
use domain::event::Stream;
use reqwest::Method;
use serde_json::json;
use tests::answer::Answer;
use tests::log;
use tests::random::word;
use tests::running::{shared_api, shared_store};

#[tokio::test]
async fn creating_answers_the_user_where_it_is_and_which_version() {
    let api = shared_api();
    let (first, last) = (word(), word());
    let created = api.create(&first, &last).await;
    let user = created.answer.json();
    let members: Vec<&String> = user.as_object().unwrap().keys().collect();
    assert_eq!(members, ["createdAt", "firstName", "id", "lastName", "updatedAt"]);
    assert_eq!((&user["firstName"], &user["lastName"]), (&json!(first), &json!(last)));
    assert_eq!(user["createdAt"], user["updatedAt"]);
    let at = user["createdAt"].as_str().unwrap();
    assert_eq!(at.parse::<Timestamp>().unwrap().to_string(), at, "RFC 3339 with milliseconds, in UTC");
    assert_eq!(created.answer.header("location"), format!("/user/v1/users/{}", created.id));
    assert_eq!(created.answer.header("etag"), "\"1\"");
    assert_eq!(created.answer.header("content-type"), "application/json");
    assert!(created.answer.header("last-event").starts_with("user:"));
    let read = api.get(created.answer.header("location")).await.is(200);
    assert_eq!((read.body.as_slice(), read.header("etag")), (created.answer.body.as_slice(), "\"1\""));
    assert_eq!(read.header("content-type"), "application/json");
}

#[tokio::test]
async fn changing_answers_the_new_user_and_version() {
    let api = shared_api();
    let person = api.person().await;
    let (path, last) = (format!("/user/v1/users/{}", person.id), word());
    let body = json!({"id": person.id, "firstName": person.first_name, "lastName": last});
    let changed = api.put_json(&path, &body).await.is(200);
    let (before, user) = (person.answer.json(), changed.json());
    assert_eq!((&user["id"], &user["lastName"]), (&json!(person.id), &json!(last)));
    assert_eq!(user["createdAt"], before["createdAt"]);
    assert!(user["updatedAt"].as_str() >= before["updatedAt"].as_str());
    assert_eq!(changed.header("etag"), "\"2\"");
    assert!(changed.header("last-event").starts_with("user:"));
    assert_eq!(api.get(&path).await.is(200).body, changed.body);
}

#[tokio::test]
async fn what_was_read_can_be_sent_back_changed() {
    let api = shared_api();
    let person = api.person().await;
    let path = format!("/user/v1/users/{}", person.id);
    let mut user = api.get(&path).await.is(200).json();
    user["firstName"] = json!("Grace");
    assert_eq!(api.put_json(&path, &user).await.is(200).json()["firstName"], "Grace");
}

#[tokio::test]
async fn changing_nothing_is_no_event() {
    let (api, mut store) = (shared_api(), shared_store().await);
    let person = api.person().await;
    let path = format!("/user/v1/users/{}", person.id);
    let same = json!({"id": person.id, "firstName": person.first_name, "lastName": format!(" {} ", person.last_name)});
    let answer = api.put_json(&path, &same).await.is(200);
    assert_eq!((answer.header("etag"), &answer.body), ("\"1\"", &person.answer.body));
    assert_eq!(answer.header("last-event"), person.answer.header("last-event"));
    assert_eq!(log::about(&mut store, Stream::User, &format!("user/{}", person.id)).await.len(), 1);
}

#[tokio::test]
async fn if_match_lets_only_the_current_version_be_changed() {
    let api = shared_api();
    let person = api.person().await;
    let path = format!("/user/v1/users/{}", person.id);
    let put = async |tag: &'static str| -> Answer {
        let body = json!({"id": person.id, "firstName": word(), "lastName": word()});
        api.send(api.with_json(Method::PUT, &path, &body).header("if-match", tag)).await
    };
    for stale in ["\"0\"", "\"2\"", "\"x\"", "1", "", "W/\"1\"", "\"2\", \"3\""] {
        put(stale).await.is(412);
    }
    assert_eq!(api.get(&path).await.header("etag"), "\"1\"");
    assert_eq!(put("\"1\"").await.is(200).header("etag"), "\"2\"");
    put("\"1\"").await.is(412);
    assert_eq!(put("\"7\", \"2\"").await.is(200).header("etag"), "\"3\"");
    assert_eq!(put("*").await.is(200).header("etag"), "\"4\"");
}

#[tokio::test]
async fn the_id_in_the_body_must_be_the_one_in_the_path() {
    let api = shared_api();
    let person = api.person().await;
    let path = format!("/user/v1/users/{}", person.id);
    for id in [json!(person.id + 1), json!(0), json!(-1), json!(person.id.to_string()), json!(1.5), json!([person.id])]
    {
        let body = json!({"id": id, "firstName": "A", "lastName": "B"});
        api.put_json(&path, &body).await.refuses(400, &["id"]);
    }
    assert_eq!(api.get(&path).await.body, person.answer.body);
}

#[tokio::test]
async fn unknown_people_are_not_found() {
    let api = shared_api();
    let unknown = (1_u64 << 53) - 1;
    let path = format!("/user/v1/users/{unknown}");
    api.get(&path).await.is(404);
    api.put_json(&path, &json!({"id": unknown, "firstName": "A", "lastName": "B"})).await.is(404);
}

#[tokio::test]
async fn head_says_what_get_says_without_the_body() {
    let api = shared_api();
    let person = api.person().await;
    let id = person.id;
    let friend = api.person().await.id;
    let friendship = api.add_friend(id, friend).await.is(201);
    api.recommendations(id, &format!("after={}", friendship.header("last-event"))).await.is(200);
    let paths = [
        format!("/user/v1/users/{id}"),
        format!("/friend/v1/users/{id}/friends"),
        friendship.header("location").to_owned(),
        format!("/recommendation/v1/users/{id}/commands/recommendFriends"),
        format!("/recommendation/v1/users/{id}/commands/findMutualFriends?friendId={friend}"),
        "/events/v1/user?limit=1".to_owned(),
        "/user/actuator/health".to_owned(),
        "/nowhere".to_owned(),
        "/user/v1/users/0".to_owned(),
    ];
    for path in paths {
        let (get, head) = (api.get(&path).await, api.head(&path).await);
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
        for name in ["content-type", "content-length", "etag"] {
            assert_eq!(head.optional(name), get.optional(name), "{name} of {path}");
        }
    }
}

#[tokio::test]
async fn names_are_trimmed_and_may_be_in_any_script() {
    let api = shared_api();
    let hundred = "é".repeat(100);
    for (given, kept) in [
        ("  Ada\t", "Ada"),
        ("李", "李"),
        ("Ольга Петровна", "Ольга Петровна"),
        ("👩‍💻", "👩‍💻"),
        ("O'Brien \"Q\" \\ </script> {{x}}", "O'Brien \"Q\" \\ </script> {{x}}"),
        ("\u{3000}全角\u{3000}", "全角"),
        ("-- DROP; %00 \\u0000", "-- DROP; %00 \\u0000"),
        (hundred.as_str(), hundred.as_str()),
        (&format!(" {hundred} "), hundred.as_str()),
    ] {
        let person = api.create(given, given).await;
        let read = api.user(person.id).await.is(200).json();
        assert_eq!((read["firstName"].as_str(), read["lastName"].as_str()), (Some(kept), Some(kept)));
    }
}

#[tokio::test]
async fn a_media_type_may_carry_parameters_and_any_case() {
    let api = shared_api();
    for media_type in ["application/json; charset=utf-8", "Application/JSON", "application/json ;x=y"] {
        let request = api.request(Method::POST, "/user/v1/users").header("content-type", media_type);
        api.send(request.body(r#"{"firstName":"A","lastName":"B","unknown":{"is":["passed over"]}}"#)).await.is(201);
    }
}
