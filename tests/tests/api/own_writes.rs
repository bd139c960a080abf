//! Whoever writes reads their own write, at once.

use futures_util::future::join_all;
use serde_json::json;
use tests::random::word;
use tests::running::shared_api;

#[tokio::test]
async fn a_user_is_read_as_it_was_written() {
    let api = shared_api();
    let readers = (0..8).map(async |_| {
        for _ in 0..15 {
            let person = api.person().await;
            let path = format!("/user/v1/users/{}", person.id);
            assert_eq!(api.get(&path).await.is(200).body, person.answer.body);
            let body = json!({"id": person.id, "firstName": word(), "lastName": word()});
            let changed = api.put_json(&path, &body).await.is(200);
            assert_eq!(api.get(&path).await.is(200).body, changed.body);
        }
    });
    join_all(readers).await;
}

#[tokio::test]
async fn lists_of_friends_are_never_stale() {
    let api = shared_api();
    let writers = (0..8).map(async |_| {
        let (a, b) = (api.person().await.id, api.person().await.id);
        for _ in 0..10 {
            let added = api.add_friend(a, b).await.is(201);
            assert_eq!((api.friend_ids(a).await, api.friend_ids(b).await), (vec![b], vec![a]));
            api.get(added.header("location")).await.is(200);
            api.remove_friend(b, a).await.is(204);
            assert!(api.friends(a).await.is_empty() && api.friends(b).await.is_empty());
        }
    });
    join_all(writers).await;
}

#[tokio::test]
async fn a_person_created_a_moment_ago_is_never_refused_as_a_friend() {
    let api = shared_api();
    let a = api.person().await.id;
    for _ in 0..200 {
        let new = api.person().await.id;
        api.add_friend(new, a).await.is(201);
    }
    let mut friends = api.friend_ids(a).await;
    friends.dedup();
    assert_eq!(friends.len(), 200);
}

#[tokio::test]
async fn two_people_created_at_the_same_moment_can_be_friends() {
    let api = shared_api();
    let pairs = (0..40).map(async |_| {
        let (a, b) = tokio::join!(api.person(), api.person());
        api.add_friend(a.id, b.id).await.is(201);
        assert_eq!(api.friend_ids(b.id).await, [a.id]);
    });
    join_all(pairs).await;
}
