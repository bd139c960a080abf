//! Of any number of conflicting commands at once exactly one wins.

use std::collections::BTreeMap;

use domain::event::Stream;
use futures_util::future::join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use tests::answer::Answer;
use tests::api::Api;
use tests::log;
use tests::random::word;
use tests::running::{shared_api, shared_store};

const AT_ONCE: usize = 40;

async fn all(api: &Api, requests: impl IntoIterator<Item = RequestBuilder>) -> Vec<Answer> {
    join_all(requests.into_iter().map(|request| api.send(request))).await
}

fn statuses(answers: &[Answer]) -> BTreeMap<u16, usize> {
    answers.iter().fold(BTreeMap::new(), |mut counts, answer| {
        *counts.entry(answer.status).or_default() += 1;
        counts
    })
}

async fn history(subject: &str) -> Vec<String> {
    let stream = if subject.starts_with("user") { Stream::User } else { Stream::Friend };
    let events = log::about(&mut shared_store().await, stream, subject).await;
    events.iter().map(|event| format!("{} {}", event.field("version"), event.field("type"))).collect()
}

#[tokio::test]
async fn of_40_identical_additions_one_is_made_and_39_are_conflicts() {
    let api = shared_api();
    for _ in 0..3 {
        let (a, b) = (api.person().await.id, api.person().await.id);
        let answers = all(&api, (0..AT_ONCE).map(|_| api.addition(a, b))).await;
        assert_eq!(statuses(&answers), BTreeMap::from([(201, 1), (409, AT_ONCE - 1)]));
        assert_eq!(history(&format!("friendship/{a}-{b}")).await, ["1 FRIEND_ADDED"]);
        assert_eq!((api.friend_ids(a).await, api.friend_ids(b).await), (vec![b], vec![a]));
    }
}

#[tokio::test]
async fn of_40_additions_in_both_directions_one_is_made() {
    let api = shared_api();
    for _ in 0..3 {
        let (a, b) = (api.person().await.id, api.person().await.id);
        let one = |n: usize| if n.is_multiple_of(2) { api.addition(a, b) } else { api.addition(b, a) };
        let answers = all(&api, (0..AT_ONCE).map(one)).await;
        assert_eq!(statuses(&answers), BTreeMap::from([(201, 1), (409, AT_ONCE - 1)]));
        assert_eq!(history(&format!("friendship/{a}-{b}")).await, ["1 FRIEND_ADDED"]);
    }
}

#[tokio::test]
async fn of_40_removals_one_is_made_and_39_find_nothing() {
    let api = shared_api();
    for _ in 0..3 {
        let (a, b) = (api.person().await.id, api.person().await.id);
        api.add_friend(a, b).await.is(201);
        let one = |n: usize| if n.is_multiple_of(2) { api.removal(a, b) } else { api.removal(b, a) };
        let answers = all(&api, (0..AT_ONCE).map(one)).await;
        assert_eq!(statuses(&answers), BTreeMap::from([(204, 1), (404, AT_ONCE - 1)]));
        assert_eq!(history(&format!("friendship/{a}-{b}")).await, ["1 FRIEND_ADDED", "2 FRIEND_REMOVED"]);
        assert!(api.friends(a).await.is_empty() && api.friends(b).await.is_empty());
    }
}

#[tokio::test]
async fn of_40_changes_of_the_same_version_one_is_made() {
    let api = shared_api();
    for _ in 0..3 {
        let id = api.person().await.id;
        let change = |_| {
            let body = json!({"id": id, "firstName": word(), "lastName": word()});
            api.with_json(Method::PUT, &format!("/user/v1/users/{id}"), &body).header("if-match", "\"1\"")
        };
        let answers = all(&api, (0..AT_ONCE).map(change)).await;
        assert_eq!(statuses(&answers), BTreeMap::from([(200, 1), (412, AT_ONCE - 1)]));
        assert_eq!(history(&format!("user/{id}")).await, ["1 USER_CREATED", "2 USER_UPDATED"]);
        let won = answers.iter().find(|answer| answer.status == 200).unwrap();
        assert_eq!(api.user(id).await.body, won.body);
    }
}

#[tokio::test]
async fn of_40_changes_without_a_version_each_is_made_or_is_a_conflict() {
    let api = shared_api();
    let id = api.person().await.id;
    let change = |_| {
        let body = json!({"id": id, "firstName": word(), "lastName": word()});
        api.with_json(Method::PUT, &format!("/user/v1/users/{id}"), &body)
    };
    let answers = all(&api, (0..AT_ONCE).map(change)).await;
    let made = answers.iter().filter(|answer| answer.status == 200).count();
    assert!(made >= 1 && answers.iter().all(|answer| [200, 409].contains(&answer.status)), "{:?}", statuses(&answers));
    let history = history(&format!("user/{id}")).await;
    assert_eq!(history.len(), 1 + made);
    assert!(history.iter().enumerate().all(|(n, event)| event.starts_with(&format!("{} ", n + 1))), "{history:?}");
}

#[tokio::test]
async fn of_100_people_at_once_each_has_an_id_of_their_own() {
    let api = shared_api();
    let names: Vec<String> = (0..100).map(|_| word()).collect();
    let answers = all(&api, names.iter().map(|name| api.creation(name, "Same"))).await;
    let mut ids: Vec<u64> = answers.iter().map(|answer| answer.json()["id"].as_u64().unwrap()).collect();
    assert_eq!(statuses(&answers), BTreeMap::from([(201, 100)]));
    for (name, answer) in names.iter().zip(&answers) {
        assert_eq!(api.get(answer.header("location")).await.is(200).json()["firstName"], name.as_str());
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 100);
}

#[tokio::test]
async fn friends_of_one_person_made_at_once_are_all_listed() {
    let api = shared_api();
    let a = api.person().await.id;
    let others: Vec<u64> = api.people(AT_ONCE).await.iter().map(|person| person.id).collect();
    let answers = all(&api, others.iter().map(|other| api.addition(*other, a))).await;
    assert_eq!(statuses(&answers), BTreeMap::from([(201, AT_ONCE)]));
    let mut listed = api.friend_ids(a).await;
    listed.sort_unstable();
    assert_eq!(listed, others);
    let answers = all(&api, others.iter().map(|other| api.removal(a, *other))).await;
    assert_eq!(statuses(&answers), BTreeMap::from([(204, AT_ONCE)]));
    assert!(api.friends(a).await.is_empty());
}
