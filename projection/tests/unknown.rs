//! Friend events may come before the user events that they refer to.

mod support;

use support::{Redis, Worker, befriend, people, user};

#[test]
fn keeps_friendships_of_people_whom_it_does_not_know_yet() {
    let redis = Redis::start();
    let mut log = redis.connection();
    people(&mut log, 1..=2);
    befriend(&mut log, 1, 2);
    let friend = befriend(&mut log, 2, 3);
    let worker = Worker::start(&redis);
    assert_eq!(worker.get(&format!("/v1/users/1/recommendations?after=friend:{friend}")).weights(), []);
    assert_eq!(worker.get("/v1/users/3/recommendations").status, 404);
    assert_eq!(worker.get("/v1/users/1/mutual-friends?friendId=3").status, 404);
    let known = user(&mut log, "USER_CREATED", 3, "Ada");
    assert_eq!(worker.get(&format!("/v1/users/1/recommendations?after=user:{known}")).weights(), [(3, 1)]);
    assert_eq!(worker.get("/v1/users/3/recommendations").weights(), [(1, 1)]);
}

/// Whoever has no name yet takes nobody's place: more are asked for than are sorted at once, and most of the best are
/// unknown.
#[test]
fn an_answer_is_full_although_better_candidates_are_not_known_yet() {
    let redis = Redis::start();
    let mut log = redis.connection();
    people(&mut log, 1..=3);
    let friend = {
        befriend(&mut log, 1, 2);
        befriend(&mut log, 1, 3);
        // Every candidate has one mutual friend, all even ones and every fifth have two. Only the odd ones are known.
        for candidate in 100..700 {
            befriend(&mut log, 2, candidate);
        }
        (100..700).filter(|id| id % 2 == 0 || id % 5 == 0).map(|id| befriend(&mut log, 3, id)).last().unwrap()
    };
    let known = (100..700).filter(|id| id % 2 == 1).map(|id| user(&mut log, "USER_CREATED", id, "Ada")).last().unwrap();
    let worker = Worker::start(&redis);
    let recommended = |limit: usize, after: &str| {
        worker.get(&format!("/v1/users/1/recommendations?limit={limit}&after={after}")).weights()
    };

    // 105, 115, ..., 695 with two; 101, 103, 107, ... with one.
    let expected = || {
        let (two, one): (Vec<u64>, Vec<u64>) = (100..700).filter(|id| id % 2 == 1).partition(|id| id % 5 == 0);
        two.into_iter().map(|id| (id, 2)).chain(one.into_iter().map(|id| (id, 1))).collect::<Vec<_>>()
    };
    let after = format!("user:{known},friend:{friend}");
    for limit in [1, 10, 60, 61, 299, 300, 1_000] {
        assert_eq!(recommended(limit, &after), expected()[..limit.min(300)], "limit {limit}");
    }

    let known = user(&mut log, "USER_CREATED", 100, "Grace");
    assert_eq!(recommended(3, &format!("user:{known}")), [(100, 2), (105, 2), (115, 2)]);
}
