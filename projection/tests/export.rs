//! Exports through the front doors: events in by Redis, files out by HTTP.

mod support;

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use support::download::{Download, download};
use support::long_log::{Random, add_friendship, change, fill};
use support::network::Network;
use support::{Redis, Worker, befriend, command, eventually, free_port, friends, people, request, user};

fn network(answer: Download) -> Network {
    assert_eq!(answer.status, 200);
    Network::from_json(&answer.text())
}

/// The other formats are read back in `formats.rs`; here they are compared whole.
#[test]
fn everybody_in_each_format() {
    let redis = Redis::start();
    let mut log = redis.connection();
    people(&mut log, 1..=3);
    befriend(&mut log, 3, 1);
    befriend(&mut log, 1, 2);
    friends(&mut log, "FRIEND_REMOVED", 1, 2);
    befriend(&mut log, 1, 40);
    // Named by nothing any more.
    befriend(&mut log, 3, 50);
    let last = friends(&mut log, "FRIEND_REMOVED", 50, 3);
    let worker = Worker::start(&redis);

    let answer = download(worker.port, &format!("/v1/export?after=friend:{last}"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"graph.json\""));
    let last_event = answer.header("last-event").unwrap().to_owned();
    assert!(last_event.ends_with(&last), "{last_event}");
    let text = answer.text();
    assert_eq!(Network::from_json(&text), Network::replay(&mut log, &last_event));
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["lastEvent"], *last_event);
    let ada = serde_json::json!({"id": 1, "known": true, "firstName": "Person", "lastName": "Number 1",
        "createdAt": "2026-11-22T01:27:43.123Z", "updatedAt": "2026-11-22T01:27:43.123Z"});
    assert_eq!(value["people"].as_array().unwrap().iter().find(|person| person["id"] == 1), Some(&ada));
    assert!(value["people"].as_array().unwrap().contains(&serde_json::json!({"id": 40, "known": false})));

    let sorted = |text: String| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let csv = download(worker.port, "/v1/export?format=csv");
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    assert_eq!(sorted(csv.text()), ["1,3", "1,40", "source,target"]);
    let graphml = download(worker.port, "/v1/export?format=graphml").text();
    assert!(graphml.ends_with("<!-- complete: 4 people, 2 friendships -->\n</graphml>\n"), "{graphml}");
    let cypher = download(worker.port, "/v1/users/3/neighbourhood?format=cypher");
    assert_eq!(cypher.header("content-disposition"), Some("attachment; filename=\"neighbourhood-3-1.cypher\""));
    assert!(cypher.text().ends_with("' AS lastEvent, 2 AS people, 1 AS friendships;\n"));
    let metrics = worker.get("/metrics").text();
    assert!(metrics.contains("worker_query_seconds_count{kind=\"export\"} 4"), "{metrics}");
}

#[test]
fn an_empty_graph_is_a_whole_file_too() {
    let redis = Redis::start();
    let worker = Worker::start(&redis);
    assert_eq!(network(download(worker.port, "/v1/export")), Network::default());
    assert_eq!(download(worker.port, "/v1/export?format=csv").text(), "source,target\r\n");
}

/// Friendships come and go and names change while it is read, again and again.
#[test]
fn an_export_is_of_the_moment_that_it_names() {
    let redis = Redis::start();
    let mut log = redis.connection();
    fill(&mut log, 3000, 12_000);
    let worker = Worker::start(&redis);
    let stop = AtomicBool::new(false);
    let stop = &stop;
    let mut moments = std::collections::BTreeSet::new();
    std::thread::scope(|scope| {
        let mut writing = redis.connection();
        scope.spawn(move || {
            let mut random = Random(7);
            while !stop.load(Ordering::Relaxed) {
                change(&mut writing, &mut random, 3100, 200);
                // Every round reads the whole log again: it must not outgrow them.
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        // As often as it takes to see the writer at work: it may be slower than the exports.
        for round in 0..100 {
            if round >= 6 && moments.len() > 6 {
                break;
            }
            // Of each pair, one is of everybody.
            let hub = format!("/v1/users/{}/neighbourhood?steps=2", 1 + round);
            for (number, path) in ["/v1/export", &hub].into_iter().enumerate() {
                let answer = download(worker.port, path);
                let last_event = answer.header("last-event").unwrap().to_owned();
                let whole = Network::replay(&mut log, &last_event);
                let expected = if number == 0 { whole } else { whole.neighbourhood(1 + round, 2) };
                assert!(network(answer) == expected, "at {last_event}");
                moments.insert(last_event);
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(moments.len() > 6, "the writer went on: {moments:?}");
}

/// A hub's list is read in pieces, and everybody is within two steps of it.
#[test]
fn neighbourhoods_are_those_of_a_plain_model() {
    let redis = Redis::start();
    let mut log = redis.connection();
    fill(&mut log, 2500, 4000);
    let mut pipeline = redis::pipe();
    for friend in 2..=2400 {
        add_friendship(&mut pipeline, "FRIEND_ADDED", 1, friend);
    }
    // Only named by friendships, and alone.
    add_friendship(&mut pipeline, "FRIEND_ADDED", 9000, 1);
    add_friendship(&mut pipeline, "FRIEND_ADDED", 9000, 9001);
    pipeline.exec(&mut log).unwrap();
    user(&mut log, "USER_CREATED", 8000, "Alone");
    let worker = Worker::start(&redis);
    let whole = network(download(worker.port, "/v1/export"));
    assert_eq!(whole.neighbourhood(8000, 2).people.len(), 1);
    for id in [1, 2, 77, 2400, 2450, 2499, 8000] {
        for steps in [1, 2] {
            let found = network(download(worker.port, &format!("/v1/users/{id}/neighbourhood?steps={steps}")));
            assert!(found == whole.neighbourhood(id, steps), "{id}, {steps} steps");
        }
    }
}

#[test]
fn refuses_what_makes_no_sense_and_names_the_field() {
    let redis = Redis::start();
    people(&mut redis.connection(), 1..=1);
    befriend(&mut redis.connection(), 1, 2);
    let worker = Worker::start(&redis);
    let cases: [(&str, u16, &[&str]); 11] = [
        ("/v1/export?format=xml", 400, &["format"]),
        ("/v1/export?format=csv&format=csv", 400, &["format"]),
        ("/v1/export?format=&after=x", 400, &["format", "after"]),
        ("/v1/users/1/neighbourhood?steps=0", 400, &["steps"]),
        ("/v1/users/1/neighbourhood?steps=3", 400, &["steps"]),
        ("/v1/users/1/neighbourhood?steps=1&steps=2", 400, &["steps"]),
        ("/v1/users/0/neighbourhood?steps=x&format=y&after=", 400, &["id", "steps", "format", "after"]),
        ("/v1/users/9/neighbourhood", 404, &[]),
        ("/v1/users/2/neighbourhood", 404, &[]),
        ("/v1/export?after=user:99999999999999-0", 503, &[]),
        ("/v1/users/1/neighbourhood/", 404, &[]),
    ];
    for (path, status, fields) in cases {
        let answer = worker.get(path);
        assert_eq!(
            (answer.status, answer.fields()),
            (status, fields.iter().map(|&field| field.to_owned()).collect()),
            "{path}"
        );
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
    }
    assert_eq!(request(worker.port, "POST", "/v1/export").unwrap().status, 405);
    assert_eq!(request(worker.port, "HEAD", "/v1/export").unwrap().status, 200);
}

/// Clients that read a kilobyte a second keep neither the writer nor other queries, nor do they cost memory; and there
/// are only so many of them.
#[test]
fn slow_clients_cost_nothing_and_are_few() {
    let redis = Redis::start();
    let mut log = redis.connection();
    fill(&mut log, 60_000, 400_000);
    let worker = Worker::start(&redis);
    // What a first export leaves in the allocator does not count.
    let size = download(worker.port, "/v1/export").text().len();
    assert!(size > 12_000_000, "more than the sockets take: {size}");
    let before = worker.resident();
    let mut slow = [0; 2].map(|_| download(worker.port, "/v1/export"));
    assert!(slow.iter().all(|answer| answer.status == 200));

    let refused = worker.get("/v1/export");
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    let mut kilobyte = [0; 1024];
    let mut grown = 0;
    for second in 0..3 {
        let start = Instant::now();
        slow.iter_mut().for_each(|answer| answer.read_exact(&mut kilobyte).unwrap());
        let position = befriend(&mut log, 1, 100_000 + second);
        assert_eq!(worker.get(&format!("/v1/users/1/recommendations?after=friend:{position}")).status, 200);
        assert_eq!(download(worker.port, "/v1/users/1/neighbourhood").status, 200, "a lane of their own");
        grown = grown.max(worker.resident().saturating_sub(before));
        std::thread::sleep(Duration::from_secs(1).saturating_sub(start.elapsed()));
    }
    println!("{size} bytes twice, memory grown by {grown} bytes");
    assert!(grown < 8_000_000, "{grown} bytes more");

    // One goes, and there is room for another; the other one gets the whole, of the moment when it began.
    let [gone, mut rest] = slow;
    drop(gone);
    eventually("room for another", || Some(download(worker.port, "/v1/export")).filter(|answer| answer.status == 200));
    let mut text = Vec::new();
    rest.read_to_end(&mut text).expect("whole");
    assert_eq!(text.len() + 3 * kilobyte.len(), size);
}

/// As on a full disk: no file may grow beyond a few kilobytes.
#[test]
fn without_room_for_a_temporary_file_there_is_no_export_and_service_goes_on() {
    let redis = Redis::start();
    fill(&mut redis.connection(), 5000, 60_000);
    let port = free_port();
    let plain = command(&redis.url(), port);
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 100; exec \"$0\" \"$@\""]).arg(plain.get_program());
    limited.args(plain.get_args()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let worker = Worker::started(port, limited.spawn().unwrap());
    for _ in 0..4 {
        let answer = worker.get("/v1/export?format=cypher");
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
        assert!(answer.text().contains("temporary files"), "{}", answer.text());
    }
    assert_eq!(download(port, "/v1/users/1/neighbourhood").status, 200, "a small one needs no file");
    assert_eq!(worker.get("/v1/users/1/recommendations").status, 200);
}
