//! Streams from which something was taken: what the worker has not applied yet must be there, or it says what is not.

mod support;

use std::time::Duration;

use redis::{Commands, Connection};
use serde_json::Value;
use support::{Answer, Redis, Worker, befriend, eventually, friends, people, request, user};

const FRIEND: &str = "events:friend";

/// People 1 to 9, and 2 is a friend of 1.
fn network(redis: &Redis) -> Connection {
    let mut log = redis.connection();
    people(&mut log, 1..=9);
    befriend(&mut log, 1, 2);
    log
}

/// A copy of a stream with all that Redis knows of it.
fn copy(log: &mut Connection) -> Vec<u8> {
    redis::cmd("DUMP").arg(FRIEND).query(log).unwrap()
}

fn restore(log: &mut Connection, copy: &[u8]) {
    redis::cmd("RESTORE").arg(FRIEND).arg(0).arg(copy).arg("REPLACE").exec(log).unwrap();
}

fn trim_to(log: &mut Connection, length: u64) {
    redis::cmd("XTRIM").arg(FRIEND).arg("MAXLEN").arg(length).exec(log).unwrap();
}

/// Until `/readyz` complains about the friend stream in such words, and the other one is read.
fn complains(worker: &Worker, words: &str) -> Value {
    eventually(words, || {
        let said = worker.try_get("/readyz").filter(|answer| answer.status == 503)?.json();
        let complains = said["friend"]["detail"].as_str().is_some_and(|detail| detail.contains(words));
        (complains && said["user"]["status"] == "UP").then_some(said)
    })
}

fn says(worker: &Worker, words: &str) {
    eventually(words, || (!worker.said(words).is_empty()).then_some(()));
}

fn recommended(worker: &Worker, id: u64) -> Vec<(u64, u64)> {
    worker.get(&format!("/v1/users/{id}/recommendations")).weights()
}

fn becomes(worker: &Worker, id: u64, expected: &[(u64, u64)]) {
    let answers = |answer: &Answer| answer.status == 200 && answer.weights() == expected;
    let path = format!("/v1/users/{id}/recommendations");
    eventually("the recommendations change", || worker.try_get(&path).filter(answers));
}

#[test]
fn trimmed_before_the_start_it_says_what_is_missing_until_that_is_restored() {
    let redis = Redis::start();
    let mut log = network(&redis);
    befriend(&mut log, 2, 3);
    let first = befriend(&mut log, 2, 4);
    befriend(&mut log, 2, 5);
    let whole = copy(&mut log);
    trim_to(&mut log, 2);

    let worker = Worker::begin(&redis.url());
    let said = complains(
        &worker,
        &format!("2 event(s) after 0-0 missing from events:friend, the first that is still there is {first}"),
    );
    let state = |stream: &str, field: &str| said[stream][field].clone();
    assert_eq!((said["status"].as_str(), said["caughtUp"].as_bool()), (Some("DOWN"), Some(false)));
    assert_eq!((state("friend", "status"), state("friend", "position")), ("DOWN".into(), "0-0".into()));
    assert_eq!((state("friend", "lagEvents"), state("user", "status")), (4.into(), "UP".into()));
    assert_eq!(worker.get("/healthz").status, 200);
    // It stays so, and is said once, not at every look.
    std::thread::sleep(Duration::from_millis(2_500));
    assert_eq!(worker.get("/readyz").json()["friend"]["position"], "0-0");
    let lines = worker.said("missing from events:friend");
    assert!(lines.len() == 1 && lines[0].contains("ERROR"), "{lines:?}");
    assert!(worker.get("/metrics").text().contains("worker_lag_events{stream=\"friend\"} 4"));

    restore(&mut log, &whole);
    worker.wait_until_ready();
    assert_eq!(recommended(&worker, 1), [(3, 1), (4, 1), (5, 1)]);
    says(&worker, "the missing events are there again");
}

#[test]
fn trimmed_while_it_was_paused_it_answers_as_before_and_goes_no_further() {
    let redis = Redis::start();
    let mut log = network(&redis);
    let worker = Worker::start(&redis);
    befriend(&mut log, 2, 3);
    becomes(&worker, 1, &[(3, 1)]);

    worker.pause();
    // It waits for one, so that Redis sends this one to it at once.
    let sent = befriend(&mut log, 2, 4);
    befriend(&mut log, 2, 5);
    befriend(&mut log, 2, 6);
    let there = befriend(&mut log, 2, 7);
    let whole = copy(&mut log);
    trim_to(&mut log, 1);
    worker.go_on();

    let words = format!("2 event(s) after {sent} missing from events:friend, the first that is still there is {there}");
    assert_eq!(complains(&worker, &words)["caughtUp"], true);
    // And not 7, who came after the gap.
    becomes(&worker, 1, &[(3, 1), (4, 1)]);
    assert_eq!(worker.get("/readyz").json()["friend"]["position"], sent);
    // What comes later does not make it forget.
    befriend(&mut log, 2, 8);
    let known = user(&mut log, "USER_CREATED", 10, "Ada");
    let path = format!("/v1/users/10/recommendations?after=user:{known}");
    assert_eq!(worker.get(&path).status, 200, "the other stream goes on");
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(recommended(&worker, 1), [(3, 1), (4, 1)]);

    restore(&mut log, &whole);
    worker.wait_until_ready();
    becomes(&worker, 1, &[(3, 1), (4, 1), (5, 1), (6, 1), (7, 1)]);
}

#[test]
fn deleted_in_the_middle_of_what_it_has_not_read() {
    let redis = Redis::start();
    let mut log = network(&redis);
    let worker = Worker::start(&redis);
    worker.pause();
    let sent = befriend(&mut log, 2, 3);
    let next = befriend(&mut log, 2, 4);
    let gone = befriend(&mut log, 2, 5);
    befriend(&mut log, 2, 6);
    let whole = copy(&mut log);
    let _: u32 = log.xdel(FRIEND, &[&gone]).unwrap();
    worker.go_on();
    let words = format!("1 event(s) after {sent} missing from events:friend, the first that is still there is {next}");
    complains(&worker, &words);
    becomes(&worker, 1, &[(3, 1)]);

    // A new worker counts to the same.
    let other = Worker::begin(&redis.url());
    complains(&other, "1 event(s) after 0-0 missing");

    restore(&mut log, &whole);
    for worker in [worker, other] {
        worker.wait_until_ready();
        becomes(&worker, 1, &[(3, 1), (4, 1), (5, 1), (6, 1)]);
    }
}

#[test]
fn trimmed_behind_it_nothing_is_missing_but_it_warns_of_rebuilding() {
    let redis = Redis::start();
    let mut log = network(&redis);
    for friend in 3..=6 {
        befriend(&mut log, 2, friend);
    }
    let worker = Worker::start(&redis);
    let expected = [(3, 1), (4, 1), (5, 1), (6, 1)];
    assert_eq!(recommended(&worker, 1), expected);
    trim_to(&mut log, 3);
    says(&worker, "a rebuild from its beginning would lack them");
    trim_to(&mut log, 0);
    // Deleted after it was applied: the next ones show that it has been seen.
    let last = befriend(&mut log, 2, 7);
    becomes(&worker, 1, &[&expected[..], &[(7, 1)]].concat());
    let _: u32 = log.xdel(FRIEND, &[last]).unwrap();
    befriend(&mut log, 2, 8);
    becomes(&worker, 1, &[&expected[..], &[(7, 1), (8, 1)]].concat());
    friends(&mut log, "FRIEND_REMOVED", 2, 3);
    becomes(&worker, 1, &[(4, 1), (5, 1), (6, 1), (7, 1), (8, 1)]);
    assert_eq!(worker.get("/readyz").status, 200);
    let warnings = worker.said("a rebuild from its beginning would lack them");
    assert!(warnings.len() == 1 && warnings[0].contains("WARN"), "once: {warnings:?}");
    assert!(worker.said("ERROR").is_empty(), "{:?}", worker.said("ERROR"));

    // It cannot build itself anew, and stays as it is.
    let rebuild = || request(worker.port, "POST", "/v1/rebuild").unwrap().status;
    assert_eq!(rebuild(), 202);
    says(&worker, "events are missing from a stream, see above");
    becomes(&worker, 1, &[(4, 1), (5, 1), (6, 1), (7, 1), (8, 1)]);
    assert_eq!(worker.get("/readyz").status, 200);
    assert!(worker.get("/metrics").text().contains("worker_rebuilds_total 0"));
    eventually("another try is possible", || (rebuild() == 202).then_some(()));

    // Another one cannot begin.
    let other = Worker::begin(&redis.url());
    complains(&other, "6 event(s) after 0-0 missing");
}

#[test]
fn what_never_was_is_not_missing() {
    let redis = Redis::start();
    let mut log = network(&redis);
    befriend(&mut log, 2, 3);
    let last = befriend(&mut log, 2, 4);
    befriend(&mut log, 1, 5);
    trim_to(&mut log, 3);
    let worker = Worker::begin(&redis.url());
    complains(&worker, "1 event(s) after 0-0 missing");
    let accept = |log: &mut Connection, length: u32| {
        let end: Vec<String> = log
            .xrevrange_count::<_, _, _, _, redis::streams::StreamRangeReply>(FRIEND, "+", "-", 1)
            .unwrap()
            .ids
            .into_iter()
            .map(|entry| entry.id)
            .collect();
        let mut command = redis::cmd("XSETID");
        command.arg(FRIEND).arg(&end[0]).arg("ENTRIESADDED").arg(length).arg("MAXDELETEDID").arg("0-1");
        command.exec(log).unwrap();
    };
    accept(&mut log, 3);
    worker.wait_until_ready();
    assert_eq!(recommended(&worker, 5), []);
    assert_eq!(recommended(&worker, 3), [(4, 1)]);

    // A worker that has applied what never was reads what is there.
    worker.pause();
    befriend(&mut log, 5, 6);
    let gone = befriend(&mut log, 5, 7);
    befriend(&mut log, 5, 8);
    let _: u32 = log.xdel(FRIEND, &[gone, last]).unwrap();
    worker.go_on();
    complains(&worker, "1 event(s) after");
    accept(&mut log, 4);
    worker.wait_until_ready();
    becomes(&worker, 1, &[(6, 1), (8, 1)]);
}

/// Restored from a copy that lacks the newest events, while the worker is connected or away.
#[test]
fn a_log_that_lost_its_end_is_read_again() {
    for restart in [false, true] {
        let mut redis = Redis::start();
        let mut log = network(&redis);
        let older = copy(&mut log);
        befriend(&mut log, 2, 3);
        let worker = Worker::start(&redis);
        assert_eq!(recommended(&worker, 1), [(3, 1)]);
        worker.pause();
        restore(&mut log, &older);
        if restart {
            redis.stop();
            redis.resume();
            log = redis.connection();
        }
        worker.go_on();
        becomes(&worker, 1, &[]);
        worker.wait_until_ready();
        befriend(&mut log, 2, 4);
        becomes(&worker, 1, &[(4, 1)]);
        says(&worker, "Redis has lost events");
    }
}

/// Newer events hide from the positions that older ones were lost; the counts tell.
#[test]
fn a_log_that_lost_its_end_and_went_on_is_read_again() {
    let redis = Redis::start();
    let mut log = network(&redis);
    let older = copy(&mut log);
    befriend(&mut log, 2, 3);
    befriend(&mut log, 2, 4);
    let worker = Worker::start(&redis);
    worker.pause();
    restore(&mut log, &older);
    befriend(&mut log, 2, 5);
    worker.go_on();
    becomes(&worker, 1, &[(5, 1)]);
    worker.wait_until_ready();
}

#[test]
fn a_log_that_was_deleted_and_begun_anew_is_read_from_its_beginning() {
    let redis = Redis::start();
    let mut log = network(&redis);
    befriend(&mut log, 2, 3);
    let worker = Worker::start(&redis);
    let _: u32 = log.del(FRIEND).unwrap();
    becomes(&worker, 1, &[]);
    befriend(&mut log, 1, 4);
    befriend(&mut log, 4, 5);
    becomes(&worker, 1, &[(5, 1)]);

    // And while it does not look.
    worker.pause();
    let _: u32 = log.del(FRIEND).unwrap();
    befriend(&mut log, 1, 6);
    befriend(&mut log, 6, 7);
    worker.go_on();
    becomes(&worker, 1, &[(7, 1)]);
    worker.wait_until_ready();
}
