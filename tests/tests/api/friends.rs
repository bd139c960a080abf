//! Friendships: beginning, listing, ending.

use serde_json::json;
use tests::random::word;
use tests::running::{shared_api, shared_store};
use tests::{log, network};

#[tokio::test]
async fn adding_a_friend_answers_the_friendship_and_where_it_is() {
    let api = shared_api();
    let (a, b) = (api.person().await.id, api.person().await.id);
    let added = api.add_friend(b, a).await.is(201);
    let friendship = added.json();
    let members: Vec<&String> = friendship.as_object().unwrap().keys().collect();
    assert_eq!(members, ["createdAt", "friendId", "id", "updatedAt", "userId"]);
    assert_eq!((&friendship["userId"], &friendship["friendId"]), (&json!(b), &json!(a)));
    assert_eq!(friendship["createdAt"], friendship["updatedAt"]);
    assert_eq!(added.header("location"), format!("/friend/v1/friends/{}", friendship["id"]));
    assert_eq!(added.header("content-type"), "application/json");
    assert!(added.header("last-event").starts_with("friend:"));
    assert_eq!(api.get(added.header("location")).await.is(200).json(), friendship);
}

#[tokio::test]
async fn both_list_a_friendship_as_their_own() {
    let api = shared_api();
    let (a, b) = (api.person().await.id, api.person().await.id);
    let friendship = api.add_friend(a, b).await.is(201).json();
    let (of_a, of_b) = (api.friends(a).await, api.friends(b).await);
    assert_eq!(of_a, std::slice::from_ref(&friendship));
    assert_eq!(of_b.len(), 1);
    assert_eq!((&of_b[0]["userId"], &of_b[0]["friendId"]), (&json!(b), &json!(a)));
    for same in ["id", "createdAt", "updatedAt"] {
        assert_eq!(of_b[0][same], friendship[same]);
    }
}

#[tokio::test]
async fn a_second_friendship_of_the_same_two_is_a_conflict_in_either_direction() {
    let api = shared_api();
    let (a, b) = (api.person().await.id, api.person().await.id);
    api.add_friend(a, b).await.is(201);
    assert_eq!(api.add_friend(a, b).await.is(409).json()["type"], "/problems/already-friends");
    api.add_friend(b, a).await.is(409);
    assert_eq!(api.friend_ids(a).await, [b]);
}

#[tokio::test]
async fn nobody_is_their_own_friend() {
    let api = shared_api();
    let a = api.person().await.id;
    api.add_friend(a, a).await.refuses(400, &["friendId"]);
    api.remove_friend(a, a).await.refuses(400, &["friendId"]);
    api.mutual_friends(a, a, "").await.refuses(400, &["friendId"]);
}

#[tokio::test]
async fn friends_must_exist() {
    let api = shared_api();
    let (a, unknown) = (api.person().await.id, (1_u64 << 53) - 1);
    for answer in [api.add_friend(a, unknown).await, api.add_friend(unknown, a).await] {
        assert!(answer.is(404).json()["detail"].as_str().unwrap().contains(&unknown.to_string()));
    }
    api.add_friend(unknown, unknown - 1).await.is(404);
    api.get(&format!("/friend/v1/users/{unknown}/friends")).await.is(404);
    api.get(&format!("/friend/v1/friends/{unknown}")).await.is(404);
    assert!(api.friends(a).await.is_empty());
}

#[tokio::test]
async fn either_may_end_a_friendship_and_both_lose_it() {
    let api = shared_api();
    let (a, b) = (api.person().await.id, api.person().await.id);
    for (asks, ends) in [(a, a), (a, b), (b, a), (b, b)] {
        let added = api.add_friend(asks, a + b - asks).await.is(201);
        let removed = api.remove_friend(ends, a + b - ends).await.is(204);
        assert!(removed.body.is_empty() && removed.header("last-event").starts_with("friend:"));
        assert!(api.friends(a).await.is_empty() && api.friends(b).await.is_empty());
        api.get(added.header("location")).await.is(404);
        api.remove_friend(a, b).await.is(404);
        api.remove_friend(b, a).await.is(404);
    }
}

#[tokio::test]
async fn friends_again_are_a_new_friendship_of_the_same_two() {
    let (api, mut store) = (shared_api(), shared_store().await);
    let (a, b) = (api.person().await.id, api.person().await.id);
    let first = api.add_friend(a, b).await.is(201).json();
    api.remove_friend(b, a).await.is(204);
    let second = api.add_friend(b, a).await.is(201);
    assert!(second.json()["id"].as_u64() > first["id"].as_u64());
    let subject = format!("friendship/{}-{}", a.min(b), a.max(b));
    let events = log::about(&mut store, domain::event::Stream::Friend, &subject).await;
    let history: Vec<_> = events.iter().map(|event| (event.field("type"), event.field("version"))).collect();
    assert_eq!(history, [("FRIEND_ADDED", "1"), ("FRIEND_REMOVED", "2"), ("FRIEND_ADDED", "3")]);
    assert_eq!(format!("friend:{}", events[2].position), second.header("last-event"));
    api.get(&format!("/friend/v1/friends/{}", first["id"])).await.is(404);
}

#[tokio::test]
async fn a_list_comes_in_pages_oldest_first() {
    let api = shared_api();
    let a = api.person().await.id;
    let others: Vec<u64> = api.people(7).await.iter().map(|person| person.id).collect();
    for other in &others {
        api.add_friend(a, *other).await.is(201);
    }
    assert_eq!(api.friend_ids(a).await, others);
    for limit in [1, 2, 3, 6, 7, 8] {
        let (mut found, mut pages) = (Vec::new(), 0);
        let mut next = Some(format!("/friend/v1/users/{a}/friends?limit={limit}"));
        while let Some(path) = next {
            let page = api.get(&path).await.is(200);
            let list = page.list();
            assert!(list.len() <= limit && (page.next_page().is_none() || list.len() == limit));
            found.extend(list.iter().map(|friendship| friendship["friendId"].as_u64().unwrap()));
            (next, pages) = (page.next_page(), pages + 1);
            assert!(pages <= 8, "it goes on for ever");
        }
        assert_eq!(found, others, "limit {limit}");
    }
}

#[tokio::test]
async fn somebody_without_friends_has_an_empty_list() {
    let api = shared_api();
    let person = api.create(&word(), &word()).await;
    assert_eq!(api.get(&format!("/friend/v1/users/{}/friends", person.id)).await.is(200).json(), json!([]));
}

#[tokio::test]
async fn mutual_friends_are_answered_as_users_in_the_order_of_their_ids() {
    let api = shared_api();
    let people = api.people(6).await;
    let ids: Vec<u64> = people.iter().map(|person| person.id).collect();
    let mut last = String::new();
    for (a, b) in [(0, 2), (0, 4), (0, 3), (1, 4), (1, 2), (1, 5)] {
        last = api.add_friend(ids[a], ids[b]).await.is(201).header("last-event").to_owned();
    }
    // The last event of both streams: the newest person is to be known by name.
    let after = format!("after={last},{}", people[5].answer.header("last-event"));
    let answer = api.mutual_friends(ids[0], ids[1], &after).await.is(200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(answer.header("last-event").starts_with("user:") && answer.header("last-event").contains(",friend:"));
    assert_eq!(answer.list(), [people[2].answer.json(), people[4].answer.json()]);
    assert!(api.mutual_friends(ids[0], ids[2], &after).await.is(200).list().is_empty());

    let ranked = network::ranked(&api.recommendations(ids[0], &after).await.is(200).list());
    assert_eq!(ranked, [(ids[1], 2)]);
}
