//! The worker through its front doors: events in by Redis, answers out by HTTP.

mod support;

use std::time::{Duration, Instant};

use redis::Commands;
use support::{Redis, Worker, append, befriend, event, eventually, friends, people, request, user};

const MAX_ID: u64 = 9_007_199_254_740_991;

#[test]
fn recommends_friends_of_friends_with_names_and_says_how_far_it_is() {
    let redis = Redis::start();
    let mut log = redis.connection();
    people(&mut log, 1..=6);
    user(&mut log, "USER_UPDATED", 5, "Grace");
    for (a, b) in [(1, 2), (1, 3), (2, 4), (4, 3), (2, 5), (3, 6)] {
        befriend(&mut log, a, b);
    }
    let worker = Worker::start(&redis);
    let last = user(&mut log, "USER_CREATED", MAX_ID, "Last");
    let friend = befriend(&mut log, MAX_ID, 3);

    let answer = worker.get(&format!("/v1/users/1/recommendations?after=user:{last},friend:{friend}"));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.weights(), [(4, 2), (5, 1), (6, 1), (MAX_ID, 1)]);
    assert_eq!(answer.header("last-event"), Some(&*format!("user:{last},friend:{friend}")));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("content-length"), Some(&*answer.body.len().to_string()));
    let grace = &answer.json()[1]["user"];
    assert_eq!((grace["firstName"].as_str(), grace["lastName"].as_str()), (Some("Grace"), Some("Number 5")));
    assert_eq!(grace["createdAt"].as_str(), Some("2026-11-22T01:27:43.123Z"));

    assert_eq!(worker.get("/v1/users/1/recommendations?limit=1").weights(), [(4, 2)]);
    let mutual = worker.get("/v1/users/1/mutual-friends?friendId=4").json();
    let ids: Vec<_> = mutual.as_array().unwrap().iter().map(|user| user["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, [2, 3]);

    let removed = friends(&mut log, "FRIEND_REMOVED", 3, 4);
    let answer = worker.get(&format!("/v1/users/1/recommendations?after=friend:{removed}"));
    assert_eq!(answer.weights(), [(4, 1), (5, 1), (6, 1), (MAX_ID, 1)]);
}

#[test]
fn ranks_by_three_measures_and_leads_through_the_whole_ranking() {
    let redis = Redis::start();
    let mut log = redis.connection();
    people(&mut log, 1..=60);
    // Person 1 knows 2 (who knows many) and 3 (who knows few): 2 knows 4 to 60, 3 knows 10 and 20, and 10 knows many.
    befriend(&mut log, 1, 2);
    befriend(&mut log, 1, 3);
    (4..=60).for_each(|other| drop(befriend(&mut log, 2, other)));
    befriend(&mut log, 3, 10);
    befriend(&mut log, 3, 20);
    (30..=49).for_each(|other| drop(befriend(&mut log, 10, other)));
    let worker = Worker::start(&redis);

    // By its definition, from what was written above: degrees are 58 of person 2, 3 of person 3, 22 of 10, 2 of 20.
    let term = |degree: f64| 1.0 / degree.ln();
    let expected = |rank: &str, id: u64| match (rank, id) {
        ("mutual", 10 | 20) => 2.0,
        ("mutual", _) => 1.0,
        ("adamic-adar", 10 | 20) => term(58.0) + term(3.0),
        ("adamic-adar", _) => term(58.0),
        ("jaccard", 10) => 2.0 / 22.0,
        ("jaccard", 20) => 2.0 / 2.0,
        ("jaccard", 30..=49) => 1.0 / 3.0,
        _ => 1.0 / 2.0,
    };
    for rank in ["mutual", "adamic-adar", "jaccard"] {
        let mut whole: Vec<(u64, f64)> = (4..=60).map(|id| (id, expected(rank, id))).collect();
        whole.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let mut found = Vec::new();
        let mut next = Some(format!("?limit=7&rank={rank}"));
        while let Some(query) = next {
            let answer = worker.get(&format!("/v1/users/1/recommendations{query}"));
            assert_eq!(answer.status, 200, "{}", answer.text());
            let page = answer.json();
            let one = |one: &serde_json::Value| (one["user"]["id"].as_u64().unwrap(), one["weight"].as_f64().unwrap());
            found.extend(page.as_array().unwrap().iter().map(one));
            let link = answer.header("link").map(|link| link.strip_suffix(r#">; rel="next""#).unwrap());
            next = link.map(|link| link.strip_prefix('<').unwrap().to_owned());
            assert_eq!(page.as_array().unwrap().len(), if next.is_some() { 7 } else { 57 % 7 });
        }
        assert_eq!(found.len(), whole.len());
        for (found, expected) in found.iter().zip(&whole) {
            assert!(found.0 == expected.0 && (found.1 - expected.1).abs() < 1e-8, "{rank}: {found:?} {expected:?}");
        }
    }
    // Friends in common come in pages too.
    let first = worker.get("/v1/users/1/mutual-friends?friendId=10&limit=1");
    assert_eq!((first.json()[0]["id"].as_u64(), first.json().as_array().unwrap().len()), (Some(2), 1));
    assert_eq!(first.header("link"), Some(r#"<?friendId=10&cursor=2&limit=1>; rel="next""#));
    let second = worker.get("/v1/users/1/mutual-friends?friendId=10&cursor=2&limit=1");
    assert_eq!((second.json()[0]["id"].as_u64(), second.header("link")), (Some(3), None));
}

#[test]
fn refuses_what_makes_no_sense_and_names_the_field() {
    let redis = Redis::start();
    people(&mut redis.connection(), 1..=2);
    let worker = Worker::start(&redis);
    let cases: [(&str, u16, &[&str]); 27] = [
        ("/v1/users/0/recommendations", 400, &["id"]),
        ("/v1/users/01/recommendations", 400, &["id"]),
        ("/v1/users/x/recommendations", 400, &["id"]),
        ("/v1/users/%ff/recommendations", 400, &["id"]),
        ("/v1/users/9007199254740992/recommendations", 400, &["id"]),
        ("/v1/users/1/recommendations?limit=0", 400, &["limit"]),
        ("/v1/users/1/recommendations?limit=1001", 400, &["limit"]),
        ("/v1/users/1/recommendations?limit=5&limit=5", 400, &["limit"]),
        ("/v1/users/1/recommendations?after=17-0", 400, &["after"]),
        ("/v1/users/1/recommendations?after=user:17-0,user:18-0", 400, &["after"]),
        ("/v1/users/0/recommendations?limit=x&after=", 400, &["id", "limit", "after"]),
        ("/v1/users/1/recommendations?rank=best", 400, &["rank"]),
        ("/v1/users/1/recommendations?cursor=3", 400, &["cursor"]),
        ("/v1/users/1/recommendations?cursor=jaccard.1.2.3", 400, &["cursor"]),
        ("/v1/users/x/recommendations?limit=&after=&rank=&cursor=", 400, &["id", "limit", "after", "rank", "cursor"]),
        ("/v1/users/1/mutual-friends?friendId=2&limit=0", 400, &["limit"]),
        ("/v1/users/1/mutual-friends?friendId=2&cursor=0", 400, &["cursor"]),
        ("/v1/users/1/mutual-friends?cursor=x", 400, &["friendId", "cursor"]),
        ("/v1/users/1/mutual-friends", 400, &["friendId"]),
        ("/v1/users/1/mutual-friends?friendId=1", 400, &["friendId"]),
        ("/v1/users/1/mutual-friends?friendId=1e3", 400, &["friendId"]),
        ("/v1/users/3/recommendations", 404, &[]),
        ("/v1/users/1/mutual-friends?friendId=3", 404, &[]),
        ("/v1/users/3/mutual-friends?friendId=1", 404, &[]),
        ("/v1/users/1", 404, &[]),
        ("/v1/users/1/recommendations/", 404, &[]),
        ("/", 404, &[]),
    ];
    for (path, status, fields) in cases {
        let answer = worker.get(path);
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
        assert_eq!(answer.header("content-length"), Some(&*answer.body.len().to_string()), "{path}");
        assert_eq!(answer.json()["status"], status, "{path}");
        assert_eq!(answer.fields(), fields, "{path}");
    }
    for path in ["/v1/users/1/recommendations", "/v1/users/1/mutual-friends", "/healthz", "/readyz", "/metrics"] {
        let answer = request(worker.port, "POST", path).unwrap();
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET,HEAD")), "{path}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
    }
    assert_eq!(worker.get("/v1/users/1/recommendations?limit=1000&unknown=x").status, 200);
    assert_eq!(request(worker.port, "HEAD", "/healthz").unwrap().header("content-length"), Some("15"));
}

#[test]
fn waits_a_second_for_the_events_that_the_caller_wants_to_see() {
    let redis = Redis::start();
    let mut log = redis.connection();
    people(&mut log, 1..=1);
    let worker = Worker::start(&redis);
    let start = Instant::now();
    let answer = worker.get("/v1/users/1/recommendations?after=friend:99999999999999-0");
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert!((Duration::from_millis(900)..Duration::from_secs(2)).contains(&start.elapsed()), "{:?}", start.elapsed());

    // The event comes while the caller waits.
    let (seconds, _): (u64, u64) = redis::cmd("TIME").query(&mut log).unwrap();
    let soon = format!("{}-0", (seconds + 100) * 1000);
    let port = worker.port;
    let path = format!("/v1/users/1/recommendations?after=user:{soon}");
    let waiting = std::thread::spawn(move || request(port, "GET", &path).unwrap());
    std::thread::sleep(Duration::from_millis(200));
    let data = r#"{"id":2,"firstName":"A","lastName":"B","createdAt":"2026-11-22T01:27:43.123Z","updatedAt":"2026-11-22T01:27:43.123Z"}"#;
    let fields = [
        ("id", "x"),
        ("type", "USER_CREATED"),
        ("subject", "user/2"),
        ("version", "1"),
        ("time", "2026-11-22T01:27:43.123Z"),
        ("data", data),
    ];
    let _: String = redis::cmd("XADD").arg("events:user").arg(&soon).arg(&fields).query(&mut log).unwrap();
    assert_eq!(waiting.join().unwrap().status, 200);
}

#[test]
fn what_it_cannot_read_becomes_a_dead_letter_once_and_the_rest_goes_on() {
    let redis = Redis::start();
    let mut log = redis.connection();
    people(&mut log, 1..=3);
    let too_large = format!(r#"{{"id":{},"firstName":"A","lastName":"B"}}"#, MAX_ID + 1);
    let dead = [
        user(&mut log, "USER_DELETED", 1, "Ada"),
        event(&mut log, "user", "USER_CREATED", "user/4", "{"),
        event(&mut log, "user", "USER_CREATED", "user/0", r#"{"id":0,"firstName":"A","lastName":"B"}"#),
        event(&mut log, "user", "USER_CREATED", "user/9007199254740992", &too_large),
        append(&mut log, "user", &[("hello", "world")]),
        redis::cmd("XADD").arg("events:user").arg("*").arg("type").arg(b"\xff\xfe").query(&mut log).unwrap(),
        befriend(&mut log, 1, 1),
        friends(&mut log, "FRIEND_ADDED", 0, 1),
        friends(&mut log, "USER_CREATED", 1, 2),
        event(&mut log, "friend", "FRIEND_ADDED", "friendship/1-2", &"[".repeat(100_000)),
    ];
    befriend(&mut log, 1, 2);
    let last = befriend(&mut log, 2, 3);

    for _ in 0..2 {
        let worker = Worker::start(&redis);
        assert_eq!(worker.get(&format!("/v1/users/1/recommendations?after=friend:{last}")).weights(), [(3, 1)]);
        let letters: redis::streams::StreamRangeReply = log.xrange_all("events:dead").unwrap();
        let mut positions: Vec<String> = letters.ids.iter().map(|letter| letter.get("position").unwrap()).collect();
        let mut expected = dead.to_vec();
        positions.sort();
        expected.sort();
        assert_eq!(positions, expected, "each of them, and none twice after a restart");
        let index: Vec<String> = log.smembers("events:dead:index").unwrap();
        assert!(index.contains(&format!("worker/user/{}", dead[0])) && index.len() == dead.len());
        // By stream and position: entries of the two streams that were made in one millisecond have the same position.
        let place = (Some("user".to_string()), Some(dead[0].clone()));
        let letter = letters.ids.iter().find(|letter| (letter.get("stream"), letter.get("position")) == place).unwrap();
        let field = |name: &str| letter.get::<String>(name).unwrap();
        assert_eq!([field("projection"), field("type")], ["worker", "USER_DELETED"]);
        assert!(field("reason").contains("USER_DELETED") && field("time").ends_with('Z'), "{}", field("reason"));
        assert!(worker.get("/metrics").text().contains("worker_dead_letters_total{stream=\"user\"} 6"));
    }
}

#[test]
fn redis_may_go_and_come_back() {
    let mut redis = Redis::start();
    people(&mut redis.connection(), 1..=3);
    befriend(&mut redis.connection(), 1, 2);
    let worker = Worker::start(&redis);
    redis.stop();
    // Each tail notices by itself.
    eventually("not ready, and why", || {
        let answer = worker.try_get("/readyz").filter(|answer| answer.status == 503)?;
        let down = answer.json();
        ["user", "friend"]
            .iter()
            .all(|stream| down[stream]["status"] == "DOWN")
            .then(|| assert_eq!(down["status"], "DOWN"))
    });
    assert_eq!(worker.get("/healthz").status, 200);
    assert_eq!(worker.get("/v1/users/2/recommendations").status, 200, "what is known can be asked");

    redis.resume();
    let last = befriend(&mut redis.connection(), 2, 3);
    eventually("ready again", || worker.try_get("/readyz").filter(|answer| answer.status == 200));
    assert_eq!(worker.get(&format!("/v1/users/1/recommendations?after=friend:{last}")).weights(), [(3, 1)]);
}

#[test]
fn rings_again_for_a_projection_that_stays_behind() {
    let redis = Redis::start();
    let mut log = redis.connection();
    let mut ears = redis.connection();
    let mut bell = ears.as_pubsub();
    bell.subscribe(&["events:user", "events:friend"]).unwrap();
    bell.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let first = user(&mut log, "USER_CREATED", 1, "Ada");
    let worker = Worker::start(&redis);
    assert_eq!(bell.get_message().unwrap().get_channel_name(), "events:user");
    let metrics = worker.get("/metrics").text();
    assert!(
        metrics.contains("worker_projection_lag_seconds{projection=\"directory\",generation=\"1\",stream=\"user\"}")
    );

    // All are there; one of them in its third generation, while a fourth is being built.
    let _: () = log.hset_multiple("projection:stats", &[("live", "3"), ("building", "4")]).unwrap();
    for projection in ["people:1", "directory:1", "activity:1", "stats:3", "stats:4"] {
        let _: () = log.hset(format!("projection:{projection}:checkpoint"), "user", &first).unwrap();
    }
    bell.set_read_timeout(Some(Duration::from_millis(2500))).unwrap();
    while bell.get_message().is_ok() {}
    bell.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let _: () = log.hset("projection:stats:4:checkpoint", "user", "0-0").unwrap();
    assert_eq!(bell.get_message().unwrap().get_payload::<String>().unwrap(), "user");
    assert!(!worker.get("/metrics").text().contains("projection=\"stats\",generation=\"1\""));
}

#[test]
fn shows_its_figures() {
    let redis = Redis::start();
    let mut log = redis.connection();
    people(&mut log, 1..=3);
    befriend(&mut log, 1, 2);
    let worker = Worker::start(&redis);
    worker.get("/v1/users/1/recommendations");
    let metrics = worker.get("/metrics").text();
    for line in [
        "worker_events_total{type=\"USER_CREATED\"} 3",
        "worker_events_total{type=\"FRIEND_ADDED\"} 1",
        "worker_people 3",
        "worker_friendships 1",
        "worker_connected{stream=\"user\"} 1",
        "worker_query_seconds_count{kind=\"recommendations\"} 1",
        "worker_memory_bytes{part=\"friendships\"} ",
        "worker_memory_bytes{part=\"records\"} ",
        "worker_memory_bytes{part=\"counters\"} ",
        "worker_people_known 3",
        "worker_ready 1",
        "worker_rebuild_progress_ratio 1",
        "worker_position_seconds{stream=\"friend\"} ",
        "# EOF",
    ] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }
}

/// Five hundred events a second, each asked for as soon as it is acknowledged.
#[test]
fn what_is_acknowledged_is_visible_soon() {
    let redis = Redis::start();
    let mut log = redis.connection();
    people(&mut log, 1..=2);
    let worker = Worker::start(&redis);
    let mut times = Vec::new();
    let start = Instant::now();
    for number in 0..500_u32 {
        let due = start + number * Duration::from_millis(2);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let position = befriend(&mut log, 1, u64::from(number) + 2);
        if number % 10 == 0 {
            let acknowledged = Instant::now();
            let answer = worker.get(&format!("/v1/users/1/mutual-friends?friendId=2&after=friend:{position}"));
            assert_eq!(answer.status, 200);
            times.push(acknowledged.elapsed());
        }
    }
    times.sort();
    println!("visible after {:?} (median), {:?} (worst of {})", times[25], times[49], times.len());
    // Generous, for this machine may be doing other things: what is asserted is that nothing polls.
    assert!(times[25] < Duration::from_millis(25), "{:?}", times[25]);
}
