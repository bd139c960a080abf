//! A person's timeline.

use serde_json::json;
use tests::api::Api;
use tests::patience::{eventually, holds};
use tests::random::word;
use tests::running::shared_api;

async fn kinds(api: &Api, path: &str) -> Vec<String> {
    let answer = api.get(path).await;
    let list = if answer.status == 404 { Vec::new() } else { answer.is(200).list() };
    list.iter().map(|line| line["type"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_timeline_shows_what_happened_newest_first() {
    let api = shared_api();
    let (person, friend) = (api.person().await, api.person().await);
    let first = word();
    let body = json!({"id": person.id, "firstName": first, "lastName": person.last_name});
    api.put_json(&format!("/user/v1/users/{}", person.id), &body).await.is(200);
    api.add_friend(friend.id, person.id).await.is(201);
    let removed = api.remove_friend(person.id, friend.id).await.is(204);
    let path = format!("/user/v1/users/{}/activity", person.id);
    let expected = ["FRIEND_REMOVED", "FRIEND_ADDED", "USER_UPDATED", "USER_CREATED"];
    eventually("the timeline", async || {
        let kinds = kinds(&api, &path).await;
        holds(kinds == expected, || format!("{kinds:?}"))
    })
    .await;
    let list = api.get(&path).await.list();
    assert_eq!(list[0]["event"], removed.header("last-event"));
    assert_eq!((&list[0]["friendId"], &list[1]["friendId"]), (&json!(friend.id), &json!(friend.id)));
    assert_eq!((&list[2]["firstName"], &list[2]["lastName"]), (&json!(first), &json!(person.last_name)));
    assert_eq!(list[3]["firstName"], person.first_name.as_str());
    assert_eq!(list[3]["time"], person.answer.json()["createdAt"]);
    assert_eq!(list[3]["event"], person.answer.header("last-event"));
    let of_the_friend = api.get(&format!("/user/v1/users/{}/activity?limit=1", friend.id)).await.is(200).list();
    assert_eq!(of_the_friend[0]["friendId"], person.id);
}

#[tokio::test]
async fn it_comes_in_pages() {
    let api = shared_api();
    let person = api.create("Zoë \"Ω\" O'Hara & Söhne", &word()).await;
    let others = api.people(4).await;
    for other in &others {
        api.add_friend(person.id, other.id).await.is(201);
    }
    let path = format!("/user/v1/users/{}/activity", person.id);
    eventually("the timeline", async || {
        let kinds = kinds(&api, &path).await;
        holds(kinds.len() == 5, || format!("{kinds:?}"))
    })
    .await;
    let whole = api.get(&path).await.list();
    for limit in 1..=6 {
        let mut all = Vec::new();
        let mut next = Some(format!("{path}?limit={limit}"));
        while let Some(path) = next {
            let page = api.get(&path).await.is(200);
            all.extend(page.list());
            next = page.next_page();
            assert!(all.len() <= whole.len(), "it goes on for ever");
        }
        assert_eq!(all, whole, "limit {limit}");
    }
}

#[tokio::test]
async fn nobody_has_no_timeline() {
    shared_api().get(&format!("/user/v1/users/{}/activity", (1_u64 << 53) - 1)).await.is(404);
}
