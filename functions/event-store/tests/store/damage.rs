//! A damaged or full Redis: an append is done whole or not at all.

use domain::{Version, event::Stream};
use event_store::{
    Error, Idempotency,
    native::NativeRedis,
    project::{Stores, catch_up, directory::Directory},
    read, views,
};

use crate::{
    given::{
        added, append_friendship, append_user, at, befriend, create, created, part, person, recorded, removed, rename,
        renamed,
    },
    server::{Server, ask, everything, get},
};

/// Puts something else where the store keeps its own.
async fn replace(redis: &NativeRedis, key: &str, with: &str) {
    ask(redis, "DEL", &[key]).await;
    match with {
        "a list" => ask(redis, "LPUSH", &[key, "x"]).await,
        text => ask(redis, "SET", &[key, text]).await,
    };
}

fn refused<T: std::fmt::Debug>(reply: Result<T, Error>, what: &str) {
    assert!(matches!(reply, Err(Error::Refused { .. })), "{what}: {reply:?}");
}

#[tokio::test]
async fn a_person_is_not_half_created() {
    for (key, with) in [
        ("events:user", "no stream"),
        ("user:last-id", "a list"),
        ("user:last-id", "no number"),
        ("user:last-id", "1.5"),
        ("user:last-id", "9007199254740991"),
        ("user:idempotency:k", "a list"),
        ("user:idempotency:k", "no record"),
    ] {
        let server = Server::start();
        let redis = server.connect().await;
        replace(&redis, key, with).await;
        let before = everything(&redis).await;
        let idempotency = Some(Idempotency { key: "k", request: "createUser" });
        let what = format!("{key} is {with}");
        refused(append_user(&redis, &created("Ada", "Lovelace"), Version::NONE, idempotency).await, &what);
        assert_eq!(everything(&redis).await, before, "{what}");
        // Mended, it begins where it would have begun.
        ask(&redis, "DEL", &[key]).await;
        assert_eq!(create(&redis, "Ada", "Lovelace").await.data.unwrap().id, person(1), "{what}");
    }
}

#[tokio::test]
async fn a_counter_that_was_lost_costs_nobody_their_state() {
    let server = Server::start();
    let redis = server.connect().await;
    create(&redis, "Ada", "Lovelace").await;
    befriend(&redis, 1, 2).await;
    ask(&redis, "DEL", &["user:last-id", "friendship:last-id"]).await;
    let before = everything(&redis).await;
    refused(append_user(&redis, &created("Grace", "Hopper"), Version::NONE, None).await, "user");
    refused(append_friendship(&redis, &added(3, 4), Version::NONE, &[], None).await, "friendship");
    assert_eq!(everything(&redis).await, before);
}

#[tokio::test]
async fn a_person_is_not_half_changed() {
    for (key, with) in [("events:user", "no stream"), ("user:1", "a list"), ("user:1", "no state"), ("user:1", "{}")] {
        let server = Server::start();
        let redis = server.connect().await;
        let ada = create(&redis, "Ada", "Lovelace").await;
        replace(&redis, key, with).await;
        let before = everything(&redis).await;
        let what = format!("{key} is {with}");
        refused(append_user(&redis, &renamed(&ada, "Ada", "King"), Version(1), None).await, &what);
        assert_eq!(everything(&redis).await, before, "{what}");
    }
}

#[tokio::test]
async fn a_friendship_is_not_half_made() {
    for (key, with) in [
        ("events:friend", "no stream"),
        ("friendship:1-2", "a list"),
        ("friendship:1-2", "no state"),
        ("friends:1", "no set"),
        ("friends:2", "no set"),
        ("friendship:last-id", "no number"),
        ("friendship:last-id", "a list"),
        ("people:1:0", "a list"),
        ("projection:people", "no hash"),
        ("friend:idempotency:k", "a list"),
    ] {
        let server = Server::start();
        let redis = server.connect().await;
        ask(&redis, "SETBIT", &["people:1:0", "1", "1"]).await;
        ask(&redis, "SETBIT", &["people:1:0", "2", "1"]).await;
        replace(&redis, key, with).await;
        let before = everything(&redis).await;
        let check = [person(1), person(2)];
        let idempotency = Some(Idempotency { key: "k", request: "addFriend" });
        let what = format!("{key} is {with}");
        refused(append_friendship(&redis, &added(1, 2), Version::NONE, &check, idempotency).await, &what);
        assert_eq!(everything(&redis).await, before, "{what}");
        ask(&redis, "DEL", &[key]).await;
        assert_eq!(befriend(&redis, 1, 2).await.data.unwrap().id.get(), 1, "{what}");
    }
}

#[tokio::test]
async fn a_friendship_is_not_half_ended() {
    for key in ["events:friend", "friends:1", "friends:2"] {
        let server = Server::start();
        let redis = server.connect().await;
        let friends = befriend(&redis, 1, 2).await;
        replace(&redis, key, "something else").await;
        let before = everything(&redis).await;
        refused(append_friendship(&redis, &removed(&friends), Version(1), &[], None).await, key);
        assert_eq!(everything(&redis).await, before, "{key}");
    }
}

#[tokio::test]
async fn an_event_whose_id_was_allocated_already_gets_no_second_one() {
    let server = Server::start();
    let redis = server.connect().await;
    let ada = create(&redis, "Ada", "Lovelace").await;
    let friends = befriend(&redis, 1, 2).await;
    let parted = part(&redis, &friends).await;
    let before = everything(&redis).await;
    let user = domain::event::Event::User(domain::user::Event::Created(ada.data.unwrap()));
    refused(append_user(&redis, &user, Version::NONE, None).await, "user");
    let again = domain::event::Event::Friendship(domain::friendship::Event::Added(friends.data.unwrap()));
    refused(append_friendship(&redis, &again, parted.version, &[], None).await, "friendship");
    assert_eq!(everything(&redis).await, before);
}

async fn memory(redis: &NativeRedis, limit: &str) {
    ask(redis, "CONFIG", &["SET", "maxmemory", limit]).await;
}

#[tokio::test]
async fn a_full_server_refuses_whole_appends() {
    let server = Server::start();
    let redis = server.connect().await;
    let ada = create(&redis, "Ada", "Lovelace").await;
    let friends = befriend(&redis, 1, 2).await;
    let before = everything(&redis).await;
    memory(&redis, "1mb").await;
    for _ in 0..2 {
        refused(append_user(&redis, &created("Grace", "Hopper"), Version::NONE, None).await, "create");
        refused(append_user(&redis, &renamed(&ada, "Ada", "King"), Version(1), None).await, "update");
        refused(append_friendship(&redis, &added(1, 3), Version::NONE, &[], None).await, "add");
        refused(append_friendship(&redis, &removed(&friends), Version(1), &[], None).await, "remove");
        // Also when the script has to be sent whole.
        ask(&redis, "SCRIPT", &["FLUSH"]).await;
    }
    assert_eq!(everything(&redis).await, before);
    memory(&redis, "0").await;
    assert_eq!(create(&redis, "Grace", "Hopper").await.data.unwrap().id, person(2));
    assert_eq!(befriend(&redis, 1, 3).await.data.unwrap().id.get(), 2);
}

#[tokio::test]
async fn a_full_server_still_answers_queries() {
    let server = Server::start();
    let redis = server.connect().await;
    let ada = create(&redis, "Ada", "Lovelace").await;
    let stores = Stores { sources: &[(Stream::User, &redis)], target: &redis };
    catch_up::<Directory, _>(&stores, at(0)).await.unwrap();
    rename(&redis, &ada, "Ada", "King").await;
    memory(&redis, "1mb").await;

    let page = views::directory(&redis, "ada", None, 10).await.unwrap();
    assert_eq!(page.items, [ada.data.unwrap()]);
    assert_eq!(views::stats(&redis, at(0), 60).await.unwrap().users, 0);
    assert_eq!(views::activity(&redis, person(1), None, 10).await.unwrap(), None);
    assert_eq!(read::user(&redis, person(1)).await.unwrap().version, Version(2));
    // A projection waits, and loses nothing.
    refused(catch_up::<Directory, _>(&stores, at(0)).await, "catch up");
    memory(&redis, "0").await;
    assert_eq!(catch_up::<Directory, _>(&stores, at(0)).await.unwrap(), 1);
    assert_eq!(views::directory(&redis, "king", None, 10).await.unwrap().items.len(), 1);
    assert_eq!(get(&redis, "events:dead").await, None);
}

#[tokio::test]
async fn a_server_that_is_away_is_a_broken_connection() {
    let server = Server::start();
    let redis = server.connect().await;
    recorded(append_user(&redis, &created("Ada", "Lovelace"), Version::NONE, None).await);
    drop(server);
    let reply = append_user(&redis, &created("Grace", "Hopper"), Version::NONE, None).await;
    assert!(matches!(reply, Err(Error::Connection(_))), "{reply:?}");
}
