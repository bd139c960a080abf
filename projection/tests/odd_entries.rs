//! Entries that no function writes: large, many-fielded, of very different sizes.

mod support;

use redis::{Commands, Connection};
use support::{Redis, Worker, append, befriend, eventually, people};

/// More than the worker takes in one reply.
const TOO_LARGE: usize = 65 << 20;

fn letters(log: &mut Connection) -> Vec<(String, String)> {
    let letters: redis::streams::StreamRangeReply = log.xrange_all("events:dead").unwrap();
    letters.ids.iter().map(|letter| (letter.get("position").unwrap(), letter.get("reason").unwrap())).collect()
}

#[test]
fn an_entry_too_large_to_be_read_becomes_a_dead_letter_and_the_rest_goes_on() {
    let redis = Redis::start();
    let mut log = redis.connection();
    people(&mut log, 1..=4);
    befriend(&mut log, 1, 2);
    let large = append(&mut log, "friend", &[("type", "FRIEND_ADDED"), ("data", &"x".repeat(TOO_LARGE))]);
    befriend(&mut log, 2, 3);
    let worker = Worker::start(&redis);
    assert_eq!(worker.get("/v1/users/1/recommendations").weights(), [(3, 1)]);
    let dead = letters(&mut log);
    assert!(dead.len() == 1 && dead[0].0 == large && dead[0].1.contains("67108864 bytes"), "{dead:?}");

    // And while it follows the stream.
    let large = append(&mut log, "friend", &[("data", &"x".repeat(TOO_LARGE))]);
    let last = befriend(&mut log, 2, 4);
    eventually("it is passed over", || (letters(&mut log).last()?.0 == large).then_some(()));
    worker.wait_until_ready();
    let path = format!("/v1/users/1/recommendations?after=friend:{last}");
    let answer = eventually("the one after it is read", || worker.try_get(&path).filter(|answer| answer.status == 200));
    assert_eq!(answer.weights(), [(3, 1), (4, 1)]);
}

/// Replies are asked for by their size, which is only known afterwards.
#[test]
fn small_and_large_entries_in_any_order_are_all_read() {
    let redis = Redis::start();
    let mut log = redis.connection();
    people(&mut log, 1..=1_200);
    let megabyte = "x".repeat(1 << 20);
    let fields: Vec<(String, &str)> = (0..20_000).map(|number| (format!("f{number}"), "x")).collect();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&name[..], *value)).collect();
    let mut odd = Vec::new();
    for friend in 3..=1_200 {
        befriend(&mut log, 1, friend);
        befriend(&mut log, 2, friend);
        if friend % 100 == 0 {
            odd.push(append(&mut log, "friend", &[("data", &megabyte)]));
            odd.push(append(&mut log, "friend", &fields));
        }
    }
    let worker = Worker::start(&redis);
    assert_eq!(worker.get("/v1/users/1/recommendations").weights(), [(2, 1_198)]);
    assert_eq!(letters(&mut log).into_iter().map(|letter| letter.0).collect::<Vec<_>>(), odd);
    assert!(worker.get("/metrics").text().contains("worker_events_total{type=\"FRIEND_ADDED\"} 2396"));
}
