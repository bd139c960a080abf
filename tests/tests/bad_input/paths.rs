//! Paths that lead nowhere, and methods that a path does not take.

use reqwest::Method;

use crate::Quiet;

#[tokio::test]
async fn unknown_paths_are_404_for_every_method() {
    let quiet = Quiet::begin().await;
    for path in [
        "/",
        "/user",
        "/user/v1",
        "/user/v2/users",
        "/user/v1/users/1/friends",
        "/user/v1/user/1",
        "/User/v1/users/1",
        "/friend/v1/users/1",
        "/friend/v1/users/1/commands",
        "/friend/v1/users/1/commands/addfriend",
        "/friend/v1/users/1/commands/addFriend/x",
        "/friend/v1/friends",
        "/recommendation/v1/users/1",
        "/recommendation/v1/users/1/commands/x",
        "/stats",
        "/stats/v1/x",
        "/events/v1",
        "/events/v1/user/live/x",
        "/actuator/health",
        "/other/actuator/health",
        "/user/actuator",
        "/%2e%2e/etc/passwd",
        "/..%2f..%2fetc/passwd",
        "/metrics",
        "/favicon.ico",
        "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p",
    ] {
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS, Method::PATCH] {
            let answer = quiet.api.send(quiet.api.request(method, path)).await;
            assert_eq!(answer.is(404).json()["type"], "/problems/not-found");
        }
    }
    quiet.end().await;
}

#[tokio::test]
async fn a_method_that_a_path_does_not_take_is_405_with_those_that_it_takes() {
    let quiet = Quiet::begin().await;
    let (user, friend) = (quiet.person, quiet.friend);
    let get = [
        format!("/user/v1/users/{user}/activity"),
        "/user/v1/directory".to_owned(),
        format!("/friend/v1/users/{user}/friends"),
        "/friend/v1/friends/1".to_owned(),
        format!("/recommendation/v1/users/{user}/commands/recommendFriends"),
        format!("/recommendation/v1/users/{user}/commands/findMutualFriends?friendId={friend}"),
        "/events/v1/user".to_owned(),
        "/events/v1/friend/live".to_owned(),
        "/stats/v1".to_owned(),
        "/user/actuator/health".to_owned(),
        "/friend/actuator/health".to_owned(),
        "/recommendation/actuator/health".to_owned(),
    ];
    let post = [
        "/user/v1/users".to_owned(),
        format!("/friend/v1/users/{user}/commands/addFriend?friendId={friend}"),
        format!("/friend/v1/users/{user}/commands/removeFriend?friendId={friend}"),
    ];
    let routes = get.iter().map(|path| (path.clone(), "GET"));
    let routes = routes.chain(post.iter().map(|path| (path.clone(), "POST")));
    for (path, allowed) in routes.chain([(format!("/user/v1/users/{user}"), "GET, PUT")]) {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PURGE"] {
            let taken = allowed.contains(method) || (method == "HEAD" && allowed.contains("GET"));
            if taken {
                continue;
            }
            let request = quiet.api.request(Method::from_bytes(method.as_bytes()).unwrap(), &path);
            let answer = quiet.api.send(request).await;
            if path.contains("health") {
                assert_eq!(answer.status, 405, "{method} {path}: {answer}");
            }
            assert_eq!(answer.is(405).header("allow"), allowed, "{method} {path}");
        }
    }
    quiet.end().await;
}

#[tokio::test]
async fn a_slash_too_many_at_the_end_is_the_same_path() {
    let quiet = Quiet::begin().await;
    quiet.api.get(&format!("{}/", quiet.user_path())).await.is(200);
    quiet.api.get("/stats/v1/").await.is(200);
    quiet.end().await;
}

#[tokio::test]
async fn a_slash_too_many_at_the_beginning_is_the_same_path() {
    let quiet = Quiet::begin().await;
    let person = quiet.api.get(&format!("/{}", quiet.user_path())).await.is(200).json();
    assert_eq!(person["id"].to_string(), quiet.person.to_string());
    let health = quiet.api.get("//user/actuator/health").await.is(200).json();
    assert!(health["components"]["redis"].is_object(), "the user service rests on Redis: {health}");
    quiet.end().await;
}
