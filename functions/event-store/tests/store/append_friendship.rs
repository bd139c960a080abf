//! Friendships are appended: states, both people's lists, numbers, and who is known.

use domain::{Current, FriendshipId, Version, event::Stream};
use event_store::{
    Reply,
    project::{Stores, catch_up, people::People},
    read,
};
use tokio::task::JoinSet;

use crate::{
    given::{added, append_friendship, at, befriend, create, pair, part, person, recorded},
    server::{Server, everything, get, number, texts},
};

#[tokio::test]
async fn both_people_list_a_friendship() {
    let server = Server::start();
    let redis = server.connect().await;
    // Whoever asked, the pair and the subject name the smaller id first.
    let current = befriend(&redis, 42, 7).await;
    let friendship = current.data.clone().unwrap();
    assert_eq!((friendship.id.get(), friendship.user_id, friendship.friend_id), (1, person(42), person(7)));
    assert_eq!(get(&redis, "friendship:7-42").await.unwrap(), serde_json::to_string(&current).unwrap());
    assert_eq!(texts(&redis, "ZRANGE", &["friends:7", "0", "-1", "WITHSCORES"]).await, ["42", "1"]);
    assert_eq!(texts(&redis, "ZRANGE", &["friends:42", "0", "-1", "WITHSCORES"]).await, ["7", "1"]);
    assert_eq!(get(&redis, "friendship:id:1").await.as_deref(), Some("7-42"));
    let data = serde_json::to_string(&friendship).unwrap();
    let entry = texts(&redis, "XRANGE", &["events:friend", "-", "+"]).await;
    assert_eq!(entry[0], current.last_event.to_string());
    assert_eq!(entry[3..9], ["source", "/friend", "type", "FRIEND_ADDED", "subject", "friendship/7-42"]);
    assert_eq!(entry[9..], ["version", "1", "time", "2026-11-22T01:27:43.007Z", "data", &data]);
}

#[tokio::test]
async fn a_friendship_that_ended_leaves_a_version_and_nothing_else() {
    let server = Server::start();
    let redis = server.connect().await;
    let friends = befriend(&redis, 1, 2).await;
    let parted = part(&redis, &friends).await;
    assert_eq!((parted.version, parted.data.as_ref()), (Version(2), None));
    assert_eq!(get(&redis, "friendship:1-2").await.unwrap(), serde_json::to_string(&parted).unwrap());
    for gone in ["friends:1", "friends:2", "friendship:id:1"] {
        assert_eq!(number(&redis, "EXISTS", &[gone]).await, 0, "{gone}");
    }
    assert_eq!(read::friendship_by_id(&redis, FriendshipId::new(1).unwrap()).await.unwrap(), None);
    let entries = read::entries(&redis, Stream::Friend, friends.last_event, 10).await.unwrap();
    let ended = domain::Friendship { updated_at: at(2_000), ..friends.data.unwrap() };
    assert_eq!(entries[0].field("data"), Some(serde_json::to_string(&ended).unwrap().as_str()));
}

#[tokio::test]
async fn friends_again_have_a_new_number_and_the_next_version() {
    let server = Server::start();
    let redis = server.connect().await;
    let parted = part(&redis, &befriend(&redis, 1, 2).await).await;
    // A late command that takes them for strangers who never met does not come through.
    let reply = append_friendship(&redis, &added(2, 1), Version::NONE, &[], None).await.unwrap();
    assert_eq!(reply, Reply::Refused { current: parted.clone(), unknown: Vec::new() });

    let again = recorded(append_friendship(&redis, &added(2, 1), parted.version, &[], None).await);
    assert_eq!((again.version, again.data.as_ref().unwrap().id.get()), (Version(3), 2));
    assert_eq!(texts(&redis, "ZRANGE", &["friends:1", "0", "-1", "WITHSCORES"]).await, ["2", "2"]);
    assert_eq!(texts(&redis, "KEYS", &["friendship:id:*"]).await, ["friendship:id:2"]);
    assert_eq!(read::friendship_by_id(&redis, FriendshipId::new(2).unwrap()).await.unwrap(), again.data);
}

#[tokio::test]
async fn friends_are_refused_a_second_friendship_from_either_side() {
    let server = Server::start();
    let redis = server.connect().await;
    let friends = befriend(&redis, 1, 2).await;
    let before = everything(&redis).await;
    for event in [added(1, 2), added(2, 1)] {
        let reply = append_friendship(&redis, &event, Version::NONE, &[], None).await.unwrap();
        assert_eq!(reply, Reply::Refused { current: friends.clone(), unknown: Vec::new() });
    }
    assert_eq!(everything(&redis).await, before);
}

#[tokio::test]
async fn unknown_people_are_named_and_nothing_is_written() {
    let server = Server::start();
    let redis = server.connect().await;
    create(&redis, "Ada", "Lovelace").await;
    let stores = Stores { sources: &[(Stream::User, &redis)], target: &redis };
    catch_up::<People, _>(&stores, at(0)).await.unwrap();
    let before = everything(&redis).await;

    let far = domain::MAX_ID;
    let cases =
        [(1, 2, vec![2]), (2, 1, vec![2]), (2, 3, vec![2, 3]), (far, 1, vec![far]), (65_537, 9, vec![9, 65_537])];
    for (user, friend, unknown) in cases {
        let check = [person(user), person(friend)];
        let reply = append_friendship(&redis, &added(user, friend), Version::NONE, &check, None).await.unwrap();
        let unknown = unknown.into_iter().map(person).collect();
        assert_eq!(reply, Reply::Refused { current: Current::default(), unknown });
    }
    // Only those are looked up who are named.
    let reply = append_friendship(&redis, &added(2, 3), Version::NONE, &[person(3)], None).await.unwrap();
    assert_eq!(reply, Reply::Refused { current: Current::default(), unknown: vec![person(3)] });
    assert_eq!(everything(&redis).await, before);

    create(&redis, "Grace", "Hopper").await;
    catch_up::<People, _>(&stores, at(0)).await.unwrap();
    recorded(append_friendship(&redis, &added(2, 1), Version::NONE, &[person(1), person(2)], None).await);
}

#[tokio::test]
async fn who_exists_is_looked_up_in_the_live_generation() {
    let server = Server::start();
    let redis = server.connect().await;
    for (key, id) in [("people:1:0", "1"), ("people:1:0", "2"), ("people:5:0", "1"), ("people:5:1", "4")] {
        number(&redis, "SETBIT", &[key, id, "1"]).await;
    }
    number(&redis, "HSET", &["projection:people", "live", "5"]).await;
    let far = 65_536 + 4;
    assert!(read::knows_person(&redis, person(1)).await.unwrap());
    assert!(read::knows_person(&redis, person(far)).await.unwrap());
    assert!(!read::knows_person(&redis, person(2)).await.unwrap());
    let check = [person(1), person(2)];
    let reply = append_friendship(&redis, &added(1, 2), Version::NONE, &check, None).await.unwrap();
    assert_eq!(reply, Reply::Refused { current: Current::default(), unknown: vec![person(2)] });
    recorded(append_friendship(&redis, &added(1, far), Version::NONE, &[person(1), person(far)], None).await);
}

#[tokio::test]
async fn nobody_is_looked_up_unless_asked_for() {
    let server = Server::start();
    let redis = server.connect().await;
    let current = befriend(&redis, 100, 200).await;
    assert_eq!(current.version, Version(1));
    // A friendship ends whoever is known.
    part(&redis, &current).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_40_at_once_one_makes_the_friendship() {
    let server = Server::start();
    let redis = server.connect().await;
    let mut adding = JoinSet::new();
    for n in 0..40 {
        let (redis, event) = (server.connect().await, if n % 2 == 0 { added(1, 2) } else { added(2, 1) });
        adding.spawn(async move { append_friendship(&redis, &event, Version::NONE, &[], None).await.unwrap() });
    }
    let replies = adding.join_all().await;
    assert_eq!(replies.iter().filter(|reply| matches!(reply, Reply::Recorded(_))).count(), 1);
    assert_eq!(number(&redis, "XLEN", &["events:friend"]).await, 1);
    assert_eq!(get(&redis, "friendship:last-id").await.as_deref(), Some("1"));
    let stored = read::friendship(&redis, pair(1, 2), None).await.unwrap().unwrap();
    for reply in replies {
        let (Reply::Recorded(current) | Reply::Refused { current, .. }) = reply else { panic!("{reply:?}") };
        assert_eq!(current, stored);
    }
}
