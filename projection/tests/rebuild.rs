//! The view is built anew while it answers, and keeps to its memory.

mod support;

use std::sync::atomic::{AtomicBool, Ordering};

use support::{Redis, Worker, befriend, eventually, friends, people, request, user};

fn figure(worker: &Worker, name: &str) -> f64 {
    let text = worker.get("/metrics").text();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
    line.unwrap_or_else(|| panic!("no {name} in {text}"))
}

/// Person 1 knows many, and all of them know person 2.
fn network(log: &mut redis::Connection, friends: u64) -> String {
    people(log, 1..=friends + 2);
    (3..=friends + 2).map(|friend| [befriend(log, 1, friend), befriend(log, friend, 2)]).last().unwrap()[1].clone()
}

#[test]
fn a_rebuild_goes_on_beside_queries_and_writes_and_changes_no_answer() {
    let redis = Redis::start();
    let mut log = redis.connection();
    network(&mut log, 500);
    let worker = Worker::start(&redis);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let answer = worker.get("/v1/users/1/recommendations?limit=1");
                assert_eq!((answer.status, answer.weights()), (200, vec![(2, 500)]));
            }
        });
        for round in 1..=3 {
            let answer = request(worker.port, "POST", "/v1/rebuild").unwrap();
            assert_eq!((answer.status, answer.text().as_str()), (202, r#"{"status":"REBUILDING"}"#));
            // What happens meanwhile is in the new view as well.
            let last = befriend(&mut log, 2, 3 + round + 500);
            let after = format!("/v1/users/1/recommendations?limit=1&after=friend:{last}");
            assert_eq!(worker.get(&after).weights(), [(2, 500)]);
            eventually("it is rebuilt", || (figure(&worker, "worker_rebuilds_total") == round as f64).then_some(()));
            let renamed = user(&mut log, "USER_UPDATED", 2, "Round");
            let answer = worker.get(&format!("/v1/users/1/recommendations?limit=1&after=user:{renamed}"));
            assert_eq!(answer.json()[0]["user"]["firstName"], "Round");
        }
        done.store(true, Ordering::Relaxed);
        asking.join().unwrap();
    });
    assert_eq!(figure(&worker, "worker_rebuild_progress_ratio"), 1.0);
    assert_eq!(figure(&worker, "worker_friendships"), 1003.0);
    // Each event is counted when it is applied to the view that answers, and not again.
    assert_eq!(figure(&worker, "worker_events_total{type=\"FRIEND_ADDED\"}"), 1003.0);

    worker.signal("HUP");
    eventually("it is rebuilt", || (figure(&worker, "worker_rebuilds_total") == 4.0).then_some(()));
    let removed = friends(&mut log, "FRIEND_REMOVED", 1, 3);
    let answer = worker.get(&format!("/v1/users/1/recommendations?limit=1&after=friend:{removed}"));
    assert_eq!(answer.weights(), [(2, 499)]);
}

#[test]
fn one_rebuild_at_a_time() {
    let mut redis = Redis::start();
    people(&mut redis.connection(), 1..=1);
    let worker = Worker::start(&redis);
    // Without Redis it waits.
    redis.stop();
    assert_eq!(request(worker.port, "POST", "/v1/rebuild").unwrap().status, 202);
    let second = request(worker.port, "POST", "/v1/rebuild").unwrap();
    assert_eq!((second.status, second.json()["type"].as_str()), (409, Some("/problems/conflict")));
    assert_eq!(worker.get("/v1/users/1/recommendations").status, 200);
    redis.resume();
    eventually("it is rebuilt", || (figure(&worker, "worker_rebuilds_total") == 1.0).then_some(()));
    assert_eq!(worker.get("/v1/rebuild").status, 405);
}

#[test]
fn what_the_memory_has_no_room_for_waits_in_redis() {
    let redis = Redis::start();
    let mut log = redis.connection();
    let last = network(&mut log, 50);
    let worker = Worker::begin_with(&redis.url(), &["--memory-budget", "1M"]);
    worker.wait_until_ready();
    let answer = worker.get(&format!("/v1/users/1/recommendations?limit=1&after=friend:{last}"));
    assert_eq!(answer.weights(), [(2, 50)]);
    assert_eq!(figure(&worker, "worker_memory_budget_bytes"), f64::from(1 << 20));

    people(&mut log, 1_000..=30_000);
    let unready = eventually("it is full", || worker.try_get("/readyz").filter(|answer| answer.status == 503));
    assert!(unready.json()["detail"].as_str().unwrap().contains("memory budget"), "{}", unready.text());
    assert_eq!(figure(&worker, "worker_over_budget"), 1.0);
    assert!(figure(&worker, "worker_people") < 30_000.0);
    assert_eq!(worker.get("/v1/users/1/recommendations?limit=1").weights(), [(2, 50)], "it goes on answering");
    let refused = request(worker.port, "POST", "/v1/rebuild").unwrap();
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("memory budget"), "{}", refused.text());

    // With more of it everything is there.
    drop(worker);
    let worker = Worker::begin_with(&redis.url(), &["--memory-budget", "1G"]);
    worker.wait_until_ready();
    assert_eq!(figure(&worker, "worker_people"), 29_001.0 + 52.0);
}
