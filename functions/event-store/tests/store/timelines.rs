//! Timelines and figures, as queries see them.

use domain::{Timestamp, Version};
use event_store::{Entry, append, native::NativeRedis, project::activity::Activity, project::stats::Stats, views};

use crate::{
    given::{AT, at, befriend, create, created, event_id, part, person, recorded, rename},
    history,
    model::{Line, Model, Shown, event_and_type, ring},
    server::Server,
};

#[tokio::test]
async fn a_timeline_is_newest_first_in_pages() {
    let server = Server::start();
    let redis = server.connect().await;
    history::make(&redis, 11, 300).await;
    ring::<Activity>(&redis).await;
    let model = Model::of(&redis).await;
    Activity::agrees(&redis, &model).await;
    for (id, entries) in model.activity {
        let wanted = entries.iter().rev().map(Line::event_and_type);
        let (mut shown, mut after) = (Vec::new(), None);
        loop {
            let page = views::activity(&redis, id, after.as_deref(), 3).await.unwrap().unwrap();
            shown.extend(page.items.iter().map(|line| event_and_type(line)));
            after = page.next;
            assert!(after.as_deref().is_none_or(views::is_activity_cursor), "{after:?}");
            if after.is_none() {
                break;
            }
        }
        assert_eq!(shown, wanted.collect::<Vec<_>>(), "person {id}");
    }
}

#[tokio::test]
async fn a_line_says_what_happened_as_its_person_sees_it() {
    let server = Server::start();
    let redis = server.connect().await;
    let ada = create(&redis, "Ada", "Love lace").await;
    create(&redis, "Grace", "Hopper").await;
    let friends = befriend(&redis, 2, 1).await;
    ring::<Activity>(&redis).await;
    let friend = |id: u64| {
        serde_json::json!({"type": "FRIEND_ADDED", "time": "2026-11-22T01:27:43.007Z",
            "event": format!("friend:{}", friends.last_event), "friendId": id})
    };
    let lines: Vec<serde_json::Value> = lines(&redis, 1).await;
    assert_eq!(lines[0], friend(2));
    let signed_up = serde_json::json!({"type": "USER_CREATED", "time": "2026-11-22T01:27:43.007Z",
        "event": format!("user:{}", ada.last_event), "firstName": "Ada", "lastName": "Love lace"});
    assert_eq!(lines[1], signed_up);
    assert_eq!(self::lines(&redis, 2).await[0], friend(1));
}

async fn lines(redis: &NativeRedis, id: u64) -> Vec<serde_json::Value> {
    let page = views::activity(redis, person(id), None, 100).await.unwrap().unwrap();
    page.items.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn whatever_the_cursor_a_timeline_is_its_persons() {
    let server = Server::start();
    let redis = server.connect().await;
    create(&redis, "Ada", "Lovelace").await;
    ring::<Activity>(&redis).await;
    for (cursor, lines) in [("", 1), ("~", 1), ("nonsense", 1), ("0", 0), ("\u{0}", 0), ("+", 0), ("[", 1)] {
        let page = views::activity(&redis, person(1), Some(cursor), 10).await.unwrap().unwrap();
        assert_eq!(page.items.len(), lines, "{cursor:?}");
    }
}

async fn sign_up(redis: &NativeRedis, time: Timestamp) {
    let event = created("Ada", "Lovelace");
    let entry = Entry { id: &event_id(), time, traceparent: None, expected: Version::NONE, event: &event };
    recorded(append::user(redis, entry, None).await);
}

#[tokio::test]
async fn figures_are_by_the_minute() {
    let server = Server::start();
    let redis = server.connect().await;
    // 01:27:43.007 and on: the last moment of a minute, the first one of the next, and midnight.
    let midnight = AT - AT % 86_400_000 + 86_400_000;
    for time in [AT, AT + 16_992, AT + 16_993, midnight - 1, midnight] {
        sign_up(&redis, Timestamp::from_millis(time)).await;
    }
    let friends = befriend(&redis, 1, 2).await;
    part(&redis, &friends).await;
    befriend(&redis, 1, 3).await;
    ring::<Stats>(&redis).await;
    Stats::agrees(&redis, &Model::of(&redis).await).await;

    let stats = views::stats(&redis, at(60_000), 3).await.unwrap();
    assert_eq!((stats.users, stats.friendships), (5, 1));
    let shown: Vec<_> =
        stats.per_minute.iter().map(|m| (m.minute.to_string(), m.new_users, m.new_friendships)).collect();
    let wanted = [("01:26", 0, 0), ("01:27", 2, 2), ("01:28", 1, 0)];
    assert_eq!(shown, wanted.map(|(minute, users, friends)| (format!("2026-11-22T{minute}:00.000Z"), users, friends)));
    let json = serde_json::to_string(&stats.per_minute[1]).unwrap();
    assert_eq!(json, r#"{"minute":"2026-11-22T01:27:00.000Z","newUsers":2,"newFriendships":2}"#);

    let over_midnight = views::stats(&redis, Timestamp::from_millis(midnight + 59_999), 2).await.unwrap();
    let shown: Vec<_> = over_midnight.per_minute.iter().map(|m| (m.minute.as_millis(), m.new_users)).collect();
    assert_eq!(shown, [(midnight - 60_000, 1), (midnight, 1)]);
}

#[tokio::test]
async fn a_renaming_is_in_a_timeline_and_in_no_figure() {
    let server = Server::start();
    let redis = server.connect().await;
    let ada = create(&redis, "Ada", "Lovelace").await;
    rename(&redis, &ada, "Ada", "King").await;
    ring::<Activity>(&redis).await;
    ring::<Stats>(&redis).await;
    assert_eq!(lines(&redis, 1).await[0]["lastName"], "King");
    assert_eq!(views::stats(&redis, at(0), 1).await.unwrap().users, 1);
}

#[tokio::test]
async fn before_anything_happened_there_are_zeros() {
    let server = Server::start();
    let redis = server.connect().await;
    assert_eq!(ring::<Stats>(&redis).await, 0);
    let stats = views::stats(&redis, Timestamp::from_millis(90_000), 3).await.unwrap();
    assert_eq!((stats.users, stats.friendships, stats.per_minute.len()), (0, 0, 3));
    assert_eq!(stats.last_events, Default::default());
    assert_eq!(views::activity(&redis, person(1), None, 10).await.unwrap(), None);
    assert_eq!(views::directory(&redis, "", None, 10).await.unwrap().items, []);
}
