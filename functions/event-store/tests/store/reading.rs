//! The log in pages, a person's friends, and what somebody added by hand.

use domain::{StreamPosition, event::Stream};
use event_store::{native::NativeRedis, read};

use crate::{
    given::{befriend, by_hand, create, part, person, renamed},
    server::{Server, ask, calls},
};

async fn positions(redis: &NativeRedis, after: StreamPosition, count: usize) -> Vec<StreamPosition> {
    let entries = read::entries(redis, Stream::User, after, count).await.unwrap();
    entries.iter().map(|entry| entry.position).collect()
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let server = Server::start();
    let redis = server.connect().await;
    assert_eq!(read::last(&redis, Stream::User).await.unwrap(), StreamPosition::START);
    assert_eq!(positions(&redis, StreamPosition::START, 10).await, []);
    let mut written = Vec::new();
    for _ in 0..7 {
        written.push(create(&redis, "Ada", "Lovelace").await.last_event);
    }
    let (mut read, mut at) = (Vec::new(), StreamPosition::START);
    loop {
        let page = positions(&redis, at, 3).await;
        let Some(last) = page.last() else { break };
        at = *last;
        read.extend(page);
    }
    assert_eq!(read, written);
    assert_eq!(read::last(&redis, Stream::User).await.unwrap(), written[6]);
}

#[tokio::test]
async fn after_the_last_possible_place_there_is_nothing() {
    let server = Server::start();
    let redis = server.connect().await;
    create(&redis, "Ada", "Lovelace").await;
    let end = "18446744073709551615-18446744073709551615".parse().unwrap();
    assert_eq!(positions(&redis, end, 10).await, []);
}

#[tokio::test]
async fn a_field_that_is_named_like_a_place_is_a_field() {
    let server = Server::start();
    let redis = server.connect().await;
    let mut written = vec![create(&redis, "Ada", "Lovelace").await.last_event];
    // In the future, in the past, and one that does not begin as ours do.
    for fields in [["9999999999999-0", "x"], ["1-0", "x"], ["note", "by hand"]] {
        written.push(by_hand(&redis, Stream::User, &fields).await);
        written.push(create(&redis, "Grace", "Hopper").await.last_event);
    }
    written.push(by_hand(&redis, Stream::User, &["9999999999999-0", "x"]).await);
    assert_eq!(positions(&redis, StreamPosition::START, 100).await, written);
    let (mut read, mut at) = (Vec::new(), StreamPosition::START);
    while let Some(last) = positions(&redis, at, 1).await.first() {
        at = *last;
        read.push(at);
    }
    assert_eq!(read, written);
    assert_eq!(read::last(&redis, Stream::User).await.unwrap(), *written.last().unwrap());
    let entries = read::entries(&redis, Stream::User, written[0], 1).await.unwrap();
    assert_eq!(entries[0].field("9999999999999-0"), Some("x"));
}

#[tokio::test]
async fn our_own_entries_need_no_script() {
    let server = Server::start();
    let redis = server.connect().await;
    let ada = create(&redis, "1-0", "2-0").await;
    crate::given::append_user(&redis, &renamed(&ada, "3-0", "id"), ada.version, None).await.unwrap();
    ask(&redis, "CONFIG", &["RESETSTAT"]).await;
    assert_eq!(positions(&redis, StreamPosition::START, 100).await.len(), 2);
    assert_eq!((calls(&redis, "xrange").await, calls(&redis, "evalsha").await), (1, 0));
}

#[tokio::test]
async fn friends_are_listed_oldest_first_in_pages_as_each_sees_them() {
    let server = Server::start();
    let redis = server.connect().await;
    let mut friendships = Vec::new();
    for friend in [9, 3, 200, 7, 1] {
        let (a, b) = if friend % 2 == 1 { (5, friend) } else { (friend, 5) };
        friendships.push(befriend(&redis, a, b).await);
    }
    befriend(&redis, 3, 9).await;
    part(&redis, &friendships.remove(1)).await;

    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let (page, next) = read::friends(&redis, person(5), after, 2).await.unwrap();
        assert!(page.len() <= 2 && page.iter().all(|friendship| friendship.user_id == person(5)));
        seen.extend(page.iter().map(|friendship| friendship.friend_id.get()));
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, [9, 200, 7, 1]);
    let (of_nobody, next) = read::friends(&redis, person(77), None, 10).await.unwrap();
    assert_eq!((of_nobody.len(), next), (0, None));
}
