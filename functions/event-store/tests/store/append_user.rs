//! People are appended: ids, versions, states and entries.

use std::collections::BTreeSet;

use domain::{Current, StreamPosition, User, Version, event::Stream};
use event_store::{Entry, Reply, append, read};
use tokio::task::JoinSet;

use crate::{
    given::{append_user, at, create, created, recorded, rename, renamed},
    server::{Server, everything, get, number, texts},
};

#[tokio::test]
async fn people_are_numbered_from_1() {
    let server = Server::start();
    let redis = server.connect().await;
    for id in 1..=3 {
        let current = create(&redis, "Ada", "Lovelace").await;
        assert_eq!(current.version, Version(1));
        assert_eq!(current.data.unwrap().id.get(), id);
    }
    assert_eq!(get(&redis, "user:last-id").await.as_deref(), Some("3"));
}

#[tokio::test]
async fn the_stored_state_is_the_answer_byte_for_byte() {
    let server = Server::start();
    let redis = server.connect().await;
    let ada = create(&redis, "Ada \"Countess\" \\", "Łøvelace 😀").await;
    assert_eq!(get(&redis, "user:1").await.unwrap(), serde_json::to_string(&ada).unwrap());
    assert_eq!(read::user(&redis, ada.data.clone().unwrap().id).await.unwrap(), ada);

    let king = rename(&redis, &ada, "Ada", "King").await;
    assert_eq!(king.version, Version(2));
    assert!(king.last_event > ada.last_event);
    assert_eq!(get(&redis, "user:1").await.unwrap(), serde_json::to_string(&king).unwrap());
}

#[tokio::test]
async fn an_entry_has_its_fields_in_order() {
    let server = Server::start();
    let redis = server.connect().await;
    let event = created("Ada", "Lovelace");
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let id = "019a0000-0000-7000-8000-0123456789ab";
    let entry = Entry { id, time: at(5), traceparent: Some(traceparent), expected: Version::NONE, event: &event };
    let ada = recorded(append::user(&redis, entry, None).await);
    let king = rename(&redis, &ada, "Ada", "King").await;

    let data = serde_json::to_string(&ada.data).unwrap();
    #[rustfmt::skip]
    let first = [
        ada.last_event.to_string().as_str(), "id", id, "source", "/user", "type", "USER_CREATED", "subject", "user/1",
        "version", "1", "time", "2026-11-22T01:27:43.012Z", "traceparent", traceparent, "data", &data,
    ].map(str::to_owned);
    let entries = texts(&redis, "XRANGE", &["events:user", "-", "+"]).await;
    assert_eq!(entries[..first.len()], first);

    let names: Vec<_> = entries[first.len() + 1..].iter().step_by(2).map(String::as_str).collect();
    assert_eq!(names, ["id", "source", "type", "subject", "version", "time", "data"]);
    let entries = read::entries(&redis, Stream::User, StreamPosition::START, 10).await.unwrap();
    assert_eq!(entries[1].field("type"), Some("USER_UPDATED"));
    assert_eq!(entries[1].field("version"), Some("2"));
    assert_eq!(entries[1].field("data"), Some(serde_json::to_string(&king.data).unwrap().as_str()));
}

#[tokio::test]
async fn another_version_is_refused_with_the_current_state_and_nothing_is_written() {
    let server = Server::start();
    let redis = server.connect().await;
    let ada = create(&redis, "Ada", "Lovelace").await;
    let king = rename(&redis, &ada, "Ada", "King").await;
    let before = everything(&redis).await;

    for expected in [1, 3, 17] {
        let event = renamed(&king, "Ada", "Byron");
        let reply = append_user(&redis, &event, Version(expected), None).await.unwrap();
        assert_eq!(reply, Reply::Refused { current: king.clone(), unknown: Vec::new() });
    }
    assert_eq!(everything(&redis).await, before);
}

#[tokio::test]
async fn nobody_is_updated_into_existence() {
    let server = Server::start();
    let redis = server.connect().await;
    let ada = create(&redis, "Ada", "Lovelace").await;
    let mut nobody = ada.clone();
    nobody.data.as_mut().unwrap().id = crate::given::person(7);
    let before = everything(&redis).await;
    let event = renamed(&nobody, "No", "Body");
    let reply = append_user(&redis, &event, Version(1), None).await.unwrap();
    assert_eq!(reply, Reply::Refused { current: Current::default(), unknown: Vec::new() });
    assert_eq!(everything(&redis).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_200_people_at_once_each_gets_a_number_of_their_own() {
    let server = Server::start();
    let connections = [server.connect().await, server.connect().await, server.connect().await, server.connect().await];
    let mut creating = JoinSet::new();
    for n in 0..200 {
        let redis = connections[n % connections.len()].clone();
        creating.spawn(async move { create(&redis, &format!("N{n}"), "Everybody").await });
    }
    let people: Vec<Current<User>> = creating.join_all().await;
    let ids: BTreeSet<u64> = people.iter().map(|current| current.data.as_ref().unwrap().id.get()).collect();
    assert_eq!(ids, (1..=200).collect());
    for current in people {
        let key = format!("user:{}", current.data.as_ref().unwrap().id);
        assert_eq!(get(&connections[0], &key).await.unwrap(), serde_json::to_string(&current).unwrap());
    }
    assert_eq!(number(&connections[0], "XLEN", &["events:user"]).await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_50_updates_of_the_same_version_one_wins() {
    let server = Server::start();
    let redis = server.connect().await;
    let ada = create(&redis, "Ada", "Lovelace").await;
    let mut updating = JoinSet::new();
    for n in 0..50 {
        let (redis, event) = (server.connect().await, renamed(&ada, "Ada", &format!("N{n}")));
        updating.spawn(async move { append_user(&redis, &event, Version(1), None).await.unwrap() });
    }
    let replies = updating.join_all().await;
    let winners: Vec<_> = replies.iter().filter(|reply| matches!(reply, Reply::Recorded(_))).collect();
    assert_eq!(winners.len(), 1);
    let Reply::Recorded(current) = winners[0] else { unreachable!("only those were kept") };
    let refused = Reply::Refused { current: current.clone(), unknown: Vec::new() };
    assert_eq!(replies.iter().filter(|reply| **reply == refused).count(), 49);
    assert_eq!(get(&redis, "user:1").await.unwrap(), serde_json::to_string(current).unwrap());
    assert_eq!(number(&redis, "XLEN", &["events:user"]).await, 2);
}
