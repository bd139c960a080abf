//! Ids, limits, cursors and positions in paths and queries.

use crate::Quiet;

/// 2^53 is the first that is not exact in a JavaScript number.
const NO_IDS: [&str; 14] = [
    "0",
    "-1",
    "+1",
    "01",
    "1.0",
    "1e3",
    "abc",
    "0x1",
    "9007199254740992",
    "99999999999999999999",
    "%31",
    "1%00",
    "%F0%9F%94%91",
    "%FF",
];

#[tokio::test]
async fn ids_in_paths_that_are_none_are_400() {
    let quiet = Quiet::begin().await;
    for id in NO_IDS.into_iter().chain(["%201", "1%20", "null", "*", "1,2", "~"]) {
        for path in [
            format!("/user/v1/users/{id}"),
            format!("/user/v1/users/{id}/activity"),
            format!("/friend/v1/users/{id}/friends"),
            format!("/recommendation/v1/users/{id}/commands/recommendFriends"),
            format!("/recommendation/v1/users/{id}/commands/findMutualFriends?friendId=1"),
        ] {
            quiet.api.get(&path).await.refuses(400, &["id"]);
        }
        quiet.api.get(&format!("/friend/v1/friends/{id}")).await.refuses(400, &["friendshipId"]);
        for command in ["addFriend", "removeFriend"] {
            let path = format!("/friend/v1/users/{id}/commands/{command}?friendId={}", quiet.friend);
            quiet.api.post(&path).await.refuses(400, &["id"]);
        }
        let body = serde_json::json!({"firstName": "A", "lastName": "B"});
        quiet.api.put_json(&format!("/user/v1/users/{id}"), &body).await.refuses(400, &["id"]);
    }
    quiet.end().await;
}

#[tokio::test]
async fn friend_ids_that_are_none_or_missing_are_400() {
    let quiet = Quiet::begin().await;
    let person = quiet.person;
    // Percent-encoding is undone in a query, as it should be: %31 is 1 there.
    let bad = NO_IDS.into_iter().filter(|id| *id != "%31").map(|id| format!("friendId={id}"));
    for query in bad.chain(["", "friendId", "friendId=", "friendid=1", "friend=1"].map(str::to_owned)) {
        for command in ["addFriend", "removeFriend"] {
            let path = format!("/friend/v1/users/{person}/commands/{command}?{query}");
            quiet.api.post(&path).await.refuses(400, &["friendId"]);
        }
        let path = format!("/recommendation/v1/users/{person}/commands/findMutualFriends?{query}");
        quiet.api.get(&path).await.refuses(400, &["friendId"]);
    }
    quiet.end().await;
}

#[tokio::test]
async fn a_parameter_that_is_there_twice_is_400() {
    let quiet = Quiet::begin().await;
    let person = quiet.person;
    let twice = format!("/friend/v1/users/{person}/commands/addFriend?friendId=1&friendId=2");
    quiet.api.post(&twice).await.refuses(400, &["friendId"]);
    quiet.api.get("/user/v1/directory?name=a&name=b").await.refuses(400, &["name"]);
    quiet.api.get("/events/v1/user?limit=1&limit=1").await.refuses(400, &["limit"]);
    quiet.api.get("/events/v1/user?after=0-0&after=1-0").await.refuses(400, &["after"]);
    quiet.end().await;
}

#[tokio::test]
async fn limits_out_of_range_are_400() {
    let quiet = Quiet::begin().await;
    let person = quiet.person;
    for limit in ["0", "1001", "x", "-1", "+1", "", "1.5", "%20", "99999999999999999999999"] {
        for path in [
            format!("/user/v1/users/{person}/activity?limit={limit}"),
            format!("/user/v1/directory?limit={limit}"),
            format!("/friend/v1/users/{person}/friends?limit={limit}"),
            format!("/recommendation/v1/users/{person}/commands/recommendFriends?limit={limit}"),
            format!("/events/v1/user?limit={limit}"),
            format!("/events/v1/friend?limit={limit}"),
        ] {
            quiet.api.get(&path).await.refuses(400, &["limit"]);
        }
    }
    for limit in [1, 1000] {
        quiet.api.get(&format!("/friend/v1/users/{person}/friends?limit={limit}")).await.is(200);
        quiet.api.recommendations(person, &format!("limit={limit}")).await.is(200);
        quiet.api.get(&format!("/events/v1/user?limit={limit}")).await.is(200);
    }
    quiet.end().await;
}

#[tokio::test]
async fn rankings_that_there_are_not_are_400() {
    let quiet = Quiet::begin().await;
    let person = quiet.person;
    for rank in ["", "best", "MUTUAL", "%00", "mutual&rank=jaccard"] {
        quiet.api.recommendations(person, &format!("rank={rank}")).await.refuses(400, &["rank"]);
    }
    quiet.api.recommendations(person, "rank=x&cursor=y&limit=z").await.refuses(400, &["limit", "rank", "cursor"]);
    quiet.end().await;
}

#[tokio::test]
async fn cursors_that_no_page_gave_are_400() {
    let quiet = Quiet::begin().await;
    let person = quiet.person;
    for cursor in ["x", "0", "-1", "(", "%2B", "%00", "%FF", "1-0", "%27", ""] {
        quiet.api.get(&format!("/friend/v1/users/{person}/friends?cursor={cursor}")).await.refuses(400, &["cursor"]);
        // What is empty is not there.
        if !cursor.is_empty() {
            for path in [
                format!("/user/v1/users/{person}/activity?cursor={cursor}"),
                format!("/user/v1/directory?cursor={cursor}"),
                format!("/user/v1/directory?name=ada&cursor={cursor}"),
            ] {
                quiet.api.get(&path).await.refuses(400, &["cursor"]);
            }
        }
    }
    quiet.end().await;
}

#[tokio::test]
async fn positions_that_are_none_are_400() {
    let quiet = Quiet::begin().await;
    let person = quiet.person;
    for after in ["x", "1", "1-", "-1", "1-0-0", "people:1-0", "user:x", "1-0,", "user:1-0;friend:1-0", ""] {
        for stream in ["user", "friend"] {
            quiet.api.get(&format!("/events/v1/{stream}?after={after}")).await.refuses(400, &["after"]);
        }
        let path = format!("/recommendation/v1/users/{person}/commands/recommendFriends?after={after}");
        quiet.api.get(&path).await.refuses(400, &["after"]);
        quiet.api.mutual_friends(person, quiet.friend, &format!("after={after}")).await.refuses(400, &["after"]);
    }
    // A position of the other stream.
    quiet.api.get("/events/v1/user?after=friend:1-0").await.refuses(400, &["after"]);
    quiet.end().await;
}

#[tokio::test]
async fn names_to_look_for_are_bounded() {
    let quiet = Quiet::begin().await;
    for name in ["%00", "a%0Ab", "%1F", &"x".repeat(202)] {
        quiet.api.get(&format!("/user/v1/directory?name={name}")).await.refuses(400, &["name"]);
    }
    for name in [&"x".repeat(201), "%FF", "%F0%9F%94%91", "%5B%28", "*", "%25"] {
        quiet.api.get(&format!("/user/v1/directory?name={name}")).await.is(200);
    }
    quiet.end().await;
}
