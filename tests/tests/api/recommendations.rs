//! The route of the recommendations: its parameters, and how far its answers are.

use tests::network::ranked;
use tests::running::shared_api;

#[tokio::test]
async fn friends_of_friends_are_recommended_with_their_names_and_weights() {
    let api = shared_api();
    let people = api.people(6).await;
    let ids: Vec<u64> = people.iter().map(|person| person.id).collect();
    // 0 knows 1, 2 and 3; they know 4 twice, and 5 three times.
    for (a, b) in [(0, 1), (2, 0), (0, 3), (1, 4), (4, 2), (1, 5), (5, 2)] {
        api.add_friend(ids[a], ids[b]).await.is(201);
    }
    let last = api.add_friend(ids[3], ids[5]).await.is(201).header("last-event").to_owned();
    let answer = api.recommendations(ids[0], &format!("after={last}")).await.is(200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(ranked(&answer.list()), [(ids[5], 3), (ids[4], 2)]);
    assert_eq!(answer.list()[0]["user"], people[5].answer.json());
    let first = api.recommendations(ids[0], "limit=1").await.is(200);
    assert_eq!(ranked(&first.list()), [(ids[5], 3)]);

    let last = api.remove_friend(ids[5], ids[2]).await.is(204).header("last-event").to_owned();
    let answer = api.recommendations(ids[0], &format!("limit=1000&after={last}")).await.is(200);
    assert_eq!(ranked(&answer.list()), [(ids[4], 2), (ids[5], 2)], "same weight: by id");
}

#[tokio::test]
async fn the_whole_ranking_can_be_read_page_by_page_by_any_measure() {
    let api = shared_api();
    let people = api.people(9).await;
    let ids: Vec<u64> = people.iter().map(|person| person.id).collect();
    // 0 knows 1 and 2. Both know 8, who knows many; 1 knows 3 to 7.
    let mut last = String::new();
    let pairs = [(0, 1), (0, 2), (1, 8), (2, 8), (1, 3), (1, 4), (1, 5), (1, 6), (1, 7), (8, 3), (8, 4), (8, 5)];
    for (a, b) in pairs {
        last = api.add_friend(ids[a], ids[b]).await.is(201).header("last-event").to_owned();
    }
    for (rank, first) in [("mutual", 8), ("adamic-adar", 8), ("jaccard", 6)] {
        let path = format!("/recommendation/v1/users/{}/commands/recommendFriends", ids[0]);
        let whole = api.get(&format!("{path}?rank={rank}&after={last}")).await.is(200).list();
        let weights: Vec<f64> = whole.iter().map(|one| one["weight"].as_f64().unwrap()).collect();
        assert!(whole.len() == 6 && weights.is_sorted_by(|a, b| a >= b), "{rank}: {whole:?}");
        assert_eq!(whole[0]["user"]["id"], ids[first], "{rank}");
        let (mut pages, mut next) = (Vec::new(), Some(format!("{path}?rank={rank}&limit=2&after={last}")));
        while let Some(page) = next {
            let page = api.get(&page).await.is(200);
            pages.extend(page.list());
            next = page.next_page().map(|query| format!("{path}{query}"));
        }
        assert_eq!(pages, whole, "{rank}");
    }
    let both = api.mutual_friends(ids[0], ids[8], &format!("limit=1&after={last}")).await.is(200);
    assert_eq!((both.list().len(), both.list()[0]["id"].as_u64()), (1, Some(ids[1])));
    let path = format!("/recommendation/v1/users/{}/commands/findMutualFriends", ids[0]);
    let rest = api.get(&format!("{path}{}", both.next_page().unwrap())).await.is(200);
    assert_eq!((rest.list().len(), rest.list()[0]["id"].as_u64()), (1, Some(ids[2])));
    assert_eq!(rest.next_page(), None);
}

#[tokio::test]
async fn an_answer_after_an_event_includes_it() {
    let api = shared_api();
    let (a, b, c) = (api.person().await.id, api.person().await.id, api.person().await.id);
    api.add_friend(a, b).await.is(201);
    for round in 0..20 {
        let added = api.add_friend(b, c).await.is(201);
        let after = format!("after={}", added.header("last-event"));
        assert_eq!(ranked(&api.recommendations(a, &after).await.is(200).list()), [(c, 1)], "round {round}");
        let removed = api.remove_friend(c, b).await.is(204);
        let after = format!("after={}", removed.header("last-event"));
        assert!(api.recommendations(a, &after).await.is(200).list().is_empty(), "round {round}");
    }
}

#[tokio::test]
async fn a_new_person_is_known_after_their_event_and_a_new_name_is_shown() {
    let api = shared_api();
    let person = api.person().await;
    let after = format!("after={}", person.answer.header("last-event"));
    assert!(api.recommendations(person.id, &after).await.is(200).list().is_empty());
    let (a, b) = (api.person().await.id, api.person().await.id);
    api.add_friend(a, b).await.is(201);
    api.add_friend(b, person.id).await.is(201);
    let body = serde_json::json!({"id": person.id, "firstName": "Renamed", "lastName": person.last_name});
    let renamed = api.put_json(&format!("/user/v1/users/{}", person.id), &body).await.is(200);
    api.add_friend(a, person.id).await.is(201);
    let last = api.remove_friend(a, person.id).await.is(204).header("last-event").to_owned();
    let after = format!("after={},{last}", renamed.header("last-event"));
    let list = api.recommendations(a, &after).await.is(200).list();
    assert_eq!(list[0]["user"], renamed.json());
}

#[tokio::test]
async fn events_that_never_came_are_waited_for_and_then_503() {
    let api = shared_api();
    let a = api.person().await;
    let known = format!("after={}", a.answer.header("last-event"));
    api.recommendations(a.id, &known).await.is(200);
    let answer = api.recommendations(a.id, "after=friend:9999999999999-0").await.is(503);
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn unknown_people_are_not_found() {
    let (api, unknown) = (shared_api(), (1_u64 << 53) - 1);
    let a = api.person().await;
    api.recommendations(unknown, "").await.is(404);
    let after = format!("after={}", a.answer.header("last-event"));
    api.mutual_friends(a.id, unknown, &after).await.is(404);
    api.mutual_friends(unknown, a.id, &after).await.is(404);
}
