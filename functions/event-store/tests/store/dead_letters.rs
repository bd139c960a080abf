//! What cannot be applied is put aside once, with the reason, and the rest goes on.

use std::time::Duration;

use domain::{StreamPosition, event::Stream};
use event_store::{
    Error,
    native::NativeRedis,
    project::{Stores, activity::Activity, catch_up, directory::Directory, people::People, stats::Stats},
    views,
};
use tokio::{task::JoinSet, time::timeout};

use crate::{
    given::{at, befriend, by_hand, create, person},
    model::{Model, Shown, ring},
    server::{Server, ask, calls, everything, number, texts},
};

/// The dead letters: projection, stream, position, type and reason of each.
async fn dead(redis: &NativeRedis) -> Vec<[String; 5]> {
    let words = texts(redis, "XRANGE", &["events:dead", "-", "+"]).await;
    let letters = words.chunks(13).map(|letter| {
        let names: Vec<_> = letter[1..].iter().step_by(2).map(String::as_str).collect();
        assert_eq!(names, ["projection", "stream", "position", "type", "reason", "time"]);
        assert_eq!(letter[12], at(0).to_string());
        [2, 4, 6, 8, 10].map(|index| letter[index].clone())
    });
    letters.collect()
}

/// Entries that are no events, among some that are: positions, types, and what the reasons say.
async fn spoil(redis: &NativeRedis) -> Vec<(StreamPosition, &'static str, &'static str)> {
    const ADA: &str = r#"{"id":1,"firstName":"Ada","lastName":"L","createdAt":"2026-11-22T01:27:43.007Z","updatedAt":"2026-11-22T01:27:43.007Z"}"#;
    let entry = |kind, subject, data| {
        ["id", "x", "type", kind, "subject", subject, "version", "1", "time", "2026-11-22T01:27:43.007Z", "data", data]
    };
    let future = [&entry("USER_CREATED", "user/1", ADA)[..], &["dataschema", "2"]].concat();
    let bad_time: Vec<_> =
        entry("USER_CREATED", "user/1", ADA).map(|w| if w.starts_with("2026") { "noon" } else { w }).into();
    let cases: [(Vec<&str>, &str, &str); 9] = [
        (entry("USER_DELETED", "user/1", ADA).into(), "USER_DELETED", "not known on stream user"),
        (entry("FRIEND_ADDED", "user/1", ADA).into(), "FRIEND_ADDED", "not known on stream user"),
        (entry("USER_CREATED", "user/1", r#"{"id":1"#).into(), "USER_CREATED", "data is not readable"),
        (entry("USER_CREATED", "user/1", r#"{"id":0,"firstName":"A"}"#).into(), "USER_CREATED", "data is not readable"),
        (entry("USER_UPDATED", "user/2", ADA).into(), "USER_UPDATED", "is not the one of the data"),
        (future, "USER_CREATED", "schema"),
        (bad_time, "USER_CREATED", "time"),
        (vec!["note", "by hand"], "", "type is missing"),
        (vec!["9999999999999-7", "named like a place in the stream"], "", "type is missing"),
    ];
    let mut spoiled = Vec::new();
    for (fields, kind, reason) in cases {
        create(redis, "Grace", "Hopper").await;
        spoiled.push((by_hand(redis, Stream::User, &fields).await, kind, reason));
    }
    spoiled
}

async fn put_aside_once<P: Shown>() {
    let server = Server::start();
    let redis = server.connect().await;
    let spoiled = spoil(&redis).await;
    create(&redis, "Alan", "Turing").await;
    befriend(&redis, 1, 2).await;
    let mut ringing = JoinSet::new();
    for _ in 0..8 {
        let redis = server.connect().await;
        ringing.spawn(async move { ring::<P>(&redis).await });
    }
    ringing.join_all().await;

    let letters = dead(&redis).await;
    assert_eq!(letters.len(), spoiled.len());
    for ([projection, stream, position, kind, reason], (at, wanted, says)) in letters.iter().zip(spoiled) {
        assert_eq!((projection.as_str(), stream.as_str()), (P::NAME, "user"));
        assert_eq!((position.as_str(), kind.as_str()), (at.to_string().as_str(), wanted));
        assert!(reason.contains(says), "{reason} does not say {says}");
        let index = format!("{}/user/{at}", P::NAME);
        assert_eq!(number(&redis, "SISMEMBER", &["events:dead:index", &index]).await, 1);
    }
    let model = Model::of(&redis).await;
    assert_eq!(model.users.len(), 10);
    P::agrees(&redis, &model).await;

    // A rebuild meets them again, and does not write them again.
    ask(&redis, "HSET", &[&format!("projection:{}", P::NAME), "building", "2"]).await;
    ring::<P>(&redis).await;
    assert_eq!(dead(&redis).await, letters);
    P::agrees(&redis, &model).await;
}

#[tokio::test]
async fn people_put_aside_once() {
    put_aside_once::<People>().await;
}

#[tokio::test]
async fn directory_put_aside_once() {
    put_aside_once::<Directory>().await;
}

#[tokio::test]
async fn activity_put_aside_once() {
    put_aside_once::<Activity>().await;
}

#[tokio::test]
async fn stats_put_aside_once() {
    put_aside_once::<Stats>().await;
}

#[tokio::test]
async fn each_projection_puts_aside_for_itself() {
    let server = Server::start();
    let redis = server.connect().await;
    by_hand(&redis, Stream::User, &["id", "x", "type", "USER_DELETED", "data", "{}"]).await;
    ring::<People>(&redis).await;
    ring::<Directory>(&redis).await;
    ring::<People>(&redis).await;
    let projections: Vec<_> = dead(&redis).await.into_iter().map(|[projection, ..]| projection).collect();
    assert_eq!(projections, ["people", "directory"]);
}

#[tokio::test]
async fn an_event_is_tried_three_times() {
    let server = Server::start();
    let redis = server.connect().await;
    create(&redis, "Ada", "Lovelace").await;
    ring::<People>(&redis).await;
    ask(&redis, "SET", &["directory:1:index", "no index"]).await;
    ask(&redis, "CONFIG", &["RESETSTAT"]).await;
    assert_eq!(ring::<Directory>(&redis).await, 1);
    // In the batch, three times alone, and the dead letter.
    assert_eq!((calls(&redis, "evalsha").await, calls(&redis, "eval").await), (5, 0));
    let [letter] = &dead(&redis).await[..] else { panic!("one dead letter") };
    assert_eq!((letter[0].as_str(), letter[3].as_str()), ("directory", "USER_CREATED"));
    assert_eq!(letter[4], "key directory:1:index is a string, not a zset");
}

#[tokio::test]
async fn a_spoilt_timeline_spoils_no_other() {
    let server = Server::start();
    let redis = server.connect().await;
    for _ in 0..4 {
        create(&redis, "Ada", "Lovelace").await;
    }
    for (a, b) in [(1, 2), (1, 3), (3, 4), (2, 4)] {
        befriend(&redis, a, b).await;
    }
    ask(&redis, "SET", &["activity:1:of:2", "no timeline"]).await;
    assert_eq!(ring::<Activity>(&redis).await, 8);
    let letters = dead(&redis).await;
    let streams: Vec<_> = letters.iter().map(|letter| letter[1].as_str()).collect();
    assert_eq!(streams, ["user", "friend", "friend"]);
    // A friendship with person 2 is in neither timeline: an event is applied whole or not at all.
    for (id, lines) in [(1, 2), (3, 3), (4, 2)] {
        assert_eq!(number(&redis, "ZCARD", &[&format!("activity:1:of:{id}")]).await, lines, "person {id}");
    }
    assert_eq!(ring::<Activity>(&redis).await, 0);
}

/// Totals that cannot be added to. HINCRBY refuses each of them, in the midst of a batch, when it is too late.
#[tokio::test]
async fn a_total_that_is_no_number_counts_nothing_twice() {
    for total in ["many", "", "007", "-0", "+1", "1.5", " 1", "9223372036854775807", "99999999999999999999"] {
        let server = Server::start();
        let redis = server.connect().await;
        for id in 1..=5 {
            create(&redis, "Ada", "Lovelace").await;
            befriend(&redis, id, 100).await;
        }
        ask(&redis, "HSET", &["stats:1:totals", "users", total]).await;
        assert_eq!(ring::<Stats>(&redis).await, 10, "{total:?}");
        assert_eq!(ring::<Stats>(&redis).await, 0, "{total:?}");
        assert_eq!(texts(&redis, "HMGET", &["stats:1:totals", "users", "friendships"]).await, [total, "5"]);
        let minutes = texts(&redis, "HGETALL", &["stats:1:minutes:2026-11-22"]).await;
        assert_eq!(minutes, ["01:27 friendships", "5"], "{total:?}");
        let letters = dead(&redis).await;
        assert_eq!(letters.len(), 5, "{total:?}");
        assert!(letters[0][4].starts_with("field users of stats:1:totals is no number"), "{}", letters[0][4]);
    }
}

#[tokio::test]
async fn without_dead_letters_nothing_is_applied_and_nobody_waits_for_ever() {
    for key in ["events:dead", "events:dead:index"] {
        let server = Server::start();
        let redis = server.connect().await;
        create(&redis, "Ada", "Lovelace").await;
        by_hand(&redis, Stream::User, &["id", "x", "type", "USER_DELETED"]).await;
        create(&redis, "Grace", "Hopper").await;
        ask(&redis, "SET", &[key, "something else"]).await;
        let stores = Stores { sources: &[(Stream::User, &redis)], target: &redis };
        for _ in 0..3 {
            let ringing = timeout(Duration::from_secs(20), catch_up::<Stats, _>(&stores, at(0))).await;
            let answer = ringing.expect("it gives up");
            assert!(matches!(answer, Err(Error::Refused { .. })), "{answer:?}");
        }
        // What comes before it is applied, once.
        assert_eq!(texts(&redis, "HGETALL", &["stats:1:totals"]).await, ["users", "1"], "{key}");

        ask(&redis, "DEL", &[key]).await;
        assert_eq!(catch_up::<Stats, _>(&stores, at(0)).await.unwrap(), 2);
        assert_eq!(texts(&redis, "HGETALL", &["stats:1:totals"]).await, ["users", "2"], "{key}");
        assert_eq!(dead(&redis).await.len(), 1);
    }
}

#[tokio::test]
async fn a_spoilt_checkpoint_stops_the_projection_and_nothing_else() {
    for key in ["projection:directory:1:checkpoint", "projection:directory"] {
        let server = Server::start();
        let redis = server.connect().await;
        create(&redis, "Ada", "Lovelace").await;
        ask(&redis, "SET", &[key, "something else"]).await;
        let before = everything(&redis).await;
        let stores = Stores { sources: &[(Stream::User, &redis)], target: &redis };
        catch_up::<Directory, _>(&stores, at(0)).await.unwrap_err();
        assert_eq!(everything(&redis).await, before, "{key}");
        ring::<Activity>(&redis).await;
        assert!(views::activity(&redis, person(1), None, 1).await.unwrap().is_some());
    }
}
