//! One round trip a command; and when a connection breaks, what was sent is sent once more and still recorded once.

use std::sync::atomic::{AtomicBool, Ordering};

use domain::{Current, StreamPosition, Version, event::Stream};
use event_store::{Error, Idempotency, Outcome, Redis, Reply, Value, native::NativeRedis, read};

use crate::{
    broken::{Break, Breaking},
    given::{added, append_friendship, append_user, befriend, create, created, person, recorded, removed, renamed},
    server::{Server, ask, calls, counted, everything, get, number},
};

/// Breaks the first script's connection, in the given way.
fn once(redis: &NativeRedis, how: Break) -> Breaking<impl Fn(usize) -> Option<Break>> {
    Breaking::new(redis, move |script| (script == 0).then_some(how))
}

#[tokio::test]
async fn an_append_is_one_round_trip() {
    let server = Server::start();
    let redis = server.connect().await;
    let ada = create(&redis, "Ada", "Lovelace").await;
    befriend(&redis, 1, 2).await;
    ask(&redis, "CONFIG", &["RESETSTAT"]).await;

    let counted = Breaking::new(&redis, |_| None);
    let idempotency = Some(Idempotency { key: "k", request: "createUser" });
    recorded(append_user(&counted, &created("Grace", "Hopper"), Version::NONE, idempotency).await);
    recorded(append_user(&counted, &renamed(&ada, "Ada", "King"), Version(1), None).await);
    append_user(&counted, &renamed(&ada, "Ada", "Byron"), Version(1), None).await.unwrap();
    let friends = recorded(append_friendship(&counted, &added(1, 3), Version::NONE, &[], None).await);
    append_friendship(&counted, &added(8, 9), Version::NONE, &[person(8), person(9)], None).await.unwrap();
    recorded(append_friendship(&counted, &removed(&friends), Version(1), &[], None).await);

    assert_eq!(counted.sent(), ["EVALSHA"; 6]);
    assert_eq!((calls(&redis, "evalsha").await, calls(&redis, "eval").await), (6, 0));
    assert_eq!(calls(&redis, "xadd").await, 4);
}

#[tokio::test]
async fn a_server_that_forgot_the_scripts_gets_them_again() {
    let server = Server::start();
    let redis = server.connect().await;
    create(&redis, "Ada", "Lovelace").await;
    ask(&redis, "SCRIPT", &["FLUSH"]).await;
    let counted = Breaking::new(&redis, |_| None);
    assert_eq!(create(&counted, "Grace", "Hopper").await.data.unwrap().id, person(2));
    assert_eq!(create(&counted, "Alan", "Turing").await.data.unwrap().id, person(3));
    assert_eq!(counted.sent(), ["EVALSHA", "EVAL", "EVALSHA"]);
    assert_eq!(number(&redis, "XLEN", &["events:user"]).await, 3);
}

#[tokio::test]
async fn a_lost_answer_is_not_a_second_person() {
    let server = Server::start();
    let redis = server.connect().await;
    for (n, how) in [Break::After, Break::Before, Break::After].into_iter().enumerate() {
        let broken = once(&redis, how);
        let current = create(&broken, "Ada", "Lovelace").await;
        let id = n + 1;
        assert_eq!(get(&redis, &format!("user:{id}")).await.unwrap(), serde_json::to_string(&current).unwrap());
        assert_eq!(number(&redis, "XLEN", &["events:user"]).await as usize, id);
        assert_eq!(broken.given_up(), 1);
    }
    assert_eq!(get(&redis, "user:last-id").await.as_deref(), Some("3"));
}

#[tokio::test]
async fn a_lost_answer_is_not_a_second_change() {
    let server = Server::start();
    let redis = server.connect().await;
    let ada = create(&redis, "Ada", "Lovelace").await;
    let renaming = append_user(&once(&redis, Break::After), &renamed(&ada, "Ada", "King"), Version(1), None).await;
    let king = recorded(renaming);
    assert_eq!(get(&redis, "user:1").await.unwrap(), serde_json::to_string(&king).unwrap());

    let adding = append_friendship(&once(&redis, Break::After), &added(2, 1), Version::NONE, &[], None).await;
    let friends = recorded(adding);
    assert_eq!(get(&redis, "friendship:1-2").await.unwrap(), serde_json::to_string(&friends).unwrap());
    let removing = append_friendship(&once(&redis, Break::After), &removed(&friends), Version(1), &[], None).await;
    let parted = recorded(removing);
    assert_eq!(parted, Current { version: Version(2), last_event: parted.last_event, data: None });
    assert_eq!(get(&redis, "friendship:1-2").await.unwrap(), serde_json::to_string(&parted).unwrap());
    assert_eq!(number(&redis, "XLEN", &["events:user"]).await, 2);
    assert_eq!(number(&redis, "XLEN", &["events:friend"]).await, 2);
}

#[tokio::test]
async fn with_a_key_the_lost_answer_is_the_remembered_one() {
    let server = Server::start();
    let redis = server.connect().await;
    let idempotency = Some(Idempotency { key: "k", request: "createUser" });
    let event = created("Ada", "Lovelace");
    let reply = append_user(&once(&redis, Break::After), &event, Version::NONE, idempotency).await.unwrap();
    let Reply::Answered(Outcome::Done(current)) = reply else { panic!("{reply:?}") };
    assert_eq!(get(&redis, "user:1").await.unwrap(), serde_json::to_string(&current).unwrap());
    assert_eq!(number(&redis, "XLEN", &["events:user"]).await, 1);
}

#[tokio::test]
async fn it_is_sent_twice_and_not_for_ever() {
    let server = Server::start();
    let redis = server.connect().await;
    create(&redis, "Ada", "Lovelace").await;
    for how in [Break::Before, Break::After] {
        let broken = Breaking::new(&redis, |_| Some(how));
        let reply = append_user(&broken, &created("Grace", "Hopper"), Version::NONE, None).await;
        assert!(matches!(reply, Err(Error::Connection(_))), "{reply:?}");
        assert_eq!(broken.sent().len(), 2);
    }
    // The one whose answers were lost is there, once.
    assert_eq!(number(&redis, "XLEN", &["events:user"]).await, 2);
}

#[tokio::test]
async fn sent_again_it_is_refused_as_it_would_have_been() {
    let server = Server::start();
    let redis = server.connect().await;
    let ada = create(&redis, "Ada", "Lovelace").await;
    let king = recorded(append_user(&redis, &renamed(&ada, "Ada", "King"), Version(1), None).await);
    let before = everything(&redis).await;
    for how in [Break::Before, Break::After] {
        let reply = append_user(&once(&redis, how), &renamed(&ada, "Ada", "Byron"), Version(1), None).await.unwrap();
        assert_eq!(reply, Reply::Refused { current: king.clone(), unknown: Vec::new() });
    }
    assert_eq!(everything(&redis).await, before);
}

/// Loses the answer to the first script, and lets many others through before anybody notices.
struct Crowded {
    redis: NativeRedis,
    broken: AtomicBool,
    others: usize,
}

impl Redis for Crowded {
    async fn execute(&self, command: &'static str, arguments: Vec<Vec<u8>>) -> Result<Vec<Value>, Error> {
        let answer = self.redis.execute(command, arguments).await;
        if self.broken.swap(true, Ordering::Relaxed) {
            return answer;
        }
        for _ in 0..self.others {
            create(&self.redis, "Some", "Body").await;
        }
        Err(Error::Connection("connection reset".to_owned()))
    }

    fn give_up(&self) {}
}

#[tokio::test]
async fn what_was_recorded_is_found_behind_what_came_after_it() {
    let server = Server::start();
    let redis = server.connect().await;
    create(&redis, "Some", "Body").await;
    for others in [0, 1, 99, 100, 101, 350] {
        let before = number(&redis, "XLEN", &["events:user"]).await;
        let crowded = Crowded { redis: redis.clone(), broken: AtomicBool::new(false), others };
        let ada = create(&crowded, "Ada", "Lovelace").await;
        let user = ada.data.as_ref().unwrap();
        assert_eq!(user.id, person(before as u64 + 1));
        assert_eq!(number(&redis, "XLEN", &["events:user"]).await, before + 1 + others as i64);
        assert_eq!(read::user(&redis, user.id).await.unwrap(), ada);
    }
}

/// Loses a command's answer, and lets more through than anybody looks through, all at once.
struct Flooded(NativeRedis, AtomicBool);

impl Redis for Flooded {
    async fn execute(&self, command: &'static str, arguments: Vec<Vec<u8>>) -> Result<Vec<Value>, Error> {
        let answer = self.0.execute(command, arguments).await;
        if self.1.swap(true, Ordering::Relaxed) {
            return answer;
        }
        let flood = "for i = 1, 11000 do redis.call('XADD', 'events:user', '*', 'id', 'other') end";
        ask(&self.0, "EVAL", &[flood, "0"]).await;
        Err(Error::Connection("connection reset".to_owned()))
    }

    fn give_up(&self) {}
}

#[tokio::test]
async fn what_cannot_be_looked_for_is_refused_and_not_recorded_twice() {
    let server = Server::start();
    let redis = server.connect().await;
    create(&redis, "Some", "Body").await;
    let flooded = Flooded(redis.clone(), AtomicBool::new(false));
    let refused = append_user(&flooded, &created("Ada", "Lovelace"), Version::NONE, None).await.unwrap_err();
    assert!(matches!(&refused, Error::Refused { detail, .. } if detail.contains("cannot be told")), "{refused}");
    assert_eq!(number(&redis, "XLEN", &["events:user"]).await, 11_002);
}

#[tokio::test]
async fn only_what_is_younger_than_the_command_is_looked_through() {
    let server = Server::start();
    let redis = server.connect().await;
    let fill = "for i = 1, 20000 do redis.call('XADD', 'events:user', '1-' .. i, 'id', 'old') end";
    ask(&redis, "EVAL", &[fill, "0"]).await;
    create(&redis, "Ada", "Lovelace").await;
    ask(&redis, "CONFIG", &["RESETSTAT"]).await;
    // When Redis comes back, everybody who waited sends again: looking through 10,000 entries for each takes minutes.
    for _ in 0..50 {
        create(&once(&redis, Break::Before), "Grace", "Hopper").await;
    }
    assert_eq!(calls(&redis, "xrevrange").await, 50);
    assert_eq!(number(&redis, "XLEN", &["events:user"]).await, 20_051);
    // Reading 10,000 entries takes Redis 6 ms at the very least, reading 50 takes it 20 µs.
    let micros = counted(&redis, "xrevrange", "usec").await;
    assert!(micros < 150_000, "{micros} µs");
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_opened_again() {
    let server = Server::start();
    let (redis, other) = (server.connect().await, server.connect().await);
    create(&redis, "Ada", "Lovelace").await;
    for id in 2..=6 {
        ask(&other, "CLIENT", &["KILL", "TYPE", "normal", "SKIPME", "yes"]).await;
        assert_eq!(create(&redis, "Grace", "Hopper").await.data.unwrap().id, person(id));
    }
    assert_eq!(read::entries(&redis, Stream::User, StreamPosition::START, 10).await.unwrap().len(), 6);
}
