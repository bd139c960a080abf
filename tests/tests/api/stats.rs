//! Totals and rates.

use domain::Timestamp;
use tests::patience::{eventually, holds};
use tests::running::shared_api;

/// `user:1-0,friend:2-0` as the two positions.
fn positions(last_event: &str) -> (domain::StreamPosition, domain::StreamPosition) {
    let (user, friend) = last_event.split_once(',').expect("two positions");
    let read = |text: &str, name: &str| text.strip_prefix(name).expect("its name").parse().expect("a position");
    (read(user, "user:"), read(friend, "friend:"))
}

#[tokio::test]
async fn new_people_and_friendships_are_counted() {
    let api = shared_api();
    let before = api.get("/stats/v1").await.is(200).json();
    let (a, b) = (api.person().await, api.person().await);
    let added = api.add_friend(a.id, b.id).await.is(201);
    let wanted = positions(&format!("{},{}", b.answer.header("last-event"), added.header("last-event")));
    let after = eventually("stats", async || {
        let answer = api.get("/stats/v1").await.is(200);
        let at = positions(answer.header("last-event"));
        holds(at.0 >= wanted.0 && at.1 >= wanted.1, || answer.to_string())?;
        Ok(answer.json())
    })
    .await;
    // Other tests make people and friends meanwhile, and end friendships: never all of them in one moment.
    assert!(after["users"].as_u64().unwrap() >= before["users"].as_u64().unwrap() + 2, "{before} {after}");
    assert!(after["friendships"].as_u64().is_some());
    let minutes = after["perMinute"].as_array().unwrap();
    let sum = |name: &str| minutes.iter().map(|minute| minute[name].as_u64().unwrap()).sum::<u64>();
    assert!(sum("newUsers") >= 2 && sum("newFriendships") >= 1, "{after}");
}

#[tokio::test]
async fn minutes_are_whole_and_in_a_row_and_as_many_as_asked_for() {
    let api = shared_api();
    for (query, count) in [("", 60), ("?minutes=1", 1), ("?minutes=90", 90), ("?minutes=1440", 1440)] {
        let answer = api.get(&format!("/stats/v1{query}")).await.is(200);
        let minutes: Vec<u64> = answer.json()["perMinute"]
            .as_array()
            .unwrap()
            .iter()
            .map(|minute| minute["minute"].as_str().unwrap().parse::<Timestamp>().unwrap().as_millis())
            .collect();
        assert_eq!(minutes.len(), count);
        assert!(minutes.iter().all(|at| at % 60_000 == 0));
        assert!(minutes.is_sorted_by(|one, next| one + 60_000 == *next));
    }
    for bad in ["0", "1441", "x", "-1", ""] {
        api.get(&format!("/stats/v1?minutes={bad}")).await.refuses(400, &["minutes"]);
    }
}
