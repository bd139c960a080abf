//! People by the beginning of a name.

use serde_json::json;
use tests::api::{Api, Person};
use tests::patience::{eventually, holds};
use tests::random::word;
use tests::running::shared_api;

async fn found(api: &Api, query: &str) -> Vec<u64> {
    let list = api.get(&format!("/user/v1/directory?{query}")).await.is(200).list();
    list.iter().map(|user| user["id"].as_u64().unwrap()).collect()
}

#[track_caller]
fn ids(people: &[&Person]) -> Vec<u64> {
    people.iter().map(|person| person.id).collect()
}

async fn until_found(api: &Api, query: &str, expected: &[u64]) {
    eventually(query, async || {
        let found = found(api, query).await;
        holds(found == expected, || format!("{found:?}, not {expected:?}"))
    })
    .await;
}

#[tokio::test]
async fn people_are_found_by_either_name_and_by_both_whatever_the_case() {
    let api = shared_api();
    let (mark, family) = (word(), word());
    let ada = api.create(&format!("{mark}a"), &family).await;
    let bob = api.create(&format!("{mark}b"), &format!("{mark}c")).await;
    let prefix = mark[..mark.len() - 1].to_uppercase();
    // Bob's two names both match: he is listed once.
    until_found(&api, &format!("name={prefix}"), &ids(&[&ada, &bob])).await;
    until_found(&api, &format!("name={}", family.to_lowercase()), &ids(&[&ada])).await;
    until_found(&api, &format!("name={mark}a%20{}", &family[..3]), &ids(&[&ada])).await;
    until_found(&api, &format!("name={family}+{mark}"), &ids(&[&ada])).await;
    until_found(&api, &format!("name={mark}a{family}"), &[]).await;
    let list = api.get(&format!("/user/v1/directory?name={family}")).await.list();
    assert_eq!(list, [ada.answer.json()], "the whole user");
}

#[tokio::test]
async fn a_new_name_moves_the_entry() {
    let api = shared_api();
    let person = api.person().await;
    until_found(&api, &format!("name={}", person.first_name), &[person.id]).await;
    let (first, last) = (word(), word());
    let body = json!({"id": person.id, "firstName": first, "lastName": last});
    api.put_json(&format!("/user/v1/users/{}", person.id), &body).await.is(200);
    until_found(&api, &format!("name={first}"), &[person.id]).await;
    until_found(&api, &format!("name={last}"), &[person.id]).await;
    until_found(&api, &format!("name={}", person.first_name), &[]).await;
    until_found(&api, &format!("name={}", person.last_name), &[]).await;
}

#[tokio::test]
async fn it_comes_in_pages_in_the_order_of_the_names_each_person_once() {
    let api = shared_api();
    let mark = word();
    let mut people = Vec::new();
    for n in [3, 1, 4, 0, 2] {
        // Both names match the prefix.
        people.push((n, api.create(&format!("{mark}{n}"), &format!("{mark}x{n}")).await.id));
    }
    people.sort();
    let expected: Vec<u64> = people.iter().map(|(_, id)| *id).collect();
    until_found(&api, &format!("name={mark}"), &expected).await;
    for limit in 1..=6 {
        let mut all = Vec::new();
        let mut next = Some(format!("/user/v1/directory?name={mark}&limit={limit}"));
        while let Some(path) = next {
            let page = api.get(&path).await.is(200);
            let list = page.list();
            assert!(list.len() <= limit, "{limit}");
            all.extend(list.iter().map(|user| user["id"].as_u64().unwrap()));
            next = page.next_page();
            assert!(all.len() <= expected.len(), "it goes on for ever: {all:?}");
        }
        assert_eq!(all, expected, "limit {limit}");
    }
}

#[tokio::test]
async fn a_cursor_never_shows_people_of_another_name() {
    let api = shared_api();
    let (mark, other) = (format!("Z{}", word()), api.create(&format!("M{}", word()), "X").await);
    let person = api.create(&mark, "Y").await;
    until_found(&api, &format!("name={}", other.first_name), &[other.id]).await;
    until_found(&api, &format!("name={mark}"), &[person.id]).await;
    // A cursor from elsewhere is refused, or leads to a page of this name.
    let answer = api.get(&format!("/user/v1/directory?name={mark}&cursor=a")).await;
    if answer.status != 400 {
        let list = answer.is(200).list();
        assert!(list.iter().all(|user| user["firstName"] == mark.as_str()), "{list:?}");
    }
}

#[tokio::test]
async fn without_a_name_it_lists_everybody() {
    let api = shared_api();
    let person = api.person().await;
    eventually("the first page", async || {
        let page = api.get("/user/v1/directory?limit=1").await.is(200);
        holds(page.list().len() == 1, || page.to_string())
    })
    .await;
    until_found(&api, &format!("name={}", person.first_name), &[person.id]).await;
}
